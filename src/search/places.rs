//! In which folders of a catalogue the words occur: found once for a search, so that the files in
//! them need not be looked at for those words.

use std::time::Instant;

use super::catalogue::Catalogue;
use super::query::{Query, Term};

/// How many places of a catalogue a sample is taken from, and how many names at each.
const SAMPLES: usize = 8;
const SAMPLE_NAMES: usize = 128;

/// Numbers of folders, a bit each.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    fn put(&mut self, number: usize) {
        let word = number / 64;
        if self.0.len() <= word {
            self.0.resize(word.saturating_add(1), 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (number % 64);
        }
    }

    pub(super) fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|bits| bits >> (number % 64) & 1 == 1)
    }

    fn put_all(&mut self, others: &Self) {
        if self.0.len() < others.0.len() {
            self.0.resize(others.0.len(), 0);
        }
        self.0.iter_mut().zip(&others.0).for_each(|(bits, others)| *bits |= others);
    }
}

/// Where one term occurs.
#[derive(Debug)]
pub(super) struct Placed<'q> {
    pub(super) term: &'q Term,
    /// Folders in whose path it is.
    pub(super) inside: Numbers,
    /// Folders with which it begins, if the name of the file goes on with the rest of it.
    pub(super) across: Numbers,
}

impl<'q> Placed<'q> {
    fn new(term: &'q Term, catalogue: &Catalogue) -> Self {
        let paths = &catalogue.folders().paths;
        let (mut inside, mut across) = (Numbers::default(), Numbers::default());
        let all = 0..paths.len();
        let mut next = 0;
        while let Some(at) = term.finder().find(paths.bytes(&(next..all.end))) {
            let number = paths.number_over(next, at, next);
            inside.put(number);
            next = number.saturating_add(1);
        }
        if let Some((end, _)) = term.across() {
            all.filter(|number| *number > 0 && paths.get(*number).ends_with(end)).for_each(|number| across.put(number));
        }
        Self { term, inside, across }
    }

    /// Whether a file in that folder holds it, whose name is this.
    pub(super) fn is_in(&self, folder: usize, file: &[u8]) -> bool {
        let begins =
            |begin: &str| file.get(..begin.len()).is_some_and(|file| file.eq_ignore_ascii_case(begin.as_bytes()));
        let goes_on = || self.term.across().is_some_and(|(_, begin)| begins(begin));
        self.term.finder().is_in(file) || self.across.has(folder) && goes_on()
    }
}

/// Where all terms of a query occur.
#[derive(Debug)]
pub(super) struct Places<'q> {
    /// The rarest first, as far as a sample tells: the others are looked for only where it is.
    pub(super) required: Vec<Placed<'q>>,
    pub(super) excluded: Vec<Placed<'q>>,
    /// Folders that say anything about any term. In the others only the names of files count.
    pub(super) concerned: Numbers,
}

impl<'q> Places<'q> {
    /// None if the clock ended it: many words are looked for in all folders, one after another.
    pub(super) fn of(query: &'q Query, catalogue: &Catalogue, deadline: Instant) -> Option<Self> {
        let place = |term| (Instant::now() < deadline).then(|| Placed::new(term, catalogue));
        let placed = |terms: &'q [Term]| terms.iter().map(place).collect::<Option<Vec<_>>>();
        let (mut required, excluded) = (placed(&query.required)?, placed(&query.excluded)?);
        if required.len() > 1 {
            required.sort_by_cached_key(|placed| occurrences(placed.term, catalogue));
        }
        let mut concerned = Numbers::default();
        for placed in required.iter().chain(&excluded) {
            concerned.put_all(&placed.inside);
            concerned.put_all(&placed.across);
        }
        Some(Self { required, excluded, concerned })
    }
}

/// How many names of a sample hold a term.
fn occurrences(term: &Term, catalogue: &Catalogue) -> usize {
    let apart = (catalogue.len() / SAMPLES).max(1);
    let samples = (0..catalogue.len()).step_by(apart);
    let positions = samples.flat_map(|first| first..first.saturating_add(SAMPLE_NAMES.min(apart)).min(catalogue.len()));
    positions.filter(|position| term.finder().is_in(catalogue.file_name(*position))).count()
}
