//! "Keep N copies nearby": who of a room takes a file of which there are too few
//! (`docs/PROTOCOL.md`, section 5).
//!
//! Nobody is asked and nobody decides. Each node ranks those who could take a file by a hash of the
//! file and the node, which comes out the same everywhere and spreads files evenly; the first ones
//! take it. Whose turn it is and who never takes it is passed over in time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::wire::Content;

/// A shortage must have been seen for so long: two announcements, so that who just came knows the
/// others, and they know what each has.
pub const SETTLE: Duration = Duration::from_secs(20);
/// Whose turn it is has so long …
const TURN: Duration = Duration::from_secs(60);
/// … and a second for each so many bytes, before it is the turn of the next too.
const BYTES_PER_SECOND: u64 = 1 << 20;
/// Shortages remembered: as many as a node has files. Of others the time begins anew each time,
/// so they are taken by the first in rank alone.
const REMEMBERED_MAX: usize = 1_200_000;

/// What names a file in all nodes alike: its content, or, where nobody tells it, name and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileKey([u8; 16]);

impl FileKey {
    /// Of a file as it is offered.
    #[must_use]
    pub fn of(name: &str, size_bytes: u64, content: Option<Content>) -> Self {
        let whole = match content {
            Some(content) => *content.as_bytes(),
            None => {
                let mut hasher = blake3::Hasher::new();
                hasher.update(&size_bytes.to_be_bytes());
                hasher.update(name.as_bytes());
                hasher.finalize().into()
            }
        };
        Self(whole.first_chunk().copied().unwrap_or_default())
    }

    /// How early it is that node's turn to take the file: the least comes first.
    #[must_use]
    pub fn rank(self, uuid: Uuid) -> u64 {
        let mut both = [0; 32];
        both.iter_mut().zip(self.0.iter().chain(uuid.as_bytes())).for_each(|(to, from)| *to = *from);
        blake3::hash(&both).as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
    }
}

/// A file of which too few copies are nearby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Which.
    pub key: FileKey,
    /// How many nodes hold it.
    pub holders: u32,
}

/// Since when there are too few copies of which files.
#[derive(Debug, Default)]
pub struct Shortages(HashMap<FileKey, (u32, Instant)>);

impl Shortages {
    /// How many candidates more than are needed may take it now, as a multiple of what is needed:
    /// 0 while the shortage is too young, 1 for those whose turn it is, 2 if theirs has passed, …
    #[must_use]
    pub fn turns(&self, shortage: Shortage, size_bytes: u64, now: Instant) -> u64 {
        let since = self.since(shortage).unwrap_or(now);
        let Some(settled) = now.saturating_duration_since(since).checked_sub(SETTLE) else { return 0 };
        let turn = TURN.as_secs().saturating_add(size_bytes / BYTES_PER_SECOND);
        settled.as_secs().checked_div(turn).unwrap_or_default().saturating_add(1)
    }

    /// When a copy came, the next ones get their time too. One that went changes nothing.
    fn since(&self, shortage: Shortage) -> Option<Instant> {
        self.0.get(&shortage.key).filter(|(holders, _)| shortage.holders <= *holders).map(|(_, since)| *since)
    }

    /// Those that are seen now; of those that were seen before, since then.
    #[must_use]
    pub fn renewed(&self, seen: &[Shortage], now: Instant) -> Self {
        let since = |shortage: &Shortage| self.since(*shortage).unwrap_or(now);
        let seen = seen.iter().take(REMEMBERED_MAX);
        Self(seen.map(|shortage| (shortage.key, (shortage.holders, since(shortage)))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(holders: u32) -> Shortage {
        Shortage { key: FileKey::of("a", 1, None), holders }
    }

    #[test]
    fn the_next_take_their_turn_when_the_first_did_not() {
        let began = Instant::now();
        let shortages = Shortages::default().renewed(&[short(1)], began);
        for (seconds, size_bytes, turns, why) in [
            (0, 0, 0, "who just came does not know the room yet"),
            (19, 0, 0, "nor now"),
            (20, 0, 1, "the first"),
            (79, 0, 1, "they have a minute"),
            (80, 0, 2, "the second"),
            (140, 0, 3, "the third"),
            (80, 100 << 20, 1, "a large file takes its time"),
            (179, 100 << 20, 1, "a second for each MiB"),
            (180, 100 << 20, 2, "but not for ever"),
            (180, u64::MAX, 1, "a size beyond all disks"),
        ] {
            let now = began + Duration::from_secs(seconds);
            assert_eq!(shortages.turns(short(1), size_bytes, now), turns, "{why}");
        }
    }

    #[test]
    fn the_time_begins_anew_when_a_copy_came_and_not_when_one_went() {
        let began = Instant::now();
        let later = began + Duration::from_secs(200);
        let shortages = Shortages::default().renewed(&[short(2)], began);
        assert_eq!(shortages.renewed(&[short(1)], later).turns(short(1), 0, later), 4);
        assert_eq!(shortages.renewed(&[short(3)], later).turns(short(3), 0, later), 0);
        let gone = shortages.renewed(&[], later);
        assert_eq!(gone.renewed(&[short(2)], later).turns(short(2), 0, later), 0, "it was none for a while");
    }

    #[test]
    fn a_file_is_named_by_its_content_or_by_name_and_size() {
        let (one, other) = (Content::new([1; 32]), Content::new([2; 32]));
        assert_eq!(FileKey::of("a", 1, Some(one)), FileKey::of("b", 1, Some(one)));
        assert_ne!(FileKey::of("a", 1, Some(one)), FileKey::of("a", 1, Some(other)));
        assert_eq!(FileKey::of("a", 1, None), FileKey::of("a", 1, None));
        assert_ne!(FileKey::of("a", 1, None), FileKey::of("a", 2, None));
        assert_ne!(FileKey::of("a", 1, None), FileKey::of("b", 1, None));
    }
}
