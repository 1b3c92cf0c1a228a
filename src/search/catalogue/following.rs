//! The catalogue of the next state of an index, made of the one before: what stayed is copied, a
//! byte a file. So a change of a large library costs little, however often it changes.

use std::sync::Arc;

use super::{Catalogue, Odd, Run, folder_and_file};
use crate::search::extensions::Extensions;
use crate::wire::index::Edit;
use crate::wire::{Index, Kind};

/// Where more changed, it is made anew.
const CHANGES_MAX: usize = 4_096;

impl Catalogue {
    /// Beside the next state of its index. None where a folder came or went, a name that is not
    /// plain ASCII did, or very much changed: then it has to be made anew.
    pub(in crate::search) fn followed(&self, index: &Arc<Index>, edit: &Edit) -> Option<Self> {
        let is_of = edit.len_before() == self.len() && edit.len_after() == index.len();
        if !is_of || edit.changes() > CHANGES_MAX || edit.gone().iter().any(|at| self.odd.has(*at)) {
            return None;
        }
        let runs = self.runs_after(index, edit)?;
        let mut folders = self.folders.clone();
        for run in runs.iter().rev() {
            *folders.first_files.get_mut(run.folder as usize)? = run.first;
        }
        let odd = Odd { positions: moved(&self.odd.positions, edit), names: self.odd.names.clone() };
        Some(Self { index: index.clone(), kinds: self.kinds_after(index, edit)?, odd, folders, runs })
    }

    fn kinds_after(&self, index: &Index, edit: &Edit) -> Option<Box<[Kind]>> {
        let mut kinds = vec![Kind::Other; edit.len_after()];
        for (before, after) in edit.stayed() {
            kinds.get_mut(after)?.copy_from_slice(self.kinds.get(before)?);
        }
        let mut extensions = Extensions::default();
        for at in edit.new_ones().iter().map(|at| *at as usize) {
            let (_, file) = folder_and_file(index.name_bytes_at(at)?);
            let file = std::str::from_utf8(file).ok().filter(|file| file.is_ascii())?;
            *kinds.get_mut(at)? = extensions.kind_of(file);
        }
        Some(kinds.into())
    }

    /// The runs of the same folders, each where its first file is now.
    fn runs_after(&self, index: &Index, edit: &Edit) -> Option<Box<[Run]>> {
        let ends = self.runs.iter().skip(1).map(|run| run.first as usize).chain([self.len()]);
        let first_now = |(run, end): (&Run, usize)| {
            // The first of them that stayed; nobody stayed of a folder that went.
            let first = (run.first as usize..end).find_map(|at| edit.after_of(at))?;
            Some(Run { first: u32::try_from(first).ok()?, folder: run.folder })
        };
        let mut runs = self.runs.iter().zip(ends).map(first_now).collect::<Option<Box<[Run]>>>()?;
        let folder = |at: usize| index.name_bytes_at(at).map(|name| folder_and_file(name).0);
        // What is new becomes the first of the run behind it, or is in the folder of the one before.
        for at in edit.new_ones().iter().rev().map(|at| *at as usize) {
            let next = at.saturating_add(1);
            let run = runs.binary_search_by_key(&next, |run| run.first as usize).ok();
            if let Some(run) = run.filter(|_| folder(next) == folder(at)) {
                runs.get_mut(run)?.first = u32::try_from(at).ok()?;
            } else if at.checked_sub(1).and_then(folder) != folder(at) {
                return None;
            }
        }
        Some(runs)
    }
}

impl Odd {
    fn has(&self, position: u32) -> bool {
        self.positions.binary_search(&position).is_ok()
    }
}

