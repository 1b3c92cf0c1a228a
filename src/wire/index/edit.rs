//! What became of one index to make the next: an [`Edit`], by positions.
//!
//! Who holds something beside an index (digests, a catalogue, a table of content) follows its
//! next state by the edit, at a cost that grows with the change, instead of comparing all names.

mod between;

use std::iter;
use std::ops::Range;

use bytes::Bytes;

use super::{INDEX_MAX_ENTRIES, Index, Slot};

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

/// What is known now of one name: its size, or that there is no such file.
pub type Now<'n> = (&'n str, Option<u64>);

impl Index {
    /// The next state: `changes` say what is known now of some names, which rise strictly. What is
    /// as it was already changes nothing. Beyond [`INDEX_MAX_ENTRIES`] no new name is taken.
    ///
    /// Costs a copy, and a search for each change.
    #[must_use]
    pub fn edited<'n>(&self, changes: impl IntoIterator<Item = Now<'n>>) -> (Self, Edit) {
        let mut next =
            Splice { before: self, upto: 0, text: Vec::new(), slots: Vec::new(), gone: Vec::new(), new: Vec::new() };
        let changes: Vec<Step<'n>> = self.steps(changes);
        let (lines, grown) = changes.iter().fold((0_usize, 0_usize), |(lines, bytes), step| {
            let is_new = step.now.is_some();
            (lines.saturating_add(usize::from(is_new)), bytes.saturating_add(if is_new { step.line_max() } else { 0 }))
        });
        next.text.reserve_exact(self.text.len().saturating_add(grown));
        next.slots.reserve_exact(self.len().saturating_add(lines));
        for step in &changes {
            next.make(step);
        }
        next.finish()
    }

    /// What really changes, and where.
    fn steps<'n>(&self, changes: impl IntoIterator<Item = Now<'n>>) -> Vec<Step<'n>> {
        let mut files = self.len();
        let mut from = 0;
        let mut steps = Vec::new();
        for (name, now) in changes {
            let place = self.position_from(from, name);
            from = place.unwrap_or_else(|at| at);
            let step = Step { place, name, now };
            match (place, now) {
                (Err(_), None) => continue,
                (Ok(at), Some(size_bytes)) if self.size_at(at) == Some(size_bytes) => continue,
                (Err(_), Some(_)) if files >= INDEX_MAX_ENTRIES => continue,
                (Err(_), Some(_)) => files = files.saturating_add(1),
                (Ok(_), None) => files = files.saturating_sub(1),
                (Ok(_), Some(_)) => {}
            }
            steps.push(step);
        }
        steps
    }

    fn position_from(&self, from: usize, name: &str) -> Result<usize, usize> {
        let rest = self.slots.get(from..).unwrap_or_default();
        let found = rest.binary_search_by(|slot| self.name_bytes(slot).cmp(name.as_bytes()));
        found.map(|at| from.saturating_add(at)).map_err(|at| from.saturating_add(at))
    }
}

/// One change: the place of the name, or where it would stand, and what is known of it now.
struct Step<'n> {
    place: Result<usize, usize>,
    name: &'n str,
    now: Option<u64>,
}

impl Step<'_> {
    /// The most bytes its line takes: a comma, twenty digits, a newline.
    fn line_max(&self) -> usize {
        self.name.len().saturating_add(22)
    }
}

/// The next text and its slots, made of runs of the ones before and of new lines.
struct Splice<'i> {
    before: &'i Index,
    /// So many files of the index before are dealt with.
    upto: usize,
    text: Vec<u8>,
    slots: Vec<Slot>,
    gone: Vec<u32>,
    new: Vec<u32>,
}

