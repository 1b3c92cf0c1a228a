//! Which piece to ask of which holder: one picker for each content that is downloaded.
//!
//! It serves the swarm of `docs/PROTOCOL.md`, section 6. It opens no connection: the caller asks
//! [`Picker::next`] for every lane (connection) that is free, tells what came, and when nothing is
//! to ask it waits until something changes.

mod choice;
mod late;
mod ledger;
mod source;
mod speed;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Instant;

use self::ledger::Ledger;
use self::source::{Request, Source};
use crate::wire::PieceSet;
use crate::wire::pieces::PIECE_BYTES;

/// A holder, numbered by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// Which pieces a holder has when it is met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// All: it is asked for a choice of its own.
    All,
    /// These; it downloads too, and tells more as they come.
    Some(PieceSet),
}

/// What to ask of a holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A run that it chooses.
    AnyOf {
        /// From these; at most 128 ranges.
        wanted: PieceSet,
        /// At most so many pieces.
        most: u64,
    },
    /// These pieces.
    Run(RangeInclusive<u64>),
}

/// One lane of one holder.
type Lane = (SourceId, u8);

/// Who is asked for what, of one content.
#[derive(Debug)]
pub struct Picker {
    size_bytes: u64,
    ledger: Ledger,
    sources: BTreeMap<SourceId, Source>,
    others_ask: bool,
    dice: fastrand::Rng,
}

impl Picker {
    /// Of a content of that size, of which these pieces are here. Equal seeds choose equally.
    #[must_use]
    pub fn new(size_bytes: u64, have: PieceSet, seed: u64) -> Self {
        let dice = fastrand::Rng::with_seed(seed);
        Self { size_bytes, ledger: Ledger::new(have), sources: BTreeMap::new(), others_ask: false, dice }
    }

    /// A holder was met. One that is known is forgotten first.
    pub fn add_source(&mut self, id: SourceId, holds: Holds, now: Instant) {
        self.drop_source(id, now);
        let mut source = Source::new(Holds::All);
        if let Holds::Some(pieces) = holds {
            source = Source::new(Holds::Some(PieceSet::none(self.ledger.pieces())));
            self.ledger.told(&mut source, &pieces);
        }
        self.sources.insert(id, source);
    }

    /// A holder tells more pieces.
    pub fn holds_more(&mut self, id: SourceId, pieces: &PieceSet) {
        if let Some(source) = self.sources.get_mut(&id) {
            self.ledger.told(source, pieces);
        }
    }

    /// A holder has all now. One that downloaded them goes on being asked for named pieces: its
    /// uplink is no more precious than it was.
    pub fn holds_all(&mut self, id: SourceId) {
        self.holds_more(id, &PieceSet::all(self.ledger.pieces()));
    }

    /// A holder is gone, or lied. What was asked of it is free for the others.
    pub fn drop_source(&mut self, id: SourceId, now: Instant) {
        let lanes: Vec<u8> = self.sources.get(&id).into_iter().flat_map(|source| source.open.keys().copied()).collect();
        lanes.into_iter().for_each(|lane| self.ended(id, lane, now));
        if let Some(source) = self.sources.remove(&id) {
            self.ledger.forget(&source);
        }
    }

    /// Whether others ask us for this content: then runs are kept short, as they are when a holder
    /// downloads too.
    pub fn others_ask(&mut self, they_do: bool) {
        self.others_ask = they_do;
    }

    /// What to ask on that lane; none while something is asked on it, and when there is nothing.
    pub fn next(&mut self, id: SourceId, lane: u8, now: Instant) -> Option<Ask> {
        if self.sources.get(&id)?.open.contains_key(&lane) {
            return None;
        }
        let ask = self.choose(id, now)?;
        let request = match &ask {
            Ask::AnyOf { wanted, most } => {
                self.ledger.promised(*most);
                Request::any_of(wanted, *most, now)
            }
            Ask::Run(run) => {
                run.clone().for_each(|piece| self.ledger.take(piece, (id, lane), &mut self.sources));
                Request::run(run.clone(), now)
            }
        };
        let source = self.sources.get_mut(&id)?;
        source.speed.asked(now);
        source.open.insert(lane, request);
        Some(ask)
    }

