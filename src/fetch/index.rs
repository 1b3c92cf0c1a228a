//! Keeps the neighbours' indexes current, and their [manifests](super::manifest) with them: one
//! fetch per neighbour at a time, a few at once, so that a slow neighbour delays only itself.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use super::changes::{After, Before};
use super::client::{Connection, Dialling, declared_length};
use super::manifest::ManifestReader;
use super::{FetchError, compressed};
use crate::loot::Loot;
use crate::neighbours::index_cache::IndexCache;
use crate::neighbours::{DueFetch, DueManifest, KnownIndex, Neighbourhood};
use crate::news::News;
use crate::shutdown::Tasks;
use crate::wire::index::{INDEX_MAX_BYTES, IndexError, Refused, Served};
use crate::wire::{Index, IndexHmac, IndexKey, url};

/// Indexes and manifests fetched at once.
const FETCHES_MAX: usize = 8;
/// Places that no manifest takes for which a connection must be made.
const KEPT_FOR_INDEXES: usize = 2;
/// The whole of one index.
const WHOLE: Duration = Duration::from_secs(120);
/// Who went is noticed so often.
const EXPIRE_EVERY: Duration = Duration::from_secs(5);

/// Fetches indexes for a neighbourhood.
#[derive(Clone, Debug)]
pub struct IndexFetcher {
    loot: Loot,
    neighbourhood: Neighbourhood,
    cache: IndexCache,
    keys: Arc<[IndexKey]>,
    from: Option<IpAddr>,
    slots: Arc<Semaphore>,
    slot_freed: Arc<Notify>,
    busy: Arc<Mutex<BTreeSet<Uuid>>>,
    manifests: ManifestReader,
    news: News,
}

