//! Which files of a catalogue hold the words.

use std::ops::Range;
use std::time::Instant;

use super::catalogue::Catalogue;
use super::places::{Placed, Places};
use super::query::{Query, Term};

/// A file that holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// On its shelf.
    pub(super) position: u32,
    /// How well, the best 0: see [`class`].
    pub(super) class: u8,
    /// How long the name of the file is, its folders not counted, in bytes.
    pub(super) length: u16,
}

impl Match {
    pub(super) fn new(catalogue: &Catalogue, position: usize, class: u8) -> Self {
        let length = catalogue.names().get(position).len();
        Self {
            position: u32::try_from(position).unwrap_or(u32::MAX),
            class,
            length: u16::try_from(length).unwrap_or(u16::MAX),
        }
    }
}

/// A search through one catalogue.
#[derive(Debug)]
pub(super) struct Reading<'s> {
    catalogue: &'s Catalogue,
    query: &'s Query,
    places: Places<'s>,
}

impl<'s> Reading<'s> {
    /// None if the clock ended it.
    pub(super) fn new(catalogue: &'s Catalogue, query: &'s Query, deadline: Instant) -> Option<Self> {
        Some(Self { catalogue, query, places: Places::of(query, catalogue, deadline)? })
    }

    /// All matches among some positions, in their order.
    pub(super) fn matches(&self, among: Range<usize>) -> Vec<Match> {
        let mut found = Vec::new();
        let mut left: Vec<&Placed<'s>> = Vec::new();
        let everything: Vec<&Placed<'s>> = self.places.required.iter().collect();
        // Folders of which nothing is to be known are passed in one go.
        let mut plain = among.start..among.start;
        for (run, folder) in self.catalogue.runs(among) {
            if !self.places.concerned.has(folder) {
                plain.end = run.end;
                continue;
            }
            self.scan(&plain, 0, &everything, true, &mut found);
            plain = run.end..run.end;
            if self.places.excluded.iter().any(|term| term.inside.has(folder)) {
                continue;
            }
            left.clear();
            left.extend(self.places.required.iter().filter(|term| !term.inside.has(folder)));
            self.scan(&run, folder, &left, left.len() == everything.len(), &mut found);
        }
        self.scan(&plain, 0, &everything, true, &mut found);
        found
    }

