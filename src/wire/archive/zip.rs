//! The records of a zip (PKWARE's APPNOTE 6.3.10, section 4.3): files stored as they are, UTF-8
//! names, the CRC-32 after each content, 64-bit lengths (zip64) only where others do not do, so
//! that the oldest programs read what they can.

use super::{Member, Totals};

/// A length or place from which on 32 bits do not do.
const LARGE: u64 = 0xffff_ffff;
/// The same for the number of files.
const MANY: u64 = 0xffff;
/// Bit 3: the sum comes after the content; bit 11: names are UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
/// What a reader must know: folders, or zip64.
const NEEDS_FOLDERS: u16 = 20;
const NEEDS_ZIP64: u16 = 45;
/// Written on a Unix by what knows zip64.
const MADE_BY: u16 = 3 << 8 | NEEDS_ZIP64;
/// A regular file that its owner may write.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// Info-ZIP's extra field with a time in UTC; the fields of DOS know no zone.
const EXTRA_TIME: u16 = 0x5455;
const EXTRA_ZIP64: u16 = 0x0001;

/// The local file header.
pub(super) fn head(member: &Member<'_>, out: &mut Vec<u8>) {
    let is_large = member.size_bytes >= LARGE;
    let size = if is_large { u32::MAX } else { 0 };
    put_u32(out, 0x0403_4b50);
    put_u16(out, if is_large { NEEDS_ZIP64 } else { NEEDS_FOLDERS });
    put_common(member, 0, [size, size], if is_large { 9 + 20 } else { 9 }, out);
    out.extend_from_slice(member.name.as_bytes());
    put_time(member, out);
    if is_large {
        put_zip64(&[0, 0], out);
    }
}

/// The data descriptor.
pub(super) fn foot(member: &Member<'_>, crc32: u32, out: &mut Vec<u8>) {
    put_u32(out, 0x0807_4b50);
    put_u32(out, crc32);
    for _ in 0..2 {
        // Compressed and not: the same.
        match u32::try_from(member.size_bytes) {
            Ok(size) if member.size_bytes < LARGE => put_u32(out, size),
            _ => put_u64(out, member.size_bytes),
        }
    }
}

/// The header in the central directory.
pub(super) fn line(member: &Member<'_>, crc32: u32, offset: u64, out: &mut Vec<u8>) {
    let size = saturated(member.size_bytes);
    let mut large = Vec::new();
    if member.size_bytes >= LARGE {
        large.extend([member.size_bytes; 2]);
    }
    if offset >= LARGE {
        large.push(offset);
    }
    let zip64_bytes = if large.is_empty() { 0 } else { large.len().saturating_mul(8).saturating_add(4) };
    put_u32(out, 0x0201_4b50);
    put_u16(out, MADE_BY);
    put_u16(out, if large.is_empty() { NEEDS_FOLDERS } else { NEEDS_ZIP64 });
    put_common(member, crc32, [size, size], zip64_bytes.saturating_add(9), out);
    out.extend_from_slice(&[0; 6]); // no comment, the first disk, no internal attributes
    put_u32(out, ATTRIBUTES);
    put_u32(out, saturated(offset));
    out.extend_from_slice(member.name.as_bytes());
    put_time(member, out);
    if !large.is_empty() {
        put_zip64(&large, out);
    }
}

/// The end of the central directory, in both sizes where they are needed.
pub(super) fn end(totals: &Totals, out: &mut Vec<u8>) {
    let Totals { files, list_offset, list_bytes } = *totals;
    if files >= MANY || list_offset >= LARGE || list_bytes >= LARGE {
        put_u32(out, 0x0606_4b50);
        put_u64(out, 44); // what follows of this record
        put_u16(out, MADE_BY);
        put_u16(out, NEEDS_ZIP64);
        put_u64(out, 0); // two numbers of disks
        [files, files, list_bytes, list_offset].into_iter().for_each(|number| put_u64(out, number));
        put_u32(out, 0x0706_4b50);
        put_u32(out, 0);
        put_u64(out, list_offset.saturating_add(list_bytes));
        put_u32(out, 1); // one disk
    }
    let files = u16::try_from(files).unwrap_or(u16::MAX);
    put_u32(out, 0x0605_4b50);
    put_u32(out, 0); // two numbers of disks
    put_u16(out, files);
    put_u16(out, files);
    put_u32(out, saturated(list_bytes));
    put_u32(out, saturated(list_offset));
    put_u16(out, 0); // no comment
}

