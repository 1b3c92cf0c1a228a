//! Reads many lines by a table: for each state of a regular expression and each byte, the state
//! that follows.
//!
//! A table can go no faster than one look-up follows another. So four stretches of lines are read at
//! once, one byte of each in turn, which do not wait for one another. A pattern from which no table
//! of a moderate size can be made, and one that has a literal to jump to, is not read so.

mod expression;

use std::ops::Range;

use regex_automata::dfa::dense::{self, DFA};
use regex_automata::dfa::{Automaton as _, StartKind};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::{Input, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use self::expression::{begins_with_a_literal, within_line};
use crate::wire::Index;

/// Of the expression before the table is made, of the table, and of what is needed to make it: a
/// stranger's pattern shall not keep us busy, and what is read all the time shall stay near.
const EXPRESSION_MAX_BYTES: usize = 128 << 10;
const TABLE_MAX_BYTES: usize = 256 << 10;
const MAKING_MAX_BYTES: usize = 512 << 10;
/// Lines of a stretch.
const STRETCH_LINES: usize = 64;
/// Stretches that are read at once.
const AT_ONCE: usize = 4;

/// What the table says of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It matches.
    Matches,
    /// It has letters of which the table knows nothing.
    Unknown,
}

/// A pattern as a table.
#[derive(Debug)]
pub(super) struct LineTable {
    table: DFA<Vec<u32>>,
    /// At the beginning of a line.
    start: StateID,
}

impl LineTable {
    /// Of a pattern that is read without regard to case, if it is worth it and small enough.
    pub(super) fn of(pattern: &str, nest_max: u32) -> Option<Self> {
        let mut parser = ParserBuilder::new();
        let parser = parser.case_insensitive(true).multi_line(true).utf8(false).nest_limit(nest_max);
        let expression = parser.build().parse(pattern).ok()?;
        if begins_with_a_literal(&expression) {
            return None;
        }
        let knows_words = !expression.properties().look_set().contains_word_unicode();
        let of_all = || Self::made(&within_line(&expression, char::MAX), None);
        let of_ascii = || Self::made(&within_line(&expression, '\x7f'), Some(0x80..0xff));
        knows_words.then(of_all).flatten().or_else(of_ascii)
    }

    /// `unknown`: bytes at which it ends without an answer.
    fn made(expression: &Hir, unknown: Option<Range<u8>>) -> Option<Self> {
        let limits = thompson::Config::new().utf8(false).nfa_size_limit(Some(EXPRESSION_MAX_BYTES));
        let nfa = thompson::Compiler::new().configure(limits).build_from_hir(expression).ok()?;
        let mut config = dense::Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .start_kind(StartKind::Unanchored)
            .accelerate(false)
            .unicode_word_boundary(unknown.is_some())
            .dfa_size_limit(Some(TABLE_MAX_BYTES))
            .determinize_size_limit(Some(MAKING_MAX_BYTES));
        for byte in unknown.into_iter().flat_map(|bytes| bytes.start..=bytes.end) {
            config = config.quit(byte, true);
        }
        let table = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
        // What comes before a line is the end of another.
        let start = table.start_state_forward(&Input::new(b"\n").range(1..)).ok()?;
        Some(Self { table, start })
    }

    /// Reads the lines at some positions, and tells those that match or are not known, in no order.
    pub(super) fn read(&self, index: &Index, positions: &Range<usize>, mut take: impl FnMut(usize, Verdict)) {
        let mut lines = Stretches { index, left: positions.clone() };
        let mut readers: [Reader<'_>; AT_ONCE] = std::array::from_fn(|_| Reader::new(self.start));
        loop {
            for reader in readers.iter_mut().filter(|reader| reader.text.is_empty()) {
                match lines.next() {
                    Some(stretch) => reader.begin(index, stretch, self.start),
                    None => reader.is_done = true,
                }
            }
            // When less are left than are read at once, each is read to its end.
            if readers.iter().any(|reader| reader.is_done) {
                return readers.iter_mut().for_each(|reader| {
                    while !reader.text.is_empty() {
                        self.step_alone(reader);
                        self.look(index, reader, &mut take);
                    }
                });
            }
            self.step(&mut readers);
            readers.iter_mut().for_each(|reader| self.look(index, reader, &mut take));
        }
    }

    /// Goes on until one of them has an answer, or is at its end.
    fn step(&self, readers: &mut [Reader<'_>; AT_ONCE]) {
        let [one, two, three, four] = readers;
        let (mut a, mut b, mut c, mut d) = (one.state, two.state, three.state, four.state);
        let (table, mut steps) = (&self.table, 0_usize);
        for (((in_a, in_b), in_c), in_d) in one.text.iter().zip(two.text).zip(three.text).zip(four.text) {
            a = table.next_state(a, *in_a);
            b = table.next_state(b, *in_b);
            c = table.next_state(c, *in_c);
            d = table.next_state(d, *in_d);
            steps = steps.wrapping_add(1);
            let is_special = table.is_special_state(a)
                | table.is_special_state(b)
                | table.is_special_state(c)
                | table.is_special_state(d);
            if is_special {
                break;
            }
        }
        for (reader, state) in [one, two, three, four].into_iter().zip([a, b, c, d]) {
            reader.went(steps, state);
        }
    }

    fn step_alone(&self, reader: &mut Reader<'_>) {
        let (mut state, mut steps) = (reader.state, 0_usize);
        for byte in reader.text {
            state = self.table.next_state(state, *byte);
            steps = steps.wrapping_add(1);
            if self.table.is_special_state(state) {
                break;
            }
        }
        reader.went(steps, state);
    }

    /// Where there is an answer, tells it and goes on with the next line.
    fn look(&self, index: &Index, reader: &mut Reader<'_>, take: &mut impl FnMut(usize, Verdict)) {
        let (table, state) = (&self.table, reader.state);
        if !table.is_special_state(state) {
            return;
        }
        // A state is known one byte after what it says; that one belongs to the line too.
        reader.position = index.position_over_from(reader.at.saturating_sub(1), reader.position);
        if table.is_match_state(state) {
            take(reader.position, Verdict::Matches);
        } else if table.is_quit_state(state) {
            take(reader.position, Verdict::Unknown);
        }
        let line_end = index.span_of(&(reader.position..reader.position.saturating_add(1))).end;
        reader.went(line_end.saturating_sub(reader.at), self.start);
    }
}

/// Who reads a stretch of lines.
struct Reader<'t> {
    /// What is left of it.
    text: &'t [u8],
    /// Where that begins in the index.
    at: usize,
    state: StateID,
    /// The last line that was told.
    position: usize,
    is_done: bool,
}

impl<'t> Reader<'t> {
    fn new(state: StateID) -> Self {
        Self { text: &[], at: 0, state, position: 0, is_done: false }
    }

