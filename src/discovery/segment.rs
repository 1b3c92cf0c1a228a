//! Whose announcements count: those from the segment they came in by.
//!
//! An announcement makes us fetch from its source, and UDP sources can be forged; so only hosts
//! that are on the link of the receiving interface are heard, and those the operator named.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::interfaces::Interface;

/// What the operator said about who is near.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// Addresses the node is bound to; empty: all.
    pub bound: Vec<IpAddr>,
    /// Interfaces it keeps to; empty: all.
    pub only: Vec<String>,
    /// Hosts named with `--neighbour`.
    pub named: Vec<IpAddr>,
    /// It does without IPv6.
    pub v4_only: bool,
}

/// Where an announcement came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A host we may fetch from.
    Near,
    /// This very host.
    Here,
    /// Anything else: not on the link, loopback, broadcast, an interface we do not use.
    Elsewhere,
}

impl Segment {
    /// Judges a datagram's source by the interface that received it.
    #[must_use]
    pub fn origin(&self, source: SocketAddr, interface: Option<u32>, interfaces: &[Interface]) -> Origin {
        let ip = source.ip().to_canonical();
        if self.bound.contains(&ip) {
            return Origin::Here;
        }
        if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Origin::Elsewhere;
        }
        if ip.is_loopback() {
            return self.loopback_origin(ip);
        }
        if interfaces.iter().any(|i| i.is_own(ip)) {
            // A bound node may have a sister on another address of this machine.
            return if self.bound.is_empty() { Origin::Here } else { Origin::Near };
        }
        if self.named.contains(&ip) {
            return Origin::Near;
        }
        let near = interfaces
            .iter()
            .filter(|i| Some(i.index) == interface && self.uses(i))
            .any(|i| i.has_on_link(ip) && scope_fits(source, i));
        if near { Origin::Near } else { Origin::Elsewhere }
    }

    /// Only a node that is bound to a loopback address takes 127.0.0.0/8 as its segment: the
    /// LAN of tests.
    fn loopback_origin(&self, ip: IpAddr) -> Origin {
        let on_loopback = self.bound.iter().any(IpAddr::is_loopback);
        if on_loopback && ip.is_ipv4() && ip != IpAddr::from([127, 255, 255, 255]) {
            Origin::Near
        } else {
            Origin::Elsewhere
        }
    }

    /// Whether the node uses this interface.
    #[must_use]
    pub fn uses(&self, interface: &Interface) -> bool {
        let chosen = self.only.is_empty() || self.only.iter().any(|name| **name == *interface.name);
        let bound = self.bound.is_empty()
            || self.bound.iter().any(|ip| interface.is_own(*ip) || (interface.is_loopback && ip.is_loopback()));
        chosen && bound
    }
}

/// A link-local source must carry the scope of the interface it came in by.
fn scope_fits(source: SocketAddr, interface: &Interface) -> bool {
    match source {
        SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() => v6.scope_id() == interface.index,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::interfaces::tests::interface;
    use super::*;

    fn origin(segment: &Segment, source: &str, by: u32) -> Origin {
        let interfaces = [
            interface("lo", 1, "127.0.0.1", 8, "::1"),
            interface("eth0", 2, "192.168.1.7", 24, "fe80::7"),
            interface("wlan0", 3, "10.0.0.7", 8, "fe80::8"),
        ];
        let source = match source.parse::<IpAddr>().unwrap() {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => std::net::SocketAddrV6::new(ip, 9, 0, 2).into(),
            ip => SocketAddr::new(ip, 9),
        };
        segment.origin(source, Some(by), &interfaces)
    }

    #[test]
    fn only_the_receiving_interfaces_own_network_is_near() {
        let any = Segment::default();
        for (source, by, expected) in [
            ("192.168.1.8", 2, Origin::Near),
            ("192.168.1.8", 3, Origin::Elsewhere),
            ("10.1.2.3", 3, Origin::Near),
            ("10.1.2.3", 2, Origin::Elsewhere),
            ("8.8.8.8", 2, Origin::Elsewhere),
            ("127.0.0.1", 1, Origin::Elsewhere),
            ("127.0.0.9", 2, Origin::Elsewhere),
            ("::1", 1, Origin::Elsewhere),
            ("0.0.0.0", 2, Origin::Elsewhere),
            ("255.255.255.255", 2, Origin::Elsewhere),
            ("192.168.1.255", 2, Origin::Elsewhere),
            ("224.0.0.1", 2, Origin::Elsewhere),
            ("169.254.1.1", 2, Origin::Elsewhere),
            ("192.168.1.7", 2, Origin::Here),
            ("fe80::9", 2, Origin::Near),
            ("fe80::9", 3, Origin::Elsewhere),
            ("::ffff:192.168.1.8", 2, Origin::Near),
            ("2001:db8::1", 2, Origin::Elsewhere),
        ] {
            assert_eq!(origin(&any, source, by), expected, "{source} by {by}");
        }
    }

    #[test]
    fn a_named_neighbour_may_be_beyond_the_link() {
        let segment = Segment { named: vec!["172.16.0.9".parse().unwrap()], ..Segment::default() };
        assert_eq!(origin(&segment, "172.16.0.9", 2), Origin::Near);
        assert_eq!(origin(&segment, "172.16.0.8", 2), Origin::Elsewhere);
    }

    #[test]
    fn only_a_node_bound_to_loopback_hears_loopback() {
        let segment = Segment { bound: vec!["127.0.0.2".parse().unwrap()], ..Segment::default() };
        assert_eq!(origin(&segment, "127.0.0.3", 1), Origin::Near);
        assert_eq!(origin(&segment, "127.0.0.2", 1), Origin::Here);
        assert_eq!(origin(&segment, "192.168.1.8", 2), Origin::Elsewhere);
    }

    #[test]
    fn an_interface_that_is_not_chosen_is_not_heard() {
        let segment = Segment { only: vec!["wlan0".into()], ..Segment::default() };
        assert_eq!(origin(&segment, "192.168.1.8", 2), Origin::Elsewhere);
        assert_eq!(origin(&segment, "10.0.0.8", 3), Origin::Near);
    }
}
