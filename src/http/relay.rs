//! `/n/<md5>`: what only Napster peers have, through this node (`docs/PROTOCOL.md`, section 7).
//!
//! The bytes go on as they arrive. Their MD5 is known only at the end, so the answer is chunked:
//! it is ended when all came and the content is what was asked for, and broken off otherwise,
//! which every HTTP/1.1 client notices.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, Version, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;

use super::error::HttpError;
use super::search::link_to;
use super::store::{STORE_POLICY, disposition, inert_type};
use super::{App, Ends};
use crate::bandwidth::Bandwidth;
use crate::directory::download::{DownloadError, Incoming};
use crate::directory::race::first_of;
use crate::directory::registry::{Holder, StoredRegistry};
use crate::leaving::{Guard, Way};
use crate::listening::{GateLimits, canonical};
use crate::wire::napster::Md5;
use crate::wire::url;

/// Downloads at once: each holds two connections. One host leaves room for others.
pub const LIMITS: GateLimits = GateLimits { total: 32, per_host: 16 };
/// Peers asked for one content before we give up …
const PEERS_MAX: usize = 8;
/// … and how long that may take.
const OPENING: Duration = Duration::from_secs(20);
/// Who does not begin within this is joined by the next one.
const HEAD_START: Duration = Duration::from_secs(2);
/// Pieces that wait for the client: at most what was read at once, 128 KiB each.
const PIECES_AHEAD: usize = 4;

/// GET and HEAD of `/n/<md5>`. What is here is served from here; else what peers give comes first,
/// because it is verified, and a neighbour's own word is taken only where none of them does.
pub async fn serve(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(md5): Path<String>,
    method: Method,
    version: Version,
) -> Result<Response, HttpError> {
    let md5 = Md5::parse(md5.as_bytes()).map_err(|_| HttpError::NotFound)?;
    if let Some(entry) = app.loot.digests().find(md5) {
        return Ok(Redirect::to(&url::file_target(&entry.listed_name())).into_response());
    }
    let relayed = from_peers(&app, md5, &ends, &method, version).await;
    relayed.or_else(|error| at_neighbour(&app, md5, &ends).map(|href| Redirect::to(&href).into_response()).ok_or(error))
}

/// Where a neighbour says that it serves that content.
fn at_neighbour(app: &App, md5: Md5, ends: &Ends) -> Option<String> {
    app.neighbourhood.present(Instant::now()).iter().find_map(|neighbour| {
        let entry = neighbour.manifest.as_ref()?.digests.find(md5)?;
        let (origin, _) = link_to(neighbour, ends.local.ip())?;
        Some(format!("{origin}{}", url::file_target(&entry.listed_name())))
    })
}

async fn from_peers(
    app: &App,
    md5: Md5,
    ends: &Ends,
    method: &Method,
    version: Version,
) -> Result<Response, HttpError> {
    let registry = app.napster.registry.as_ref().ok_or(HttpError::NotFound)?;
    let name = registry.name_of(md5).ok_or(HttpError::NotFound)?;
    let holders = dialled(registry.holders(md5))?;
    if version < Version::HTTP_11 {
        return Err(HttpError::NeedsHttp11);
    }
    let (sender, receiver) = channel(PIECES_AHEAD);
    let response = respond(name.as_str(), Body::new(RelayedBody { receiver }));
    if method == Method::HEAD {
        return Ok(response);
    }
    let place = app.relays.admit(ends.peer).ok_or(HttpError::TooManyRelays)?;
    place.heard();
    let incoming = open_any(app, holders, md5).await?;
    let (incoming, upload) = (incoming.within(app.download.clone()), app.upload.clone());
    let leaving = app.leaving.begin(Way::Relay, canonical(ends.peer).ip(), name.as_str(), None);
    let registry = registry.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {} // the client went
            () = relay(incoming, &upload, &sender, &registry, md5, leaving) => {}
        }
        drop(place);
    });
    Ok(response)
}

/// Those that may be dialled: only addresses from which their hosts logged in. Another one comes
/// first each time, so that who gives something else is not in the way of the others for ever.
fn dialled(holders: Vec<Holder>) -> Result<Vec<Holder>, HttpError> {
    let mut dialled: Vec<Holder> = holders.into_iter().filter(|holder| !holder.proven.is_empty()).collect();
    let random = getrandom::u32().unwrap_or(0) as usize;
    let first = random
        .checked_rem(dialled.len())
        .ok_or_else(|| HttpError::PeersFailed("none of them logged in from the address it claims".into()))?;
    dialled.rotate_left(first);
    dialled.truncate(PEERS_MAX);
    Ok(dialled)
}

/// The first of the peers that begins to send.
async fn open_any(app: &App, holders: Vec<Holder>, md5: Md5) -> Result<Incoming, HttpError> {
    let from = app.bind;
    let attempts = holders
        .into_iter()
        .map(move |holder| async move { Incoming::open_any(md5, &holder.proven, from, u64::MAX).await });
    let opened = timeout(OPENING, first_of(attempts, HEAD_START)).await;
    let opened = opened.unwrap_or(Some(Err(DownloadError::Silent))).unwrap_or(Err(DownloadError::NoAddress));
    opened.map_err(|error| HttpError::PeersFailed(error.to_string()))
}

/// Hands on what comes; the word that it is whole only if it is.
async fn relay(
    mut incoming: Incoming,
    upload: &Bandwidth,
    sender: &Sender<Part>,
    registry: &StoredRegistry,
    md5: Md5,
    mut leaving: Guard,
) {
    loop {
        let part = match incoming.next().await {
            Ok(Some(bytes)) => {
                upload.grant(bytes.len()).await;
                leaving.sent(bytes.len());
                Part::Content(bytes)
            }
            Ok(None) => {
                registry.note_download(md5);
                leaving.done();
                Part::Whole
            }
            Err(error) => {
                tracing::debug!(%md5, %error, "a download from a Napster peer is broken off");
                return;
            }
        };
        let is_whole = matches!(part, Part::Whole);
        if sender.send(part).await.is_err() || is_whole {
            return;
        }
    }
}

fn respond(name: &str, body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_DISPOSITION, disposition(name)),
        (header::CONTENT_SECURITY_POLICY, STORE_POLICY.into()),
        (header::CONTENT_TYPE, inert_type(name).into()),
        (header::CACHE_CONTROL, "no-store".into()),
        (header::ACCEPT_RANGES, "none".into()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// What a task receives from a peer.
#[derive(Debug)]
enum Part {
    Content(Bytes),
    /// All came, and it is what was asked for.
    Whole,
}

/// The answer's body. However the task ends, only its word that the content is whole ends this well.
#[derive(Debug)]
struct RelayedBody {
    receiver: Receiver<Part>,
}

impl http_body::Body for RelayedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(match ready!(self.receiver.poll_recv(cx)) {
            Some(Part::Content(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Part::Whole) => None,
            None => Some(Err(io::ErrorKind::UnexpectedEof.into())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn a_body_whose_source_just_ends_is_broken() {
        for (last, is_well) in [(Some(Part::Whole), true), (None, false)] {
            let (sender, receiver) = channel(PIECES_AHEAD);
            let parts = std::iter::once(Part::Content(Bytes::from_static(b"a part"))).chain(last);
            parts.for_each(|part| sender.try_send(part).unwrap());
            drop(sender);
            assert_eq!(RelayedBody { receiver }.collect().await.is_ok(), is_well);
        }
    }
}
