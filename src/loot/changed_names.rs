//! Which names of our index changed lately: a list for each of the last states.
//!
//! Who has one of them is sent the lines of those names that changed since, as they are now
//! (`docs/PROTOCOL.md`, section 6).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::wire::index::Edit;
use crate::wire::{Index, IndexHmac};

/// States that are kept: changes are announced at most once a second, so that is eight minutes at
/// least.
const STATES_MAX: usize = 512;
/// Names of all of them together …
const NAMES_MAX: usize = 65_536;
/// … and their bytes.
const NAMES_BYTES_MAX: usize = 4 << 20;

/// The last changes up to one state. Immutable.
#[derive(Clone, Debug, Default)]
pub(super) struct ChangedNames {
    /// The oldest first.
    steps: VecDeque<Arc<Step>>,
}

/// From one state to the next.
#[derive(Debug)]
struct Step {
    before: IndexHmac,
    /// Each ended by LF.
    names: Box<str>,
    count: usize,
}

impl ChangedNames {
    /// One step more: from an index of that HMAC to another one.
    pub(super) fn with(&self, hmac: IndexHmac, before: &Index, after: &Index, edit: &Edit) -> Self {
        // More would not be kept, so it need not be written.
        if edit.changes() > NAMES_MAX {
            return Self::default();
        }
        let gone = edit.gone().iter().filter_map(|at| before.name_at(*at as usize));
        let new = edit.new_ones().iter().filter_map(|at| after.name_at(*at as usize));
        let mut names = String::new();
        gone.chain(new).for_each(|name| names.extend([name, "\n"]));
        let mut next = self.clone();
        next.steps.push_back(Arc::new(Step { before: hmac, names: names.into(), count: edit.changes() }));
        while !next.is_small() {
            next.steps.pop_front();
        }
        next
    }

    /// Whether it is known what changed since a state.
    pub(super) fn knows(&self, since: &IndexHmac) -> bool {
        self.position(since).is_some()
    }

    /// The names that changed since, sorted, each once; none if that is not known.
    pub(super) fn since(&self, since: &IndexHmac) -> Option<Vec<&str>> {
        let first = self.position(since)?;
        let mut names: Vec<&str> = self.steps.range(first..).flat_map(|step| step.names.lines()).collect();
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    /// Of a state that came again, the last time counts.
    fn position(&self, since: &IndexHmac) -> Option<usize> {
        self.steps.iter().rposition(|step| step.before == *since)
    }

    fn is_small(&self) -> bool {
        let sum = |of: fn(&Step) -> usize| self.steps.iter().fold(0_usize, |sum, step| sum.saturating_add(of(step)));
        self.steps.len() <= STATES_MAX
            && sum(|step| step.count) <= NAMES_MAX
            && sum(|step| step.names.len()) <= NAMES_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::IndexKey;

    /// An index with its HMAC and what changed before it.
    struct State(ChangedNames, Index, IndexHmac);

    impl State {
        fn first() -> Self {
            Self::of(ChangedNames::default(), Index::default())
        }

        fn of(changed: ChangedNames, index: Index) -> Self {
            let hmac = IndexHmac::of(index.text(), &IndexKey::Specified);
            Self(changed, index, hmac)
        }

        fn then<'n>(&self, changes: impl IntoIterator<Item = (&'n str, Option<u64>)>) -> Self {
            let (index, edit) = self.1.edited(changes);
            Self::of(self.0.with(self.2, &self.1, &index, &edit), index)
        }

        fn since(&self, state: &Self) -> Option<String> {
            self.0.since(&state.2).map(|names| names.join("|"))
        }
    }

    #[test]
    fn what_changed_since_a_state_is_told_once_and_in_order() {
        let first = State::first().then([("b, c", Some(1)), ("d", Some(1))]);
        let second = first.then([("d", Some(2)), ("e", Some(1))]);
        let third = second.then([("a", Some(1)), ("b, c", None), ("d", Some(3))]);
        assert_eq!(third.since(&first).as_deref(), Some("a|b, c|d|e"));
        assert_eq!(third.since(&second).as_deref(), Some("a|b, c|d"));
        assert!(!third.0.knows(&third.2) && third.since(&third).is_none(), "nobody is before it");
        assert!(!second.0.knows(&third.2), "it is yet to come");
        // What comes back to a state of before goes on from there.
        let again = third.then([("a", None), ("b, c", Some(1)), ("d", Some(2))]);
        assert_eq!(again.2, second.2);
        let last = again.then([("x", Some(1))]);
        assert_eq!((last.since(&second).as_deref(), last.since(&third).as_deref()), (Some("x"), Some("a|b, c|d|x")));
    }

    #[test]
    fn too_many_states_or_names_are_forgotten_the_oldest_first() {
        let first = State::first();
        let second = first.then([("a", Some(0))]);
        let mut last = State::of(second.0.clone(), second.1.clone());
        for size in 1..=STATES_MAX as u64 {
            last = last.then([("a", Some(size))]);
        }
        assert_eq!((last.since(&first), last.since(&second).as_deref()), (None, Some("a")));
        let names: Vec<String> = (0..NAMES_MAX).map(|number| format!("b{number:05}")).collect();
        let many = last.then(names.iter().map(|name| (name.as_str(), Some(1))));
        assert!(many.since(&second).is_none() && many.since(&last).unwrap().len() == NAMES_MAX * 7 - 1);
        let more = many.then(names.iter().map(|name| (name.as_str(), Some(2))));
        assert!(more.0.steps.is_empty(), "each is gone and new");
        let long = |number: usize| format!("{number:04}{}", "/n".repeat(500));
        let names: Vec<String> = (0..NAMES_BYTES_MAX / 1_000).map(long).collect();
        let large = last.then(names.iter().map(|name| (name.as_str(), Some(1))));
        assert!(large.0.steps.is_empty(), "too long together");
    }
}
