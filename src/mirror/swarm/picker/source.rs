//! One holder: what it has, how fast it gives, and what is asked of it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::Holds;
use super::speed::Speed;
use crate::wire::PieceSet;
use crate::wire::pieces::PIECE_BYTES;

/// A holder.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// What a holder has that told it piece by piece; none of one that had all when it was met.
    pub(super) told: Option<PieceSet>,
    /// How many pieces of those are wanted and not in flight.
    pub(super) free: u64,
    pub(super) speed: Speed,
    /// Behind the last run that was asked of it by name, so that a lone taker reads in order.
    pub(super) cursor: Option<u64>,
    pub(super) open: BTreeMap<u8, Request>,
}

/// What is asked on one lane.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// From which the holder chooses, until it has.
    pub(super) wanted: Vec<RangeInclusive<u64>>,
    /// The most pieces it may give; 0 once it has chosen.
    pub(super) most: u64,
    /// Chosen and not come.
    pub(super) left: Vec<u64>,
    pub(super) asked: Instant,
    /// When something of it came last.
    pub(super) heard: Instant,
}

impl Request {
    /// For a choice of the holder.
    pub(super) fn any_of(wanted: &PieceSet, most: u64, now: Instant) -> Self {
        Self { wanted: wanted.ranges().collect(), most, left: Vec::new(), asked: now, heard: now }
    }

    /// For named pieces.
    pub(super) fn run(run: RangeInclusive<u64>, now: Instant) -> Self {
        Self { wanted: Vec::new(), most: 0, left: run.collect(), asked: now, heard: now }
    }

    /// Pieces that may come of it yet.
    pub(super) fn pieces(&self) -> u64 {
        self.most.saturating_add(self.left.len() as u64)
    }

    /// Whether the holder may choose that run.
    pub(super) fn admits(&self, run: &RangeInclusive<u64>) -> bool {
        let length = run.end().saturating_sub(*run.start()).saturating_add(1);
        let lies_in = |wanted: &RangeInclusive<u64>| wanted.contains(run.start()) && wanted.contains(run.end());
        run.start() <= run.end() && length <= self.most && self.wanted.iter().any(lies_in)
    }
}

impl Source {
    pub(super) fn new(holds: Holds) -> Self {
        let told = match holds {
            Holds::All => None,
            Holds::Some(pieces) => Some(pieces),
        };
        Self { told, free: 0, speed: Speed::default(), cursor: None, open: BTreeMap::new() }
    }

    pub(super) fn has(&self, piece: u64) -> bool {
        self.told.as_ref().is_none_or(|told| told.contains(piece))
    }

    /// Whether it told that piece.
    pub(super) fn told(&self, piece: u64) -> bool {
        self.told.as_ref().is_some_and(|told| told.contains(piece))
    }

    /// When so many bytes more would be here, asked now.
    pub(super) fn would_take(&self, size_bytes: u64, average: f64, now: Instant) -> Duration {
        let asked: u64 = self.open.values().map(Request::pieces).sum();
        self.time_for(asked.saturating_mul(PIECE_BYTES).saturating_add(size_bytes), average, now)
    }

    /// When the request of that lane will be here. What is late is expected to take as long again.
    pub(super) fn will_take(&self, lane: u8, average: f64, now: Instant) -> Duration {
        let Some(request) = self.open.get(&lane) else { return Duration::ZERO };
        let before = self.open.values().filter(|other| other.asked <= request.asked);
        let ahead: u64 = before.map(Request::pieces).sum();
        let usual = self.time_for(ahead.saturating_mul(PIECE_BYTES), average, now);
        let waited = self.speed.waited(now);
        usual.checked_sub(waited).unwrap_or(waited)
    }

    /// Since when none of its lanes was heard of; none while nothing is asked.
    pub(super) fn heard(&self) -> Option<Instant> {
        self.open.values().map(|request| request.heard).max()
    }

    fn time_for(&self, size_bytes: u64, average: f64, now: Instant) -> Duration {
        let speed = self.speed.at(now).unwrap_or(average).max(1.0);
        Duration::try_from_secs_f64(size_bytes as f64 / speed).unwrap_or(Duration::MAX)
    }
}
