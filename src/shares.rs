//! A share for each: of what only so much is done at once, one host or one neighbour gets a part,
//! so that who asks for very much keeps only itself waiting.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// Beyond so many those are forgotten that use nothing now.
const KEPT: usize = 64;

/// The places of each.
#[derive(Debug)]
pub struct Shares<K> {
    places: usize,
    of: Mutex<HashMap<K, Arc<Semaphore>>>,
}

impl<K: Eq + Hash> Shares<K> {
    /// So many places for each.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self { places, of: Mutex::default() }
    }

    /// Those of one.
    pub fn of(&self, one: K) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= KEPT {
            // Who waits or has a place holds another handle.
            of.retain(|_, places| Arc::strong_count(places) > 1);
        }
        of.entry(one).or_insert_with(|| Arc::new(Semaphore::new(self.places))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_and_only_who_uses_them_is_remembered() {
        let shares = Shares::new(2);
        let held = shares.of(1_000).try_acquire_owned().unwrap();
        assert_eq!((shares.of(1_000).available_permits(), shares.of(7).available_permits()), (1, 2));
        for one in 0..1_000 {
            let _ = shares.of(one);
        }
        assert!(shares.of.lock().unwrap().len() <= KEPT);
        assert_eq!(shares.of(1_000).available_permits(), 1, "it is in use");
        drop(held);
    }
}
