//! When what failed may be tried again: each failure doubles the pause.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Things remembered; the rest is tried again at once.
const REMEMBERED_MAX: usize = 10_000;

/// Pauses by key.
#[derive(Debug)]
pub struct Retry<K> {
    first: Duration,
    longest: Duration,
    pauses: HashMap<K, (Instant, Duration)>,
}

impl<K: Eq + Hash> Retry<K> {
    /// The first pause, and the one at which doubling ends.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, pauses: HashMap::new() }
    }

    /// Whether it may be tried.
    #[must_use]
    pub fn may_try(&self, key: &K, now: Instant) -> bool {
        self.pause(key, now).is_none()
    }

    /// Until when it may not be tried, if so.
    #[must_use]
    pub fn pause(&self, key: &K, now: Instant) -> Option<Instant> {
        self.pauses.get(key).map(|(until, _)| *until).filter(|until| now < *until)
    }

    /// True when nothing failed lately.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pauses.is_empty()
    }

    /// It failed. What fails again within its pause (others were under way) changes nothing. False
    /// when there is no room to remember it.
    pub fn failed(&mut self, key: K, now: Instant) -> bool {
        if !self.may_try(&key, now) {
            return true;
        }
        if self.pauses.len() >= REMEMBERED_MAX {
            self.pauses.retain(|_, (until, _)| now < *until);
        }
        let room = self.pauses.len() < REMEMBERED_MAX || self.pauses.contains_key(&key);
        if room {
            let pause = self.pauses.get(&key).map_or(self.first, |(_, last)| last.saturating_mul(2).min(self.longest));
            self.pauses.insert(key, (now + pause, pause));
        }
        room
    }

    /// What failed may be tried at once: that of which this holds.
    pub fn forgive(&mut self, holds: impl Fn(&K) -> bool) {
        self.pauses.retain(|key, _| !holds(key));
    }

    /// It went well.
    pub fn succeeded(&mut self, key: &K) {
        self.pauses.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end_with_success() {
        let mut retry = Retry::new(Duration::from_secs(1), Duration::from_secs(4));
        let mut now = Instant::now();
        for seconds in [1, 2, 4, 4] {
            retry.failed("a", now);
            assert!(!retry.may_try(&"a", now + Duration::from_millis(seconds * 1000 - 1)));
            assert_eq!(retry.pause(&"a", now), Some(now + Duration::from_secs(seconds)));
            now += Duration::from_secs(seconds);
            assert!(retry.may_try(&"a", now));
        }
        retry.failed("a", now);
        retry.succeeded(&"a");
        assert!(retry.may_try(&"a", now));
        ["a", "b"].into_iter().for_each(|key| assert!(retry.failed(key, now)));
        retry.forgive(|key| *key == "a");
        assert_eq!((retry.may_try(&"a", now), retry.may_try(&"b", now)), (true, false));
    }
}
