//! One manifest from one neighbour (`docs/PROTOCOL.md`, section 6).
//!
//! Whatever comes of it is an answer: the neighbour's index stays as good as it was.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderValue, StatusCode};
use tokio::sync::Semaphore;

use super::FetchError;
use super::client::{BodyReader, Connection, declared_length};
use crate::neighbours::{DueManifest, ManifestAnswer};
use crate::wire::manifest::{ManifestError, max_bytes};
use crate::wire::{Manifest, url};

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
                    tracing::debug!(%uuid, files, hashing, skipped = ?manifest.skipped, "a manifest was read");
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
            match Connection::open(*service, self.from).await {
                Ok(mut connection) => return self.ask_by(&mut connection, due).await,
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn ask_by(&self, connection: &mut Connection, due: &DueManifest) -> Result<ManifestAnswer, FetchError> {
        let version = due.etag.as_deref().and_then(|etag| HeaderValue::try_from(etag).ok());
        let more: Vec<_> = version.map(|version| (IF_NONE_MATCH, version)).into_iter().collect();
        let response = connection.get(url::MANIFEST_TARGET, &more).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if !more.is_empty() => return Ok(ManifestAnswer::Unchanged),
            StatusCode::NOT_FOUND => return Ok(ManifestAnswer::Unknown),
            other => return Err(FetchError::Status(other)),
        }
        let etag = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        let etag: Option<Box<str>> = etag.filter(|etag| etag.len() <= ETAG_MAX_BYTES).map(Into::into);
        let most = max_bytes(&due.index);
        let length = declared_length(response.headers());
        if length.is_some_and(|length| length > most as u64) {
            return Err(ManifestError::TooBig.into());
        }
        let _room = self.make_room(length.map_or(most, |length| usize::try_from(length).unwrap_or(most))).await;
        let body = BodyReader::new(response.into_body()).whole(length.unwrap_or(0), most).await?;
        let (body, index) = (body.ok_or(ManifestError::TooBig)?, due.index.clone());
        let parse = move || Manifest::parse(&body, &index);
        let manifest = tokio::task::spawn_blocking(parse).await.map_err(std::io::Error::other)??;
        Ok(ManifestAnswer::Read { manifest: Box::new(manifest), etag })
    }

    /// Waits for a place in memory.
    async fn make_room(&self, bytes: usize) -> Option<tokio::sync::OwnedSemaphorePermit> {
        let kib = (bytes / 1024).saturating_add(1).min(ROOM_KIB);
        self.room.clone().acquire_many_owned(u32::try_from(kib).unwrap_or(u32::MAX)).await.ok()
    }
}
