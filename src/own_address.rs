//! Which of our addresses we tell to whom: to programs, where this node serves Napster peers, always
//! an address of each family, chosen by the address at which they reached us (`docs/PROTOCOL.md`,
//! sections 6 and 7); to people, what to open in a browser, the best first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::discovery::interfaces::{Interface, Interfaces};
use crate::discovery::links::LinkKind;
use crate::discovery::segment::Segment;
use crate::wire::napster::PeerAddress;

/// Where this node serves Napster peers.
#[derive(Clone, Debug)]
pub struct OwnPeer {
    /// Our addresses.
    pub interfaces: Interfaces,
    /// Where the port is open; 0.0.0.0 and :: for all of a family.
    pub bound: Arc<[IpAddr]>,
    /// The port.
    pub port: u16,
}

impl OwnPeer {
    /// What is told to somebody who reached us at `local`.
    #[must_use]
    pub fn address(&self, local: IpAddr) -> PeerAddress {
        peer_address(&self.interfaces.current(), &self.bound, local, self.port)
    }
}

/// For somebody who reached us at `local`. Of addresses that do not answer none is told: `bound` are
/// those at which the port is open, 0.0.0.0 or :: for all of a family; empty for all there are.
///
/// Both halves are of the interface of `local` if they can be. Without IPv4 the first is 0.0.0.0;
/// without IPv6 beyond the link the second is the first in IPv6 clothes.
#[must_use]
pub fn peer_address(interfaces: &[Interface], bound: &[IpAddr], local: IpAddr, port: u16) -> PeerAddress {
    let local = local.to_canonical();
    let is_bound = |to: &IpAddr, ip: &IpAddr| to == ip || (to.is_unspecified() && to.is_ipv4() == ip.is_ipv4());
    let answers = |ip: &IpAddr| bound.is_empty() || bound.iter().any(|to| is_bound(to, ip));
    let here = interfaces.iter().find(|interface| interface.is_own(local));
    let v4 = match local {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(Ipv6Addr::LOCALHOST) if answers(&Ipv4Addr::LOCALHOST.into()) => Ipv4Addr::LOCALHOST,
        IpAddr::V6(_) => {
            let elsewhere = interfaces.iter().filter(|interface| !interface.is_loopback);
            let candidates = here.into_iter().chain(elsewhere).flat_map(|interface| &interface.v4);
            candidates.map(|own| own.ip).find(|v4| answers(&(*v4).into())).unwrap_or(Ipv4Addr::UNSPECIFIED)
        }
    };
    let v6 = match local {
        IpAddr::V6(v6) if !v6.is_unicast_link_local() => Some(v6),
        // 127.0.0.2 and ::1 are on one interface, but seldom one node.
        _ if local.is_loopback() => None,
        _ => here
            .into_iter()
            .flat_map(|interface| &interface.v6)
            .map(|(v6, _)| *v6)
            .find(|v6| !v6.is_unicast_link_local() && !v6.is_loopback() && answers(&(*v6).into())),
    };
    PeerAddress { v4, v6: v6.unwrap_or_else(|| v4.to_ipv6_mapped()), port }
}

/// Addresses of one interface that people are told; privacy gives IPv6 many.
const PER_FAMILY_MAX: usize = 2;

/// Our addresses that others can open in a browser, the best first: on cables and radio rather than
/// in tunnels and among containers, where everything else goes rather than elsewhere, IPv4 because it
/// is shorter. Empty if only this machine can. Link-local ones of IPv6 are left out: no browser opens
/// them.
#[must_use]
pub fn for_people(
    interfaces: &[Interface],
    segment: &Segment,
    kind: impl Fn(&str) -> LinkKind,
    default_route: Option<&str>,
) -> Vec<IpAddr> {
    if !segment.bound.is_empty() {
        let is_open = |ip: &&IpAddr| !is_link_local_v6(**ip);
        return segment.bound.iter().filter(is_open).copied().collect();
    }
    let used = interfaces.iter().filter(|interface| segment.uses(interface) && !interface.is_loopback);
    let ranked = used.flat_map(|interface| {
        let far = match kind(&interface.name) {
            LinkKind::Wire | LinkKind::Wifi => 0,
            LinkKind::Tunnel | LinkKind::Loopback => 1,
            LinkKind::Virtual => 2,
        };
        let is_aside = default_route != Some(&*interface.name);
        let v4 = interface.v4.iter().map(|own| IpAddr::V4(own.ip)).take(PER_FAMILY_MAX);
        let v6 = interface.v6.iter().map(|(ip, _)| IpAddr::V6(*ip)).filter(|ip| !is_link_local_v6(*ip));
        let v6 = v6.filter(|_| !segment.v4_only).take(PER_FAMILY_MAX);
        v4.chain(v6).map(move |ip| ((far, gave_itself(ip), is_aside, ip.is_ipv6(), !is_of_a_lan(ip)), ip))
    });
    let mut ranked: Vec<_> = ranked.collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, ip)| ip).collect()
}