/// From the flags to the lengths of name and extra fields: alike in both headers.
fn put_common(member: &Member<'_>, crc32: u32, sizes: [u32; 2], extra_bytes: usize, out: &mut Vec<u8>) {
    let (date, time) = dos_time(member.modified);
    put_u16(out, FLAGS);
    put_u16(out, 0); // stored
    put_u16(out, time);
    put_u16(out, date);
    put_u32(out, crc32);
    sizes.into_iter().for_each(|size| put_u32(out, size));
    put_u16(out, u16::try_from(member.name.len()).unwrap_or(u16::MAX));
    put_u16(out, u16::try_from(extra_bytes).unwrap_or(u16::MAX));
}

fn put_time(member: &Member<'_>, out: &mut Vec<u8>) {
    put_u16(out, EXTRA_TIME);
    put_u16(out, 5);
    out.push(1); // the last change alone
    put_u32(out, member.modified);
}

fn put_zip64(numbers: &[u64], out: &mut Vec<u8>) {
    put_u16(out, EXTRA_ZIP64);
    put_u16(out, u16::try_from(numbers.len().saturating_mul(8)).unwrap_or(u16::MAX));
    numbers.iter().for_each(|number| put_u64(out, *number));
}

/// Date and time of DOS, in UTC: from 1980 on, by two seconds.
fn dos_time(seconds: u32) -> (u16, u16) {
    let (days, second) = (i64::from(seconds / 86_400), seconds % 86_400);
    let (year, month, day) = civil(days);
    let Ok(year) = u16::try_from(year.saturating_sub(1980)) else { return (1 << 5 | 1, 0) };
    let date = year.min(127) << 9 | month << 5 | day;
    let time = (second / 3600) << 11 | (second / 60 % 60) << 5 | (second % 60 / 2);
    (date, u16::try_from(time).unwrap_or(0))
}

/// Year, month and day of a number of days since 1970.
fn civil(days: i64) -> (i64, u16, u16) {
    let (mut year, mut left) = (1970_i64, days);
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while left >= 365 + i64::from(is_leap(year)) {
        left = left.saturating_sub(365 + i64::from(is_leap(year)));
        year = year.saturating_add(1);
    }
    let february = 28 + i64::from(is_leap(year));
    for (month, length) in (1_u16..).zip([31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
        if left < length {
            return (year, month, u16::try_from(left.saturating_add(1)).unwrap_or(1));
        }
        left = left.saturating_sub(length);
    }
    (year, 12, 31)
}

fn saturated(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn put_u16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_dos() {
        for (seconds, (year, month, day), (hour, minute, second)) in [
            (1_795_334_400, (2026, 11, 22), (8, 0, 0)),
            (951_868_799, (2000, 2, 29), (23, 59, 58)), // odd seconds are cut
            (0, (1980, 1, 1), (0, 0, 0)),               // DOS knows nothing before
            (315_532_799, (1980, 1, 1), (0, 0, 0)),
            (u32::MAX, (2106, 2, 7), (6, 28, 14)),
        ] {
            let date = u16::try_from(year - 1980).unwrap() << 9 | month << 5 | day;
            assert_eq!(dos_time(seconds), (date, (hour << 11) | (minute << 5) | (second / 2)), "{seconds}");
        }
    }

    #[test]
    fn only_what_needs_64_bits_has_them() {
        let of = |size_bytes| Member { name: "a", size_bytes, modified: 0 };
        let length = |put: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            put(&mut out);
            out.len()
        };
        for (size, head_bytes, foot_bytes) in [(0, 40, 16), (LARGE - 1, 40, 16), (LARGE, 60, 24), (u64::MAX, 60, 24)] {
            assert_eq!(length(&|out| head(&of(size), out)), head_bytes, "{size}");
            assert_eq!(length(&|out| foot(&of(size), 7, out)), foot_bytes, "{size}");
        }
        for (size, offset, bytes) in [(0, 0, 56), (0, LARGE, 68), (LARGE, 0, 76), (LARGE, LARGE, 84)] {
            assert_eq!(length(&|out| line(&of(size), 7, offset, out)), bytes, "{size} at {offset}");
        }
        let totals = |files, list_offset| Totals { files, list_offset, list_bytes: 9 };
        for (totals, bytes) in [(totals(1, 2), 22), (totals(MANY, 2), 98), (totals(1, LARGE), 98)] {
            assert_eq!(length(&|out| end(&totals, out)), bytes, "{totals:?}");
        }
    }
}
