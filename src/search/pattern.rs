//! A text read as a regular expression over whole lines, `<name>,<size>`, as Forban reads it: in
//! linear time, bounded in size and duration.

use std::ops::Range;
use std::time::{Duration, Instant};

use grep_matcher::{LineMatchKind, Matcher as _};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};

use super::catalogue::Catalogue;
use super::line_table::{LineTable, Verdict};
use super::matching::Match;
use super::query::QUERY_MAX_BYTES;
use crate::wire::Index;

/// Compiled size and nesting of a regular expression from a stranger.
const COMPILED_MAX_BYTES: usize = 1 << 20;
const NEST_MAX: u32 = 32;
/// Lines that are read between two looks at the clock: one at first, for a pattern may take long …
const LINES_MAX: usize = 16_384;
/// … and twice as many as long as they took less than this.
const SOON: Duration = Duration::from_millis(1);
/// What it finds is worth no more than what holds the words in its folders.
const CLASS: u8 = 4;

/// A pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    matcher: RegexMatcher,
    /// Reads lines faster, where it can.
    table: Option<LineTable>,
    /// It asks for the ends of a text: each line has to be read by itself.
    by_line: bool,
}

impl Pattern {
    /// Reads one, if the text looks as if it were meant so.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let looks_so = text.contains(['\\', '.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '^', '$', '|', ',']);
        if !looks_so || text.len() > QUERY_MAX_BYTES {
            return None;
        }
        let matcher = RegexMatcherBuilder::new()
            .case_insensitive(true)
            .multi_line(true)
            // A line is one text here: `^` and `$` are its ends, and nothing matches beyond them.
            .line_terminator(Some(b'\n'))
            .size_limit(COMPILED_MAX_BYTES)
            .dfa_size_limit(COMPILED_MAX_BYTES)
            .nest_limit(NEST_MAX)
            .build(text)
            .ok()?;
        let by_line = ["\\A", "\\z", "(?"].iter().any(|ends| text.contains(ends));
        let table = if by_line { None } else { LineTable::of(text, NEST_MAX) };
        Some(Self { matcher, table, by_line })
    }

    fn is_match(&self, line: &str) -> bool {
        self.matcher.is_match(line.as_bytes()).unwrap_or(false)
    }

    /// What it matches in a name, as ranges of bytes; `line` is the line of that name.
    pub(super) fn marks(&self, name: &str, line: &str) -> Vec<Range<usize>> {
        let mut marks = Vec::new();
        let inside = |at: usize| at.min(name.len());
        let _ = self.matcher.find_iter(line.as_bytes(), |found| {
            let range = inside(found.start())..inside(found.end());
            if name.get(range.clone()).is_some() {
                marks.push(range);
            }
            true
        });
        super::fold::joined(marks)
    }

    /// The lines of an index that match, among some positions, and whether the clock ended it.
    pub(super) fn matches(&self, catalogue: &Catalogue, among: Range<usize>, deadline: Instant) -> (Vec<Match>, bool) {
        let mut found = Vec::new();
        let is_late = in_steps(among, deadline, |positions| {
            self.lines(catalogue.index(), &positions, |position| {
                found.push(Match::new(position, catalogue.file_name(position), CLASS));
            });
        });
        (found, is_late)
    }

    /// The same of names that are in no index.
    pub(super) fn matches_names<'n>(
        &self,
        name: impl Fn(usize) -> Option<&'n str>,
        catalogue: &Catalogue,
        among: Range<usize>,
        deadline: Instant,
    ) -> (Vec<Match>, bool) {
        let mut found = Vec::new();
        let is_late = in_steps(among, deadline, |positions| {
            let matching = positions.filter(|position| name(*position).is_some_and(|name| self.is_match(name)));
            found.extend(matching.map(|position| Match::new(position, catalogue.file_name(position), CLASS)));
        });
        (found, is_late)
    }

    fn lines(&self, index: &Index, positions: &Range<usize>, mut take: impl FnMut(usize)) {
        let is_match = |position: usize| index.get(position).is_some_and(|entry| self.is_match(entry.line));
        if self.by_line {
            return positions.clone().filter(|position| is_match(*position)).for_each(take);
        }
        if let Some(table) = &self.table {
            return table.read(index, positions, |position, verdict| {
                if verdict == Verdict::Matches || is_match(position) {
                    take(position);
                }
            });
        }
        let span = index.span_of(positions);
        let mut next = span.start;
        // Behind the last newline there is no empty line.
        let end = span.end.saturating_sub(1);
        while let Some(text) = index.text().get(next..end).filter(|text| !text.is_empty()) {
            let (at, is_certain) = match self.matcher.find_candidate_line(text) {
                Ok(Some(LineMatchKind::Confirmed(at))) => (at, true),
                Ok(Some(LineMatchKind::Candidate(at))) => (at, false),
                Ok(None) | Err(_) => return,
            };
            // What ends a line belongs to it.
            let Some(position) = index.position_over(next.saturating_add(at)) else { return };
            if is_certain || is_match(position) {
                take(position);
            }
            next = index.span_of(&(position..position.saturating_add(1))).end;
        }
    }
}

