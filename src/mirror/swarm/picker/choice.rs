//! What to ask of a holder that can give something.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::source::Source;
use super::{Ask, Picker, SourceId};
use crate::wire::PieceSet;
use crate::wire::pieces::PIECE_BYTES;

/// Ranges named to a complete holder: 2 KiB of address at most, which every proxy and server takes.
const RANGES_MAX: usize = 128;
/// Pieces named to it: all of a content of 4 GiB; of a larger one, a part from a random place on.
const WANTED_MAX: usize = 16_384;
/// Pieces of a partial holder among which the rarest is sought, from a random place on.
const LOOK_MAX: usize = 1_024;
/// A holder with less than this part of the average speed is asked only for what no faster one has.
const SLOW: f64 = 0.25;
/// Pieces that are asked at least, so that every link has something to send.
const OPEN_MIN: u64 = 8;
/// And what comes in this time: more than the latency of a LAN and the pause of a feed.
const OPEN: Duration = Duration::from_millis(100);
/// So many holders and fewer are asked on several lanes each, so that none rests.
const FEW: usize = 4;
/// Bytes a second of a holder while none was measured: of a link of 100 Mbit/s.
const ASSUMED: f64 = 12.5e6;
/// What partial holders bring within this time is not asked of a complete one.
const SOON: Duration = Duration::from_millis(1_000);
/// How long a request should take while nobody waits for what we get; longer ones gain nothing.
const RUN_ALONE: Duration = Duration::from_millis(40);
/// And while others take from us: a piece can be passed on only when it is here.
const RUN_IN_A_ROOM: Duration = Duration::from_millis(10);
/// 16 MiB.
const RUN_ALONE_MAX: u64 = 64;
/// 4 MiB.
const RUN_IN_A_ROOM_MAX: u64 = 16;

impl Picker {
    /// What to ask of that holder now.
    pub(super) fn choose(&mut self, id: SourceId, now: Instant) -> Option<Ask> {
        let source = self.sources.get(&id)?;
        let is_partial = source.told.is_some();
        if self.is_asked_enough(source) || self.asks_enough(now) {
            return None;
        }
        let ask = if is_partial { self.choose_rarest(id, now) } else { self.choose_of_all(id, now) };
        ask.or_else(|| self.choose_again(id, now))
    }

    /// Whether so much is asked already that more would only wait at the holders: what is asked
    /// late is chosen well.
    pub(super) fn asks_enough(&self, now: Instant) -> bool {
        let open = self.asked_pieces(now);
        if open < OPEN_MIN {
            return false;
        }
        let speed: f64 = self.sources.values().filter_map(|source| source.speed.at(now)).sum();
        open as f64 >= speed * OPEN.as_secs_f64() / PIECE_BYTES as f64
    }

    /// Few holders are asked on several lanes, so that they do not rest between two requests; many
    /// on one, and so is one that gave nothing yet: others may be about to be met.
    fn is_asked_enough(&self, source: &Source) -> bool {
        !source.open.is_empty() && (self.sources.len() > FEW || source.speed.usual().is_none())
    }

    /// Of a partial holder: the piece that fewest hold, any of equals, and those behind it.
    fn choose_rarest(&mut self, id: SourceId, now: Instant) -> Option<Ask> {
        let mut dice = self.dice.fork();
        let source = self.sources.get(&id).filter(|source| source.free > 0)?;
        let told = source.told.as_ref()?;
        let faster = if self.is_slow(source, self.average(now), now) { self.faster(now) } else { Vec::new() };
        let from = dice.u64(0..self.ledger.pieces().max(1));
        let (mut rarest, mut equals) = (None, 0_u32);
        for piece in told.shared_from(self.ledger.free(), from).take(LOOK_MAX) {
            if faster.iter().any(|told| told.contains(piece)) {
                continue;
            }
            let holders = self.ledger.holders(piece);
            match rarest {
                Some((_, least)) if least < holders => continue,
                Some((_, least)) if least == holders => equals = equals.saturating_add(1),
                _ => equals = 1,
            }
            if dice.u32(0..equals) == 0 {
                rarest = Some((piece, holders));
            }
        }
        let most = self.most(id, now);
        let (first, _) = rarest?;
        Some(Ask::Run(self.run_from(first, most, Some(told))))
    }

    /// Of a complete holder: what nobody else can give; what others cannot give soon.
    fn choose_of_all(&mut self, id: SourceId, now: Instant) -> Option<Ask> {
        if self.ledger.free().len() <= self.promised_pieces(now) {
            return None;
        }
        let most = self.most(id, now);
        if !self.is_crowded() && self.sources.get(&id)?.speed.usual().is_some() {
            return self.choose_next_run(id, most);
        }
        let from = self.dice.u64(0..self.ledger.pieces().max(1));
        let wanted = self.wanted_of_all(from, now);
        (wanted.len() > self.promised_pieces(now)).then_some(Ask::AnyOf { wanted, most })
    }

