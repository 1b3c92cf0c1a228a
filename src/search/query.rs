//! What is typed into the field, as words: all must occur, in any order. `"words together"` are
//! one, `-word` must not occur.

use super::finder::{Finder, Sample};
use super::fold::fold;

/// Longest search text, in bytes.
pub const QUERY_MAX_BYTES: usize = 256;

/// Why a text cannot be searched.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum QueryError {
    /// Over 256 bytes.
    #[error("the search is longer than {QUERY_MAX_BYTES} bytes")]
    TooLong,
}

/// A text that was read.
#[derive(Clone, Debug)]
pub(super) struct Query {
    /// What must occur, the longest first: of long words there are few.
    pub(super) required: Vec<Term>,
    /// What must not.
    pub(super) excluded: Vec<Term>,
    /// What must occur, as it was typed, folded.
    pub(super) needle: String,
}

/// A word, or several together: folded.
#[derive(Clone, Debug)]
pub(super) struct Term {
    /// Folded.
    pub(super) text: String,
    finder: Finder,
}

impl Term {
    fn new(text: &str, sample: &Sample) -> Option<Self> {
        let text = fold(text);
        let finder = Finder::new(&text, sample);
        (!text.is_empty()).then_some(Self { text, finder })
    }

    /// Finds it fast.
    #[must_use]
    pub(super) fn finder(&self) -> &Finder {
        &self.finder
    }

    /// With a `/` in it: how the folder ends, and how the name in it begins.
    #[must_use]
    pub(super) fn across(&self) -> Option<(&str, &str)> {
        self.text.rsplit_once('/')
    }
}

impl Query {
    /// Reads a text; its words will be looked for in what that is a sample of.
    ///
    /// # Errors
    /// [`QueryError`].
    pub(super) fn parse(text: &str, sample: &Sample) -> Result<Self, QueryError> {
        if text.len() > QUERY_MAX_BYTES {
            return Err(QueryError::TooLong);
        }
        let (mut required, mut excluded) = (Vec::new(), Vec::new());
        for (is_excluded, word) in words(text) {
            if let Some(term) = Term::new(word, sample) {
                if is_excluded { &mut excluded } else { &mut required }.push(term);
            }
        }
        let needle = required.iter().map(|term| term.text.as_str()).collect::<Vec<_>>().join(" ");
        required.sort_by_key(|term| std::cmp::Reverse(term.text.len()));
        let mut query = Self { required: Vec::new(), excluded, needle };
        for term in required {
            // Who holds the longer one holds this one.
            if !query.required.iter().any(|longer| longer.text.contains(&term.text)) {
                query.required.push(term);
            }
        }
        Ok(query)
    }
}

/// The words in their order, each with whether it is excluded. A quote that nobody closes goes to
/// the end: somebody is still typing. Inside a word, `-` and `"` are what they are.
fn words(text: &str) -> Vec<(bool, &str)> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let unsigned = rest.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with(char::is_whitespace));
        let is_excluded = unsigned.is_some();
        let word = unsigned.unwrap_or(rest);
        let (word, after) = match word.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => word.split_at(word.find(char::is_whitespace).unwrap_or(word.len())),
        };
        words.push((is_excluded, word.trim()));
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_people_mean_it() {
        let texts = |terms: &[Term]| terms.iter().map(|term| term.text.clone()).collect::<Vec<_>>();
        for (text, required, excluded, needle) in [
            ("  Board  COOK ", &["board", "cook"][..], &[][..], "board cook"),
            ("\"on board\" -map", &["on board"], &["map"], "on board"),
            ("-\"old maps\" sea", &["sea"], &["old maps"], "sea"),
            ("a ab b", &["ab"], &[], "a ab b"),
            ("\"on bo", &["on bo"], &[], "on bo"),
            ("well-known 7\"", &["well-known", "7\""], &[], "well-known 7\""),
            ("a - b", &["a", "-", "b"], &[], "a - b"),
            ("-", &["-"], &[], "-"),
            ("\"\" \u{301}", &[], &[], ""),
            ("\"a\"b", &["a", "b"], &[], "a b"),
            ("", &[], &[], ""),
        ] {
            let query = Query::parse(text, &Sample::default()).unwrap();
            assert_eq!(
                (texts(&query.required), texts(&query.excluded)),
                (
                    required.iter().map(ToString::to_string).collect(),
                    excluded.iter().map(ToString::to_string).collect(),
                ),
                "{text}"
            );
            assert_eq!(query.needle, needle, "{text}");
        }
        assert_eq!(Query::parse(&"x".repeat(257), &Sample::default()).unwrap_err(), QueryError::TooLong);
    }
}
