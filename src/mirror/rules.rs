//! What the operator wants mirrored: Forban's `filter` and `efilter`, portable names, kinds, sizes
//! and neighbours; in which order, how often, and what becomes of conflicts.

mod whom;

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use clap::ValueEnum;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

pub use self::whom::{Permits, Whom, WhomError};
use crate::wire::loot_path::Refusal;
use crate::wire::{Kind, LootPath};

/// Longest pattern, and the size of its compiled form: patterns come from the operator, but a
/// slip should not take the memory.
const PATTERN_MAX_BYTES: usize = 4_096;
const COMPILED_MAX_BYTES: usize = 1 << 20;

/// All that the operator says of mirroring.
#[derive(Clone, Debug)]
pub struct Rules {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
    portable_only: bool,
    /// Only these kinds; all if there is none.
    pub kinds: Vec<Kind>,
    /// Never these kinds.
    pub never_kinds: Vec<Kind>,
    /// Files of so many bytes.
    pub sizes: RangeInclusive<u64>,
    /// From whom.
    pub whom: Whom,
    /// What comes first.
    pub order: Order,
    /// Only while fewer nodes nearby hold a content; none: everything.
    pub copies: Option<NonZeroU32>,
    /// What becomes of other versions of a name.
    pub conflicts: ConflictPolicy,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// What is small.
    #[default]
    SmallFirst,
    /// What the fewest nodes nearby list under its name.
    RarestFirst,
    /// What was changed last, as far as nodes tell; the rest comes last.
    NewestFirst,
}

/// What becomes of another version of a name than the one here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictPolicy {
    /// It is kept beside the one here.
    #[default]
    KeepBoth,
    /// It is only shown.
    Skip,
    /// A newer one takes the place of a copy that nobody changed here; beside your own files it is
    /// kept.
    NewestFromOrigin,
}

/// A pattern that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// In Forban an empty `efilter` excludes everything; here it is a mistake.
    #[error("an empty pattern")]
    Empty,
    /// Over 4 KiB.
    #[error("a pattern of more than {PATTERN_MAX_BYTES} bytes")]
    TooLong,
    /// Not a regular expression.
    #[error("not a regular expression: {0}")]
    Syntax(#[from] regex::Error),
}

/// Why a name is not mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotWanted {
    /// The operator's rules leave it out.
    ByRule,
    /// Some system could not store it, or no node could list it.
    NotPortable(Refusal),
}

impl Default for Rules {
    /// Everything that every system can store.
    fn default() -> Self {
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            portable_only: true,
            kinds: Vec::new(),
            never_kinds: Vec::new(),
            sizes: 0..=u64::MAX,
            whom: Whom::default(),
            order: Order::default(),
            copies: None,
            conflicts: ConflictPolicy::default(),
        }
    }
}

impl Rules {
    /// Patterns are searched anywhere in the name, without regard to case. Without an include
    /// pattern everything is included; an exclude pattern wins.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn new(include: &[String], exclude: &[String], portable_only: bool) -> Result<Self, RuleError> {
        let compile =
            |patterns: &[String]| patterns.iter().map(|pattern| compile(pattern)).collect::<Result<Vec<_>, _>>();
        Ok(Self { include: compile(include)?, exclude: compile(exclude)?, portable_only, ..Self::default() })
    }

    /// Whether a file of that name is to be mirrored.
    ///
    /// # Errors
    /// [`NotWanted`] says why not.
    pub fn admit(&self, path: &LootPath) -> Result<(), NotWanted> {
        let name = path.as_str();
        let included = self.include.is_empty() || self.include.iter().any(|pattern| pattern.is_match(name));
        if !included || self.exclude.iter().any(|pattern| pattern.is_match(name)) {
            return Err(NotWanted::ByRule);
        }
        if !self.admit_kind(name) {
            return Err(NotWanted::ByRule);
        }
        if self.portable_only {
            path.portable().map_err(NotWanted::NotPortable)?;
        }
        // What we could not list would seem to be missing, and come again and again.
        path.listable().map_err(NotWanted::NotPortable)
    }

    /// Whether a file of so many bytes is to be mirrored.
    #[must_use]
    pub fn admit_size(&self, size_bytes: u64) -> bool {
        self.sizes.contains(&size_bytes)
    }

    fn admit_kind(&self, name: &str) -> bool {
        if self.kinds.is_empty() && self.never_kinds.is_empty() {
            return true;
        }
        let kind = Kind::of(name);
        (self.kinds.is_empty() || self.kinds.contains(&kind)) && !self.never_kinds.contains(&kind)
    }
}

