//! What an earlier run knew: the rows on disk beside what the first walk saw.
//!
//! Both are in the order of names, so that one pass over each tells which files are as they were
//! when they were read; no file is opened for it, and none looked at again.

use std::sync::Arc;

use super::{Hasher, edit_between};
use crate::loot::digests::cache::{InOrder, Row};
use crate::loot::digests::desk::Walked;
use crate::wire::Index;
use crate::wire::index::Edit;

/// Files compared in one step.
const RECALLED: usize = 4_096;

impl Hasher {
    /// The first walk is over. All files are compared with what it saw, beside the index of now.
    pub(super) fn take_walk(&mut self, mut walked: Walked) {
        self.is_behind = true;
        self.publish_now();
        let snapshot = self.base.snapshot.clone();
        if !Arc::ptr_eq(&walked.index, &snapshot.index) {
            let edit = edit_between(&walked.index, &snapshot);
            walked.follow(&snapshot.index, &edit);
        }
        self.waiting.see_all(snapshot.index.len());
        self.walked = Some(walked);
    }

    pub(super) fn can_recall(&self) -> bool {
        self.walked.is_some() && self.waiting.has_unseen()
    }

    /// Compares some files.
    pub(super) fn recall_some(&mut self) {
        let index = self.base.snapshot.index.clone();
        let Some(walked) = self.walked.take() else { return };
        let reader = self.cache.reader();
        let mut rows = reader.as_ref().map(|reader| reader.in_order());
        for position in self.waiting.next_unseen(RECALLED) {
            self.recall(position, &index, &walked, rows.as_mut());
        }
        self.walked = Some(walked).filter(|_| self.waiting.has_unseen());
    }

    /// What is not as it was, or not known, is read.
    fn recall(&mut self, position: u32, index: &Index, walked: &Walked, rows: Option<&mut InOrder<'_>>) {
        let at = position as usize;
        let (Some(name), Some(size_bytes)) = (index.name_at(at), index.size_at(at)) else { return };
        let mark = walked.marks.get(at).copied().unwrap_or_default();
        let row = rows.and_then(|rows| rows.get(name)).filter(|row| row.size_bytes == size_bytes);
        let is_seen = |row: &Row| self.marker.mark(row.size_bytes, row.stamp) == mark;
        if let Some(row) = row.filter(is_seen) {
            self.counts.recalled = self.counts.recalled.saturating_add(1);
            return self.know(position, size_bytes, row.stamp, row.digests);
        }
        // Some were read while the walk went on; of what came since, it saw nothing.
        if self.known(position).is_some_and(|known| known.mark == mark) {
            return;
        }
        if mark == 0 || self.readings.iter().any(|(reading, _)| reading.position == position) {
            return self.waiting.look(position);
        }
        self.void(position);
        self.waiting.read(position, size_bytes);
    }
}

impl Walked {
    /// What was seen of those files that are still what they were; of others nothing.
    pub(super) fn follow(&mut self, index: &Arc<Index>, edit: &Edit) {
        let mut marks = vec![0; edit.len_after()];
        for (before, after) in edit.stayed() {
            let seen = self.marks.get(before).unwrap_or_default();
            marks.get_mut(after).unwrap_or_default().iter_mut().zip(seen).for_each(|(to, from)| *to = *from);
        }
        (self.index, self.marks) = (index.clone(), marks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_walk_saw_counts_for_files_that_are_still_what_they_were() {
        let index = Arc::new(Index::from_sorted([("b", 1), ("c", 2), ("d", 3), ("e", 4)].into_iter()));
        let mut walked = Walked { index: index.clone(), marks: vec![11, 12, 13, 14] };
        let (next, edit) = index.edited([("a", Some(1)), ("c", None), ("d", Some(9))]);
        let next = Arc::new(next);
        walked.follow(&next, &edit);
        assert_eq!((walked.marks, Arc::ptr_eq(&walked.index, &next)), (vec![0, 11, 0, 14], true));
    }
}
