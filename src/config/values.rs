//! Values as people write them: `20GB`, `10s`, `fe80::1%eth0`.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

/// Fapster's port.
pub const DIRECTORY_PORT: u16 = 3000;

/// Below this a limit would break what it limits: each of the 16 copies that the mirror may fetch
/// at once needs a good deal more than the least speed of 1 KiB/s, under which the other side ends
/// a connection.
pub const LEAST_RATE: u64 = 64 * 1024;

/// A number of bytes: `20GB`, `1.5 GiB`, `0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Size(pub u64);

/// Bytes a second: `2MB`, `500KiB/s`. Not less than [`LEAST_RATE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Rate(pub u64);

/// A span of time: `10s`, `1m 30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

/// An IP address, for IPv6 with its interface: `10.0.0.2`, `fe80::1%eth0`. The port is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(pub SocketAddr);

/// Where a directory is: `10.0.0.2`, `ship.local:3000`, `[fd00::1]:3000`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct DirectoryHost {
    /// A name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a size such as 20GB or 512MiB, or a number of bytes")]
enum Raw {
    Number(u64),
    Text(String),
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<ByteSize>()
            .map(|size| Self(size.as_u64()))
            .map_err(|_| format!("“{text}” is no size; write 20GB or 512MiB"))
    }
}

impl TryFrom<Raw> for Size {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        match raw {
            Raw::Number(bytes) => Ok(Self(bytes)),
            Raw::Text(text) => text.parse(),
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size: Size = text.strip_suffix("/s").unwrap_or(text).trim_end().parse()?;
        Self::new(size.0)
    }
}

impl Rate {
    fn new(bytes_per_second: u64) -> Result<Self, String> {
        if bytes_per_second < LEAST_RATE {
            return Err(format!(
                "{bytes_per_second} bytes a second are too few to keep connections alive: the least limit is \
                 {}KiB; leave it out for none",
                LEAST_RATE / 1024
            ));
        }
        Ok(Self(bytes_per_second))
    }
}

impl TryFrom<Raw> for Rate {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        match raw {
            Raw::Number(bytes) => Self::new(bytes),
            Raw::Text(text) => text.parse(),
        }
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text).map(Self).map_err(|_| format!("“{text}” is no time; write 10s or 2min"))
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((ip, interface)) = text.split_once('%') {
            let ip: Ipv6Addr = ip.parse().map_err(|_| format!("“{text}” is no IPv6 address"))?;
            let scope = interface.parse().ok().or_else(|| nix::net::if_::if_nametoindex(interface).ok());
            let scope = scope.ok_or_else(|| format!("there is no network interface “{interface}”"))?;
            return Ok(Self(SocketAddrV6::new(ip, 0, 0, scope).into()));
        }
        let ip: IpAddr = text
            .parse()
            .map_err(|_| format!("“{text}” is no IP address (without a port: all nodes of a network share one)"))?;
        Ok(Self(SocketAddr::new(ip, 0)))
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for DirectoryHost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("“{text}” is no directory; write HOST or HOST:PORT, an IPv6 address with a port as [fd00::1]:3000")
        };
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
                let port = rest.strip_prefix(':');
                if port.is_none() && !rest.is_empty() {
                    return Err(wrong());
                }
                (host, port)
            }
            None if text.parse::<Ipv6Addr>().is_ok() || text.contains('%') => (text, None),
            None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map_or(Ok(DIRECTORY_PORT), str::parse).map_err(|_| wrong())?;
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || port == 0 || !host.chars().all(is_host) {
            return Err(wrong());
        }
        Ok(Self { host: host.into(), port })
    }
}

impl TryFrom<String> for DirectoryHost {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::fmt::Display for DirectoryHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_sizes_times_and_addresses() {
        assert_eq!("20GB".parse(), Ok(Size(20_000_000_000)));
        assert_eq!("1 GiB".parse(), Ok(Size(1 << 30)));
        assert_eq!("0".parse(), Ok(Size(0)));
        assert_eq!("1m 30s".parse(), Ok(Span(Duration::from_secs(90))));
        assert_eq!("10.0.0.2".parse::<Address>().unwrap().0.to_string(), "10.0.0.2:0");
        assert_eq!(
            "fe80::1%lo".parse::<Address>().unwrap().0,
            SocketAddrV6::new("fe80::1".parse().unwrap(), 0, 0, 1).into()
        );
    }

    #[test]
    fn a_limit_is_a_size_a_second_and_not_too_small() {
        for (text, rate) in [
            ("2MB", Some(2_000_000)),
            ("1.5 MiB/s", Some(1_572_864)),
            ("500KiB /s", Some(512_000)),
            ("64KiB", Some(LEAST_RATE)),
            ("65535", None),
            ("0", None),
            ("2MB/min", None),
            ("/s", None),
        ] {
            assert_eq!(text.parse::<Rate>().ok(), rate.map(Rate), "{text}");
        }
        assert!("1kB".parse::<Rate>().unwrap_err().contains("the least limit is 64KiB"));
    }

    #[test]
    fn directories_are_named_with_or_without_a_port() {
        for (text, host, port) in [
            ("ship.local", "ship.local", 3000),
            ("10.0.0.2:4000", "10.0.0.2", 4000),
            ("fd00::1", "fd00::1", 3000),
            ("[fd00::1]:4000", "fd00::1", 4000),
            ("[fe80::1%lo]", "fe80::1%lo", 3000),
        ] {
            assert_eq!(text.parse(), Ok(DirectoryHost { host: host.into(), port }), "{text}");
        }
        for bad in ["", ":3000", "a b", "host:0", "host:70000", "[fd00::1", "[fd00::1]4000", "http://host"] {
            assert!(bad.parse::<DirectoryHost>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_none_is_said() {
        assert!("lots".parse::<Size>().unwrap_err().contains("20GB"));
        assert!("soon".parse::<Span>().unwrap_err().contains("10s"));
        assert!("10.0.0.2:80".parse::<Address>().unwrap_err().contains("without a port"));
        assert!("fe80::1%nope0".parse::<Address>().unwrap_err().contains("nope0"));
    }
}
