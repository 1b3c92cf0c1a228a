//! The rows of a page: folders first, then files.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::super::owner::Owner;
use super::super::page::ROWS;
use super::super::say::Say;
use super::asked::{Asked, Filter};
use super::folder::{Folder, Sub};
use crate::wire::Kind;
use crate::wire::index::Entry;

/// What every browser shows as a picture.
const PICTURES: &[&str] = &["jpg", "jpeg", "jfif", "png", "apng", "gif", "webp", "avif", "bmp", "ico"];
/// A picture of a list is not larger: a hundred of them are on a page.
const PICTURE_MAX_BYTES: u64 = 8 << 20;

/// One of them.
pub(super) struct Row {
    pub(super) name: String,
    /// The whole name, which a form sends.
    pub(super) path: String,
    pub(super) href: String,
    /// The name of its icon.
    pub(super) kind: &'static str,
    pub(super) bytes: u64,
    pub(super) size: String,
    pub(super) changed: Option<Changed>,
    /// Of a folder: how many files it holds.
    pub(super) holds: Option<String>,
    /// Of a file: where it can be kept from.
    pub(super) download: Option<String>,
    /// What it looks like.
    pub(super) picture: Option<String>,
}

/// When something was changed last.
pub(in crate::http) struct Changed {
    /// For people.
    pub(in crate::http) said: String,
    /// For programs.
    pub(in crate::http) stamp: String,
}

impl Changed {
    /// From seconds since 1970; none for times that no clock shows.
    pub(in crate::http) fn new(say: Say, seconds: i64) -> Option<Self> {
        let since = Duration::from_secs(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)?);
        let time = SystemTime::UNIX_EPOCH.checked_add(since)?;
        // Year 9999: what is written of times ends there.
        (seconds < 253_402_300_800).then(|| Self { said: say.when(time), stamp: say.stamp(time) })
    }
}

/// Makes the rows of one folder.
pub(super) struct Rows<'r> {
    pub(super) say: Say,
    pub(super) owner: &'r Owner,
    pub(super) base: &'r str,
    pub(super) asked: &'r Asked,
    pub(super) folder: &'r Folder,
    pub(super) local: IpAddr,
}

impl Rows<'_> {
    /// Those of the page that is asked for, and how many there are on all of them.
    pub(super) fn of_page(&self) -> (Vec<Row>, usize) {
        if self.asked.words.is_empty() {
            return (self.page_of(&self.folder.folders, &self.folder.files), self.folder.rows());
        }
        let mut filter = Filter::new(&self.asked.words);
        let mut is_let = |at: usize| self.name_at(at).is_some_and(|name| filter.lets(name));
        let folders: Vec<Sub> = self.folder.folders.iter().copied().filter(|sub| is_let(sub.first)).collect();
        let let_in = Positions::of(&self.folder.files).filter(is_let);
        let files: Vec<u32> = self.folder.files.iter().copied().filter(|at| let_in.holds(*at as usize)).collect();
        (self.page_of(&folders, &files), folders.len().saturating_add(files.len()))
    }

    fn page_of(&self, folders: &[Sub], files: &[u32]) -> Vec<Row> {
        let skipped = self.asked.page.saturating_sub(1).saturating_mul(ROWS);
        let shown = folders.get(skipped.min(folders.len())..).unwrap_or_default();
        let skipped = skipped.saturating_sub(folders.len());
        let rest = files.get(skipped.min(files.len())..).unwrap_or_default();
        let folders = shown.iter().take(ROWS).filter_map(|sub| self.sub(sub));
        folders.chain(rest.iter().filter_map(|at| self.file(*at))).take(ROWS).collect()
    }

    /// What stands at a position, in this folder.
    fn name_at(&self, at: usize) -> Option<&[u8]> {
        let depth = self.asked.folder.len();
        let inside = self.owner.index.name_bytes_at(at)?.get(depth..)?;
        inside.strip_prefix(b"/").unwrap_or(inside).split(|byte| *byte == b'/').next()
    }

    fn sub(&self, sub: &Sub) -> Option<Row> {
        let name = std::str::from_utf8(self.name_at(sub.first)?).ok()?;
        let path = if self.asked.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.asked.folder) };
        Some(Row {
            name: name.to_owned(),
            href: self.asked.folder_href(self.base, &path),
            path,
            kind: "folder",
            bytes: sub.bytes,
            size: self.say.size(sub.bytes),
            changed: sub.newest.and_then(|newest| Changed::new(self.say, newest)),
            holds: Some(self.say.files(sub.count as u64)),
            download: None,
            picture: None,
        })
    }

    fn file(&self, at: u32) -> Option<Row> {
        let entry = self.owner.index.get(at as usize)?;
        Some(file_row(self.say, self.owner, &entry, self.local))
    }
}

