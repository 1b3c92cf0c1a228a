//! `POST /s/?g=forban/index.batch`: many small files in one answer (`docs/PROTOCOL.md`,
//! section 6). It changes nothing: the body only names what is wanted.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::sync::mpsc::{Sender, channel};

use super::App;
use super::channel_body::ChannelBody;
use super::error::HttpError;
use crate::bandwidth::{Bandwidth, GRANT_BYTES};
use crate::loot::{Loot, LootFile};
use crate::wire::batch::{FILE_MAX_BYTES, REQUEST_MAX_BYTES, emit, parse_request};
use crate::wire::{LootPath, url};

/// The list of names is here within this.
const LIST: Duration = Duration::from_secs(10);
/// Files read in one go off the threads that serve: at most 2 MiB.
const GROUP: usize = 32;
/// Groups that wait for the client.
const GROUPS_AHEAD: usize = 1;

/// Gives the files that the body names, in that order.
pub async fn serve(State(app): State<App>, RawQuery(query): RawQuery, request: Request) -> Result<Response, HttpError> {
    let query = query.unwrap_or_default();
    if url::query_first(&query, "g").as_deref() != Some(url::BATCH_NAME.as_bytes()) {
        return Ok((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response());
    }
    let list = tokio::time::timeout(LIST, axum::body::to_bytes(request.into_body(), REQUEST_MAX_BYTES));
    let Ok(Ok(list)) = list.await else { return Err(HttpError::BadQuery("the list of names is too long".into())) };
    let names = parse_request(&list).map_err(|error| HttpError::BadQuery(error.to_string()))?;
    let paths: Vec<Option<LootPath>> = names.into_iter().map(|name| LootPath::parse(name.as_bytes()).ok()).collect();
    let (sender, receiver) = channel(GROUPS_AHEAD);
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {} // the client went
            () = send(app.loot, app.upload, paths, &sender) => {}
        }
    });
    let kind = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((kind, Body::new(ChannelBody(receiver))).into_response())
}

/// Reads group by group, as the client takes them and the limit allows it.
async fn send(loot: Loot, upload: Bandwidth, paths: Vec<Option<LootPath>>, sender: &Sender<Bytes>) {
    let mut paths = paths.into_iter();
    loop {
        let group: Vec<Option<LootPath>> = paths.by_ref().take(GROUP).collect();
        if group.is_empty() {
            return;
        }
        let loot = loot.clone();
        let Ok(mut bytes) = tokio::task::spawn_blocking(move || read(&loot, &group)).await else { return };
        while !bytes.is_empty() {
            let most = if upload.is_limited() { GRANT_BYTES } else { usize::MAX };
            let some = bytes.split_to(bytes.len().min(most));
            upload.grant(some.len()).await;
            if sender.send(some).await.is_err() {
                return;
            }
        }
    }
}

fn read(loot: &Loot, paths: &[Option<LootPath>]) -> Bytes {
    let mut group = Vec::new();
    for path in paths {
        let content = path.as_ref().and_then(|path| read_file(loot.open_file(path).ok()?));
        emit(content.as_deref(), &mut group);
    }
    group.into()
}

/// All of a small file; none if it is none, or changed its length meanwhile.
fn read_file(LootFile { file, facts }: LootFile) -> Option<Vec<u8>> {
    use std::os::unix::fs::FileExt as _;
    let mut content = vec![0; usize::try_from(facts.size_bytes).ok().filter(|_| facts.size_bytes <= FILE_MAX_BYTES)?];
    file.read_exact_at(&mut content, 0).ok()?;
    Some(content)
}
