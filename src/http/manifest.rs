//! `/s/?g=forban/index.manifest`: what names the content of our files
//! (`docs/PROTOCOL.md`, section 6).
//!
//! Who has a state of it is sent what changed since, if we still know that.
//! The header depends on who asks: it tells our address by which he came. The lines of the files
//! are made while they are sent, some at a time: of a million files they are longer than all else
//! that is known of them. What they come to is kept for each state of the digests.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::HttpError;
use super::range::{Version, whole_seconds};
use super::store::About;
use super::{App, Ends, text};
use crate::loot::Hashed;
use crate::wire::DigestTable;
use crate::wire::manifest::{Header, ManifestVersion, emit_changes, emit_rows, row_bytes};

/// Files whose lines are made at once.
const BLOCK_FILES: usize = 256;

/// Answers with what changed are made before they are sent, up to 13 MiB each. Those of more than
/// this …
const CHANGES_FREE_BYTES: usize = 64 * 1024;
/// … take so much memory together: who reads slowly, many times, gets the whole, which takes none.
const CHANGES_ROOM_BYTES: usize = 64 << 20;

/// What the lines of the files come to, kept while the digests stay as they are.
#[derive(Debug)]
pub struct Manifests {
    kept: Mutex<Option<Arc<Rows>>>,
    /// Who waits finds what another made.
    making: Mutex<()>,
    /// In bytes.
    room_for_changes: Arc<Semaphore>,
}

/// What changed, with the room it takes, until it is sent.
struct Held {
    changes: String,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        self.changes.as_bytes()
    }
}

impl Default for Manifests {
    fn default() -> Self {
        let room_for_changes = Arc::new(Semaphore::new(CHANGES_ROOM_BYTES));
        Self { kept: Mutex::default(), making: Mutex::default(), room_for_changes }
    }
}

#[derive(Debug)]
struct Rows {
    /// Weak: it must not stay in memory for our sake.
    of: Weak<DigestTable>,
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

    /// To be sent; none while there is no room for it.
    pub(super) fn hold(&self, changes: String) -> Option<Bytes> {
        if changes.len() <= CHANGES_FREE_BYTES {
            return Some(changes.into());
        }
        let room = self.room_for_changes.clone().try_acquire_many_owned(u32::try_from(changes.len()).ok()?).ok()?;
        Some(Bytes::from_owner(Held { changes, _room: room }))
    }

    fn kept(&self, of: &Arc<DigestTable>) -> Option<Arc<Rows>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|kept| kept.of.as_ptr() == Arc::as_ptr(of)).cloned()
    }
}

impl Rows {
    fn new(of: &Arc<DigestTable>) -> Self {
        let (mut begins, mut size_bytes) = (Vec::new(), 0_u64);
        for block in 0..of.index().len().div_ceil(BLOCK_FILES) {
            begins.push(size_bytes);
            let rows = files_of(of, block).map(|position| row_bytes(of, position) as u64);
            size_bytes = rows.fold(size_bytes, u64::saturating_add);
        }
        Self { of: Arc::downgrade(of), begins: begins.into(), size_bytes }
    }

    /// The block in which that byte is, and where it begins.
    fn block_at(&self, byte: u64) -> Option<(usize, u64)> {
        let block = self.begins.partition_point(|begin| *begin <= byte).checked_sub(1)?;
        Some((block, *self.begins.get(block)?))
    }
}

fn emit_block(of: &DigestTable, block: usize) -> String {
    emit_rows(of, files_of(of, block))
}

/// The positions of a block's files.
fn files_of(of: &DigestTable, block: usize) -> Range<usize> {
    let first = block.saturating_mul(BLOCK_FILES);
    first..first.saturating_add(BLOCK_FILES).min(of.index().len())
}

/// GET and HEAD; `since`: the state that the client has.
pub(super) async fn serve(
    app: &App,
    ends: &Ends,
    since: Option<&[u8]>,
    headers: &HeaderMap,
) -> Result<Response, HttpError> {
    let hashed = app.loot.hashed();
    let header = header(app, ends, &hashed);
    let made = hashed.made.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    // It names the state. The lines of the files are named by the version in it.
    let etag = format!("\"{:.32}\"", blake3::hash(header.emit().as_bytes()).to_hex());
    let modified = whole_seconds(i64::try_from(made.as_nanos()).unwrap_or(i64::MAX));
    let version = Version { etag, modified };
    let about = About { file_name: "index.manifest", content_type: "text/plain; charset=utf-8", version };
    if let Some(since) = since.and_then(ManifestVersion::parse) {
        let (of, header) = (hashed.clone(), header.clone());
        let changes = App::walk(&app.listings, move || changes(&of, header, since)).await?;
        if let Some(changes) = changes.and_then(|changes| app.manifests.hold(changes)) {
            let part = |first, length| text::part(&changes, first, length);
            return Ok(text::answer(headers, about, changes.len() as u64, part));
        }
    }
    let rows = match app.manifests.kept(&hashed.table) {
        Some(rows) => rows,
        None => {
            let (manifests, of) = (app.manifests.clone(), hashed.table.clone());
            App::walk(&app.listings, move || manifests.rows(&of)).await?
        }
    };
    let header = Bytes::from(header.emit());
    let size_bytes = (header.len() as u64).saturating_add(rows.size_bytes);
    let lines =
        |at: u64, length: u64| Lines { header, rows, of: hashed.table.clone(), at, end: at.saturating_add(length) };
    Ok(text::answer(headers, about, size_bytes, lines))
}

/// What changed since a state; none if that is not known any more.
fn changes(of: &Hashed, header: Header, since: ManifestVersion) -> Option<String> {
    let names = of.names_since(&since)?;
    let header = Header { since: Some(since), ..header };
    Some(header.emit() + &emit_changes(&of.table, names.into_iter()))
}

fn header(app: &App, ends: &Ends, hashed: &Hashed) -> Header {
    Header {
        hashing: app.loot.hashing_of(hashed).left as u64,
        index: Some(hashed.snapshot.hmac),
        peer: app.napster.own.as_ref().map(|own| own.address(ends.local.ip())),
        mirrors: app.mirror.mirrors(),
        files: Some(hashed.table.known() as u64),
        version: hashed.version(),
        since: None,
    }
}

/// A part of a manifest.
struct Lines {
    header: Bytes,
    rows: Arc<Rows>,
    of: Arc<DigestTable>,
    /// The next byte of the whole manifest …
    at: u64,
    /// … and where it ends.
    end: u64,
}

impl Iterator for Lines {
    type Item = Bytes;

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
                let lines = Lines { header, rows: rows.clone(), of: of.clone(), at, end: end as u64 };
                let read: Vec<u8> = lines.flatten().collect();
                assert_eq!(
                    std::str::from_utf8(&read).unwrap(),
                    &whole[first..end],
                    "{first} to {end} of {files} files"
                );
            }
        }
    }

    #[test]
    fn what_changed_takes_so_much_memory_and_no_more_while_it_is_sent() {
        let (manifests, large) = (Manifests::default(), "x".repeat(10 << 20));
        let sent: Vec<Bytes> = std::iter::from_fn(|| manifests.hold(large.clone())).take(100).collect();
        assert_eq!(sent.len(), 6);
        assert!(manifests.hold("x".repeat(CHANGES_FREE_BYTES)).is_some(), "a little is always sent");
        // As long as a part of it is.
        let parts: Vec<Bytes> = sent.into_iter().map(|whole| whole.slice(5..7)).collect();
        assert!(manifests.hold(large.clone()).is_none());
        drop(parts);
        assert!(manifests.hold(large).is_some());
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
