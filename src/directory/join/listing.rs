//! What a directory should have of ours, what it has, and the difference.

use std::collections::{BTreeMap, BTreeSet};

use crate::wire::DigestTable;
use crate::wire::napster::{ChunkPlan, FileName, Md5};

/// Files that one directory is given: more than any of them takes.
const FILES_MAX: usize = 100_000;

/// One step that makes what a directory has more like what it should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `DELF`.
    Delete(Md5),
    /// `ADDF`; also when the name has changed.
    Add(Md5, FileName),
}

/// The two lists.
#[derive(Debug, Default)]
pub(super) struct Listing {
    wanted: BTreeMap<Md5, FileName>,
    registered: BTreeMap<Md5, FileName>,
    /// What the directory did not take.
    refused: BTreeSet<Md5>,
}

impl Listing {
    /// It should have these.
    pub(super) fn want(&mut self, wanted: BTreeMap<Md5, FileName>) {
        self.wanted = wanted;
    }

    /// Up to `most` steps, deletions first; additions only if it takes any.
    pub(super) fn steps(&self, most: usize, adding: bool) -> Vec<Step> {
        let gone = self.registered.keys().filter(|md5| !self.wanted.contains_key(md5)).map(|md5| Step::Delete(*md5));
        let missing = self
            .wanted
            .iter()
            .filter(|_| adding)
            .filter(|(md5, name)| self.registered.get(md5) != Some(*name) && !self.refused.contains(md5));
        gone.chain(missing.map(|(md5, name)| Step::Add(*md5, name.clone()))).take(most).collect()
    }

    /// A step was taken.
    pub(super) fn done(&mut self, step: Step) {
        match step {
            Step::Delete(md5) => self.registered.remove(&md5),
            Step::Add(md5, name) => self.registered.insert(md5, name),
        };
    }

    /// It does not take this one.
    pub(super) fn refused(&mut self, md5: Md5) {
        self.refused.insert(md5);
    }

    /// What it did not take may be offered again.
    pub(super) fn retry_refused(&mut self) {
        self.refused.clear();
    }

    /// It has forgotten us.
    pub(super) fn forgotten(&mut self) {
        self.registered.clear();
        self.refused.clear();
    }

    /// How many it has.
    pub(super) fn registered(&self) -> usize {
        self.registered.len()
    }

    /// Whether it has this one of ours.
    pub(super) fn has(&self, md5: Md5) -> bool {
        self.registered.contains_key(&md5)
    }

    /// One that it has.
    pub(super) fn sample(&self) -> Option<(Md5, &FileName)> {
        self.registered.first_key_value().map(|(md5, name)| (*md5, name))
    }
}

/// What of the loot a directory should have: each content once, under the first of its names,
/// without folders; what is too long for peers is left out.
pub(super) fn wanted(table: &DigestTable) -> BTreeMap<Md5, FileName> {
    let mut wanted = BTreeMap::new();
    for (entry, digests) in table.iter() {
        if wanted.len() >= FILES_MAX {
            break;
        }
        let name = entry.name.rsplit('/').next().unwrap_or(entry.name);
        if let (Some(_), Ok(name)) = (ChunkPlan::of(entry.size_bytes), FileName::new(name)) {
            wanted.entry(digests.md5).or_insert(name);
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Digests, Index};
    use std::sync::Arc;

    fn md5(byte: u8) -> Md5 {
        Md5::new([byte; 16])
    }

    fn name(text: &str) -> FileName {
        FileName::new(text).unwrap()
    }

    #[test]
    fn each_content_is_offered_once_under_its_first_name_without_folders() {
        let index = Index::parse(b"a/One.txt,1\nb/two.txt,1\nhuge,99998900002\nsame,1\nunread,5\n").unwrap().0;
        let known = |byte| Some(Digests { md5: md5(byte), blake3: [byte; 32] });
        let table = DigestTable::new(Arc::new(index), vec![known(1), known(2), known(3), known(2), None]);
        assert_eq!(wanted(&table), BTreeMap::from([(md5(1), name("one.txt")), (md5(2), name("two.txt"))]));
    }

    #[test]
    fn the_difference_is_deleted_and_added_and_nothing_twice() {
        let mut listing = Listing::default();
        listing.want(BTreeMap::from([(md5(1), name("a")), (md5(2), name("b"))]));
        for step in listing.steps(9, true) {
            listing.done(step);
        }
        assert!(listing.steps(9, true).is_empty());
        listing.want(BTreeMap::from([(md5(2), name("b2")), (md5(3), name("c")), (md5(4), name("d"))]));
        listing.refused(md5(4));
        let steps = [Step::Delete(md5(1)), Step::Add(md5(2), name("b2")), Step::Add(md5(3), name("c"))];
        assert_eq!(listing.steps(9, true), steps);
        assert_eq!(listing.steps(2, true), steps[..2]);
        assert_eq!(listing.steps(9, false), steps[..1]);
        listing.forgotten();
        assert_eq!(listing.steps(9, true).len(), 3);
    }
}