/// Goes through positions in steps that are longer as long as they take a moment; true if the
/// clock ended it.
fn in_steps(among: Range<usize>, deadline: Instant, mut step: impl FnMut(Range<usize>)) -> bool {
    let (mut from, mut length, mut before) = (among.start, 1_usize, Instant::now());
    while from < among.end {
        if before >= deadline {
            return true;
        }
        let to = from.saturating_add(length).min(among.end);
        step(from..to);
        from = to;
        let now = Instant::now();
        let is_soon = now.saturating_duration_since(before) < SOON;
        length = if is_soon { length.saturating_mul(2).min(LINES_MAX) } else { (length / 2).max(1) };
        before = now;
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn sorted(mut found: Vec<Match>) -> Vec<u32> {
        found.sort_unstable_by_key(|found| found.position);
        found.into_iter().map(|found| found.position).collect()
    }

    #[test]
    fn whole_text_and_line_by_line_find_the_same() {
        let text: String = (0..300)
            .map(|n| format!("Dir {}/file {n}.{},{n}\n", n % 7, if n % 3 == 0 { "Mp3" } else { "txt" }))
            .collect();
        let catalogue = Catalogue::of_index(&Arc::new(Index::parse(text.as_bytes()).unwrap().0));
        for pattern in [
            r"\.mp3,",
            "^dir 3",
            ",29.$",
            r"file \d\d\.",
            "[^x]+mp3",
            r"(1|2)\s?\.",
            "^.{0,11}$",
            "^.{0,18}$",
            r"\bfile\b.*7",
            "f.*[^,]$",
            "x{0}",
        ] {
            let whole = Pattern::parse(pattern).unwrap();
            let by_line = Pattern { by_line: true, ..Pattern::parse(pattern).unwrap() };
            let deadline = Instant::now() + Duration::from_secs(60);
            let found = |pattern: &Pattern| sorted(pattern.matches(&catalogue, 10..290, deadline).0);
            assert_eq!(found(&whole), found(&by_line), "{pattern}");
            assert_eq!(found(&whole).is_empty(), pattern == "^.{0,11}$", "{pattern}");
        }
        let ends = Pattern::parse(r"\Adir 3.*1\z").unwrap();
        assert_eq!(ends.matches(&catalogue, 0..300, Instant::now() + Duration::from_secs(60)).0.len(), 4);
        assert!(Pattern::parse("plain words").is_none() && Pattern::parse("(").is_none());
    }

    #[test]
    fn what_is_late_says_so() {
        let index = Arc::new(Index::parse(b"a,1\nb,1\n").unwrap().0);
        let found = Pattern::parse(".").unwrap().matches(&Catalogue::of_index(&index), 0..2, Instant::now());
        assert_eq!(found, (vec![], true));
    }

    #[test]
    fn a_pattern_marks_what_it_matches_in_the_name() {
        for (pattern, marked) in [(r"\d+|7", &["10"][..]), (r"\.pdf,7", &[".pdf"]), (",7", &[]), ("a|p.", &["a", "pd"])]
        {
            let marks = Pattern::parse(pattern).unwrap().marks("a-10.pdf", "a-10.pdf,7");
            assert_eq!(marks.into_iter().map(|mark| &"a-10.pdf"[mark]).collect::<Vec<_>>(), marked, "{pattern}");
        }
    }
}
