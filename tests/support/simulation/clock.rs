//! Virtual time: what is due next.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

/// Nanoseconds since the file appeared.
pub type Nanos = u64;

/// What is due, by time; of one time, in the order in which it was said.
pub struct Clock<E> {
    now: Nanos,
    said: u64,
    due: BinaryHeap<Reverse<Due<E>>>,
}

struct Due<E> {
    at: (Nanos, u64),
    event: E,
}

impl<E> Clock<E> {
    pub fn new() -> Self {
        Self { now: 0, said: 0, due: BinaryHeap::new() }
    }

    pub fn now(&self) -> Nanos {
        self.now
    }

    /// What is past is due now.
    pub fn at(&mut self, at: Nanos, event: E) {
        self.said += 1;
        self.due.push(Reverse(Due { at: (at.max(self.now), self.said), event }));
    }

    pub fn after(&mut self, pause: Duration, event: E) {
        self.at(self.now + pause.as_nanos() as u64, event);
    }

    /// Goes on to what is due next.
    pub fn next(&mut self) -> Option<E> {
        let Reverse(due) = self.due.pop()?;
        self.now = due.at.0;
        Some(due.event)
    }
}

impl<E> PartialEq for Due<E> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<E> Eq for Due<E> {}

impl<E> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Due<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}
