//! What the mirror tells as it happens. Whoever listens too slowly loses events and is told how
//! many: the [`Status`](super::Status) says how it stands.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use super::failure::Failure;
use super::progress::Given;
use super::wishes::Wish;
use super::{Active, Doing, Lately};
use crate::wire::{DisplayText, LootPath};

/// Events that wait for a listener; a library of small files makes so many in some tenths of a
/// second.
const KEPT_MAX: usize = 1_024;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A file begins to come.
    Begun(Moment),
    /// More of it is here; told four times a second at most.
    Progressed(Moment),
    /// It stands under its name.
    Landed(Lately),
    /// It did not come.
    Failed(Lately),
    /// The mirror as a whole does something else.
    State(Doing),
    /// Files were wished for: so many.
    Wished(usize),
    /// A wish came true, or it does not.
    WishEnded(WishEnd),
    /// What leaves: when a download begins or ends, and once a second between.
    Leaves(Leaves),
}

/// What leaves, at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaves {
    /// Downloads that are under way.
    pub downloads: usize,
    /// How fast all of them leave together.
    pub bytes_per_second: u64,
}

/// What became of a wish.
#[derive(Clone, Debug)]
pub struct WishEnd {
    /// Which.
    pub wish: Arc<Wish>,
    /// Why it does not come.
    pub failure: Option<Failure>,
}

/// How far a file was at a moment.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Its name here.
    pub path: LootPath,
    /// Its size.
    pub size_bytes: u64,
    /// The neighbour that is asked first.
    pub from: DisplayText,
    /// How much of it was here.
    pub here_bytes: u64,
    /// Who gave how much, and how fast.
    pub given: Vec<Given>,
}

impl Moment {
    /// Of a file that is coming.
    #[must_use]
    pub fn of(active: &Active, now: Instant) -> Self {
        Self {
            path: active.path.clone(),
            size_bytes: active.size_bytes,
            from: active.from.clone(),
            here_bytes: active.progress.here_bytes(),
            given: active.progress.given(now),
        }
    }

    /// How much of it is not here.
    #[must_use]
    pub fn left_bytes(&self) -> u64 {
        self.size_bytes.saturating_sub(self.here_bytes)
    }

    /// How fast it comes, from all together.
    #[must_use]
    pub fn bytes_per_second(&self) -> u64 {
        self.given.iter().fold(0, |sum, given| sum.saturating_add(given.bytes_per_second))
    }
}

/// Tells all who listen; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Events(broadcast::Sender<Arc<Event>>);

impl Default for Events {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT_MAX))
    }
}

impl Events {
    /// Makes the event only if somebody listens.
    pub(super) fn tell(&self, event: impl FnOnce() -> Event) {
        if self.0.receiver_count() > 0 {
            // The last one may have gone meanwhile.
            let _ = self.0.send(Arc::new(event()));
        }
    }

    pub(super) fn subscribe(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// What a listener is told.
#[derive(Clone, Debug)]
pub enum Told {
    /// This happened.
    Event(Arc<Event>),
    /// So many events were lost, because it listened too slowly.
    Lost(u64),
}

/// Hears what happens from its subscription on.
#[derive(Debug)]
pub struct Listener(broadcast::Receiver<Arc<Event>>);

impl Listener {
    /// Waits for the next; none when the mirror is gone.
    pub async fn next(&mut self) -> Option<Told> {
        match self.0.recv().await {
            Ok(event) => Some(Told::Event(event)),
            Err(RecvError::Lagged(lost)) => Some(Told::Lost(lost)),
            Err(RecvError::Closed) => None,
        }
    }

    /// The next, if there is one already.
    pub fn try_next(&mut self) -> Option<Told> {
        match self.0.try_recv() {
            Ok(event) => Some(Told::Event(event)),
            Err(TryRecvError::Lagged(lost)) => Some(Told::Lost(lost)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_listener_is_told_how_much_it_lost_and_goes_on() {
        let events = Events::default();
        events.tell(|| unreachable!("nobody listens"));
        let mut slow = events.subscribe();
        (0..KEPT_MAX + 2).for_each(|_| events.tell(|| Event::State(Doing::Fetching)));
        events.tell(|| Event::State(Doing::Idle));
        assert!(matches!(slow.try_next(), Some(Told::Lost(3))));
        let rest: Vec<Told> = std::iter::from_fn(|| slow.try_next()).collect();
        assert_eq!(rest.len(), KEPT_MAX);
        assert!(matches!(rest.last(), Some(Told::Event(event)) if matches!(**event, Event::State(Doing::Idle))));
    }
}
