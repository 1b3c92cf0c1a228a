//! From files that match to hits: equal ones are one, filters are asked, all are counted, and the
//! best are kept.

use super::library::Library;
use super::matching::Match;
use super::ranking::{Best, Ranked};
use super::request::{Filters, Order};
use crate::wire::Kind;

/// What has been met so far.
pub(super) struct Gathering<'l> {
    library: &'l Library,
    filters: Filters,
    best: Best<'l>,
    /// Groups that were counted by kind, and those that are hits; a bit for each first file.
    counted: Vec<u64>,
    hits: Vec<u64>,
    /// By the kind, whatever kinds were chosen.
    pub(super) kinds: [usize; Kind::ALL.len()],
    pub(super) total: usize,
    /// Anything matched, whatever the filters say.
    pub(super) any: bool,
}

impl<'l> Gathering<'l> {
    pub(super) fn new(library: &'l Library, filters: Filters, order: Order, most: usize) -> Self {
        let bits = library.len().div_ceil(64);
        Self {
            library,
            filters,
            best: Best::new(library, order, most),
            counted: vec![0; bits],
            hits: if filters.kinds.is_all() { Vec::new() } else { vec![0; bits] },
            kinds: [0; Kind::ALL.len()],
            total: 0,
            any: false,
        }
    }

    /// Matches of one catalogue.
    pub(super) fn meet(&mut self, catalogue: usize, matches: &[Match]) {
        self.any |= !matches.is_empty();
        let Some(of) = self.library.catalogues().get(catalogue) else { return };
        let shelf = self.library.shelves().get(catalogue);
        let asks_size = self.filters.least_bytes.is_some() || self.filters.most_bytes.is_some();
        for found in matches {
            let position = found.position as usize;
            if asks_size && !self.filters.lets_size_pass(shelf.and_then(|shelf| shelf.index.size_at(position))) {
                continue;
            }
            let file = self.library.number(catalogue, found.position);
            let leader = self.library.copies().leader(file);
            let kind = of.kind(position);
            let is_new = put(&mut self.counted, leader);
            if let Some(count) = self.kinds.get_mut(kind as usize).filter(|_| is_new) {
                *count = count.saturating_add(1);
            }
            let is_hit = match self.filters.kinds.is_all() {
                true => is_new,
                false => self.filters.kinds.has(kind) && put(&mut self.hits, leader),
            };
            if is_hit {
                self.total = self.total.saturating_add(1);
                let alone = u16::from(shelf.is_some());
                self.best.offer(file, *found, self.library.copies().shelves(leader).unwrap_or(alone));
            }
        }
    }

    /// The best of them, in their order.
    pub(super) fn into_best(self) -> Vec<Ranked> {
        self.best.into_sorted()
    }
}

/// Puts a bit; whether it was not there.
fn put(bits: &mut [u64], number: u32) -> bool {
    let Some(word) = bits.get_mut(number as usize / 64) else { return false };
    let bit = 1 << (number % 64);
    let is_new = *word & bit == 0;
    *word |= bit;
    is_new
}
