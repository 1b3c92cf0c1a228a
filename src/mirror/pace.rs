//! How fast bytes come, and how long the rest takes: pure, with the time passed in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What came in so much time is looked at: long enough to be calm, short enough to be true.
const WINDOW: Duration = Duration::from_secs(5);
/// What comes in lumps, such as pieces by a slow line, has a speed until nothing came for so long.
const STALLED: Duration = Duration::from_secs(30);
/// Two looks are at least so far from each other; what is divided by less says nothing.
const LEAST: Duration = Duration::from_millis(250);
/// Looks that are remembered: what fits into the window, and the one before.
const LOOKS_MAX: usize = 32;
/// Nobody waits longer for a file; beyond, no estimate is told.
const ESTIMATE_MAX: Duration = Duration::from_secs(100 * 24 * 3600);

/// The speed of something that is counted.
#[derive(Clone, Debug)]
pub struct Pace {
    /// When it was seen to change, and how much it was then; the oldest first.
    looks: VecDeque<(Instant, u64)>,
}

impl Pace {
    /// From here on.
    #[must_use]
    pub fn starting(total_bytes: u64, now: Instant) -> Self {
        Self { looks: VecDeque::from([(now, total_bytes)]) }
    }

    /// So much came in all until now.
    pub fn note(&mut self, total_bytes: u64, now: Instant) {
        if self.looks.back().is_some_and(|(_, last)| *last == total_bytes) {
            return;
        }
        self.looks.push_back((now, total_bytes));
        // The last one before the window stays: from it the window is measured.
        let is_left = |at: &Instant| now.saturating_duration_since(*at) >= WINDOW;
        while self.looks.len() > LOOKS_MAX
            || (self.looks.len() > 2 && self.looks.get(1).is_some_and(|(at, _)| is_left(at)))
        {
            self.looks.pop_front();
        }
    }

    /// Bytes a second, nothing once nothing came for half a minute.
    #[must_use]
    pub fn bytes_per_second(&self, now: Instant) -> u64 {
        let (Some((since, before)), Some((last, total))) = (self.base(now), self.looks.back()) else { return 0 };
        if now.saturating_duration_since(*last) >= STALLED {
            return 0;
        }
        let millis = now.saturating_duration_since(since).max(LEAST).as_millis();
        let bytes = u128::from(total.saturating_sub(before));
        u64::try_from(bytes.saturating_mul(1000).checked_div(millis).unwrap_or(0)).unwrap_or(u64::MAX)
    }

    /// From where is measured: the last look before the window, or else the one before the last.
    fn base(&self, now: Instant) -> Option<(Instant, u64)> {
        let is_left = |(at, _): &(Instant, u64)| now.saturating_duration_since(*at) >= WINDOW;
        let left = self.looks.iter().rposition(is_left).unwrap_or(0);
        self.looks.get(left.min(self.looks.len().saturating_sub(2))).copied()
    }
}

/// How long so many bytes take at that speed; none where nothing comes, or it would be months.
#[must_use]
pub fn time_left(left_bytes: u64, bytes_per_second: u64) -> Option<Duration> {
    let millis = u128::from(left_bytes).saturating_mul(1000).checked_div(u128::from(bytes_per_second))?;
    let left = Duration::from_millis(u64::try_from(millis).ok()?);
    (left <= ESTIMATE_MAX).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KB: u64 = 1_000;

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        type Row = (&'static str, &'static [(u64, u64)], u64, u64);
        // Why, what was seen at which millisecond, when it is asked, bytes a second.
        let rows: [Row; 9] = [
            ("nothing came yet", &[], 4_000, 0),
            ("one lump counts over all the time", &[(1_000, 100 * KB)], 2_000, 50 * KB),
            ("the first moment is no moment", &[(1, 100 * KB)], 1, 400 * KB),
            ("steady", &[(1_000, 10 * KB), (2_000, 20 * KB), (3_000, 30 * KB)], 3_000, 10 * KB),
            (
                "what was slow long ago is forgotten",
                &[(10_000, KB), (15_000, 2 * KB), (20_000, 502 * KB)],
                20_000,
                100 * KB,
            ),
            ("a stall makes it slower", &[(1_000, 100 * KB), (2_000, 200 * KB)], 12_000, 9_090),
            ("lumps by a slow line have a speed", &[(8_000, 80 * KB), (16_000, 160 * KB)], 23_000, 5_333),
            ("until nothing came for half a minute", &[(8_000, 80 * KB), (16_000, 160 * KB)], 46_000, 0),
            ("a file that begins anew has no negative speed", &[(1_000, 90 * KB), (2_000, 0)], 2_000, 0),
        ];
        for (why, seen, at, expected) in rows {
            let start = Instant::now();
            let mut pace = Pace::starting(0, start);
            seen.iter().for_each(|(ms, total)| pace.note(*total, start + Duration::from_millis(*ms)));
            assert_eq!(pace.bytes_per_second(start + Duration::from_millis(at)), expected, "{why}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let start = Instant::now();
        let mut pace = Pace::starting(0, start);
        (1..10_000).for_each(|count| pace.note(count, start + Duration::from_micros(count)));
        assert_eq!(pace.looks.len(), LOOKS_MAX);
        pace.note(0, start + Duration::from_secs(60));
        assert_eq!(pace.looks.len(), 2);
    }

    #[test]
    fn the_rest_takes_its_size_over_the_speed() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (left, speed, expected) in [
            (10 * KB, KB, seconds(10)),
            (0, KB, seconds(0)),
            (1, 0, None),
            (0, 0, None),
            (u64::MAX, 1, None),
            (u64::MAX, u64::MAX, seconds(1)),
        ] {
            assert_eq!(time_left(left, speed), expected, "{left} at {speed}");
        }
    }
}
