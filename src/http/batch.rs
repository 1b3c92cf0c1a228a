//! `POST /s/?g=forban/index.batch`: many small files in one answer (`docs/PROTOCOL.md`,
//! section 6). It changes nothing: the body only names what is wanted.

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::sync::mpsc::{Sender, channel};

use super::channel_body::ChannelBody;
use super::error::HttpError;
use super::{App, Ends};
use crate::bandwidth::{Bandwidth, GRANT_BYTES};
use crate::leaving::{Guard, Way};
use crate::listening::canonical;
use crate::loot::{Loot, LootFile};
use crate::wire::batch::{FILE_MAX_BYTES, REQUEST_MAX_BYTES, emit, parse_request};
use crate::wire::{LootPath, url};

/// The list of names is here within this.
const LIST: Duration = Duration::from_secs(10);
/// Files read in one go off the threads that serve …
const GROUP: usize = 32;
/// … until they are so many bytes: with the last file at most half as much more. A few groups are
/// what a client costs that does not read.
const GROUP_BYTES: usize = 128 * 1024;
/// Groups that wait for the client.
const GROUPS_AHEAD: usize = 1;

/// Gives the files that the body names, in that order.
pub async fn serve(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<Response, HttpError> {
    let query = query.unwrap_or_default();
    if url::query_first(&query, "g").as_deref() != Some(url::BATCH_NAME.as_bytes()) {
        return Ok((StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response());
    }
    let list = tokio::time::timeout(LIST, axum::body::to_bytes(request.into_body(), REQUEST_MAX_BYTES));
    let Ok(Ok(list)) = list.await else { return Err(HttpError::BadQuery("the list of names is too long".into())) };
    let names = parse_request(&list).map_err(|error| HttpError::BadQuery(error.to_string()))?;
    let paths: Vec<Option<LootPath>> = names.into_iter().map(|name| LootPath::parse(name.as_bytes()).ok()).collect();
    let (sender, receiver) = channel(GROUPS_AHEAD);
    let leaving = app.leaving.begin(Way::SmallFiles, canonical(ends.peer).ip(), "", None);
    tokio::spawn(async move {
        tokio::select! {
            () = sender.closed() => {} // the client went
            () = send(app.loot.clone(), app.upload.clone(), paths, &sender, leaving) => {}
        }
    });
    let kind = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((kind, Body::new(ChannelBody(receiver))).into_response())
}

/// Reads group by group, as the client takes them and the limit allows it.
async fn send(loot: Loot, upload: Bandwidth, paths: Vec<Option<LootPath>>, sender: &Sender<Bytes>, mut leaving: Guard) {
    let mut paths = paths.into_iter();
    while paths.len() > 0 {
        let (loot, paths_left) = (loot.clone(), paths.len());
        let read = move || {
            let group = read_group(&mut paths, |path| read_file(loot.open_file(path).ok()?));
            (group, paths)
        };
        let Ok((mut bytes, rest)) = tokio::task::spawn_blocking(read).await else { return };
        paths = rest;
        leaving.files(paths_left.saturating_sub(paths.len()));
        while !bytes.is_empty() {
            let most = if upload.is_limited() { GRANT_BYTES } else { usize::MAX };
            let some = bytes.split_to(bytes.len().min(most));
            upload.grant(some.len()).await;
            leaving.sent(some.len());
            if sender.send(some).await.is_err() {
                return;
            }
        }
    }
    leaving.done();
}

/// Reads the next ones.
fn read_group(
    paths: &mut impl Iterator<Item = Option<LootPath>>,
    read: impl Fn(&LootPath) -> Option<Vec<u8>>,
) -> Bytes {
    let mut group = Vec::new();
    for path in paths.take(GROUP) {
        emit(path.as_ref().and_then(&read).as_deref(), &mut group);
        if group.len() >= GROUP_BYTES {
            break;
        }
    }
    group.into()
}

/// All of a small file; none if it is none, or changed its length meanwhile.
fn read_file(LootFile { file, facts, .. }: LootFile) -> Option<Vec<u8>> {
    use std::os::unix::fs::FileExt as _;
    let mut content = vec![0; usize::try_from(facts.size_bytes).ok().filter(|_| facts.size_bytes <= FILE_MAX_BYTES)?];
    file.read_exact_at(&mut content, 0).ok()?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_read_ahead_however_large_the_files_are() {
        let name = |number: usize| LootPath::parse(number.to_string().as_bytes()).ok();
        for (size, files) in [(65_536, 2), (5_000, 27), (10, GROUP), (0, GROUP)] {
            let mut paths = (0..100).map(name);
            let group = read_group(&mut paths, |_| Some(vec![7; size]));
            assert_eq!(paths.count(), 100 - files, "of {size} bytes each");
            assert!(group.len() <= GROUP_BYTES + 65_536 + 6);
        }
        let mut none = std::iter::repeat_n(None, 3);
        assert_eq!(read_group(&mut none, |_| panic!("it has no name")).as_ref(), b"-\n-\n-\n");
    }
}
