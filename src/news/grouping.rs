//! Which folders say best where files came: the ones they are in, or, if those are many, folders
//! above them.

use std::collections::BTreeMap;

/// The folder of a name; empty for that which is shared.
pub(super) fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether a folder is that one or lies below it.
pub(super) fn lies_in(folder: &str, above: &str) -> bool {
    above.is_empty() || folder.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// For each of these folders the one that stands for it, so that no more than `most` stand for all.
/// The deepest give way first.
pub(super) fn gathered<'f>(folders: impl IntoIterator<Item = &'f str>, most: usize) -> BTreeMap<&'f str, &'f str> {
    let mut stands: BTreeMap<&str, &str> = folders.into_iter().map(|folder| (folder, folder)).collect();
    loop {
        let mut by_depth: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for folder in stands.values() {
            by_depth.entry(depth(folder)).or_default().push(folder);
        }
        let distinct = by_depth.values_mut().map(|folders| {
            folders.sort_unstable();
            folders.dedup();
            folders.len()
        });
        let count: usize = distinct.sum();
        let Some((&deepest, _)) = by_depth.last_key_value().filter(|(depth, _)| **depth > 0) else { return stands };
        if count <= most.max(1) {
            return stands;
        }
        for stand in stands.values_mut().filter(|stand| depth(stand) == deepest) {
            *stand = folder_of(stand);
        }
    }
}

fn depth(folder: &str) -> usize {
    if folder.is_empty() { 0 } else { folder.matches('/').count().saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_folders_are_one_further_up() {
        for (folders, most, expected, why) in [
            (&["a", "b"][..], 2, &["a", "b"][..], "few stay as they are"),
            (&["p/1", "p/2", "p/3", "q"], 2, &["p", "p", "p", "q"], "the deep ones give way"),
            (&["p/1", "p/2/x", "p/2/y"], 2, &["p/1", "p/2", "p/2"], "only as far as is needed"),
            (&["a", "b", "c"], 2, &["", "", ""], "at last the shared folder stands for all"),
            (&["a", "", "c"], 1, &["", "", ""], "which is there already"),
            (&["a/b/c", "a/b/d", "e/f/g"], 2, &["a/b", "a/b", "e/f"], "each below its own"),
        ] {
            let gathered = gathered(folders.iter().copied(), most);
            let found: Vec<&str> = folders.iter().map(|folder| gathered[folder]).collect();
            assert_eq!(found, expected, "{why}");
        }
    }

    #[test]
    fn a_folder_lies_in_itself_and_in_what_is_above() {
        for (folder, above, expected) in
            [("a/b", "a", true), ("a", "a", true), ("ab", "a", false), ("a", "", true), ("a", "a/b", false)]
        {
            assert_eq!(lies_in(folder, above), expected, "{folder} in {above}");
        }
    }
}
