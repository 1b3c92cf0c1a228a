//! `/s/?g=forban/index.changes`: what changed in our index since a state that a neighbour has
//! (`docs/PROTOCOL.md`, section 6).

use axum::http::HeaderMap;
use axum::response::Response;

use super::error::HttpError;
use super::range::Version;
use super::store::{About, modified_of};
use super::{App, text};
use crate::wire::IndexHmac;

/// GET and HEAD; `since`: the HMAC of the state that the client has. Where the way from there is
/// not known, or is longer than the index, there is nothing: the index is asked for.
pub(super) async fn serve(app: &App, since: Option<&[u8]>, headers: &HeaderMap) -> Result<Response, HttpError> {
    let snapshot = app.loot.snapshot();
    let since = since.and_then(IndexHmac::parse).filter(|since| snapshot.knows_changes_since(since));
    let since = since.ok_or(HttpError::NotFound)?;
    let version = Version { etag: format!("\"{since}-{}\"", snapshot.hmac), modified: modified_of(snapshot.made) };
    let whole_bytes = snapshot.body().len();
    let changes = App::walk(&app.listings, move || snapshot.changes_since(&since)).await?;
    let changes = changes.filter(|changes| changes.len() < whole_bytes).and_then(|changes| app.manifests.hold(changes));
    let changes = changes.ok_or(HttpError::NotFound)?;
    let about = About { file_name: "index.changes", content_type: "text/plain; charset=utf-8", version };
    Ok(text::answer(headers, about, changes.len() as u64, |first, length| text::part(&changes, first, length)))
}
