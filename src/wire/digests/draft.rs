//! A table while it is changed.

use std::sync::{Arc, OnceLock};

use super::order::{self, ByBlake3, ByMd5};
use super::{DigestTable, Positions, Row};

/// The next state of a [`DigestTable`]. Of the one before it shares what does not change.
#[derive(Clone, Debug)]
pub struct Draft {
    before: DigestTable,
    next: DigestTable,
    changed: Positions,
}

impl Draft {
    pub(super) fn of(before: &DigestTable) -> Self {
        let next = DigestTable { has_mtimes: true, ..before.clone() };
        Self { before: before.clone(), next, changed: Positions::default() }
    }

    /// What is known now of the file at a position. Positions beyond the index do not count.
    pub fn set(&mut self, position: usize, row: Option<Row>) {
        if position < self.next.rows.len() {
            self.next.rows.set(position, row);
            self.changed.insert(position);
        }
    }

    /// What is known of a file, changed or not.
    #[must_use]
    pub fn row(&self, position: usize) -> Option<Row> {
        self.next.rows.row(position)
    }

    /// The table from which it began.
    #[must_use]
    pub fn before(&self) -> &DigestTable {
        &self.before
    }

    /// What was set.
    #[must_use]
    pub fn changed(&self) -> &Positions {
        &self.changed
    }

    /// The table.
    #[must_use]
    pub fn finish(self) -> DigestTable {
        let Self { before, next, changed } = self;
        if changed.is_empty() {
            return next;
        }
        let by_blake3 = order::changed::<ByBlake3>(&before.by_blake3, &before.rows, &changed, &next.rows);
        let by_md5 = before.by_md5.get().map(|known| {
            let order = order::changed::<ByMd5>(known, &before.rows, &changed, &next.rows);
            OnceLock::from(Arc::new(order))
        });
        DigestTable { by_blake3: by_blake3.into(), by_md5: by_md5.unwrap_or_default().into(), ..next }
    }
}