    /// What no partial holder has; else what only slow ones have; else anything, if it would not
    /// come soon.
    fn wanted_of_all(&self, from: u64, now: Instant) -> PieceSet {
        let (free, untold) = (self.ledger.free(), self.ledger.untold());
        if self.ledger.free_untold() > self.promised_pieces(now) {
            return some(free.shared_from(untold, from), self.ledger.pieces());
        }
        if !self.comes_soon(now) {
            return some(free.shared_from(free, from), self.ledger.pieces());
        }
        let faster = self.faster(now);
        if faster.len() < self.sources.values().filter(|source| source.told.is_some()).count() {
            let only_slow =
                free.shared_from(free, from).filter(|piece| !faster.iter().any(|told| told.contains(*piece)));
            return some(only_slow, self.ledger.pieces());
        }
        PieceSet::default()
    }

    /// The next run in order, for a taker that is alone.
    fn choose_next_run(&mut self, id: SourceId, most: u64) -> Option<Ask> {
        // Several holders begin at places of their own.
        let elsewhere = if self.sources.len() > 1 { self.dice.u64(0..self.ledger.pieces().max(1)) } else { 0 };
        let from = self.sources.get(&id)?.cursor.unwrap_or(elsewhere);
        let first = self.ledger.free().shared_from(self.ledger.free(), from).next()?;
        let run = self.run_from(first, most, None);
        self.sources.get_mut(&id)?.cursor = Some(run.end().saturating_add(1));
        Some(Ask::Run(run))
    }

    /// That piece and free ones behind it, of a holder that told those.
    fn run_from(&self, first: u64, most: u64, told: Option<&PieceSet>) -> RangeInclusive<u64> {
        let is_next =
            |piece: &u64| self.ledger.free().contains(*piece) && told.is_none_or(|told| told.contains(*piece));
        let behind = first.saturating_add(1)..first.saturating_add(most.max(1));
        first..=behind.take_while(is_next).last().unwrap_or(first)
    }

    /// How many pieces a request should be for: the first, one; then what fits in its time, and
    /// towards the end no more than leaves something for every lane.
    fn most(&self, id: SourceId, now: Instant) -> u64 {
        let Some(speed) = self.sources.get(&id).and_then(|source| source.speed.at(now)) else { return 1 };
        let (time, most) =
            if self.is_crowded() { (RUN_IN_A_ROOM, RUN_IN_A_ROOM_MAX) } else { (RUN_ALONE, RUN_ALONE_MAX) };
        let fits = speed * time.as_secs_f64() / PIECE_BYTES as f64;
        let share = self.ledger.free().len() / (2 * self.sources.len().max(1)) as u64;
        (fits as u64).min(most).min(share).max(1)
    }

    /// Whether others take the same content now.
    fn is_crowded(&self) -> bool {
        let is_taking = |source: &Source| source.told.as_ref().is_some_and(|told| !told.is_all());
        self.others_ask || self.sources.values().any(is_taking)
    }

    /// Whether the partial holders are expected to bring all that is left within [`SOON`].
    fn comes_soon(&self, now: Instant) -> bool {
        let giving = self.sources.values().filter(|source| source.free > 0 || !source.open.is_empty());
        let speed: f64 = giving.filter(|source| source.told.is_some()).filter_map(|source| source.speed.at(now)).sum();
        let left = self.ledger.pieces().saturating_sub(self.have().len()).saturating_mul(PIECE_BYTES);
        left as f64 <= speed * SOON.as_secs_f64()
    }

    /// What a holder is taken to give that gave nothing yet: bytes a second.
    pub(super) fn average(&self, now: Instant) -> f64 {
        let measured = self.sources.values().filter_map(|source| source.speed.at(now));
        let (sum, count) = measured.fold((0.0, 0.0), |(sum, count), speed| (sum + speed, count + 1.0));
        if count > 0.0 { sum / count } else { ASSUMED }
    }

    fn is_slow(&self, source: &Source, average: f64, now: Instant) -> bool {
        source.speed.at(now).is_some_and(|speed| speed < average * SLOW)
    }

    /// What each partial holder has that is not slow.
    fn faster(&self, now: Instant) -> Vec<&PieceSet> {
        let average = self.average(now);
        let faster = self.sources.values().filter(|source| !self.is_slow(source, average, now));
        faster.filter_map(|source| source.told.as_ref()).collect()
    }
}

/// The first of those, as many as may be named.
fn some(pieces: impl Iterator<Item = u64>, of: u64) -> PieceSet {
    let (mut wanted, mut ranges) = (PieceSet::none(of), 0_usize);
    for piece in pieces.take(WANTED_MAX) {
        let joins = piece.checked_sub(1).is_some_and(|before| wanted.contains(before));
        ranges = ranges.saturating_add((!joins).into());
        if ranges > RANGES_MAX {
            break;
        }
        wanted.insert(piece);
    }
    wanted
}
