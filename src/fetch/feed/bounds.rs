//! How much a neighbour may tell by its feed, and when it is listened to again.

use std::time::{Duration, Instant};

/// Lines at once; the state of 64 contents with very many gaps has fewer.
const LINES_AT_ONCE: u64 = 4_096;
/// Lines a second in the long run: 16 downloads at 50 bursts a second are 800.
const LINES_A_SECOND: u64 = 1_000;
/// Bytes at once.
const BYTES_AT_ONCE: u64 = 64 << 20;
/// Bytes a second in the long run.
const BYTES_A_SECOND: u64 = 1 << 20;
/// What comes in one read counts for at least so many: each read costs something.
const READ_MIN_BYTES: u64 = 64;
/// To handle the map of a content costs as much as a byte for so many of its pieces. Who fetches as
/// many as are remembered of one neighbour, two contents of a tebibyte, and tells of each 50 times a
/// second stays below the bytes of the long run.
const PIECES_A_BYTE: u64 = 512;

/// The first pause after a feed ended …
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// … which doubles up to this.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// After what no node does, the first one …
const HOSTILE_MIN: Duration = Duration::from_secs(60);
/// … and the longest.
const HOSTILE_MAX: Duration = Duration::from_secs(3600);
/// A feed that lasted so long was a good one.
const STEADY: Duration = Duration::from_secs(60);

/// What a neighbour may still tell now.
#[derive(Debug)]
pub(super) struct Allowance {
    lines: Bucket,
    bytes: Bucket,
}

impl Allowance {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            lines: Bucket::full(LINES_AT_ONCE, LINES_A_SECOND, now),
            bytes: Bucket::full(BYTES_AT_ONCE, BYTES_A_SECOND, now),
        }
    }

    /// So many bytes came in one read. False: too many.
    pub(super) fn read(&mut self, bytes: usize, now: Instant) -> bool {
        self.bytes.take((bytes as u64).max(READ_MIN_BYTES), now)
    }

    /// A line came, of a content with so many pieces if of any. False: too many.
    pub(super) fn line(&mut self, pieces: u64, now: Instant) -> bool {
        self.lines.take(1, now) && self.bytes.take(pieces / PIECES_A_BYTE, now)
    }
}

/// So much at once, and so much a second in the long run.
#[derive(Debug)]
struct Bucket {
    left: u64,
    most: u64,
    a_second: u64,
    /// Until when what came back is counted.
    at: Instant,
}

impl Bucket {
    fn full(most: u64, a_second: u64, now: Instant) -> Self {
        Self { left: most, most, a_second, at: now }
    }

    fn take(&mut self, count: u64, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_millis();
        let back = u64::try_from(passed).unwrap_or(u64::MAX).saturating_mul(self.a_second) / 1_000;
        if back > 0 {
            self.left = self.left.saturating_add(back).min(self.most);
            self.at = now;
        }
        match self.left.checked_sub(count) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }
}

/// The pauses between two feeds of one neighbour.
#[derive(Debug, Default)]
pub(super) struct Pauses(Duration);

impl Pauses {
    /// How long to wait after one that lasted so long. `is_hostile`: it did what no node does.
    pub(super) fn after(&mut self, is_hostile: bool, lasted: Duration) -> Duration {
        let doubled = self.0.saturating_mul(2);
        self.0 = match is_hostile {
            true => doubled.clamp(HOSTILE_MIN, HOSTILE_MAX),
            false if lasted >= STEADY => PAUSE_MIN,
            false => doubled.clamp(PAUSE_MIN, PAUSE_MAX),
        };
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_much_may_be_told_at_once_and_so_much_a_second() {
        let start = Instant::now();
        let after = |ms: u64| start + Duration::from_millis(ms);
        let mut allowance = Allowance::new(start);
        for _ in 0..LINES_AT_ONCE {
            assert!(allowance.line(0, start));
        }
        assert!(!allowance.line(0, start));
        let came_back = (0..2_000).filter(|_| allowance.line(0, after(1_000))).count();
        assert_eq!(came_back, 1_000);
        // It comes back however often it is asked for.
        let rows = (1_001..2_001).filter(|ms| allowance.line(0, after(*ms))).count();
        assert_eq!(rows, 1_000);
        assert!(allowance.read(64 << 20, start));
        for (what, took) in
            [("a byte", allowance.read(1, start)), ("a large map", allowance.line(1 << 22, after(9_000)))]
        {
            assert_eq!(took, what != "a byte", "{what}");
        }
    }

    #[test]
    fn very_small_reads_and_very_large_maps_are_counted_too() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        assert_eq!((0..2_000_000).take_while(|_| allowance.read(1, start)).count(), 1 << 20);
        let mut allowance = Allowance::new(start);
        assert!(allowance.read(60 << 20, start));
        assert_eq!((0..2_000).take_while(|_| allowance.line(1 << 22, start)).count(), 4 << 7);
    }

    #[test]
    fn who_fetches_the_largest_contents_is_not_cut_for_telling_of_it() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        for burst in 0..50 * 600_u64 {
            let now = start + Duration::from_millis(20 * burst);
            assert!(allowance.read(200, now), "burst {burst}");
            for _ in 0..2 {
                assert!(allowance.line(1 << 22, now), "burst {burst}");
            }
        }
    }

    #[test]
    fn pauses_double_until_a_feed_lasts() {
        let mut pauses = Pauses::default();
        let (short, long) = (Duration::from_secs(1), STEADY);
        for (is_hostile, lasted, seconds) in [
            (false, short, 1),
            (false, short, 2),
            (false, short, 4),
            (false, long, 1),
            (false, short, 2),
            (true, long, 60),
            (true, short, 120),
            (true, short, 240),
            (false, short, 60),
            (false, long, 1),
        ] {
            assert_eq!(pauses.after(is_hostile, lasted), Duration::from_secs(seconds));
        }
        let longest = (0..20).map(|_| pauses.after(true, short)).max();
        assert_eq!(longest, Some(HOSTILE_MAX));
    }
}
