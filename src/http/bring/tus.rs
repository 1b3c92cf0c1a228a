//! `/up/`: the tus protocol, version 1.0, over deliveries (<https://tus.io>): creation, HEAD for the
//! offset, PATCH to append, expiration, checksum, termination.
//!
//! Beyond it a GET tells how far a delivery is and, when it has arrived, its receipt.

use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http_body::Body as _;
use serde_json::json;

use super::incoming::Incoming;
use super::rank::Bringer;
use super::writing::{finish, write};
use crate::http::error::HttpError;
use crate::http::{App, Ends};
use crate::listening::host_key;
use crate::loot::deliveries::receipt::date;
use crate::loot::deliveries::{
    Deliveries, DeliveryError, DeliveryId, Length, Parcel, Place, Progress, Receipt, Writer,
};
use crate::wire::tus::{self, Checksum, Metadata};
use crate::wire::{LootPath, brought_name};

/// A connection that must give way does so within this, or hangs on our disk …
const GIVES_WAY: Duration = Duration::from_secs(2);
/// … and is asked so often.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// A request in a version of the protocol that we speak.
#[derive(Clone, Copy, Debug)]
pub struct Tus;

impl FromRequestParts<App> for Tus {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, HttpError> {
        match text(&parts.headers, "tus-resumable") {
            Some(tus::VERSION) => Ok(Self),
            _ => Err(HttpError::TusVersion),
        }
    }
}

/// OPTIONS: what is understood, and how large a file may be that others send.
pub async fn about(State(app): State<App>) -> Response {
    let most = app.deliveries.limits().upload_max_bytes.to_string();
    let lines = [
        ("tus-version", tus::VERSION),
        ("tus-extension", tus::EXTENSIONS),
        ("tus-checksum-algorithm", tus::CHECKSUM_ALGORITHM),
        ("tus-max-size", &most),
    ];
    (StatusCode::NO_CONTENT, lines).into_response()
}

/// POST: takes a file on, and with it the first bytes, if any came along.
pub async fn create(
    State(app): State<App>,
    _tus: Tus,
    bringer: Bringer,
    Extension(ends): Extension<Ends>,
    request: Request,
) -> Result<Response, HttpError> {
    let (parts, body) = request.into_parts();
    let parcel = parcel(&parts.headers, bringer, &ends)?;
    let is_empty = parcel.length.most() == 0;
    let deliveries = app.deliveries.clone();
    let begun = tokio::task::spawn_blocking(move || deliveries.begin(&parcel, SystemTime::now())).await;
    let id = begun.map_err(|_| HttpError::Busy)??;
    if is_empty || (!body.is_end_stream() && is_offset_stream(&parts.headers)) {
        bring(&app, id, 0, &parts.headers, body).await?;
    }
    let mut response = StatusCode::CREATED.into_response();
    set(&mut response, header::LOCATION, format!("/up/{id}"));
    show(&mut response, &app.deliveries.progress(id)?);
    Ok(response)
}

/// HEAD: where it goes on.
pub async fn look(State(app): State<App>, _tus: Tus, Path(id): Path<String>) -> Result<Response, HttpError> {
    let progress = completed(&app, parse(&id)?).await?;
    let mut response = StatusCode::OK.into_response();
    show(&mut response, &progress);
    Ok(response)
}

/// GET: the same for programs and for the page, with the receipt when it has arrived.
pub async fn tell(State(app): State<App>, Path(id): Path<String>) -> Result<Response, HttpError> {
    let progress = completed(&app, parse(&id)?).await?;
    let told = json!({
        "received_bytes": progress.received_bytes,
        "size_bytes": progress.size_bytes,
        "receipt": progress.receipt.as_ref().map(receipt_json),
    });
    Ok(Json(told).into_response())
}

