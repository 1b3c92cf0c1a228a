//! Who sent what it had not told: a content that did not match is not asked of the same neighbour
//! again, and who does so with several files is left alone for a while.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::wire::{Content, LootPath};

/// Remembered; beyond it the oldest is forgotten.
const REMEMBERED_MAX: usize = 4_096;
/// With so many files in [`LIES_FOR`] a neighbour is not used at all. A file that changes all the
/// time is no lie: it counts once.
const FILES_MAX: usize = 3;
/// How long one counts, and how long the neighbour is left alone.
const LIES_FOR: Duration = Duration::from_secs(3600);

/// What was told and not kept.
#[derive(Debug, Default)]
pub struct Lies(HashMap<(Uuid, Content), (LootPath, Instant)>);

impl Lies {
    /// Under that name it sent something else than this content.
    pub fn note(&mut self, uuid: Uuid, content: Content, path: &LootPath, now: Instant) {
        if self.0.len() >= REMEMBERED_MAX {
            let oldest = self.0.iter().min_by_key(|(_, (_, at))| *at).map(|(key, _)| *key);
            oldest.map(|key| self.0.remove(&key));
        }
        self.0.insert((uuid, content), (path.clone(), now));
    }

    /// Whether it may be asked for that content.
    #[must_use]
    pub fn may_ask(&self, uuid: Uuid, content: Option<Content>) -> bool {
        content.is_none_or(|content| !self.0.contains_key(&(uuid, content)))
    }

    /// Who is not asked for anything.
    #[must_use]
    pub fn shunned(&self, now: Instant) -> HashSet<Uuid> {
        let mut files: HashMap<Uuid, HashSet<&LootPath>> = HashMap::new();
        for ((uuid, _), (path, at)) in &self.0 {
            if now.saturating_duration_since(*at) < LIES_FOR {
                files.entry(*uuid).or_default().insert(path);
            }
        }
        files.into_iter().filter(|(_, files)| files.len() >= FILES_MAX).map(|(uuid, _)| uuid).collect()
    }
}

/// What all jobs remember together; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct SharedLies(Arc<Mutex<Lies>>);

impl SharedLies {
    /// For a moment: nothing may be awaited meanwhile.
    pub fn lock(&self) -> MutexGuard<'_, Lies> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid::from_u128(0xa);
    const B: Uuid = Uuid::from_u128(0xb);

    fn path(name: &str) -> LootPath {
        LootPath::parse(name.as_bytes()).unwrap()
    }

    #[test]
    fn who_lied_of_three_files_is_left_alone_for_an_hour() {
        let (mut lies, start) = (Lies::default(), Instant::now());
        for (number, name) in [(1, "a"), (2, "b"), (3, "c")] {
            assert!(lies.shunned(start).is_empty());
            lies.note(A, Content::new([number; 32]), &path(name), start);
        }
        assert_eq!(lies.shunned(start), HashSet::from([A]));
        assert!(lies.shunned(start + LIES_FOR).is_empty());
        let first = Some(Content::new([1; 32]));
        assert!(!lies.may_ask(A, first) && lies.may_ask(B, first) && lies.may_ask(A, None));
        assert!(lies.may_ask(A, Some(Content::new([4; 32]))));
    }

    #[test]
    fn a_file_that_never_rests_counts_once() {
        let (mut lies, start) = (Lies::default(), Instant::now());
        (0..9).for_each(|number| lies.note(A, Content::new([number; 32]), &path("log"), start));
        assert!(lies.shunned(start).is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut lies, start) = (Lies::default(), Instant::now());
        for number in 0..5_000_u32 {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            lies.note(A, Content::new(bytes), &path("a"), start + Duration::from_millis(number.into()));
        }
        assert_eq!(lies.0.len(), REMEMBERED_MAX);
        assert!(lies.may_ask(A, Some(Content::new([0; 32]))), "the oldest is forgotten");
    }
}
