//! What this node tells others of where it serves Napster peers: always an address of each
//! family, chosen by the address at which they reached us (`docs/PROTOCOL.md`, sections 6 and 7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::discovery::interfaces::{Interface, Interfaces};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::interfaces::V4Address;

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
