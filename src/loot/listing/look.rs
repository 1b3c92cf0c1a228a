//! One look at the folder, or at some names in it: what is met is compared with what is known, in
//! one pass, as both are sorted. What differs is [`Found`].

use std::fmt;
use std::ops::Range;

use super::mark::Mark;
use super::{Change, HeldBack, Listing, WhyHeldBack};
use crate::loot::FileFacts;
use crate::loot::scan::Met;
use crate::wire::index::{INDEX_MAX_ENTRIES, IndexBuilder};
use crate::wire::{DisplayText, Index};

/// A look that is under way.
pub struct Look<'l> {
    listing: &'l mut Listing,
    is_being_written: &'l dyn Fn(&str) -> bool,
    /// The known file of the very name that is looked at.
    itself: Option<usize>,
    /// The known files below it that were not met yet.
    below: Range<usize>,
    /// How many files will be known.
    files: usize,
    met: usize,
    gone: Vec<u32>,
    touched: Vec<u32>,
    /// New files. Names rise within each part; a look at one name makes one part.
    new: Vec<(IndexBuilder, Vec<Mark>)>,
}

impl fmt::Debug for Look<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Look").field("met", &self.met).finish_non_exhaustive()
    }
}

impl<'l> Look<'l> {
    pub(super) fn new(listing: &'l mut Listing, is_being_written: &'l dyn Fn(&str) -> bool) -> Self {
        let files = listing.index.len();
        let (gone, touched, new) = (Vec::new(), Vec::new(), Vec::new());
        Self { listing, is_being_written, itself: None, below: 0..0, files, met: 0, gone, touched, new }
    }

    /// All below `name` follows, a file or a folder; the empty name is the whole. What is not met
    /// until the next one begins is gone. No name may be below another.
    pub fn at(&mut self, name: &str) {
        self.rest_is_gone();
        self.listing.forget_held_back(name);
        self.below = self.listing.index.positions_below(name);
        self.itself = self.listing.index.position_of(name);
        self.files = self.files.saturating_sub(self.below.len()).saturating_sub(usize::from(self.itself.is_some()));
    }

    /// What a scan meets.
    pub fn meet(&mut self, met: Met<'_>) {
        match met {
            Met::File(name, facts) => self.meet_file(name, &facts),
            Met::HeldBack(name, held) => {
                self.listing.held_back.insert(name, held);
            }
            Met::Unreadable(folder) => self.keep_below(folder),
            Met::FolderEnd => {}
        }
    }

    /// Files met so far.
    #[must_use]
    pub fn met(&self) -> usize {
        self.met
    }

    /// The new files that were met so far, as an index of their own.
    #[must_use]
    pub fn new_so_far(&self) -> Index {
        self.new.last().map(|(new, _)| new.so_far()).unwrap_or_default()
    }

    /// All was met.
    #[must_use]
    pub fn end(mut self) -> Found {
        self.rest_is_gone();
        self.gone.sort_unstable();
        self.gone.dedup();
        let (new, marks) = joined(self.new);
        Found { gone: self.gone, touched: self.touched, new, marks, met: self.met }
    }

    fn meet_file(&mut self, name: &str, facts: &FileFacts) {
        let position = self.known(name);
        let size_before = position.and_then(|at| self.listing.index.size_at(at));
        if (self.is_being_written)(name) {
            // What was known of it stays; what was not is not known yet.
            self.count(usize::from(position.is_some()));
            return;
        }
        if self.files >= INDEX_MAX_ENTRIES {
            self.gone.extend(position.and_then(|at| u32::try_from(at).ok()));
            return self.hold_back(name, WhyHeldBack::Unreadable("too many files for one node".into()));
        }
        let mark = Mark(self.listing.marker.of(facts));
        if size_before == Some(facts.size_bytes) {
            self.compare(position, mark);
        } else {
            self.gone.extend(position.and_then(|at| u32::try_from(at).ok()));
            self.add(name, facts.size_bytes, mark);
        }
        self.count(1);
    }

    fn count(&mut self, files: usize) {
        self.files = self.files.saturating_add(files);
        self.met = self.met.saturating_add(files);
    }

    /// Where it is known; what comes before it was not met, and is gone.
    fn known(&mut self, name: &str) -> Option<usize> {
        if let Some(at) = self.itself.filter(|at| self.listing.index.name_at(*at) == Some(name)) {
            self.itself = None;
            return Some(at);
        }
        while let Some(known) = self.listing.index.name_at(self.below.start).filter(|_| !self.below.is_empty()) {
            if known > name {
                break;
            }
            let at = self.below.start;
            self.below.start = at.saturating_add(1);
            if known == name {
                return Some(at);
            }
            self.gone.extend(u32::try_from(at));
        }
        None
    }

