//! How much of what neighbours have comes through this node at once.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use uuid::Uuid;

use crate::listening::{Gate, GateLimits, Pass};

/// Each holds two connections. One host leaves room for others: a browser has six connections.
const LIMITS: GateLimits = GateLimits { total: 96, per_host: 16 };
/// At one neighbour at once: as many as a browser would open itself; a Forban node has ten threads.
const PER_NEIGHBOUR: usize = 6;
/// A page of pictures is many files; each waits so long for its turn.
const WAIT: Duration = Duration::from_secs(8);

/// Lets files come through; cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    gate: Gate,
    neighbours: Arc<Mutex<HashMap<Uuid, Arc<Semaphore>>>>,
}

/// One file that comes through; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _pass: Pass,
    _permit: OwnedSemaphorePermit,
}

impl Default for Places {
    fn default() -> Self {
        Self { gate: Gate::new(LIMITS), neighbours: Arc::default() }
    }
}

impl Places {
    /// A place for a visitor's request to a neighbour; none: there is too much already.
    pub(super) async fn take(&self, visitor: SocketAddr, neighbour: Uuid) -> Option<Place> {
        let pass = self.gate.admit(visitor)?;
        pass.heard();
        Some(Place { _pass: pass, _permit: self.at(neighbour).await? })
    }

    /// A place at a neighbour for a page of ours.
    pub(super) async fn at(&self, neighbour: Uuid) -> Option<OwnedSemaphorePermit> {
        let places = self.of(neighbour);
        timeout(WAIT, places.acquire_owned()).await.ok()?.ok()
    }

    /// Those of one neighbour; of those nobody uses, nothing is kept.
    fn of(&self, neighbour: Uuid) -> Arc<Semaphore> {
        let mut neighbours = self.neighbours.lock().unwrap_or_else(PoisonError::into_inner);
        neighbours.retain(|_, places| Arc::strong_count(places) > 1);
        neighbours.entry(neighbour).or_insert_with(|| Arc::new(Semaphore::new(PER_NEIGHBOUR))).clone()
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
        for _ in 0..PER_NEIGHBOUR {
            held.push(places.take(visitor(1), one).await.unwrap());
        }
        assert!(places.take(visitor(1), one).await.is_none());
        assert!(places.take(visitor(1), other).await.is_some());
        held.pop();
        assert!(places.take(visitor(2), one).await.is_some());
        drop(held);
        drop(places.take(visitor(1), other).await);
        assert_eq!(places.neighbours.lock().unwrap().len(), 1);
    }
}
