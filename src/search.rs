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

use crate::wire::Index;
use crate::wire::index::Entry;

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
#[derive(Clone, Debug)]
pub struct Shelf {
    /// What stands on it.
    pub index: Arc<Index>,
}

/// One file that was found: equal name and size are taken for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
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

/// Searches the shelves; the page is `skip` and `take` hits of all.
///
/// # Errors
/// [`QueryError`].
pub fn search(query: &str, shelves: &[Shelf], skip: usize, take: usize) -> Result<Found, QueryError> {
    if query.len() > QUERY_MAX_BYTES {
        return Err(QueryError::TooLong);
    }
    let deadline = Instant::now() + TIME_MAX;
    let words: Vec<Regex> = query.split_whitespace().filter_map(word_pattern).collect();
    let mut gathered =
        gather(shelves, deadline, LINES_PER_LOOK, |entry| words.iter().all(|word| word.is_match(entry.name)));
    if gathered.total == 0 && looks_like_regex(query) {
        // A line is one text here: `^` and `$` are its ends, as in Forban.
        if let Some(pattern) = line_pattern(query) {
            // A pattern may take long on a single line.
            gathered = gather(shelves, deadline, 1, |entry| pattern.is_match(entry.line));
            gathered.as_regex = gathered.total > 0;
        }
    }
    let mut hits = gathered.hits;
    let needle = query.trim().to_lowercase();
    hits.sort_by_cached_key(|group| rank(group, &needle));
    let page = hits.into_iter().skip(skip).take(take).map(|group| group.into_hit(shelves)).collect();
    Ok(Found { hits: page, total: gathered.total, as_regex: gathered.as_regex, cut_short: gathered.cut_short })
}

/// Files of equal name and size: the first entry, and on which shelves they stand.
struct Group<'s> {
    entry: Entry<'s>,
    shelves: Vec<usize>,
}

impl Group<'_> {
    fn into_hit(self, shelves: &[Shelf]) -> Hit {
        let listed = |shelf: &usize| {
            let index = &shelves.get(*shelf)?.index;
            Some((*shelf, index.find(self.entry.name)?.listed_name()))
        };
        Hit {
            name: self.entry.name.to_owned(),
            size_bytes: self.entry.size_bytes,
            holders: self.shelves.iter().filter_map(listed).collect(),
        }
    }
}

#[derive(Default)]
struct Gathered<'s> {
    hits: Vec<Group<'s>>,
    total: usize,
    as_regex: bool,
    cut_short: bool,
}

fn gather<'s>(
    shelves: &'s [Shelf],
    deadline: Instant,
    lines_per_look: usize,
    matches: impl Fn(&Entry<'s>) -> bool,
) -> Gathered<'s> {
    let mut gathered = Gathered::default();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for (shelf, Shelf { index }) in shelves.iter().enumerate() {
        for (line, entry) in index.iter().enumerate() {
            if line % lines_per_look == 0 && Instant::now() >= deadline {
                gathered.cut_short = true;
                return gathered;
            }
            if !matches(&entry) {
                continue;
            }
            match positions.get(entry.line) {
                Some(position) => {
                    if let Some(group) = gathered.hits.get_mut(*position) {
                        group.shelves.push(shelf);
                    }
                }
                None => {
                    gathered.total = gathered.total.saturating_add(1);
                    if gathered.hits.len() < RANKED_MAX {
                        positions.insert(entry.line, gathered.hits.len());
                        gathered.hits.push(Group { entry, shelves: vec![shelf] });
                    }
                }
            }
        }
    }
    gathered
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
    let name = group.entry.name.to_lowercase();
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
    (class, std::cmp::Reverse(group.shelves.len()), name.len(), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(text: &str) -> Shelf {
        Shelf { index: Arc::new(Index::parse(text.as_bytes()).unwrap().0) }
    }

    fn names(query: &str, shelves: &[Shelf]) -> Vec<String> {
        search(query, shelves, 0, 100).unwrap().hits.into_iter().map(|hit| hit.name).collect()
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
            let found = search(query, &shelves, 0, 10).unwrap();
            assert!(found.as_regex, "{query}");
            assert_eq!(found.hits.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), expected, "{query}");
        }
    }

    #[test]
    fn what_is_found_literally_is_not_read_as_a_regex() {
        let shelves = [shelf("c++ (2nd).txt,6\nccc.txt,1\n")];
        let found = search("c++ (2nd)", &shelves, 0, 10).unwrap();
        assert_eq!((found.total, found.as_regex), (1, false));
    }

    #[test]
    fn equal_files_are_one_hit_with_all_holders() {
        let shelves = [shelf("a,1\n"), shelf("/a,1\nb,2\n"), shelf("a,2\n")];
        let found = search("a", &shelves, 0, 10).unwrap();
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
        let page = |skip| search("file", &shelves, skip, 10).unwrap();
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
            let _ = search(bomb, &shelves, 0, 10);
            assert!(began.elapsed() < Duration::from_secs(10), "{bomb:.20} never ends");
        }
        assert_eq!(search(&"x".repeat(257), &shelves, 0, 10), Err(QueryError::TooLong));
    }
}
