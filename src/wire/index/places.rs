//! An index by position: what search reads of it without looking for the ends of lines.

use std::ops::Range;

use super::Index;

impl Index {
    /// All names without a leading `/`, in their order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        // Looked at once as a whole; a name is cut out of it where its line says.
        let text = std::str::from_utf8(&self.text).unwrap_or_default();
        self.slots.iter().map(move |slot| {
            let start = slot.start as usize;
            text.get(start..start.saturating_add(usize::from(slot.name_len))).unwrap_or_default()
        })
    }

    /// The name at a position, without a leading `/`.
    #[must_use]
    pub fn name_at(&self, position: usize) -> Option<&str> {
        std::str::from_utf8(self.name_bytes(self.slots.get(position)?)).ok()
    }

    /// The same as bytes: where there are very many, and few of them are shown.
    #[must_use]
    pub fn name_bytes_at(&self, position: usize) -> Option<&[u8]> {
        self.slots.get(position).map(|slot| self.name_bytes(slot))
    }

    /// The size of the file at a position, in bytes.
    #[must_use]
    pub fn size_at(&self, position: usize) -> Option<u64> {
        self.slots.get(position).map(|slot| slot.size_bytes)
    }

    /// Where the files below a folder are; all of them for an empty name.
    #[must_use]
    pub fn positions_below(&self, folder: &str) -> Range<usize> {
        if folder.is_empty() {
            return 0..self.len();
        }
        let prefix = format!("{folder}/");
        let first = self.position(&prefix).unwrap_or_else(|at| at);
        let rest = self.slots.get(first..).unwrap_or_default();
        let count = rest.partition_point(|slot| self.name_bytes(slot).starts_with(prefix.as_bytes()));
        first..first.saturating_add(count)
    }

    /// From a position on, those names that begin with the same bytes, so many: the files of a folder,
    /// if the last of these is a slash. What is looked at grows with the logarithm of their number.
    #[must_use]
    pub fn beginning_alike(&self, first: usize, prefix_bytes: usize) -> Range<usize> {
        let prefix = |at: usize| self.slots.get(at).and_then(|slot| self.name_bytes(slot).get(..prefix_bytes));
        let Some(wanted) = prefix(first) else { return first..first };
        let (mut last, mut step) = (first, 1_usize);
        while prefix(last.saturating_add(step)) == Some(wanted) {
            last = last.saturating_add(step);
            step = step.saturating_mul(2);
        }
        let (after, beyond) = (last.saturating_add(1), last.saturating_add(step).min(self.slots.len()));
        let rest = self.slots.get(after..beyond).unwrap_or_default();
        let more = rest.partition_point(|slot| self.name_bytes(slot).get(..prefix_bytes) == Some(wanted));
        first..after.saturating_add(more)
    }

    /// The sum of the sizes there, saturating.
    #[must_use]
    pub fn bytes_at(&self, positions: Range<usize>) -> u64 {
        let slots = self.slots.get(positions).unwrap_or_default();
        slots.iter().fold(0, |sum, slot| sum.saturating_add(slot.size_bytes))
    }

    /// Where the lines of some positions stand in the text, the last newline with them.
    #[must_use]
    pub fn span_of(&self, positions: &Range<usize>) -> Range<usize> {
        let start = |position: usize| self.slots.get(position).map_or(self.text.len(), |slot| slot.start as usize);
        start(positions.start)..start(positions.end)
    }

    /// The position of the line to which a byte of the text belongs.
    #[must_use]
    pub fn position_over(&self, offset: usize) -> Option<usize> {
        self.slots.partition_point(|slot| slot.start as usize <= offset).checked_sub(1)
    }

    /// The position of the line to which a byte of the text belongs, if that is not before the
    /// line at `from`. It is guessed by how long lines are on average, which costs a look or two
    /// where lines are about as long as each other; then looked for around there.
    #[must_use]
    pub fn position_over_from(&self, offset: usize, from: usize) -> usize {
        let is_passed = |position: usize| self.slots.get(position).is_some_and(|slot| slot.start as usize <= offset);
        let begin = self.slots.get(from).map_or(0, |slot| slot.start as usize);
        let average = (self.text.len() / self.slots.len().max(1)).max(1);
        let guess = from.saturating_add(offset.saturating_sub(begin) / average).min(self.slots.len());
        // Twice as far each time: `low` begins at or before the byte, `high` behind it.
        let (mut low, mut high, mut step) = (guess, guess.saturating_add(1), 1_usize);
        while low > from && !is_passed(low) {
            high = low;
            low = low.saturating_sub(step).max(from);
            step = step.saturating_mul(2);
        }
        step = 1;
        while is_passed(high) {
            low = high;
            high = high.saturating_add(step);
            step = step.saturating_mul(2);
        }
        while high.saturating_sub(low) > 1 {
            let middle = low.midpoint(high);
            if is_passed(middle) { low = middle } else { high = middle }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sizes_folders_and_lines_are_found_by_position() {
        let (index, _) = Index::parse("/d/é,2\nd,1\nd-c,3\nd0,4\nd/a,5\n".as_bytes()).unwrap();
        assert_eq!(index.names().collect::<Vec<_>>(), ["d", "d-c", "d/a", "d/é", "d0"]);
        assert_eq!((index.name_at(3), index.size_at(3), index.name_at(5)), (Some("d/é"), Some(2), None));
        let positions = ["d", "", "x"].map(|folder| index.positions_below(folder));
        assert_eq!(positions, [2..4, 0..5, 5..5]);
        assert_eq!(positions.map(|positions| index.bytes_at(positions)), [7, 15, 0]);
        assert_eq!(index.text().get(index.span_of(&(1..3))), Some(&b"d-c,3\nd/a,5\n"[..]));
        assert_eq!(index.text().get(index.span_of(&(4..9))), Some(&b"d0,4\n"[..]));
        for (offset, position) in [(0, 0), (3, 0), (4, 1), (9, 1), (10, 2), (1_000, 4)] {
            assert_eq!(index.position_over(offset), Some(position), "{offset}");
            for from in 0..=position {
                assert_eq!(index.position_over_from(offset, from), position, "{offset} from {from}");
            }
        }
        assert_eq!((index.name_bytes_at(3), index.name_bytes_at(5)), (Some("d/é".as_bytes()), None));
        assert_eq!(Index::default().position_over(0), None);
    }

    #[test]
    fn a_line_is_found_by_any_of_its_bytes_however_far_behind() {
        let names: Vec<String> =
            (0..2_000_usize).map(|number| format!("{number:04}{}", "x".repeat(number % 90))).collect();
        let index = Index::from_sorted(names.iter().map(|name| (name.as_str(), 1)));
        for offset in (0..index.text().len()).step_by(97) {
            let position = index.position_over(offset).unwrap();
            for from in [0, position / 2, position.saturating_sub(40), position] {
                assert_eq!(index.position_over_from(offset, from), position, "{offset} from {from}");
            }
        }
    }

    #[test]
    fn the_files_of_a_folder_end_where_the_next_name_begins_otherwise() {
        let mut names: Vec<String> = (0..300).map(|number| format!("d{:02}/{number:03}", number / 7)).collect();
        names.extend(["a".into(), "d00-x".into(), "d00/".to_owned() + &"x".repeat(40), "e/y".into()]);
        names.sort_unstable();
        let index = Index::from_sorted(names.iter().map(|name| (name.as_str(), 1)));
        for (at, name) in names.iter().enumerate() {
            let Some(slash) = name.find('/') else { continue };
            let below = index.positions_below(&name[..slash]);
            if below.start == at {
                assert_eq!(index.beginning_alike(at, slash + 1), below, "{name}");
            }
            assert_eq!(index.beginning_alike(at, slash + 1), at..below.end, "{name}");
        }
        assert_eq!(
            [index.beginning_alike(0, 9), index.beginning_alike(names.len(), 1)],
            [0..0, names.len()..names.len()]
        );
    }
}
