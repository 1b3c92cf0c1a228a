//! A name arena: all names in one text, so that one pass of `memmem` answers a search.
//!
//! A FIND matches any part of a name, also one letter, which no index of words or beginnings
//! answers. The names stand one after the other, separated by a byte that none of them holds; the
//! records beside the text tell where each begins and what it names. A removed name stays in the
//! text until [`NameArena::compact`].

use memchr::memmem::Finder;

use crate::wire::napster::{FileName, Md5, Query};

/// No name holds it: control characters are refused.
const SEPARATOR: char = '\n';
/// Below so many dead records it is not worth while to move the others.
const DEAD_KEPT: usize = 256;

/// Which name of an arena; valid until it is compacted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordId(usize);

impl RecordId {
    pub(super) fn at(position: usize) -> Self {
        Self(position)
    }

    pub(super) fn position(self) -> usize {
        self.0
    }
}

/// Lower-cased names and the contents they name, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct NameArena {
    text: String,
    records: Vec<Record>,
    dead: usize,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    /// Where its name begins in the text.
    start: usize,
    md5: Md5,
    is_dead: bool,
}

impl NameArena {
    /// Adds a name.
    pub fn push(&mut self, md5: Md5, name: &FileName) -> RecordId {
        let id = RecordId(self.records.len());
        self.records.push(Record { start: self.text.len(), md5, is_dead: false });
        self.text.push_str(name.as_str());
        self.text.push(SEPARATOR);
        id
    }

    /// Takes a name out; false if it was out already.
    pub fn remove(&mut self, id: RecordId) -> bool {
        let Some(record) = self.records.get_mut(id.0).filter(|record| !record.is_dead) else { return false };
        record.is_dead = true;
        self.dead = self.dead.saturating_add(1);
        true
    }

    /// Whether over half of the records are dead.
    #[must_use]
    pub fn is_sparse(&self) -> bool {
        self.dead > DEAD_KEPT && self.dead > self.len()
    }

    /// Leaves out what is dead. The records are numbered anew: [`NameArena::iter`] tells how.
    pub fn compact(&mut self) {
        let mut compacted = Self { text: String::new(), records: Vec::with_capacity(self.len()), dead: 0 };
        for (_, md5, name) in self.iter() {
            compacted.records.push(Record { start: compacted.text.len(), md5, is_dead: false });
            compacted.text.push_str(name);
            compacted.text.push(SEPARATOR);
        }
        *self = compacted;
    }

    /// How many records there are, dead ones too.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// A name and its content, unless it was removed.
    #[must_use]
    pub fn get(&self, id: RecordId) -> Option<(Md5, &str)> {
        let record = self.records.get(id.0).filter(|record| !record.is_dead)?;
        Some((record.md5, self.name(id.0)))
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len().saturating_sub(self.dead)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All names.
    pub fn iter(&self) -> impl Iterator<Item = (RecordId, Md5, &str)> {
        let alive = self.records.iter().enumerate().filter(|(_, record)| !record.is_dead);
        alive.map(|(position, record)| (RecordId(position), record.md5, self.name(position)))
    }

    /// The first so many that a query finds.
    pub fn find<'a>(&'a self, query: &Query, most: usize) -> impl Iterator<Item = (Md5, &'a str)> + use<'a> {
        let finder = query.needle().map(|needle| Finder::new(needle).into_owned());
        Found { arena: self, finder, next: 0 }.take(most)
    }

    fn name(&self, position: usize) -> &str {
        let start = self.start(position);
        let end = self.start(position.saturating_add(1)).saturating_sub(SEPARATOR.len_utf8());
        self.text.get(start..end).unwrap_or_default()
    }

    /// Where a record begins; after the last one, where the text ends.
    fn start(&self, position: usize) -> usize {
        self.records.get(position).map_or(self.text.len(), |record| record.start)
    }
}

/// A search under way.
struct Found<'a> {
    arena: &'a NameArena,
    /// None: everything is found.
    finder: Option<Finder<'static>>,
    /// The record from which to go on.
    next: usize,
}

impl Found<'_> {
    /// The first record from `next` on in which the text occurs, dead or not.
    fn hit(&self) -> Option<usize> {
        let Some(finder) = &self.finder else { return Some(self.next) };
        let from = self.arena.start(self.next);
        let offset = from.saturating_add(finder.find(self.arena.text.as_bytes().get(from..)?)?);
        self.arena.records.partition_point(|record| record.start <= offset).checked_sub(1)
    }
}

