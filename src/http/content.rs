//! `/s/?g=forban/index.content&b3=…` and `/s/?g=forban/index.pieces&b3=…`: a content by its BLAKE3,
//! whatever it is called here, and the hashes that verify each piece of it
//! (`docs/PROTOCOL.md`, section 6).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::App;
use super::error::HttpError;
use super::range::{Version, select, whole_seconds};
use super::store::{About, respond, send_file, span};
use crate::loot::PiecesError;
use crate::wire::pieces::{HASH_BYTES, PIECE_BYTES, PieceList, piece_count};
use crate::wire::url;

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

/// A file that holds that content, as it is served by its name.
pub(super) async fn serve(app: &App, query: &str, headers: &HeaderMap) -> Result<Response, HttpError> {
    let blake3 = asked(query)?;
    let loot = app.loot.clone();
    let opened = tokio::task::spawn_blocking(move || loot.open_by_blake3(*blake3.as_bytes())).await;
    let (path, file) = opened.map_err(|_| HttpError::NotFound)??;
    // The same wherever it is fetched: a download may go on at another node.
    let version = Version { etag: format!("\"{}\"", blake3.to_hex()), modified: whole_seconds(file.facts.modified_ns) };
    send_file(headers, file, path.file_name(), version).await
}

/// 32 bytes for each piece.
pub(super) async fn serve_pieces(app: &App, query: &str, headers: &HeaderMap) -> Result<Response, HttpError> {
    let blake3 = asked(query)?;
    let count = app.loot.size_of(*blake3.as_bytes()).and_then(piece_count).ok_or(HttpError::NotFound)?;
    let size_bytes = count.saturating_mul(HASH_BYTES);
    let version = Version { etag: format!("\"{}-{PIECE_BYTES}\"", blake3.to_hex()), modified: SystemTime::UNIX_EPOCH };
    let selection = select(headers, &version, size_bytes);
    let (first, length) = span(&selection, size_bytes);
    let body = if length == 0 { Body::empty() } else { part(&load(app, blake3, size_bytes).await?, first, length) };
    let about = About { file_name: "index.pieces", content_type: "application/octet-stream".into(), version };
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
    match App::walk(&app.listings, move || loot.pieces(*blake3.as_bytes())).await? {
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