    fn compare(&mut self, position: Option<usize>, mark: Mark) {
        let Some(known) = position.and_then(|at| self.listing.marks.get_mut(at)) else { return };
        if *known != mark && !known.is_provisional() {
            self.touched.extend(position.and_then(|at| u32::try_from(at).ok()));
        }
        *known = mark;
    }

    fn add(&mut self, name: &str, size_bytes: u64, mark: Mark) {
        if let Some((new, marks)) = self.new.last_mut()
            && new.push(name, size_bytes)
        {
            return marks.push(mark);
        }
        let mut new = IndexBuilder::default();
        new.push(name, size_bytes);
        self.new.push((new, vec![mark]));
    }

    fn keep_below(&mut self, folder: &str) {
        let kept = self.listing.index.positions_below(folder);
        let (start, end) = (kept.start.max(self.below.start), kept.end.min(self.below.end));
        if start < end {
            self.gone.extend((self.below.start..start).filter_map(|at| u32::try_from(at).ok()));
            self.below.start = end;
            self.count(end.saturating_sub(start));
        }
    }

    fn rest_is_gone(&mut self) {
        let rest = std::mem::take(&mut self.below);
        self.gone.extend(self.itself.take().into_iter().chain(rest).filter_map(|at| u32::try_from(at).ok()));
    }

    fn hold_back(&mut self, name: &str, why: WhyHeldBack) {
        let shown = DisplayText::revealing(name.as_bytes(), 200);
        self.listing.held_back.insert(name.into(), HeldBack { name: shown, why });
    }
}

/// One part is as it is; of several the names are sorted, and of equal ones the last counts.
fn joined(mut parts: Vec<(IndexBuilder, Vec<Mark>)>) -> (Index, Vec<Mark>) {
    if parts.len() <= 1 {
        return parts.pop().map(|(new, marks)| (new.finish(), marks)).unwrap_or_default();
    }
    let parts: Vec<(Index, Vec<Mark>)> = parts.into_iter().map(|(new, marks)| (new.finish(), marks)).collect();
    let mut files: Vec<_> = parts.iter().flat_map(|(new, marks)| new.iter().zip(marks)).collect();
    files.reverse(); // of equal names the sorting keeps the order
    files.sort_by(|(a, _), (b, _)| a.name.cmp(b.name));
    files.dedup_by(|(later, _), (first, _)| later.name == first.name);
    let index = Index::from_sorted(files.iter().map(|(entry, _)| (entry.name, entry.size_bytes)));
    (index, files.iter().map(|(_, mark)| **mark).collect())
}

/// What a look found to be otherwise than known.
#[derive(Debug, Default)]
pub struct Found {
    /// Positions, in the index of the listing.
    gone: Vec<u32>,
    /// The same.
    touched: Vec<u32>,
    new: Index,
    marks: Vec<Mark>,
    met: usize,
}

impl Found {
    /// How many files were met, what is known of others aside.
    #[must_use]
    pub fn met(&self) -> usize {
        self.met
    }

    /// Whether the index is another by it.
    #[must_use]
    pub fn changes_index(&self) -> bool {
        !self.gone.is_empty() || !self.new.is_empty()
    }

    /// What became of which name. Of the listing as it was before it took this over.
    pub fn changes<'f>(&'f self, listing: &'f Listing) -> impl Iterator<Item = Change<'f>> {
        let index = &listing.index;
        let mut gone = self.gone.iter().filter_map(|at| index.get(*at as usize)).peekable();
        let mut new = self.new.names().peekable();
        let next = move || {
            if let Some(before) = gone.next_if(|gone| new.peek().is_none_or(|new| gone.name <= *new)) {
                let stayed = new.next_if(|new| *new == before.name).is_some();
                return Some(if stayed {
                    Change::Altered(before.name, before.size_bytes)
                } else {
                    Change::Gone(before.name)
                });
            }
            new.next().map(Change::Appeared)
        };
        let touched = self.touched.iter().filter_map(|at| index.name_at(*at as usize)).map(Change::Touched);
        std::iter::from_fn(next).chain(touched)
    }

    pub(super) fn into_parts(self) -> (Vec<u32>, Index, Vec<Mark>) {
        (self.gone, self.new, self.marks)
    }
}
