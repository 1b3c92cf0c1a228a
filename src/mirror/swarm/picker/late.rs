//! What is late: pieces asked a second time at the end, and requests to be given up.

use std::time::{Duration, Instant};

use super::source::{Request, Source};
use super::{Ask, Picker, SourceId};
use crate::wire::pieces::PIECE_BYTES;

/// Of a holder of which no piece came for so long, what it was asked for counts as not asked.
const LATE: Duration = Duration::from_secs(2);
/// A copy must come sooner by this, or it gains nothing.
const CLEARLY: Duration = Duration::from_millis(20);
/// A request of which nothing came for so long may be given up: shorter pauses are the network's.
const SILENT_FOR: Duration = Duration::from_secs(2);
/// The same of a holder that never gave anything: it may have a queue.
const SILENT_AT_FIRST: Duration = Duration::from_secs(8);
/// And for so many times what a piece usually takes.
const TIMES_USUAL: f64 = 4.0;

impl Picker {
    /// How many pieces are to come. Those of late holders are not counted: who takes requests and
    /// gives nothing, or byte after byte, shall not keep us from asking others.
    pub(super) fn asked_pieces(&self, now: Instant) -> u64 {
        let late = self.late_requests(now).map(Request::pieces).fold(0, u64::saturating_add);
        self.ledger.asked_pieces().saturating_sub(late)
    }

    /// How many of these complete holders have yet to choose; late ones left out too.
    pub(super) fn promised_pieces(&self, now: Instant) -> u64 {
        let late = self.late_requests(now).map(|request| request.most).fold(0, u64::saturating_add);
        self.ledger.promised_pieces().saturating_sub(late)
    }

    fn late_requests(&self, now: Instant) -> impl Iterator<Item = &Request> {
        let late = self.sources.values().filter(move |source| source.speed.waited(now) >= LATE);
        late.flat_map(|source| source.open.values())
    }

    /// When all that is missing is in flight: the piece that would come latest, if this holder
    /// would bring it in less than half the time.
    pub(super) fn choose_again(&self, id: SourceId, now: Instant) -> Option<Ask> {
        if self.ledger.free().len() > self.promised_pieces(now) {
            return None;
        }
        let (source, average) = (self.sources.get(&id)?, self.average(now));
        let here = source.would_take(PIECE_BYTES, average, now);
        let clearly_later = here.saturating_mul(2).saturating_add(CLEARLY);
        let alone = self
            .ledger
            .flights()
            .filter(|(piece, flight)| flight.second.is_none() && flight.first.0 != id && source.has(*piece));
        let expected = alone.filter_map(|(piece, flight)| {
            let (from, lane) = flight.first;
            Some((self.sources.get(&from)?.will_take(lane, average, now), piece))
        });
        let (_, piece) = expected.filter(|(there, _)| *there > clearly_later).max()?;
        Some(Ask::Run(piece..=piece))
    }

    /// Requests that are far slower than they should be and whose pieces another holder has. The
    /// caller breaks them off and tells [`Picker::ended`].
    #[must_use]
    pub fn overdue(&self, now: Instant) -> Vec<(SourceId, u8)> {
        let silent = self.sources.iter().filter(|(_, source)| is_silent(source, now));
        let requests = silent.flat_map(|(id, source)| source.open.iter().map(|(lane, request)| (*id, *lane, request)));
        let replaceable = requests.filter(|(id, _, request)| self.another_has(*id, request));
        replaceable.map(|(id, lane, _)| (id, lane)).collect()
    }

    fn another_has(&self, id: SourceId, request: &Request) -> bool {
        let mut others = self.sources.iter().filter(|(other, _)| **other != id).map(|(_, source)| source);
        if request.most > 0 {
            return others.any(|source| source.told.is_none() || source.free > 0);
        }
        others.any(|source| request.left.iter().any(|piece| source.has(*piece)))
    }
}

fn is_silent(source: &Source, now: Instant) -> bool {
    let Some(heard) = source.heard() else { return false };
    let silent = now.saturating_duration_since(heard);
    match source.speed.usual() {
        Some(speed) => silent >= SILENT_FOR && silent.as_secs_f64() >= TIMES_USUAL * PIECE_BYTES as f64 / speed,
        None => silent >= SILENT_AT_FIRST,
    }
}