    /// The same of any holder on any of so many lanes: those of which nothing is asked first, in
    /// another order each time, so that the takers of a room do not all ask the same. The caller
    /// asks until there is none, after every change and every tenth of a second.
    pub fn next_of_any(&mut self, lanes: u8, now: Instant) -> Option<(SourceId, u8, Ask)> {
        if self.asks_enough(now) {
            return None;
        }
        let mut ids: Vec<SourceId> = self.sources.keys().copied().collect();
        self.dice.shuffle(&mut ids);
        ids.sort_by_key(|id| self.sources.get(id).map_or(0, |source| source.open.len()));
        for id in ids {
            let Some(lane) = (0..lanes).find(|lane| !self.sources.get(&id).is_some_and(|s| s.open.contains_key(lane)))
            else {
                continue;
            };
            if let Some(ask) = self.next(id, lane, now) {
                return Some((id, lane, ask));
            }
        }
        None
    }

    /// The holder chose that run. False when it may not: the caller drops the holder.
    pub fn begun(&mut self, id: SourceId, lane: u8, run: RangeInclusive<u64>, now: Instant) -> bool {
        let Some(request) = self.sources.get_mut(&id).and_then(|source| source.open.get_mut(&lane)) else {
            return false;
        };
        if !request.admits(&run) {
            return false;
        }
        self.ledger.settled(std::mem::take(&mut request.most));
        request.left = run.clone().collect();
        request.heard = now;
        run.for_each(|piece| self.ledger.take(piece, (id, lane), &mut self.sources));
        true
    }

    /// Some bytes of that lane's answer came.
    pub fn heard(&mut self, id: SourceId, lane: u8, now: Instant) {
        if let Some(request) = self.sources.get_mut(&id).and_then(|source| source.open.get_mut(&lane)) {
            request.heard = now;
        }
    }

    /// A piece came on that lane and was verified. False: a copy of it was here already.
    pub fn came(&mut self, id: SourceId, lane: u8, piece: u64, now: Instant) -> bool {
        let size_bytes = self.bytes_of(piece);
        if let Some(source) = self.sources.get_mut(&id) {
            source.speed.came(size_bytes, now);
            if let Some(request) = source.open.get_mut(&lane) {
                request.left.retain(|left| *left != piece);
                request.heard = now;
            }
        }
        self.ledger.came(piece, &mut self.sources)
    }

    /// The request of that lane is over, well or not. What did not come is free again.
    pub fn ended(&mut self, id: SourceId, lane: u8, now: Instant) {
        let Some(source) = self.sources.get_mut(&id) else { return };
        let Some(request) = source.open.remove(&lane) else { return };
        if source.open.is_empty() {
            source.speed.idle(now);
        }
        self.ledger.settled(request.most);
        for piece in request.left {
            self.ledger.give_back(piece, (id, lane), &mut self.sources);
        }
    }

    /// Whether all that is left of that lane's request came from elsewhere: it may be broken off.
    #[must_use]
    pub fn is_needless(&self, id: SourceId, lane: u8) -> bool {
        let request = self.sources.get(&id).and_then(|source| source.open.get(&lane));
        request.is_some_and(|request| request.most == 0 && request.left.iter().all(|piece| self.has(*piece)))
    }

    /// Whether that piece is here.
    #[must_use]
    pub fn has(&self, piece: u64) -> bool {
        self.have().contains(piece)
    }

    /// The pieces that are here.
    #[must_use]
    pub fn have(&self) -> &PieceSet {
        self.ledger.have()
    }

    /// Whether all are.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.have().is_all()
    }

    /// The last may be shorter than the others.
    fn bytes_of(&self, piece: u64) -> u64 {
        self.size_bytes.saturating_sub(piece.saturating_mul(PIECE_BYTES)).min(PIECE_BYTES)
    }
}

#[cfg(test)]
mod tests;
