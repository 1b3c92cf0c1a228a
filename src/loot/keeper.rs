//! The keeper: one thread that makes the index follow the folder.
//!
//! It walks the folder once at start, then looks where [hints](super::hints) point, and walks
//! again from time to time as a safety net. It alone publishes snapshots, and tells the
//! [hasher](super::digests) which files may hold something new. A folder that vanished is never
//! published as empty.

mod walk;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch as channel;

use super::digests::Marker;
use super::digests::desk::Desk;
use super::digests::lists::Lists;
use super::folder::{FolderId, LootFolder};
use super::hints::{Gathered, Gatherer, Hint, hints};
use super::listing::{Change, Found, Listing};
use super::scan::Scan;
use super::stored::StoredLoot;
use super::watch::FolderWatch;
use super::{Hashed, Ledger, Loot, LootState, LootStatus, Shared, Snapshot, digests};
use crate::wire::IndexKey;

/// The index is stored for the next start at most so often …
const STORE: Duration = Duration::from_secs(2);
/// … and a large one so much later for each MiB: all of it is written.
const STORE_PER_MIB: Duration = Duration::from_secs(1);

/// A running keeper with its hasher; [`KeeperHandle::stop`] ends them.
#[derive(Debug)]
pub struct KeeperHandle {
    shared: Arc<Shared>,
    threads: [JoinHandle<()>; 2],
}

