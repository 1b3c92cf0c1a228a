//! Search over our index and those of all present neighbours (`docs/PROTOCOL.md`, section 4).
//!
//! Words separated by blanks must all occur in the name, in any order, without regard to case. A
//! text that finds nothing so, and is a regular expression, is read as one over the whole line,
//! as Forban does; in linear time, bounded in size and duration.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use regex::{Regex, RegexBuilder, escape};
use unicode_normalization::UnicodeNormalization as _;

use crate::wire::index::Entry;
use crate::wire::napster::Md5;
use crate::wire::{DigestTable, Index};

/// Longest search text, in bytes.
pub const QUERY_MAX_BYTES: usize = 256;
/// Hits that are ranked; beyond, the rest is only counted.
pub const RANKED_MAX: usize = 20_000;
/// How long a search may take.
const TIME_MAX: Duration = Duration::from_millis(250);
/// The clock is read once in so many lines.
const LINES_PER_LOOK: usize = 1_024;
/// Compiled size and nesting of a regular expression from a stranger.
const COMPILED_MAX_BYTES: usize = 1 << 20;
const NEST_MAX: u32 = 32;

/// An index to search; its place in the list given to [`search`] is how hits name it.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    /// What stands on it.
    pub index: Arc<Index>,
    /// Its contents, as far as they are known; beside another index it says nothing.
    pub digests: Arc<DigestTable>,
}

impl Shelf {
    fn md5(&self, position: usize) -> Option<Md5> {
        let is_beside = Arc::ptr_eq(self.digests.index(), &self.index);
        self.digests.get(position).filter(|_| is_beside).map(|digests| digests.md5)
    }
}

/// A file that peers registered at the directory.
#[derive(Clone, Copy, Debug)]
pub struct Registered<'r> {
    /// What names its content.
    pub md5: Md5,
    /// Its name, lower-cased.
    pub name: &'r str,
}

/// One file that was found: equal content is one, and so are equal name and size where a content
/// is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its name.
    pub name: String,
    /// Its size; not known of what only Napster peers have.
    pub size_bytes: Option<u64>,
    /// Its content, if some holder tells.
    pub md5: Option<Md5>,
    /// Positions of the shelves that hold it, and the name as each lists it.
    pub holders: Vec<(usize, String)>,
}

/// A page of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The hits of this page, the best first.
    pub hits: Vec<Hit>,
    /// All hits.
    pub total: usize,
    /// The text was read as a regular expression.
    pub as_regex: bool,
    /// The search was ended by the clock: there may be more.
    pub cut_short: bool,
}

/// Why a text cannot be searched.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum QueryError {
    /// Over 256 bytes.
    #[error("the search is longer than {QUERY_MAX_BYTES} bytes")]
    TooLong,
}

/// Searches the shelves and what is registered; the page is `skip` and `take` hits of all.
///
/// # Errors
/// [`QueryError`].
pub fn search(
    query: &str,
    shelves: &[Shelf],
    registered: &[Registered<'_>],
    skip: usize,
    take: usize,
) -> Result<Found, QueryError> {
    if query.len() > QUERY_MAX_BYTES {
        return Err(QueryError::TooLong);
    }
    let deadline = Instant::now() + TIME_MAX;
    let words: Vec<Regex> = query.split_whitespace().filter_map(word_pattern).collect();
    let has_words = |name: &str| words.iter().all(|word| word.is_match(name));
    let mut gathered = Gathering::new(deadline, LINES_PER_LOOK);
    gathered.walk(shelves, registered, |entry| has_words(entry.name), has_words);
    if gathered.total == 0 && looks_like_regex(query) {
        // A line is one text here: `^` and `$` are its ends, as in Forban.
        if let Some(pattern) = line_pattern(query) {
            // A pattern may take long on a single line.
            gathered = Gathering::new(deadline, 1);
            gathered.walk(shelves, registered, |entry| pattern.is_match(entry.line), |name| pattern.is_match(name));
            gathered.as_regex = gathered.total > 0;
        }
    }
    let mut hits = gathered.hits;
    let needle = query.trim().to_lowercase();
    hits.sort_by_cached_key(|group| rank(group, &needle));
    let page = hits.into_iter().skip(skip).take(take).map(|group| group.into_hit(shelves)).collect();
    Ok(Found { hits: page, total: gathered.total, as_regex: gathered.as_regex, cut_short: gathered.cut_short })
}

/// Files of one content, or of equal name and size.
struct Group<'s> {
    name: &'s str,
    size_bytes: Option<u64>,
    md5: Option<Md5>,
    /// The shelves on which it stands, and where.
    places: Vec<(usize, usize)>,
}

