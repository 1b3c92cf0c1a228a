//! Which files of a catalogue hold the words.

use std::ops::Range;
use std::time::Instant;

use super::catalogue::{Catalogue, folder_and_file};
use super::finder::Finder;
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
    /// Of a file whose name in its folder is this.
    pub(super) fn new(position: usize, file: &[u8], class: u8) -> Self {
        Self {
            position: u32::try_from(position).unwrap_or(u32::MAX),
            class,
            length: u16::try_from(file.len()).unwrap_or(u16::MAX),
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
            self.look(&plain, 0, &everything, true, &mut found);
            plain = run.end..run.end;
            if self.places.excluded.iter().any(|term| term.inside.has(folder)) {
                continue;
            }
            left.clear();
            left.extend(self.places.required.iter().filter(|term| !term.inside.has(folder)));
            self.look(&run, folder, &left, left.len() == everything.len(), &mut found);
        }
        self.look(&plain, 0, &everything, true, &mut found);
        found
    }

    /// The files in a folder (0: in any that no term is about) whose names hold the terms that are
    /// left. `all`: these are all terms.
    fn look(&self, run: &Range<usize>, folder: usize, left: &[&Placed<'s>], all: bool, found: &mut Vec<Match>) {
        let from = found.len();
        let mut take = |position: usize, file: &[u8], others: &[&Placed<'s>], at: Option<usize>| {
            let is_it = others.iter().all(|term| term.is_in(folder, file))
                && !self.places.excluded.iter().any(|term| term.is_in(folder, file));
            if is_it {
                found.push(Match::new(position, file, class(file, self.query, all, at)));
            }
        };
        match left.split_first() {
            Some((first, others)) if !first.across.has(folder) => {
                let finder = first.term.finder();
                self.plain_names(run, finder, |position, file, at| take(position, file, others, Some(at)));
                self.odd_names(run, finder, |position, file| take(position, file, others, None));
                // The odd ones came after the others.
                if !self.catalogue.odd().positions.is_empty() {
                    found.get_mut(from..).unwrap_or_default().sort_unstable_by_key(|found| found.position);
                }
            }
            _ => run.clone().for_each(|position| take(position, self.catalogue.file_name(position), left, None)),
        }
    }

    /// The names among some positions that hold a word, where they stand in the index, and where in
    /// the name it begins. What stands before and behind them there does not count, and odd names
    /// are left out.
    fn plain_names(&self, run: &Range<usize>, finder: &Finder, mut take: impl FnMut(usize, &[u8], usize)) {
        let index = self.catalogue.index();
        let span = index.span_of(run);
        let (mut next, mut position) = (span.start, run.start);
        while let Some(at) = index.text().get(next..span.end).and_then(|text| finder.find(text)) {
            let at = next.saturating_add(at);
            position = index.position_over_from(at, position);
            let line = index.span_of(&(position..position.saturating_add(1)));
            let (folder, file) = folder_and_file(index.name_bytes_at(position).unwrap_or_default());
            let file_at = line.start.saturating_add(if folder.is_empty() { 0 } else { folder.len().saturating_add(1) });
            if at < file_at {
                next = file_at;
                continue;
            }
            next = line.end;
            let in_file = at.saturating_sub(file_at);
            if in_file.saturating_add(finder.len()) <= file.len() && file.is_ascii() {
                take(position, file, in_file);
            }
        }
    }

    /// The same of those that do not stand in the index as they are compared.
    fn odd_names(&self, run: &Range<usize>, finder: &Finder, mut take: impl FnMut(usize, &[u8])) {
        let odd = self.catalogue.odd();
        let among = odd.among(run);
        let mut next = among.start;
        while let Some(at) = finder.find(odd.names.bytes(&(next..among.end))) {
            let number = odd.names.number_over(next, at, next);
            if let Some(position) = odd.positions.get(number) {
                take(*position as usize, odd.names.get(number).as_bytes());
            }
            next = number.saturating_add(1);
        }
    }
}

/// How well a file's name fits, which holds `all` words or not: 0 it is the text, 1 it begins with
/// it, 2 each word begins a word of it, 3 it holds them somewhere, 4 its folders hold some. `at`:
/// where the rarest word occurs first in it, if that is known.
pub(super) fn class(file: &[u8], query: &Query, all: bool, at: Option<usize>) -> u8 {
    if !all && !query.required.iter().all(|term| term.finder().is_in(file)) {
        return 4;
    }
    let needle = query.needle.as_bytes();
    if file.get(..needle.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(needle)) {
        let rest = file.get(needle.len()..).unwrap_or_default();
        // The stem ends at the last point.
        let is_end = rest.strip_prefix(b".").map_or(rest.is_empty(), |end| !end.contains(&b'.'));
        return u8::from(!is_end);
    }
    let starts = |term: &Term| match at.filter(|_| query.required.len() == 1) {
        Some(at) => begins_word(file, at) || begins_word_after(file, at, term),
        None => term.finder().find_iter(file).any(|at| begins_word(file, at)),
    };
    if query.required.iter().all(starts) { 2 } else { 3 }
}

fn begins_word_after(file: &[u8], at: usize, term: &Term) -> bool {
    let from = at.saturating_add(1);
    let rest = file.get(from..).unwrap_or_default();
    term.finder().find_iter(rest).any(|at| begins_word(file, from.saturating_add(at)))
}

fn begins_word(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    match before.last() {
        Some(byte) if byte.is_ascii() => !byte.is_ascii_alphanumeric(),
        Some(_) => std::str::from_utf8(before).is_ok_and(|before| !before.ends_with(char::is_alphanumeric)),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use crate::search::finder::Sample;
    use crate::search::fold::fold;
    use crate::wire::Index;
    use proptest::prelude::*;

    fn found(lines: &str, query: &str) -> Vec<String> {
        let index = Arc::new(Index::parse(lines.as_bytes()).unwrap().0);
        let (catalogue, query) = (Catalogue::of_index(&index), Query::parse(query, &Sample::default()).unwrap());
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
        let index = Arc::new(Index::parse(b"a/b,1\n").unwrap().0);
        let (catalogue, query) = (Catalogue::of_index(&index), Query::parse("a", &Sample::default()).unwrap());
        assert!(Reading::new(&catalogue, &query, Instant::now()).is_none());
    }

    #[test]
    fn the_class_says_how_well_a_name_fits() {
        for (file, query, expected) in [
            ("map.txt", "map", 0),
            ("Map.TXT", "map", 0),
            ("amap map", "map", 2),
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
            let parsed = Query::parse(query, &Sample::default()).unwrap();
            let first = parsed.required[0].finder().find(file.as_bytes());
            for at in [None, first] {
                assert_eq!(class(file.as_bytes(), &parsed, true, at), expected, "{file} {query}");
            }
        }
        assert_eq!(class(b"x", &Query::parse("map", &Sample::default()).unwrap(), false, None), 4);
    }

    proptest! {
        #[test]
        fn what_a_plain_pass_finds_is_found(
            names in proptest::collection::btree_set("[abAÉ]{1,3}(/[ab]{1,3}){0,2}", 0..30),
            query in "-?[abé/]{0,3}( -?[ab/]{1,2}){0,2}",
        ) {
            let lines: String = names.iter().map(|name| format!("{name},1\n")).collect();
            let parsed = Query::parse(&query, &Sample::default()).unwrap();
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
