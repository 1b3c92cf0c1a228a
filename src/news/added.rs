//! Which of the files that a node offers now are news: a pure function of what it offered before
//! and of what others offer.
//!
//! A name that was there before is none, whatever its size is now. Neither is a content that was
//! known: under the same name elsewhere, under another name (as digests tell), or moved.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::NewFile;
use super::grouping::folder_of;
use crate::wire::index::{Edit, Entry};
use crate::wire::{DigestTable, Index};

/// Files that went lately and are remembered, so that they are no news when they come back.
const DEPARTED_MAX: usize = 200_000;
/// Of more new names at once the rest is taken at its word: looking each up costs too much.
const LOOKED_UP_MAX: usize = 50_000;
/// A file of this size that comes as another of the same size goes was renamed, where nothing tells
/// its content. Small files are of the same size by chance.
const RENAMED_MIN_BYTES: u64 = 4 * 1024;

/// What a node offers, and what is known of the content.
#[derive(Clone, Debug, Default)]
pub(super) struct Offer {
    pub(super) index: Arc<Index>,
    pub(super) digests: Option<Arc<DigestTable>>,
}

impl Offer {
    fn has(&self, entry: &Entry<'_>) -> bool {
        self.index.find(entry.name).is_some_and(|known| known.size_bytes == entry.size_bytes)
    }

    /// The content of one of its files, as BLAKE3 names it.
    pub(super) fn content(&self, entry: &Entry<'_>) -> Option<[u8; 32]> {
        let digests = self.digests.as_ref()?;
        let position = digests.index().position_of(entry.name)?;
        digests.index().get(position).filter(|known| known.size_bytes == entry.size_bytes)?;
        digests.get(position).map(|digests| digests.blake3)
    }

    fn holds(&self, content: [u8; 32]) -> bool {
        self.digests.as_ref().is_some_and(|digests| digests.holders_of(content).next().is_some())
    }

    /// What became of it to make `now`.
    pub(super) fn edit_to(&self, now: &Self) -> Edit {
        if Arc::ptr_eq(&self.index, &now.index) {
            Edit::nothing(now.index.len())
        } else {
            Edit::between(&self.index, &now.index)
        }
    }
}

/// Those of some positions of an index whose names are not in the other.
fn only_in<'o>(index: &'o Index, positions: &'o [u32], other: &'o Index) -> impl Iterator<Item = Entry<'o>> {
    let entries = positions.iter().filter_map(|position| index.get(*position as usize));
    entries.filter(|entry| other.position_of(entry.name).is_none())
}

/// The files that came to what a node offered before: under names that were not there.
pub(super) fn came<'o>(before: &'o Offer, now: &'o Offer, edit: &'o Edit) -> impl Iterator<Item = Entry<'o>> {
    only_in(&now.index, edit.new_ones(), &before.index)
}

/// The news among what a node offers now; the edit led to that. What went is noted.
pub(super) fn added(
    before: &Offer,
    now: &Offer,
    edit: &Edit,
    others: &[&Offer],
    departed: &mut Departed,
) -> Vec<NewFile> {
    let mut renamed: BTreeMap<u64, usize> = BTreeMap::new();
    for entry in only_in(&before.index, edit.gone(), &now.index) {
        departed.note(&entry);
        if entry.size_bytes >= RENAMED_MIN_BYTES {
            let count = renamed.entry(entry.size_bytes).or_default();
            *count = count.saturating_add(1);
        }
    }
    let mut was_known = |entry: &Entry<'_>| {
        if departed.holds(entry) || others.iter().any(|other| other.has(entry)) {
            return true;
        }
        match now.content(entry) {
            Some(content) => before.holds(content) || others.iter().any(|other| other.holds(content)),
            None => renamed.get_mut(&entry.size_bytes).filter(|left| **left > 0).is_some_and(|left| {
                *left = left.saturating_sub(1);
                true
            }),
        }
    };
    let came = came(before, now, edit).enumerate();
    let news = came.filter(|(at, entry)| *at >= LOOKED_UP_MAX || !was_known(entry));
    news.map(|(_, entry)| NewFile { path: entry.path(), size_bytes: entry.size_bytes }).collect()
}

