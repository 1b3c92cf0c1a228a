//! When an index may be asked for again: of one neighbour, and at one address.
//!
//! UDP sources can be forged, and a uuid costs nothing; so who was never read is spared by its
//! address too, under however many uuids it is announced.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The first fetch of an unproven neighbour's index, and those after failures, keep this distance.
pub(super) const RETRY_MIN: Duration = Duration::from_secs(15);
/// Failures double the distance up to this.
const RETRY_MAX: Duration = Duration::from_secs(3600);
/// Addresses remembered; the longest spared ones are forgotten first.
const ADDRESSES_MAX: usize = 4_096;

/// How the last fetches went.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts {
    pub(super) last: Option<Instant>,
    failures: u32,
}

impl Attempts {
    pub(super) fn begin(&mut self, now: Instant) {
        self.last = Some(now);
    }

    pub(super) fn succeed(&mut self) {
        self.failures = 0;
    }

    pub(super) fn fail(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// The distance that failures make; none if the last one went well.
    pub(super) fn pause(&self) -> Option<Duration> {
        let doublings = self.failures.checked_sub(1)?;
        Some(RETRY_MIN.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(RETRY_MAX))
    }
}

/// Attempts at addresses of neighbours that were not proven then.
#[derive(Debug, Default)]
pub(super) struct Dialled(HashMap<IpAddr, Attempts>);

impl Dialled {
    /// From when on this address may be asked; none if at once.
    pub(super) fn not_before(&self, ip: IpAddr) -> Option<Instant> {
        let attempts = self.0.get(&ip)?;
        Some(attempts.last? + attempts.pause().unwrap_or(RETRY_MIN))
    }

    /// These are asked now. It counts as a failure until one of them answers well.
    pub(super) fn attempt(&mut self, addresses: impl Iterator<Item = IpAddr>, now: Instant) {
        for ip in addresses {
            let attempts = self.0.entry(ip).or_default();
            attempts.begin(now);
            attempts.fail();
        }
        while self.0.len() > ADDRESSES_MAX {
            let Some(oldest) = self.0.iter().min_by_key(|(_, attempts)| attempts.last).map(|(ip, _)| *ip) else {
                break;
            };
            self.0.remove(&oldest);
        }
    }

    /// This one answered well.
    pub(super) fn succeed(&mut self, ip: IpAddr) {
        if let Some(attempts) = self.0.get_mut(&ip) {
            attempts.succeed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_double_the_pause_up_to_an_hour() {
        let mut attempts = Attempts::default();
        assert_eq!(attempts.pause(), None);
        for seconds in [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
            attempts.fail();
            assert_eq!(attempts.pause(), Some(Duration::from_secs(seconds)));
        }
        attempts.succeed();
        assert_eq!(attempts.pause(), None);
    }

    #[test]
    fn addresses_that_are_remembered_stay_bounded() {
        let (mut dialled, start) = (Dialled::default(), Instant::now());
        for n in 0..5_000_u32 {
            let ip = IpAddr::from(n.to_be_bytes());
            dialled.attempt([ip].into_iter(), start + Duration::from_millis(n.into()));
        }
        assert_eq!(dialled.0.len(), ADDRESSES_MAX);
        assert_eq!(dialled.not_before(IpAddr::from([0; 4])), None);
    }
}
