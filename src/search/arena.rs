//! Many folded texts as one, which is searched in one go.

use std::ops::Range;

use super::fold::fold_onto;

/// Stands between texts; none holds it.
const BETWEEN: char = '\n';

/// Folded texts one behind the other, each with its number.
#[derive(Clone, Debug, Default)]
pub(super) struct Arena {
    text: String,
    /// Where each begins, and where the last one ends.
    starts: Vec<u32>,
}

impl Arena {
    /// Adds a text, folded; at most twice as long as it was, for what a stranger may make of it.
    pub(super) fn push(&mut self, text: &str) -> &str {
        let start = self.text.len();
        self.starts.push(u32::try_from(start).unwrap_or(u32::MAX));
        fold_onto(text, &mut self.text);
        let mut end = self.text.len().min(start.saturating_add(text.len().saturating_mul(2)));
        while !self.text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        self.text.truncate(end);
        self.text.push(BETWEEN);
        self.text.get(start..end).unwrap_or_default()
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self) {
        self.starts.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        self.starts.shrink_to_fit();
        self.text.shrink_to_fit();
    }

    fn start(&self, number: usize) -> usize {
        self.starts.get(number).map_or(self.text.len(), |start| *start as usize)
    }

    /// A text.
    pub(super) fn get(&self, number: usize) -> &str {
        let end = self.start(number.saturating_add(1)).saturating_sub(BETWEEN.len_utf8());
        self.text.get(self.start(number)..end).unwrap_or_default()
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The bytes of some texts in a row.
    pub(super) fn bytes(&self, numbers: &Range<usize>) -> &[u8] {
        self.text.as_bytes().get(self.start(numbers.start)..self.start(numbers.end)).unwrap_or_default()
    }

    /// The first text from `from` on that goes beyond this many bytes after the beginning of `base`.
    pub(super) fn number_over(&self, base: usize, offset: usize, from: usize) -> usize {
        let at = u32::try_from(self.start(base).saturating_add(offset)).unwrap_or(u32::MAX);
        let rest = self.starts.get(from.saturating_add(1)..).unwrap_or_default();
        // Mostly it is near: twice as far each time, then between.
        let mut step = 1_usize;
        while rest.get(step).is_some_and(|start| *start <= at) {
            step = step.saturating_mul(2);
        }
        let near = rest.get(..step.saturating_add(1)).unwrap_or(rest);
        from.saturating_add(near.partition_point(|start| *start <= at))
    }

    /// What it takes in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        self.text.capacity().saturating_add(self.starts.capacity().saturating_mul(4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena(texts: &[&str]) -> Arena {
        let mut arena = Arena::default();
        texts.iter().for_each(|text| {
            arena.push(text);
        });
        arena.close();
        arena
    }

    #[test]
    fn a_stranger_s_text_takes_at_most_twice_its_bytes() {
        let text = "\u{1d160}".repeat(200);
        let arena = arena(&[&text]);
        assert!(arena.get(0).starts_with('\u{1d158}') && arena.get(0).len() <= text.len() * 2);
    }

    #[test]
    fn a_byte_tells_its_text() {
        let arena = arena(&["ab", "", "CdE", "f"]);
        assert_eq!((arena.len(), arena.get(2), arena.get(3), arena.bytes(&(1..3))), (4, "cde", "f", &b"\ncde\n"[..]));
        for (offset, number) in [(0, 0), (2, 0), (3, 1), (4, 2), (7, 2), (8, 3)] {
            assert_eq!(arena.number_over(0, offset, 0), number, "{offset}");
        }
        assert_eq!((arena.number_over(2, 4, 2), arena.number_over(2, 3, 2)), (3, 2));
    }
}
