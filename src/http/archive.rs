//! `/archive/<uuid>.zip` and `.tar`: a folder of this node or of a neighbour, or some of what is
//! in it, as one download of a known length.
//!
//! `d=` is the folder (none: all there is), each `g=` a file or folder in it; with `f=b64e` they
//! are in base64, as for `/s/`. A form sends the same in the body of a POST, which changes nothing
//! either. The archive is made while it is sent and stored nowhere. What is not as it is listed any
//! more breaks the answer off: an archive that ends well holds every file as it was.

mod ours;
mod theirs;
mod wanted;

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::sync::mpsc::Sender;

use self::wanted::Wanted;
use super::error::HttpError;
use super::exact_body::ExactBody;
use super::operator::is_foreign;
use super::owner::Owner;
use super::store::{STORE_POLICY, disposition};
use super::{App, Ends};
use crate::bandwidth::Bandwidth;
use crate::fetch::FetchError;
use crate::leaving::{Guard, Way};
use crate::listening::{Gate, GateLimits, Pass, canonical};
use crate::wire::archive::packer::OtherLength;
use crate::wire::archive::{Contents, ContentsError, Format, Packer};

/// Archives of our own files that are made at once: each keeps a file open, a quarter of a MiB and
/// up to 1.2 MB of sums. One host leaves room for others.
const OURS: GateLimits = GateLimits { total: 32, per_host: 8 };
/// Archives of neighbours' files: each byte of them crosses the network twice.
const THEIRS: GateLimits = GateLimits { total: 4, per_host: 2 };
/// Chunks that wait for the client.
const AHEAD: usize = 2;
/// A form with some thousands of names …
const FORM_MAX_BYTES: usize = 2 << 20;
/// … is here within this.
const FORM: Duration = Duration::from_secs(10);

/// Lets archives be made; cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    ours: Gate,
    theirs: Gate,
}

impl Default for Places {
    fn default() -> Self {
        Self { ours: Gate::new(OURS), theirs: Gate::new(THEIRS) }
    }
}

impl Places {
    /// A place among those that are made; given back when dropped.
    fn take(&self, owner: &Owner, ends: &Ends) -> Result<Pass, HttpError> {
        let gate = if owner.is_ours() { &self.ours } else { &self.theirs };
        let pass = gate.admit(ends.peer).ok_or(HttpError::TooManyArchives)?;
        pass.heard();
        Ok(pass)
    }
}

/// Where an archive goes: not faster than the limit, and counted.
#[derive(Debug)]
struct Outlet {
    upload: Bandwidth,
    sender: Sender<Bytes>,
    leaving: Guard,
}

impl Outlet {
    async fn give(&mut self, bytes: Bytes) -> Result<(), Broken> {
        let count = bytes.len();
        if count > 0 {
            self.upload.grant(count).await;
            self.sender.send(bytes).await.map_err(|_| Broken::Gone)?;
            self.leaving.sent(count);
        }
        Ok(())
    }
}

/// Why an archive is broken off.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// One of our files.
    #[error("“{0}” changed while it was packed")]
    Changed(String),
    /// The same, or the disk.
    #[error("“{0}” cannot be read: {1}")]
    Unreadable(String, #[source] std::io::Error),
    /// One of the neighbour's files.
    #[error("“{0}” does not come: {1}")]
    NotFetched(String, #[source] FetchError),
    /// More or less than is listed.
    #[error(transparent)]
    OtherLength(#[from] OtherLength),
    /// The client went, or the node ends.
    #[error("nobody takes it any more")]
    Gone,
}

/// GET and HEAD.
pub async fn serve(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
) -> Result<Response, HttpError> {
    answer(&app, &ends, &name, query.unwrap_or_default(), method == Method::HEAD).await
}

/// POST: a form with what was chosen on a page.
pub async fn serve_form(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(name): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, HttpError> {
    if is_foreign(&headers) {
        return Err(HttpError::ForeignOrigin);
    }
    let form = tokio::time::timeout(FORM, axum::body::to_bytes(request.into_body(), FORM_MAX_BYTES)).await;
    let Ok(Ok(form)) = form else { return Err(HttpError::BadQuery("the list of names is too long".into())) };
    let form = String::from_utf8(form.into()).map_err(|_| HttpError::BadName)?;
    answer(&app, &ends, &name, form, false).await
}

async fn answer(app: &App, ends: &Ends, name: &str, query: String, is_head: bool) -> Result<Response, HttpError> {
    let (uuid, extension) = name.rsplit_once('.').ok_or(HttpError::NotFound)?;
    let format = Format::of_extension(extension).ok_or(HttpError::NotFound)?;
    let owner = Owner::find(app, uuid)?;
    let place = app.archives.take(&owner, ends)?;
    let (index, root) = (owner.index.clone(), owner.file_name());
    let planned = App::walk(&app.listings, move || {
        let wanted = Wanted::parse(&query)?;
        let root = wanted.folder_name().unwrap_or(&root);
        let contents = Contents::choose(index, &wanted.folder, &wanted.picks, root)?;
        Ok::<_, HttpError>((
            contents.length(format),
            format!("{root}.{extension}", extension = format.extension()),
            contents,
        ))
    });
    let (length, file_name, contents) = planned.await??;
    let (sender, body) = ExactBody::new(length, AHEAD);
    if is_head {
        return Ok(respond(format, &file_name, length, Body::empty()));
    }
    let leaving = app.leaving.begin(Way::Archive, canonical(ends.peer).ip(), &file_name, Some(length));
    leaving.files(contents.len());
    let mut outlet = Outlet { upload: app.upload.clone(), sender: sender.clone(), leaving };
    let (app, packer) = (app.clone(), Packer::new(format, contents));
    tokio::spawn(async move {
        let made = async {
            match owner.is_ours() {
                true => ours::send(app.loot.clone(), packer, &mut outlet).await?,
                false => theirs::send(&app, &owner, packer, &mut outlet).await?,
            }
            outlet.leaving.done();
            Ok::<(), Broken>(())
        };
        tokio::select! {
            () = sender.closed() => {} // the client went
            made = made => {
                if let Err(error) = made {
                    tracing::debug!(%error, "an archive is broken off");
                }
            }
        }
        drop(place);
    });
    Ok(respond(format, &file_name, length, Body::new(body)))
}

fn respond(format: Format, file_name: &str, length: u64, body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_DISPOSITION, disposition(file_name)),
        (header::CONTENT_SECURITY_POLICY, STORE_POLICY.into()),
        (header::CONTENT_TYPE, format.content_type().into()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CACHE_CONTROL, "no-store".into()),
        (header::ACCEPT_RANGES, "none".into()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}

impl From<ContentsError> for HttpError {
    fn from(error: ContentsError) -> Self {
        match error {
            ContentsError::Nothing => Self::NotFound,
            ContentsError::TooMany => Self::BadQuery(error.to_string()),
        }
    }
}
