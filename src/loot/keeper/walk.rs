//! The walk over the whole folder: whether it is the folder it was, and what it holds.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::Keeper;
use crate::loot::digests::desk::Walked;
use crate::loot::hints::Hint;
use crate::loot::listing::{Found, Look};
use crate::loot::scan::{Met, Scan};
use crate::loot::{LootFolder, LootState, Shared, Snapshot};
use crate::wire::IndexKey;

/// The safety net's period; it grows with the length of a walk.
const RESCAN: Duration = Duration::from_secs(60);
/// The same where the system cannot watch the folder.
const RESCAN_UNWATCHED: Duration = Duration::from_secs(15);
/// A walk takes at most one part in so many of the time …
const RESCAN_SHARE: u32 = 400;
/// … or more, where the system does not tell of all changes: it cannot, others change the files
/// behind its back (over a network, say), or the last walk found some.
const RESCAN_SHARE_UNWATCHED: u32 = 50;
/// While the folder is missing it is looked for so often.
const MISSING_RETRY: Duration = Duration::from_secs(2);
/// During a first walk, what was found is offered after so long, then after ever longer pauses.
const FIRST_INTERIM: Duration = Duration::from_secs(2);
/// More threads than this do not read a folder faster.
const WALKERS_MAX: usize = 4;

/// How many threads walk. Two at least: one waits for the disk while the other does not.
fn walkers() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, WALKERS_MAX))
}

/// While the very first walk runs, what it found so far is offered already.
struct Interim<'i> {
    shared: &'i Shared,
    key: &'i IndexKey,
    due: Instant,
    pause: Duration,
}

impl<'i> Interim<'i> {
    fn new(shared: &'i Shared, key: &'i IndexKey) -> Self {
        Self { shared, key, due: Instant::now() + FIRST_INTERIM, pause: FIRST_INTERIM }
    }

    fn offer_if_due(&mut self, look: &Look<'_>) {
        if Instant::now() < self.due {
            return;
        }
        self.shared.offer(Snapshot::new(look.new_so_far(), self.key, true));
        self.pause = self.pause.saturating_mul(2);
        self.due = Instant::now() + self.pause;
    }
}

impl Keeper {
    pub(super) fn walk_now(&mut self) -> Instant {
        let began = Instant::now();
        let walked = self.folder_in_place().and_then(|folder| Ok((self.walk_folder(&folder)?, folder)));
        let (found, folder) = match walked {
            Ok(walked) => walked,
            Err(why) => return self.miss(why),
        };
        let is_known = self.last_seen.replace(folder.id()).is_none_or(|known| known.is_same_folder(folder.id()));
        self.adopt(folder);
        let is_first = self.is_first();
        self.note_watch();
        self.tell(&found);
        let found_some = found.changes_index();
        // Who sees that the folder was read finds what was read.
        if found.changes_index() || !self.shared.snapshot.borrow().announceable {
            self.publish(found);
        }
        if is_first && is_known {
            self.note_deleted_while_away();
        }
        self.note_held_back();
        if is_first {
            // Until now nobody could tell what was changed meanwhile.
            self.tell_what_was_seen();
            self.store(); // so that a killed node knows its folder again
        }
        self.set_state(|status| {
            status.state = LootState::Following;
            status.scanned_at = Some(SystemTime::now());
        });
        let period = if self.watch.is_some() { RESCAN } else { RESCAN_UNWATCHED };
        // A first walk is slow: nothing of the folder is in memory yet.
        let is_told_all = self.watch.is_some() && self.folder().is_of_this_machine() && !is_first && !found_some;
        let share = if is_told_all { RESCAN_SHARE } else { RESCAN_SHARE_UNWATCHED };
        Instant::now() + period.max(began.elapsed().saturating_mul(share))
    }

    /// The hasher need not look at each file again.
    fn tell_what_was_seen(&self) {
        self.shared.desk.walked(Walked { index: self.listing.index().clone(), marks: self.listing.marks() });
    }

    /// Walks the folder. An empty one in the place of another that had files is not believed; of
    /// another with files nothing was known, so nothing was deleted.
    fn walk_folder(&mut self, folder: &LootFolder) -> Result<Found, String> {
        let path = folder.path().display();
        let is_first = self.is_first();
        self.shared.seen.store(0, Ordering::Relaxed);
        let scan = Scan::begin(folder, "", &self.shared.seen, self.watch.as_ref())
            .map_err(|error| format!("{path} cannot be read: {error}"))?;
        let is_known = self.last_seen.is_none_or(|known| known.is_same_folder(folder.id()));
        let mut fresh = self.listing.of_another();
        let listing = if is_known { &mut self.listing } else { &mut fresh };
        let is_being_written = |name: &str| self.gatherer.is_being_written(name);
        let mut look = listing.look(&is_being_written);
        look.at("");
        let mut interim = (is_first && self.last_seen.is_none()).then(|| Interim::new(&self.shared, &self.key));
        // While somebody waits for it, by all means; else it is not to be noticed.
        let threads = if is_first { walkers() } else { 1 };
        scan.tell(threads, &mut |met| {
            if let (Met::FolderEnd, Some(interim)) = (&met, &mut interim) {
                interim.offer_if_due(&look);
            }
            look.meet(met);
        });
        let found = look.end();
        if found.met() == 0 && !is_known {
            return Err(format!(
                "{path} is empty and not the folder it was: is a disk not mounted? (Files put into it are shared as usual.)"
            ));
        }
        if !is_known {
            self.listing = fresh;
        }
        Ok(found)
    }

    /// The folder to walk: the one that is open, or, when that went, what is at its path now. The
    /// latter is not used for anything else before it is believed.
    fn folder_in_place(&mut self) -> Result<Arc<LootFolder>, String> {
        let folder = self.folder();
        if folder.is_in_place() {
            return Ok(folder);
        }
        self.watch = None;
        self.watch_lost = true;
        let path = folder.path();
        LootFolder::open(path).map(Arc::new).map_err(|error| format!("{} is not there: {error}", path.display()))
    }

    /// The folder at the path is believed: it is ours from now on.
    fn adopt(&mut self, folder: Arc<LootFolder>) {
        if std::mem::take(&mut self.watch_lost) {
            *self.shared.folder.write().unwrap_or_else(PoisonError::into_inner) = folder;
            self.watch_folder();
            // What changed between the walk and the watch is found by another walk.
            self.shared.hints.send(Hint::Rescan);
        }
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
}