impl Group<'_> {
    fn into_hit(self, shelves: &[Shelf]) -> Hit {
        let listed = |(shelf, position): &(usize, usize)| {
            Some((*shelf, shelves.get(*shelf)?.index.get(*position)?.listed_name()))
        };
        Hit {
            name: self.name.to_owned(),
            size_bytes: self.size_bytes,
            md5: self.md5,
            holders: self.places.iter().filter_map(listed).collect(),
        }
    }

    /// A content that the same shelf holds under another name stays a hit of its own.
    fn takes(&self, shelf: usize, md5: Option<Md5>) -> bool {
        let differs = self.md5.zip(md5).is_some_and(|(ours, theirs)| ours != theirs);
        !differs && self.places.iter().all(|(of, _)| *of != shelf)
    }
}

struct Gathering<'s> {
    deadline: Instant,
    lines_per_look: usize,
    hits: Vec<Group<'s>>,
    /// Positions among the hits.
    by_line: HashMap<&'s str, usize>,
    by_md5: HashMap<Md5, usize>,
    total: usize,
    as_regex: bool,
    cut_short: bool,
}

impl<'s> Gathering<'s> {
    fn new(deadline: Instant, lines_per_look: usize) -> Self {
        Self {
            deadline,
            lines_per_look,
            hits: Vec::new(),
            by_line: HashMap::new(),
            by_md5: HashMap::new(),
            total: 0,
            as_regex: false,
            cut_short: false,
        }
    }

