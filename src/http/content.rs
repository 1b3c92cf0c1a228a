//! `/s/?g=forban/index.content&b3=…` and `/s/?g=forban/index.pieces&b3=…`: a content by its BLAKE3,
//! whatever it is called here, and the hashes that verify each piece of it
//! (`docs/PROTOCOL.md`, section 6).

use std::fs::File;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::HttpError;
use super::file_body::FileBody;
use super::pieces::leave;
use super::range::{Selection, Version, select, whole_seconds};
use super::store::{About, inert_type, respond, span};
use super::uploads::{Chosen, PieceBody};
use super::{App, Ends};
use crate::leaving::Way;
use crate::listening::canonical;
use crate::loot::residence::Residence;
use crate::loot::under_way::Coming;
use crate::loot::{OpenError, PiecesError};
use crate::wire::pieces::{HASH_BYTES, PIECE_BYTES, PieceList, piece_count, run_bytes};
use crate::wire::{Content, PieceSet, url};

/// What the lists that are being sent take in memory, all together: two of the longest. In
/// kibibytes, since a permit is one.
const SENT_KIB: usize = 256 * 1024;
/// A list waits so long for its turn.
const WAIT: Duration = Duration::from_secs(3);
/// A list is what it is for ever.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Room for the lists that are being sent.
#[must_use]
pub fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(SENT_KIB))
}

/// A content that can be read here, whole or in part.
struct Readable {
    file: File,
    residence: Residence,
    size_bytes: u64,
    file_name: String,
    /// Its name here; empty while it is coming.
    path: String,
    modified_ns: i64,
    /// The pieces that are here; none if all are.
    coming: Option<Arc<Coming>>,
}

/// A file that holds that content, as it is served by its name; or what is here of it already, if
/// it is coming. `want` names pieces, of which we choose.
pub(super) async fn serve(app: &App, ends: &Ends, query: &str, headers: &HeaderMap) -> Result<Response, HttpError> {
    let blake3 = asked(query)?;
    let content = Content::new(blake3.into());
    let readable = open(app, blake3).await?;
    let wanted = wanted(query, &readable)?;
    // The same wherever it is fetched: a download may go on at another node.
    let etag = format!("\"{}\"", blake3.to_hex());
    let version = Version { etag, modified: whole_seconds(readable.modified_ns) };
    let host = canonical(ends.peer).ip();
    let (selection, chosen, slot) = match wanted {
        None => {
            let selection = select(headers, &version, readable.size_bytes);
            let (first, length) = span(&selection, readable.size_bytes);
            if !is_here(&readable, first, length) {
                return Err(HttpError::NoSuchPieces);
            }
            let slot = app.uploads.slot(host, length).await?;
            let named = pieces_of(&selection, readable.size_bytes).map(|(run, pieces)| {
                app.uploads.gave(content, pieces, run.clone());
                Chosen { uploads: app.uploads.clone(), content, run }
            });
            (selection, named, slot)
        }
        Some((wanted, _)) if wanted.is_empty() => return Err(HttpError::NoSuchPieces),
        Some((wanted, most)) => {
            // What was handed out meanwhile counts.
            let slot = app.uploads.slot(host, most.saturating_mul(PIECE_BYTES)).await?;
            let run = app.uploads.choose(content, &wanted, most).ok_or(HttpError::NoSuchPieces)?;
            let (first, length) = run_bytes(&run, readable.size_bytes);
            let selection = Selection::Part { first, last: first.saturating_add(length).saturating_sub(1) };
            (selection, Some(Chosen { uploads: app.uploads.clone(), content, run }), slot)
        }
    };
    let (first, length) = span(&selection, readable.size_bytes);
    let (piece, pieces) = (first / PIECE_BYTES, length.div_ceil(PIECE_BYTES));
    tracing::trace!(peer = %ends.peer, first = piece, pieces, chosen = chosen.is_some(), "pieces leave");
    let about = About { file_name: &readable.file_name, content_type: inert_type(&readable.file_name), version };
    let body = FileBody::new(readable.file, readable.residence, first, length, app.upload.clone());
    // Of those that do not count there may be many: they begin with little memory.
    let body = if slot.is_extra() { body } else { body.fast() };
    let mut response = respond(&selection, readable.size_bytes, &about, Body::empty());
    if length > 0 {
        let (id, size_bytes) = (content.to_string(), Some(readable.size_bytes));
        let leaving = app.leaving.begin_part(Way::Pieces, host, &id, &readable.path, size_bytes);
        leave(&mut response, PieceBody::new(body.counted(leaving), slot, chosen));
    }
    Ok(response)
}