/// Some positions of an index, a bit each. However files are sorted, their names are looked at in the
/// order in which they lie in memory.
struct Positions {
    first: usize,
    words: Vec<u64>,
}

impl Positions {
    fn of(positions: &[u32]) -> Self {
        let (first, last) = positions.iter().fold((u32::MAX, 0), |(first, last), at| (first.min(*at), last.max(*at)));
        let words = (last.saturating_sub(first) as usize / 64).saturating_add(1);
        let mut made = Self { first: first as usize, words: vec![0; words] };
        for at in positions {
            if let Some((word, bit)) = made.place(*at as usize) {
                made.words.get_mut(word).into_iter().for_each(|word| *word |= bit);
            }
        }
        made
    }

    /// Those that may stay.
    fn filter(mut self, mut stays: impl FnMut(usize) -> bool) -> Self {
        for (word, bits) in self.words.iter_mut().enumerate() {
            let mut left = *bits;
            while left != 0 {
                let bit = left.trailing_zeros();
                left &= left.wrapping_sub(1);
                let at = word.saturating_mul(64).saturating_add(bit as usize).saturating_add(self.first);
                if !stays(at) {
                    *bits &= !(1 << bit);
                }
            }
        }
        self
    }

    fn holds(&self, at: usize) -> bool {
        let Some((word, bit)) = self.place(at) else { return false };
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    fn place(&self, at: usize) -> Option<(usize, u64)> {
        let offset = at.checked_sub(self.first)?;
        Some((offset / 64, 1 << (offset % 64)))
    }
}

/// The row of a file, under its name without its folder.
pub(super) fn file_row(say: Say, owner: &Owner, entry: &Entry<'_>, local: IpAddr) -> Row {
    let name = entry.name.rsplit('/').next().unwrap_or(entry.name);
    let is_shown = entry.size_bytes <= PICTURE_MAX_BYTES && is_viewable(name);
    Row {
        name: name.to_owned(),
        path: entry.name.to_owned(),
        href: owner.file_href(entry.name),
        kind: Kind::of(name).as_str(),
        bytes: entry.size_bytes,
        size: say.size(entry.size_bytes),
        changed: owner.modified(entry).and_then(|seconds| Changed::new(say, seconds)),
        holds: None,
        download: Some(owner.download_href(entry, local)),
        picture: is_shown.then(|| owner.media_href(entry.name)),
    }
}

/// Whether browsers show it as a picture.
pub(in crate::http) fn is_viewable(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| PICTURES.iter().any(|known| known.eq_ignore_ascii_case(extension)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_some_positions_those_stay_that_may() {
        for positions in [vec![], vec![7], vec![900, 64, 65, 127, 128, 7, 191]] {
            let mut looked_at = Vec::new();
            let odd = Positions::of(&positions).filter(|at| {
                looked_at.push(at);
                at % 2 == 1
            });
            assert!(looked_at.is_sorted() && looked_at.len() == positions.len(), "{looked_at:?}");
            for at in 0..1_000 {
                assert_eq!(odd.holds(at as usize), at % 2 == 1 && positions.contains(&at), "{at} of {positions:?}");
            }
        }
    }
}
