//! What a page of a folder is asked to show: which folder, in which order, which words.

use memchr::memmem::Finder;

use super::super::error::HttpError;
use super::super::page::page_number;
use super::folder::{By, Sort};
use crate::wire::{LootPath, url};

/// Words that filter are not longer.
const WORDS_MAX_CHARS: usize = 200;

/// A query, read: `d` folder, `s` order, `o` the other way round, `w` words, `view`, `p` page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Empty: the top.
    pub(super) folder: String,
    pub(super) sort: Sort,
    /// Only names that hold each of them.
    pub(super) words: String,
    /// Pictures beside each other instead of rows.
    pub(super) is_grid: bool,
    pub(super) page: usize,
}

impl Asked {
    /// Reads a query; what is odd in it is left out, but a folder that cannot be is not found.
    pub(super) fn parse(query: &str) -> Result<Self, HttpError> {
        let value = |key| url::query_first(query, key).map(|value| String::from_utf8_lossy(&value).into_owned());
        let folder = match url::query_first(query, "d").as_deref() {
            None | Some(b"") => String::new(),
            Some(folder) => LootPath::parse(folder).map_err(|_| HttpError::NotFound)?.to_string(),
        };
        let by = match value("s").as_deref() {
            Some("size") => By::Size,
            Some("age") => By::Age,
            _ => By::Name,
        };
        let words = value("w").unwrap_or_default();
        Ok(Self {
            folder,
            sort: Sort { by, is_reversed: value("o").as_deref() == Some("back") },
            words: words.trim().chars().take(WORDS_MAX_CHARS).collect(),
            is_grid: value("view").as_deref() == Some("grid"),
            page: page_number(query),
        })
    }

    /// What a form sends along that filters by other words.
    pub(super) fn kept(&self) -> Vec<(&'static str, String)> {
        self.with(|asked| asked.words = String::new()).pairs()
    }

    /// All of the folder again.
    pub(super) fn without_words(&self, base: &str) -> String {
        self.with(|asked| asked.words = String::new()).href(base)
    }

    /// The address of that page.
    pub(super) fn href(&self, base: &str) -> String {
        let pairs = self.pairs();
        let query: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}={}", url::query_value(value))).collect();
        if query.is_empty() { base.to_owned() } else { format!("{base}?{}", query.join("&")) }
    }

    /// What is said in a query: only what is not as always.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let by = match self.sort.by {
            By::Name => "",
            By::Size => "size",
            By::Age => "age",
        };
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        let pairs = [
            ("d", self.folder.as_str()),
            ("s", by),
            ("o", if self.sort.is_reversed { "back" } else { "" }),
            ("w", &self.words),
            ("view", if self.is_grid { "grid" } else { "" }),
            ("p", &page),
        ];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key, value.to_owned())).collect()
    }

    /// Its first page with something otherwise.
    pub(super) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = Self { page: 1, ..self.clone() };
        change(&mut other);
        other
    }

    /// Another folder in the same order; words are of the folder that was left.
    pub(super) fn folder_href(&self, base: &str, folder: &str) -> String {
        let other = self.with(|asked| {
            asked.folder = folder.to_owned();
            asked.words = String::new();
        });
        other.href(base)
    }
}

/// Which names hold all the words that are asked for.
pub(super) struct Filter {
    words: Vec<Finder<'static>>,
    /// The name that is looked at, in lower case.
    name: Vec<u8>,
}

impl Filter {
    pub(super) fn new(words: &str) -> Self {
        let words = words.to_lowercase();
        Self { words: words.split_whitespace().map(|word| Finder::new(word).into_owned()).collect(), name: Vec::new() }
    }

    pub(super) fn lets(&mut self, name: &[u8]) -> bool {
        self.name.clear();
        if name.is_ascii() {
            self.name.extend_from_slice(name);
            self.name.make_ascii_lowercase();
        } else {
            let lower = std::str::from_utf8(name).unwrap_or_default().to_lowercase();
            self.name.extend_from_slice(lower.as_bytes());
        }
        self.words.iter().all(|word| word.find(&self.name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        for query in
            ["", "?d=a/b%20c", "?s=size&o=back", "?d=a&s=age&w=two%20words&view=grid&p=7", "?o=back&w=%26%3D%3Cb%3E"]
        {
            let asked = Asked::parse(query.trim_start_matches('?')).unwrap();
            assert_eq!(asked.href("/l/"), format!("/l/{query}"));
        }
        assert_eq!(Asked::parse("s=odd&o=odd&view=odd&p=-3&x=y").unwrap(), Asked { page: 1, ..Asked::default() });
        assert!(Asked::parse("d=../x").is_err());
        let asked = Asked::parse("d=a&s=size&w=x&p=3").unwrap();
        assert_eq!(asked.folder_href("/l/", "a/b"), "/l/?d=a/b&s=size");
    }

    #[test]
    fn all_words_must_be_in_a_name_whatever_their_case() {
        let mut filter = Filter::new("HAR  é");
        for (name, is_let) in [("Le Harbour d'Été", true), ("Harbour", false), ("ÉHAR", true), ("harbour, e", false)]
        {
            assert_eq!(filter.lets(name.as_bytes()), is_let, "{name}");
        }
        let mut plain = Filter::new("Har k");
        // Of the sign for kelvin the small letter is a plain k.
        for (name, is_let) in [("HARK", true), ("har", false), ("har \u{212a}", true)] {
            assert_eq!(plain.lets(name.as_bytes()), is_let, "{name}");
        }
        assert!(Filter::new("").lets(b"anything"));
    }
}
