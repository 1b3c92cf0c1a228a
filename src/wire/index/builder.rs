//! An index that is being made, line by line.

use bytes::Bytes;

use super::{Index, Slot};

/// Takes the files of an index in the order of their names.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    text: Vec<u8>,
    slots: Vec<Slot>,
}

impl IndexBuilder {
    /// Takes a file, if its name comes after all that were taken; else it says `false`.
    pub fn push(&mut self, name: &str, size_bytes: u64) -> bool {
        let rises = self.last_name().is_none_or(|last| last < name.as_bytes());
        if rises {
            self.line(name, size_bytes, false);
        }
        rises
    }

    /// How many were taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether none was taken yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// What was taken so far, as an index of its own.
    #[must_use]
    pub fn so_far(&self) -> Index {
        Self { text: self.text.clone(), slots: self.slots.clone() }.finish()
    }

    /// All that was taken.
    #[must_use]
    pub fn finish(mut self) -> Index {
        self.text.shrink_to_fit();
        let total_bytes = self.slots.iter().fold(0_u64, |sum, slot| sum.saturating_add(slot.size_bytes));
        Index { text: Bytes::from(self.text), slots: self.slots.into(), total_bytes }
    }

    /// A line of whose name is known that it comes after the others, and fits.
    pub(super) fn line(&mut self, name: &str, size_bytes: u64, slashed: bool) {
        let (Ok(start), Ok(name_len)) = (u32::try_from(self.text.len()), u16::try_from(name.len())) else { return };
        self.slots.push(Slot { start, name_len, slashed, size_bytes });
        self.text.extend_from_slice(name.as_bytes());
        self.text.push(b',');
        self.text.extend_from_slice(itoa::Buffer::new().format(size_bytes).as_bytes());
        self.text.push(b'\n');
    }

    fn last_name(&self) -> Option<&[u8]> {
        let slot = self.slots.last()?;
        self.text.get(slot.start as usize..)?.get(..usize::from(slot.name_len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_not_rise_are_not_taken() {
        let mut index = IndexBuilder::default();
        let taken = [("b", 1), ("b", 2), ("a", 3), ("ba", u64::MAX)].map(|(name, size)| index.push(name, size));
        assert_eq!(taken, [true, false, false, true]);
        assert_eq!(index.so_far(), index.finish());
    }

    #[test]
    fn lines_are_as_they_are_served() {
        let mut index = IndexBuilder::default();
        assert!(index.is_empty() && index.push("a,b", 0) && index.push("é", 1_234_567) && index.len() == 2);
        assert_eq!(index.finish().text(), "a,b,0\né,1234567\n");
    }
}