/// Compiles one pattern as the rules use it; also how a flag is checked early.
///
/// # Errors
/// [`RuleError`].
pub fn compile(pattern: &str) -> Result<Regex, RuleError> {
    if pattern.is_empty() {
        return Err(RuleError::Empty);
    }
    if pattern.len() > PATTERN_MAX_BYTES {
        return Err(RuleError::TooLong);
    }
    Ok(RegexBuilder::new(pattern).case_insensitive(true).size_limit(COMPILED_MAX_BYTES).build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(include: &[&str], exclude: &[&str], name: &str) -> bool {
        let texts = |patterns: &[&str]| patterns.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        let rules = Rules::new(&texts(include), &texts(exclude), true).unwrap();
        rules.admit(&LootPath::parse(name.as_bytes()).unwrap()).is_ok()
    }

    #[test]
    fn include_and_exclude_are_searched_without_case_and_exclude_wins() {
        for (include, exclude, name, wanted) in [
            (&[][..], &[][..], "a.txt", true),
            (&[r"\.pdf$"], &[], "Docs/A.PDF", true),
            (&[r"\.pdf$"], &[], "a.txt", false),
            (&[r"\.pdf$", r"\.epub$"], &[], "a.epub", true),
            (&[], &["secret"], "my/SECRET/a", false),
            (&[r"\.pdf$"], &["draft"], "draft.pdf", false),
            (&[], &[], "What?.mp3", false),
        ] {
            assert_eq!(admits(include, exclude, name), wanted, "{include:?} {exclude:?} {name}");
        }
    }

    #[test]
    fn kinds_are_taken_or_left_and_leaving_wins() {
        for (kinds, never, name, wanted) in [
            (&[][..], &[][..], "a", true),
            (&[Kind::Audio, Kind::Video], &[], "a.mp3", true),
            (&[Kind::Audio, Kind::Video], &[], "a.pdf", false),
            (&[Kind::Audio], &[], "a", false),
            (&[], &[Kind::Program], "setup.exe", false),
            (&[], &[Kind::Program], "a", true),
            (&[Kind::Audio], &[Kind::Audio], "a.mp3", false),
        ] {
            let mut rules = Rules::new(&[], &[], true).unwrap();
            (rules.kinds, rules.never_kinds) = (kinds.to_vec(), never.to_vec());
            let path = LootPath::parse(name.as_bytes()).unwrap();
            assert_eq!(rules.admit(&path).is_ok(), wanted, "{kinds:?} {never:?} {name}");
        }
    }

    #[test]
    fn the_least_and_the_most_are_among_the_sizes() {
        let mut rules = Rules::new(&[], &[], true).unwrap();
        assert!(rules.admit_size(0) && rules.admit_size(u64::MAX));
        rules.sizes = 10..=20;
        assert_eq!([9, 10, 20, 21].map(|size| rules.admit_size(size)), [false, true, true, false]);
    }

    #[test]
    fn a_name_that_we_could_not_list_is_never_mirrored() {
        let any_name = Rules::new(&[], &[], false).unwrap();
        for (length, wanted) in [(245, true), (246, false), (255, false)] {
            let path = LootPath::parse("x".repeat(length).as_bytes()).unwrap();
            assert_eq!(any_name.admit(&path).is_ok(), wanted, "{length}");
        }
    }

    #[test]
    fn an_empty_pattern_is_a_mistake_not_a_filter_for_everything() {
        assert!(matches!(Rules::new(&[], &[String::new()], true), Err(RuleError::Empty)));
        assert!(matches!(Rules::new(&["(".into()], &[], true), Err(RuleError::Syntax(_))));
    }
}
