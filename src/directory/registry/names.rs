//! All registered names, to be searched and changed at once by many.
//!
//! They lie in blocks. Who searches holds the blocks as they are; who changes one meanwhile copies
//! that one alone. A block knows its names by each three bytes in a row, so that a search looks
//! only at those that hold the rarest three of the query; shorter queries pass over the whole text.

use std::collections::HashMap;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::arena::{NameArena, RecordId};
use crate::wire::napster::{FileName, Md5, Query};

/// Names of one block: what a change copies at most, about 2 MB.
const BLOCK_NAMES: usize = 8_192;

/// Which name it is, until its block is compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameId {
    block: usize,
    record: RecordId,
}

/// Names and the contents they name.
#[derive(Clone, Debug, Default)]
pub struct Names {
    blocks: Vec<Arc<Block>>,
}

#[derive(Clone, Debug, Default)]
struct Block {
    arena: NameArena,
    /// Positions of the records, rising, by three bytes in a row.
    grams: HashMap<[u8; 3], Vec<u16>>,
}

impl Names {
    /// Adds a name.
    pub(super) fn push(&mut self, md5: Md5, name: &FileName) -> NameId {
        let block = match self.blocks.iter().position(|block| block.arena.records() < BLOCK_NAMES) {
            Some(block) => block,
            None => {
                self.blocks.push(Arc::default());
                self.blocks.len().saturating_sub(1)
            }
        };
        let record = self.blocks.get_mut(block).map(|block| Arc::make_mut(block).push(md5, name)).unwrap_or_default();
        NameId { block, record }
    }

    /// Takes a name out. What its block has left may get other numbers by that: they are told.
    pub(super) fn remove(&mut self, id: NameId) -> Vec<(Md5, NameId)> {
        let Some(block) = self.blocks.get_mut(id.block) else { return Vec::new() };
        let inside = Arc::make_mut(block);
        inside.arena.remove(id.record);
        if !inside.arena.is_sparse() {
            return Vec::new();
        }
        *inside = inside.compacted();
        inside.arena.iter().map(|(record, md5, _)| (md5, NameId { record, ..id })).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.arena.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Md5, &str)> {
        self.blocks.iter().flat_map(|block| block.arena.iter().map(|(_, md5, name)| (md5, name)))
    }

    /// The first so many that a query finds.
    pub fn find<'n>(&'n self, query: &Query, most: usize) -> impl Iterator<Item = (Md5, &'n str)> + use<'n> {
        let query = query.clone();
        self.blocks.iter().flat_map(move |block| block.find(&query, most)).take(most)
    }
}

impl Block {
    fn push(&mut self, md5: Md5, name: &FileName) -> RecordId {
        let record = self.arena.push(md5, name);
        if let Ok(position) = u16::try_from(record.position()) {
            for gram in grams(name.as_str().as_bytes()) {
                let positions = self.grams.entry(*gram).or_default();
                if positions.last() != Some(&position) {
                    positions.push(position);
                }
            }
        }
        record
    }

    fn compacted(&self) -> Self {
        let mut compacted = Self::default();
        for (_, md5, name) in self.arena.iter() {
            if let Ok(name) = FileName::new(name) {
                compacted.push(md5, &name);
            }
        }
        compacted
    }

    fn find<'b>(&'b self, query: &Query, most: usize) -> Box<dyn Iterator<Item = (Md5, &'b str)> + 'b> {
        match query.needle().filter(|needle| needle.len() >= 3) {
            Some(needle) => {
                let finder = Finder::new(needle).into_owned();
                let candidates = self.candidates(needle.as_bytes()).iter();
                let alive = candidates.filter_map(|position| self.arena.get(RecordId::at(usize::from(*position))));
                Box::new(alive.filter(move |(_, name)| finder.find(name.as_bytes()).is_some()))
            }
            None => Box::new(self.arena.find(query, most)),
        }
    }

    /// The records that hold the rarest three bytes of the needle.
    fn candidates(&self, needle: &[u8]) -> &[u16] {
        let lists = grams(needle).map(|gram| self.grams.get(gram).map_or(&[][..], Vec::as_slice));
        lists.min_by_key(|list| list.len()).unwrap_or_default()
    }
}

/// Each three bytes in a row.
fn grams(text: &[u8]) -> impl Iterator<Item = &[u8; 3]> {
    text.windows(3).filter_map(<[u8]>::first_chunk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn md5(number: usize) -> Md5 {
        Md5::new((number as u128).to_be_bytes())
    }

    fn name(text: &str) -> FileName {
        FileName::new(text).unwrap()
    }

    fn found(names: &Names, query: &str) -> Vec<String> {
        names.find(&Query::new(query).unwrap(), usize::MAX).map(|(_, name)| name.to_owned()).collect()
    }

    #[test]
    fn names_of_all_blocks_are_found_and_removed_ones_no_more() {
        let mut names = Names::default();
        let mut ids: HashMap<Md5, NameId> = HashMap::new();
        let all = BLOCK_NAMES * 2 + 10;
        for number in 0..all {
            ids.insert(md5(number), names.push(md5(number), &name(&format!("file {number}."))));
        }
        assert_eq!((names.len(), names.blocks.len()), (all, 3));
        assert_eq!(found(&names, "e 8191."), ["file 8191."]);
        assert_eq!(found(&names, "e 8192."), ["file 8192."]);
        assert_eq!(names.find(&Query::new("file").unwrap(), 12).count(), 12);
        // Of the first block most go: it is compacted, and takes new names.
        for number in 0..BLOCK_NAMES - 5 {
            let moved = names.remove(ids[&md5(number)]);
            ids.extend(moved);
        }
        assert_eq!(
            (names.len(), found(&names, "e 8190."), found(&names, "e 100.").len()),
            (all - BLOCK_NAMES + 5, vec!["file 8190.".to_owned()], 0)
        );
        for number in all..all + BLOCK_NAMES - 2_000 {
            names.push(md5(number), &name("another"));
        }
        assert_eq!((names.blocks.len(), found(&names, "nothe").len()), (3, BLOCK_NAMES - 2_000));
        assert_eq!(names.remove(ids[&md5(BLOCK_NAMES - 1)]), []);
        assert!(found(&names, "e 8191.").is_empty());
    }

    #[test]
    fn who_searches_sees_what_was_there() {
        let mut names = Arc::new(Names::default());
        Arc::make_mut(&mut names).push(md5(1), &name("before"));
        let seen = names.clone();
        Arc::make_mut(&mut names).push(md5(2), &name("before long"));
        assert_eq!((found(&seen, "before").len(), found(&names, "before").len()), (1, 2));
    }

    proptest! {
        #[test]
        fn a_search_finds_what_a_plain_pass_finds(
            texts in proptest::collection::vec("[abé ]{1,12}[a-c]", 0..40),
            gone in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
            query in "[abé]{0,5}",
        ) {
            let mut names = Names::default();
            let ids: Vec<NameId> = texts.iter().enumerate().map(|(n, text)| names.push(md5(n), &name(text))).collect();
            let mut alive: Vec<bool> = vec![true; texts.len()];
            for index in gone.iter().filter(|_| !texts.is_empty()).map(|index| index.index(texts.len())) {
                names.remove(ids[index]);
                alive[index] = false;
            }
            let query = Query::new(&query).unwrap();
            let plain = texts.iter().zip(&alive).filter(|(text, alive)| **alive && query.finds(&name(text)));
            let expected: Vec<String> = plain.map(|(text, _)| name(text).as_str().to_owned()).collect();
            let found: Vec<String> = names.find(&query, usize::MAX).map(|(_, name)| name.to_owned()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
