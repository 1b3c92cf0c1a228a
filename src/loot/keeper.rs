//! The keeper: one thread that makes the index follow the folder.
//!
//! It walks the folder once at start, then looks where hints point, a few at a time, and walks
//! again from time to time as a safety net. It alone publishes snapshots. A folder that vanished
//! is never published as empty.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch as channel;

use super::folder::{FileFacts, FileId, LootFolder};
use super::listing::{Change, Found, Listing};
use super::scan::scan;
use super::stored::StoredLoot;
use super::watch::FolderWatch;
use super::{Ledger, Loot, LootState, LootStatus, Shared, Snapshot};
use crate::wire::{Index, IndexKey};

/// Hints that wait; what does not fit is found by a rescan.
const HINTS_MAX: usize = 8_192;
/// Hints are gathered until none came for so long …
const QUIET: Duration = Duration::from_millis(40);
/// … but no longer than this.
const GATHER: Duration = Duration::from_millis(200);
/// A file that is being written is listed once it rests for so long, should nobody close it.
const WRITING_REST: Duration = Duration::from_secs(3);
/// The safety net's period; it grows with the length of a walk.
const RESCAN: Duration = Duration::from_secs(60);
/// The same where the system cannot watch the folder.
const RESCAN_UNWATCHED: Duration = Duration::from_secs(15);
/// A walk takes at most one part in so many of the time.
const RESCAN_SHARE: u32 = 50;
/// A walk that was asked for waits until so long after the last one.
const RESCAN_PAUSE: Duration = Duration::from_secs(1);
/// While the folder is missing it is looked for so often.
const MISSING_RETRY: Duration = Duration::from_secs(2);
/// The index is stored for the next start at most so often.
const STORE: Duration = Duration::from_secs(2);

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Something is other than it was.
    Changed(Box<str>),
    /// A file was made or written, and may be written further.
    BeingWritten(Box<str>),
    /// A file is whole: its writer closed it, or we landed it.
    Whole(Box<str>),
    /// Walk everything.
    Rescan,
    /// End the keeper.
    Stop,
}

/// The keeper's letter box: never blocks, never grows beyond its bound.
#[derive(Clone, Debug)]
pub struct Hints {
    queue: SyncSender<Hint>,
    overflow: Arc<AtomicBool>,
}

impl Hints {
    /// Leaves a hint; if the box is full, a rescan is due.
    pub fn send(&self, hint: Hint) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(hint) {
            self.overflow.store(true, Ordering::Relaxed);
        }
    }
}

/// A running keeper; [`KeeperHandle::stop`] ends it.
#[derive(Debug)]
pub struct KeeperHandle {
    hints: Hints,
    thread: JoinHandle<()>,
}

