//! `/media/<uuid>?g=…`: a file of this node or of a neighbour, as pages show it.
//!
//! Pages load nothing from elsewhere (their policy says so), so a neighbour's pictures and films
//! come through this node: one range at a time, as the neighbour gives it, never stored here. Only
//! what the neighbour lists is asked of it, and only where it was heard. The bytes are a
//! stranger's: the type is one of the inert ones or none, and what has none is an attachment.

mod beginning;
mod places;

use std::ops::RangeInclusive;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::sync::mpsc::Sender;

pub(super) use self::beginning::beginning;
use self::places::Place;
pub use self::places::Places;
use super::error::HttpError;
use super::exact_body::ExactBody;
use super::owner::Owner;
use super::range::{Selection, parse_range};
use super::store::{STORE_POLICY, disposition, inert_type, refused, requested_name, send_own, span};
use super::{App, Ends};
use crate::bandwidth::Bandwidth;
use crate::fetch::FetchError;
use crate::fetch::client::{BodyReader, Connection, Dialling};
use crate::fetch::open::{Opened, OpenedKind, Wish, open_at};
use crate::wire::LootPath;
use crate::wire::index::Entry;

/// Chunks that wait for the client.
const AHEAD: usize = 4;
/// A condition or the name of a version is not longer.
const CONDITION_MAX_BYTES: usize = 256;
/// What is put to the neighbour as it was put to us.
const CONDITIONS: [HeaderName; 2] = [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE];

/// GET and HEAD.
pub async fn serve(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(uuid): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let owner = Owner::find(&app, &uuid)?;
    let name = requested_name(&query.unwrap_or_default())?;
    let path = LootPath::parse(&name).map_err(|_| refused(&name))?;
    let response = match owner.is_ours() {
        true => send_own(&app, &ends, &headers, &path).await?,
        false => relayed(&app, &ends, &owner, &path, &method, &headers).await?,
    };
    Ok(shown(response, path.file_name()))
}

/// A neighbour's file, through this node.
async fn relayed(
    app: &App,
    ends: &Ends,
    owner: &Owner,
    path: &LootPath,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, HttpError> {
    let entry = owner.index.find(path.as_str()).ok_or(HttpError::NotFound)?;
    let size_bytes = entry.size_bytes;
    if method == Method::HEAD || size_bytes == 0 {
        return Ok(respond(OpenedKind::Whole, &HeaderMap::new(), &Selection::Whole, size_bytes, Body::empty()));
    }
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let selection = range.map_or(Selection::Whole, |range| parse_range(range, size_bytes));
    if selection == Selection::Unsatisfiable {
        let about = [(header::CONTENT_RANGE, format!("bytes */{size_bytes}"))];
        return Ok((StatusCode::RANGE_NOT_SATISFIABLE, about).into_response());
    }
    let place = app.media.take(ends.peer, owner.uuid).await.ok_or(HttpError::TooManyStreams)?;
    let (connection, opened) = fetched(app, owner, &entry, &wish(headers, &selection)).await?;
    let Opened { kind, headers: theirs, body } = opened;
    let selection = if kind == OpenedKind::Part { selection } else { Selection::Whole };
    let (sender, exact) = ExactBody::new(span(&selection, size_bytes).1, AHEAD);
    if kind != OpenedKind::NotModified {
        tokio::spawn(relay(connection, body, app.upload.clone(), sender, place));
    }
    Ok(respond(kind, &theirs, &selection, size_bytes, Body::new(exact)))
}

async fn fetched(app: &App, owner: &Owner, entry: &Entry<'_>, wish: &Wish) -> Result<(Connection, Opened), HttpError> {
    let dialling = Dialling { from: app.bind, bandwidth: app.download.clone() };
    let opened = open_at(&owner.services(), &dialling, &entry.listed_name(), entry.size_bytes, wish).await;
    opened.map_err(|error| match error {
        FetchError::Status(StatusCode::NOT_FOUND) => HttpError::NotFound,
        error => HttpError::NotFetched(error),
    })
}

/// What of a request is put to the neighbour.
fn wish(headers: &HeaderMap, selection: &Selection) -> Wish {
    let span: Option<RangeInclusive<u64>> = match selection {
        Selection::Part { first, last } => Some(*first..=*last),
        _ => None,
    };
    let if_range = span.is_some().then_some(header::IF_RANGE);
    let conditions = CONDITIONS.into_iter().chain(if_range).filter_map(|name| {
        let value = headers.get(&name).filter(|value| value.len() <= CONDITION_MAX_BYTES)?;
        Some((name, value.clone()))
    });
    Wish { conditions: conditions.collect(), span }
}

/// Hands on what comes until the client goes; the body counts.
async fn relay(connection: Connection, mut body: BodyReader, upload: Bandwidth, sender: Sender<Bytes>, place: Place) {
    let handed = async {
        while let Some(bytes) = body.next().await? {
            upload.grant(bytes.len()).await;
            if sender.send(bytes).await.is_err() {
                break;
            }
        }
        Ok::<(), FetchError>(())
    };
    tokio::select! {
        () = sender.closed() => {} // the client went
        handed = handed => {
            if let Err(error) = handed {
                tracing::debug!(%error, service = %connection.service(), "a neighbour's file is broken off");
            }
        }
    }
    drop(place);
}

/// The head that says what comes: nothing of the neighbour's own is in it but how it names the version.
fn respond(kind: OpenedKind, theirs: &HeaderMap, selection: &Selection, size_bytes: u64, body: Body) -> Response {
    let (status, body) = match (kind, selection) {
        (OpenedKind::NotModified, _) => (StatusCode::NOT_MODIFIED, Body::empty()),
        (_, Selection::Part { .. }) => (StatusCode::PARTIAL_CONTENT, body),
        _ => (StatusCode::OK, body),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let known = [(header::ETAG, etag(theirs)), (header::LAST_MODIFIED, last_modified(theirs))];
    let range = match selection {
        Selection::Part { first, last } => Some(format!("bytes {first}-{last}/{size_bytes}")),
        _ => None,
    };
    let length = (kind != OpenedKind::NotModified).then(|| span(selection, size_bytes).1.to_string());
    let more = [(header::CONTENT_RANGE, range), (header::CONTENT_LENGTH, length)];
    for (name, value) in known.into_iter().chain(more) {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            headers.insert(name, value);
        }
    }
    response
}

/// A strong entity tag as RFC 9110 writes them, section 8.8.3.
fn etag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(header::ETAG)?.to_str().ok().filter(|tag| tag.len() <= CONDITION_MAX_BYTES)?;
    let inside = tag.strip_prefix('"')?.strip_suffix('"')?;
    inside.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"').then(|| tag.to_owned())
}

