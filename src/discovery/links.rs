//! What kind of link an interface is, which ones are not up, and by which one everything else
//! goes: what the system tells in `/sys/class/net` and `/proc/net/route`. Where it tells nothing,
//! names do.

use std::path::Path;

/// Interfaces that are not up and are told of.
const DOWN_MAX: usize = 16;

/// A kind of link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A cable, or what looks like one.
    Wire,
    /// Radio.
    Wifi,
    /// A VPN or another link to one far end: there is nobody near.
    Tunnel,
    /// Between this machine and its own containers and virtual machines.
    Virtual,
    /// This machine itself.
    Loopback,
}

/// What kind of link an interface of that name is.
#[must_use]
pub fn kind(name: &str) -> LinkKind {
    let about = Path::new("/sys/class/net").join(name);
    // A name with a `/` would be no interface's.
    let told = !name.contains('/');
    let arp_type = std::fs::read_to_string(about.join("type")).ok().filter(|_| told);
    let is_wireless = told && (about.join("wireless").exists() || about.join("phy80211").exists());
    judge(name, arp_type.and_then(|text| text.trim().parse().ok()), is_wireless)
}

/// Interfaces of cables and radio that the machine has and that are not up: `is_up` tells of those
/// that are.
#[must_use]
pub fn not_up(is_up: impl Fn(&str) -> bool) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/sys/class/net") else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let is_real = |name: &String| matches!(kind(name), LinkKind::Wire | LinkKind::Wifi);
    let mut names: Vec<String> = names.filter(|name| !is_up(name) && is_real(name)).take(DOWN_MAX).collect();
    names.sort_unstable();
    names
}

/// The interface by which the system sends what goes anywhere else, by IPv4.
#[must_use]
pub fn default_route() -> Option<String> {
    default_of(&std::fs::read_to_string("/proc/net/route").ok()?)
}

/// Types of hardware as Linux numbers them (`if_arp.h`).
fn judge(name: &str, arp_type: Option<u32>, is_wireless: bool) -> LinkKind {
    const LOOPBACK: u32 = 772;
    const POINT_TO_POINT: [u32; 6] = [512, 768, 769, 776, 778, 65534];
    let begins = |with: &[&str]| with.iter().any(|with| name.starts_with(with));
    if arp_type == Some(LOOPBACK) || name == "lo" {
        LinkKind::Loopback
    } else if is_wireless {
        LinkKind::Wifi
    } else if begins(&["docker", "br-", "veth", "virbr", "vnet", "lxc", "lxd", "podman", "cni", "ifb", "dummy"]) {
        LinkKind::Virtual
    } else if arp_type.is_some_and(|arp_type| POINT_TO_POINT.contains(&arp_type))
        || begins(&["tun", "wg", "ppp", "tailscale", "nordlynx", "proton", "ipsec", "utun", "gpd", "vpn"])
    {
        LinkKind::Tunnel
    } else if begins(&["wl", "ath"]) {
        LinkKind::Wifi
    } else {
        LinkKind::Wire
    }
}

/// Of the lines with destination and mask 0 the one with the least metric.
fn default_of(routes: &str) -> Option<String> {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, destination, _, _, _, _, metric, mask, ..] = *fields.as_slice() else { return None };
        let is_default = destination == "00000000" && mask == "00000000";
        is_default.then(|| Some((metric.parse::<u32>().ok()?, name.to_owned())))?
    };
    routes.lines().skip(1).filter_map(line).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_known_by_what_the_system_tells_or_by_its_name() {
        for (name, arp_type, is_wireless, expected) in [
            ("lo", Some(772), false, LinkKind::Loopback),
            ("lo", None, false, LinkKind::Loopback),
            ("eth0", Some(1), false, LinkKind::Wire),
            ("enp3s0", Some(1), false, LinkKind::Wire),
            ("wlp2s0", Some(1), true, LinkKind::Wifi),
            ("home", Some(1), true, LinkKind::Wifi),
            ("wlan0", None, false, LinkKind::Wifi),
            ("wg0", Some(65534), false, LinkKind::Tunnel),
            ("office", Some(65534), false, LinkKind::Tunnel),
            ("ppp0", Some(512), false, LinkKind::Tunnel),
            ("tap0", Some(1), false, LinkKind::Wire),
            ("docker0", Some(1), false, LinkKind::Virtual),
            ("br0", Some(1), false, LinkKind::Wire),
            ("br-4f2a", Some(1), false, LinkKind::Virtual),
        ] {
            assert_eq!(judge(name, arp_type, is_wireless), expected, "{name}");
        }
        assert_eq!(kind("no/such"), LinkKind::Wire);
    }

    #[test]
    fn the_default_route_is_the_one_with_the_least_metric() {
        let head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
        let of = |lines: &[(&str, &str, &str, &str)]| {
            let line = |(name, to, metric, mask): &(&str, &str, &str, &str)| {
                format!("{name}\t{to}\t0102A8C0\t0003\t0\t0\t{metric}\t{mask}\t0\t0\t0\n")
            };
            default_of(&format!("{head}{}", lines.iter().map(line).collect::<String>()))
        };
        let (any, lan, half) = ("00000000", "0002A8C0", "00000080");
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("eth0", lan, "0", "00FFFFFF")]), None, "only its own network");
        let two = [("wlan0", any, "600", any), ("eth0", any, "100", any), ("eth0", lan, "100", "00FFFFFF")];
        assert_eq!(of(&two).as_deref(), Some("eth0"));
        assert_eq!(of(&[("tun0", any, "0", half)]), None, "a half is not all");
        assert_eq!(default_of("no table at all\nx"), None);
    }
}
