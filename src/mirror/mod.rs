//! Opportunistic mode: fetch what neighbours have and we want (`docs/PROTOCOL.md`, section 5).
//!
//! [`plan`](plan::plan) decides, the [engine] hands out work, a [job] fetches one file and lands
//! it. The [`Mirror`] handle is what pages and routes hold: it shows and steers.

pub mod batch;
pub mod engine;
pub mod job;
pub mod lies;
pub mod plan;
pub mod progress;
pub mod queue;
pub mod retry;
pub mod rules;
pub mod shortages;
pub mod swarm;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;

use self::plan::Plan;
use self::progress::Progress;
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
    /// From which neighbour.
    pub from: DisplayText,
    /// How far it is, and who gave it.
    pub progress: Progress,
}

/// A file that came, or did not.
#[derive(Clone, Debug)]
pub struct Lately {
    /// Its name here.
    pub path: LootPath,
    /// From which neighbour.
    pub from: DisplayText,
    /// When.
    pub at: SystemTime,
    /// Why it did not come.
    pub failure: Option<String>,
}

/// What pages show of the mirror.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What it is doing.
    pub doing: Doing,
    /// Files that are coming.
    pub active: Vec<Active>,
    /// The last plan.
    pub plan: Arc<Plan>,
    /// Wants of it that are not begun.
    pub queued: usize,
    /// What came or failed lately, the latest first.
    pub lately: VecDeque<Lately>,
}

/// A handle to the mirror; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    status: Arc<Mutex<Status>>,
    paused: Arc<watch::Sender<bool>>,
    switched_off: SwitchedOff,
    mirrors: Option<Mirrors>,
}

impl Mirror {
    /// One that takes so much, nothing in shared mode, and nothing from whom the operator switched
    /// off.
    #[must_use]
    pub fn new(mirrors: Option<Mirrors>, switched_off: SwitchedOff) -> Self {
        Self { mirrors, switched_off, ..Self::default() }
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
        let mut status = self.lock();
        status.lately.push_front(lately);
        status.lately.truncate(LATELY_MAX);
    }
}
