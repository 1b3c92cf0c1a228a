//! `/n/<md5>`: what only Napster peers have, through this node (`docs/PROTOCOL.md`, section 7).
//!
//! The bytes go on as they arrive. Their MD5 is known only at the end, so the answer is chunked:
//! it is ended when all came and the content is what was asked for, and broken off otherwise,
//! which every HTTP/1.1 client notices.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, Version, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::error::HttpError;
use super::search::link_to;
use super::store::{STORE_POLICY, disposition, inert_type};
use super::{App, Ends};
use crate::directory::download::Incoming;
use crate::directory::registry::{Holder, StoredRegistry};
use crate::wire::napster::Md5;
use crate::wire::url;

/// Peers asked for one content before we give up …
const PEERS_MAX: usize = 8;
/// … and how long that may take.
const OPENING: Duration = Duration::from_secs(20);
/// Chunks that wait for the client: at most 100 kB each.
const CHUNKS_AHEAD: usize = 4;
/// A client waits so long for its turn.
const TURN: Duration = Duration::from_secs(3);

/// GET and HEAD of `/n/<md5>`. What HTTP nodes have is fetched from them.
pub async fn serve(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(md5): Path<String>,
    method: Method,
    version: Version,
) -> Result<Response, HttpError> {
    let md5 = Md5::parse(md5.as_bytes()).map_err(|_| HttpError::NotFound)?;
    if let Some(href) = on_http(&app, md5, &ends) {
        return Ok(Redirect::to(&href).into_response());
    }
    let registry = app.napster.registry.as_ref().ok_or(HttpError::NotFound)?;
    let name = registry.name_of(md5).ok_or(HttpError::NotFound)?;
    if method == Method::HEAD {
        return Ok(respond(name.as_str(), Body::empty()));
    }
    if version < Version::HTTP_11 {
        return Err(HttpError::NeedsHttp11);
    }
    let turn = tokio::time::timeout(TURN, app.relays.clone().acquire_owned()).await;
    let Ok(Ok(turn)) = turn else { return Err(HttpError::Busy) };
    let incoming = open_any(&app, registry.holders(md5), md5).await?;
    let (sender, receiver) = channel(CHUNKS_AHEAD);
    let registry = registry.clone();
    tokio::spawn(async move {
        relay(incoming, &sender, &registry, md5).await;
        drop(turn);
    });
    Ok(respond(name.as_str(), Body::new(RelayedBody { receiver })))
}

/// Where a node serves that content over HTTP: here, or at a neighbour.
fn on_http(app: &App, md5: Md5, ends: &Ends) -> Option<String> {
    if let Some(entry) = app.loot.digests().find(md5) {
        return Some(url::file_target(&entry.listed_name()));
    }
    app.neighbourhood.present(Instant::now()).iter().find_map(|neighbour| {
        let manifest = neighbour.manifest.as_ref()?;
        let entry = manifest.digests.find(md5)?;
        let (origin, _) = link_to(neighbour, ends.local.ip())?;
        Some(format!("{origin}{}", url::file_target(&entry.listed_name())))
    })
}

/// The first of the peers that begins to send; only addresses from which their hosts logged in.
async fn open_any(app: &App, holders: Vec<Holder>, md5: Md5) -> Result<Incoming, HttpError> {
    let deadline = tokio::time::Instant::now() + OPENING;
    let mut why = "none of them logged in from the address it claims".to_owned();
    for holder in holders.iter().filter(|holder| !holder.proven.is_empty()).take(PEERS_MAX) {
        match tokio::time::timeout_at(deadline, Incoming::open_any(md5, &holder.proven, app.bind, u64::MAX)).await {
            Ok(Ok(incoming)) => return Ok(incoming),
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => break,
        }
    }
    Err(HttpError::PeersFailed(why))
}

async fn relay(mut incoming: Incoming, sender: &Sender<io::Result<Bytes>>, registry: &StoredRegistry, md5: Md5) {
    loop {
        match incoming.next().await {
            Ok(Some(bytes)) => {
                if sender.send(Ok(bytes)).await.is_err() {
                    return; // the client went
                }
            }
            Ok(None) => return registry.note_download(md5),
            Err(error) => {
                tracing::info!(%md5, %error, "a download from a Napster peer is broken off");
                let _ = sender.send(Err(io::Error::other(error))).await;
                return;
            }
        }
    }
}

fn respond(name: &str, body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_DISPOSITION, disposition(name)),
        (header::CONTENT_SECURITY_POLICY, STORE_POLICY.into()),
        (header::CONTENT_TYPE, inert_type(name)),
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
struct RelayedBody {
    receiver: Receiver<io::Result<Bytes>>,
}

impl http_body::Body for RelayedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.receiver.poll_recv(cx).map(|received| received.map(|bytes| bytes.map(Frame::data)))
    }
}
