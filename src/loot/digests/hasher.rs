//! The hasher: one thread of low priority that reads files for their digests.
//!
//! It takes one step at a time (looks at a few files, or reads one piece of one) and sees between
//! two steps whether it must end, whether there is a new index and whether it is time to publish.
//! A much smaller file is read before the rest of a large one.

mod recall;
mod work;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::cache::Cache;
use super::desk::{Notes, Walked};
use super::journal::Journal;
use super::reading::{PIECE_BYTES, Reading};
use super::waiting::Waiting;
use super::{Hashed, Hashing, Marker};
use crate::loot::{LootFolder, LootState, Shared, Snapshot};
use crate::wire::digests::{Draft, Row};
use crate::wire::index::Edit;
use crate::wire::{DigestTable, Index};

/// Serving comes first. As `nice -n 10`.
#[cfg(target_os = "linux")]
const PRIORITY: i32 = 10;
/// While there is much to read, what came of it is published at most so often …
const PUBLISH: Duration = Duration::from_millis(500);
/// … and for one part in so many of the time: a million files take a while.
const PUBLISH_SHARE: u32 = 20;
/// The same once nothing is left to read.
const PUBLISH_SHARE_IDLE: u32 = 4;
/// Without work, the desk wakes it.
const IDLE: Duration = Duration::from_secs(3600);
/// Rows of files that are gone are looked for at most so often.
const FORGET_EVERY: Duration = Duration::from_secs(600);

/// Starts it.
///
/// # Errors
/// When no thread can be started.
pub(crate) fn start(shared: Arc<Shared>, cache: PathBuf) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("loot-hasher".into()).spawn(move || {
        lower_priority();
        let cache = Cache::open(&cache, shared.lists.clone());
        Hasher::new(shared, cache).run();
    })
}

/// On Linux a thread has a priority of its own; elsewhere it would be that of the whole node.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, PRIORITY) {
        tracing::debug!(%error, "files are read with the usual priority");
    }
}

struct Hasher {
    shared: Arc<Shared>,
    cache: Cache,
    /// What was published last; positions are those of its index.
    base: Arc<Hashed>,
    /// The same with what came since: digests, or that those known are void.
    draft: Draft,
    marker: Marker,
    /// What the first walk saw, until all of it is compared.
    walked: Option<Walked>,
    waiting: Waiting,
    /// Open files, the one to read last.
    readings: Vec<(Reading, Duration)>,
    /// There is a newer snapshot than that of the base.
    is_behind: bool,
    published: Instant,
    publishing_took: Duration,
    forgot: Option<Instant>,
    counts: Counts,
    buffer: Vec<u8>,
}

/// For the log.
#[derive(Debug, Default)]
struct Counts {
    read: usize,
    recalled: usize,
}

impl Hasher {
    fn new(shared: Arc<Shared>, cache: Cache) -> Self {
        let base = shared.hashed.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut hasher = Self {
            shared,
            cache,
            draft: base.table.draft(),
            marker: base.marker.clone(),
            base,
            walked: None,
            waiting: Waiting::default(),
            readings: Vec::new(),
            is_behind: true,
            published: Instant::now(),
            publishing_took: Duration::ZERO,
            forgot: None,
            counts: Counts::default(),
            buffer: vec![0; PIECE_BYTES],
        };
        // Of a stored index the first walk sees all files; nobody need open each of them too.
        hasher.waiting.see_all(hasher.base.snapshot.index.len());
        hasher
    }

    fn run(mut self) {
        loop {
            let notes = self.shared.desk.take(self.patience());
            if notes.stop {
                break;
            }
            self.read_notes(notes);
            self.publish_if_due();
            self.waiting.wake(Instant::now());
            self.work();
            if self.cache.commit_due().is_some_and(|due| due <= Instant::now()) {
                self.cache.commit();
            }
        }
        self.cache.commit();
    }

    fn read_notes(&mut self, notes: Notes) {
        self.is_behind |= notes.index;
        if let Some(walked) = notes.walked {
            self.take_walk(walked);
        }
        if notes.all {
            self.look_at_all();
        }
        if !notes.listless.is_empty() {
            self.cache.commit();
        }
        notes.listless.iter().for_each(|name| self.want_list(name));
        for name in &notes.touched {
            if let Some(position) = self.base.snapshot.index.position_of(name) {
                self.waiting.look(as_position(position));
            }
        }
    }

    fn look_at_all(&mut self) {
        (0..self.base.snapshot.index.len()).for_each(|position| self.waiting.look(as_position(position)));
    }

    /// How long there is nothing to do.
    fn patience(&self) -> Duration {
        if self.is_busy() {
            return Duration::ZERO;
        }
        let publish = self.has_news().then(|| self.publish_due());
        let wakes = [publish, self.waiting.next_wake(), self.cache.commit_due()].into_iter().flatten();
        wakes.min().map_or(IDLE, |wake| wake.saturating_duration_since(Instant::now()).min(IDLE))
    }

    fn is_busy(&self) -> bool {
        self.can_recall() || self.waiting.has_looks() || self.waiting.has_reads() || !self.readings.is_empty()
    }

    fn known(&self, position: u32) -> Option<Row> {
        self.draft.row(position as usize)
    }

