//! `/s/`: the index, what [names](manifest) and [holds](content) its content, and the files, for old
//! nodes, new nodes and everybody with a link (`docs/PROTOCOL.md`, section 3).

use std::time::SystemTime;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::HttpError;
use super::file_body::FileBody;
use super::manifest;
use super::pieces::leave;
use super::range::{Selection, Version, select, whole_seconds};
use super::{App, Ends, changes, content, feed, text};
use crate::leaving::Way;
use crate::listening::canonical;
use crate::loot::{FileFacts, LootFile};
use crate::wire::{LootPath, b64e, url};

/// Smaller answers are read at once and leave with their head.
const WHOLE_BELOW_BYTES: u64 = 64 * 1024;
/// Content of strangers runs nowhere near our pages.
pub(super) const STORE_POLICY: &str = "sandbox; default-src 'none'";
/// Longest `g`: a name of 1,024 bytes, every byte percent-encoded, in base64.
const NAME_MAX_BYTES: usize = 8 * 1024;
/// RFC 8187, `attr-char`.
const ATTRIBUTE_VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// GET and HEAD of `/s/?g=…`, as the table of routes knows it.
pub async fn serve(
    State(app): State<App>,
    method: Method,
    Extension(ends): Extension<Ends>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    answer(&app, &ends, &method, query.as_deref().unwrap_or_default(), &headers).await
}

/// The same without the table: nothing is asked more often.
pub(super) async fn answer(
    app: &App,
    ends: &Ends,
    method: &Method,
    query: &str,
    headers: &HeaderMap,
) -> Result<Response, HttpError> {
    let name = requested_name(query)?;
    // The existing nodes drop a leading slash here as they do for files.
    let own = name.strip_prefix(b"/").unwrap_or(&name);
    if own == url::INDEX_NAME.as_bytes() {
        return Ok(serve_index(app, headers));
    }
    if own == url::MANIFEST_NAME.as_bytes() {
        let since = url::query_first(query, "since");
        return manifest::serve(app, ends, since.as_deref(), headers).await;
    }
    if own == url::CHANGES_NAME.as_bytes() {
        return changes::serve(app, url::query_first(query, "since").as_deref(), headers).await;
    }
    if own == url::CONTENT_NAME.as_bytes() {
        return content::serve(app, ends, query, headers).await;
    }
    if own == url::PIECES_NAME.as_bytes() {
        return content::serve_pieces(app, query, headers).await;
    }
    if own == url::FEED_NAME.as_bytes() {
        return feed::serve(app, ends, method);
    }
    let path = LootPath::parse(&name).map_err(|_| refused(&name))?;
    send_own(app, ends, headers, &path).await
}

/// A file of ours, or what is asked of it.
pub(super) async fn send_own(
    app: &App,
    ends: &Ends,
    headers: &HeaderMap,
    path: &LootPath,
) -> Result<Response, HttpError> {
    let file = match app.loot.open_cached(path) {
        Some(opened) => opened?,
        None => {
            let (loot, path) = (app.loot.clone(), path.clone());
            tokio::task::spawn_blocking(move || loot.open_file(&path)).await.map_err(|_| HttpError::NotFound)??
        }
    };
    let version = Version { etag: etag_of(&file.facts), modified: whole_seconds(file.facts.modified_ns) };
    send_file(app, ends, headers, file, path, version).await
}

/// An open file, or what is asked of it.
pub(super) async fn send_file(
    app: &App,
    ends: &Ends,
    headers: &HeaderMap,
    opened: LootFile,
    path: &LootPath,
    version: Version,
) -> Result<Response, HttpError> {
    let LootFile { file, facts, residence } = opened;
    let file_name = path.file_name();
    let selection = select(headers, &version, facts.size_bytes);
    let about = About { file_name, content_type: inert_type(file_name), version };
    let (first, length) = span(&selection, facts.size_bytes);
    let body = FileBody::new(file, residence, first, length, app.upload.clone());
    let answered = |body| respond(&selection, facts.size_bytes, &about, body);
    if length == 0 {
        return Ok(answered(Body::empty()));
    }
    if body.can_be_collected(WHOLE_BELOW_BYTES) {
        app.leaving.small(length);
        return Ok(answered(Body::from(body.collect().await.map_err(HttpError::Disk)?)));
    }
    let host = canonical(ends.peer).ip();
    let leaving = app.leaving.begin(Way::File, host, path.as_str(), Some(facts.size_bytes));
    let mut response = answered(Body::empty());
    leave(&mut response, body.counted(leaving));
    Ok(response)
}

fn serve_index(app: &App, headers: &HeaderMap) -> Response {
    let snapshot = app.loot.snapshot();
    let body = snapshot.body();
    let version = Version { etag: format!("\"{}\"", snapshot.hmac), modified: modified_of(snapshot.made) };
    let about = About { file_name: "index", content_type: "text/plain; charset=utf-8", version };
    text::answer(headers, about, body.len() as u64, |first, length| text::part(body, first, length))
}

/// When a state was made, as headers tell it.
pub(super) fn modified_of(made: SystemTime) -> SystemTime {
    let made = made.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    whole_seconds(i64::try_from(made.as_nanos()).unwrap_or(i64::MAX))
}

