//! One file from one neighbour, in each way of asking, resumed where it broke
//! (`docs/PROTOCOL.md`, section 3).

use std::io;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::FetchError;
use super::client::{AnswerBody, BodyReader, Connection, declared_length};
use crate::loot::space::Reservation;
use crate::loot::spool::{Part, Validators};
use crate::wire::url::Asking;

/// Bytes gathered before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// Fetches the rest of a file into its part; `progress` is told how much came, written or not yet. What came
/// before an error stays in the spool, where it can be continued.
///
/// # Errors
/// Of the last way of asking, when none gives a body of the right length.
pub async fn fetch_file(
    connection: &mut Connection,
    listed_name: &str,
    size_bytes: u64,
    mut part: Part,
    reservation: &mut Reservation,
    progress: impl Fn(u64),
) -> Result<Part, FetchError> {
    let mut tried = Vec::new();
    let mut last = FetchError::Status(StatusCode::NOT_FOUND);
    for asking in Asking::IN_ORDER {
        let target = asking.target(listed_name);
        if tried.contains(&target) {
            continue; // for most names two ways are the same
        }
        match ask(connection, &target, &mut part, size_bytes).await {
            Ok(response) => {
                let unwritten_bytes = size_bytes.saturating_sub(part.received_bytes());
                reservation
                    .cover(unwritten_bytes)
                    .map_err(|error| io::Error::new(io::ErrorKind::StorageFull, error))?;
                let (got, received) = receive(response, size_bytes, part, reservation, &progress).await?;
                if got == size_bytes {
                    return Ok(received);
                }
                // It said no length, and was something else: goforban's listing of a folder.
                part = received;
                part.restart(Validators::default())?;
                last = FetchError::WrongLength { got, expected: size_bytes };
            }
            Err(error @ (FetchError::Status(_) | FetchError::WrongLength { .. })) => last = error,
            Err(error) => return Err(error),
        }
        connection.renew().await?;
        tried.push(target);
    }
    Err(last)
}

/// Sends one request and judges the head of the answer; the part is ready for the body then.
async fn ask(
    connection: &mut Connection,
    target: &str,
    part: &mut Part,
    size_bytes: u64,
) -> Result<Response<AnswerBody>, FetchError> {
    let more = resume_headers(part);
    if !more.is_empty() {
        let response = connection.get(target, &more).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if continues(response.headers(), part, size_bytes) => return Ok(response),
            // Another version, another range, or none at all: never spliced, but begun again.
            StatusCode::PARTIAL_CONTENT
            | StatusCode::RANGE_NOT_SATISFIABLE
            | StatusCode::BAD_REQUEST
            | StatusCode::NOT_IMPLEMENTED => part.restart(Validators::default())?,
            _ => return begin(response, part, size_bytes),
        }
        drop(response);
        connection.renew().await?;
    }
    begin(connection.get(target, &[]).await?, part, size_bytes)
}

/// Judges an answer that is to be the whole file.
fn begin(response: Response<AnswerBody>, part: &mut Part, size_bytes: u64) -> Result<Response<AnswerBody>, FetchError> {
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    if let Some(got) = declared_length(response.headers()).filter(|length| *length != size_bytes) {
        return Err(FetchError::WrongLength { got, expected: size_bytes });
    }
    part.restart(validators(response.headers()))?;
    Ok(response)
}

/// Writes the body to the part, up to the first byte too many. Returns how much there was.
async fn receive(
    response: Response<AnswerBody>,
    size_bytes: u64,
    mut part: Part,
    reservation: &mut Reservation,
    progress: &impl Fn(u64),
) -> Result<(u64, Part), FetchError> {
    let mut reader = BodyReader::new(response.into_body());
    let mut gathered: Vec<Bytes> = Vec::new();
    let mut gathered_bytes = 0_usize;
    let mut received = part.received_bytes();
    let ending = loop {
        match reader.next().await {
            Ok(Some(bytes)) => {
                received = received.saturating_add(bytes.len() as u64);
                if received > size_bytes {
                    return Ok((received, part));
                }
                gathered_bytes = gathered_bytes.saturating_add(bytes.len());
                gathered.push(bytes);
                progress(received);
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
        if gathered_bytes >= WRITE_BYTES {
            part = write(part, std::mem::take(&mut gathered)).await?;
            reservation.written(std::mem::take(&mut gathered_bytes) as u64);
        }
    };
    part = write(part, gathered).await?;
    reservation.written(gathered_bytes as u64);
    progress(part.received_bytes());
    ending.map(|()| (received, part))
}

/// Disks may block for long: not on the threads that serve.
async fn write(mut part: Part, chunks: Vec<Bytes>) -> Result<Part, FetchError> {
    if chunks.is_empty() {
        return Ok(part);
    }
    let written = tokio::task::spawn_blocking(move || {
        chunks.iter().try_for_each(|bytes| part.append(bytes))?;
        Ok::<Part, std::io::Error>(part)
    });
    Ok(written.await.map_err(std::io::Error::other)??)
}

/// Headers that ask for the rest; none where the version cannot be named.
fn resume_headers(part: &Part) -> Vec<(HeaderName, HeaderValue)> {
    let validators = part.validators();
    let named = validators.etag.as_ref().or(validators.last_modified.as_ref());
    let Some(named) = named.filter(|_| part.received_bytes() > 0) else { return Vec::new() };
    let range = HeaderValue::try_from(format!("bytes={}-", part.received_bytes()));
    match (range, HeaderValue::try_from(named)) {
        (Ok(range), Ok(named)) => vec![(RANGE, range), (IF_RANGE, named)],
        _ => Vec::new(),
    }
}

/// Whether a 206 is the rest of the version that was begun.
fn continues(headers: &HeaderMap, part: &Part, size_bytes: u64) -> bool {
    let from = part.received_bytes();
    let expected = format!("bytes {from}-{}/{size_bytes}", size_bytes.saturating_sub(1));
    let range_fits = headers.get(CONTENT_RANGE).is_some_and(|range| range.as_bytes() == expected.as_bytes());
    let length = declared_length(headers);
    range_fits
        && length.is_none_or(|length| length == size_bytes.saturating_sub(from))
        && validators(headers) == *part.validators()
}

fn validators(headers: &HeaderMap) -> Validators {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Validators { etag: text(ETAG).filter(|etag| !etag.starts_with("W/")), last_modified: text(LAST_MODIFIED) }
}
