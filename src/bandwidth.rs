//! How many bytes a second of files' content may leave, or come: one [`Bandwidth`] each way for
//! the whole node, shared by all connections.
//!
//! Who wants to send asks for a grant, and all who ask wait in one line: each gets a little in
//! turn, so nobody starves beside others that have more to send. A grant that nobody waits for any
//! more costs nothing. Lists, manifests and pages do not ask: they stay quick under any limit.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// What is granted at once: 128 take turns within 4 s at 1 MiB/s.
pub const GRANT_BYTES: usize = 32 * 1024;
/// What was not used for so long may be made up for: timers and busy machines are late by some
/// milliseconds, which would be lost otherwise.
const LATE: Duration = Duration::from_millis(20);

/// A limit in one direction, or none; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Bandwidth(Option<(u64, Arc<Mutex<Meter>>)>);

impl Bandwidth {
    /// So many bytes a second; without a number as many as there are.
    #[must_use]
    pub fn new(bytes_per_second: Option<u64>) -> Self {
        Self(bytes_per_second.map(|rate| (rate, Arc::new(Mutex::new(Meter::new(rate, Instant::now()))))))
    }

    /// The limit in bytes a second, if there is one.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.0.as_ref().map(|(rate, _)| *rate)
    }

    /// Whether there is a limit.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.0.is_some()
    }

    /// Waits until so many bytes may go. Dropped before it ends, it leaves the line and has used up
    /// at most what it was granted until then.
    pub async fn grant(&self, bytes: usize) {
        let Some((_, line)) = &self.0 else { return };
        let mut missing = bytes;
        while missing > 0 {
            let step = missing.min(GRANT_BYTES);
            // This lock is the line: it is handed on in the order of asking, and held while its
            // first one waits.
            let mut meter = line.lock().await;
            if meter.due > Instant::now() {
                sleep_until(meter.due).await;
            }
            meter.charge(step, Instant::now());
            missing = missing.saturating_sub(step);
        }
    }
}

/// What was granted, as time.
#[derive(Debug)]
struct Meter {
    bytes_per_second: u64,
    /// When all that was granted will have gone at the limit: the next grant is given then.
    due: Instant,
}

impl Meter {
    fn new(bytes_per_second: u64, now: Instant) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), due: now }
    }

    /// So many bytes are granted now.
    fn charge(&mut self, bytes: usize, now: Instant) {
        let begins = self.due.max(now.checked_sub(LATE).unwrap_or(now));
        self.due = begins.checked_add(self.cost(bytes)).unwrap_or(begins);
    }

    /// The time that bytes take at the limit, rounded up.
    fn cost(&self, bytes: usize) -> Duration {
        let nanoseconds = (bytes as u128).saturating_mul(1_000_000_000).div_ceil(self.bytes_per_second.into());
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u64 = 64 * 1024;
    /// What one grant takes at that rate.
    const TURN: Duration = Duration::from_millis(500);

    #[test]
    fn the_next_grant_is_due_when_the_last_ones_have_gone() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        // Granted at, bytes, the next one due at.
        let story = [
            (0, 32 * 1024, 500, "one takes its time"),
            (500, 32 * 1024, 1_000, "in time: on the dot"),
            (1_007, 32 * 1024, 1_500, "a late timer loses nothing"),
            (1_520, 16 * 1024, 1_750, "nor one that is as late as is allowed"),
            (60_000, 32 * 1024, 60_480, "a long rest saves up no more than that"),
            (60_480, 0, 60_480, "nothing costs nothing"),
            (60_480, 64, 60_481, "a little costs a little"),
        ];
        let mut meter = Meter::new(RATE, start);
        for (now, bytes, due, why) in story {
            meter.charge(bytes, at(now));
            let differs = meter.due.max(at(due)) - meter.due.min(at(due));
            assert!(differs < Duration::from_millis(1), "{why}: {:?}", meter.due - start);
        }
    }

    #[test]
    fn no_rate_and_no_amount_is_too_much_to_reckon_with() {
        let now = Instant::now();
        for (rate, bytes, cost) in [
            (0, 1, Duration::from_secs(1)),
            (1, usize::MAX, Duration::from_nanos(u64::MAX)),
            (u64::MAX, usize::MAX, Duration::from_secs(1)),
            (u64::MAX, 1, Duration::from_nanos(1)),
            (3, 1, Duration::from_nanos(333_333_334)),
        ] {
            let mut meter = Meter::new(rate, now);
            assert_eq!(meter.cost(bytes), cost, "{bytes} bytes at {rate}");
            meter.charge(bytes, now);
            meter.charge(bytes, now);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nobody_waits() {
        let began = Instant::now();
        let bandwidth = Bandwidth::new(None);
        assert!(!bandwidth.is_limited());
        bandwidth.grant(usize::MAX).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_wants_much_takes_turns_with_who_wants_little() {
        let (bandwidth, began) = (Bandwidth::new(Some(RATE)), Instant::now());
        let asker = |grants: usize| {
            let bandwidth = bandwidth.clone();
            tokio::spawn(async move {
                bandwidth.grant(grants * GRANT_BYTES).await;
                began.elapsed()
            })
        };
        let (much, little) = (asker(100), asker(3));
        let (much, little) = (much.await.unwrap(), little.await.unwrap());
        // The first grant is given at once, each further one a turn later; every other one goes to
        // who wants little, for as long as it wants.
        assert!(little >= 5 * TURN && little < 7 * TURN, "{little:?}");
        assert!(much >= 102 * TURN && much < 103 * TURN, "{much:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_went_away_has_used_up_nothing() {
        let (bandwidth, began) = (Bandwidth::new(Some(RATE)), Instant::now());
        bandwidth.grant(GRANT_BYTES).await;
        for _ in 0..100 {
            let waiting = bandwidth.grant(GRANT_BYTES);
            assert!(tokio::time::timeout(Duration::from_millis(1), waiting).await.is_err());
        }
        bandwidth.grant(GRANT_BYTES).await;
        assert!(began.elapsed() < TURN + Duration::from_millis(10), "{:?}", began.elapsed());
    }
}
