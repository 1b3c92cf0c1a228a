//! How the last states of our index came of each other, for those who follow it.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use crate::wire::Index;
use crate::wire::index::Edit;

/// So many states back: whoever is slower compares everything once.
const STEPS_MAX: usize = 32;
/// Positions that all steps name together: 4 bytes each.
const CHANGES_MAX: usize = 256 * 1024;

/// The last steps, the latest last. None of them keeps its index in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    steps: VecDeque<Step>,
}

/// From one index to the next.
#[derive(Clone, Debug)]
struct Step {
    /// Its address is nobody else's as long as somebody points at it.
    before: Weak<Index>,
    edit: Arc<Edit>,
}

impl History {
    /// One step more, from `before`; the oldest are forgotten.
    pub(super) fn with(&self, before: &Arc<Index>, edit: Edit) -> Self {
        let mut steps = self.steps.clone();
        steps.push_back(Step { before: Arc::downgrade(before), edit: Arc::new(edit) });
        let mut changes = steps.iter().fold(0_usize, |sum, step| sum.saturating_add(step.edit.changes()));
        while steps.len() > STEPS_MAX || changes > CHANGES_MAX {
            let Some(oldest) = steps.pop_front() else { break };
            changes = changes.saturating_sub(oldest.edit.changes());
        }
        Self { steps }
    }

    /// All that came after `before`, as one edit; `None` if that is not known.
    pub(super) fn since(&self, before: &Arc<Index>) -> Option<Arc<Edit>> {
        let first = self.steps.iter().position(|step| std::ptr::eq(step.before.as_ptr(), Arc::as_ptr(before)))?;
        let mut edits = self.steps.iter().skip(first).map(|step| step.edit.clone());
        let edit = edits.next()?;
        Some(edits.fold(edit, |edit, later| Arc::new(edit.then(&later))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state whose next one has a file more.
    fn grown(history: &History, index: &Arc<Index>, name: &str) -> (History, Arc<Index>) {
        let (next, edit) = index.edited([(name, Some(1))]);
        (history.with(index, edit), Arc::new(next))
    }

    #[test]
    fn what_came_since_one_of_the_last_states_is_known_and_older_ones_are_forgotten() {
        let (mut history, mut index) = (History::default(), Arc::new(Index::default()));
        let mut states = vec![index.clone()];
        for number in 0..=STEPS_MAX {
            (history, index) = grown(&history, &index, &format!("{number:03}"));
            states.push(index.clone());
        }
        assert_eq!(history.since(&states[0]), None);
        assert_eq!(history.since(&states[1]).unwrap().new_ones().len(), STEPS_MAX);
        assert_eq!(history.since(&states[STEPS_MAX]).unwrap().new_ones(), [32]);
        assert_eq!(history.since(&Arc::new(Index::default())), None, "equal, but another");
    }

    #[test]
    fn a_change_of_everything_is_not_remembered() {
        let names: Vec<String> = (0..=CHANGES_MAX).map(|number| format!("{number:06}")).collect();
        let empty = Arc::new(Index::default());
        let (_, edit) = empty.edited(names.iter().map(|name| (name.as_str(), Some(1))));
        assert_eq!(History::default().with(&empty, edit).since(&empty), None);
    }

    #[test]
    fn no_index_is_kept_in_memory_by_what_came_of_it() {
        let index = Arc::new(Index::default());
        let (_history, _next) = grown(&History::default(), &index, "a");
        let weak = Arc::downgrade(&index);
        drop(index);
        assert!(weak.upgrade().is_none());
    }
}