async fn open(app: &App, blake3: blake3::Hash) -> Result<Readable, HttpError> {
    let loot = app.loot.clone();
    let open = move || match loot.open_by_blake3(*blake3.as_bytes()) {
        Ok((path, opened)) => Ok(Readable {
            file: opened.file,
            residence: opened.residence,
            size_bytes: opened.facts.size_bytes,
            file_name: path.file_name().to_owned(),
            path: path.to_string(),
            modified_ns: opened.facts.modified_ns,
            coming: None,
        }),
        Err(error) => open_coming(loot.under_way().get(Content::new(blake3.into()))).ok_or(error),
    };
    let opened: Result<Readable, OpenError> =
        tokio::task::spawn_blocking(open).await.map_err(|_| HttpError::NotFound)?;
    Ok(opened?)
}

fn open_coming(coming: Option<Arc<Coming>>) -> Option<Readable> {
    let coming = coming?;
    let (file, size_bytes) = (coming.open()?, coming.list().size_bytes());
    Some(Readable {
        residence: Residence::of(&file),
        file,
        size_bytes,
        file_name: coming.content().to_string(),
        path: String::new(),
        modified_ns: 0,
        coming: Some(coming),
    })
}

/// `want`: pieces as ranges, of those that are here; `most`: so many of them in a row.
fn wanted(query: &str, readable: &Readable) -> Result<Option<(PieceSet, u64)>, HttpError> {
    let Some(want) = url::query_first(query, "want") else { return Ok(None) };
    let pieces = piece_count(readable.size_bytes).ok_or(HttpError::NotFound)?;
    let want = String::from_utf8_lossy(&want);
    let mut wanted = PieceSet::parse(&want, pieces).map_err(|error| HttpError::BadQuery(error.to_string()))?;
    if let Some(coming) = &readable.coming {
        wanted.keep(&coming.have());
    }
    let most = url::query_first(query, "most");
    let most = most.map_or(Ok(1), |most| String::from_utf8_lossy(&most).parse());
    let most: u64 = most.map_err(|_| HttpError::BadQuery("most= is a number of pieces".into()))?;
    // It counts as given to the host: more than there is would spoil all later turns.
    let most = most.min(wanted.len());
    Ok(Some((wanted, most)))
}

/// The whole pieces that are asked for by a range, and how many pieces there are.
fn pieces_of(selection: &Selection, size_bytes: u64) -> Option<(RangeInclusive<u64>, u64)> {
    let Selection::Part { first, last } = selection else { return None };
    let end = last.saturating_add(1);
    let is_whole = first.is_multiple_of(PIECE_BYTES) && (end.is_multiple_of(PIECE_BYTES) || end == size_bytes);
    let run = first / PIECE_BYTES..=last / PIECE_BYTES;
    piece_count(size_bytes).filter(|_| is_whole).map(|pieces| (run, pieces))
}

/// Whether all of these bytes are here and right.
fn is_here(readable: &Readable, first: u64, length: u64) -> bool {
    let Some(coming) = &readable.coming else { return true };
    let end = first.saturating_add(length).div_ceil(PIECE_BYTES);
    length == 0 || coming.has_all(first / PIECE_BYTES..end)
}

/// 32 bytes for each piece.
pub(super) async fn serve_pieces(app: &App, query: &str, headers: &HeaderMap) -> Result<Response, HttpError> {
    let blake3 = asked(query)?;
    let coming = app.loot.under_way().get(Content::new(blake3.into()));
    let coming_bytes = || coming.as_ref().map(|coming| coming.list().size_bytes());
    let known_bytes = app.loot.size_of(*blake3.as_bytes()).or_else(coming_bytes);
    let count = known_bytes.and_then(piece_count).ok_or(HttpError::NotFound)?;
    let size_bytes = count.saturating_mul(HASH_BYTES);
    let version = Version { etag: format!("\"{}-{PIECE_BYTES}\"", blake3.to_hex()), modified: SystemTime::UNIX_EPOCH };
    let selection = select(headers, &version, size_bytes);
    let (first, length) = span(&selection, size_bytes);
    let body = if length == 0 { Body::empty() } else { part(&load(app, blake3, size_bytes).await?, first, length) };
    let about = About { file_name: "index.pieces", content_type: "application/octet-stream", version };
    let mut response = respond(&selection, size_bytes, &about, body);
    response.headers_mut().insert(header::CACHE_CONTROL, FOR_EVER);
    Ok(response)
}

