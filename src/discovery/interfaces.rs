//! The host's network interfaces, listed anew as time goes: they appear and vanish.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use if_addrs::IfAddr;

/// A listing is used for so long before the system is asked again.
const FRESH: Duration = Duration::from_secs(1);

/// An interface that is up, with its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `eth0`.
    pub name: Arc<str>,
    /// The number by which the system knows it; the scope id of its link-local addresses.
    pub index: u32,
    /// Whether it is the loopback interface.
    pub is_loopback: bool,
    /// IPv4 addresses.
    pub v4: Vec<V4Address>,
    /// IPv6 addresses with the length of their prefix.
    pub v6: Vec<(Ipv6Addr, u8)>,
}

/// An IPv4 address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V4Address {
    /// Our address.
    pub ip: Ipv4Addr,
    /// Length of the prefix.
    pub prefix: u8,
    /// The directed broadcast address, where there is one.
    pub broadcast: Option<Ipv4Addr>,
}

impl Interface {
    /// Whether `ip` lies in the network of one of its addresses.
    #[must_use]
    pub fn has_on_link(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => self.v4.iter().any(|own| own.contains(ip)),
            IpAddr::V6(ip) => {
                self.v6.iter().any(|(own, prefix)| same_prefix(own.to_bits(), ip.to_bits(), *prefix, 128))
            }
        }
    }

    /// Whether `ip` is its own.
    #[must_use]
    pub fn is_own(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => self.v4.iter().any(|own| own.ip == ip),
            IpAddr::V6(ip) => self.v6.iter().any(|(own, _)| *own == ip),
        }
    }

    /// Where a broadcast on this interface goes: each network's own broadcast address, or
    /// 255.255.255.255 where an address has none; with the source address to use.
    pub fn broadcasts(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
        let mut seen = Vec::new();
        self.v4.iter().filter_map(move |own| {
            let target = own.broadcast.unwrap_or(Ipv4Addr::BROADCAST);
            (!seen.contains(&target)).then(|| {
                seen.push(target);
                (own.ip, target)
            })
        })
    }
}

impl V4Address {
    /// A host of its network: neither the network's own number nor its broadcast.
    fn contains(&self, ip: Ipv4Addr) -> bool {
        let same = same_prefix(u128::from(self.ip.to_bits()), u128::from(ip.to_bits()), self.prefix, 32);
        let host_bits = 32_u32.saturating_sub(u32::from(self.prefix));
        let host_mask = u32::MAX.checked_shr(u32::from(self.prefix)).unwrap_or(0);
        let host = ip.to_bits() & host_mask;
        same && (host_bits < 2 || (host != 0 && host != host_mask)) && Some(ip) != self.broadcast
    }
}

/// All host bits set; what the kernel delivers, whether or not the address was given with `brd`.
fn directed_broadcast(ip: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(ip.to_bits() | u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0))
}

fn same_prefix(a: u128, b: u128, prefix: u8, width: u32) -> bool {
    let host_bits = width.saturating_sub(u32::from(prefix));
    a.checked_shr(host_bits).unwrap_or(0) == b.checked_shr(host_bits).unwrap_or(0)
}

/// The interfaces as they are now; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Interfaces {
    cached: Arc<Mutex<Option<Listing>>>,
}

/// When they were listed, and the list.
type Listing = (Instant, Arc<[Interface]>);

impl Interfaces {
    /// All that are up, at most a second old. Empty when the system does not tell.
    #[must_use]
    pub fn current(&self) -> Arc<[Interface]> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, list)) = cached.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return list.clone();
        }
        let list: Arc<[Interface]> = list_interfaces().into();
        *cached = Some((Instant::now(), list.clone()));
        list
    }
}

fn list_interfaces() -> Vec<Interface> {
    let mut by_index: BTreeMap<u32, Interface> = BTreeMap::new();
    let listed = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the network interfaces cannot be listed");
        Vec::new()
    });
    for entry in listed {
        let Some(index) = entry.index.filter(|_| entry.is_oper_up()) else { continue };
        let is_loopback = entry.is_loopback();
        let interface = by_index.entry(index).or_insert_with(|| Interface {
            name: entry.name.as_str().into(),
            index,
            is_loopback,
            v4: Vec::new(),
            v6: Vec::new(),
        });
        match entry.addr {
            IfAddr::V4(v4) => {
                let broadcast = (v4.prefixlen < 31 && !is_loopback).then(|| directed_broadcast(v4.ip, v4.prefixlen));
                interface.v4.push(V4Address { ip: v4.ip, prefix: v4.prefixlen, broadcast });
            }
            IfAddr::V6(v6) => interface.v6.push((v6.ip, v6.prefixlen)),
        }
    }
    by_index.into_values().collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn interface(name: &str, index: u32, v4: &str, prefix: u8, v6: &str) -> Interface {
        let ip: Ipv4Addr = v4.parse().unwrap();
        let host_mask = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
        let broadcast = (prefix < 31).then(|| Ipv4Addr::from_bits(ip.to_bits() | host_mask));
        Interface {
            name: name.into(),
            index,
            is_loopback: ip.is_loopback(),
            v4: vec![V4Address { ip, prefix, broadcast }],
            v6: vec![(v6.parse().unwrap(), 64)],
        }
    }

    #[test]
    fn only_hosts_of_its_networks_are_on_link() {
        let eth0 = interface("eth0", 2, "192.168.1.7", 24, "fe80::7");
        for (ip, on_link) in [
            ("192.168.1.8", true),
            ("192.168.2.8", false),
            ("192.168.1.0", false),
            ("192.168.1.255", false),
            ("8.8.8.8", false),
            ("fe80::8", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(eth0.has_on_link(ip.parse().unwrap()), on_link, "{ip}");
        }
        let everything = interface("tun0", 3, "10.0.0.1", 0, "::1");
        assert!(everything.has_on_link("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn one_broadcast_goes_to_each_network() {
        let mut eth0 = interface("eth0", 2, "192.168.1.7", 24, "fe80::7");
        eth0.v4.push(V4Address { ip: "192.168.1.9".parse().unwrap(), ..eth0.v4[0] });
        eth0.v4.push(V4Address { ip: "10.9.9.9".parse().unwrap(), prefix: 32, broadcast: None });
        let targets: Vec<String> = eth0.broadcasts().map(|(_, to)| to.to_string()).collect();
        assert_eq!(targets, ["192.168.1.255", "255.255.255.255"]);
    }
}
