//! The walk over the whole folder: whether it is the folder it was, and what it holds.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::Keeper;
use crate::loot::digests::desk::Walked;
use crate::loot::hints::Hint;
use crate::loot::listing::{Found, Listing};
use crate::loot::scan::scan;
use crate::loot::{LootFolder, LootState, Snapshot};
use crate::wire::Index;

/// The safety net's period; it grows with the length of a walk.
const RESCAN: Duration = Duration::from_secs(60);
/// The same where the system cannot watch the folder.
const RESCAN_UNWATCHED: Duration = Duration::from_secs(15);
/// A walk takes at most one part in so many of the time.
const RESCAN_SHARE: u32 = 50;
/// While the folder is missing it is looked for so often.
const MISSING_RETRY: Duration = Duration::from_secs(2);
/// During a first walk, what was found is offered after so long, then after ever longer pauses.
const FIRST_INTERIM: Duration = Duration::from_secs(2);

impl Keeper {
    pub(super) fn walk_now(&mut self) -> Instant {
        let began = Instant::now();
        let found = self.folder_in_place().and_then(|folder| Ok((self.scan_all(&folder)?, folder)));
        let (found, folder) = match found {
            Ok(found) => found,
            Err(why) => return self.miss(why),
        };
        let id = folder.id();
        self.adopt(folder);
        let is_first = self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).scanned_at.is_none();
        let is_known = self.last_seen.replace(id).is_none_or(|known| known.is_same_folder(id));
        if !is_known {
            self.listing = Listing::default(); // another folder: nothing was deleted
        }
        self.anew |= is_first || !is_known;
        let changed = self.take_over("", found);
        if is_first && is_known {
            self.note_deleted_while_away();
        }
        self.note_held_back();
        // Who sees that the folder was read finds what was read.
        if changed || !self.shared.snapshot.borrow().announceable {
            self.publish();
        }
        self.set_state(|status| {
            status.state = LootState::Following;
            status.scanned_at = Some(SystemTime::now());
        });
        if is_first {
            // Until now nobody could tell what was changed meanwhile.
            self.tell_what_was_seen();
            self.store(); // so that a killed node knows its folder again
        }
        let period = if self.watch.is_some() { RESCAN } else { RESCAN_UNWATCHED };
        Instant::now() + period.max(began.elapsed().saturating_mul(RESCAN_SHARE))
    }

    /// The hasher need not look at each file again.
    fn tell_what_was_seen(&self) {
        let index = self.shared.snapshot.borrow().index.clone();
        let marker = self.shared.hashed.read().unwrap_or_else(PoisonError::into_inner).marker().clone();
        self.shared.desk.walked(Walked { index, marks: self.listing.marks(&marker) });
    }

    /// Walks the folder. An empty one in the place of another that had files is not believed.
    fn scan_all(&self, folder: &LootFolder) -> Result<Found, String> {
        self.shared.seen.store(0, Ordering::Relaxed);
        let mut due = Instant::now() + FIRST_INTERIM;
        let mut pause = FIRST_INTERIM;
        let interim = |found: &Found| {
            if Instant::now() >= due {
                self.publish_interim(found);
                pause = pause.saturating_mul(2);
                due = Instant::now() + pause;
            }
        };
        let path = folder.path().display();
        let found =
            scan(folder, "", &self.shared.seen, interim).map_err(|error| format!("{path} cannot be read: {error}"))?;
        if found.files.is_empty() && self.last_seen.is_some_and(|known| !known.is_same_folder(folder.id())) {
            return Err(format!(
                "{path} is empty and not the folder it was: is a disk not mounted? (Files put into it are shared as usual.)"
            ));
        }
        Ok(found)
    }

    /// While the very first walk runs, what it found so far is offered already.
    fn publish_interim(&self, found: &Found) {
        let is_first = self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).scanned_at.is_none();
        if is_first && self.last_seen.is_none() {
            let mut files: Vec<(&str, u64)> =
                found.files.iter().map(|(name, facts)| (name.as_ref(), facts.size_bytes)).collect();
            files.sort_unstable();
            let index = Index::from_sorted(files.into_iter());
            self.shared.offer(Snapshot::new(index, &self.key, true));
        }
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