impl KeeperHandle {
    /// Ends both; the index and the digests are stored. A walk under way is waited for by nobody.
    pub fn stop(self, deadline: Instant) {
        self.shared.hints.send(Hint::Stop);
        self.shared.desk.stop();
        while !self.threads.iter().all(JoinHandle::is_finished) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Starts to follow `folder`. The first walk runs behind.
///
/// # Errors
/// When no thread can be started.
pub fn start(
    folder: LootFolder,
    key: IndexKey,
    ledger: Ledger,
    stored: StoredLoot,
) -> std::io::Result<(Loot, KeeperHandle)> {
    let (hints, gatherer) = hints();
    let last = stored.load();
    let last_seen = last.as_ref().filter(|(_, index)| !index.is_empty()).map(|(id, _)| *id);
    let baseline = last.filter(|(id, _)| id.is_same_folder(folder.id()));
    let known = baseline.is_some();
    let index = baseline.map(|(_, index)| index).unwrap_or_default();
    let snapshot = Arc::new(Snapshot::new(index, &key, known));
    let hashed = Arc::new(Hashed::nothing_of(snapshot.clone(), Marker::default()));
    let shared = Arc::new(Shared {
        folder: RwLock::new(Arc::new(folder)),
        before: Mutex::new(known.then(|| snapshot.index.clone())),
        snapshot: channel::Sender::new(snapshot),
        digests: channel::Sender::new(hashed.table.clone()),
        hashed: RwLock::new(hashed),
        lists: Lists::default(),
        desk: Desk::default(),
        status: Mutex::new(LootStatus {
            state: LootState::Scanning,
            watch_limited: None,
            scanned_at: None,
            held_back: Arc::default(),
            held_back_count: 0,
        }),
        seen: AtomicUsize::new(0),
        under_way: super::UnderWay::default(),
        hints,
    });
    let loot = Loot { shared: shared.clone() };
    let hasher = digests::start(shared.clone(), stored.digests_path())?;
    let keeper = Keeper {
        shared: shared.clone(),
        key,
        ledger,
        stored,
        listing: Listing::default(),
        last_seen,
        watch: None,
        watch_lost: false,
        unsaved_since: None,
        gatherer,
    };
    let thread = std::thread::Builder::new().name("loot-keeper".into()).spawn(move || keeper.run())?;
    Ok((loot, KeeperHandle { shared, threads: [thread, hasher] }))
}

struct Keeper {
    shared: Arc<Shared>,
    key: IndexKey,
    ledger: Ledger,
    stored: StoredLoot,
    listing: Listing,
    /// The folder in which files were last seen; an empty other one in its place is suspect.
    last_seen: Option<FolderId>,
    watch: Option<FolderWatch>,
    /// The folder went, and with it what watched it.
    watch_lost: bool,
    unsaved_since: Option<Instant>,
    gatherer: Gatherer,
}

impl Keeper {
    fn run(mut self) {
        let hashed = self.shared.hashed.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.listing = Listing::provisional(self.shared.snapshot.borrow().index.clone(), hashed.marker().clone());
        drop(hashed);
        self.watch_folder();
        let mut next_walk = self.walk();
        loop {
            match self.gatherer.gather(next_walk, self.store_due()) {
                Gathered::Stop => break self.store(),
                Gathered::Walk => next_walk = self.walk(),
                Gathered::Look(names) => self.look(&names),
            }
            if self.store_due().is_some_and(|due| Instant::now() >= due) {
                self.store();
            }
        }
    }

    /// Looks at single names, folders with all below them.
    fn look(&mut self, names: &BTreeSet<Box<str>>) {
        let folder = self.folder();
        if names.is_empty() {
            return;
        }
        if !folder.is_in_place() {
            // A walk says so, and looks for it soon again.
            return self.shared.hints.send(Hint::Rescan);
        }
        let seen = AtomicUsize::new(0);
        let mut looked_at = BTreeSet::new();
        let is_being_written = |name: &str| self.gatherer.is_being_written(name);
        let mut look = self.listing.look(&is_being_written);
        for name in names {
            let is_covered = name.match_indices('/').any(|(at, _)| looked_at.contains(name.get(..at).unwrap_or(name)));
            if is_covered || is_being_written(name) {
                continue;
            }
            match Scan::begin(&folder, name, &seen, self.watch.as_ref()) {
                Ok(scan) => {
                    look.at(name);
                    scan.tell(1, &mut |met| look.meet(met));
                    looked_at.insert(&**name);
                }
                // Not to be taken for "gone": a walk finds out.
                Err(_) => self.shared.hints.send(Hint::Rescan),
            }
        }
        let found = look.end();
        if self.note_watch() {
            // The next walk was to come when all is watched.
            self.shared.hints.send(Hint::Rescan);
        }
        self.tell(&found);
        self.note_held_back();
        if found.changes_index() {
            self.publish(found);
        }
    }

    /// Walks everything. Returns when to do so again.
    fn walk(&mut self) -> Instant {
        self.gatherer.walk_begins();
        let next = self.walk_now();
        self.gatherer.walk_ended();
        next
    }

    /// What was found is told to those who follow single files. The index that says so follows.
    fn tell(&self, found: &Found) {
        self.ledger.note_changes(found.changes(&self.listing));
        // What the first walk finds the hasher is told as a whole.
        if !self.is_first() {
            self.shared.desk.changed(found.changes(&self.listing));
        }
    }

    /// What the ledger says was mirrored and is not here was deleted while no node ran: the
    /// stored index may be older than the end of the last run.
    fn note_deleted_while_away(&self) {
        let facts = self.ledger.facts();
        let gone = facts.mirrored_names().filter(|name| !self.listing.contains(name));
        self.ledger.note_changes(gone.map(Change::Gone));
    }

    /// Takes over what was found, and offers the index that comes of it.
    fn publish(&mut self, found: Found) {
        let before = self.shared.snapshot.borrow().clone();
        let follows = Arc::ptr_eq(&before.index, self.listing.index());
        let edit = self.listing.apply(found);
        let index = self.listing.index().clone();
        let snapshot =
            if follows { before.followed_by(index, edit, &self.key) } else { Snapshot::new(index, &self.key, true) };
        drop(before);
        tracing::info!(files = snapshot.index.len(), hmac = %snapshot.hmac, "the index changed");
        self.shared.offer(snapshot);
        self.unsaved_since.get_or_insert_with(Instant::now);
    }

    fn store_due(&self) -> Option<Instant> {
        let mebibytes = u32::try_from(self.listing.index().text().len() >> 20).unwrap_or(u32::MAX);
        self.unsaved_since.map(|since| since + STORE + STORE_PER_MIB.saturating_mul(mebibytes))
    }

    fn store(&mut self) {
        if self.unsaved_since.take().is_none() {
            return;
        }
        let index = self.shared.snapshot.borrow().clone();
        let Some(id) = self.last_seen else { return };
        if let Err(error) = self.stored.save(id, &index.index) {
            tracing::warn!(%error, "the index cannot be stored for the next start");
        }
    }

    fn watch_folder(&mut self) {
        let started = FolderWatch::start(&self.folder(), self.shared.hints.clone());
        match started {
            Ok(watch) => {
                self.watch = Some(watch);
                self.set_state(|status| status.watch_limited = None);
            }
            Err(error) => self.go_unwatched(&error.to_string()),
        }
    }

    /// Where not all can be watched, all is looked at every few seconds. True if that begins now.
    fn note_watch(&mut self) -> bool {
        let failed = self.watch.as_ref().and_then(|watch| watch.failed().map(str::to_owned));
        if let Some(why) = &failed {
            self.go_unwatched(why);
        }
        failed.is_some()
    }

    fn go_unwatched(&mut self, why: &str) {
        let why = format!("changes are found by looking every few seconds: {why}");
        tracing::warn!(%why, "the folder cannot be watched");
        self.watch = None;
        self.set_state(|status| status.watch_limited = Some(why.into()));
    }

    /// Whether the first walk is still to end.
    fn is_first(&self) -> bool {
        self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).scanned_at.is_none()
    }

    fn note_held_back(&self) {
        let (first, count) = self.listing.held_back();
        self.set_state(|status| {
            status.held_back = first.into();
            status.held_back_count = count;
        });
    }

    fn set_state(&self, change: impl FnOnce(&mut LootStatus)) {
        change(&mut self.shared.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn folder(&self) -> Arc<LootFolder> {
        self.shared.folder.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
