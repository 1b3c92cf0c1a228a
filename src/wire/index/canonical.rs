//! Reading an index that is in the very form we write: each line as it must be, names rising.
//!
//! Such a text is kept as it came, after one look at each byte. Everything else is for
//! [`Index::parse`]'s long way, which knows what to make of it.

use bytes::Bytes;

use super::{INDEX_MAX_BYTES, INDEX_MAX_ENTRIES, Index, LINE_MAX_BYTES, Slot};
use crate::wire::LootPath;
use crate::wire::loot_path::{PATH_MAX_BYTES, is_plain_component};

/// Where the lines of a text are.
pub(super) struct Lines {
    slots: Vec<Slot>,
    total_bytes: u64,
}

impl Lines {
    /// The index that has this text.
    pub(super) fn with(self, text: Bytes) -> Index {
        Index { text, slots: self.slots.into(), total_bytes: self.total_bytes }
    }
}

/// The lines of `body`; `None` if anything about it is not as we write it.
pub(super) fn lines(body: &[u8]) -> Option<Lines> {
    if body.len() > INDEX_MAX_BYTES || body.last().is_some_and(|last| *last != b'\n') {
        return None;
    }
    let mut lines = Lines { slots: Vec::new(), total_bytes: 0 };
    let (mut start, mut before) = (0_usize, Name::default());
    for end in memchr::memchr_iter(b'\n', body) {
        let (listed, size_bytes) = split(body.get(start..end)?)?;
        before = before.followed_by(listed)?;
        if lines.slots.len() >= INDEX_MAX_ENTRIES {
            return None;
        }
        let (start_at, name_len) = (u32::try_from(start).ok()?, u16::try_from(listed.len()).ok()?);
        lines.slots.push(Slot { start: start_at, name_len, slashed: false, size_bytes });
        lines.total_bytes = lines.total_bytes.saturating_add(size_bytes);
        start = end.saturating_add(1);
    }
    Some(lines)
}

/// One line without its newline: what is before the last comma, and the size if it is as we write it.
fn split(line: &[u8]) -> Option<(&[u8], u64)> {
    if line.len() > LINE_MAX_BYTES {
        return None;
    }
    let comma = line.iter().rposition(|byte| *byte == b',')?;
    let (listed, size) = line.split_at(comma);
    let size = size.get(1..)?;
    let is_as_written = size.len() == 1 || size.first() != Some(&b'0');
    is_as_written.then_some((listed, super::parse_size(size)?))
}

/// A name that may be listed: its folder with the slash, and the rest.
#[derive(Default)]
struct Name<'n> {
    folder: &'n [u8],
    rest: &'n [u8],
}

impl<'n> Name<'n> {
    /// The next one, if it may be listed and comes after this one. Nearly all lie in the folder of
    /// the one before, so of most names only the last part is looked at.
    fn followed_by(&self, listed: &'n [u8]) -> Option<Self> {
        if let Some(rest) = listed.strip_prefix(self.folder)
            && !self.folder.is_empty()
            && listed.len() <= PATH_MAX_BYTES
            && is_plain_component(rest)
        {
            return (rest > self.rest).then_some(Self { folder: self.folder, rest });
        }
        let name = LootPath::check(listed).ok()?;
        let rises = name.len() == listed.len() && listed.iter().gt(self.folder.iter().chain(self.rest));
        let (folder, rest) =
            listed.split_at(listed.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at.saturating_add(1)));
        rises.then_some(Self { folder, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_we_write_is_kept_as_it_is() {
        let text = Bytes::from_static("a,b,0\nd/é,1\nd0,9223372036854775807\n".as_bytes());
        let (index, _) = Index::parse_owned(text.clone()).unwrap();
        assert_eq!((index.text().as_ptr(), index.len()), (text.as_ptr(), 3));
        assert_eq!(index.find("d/é").unwrap().size_bytes, 1);
        assert!(lines(b"").is_some());
    }

    #[test]
    fn anything_else_goes_the_long_way() {
        for body in
            ["a,1", "\na,1\n", "a,1\r\n", "/a,1\n", "a,01\n", "a,00\n", "b,1\na,1\n", "a,1\na,1\n", "a\n", ".a,1\n"]
        {
            assert!(lines(body.as_bytes()).is_none(), "{body:?}");
        }
    }

    #[test]
    fn in_the_folder_of_the_line_before_a_name_is_looked_at_all_the_same() {
        let long = "x".repeat(PATH_MAX_BYTES - 1);
        for name in [".x", "é\u{202e}", "a\\b", "", "a", &long, "b/../c", "b//c", "\x1b"] {
            assert!(lines(format!("d/a,1\nd/{name},2\n").as_bytes()).is_none(), "{name:?}");
        }
        for name in ["aa", "é", "b/c", "b:c"] {
            assert!(lines(format!("d/a,1\nd/{name},2\n").as_bytes()).is_some(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_agree(names in proptest::collection::btree_set("[ab]/[a-c/é.-]{1,3}|[a-c/é.-]{1,3}", 0..6)) {
            let body: String = names.iter().map(|name| format!("{name},7\n")).collect();
            if let Some(lines) = lines(body.as_bytes()) {
                let (index, refused) = Index::parse_any(body.as_bytes()).unwrap();
                prop_assert_eq!(lines.with(Bytes::from(body)), index);
                prop_assert_eq!((refused.lines, refused.duplicates), (0, 0));
            }
        }
    }
}
