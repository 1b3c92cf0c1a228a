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
use super::scan::scan;
use super::stored::StoredLoot;
use super::watch::FolderWatch;
use super::{Hashed, Ledger, Loot, LootState, LootStatus, Shared, Snapshot, digests};
use crate::wire::IndexKey;

/// The index is stored for the next start at most so often.
const STORE: Duration = Duration::from_secs(2);
/// Beyond so many changed names the index is made anew.
const EDITED_MAX: usize = 64 * 1024;

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
        unpublished: BTreeSet::new(),
        anew: true,
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
    /// Names of which the published index does not tell the truth.
    unpublished: BTreeSet<Box<str>>,
    /// The published index is not the last state of the listing, and no edit leads from it.
    anew: bool,
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
        // On this thread, whose share of memory the walks use again: with a million files it is much.
        self.listing = Listing::provisional(&self.shared.snapshot.borrow().index);
        self.watch_folder();
        let mut next_walk = self.walk();
        loop {
            let store = self.unsaved_since.map(|since| since + STORE);
            match self.gatherer.gather(next_walk, store) {
                Gathered::Stop => break self.store(),
                Gathered::Walk => next_walk = self.walk(),
                Gathered::Look(names) => self.look(names),
            }
            if self.unsaved_since.is_some_and(|since| since.elapsed() >= STORE) {
                self.store();
            }
        }
    }

    /// Looks at single names, folders with all below them.
    fn look(&mut self, names: BTreeSet<Box<str>>) {
        let folder = self.folder();
        if names.is_empty() || !folder.is_in_place() {
            return;
        }
        let mut changed = false;
        let mut looked_at: Option<Box<str>> = None;
        for name in names {
            let covered = looked_at
                .as_ref()
                .is_some_and(|above| name.strip_prefix(above.as_ref()).is_some_and(|rest| rest.starts_with('/')));
            if covered || self.gatherer.is_being_written(&name) {
                continue;
            }
            match scan(&folder, &name, &AtomicUsize::new(0), |_| {}) {
                Ok(found) => changed |= self.take_over(&name, found),
                // Not to be taken for "gone": a walk finds out.
                Err(_) => self.shared.hints.send(Hint::Rescan),
            }
            looked_at = Some(name);
        }
        self.note_held_back();
        if changed {
            self.publish();
        }
    }

    /// Walks everything. Returns when to do so again.
    fn walk(&mut self) -> Instant {
        self.gatherer.walk_begins();
        let next = self.walk_now();
        self.gatherer.walk_ended();
        next
    }

    fn take_over(&mut self, name: &str, mut found: Found) -> bool {
        let Self { gatherer, listing, .. } = self;
        for (name, facts) in &mut found.files {
            // Somebody is writing it: what was known of it stays.
            if let Some(known) = listing.get(name).filter(|_| gatherer.is_being_written(name)) {
                *facts = *known;
            }
        }
        found.files.retain(|(name, _)| listing.get(name).is_some() || !gatherer.is_being_written(name));
        let changes = listing.replace_below(name, found);
        self.ledger.note_changes(&changes);
        self.shared.desk.changed(&changes);
        self.unpublished.extend(changes.into_iter().filter_map(|change| match change {
            Change::Gone(name) | Change::Altered(name, _) | Change::Appeared(name) => Some(name),
            Change::Touched(_) => None,
        }));
        !self.unpublished.is_empty()
    }

    /// What the ledger says was mirrored and is not here was deleted while no node ran: the
    /// stored index may be older than the end of the last run.
    fn note_deleted_while_away(&self) {
        let facts = self.ledger.facts();
        let gone = facts.mirrored_names().filter(|name| self.listing.get(name).is_none());
        let gone: Vec<Change> = gone.map(|name| Change::Gone(name.into())).collect();
        self.ledger.note_changes(&gone);
    }

    fn publish(&mut self) {
        let changed = std::mem::take(&mut self.unpublished);
        let now = self.shared.snapshot.borrow().clone();
        let snapshot = if std::mem::take(&mut self.anew) || changed.len() > EDITED_MAX {
            Snapshot::new(self.listing.to_index(), &self.key, true)
        } else {
            let changed = changed.iter().map(|name| (&**name, self.listing.get(name).map(|facts| facts.size_bytes)));
            let (index, edit) = now.index.edited(changed);
            now.followed_by(index, edit, &self.key)
        };
        tracing::info!(files = snapshot.index.len(), hmac = %snapshot.hmac, "the index changed");
        self.shared.offer(snapshot);
        self.unsaved_since.get_or_insert_with(Instant::now);
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
        let started = FolderWatch::start(self.folder().path(), self.shared.hints.clone());
        let limited = started
            .as_ref()
            .err()
            .map(|error| format!("changes are found by looking every few seconds: {error}").into());
        if let Some(why) = &limited {
            tracing::warn!(%why, "the folder cannot be watched");
        }
        self.watch = started.ok();
        self.set_state(|status| status.watch_limited = limited);
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
