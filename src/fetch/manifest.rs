//! One manifest from one neighbour (`docs/PROTOCOL.md`, section 6).
//!
//! Whatever comes of it is an answer: the neighbour's index stays as good as it was.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderValue, StatusCode};
use tokio::sync::Semaphore;

use super::client::{Connection, Dialling, declared_length};
use super::{FetchError, compressed};
use crate::neighbours::{DueManifest, ManifestAnswer};
use crate::wire::manifest::{Before, ManifestError, max_bytes, max_bytes_since};
use crate::wire::{Index, IndexHmac, Manifest, url};

/// The whole of one manifest.
const WHOLE: Duration = Duration::from_secs(120);
/// All manifests that are being read, together; that beside the largest index fits.
const ROOM_KIB: usize = 256 * 1024;
/// The name of a version is not longer.
const ETAG_MAX_BYTES: usize = 128;

/// Asks for manifests.
#[derive(Clone, Debug)]
pub(super) struct ManifestReader {
    from: Option<IpAddr>,
    room: Arc<Semaphore>,
}

impl ManifestReader {
    pub(super) fn new(from: Option<IpAddr>) -> Self {
        Self { from, room: Arc::new(Semaphore::new(ROOM_KIB)) }
    }

    /// Asks by the connection that is there, or at one address after another.
    pub(super) async fn ask(&self, due: &DueManifest, connection: Option<Connection>) -> ManifestAnswer {
        let uuid = due.uuid;
        let asked = tokio::time::timeout(WHOLE, self.ask_any(due, connection)).await;
        match asked.unwrap_or(Err(FetchError::TimedOut(WHOLE))) {
            Ok(answer) => {
                if let ManifestAnswer::Read { manifest, .. } = &answer {
                    let (files, hashing) = (manifest.digests.known(), manifest.header.hashing);
                    let (in_part, skipped) = (manifest.header.since.is_some(), manifest.skipped);
                    tracing::debug!(%uuid, files, hashing, in_part, ?skipped, "a manifest was read");
                }
                answer
            }
            Err(error) => {
                tracing::debug!(%uuid, %error, "a manifest could not be fetched");
                ManifestAnswer::Failed
            }
        }
    }

    async fn ask_any(&self, due: &DueManifest, connection: Option<Connection>) -> Result<ManifestAnswer, FetchError> {
        let mut last = FetchError::TimedOut(WHOLE);
        if let Some(mut connection) = connection {
            connection.renew().await?;
            return self.ask_by(&mut connection, due).await;
        }
        for service in &due.services {
            match Connection::open(*service, &Dialling::unlimited(self.from)).await {
                Ok(mut connection) => return self.ask_by(&mut connection, due).await,
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// What changed since the state that we have, or else the whole.
    async fn ask_by(&self, connection: &mut Connection, due: &DueManifest) -> Result<ManifestAnswer, FetchError> {
        if due.before.is_some() {
            match self.ask_for(connection, due, due.before.as_ref()).await {
                Err(error) if is_odd(&error) => {
                    tracing::debug!(uuid = %due.uuid, %error, "the changes of a manifest are not taken");
                    connection.renew().await?;
                }
                other => return other,
            }
        }
        self.ask_for(connection, due, None).await
    }

    async fn ask_for(
        &self,
        connection: &mut Connection,
        due: &DueManifest,
        since: Option<&Before>,
    ) -> Result<ManifestAnswer, FetchError> {
        // The whole is asked for anew where the changes are not to be had.
        let etag = due.etag.as_deref().filter(|_| since.is_some() || due.before.is_none());
        let version = etag.and_then(|etag| HeaderValue::try_from(etag).ok());
        let more: Vec<_> = version.map(|version| (IF_NONE_MATCH, version)).into_iter().collect();
        let mut target = String::from(url::MANIFEST_TARGET);
        target.extend(since.iter().flat_map(|since| [url::MANIFEST_SINCE, since.version.as_str()]));
        let response = compressed::get(connection, &target, &more).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if !more.is_empty() => return Ok(ManifestAnswer::Unchanged),
            StatusCode::NOT_FOUND => return Ok(ManifestAnswer::Unknown),
            other => return Err(FetchError::Status(other)),
        }
        let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        let etag: Option<Box<str>> = etag.filter(|etag| etag.len() <= ETAG_MAX_BYTES).map(Into::into);
        let most = if since.is_some() { max_bytes_since(&due.index) } else { max_bytes(&due.index) };
        if declared_length(response.headers()).is_some_and(|length| length > most as u64) {
            return Err(ManifestError::TooBig.into());
        }
        let length = compressed::plain_length(&response);
        let _room = self.make_room(length.map_or(most, |length| usize::try_from(length).unwrap_or(most))).await;
        let body = compressed::whole(response, most).await?.ok_or(ManifestError::TooBig)?;
        let (index, since, announced) = (due.index.clone(), since.cloned(), due.announced);
        let parse = move || parse(&body, &index, since.as_ref(), announced);
        let manifest = tokio::task::spawn_blocking(parse).await.map_err(std::io::Error::other)??;
        Ok(ManifestAnswer::Read { manifest: Box::new(manifest), etag })
    }

    /// Waits for a place in memory.
    async fn make_room(&self, bytes: usize) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let kib = (bytes / 1024).saturating_add(1).min(ROOM_KIB);
        self.room.clone().acquire_many_owned(u32::try_from(kib).unwrap_or(u32::MAX)).await.ok()
    }
}

/// Changes that do not lead to what the node says it has are not taken; that shows only beside the
/// index of which it says so.
fn parse(
    body: &[u8],
    beside: &Arc<Index>,
    since: Option<&Before>,
    announced: Option<IndexHmac>,
) -> Result<Manifest, ManifestError> {
    let Some(before) = since else { return Manifest::parse(body, beside) };
    let manifest = Manifest::parse_since(body, before)?;
    let header = &manifest.header;
    let is_beside = header.index.is_none() || header.index == announced;
    if header.since.is_some() && is_beside && !manifest.adds_up() {
        return Err(ManifestError::NotAll);
    }
    Ok(manifest)
}

/// The neighbour answers, but not with what changed.
fn is_odd(error: &FetchError) -> bool {
    matches!(error, FetchError::Manifest(_) | FetchError::Status(_) | FetchError::Gzip(_) | FetchError::Encoded)
}
