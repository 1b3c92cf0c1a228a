//! `POST /bring`: files by a plain form, for browsers without script and for `curl -F`.
//!
//! What comes goes to the disk as it comes, file by file; nothing of it is kept in memory. Of a file
//! in a form nobody knows the length before its end, so room is reserved for as much as the request
//! may hold.

use std::time::{Duration, Instant, SystemTime};

use axum::Extension;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts as _, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http_body_util::{BodyDataStream, BodyExt as _};
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::incoming::Incoming;
use super::rank::Bringer;
use super::tus::{parcel_of, path_of};
use super::unread::{Bounded, Unread};
use super::writing::{Pipe, finish};
use crate::http::error::{HttpError, page_of};
use crate::http::operator::{Visitor, is_same_origin};
use crate::http::page::{Frame, Tab, render};
use crate::http::say::Say;
use crate::http::{App, Ends};
use crate::loot::deliveries::{DeliveryError, Length, Receipt, Writer};
use crate::wire::DisplayText;

/// Fields before the first file.
const FIELDS_MAX: usize = 8;
/// Files of one form.
const FILES_MAX: usize = 10_000;
/// Of a name that was refused so much is shown.
const NAME_SHOWN_CHARS: usize = 200;
/// A browser that is refused shows the answer only if what it sends is read a little longer: so much
/// …
const LINGER_BYTES: usize = 8 << 20;
/// … for so long.
const LINGER: Duration = Duration::from_secs(3);

/// A form with files, read up to its first file; whoever sends it may.
#[derive(Debug)]
pub struct BringForm {
    bringer: Bringer,
    folder: String,
    multipart: Multipart<'static>,
    first: Option<Field<'static>>,
    unread: Unread,
    /// All of it is not longer.
    left_bytes: u64,
    ends: Ends,
}

/// What became of a file.
#[derive(Debug)]
pub struct Outcome {
    /// As it was called, harmless to look at, and not longer than is shown.
    pub name: String,
    /// Its receipt, or why not.
    pub brought: Result<Receipt, HttpError>,
}

impl FromRequest<App> for BringForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let (say, wants_page) = (Say::to(&parts.headers), wants_page(&parts.headers));
        let refused = |error: HttpError| {
            if wants_page { page_of(say, error.into_response()) } else { error.into_response() }
        };
        match check(&mut parts, app).await {
            Ok(checked) => Self::read(checked, body, app).await.map_err(refused),
            Err(error) => {
                linger(body).await;
                Err(refused(error))
            }
        }
    }
}

/// What is known before the body is read.
struct Checked {
    visitor: Visitor,
    boundary: String,
    length: u64,
    ends: Ends,
}

async fn check(parts: &mut Parts, app: &App) -> Result<Checked, HttpError> {
    if !is_same_origin(&parts.headers) {
        return Err(HttpError::ForeignOrigin);
    }
    let visitor = Visitor::from_request_parts(parts, app).await?;
    if !visitor.is_operator && !app.deliveries.inbox().is_open() {
        return Err(DeliveryError::Closed.into());
    }
    let boundary = text(&parts.headers, header::CONTENT_TYPE).and_then(|kind| multer::parse_boundary(kind).ok());
    let boundary = boundary.ok_or_else(|| HttpError::BadQuery("send files as multipart/form-data".into()))?;
    let length = text(&parts.headers, header::CONTENT_LENGTH).and_then(|text| text.parse().ok());
    let length = length.ok_or(HttpError::NoLength)?;
    let Extension(ends) = Extension::<Ends>::from_request_parts(parts, app).await.map_err(|_| HttpError::NoHost)?;
    Ok(Checked { visitor, boundary, length, ends })
}

impl BringForm {
    async fn read(checked: Checked, body: Body, app: &App) -> Result<Self, HttpError> {
        let Checked { visitor, boundary, length, ends } = checked;
        let limit = SizeLimit::new().whole_stream(length).for_field("token", 256).for_field("folder", 2 * 1024);
        let constraints = Constraints::new().size_limit(limit);
        let unread = Unread::default();
        let stream = BodyDataStream::new(Bounded::new(Incoming::new(body), unread.clone()));
        let mut multipart = Multipart::with_constraints(stream, boundary, constraints);
        let (mut token, mut folder, mut first) = (None, String::new(), None);
        for _ in 0..FIELDS_MAX {
            let Some(field) = multipart.next_field().await.map_err(bad)? else { break };
            unread.read();
            match field.name() {
                _ if field.file_name().is_some() => {
                    first = Some(field);
                    break;
                }
                Some("token") => token = Some(field.text().await.map_err(bad)?),
                Some("folder") => folder = field.text().await.map_err(bad)?,
                _ => {
                    return Err(HttpError::BadQuery("a form with files has the fields token, folder and files".into()));
                }
            }
        }
        let bringer = Bringer::judge(app, &visitor, token.as_deref())?;
        Ok(Self { bringer, folder: folder.trim().to_owned(), multipart, first, unread, left_bytes: length, ends })
    }