/// PATCH: appends.
pub async fn append(
    State(app): State<App>,
    _tus: Tus,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, HttpError> {
    let id = parse(&id)?;
    let (parts, body) = request.into_parts();
    if !is_offset_stream(&parts.headers) {
        return Err(HttpError::NotOffsetStream);
    }
    let offset = number(&parts.headers, "upload-offset")?
        .ok_or_else(|| HttpError::BadQuery("say where these bytes begin: Upload-Offset".into()))?;
    bring(&app, id, offset, &parts.headers, body).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    show(&mut response, &app.deliveries.progress(id)?);
    Ok(response)
}

/// DELETE: gives it up.
pub async fn give_up(State(app): State<App>, _tus: Tus, Path(id): Path<String>) -> Result<StatusCode, HttpError> {
    let id = parse(&id)?;
    until_free(|| {
        let deliveries = app.deliveries.clone();
        let given_up = tokio::task::spawn_blocking(move || deliveries.give_up(id));
        async move { given_up.await.map_err(|_| DeliveryError::Broken).flatten() }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Appends a body at `offset`, and lands the file when it is whole. It goes on by itself: what came
/// before the connection breaks is not lost.
async fn bring(app: &App, id: DeliveryId, offset: u64, headers: &HeaderMap, body: Body) -> Result<(), HttpError> {
    let checksum = text(headers, "upload-checksum").map(Checksum::parse).transpose();
    let checksum = checksum.map_err(|error| HttpError::BadQuery(error.to_string()))?;
    let mut writer = take(&app.deliveries, id, offset).await?;
    if let Some(checksum) = checksum {
        writer.promise(checksum);
    }
    let bandwidth = app.download.clone();
    let brought = tokio::spawn(async move {
        let (writer, written) = write(Incoming::new(body), writer, bandwidth).await;
        let Some(mut writer) = writer else { return written };
        written?;
        writer.keep()?;
        if writer.missing_bytes() == 0 { finish(writer).await.map(drop) } else { Ok(()) }
    });
    Ok(brought.await.map_err(|_| DeliveryError::Broken)??)
}

/// Whoever sends it now gives way if nothing came from there for some seconds: the connection broke,
/// and nobody noticed.
async fn take(deliveries: &Deliveries, id: DeliveryId, offset: u64) -> Result<Writer, DeliveryError> {
    let taken = |deliveries: Deliveries| async move {
        let taken = tokio::task::spawn_blocking(move || deliveries.take(id, offset, Instant::now())).await;
        taken.map_err(|_| DeliveryError::Broken).flatten()
    };
    match taken(deliveries.clone()).await {
        Err(DeliveryError::Taken) if deliveries.gives_way(id, Instant::now()) => {
            until_free(|| taken(deliveries.clone())).await
        }
        other => other,
    }
}

/// Tries again for a moment while it is taken.
async fn until_free<T, F: Future<Output = Result<T, DeliveryError>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, DeliveryError> {
    let began = Instant::now();
    loop {
        match attempt().await {
            Err(DeliveryError::Taken) if began.elapsed() < GIVES_WAY => tokio::time::sleep(ASK_AGAIN).await,
            other => return other,
        }
    }
}

/// How far it is; landed first, if the node ended between its last byte and that.
async fn completed(app: &App, id: DeliveryId) -> Result<Progress, HttpError> {
    let deliveries = app.deliveries.clone();
    let looked = tokio::task::spawn_blocking(move || {
        if let Err(error) = deliveries.complete(id, SystemTime::now()) {
            tracing::debug!(?id, %error, "what came whole does not stand under its name yet");
        }
        deliveries.progress(id)
    });
    Ok(looked.await.map_err(|_| HttpError::Busy)??)
}

/// What somebody wants to bring, by the header lines of its creation.
fn parcel(headers: &HeaderMap, bringer: Bringer, ends: &Ends) -> Result<Parcel, HttpError> {
    let size = number(headers, "upload-length")?;
    let size = size.ok_or_else(|| HttpError::BadQuery("say how long the file is: Upload-Length".into()))?;
    let metadata = text(headers, "upload-metadata").map(Metadata::parse).transpose();
    let metadata = metadata.map_err(|error| HttpError::BadQuery(error.to_string()))?.unwrap_or_default();
    let given = |key| metadata.get(key).filter(|value| !value.is_empty());
    let name = given("relativePath").filter(|name| *name != b"null").or_else(|| given("filename"));
    let name = name.ok_or_else(|| HttpError::BadQuery("say the file's name: Upload-Metadata: filename".into()))?;
    let modified = given("modified").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    let path = path_of(bringer.place(), given("folder").unwrap_or_default(), name)?;
    Ok(parcel_of(bringer.place(), path, Length::Exactly(size), modified, ends))
}

/// Where a file of that name goes: below the operator's folder, or the inbox's of today.
pub(super) fn path_of(place: Place, folder: &[u8], name: &[u8]) -> Result<LootPath, HttpError> {
    let folder = match place {
        Place::Inbox => date(SystemTime::now()),
        Place::Loot if folder.is_empty() => String::new(),
        Place::Loot => LootPath::parse(folder).map_err(HttpError::NameRefused)?.to_string(),
    };
    brought_name::tidy(&folder, name).map_err(HttpError::NameRefused)
}

pub(super) fn parcel_of(place: Place, path: LootPath, length: Length, modified: Option<i64>, ends: &Ends) -> Parcel {
    Parcel { place, path, length, modified, from: ends.peer.ip(), host: host_key(ends.peer) }
}

pub(super) fn receipt_json(receipt: &Receipt) -> serde_json::Value {
    let at = receipt.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    json!({
        "code": receipt.code.to_string(),
        "name": receipt.name.as_str(),
        "size_bytes": receipt.size_bytes,
        "blake3": receipt.content.to_string(),
        "at": at,
    })
}

fn show(response: &mut Response, progress: &Progress) {
    set(response, HeaderName::from_static("upload-offset"), progress.received_bytes.to_string());
    set(response, HeaderName::from_static("upload-length"), progress.size_bytes.to_string());
    if let Some(expires) = progress.expires {
        set(response, HeaderName::from_static("upload-expires"), httpdate::fmt_http_date(expires));
    }
    if let Some(receipt) = &progress.receipt {
        set(response, HeaderName::from_static("boucan-receipt"), receipt.code.to_string());
    }
}

fn set(response: &mut Response, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// An id that cannot be one is as unknown as any other.
fn parse(id: &str) -> Result<DeliveryId, DeliveryError> {
    DeliveryId::parse(id).ok_or(DeliveryError::Unknown)
}

fn is_offset_stream(headers: &HeaderMap) -> bool {
    text(headers, "content-type").is_some_and(|kind| kind.eq_ignore_ascii_case(tus::CONTENT_TYPE))
}

fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, HttpError> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| HttpError::BadQuery(format!("{name} must be a number of bytes")))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