    fn begin(&mut self, index: &'t Index, positions: Range<usize>, state: StateID) {
        let span = index.span_of(&positions);
        *self = Self {
            at: span.start,
            position: positions.start,
            text: index.text().get(span).unwrap_or_default(),
            state,
            is_done: false,
        };
    }

    fn went(&mut self, bytes: usize, state: StateID) {
        self.text = self.text.get(bytes..).unwrap_or_default();
        self.at = self.at.saturating_add(bytes);
        self.state = state;
    }
}

/// Lines, so many at a time.
struct Stretches<'i> {
    index: &'i Index,
    left: Range<usize>,
}

impl Iterator for Stretches<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let from = self.left.start;
        self.left.start = from.saturating_add(STRETCH_LINES).min(self.left.end).min(self.index.len());
        (from < self.left.start).then_some(from..self.left.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(lines: &str) -> Index {
        Index::parse(lines.as_bytes()).unwrap().0
    }

    fn read(table: &LineTable, index: &Index, positions: Range<usize>) -> Vec<(usize, Verdict)> {
        let mut found = Vec::new();
        table.read(index, &positions, |position, verdict| found.push((position, verdict)));
        found.sort_unstable_by_key(|(position, _)| *position);
        found
    }

    #[test]
    fn lines_that_match_are_told_once_and_those_that_are_unknown() {
        let index = index("Dir/b-12,7\na1,1\nc,12\né2,2\nxé,3\nz 9,9\n");
        let of = |positions: &[usize], verdict| positions.iter().map(|at| (*at, verdict)).collect::<Vec<_>>();
        for (pattern, expected) in [
            (r"\d\d,", of(&[0], Verdict::Matches)),
            (r",\d+$", of(&[0, 1, 2, 3, 4, 5], Verdict::Matches)),
            (r"^.\d", of(&[1, 5], Verdict::Matches)),
            (r"[^,]{4}", of(&[0], Verdict::Matches)),
            ("x{0}", of(&[0, 1, 2, 3, 4, 5], Verdict::Matches)),
            (r"\s9", of(&[4], Verdict::Matches)),
            ("[^b]*é.", of(&[3, 5], Verdict::Matches)),
            (r"\b\d\b", [of(&[0, 1, 3, 4, 5], Verdict::Unknown)].concat()),
        ] {
            let Some(table) = LineTable::of(pattern, 32) else { panic!("no table of {pattern}") };
            let found = read(&table, &index, 0..index.len());
            if expected.iter().all(|(_, verdict)| *verdict == Verdict::Matches) {
                assert_eq!(found, expected, "{pattern}");
            } else {
                assert!(found.iter().any(|(_, verdict)| *verdict == Verdict::Unknown), "{pattern}: {found:?}");
            }
        }
    }

    #[test]
    fn what_is_too_large_or_begins_with_a_literal_gets_no_table() {
        for pattern in ["harbour.*7", "(sea|Lake) [0-9]", "[ab].{300}c", "(a?){200}b.{200}[0-9]"] {
            assert!(LineTable::of(pattern, 32).is_none(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn lines_are_read_as_one_by_one(
            names in proptest::collection::btree_set("[ab1 ]{1,6}(é[a1]{0,2})?", 0..300),
            pattern in prop_oneof![Just(".1"), Just("^.[^a]"), Just("[^a]1?$"), Just(r"\w \w"), Just(r"\d$"), Just(r".\bb")],
            from in 0_usize..40,
        ) {
            let lines: String = names.iter().map(|name| format!("{name},1\n")).collect();
            let Ok((index, _)) = Index::parse(lines.as_bytes()) else { return Ok(()) };
            let plain = regex::RegexBuilder::new(pattern).case_insensitive(true).build().unwrap();
            let from = from.min(index.len());
            let found = read(&LineTable::of(pattern, 32).unwrap(), &index, from..index.len());
            let is_match = |at: usize| plain.is_match(index.get(at).unwrap().line);
            let told = |at: usize| found.iter().find(|(position, _)| *position == at).map(|(_, verdict)| *verdict);
            for at in from..index.len() {
                match told(at) {
                    Some(Verdict::Matches) => prop_assert!(is_match(at)),
                    Some(Verdict::Unknown) => prop_assert!(!index.get(at).unwrap().line.is_ascii()),
                    None => prop_assert!(!is_match(at)),
                }
            }
            prop_assert!(found.windows(2).all(|two| two[0].0 < two[1].0));
        }
    }
}
