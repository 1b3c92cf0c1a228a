//! Addresses of what nodes serve: `/s/?g=…`, in each of the ways of asking, and links to a host
//! (`docs/PROTOCOL.md`, sections 1 and 3).

use std::net::{IpAddr, SocketAddr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use super::{PieceSet, b64e};

/// The name under which a node serves its index.
pub const INDEX_NAME: &str = "forban/index";
/// Below this prefix our extensions are served; both old mirrors skip it (section 6).
pub const EXTENSION_PREFIX: &str = "forban/index.";
/// The name under which a node of ours serves its manifest (section 6).
pub const MANIFEST_NAME: &str = "forban/index.manifest";
/// The name under which it serves a content by its BLAKE3, `&b3=<hexadecimal>` (section 6).
pub const CONTENT_NAME: &str = "forban/index.content";
/// The same for the list of its pieces.
pub const PIECES_NAME: &str = "forban/index.pieces";
/// The target of a manifest request.
pub const MANIFEST_TARGET: &str = "/s/?g=forban/index.manifest";
/// What is added to it by who has a state of the manifest.
pub const MANIFEST_SINCE: &str = "&since=";
/// The target of an index request, as Forban writes it.
pub const INDEX_TARGET: &str = "/s/?g=forban/index";
/// The name under which a node tells what changed in its index (section 6) …
pub const CHANGES_NAME: &str = "forban/index.changes";
/// … and the target of that request, up to the HMAC of the state that is there already.
pub const CHANGES_SINCE_TARGET: &str = "/s/?g=forban/index.changes&since=";

/// The name by which many small files are asked for at once (section 6) …
pub const BATCH_NAME: &str = "forban/index.batch";
/// … and the target of that request.
pub const BATCH_TARGET: &str = "/s/?g=forban/index.batch";

/// The name under which a node tells at once what changed at it (section 6) …
pub const FEED_NAME: &str = "forban/index.feed";
/// … and the target of that request.
pub const FEED_TARGET: &str = "/s/?g=forban/index.feed";

/// What stays as it is in a query value of ours.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// The ways in which a file is asked for, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// `g=<b64e>&f=b64e`: URL-safe base64, as Forban asks.
    B64e,
    /// The same with the standard alphabet: goforban decodes no other.
    StandardBase64,
    /// `g=<percent-encoded name>`.
    Plain,
}

impl Asking {
    /// In the order of `docs/PROTOCOL.md`, section 3.
    pub const IN_ORDER: [Self; 3] = [Self::B64e, Self::StandardBase64, Self::Plain];

    /// The request target for a name, exactly as its node lists it.
    #[must_use]
    pub fn target(self, name: &str) -> String {
        match self {
            Self::B64e => file_target(name),
            Self::StandardBase64 => format!("/s/?g={}&f=b64e", b64e::encode_standard(name.as_bytes())),
            Self::Plain => format!("/s/?g={}", query_value(name)),
        }
    }
}

/// The address of a file on its node, as links use it.
#[must_use]
pub fn file_target(name: &str) -> String {
    format!("/s/?g={}&f=b64e", b64e::encode(name.as_bytes()))
}

/// The address of a content on a node of ours.
#[must_use]
pub fn content_target(blake3: &[u8; 32]) -> String {
    format!("/s/?g={CONTENT_NAME}&b3={}", blake3::Hash::from(*blake3).to_hex())
}

/// The address of such of its pieces as the node chooses: of the `wanted` ones, up to so many in a
/// row.
#[must_use]
pub fn wanted_target(blake3: &[u8; 32], wanted: &PieceSet, most: u64) -> String {
    format!("{}&want={wanted}&most={most}", content_target(blake3))
}

/// The address of the list of its pieces.
#[must_use]
pub fn pieces_target(blake3: &[u8; 32]) -> String {
    format!("/s/?g={PIECES_NAME}&b3={}", blake3::Hash::from(*blake3).to_hex())
}

/// `text` as a value in a query.
#[must_use]
pub fn query_value(text: &str) -> String {
    utf8_percent_encode(text, QUERY_VALUE).to_string()
}

/// `http://address:port`, with brackets and, where there is one, the scope id (`%25eth0`) of IPv6.
#[must_use]
pub fn origin(address: SocketAddr, interface: Option<&str>) -> String {
    match (address, interface) {
        (SocketAddr::V6(v6), Some(name)) if v6.scope_id() != 0 => {
            format!("http://[{}%25{}]:{}", v6.ip(), query_value(name), v6.port())
        }
        (SocketAddr::V6(v6), _) => format!("http://[{}]:{}", v6.ip(), v6.port()),
        (SocketAddr::V4(v4), _) => format!("http://{v4}"),
    }
}

/// The value for a `Host` header: no scope id.
#[must_use]
pub fn authority(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) => format!("{ip}:{}", address.port()),
        IpAddr::V6(ip) => format!("[{ip}]:{}", address.port()),
    }
}

/// The first value of a key in a query, decoded: `+` is a blank, `%xx` a byte.
#[must_use]
pub fn query_first<'q>(query: &'q str, key: &str) -> Option<std::borrow::Cow<'q, [u8]>> {
    query_all(query, key).next()
}

/// All values of a key, likewise, in their order.
pub fn query_all<'q>(query: &'q str, key: &str) -> impl Iterator<Item = std::borrow::Cow<'q, [u8]>> {
    query.split('&').filter_map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_component(name).as_ref() == key.as_bytes()).then(|| decode_component(value))
    })
}

fn decode_component(text: &str) -> std::borrow::Cow<'_, [u8]> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return percent_decode(spaced.as_bytes()).collect::<Vec<u8>>().into();
    }
    percent_decode(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_ways_of_asking_name_one_file() {
        let name = "emoji-😀 & more.bin";
        for asking in Asking::IN_ORDER {
            let target = asking.target(name);
            let query = target.strip_prefix("/s/?").unwrap();
            let g = query_first(query, "g").unwrap();
            let decoded = match query_first(query, "f") {
                Some(f) => {
                    assert_eq!(f.as_ref(), b"b64e");
                    b64e::decode(&g).unwrap()
                }
                None => g.into_owned(),
            };
            assert_eq!(decoded, name.as_bytes(), "{target}");
        }
    }

    #[test]
    fn the_first_of_equal_keys_counts() {
        assert_eq!(query_first("a=1&g=x+%2B%ff&g=y", "g").unwrap().as_ref(), b"x +\xff");
        assert_eq!(query_first("g[]=1", "g"), None);
        assert_eq!(query_first("%67", "g").unwrap().as_ref(), b"");
    }

    #[test]
    fn addresses_are_written_for_links() {
        let scoped = SocketAddr::V6(std::net::SocketAddrV6::new("fe80::1".parse().unwrap(), 12555, 0, 2));
        assert_eq!(origin(scoped, Some("eth0")), "http://[fe80::1%25eth0]:12555");
        assert_eq!(authority(scoped), "[fe80::1]:12555");
        assert_eq!(origin("10.0.0.1:12555".parse().unwrap(), None), "http://10.0.0.1:12555");
    }
}
