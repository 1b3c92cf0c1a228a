//! What the loot folder holds, as the scans found it: files that are offered, and what is held
//! back with the reason.
//!
//! Names and sizes are those of the index that is published, and not kept twice: beside it stand
//! eight bytes a file, by which it is seen that one is not what it was.

mod look;
mod mark;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

pub use self::look::{Found, Look};
use self::mark::Mark;
use super::digests::Marker;
use crate::wire::index::Edit;
use crate::wire::loot_path::Refusal;
use crate::wire::{DisplayText, Index};

/// Names that are held back are kept to be shown up to this number; the rest is counted.
const HELD_BACK_SHOWN: usize = 1_000;

/// Why something in the folder is not offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyHeldBack {
    /// The name would break or deceive other nodes.
    #[error("the name {0}")]
    Name(#[from] Refusal),
    /// Links may lead out of the folder.
    #[error("links are not followed")]
    Link,
    /// A FIFO, socket or device.
    #[error("it is not a regular file")]
    NotAFile,
    /// No permission, or a fault of the disk.
    #[error("it cannot be read: {0}")]
    Unreadable(Box<str>),
}

/// One thing that is not offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// Its name, hidden characters shown.
    pub name: DisplayText,
    /// Why.
    pub why: WhyHeldBack,
}

/// All that is known of the folder.
#[derive(Debug, Default)]
pub struct Listing {
    index: Arc<Index>,
    /// By position in the index.
    marks: Vec<Mark>,
    marker: Marker,
    held_back: BTreeMap<Box<str>, HeldBack>,
}

/// What became of a name between two states of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'n> {
    /// No longer there.
    Gone(&'n str),
    /// There, with another size than before; the size before.
    Altered(&'n str, u64),
    /// There with the same size, but it may hold something else. The index does not change by it.
    Touched(&'n str),
    /// New.
    Appeared(&'n str),
}

impl Listing {
    /// Names and sizes of a stored index, until the first walk knows better.
    #[must_use]
    pub fn provisional(index: Arc<Index>, marker: Marker) -> Self {
        let marks = vec![Mark::default(); index.len()];
        Self { index, marks, marker, held_back: BTreeMap::new() }
    }

    /// Of another folder, of which nothing is known. Its marks are as those of this one.
    #[must_use]
    pub fn of_another(&self) -> Self {
        Self::provisional(Arc::default(), self.marker.clone())
    }

    /// Looks what is there now. `is_being_written`: what is known of such a file stays for now.
    pub fn look<'l>(&'l mut self, is_being_written: &'l dyn Fn(&str) -> bool) -> Look<'l> {
        Look::new(self, is_being_written)
    }

    /// Takes over what a look found. Says what became of the index by it.
    pub fn apply(&mut self, found: Found) -> Edit {
        if !found.changes_index() {
            return Edit::nothing(self.index.len());
        }
        let (gone, new, new_marks) = found.into_parts();
        let (index, edit) = self.index.spliced(&gone, new);
        if edit.len_after() == new_marks.len() {
            self.marks = new_marks; // all are new
        } else {
            self.marks = self.marks_after(&edit, &new_marks);
        }
        self.index = Arc::new(index);
        edit
    }

    fn marks_after(&self, edit: &Edit, new_marks: &[Mark]) -> Vec<Mark> {
        let mut marks = vec![Mark::default(); edit.len_after()];
        for (before, after) in edit.stayed() {
            if let (Some(from), Some(to)) = (self.marks.get(before), marks.get_mut(after)) {
                to.copy_from_slice(from);
            }
        }
        for (at, mark) in edit.new_ones().iter().zip(new_marks) {
            if let Some(place) = marks.get_mut(*at as usize) {
                *place = *mark;
            }
        }
        marks
    }

    /// Whether a file of that name is offered.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.index.position_of(name).is_some()
    }

    /// The index to serve.
    #[must_use]
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// The marks of the versions that were seen, in the order of the index.
    #[must_use]
    pub fn marks(&self) -> Vec<u64> {
        self.marks.iter().map(|mark| mark.0).collect()
    }

    /// What is held back: the first of it, and how much in all (hidden files are never among it).
    #[must_use]
    pub fn held_back(&self) -> (Vec<HeldBack>, usize) {
        (self.held_back.values().take(HELD_BACK_SHOWN).cloned().collect(), self.held_back.len())
    }

    /// Nothing is held back any more of `folder` and what is below it.
    fn forget_held_back(&mut self, folder: &str) {
        if folder.is_empty() {
            return self.held_back.clear();
        }
        let prefix: Box<str> = format!("{folder}/").into();
        let after: Box<str> = format!("{folder}0").into(); // '0' follows '/'
        let below = self.held_back.range::<Box<str>, _>((Bound::Included(&prefix), Bound::Excluded(&after)));
        let names: Vec<Box<str>> = below.map(|(name, _)| name.clone()).chain([folder.into()]).collect();
        for name in names {
            self.held_back.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests;