impl<'a> Iterator for Found<'a> {
    type Item = (Md5, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let position = self.hit()?;
            let record = self.arena.records.get(position)?;
            self.next = position.saturating_add(1);
            if !record.is_dead {
                return Some((record.md5, self.arena.name(position)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn md5(number: usize) -> Md5 {
        Md5::new((number as u128).to_be_bytes())
    }

    fn arena(names: &[&str]) -> NameArena {
        let mut arena = NameArena::default();
        for (number, name) in names.iter().enumerate() {
            arena.push(md5(number), &FileName::new(name).unwrap());
        }
        arena
    }

    fn found(arena: &NameArena, query: &str) -> Vec<String> {
        arena.find(&Query::new(query).unwrap(), usize::MAX).map(|(_, name)| name.to_owned()).collect()
    }

    #[test]
    fn any_part_of_a_name_is_found_and_each_name_once() {
        let arena = arena(&["Banana", "ananas", "100%_sure", "ÜNÏ", "ban", "ana"]);
        for (query, names) in [
            ("ana", vec!["banana", "ananas", "ana"]),
            ("ban", vec!["banana", "ban"]),
            ("s", vec!["ananas", "100%_sure"]),
            ("%", vec!["100%_sure"]),
            ("ünï", vec!["ünï"]),
            ("naa", vec![]),
            ("nban", vec![]),
            ("banana", vec!["banana"]),
        ] {
            assert_eq!(found(&arena, query), names, "{query}");
        }
        assert_eq!((found(&arena, "*").len(), found(&arena, " ").len()), (6, 6));
        assert_eq!(arena.find(&Query::new("*").unwrap(), 2).map(|(md5, _)| md5).collect::<Vec<_>>(), [md5(0), md5(1)]);
        assert!(found(&NameArena::default(), "*").is_empty() && found(&NameArena::default(), "a").is_empty());
    }

    #[test]
    fn what_is_removed_is_found_no_more_and_compacting_keeps_the_rest() {
        let mut arena = NameArena::default();
        let ids: Vec<RecordId> =
            (0..1_000).map(|n| arena.push(md5(n), &FileName::new(&format!("file {n}")).unwrap())).collect();
        for id in ids.iter().skip(1).step_by(2).chain(ids.iter().take(400).step_by(2)) {
            assert!(arena.remove(*id) && !arena.remove(*id));
        }
        assert_eq!((arena.len(), found(&arena, "file").len(), arena.is_sparse()), (300, 300, true));
        let before = found(&arena, "*");
        arena.compact();
        assert_eq!((arena.len(), arena.is_sparse(), arena.text.lines().count()), (300, false, 300));
        assert_eq!(found(&arena, "*"), before);
        let (id, of, name) = arena.iter().next().unwrap();
        assert_eq!((of, name), (md5(400), "file 400"));
        assert!(arena.remove(id));
        assert_eq!(found(&arena, "file 40"), ["file 402", "file 404", "file 406", "file 408"]);
    }

    #[test]
    fn a_hundred_thousand_names_are_searched_as_a_plain_pass_would() {
        let mut arena = NameArena::default();
        let names: Vec<FileName> =
            (0..100_000).map(|n| FileName::new(&format!("Track {n} of {}.mp3", n % 977)).unwrap()).collect();
        for (number, name) in names.iter().enumerate() {
            arena.push(md5(number), name);
        }
        for query in ["99999", "7 of 7", "of 976.mp3", "k 1", "nothing"] {
            let query = Query::new(query).unwrap();
            let plain: Vec<Md5> = (0..).zip(&names).filter(|(_, n)| query.finds(n)).map(|(n, _)| md5(n)).collect();
            assert_eq!(arena.find(&query, usize::MAX).map(|(md5, _)| md5).collect::<Vec<_>>(), plain, "{query:?}");
        }
    }

    proptest! {
        #[test]
        fn a_search_finds_what_a_plain_pass_finds(
            names in proptest::collection::vec("[ab%é ]{1,6}[ab]", 0..20),
            removed in proptest::collection::vec(0..20_usize, 0..10),
            query in "[ab%é]{0,3}",
        ) {
            let mut arena = arena(&names.iter().map(String::as_str).collect::<Vec<_>>());
            for number in &removed {
                arena.remove(RecordId(*number));
            }
            let query = Query::new(&query).unwrap();
            let alive = names.iter().enumerate().filter(|(number, _)| !removed.contains(number));
            let plain: Vec<Md5> = alive
                .filter(|(_, name)| query.finds(&FileName::new(name).unwrap()))
                .map(|(number, _)| md5(number))
                .collect();
            prop_assert_eq!(arena.find(&query, usize::MAX).map(|(md5, _)| md5).collect::<Vec<_>>(), plain);
        }
    }
}
