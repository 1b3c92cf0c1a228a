//! From files that match to hits: equal ones are one, filters are asked, all are counted, and the
//! best are kept.
//!
//! Each thread gathers what it finds. Of files that are the same, the first that matches is the hit.
//! That may be told at once of one that is the first of its group; others are put by until all is
//! gathered.

use std::sync::atomic::{AtomicU64, Ordering};

use super::library::Library;
use super::matching::Match;
use super::ranking::{Best, Ranked};
use super::request::{Filters, Order};
use crate::wire::Kind;

/// Groups of which a file has matched, known to all threads; a bit for each first file.
pub(super) struct Met {
    /// Those that were counted by kind.
    counted: Box<[AtomicU64]>,
    /// Those that are hits.
    hits: Box<[AtomicU64]>,
}

impl Met {
    pub(super) fn new(library: &Library) -> Self {
        let files = if library.copies().are_none() { 0 } else { library.len() };
        let bits = || (0..files.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { counted: bits(), hits: bits() }
    }
}

/// What one thread has met so far; in the end, all of it.
pub(super) struct Gathering<'l> {
    library: &'l Library,
    met: &'l Met,
    filters: Filters,
    best: Best<'l>,
    /// Matches that may be the same as an earlier one, each with the number of its part.
    later: Vec<(usize, usize, Match)>,
    /// By the kind, whatever kinds were chosen.
    pub(super) kinds: [usize; Kind::ALL.len()],
    pub(super) total: usize,
    /// Anything matched, whatever the filters say.
    pub(super) any: bool,
    /// The clock ended it.
    pub(super) cut_short: bool,
}

impl<'l> Gathering<'l> {
    pub(super) fn new(library: &'l Library, met: &'l Met, filters: Filters, order: Order, most: usize) -> Self {
        Self {
            library,
            met,
            filters,
            best: Best::new(library, order, most),
            later: Vec::new(),
            kinds: [0; Kind::ALL.len()],
            total: 0,
            any: false,
            cut_short: false,
        }
    }

    /// Matches of one catalogue, from a part of that number.
    pub(super) fn meet(&mut self, part: usize, catalogue: usize, matches: &[Match]) {
        self.any |= !matches.is_empty();
        let asks_size = self.filters.least_bytes.is_some() || self.filters.most_bytes.is_some();
        let shelf = self.library.shelves().get(catalogue);
        for found in matches {
            let size = || shelf.and_then(|shelf| shelf.index.size_at(found.position as usize));
            if asks_size && !self.filters.lets_size_pass(size()) {
                continue;
            }
            let file = self.library.number(catalogue, found.position);
            if self.library.copies().leader(file) == file {
                self.take(catalogue, *found);
            } else {
                self.later.push((part, catalogue, *found));
            }
        }
    }

    /// One that passed all filters but that of kinds.
    fn take(&mut self, catalogue: usize, found: Match) {
        let file = self.library.number(catalogue, found.position);
        let Some(of) = self.library.catalogues().get(catalogue) else { return };
        let (copies, kind) = (self.library.copies(), of.kind(found.position as usize));
        let leader = copies.leader(file);
        let is_new = put(&self.met.counted, leader);
        if let Some(count) = self.kinds.get_mut(kind as usize).filter(|_| is_new) {
            *count = count.saturating_add(1);
        }
        let is_hit = match self.filters.kinds.is_all() {
            true => is_new,
            false => self.filters.kinds.has(kind) && put(&self.met.hits, leader),
        };
        if is_hit {
            self.total = self.total.saturating_add(1);
            let alone = u16::from(self.library.shelves().get(catalogue).is_some());
            self.best.offer(file, found, copies.shelves(leader).unwrap_or(alone));
        }
    }

    /// What all threads have gathered.
    pub(super) fn joined(gathered: Vec<Self>) -> Option<Self> {
        let mut gathered = gathered.into_iter();
        let mut all = gathered.next()?;
        for other in gathered {
            all.total = all.total.saturating_add(other.total);
            all.kinds.iter_mut().zip(other.kinds).for_each(|(all, other)| *all = all.saturating_add(other));
            all.any |= other.any;
            all.cut_short |= other.cut_short;
            all.best.join(other.best);
            all.later.extend(other.later);
        }
        let mut later = std::mem::take(&mut all.later);
        // Of one part they came in their order, and stay so.
        later.sort_by_key(|(part, ..)| *part);
        later.into_iter().for_each(|(_, catalogue, found)| all.take(catalogue, found));
        Some(all)
    }

    /// Some of the best in their order, the first `skip` left out.
    pub(super) fn into_page(self, skip: usize, take: usize) -> Vec<Ranked> {
        self.best.into_page(skip, take)
    }
}

/// Puts a bit; whether it was not there. Where nothing is kept, each file is its own group.
fn put(bits: &[AtomicU64], number: u32) -> bool {
    let Some(word) = bits.get(number as usize / 64) else { return true };
    let bit = 1 << (number % 64);
    word.fetch_or(bit, Ordering::Relaxed) & bit == 0
}
