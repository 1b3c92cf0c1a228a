//! Which address a peer may claim.
//!
//! The directory hands the address out to everybody, and everybody connects to it: a claim is a
//! way to send them elsewhere. So one half must be the address by which the peer came, and the
//! other one can lead to nobody but a host nearby.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::napster::PeerAddress;

/// What the registry must know of our own networks; sockets and interfaces are not its business.
pub trait Links: Send + Sync + std::fmt::Debug {
    /// Whether a host of that address is on the link of one of our interfaces.
    fn is_on_link(&self, ip: IpAddr) -> bool;
    /// Whether it is a broadcast address there, or a network's own number.
    fn is_broadcast(&self, ip: Ipv4Addr) -> bool;
    /// The interface by which link-local addresses of IPv6 are reached, if there is but one.
    fn link_local_zone(&self) -> Option<u32>;
}

/// Whether a peer that came from there may claim that address.
#[must_use]
pub fn may_claim(address: &PeerAddress, source: IpAddr, links: &dyn Links) -> bool {
    let halves = [IpAddr::V4(address.v4), IpAddr::V6(address.v6)];
    let is_mapped = address.v6 == address.v4.to_ipv6_mapped();
    // A host that has no IPv4; who tries the protocol by hand has.
    let is_v6_alone = address.v4.is_unspecified() && !is_mapped && !source.is_loopback();
    let is_harmless = |half: IpAddr| match half {
        IpAddr::V4(half) => is_v6_alone || is_harmless_v4(half, links),
        IpAddr::V6(half) => is_mapped || is_harmless_v6(half, links),
    };
    if address.claims(source) {
        // All loopback addresses are the machine's own.
        let is_fine =
            |half: IpAddr| half == source || is_harmless(half) || (source.is_loopback() && half.is_loopback());
        return halves.into_iter().all(is_fine);
    }
    // Somebody tries the protocol by hand, and takes an address from an example.
    source.is_loopback() && halves.into_iter().all(is_harmless)
}

/// Two names of one host: both loopback addresses that every host has.
pub(super) fn is_same_host(a: IpAddr, b: IpAddr) -> bool {
    let is_localhost = |ip: IpAddr| ip == IpAddr::V4(Ipv4Addr::LOCALHOST) || ip == IpAddr::V6(Ipv6Addr::LOCALHOST);
    a == b || (is_localhost(a) && is_localhost(b))
}

fn is_harmless_v4(ip: Ipv4Addr, links: &dyn Links) -> bool {
    if is_nobody(IpAddr::V4(ip)) || ip.is_broadcast() || ip.is_documentation() || links.is_broadcast(ip) {
        return false;
    }
    // RFC 6598: what providers use behind their own translation.
    let is_shared = matches!(ip.octets(), [100, 64..=127, ..]);
    ip.is_private() || is_shared || ip.is_link_local() || links.is_on_link(ip.into())
}

fn is_harmless_v6(ip: Ipv6Addr, links: &dyn Links) -> bool {
    // RFC 3849 and RFC 9637: documentation.
    let is_documentation = matches!(ip.segments(), [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..]);
    // An IPv4 address written as IPv6 would be none of the families' own.
    if is_nobody(IpAddr::V6(ip)) || is_documentation || ip.to_ipv4_mapped().is_some() {
        return false;
    }
    ip.is_unique_local() || ip.is_unicast_link_local() || links.is_on_link(ip.into())
}

