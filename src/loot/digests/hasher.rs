//! The hasher: one thread of low priority that reads files for their digests.
//!
//! It takes one step at a time (looks at a few files, or reads one piece of one) and sees between
//! two steps whether it must end, whether there is a new index and whether it is time to publish.
//! A much smaller file is read before the rest of a large one.

mod work;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::cache::Cache;
use super::desk::Notes;
use super::journal::Journal;
use super::reading::{PIECE_BYTES, Reading};
use super::waiting::Waiting;
use super::{Hashed, Hashing, Stamp};
use crate::loot::{LootFolder, LootState, Shared, Snapshot};
use crate::wire::{DigestTable, Digests};

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
    /// What came since, by position: digests, or that those known are void.
    news: BTreeMap<u32, Option<(Digests, Stamp)>>,
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
            base,
            news: BTreeMap::new(),
            waiting: Waiting::default(),
            readings: Vec::new(),
            is_behind: true,
            published: Instant::now(),
            publishing_took: Duration::ZERO,
            forgot: None,
            counts: Counts::default(),
            buffer: vec![0; PIECE_BYTES],
        };
        hasher.look_at_all();
        hasher
    }

    fn run(mut self) {
        loop {
            let notes = self.shared.desk.take(self.patience());
            if notes.stop {
                break;
            }
            self.read_notes(&notes);
            self.publish_if_due();
            self.waiting.wake(Instant::now());
            self.work();
            if self.cache.commit_due().is_some_and(|due| due <= Instant::now()) {
                self.cache.commit();
            }
        }
        self.cache.commit();
    }

    fn read_notes(&mut self, notes: &Notes) {
        self.is_behind |= notes.index;
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
        self.waiting.has_looks() || self.waiting.smallest().is_some() || !self.readings.is_empty()
    }

    fn known(&self, position: u32) -> Option<(Digests, Stamp)> {
        self.news.get(&position).copied().unwrap_or_else(|| self.base.get(position as usize))
    }

    fn hashing(&self) -> Hashing {
        let (left, left_bytes) = self.waiting.left();
        let open_bytes = self.readings.iter().fold(0_u64, |sum, (of, _)| sum.saturating_add(of.left_bytes()));
        Hashing { left: left.saturating_add(self.readings.len()), left_bytes: left_bytes.saturating_add(open_bytes) }
    }

    fn has_news(&self) -> bool {
        self.is_behind || !self.news.is_empty() || (!self.is_busy() && self.hashing() != self.base.hashing)
    }

    fn publish_due(&self) -> Instant {
        let pause = |share: u32| self.publishing_took.saturating_mul(share);
        self.published + if self.is_busy() { pause(PUBLISH_SHARE).max(PUBLISH) } else { pause(PUBLISH_SHARE_IDLE) }
    }

    fn publish_if_due(&mut self) {
        if !self.has_news() || Instant::now() < self.publish_due() {
            return;
        }
        let began = Instant::now();
        // Digests promise lists.
        if self.cache.has_pending_lists() {
            self.cache.commit();
        }
        if std::mem::take(&mut self.is_behind) {
            self.follow_index();
        } else {
            let snapshot = self.base.snapshot.clone();
            let known = (0..snapshot.index.len()).map(|position| self.known(as_position(position))).unzip_known();
            let journal = self.journal(|_| true);
            self.publish(snapshot, known, journal);
        }
        self.published = Instant::now();
        self.publishing_took = began.elapsed();
        if !self.is_busy() {
            self.rest();
        }
    }

    /// Takes over what stayed where it was, and looks at what is new.
    fn follow_index(&mut self) {
        let snapshot = self.shared.snapshot.borrow().clone();
        if Arc::ptr_eq(&snapshot, &self.base.snapshot) {
            return;
        }
        let before = self.base.snapshot.clone();
        let stayed: Vec<Option<usize>> = snapshot.index.positions_in(&before.index).collect();
        let mut moved: Vec<Option<u32>> = vec![None; before.index.len()];
        for (now, then) in stayed.iter().enumerate() {
            if let Some(place) = then.and_then(|then| moved.get_mut(then)) {
                *place = Some(as_position(now));
            }
        }
        let moved = |position: u32| moved.get(position as usize).copied().flatten();
        self.waiting.follow(moved);
        self.readings.retain_mut(|(reading, _)| {
            let place = moved(reading.position);
            reading.position = place.unwrap_or(reading.position);
            place.is_some()
        });
        let new = stayed.iter().enumerate().filter(|(_, then)| then.is_none());
        new.for_each(|(position, _)| self.waiting.look(as_position(position)));
        let known = stayed.iter().map(|then| self.known(as_position((*then)?))).unzip_known();
        let journal = self.journal(|position| moved(position).is_some());
        self.publish(snapshot, known, journal);
    }

    /// What was published last, and what is otherwise now. `stays`: which of its files stay.
    fn journal(&self, stays: impl Fn(u32) -> bool) -> Journal {
        let row = |known: Option<(Digests, Stamp)>| known.map(|(digests, stamp)| (digests, stamp.mtime()));
        let was = |position: u32| row(self.base.get(position as usize));
        let other = self.news.iter().filter(|(position, now)| stays(**position) && row(**now) != was(**position));
        let gone = (0..self.base.snapshot.index.len()).map(as_position);
        let gone = gone.filter(|position| !stays(*position) && was(*position).is_some());
        let positions = other.map(|(position, _)| *position).chain(gone);
        let index = &self.base.snapshot.index;
        self.base.journal.followed_by(positions.filter_map(|at| index.get(at as usize)).map(|entry| entry.name))
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>, (digests, stamps): Known, journal: Journal) {
        self.news.clear();
        let mtimes = stamps.iter().map(Stamp::mtime).collect();
        let table = Arc::new(DigestTable::new(snapshot.index.clone(), digests).with_mtimes(mtimes));
        let (hashing, made) = (self.hashing(), SystemTime::now());
        let hashed = Hashed { snapshot, table: table.clone(), hashing, made, stamps: stamps.into(), journal };
        self.base = Arc::new(hashed);
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

/// Digests and stamps, by position.
type Known = (Vec<Option<Digests>>, Vec<Stamp>);

trait UnzipKnown: Iterator<Item = Option<(Digests, Stamp)>> + Sized {
    fn unzip_known(self) -> Known {
        self.map(|known| (known.map(|(digests, _)| digests), known.map(|(_, stamp)| stamp).unwrap_or_default())).unzip()
    }
}

impl<I: Iterator<Item = Option<(Digests, Stamp)>>> UnzipKnown for I {}

/// An index has fewer files than a `u32` counts.
fn as_position(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
