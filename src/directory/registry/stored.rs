//! The registry there is: tables in memory behind one lock, with a store behind them.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::claims::{Links, may_claim};
use super::store::Store;
use super::tables::Tables;
use super::views::{Counts, FileView, Holder, Released, SessionView};
use super::writer::{self, Shared};
use super::{Names, Probe, Registry, RegistryError, SessionKey, StoreError};
use crate::wire::napster::{FileName, FoundFile, Md5, PeerAddress, Query, SessionId};

/// A handle to the registry; cheap to clone.
#[derive(Clone, Debug)]
pub struct StoredRegistry {
    shared: Arc<Shared>,
    links: Arc<dyn Links>,
    _closer: Arc<Closer>,
}

/// Ends the writer with the last handle.
#[derive(Debug)]
struct Closer(Arc<Shared>);

impl Drop for Closer {
    fn drop(&mut self) {
        self.0.begin_closing();
    }
}

impl StoredRegistry {
    /// Opens the registry of a state folder; who was logged in still is. A store that cannot be
    /// read is set aside, with a warning.
    ///
    /// # Errors
    /// When the folder cannot be written, or another node has it.
    pub fn open(folder: &Path, links: Arc<dyn Links>, now: Instant) -> Result<Self, StoreError> {
        let (store, stored) = Store::open(folder)?;
        let shared = Arc::new(Shared::new(Tables::restore(stored, now)));
        let path = Store::path_in(folder);
        let started = writer::start(shared.clone(), store, path.clone());
        started.map_err(|error| StoreError::Io(path, error))?;
        let closer = Arc::new(Closer(shared.clone()));
        Ok(Self { shared, links, _closer: closer })
    }

    /// Begins to write what is not stored yet; [`StoredRegistry::close`] waits for it.
    pub fn begin_closing(&self) {
        self.shared.begin_closing();
    }

    /// Writes what is not stored yet and closes the store; false if that took too long. What
    /// changes after it is not stored.
    #[must_use]
    pub fn close(&self, deadline: Instant) -> bool {
        self.shared.begin_closing();
        self.shared.wait_closed(deadline)
    }

    /// All registered names, to be searched without keeping the registry from its work.
    #[must_use]
    pub fn names(&self) -> Arc<Names> {
        self.shared.read(|tables| tables.names.clone())
    }

    /// Who is logged in.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionView> {
        self.shared.read(Tables::session_views)
    }

    /// Registered files, by name: so many after so many others; and how many there are.
    #[must_use]
    pub fn files(&self, skip: usize, take: usize) -> (Vec<FileView>, usize) {
        self.shared.read(|tables| tables.file_views(skip, take))
    }

    /// Who has a content, the earliest first.
    #[must_use]
    pub fn holders(&self, md5: Md5) -> Vec<Holder> {
        let zone = self.links.link_local_zone();
        self.shared.read(|tables| tables.holders(md5, zone))
    }

    /// The name of a registered content.
    #[must_use]
    pub fn name_of(&self, md5: Md5) -> Option<FileName> {
        self.shared.read(|tables| tables.files.get(&md5)?.name().cloned())
    }

    /// How often a content was fetched.
    #[must_use]
    pub fn downloads(&self, md5: Md5) -> u32 {
        self.shared.read(|tables| {
            let registered = tables.files.get(&md5).map(|file| file.downloads);
            registered.or_else(|| tables.offered.get(&md5).copied()).unwrap_or(0)
        })
    }

    /// The same for all that is offered beside what is registered, the most fetched first.
    #[must_use]
    pub fn offered_downloads(&self) -> Vec<(Md5, u32)> {
        let mut offered: Vec<(Md5, u32)> =
            self.shared.read(|tables| tables.offered.iter().map(|(md5, downloads)| (*md5, *downloads)).collect());
        offered.sort_unstable_by_key(|(md5, downloads)| (std::cmp::Reverse(*downloads), *md5));
        offered
    }

    /// How much is registered.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.read(Tables::counts)
    }

    /// A browser fetched a content through this node.
    pub fn note_download(&self, md5: Md5) {
        self.shared.change(|tables| tables.download(md5, true));
    }

    /// Logs a peer out that did not ask for it.
    pub fn release(&self, key: SessionKey) -> Option<Released> {
        self.shared.change(|tables| tables.remove_session(key)).map(Released::from)
    }

    /// Ports that are to be tried now, at most so many; each is told once.
    #[must_use]
    pub fn due_probes(&self, now: Instant, most: usize) -> Vec<Probe> {
        let zone = self.links.link_local_zone();
        self.shared.change(|tables| tables.due_probes(now, most, zone))
    }

    /// What came of a probe; the peer that is logged out now, if it was the last one in vain.
    pub fn probed(&self, key: SessionKey, answered: bool, now: Instant) -> Option<Released> {
        let zone = self.links.link_local_zone();
        self.shared.change(|tables| tables.probed(key, answered, zone, now)).map(Released::from)
    }

    /// Does something for a session, if it may be used from there.
    fn as_peer<T>(
        &self,
        session: SessionId,
        source: IpAddr,
        now: Instant,
        verb: impl FnOnce(&mut Tables, SessionKey) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        self.shared.change(|tables| {
            let key = tables.authorize(session, source.to_canonical(), now)?;
            verb(tables, key)
        })
    }
}

