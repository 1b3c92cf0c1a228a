//! `/s/?g=forban/index.manifest`: what names the content of our files
//! (`docs/PROTOCOL.md`, section 6).
//!
//! The lines of the files are made once for each state of the digests. The header before them
//! depends on who asks: it tells our address by which he came.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;

use super::error::HttpError;
use super::range::{Version, select, whole_seconds};
use super::store::{About, respond, span};
use super::{App, Ends};
use crate::loot::Hashed;
use crate::wire::DigestTable;
use crate::wire::manifest::{Header, emit_rows};

/// The lines of the files, kept while the digests stay as they are.
#[derive(Debug, Default)]
pub struct Manifests(Mutex<Option<Arc<Rows>>>);

#[derive(Debug)]
struct Rows {
    of: Arc<DigestTable>,
    text: Bytes,
    hash: blake3::Hash,
}

impl Manifests {
    /// Those that are kept, or new ones. Takes a while for many files.
    fn rows(&self, of: &Arc<DigestTable>) -> Arc<Rows> {
        if let Some(kept) = self.kept(of) {
            return kept;
        }
        let text = Bytes::from(emit_rows(of));
        let rows = Arc::new(Rows { of: of.clone(), hash: blake3::hash(&text), text });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(rows.clone());
        rows
    }

    fn kept(&self, of: &Arc<DigestTable>) -> Option<Arc<Rows>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|kept| Arc::ptr_eq(&kept.of, of)).cloned()
    }
}

/// GET and HEAD.
pub(super) async fn serve(app: &App, ends: &Ends, headers: &HeaderMap) -> Result<Response, HttpError> {
    let hashed = app.loot.hashed();
    let rows = match app.manifests.kept(&hashed.table) {
        Some(rows) => rows,
        None => {
            let (manifests, of) = (app.manifests.clone(), hashed.table.clone());
            App::walk(&app.listings, move || manifests.rows(&of)).await?
        }
    };
    let header = header(app, ends, &hashed).emit();
    let made = hashed.made.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    let version = Version {
        etag: format!("\"{:.32}\"", blake3::hash(&[rows.hash.as_bytes(), header.as_bytes()].concat()).to_hex()),
        modified: whole_seconds(i64::try_from(made.as_nanos()).unwrap_or(i64::MAX)),
    };
    let parts = [Bytes::from(header), rows.text.clone()];
    let size_bytes = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.len() as u64));
    let selection = select(headers, &version, size_bytes);
    let (first, length) = span(&selection, size_bytes);
    let about = About { file_name: "index.manifest", content_type: "text/plain; charset=utf-8".into(), version };
    let body = Body::new(Parts(cut(parts, first, length)));
    Ok(respond(&selection, size_bytes, &about, body))
}

fn header(app: &App, ends: &Ends, hashed: &Hashed) -> Header {
    let peer = app.napster.own.as_ref().map(|own| own.address(ends.local.ip()));
    Header { hashing: hashed.hashing.left as u64, index: Some(hashed.snapshot.hmac), peer }
}

/// `length` bytes from `first` of parts that follow each other.
fn cut(parts: [Bytes; 2], first: u64, length: u64) -> VecDeque<Bytes> {
    let (mut skip, mut left) = (first, length);
    let mut cut = VecDeque::new();
    for part in parts {
        let from = skip.min(part.len() as u64);
        let to = from.saturating_add(left).min(part.len() as u64);
        skip = skip.saturating_sub(from);
        left = left.saturating_sub(to.saturating_sub(from));
        let range: Range<usize> = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
        if !range.is_empty() {
            cut.push_back(part.slice(range));
        }
    }
    cut
}

/// A body of some parts.
struct Parts(VecDeque<Bytes>);

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|part| Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_may_lie_in_either_part_or_both() {
        let parts = || [Bytes::from_static(b"head\n"), Bytes::from_static(b"rows")];
        for (first, length, expected) in [
            (0, 9, &["head\n", "rows"][..]),
            (0, 5, &["head\n"]),
            (5, 4, &["rows"]),
            (4, 2, &["\n", "r"]),
            (6, 2, &["ow"]),
            (8, 9, &["s"]),
            (9, 1, &[]),
            (0, 0, &[]),
        ] {
            assert_eq!(cut(parts(), first, length), expected, "{length} from {first}");
        }
    }
}