/// Files that went lately, by file name and size, in whatever folder; the last so many.
#[derive(Debug, Default)]
pub(super) struct Departed {
    state: RandomState,
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Departed {
    fn note(&mut self, entry: &Entry<'_>) {
        let key = self.key(entry);
        if self.known.insert(key) {
            self.order.push_back(key);
        }
        if self.order.len() > DEPARTED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    fn holds(&self, entry: &Entry<'_>) -> bool {
        self.known.contains(&self.key(entry))
    }

    fn key(&self, entry: &Entry<'_>) -> u64 {
        let folder = folder_of(entry.name);
        let file = entry.name.strip_prefix(folder).unwrap_or(entry.name).trim_start_matches('/');
        self.state.hash_one((file, entry.size_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Digests;
    use crate::wire::napster::Md5;

    /// `name,size` or `name,size=content`, where a digit stands for the content.
    fn offer(lines: &[&str]) -> Offer {
        let mut lines: Vec<&str> = lines.to_vec();
        lines.sort_unstable();
        let told = |line: &str| line.split_once('=').map(|(_, content)| content.parse::<u8>().unwrap());
        let body: String = lines.iter().map(|line| format!("{}\n", line.split('=').next().unwrap())).collect();
        let index = Arc::new(Index::parse(body.as_bytes()).unwrap().0);
        let digests = lines
            .iter()
            .map(|line| told(line).map(|content| Digests { md5: Md5::new([content; 16]), blake3: [content; 32] }));
        let digests = DigestTable::new(index.clone(), digests.collect());
        Offer { index, digests: Some(Arc::new(digests)) }
    }

    fn added(before: &Offer, now: &Offer, others: &[&Offer], departed: &mut Departed) -> Vec<NewFile> {
        super::added(before, now, &before.edit_to(now), others, departed)
    }

    #[test]
    fn only_what_nobody_had_is_news() {
        for (before, now, other, expected, why) in [
            (&["a,1"][..], &["a,1", "b,2"][..], &[][..], &["b"][..], "a new name"),
            (&["a,1"], &["a,2"], &[], &[], "a file that grew"),
            (&["a,1", "b,2"], &["b,2"], &[], &[], "one that went"),
            (&["a,1"], &["a,1", "b,2"], &["b,2"], &[], "another node has it under that name"),
            (&["a,1"], &["a,1", "b,2"], &["b,3"], &["b"], "another one of that name"),
            (&["a,1"], &["a,1", "b,2=7"], &["c,2=7"], &[], "another node has the content"),
            (&["a,1=7"], &["a,1=7", "b,1=7"], &[], &[], "a copy of a file of its own"),
            (&["a,9000=7"], &["b,9000=7"], &[], &[], "renamed, as the digest tells"),
            (&["a,9000=7"], &["b,9000=8"], &[], &["b"], "not renamed, as the digest tells"),
            (&["a,9000"], &["b,9000"], &[], &[], "renamed, as the size tells"),
            (&["a,9000"], &["b,9000", "c,9000"], &[], &["c"], "one was renamed, the other is new"),
            (&["a,10"], &["b,10"], &[], &["b"], "small files are of one size by chance"),
            (&["x/a,10"], &["y/a,10"], &[], &[], "moved"),
            (&[], &["p/1,1", "p/2,1"], &[], &["p/1", "p/2"], "the first ones"),
        ] {
            let other = offer(other);
            let added = added(&offer(before), &offer(now), &[&other], &mut Departed::default());
            let added: Vec<&str> = added.iter().map(|file| file.path.as_str()).collect();
            assert_eq!(added, expected, "{why}");
        }
    }

    #[test]
    fn what_went_and_comes_back_is_no_news() {
        let mut departed = Departed::default();
        let (full, empty) = (offer(&["a,1", "b,2"]), offer(&[]));
        assert!(added(&full, &empty, &[], &mut departed).is_empty());
        assert!(added(&empty, &offer(&["a,1", "far/b,2"]), &[], &mut departed).is_empty());
        assert_eq!(added(&empty, &offer(&["a,3"]), &[], &mut departed).len(), 1);
    }
}
