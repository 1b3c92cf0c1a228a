//! What one reader of a feed was told, and what is news to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use crate::loot::under_way::Coming;
use crate::wire::Content;
use crate::wire::feed::{emit_all, emit_gone, emit_has, emit_manifest, emit_more};
use crate::wire::manifest::ManifestVersion;

/// What one reader knows.
#[derive(Debug, Default)]
pub(super) struct Told {
    version: Option<ManifestVersion>,
    /// Of each content how many pieces, in the order in which they came. Weak: a reader that does
    /// not read must not keep files open.
    contents: BTreeMap<Content, (Weak<Coming>, usize)>,
}

impl Told {
    /// Writes what this reader does not know yet. `is_here`: whether a file of ours holds that.
    pub(super) fn tell(
        &mut self,
        version: Option<ManifestVersion>,
        coming: &[Arc<Coming>],
        is_here: impl Fn([u8; 32]) -> bool,
        into: &mut String,
    ) {
        // Pieces first: a manifest may be of a content that was coming until now.
        coming.iter().for_each(|coming| self.tell_pieces(coming, into));
        let still: BTreeSet<Content> = coming.iter().map(|coming| coming.content()).collect();
        self.contents.retain(|content, _| {
            let is_coming = still.contains(content);
            if !is_coming {
                let emit = if is_here(*content.as_bytes()) { emit_all } else { emit_gone };
                emit(*content, into);
            }
            is_coming
        });
        if let Some(version) = version.filter(|version| self.version.as_ref() != Some(version)) {
            emit_manifest(&version, into);
            self.version = Some(version);
        }
    }

    fn tell_pieces(&mut self, coming: &Arc<Coming>, into: &mut String) {
        let content = coming.content();
        // Another download of the same content begins anew.
        let known = self.contents.get(&content).filter(|(known, _)| Arc::as_ptr(coming) == known.as_ptr());
        let seen = known.map(|(_, seen)| *seen);
        let news = coming.since(seen.unwrap_or(0));
        let now = seen.unwrap_or(0).saturating_add(news.len());
        match seen {
            Some(_) => emit_more(content, news, into),
            None => emit_has(content, coming.list().size_bytes(), news, into),
        }
        self.contents.insert(content, (Arc::downgrade(coming), now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loot::under_way::{Entry, UnderWay};
    use crate::wire::pieces::PIECE_BYTES;
    use crate::wire::{PieceHasher, PieceSet};

    fn begin(under_way: &UnderWay, has: &str) -> Entry {
        let mut hasher = PieceHasher::new();
        hasher.update(&vec![7; 3 * PIECE_BYTES as usize]);
        let list = hasher.finish().1.unwrap();
        let content = Content::new(list.root());
        under_way.begin(content, Arc::new(list), tempfile::tempfile().unwrap(), PieceSet::parse(has, 3).unwrap())
    }

    /// What is told next; the hash written as `B3`.
    fn next(told: &mut Told, version: &str, under_way: &UnderWay, is_here: bool) -> String {
        let mut text = String::new();
        told.tell(ManifestVersion::parse(version.as_bytes()), &under_way.all(), |_| is_here, &mut text);
        text.split(' ')
            .map(|field| if field.len() >= 64 { field.replacen(&field[..64], "B3", 1) } else { field.into() })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn each_reader_is_told_each_thing_once() {
        let (under_way, mut told) = (UnderWay::default(), Told::default());
        assert_eq!(next(&mut told, "", &under_way, false), "");
        assert_eq!(next(&mut told, "1", &under_way, false), "manifest 1\n");
        let entry = begin(&under_way, "1");
        assert_eq!(next(&mut told, "1", &under_way, false), "has B3 786432 1\n");
        entry.coming().came(0);
        assert_eq!(next(&mut told, "2", &under_way, false), "more B3 0\nmanifest 2\n");
        assert_eq!(next(&mut told, "2", &under_way, false), "");
        assert_eq!(next(&mut Told::default(), "", &under_way, false), "has B3 786432 0-1\n");
        entry.coming().came(2);
        entry.landed(0, std::time::Instant::now());
        assert_eq!(next(&mut told, "2", &under_way, false), "more B3 2\n");
        under_way.tidy(|_| true, std::time::Instant::now());
        assert_eq!(next(&mut told, "3", &under_way, true), "all B3\nmanifest 3\n");
        assert_eq!(next(&mut told, "3", &under_way, true), "");
    }

    #[test]
    fn a_download_that_ended_is_gone_and_another_one_begins_anew() {
        let (under_way, mut told) = (UnderWay::default(), Told::default());
        let entry = begin(&under_way, "0-1");
        assert_eq!(next(&mut told, "", &under_way, false), "has B3 786432 0-1\n");
        drop(entry);
        let entry = begin(&under_way, "");
        assert_eq!(next(&mut told, "", &under_way, false), "has B3 786432\n");
        drop(entry);
        assert_eq!(next(&mut told, "", &under_way, false), "gone B3\n");
        assert_eq!(next(&mut told, "", &under_way, false), "");
    }
}
