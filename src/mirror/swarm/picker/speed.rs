//! How fast a source gives, all its lanes together.

use std::time::{Duration, Instant};

/// What a piece still counts when the next has come: about ten pieces are remembered.
const FADE: f64 = 0.9;

/// Bytes over the time in which something was asked of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Speed {
    bytes: f64,
    seconds: f64,
    /// Since when something is asked of it, or the last piece came.
    since: Option<Instant>,
}

impl Speed {
    /// A request went out.
    pub(super) fn asked(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// A piece came.
    pub(super) fn came(&mut self, size_bytes: u64, now: Instant) {
        self.pass(now);
        self.since = Some(now);
        self.bytes = self.bytes.mul_add(FADE, size_bytes as f64);
    }

    /// Nothing is asked of it any longer.
    pub(super) fn idle(&mut self, now: Instant) {
        self.seconds += self.waited(now).as_secs_f64();
        self.since = None;
    }

    /// Bytes a second, as measured; none before its first piece.
    pub(super) fn usual(&self) -> Option<f64> {
        (self.bytes > 0.0).then(|| (self.bytes / self.seconds.max(1e-6)).max(1.0))
    }

    /// Bytes a second; of a source that gives less now than it used to, less and less.
    pub(super) fn at(&self, now: Instant) -> Option<f64> {
        let waited = self.waited(now).as_secs_f64();
        self.usual().map(|usual| usual.min(self.bytes / waited.max(1e-6)).max(1.0))
    }

    /// How long nothing came of what is asked.
    pub(super) fn waited(&self, now: Instant) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    fn pass(&mut self, now: Instant) {
        self.seconds = self.seconds.mul_add(FADE, self.waited(now).as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_that_end_together_count_together() {
        let (mut speed, start) = (Speed::default(), Instant::now());
        assert_eq!(speed.at(start), None);
        speed.asked(start);
        speed.asked(start);
        speed.came(1_000_000, start + Duration::from_secs(1));
        speed.came(1_000_000, start + Duration::from_secs(1));
        let measured = speed.at(start + Duration::from_secs(1)).unwrap();
        assert!((2_000_000.0..2_200_000.0).contains(&measured), "{measured}");
    }

    #[test]
    fn time_in_which_nothing_is_asked_does_not_count_and_a_stall_does() {
        let (mut speed, start) = (Speed::default(), Instant::now());
        speed.asked(start);
        speed.came(1_000_000, start + Duration::from_secs(1));
        speed.idle(start + Duration::from_secs(1));
        assert_eq!(speed.at(start + Duration::from_secs(60)), Some(1_000_000.0));
        speed.asked(start + Duration::from_secs(60));
        assert_eq!(speed.at(start + Duration::from_secs(70)), Some(100_000.0));
        assert_eq!(speed.usual(), Some(1_000_000.0));
    }
}
