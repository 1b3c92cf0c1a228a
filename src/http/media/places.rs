//! How much of what neighbours have comes through this node at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

use crate::listening::{Gate, GateLimits, Pass, host_key};

/// Each holds two connections. One host leaves room for others: a browser has six connections.
const LIMITS: GateLimits = GateLimits { total: 96, per_host: 16 };
/// At one neighbour at once: as many as a browser would open itself; a Forban node has ten threads.
const PER_NEIGHBOUR: usize = 6;
/// Of these, for one visitor: films that somebody reads slowly leave others a way to that neighbour.
const PER_VISITOR: usize = 4;
/// A page of pictures is many files; each waits so long for its turn.
const WAIT: Duration = Duration::from_secs(8);

/// Lets files come through; cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    gate: Gate,
    neighbours: Turns<Uuid>,
    visitors: Turns<(IpAddr, Uuid)>,
}

/// So many at once of each.
#[derive(Clone, Debug)]
struct Turns<K> {
    known: Arc<Mutex<HashMap<K, Arc<Semaphore>>>>,
    each: usize,
}

/// One file that comes through; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _pass: Pass,
    _permits: [OwnedSemaphorePermit; 2],
}

impl Default for Places {
    fn default() -> Self {
        let (neighbours, visitors) = (Turns::of(PER_NEIGHBOUR), Turns::of(PER_VISITOR));
        Self { gate: Gate::new(LIMITS), neighbours, visitors }
    }
}

impl Places {
    /// A place for a visitor's request to a neighbour; none: there is too much already.
    pub(super) async fn take(&self, visitor: SocketAddr, neighbour: Uuid) -> Option<Place> {
        let pass = self.gate.admit(visitor)?;
        pass.heard();
        let turns = async {
            let own = self.visitors.take((host_key(visitor), neighbour)).await?;
            Some([own, self.neighbours.take(neighbour).await?])
        };
        let permits = timeout(WAIT, turns).await.ok()??;
        Some(Place { _pass: pass, _permits: permits })
    }

    /// A place at a neighbour for a page of ours.
    pub(super) async fn at(&self, neighbour: Uuid) -> Option<OwnedSemaphorePermit> {
        timeout(WAIT, self.neighbours.take(neighbour)).await.ok()?
    }
}

impl<K: Eq + Hash> Turns<K> {
    fn of(each: usize) -> Self {
        Self { known: Arc::default(), each }
    }

    /// Waits for one; of those that nobody uses, nothing is kept.
    async fn take(&self, key: K) -> Option<OwnedSemaphorePermit> {
        let places = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.retain(|_, places| Arc::strong_count(places) > 1);
            known.entry(key).or_insert_with(|| Arc::new(Semaphore::new(self.each))).clone()
        };
        places.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_neighbour_is_asked_for_a_few_at_once_and_others_beside() {
        let places = Places::default();
        let visitor = |last: u8| SocketAddr::from(([10, 0, 0, last], 1));
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut held = Vec::new();
        for (visitor, neighbour, is_let_in) in [
            (visitor(1), one, true),
            (visitor(1), one, true),
            (visitor(1), one, true),
            (visitor(1), one, true),
            (visitor(1), one, false), // others shall see something of that neighbour
            (visitor(1), other, true),
            (visitor(2), one, true),
            (visitor(2), one, true),
            (visitor(3), one, false), // the neighbour has enough to do
            (visitor(3), other, true),
        ] {
            let place = places.take(visitor, neighbour).await;
            assert_eq!(place.is_some(), is_let_in, "{visitor} {neighbour}");
            held.extend(place);
        }
        held.remove(0);
        assert!(places.take(visitor(3), one).await.is_some());
        drop(held);
        drop(places.take(visitor(1), other).await);
        assert_eq!(places.visitors.known.lock().unwrap().len(), 1);
    }
}
