//! Ageing: a peer that vanished is logged out.
//!
//! Peers do not say goodbye. Every five minutes the port that a peer gave is tried, and after
//! three tries in vain it is out. Only addresses that the peer came from are dialled: a claim
//! cannot send our connections elsewhere. Where there is none, a request is a sign of life.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::SessionKey;
use super::tables::{Session, Tables};

/// Time between two probes of a peer.
const PROBE_EVERY: Duration = Duration::from_secs(5 * 60);
/// So many in vain, and the peer is out: a quarter of an hour, a walk through a building.
const FAILURES_MAX: u8 = 3;

/// How a session is being probed.
#[derive(Clone, Debug)]
pub(super) struct Probing {
    due: Instant,
    last: Instant,
    pub(super) failed: u8,
}

/// A port to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whose.
    pub key: SessionKey,
    /// Where, each being the peer's own; if there is none, it counts as not answered.
    pub addresses: Vec<SocketAddr>,
}

impl Probing {
    /// Of a peer that logged in then.
    pub(super) fn from(now: Instant) -> Self {
        Self { due: after(now), last: now, failed: 0 }
    }
}

impl Tables {
    /// The probes that are due, the longest due first; each is given out once.
    pub(super) fn due_probes(&mut self, now: Instant, most: usize, zone: Option<u32>) -> Vec<Probe> {
        let is_due = |session: &&mut Session| session.probing.due <= now;
        let mut due: Vec<(Instant, SessionKey)> =
            self.sessions.iter().filter(|(_, s)| s.probing.due <= now).map(|(key, s)| (s.probing.due, *key)).collect();
        due.sort_unstable();
        let take = |(_, key)| {
            let session = self.sessions.get_mut(&key).filter(is_due)?;
            session.probing.due = after(now);
            Some(Probe { key, addresses: session.services(zone) })
        };
        due.into_iter().take(most).filter_map(take).collect()
    }

    /// What a probe found. The session that is out now, if it was the last one in vain.
    pub(super) fn probed(
        &mut self,
        key: SessionKey,
        answered: bool,
        zone: Option<u32>,
        now: Instant,
    ) -> Option<Session> {
        let session = self.sessions.get_mut(&key)?;
        let can_be_probed = !session.services(zone).is_empty();
        let spoke = session.last_request > session.probing.last;
        session.probing.last = now;
        if answered || (!can_be_probed && spoke) {
            session.probing.failed = 0;
            return None;
        }
        session.probing.failed = session.probing.failed.saturating_add(1);
        if session.probing.failed < FAILURES_MAX {
            return None;
        }
        self.remove_session(key)
    }
}

fn after(now: Instant) -> Instant {
    now.checked_add(PROBE_EVERY).unwrap_or(now)
}