/// `g`, decoded. Any spelling that an existing program sends is read.
pub(super) fn requested_name(query: &str) -> Result<Vec<u8>, HttpError> {
    let g = url::query_first(query, "g").ok_or(HttpError::NoName)?;
    if g.is_empty() {
        return Err(HttpError::NoName);
    }
    if g.len() > NAME_MAX_BYTES {
        return Err(HttpError::BadName);
    }
    match url::query_first(query, "f") {
        None => Ok(g.into_owned()),
        Some(_) => b64e::decode(&g).map_err(|_| HttpError::BadName),
    }
}

/// Bytes that are no text are a mistake; a name we would never list is just not here.
pub(super) fn refused(name: &[u8]) -> HttpError {
    let is_text = std::str::from_utf8(name).is_ok_and(|text| !text.contains('\0'));
    if is_text { HttpError::NotFound } else { HttpError::BadName }
}

pub(super) struct About<'a> {
    pub(super) file_name: &'a str,
    pub(super) content_type: &'static str,
    pub(super) version: Version,
}

/// Offset and length of what is selected.
pub(super) fn span(selection: &Selection, size_bytes: u64) -> (u64, u64) {
    match selection {
        Selection::Whole => (0, size_bytes),
        Selection::Part { first, last } => (*first, last.saturating_sub(*first).saturating_add(1)),
        Selection::NotModified | Selection::Failed | Selection::Unsatisfiable => (0, 0),
    }
}

pub(super) fn respond(selection: &Selection, size_bytes: u64, about: &About<'_>, body: Body) -> Response {
    let (status, body) = match selection {
        Selection::Whole => (StatusCode::OK, body),
        Selection::Part { .. } => (StatusCode::PARTIAL_CONTENT, body),
        Selection::NotModified => (StatusCode::NOT_MODIFIED, Body::empty()),
        Selection::Failed => (StatusCode::PRECONDITION_FAILED, Body::empty()),
        Selection::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, Body::empty()),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_DISPOSITION, disposition(about.file_name));
    set(header::ETAG, about.version.etag.clone());
    set(header::LAST_MODIFIED, httpdate::fmt_http_date(about.version.modified));
    match selection {
        Selection::Part { first, last } => set(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size_bytes}")),
        Selection::Unsatisfiable => set(header::CONTENT_RANGE, format!("bytes */{size_bytes}")),
        _ => {}
    }
    if matches!(selection, Selection::Whole | Selection::Part { .. }) {
        set(header::CONTENT_LENGTH, span(selection, size_bytes).1.to_string());
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, STORE_POLICY),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CONTENT_TYPE, about.content_type),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Always an attachment: Forban's client throws a reply without this line away, and no browser
/// shall run a stranger's file. RFC 6266, with RFC 8187 for names beyond ASCII.
pub(super) fn disposition(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| if (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '%') { c } else { '_' })
        .collect();
    let encoded = utf8_percent_encode(file_name, ATTRIBUTE_VALUE);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// Size, time and inode: a strong name for one version.
pub(super) fn etag_of(facts: &FileFacts) -> String {
    format!("\"{:x}-{:x}-{:x}\"", facts.size_bytes, facts.modified_ns, facts.id.inode)
}

/// The type of pictures, sound, film and plain text; everything else is just bytes.
pub(super) fn inert_type(file_name: &str) -> &'static str {
    let guess = mime_guess::from_path(file_name).first_raw().unwrap_or_default();
    match guess.split_once('/') {
        Some(("audio" | "video", _)) => guess,
        Some(("image", kind)) if !kind.starts_with("svg") => guess,
        Some(("text", "plain")) => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(disposition("a.txt"), "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt");
        assert_eq!(
            disposition("a\"\r\nb%é\\;.txt"),
            "attachment; filename=\"a___b___;.txt\"; filename*=UTF-8''a%22%0D%0Ab%25%C3%A9%5C%3B.txt"
        );
    }

    #[test]
    fn active_content_has_no_type() {
        for (name, expected) in [
            ("a.html", "application/octet-stream"),
            ("a.svg", "application/octet-stream"),
            ("a.xml", "application/octet-stream"),
            ("a.pdf", "application/octet-stream"),
            ("a.js", "application/octet-stream"),
            ("a", "application/octet-stream"),
            ("a.txt", "text/plain; charset=utf-8"),
            ("a.png", "image/png"),
            ("a.mp4", "video/mp4"),
        ] {
            assert_eq!(inert_type(name), expected, "{name}");
        }
    }

    #[test]
    fn the_name_is_read_in_every_spelling() {
        for query in ["g=a%20b", "g=a+b", "g=YSBi&f=b64e", "g=YSBi&f=", "f=b64e&g=YSBi&g=x", "x=1&g=a%20b"] {
            assert_eq!(requested_name(query).unwrap(), b"a b", "{query}");
        }
        for query in ["", "f=b64e", "g=", "g[]=a", "g=%&f=b64e"] {
            assert!(requested_name(query).is_err(), "{query}");
        }
    }
}
