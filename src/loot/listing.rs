//! What the loot folder holds, as the scans found it: files that are offered, and what is held
//! back with the reason.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::digests::Marker;
use super::folder::FileFacts;
use crate::wire::loot_path::Refusal;
use crate::wire::{DisplayText, Index};

/// Names that are held back are kept to be shown up to this number; the rest is counted.
const HELD_BACK_SHOWN: usize = 1_000;

/// Why something in the folder is not offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyHeldBack {
    /// The name would break or deceive other nodes.
    #[error("the name {0}")]
    Name(#[from] Refusal),
    /// Links may lead out of the folder.
    #[error("links are not followed")]
    Link,
    /// A FIFO, socket or device.
    #[error("it is not a regular file")]
    NotAFile,
    /// No permission, or a fault of the disk.
    #[error("it cannot be read: {0}")]
    Unreadable(Box<str>),
}

/// One thing that is not offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// Its name, hidden characters shown.
    pub name: DisplayText,
    /// Why.
    pub why: WhyHeldBack,
}

/// What one scan of a folder and all below it found.
#[derive(Debug, Default)]
pub struct Found {
    /// Files to offer, by name.
    pub files: Vec<(Box<str>, FileFacts)>,
    /// What is not offered, by name.
    pub held_back: Vec<(Box<str>, HeldBack)>,
    /// Folders that could not be read: what was known below them stays as it was.
    pub unreadable: Vec<Box<str>>,
}

/// All that is known of the folder.
#[derive(Debug, Default)]
pub struct Listing {
    files: BTreeMap<Box<str>, FileFacts>,
    held_back: BTreeMap<Box<str>, HeldBack>,
}

/// What became of a name between two states of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// No longer there.
    Gone(Box<str>),
    /// There, with another size than before; the size before.
    Altered(Box<str>, u64),
    /// There with the same size, but it may hold something else. The index does not change by it.
    Touched(Box<str>),
    /// New.
    Appeared(Box<str>),
}

impl Listing {
    /// Names and sizes of a stored index, until the first walk knows better.
    #[must_use]
    pub fn provisional(index: &Index) -> Self {
        let files = index.iter().map(|entry| (entry.name.into(), FileFacts::provisional(entry.size_bytes))).collect();
        Self { files, held_back: BTreeMap::new() }
    }

    /// Takes over what a scan of `folder` found (the empty name is the whole), and says what
    /// changed by it.
    pub fn replace_below(&mut self, folder: &str, found: Found) -> Vec<Change> {
        let mut before = split_below(&mut self.files, folder);
        split_below(&mut self.held_back, folder);
        for unreadable in &found.unreadable {
            for (name, facts) in split_below(&mut before, unreadable) {
                self.files.insert(name, facts);
            }
        }
        let mut changes = Vec::new();
        for (name, facts) in &found.files {
            match before.remove(name) {
                Some(known) if known == *facts || (known.is_provisional() && known.size_bytes == facts.size_bytes) => {}
                Some(known) if known.size_bytes == facts.size_bytes => changes.push(Change::Touched(name.clone())),
                Some(known) => changes.push(Change::Altered(name.clone(), known.size_bytes)),
                None => changes.push(Change::Appeared(name.clone())),
            }
        }
        if self.files.is_empty() {
            // Made as a whole, it takes a third less than one that grows.
            self.files = found.files.into_iter().collect();
        } else {
            self.files.extend(found.files);
        }
        self.held_back.extend(found.held_back);
        changes.extend(before.into_keys().map(Change::Gone));
        changes
    }

    /// The facts of a file that is offered.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&FileFacts> {
        self.files.get(name)
    }

    /// The index to serve.
    #[must_use]
    pub fn to_index(&self) -> Index {
        Index::from_sorted(self.files.iter().map(|(name, facts)| (name.as_ref(), facts.size_bytes)))
    }

    /// The marks of the versions that were seen, in the order of the index.
    #[must_use]
    pub fn marks(&self, marker: &Marker) -> Vec<u64> {
        self.files.values().map(|facts| marker.of(facts)).collect()
    }

    /// What is held back: the first of it, and how much in all (hidden files are never among it).
    #[must_use]
    pub fn held_back(&self) -> (Vec<HeldBack>, usize) {
        (self.held_back.values().take(HELD_BACK_SHOWN).cloned().collect(), self.held_back.len())
    }
}