/// The same for somebody who reached us at `local`: it works for them, so it is the best, unless
/// only this machine can open it.
#[must_use]
pub fn for_visitor(local: IpAddr, all: Vec<IpAddr>) -> Vec<IpAddr> {
    let local = local.to_canonical();
    if local.is_loopback() || is_link_local_v6(local) {
        return all;
    }
    let others = all.into_iter().filter(|ip| *ip != local);
    std::iter::once(local).chain(others).collect()
}

fn is_link_local_v6(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// 169.254.0.0/16 (RFC 3927).
fn gave_itself(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.is_link_local())
}

/// Networks of homes and rooms rather than of the internet (RFC 1918, RFC 4193).
fn is_of_a_lan(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private(),
        IpAddr::V6(ip) => ip.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::interfaces::V4Address;

    #[test]
    fn people_are_told_the_address_that_works_for_most() {
        let interfaces = [
            interface("lo", &["127.0.0.1"], &["::1"]),
            interface("docker0", &["172.17.0.1"], &[]),
            interface("eth1", &["192.168.9.7"], &["fe80::9"]),
            interface("wg0", &["10.9.0.2"], &[]),
            interface("wlan0", &["203.0.113.7", "10.0.0.7"], &["fe80::8", "2001:db8::8", "fd00::8", "fd00::9"]),
            interface("usb0", &["169.254.3.4"], &[]),
        ];
        let kind = |name: &str| match name {
            "docker0" => LinkKind::Virtual,
            "wg0" => LinkKind::Tunnel,
            _ => LinkKind::Wire,
        };
        let told = |segment: &Segment, route: Option<&str>| -> Vec<String> {
            for_people(&interfaces, segment, kind, route).iter().map(ToString::to_string).collect()
        };
        let rest = ["169.254.3.4", "10.9.0.2", "172.17.0.1"];
        let v4_only = Segment { v4_only: true, ..Segment::default() };
        assert_eq!(told(&v4_only, Some("wlan0"))[..3], ["10.0.0.7", "203.0.113.7", "192.168.9.7"]);
        assert_eq!(told(&v4_only, Some("wlan0"))[3..], rest);
        assert_eq!(told(&Segment::default(), Some("eth1"))[..2], ["192.168.9.7", "10.0.0.7"]);
        let all = told(&Segment::default(), None);
        assert!(all.contains(&"fd00::8".into()) && !all.contains(&"fd00::9".into()), "{all:?}: two of a family");
        let only = Segment { only: vec!["wg0".into()], ..Segment::default() };
        assert_eq!(told(&only, None), ["10.9.0.2"], "where the operator wants it");
        let bound = Segment { bound: vec!["127.0.0.2".parse().unwrap()], ..Segment::default() };
        assert_eq!(told(&bound, None), ["127.0.0.2"], "a node of a test");
    }

    #[test]
    fn a_visitor_is_told_the_address_that_they_used() {
        let all = || ["10.0.0.7", "192.168.9.7"].map(|ip| ip.parse::<IpAddr>().unwrap()).to_vec();
        for (local, expected, why) in [
            ("192.168.9.7", &["192.168.9.7", "10.0.0.7"][..], "it works"),
            ("::ffff:192.168.9.7", &["192.168.9.7", "10.0.0.7"], "in IPv6 clothes"),
            ("172.16.0.9", &["172.16.0.9", "10.0.0.7", "192.168.9.7"], "one that is not listed yet"),
            ("127.0.0.1", &["10.0.0.7", "192.168.9.7"], "the operator's own"),
            ("fe80::7", &["10.0.0.7", "192.168.9.7"], "no browser opens it"),
        ] {
            let told: Vec<String> =
                for_visitor(local.parse().unwrap(), all()).iter().map(ToString::to_string).collect();
            assert_eq!(told, expected, "{why}");
        }
    }

    fn interface(name: &str, v4: &[&str], v6: &[&str]) -> Interface {
        let v4 = v4.iter().map(|ip| V4Address { ip: ip.parse().unwrap(), prefix: 24, broadcast: None });
        let v6 = v6.iter().map(|ip| (ip.parse().unwrap(), 64));
        Interface { name: name.into(), index: 1, is_loopback: name == "lo", v4: v4.collect(), v6: v6.collect() }
    }

    #[test]
    fn both_halves_are_where_we_answer() {
        let interfaces = [
            interface("lo", &["127.0.0.1"], &["::1"]),
            interface("eth0", &["192.168.1.7", "192.168.1.8"], &["fe80::7", "fd00::7", "2001:db8::7"]),
            interface("wlan0", &["10.0.0.7"], &["fe80::8"]),
            interface("tun0", &[], &["fd00:9::7"]),
        ];
        for (bound, local, v4, v6, why) in [
            (&[][..], "192.168.1.7", "192.168.1.7", "fd00::7", "IPv6 of the same interface, not of the link"),
            (&[], "192.168.1.8", "192.168.1.8", "fd00::7", "the very address"),
            (&[], "::ffff:192.168.1.8", "192.168.1.8", "fd00::7", "in IPv6 clothes"),
            (&[], "2001:db8::7", "192.168.1.7", "2001:db8::7", "IPv4 of the same interface"),
            (&[], "fe80::7", "192.168.1.7", "fd00::7", "link-local ones are told to nobody"),
            (&[], "10.0.0.7", "10.0.0.7", "::ffff:10.0.0.7", "no IPv6 beyond the link"),
            (&[], "fe80::8", "10.0.0.7", "::ffff:10.0.0.7", "no IPv6 beyond the link"),
            (&[], "fd00:9::7", "192.168.1.7", "fd00:9::7", "IPv4 of another interface, not the loopback"),
            (&[], "172.16.0.1", "172.16.0.1", "::ffff:172.16.0.1", "an interface that is not listed yet"),
            (&[], "127.0.0.1", "127.0.0.1", "::ffff:127.0.0.1", "this machine"),
            (&[], "127.0.0.2", "127.0.0.2", "::ffff:127.0.0.2", "one of several nodes of this machine"),
            (&[], "::1", "127.0.0.1", "::1", "this machine"),
            (&["192.168.1.8"], "192.168.1.8", "192.168.1.8", "::ffff:192.168.1.8", "bound to one family"),
            (&["fd00::7"], "fd00::7", "0.0.0.0", "fd00::7", "bound to the other"),
            (&["2001:db8::7", "192.168.1.8"], "192.168.1.8", "192.168.1.8", "2001:db8::7", "bound to two"),
            (&["2001:db8::7", "192.168.1.8"], "2001:db8::7", "192.168.1.8", "2001:db8::7", "bound to two"),
            (&["::1"], "::1", "0.0.0.0", "::1", "bound to it alone"),
            (&["0.0.0.0"], "192.168.1.7", "192.168.1.7", "::ffff:192.168.1.7", "IPv4 alone"),
            (&["0.0.0.0", "::"], "192.168.1.7", "192.168.1.7", "fd00::7", "all of both families"),
            (&["::", "0.0.0.0"], "fd00::7", "192.168.1.7", "fd00::7", "all of both families"),
            (&["fe80::7"], "fe80::7", "0.0.0.0", "::ffff:0.0.0.0", "reached by the link alone"),
        ] {
            let bound: Vec<IpAddr> = bound.iter().map(|ip: &&str| ip.parse().unwrap()).collect();
            let told = peer_address(&interfaces, &bound, local.parse().unwrap(), 6001);
            let expected = PeerAddress { v4: v4.parse().unwrap(), v6: v6.parse().unwrap(), port: 6001 };
            assert_eq!(told, expected, "{local}, bound to {bound:?}: {why}");
        }
    }
}
