//! Which piece a holder hands out to a taker that leaves it the choice (`docs/PROTOCOL.md`,
//! section 6): the one it handed out least often, so that each leaves it once before any does
//! twice, and the takers have something to pass on to each other.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Instant;

use crate::wire::pieces::PIECES_MAX;
use crate::wire::{Content, PieceSet};

/// Contents of which counts are kept; beyond it the one asked for longest ago is forgotten.
const CONTENTS_MAX: usize = 64;
/// And bytes of counts, one a piece: two contents of a tebibyte.
const COUNTS_MAX: u64 = 2 * PIECES_MAX;
/// Pieces looked at for one choice, and the longest run: all of a content of 16 GiB.
const LOOK_MAX: usize = 65_536;

/// How often each piece was handed out.
#[derive(Debug)]
pub struct Handouts {
    contents: HashMap<Content, Counts>,
    dice: fastrand::Rng,
}

#[derive(Debug)]
struct Counts {
    /// Of each piece; the last count stands for all above.
    counts: Box<[u8]>,
    /// The smallest of them, and how many pieces have it.
    least: (u8, u64),
    asked: Instant,
}

impl Handouts {
    /// Nothing was handed out. Holders with other seeds begin elsewhere.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { contents: HashMap::new(), dice: fastrand::Rng::with_seed(seed) }
    }

    /// Chooses a run of at most so many of the wanted pieces, all handed out equally often, and counts
    /// it. None if none is wanted.
    pub fn choose(
        &mut self,
        content: Content,
        wanted: &PieceSet,
        most: u64,
        now: Instant,
    ) -> Option<RangeInclusive<u64>> {
        let pieces = wanted.pieces();
        self.make_room(content, pieces);
        let from = self.dice.u64(0..pieces.max(1));
        let counts = self.contents.entry(content).or_insert_with(|| Counts::new(pieces, now));
        counts.asked = now;
        let run = counts.least_of(wanted, from, most)?;
        run.clone().for_each(|piece| counts.count(piece, 1));
        Some(run)
    }

    /// A run that was asked for by its name is handed out.
    pub fn gave(&mut self, content: Content, pieces: u64, run: RangeInclusive<u64>, now: Instant) {
        self.make_room(content, pieces);
        let counts = self.contents.entry(content).or_insert_with(|| Counts::new(pieces, now));
        counts.asked = now;
        run.take(LOOK_MAX).for_each(|piece| counts.count(piece, 1));
    }

    /// The answer broke off: these pieces of it did not leave.
    pub fn gave_up(&mut self, content: Content, run: RangeInclusive<u64>) {
        let Some(counts) = self.contents.get_mut(&content) else { return };
        run.take(LOOK_MAX).for_each(|piece| counts.count(piece, -1));
    }

    /// Forgets contents that were asked for longest ago until that one fits, and it itself if it
    /// is of another size than it was.
    fn make_room(&mut self, content: Content, pieces: u64) {
        let is_known = |counts: &Counts| counts.counts.len() as u64 == pieces.min(PIECES_MAX);
        if self.contents.get(&content).is_some_and(is_known) {
            return;
        }
        self.contents.remove(&content);
        let held = |contents: &HashMap<_, Counts>| contents.values().map(|c| c.counts.len() as u64).sum::<u64>();
        while self.contents.len() >= CONTENTS_MAX || held(&self.contents).saturating_add(pieces) > COUNTS_MAX {
            let oldest = self.contents.iter().min_by_key(|(_, counts)| counts.asked).map(|(content, _)| *content);
            let Some(oldest) = oldest else { return };
            self.contents.remove(&oldest);
        }
    }
}

impl Counts {
    fn new(pieces: u64, now: Instant) -> Self {
        let counts = vec![0; usize::try_from(pieces.min(PIECES_MAX)).unwrap_or(0)].into_boxed_slice();
        Self { least: (0, counts.len() as u64), counts, asked: now }
    }

    fn of(&self, piece: u64) -> u8 {
        usize::try_from(piece).ok().and_then(|piece| self.counts.get(piece)).copied().unwrap_or(u8::MAX)
    }

    /// The least handed out from that piece on, and those behind it that are equal to it.
    fn least_of(&self, wanted: &PieceSet, from: u64, most: u64) -> Option<RangeInclusive<u64>> {
        let (mut first, mut least) = (None, u8::MAX);
        for piece in wanted.shared_from(wanted, from).take(LOOK_MAX) {
            let count = self.of(piece);
            if first.is_none() || count < least {
                (first, least) = (Some(piece), count);
            }
            // None was handed out less often: no need to look further.
            if count <= self.least.0 {
                break;
            }
        }
        let first = first?;
        let behind = first.saturating_add(1)..first.saturating_add(most.clamp(1, LOOK_MAX as u64));
        let last = behind.take_while(|piece| wanted.contains(*piece) && self.of(*piece) == least).last();
        Some(first..=last.unwrap_or(first))
    }

