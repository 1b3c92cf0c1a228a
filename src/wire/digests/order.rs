//! Positions in the order of what their files hold: how a file is found by a digest.
//!
//! Four bytes a file. A change costs a copy of that and a search for each file that changed;
//! sorting anew would cost what there is.

use super::rows::Rows;
use super::{Digests, Edit, Positions};

/// Of more changes than one part in so many of all, sorting anew is cheaper.
const SORTED_FROM: usize = 16;
/// Positions that lie together moved together, mostly.
const STRETCH: usize = 4_096;

/// Which of the two digests counts.
pub(super) trait Key {
    /// It.
    type Bytes: Copy + Ord + 'static;
    /// Of one file.
    fn of(digests: &Digests) -> Self::Bytes;
    /// Its beginning, which nearly always tells: whole digests would take long to move, and as long
    /// to look up again and again.
    fn begin(bytes: &Self::Bytes) -> u64;
}

/// MD5, by which Napster peers ask.
#[derive(Debug)]
pub(super) struct ByMd5;
/// BLAKE3.
#[derive(Debug)]
pub(super) struct ByBlake3;

impl Key for ByMd5 {
    type Bytes = [u8; 16];
    fn of(digests: &Digests) -> Self::Bytes {
        *digests.md5.digest()
    }
    fn begin(bytes: &Self::Bytes) -> u64 {
        bytes.first_chunk().map_or(0, |begin| u64::from_be_bytes(*begin))
    }
}

impl Key for ByBlake3 {
    type Bytes = [u8; 32];
    fn of(digests: &Digests) -> Self::Bytes {
        digests.blake3
    }
    fn begin(bytes: &Self::Bytes) -> u64 {
        bytes.first_chunk().map_or(0, |begin| u64::from_be_bytes(*begin))
    }
}

/// The positions of all that are known, sorted by the digest, then by name.
pub(super) fn sorted<K: Key>(rows: &Rows) -> Vec<u32> {
    sorted_of::<K>(rows, rows.iter().map(|(position, digests)| (position, K::of(digests))))
}

fn sorted_of<K: Key>(rows: &Rows, files: impl Iterator<Item = (usize, K::Bytes)>) -> Vec<u32> {
    let whole = |position: u32| rows.digests(position as usize).map(K::of);
    let known = files.filter_map(|(position, bytes)| Some((K::begin(&bytes), u32::try_from(position).ok()?)));
    let mut sorted: Vec<(u64, u32)> = known.collect();
    sorted.sort_unstable_by(|(one, at), (other, place)| {
        one.cmp(other).then_with(|| whole(*at).cmp(&whole(*place))).then_with(|| at.cmp(place))
    });
    sorted.into_iter().map(|(_, position)| position).collect()
}

/// The positions of that digest in an order, by name.
pub(super) fn same<'o, K: Key>(order: &'o [u32], rows: &'o Rows, wanted: K::Bytes) -> impl Iterator<Item = usize> + 'o {
    let key = move |position: &u32| rows.digests(*position as usize).map(K::of);
    let first = order.partition_point(|position| key(position) < Some(wanted));
    let from_there = order.get(first..).unwrap_or_default().iter();
    from_there.take_while(move |position| key(position) == Some(wanted)).map(|position| *position as usize)
}

/// An order after some rows changed: those that stay are copied between the places at which others
/// come.
pub(super) fn changed<K: Key>(order: &[u32], before: &Rows, changed: &Positions, after: &Rows) -> Vec<u32> {
    if changed.len() > order.len() / SORTED_FROM {
        return sorted::<K>(after);
    }
    let known = changed.iter().filter_map(|position| Some((position, K::of(after.digests(position)?))));
    let come = sorted_of::<K>(after, known);
    let key = |rows: &Rows, position: u32| (rows.digests(position as usize).map(K::of), position);
    let went = changed.iter().filter(|position| before.digests(*position).is_some()).count();
    let mut merged = Vec::with_capacity(order.len().saturating_add(come.len()).saturating_sub(went));
    let stays = |position: &u32| went == 0 || !changed.contains(*position as usize);
    let mut rest = order;
    for position in come {
        let rank = rest.partition_point(|other| key(before, *other) < key(after, position));
        let (run, behind) = rest.split_at_checked(rank).unwrap_or((rest, &[]));
        merged.extend(run.iter().copied().filter(stays));
        merged.push(position);
        rest = behind;
    }
    merged.extend(rest.iter().copied().filter(stays));
    merged
}

/// An order beside the next state of the index: what is gone leaves it.
pub(super) fn moved(order: &[u32], edit: &Edit) -> Vec<u32> {
    let moves = Moves::of(edit);
    let mut moved = Vec::with_capacity(order.len());
    moved.extend(order.iter().filter_map(|position| moves.after(*position)));
    moved
}

/// Where each position comes to be.
struct Moves {
    /// Where the runs that stayed begin and end, and where they begin then.
    runs: Vec<(u32, u32, u32)>,
    /// For each stretch of positions the run in which all of it lies, if there is one.
    stretches: Vec<Option<u32>>,
}

impl Moves {
    fn of(edit: &Edit) -> Self {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let run = edit.stayed().map(|(before, after)| (number(before.start), number(before.end), number(after.start)));
        let mut moves = Self { runs: run.collect(), stretches: Vec::new() };
        let stretch = |first: usize| {
            let run = moves.run_of(number(first))?;
            let (_, end, _) = moves.runs.get(run)?;
            (*end as usize >= first.saturating_add(STRETCH).min(edit.len_before())).then_some(number(run))
        };
        moves.stretches = (0..edit.len_before()).step_by(STRETCH).map(stretch).collect();
        moves
    }

    fn after(&self, position: u32) -> Option<u32> {
        let stretch = self.stretches.get(position as usize / STRETCH).copied().flatten();
        let run = stretch.map(|run| run as usize).or_else(|| self.run_of(position))?;
        let (start, _, then) = self.runs.get(run)?;
        Some(then.wrapping_add(position.wrapping_sub(*start)))
    }

    fn run_of(&self, position: u32) -> Option<usize> {
        let run = self.runs.partition_point(|(start, ..)| *start <= position).checked_sub(1)?;
        self.runs.get(run).filter(|(_, end, _)| position < *end).map(|_| run)
    }
}
