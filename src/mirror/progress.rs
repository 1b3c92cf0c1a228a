//! How far a file is, who gave how much of it, and how fast.
//!
//! Jobs count, without a clock; whoever shows looks now and then, and passes the time in.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use uuid::Uuid;

use super::pace::Pace;
use crate::wire::DisplayText;

/// What one neighbour gave of a file in this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Who.
    pub uuid: Uuid,
    /// What it calls itself.
    pub name: DisplayText,
    /// How much.
    pub bytes: u64,
    /// How much a second at last.
    pub bytes_per_second: u64,
}

/// All bytes that came since the start; cheap to clone, all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Received(Arc<AtomicU64>);

impl Received {
    /// How many.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts for one file that is coming; cheap to clone, all clones count together.
#[derive(Clone, Debug)]
pub struct Progress(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    here_bytes: AtomicU64,
    /// What was here when it was told last.
    told_bytes: AtomicU64,
    received: Received,
    sources: Mutex<Sources>,
}

#[derive(Debug)]
struct Sources {
    /// When it was looked at last.
    looked: Instant,
    by_uuid: BTreeMap<Uuid, (DisplayText, u64, Pace)>,
}

impl Progress {
    /// Of a file that begins now; what comes of it counts for all together too.
    #[must_use]
    pub fn begin(received: Received, now: Instant) -> Self {
        let sources = Mutex::new(Sources { looked: now, by_uuid: BTreeMap::new() });
        Self(Arc::new(Counts { here_bytes: AtomicU64::new(0), told_bytes: AtomicU64::new(0), received, sources }))
    }

    /// So much of it is here.
    pub fn note_here(&self, here_bytes: u64) {
        self.0.here_bytes.store(here_bytes, Ordering::Relaxed);
    }

    /// The same; returns what was here before.
    pub fn swap_here(&self, here_bytes: u64) -> u64 {
        self.0.here_bytes.swap(here_bytes, Ordering::Relaxed)
    }

    /// So much more of it is here.
    pub fn add_here(&self, bytes: u64) {
        self.0.here_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How much of it is here.
    #[must_use]
    pub fn here_bytes(&self) -> u64 {
        self.0.here_bytes.load(Ordering::Relaxed)
    }

    /// A neighbour gave so much more.
    pub fn note_given(&self, uuid: Uuid, name: &DisplayText, bytes: u64) {
        self.0.received.0.fetch_add(bytes, Ordering::Relaxed);
        let mut sources = self.lock();
        let looked = sources.looked;
        let source = sources.by_uuid.entry(uuid).or_insert_with(|| (name.clone(), 0, Pace::starting(0, looked)));
        source.1 = source.1.saturating_add(bytes);
    }

    /// The one neighbour that gives it brought it so far.
    pub fn note_here_from(&self, uuid: Uuid, name: &DisplayText, here_bytes: u64) {
        let before = self.swap_here(here_bytes);
        if here_bytes > before {
            self.note_given(uuid, name, here_bytes.saturating_sub(before));
        }
    }

    /// Looks how far it is, for the speeds. True when more is here than was told before.
    pub fn look(&self, now: Instant) -> bool {
        let mut sources = self.lock();
        sources.looked = now;
        sources.by_uuid.values_mut().for_each(|(_, bytes, pace)| pace.note(*bytes, now));
        let here_bytes = self.here_bytes();
        self.0.told_bytes.swap(here_bytes, Ordering::Relaxed) != here_bytes
    }

    /// Who gave, the most first.
    #[must_use]
    pub fn given(&self, now: Instant) -> Vec<Given> {
        let given = |(uuid, (name, bytes, pace)): (&Uuid, &(DisplayText, u64, Pace))| Given {
            uuid: *uuid,
            name: name.clone(),
            bytes: *bytes,
            bytes_per_second: pace.bytes_per_second(now),
        };
        let mut given: Vec<Given> = self.lock().by_uuid.iter().map(given).collect();
        given.sort_by_key(|given| std::cmp::Reverse(given.bytes));
        given
    }

    fn lock(&self) -> MutexGuard<'_, Sources> {
        self.0.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const A: Uuid = Uuid::from_u128(0xa);
    const B: Uuid = Uuid::from_u128(0xb);

    #[test]
    fn each_source_has_its_bytes_and_its_speed() {
        let (received, start) = (Received::default(), Instant::now());
        let name = |name: &str| DisplayText::from_bytes(name.as_bytes(), 9);
        let progress = Progress::begin(received.clone(), start);
        assert!(!progress.look(start), "nothing is news");
        progress.note_given(A, &name("a"), 1_000);
        progress.note_given(B, &name("b"), 3_000);
        progress.add_here(4_000);
        let now = start + Duration::from_secs(2);
        assert!(progress.look(now));
        assert!(!progress.look(now), "told once");
        let given: Vec<_> =
            progress.given(now).into_iter().map(|given| (given.uuid, given.bytes, given.bytes_per_second)).collect();
        assert_eq!(given, [(B, 3_000, 1_500), (A, 1_000, 500)]);
        // A part of an earlier run is here, but nobody gave it now.
        let other = Progress::begin(received.clone(), start);
        other.note_here(50);
        other.note_here_from(A, &name("a"), 70);
        other.note_here_from(A, &name("a"), 0);
        other.note_here_from(A, &name("a"), 5);
        assert_eq!((other.here_bytes(), other.given(now)[0].bytes, received.bytes()), (5, 25, 4_025));
    }
}
