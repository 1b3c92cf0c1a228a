//! What lies directly in one folder, sorted.
//!
//! A folder of a hundred thousand files is sorted once and kept while its index is the same one:
//! each of its pages is then a slice.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::super::natural::natural_key;
use super::super::owner::Owner;
use super::super::playlist::is_playable;
use crate::wire::{DigestTable, Index, Kind};

/// Smaller folders are quicker sorted than kept.
const KEPT_FROM_ROWS: usize = 1_000;
/// Rows of all folders that are kept: four bytes a file, some thirty a folder.
const KEPT_ROWS: usize = 1_000_000;
/// So many files are looked at for whether there is something to play, or to look at.
const LOOKED_AT: usize = 500;

/// By what it is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) enum By {
    /// As people look for names.
    #[default]
    Name,
    /// The largest first.
    Size,
    /// The newest first.
    Age,
}

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) struct Sort {
    pub(in crate::http) by: By,
    /// The other way round.
    pub(in crate::http) is_reversed: bool,
}

/// A folder. Holds positions in its index, and not the index.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Folder {
    pub(in crate::http) folders: Box<[Sub]>,
    pub(in crate::http) files: Box<[u32]>,
    /// How many files are in it and below it.
    pub(in crate::http) count: usize,
    pub(in crate::http) bytes: u64,
    pub(in crate::http) has_pictures: bool,
    pub(in crate::http) is_playable: bool,
}

/// A folder in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Sub {
    /// Where its first file is in the index.
    pub(in crate::http) first: usize,
    pub(in crate::http) count: usize,
    pub(in crate::http) bytes: u64,
    /// When the newest of its files was changed last: seconds since 1970.
    pub(in crate::http) newest: Option<i64>,
}

impl Folder {
    /// Looks at a folder; `modified` tells when a file was changed last, by its position.
    fn of(index: &Index, folder: &str, sort: Sort, modified: &impl Fn(usize) -> Option<i64>) -> Self {
        let inside = index.positions_below(folder);
        let depth = if folder.is_empty() { 0 } else { folder.len().saturating_add(1) };
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        let mut at = inside.start;
        while let Some(entry) = index.get(at).filter(|_| at < inside.end) {
            let rest = entry.name.get(depth..).unwrap_or_default();
            let Some(end) = rest.find('/').map(|slash| slash.saturating_add(depth)) else {
                files.extend(u32::try_from(at));
                at = at.saturating_add(1);
                continue;
            };
            let below = index.positions_below(entry.name.get(..end).unwrap_or_default());
            let (count, bytes) = (below.len(), index.bytes_at(below.clone()));
            let newest = below.clone().filter_map(modified).max();
            folders.push(Sub { first: at, count, bytes, newest });
            at = below.end.max(at.saturating_add(1));
        }
        let looked_at = || inside.clone().take(LOOKED_AT).filter_map(|at| index.get(at));
        let mut made = Self {
            count: inside.len(),
            bytes: index.bytes_at(inside.clone()),
            has_pictures: files.iter().take(LOOKED_AT).any(|at| is_picture(index, *at)),
            is_playable: looked_at().any(|entry| is_playable(entry.name)),
            folders: folders.into(),
            files: files.into(),
        };
        made.sort(index, sort, modified);
        made
    }

    fn sort(&mut self, index: &Index, sort: Sort, modified: &impl Fn(usize) -> Option<i64>) {
        let name = |at: usize| index.get(at).map(|entry| natural_key(entry.name)).unwrap_or_default();
        let size = |at: usize| index.get(at).map_or(0, |entry| entry.size_bytes);
        // The names are of one folder, and of folders only the first file's is compared: what is
        // before the slash decides.
        self.folders.sort_by_cached_key(|sub| name(sub.first));
        self.files.sort_by_cached_key(|at| name(*at as usize));
        match sort.by {
            By::Name => {}
            By::Size => {
                self.folders.sort_by_key(|sub| Reverse(sub.bytes));
                self.files.sort_by_cached_key(|at| Reverse(size(*at as usize)));
            }
            By::Age => {
                self.folders.sort_by_key(|sub| Reverse(sub.newest));
                self.files.sort_by_cached_key(|at| Reverse(modified(*at as usize)));
            }
        }
        if sort.is_reversed {
            self.folders.reverse();
            self.files.reverse();
        }
    }

    /// How many rows it has.
    pub(in crate::http) fn rows(&self) -> usize {
        self.folders.len().saturating_add(self.files.len())
    }
}

fn is_picture(index: &Index, at: u32) -> bool {
    index.get(at as usize).is_some_and(|entry| Kind::of(entry.name) == Kind::Picture)
}

/// Folders that were sorted lately; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Folders(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    index: Weak<Index>,
    digests: Weak<DigestTable>,
    name: String,
    sort: Sort,
    folder: Arc<Folder>,
}

impl Folders {
    /// A folder of a node, from among those that are kept if it is there. Blocks while it is sorted.
    pub(in crate::http) fn get(&self, owner: &Owner, name: &str, sort: Sort) -> Arc<Folder> {
        if let Some(known) = self.known(owner, name, sort) {
            return known;
        }
        let is_beside = Arc::ptr_eq(owner.digests.index(), &owner.index);
        let modified = |at: usize| match is_beside {
            true => owner.digests.mtime(at),
            // An older state is asked for names, which is only worth it for the order by age.
            false if sort.by == By::Age => owner.modified(&owner.index.get(at)?),
            false => None,
        };
        let folder = Arc::new(Folder::of(&owner.index, name, sort, &modified));
        if folder.rows() >= KEPT_FROM_ROWS {
            self.keep(owner, name, sort, folder.clone());
        }
        folder
    }

    fn known(&self, owner: &Owner, name: &str, sort: Sort) -> Option<Arc<Folder>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.index.strong_count() > 0);
        let is_it = |kept: &Kept| {
            let of_it = Weak::ptr_eq(&kept.index, &Arc::downgrade(&owner.index));
            of_it && kept.name == name && kept.sort == sort
        };
        let at = kept.iter().position(is_it)?;
        let found = kept.remove(at);
        // What is known of times changes while files are read; that is worth another look.
        let is_current = Weak::ptr_eq(&found.digests, &Arc::downgrade(&owner.digests));
        let folder = is_current.then(|| found.folder.clone());
        if is_current {
            kept.push(found);
        }
        folder
    }

    /// The longest unused ones make room.
    fn keep(&self, owner: &Owner, name: &str, sort: Sort, folder: Arc<Folder>) {
        let (index, digests) = (Arc::downgrade(&owner.index), Arc::downgrade(&owner.digests));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(Kept { index, digests, name: name.to_owned(), sort, folder });
        while kept.iter().map(|kept| kept.folder.rows()).sum::<usize>() > KEPT_ROWS && kept.len() > 1 {
            kept.remove(0);
        }
    }
}

#[cfg(test)]
mod tests;
