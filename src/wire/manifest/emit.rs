//! The lines of files, as a manifest has them.

use std::fmt::Write as _;
use std::ops::Range;

use crate::wire::DigestTable;

/// The line of the file at a position of the index; nothing if its digests are not known.
pub fn emit_row(text: &mut String, of: &DigestTable, position: usize) {
    let index = of.index();
    let (Some(name), Some(size_bytes)) = (index.name_at(position), index.size_at(position)) else { return };
    let Some(digests) = of.get(position) else { return };
    // Writing to a String cannot fail.
    let _ = write!(text, "{size_bytes} {} ", of.mtime(position).unwrap_or_default());
    push_hex(text, digests.md5.digest());
    text.push(' ');
    push_hex(text, &digests.blake3);
    text.extend([" ", name, "\n"]);
}

/// What that line comes to.
#[must_use]
pub fn row_bytes(of: &DigestTable, position: usize) -> usize {
    let (Some(name), Some(size_bytes)) = (of.index().name_at(position), of.index().size_at(position)) else { return 0 };
    let Some(digests) = of.get(position) else { return 0 };
    let mtime = of.mtime(position).unwrap_or_default();
    let decimals = |number: u64| number.checked_ilog10().unwrap_or_default() as usize + 1;
    let time = decimals(mtime.unsigned_abs()).saturating_add(usize::from(mtime < 0));
    let hex = digests.md5.digest().len().saturating_add(digests.blake3.len()).saturating_mul(2);
    // Four blanks and a newline.
    [decimals(size_bytes), time, hex, name.len(), 5].into_iter().fold(0, usize::saturating_add)
}

/// A million lines are a hundred million digits: not by the formatter.
fn push_hex(text: &mut String, bytes: &[u8]) {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)));
}

/// The lines of the files at some positions of the index, sorted by name.
#[must_use]
pub fn emit_rows(of: &DigestTable, positions: Range<usize>) -> String {
    let mut text = String::new();
    positions.for_each(|position| emit_row(&mut text, of, position));
    text
}

/// The lines of what became of some names: that of the file, or that there is none.
#[must_use]
pub fn emit_changes<'n>(of: &DigestTable, names: impl Iterator<Item = &'n str>) -> String {
    let mut text = String::new();
    for name in names {
        match of.index().position_of(name).filter(|at| of.get(*at).is_some()) {
            Some(position) => emit_row(&mut text, of, position),
            None => text.extend(["- ", name, "\n"]),
        }
    }
    text
}