    /// Takes the files, one after another. After the first that broke off nothing more can come.
    pub async fn receive(mut self, app: &App) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut next = self.first.take();
        while let Some(mut field) = next.take() {
            let name = field.file_name().unwrap_or_default().to_owned();
            // A browser sends a file without a name where none was chosen.
            if !name.is_empty() {
                let brought = self.receive_one(app, &name, &mut field).await;
                let is_broken = matches!(&brought, Err(HttpError::Delivery(DeliveryError::Broken)));
                outcomes.push(Outcome { name: shown(&name), brought });
                if is_broken || outcomes.len() >= FILES_MAX {
                    break;
                }
            }
            // The rest of what was not taken passes by.
            while self.chunk(&mut field).await.is_ok_and(|bytes| bytes.is_some()) {}
            drop(field);
            next = self.multipart.next_field().await.ok().flatten();
            self.unread.read();
        }
        outcomes
    }

    /// What comes next of a field.
    async fn chunk(&mut self, field: &mut Field<'static>) -> Result<Option<Bytes>, DeliveryError> {
        let bytes = field.chunk().await.map_err(|_| DeliveryError::Broken)?;
        self.unread.read();
        let count = bytes.as_ref().map_or(0, Bytes::len);
        self.left_bytes = self.left_bytes.saturating_sub(count as u64);
        Ok(bytes)
    }

    async fn receive_one(&mut self, app: &App, name: &str, field: &mut Field<'static>) -> Result<Receipt, HttpError> {
        let most = self.most_bytes(app);
        let mut pipe = Pipe::new(self.begin(app, name, most).await?, app.download.clone());
        while let Some(bytes) = self.chunk(field).await? {
            pipe.push(&bytes).await.map_err(|error| too_large(error, most))?;
        }
        let (writer, written) = pipe.end().await;
        written.map_err(|error| too_large(error, most))?;
        Ok(finish(writer.ok_or(DeliveryError::Broken)?).await?)
    }

    /// What one file may have: what is left of the request, and what there is room for. Where there is
    /// none, whoever reserves it says why.
    fn most_bytes(&self, app: &App) -> u64 {
        match app.deliveries.room_bytes(self.bringer.place()) {
            0 => self.left_bytes,
            room => self.left_bytes.min(room),
        }
    }

    async fn begin(&self, app: &App, name: &str, most: u64) -> Result<Writer, HttpError> {
        let place = self.bringer.place();
        let path = path_of(place, self.folder.as_bytes(), name.as_bytes())?;
        let parcel = parcel_of(place, path, Length::AtMost(most), None, &self.ends);
        let deliveries = app.deliveries.clone();
        let begun = tokio::task::spawn_blocking(move || {
            let id = deliveries.begin(&parcel, SystemTime::now())?;
            deliveries.take(id, 0, Instant::now())
        });
        Ok(begun.await.map_err(|_| HttpError::Busy)??)
    }
}

/// Takes the files of a form, and tells what became of each.
pub async fn take(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    form: BringForm,
) -> Result<Response, HttpError> {
    let outcomes = form.receive(&app).await;
    if !wants_page(&headers) {
        return Ok(plain(&outcomes));
    }
    let say = visitor.say;
    let (mut receipts, mut refused) = (Vec::new(), Vec::new());
    for Outcome { name, brought } in &outcomes {
        match brought {
            Ok(receipt) => receipts.push(ReceiptView::new(receipt, say)),
            Err(error) => refused.push((name.clone(), say.t(error.key()))),
        }
    }
    let frame = Frame::new(&app, &visitor).at(Tab::Bring);
    render(&DonePage { frame, outcomes, receipts, refused })
}

#[derive(askama::Template)]
#[template(path = "bring_done.html")]
struct DonePage {
    frame: Frame,
    outcomes: Vec<Outcome>,
    receipts: Vec<ReceiptView>,
    refused: Vec<(String, String)>,
}

struct ReceiptView {
    name: String,
    blake3: String,
    code: String,
    size: String,
    stamp: String,
}

impl ReceiptView {
    fn new(receipt: &Receipt, say: Say) -> Self {
        Self {
            name: receipt.name.to_string(),
            blake3: receipt.content.to_string(),
            code: receipt.code.to_string(),
            size: say.size(receipt.size_bytes),
            stamp: say.stamp(receipt.at),
        }
    }
}

/// For programs: a line a file.
fn plain(outcomes: &[Outcome]) -> Response {
    let line = |outcome: &Outcome| match &outcome.brought {
        Ok(Receipt { code, name, size_bytes, content, .. }) => {
            format!("{code} {size_bytes} bytes, BLAKE3 {content}: {name}\n")
        }
        Err(error) => format!("not taken, {error}: {}\n", outcome.name),
    };
    let text: String = outcomes.iter().map(line).collect();
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// A name as it was sent, harmless to look at.
fn shown(name: &str) -> String {
    DisplayText::revealing(name.as_bytes(), NAME_SHOWN_CHARS).to_string()
}

/// Browsers say that they read HTML; `curl` takes anything.
fn wants_page(headers: &HeaderMap) -> bool {
    text(headers, header::ACCEPT).is_some_and(|kinds| kinds.contains("text/html"))
}

/// More than there is room for came: that is what its sender wants to know.
fn too_large(error: DeliveryError, most: u64) -> DeliveryError {
    if matches!(error, DeliveryError::TooMuch) { DeliveryError::TooLarge(most) } else { error }
}

fn bad(_: multer::Error) -> HttpError {
    HttpError::BadQuery("the form cannot be read".into())
}

async fn linger(body: Body) {
    let read = async {
        let mut incoming = Incoming::new(body);
        let mut left = LINGER_BYTES;
        while let Some(Ok(frame)) = incoming.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, read).await;
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