/// Takes `folder` and all below it out of a sorted map; everything for the empty name.
fn split_below<V>(map: &mut BTreeMap<Box<str>, V>, folder: &str) -> BTreeMap<Box<str>, V> {
    if folder.is_empty() {
        return std::mem::take(map);
    }
    let prefix: Box<str> = format!("{folder}/").into();
    let after: Box<str> = format!("{folder}0").into(); // '0' follows '/'
    let names: Vec<Box<str>> = map
        .range::<Box<str>, _>((Bound::Included(&prefix), Bound::Excluded(&after)))
        .map(|(name, _)| name.clone())
        .chain(map.contains_key(folder).then(|| folder.into()))
        .collect();
    names.into_iter().filter_map(|name| map.remove_entry(&name)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::folder::FileId;
    use super::*;

    fn facts(size_bytes: u64) -> FileFacts {
        FileFacts { id: FileId { device: 1, inode: 1 }, ..FileFacts::provisional(size_bytes) }
    }

    fn found(files: &[(&str, u64)]) -> Found {
        Found { files: files.iter().map(|(name, size)| ((*name).into(), facts(*size))).collect(), ..Found::default() }
    }

    #[test]
    fn a_scan_of_a_folder_replaces_just_that_folder() {
        let mut listing = Listing::default();
        listing.replace_below("", found(&[("d/a", 1), ("d/b", 2), ("d-x", 3), ("d0", 4)]));
        let changes = listing.replace_below("d", found(&[("d/b", 5), ("d/c", 6)]));
        assert_eq!(
            changes,
            [Change::Altered("d/b".into(), 2), Change::Appeared("d/c".into()), Change::Gone("d/a".into())]
        );
        assert_eq!(listing.to_index().text().as_ref(), b"d-x,3\nd/b,5\nd/c,6\nd0,4\n");
    }

    #[test]
    fn what_lies_in_an_unreadable_folder_stays_known() {
        let mut listing = Listing::default();
        listing.replace_below("", found(&[("a", 1), ("d/x", 2)]));
        let changes = listing.replace_below("", Found { unreadable: vec!["d".into()], ..found(&[("a", 1)]) });
        assert!(changes.is_empty());
        assert_eq!(listing.files.len(), 2);
    }

    #[test]
    fn a_file_that_kept_its_size_is_touched_whatever_else_changed() {
        let mut listing = Listing::default();
        listing.replace_below("", found(&[("a", 1)]));
        assert!(listing.replace_below("", found(&[("a", 1)])).is_empty());
        let first = facts(1);
        let later = [
            FileFacts { modified_ns: 1, ..first },
            FileFacts { changed_ns: 1, ..first },
            FileFacts { id: FileId { device: 1, inode: 2 }, ..first },
        ];
        for facts in later {
            let found = || Found { files: vec![("a".into(), facts)], ..Found::default() };
            assert_eq!(listing.replace_below("", found()), [Change::Touched("a".into())], "{facts:?}");
            assert!(listing.replace_below("", found()).is_empty());
        }
    }

    #[test]
    fn a_stored_index_is_confirmed_by_the_first_look_and_not_changed() {
        let mut listing = Listing::provisional(&Index::from_sorted([("a", 1)].into_iter()));
        assert!(listing.replace_below("", found(&[("a", 1)])).is_empty());
        assert_eq!(listing.get("a"), Some(&facts(1)));
    }

    #[test]
    fn a_file_that_became_a_folder_leaves_no_trace() {
        let mut listing = Listing::default();
        listing.replace_below("", found(&[("d", 1)]));
        listing.replace_below("d", found(&[("d/x", 2)]));
        assert_eq!(listing.to_index().text().as_ref(), b"d/x,2\n");
    }
}
