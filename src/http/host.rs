//! The Host rule: a request must name the address it came to, or a name that is ours.
//!
//! A web page elsewhere can make a browser send requests here under a name of its own (DNS
//! rebinding); it cannot forge the `Host` line. No configuration is needed, and none can switch
//! it off: more names can be added.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{Request, Version, header};

use super::error::HttpError;

/// Names under which this node may be asked, lower-cased.
#[derive(Clone, Debug, Default)]
pub struct HostNames {
    names: Vec<String>,
}

/// How a request named us; put into it for the operator's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedHost {
    /// By a loopback address or `localhost`.
    pub is_loopback: bool,
}

impl HostNames {
    /// `localhost`, the host's name with and without `.local`, and more that the operator adds.
    #[must_use]
    pub fn new(host_name: &str, more: &[String]) -> Self {
        let host_name = host_name.to_lowercase();
        let own = ["localhost".to_owned(), format!("{host_name}.local"), host_name];
        let names = own.into_iter().chain(more.iter().map(|name| name.to_lowercase()));
        Self { names: names.filter(|name| !name.is_empty()).collect() }
    }

    /// Judges the value of a `Host` line, or the authority of an absolute target.
    #[must_use]
    pub fn judge(&self, authority: &str, local: SocketAddr) -> Option<NamedHost> {
        let (host, port) = split_port(authority)?;
        if port.unwrap_or(80) != local.port() {
            return None;
        }
        if let Some(ip) = parse_ip(host) {
            let same = ip.to_canonical() == local.ip();
            return same.then_some(NamedHost { is_loopback: ip.to_canonical().is_loopback() });
        }
        let host = host.to_lowercase();
        self.names.contains(&host).then_some(NamedHost { is_loopback: host == "localhost" && local.ip().is_loopback() })
    }
}

/// Judges a request that came to that address; around everything that is answered. An error is 421
/// for a foreign name, 400 for none or two.
pub(super) fn judge_request<B>(
    hosts: &HostNames,
    request: &Request<B>,
    local: SocketAddr,
) -> Result<NamedHost, HttpError> {
    let mut lines = request.headers().get_all(header::HOST).iter();
    let line = match (lines.next(), lines.next()) {
        (Some(line), None) => Some(line.to_str().map_err(|_| HttpError::NoHost)?),
        // HTTP/1.0 knows no Host; browsers never send it.
        (None, _) if request.version() == Version::HTTP_10 => None,
        _ => return Err(HttpError::NoHost),
    };
    let target = request.uri().authority().map(|authority| authority.as_str());
    let mut named = NamedHost { is_loopback: false };
    for authority in [target, line].into_iter().flatten() {
        named = hosts.judge(authority, local).ok_or(HttpError::ForeignHost)?;
    }
    Ok(named)
}

/// `host[:port]`, with brackets around IPv6; `None` for anything else, user info included.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    if authority.contains(['@', '/', ' ']) {
        return None;
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').filter(|(host, _)| host.contains(':'))?;
            (host, port.strip_prefix(':').map_or_else(|| port.is_empty().then_some(None), |port| Some(Some(port)))?)
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    match port {
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => Some((host, Some(port.parse().ok()?))),
        Some(_) => None,
        None => Some((host, None)),
    }
}

/// An address; the scope id of IPv6 is ignored, it means something only to the sender.
fn parse_ip(host: &str) -> Option<IpAddr> {
    let unscoped = host.split_once('%').map_or(host, |(ip, _)| ip);
    if unscoped.contains(':') {
        return unscoped.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    host.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(authority: &str, local: &str) -> Option<bool> {
        HostNames::new("Ship", &["loot.example".into()])
            .judge(authority, local.parse().unwrap())
            .map(|named| named.is_loopback)
    }

    #[test]
    fn our_own_address_and_names_pass() {
        for (authority, local, loopback) in [
            ("10.0.0.2:12555", "10.0.0.2:12555", false),
            ("127.5.6.7:12555", "127.5.6.7:12555", true),
            ("[::1]:12555", "[::1]:12555", true),
            ("[fe80::1]:12555", "[fe80::1%3]:12555", false),
            ("[fe80::1%25eth0]:12555", "[fe80::1%3]:12555", false),
            ("[::ffff:10.0.0.2]:12555", "10.0.0.2:12555", false),
            ("localhost:12555", "127.0.0.1:12555", true),
            ("ship.local:12555", "10.0.0.2:12555", false),
            ("SHIP:12555", "10.0.0.2:12555", false),
            ("loot.example:12555", "10.0.0.2:12555", false),
            ("10.0.0.2", "10.0.0.2:80", false),
        ] {
            assert_eq!(judge(authority, local), Some(loopback), "{authority}");
        }
    }

    #[test]
    fn every_other_name_is_foreign() {
        for authority in [
            "evil",
            "evil:12555",
            "10.0.0.2.nip.io:12555",
            "10.0.0.2.:12555",
            "ship.:12555",
            "user@10.0.0.2:12555",
            "10.0.0.3:12555",
            "10.0.0.2:12556",
            "10.0.0.2",
            "10.0.0.2:",
            "10.0.0.2:+12555",
            "[10.0.0.2]:12555",
            "[::1",
            "",
            "0x0a000002:12555",
        ] {
            assert_eq!(judge(authority, "10.0.0.2:12555"), None, "{authority}");
        }
    }
}
