//! Opportunistic mode: fetch what neighbours have and we want (`docs/PROTOCOL.md`, section 5).
//!
//! [`plan`](plan::plan) decides, the [engine] hands out work, a [job] fetches one file and lands
//! it. The [`Mirror`] handle is what pages and routes hold: it shows and steers.

pub mod batch;
pub mod engine;
pub mod events;
pub mod failure;
pub mod hindrance;
pub mod job;
pub mod lies;
mod orders;
pub mod pace;
pub mod plan;
pub mod progress;
pub mod queue;
pub mod retry;
pub mod rules;
pub mod settled;
pub mod shortages;
pub mod swarm;
mod teller;
pub mod waiting;
pub mod wishes;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, watch};

use self::events::{Event, Events, Listener};
use self::failure::Failure;
use self::hindrance::Hindrance;
use self::orders::{Order, Orders};
use self::pace::{Pace, time_left};
use self::plan::Plan;
use self::progress::{Given, Progress, Received};
use self::settled::Settled;
use self::waiting::Waiting;
use self::wishes::{Wish, WishError, WishId, Wishes};
use crate::loot::space::SpaceView;
use crate::neighbours::SwitchedOff;
use crate::wire::manifest::Mirrors;
use crate::wire::{DisplayText, LootPath};

/// Files that came or failed lately and are shown.
const LATELY_MAX: usize = 50;

/// What the mirror is doing, in one word or sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Doing {
    /// Shared mode, and nothing is wished: nothing is fetched.
    #[default]
    Off,
    /// Everything that is wanted is here.
    Idle,
    /// Files are coming.
    Fetching,
    /// The operator paused it.
    Paused,
    /// It cannot go on now. It tries again by itself.
    Waiting(Hindrance),
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
    /// The operator asked for it.
    pub wish: Option<WishId>,
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
    pub failure: Option<Failure>,
    /// The operator asked for it.
    pub is_wished: bool,
}

impl Lately {
    /// Of a file that was coming until now.
    fn of(active: &Active, failure: Option<Failure>) -> Self {
        let now = Instant::now();
        Self {
            path: active.path.clone(),
            size_bytes: active.size_bytes,
            from: active.from.clone(),
            given: active.progress.given(now),
            at: SystemTime::now(),
            took: now.saturating_duration_since(active.began),
            failure,
            is_wished: active.wish.is_some(),
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
    /// How much room there is, as it was a moment ago; none before the engine looked.
    pub space: Option<SpaceView>,
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

/// What the operator said since the node was set up, as it stands in the state folder.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// From whom nothing is taken.
    pub switched_off: SwitchedOff,
    /// Which files are to come all the same.
    pub wishes: Wishes,
    /// Which versions of names are left.
    pub settled: Settled,
}

/// A handle to the mirror; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    status: Arc<Mutex<Status>>,
    paused: Arc<watch::Sender<bool>>,
    said: Said,
    orders: Orders,
    mirrors: Option<Mirrors>,
    received: Received,
    events: Events,
    /// A file began to come.
    begun: Arc<Notify>,
}

impl Mirror {
    /// One that takes so much, nothing in shared mode, as the operator said.
    #[must_use]
    pub fn new(mirrors: Option<Mirrors>, said: Said) -> Self {
        let mirror = Self { mirrors, said, ..Self::default() };
        if mirrors.is_some() {
            // The first word of the engine comes a little later.
            mirror.lock().doing = Doing::Idle;
        }
        mirror
    }

    /// From whom nothing is taken.
    #[must_use]
    pub fn switched_off(&self) -> &SwitchedOff {
        &self.said.switched_off
    }

    /// What the operator asked for by name.
    #[must_use]
    pub fn wishes(&self) -> &Wishes {
        &self.said.wishes
    }

    /// Which conflicts were decided for ours.
    #[must_use]
    pub fn settled(&self) -> &Settled {
        &self.said.settled
    }

    /// What it takes by itself, paused or not.
    #[must_use]
    pub fn takes(&self) -> Option<Mirrors> {
        self.mirrors
    }

    /// Whether it takes what others have by itself; else only what is wished comes.
    #[must_use]
    pub fn is_opportunistic(&self) -> bool {
        self.mirrors.is_some()
    }

    /// Asks for these files by name, all or none. Returns how many are new. Blocks.
    ///
    /// # Errors
    /// [`WishError`].
    pub fn wish(&self, wishes: Vec<Wish>) -> Result<usize, WishError> {
        let added = self.said.wishes.add(wishes);
        if let Ok(files) = added {
            self.events.tell(|| Event::Wished(files));
        }
        added
    }

    /// Waits until something is taken, or wished for.
    pub async fn takes_something(&self) {
        let mut changed = self.said.wishes.subscribe();
        while !self.is_opportunistic() && self.said.wishes.is_empty() {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Tries now what failed or rests: that file, or all.
    pub fn retry(&self, path: Option<LootPath>) {
        self.orders.give(path.map_or(Order::RetryAll, Order::Retry));
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
        // What is tried again and again is one, and does not push out what came.
        status.lately.retain(|before| before.path != lately.path || before.failure.is_none());
        status.lately.push_front(lately);
        status.lately.truncate(LATELY_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::failure::FailureKind;
    use super::*;

    #[test]
    fn only_in_shared_mode_it_is_off() {
        for (mirrors, doing) in [(None, Doing::Off), (Some(Mirrors::Everything), Doing::Idle)] {
            let mirror = Mirror::new(mirrors, Said::default());
            assert_eq!((mirror.status().doing, mirror.mirrors()), (doing, mirrors));
        }
    }

    #[test]
    fn what_failed_again_and_again_is_one_until_it_came() {
        let mirror = Mirror::default();
        let lately = |path: &str, failed: bool| Lately {
            path: LootPath::parse(path.as_bytes()).unwrap(),
            size_bytes: 1,
            from: DisplayText::default(),
            given: Vec::new(),
            at: SystemTime::now(),
            took: Duration::ZERO,
            failure: failed.then(|| Failure { kind: FailureKind::Broken, detail: "cut".into() }),
            is_wished: false,
        };
        let seen = || -> Vec<_> {
            let of = |lately: &Lately| (lately.path.to_string(), lately.failure.is_some());
            mirror.status().lately.iter().map(of).collect()
        };
        mirror.note_lately(lately("b", true));
        (0..LATELY_MAX).for_each(|_| mirror.note_lately(lately("a", true)));
        assert_eq!(seen(), [("a".to_owned(), true), ("b".to_owned(), true)]);
        mirror.note_lately(lately("a", false));
        assert_eq!(seen(), [("a".to_owned(), false), ("b".to_owned(), true)]);
    }
}