    fn hashing(&self) -> Hashing {
        let (left, left_bytes) = self.waiting.left();
        let open_bytes = self.readings.iter().fold(0_u64, |sum, (of, _)| sum.saturating_add(of.left_bytes()));
        Hashing { left: left.saturating_add(self.readings.len()), left_bytes: left_bytes.saturating_add(open_bytes) }
    }

    fn has_news(&self) -> bool {
        self.is_behind || !self.draft.changed().is_empty() || (!self.is_busy() && self.hashing() != self.base.hashing)
    }

    fn publish_due(&self) -> Instant {
        let pause = |share: u32| self.publishing_took.saturating_mul(share);
        self.published + if self.is_busy() { pause(PUBLISH_SHARE).max(PUBLISH) } else { pause(PUBLISH_SHARE_IDLE) }
    }

    fn publish_if_due(&mut self) {
        if !self.has_news() || Instant::now() < self.publish_due() {
            return;
        }
        self.publish_now();
        if !self.is_busy() {
            self.rest();
        }
    }

    fn publish_now(&mut self) {
        let began = Instant::now();
        // Digests promise lists.
        if self.cache.has_pending_lists() {
            self.cache.commit();
        }
        let snapshot = self.shared.snapshot.borrow().clone();
        let is_other = std::mem::take(&mut self.is_behind) && !Arc::ptr_eq(&snapshot, &self.base.snapshot);
        self.publish(is_other.then_some(snapshot));
        self.published = Instant::now();
        self.publishing_took = began.elapsed();
    }

    /// What was published last, with what came since, beside the next index if there is one.
    fn publish(&mut self, next: Option<Arc<Snapshot>>) {
        let draft = std::mem::replace(&mut self.draft, DigestTable::default().draft());
        let step = next.map(|next| {
            let edit = edit_between(&self.base.snapshot.index, &next);
            (next, edit)
        });
        let journal = self.journal(&draft, step.as_ref().map(|(_, edit)| &**edit));
        let mut table = draft.finish();
        let mut snapshot = self.base.snapshot.clone();
        if let Some((next, edit)) = step {
            table = table.carried_by(next.index.clone(), &edit);
            self.follow(&next.index, &edit);
            snapshot = next;
        }
        self.offer(snapshot, Arc::new(table), journal);
    }

    /// What is where it was stays in its place; what is new is looked at.
    fn follow(&mut self, index: &Arc<Index>, edit: &Edit) {
        if let Some(walked) = &mut self.walked {
            walked.follow(index, edit);
        }
        self.waiting.follow(edit, |position| index.size_at(position));
        self.readings.retain_mut(|(reading, _)| {
            let place = edit.after_of(reading.position as usize).map(as_position);
            reading.position = place.unwrap_or(reading.position);
            place.is_some()
        });
        edit.new_ones().iter().for_each(|position| self.waiting.look(*position));
    }

    /// The journal with the names of whose files the manifest tells something else than before.
    fn journal(&self, draft: &Draft, edit: Option<&Edit>) -> Journal {
        let before = draft.before();
        let told = |row: Option<Row>| row.map(|row| (row.digests, row.mtime));
        let goes = |position: usize| edit.is_some_and(|edit| edit.after_of(position).is_none());
        let other = draft.changed().iter().filter(|at| !goes(*at) && told(before.row(*at)) != told(draft.row(*at)));
        let gone = edit.map(Edit::gone).unwrap_or_default().iter().map(|position| *position as usize);
        let gone = gone.filter(|position| before.get(*position).is_some());
        let index = before.index();
        self.base.journal.followed_by(other.chain(gone).filter_map(|position| index.name_at(position)))
    }

    fn offer(&mut self, snapshot: Arc<Snapshot>, table: Arc<DigestTable>, journal: Journal) {
        self.draft = table.draft();
        let (hashing, made, marker) = (self.hashing(), SystemTime::now(), self.marker.clone());
        self.base = Arc::new(Hashed { snapshot, table: table.clone(), hashing, made, marker, journal });
        let mut current = self.shared.hashed.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, self.base.clone());
        // Nobody waits while a large one is taken apart.
        drop(current);
        drop(before);
        self.shared.digests.send_replace(table);
    }

    /// All that can be known is known, and published.
    fn rest(&mut self) {
        let Counts { read, recalled } = std::mem::take(&mut self.counts);
        if read > 0 || recalled > 0 {
            tracing::debug!(read, recalled, left = self.base.hashing.left, "digests are known");
        }
        let is_due = self.forgot.is_none_or(|at| at.elapsed() >= FORGET_EVERY);
        let state = self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).state.clone();
        // A missing folder, or one that is still walked, says nothing of what is gone.
        if is_due && state == LootState::Following {
            self.forgot = Some(Instant::now());
            self.cache.forget_gone(&self.base.table);
        }
    }

    fn folder(&self) -> Arc<LootFolder> {
        self.shared.folder.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How a snapshot came of an index: known of the last ones, else all is compared.
fn edit_between(before: &Arc<Index>, after: &Snapshot) -> Arc<Edit> {
    after.edit_from(before).unwrap_or_else(|| Arc::new(Edit::between(before, &after.index)))
}

/// An index has fewer files than a `u32` counts.
fn as_position(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
