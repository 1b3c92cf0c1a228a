//! A file of a neighbour, or a part of it, to be handed on as it comes: nothing is stored here.
//!
//! What comes is what was asked for, or an error before its first byte: a body of a declared
//! length that is not that of the index is never begun.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::header::{CONTENT_RANGE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tokio::time::timeout;

use super::FetchError;
use super::client::{AnswerBody, BodyReader, Connection, Dialling, declared_length};
use crate::wire::url::Asking;

/// To connect, at all addresses, and in all ways of asking: somebody waits before a page.
pub const OPENING: Duration = Duration::from_secs(15);

/// What is to be had of a file.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// `first..=last`; none: all of it.
    pub span: Option<RangeInclusive<u64>>,
    /// Conditions, as whoever wants it put them.
    pub conditions: Vec<(HeaderName, HeaderValue)>,
}

/// An answer that has begun.
#[derive(Debug)]
pub struct Opened {
    /// What it is.
    pub kind: OpenedKind,
    /// Its head, as the neighbour wrote it.
    pub headers: HeaderMap,
    /// Its content.
    pub body: BodyReader,
}

/// What an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenedKind {
    /// All of the file, whether or not a part was asked for.
    Whole,
    /// The part that was asked for.
    Part,
    /// Nothing: the conditions say that it is known.
    NotModified,
}

/// Connects to the first of the neighbour's addresses that answers.
///
/// # Errors
/// Of the last one.
pub async fn connect(services: &[SocketAddr], dialling: &Dialling) -> Result<Connection, FetchError> {
    let mut last = FetchError::Connect(std::io::ErrorKind::AddrNotAvailable.into());
    for service in services {
        match Connection::open(*service, dialling).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The same with a file of `size_bytes` as it is listed; the connection lasts as long as the body.
///
/// # Errors
/// As [`open_file`]; [`FetchError::TimedOut`].
pub async fn open_at(
    services: &[SocketAddr],
    dialling: &Dialling,
    listed_name: &str,
    size_bytes: u64,
    wish: &Wish,
) -> Result<(Connection, Opened), FetchError> {
    let opening = async {
        let mut connection = connect(services, dialling).await?;
        let opened = open_file(&mut connection, listed_name, size_bytes, wish).await?;
        Ok((connection, opened))
    };
    timeout(OPENING, opening).await.unwrap_or(Err(FetchError::TimedOut(OPENING)))
}

/// Asks for a file in one way after another, until an answer fits what is listed.
///
/// # Errors
/// Of the last way of asking.
pub async fn open_file(
    connection: &mut Connection,
    listed_name: &str,
    size_bytes: u64,
    wish: &Wish,
) -> Result<Opened, FetchError> {
    let (mut tried, mut last) = (Vec::new(), FetchError::Status(StatusCode::NOT_FOUND));
    for asking in Asking::IN_ORDER {
        let target = asking.target(listed_name);
        if tried.contains(&target) {
            continue; // for most names two ways are the same
        }
        // Who answers a part in another way than it should gives the whole.
        let wishes = [Some(wish.clone()), wish.span.is_some().then(Wish::default)];
        for wish in wishes.into_iter().flatten() {
            match ask_again(connection, &target, size_bytes, &wish).await {
                Err(error @ (FetchError::Status(_) | FetchError::WrongLength { .. })) => last = error,
                other => return other,
            }
            if !is_of_the_part(&last) {
                break;
            }
        }
        tried.push(target);
    }
    Err(last)
}

/// On a connection that may have rested: one that is closed just now is no answer.
async fn ask_again(
    connection: &mut Connection,
    target: &str,
    size_bytes: u64,
    wish: &Wish,
) -> Result<Opened, FetchError> {
    connection.renew().await?;
    match ask(connection, target, size_bytes, wish).await {
        Err(FetchError::Broken(_)) => {
            connection.renew().await?;
            ask(connection, target, size_bytes, wish).await
        }
        asked => asked,
    }
}

async fn ask(connection: &mut Connection, target: &str, size_bytes: u64, wish: &Wish) -> Result<Opened, FetchError> {
    let range = wish.span.as_ref().map(|span| HeaderValue::try_from(format!("bytes={}-{}", span.start(), span.end())));
    let range = range.and_then(Result::ok).map(|range| (RANGE, range));
    let more: Vec<_> = wish.conditions.iter().cloned().chain(range).collect();
    let response = connection.get(target, &more).await?;
    let kind = judge(&response, size_bytes, wish)?;
    let (head, body) = response.into_parts();
    Ok(Opened { kind, headers: head.headers, body: BodyReader::new(body) })
}

/// What an answer is, if it is any that was asked for.
fn judge(response: &Response<AnswerBody>, size_bytes: u64, wish: &Wish) -> Result<OpenedKind, FetchError> {
    let (kind, expected) = match (response.status(), &wish.span) {
        (StatusCode::OK, _) => (OpenedKind::Whole, size_bytes),
        (StatusCode::NOT_MODIFIED, _) if !wish.conditions.is_empty() => return Ok(OpenedKind::NotModified),
        (StatusCode::PARTIAL_CONTENT, Some(span)) if is_of(response.headers(), span, size_bytes) => {
            (OpenedKind::Part, span.end().saturating_sub(*span.start()).saturating_add(1))
        }
        (status, _) => return Err(FetchError::Status(status)),
    };
    match declared_length(response.headers()) {
        Some(got) if got != expected => Err(FetchError::WrongLength { got, expected }),
        _ => Ok(kind),
    }
}

/// Whether an answer with a part holds that part of a file of that length.
fn is_of(headers: &HeaderMap, span: &RangeInclusive<u64>, size_bytes: u64) -> bool {
    let expected = format!("bytes {}-{}/{size_bytes}", span.start(), span.end());
    headers.get(CONTENT_RANGE).is_some_and(|range| range.as_bytes() == expected.as_bytes())
}

/// Whether it may be the part that was refused, and not the file.
fn is_of_the_part(error: &FetchError) -> bool {
    use StatusCode as S;
    matches!(
        error,
        FetchError::WrongLength { .. }
            | FetchError::Status(S::PARTIAL_CONTENT | S::RANGE_NOT_SATISFIABLE | S::BAD_REQUEST | S::NOT_IMPLEMENTED)
    )
}
