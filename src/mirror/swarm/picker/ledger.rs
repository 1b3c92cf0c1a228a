//! Where each piece of a content stands: here, in flight, or free to be asked for; and how many
//! holders told it. Counts are kept as things change, so that asking costs no look at all pieces.

use std::collections::BTreeMap;

use super::source::Source;
use super::{Lane, SourceId};
use crate::wire::PieceSet;

/// All pieces of one content.
#[derive(Debug)]
pub(super) struct Ledger {
    have: PieceSet,
    /// Neither here nor in flight.
    free: PieceSet,
    /// Told by no partial holder.
    untold: PieceSet,
    /// How many are in both.
    free_untold: u64,
    /// By how many partial holders each is told.
    holders: Vec<u16>,
    flights: BTreeMap<u64, Flight>,
    /// Pieces that complete holders were asked for and have not chosen.
    promised: u64,
}

/// On which lanes a piece is to come: two at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) first: Lane,
    pub(super) second: Option<Lane>,
}

impl Ledger {
    pub(super) fn new(have: PieceSet) -> Self {
        let pieces = have.pieces();
        let mut free = PieceSet::all(pieces);
        have.iter().for_each(|piece| _ = free.remove(piece));
        let holders = vec![0; usize::try_from(pieces).unwrap_or(0)];
        let (untold, free_untold) = (PieceSet::all(pieces), free.len());
        Self { have, free, untold, free_untold, holders, flights: BTreeMap::new(), promised: 0 }
    }

    pub(super) fn pieces(&self) -> u64 {
        self.have.pieces()
    }

    pub(super) fn have(&self) -> &PieceSet {
        &self.have
    }

    pub(super) fn free(&self) -> &PieceSet {
        &self.free
    }

    pub(super) fn untold(&self) -> &PieceSet {
        &self.untold
    }

    pub(super) fn free_untold(&self) -> u64 {
        self.free_untold
    }

    pub(super) fn promised_pieces(&self) -> u64 {
        self.promised
    }

    /// How many are to come, those that a holder has yet to choose among them.
    pub(super) fn asked_pieces(&self) -> u64 {
        self.promised.saturating_add(self.flights.len() as u64)
    }

    /// Pieces that are asked for already.
    pub(super) fn flights(&self) -> impl Iterator<Item = (u64, Flight)> {
        self.flights.iter().map(|(piece, flight)| (*piece, *flight))
    }

    /// How many partial holders told it.
    pub(super) fn holders(&self, piece: u64) -> u16 {
        usize::try_from(piece).ok().and_then(|piece| self.holders.get(piece)).copied().unwrap_or(0)
    }

    /// A complete holder was asked for so many.
    pub(super) fn promised(&mut self, most: u64) {
        self.promised = self.promised.saturating_add(most);
    }

    /// It has chosen, or will not.
    pub(super) fn settled(&mut self, most: u64) {
        self.promised = self.promised.saturating_sub(most);
    }

    /// A partial holder told pieces.
    pub(super) fn told(&mut self, source: &mut Source, pieces: &PieceSet) {
        let Some(told) = &mut source.told else { return };
        for piece in pieces.iter() {
            if !told.insert(piece) {
                continue;
            }
            let is_free = self.free.contains(piece);
            source.free = source.free.saturating_add(is_free.into());
            if self.untold.remove(piece) && is_free {
                self.free_untold = self.free_untold.saturating_sub(1);
            }
            if let Some(holders) = usize::try_from(piece).ok().and_then(|piece| self.holders.get_mut(piece)) {
                *holders = holders.saturating_add(1);
            }
        }
    }

    /// A partial holder is gone.
    pub(super) fn forget(&mut self, source: &Source) {
        for piece in source.told.iter().flat_map(PieceSet::iter) {
            let Some(holders) = usize::try_from(piece).ok().and_then(|piece| self.holders.get_mut(piece)) else {
                continue;
            };
            *holders = holders.saturating_sub(1);
            if *holders == 0 && self.untold.insert(piece) && self.free.contains(piece) {
                self.free_untold = self.free_untold.saturating_add(1);
            }
        }
    }

    /// It is asked for on that lane.
    pub(super) fn take(&mut self, piece: u64, lane: Lane, sources: &mut BTreeMap<SourceId, Source>) {
        if self.free.remove(piece) {
            self.flights.insert(piece, Flight { first: lane, second: None });
            self.free_untold = self.free_untold.saturating_sub(self.untold.contains(piece).into());
            holders_of(piece, sources).for_each(|source| source.free = source.free.saturating_sub(1));
        } else if let Some(flight) = self.flights.get_mut(&piece) {
            // A complete holder may choose what another was asked for meanwhile.
            flight.second.get_or_insert(lane);
        }
    }

    /// It will not come on that lane.
    pub(super) fn give_back(&mut self, piece: u64, lane: Lane, sources: &mut BTreeMap<SourceId, Source>) {
        let Some(flight) = self.flights.get_mut(&piece) else { return };
        match flight.second {
            Some(second) if flight.first == lane => *flight = Flight { first: second, second: None },
            Some(second) if second == lane => flight.second = None,
            None if flight.first == lane => {
                self.flights.remove(&piece);
                self.free.insert(piece);
                self.free_untold = self.free_untold.saturating_add(self.untold.contains(piece).into());
                holders_of(piece, sources).for_each(|source| source.free = source.free.saturating_add(1));
            }
            _ => {}
        }
    }

    /// It is here; false if it was.
    pub(super) fn came(&mut self, piece: u64, sources: &mut BTreeMap<SourceId, Source>) -> bool {
        if !self.have.insert(piece) {
            return false;
        }
        self.flights.remove(&piece);
        if self.free.remove(piece) {
            self.free_untold = self.free_untold.saturating_sub(self.untold.contains(piece).into());
            holders_of(piece, sources).for_each(|source| source.free = source.free.saturating_sub(1));
        }
        true
    }
}

fn holders_of(piece: u64, sources: &mut BTreeMap<SourceId, Source>) -> impl Iterator<Item = &mut Source> {
    sources.values_mut().filter(move |source| source.told(piece))
}
