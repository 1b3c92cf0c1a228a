//! Rows one behind the other, for whoever asks for many names that rise.

use std::cmp::Ordering;

use redb::{AccessGuard, Range};

use super::{ROW_BYTES, Reader, Row};

/// So many rows are passed over before the next name is looked up instead.
const PASSED_MAX: usize = 32;

/// Reads rows one behind the other.
pub(in crate::loot::digests) struct InOrder<'r> {
    reader: &'r Reader,
    rest: Option<Range<'static, &'static str, &'static [u8; ROW_BYTES]>>,
    next: Option<(AccessGuard<'static, &'static str>, AccessGuard<'static, &'static [u8; ROW_BYTES]>)>,
}

impl<'r> InOrder<'r> {
    pub(super) fn of(reader: &'r Reader) -> Self {
        Self { reader, rest: None, next: None }
    }

    /// The row of a name behind the one that was asked for before.
    pub(in crate::loot::digests) fn get(&mut self, name: &str) -> Option<Row> {
        for _ in 0..PASSED_MAX {
            match self.next.as_ref().map(|(known, _)| known.value().cmp(name)) {
                Some(Ordering::Less) => self.next = self.rest.as_mut()?.next()?.ok(),
                Some(Ordering::Equal) => return Row::parse(self.next.as_ref()?.1.value()),
                Some(Ordering::Greater) => return None,
                None => break,
            }
        }
        let mut rest = self.reader.0.range(name..).ok()?;
        self.next = rest.next()?.ok();
        self.rest = Some(rest);
        let (known, row) = self.next.as_ref()?;
        Row::parse(row.value()).filter(|_| known.value() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cache, Row};
    use super::PASSED_MAX;
    use crate::loot::digests::Stamp;
    use crate::loot::digests::lists::Lists;
    use crate::wire::Digests;
    use crate::wire::napster::Md5;

    #[test]
    fn names_that_rise_are_found_near_and_far_and_those_between_are_not() {
        let temp = tempfile::tempdir().unwrap();
        let mut cache = Cache::open(&temp.path().join("digests.redb"), Lists::default());
        let row = |size_bytes: u64| {
            let digests = Digests { md5: Md5::new([1; 16]), blake3: [2; 32] };
            Row { size_bytes, stamp: Stamp::default(), digests }
        };
        // Every third number.
        (0..1_000).step_by(3).for_each(|number| cache.put(&format!("{number:04}"), row(number)));
        cache.commit();
        let far = PASSED_MAX as u64 * 10;
        let reader = cache.reader().unwrap();
        for step in [1, 2, 3, 7, far, far + 1] {
            let mut rows = reader.in_order();
            for number in (0..1_100).step_by(usize::try_from(step).unwrap()) {
                let expected = Some(row(number)).filter(|_| number % 3 == 0 && number < 1_000);
                assert_eq!(rows.get(&format!("{number:04}")), expected, "{number}, in steps of {step}");
            }
        }
    }
}