/// Nobody else's address: loopback is each host's own.
fn is_nobody(ip: IpAddr) -> bool {
    ip.is_unspecified() || ip.is_multicast() || ip.is_loopback()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A host in 192.168.1.0/24, 198.51.7.0/24 and 2001:7:7::/64.
    #[derive(Debug)]
    pub(in crate::directory) struct OneNetwork;

    impl Links for OneNetwork {
        fn is_on_link(&self, ip: IpAddr) -> bool {
            match ip {
                IpAddr::V4(ip) => matches!(ip.octets(), [192, 168, 1, 1..=254] | [198, 51, 7, 1..=254]),
                IpAddr::V6(ip) => matches!(ip.segments(), [0x2001, 7, 7, 0, ..]),
            }
        }

        fn is_broadcast(&self, ip: Ipv4Addr) -> bool {
            ip == Ipv4Addr::new(192, 168, 1, 255)
        }

        fn link_local_zone(&self) -> Option<u32> {
            Some(2)
        }
    }

    #[test]
    fn one_half_is_the_source_and_the_other_is_harmless() {
        let lan = "192.168.1.9";
        for (why, v4, v6, source, may) in [
            ("both families of a host", lan, "fd00::9", lan, true),
            ("the same by the other one", lan, "fd00::9", "fd00::9", true),
            ("link-local", lan, "fe80::9", lan, true),
            ("no IPv6", lan, "::ffff:192.168.1.9", lan, true),
            ("another host, written as IPv6", lan, "::ffff:192.168.1.8", lan, false),
            ("another host of the LAN", "192.168.1.8", "fd00::9", lan, false),
            ("neither half", "192.168.1.8", "fd00::8", lan, false),
            ("an address on the link", lan, "2001:7:7::9", lan, true),
            ("a public one", lan, "2001:4860::8888", lan, false),
            ("a public one by the other", "8.8.8.8", "fd00::9", "fd00::9", false),
            ("public, but on the link", "198.51.7.9", "fd00::9", "fd00::9", true),
            ("public, and its own", "8.8.8.8", "fd00::9", "8.8.8.8", true),
            ("a provider's translation", "100.64.0.9", "fd00::9", "fd00::9", true),
            ("beyond it", "100.128.0.9", "fd00::9", "fd00::9", false),
            ("self-assigned", "169.254.7.7", "fd00::9", "fd00::9", true),
            ("no IPv4", "0.0.0.0", "fd00::9", "fd00::9", true),
            ("no IPv4, by another host", "0.0.0.0", "fd00::8", "fd00::9", false),
            ("neither family", "0.0.0.0", "::ffff:0.0.0.0", lan, false),
            ("unspecified by loopback", "0.0.0.0", "::1", "::1", false),
            ("this network", "0.0.0.7", "fd00::9", "fd00::9", false),
            ("unspecified by the other", lan, "::", lan, false),
            ("multicast", "224.0.0.1", "fd00::9", "fd00::9", false),
            ("multicast by the other", lan, "ff02::1", lan, false),
            ("everybody", "255.255.255.255", "fd00::9", "fd00::9", false),
            ("everybody on our link", "192.168.1.255", "fd00::9", "fd00::9", false),
            ("reserved", "240.0.0.1", "fd00::9", "fd00::9", false),
            ("documentation", "192.0.2.1", "fd00::9", "fd00::9", false),
            ("documentation by the other", lan, "2001:db8::1", lan, false),
            ("our own loopback", "127.0.0.1", "fd00::9", "fd00::9", false),
            ("our own loopback by the other", lan, "::1", lan, false),
            ("loopback by loopback", "127.0.0.3", "::1", "127.0.0.3", true),
            ("loopback by the other family", "127.0.0.1", "::1", "::1", true),
            ("loopback without IPv6", "127.0.0.3", "::ffff:127.0.0.3", "127.0.0.3", true),
            ("another loopback host", "127.0.0.4", "::1", "127.0.0.3", false),
            ("an example, tried by hand", "172.16.1.1", "fc00::1:1", "127.0.0.1", true),
            ("the same by IPv6", "172.16.1.1", "fc00::1:1", "::1", true),
            ("the same from the LAN", "172.16.1.1", "fc00::1:1", lan, false),
            ("a public one, tried by hand", "8.8.8.8", "fc00::1:1", "127.0.0.1", false),
        ] {
            let address = PeerAddress { v4: v4.parse().unwrap(), v6: v6.parse().unwrap(), port: 6001 };
            assert_eq!(may_claim(&address, source.parse().unwrap(), &OneNetwork), may, "{why}");
        }
    }

    #[test]
    fn a_host_has_two_names_for_itself() {
        let same = |a: &str, b: &str| is_same_host(a.parse().unwrap(), b.parse().unwrap());
        assert!(same("127.0.0.1", "::1") && same("10.0.0.1", "10.0.0.1"));
        assert!(!same("127.0.0.2", "::1") && !same("127.0.0.1", "127.0.0.2"));
    }
}
