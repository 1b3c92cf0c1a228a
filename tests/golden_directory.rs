//! The recorded transcripts of a Fapster directory, replayed through our codec: what we read, what
//! we answer to a request that is wrong, and each difference with its reason.

use boucan::wire::napster::{Parsed, Request, Response};
use serde_json::Value;

/// What is answered otherwise, and why; the rest must be the same to the byte.
pub(super) const DIFFERENCES: &[(&str, &str)] = &[
    ("LOGI sample from seeds.sql", "an address must be one: the bridge would hand it out"),
    ("LOGI address not an address", "an address must be one"),
    ("LOGI long by 1", AFTERWARDS),
    ("LOGI with CRLF", AFTERWARDS),
    ("ADDF long by 1", AFTERWARDS),
    ("FIND long", AFTERWARDS),
    ("DELF long", AFTERWARDS),
    ("LOGO long", AFTERWARDS),
    ("two requests in one connection, one segment", AFTERWARDS),
    ("request over 200 bytes", AFTERWARDS),
    ("LOGI split in two segments", SEGMENTS),
    ("ADDF split in two segments", SEGMENTS),
    ("command split after 2 bytes", SEGMENTS),
    ("silent connection", "a deadline ends it, with the text for what was received"),
    ("non-UTF-8 in ADDF name", "a text instead of silence"),
    ("ADDF multi-byte name cut mid-character", "a text instead of silence"),
    ("ADDF md5 not hex", "an MD5 must be hex: it names the content"),
    ("FIND that file: field width broken", WIDTHS),
    ("FIND nulpad", "padding is not a part of the name"),
    ("FIND leftpad", "padding is not a part of the name"),
    ("FIND '*' padded", WIDTHS),
    ("FIND ' * ' padded", WIDTHS),
    ("FIND '' padded", WIDTHS),
    ("FIND '%' padded", WIDTHS),
    ("FIND '_' padded", WIDTHS),
    ("FIND with 1005 matches", WIDTHS),
    ("LOGO with 1005 files", WIDTHS),
];
/// What the registry answers otherwise, and why: seen only where a whole directory is asked.
pub(super) const DIFFERENCES_OF_THE_REGISTRY: &[(&str, &str)] = &[
    ("LOGI same ip again, other port", "a session belongs to an address and a port"),
    ("FIND shows the last name", "another owner does not rename for all"),
    ("FIND 'a_c'", LITERAL),
    ("FIND 'a%t'", LITERAL),
    ("FIND '%é%'", LITERAL),
    ("FIND padded with NUL", "padding is not a part of the query"),
];
const LITERAL: &str = "% and _ stand for themselves";
const AFTERWARDS: &str = "bytes after a whole request are ignored";
const SEGMENTS: &str = "a request may arrive in any segments";
const WIDTHS: &str = "fields keep their width and counters are clamped, so that every answer can be read";

pub(super) struct Exchange {
    pub(super) name: String,
    pub(super) request: Vec<u8>,
    pub(super) response: Vec<u8>,
    pub(super) is_whole: bool,
}

pub(super) fn exchanges() -> Vec<Exchange> {
    let vectors: Value = serde_json::from_str(include_str!("vectors/fapster.json")).unwrap();
    let bytes = |exchange: &Value, key: &str| {
        let hex = exchange[key].as_str().unwrap_or_default().as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        hex.chunks_exact(2).map(byte).collect::<Vec<u8>>()
    };
    let recorded = vectors["exchanges"].as_array().unwrap().iter().filter(|e| e["request_hex"].is_string());
    recorded
        .map(|e| Exchange {
            name: e["name"].as_str().unwrap().into(),
            request: bytes(e, "request_hex"),
            response: bytes(e, "response_hex"),
            is_whole: e["response_truncated_in_file"] == false,
        })
        .collect()
}

/// What differs from Fapster in one exchange, if anything. Whether a session or file is known is
/// not the codec's to say.
fn difference(exchange: &Exchange) -> Option<String> {
    let text = String::from_utf8_lossy(&exchange.response).into_owned();
    let of_the_registry = ["Unauthorized: your SessionID is invalid", "File not found."].contains(&text.as_str());
    let error = match Request::parse(&exchange.request) {
        Parsed::Complete(request) => {
            return match Response::parse(request.command(), &exchange.response) {
                Parsed::Complete(response) if !exchange.is_whole || response.emit() == exchange.response => None,
                Parsed::Incomplete(_) if !exchange.is_whole => None,
                _ if of_the_registry => None,
                other => Some(format!("we read the request; the answer {text:.60?} is {other:.60?}")),
            };
        }
        Parsed::Incomplete(_) => Request::cut_short(&exchange.request),
        Parsed::Invalid(error) => error,
    };
    let ours = error.answer(&exchange.request).unwrap_or_default();
    (ours != text && !of_the_registry).then(|| format!("we say {ours:.60?}, Fapster {text:.60?}"))
}

#[test]
fn every_recorded_request_is_answered_as_fapster_does_or_the_difference_has_a_reason() {
    let exchanges = exchanges();
    assert!(exchanges.len() > 100);
    let mut unexplained = Vec::new();
    for exchange in &exchanges {
        let reason = DIFFERENCES.iter().find(|(name, _)| exchange.name.starts_with(name));
        match (difference(exchange), reason) {
            (Some(differs), None) => unexplained.push(format!("{}: {differs}", exchange.name)),
            (None, Some((name, _))) => unexplained.push(format!("{}: no difference any more ({name})", exchange.name)),
            _ => {}
        }
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}