fn last_modified(headers: &HeaderMap) -> Option<String> {
    let date = httpdate::parse_http_date(headers.get(header::LAST_MODIFIED)?.to_str().ok()?).ok()?;
    Some(httpdate::fmt_http_date(date))
}

/// To be looked at in a page if it is of a type that does nothing, else to be kept.
fn shown(mut response: Response, file_name: &str) -> Response {
    let kind = inert_type(file_name);
    let saved = disposition(file_name);
    let is_inert = kind != "application/octet-stream";
    let how = if is_inert { saved.replacen("attachment", "inline", 1) } else { saved };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_DISPOSITION, how),
        (header::CONTENT_TYPE, kind.into()),
        (header::CONTENT_SECURITY_POLICY, STORE_POLICY.into()),
        (header::CACHE_CONTROL, "no-cache".into()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_neighbours_head_only_what_names_the_version_goes_on() {
        let theirs = |name: &'static str, value: &'static str| {
            HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
        };
        for (tag, goes_on) in
            [("\"abc\"", true), ("W/\"abc\"", false), ("abc", false), ("\"a\"b\"", false), ("\"", false)]
        {
            assert_eq!(etag(&theirs("etag", tag)).is_some(), goes_on, "{tag}");
        }
        for (date, goes_on) in [("Sun, 22 Nov 2026 08:00:00 GMT", true), ("yesterday", false)] {
            assert_eq!(last_modified(&theirs("last-modified", date)).is_some(), goes_on, "{date}");
        }
        let odd = HeaderMap::from_iter([(header::SET_COOKIE, HeaderValue::from_static("a=b"))]);
        let response = respond(OpenedKind::Whole, &odd, &Selection::Whole, 7, Body::empty());
        assert!(!response.headers().contains_key(header::SET_COOKIE));
    }

    #[test]
    fn only_what_does_nothing_is_shown_in_place() {
        for (name, expected) in [
            ("a.png", "inline; "),
            ("a.mp4", "inline; "),
            ("a.txt", "inline; "),
            ("a.svg", "attachment; "),
            ("a.html", "attachment; "),
            ("a.pdf", "attachment; "),
            ("attachment", "attachment; "),
        ] {
            let response = shown(Body::empty().into_response(), name);
            let how = response.headers()[header::CONTENT_DISPOSITION].to_str().unwrap();
            assert!(how.starts_with(expected), "{name}: {how}");
        }
    }
}
