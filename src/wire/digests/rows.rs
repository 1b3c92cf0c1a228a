//! The rows of a whole index, in blocks: who changes some copies their blocks alone, and all others
//! are shared by the states of a table.

use std::ops::Range;
use std::sync::Arc;

use super::block::Block;
use super::{Digests, Row};
use crate::wire::index::Edit;

/// Rows of a block that is made: copying one takes a tenth of a millisecond.
const BLOCK_ROWS: usize = 4_096;
/// A block of less is joined to one beside it …
const SMALL_ROWS: usize = BLOCK_ROWS / 4;
/// … unless they come to more than this.
const MOST_ROWS: usize = BLOCK_ROWS / 2 * 3;

/// Rows by position.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    blocks: Vec<Arc<Block>>,
    /// The position at which each block begins.
    starts: Vec<usize>,
    len: usize,
}

impl Rows {
    /// Of so many files of which nothing is known.
    pub(super) fn unknown(len: usize) -> Self {
        let mut rows = Self::default();
        rows.push_unknown(len, false);
        rows
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn digests(&self, position: usize) -> Option<&Digests> {
        let (block, place) = self.place(position)?;
        self.blocks.get(block)?.digests(place)
    }

    pub(super) fn row(&self, position: usize) -> Option<Row> {
        let (block, place) = self.place(position)?;
        self.blocks.get(block)?.row(place)
    }

    pub(super) fn mtime(&self, position: usize) -> i64 {
        let block = self.place(position).and_then(|(block, place)| Some((self.blocks.get(block)?, place)));
        block.map_or(0, |(block, place)| block.mtime(place))
    }

    pub(super) fn set(&mut self, position: usize, row: Option<Row>) {
        if let Some((block, place)) = self.place(position)
            && let Some(block) = self.blocks.get_mut(block)
        {
            Arc::make_mut(block).set(place, row);
        }
    }

    /// All that are known, rising by position.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Digests)> {
        self.starts.iter().zip(&self.blocks).flat_map(|(start, block)| {
            let known = (0..block.len()).filter_map(|place| Some((place, block.digests(place)?)));
            known.map(|(place, digests)| (start.saturating_add(place), digests))
        })
    }

    /// Beside the next state of the index: of what is new nothing is known.
    pub(super) fn edited(&self, edit: &Edit) -> Self {
        let mut next = Self::default();
        let mut is_made = false;
        for (before, after) in edit.stayed() {
            let new = after.start.saturating_sub(next.len);
            is_made |= new > 0;
            next.push_unknown(new, is_made);
            for (block, places) in self.pieces(before) {
                let is_whole = places.len() == block.len();
                match is_whole {
                    true => next.push(block.clone()),
                    false => next.push_made(Block::of(&[(block, places)]), is_made),
                }
                is_made = !is_whole;
            }
        }
        next.push_unknown(edit.len_after().saturating_sub(next.len), is_made);
        next
    }

    /// The parts of blocks that make up a range of positions.
    fn pieces(&self, positions: Range<usize>) -> impl Iterator<Item = (&Arc<Block>, Range<usize>)> {
        let first = self.place(positions.start).map_or(self.blocks.len(), |(block, _)| block);
        let blocks = self.blocks.iter().zip(&self.starts).skip(first);
        let blocks = blocks.take_while(move |(_, start)| **start < positions.end);
        blocks.map(move |(block, start)| {
            let place = |position: usize| position.saturating_sub(*start).min(block.len());
            (block, place(positions.start)..place(positions.end))
        })
    }

    /// Which block a position is in, and its place there.
    fn place(&self, position: usize) -> Option<(usize, usize)> {
        let block = self.starts.partition_point(|start| *start <= position).checked_sub(1)?;
        Some((block, position.saturating_sub(*self.starts.get(block)?)))
    }

    fn push(&mut self, block: Arc<Block>) {
        if block.len() > 0 {
            self.starts.push(self.len);
            self.len = self.len.saturating_add(block.len());
            self.blocks.push(block);
        }
    }

    /// Files of which nothing is known. `after_made`: the last block was made now too.
    fn push_unknown(&mut self, len: usize, after_made: bool) {
        for first in (0..len).step_by(BLOCK_ROWS) {
            self.push_made(Block::unknown(len.saturating_sub(first).min(BLOCK_ROWS)), after_made);
        }
    }

    /// A block that was made now: it becomes one with that before it if one of the two is small, or
    /// if that was made now too.
    fn push_made(&mut self, block: Block, after_made: bool) {
        let before = self.blocks.last().map_or(0, |before| before.len());
        let is_small = before.min(block.len()) < SMALL_ROWS;
        let fits = before > 0 && before.saturating_add(block.len()) <= MOST_ROWS;
        if fits
            && (is_small || after_made)
            && let (Some(before), Some(start)) = (self.blocks.pop(), self.starts.pop())
        {
            self.len = start;
            let joined = Block::of(&[(&before, 0..before.len()), (&block, 0..block.len())]);
            return self.push(Arc::new(joined));
        }
        self.push(Arc::new(block));
    }

    /// What it takes in memory, blocks that others share too.
    pub(super) fn memory_bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.memory_bytes()).sum()
    }

    /// How many blocks are the very same.
    #[cfg(test)]
    pub(super) fn shared_with(&self, other: &Self) -> usize {
        let is_shared = |block: &&Arc<Block>| other.blocks.iter().any(|theirs| Arc::ptr_eq(block, theirs));
        self.blocks.iter().filter(is_shared).count()
    }
}