impl KeeperHandle {
    /// Ends the keeper; the index is stored. A walk under way is waited for by nobody.
    pub fn stop(self, deadline: Instant) {
        self.hints.send(Hint::Stop);
        while !self.thread.is_finished() && Instant::now() < deadline {
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
    let (queue, inbox) = sync_channel(HINTS_MAX);
    let hints = Hints { queue, overflow: Arc::new(AtomicBool::new(false)) };
    let baseline = stored.load().filter(|(id, _)| *id == folder.id());
    let known = baseline.is_some();
    let index = baseline.map(|(_, index)| index).unwrap_or_default();
    let mut listing = Listing::default();
    listing.replace_below("", provisional(&index));
    let last_seen = stored.load().filter(|(_, index)| !index.is_empty()).map(|(id, _)| id);
    let shared = Arc::new(Shared {
        folder: RwLock::new(Arc::new(folder)),
        snapshot: channel::Sender::new(Arc::new(Snapshot::new(index, &key, known))),
        status: Mutex::new(LootStatus {
            state: LootState::Scanning,
            watch_limited: None,
            scanned_at: None,
            held_back: Arc::default(),
            held_back_count: 0,
        }),
        seen: AtomicUsize::new(0),
        hints: hints.clone(),
    });
    let loot = Loot { shared: shared.clone() };
    let keeper = Keeper {
        shared,
        key,
        ledger,
        stored,
        listing,
        last_seen,
        writing: BTreeMap::new(),
        watch: None,
        unsaved_since: None,
        walk_asked: false,
        walked_at: Instant::now(),
        inbox,
    };
    let thread = std::thread::Builder::new().name("loot-keeper".into()).spawn(move || keeper.run())?;
    Ok((loot, KeeperHandle { hints, thread }))
}

/// A stored index as a scan's result: names and sizes, until the first walk knows better.
fn provisional(index: &Index) -> Found {
    let facts = |size_bytes| FileFacts { size_bytes, modified_ns: 0, id: FileId { device: 0, inode: 0 } };
    Found {
        files: index.iter().map(|entry| (entry.name.into(), facts(entry.size_bytes))).collect(),
        ..Found::default()
    }
}

struct Keeper {
    shared: Arc<Shared>,
    key: IndexKey,
    ledger: Ledger,
    stored: StoredLoot,
    listing: Listing,
    /// The folder in which files were last seen; an empty other one in its place is suspect.
    last_seen: Option<FileId>,
    /// Files that somebody is writing, with the time of the last word of it.
    writing: BTreeMap<Box<str>, Instant>,
    watch: Option<FolderWatch>,
    unsaved_since: Option<Instant>,
    walk_asked: bool,
    walked_at: Instant,
    inbox: Receiver<Hint>,
}

impl Keeper {
    fn run(mut self) {
        self.watch_folder();
        let mut next_walk = self.walk();
        loop {
            match self.gather(next_walk) {
                Gathered::Stop => break self.store(),
                Gathered::Walk => next_walk = self.walk(),
                Gathered::Look(names) => self.look(names),
            }
            if self.unsaved_since.is_some_and(|since| since.elapsed() >= STORE) {
                self.store();
            }
        }
    }

    /// Waits for hints, then gathers those that follow closely.
    fn gather(&mut self, next_walk: Instant) -> Gathered {
        let mut names = BTreeSet::new();
        let mut first = None;
        loop {
            let now = Instant::now();
            let wake = match first {
                Some(first) => (now + QUIET).min(first + GATHER),
                None => self.next_wake(next_walk),
            };
            match self.inbox.recv_timeout(wake.saturating_duration_since(now)) {
                Ok(Hint::Stop) | Err(RecvTimeoutError::Disconnected) => return Gathered::Stop,
                Ok(Hint::Rescan) => {
                    self.walk_asked = true;
                    continue;
                }
                Ok(Hint::BeingWritten(name)) => {
                    self.writing.insert(name, Instant::now());
                    continue; // no reason to look yet
                }
                Ok(Hint::Whole(name)) => {
                    self.writing.remove(&name);
                    names.insert(name);
                }
                Ok(Hint::Changed(name)) => {
                    names.insert(name);
                }
                Err(RecvTimeoutError::Timeout) => break,
            }
            let first = *first.get_or_insert_with(Instant::now);
            if first.elapsed() >= GATHER {
                break;
            }
        }
        let overflowed = self.shared.hints.overflow.swap(false, Ordering::Relaxed);
        self.walk_asked |= overflowed;
        if Instant::now() >= self.due_walk(next_walk) {
            return Gathered::Walk;
        }
        names.extend(self.take_rested());
        Gathered::Look(names)
    }

    /// A walk that was asked for comes earlier, but not at once after another.
    fn due_walk(&self, next_walk: Instant) -> Instant {
        if self.walk_asked { next_walk.min(self.walked_at + RESCAN_PAUSE) } else { next_walk }
    }

    fn next_wake(&self, next_walk: Instant) -> Instant {
        let next_walk = self.due_walk(next_walk);
        let rested = self.writing.values().min().map(|last| *last + WRITING_REST);
        let store = self.unsaved_since.map(|since| since + STORE);
        [Some(next_walk), rested, store].into_iter().flatten().min().unwrap_or(next_walk)
    }

    /// Files that nobody wrote to for a while.
    fn take_rested(&mut self) -> Vec<Box<str>> {
        let rested: Vec<_> = self
            .writing
            .iter()
            .filter(|(_, last)| last.elapsed() >= WRITING_REST)
            .map(|(name, _)| name.clone())
            .collect();
        self.writing.retain(|name, _| !rested.contains(name));
        rested
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
            if covered || self.writing.contains_key(&name) {
                continue;
            }
            if let Ok(found) = scan(&folder, &name, &AtomicUsize::new(0)) {
                changed |= self.take_over(&name, found);
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
        self.walk_asked = false;
        let next = self.walk_now();
        self.walked_at = Instant::now();
        next
    }

    fn walk_now(&mut self) -> Instant {
        let folder = match self.folder_in_place() {
            Ok(folder) => folder,
            Err(why) => return self.miss(why),
        };
        let began = Instant::now();
        self.shared.seen.store(0, Ordering::Relaxed);
        let found = match scan(&folder, "", &self.shared.seen) {
            Ok(found) => found,
            Err(error) => return self.miss(format!("{} cannot be read: {error}", folder.path().display())),
        };
        if found.files.is_empty() && self.last_seen.is_some_and(|id| id != folder.id()) {
            return self.miss(format!(
                "{} is empty and not the folder it was: is a disk not mounted? (Files put into it are shared as usual.)",
                folder.path().display()
            ));
        }
        if self.last_seen.is_some_and(|id| id != folder.id()) {
            self.listing = Listing::default(); // another folder: nothing was deleted
        }
        let first = self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).scanned_at.is_none();
        let changed = self.take_over("", found);
        if first && self.last_seen.is_none_or(|id| id == folder.id()) {
            self.note_deleted_while_away();
        }
        self.last_seen = Some(folder.id());
        self.note_held_back();
        self.set_state(|status| {
            status.state = LootState::Following;
            status.scanned_at = Some(SystemTime::now());
        });
        if changed || !self.shared.snapshot.borrow().announceable {
            self.publish();
        }
        if first {
            self.store(); // so that a killed node knows its folder again
        }
        let period = if self.watch.is_some() { RESCAN } else { RESCAN_UNWATCHED };
        Instant::now() + period.max(began.elapsed().saturating_mul(RESCAN_SHARE))
    }

    /// The folder, opened anew when it went and came back.
    fn folder_in_place(&mut self) -> Result<Arc<LootFolder>, String> {
        let folder = self.folder();
        if folder.is_in_place() {
            return Ok(folder);
        }
        self.watch = None;
        let reopened = LootFolder::open(folder.path())
            .map_err(|error| format!("{} is not there: {error}", folder.path().display()))?;
        let reopened = Arc::new(reopened);
        *self.shared.folder.write().unwrap_or_else(PoisonError::into_inner) = reopened.clone();
        self.watch_folder();
        Ok(reopened)
    }

    /// The folder is missing: what was published stays.
    fn miss(&self, why: String) -> Instant {
        let state = LootState::Missing(why.into());
        if self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).state != state {
            tracing::warn!(?state, "the last index stays published");
        }
        self.set_state(|status| status.state = state);
        Instant::now() + MISSING_RETRY
    }

    fn take_over(&mut self, name: &str, mut found: Found) -> bool {
        let Self { writing, listing, .. } = self;
        for (name, facts) in &mut found.files {
            // Somebody is writing it: what was known of it stays.
            if let Some(known) = listing.get(name).filter(|_| writing.contains_key(name)) {
                *facts = *known;
            }
        }
        found.files.retain(|(name, _)| listing.get(name).is_some() || !writing.contains_key(name));
        let changes = listing.replace_below(name, found);
        self.ledger.note_changes(&changes);
        !changes.is_empty()
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
        let snapshot = Snapshot::new(self.listing.to_index(), &self.key, true);
        tracing::info!(files = snapshot.index.len(), hmac = %snapshot.hmac, "the index changed");
        self.shared.snapshot.send_replace(Arc::new(snapshot));
        self.unsaved_since.get_or_insert_with(Instant::now);
    }

    fn store(&mut self) {
        if self.unsaved_since.take().is_none() {
            return;
        }
        let index = self.shared.snapshot.borrow().clone();
        if let Err(error) = self.stored.save(self.folder().id(), &index.index) {
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

enum Gathered {
    Look(BTreeSet<Box<str>>),
    Walk,
    Stop,
}