/// A list with the room it takes, until it is sent.
struct Sent {
    list: PieceList,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        self.list.emit()
    }
}

async fn load(app: &App, blake3: blake3::Hash, size_bytes: u64) -> Result<Bytes, HttpError> {
    let kib = u32::try_from(size_bytes.div_ceil(1024)).map_err(|_| HttpError::NotFound)?;
    let room = tokio::time::timeout(WAIT, app.lists.clone().acquire_many_owned(kib)).await;
    let Ok(Ok(room)) = room else { return Err(HttpError::NoRoom) };
    let loot = app.loot.clone();
    let coming = loot.under_way().get(Content::new(blake3.into()));
    let pieces = move || match coming {
        Some(coming) => Ok(PieceList::clone(coming.list())),
        None => loot.pieces(*blake3.as_bytes()),
    };
    match App::walk(&app.listings, pieces).await? {
        Ok(list) => Ok(Bytes::from_owner(Sent { list, _room: room })),
        Err(PiecesError::Unknown) => Err(HttpError::NotFound),
        Err(PiecesError::NotYet) => Err(HttpError::PiecesNotYet),
    }
}

fn part(list: &Bytes, first: u64, length: u64) -> Body {
    let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(list.len());
    let range = at(first)..at(first.saturating_add(length));
    Body::from(list.slice(range))
}

/// `b3`: the content's BLAKE3 in hexadecimal.
fn asked(query: &str) -> Result<blake3::Hash, HttpError> {
    let value = url::query_first(query, "b3").unwrap_or_default();
    blake3::Hash::from_hex(value.as_ref())
        .map_err(|_| HttpError::BadQuery("a content is named by its BLAKE3: b3=<64 hexadecimal digits>".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_host_is_given_more_than_it_can_get() {
        let readable = Readable {
            file: tempfile::tempfile().unwrap(),
            residence: Residence::Unknown,
            size_bytes: 5 * PIECE_BYTES,
            file_name: "a".into(),
            path: String::new(),
            modified_ns: 0,
            coming: None,
        };
        for (query, most) in
            [("want=0-2", 1), ("want=0-2&most=2", 2), ("want=0-2&most=18446744073709551615", 3), ("want=&most=2", 0)]
        {
            assert_eq!(wanted(query, &readable).unwrap().unwrap().1, most, "{query}");
        }
    }

    #[test]
    fn ranges_of_whole_pieces_are_known_as_such() {
        let end = 3 * PIECE_BYTES + 5;
        for (first, last, run) in [
            (0, PIECE_BYTES - 1, Some(0..=0)),
            (PIECE_BYTES, 3 * PIECE_BYTES - 1, Some(1..=2)),
            (PIECE_BYTES, end - 1, Some(1..=3)),
            (0, PIECE_BYTES, None),
            (1, PIECE_BYTES - 1, None),
        ] {
            let pieces = pieces_of(&Selection::Part { first, last }, end);
            assert_eq!(pieces, run.map(|run| (run, 4)), "{first}-{last}");
        }
        assert_eq!(pieces_of(&Selection::Whole, end), None);
    }

    #[test]
    fn a_content_is_named_by_all_of_its_digits() {
        let hex = "0123456789abcdef".repeat(4);
        for query in [format!("g=x&b3={hex}"), format!("b3={}", hex.to_uppercase())] {
            assert_eq!(asked(&query).unwrap().to_hex().as_str(), hex, "{query}");
        }
        for query in ["", "b3=", "b3=0", &format!("b3={hex}0"), &format!("b3={}", "g".repeat(64)), &format!("b2={hex}")]
        {
            assert!(asked(query).is_err(), "{query}");
        }
    }
}