impl Splice<'_> {
    fn make(&mut self, step: &Step<'_>) {
        let at = step.place.unwrap_or_else(|at| at);
        self.copy_run(at);
        if let (Ok(at), Ok(position)) = (step.place, u32::try_from(at)) {
            self.gone.push(position);
            self.upto = at.saturating_add(1);
        }
        if let Some(size_bytes) = step.now {
            self.add(step.name, size_bytes);
        }
    }

    /// Takes over what stands before a position.
    fn copy_run(&mut self, until: usize) {
        let run = self.upto..until;
        let span = self.before.span_of(&run);
        // As u32 wraps, the difference is right whether the run moves up or down. A start fits:
        // so many lines as an index may have, of names as long as they may be, are below 4 GiB.
        let shift =
            u32::try_from(self.text.len()).unwrap_or(u32::MAX).wrapping_sub(u32::try_from(span.start).unwrap_or(0));
        self.text.extend_from_slice(self.before.text.get(span).unwrap_or_default());
        let slots = self.before.slots.get(run).unwrap_or_default();
        self.slots.extend(slots.iter().map(|slot| Slot { start: slot.start.wrapping_add(shift), ..*slot }));
        self.upto = until;
    }

    fn add(&mut self, name: &str, size_bytes: u64) {
        use std::io::Write as _;
        let (Ok(start), Ok(name_len)) = (u32::try_from(self.text.len()), u16::try_from(name.len())) else { return };
        self.new.extend(u32::try_from(self.slots.len()));
        self.slots.push(Slot { start, name_len, slashed: false, size_bytes });
        // Writing to a Vec cannot fail.
        let _ = writeln!(self.text, "{name},{size_bytes}");
    }

    fn finish(mut self) -> (Index, Edit) {
        self.copy_run(self.before.len());
        let stayed = self.slots.len().saturating_sub(self.new.len());
        let edit = Edit { gone: self.gone.into(), new: self.new.into(), stayed };
        let total_bytes = self.slots.iter().fold(0_u64, |sum, slot| sum.saturating_add(slot.size_bytes));
        (Index { text: Bytes::from(self.text), slots: self.slots.into(), total_bytes }, edit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn index(text: &str) -> Index {
        Index::parse(text.as_bytes()).unwrap().0
    }

    fn runs(edit: &Edit) -> Vec<(Range<usize>, Range<usize>)> {
        edit.stayed().collect()
    }

    #[test]
    fn the_next_index_is_made_of_what_stayed_and_what_is_new() {
        let before = index("b,1\nc,2\ne,3\nf,4\n");
        let (after, edit) = before.edited([("a", Some(9)), ("c", Some(7)), ("d", None), ("e", None), ("f", Some(4))]);
        assert_eq!(after.text().as_ref(), b"a,9\nb,1\nc,7\nf,4\n");
        assert_eq!((edit.gone(), edit.new_ones()), (&[1, 2][..], &[0, 2][..]));
        assert_eq!(runs(&edit), [(0..1, 1..2), (3..4, 3..4)]);
        assert_eq!((edit.len_before(), edit.len_after(), after.total_bytes()), (4, 4, 21));
        assert_eq!((edit.after_of(0), edit.after_of(1), edit.after_of(3)), (Some(1), None, Some(3)));
        assert_eq!((edit.before_of(0), edit.before_of(1), edit.before_of(3)), (None, Some(0), Some(3)));
    }

    #[test]
    fn what_is_as_it_was_makes_the_same_index() {
        let before = index("a,1\nb,2\n");
        let (after, edit) = before.edited([("a", Some(1)), ("aa", None), ("b", Some(2))]);
        assert_eq!((&after, &edit), (&before, &Edit::nothing(2)));
        assert_eq!(runs(&edit), [(0..2, 0..2)]);
        assert!(Index::default().edited([]).0.is_empty() && runs(&Edit::nothing(0)).is_empty());
    }

    #[test]
    fn how_a_neighbour_wants_to_be_asked_stays_with_what_stayed() {
        let (after, _) = index("/b,1\n/c,2\n").edited([("a", Some(1)), ("c", Some(3))]);
        let listed: Vec<String> = after.iter().map(|entry| entry.listed_name()).collect();
        assert_eq!(listed, ["a", "/b", "c"]);
    }

    #[test]
    fn more_names_than_an_index_may_have_are_not_taken() {
        let names: Vec<String> = (0..INDEX_MAX_ENTRIES).map(|number| format!("{number:07}")).collect();
        let full = Index::from_sorted(names.iter().map(|name| (name.as_str(), 1)));
        let (after, edit) = full.edited([("0000000", None), ("a", Some(1)), ("b", Some(1))]);
        assert_eq!((after.len(), after.find("b")), (INDEX_MAX_ENTRIES, None));
        assert_eq!((edit.gone().len(), edit.new_ones().len()), (1, 1));
    }

    type Files = BTreeMap<String, u64>;

    fn files() -> impl Strategy<Value = Files> {
        proptest::collection::btree_map("[a-e]{1,2}", 0..3_u64, 0..20)
    }

    fn made_of(files: &Files) -> Index {
        Index::from_sorted(files.iter().map(|(name, size)| (name.as_str(), *size)))
    }

    /// From one state to another, by what differs and by much that does not.
    fn edited(index: &Index, before: &Files, after: &Files) -> (Index, Edit) {
        let names: BTreeMap<&str, Option<u64>> = before.keys().map(|name| (name.as_str(), None)).collect();
        let now = after.iter().map(|(name, size)| (name.as_str(), Some(*size)));
        index.edited(names.into_iter().chain(now).collect::<BTreeMap<_, _>>())
    }

    /// What stayed and what is new are all there is, and what stayed is the same.
    fn check(before: &Index, after: &Index, edit: &Edit) {
        let mut covered: Vec<usize> = edit.new_ones().iter().map(|at| *at as usize).collect();
        for (from, to) in edit.stayed() {
            assert!(from.len() == to.len() && !to.is_empty());
            for (from, to) in from.zip(to) {
                assert_eq!(before.get(from).unwrap().line, after.get(to).unwrap().line);
                assert_eq!((edit.after_of(from), edit.before_of(to)), (Some(to), Some(from)));
                covered.push(to);
            }
        }
        covered.sort_unstable();
        assert_eq!(covered, (0..after.len()).collect::<Vec<_>>());
        assert_eq!((edit.len_before(), edit.len_after()), (before.len(), after.len()));
        assert!(edit.gone().iter().all(|at| edit.after_of(*at as usize).is_none()));
    }

    proptest! {
        #[test]
        fn an_edit_leads_from_any_state_to_any_other(first in files(), second in files(), third in files()) {
            let one = made_of(&first);
            let (two, to_second) = edited(&one, &first, &second);
            let (three, to_third) = edited(&two, &second, &third);
            prop_assert_eq!(&two, &made_of(&second));
            prop_assert_eq!(&three, &made_of(&third));
            check(&one, &two, &to_second);
            check(&two, &three, &to_third);
            check(&one, &three, &to_second.then(&to_third));
        }
    }
}
