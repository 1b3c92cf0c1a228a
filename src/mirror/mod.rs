//! Opportunistic mode: fetch what neighbours have and we want (`docs/PROTOCOL.md`, section 5).
//!
//! [`plan`](plan::plan) decides, the [engine] hands out work, a [job] fetches one file and lands
//! it. The [`Mirror`] handle is what pages and routes hold: it shows and steers.

pub mod batch;
pub mod engine;
pub mod events;
pub mod job;
pub mod lies;
pub mod pace;
pub mod plan;
pub mod progress;
pub mod queue;
pub mod retry;
pub mod rules;
pub mod shortages;
pub mod swarm;
mod teller;
pub mod waiting;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, watch};

use self::events::{Event, Events, Listener};
use self::pace::{Pace, time_left};
use self::plan::Plan;
use self::progress::{Given, Progress, Received};
use self::waiting::Waiting;
use crate::neighbours::SwitchedOff;
use crate::wire::manifest::Mirrors;
use crate::wire::{DisplayText, LootPath};

/// Files that came or failed lately and are shown.
const LATELY_MAX: usize = 50;

/// What the mirror is doing, in one word or sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Doing {
    /// Shared mode: nothing is fetched.
    #[default]
    Off,
    /// Everything that is wanted is here.
    Idle,
    /// Files are coming.
    Fetching,
    /// The operator paused it.
    Paused,
    /// It cannot go on now; the sentence says why. It tries again by itself.
    Waiting(String),
}

/// A file that is coming.
#[derive(Clone, Debug)]
pub struct Active {
    /// Its name here.
    pub path: LootPath,
    /// Its size.
    pub size_bytes: u64,
    /// The neighbour that is asked first.
    pub from: DisplayText,
    /// Since when.
    pub began: Instant,
    /// How far it is, and who gave it.
    pub progress: Progress,
}

/// A file that came, or did not.
#[derive(Clone, Debug)]
pub struct Lately {
    /// Its name here.
    pub path: LootPath,
    /// Its size.
    pub size_bytes: u64,
    /// The neighbour that gave the most.
    pub from: DisplayText,
    /// Who gave how much; nobody where it was copied from a file here.
    pub given: Vec<Given>,
    /// When.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Why it did not come.
    pub failure: Option<String>,
}

impl Lately {
    /// Of a file that was coming until now.
    fn of(active: &Active, failure: Option<String>) -> Self {
        let now = Instant::now();
        Self {
            path: active.path.clone(),
            size_bytes: active.size_bytes,
            from: active.from.clone(),
            given: active.progress.given(now),
            at: SystemTime::now(),
            took: now.saturating_duration_since(active.began),
            failure,
        }
    }
}

/// What pages show of the mirror.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What it is doing.
    pub doing: Doing,
    /// Files that are coming.
    pub active: Arc<Vec<Active>>,
    /// The last plan.
    pub plan: Arc<Plan>,
    /// Wants of it that are not begun.
    pub queued: usize,
    /// Their bytes.
    pub queued_bytes: u64,
    /// Why files wait, as it was a moment ago.
    pub waiting: Arc<Waiting>,
    /// What came or failed lately, the latest first.
    pub lately: VecDeque<Lately>,
    /// How fast everything comes together.
    pace: Option<Pace>,
}

impl Status {
    /// Bytes a second, of all files together.
    #[must_use]
    pub fn bytes_per_second(&self, now: Instant) -> u64 {
        self.pace.as_ref().map_or(0, |pace| pace.bytes_per_second(now))
    }

    /// What is to come yet; what there is no room for does not count.
    #[must_use]
    pub fn left_bytes(&self) -> u64 {
        let left = |active: &Active| active.size_bytes.saturating_sub(active.progress.here_bytes());
        self.active.iter().map(left).fold(self.queued_bytes, u64::saturating_add)
    }

    /// How long that takes, if it goes on like this.
    #[must_use]
    pub fn time_left(&self, now: Instant) -> Option<Duration> {
        time_left(self.left_bytes(), self.bytes_per_second(now))
    }
}

/// A handle to the mirror; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    status: Arc<Mutex<Status>>,
    paused: Arc<watch::Sender<bool>>,
    switched_off: SwitchedOff,
    mirrors: Option<Mirrors>,
    received: Received,
    events: Events,
    /// A file began to come.
    begun: Arc<Notify>,
}

impl Mirror {
    /// One that takes so much, nothing in shared mode, and nothing from whom the operator switched
    /// off.
    #[must_use]
    pub fn new(mirrors: Option<Mirrors>, switched_off: SwitchedOff) -> Self {
        let mirror = Self { mirrors, switched_off, ..Self::default() };
        if mirrors.is_some() {
            // The first word of the engine comes a little later.
            mirror.lock().doing = Doing::Idle;
        }
        mirror
    }

    /// From whom nothing is taken.
    #[must_use]
    pub fn switched_off(&self) -> &SwitchedOff {
        &self.switched_off
    }

    /// What is taken, as others are told: nothing in shared mode, and while it is paused.
    #[must_use]
    pub fn mirrors(&self) -> Option<Mirrors> {
        self.mirrors.filter(|_| !self.is_paused())
    }

    /// What it is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    /// Hears what happens from now on. What it is doing meanwhile is its [`Mirror::status`].
    #[must_use]
    pub fn subscribe(&self) -> Listener {
        self.events.subscribe()
    }

    /// Stops to begin files, or goes on.
    pub fn pause(&self, paused: bool) {
        self.paused.send_replace(paused);
    }

    /// Whether the operator paused it.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_lately(&self, lately: Lately) {
        self.events.tell(|| match lately.failure {
            None => Event::Landed(lately.clone()),
            Some(_) => Event::Failed(lately.clone()),
        });
        let mut status = self.lock();
        status.lately.push_front(lately);
        status.lately.truncate(LATELY_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_in_shared_mode_it_is_off() {
        for (mirrors, doing) in [(None, Doing::Off), (Some(Mirrors::Everything), Doing::Idle)] {
            let mirror = Mirror::new(mirrors, SwitchedOff::default());
            assert_eq!((mirror.status().doing, mirror.mirrors()), (doing, mirrors));
        }
    }
}
