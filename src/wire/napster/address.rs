//! Where a peer serves: the one field that is made of others.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::field::{FieldError, decimal};

/// Where a peer serves: always both families, and a port; 55 + 5 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerAddress {
    /// Its IPv4 address.
    pub v4: Ipv4Addr,
    /// Its IPv6 address; the v4-mapped one for a peer without IPv6.
    pub v6: Ipv6Addr,
    /// Its port, not 0.
    pub port: u16,
}

impl PeerAddress {
    /// Width of the address, in bytes: 15 + 1 + 39.
    pub const ADDRESS_WIDTH: usize = 55;
    /// Width of the port, in bytes.
    pub const PORT_WIDTH: usize = 5;
    /// Both.
    pub const WIDTH: usize = Self::ADDRESS_WIDTH + Self::PORT_WIDTH;

    /// Reads both fields. Strict in width, lenient in the case of hex digits.
    ///
    /// # Errors
    /// [`FieldError::Address`], [`FieldError::Port`].
    pub fn parse(field: &[u8]) -> Result<Self, FieldError> {
        let (address, port) = field.split_at_checked(Self::ADDRESS_WIDTH).ok_or(FieldError::Address)?;
        let (v4, v6) = address.split_at_checked(16).ok_or(FieldError::Address)?;
        let v4 = v4.strip_suffix(b"|").ok_or(FieldError::Address)?;
        let octets: [u8; 4] = groups(v4, b'.', 3, 10)?;
        let segments: [u16; 8] = groups(v6, b':', 4, 16)?;
        let port = decimal(port, Self::PORT_WIDTH).map_err(|_| FieldError::Port)?;
        let port = u16::try_from(port).ok().filter(|port| *port != 0).ok_or(FieldError::Port)?;
        Ok(Self { v4: octets.into(), v6: segments.into(), port })
    }

    /// Whether one of its halves is that address.
    #[must_use]
    pub fn claims(&self, ip: IpAddr) -> bool {
        match ip.to_canonical() {
            IpAddr::V4(v4) => self.v4 == v4,
            IpAddr::V6(v6) => self.v6 == v6,
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.v4.octets();
        write!(f, "{a:03}.{b:03}.{c:03}.{d:03}|")?;
        for (position, segment) in self.v6.segments().iter().enumerate() {
            write!(f, "{}{segment:04x}", if position == 0 { "" } else { ":" })?;
        }
        write!(f, "{:05}", self.port)
    }
}

/// `N` numbers of `width` digits, separated.
fn groups<T: TryFrom<u32> + Copy + Default, const N: usize>(
    field: &[u8],
    separator: u8,
    width: usize,
    radix: u32,
) -> Result<[T; N], FieldError> {
    let mut numbers = [T::default(); N];
    let mut parts = field.split(|b| *b == separator);
    for number in &mut numbers {
        let part = parts.next().filter(|part| part.len() == width).ok_or(FieldError::Address)?;
        let digits = std::str::from_utf8(part).ok().filter(|d| d.chars().all(|c| c.is_digit(radix)));
        let value = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok()).ok_or(FieldError::Address)?;
        *number = T::try_from(value).map_err(|_| FieldError::Address)?;
    }
    if parts.next().is_none() { Ok(numbers) } else { Err(FieldError::Address) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADDRESS: &str = "172.016.001.001|fc00:0000:0000:0000:0000:0000:0001:000106001";

    #[test]
    fn an_address_reads_back() {
        let address = PeerAddress::parse(ADDRESS.as_bytes()).unwrap();
        assert_eq!((address.v4, address.port), (Ipv4Addr::new(172, 16, 1, 1), 6001));
        assert_eq!(address.to_string(), ADDRESS);
        assert_eq!(PeerAddress::parse(ADDRESS.to_uppercase().as_bytes()), Ok(address));
        assert!(address.claims("172.16.1.1".parse().unwrap()) && address.claims("fc00::1:1".parse().unwrap()));
        assert!(!address.claims("172.16.1.2".parse().unwrap()));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (from, to) in [
            ("172", "272"),
            ("172", "17a"),
            ("|", " "),
            ("fc00", "fcg0"),
            ("fc00:", "fc00."),
            ("06001", "00000"),
            ("06001", "99999"),
            ("06001", "+6001"),
            ("016", " 16"),
        ] {
            assert!(PeerAddress::parse(ADDRESS.replacen(from, to, 1).as_bytes()).is_err(), "{from} → {to}");
        }
        assert!(PeerAddress::parse(&ADDRESS.as_bytes()[1..]).is_err());
    }

    proptest! {
        #[test]
        fn an_address_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = PeerAddress::parse(&bytes);
        }
    }
}
