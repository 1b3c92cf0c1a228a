//! Which version of a file it is, without reading it.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, SystemTime};

use crate::loot::FileFacts;

/// A clock that counts whole seconds, or two of them (FAT), may show one time for two contents.
const COARSE: Duration = Duration::from_secs(2);
/// Any other ticks at least a hundred times a second; ten of its ticks.
const FINE: Duration = Duration::from_millis(100);
const SECOND_NS: i64 = 1_000_000_000;

/// What changes whenever a file's content does: beside the size, both times and the inode.
/// The device does not count: its number changes with a restart of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// Last change of the content.
    pub modified_ns: i64,
    /// Last change of anything.
    pub changed_ns: i64,
    /// Which file.
    pub inode: u64,
}

impl Stamp {
    /// Of a file as it was found.
    #[must_use]
    pub fn of(facts: &FileFacts) -> Self {
        Self { modified_ns: facts.modified_ns, changed_ns: facts.changed_ns, inode: facts.id.inode }
    }

    /// When the content changed last, in whole seconds since 1970.
    #[must_use]
    pub fn mtime(&self) -> i64 {
        self.modified_ns.div_euclid(SECOND_NS)
    }

    /// How long to wait until another change could not hide behind the same times; none if it
    /// could not now. A file that was read earlier could be changed unnoticed.
    #[must_use]
    pub fn rest(&self, now: SystemTime) -> Option<Duration> {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_ns = i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX);
        let rest = |time_ns: i64| {
            let grain = if time_ns.checked_rem(SECOND_NS) == Some(0) { COARSE } else { FINE };
            let distance = Duration::from_nanos(now_ns.abs_diff(time_ns));
            // A time far ahead is some other clock's: no use to wait for it.
            (distance < grain).then(|| if time_ns > now_ns { grain + distance } else { grain - distance })
        };
        rest(self.modified_ns).max(rest(self.changed_ns))
    }
}

/// Makes a short mark of a version: 8 bytes instead of 32, of which a million stay in memory.
///
/// Two versions of a file have the same mark once in 2^64 times, and as the key is a secret of this
/// process nobody can look for such a pair. What is kept on disk is the whole [`Stamp`]. No mark is 0.
#[derive(Clone, Debug, Default)]
pub struct Marker(RandomState);

impl Marker {
    /// The mark of a file of that length and stamp.
    #[must_use]
    pub fn mark(&self, size_bytes: u64, stamp: Stamp) -> u64 {
        self.0.hash_one((size_bytes, stamp)).max(1)
    }

    /// The same of a file as it was found.
    #[must_use]
    pub fn of(&self, facts: &FileFacts) -> u64 {
        self.mark(facts.size_bytes, Stamp::of(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_rests_until_another_change_would_show() {
        let second = |seconds: i64| seconds * SECOND_NS;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        for (modified_ns, changed_ns, rest_ms, why) in [
            (second(900), second(990), None, "long ago"),
            (second(900), second(999) + 950_000_000, Some(50), "a fine clock, just now"),
            (second(999) + 950_000_001, second(900), Some(50), "whichever time it is"),
            (second(900), second(999), Some(1_000), "a coarse clock"),
            (second(999), second(998), Some(1_000), "the longer of both"),
            (second(900), second(1_000) + 1_000_000, Some(101), "a moment ahead"),
            (second(2_000), second(900), None, "its time was set far ahead"),
        ] {
            let rest = Stamp { modified_ns, changed_ns, inode: 1 }.rest(now);
            assert_eq!(rest.map(|rest| rest.as_micros().div_ceil(1_000)), rest_ms, "{why}");
        }
    }

    #[test]
    fn whatever_changes_a_file_changes_its_mark() {
        let (marker, stamp) = (Marker::default(), Stamp { modified_ns: 1, changed_ns: 2, inode: 3 });
        let mark = marker.mark(4, stamp);
        assert_eq!(mark, marker.clone().mark(4, stamp));
        for (size_bytes, other) in [
            (5, stamp),
            (4, Stamp { modified_ns: 0, ..stamp }),
            (4, Stamp { changed_ns: 0, ..stamp }),
            (4, Stamp { inode: 0, ..stamp }),
            (4, Stamp { modified_ns: 2, changed_ns: 1, inode: 3 }),
        ] {
            assert_ne!(marker.mark(size_bytes, other), mark, "{size_bytes} {other:?}");
        }
        assert_ne!(Marker::default().mark(4, stamp), mark, "another process");
    }
}
