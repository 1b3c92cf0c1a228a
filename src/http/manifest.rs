//! `/s/?g=forban/index.manifest`: what names the content of our files
//! (`docs/PROTOCOL.md`, section 6).
//!
//! The header depends on who asks: it tells our address by which he came. The lines of the files
//! are made while they are sent, some at a time: of a million files they are longer than all else
//! that is known of them. What they come to is kept for each state of the digests.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
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

/// Files whose lines are made at once.
const BLOCK_FILES: usize = 256;

/// What the lines of the files come to, kept while the digests stay as they are.
#[derive(Debug, Default)]
pub struct Manifests {
    kept: Mutex<Option<Arc<Rows>>>,
    /// Who waits finds what another made.
    making: Mutex<()>,
}

#[derive(Debug)]
struct Rows {
    /// Weak: it must not stay in memory for our sake.
    of: Weak<DigestTable>,
    hash: blake3::Hash,
    /// Where each block of files begins.
    begins: Box<[u64]>,
    size_bytes: u64,
}

impl Manifests {
    /// What is kept, or made now. Takes a while for many files.
    fn rows(&self, of: &Arc<DigestTable>) -> Arc<Rows> {
        let _turn = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = self.kept(of) {
            return kept;
        }
        let rows = Arc::new(Rows::new(of));
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(rows.clone());
        rows
    }

    fn kept(&self, of: &Arc<DigestTable>) -> Option<Arc<Rows>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|kept| kept.of.as_ptr() == Arc::as_ptr(of)).cloned()
    }
}

impl Rows {
    fn new(of: &Arc<DigestTable>) -> Self {
        let (mut hasher, mut begins, mut size_bytes) = (blake3::Hasher::new(), Vec::new(), 0_u64);
        for block in 0..of.index().len().div_ceil(BLOCK_FILES) {
            let text = emit_block(of, block);
            begins.push(size_bytes);
            hasher.update(text.as_bytes());
            size_bytes = size_bytes.saturating_add(text.len() as u64);
        }
        Self { of: Arc::downgrade(of), hash: hasher.finalize(), begins: begins.into(), size_bytes }
    }

    /// The block in which that byte is, and where it begins.
    fn block_at(&self, byte: u64) -> Option<(usize, u64)> {
        let block = self.begins.partition_point(|begin| *begin <= byte).checked_sub(1)?;
        Some((block, *self.begins.get(block)?))
    }
}

fn emit_block(of: &DigestTable, block: usize) -> String {
    let first = block.saturating_mul(BLOCK_FILES);
    emit_rows(of, first..first.saturating_add(BLOCK_FILES).min(of.index().len()))
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
    let size_bytes = (header.len() as u64).saturating_add(rows.size_bytes);
    let selection = select(headers, &version, size_bytes);
    let (first, length) = span(&selection, size_bytes);
    let about = About { file_name: "index.manifest", content_type: "text/plain; charset=utf-8".into(), version };
    let lines =
        Lines { header: header.into(), rows, of: hashed.table.clone(), at: first, end: first.saturating_add(length) };
    Ok(respond(&selection, size_bytes, &about, Body::new(lines)))
}

fn header(app: &App, ends: &Ends, hashed: &Hashed) -> Header {
    let peer = app.napster.own.as_ref().map(|own| own.address(ends.local.ip()));
    Header { hashing: hashed.hashing.left as u64, index: Some(hashed.snapshot.hmac), peer }
}

/// A part of a manifest, as a body.
struct Lines {
    header: Bytes,
    rows: Arc<Rows>,
    of: Arc<DigestTable>,
    /// The next byte of the whole manifest …
    at: u64,
    /// … and where it ends.
    end: u64,
}

impl Lines {
    /// What comes next, some of it; none at the end.
    fn next(&mut self) -> Option<Bytes> {
        let header_bytes = self.header.len() as u64;
        // An empty block begins where the next one does, and is passed over.
        let (part, begin) = match self.at.checked_sub(header_bytes) {
            _ if self.at >= self.end => return None,
            None => (self.header.clone(), 0),
            Some(byte) => {
                let (block, begin) = self.rows.block_at(byte)?;
                (Bytes::from(emit_block(&self.of, block)), header_bytes.saturating_add(begin))
            }
        };
        let within =
            |byte: u64| usize::try_from(byte.saturating_sub(begin)).map_or(part.len(), |at| at.min(part.len()));
        let next = part.slice(within(self.at)..within(self.end));
        self.at = self.at.saturating_add(next.len() as u64);
        (!next.is_empty()).then_some(next)
    }
}

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.at >= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::napster::Md5;
    use crate::wire::{Digests, Index};

    /// Some files; of every third, and of all in the middle, nothing is known.
    fn table(files: usize) -> Arc<DigestTable> {
        let names: Vec<String> = (0..files).map(|at| format!("{at:04}")).collect();
        let index = Index::from_sorted(names.iter().map(|name| (name.as_str(), 7)));
        let of = |at: usize| Digests { md5: Md5::new([7; 16]), blake3: [u8::try_from(at % 256).unwrap(); 32] };
        let is_known = |at: usize| !at.is_multiple_of(3) && !(200..600).contains(&at);
        let digests = (0..files).map(|at| Some(of(at)).filter(|_| is_known(at))).collect();
        Arc::new(DigestTable::new(Arc::new(index), digests))
    }

    #[test]
    fn any_part_of_a_manifest_is_that_part_of_the_whole() {
        for files in [0, 1, 2, BLOCK_FILES, 1_000] {
            let of = table(files);
            let rows = Arc::new(Rows::new(&of));
            let whole = format!("head\n{}", emit_rows(&of, 0..files));
            assert_eq!(rows.size_bytes, whole.len() as u64 - 5);
            assert_eq!(rows.hash, blake3::hash(&whole.as_bytes()[5..]));
            let length = whole.len();
            for (first, end) in [
                (0, length),
                (0, 5),
                (5, length),
                (4, length.min(7)),
                (length / 2, length),
                (length / 3, length / 2),
                (3, 3),
            ] {
                let (header, at) = (Bytes::from_static(b"head\n"), first as u64);
                let mut lines = Lines { header, rows: rows.clone(), of: of.clone(), at, end: end as u64 };
                let read: Vec<u8> = std::iter::from_fn(|| lines.next()).flatten().collect();
                assert_eq!(
                    std::str::from_utf8(&read).unwrap(),
                    &whole[first..end],
                    "{first} to {end} of {files} files"
                );
            }
        }
    }

    #[test]
    fn what_the_lines_come_to_is_kept_without_lines_or_digests() {
        let (manifests, first, second) = (Manifests::default(), table(3), table(5));
        let rows = manifests.rows(&first);
        assert!(Arc::ptr_eq(&rows, &manifests.rows(&first)));
        let digests = Arc::downgrade(&first);
        drop(first);
        assert!(digests.upgrade().is_none());
        assert!(manifests.kept(&second).is_none());
    }
}
