//! Which lines of our manifest changed lately: names only, a list for each published state.
//!
//! Who has a state of the manifest is sent the lines of those names that changed since, as they
//! are now (`docs/PROTOCOL.md`, section 6).

use std::collections::VecDeque;
use std::sync::Arc;

use uuid::Uuid;

use crate::wire::manifest::ManifestVersion;

/// States that are kept: at least four minutes, also while files are being read.
const STATES_MAX: usize = 512;
/// Their names, together. A reader takes twice that of names that went.
const NAMES_BYTES_MAX: usize = 4 << 20;
/// And how many those are: with their lines about 10 MB.
const NAMES_MAX: usize = 65_536;

/// The last changes up to one state. Immutable.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    /// Of this run: what an earlier one gave out means nothing.
    run: Arc<str>,
    /// The number of the state after the last change.
    state: u64,
    /// The changes, the oldest first.
    changes: VecDeque<Arc<Names>>,
}

/// Names, each ended by LF.
#[derive(Debug)]
struct Names {
    text: String,
    count: usize,
}

impl Journal {
    /// Of a run in which nothing changed yet.
    pub(super) fn new() -> Self {
        let run = Uuid::new_v4().simple().to_string();
        Self { run: run.get(..16).unwrap_or(&run).into(), state: 0, changes: VecDeque::new() }
    }

    /// How the state is called.
    pub(super) fn version(&self) -> Option<ManifestVersion> {
        ManifestVersion::parse(format!("{}.{}", self.run, self.state).as_bytes())
    }

    /// The next state, in which the lines of these names are others.
    pub(super) fn followed_by<'n>(&self, names: impl Iterator<Item = &'n str>) -> Self {
        let mut next = self.clone();
        let (mut text, mut count) = (String::new(), 0_usize);
        for name in names {
            count = count.saturating_add(1);
            // More is not kept, so it need not be written.
            if count <= NAMES_MAX {
                text.extend([name, "\n"]);
            }
        }
        if count == 0 {
            return next;
        }
        next.state = next.state.saturating_add(1);
        next.changes.push_back(Arc::new(Names { text, count }));
        while !next.is_small() {
            next.changes.pop_front();
        }
        next
    }

    /// The names whose lines changed since a state, sorted, each once; none if that is not known.
    pub(super) fn names_since(&self, version: &ManifestVersion) -> Option<Vec<&str>> {
        let (run, state) = version.as_str().split_once('.')?;
        let states = self.state.checked_sub(state.parse().ok()?)?;
        let first = self.changes.len().checked_sub(usize::try_from(states).ok()?)?;
        if *run != *self.run {
            return None;
        }
        let mut names: Vec<&str> = self.changes.range(first..).flat_map(|names| names.text.lines()).collect();
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    fn is_small(&self) -> bool {
        let sum =
            |of: fn(&Names) -> usize| self.changes.iter().fold(0_usize, |sum, names| sum.saturating_add(of(names)));
        self.changes.len() <= STATES_MAX
            && sum(|names| names.count) <= NAMES_MAX
            && sum(|names| names.text.len()) <= NAMES_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_since_a_state_is_told_once_and_in_order() {
        let first = Journal::new();
        let second = first.followed_by(["b", "a"].into_iter());
        let third = second.followed_by(["c, d", "a"].into_iter());
        let since = |of: &Journal| third.names_since(&of.version().unwrap()).map(|names| names.join("|"));
        assert_eq!(since(&first).as_deref(), Some("a|b|c, d"));
        assert_eq!(since(&second).as_deref(), Some("a|c, d"));
        assert_eq!(since(&third).as_deref(), Some(""));
        assert_eq!(second.names_since(&third.version().unwrap()), None, "it is yet to come");
        assert_eq!(third.followed_by(std::iter::empty()).version(), third.version());
    }

    #[test]
    fn what_another_run_gave_out_means_nothing() {
        let (ours, theirs) = (Journal::new(), Journal::new());
        assert_eq!(ours.names_since(&theirs.version().unwrap()), None);
        let version = ours.version().unwrap();
        for text in ["x", "0", ".0", &format!("{version}x"), &format!("{version}.0")] {
            assert_eq!(ours.names_since(&ManifestVersion::parse(text.as_bytes()).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn too_many_states_or_names_are_forgotten_the_oldest_first() {
        let first = Journal::new();
        let second = first.followed_by(["a"].into_iter());
        let mut last = second.clone();
        for _ in 0..STATES_MAX {
            last = last.followed_by(["b"].into_iter());
        }
        assert_eq!(last.names_since(&first.version().unwrap()), None);
        assert_eq!(last.names_since(&second.version().unwrap()), Some(vec!["b"]));
        let many = last.followed_by(std::iter::repeat_n("c", NAMES_MAX));
        assert_eq!(many.names_since(&second.version().unwrap()), None);
        assert_eq!(many.names_since(&last.version().unwrap()), Some(vec!["c"]));
        let more = many.followed_by(std::iter::repeat_n("c", NAMES_MAX + 1));
        assert_eq!(more.names_since(&many.version().unwrap()), None);
        assert_eq!(more.names_since(&more.version().unwrap()), Some(Vec::new()));
        let long = "n".repeat(NAMES_BYTES_MAX);
        assert_eq!(more.followed_by([long.as_str()].into_iter()).names_since(&more.version().unwrap()), None);
    }
}