    fn walk(
        &mut self,
        shelves: &'s [Shelf],
        registered: &[Registered<'s>],
        matches: impl Fn(&Entry<'s>) -> bool,
        matches_name: impl Fn(&str) -> bool,
    ) {
        for (number, shelf) in shelves.iter().enumerate() {
            for (position, entry) in shelf.index.iter().enumerate() {
                if self.is_over(position) {
                    return;
                }
                if matches(&entry) {
                    self.meet(number, position, &entry, shelf.md5(position));
                }
            }
        }
        for (position, file) in registered.iter().enumerate() {
            if self.is_over(position) {
                return;
            }
            if matches_name(file.name) && !self.by_md5.contains_key(&file.md5) {
                let group = Group { name: file.name, size_bytes: None, md5: Some(file.md5), places: Vec::new() };
                self.begin(group);
            }
        }
    }

    fn is_over(&mut self, position: usize) -> bool {
        self.cut_short |= position.is_multiple_of(self.lines_per_look) && Instant::now() >= self.deadline;
        self.cut_short
    }

    fn meet(&mut self, shelf: usize, position: usize, entry: &Entry<'s>, md5: Option<Md5>) {
        // Nothing is nothing under whatever name.
        let md5_key = md5.filter(|_| entry.size_bytes > 0);
        let known = self.by_line.get(entry.line).into_iter().chain(md5_key.and_then(|md5| self.by_md5.get(&md5)));
        let taker = known.copied().find(|at| self.hits.get(*at).is_some_and(|group| group.takes(shelf, md5)));
        let at = match taker {
            Some(at) => {
                if let Some(group) = self.hits.get_mut(at) {
                    group.places.push((shelf, position));
                    group.md5 = group.md5.or(md5);
                }
                Some(at)
            }
            None => self.begin(Group {
                name: entry.name,
                size_bytes: Some(entry.size_bytes),
                md5,
                places: vec![(shelf, position)],
            }),
        };
        let Some(at) = at else { return };
        self.by_line.entry(entry.line).or_insert(at);
        if let Some(md5) = md5_key {
            self.by_md5.entry(md5).or_insert(at);
        }
    }

    /// Counts a hit, and keeps it while there is room: its position.
    fn begin(&mut self, group: Group<'s>) -> Option<usize> {
        self.total = self.total.saturating_add(1);
        if self.hits.len() >= RANKED_MAX {
            return None;
        }
        self.hits.push(group);
        self.hits.len().checked_sub(1)
    }
}

/// A word as it stands, in composed and decomposed spelling: systems differ in which they write.
fn word_pattern(word: &str) -> Option<Regex> {
    let (composed, decomposed): (String, String) = (word.nfc().collect(), word.nfd().collect());
    let pattern =
        if composed == decomposed { escape(word) } else { format!("{}|{}", escape(&composed), escape(&decomposed)) };
    RegexBuilder::new(&pattern).case_insensitive(true).build().ok()
}

fn looks_like_regex(query: &str) -> bool {
    query.contains(['\\', '.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '^', '$', '|', ','])
}

fn line_pattern(query: &str) -> Option<Regex> {
    RegexBuilder::new(query)
        .case_insensitive(true)
        .size_limit(COMPILED_MAX_BYTES)
        .dfa_size_limit(COMPILED_MAX_BYTES)
        .nest_limit(NEST_MAX)
        .build()
        .ok()
}

/// The best first: the file's very name, then its beginning, then a word of it, then anywhere in
/// it, then in its folders; of equals what more nodes hold, then the shorter name.
fn rank(group: &Group<'_>, needle: &str) -> (u8, std::cmp::Reverse<usize>, usize, String) {
    let name = group.name.to_lowercase();
    let file = name.rsplit('/').next().unwrap_or(&name);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let at_word = || {
        file.match_indices(needle)
            .any(|(at, _)| file.get(..at).is_some_and(|before| !before.ends_with(char::is_alphanumeric)))
    };
    let class = if file == needle || stem == needle {
        0
    } else if file.starts_with(needle) {
        1
    } else if at_word() {
        2
    } else if needle.split_whitespace().all(|word| file.contains(word)) {
        3
    } else {
        4
    };
    (class, std::cmp::Reverse(group.places.len()), name.len(), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Digests;

    fn shelf(text: &str) -> Shelf {
        Shelf { index: Arc::new(Index::parse(text.as_bytes()).unwrap().0), ..Shelf::default() }
    }

    fn names(query: &str, shelves: &[Shelf]) -> Vec<String> {
        search(query, shelves, &[], 0, 100).unwrap().hits.into_iter().map(|hit| hit.name).collect()
    }

    #[test]
    fn all_words_must_occur_in_any_order_and_case() {
        let shelves = [shelf("Docs/Cooking on Board.pdf,6\nboard.txt,16\nÉtoile.txt,3\n")];
        assert_eq!(names("BOARD cook", &shelves), ["Docs/Cooking on Board.pdf"]);
        assert_eq!(names("étoile", &shelves), ["Étoile.txt"]);
        assert_eq!(names("e\u{301}toile", &shelves), ["Étoile.txt"]);
        assert_eq!(names("", &shelves).len(), 3);
        assert!(names("nothing", &shelves).is_empty());
    }

    #[test]
    fn old_links_with_a_regex_still_work() {
        let shelves = [shelf("a.pdf,6\nb.txt,16\nc.txt,6\n")];
        for (query, expected) in [(r".*\.pdf", vec!["a.pdf"]), (",6$", vec!["a.pdf", "c.txt"]), ("^b", vec!["b.txt"])] {
            let found = search(query, &shelves, &[], 0, 10).unwrap();
            assert!(found.as_regex, "{query}");
            assert_eq!(found.hits.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), expected, "{query}");
        }
    }

    #[test]
    fn what_is_found_literally_is_not_read_as_a_regex() {
        let shelves = [shelf("c++ (2nd).txt,6\nccc.txt,1\n")];
        let found = search("c++ (2nd)", &shelves, &[], 0, 10).unwrap();
        assert_eq!((found.total, found.as_regex), (1, false));
    }

    #[test]
    fn equal_files_are_one_hit_with_all_holders() {
        let shelves = [shelf("a,1\n"), shelf("/a,1\nb,2\n"), shelf("a,2\n")];
        let found = search("a", &shelves, &[], 0, 10).unwrap();
        assert_eq!(found.total, 2);
        assert_eq!(found.hits[0].holders, [(0, "a".to_owned()), (1, "/a".to_owned())]);
    }

    #[test]
    fn the_better_hit_comes_first() {
        let shelves = [shelf("map/of/x,1\nroadmap.txt,1\nold map.txt,1\nmapping.txt,1\nmap.txt,1\n")];
        assert_eq!(names("map", &shelves), ["map.txt", "mapping.txt", "old map.txt", "roadmap.txt", "map/of/x"]);
    }

    #[test]
    fn pages_follow_each_other() {
        let text: String = (0..25).map(|n| format!("file-{n:02},1\n")).collect();
        let shelves = [shelf(&text)];
        let page = |skip| search("file", &shelves, &[], skip, 10).unwrap();
        assert_eq!(page(0).total, 25);
        assert_eq!(page(20).hits.len(), 5);
        assert_eq!(page(10).hits[0].name, "file-10");
        assert!(page(30).hits.is_empty());
    }

    #[test]
    fn bombs_are_refused_or_bounded() {
        let text: String = (0..20_000).map(|n| format!("{}-{n},1\n", "a".repeat(100))).collect();
        let shelves = [shelf(&text)];
        for bomb in ["((((((a*)*)*)*)*)*)*b$", "a{9999}{9999}b", r"\pL{5000}b", &"(".repeat(200), &"(a|".repeat(80)] {
            let began = Instant::now();
            let _ = search(bomb, &shelves, &[], 0, 10);
            assert!(began.elapsed() < Duration::from_secs(10), "{bomb:.20} never ends");
        }
        assert_eq!(search(&"x".repeat(257), &shelves, &[], 0, 10), Err(QueryError::TooLong));
    }

    /// The same with contents, one byte each for the files in their order; 0 is not known.
    fn shelf_of(text: &str, contents: &[u8]) -> Shelf {
        let shelf = shelf(text);
        let digests = |byte: &u8| (*byte > 0).then(|| Digests { md5: Md5::new([*byte; 16]), blake3: [*byte; 32] });
        let digests = DigestTable::new(shelf.index.clone(), contents.iter().map(digests).collect());
        Shelf { digests: Arc::new(digests), ..shelf }
    }

    fn rows(shelves: &[Shelf], registered: &[Registered<'_>]) -> Vec<(String, Vec<usize>)> {
        let found = search("", shelves, registered, 0, 100).unwrap();
        assert_eq!(found.total, found.hits.len());
        let on = |hit: Hit| (hit.name, hit.holders.iter().map(|(shelf, _)| *shelf).collect());
        let mut rows: Vec<_> = found.hits.into_iter().map(on).collect();
        rows.sort();
        rows
    }

    #[test]
    fn one_content_is_one_hit_whatever_its_names() {
        let row = |name: &str, on: &[usize]| (name.to_owned(), on.to_vec());
        let ours = shelf_of("a,1\nb,1\nempty,0\n", &[1, 2, 9]);
        let theirs = shelf_of("a,1\nother,1\nvoid,0\n", &[3, 2, 9]);
        let expected = [row("a", &[0]), row("a", &[1]), row("b", &[0, 1]), row("empty", &[0]), row("void", &[1])];
        assert_eq!(rows(&[ours.clone(), theirs], &[]), expected, "another content of the same name is another file");
        let silent = shelf("a,1\nb,1\n");
        assert_eq!(rows(&[ours.clone(), silent], &[])[..2], [row("a", &[0, 1]), row("b", &[0, 1])]);
        let twice = shelf_of("copy,1\nx,1\n", &[1, 1]);
        let expected = [row("a", &[0, 1]), row("b", &[0]), row("empty", &[0]), row("x", &[1])];
        assert_eq!(rows(&[ours, twice], &[]), expected, "no name of a node disappears");
    }

    #[test]
    fn what_peers_registered_is_found_once() {
        let registered = |byte: u8, name| Registered { md5: Md5::new([byte; 16]), name };
        let ours = shelf_of("Song.mp3,5\n", &[1]);
        let found = search("song", &[ours], &[registered(1, "song.mp3"), registered(2, "song two.mp3")], 0, 9).unwrap();
        let hits: Vec<_> = found.hits.iter().map(|hit| (hit.name.as_str(), hit.size_bytes, hit.md5)).collect();
        let md5 = |byte| Some(Md5::new([byte; 16]));
        assert_eq!(hits, [("Song.mp3", Some(5), md5(1)), ("song two.mp3", None, md5(2))]);
    }
}