impl Registry for StoredRegistry {
    fn login(&self, address: PeerAddress, source: IpAddr, now: Instant) -> Result<SessionId, RegistryError> {
        let source = source.to_canonical();
        if !may_claim(&address, source, &*self.links) {
            return Err(RegistryError::BadLogin);
        }
        // Shown to people, never reckoned with: a clock that was set meanwhile is believed.
        let (fresh, since) = (random_session()?, SystemTime::now());
        self.shared.change(|tables| tables.login(address, source, fresh, now, since))
    }

    fn logout(&self, session: SessionId, source: IpAddr, now: Instant) -> Result<usize, RegistryError> {
        self.as_peer(session, source, now, |tables, key| {
            Ok(tables.remove_session(key).map_or(0, |session| session.files.len()))
        })
    }

    fn add(
        &self,
        session: SessionId,
        source: IpAddr,
        md5: Md5,
        name: FileName,
        now: Instant,
    ) -> Result<usize, RegistryError> {
        self.as_peer(session, source, now, |tables, key| tables.add(key, md5, name))
    }

    fn delete(
        &self,
        session: SessionId,
        source: IpAddr,
        md5: Md5,
        now: Instant,
    ) -> Result<Option<usize>, RegistryError> {
        self.as_peer(session, source, now, |tables, key| Ok(tables.delete(key, md5)))
    }

    fn find(
        &self,
        session: SessionId,
        source: IpAddr,
        query: &Query,
        most: usize,
        now: Instant,
    ) -> Result<Vec<FoundFile>, RegistryError> {
        let names = self.as_peer(session, source, now, |tables, _| Ok(tables.names.clone()))?;
        let found: Vec<Md5> = names.find(query, most).map(|(md5, _)| md5).collect();
        Ok(self.shared.read(|tables| tables.found(found.into_iter())))
    }

    fn download(
        &self,
        session: SessionId,
        source: IpAddr,
        md5: Md5,
        is_offered: bool,
        now: Instant,
    ) -> Result<u32, RegistryError> {
        self.as_peer(session, source, now, |tables, _| tables.download(md5, is_offered).ok_or(RegistryError::NotFound))
    }
}

/// Twice as many bytes as letters: one in 64 favours a letter and counts as none.
fn random_session() -> Result<SessionId, RegistryError> {
    let mut bytes = [0_u8; 32];
    loop {
        getrandom::fill(&mut bytes)?;
        if let Some(id) = SessionId::from_random(&bytes) {
            return Ok(id);
        }
    }
}
