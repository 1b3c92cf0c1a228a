//! Texts that nodes read, the index and the manifest: whole, in part, or compressed for whoever
//! asks for that (`docs/PROTOCOL.md`, section 6).
//!
//! What is compressed is made while it is sent, so it has no length and no parts, and takes no
//! memory however slowly it is taken.

use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::Frame;

use super::range::{Selection, select};
use super::store::{About, respond, span};

/// Shorter ones are sent as they are: it would hardly spare a packet.
const GZIP_ABOVE_BYTES: u64 = 8 * 1024;
/// Compressed at once, before others have their turn.
const STEP_BYTES: usize = 64 * 1024;

/// Answers with a text of so many bytes. `parts` gives so many of them, from one on.
pub(super) fn answer<I>(
    headers: &HeaderMap,
    mut about: About<'_>,
    size_bytes: u64,
    parts: impl FnOnce(u64, u64) -> I,
) -> Response
where
    I: Iterator<Item = Bytes> + Send + Unpin + 'static,
{
    let mut response = if size_bytes > GZIP_ABOVE_BYTES && asks_for_gzip(headers) {
        about.version.etag = about.version.etag.trim_end_matches('"').to_owned() + "-gzip\"";
        let mut whole = headers.clone();
        whole.remove(header::RANGE);
        let selection = select(&whole, &about.version, size_bytes);
        let mut response = respond(&selection, size_bytes, &about, Body::new(Text(Gzip::new(parts(0, size_bytes)))));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response.headers_mut().insert(header::ACCEPT_RANGES, HeaderValue::from_static("none"));
        if selection == Selection::Whole {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    } else {
        let selection = select(headers, &about.version, size_bytes);
        let (first, length) = span(&selection, size_bytes);
        respond(&selection, size_bytes, &about, Body::new(Text(parts(first, length))))
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// Some of a text that is there as a whole.
pub(super) fn part(text: &Bytes, first: u64, length: u64) -> std::option::IntoIter<Bytes> {
    let within = |byte: u64| usize::try_from(byte).map_or(text.len(), |byte| byte.min(text.len()));
    let part = text.slice(within(first)..within(first.saturating_add(length)));
    Some(part).filter(|part| !part.is_empty()).into_iter()
}

/// Only who names it gets it: `*` does not count.
fn asks_for_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let mut fields = coding.split(';').map(str::trim);
        let is_gzip = fields.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = fields.find_map(|field| field.strip_prefix("q=").or(field.strip_prefix("Q=")));
        is_gzip && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
    })
}

/// Parts, as a body.
struct Text<I>(I);

impl<I: Iterator<Item = Bytes> + Unpin> http_body::Body for Text<I> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next().map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Parts, compressed.
struct Gzip<I> {
    parts: I,
    /// Of the last part, what is still to be compressed.
    rest: Bytes,
    /// None once it is finished.
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl<I: Iterator<Item = Bytes>> Gzip<I> {
    fn new(parts: I) -> Self {
        Self { parts, rest: Bytes::new(), encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) }
    }
}

impl<I: Iterator<Item = Bytes>> Iterator for Gzip<I> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.rest.is_empty() {
                self.rest = self.parts.next().unwrap_or_default();
            }
            let step = self.rest.split_to(self.rest.len().min(STEP_BYTES));
            if step.is_empty() {
                // Writing to a Vec cannot fail.
                return self.encoder.take()?.finish().ok().map(Bytes::from);
            }
            let encoder = self.encoder.as_mut()?;
            encoder.write_all(&step).ok()?;
            let made = std::mem::take(encoder.get_mut());
            if !made.is_empty() {
                return Some(made.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn only_who_asks_for_gzip_gets_it() {
        for (value, asks) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("br, gzip ; q=1.0", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("gzip;q=x", false),
            ("*", false),
            ("identity", false),
            ("xgzip", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            assert!(!asks_for_gzip(&headers));
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
            assert_eq!(asks_for_gzip(&headers), asks, "{value}");
        }
    }

    #[test]
    fn what_is_compressed_in_parts_is_the_whole() {
        let long: String = (0..60_000).map(|number| format!("{number}\n")).collect();
        for text in ["", "a", &long] {
            let parts: Vec<Bytes> = text.as_bytes().chunks(100_000).map(Bytes::copy_from_slice).collect();
            let compressed: Vec<u8> = Gzip::new(parts.into_iter()).flatten().collect();
            let mut read = String::new();
            flate2::read::GzDecoder::new(&*compressed).read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
        }
    }
}
