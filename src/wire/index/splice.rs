//! The next state of an index, made of runs of the one before and of new lines.

use bytes::Bytes;

use super::{Edit, INDEX_MAX_ENTRIES, Index, IndexBuilder, Slot};

/// What is known now of one name: its size, or that there is no such file.
pub type Now<'n> = (&'n str, Option<u64>);

impl Index {
    /// The next state: `changes` say what is known now of some names, which rise strictly. What is
    /// as it was already changes nothing. Beyond [`INDEX_MAX_ENTRIES`] no new name is taken.
    ///
    /// Costs a copy, and a search for each change.
    #[must_use]
    pub fn edited<'n>(&self, changes: impl IntoIterator<Item = Now<'n>>) -> (Self, Edit) {
        let mut files = self.len();
        let (mut gone, mut new) = (Vec::new(), IndexBuilder::default());
        for (name, now) in changes {
            let place = self.position_of(name);
            let size_before = place.and_then(|at| self.size_at(at));
            if size_before == now || (place.is_none() && files >= INDEX_MAX_ENTRIES) {
                continue;
            }
            gone.extend(place.and_then(|at| u32::try_from(at).ok()));
            let is_taken = now.is_some_and(|size_bytes| new.push(name, size_bytes));
            files = files.saturating_sub(usize::from(place.is_some())).saturating_add(usize::from(is_taken));
        }
        self.spliced(&gone, new.finish())
    }

    /// The next state: without the files at the positions `gone`, which rise, and with `new` ones.
    /// Of a name that is in both the new one counts.
    ///
    /// Costs a copy, and a search for each new name.
    #[must_use]
    pub fn spliced(&self, gone: &[u32], new: Self) -> (Self, Edit) {
        if gone.len() == self.len() {
            let all = (0..new.len()).filter_map(|at| u32::try_from(at).ok()).collect();
            let edit = Edit::new(gone.to_vec(), all, 0);
            return (new, edit);
        }
        if gone.is_empty() && new.is_empty() {
            return (self.clone(), Edit::nothing(self.len()));
        }
        let mut next = Splice::of(self, &new);
        let mut gone = gone.iter().map(|at| *at as usize).peekable();
        let mut from = 0;
        for slot in &new.slots {
            let place = self.position_behind(from, new.name_bytes(slot));
            from = place.unwrap_or_else(|at| at);
            while let Some(at) = gone.next_if(|at| *at < from) {
                next.leave(at);
            }
            next.copy_run(from);
            if place.is_ok() {
                gone.next_if_eq(&from);
                next.leave(from);
            }
            next.add(&new, slot);
        }
        gone.for_each(|at| next.leave(at));
        next.finish()
    }
}

/// The next text and its slots, and what was gone and new on the way.
struct Splice<'i> {
    before: &'i Index,
    /// So many files of the index before are dealt with.
    upto: usize,
    text: Vec<u8>,
    slots: Vec<Slot>,
    gone: Vec<u32>,
    new: Vec<u32>,
}

impl<'i> Splice<'i> {
    fn of(before: &'i Index, new: &Index) -> Self {
        let text = Vec::with_capacity(before.text.len().saturating_add(new.text.len()));
        let slots = Vec::with_capacity(before.len().saturating_add(new.len()));
        Self { before, upto: 0, text, slots, gone: Vec::new(), new: Vec::new() }
    }

    /// Takes over what stands before a position.
    fn copy_run(&mut self, until: usize) {
        if until <= self.upto {
            return;
        }
        let run = self.upto..until;
        let span = self.before.span_of(&run);
        // As u32 wraps, the difference is right whether the lines move up or down. All starts fit:
        // as many lines as an index may have, of names as long as they may be, are below 4 GiB.
        let [to, start] = [self.text.len(), span.start].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        let shift = to.wrapping_sub(start);
        self.text.extend_from_slice(self.before.text.get(span).unwrap_or_default());
        let slots = self.before.slots.get(run).unwrap_or_default();
        self.slots.extend(slots.iter().map(|slot| Slot { start: slot.start.wrapping_add(shift), ..*slot }));
        self.upto = until;
    }

    /// The file at a position is gone; what is before it stays.
    fn leave(&mut self, at: usize) {
        self.copy_run(at);
        self.gone.extend(u32::try_from(at));
        self.upto = at.saturating_add(1);
    }

    fn add(&mut self, from: &Index, slot: &Slot) {
        self.new.extend(u32::try_from(self.slots.len()));
        let to = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.text.extend_from_slice(from.entry(slot).map_or(b"", |entry| entry.line.as_bytes()));
        self.text.push(b'\n');
        self.slots.push(Slot { start: to, ..*slot });
    }

    fn finish(mut self) -> (Index, Edit) {
        self.copy_run(self.before.len());
        let stayed = self.slots.len().saturating_sub(self.new.len());
        let edit = Edit::new(self.gone, self.new, stayed);
        self.text.shrink_to_fit();
        let total_bytes = self.slots.iter().fold(0_u64, |sum, slot| sum.saturating_add(slot.size_bytes));
        (Index { text: Bytes::from(self.text), slots: self.slots.into(), total_bytes }, edit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::ops::Range;

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