    /// It was handed out, or it was not after all.
    fn count(&mut self, piece: u64, change: i8) {
        let Some(count) = usize::try_from(piece).ok().and_then(|piece| self.counts.get_mut(piece)) else { return };
        let before = *count;
        *count = before.saturating_add_signed(change);
        let (after, (least, with_least)) = (*count, self.least);
        self.least = match after {
            _ if after == before => return,
            _ if after < least => (after, 1),
            _ if after == least => (least, with_least.saturating_add(1)),
            _ if before == least && with_least > 1 => (least, with_least.saturating_sub(1)),
            _ if before == least => self.find_least(),
            _ => return,
        };
    }

    fn find_least(&self) -> (u8, u64) {
        let least = self.counts.iter().copied().min().unwrap_or(0);
        (least, self.counts.iter().filter(|count| **count == least).count() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    const CONTENT: Content = Content::new([7; 32]);

    fn choose(handouts: &mut Handouts, wanted: &PieceSet, most: u64) -> Option<RangeInclusive<u64>> {
        handouts.choose(CONTENT, wanted, most, Instant::now())
    }

    fn order(seed: u64, pieces: u64) -> Vec<u64> {
        let (mut handouts, all) = (Handouts::new(seed), PieceSet::all(pieces));
        (0..pieces).map(|_| *choose(&mut handouts, &all, 1).unwrap().start()).collect()
    }

    #[test]
    fn each_piece_leaves_once_before_any_leaves_twice() {
        let (mut handouts, all) = (Handouts::new(7), PieceSet::all(200));
        for round in 1..=3 {
            let mut left = BTreeSet::new();
            while left.len() < 200 {
                for piece in choose(&mut handouts, &all, 3).unwrap() {
                    assert!(left.insert(piece), "piece {piece} twice in round {round}");
                }
            }
        }
    }

    #[test]
    fn two_holders_do_not_hand_out_the_same_sequence() {
        let orders: std::collections::HashSet<Vec<u64>> = (0..20).map(|seed| order(seed, 50)).collect();
        assert!(orders.len() > 15);
        assert_eq!(order(7, 50), order(7, 50));
    }

    #[test]
    fn only_what_is_wanted_is_chosen_and_runs_are_of_equals() {
        let mut handouts = Handouts::new(7);
        let wanted = PieceSet::parse("3-6,9", 12).unwrap();
        handouts.gave(CONTENT, 12, 5..=5, Instant::now());
        let runs: BTreeSet<_> =
            (0..3).map(|_| choose(&mut handouts, &wanted, 9).unwrap()).map(|run| (*run.start(), *run.end())).collect();
        assert!(runs.contains(&(9, 9)) && runs.contains(&(6, 6)), "{runs:?}");
        assert_eq!(runs.iter().map(|(first, last)| last - first + 1).sum::<u64>(), 4, "{runs:?}");
        assert_eq!(choose(&mut handouts, &PieceSet::none(12), 9), None);
    }

    #[test]
    fn what_did_not_leave_is_chosen_again() {
        let (mut handouts, all) = (Handouts::new(7), PieceSet::all(3));
        (0..3).for_each(|_| _ = choose(&mut handouts, &all, 1));
        handouts.gave_up(CONTENT, 1..=1);
        assert_eq!(choose(&mut handouts, &all, 3), Some(1..=1));
        handouts.gave_up(Content::new([0; 32]), 0..=u64::MAX);
    }

    #[test]
    fn a_run_has_an_end_and_all_of_it_can_be_given_up() {
        let (mut handouts, all) = (Handouts::new(7), PieceSet::all(1 << 18));
        let run = choose(&mut handouts, &all, u64::MAX).unwrap();
        assert!(run.end() - run.start() < LOOK_MAX as u64, "{run:?}");
        handouts.gave_up(CONTENT, run);
        assert_eq!(handouts.contents[&CONTENT].least, (0, 1 << 18));
    }

    #[test]
    fn what_was_asked_for_longest_ago_is_forgotten() {
        let (mut handouts, start, all) = (Handouts::new(7), Instant::now(), PieceSet::all(2));
        for number in 0..=100_u8 {
            let now = start + Duration::from_secs(number.into());
            handouts.choose(Content::new([number; 32]), &all, 1, now);
        }
        assert_eq!(handouts.contents.len(), CONTENTS_MAX);
        assert!(handouts.contents.contains_key(&Content::new([100; 32])));
        for number in 0..=3 {
            handouts.choose(
                Content::new([number; 32]),
                &PieceSet::all(PIECES_MAX),
                1,
                start + Duration::from_secs(200),
            );
        }
        let held: usize = handouts.contents.values().map(|counts| counts.counts.len()).sum();
        assert!(held as u64 <= COUNTS_MAX, "{held}");
    }
}