/// Where positions come to be of which none is gone. One pass: both rise.
fn moved(positions: &[u32], edit: &Edit) -> Vec<u32> {
    let mut runs = edit.stayed().peekable();
    let place = |position: &u32| {
        let position = *position as usize;
        while runs.next_if(|(before, _)| before.end <= position).is_some() {}
        let (before, after) = runs.peek()?;
        u32::try_from(after.start.saturating_add(position.checked_sub(before.start)?)).ok()
    };
    positions.iter().filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// All that a search asks of a catalogue.
    fn told(catalogue: &Catalogue) -> Vec<(String, Vec<u8>, Kind)> {
        let folders = catalogue.folders();
        let runs = catalogue.runs(0..catalogue.len()).flat_map(|(run, folder)| run.map(move |at| (at, folder)));
        let rows = runs.map(|(at, folder)| {
            (folders.paths.get(folder).to_owned(), catalogue.file_name(at).to_vec(), catalogue.kind(at))
        });
        rows.collect()
    }

    /// The folders, each by a file that is in it.
    fn in_folders(catalogue: &Catalogue) -> Vec<String> {
        let firsts = catalogue.folders().first_files.iter().skip(1);
        let folder = |at: &u32| folder_and_file(catalogue.index().name_bytes_at(*at as usize).unwrap()).0.to_vec();
        firsts.map(|at| String::from_utf8(folder(at)).unwrap()).collect()
    }

    fn index(files: &BTreeMap<String, u64>) -> Arc<Index> {
        Arc::new(Index::from_sorted(files.iter().map(|(name, size)| (name.as_str(), *size))))
    }

    fn edited(before: &Arc<Index>, changes: &[(&str, Option<u64>)]) -> (Arc<Index>, Edit) {
        let (after, edit) = before.edited(changes.iter().copied());
        (Arc::new(after), edit)
    }

    #[test]
    fn what_changes_within_folders_is_followed_and_what_changes_folders_is_not() {
        let files = ["a/1.mkv", "a/3.mp3", "a/é", "b/c/x", "b/z", "top"].map(|name| (name.to_owned(), 1));
        let before = index(&files.into_iter().collect());
        let catalogue = Catalogue::of_index(&before);
        for (changes, is_followed, why) in [
            (&[("a/2.png", Some(1))][..], true, "between two files of a folder"),
            (&[("a/0.pdf", Some(1)), ("a/00", Some(1))], true, "before the first of it"),
            (&[("a/1.mkv", None), ("a/4", Some(1))], true, "the first of it goes"),
            (&[("a/3.mp3", Some(2))], true, "another size"),
            (&[("top", None), ("topmost", Some(1))], false, "all files of a folder are others"),
            (&[("b/c/x", None)], false, "a folder goes"),
            (&[("b/d/x", Some(1))], false, "a folder comes"),
            (&[("a/é", None)], false, "a name goes that stands folded"),
            (&[("a/ü", Some(1))], false, "such a name comes"),
        ] {
            let (after, edit) = edited(&before, changes);
            let followed = catalogue.followed(&after, &edit);
            assert_eq!(followed.is_some(), is_followed, "{why}");
            if let Some(followed) = followed {
                assert_eq!(told(&followed), told(&Catalogue::of_index(&after)), "{why}");
                assert_eq!(in_folders(&followed), in_folders(&Catalogue::of_index(&after)), "{why}");
            }
        }
        assert!(catalogue.followed(&before, &Edit::nothing(7)).is_none(), "of another index");
    }

    proptest! {
        #[test]
        fn what_is_followed_is_what_is_made_anew(
            first in proptest::collection::btree_map("([ab]/){0,2}[a-dé]{1,2}", 0..2_u64, 0..40),
            second in proptest::collection::btree_map("([ab]/){0,2}[a-dé]{1,2}", 0..2_u64, 0..40),
            share in 0..40_usize,
        ) {
            let is_taken = |name: &&String| !name.ends_with('/');
            let first: BTreeMap<String, u64> = first.into_iter().filter(|(name, _)| is_taken(&name)).collect();
            let before = index(&first);
            let mut changes: BTreeMap<&str, Option<u64>> = first.keys().take(share / 4).map(|name| (name.as_str(), None)).collect();
            changes.extend(second.iter().take(share).map(|(name, size)| (name.as_str(), Some(*size))));
            let (after, edit) = edited(&before, &changes.into_iter().collect::<Vec<_>>());
            let anew = Catalogue::of_index(&after);
            if let Some(followed) = Catalogue::of_index(&before).followed(&after, &edit) {
                prop_assert_eq!(told(&followed), told(&anew));
                prop_assert_eq!(in_folders(&followed), in_folders(&anew));
            }
        }
    }
}