    /// The files in a folder (0: in any that no term is about) whose names hold the terms that are
    /// left. `all`: these are all terms.
    fn scan(&self, run: &Range<usize>, folder: usize, left: &[&Placed<'s>], all: bool, found: &mut Vec<Match>) {
        let names = self.catalogue.names();
        let mut take = |position: usize, others: &[&Placed<'s>]| {
            let file = names.get(position);
            let is_it = others.iter().all(|term| term.is_in(folder, file))
                && !self.places.excluded.iter().any(|term| term.is_in(folder, file));
            if is_it {
                found.push(Match::new(self.catalogue, position, class(file, self.query, all)));
            }
        };
        match left.split_first() {
            Some((first, others)) if !first.across.has(folder) => {
                let mut next = run.start;
                while let Some(at) = first.term.finder().find(names.bytes(&(next..run.end))) {
                    let position = names.number_over(next, at, next);
                    take(position, others);
                    next = position.saturating_add(1);
                }
            }
            _ => run.clone().for_each(|position| take(position, left)),
        }
    }
}

/// How well a file's name fits, which holds `all` words or not: 0 it is the text, 1 it begins with
/// it, 2 each word begins a word of it, 3 it holds them somewhere, 4 its folders hold some.
pub(super) fn class(file: &str, query: &Query, all: bool) -> u8 {
    let holds = |term: &Term| term.finder().find(file.as_bytes()).is_some();
    if !all && !query.required.iter().all(holds) {
        return 4;
    }
    if let Some(rest) = file.strip_prefix(query.needle.as_str()) {
        // The stem ends at the last point.
        return u8::from(
            !(rest.is_empty() || rest.starts_with('.') && !rest.get(1..).is_some_and(|r| r.contains('.'))),
        );
    }
    let starts = |term: &Term| term.finder().find_iter(file.as_bytes()).any(|at| begins_word(file, at));
    if query.required.iter().all(starts) { 2 } else { 3 }
}

fn begins_word(text: &str, at: usize) -> bool {
    text.get(..at).is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::fold::fold;
    use crate::wire::Index;
    use proptest::prelude::*;

    fn found(lines: &str, query: &str) -> Vec<String> {
        let index = Index::parse(lines.as_bytes()).unwrap().0;
        let (catalogue, query) = (Catalogue::of_index(&index), Query::parse(query).unwrap());
        let deadline = Instant::now() + std::time::Duration::from_secs(60);
        let reading = Reading::new(&catalogue, &query, deadline).unwrap();
        // In two parts, which end within a folder.
        let (half, all) = (catalogue.len() / 2, catalogue.len());
        let matches = [reading.matches(0..half), reading.matches(half..all)].concat();
        matches.iter().map(|found| index.name_at(found.position as usize).unwrap().to_owned()).collect()
    }

    #[test]
    fn words_are_found_in_folders_and_names_together() {
        let lines = "Rock/Été 2019/01 Mer.ogg,1\nRock/Été 2019/02 Sel.ogg,1\nJazz/Mer Noire.ogg,1\nrock.txt,1\n";
        for (query, expected, why) in [
            ("mer rock", &["Rock/Été 2019/01 Mer.ogg"][..], "one in a folder, one in the name"),
            ("ete ROCK", &["Rock/Été 2019/01 Mer.ogg", "Rock/Été 2019/02 Sel.ogg"], "both in folders"),
            ("mer", &["Jazz/Mer Noire.ogg", "Rock/Été 2019/01 Mer.ogg"], "in names of several folders"),
            ("rock -sel", &["Rock/Été 2019/01 Mer.ogg", "rock.txt"], "but not that"),
            ("ogg -rock", &["Jazz/Mer Noire.ogg"], "but not there"),
            ("2019/01", &["Rock/Été 2019/01 Mer.ogg"], "across the edge"),
            ("k/ete 2019/0 2", &["Rock/Été 2019/01 Mer.ogg", "Rock/Été 2019/02 Sel.ogg"], "across edges"),
            ("rock/", &["Rock/Été 2019/01 Mer.ogg", "Rock/Été 2019/02 Sel.ogg"], "a folder's end"),
            ("/rock", &[], "no name begins with a stroke"),
            ("\"mer noire\"", &["Jazz/Mer Noire.ogg"], "words together"),
            ("\"noire mer\"", &[], "in their order"),
            ("-ogg", &["rock.txt"], "all but"),
        ] {
            assert_eq!(found(lines, query), expected, "{query}: {why}");
        }
        assert_eq!(found(lines, "").len(), 4);
    }

    #[test]
    fn what_is_late_is_not_begun() {
        let index = Index::parse(b"a/b,1\n").unwrap().0;
        let (catalogue, query) = (Catalogue::of_index(&index), Query::parse("a").unwrap());
        assert!(Reading::new(&catalogue, &query, Instant::now()).is_none());
    }

    #[test]
    fn the_class_says_how_well_a_name_fits() {
        for (file, query, expected) in [
            ("map.txt", "map", 0),
            ("map", "map", 0),
            ("map.tar.gz", "map", 1),
            ("map.txt", "map.txt", 0),
            ("mapping.txt", "map", 1),
            ("old map.txt", "map", 2),
            ("cooking on board.pdf", "board cook", 2),
            ("cooking onboard.pdf", "board cook", 3),
            ("roadmap.txt", "map", 3),
            ("été-map.txt", "map", 2),
        ] {
            assert_eq!(class(file, &Query::parse(query).unwrap(), true), expected, "{file} {query}");
        }
        assert_eq!(class("x", &Query::parse("map").unwrap(), false), 4);
    }

    proptest! {
        #[test]
        fn what_a_plain_pass_finds_is_found(
            names in proptest::collection::btree_set("[abAÉ]{1,3}(/[ab]{1,3}){0,2}", 0..30),
            query in "-?[abé/]{0,3}( -?[ab/]{1,2}){0,2}",
        ) {
            let lines: String = names.iter().map(|name| format!("{name},1\n")).collect();
            let parsed = Query::parse(&query).unwrap();
            let plain = |name: &String| {
                let name = fold(name);
                parsed.required.iter().all(|term| name.contains(&term.text))
                    && !parsed.excluded.iter().any(|term| name.contains(&term.text))
            };
            let expected: Vec<String> = names.iter().filter(|name| plain(name)).cloned().collect();
            prop_assert_eq!(found(&lines, &query), expected);
        }
    }
}