impl IndexFetcher {
    /// With a pre-shared key only that counts; without, both the specified and the practised one.
    #[must_use]
    pub fn new(
        loot: Loot,
        neighbourhood: Neighbourhood,
        news: News,
        cache: IndexCache,
        key: &IndexKey,
        from: Option<IpAddr>,
    ) -> Self {
        let keys = match key {
            IndexKey::PreShared(_) => vec![key.clone()],
            _ => vec![IndexKey::Specified, IndexKey::Practised],
        };
        Self {
            loot,
            neighbourhood,
            cache,
            keys: keys.into(),
            from,
            slots: Arc::new(Semaphore::new(FETCHES_MAX)),
            slot_freed: Arc::default(),
            busy: Arc::default(),
            manifests: ManifestReader::new(from),
            news,
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
                self.spawn(&tasks, fetch.uuid, |fetcher| async move { fetcher.fetch(fetch).await });
            }
            let free = self.slots.available_permits().saturating_sub(KEPT_FOR_INDEXES);
            let (due, next_manifest) =
                self.neighbourhood.take_due_manifests(free, |uuid| self.lock().contains(&uuid), Instant::now());
            for manifest in due {
                self.spawn(&tasks, manifest.uuid, |fetcher| async move {
                    fetcher.fetch_manifest(manifest, None).await;
                });
            }
            let next = next.into_iter().chain(next_manifest).min();
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

    /// Asks a neighbour for something in a task of its own, if there is a place. Until the result
    /// was stored, another fetch would be stale.
    fn spawn<F>(&self, tasks: &Tasks, uuid: Uuid, work: impl FnOnce(Self) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Ok(slot) = self.slots.clone().try_acquire_owned() else { return };
        self.lock().insert(uuid);
        let (fetcher, work) = (self.clone(), work(self.clone()));
        tasks.spawn(async move {
            work.await;
            fetcher.lock().remove(&uuid);
            drop(slot);
            fetcher.slot_freed.notify_one();
        });
    }

    async fn fetch(&self, due: DueFetch) {
        let (uuid, began) = (due.uuid, Instant::now());
        let outcome = match self.recall(&due).await {
            Some(known) => Ok((None, known)),
            None => self.fetch_from_any(&due).await.map(|(connection, known)| (Some(connection), known)),
        };
        match outcome {
            Ok((connection, known)) => {
                let from = connection.as_ref().map(|connection| connection.service().ip());
                let files = known.index.len();
                let verified = known.verified_by.is_some();
                let known = known.taking(began.elapsed());
                let differs = self.neighbourhood.fetched(uuid, from, known, Instant::now());
                tracing::debug!(%uuid, files, verified, differs, "an index was read");
                if !due.is_known {
                    tracing::info!(%uuid, files, services = ?due.services, "a neighbour is known");
                }
                let manifest =
                    connection.as_ref().and_then(|_| self.neighbourhood.take_due_manifest(uuid, Instant::now()));
                if let Some(manifest) = manifest {
                    self.fetch_manifest(manifest, connection).await;
                }
            }
            Err(error) => {
                tracing::debug!(%uuid, %error, "an index could not be fetched");
                self.neighbourhood.failed(uuid, &error.to_string());
            }
        }
    }

    /// On the connection by which the index came, if there is one.
    async fn fetch_manifest(&self, due: DueManifest, connection: Option<Connection>) {
        let began = Instant::now();
        let answer = self.manifests.ask(&due, connection).await;
        self.neighbourhood.manifest_answered(due.uuid, answer, began.elapsed(), Instant::now());
    }

    /// What is here already, if it is what is announced now: what an earlier run kept or, of who
    /// was asked before, the same index of somebody else. In a room where all have everything the
    /// lists are the same.
    async fn recall(&self, due: &DueFetch) -> Option<KnownIndex> {
        let announced = due.announced?;
        if due.is_known {
            return self.same_elsewhere(due.uuid, announced);
        }
        let (fetcher, uuid) = (self.clone(), due.uuid);
        let recall = move || {
            let body = fetcher.cache.load(uuid)?;
            let key = announced.key_of(&body, &fetcher.keys)?.clone();
            let Served { index, refused, is_exact, .. } = Index::take(body).ok()?;
            let index = fetcher.shared(index);
            fetcher.news.recall(uuid, index.clone());
            Some(KnownIndex::new(index, refused, Some(announced), Some(key)).exactly(is_exact))
        };
        tokio::task::spawn_blocking(recall).await.ok()?
    }

    /// Ours or another neighbour's. Who says that he has it could as well serve it.
    fn same_elsewhere(&self, uuid: Uuid, announced: IndexHmac) -> Option<KnownIndex> {
        let ours = self.loot.snapshot();
        let (index, key) = match self.keys.first() {
            Some(key) if ours.hmac == announced => (ours.index.clone(), Some(key.clone())),
            _ => self.neighbourhood.index_of(announced).map(|known| (known.index, known.verified_by))?,
        };
        let known = KnownIndex::new(index, Refused::default(), Some(announced), key).exactly(true);
        Some(self.carrying(uuid, known))
    }

    /// With what is known of its contents from before.
    fn carrying(&self, uuid: Uuid, known: KnownIndex) -> KnownIndex {
        match self.neighbourhood.get(uuid).and_then(|neighbour| neighbour.manifest) {
            Some(before) => known.carrying(&before),
            None => known,
        }
    }

    /// What is the same as ours or another neighbour's is in memory once.
    fn shared(&self, index: Index) -> Arc<Index> {
        let ours = self.loot.snapshot().index.clone();
        let theirs = self.neighbourhood.indexes_of_length(index.text().len());
        let same = std::iter::once(ours).chain(theirs).find(|other| **other == index);
        same.unwrap_or_else(|| Arc::new(index))
    }

    async fn fetch_from_any(&self, due: &DueFetch) -> Result<(Connection, KnownIndex), FetchError> {
        let deadline = tokio::time::Instant::now() + WHOLE;
        let mut last = FetchError::TimedOut(WHOLE);
        for service in &due.services {
            match tokio::time::timeout_at(deadline, self.fetch_from(*service, due)).await {
                Ok(Ok(fetched)) => return Ok(fetched),
                Ok(Err(error)) => last = error,
                Err(_) => return Err(FetchError::TimedOut(WHOLE)),
            }
        }
        Err(last)
    }

    async fn fetch_from(&self, service: SocketAddr, due: &DueFetch) -> Result<(Connection, KnownIndex), FetchError> {
        let mut connection = Connection::open(service, &Dialling::unlimited(self.from)).await?;
        let known = self.neighbourhood.get(due.uuid).and_then(|neighbour| neighbour.known);
        if let Some(before) = known.as_ref().and_then(Before::of) {
            match before.follow(&mut connection, due.announced).await {
                Ok(after) => return Ok((connection, self.keep_changed(due.uuid, after).await?)),
                Err(error) => tracing::debug!(uuid = %due.uuid, %error, "the whole index is asked for"),
            }
            connection.renew().await?;
        }
        let body = read_index(&mut connection).await?;
        let (fetcher, due) = (self.clone(), due.clone());
        let known = tokio::task::spawn_blocking(move || fetcher.keep(body, &due)).await;
        Ok((connection, known.map_err(std::io::Error::other)??))
    }

    /// An index that came as a whole. Blocks.
    fn keep(&self, body: Vec<u8>, due: &DueFetch) -> Result<KnownIndex, FetchError> {
        let key = due.announced.and_then(|announced| announced.key_of(&body, &self.keys).cloned());
        let psk_only = self.keys.iter().any(|key| matches!(key, IndexKey::PreShared(_)));
        if psk_only && key.is_none() {
            return Err(FetchError::NotVerified);
        }
        let before = (!due.is_known).then(|| self.cache.load(due.uuid)).flatten();
        let Served { index, refused, body, is_exact } = Index::take(body)?;
        self.cache.store(due.uuid, &body);
        drop(body);
        if let Some(before) = before.and_then(|before| Index::take(before).ok()) {
            self.news.recall(due.uuid, Arc::new(before.index));
        }
        let known = KnownIndex::new(self.shared(index), refused, due.announced, key).exactly(is_exact);
        Ok(self.carrying(due.uuid, known))
    }

    /// One that was made of the one before.
    async fn keep_changed(&self, uuid: Uuid, after: After) -> Result<KnownIndex, FetchError> {
        let fetcher = self.clone();
        let keep = move || {
            fetcher.cache.store(uuid, after.index.text());
            let index = fetcher.shared(after.index);
            let known = KnownIndex::new(index, Refused::default(), Some(after.hmac), Some(after.key));
            fetcher.carrying(uuid, known.exactly(true).that_came_of(&after.before, after.edit))
        };
        Ok(tokio::task::spawn_blocking(keep).await.map_err(std::io::Error::other)?)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<Uuid>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read_index(connection: &mut Connection) -> Result<Vec<u8>, FetchError> {
    let response = compressed::get(connection, url::INDEX_TARGET, &[]).await?;
    if response.status() != http::StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    if declared_length(response.headers()).unwrap_or(0) > INDEX_MAX_BYTES as u64 {
        return Err(IndexError::TooBig.into());
    }
    let body = compressed::whole(response, INDEX_MAX_BYTES).await?;
    Ok(body.ok_or(IndexError::TooBig)?)
}
