//! Many small files of a neighbour in one answer.

use http::StatusCode;

use super::FetchError;
use super::client::{BodyReader, Connection};
use crate::wire::batch::{BatchReader, Given, emit_request};
use crate::wire::url;

/// Asks for files by the names under which the neighbour lists them; `take` gets each as it is
/// whole, with its place in the list, and may end it all with an error.
///
/// # Errors
/// [`FetchError`]; what was taken before is good. `Status` 404 or 405: it knows no batches.
pub async fn fetch_batch(
    connection: &mut Connection,
    names: &[&str],
    mut take: impl FnMut(usize, Given),
) -> Result<(), FetchError> {
    let response = connection.post(url::BATCH_TARGET, emit_request(names.iter().copied())).await?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let mut body = BodyReader::new(response.into_body());
    let (mut reader, mut at) = (BatchReader::default(), 0_usize);
    while let Some(bytes) = body.next().await? {
        reader.feed(&bytes);
        while let Some(given) = reader.read()? {
            if at >= names.len() {
                return Err(FetchError::TooMany);
            }
            take(at, given);
            at = at.saturating_add(1);
        }
    }
    if at < names.len() { Err(FetchError::TooFew) } else { Ok(()) }
}
