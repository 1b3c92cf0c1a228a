//! How often a host may be told that its session is wrong.
//!
//! Five failures a second are answered at once; others wait for their turn, so that guessing is
//! slow and a program that has lost its session is not cut off.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::listening::host_key;

/// One failure in this time, in the long run.
const EVERY: Duration = Duration::from_millis(200);
/// So long in advance: five failures at once.
const AHEAD: Duration = Duration::from_millis(800);
/// An answer that would have to wait longer is none.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Hosts whose failures are remembered; one more must wait for a place.
const HOSTS_MAX: usize = 4_096;

/// The failures of all hosts.
#[derive(Debug, Default)]
pub struct Failures {
    /// When each host's failures will all have been answered, one at a time.
    hosts: Mutex<HashMap<IpAddr, Instant>>,
}

impl Failures {
    /// Takes a turn: how long the answer must wait. None: there is no turn for it.
    pub fn turn(&self, peer: SocketAddr, now: Instant) -> Option<Duration> {
        let host = host_key(peer);
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= HOSTS_MAX && !hosts.contains_key(&host) {
            hosts.retain(|_, answered| *answered > now);
            if hosts.len() >= HOSTS_MAX {
                return None;
            }
        }
        let answered = hosts.entry(host).or_insert(now);
        let begin = (*answered).max(now);
        let wait = begin.saturating_duration_since(now).saturating_sub(AHEAD);
        if wait > WAIT_MAX {
            return None;
        }
        *answered = begin.checked_add(EVERY)?;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(host: u32) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(host.into()), 1)
    }

    #[test]
    fn five_a_second_are_answered_at_once_and_others_in_turn() {
        let (failures, now) = (Failures::default(), Instant::now());
        let waits: Vec<_> = (0..7).map(|_| failures.turn(from(1), now).unwrap().as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 200, 400]);
        assert_eq!(failures.turn(from(2), now), Some(Duration::ZERO));
        let later = now + Duration::from_secs(10);
        assert_eq!(failures.turn(from(1), later), Some(Duration::ZERO));
    }

    #[test]
    fn who_fails_all_the_time_is_not_answered_at_all_and_no_queue_grows() {
        let (failures, now) = (Failures::default(), Instant::now());
        let answered = (0..10_000).filter(|_| failures.turn(from(1), now).is_some()).count();
        assert_eq!(answered, 55);
    }

    #[test]
    fn a_flood_of_hosts_is_remembered_up_to_a_bound() {
        let (failures, now) = (Failures::default(), Instant::now());
        let answered = (0..10_000).filter(|host| failures.turn(from(*host), now).is_some()).count();
        assert_eq!(answered, HOSTS_MAX);
        assert!(failures.turn(from(9_999), now + EVERY).is_some());
    }
}
