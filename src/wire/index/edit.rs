//! What became of one index to make the next: an [`Edit`], by positions.
//!
//! Who holds something beside an index (digests, a catalogue, a table of content) follows its
//! next state by the edit, at a cost that grows with the change, instead of comparing all names.

mod between;

use std::iter;
use std::ops::Range;

/// From one state of an index to the next. Both lists rise strictly.
///
/// What is in neither list *stayed*: same name, same size, in the same order. A file that got
/// another size is gone and new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    gone: Box<[u32]>,
    new: Box<[u32]>,
    stayed: usize,
}

impl Edit {
    /// Of lists that rise strictly, and so many files that are in neither.
    pub(super) fn new(gone: Vec<u32>, new: Vec<u32>, stayed: usize) -> Self {
        Self { gone: gone.into(), new: new.into(), stayed }
    }

    /// One by which everything stayed, of so many files.
    #[must_use]
    pub fn nothing(files: usize) -> Self {
        Self { stayed: files, ..Self::default() }
    }

    /// Positions in the index before that are not in the one after.
    #[must_use]
    pub fn gone(&self) -> &[u32] {
        &self.gone
    }

    /// Positions in the index after that were not in the one before.
    #[must_use]
    pub fn new_ones(&self) -> &[u32] {
        &self.new
    }

    /// How many files the index before has.
    #[must_use]
    pub fn len_before(&self) -> usize {
        self.stayed.saturating_add(self.gone.len())
    }

    /// How many files the index after has.
    #[must_use]
    pub fn len_after(&self) -> usize {
        self.stayed.saturating_add(self.new.len())
    }

    /// How many positions it names.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.gone.len().saturating_add(self.new.len())
    }

    /// The runs that stayed, as positions before and after, of equal length and none empty.
    /// Together with [`Edit::new_ones`] they are the whole index after, without overlap.
    pub fn stayed(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + use<'_> {
        let (mut gone, mut new) = (Rising::of(&self.gone), Rising::of(&self.new));
        let (mut before, mut after, mut left) = (0_usize, 0_usize, self.stayed);
        iter::from_fn(move || {
            before = gone.pass(before);
            after = new.pass(after);
            let until_gone = gone.next.map_or(left, |at| at.saturating_sub(before));
            let until_new = new.next.map_or(left, |at| at.saturating_sub(after));
            let length = until_gone.min(until_new).min(left);
            let run = (before..before.saturating_add(length), after..after.saturating_add(length));
            (before, after, left) = (run.0.end, run.1.end, left.saturating_sub(length));
            (length > 0).then_some(run)
        })
    }

    /// Where a file of the index before is in the one after; `None` if it is gone.
    #[must_use]
    pub fn after_of(&self, before: usize) -> Option<usize> {
        moved(before, &self.gone, &self.new)
    }

    /// Where a file of the index after was in the one before; `None` if it is new.
    #[must_use]
    pub fn before_of(&self, after: usize) -> Option<usize> {
        moved(after, &self.new, &self.gone)
    }

    /// This one and then `later`, as one. What went and came back is gone and new.
    #[must_use]
    pub fn then(&self, later: &Self) -> Self {
        let earlier_of = |at: &u32| self.before_of(*at as usize).and_then(|at| u32::try_from(at).ok());
        let later_of = |at: &u32| later.after_of(*at as usize).and_then(|at| u32::try_from(at).ok());
        let gone = merged(&self.gone, later.gone.iter().filter_map(earlier_of));
        let new = merged(&later.new, self.new.iter().filter_map(later_of));
        Self { stayed: self.len_before().saturating_sub(gone.len()), gone, new }
    }
}

/// A rising list of positions, read once.
struct Rising<'a> {
    rest: std::slice::Iter<'a, u32>,
    next: Option<usize>,
}

impl<'a> Rising<'a> {
    fn of(list: &'a [u32]) -> Self {
        let mut rest = list.iter();
        Self { next: rest.next().map(|at| *at as usize), rest }
    }

    /// The first position from `at` on that is not in the list.
    fn pass(&mut self, mut at: usize) -> usize {
        while self.next == Some(at) {
            at = at.saturating_add(1);
            self.next = self.rest.next().map(|at| *at as usize);
        }
        at
    }
}

/// Where a position comes to be when those in `out` are taken away and then those in `into` made.
fn moved(at: usize, out: &[u32], into: &[u32]) -> Option<usize> {
    let passed = out.binary_search(&u32::try_from(at).ok()?).err()?;
    let rank = at.saturating_sub(passed);
    // Before the new one number `n` stand its position less `n` of those that stayed.
    let (mut low, mut high) = (0_usize, into.len());
    while low < high {
        let middle = low.midpoint(high);
        let stayed = into.get(middle).map_or(usize::MAX, |at| (*at as usize).saturating_sub(middle));
        if stayed <= rank { low = middle.saturating_add(1) } else { high = middle }
    }
    Some(rank.saturating_add(low))
}

/// Two rising lists without common positions as one.
fn merged(list: &[u32], others: impl Iterator<Item = u32>) -> Box<[u32]> {
    let (mut list, mut others) = (list.iter().copied().peekable(), others.peekable());
    let next = || match (list.peek(), others.peek()) {
        (Some(one), Some(other)) if one > other => others.next(),
        (Some(_), _) => list.next(),
        (None, _) => others.next(),
    };
    iter::from_fn(next).collect()
}
