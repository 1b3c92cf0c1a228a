//! The blocks of a tar (POSIX 1003.1-2001, “pax Interchange Format”). The headers are made by the
//! `tar` crate.

use ::tar::{Builder, EntryType, Header};

use super::Member;

/// Everything in a tar is in blocks of so many bytes.
const BLOCK_BYTES: u64 = 512;
/// Eleven octal digits.
const SIZE_MAX: u64 = 0o77_777_777_777;
/// The field of a name in the plain header.
const NAME_BYTES: usize = 100;

/// The header, behind an extended one where it is too small for the name or the size.
pub(super) fn head(member: &Member<'_>, out: &mut Vec<u8>) {
    let size = member.size_bytes.to_string();
    let fits = member.name.is_ascii() && member.name.len() <= NAME_BYTES;
    let records = [
        (!fits).then_some(("path", member.name.as_bytes())),
        (member.size_bytes > SIZE_MAX).then_some(("size", size.as_bytes())),
    ];
    let mut builder = Builder::new(std::mem::take(out));
    // Writing to a Vec cannot fail, and without records nothing is written.
    let _ = builder.append_pax_extensions(records.into_iter().flatten());
    *out = std::mem::take(builder.get_mut());
    let mut header = Header::new_ustar();
    if let Some(ustar) = header.as_ustar_mut() {
        // Readers of the extended header take the name from there.
        let plain = member.name.bytes().map(|byte| if byte.is_ascii() { byte } else { b'_' });
        ustar.name.iter_mut().zip(plain).for_each(|(to, from)| *to = from);
    }
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(member.size_bytes);
    header.set_mtime(member.modified.into());
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
}

/// Zeros to the end of the block.
pub(super) fn foot(member: &Member<'_>, out: &mut Vec<u8>) {
    let beyond = member.size_bytes % BLOCK_BYTES;
    let missing = if beyond == 0 { 0 } else { BLOCK_BYTES.saturating_sub(beyond) };
    put_zeros(missing, out);
}

/// Two blocks of zeros.
pub(super) fn end(out: &mut Vec<u8>) {
    put_zeros(BLOCK_BYTES.saturating_mul(2), out);
}

fn put_zeros(count: u64, out: &mut Vec<u8>) {
    let length = out.len().saturating_add(usize::try_from(count).unwrap_or(0));
    out.resize(length, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes_that_the_header_does_not_hold_stand_before_it() {
        let long = "x".repeat(101);
        for (name, size_bytes, blocks, holds) in [
            ("a/b", 7, 1, None),
            (&long[..100], SIZE_MAX, 1, None),
            (&long, 7, 3, Some(format!("111 path={long}\n"))),
            ("é", 7, 3, Some("11 path=é\n".into())),
            ("a", SIZE_MAX + 1, 3, Some("19 size=8589934592\n".into())),
        ] {
            let mut out = b"before".to_vec();
            head(&Member { name, size_bytes, modified: 5 }, &mut out);
            let (before, header) = out.split_at(6);
            assert_eq!((before, header.len()), (&b"before"[..], blocks * 512), "{name}");
            let text = String::from_utf8_lossy(header);
            assert!(holds.is_none_or(|record| text.contains(&record)), "{name}");
        }
    }

    #[test]
    fn contents_end_with_their_block() {
        for (size_bytes, zeros) in [(0, 0), (1, 511), (512, 0), (513, 511)] {
            let mut out = Vec::new();
            foot(&Member { name: "a", size_bytes, modified: 0 }, &mut out);
            assert_eq!(out, vec![0; zeros]);
        }
    }
}
