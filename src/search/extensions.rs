//! The kinds of many files: there are few extensions, and looking one up in the table of kinds
//! takes longer than remembering it.

use crate::wire::Kind;

/// Extensions that are remembered at once.
const PLACES: usize = 512;
/// Longer ones are looked up each time.
const EXTENSION_MAX: usize = 7;
/// Spreads keys over the places: the golden ratio, as a part of 2⁶⁴.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Extensions that were met lately, each in its place: another one may take it.
#[derive(Debug)]
pub(super) struct Extensions(Box<[(u64, Kind)]>);

impl Default for Extensions {
    fn default() -> Self {
        // No extension has this key.
        Self(vec![(0, Kind::Other); PLACES].into())
    }
}

impl Extensions {
    /// The kind of a file, as [`Kind::of`] says it.
    pub(super) fn kind_of(&mut self, file: &str) -> Kind {
        // What begins with its only point has no extension.
        let point = memchr::memrchr(b'.', file.as_bytes()).filter(|point| *point > 0);
        let extension = point.and_then(|point| file.as_bytes().get(point.saturating_add(1)..)).unwrap_or_default();
        if extension.is_empty() {
            return Kind::Other;
        }
        if extension.len() > EXTENSION_MAX {
            return Kind::of(file);
        }
        let mut key = extension.iter().fold(0, |key, byte| key << 8 | u64::from(*byte));
        key = key << 8 | extension.len() as u64;
        let place = usize::try_from(key.wrapping_mul(SPREAD) >> 55).unwrap_or_default();
        let Some((known, kind)) = self.0.get_mut(place) else { return Kind::of(file) };
        if *known != key {
            (*known, *kind) = (key, Kind::of(file));
        }
        *kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_of_the_table_however_often_they_are_asked_for() {
        let mut extensions = Extensions::default();
        let names =
            ["a.mkv", "a.MKV", "b.mp3", "c", ".mkv", "a.", "a.appimage", "a.flatpakrefs", "é.pdf", "a.pdf\0", "a.pdf"];
        for name in names.into_iter().chain(names) {
            assert_eq!(extensions.kind_of(name), Kind::of(name), "{name}");
        }
        for number in 0..2_000 {
            let name = format!("a.{number}");
            assert_eq!((extensions.kind_of(&name), extensions.kind_of("a.ogg")), (Kind::Other, Kind::Audio), "{name}");
        }
    }
}
