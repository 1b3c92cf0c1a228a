//! Keeps the neighbours' indexes current: one fetch per neighbour at a time, a few at once, so
//! that a slow neighbour delays only itself.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::FetchError;
use super::client::{BodyReader, Connection, declared_length};
use crate::neighbours::index_cache::IndexCache;
use crate::neighbours::{DueFetch, KnownIndex, Neighbourhood};
use crate::shutdown::Tasks;
use crate::wire::index::{INDEX_MAX_BYTES, IndexError};
use crate::wire::{Index, IndexKey, url};

/// Indexes fetched at once.
const FETCHES_MAX: usize = 8;
/// The whole of one index.
const WHOLE: Duration = Duration::from_secs(120);
/// Who went is noticed so often.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);

/// Fetches indexes for a neighbourhood.
#[derive(Clone, Debug)]
pub struct IndexFetcher {
    neighbourhood: Neighbourhood,
    cache: IndexCache,
    keys: Arc<[IndexKey]>,
    from: Option<IpAddr>,
    slots: Arc<Semaphore>,
    slot_freed: Arc<Notify>,
    busy: Arc<Mutex<BTreeSet<Uuid>>>,
}

impl IndexFetcher {
    /// With a pre-shared key only that counts; without, both the specified and the practised one.
    #[must_use]
    pub fn new(neighbourhood: Neighbourhood, cache: IndexCache, key: &IndexKey, from: Option<IpAddr>) -> Self {
        let keys = match key {
            IndexKey::PreShared(_) => vec![key.clone()],
            _ => vec![IndexKey::Specified, IndexKey::Practised],
        };
        Self {
            neighbourhood,
            cache,
            keys: keys.into(),
            from,
            slots: Arc::new(Semaphore::new(FETCHES_MAX)),
            slot_freed: Arc::default(),
            busy: Arc::default(),
        }
    }

    /// Fetches what is due until the task is dropped. Nothing is taken that has no slot: a flood
    /// of announcements makes no queue.
    pub async fn run(self, tasks: Tasks) {
        let mut expired = Instant::now();
        loop {
            let free = self.slots.available_permits();
            let (due, next) = self.neighbourhood.take_due(free, |uuid| self.lock().contains(&uuid), Instant::now());
            for fetch in due {
                let Ok(slot) = self.slots.clone().try_acquire_owned() else { break };
                self.lock().insert(fetch.uuid);
                let fetcher = self.clone();
                tasks.spawn(async move {
                    fetcher.fetch(fetch).await;
                    drop(slot);
                    fetcher.slot_freed.notify_one();
                });
            }
            let latest = Instant::now() + EXPIRE_EVERY;
            let wake = next.filter(|_| self.slots.available_permits() > 0).map_or(latest, |next| next.min(latest));
            tokio::select! {
                () = self.neighbourhood.fetch_wanted() => {}
                () = self.slot_freed.notified() => {}
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            if expired.elapsed() >= EXPIRE_EVERY {
                expired = Instant::now();
                self.neighbourhood.expire(expired);
            }
        }
    }

    async fn fetch(&self, due: DueFetch) {
        let (uuid, began) = (due.uuid, Instant::now());
        let outcome = match self.recall(&due).await {
            Some(known) => Ok((None, known)),
            None => self.fetch_from_any(&due).await.map(|(ip, known)| (Some(ip), known)),
        };
        match outcome {
            Ok((from, known)) => {
                let files = known.index.len();
                let verified = known.verified_by.is_some();
                let known = known.taking(began.elapsed());
                let differs = self.neighbourhood.fetched(uuid, from, known, Instant::now());
                tracing::debug!(%uuid, files, verified, differs, "an index was read");
                if !due.is_known {
                    tracing::info!(%uuid, files, services = ?due.services, "a neighbour is known");
                }
            }
            Err(error) => {
                tracing::debug!(%uuid, %error, "an index could not be fetched");
                self.neighbourhood.failed(uuid, &error.to_string());
            }
        }
        // Only now: until its result was stored, a second fetch would be stale.
        self.lock().remove(&uuid);
    }

    /// What an earlier run kept, if it is what is announced now.
    async fn recall(&self, due: &DueFetch) -> Option<KnownIndex> {
        let announced = due.announced.filter(|_| !due.is_known)?;
        let (cache, keys, uuid) = (self.cache.clone(), self.keys.clone(), due.uuid);
        let recall = move || {
            let body = cache.load(uuid)?;
            let key = announced.key_of(&body, &keys)?.clone();
            let (index, refused) = Index::parse(&body).ok()?;
            Some(KnownIndex::new(Arc::new(index), refused, Some(announced), Some(key)))
        };
        tokio::task::spawn_blocking(recall).await.ok()?
    }

    async fn fetch_from_any(&self, due: &DueFetch) -> Result<(IpAddr, KnownIndex), FetchError> {
        let deadline = tokio::time::Instant::now() + WHOLE;
        let mut last = FetchError::TimedOut(WHOLE);
        for service in &due.services {
            match tokio::time::timeout_at(deadline, self.fetch_from(*service, due)).await {
                Ok(Ok(known)) => return Ok((service.ip(), known)),
                Ok(Err(error)) => last = error,
                Err(_) => return Err(FetchError::TimedOut(WHOLE)),
            }
        }
        Err(last)
    }

    async fn fetch_from(&self, service: SocketAddr, due: &DueFetch) -> Result<KnownIndex, FetchError> {
        let body = read_index(service, self.from).await?;
        let (cache, keys, uuid, announced) = (self.cache.clone(), self.keys.clone(), due.uuid, due.announced);
        let take = move || {
            let key = announced.and_then(|announced| announced.key_of(&body, &keys).cloned());
            let psk_only = keys.iter().any(|key| matches!(key, IndexKey::PreShared(_)));
            if psk_only && key.is_none() {
                return Err(FetchError::NotVerified);
            }
            let (index, refused) = Index::parse(&body)?;
            cache.store(uuid, &body);
            Ok(KnownIndex::new(Arc::new(index), refused, announced, key))
        };
        tokio::task::spawn_blocking(take).await.map_err(std::io::Error::other)?
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<Uuid>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read_index(service: SocketAddr, from: Option<IpAddr>) -> Result<Vec<u8>, FetchError> {
    let mut connection = Connection::open(service, from).await?;
    let response = connection.get(url::INDEX_TARGET, &[]).await?;
    if response.status() != http::StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let length = declared_length(response.headers()).unwrap_or(0);
    if length > INDEX_MAX_BYTES as u64 {
        return Err(IndexError::TooBig.into());
    }
    let mut body = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(1 << 20));
    let mut reader = BodyReader::new(response.into_body());
    while let Some(bytes) = reader.next().await? {
        if body.len().saturating_add(bytes.len()) > INDEX_MAX_BYTES {
            return Err(IndexError::TooBig.into());
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}
