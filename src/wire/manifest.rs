//! The manifest: what names the content of the files in an index, a line a file
//! (`docs/PROTOCOL.md`, section 6).
//!
//! It stands beside an index and says nothing of files that are not in it. A header of keys and
//! values comes first; a reader skips keys that it does not know.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use super::napster::{Md5, PeerAddress};
use super::{DigestTable, Digests, Index, IndexHmac};

/// The first line. Another number is another format.
const FIRST_LINE: &str = "boucan-manifest 1";
/// What a file takes beside its name is 119 bytes at most: 19 digits, 32, 64, three blanks and a
/// newline. The rest is for headers of later versions.
const ENTRY_BYTES: usize = 140;
/// What the header may take.
const HEADER_BYTES: usize = 16 * 1024;
/// Lines of the header that are looked at.
const HEADER_LINES: usize = 256;

/// What precedes the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Files whose digests are still to come; 0: it is complete.
    pub hashing: u64,
    /// The HMAC, as announced, of the index beside which it stands.
    pub index: Option<IndexHmac>,
    /// Where the node serves Napster peers, if it does.
    pub peer: Option<PeerAddress>,
}

/// A neighbour's, as it was read beside its index.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// What precedes the files.
    pub header: Header,
    /// What it says of them.
    pub digests: DigestTable,
    /// What was left out.
    pub skipped: Skipped,
}

/// Lines that were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Those that are not what they should be.
    pub bad: usize,
    /// Those of files that are not in the index with that size: it is older, or newer.
    pub strange: usize,
}

/// Why a text is no manifest at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Over what [`max_bytes`] allows.
    #[error("the manifest is larger than its index allows")]
    TooBig,
    /// It begins otherwise.
    #[error("the answer is not a manifest that we read")]
    NotAManifest,
}

/// A manifest beside that index is not larger.
#[must_use]
pub fn max_bytes(beside: &Index) -> usize {
    beside.text().len().saturating_add(beside.len().saturating_mul(ENTRY_BYTES)).saturating_add(HEADER_BYTES)
}

impl Manifest {
    /// Reads what a neighbour serves, beside its index. Bad lines are skipped and counted.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn parse(body: &[u8], beside: &Arc<Index>) -> Result<Self, ManifestError> {
        if body.len() > max_bytes(beside) {
            return Err(ManifestError::TooBig);
        }
        let mut lines = body.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        if lines.next() != Some(FIRST_LINE.as_bytes()) {
            return Err(ManifestError::NotAManifest);
        }
        let mut skipped = Skipped::default();
        let header = parse_header(&mut lines, &mut skipped);
        let mut digests = vec![None; beside.len()];
        for line in lines.filter(|line| !line.is_empty()) {
            let Some(row) = parse_row(line) else {
                skipped.bad = skipped.bad.saturating_add(1);
                continue;
            };
            let position = beside.position_of(row.name);
            let place = position.filter(|at| beside.get(*at).is_some_and(|entry| entry.size_bytes == row.size_bytes));
            match place.and_then(|at| digests.get_mut(at)) {
                // Of equal names the first counts.
                Some(place @ None) => *place = Some(row.digests),
                Some(Some(_)) => skipped.bad = skipped.bad.saturating_add(1),
                None => skipped.strange = skipped.strange.saturating_add(1),
            }
        }
        Ok(Self { header, digests: DigestTable::new(beside.clone(), digests), skipped })
    }
}

impl Header {
    /// The lines before the files, the empty one included.
    #[must_use]
    pub fn emit(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nhashing {}\n", self.hashing);
        if let Some(index) = self.index {
            text.push_str(&format!("index {index}\n"));
        }
        if let Some(peer) = self.peer {
            text.push_str(&format!("peer {peer}\n"));
        }
        text.push('\n');
        text
    }
}

/// The lines of the files at some positions of the index, sorted by name.
#[must_use]
pub fn emit_rows(digests: &DigestTable, positions: Range<usize>) -> String {
    let mut text = String::new();
    for (entry, of) in digests.iter_in(positions) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{} {} ", entry.size_bytes, of.md5);
        for byte in of.blake3 {
            let _ = write!(text, "{byte:02x}");
        }
        let _ = writeln!(text, " {}", entry.name);
    }
    text
}

/// Up to the first empty line.
fn parse_header<'b>(lines: &mut impl Iterator<Item = &'b [u8]>, skipped: &mut Skipped) -> Header {
    let mut header = Header::default();
    for line in lines.take_while(|line| !line.is_empty()).take(HEADER_LINES) {
        let text = std::str::from_utf8(line).unwrap_or_default();
        let (key, value) = text.split_once(' ').unwrap_or((text, ""));
        let is_read = match key {
            "hashing" => decimal(value).map(|number| header.hashing = number),
            "index" => IndexHmac::parse(value.as_bytes()).map(|hmac| header.index = Some(hmac)),
            "peer" => PeerAddress::parse(value.as_bytes()).ok().map(|peer| header.peer = Some(peer)),
            _ => Some(()), // of a later version
        };
        if is_read.is_none() {
            skipped.bad = skipped.bad.saturating_add(1);
        }
    }
    header
}

struct Row<'b> {
    size_bytes: u64,
    digests: Digests,
    name: &'b str,
}

/// `<size> <md5> <blake3> <name>`; the name may hold blanks.
fn parse_row(line: &[u8]) -> Option<Row<'_>> {
    let text = std::str::from_utf8(line).ok()?;
    let mut fields = text.splitn(4, ' ');
    let size_bytes = decimal(fields.next()?)?;
    let md5 = Md5::parse(fields.next()?.as_bytes()).ok()?;
    let blake3 = parse_blake3(fields.next()?.as_bytes())?;
    let name = fields.next()?;
    Some(Row { size_bytes, digests: Digests { md5, blake3 }, name: name.strip_prefix('/').unwrap_or(name) })
}

/// No sign: `parse` would take one.
fn decimal(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn parse_blake3(field: &[u8]) -> Option<[u8; 32]> {
    // Two halves of the width of an MD5.
    let (first, second) = field.split_at_checked(Md5::WIDTH)?;
    let (first, second) = (Md5::parse(first).ok()?, Md5::parse(second).ok()?);
    let mut digest = [0; 32];
    digest.iter_mut().zip(first.digest().iter().chain(second.digest())).for_each(|(to, from)| *to = *from);
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";
    const BLAKE3: &str = "17762fddd969a453925d65717ac3eea21320b66b54342fde15128d6caf21215f";

    fn index(text: &str) -> Arc<Index> {
        Arc::new(Index::parse(text.as_bytes()).unwrap().0)
    }

    fn read(rows: &str) -> Manifest {
        let body = format!("boucan-manifest 1\n\n{rows}");
        Manifest::parse(body.as_bytes(), &index("a,1\nd/b, c.txt,3\n")).unwrap()
    }

    #[test]
    fn a_manifest_is_written_and_read() {
        let index = index("a,1\nb,2\nd/b, c.txt,3\n");
        let digests =
            Some(Digests { md5: Md5::parse(MD5.as_bytes()).unwrap(), blake3: *blake3::hash(b"a").as_bytes() });
        let table = DigestTable::new(index.clone(), vec![digests, None, digests]);
        let peer = "172.016.001.001|fc00:0000:0000:0000:0000:0000:0001:000106001";
        let hmac = "910eea887e9faa099a776d5598cb7207d595e7ad";
        let header = Header {
            hashing: 1,
            index: IndexHmac::parse(hmac.as_bytes()),
            peer: PeerAddress::parse(peer.as_bytes()).ok(),
        };
        let text = header.emit() + &emit_rows(&table, 0..3);
        let expected = format!(
            "boucan-manifest 1\nhashing 1\nindex {hmac}\npeer {peer}\n\n1 {MD5} {BLAKE3} a\n3 {MD5} {BLAKE3} d/b, c.txt\n"
        );
        assert_eq!(text, expected);
        let manifest = Manifest::parse(text.as_bytes(), &index).unwrap();
        assert_eq!((manifest.header, manifest.skipped), (header, Skipped::default()));
        assert_eq!(manifest.digests.iter().collect::<Vec<_>>(), table.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_header_of_a_later_version_is_read_as_far_as_it_is_known() {
        let body = "boucan-manifest 1\r\npieces 1 2 3\r\nhashing 7\r\nempty\r\nindex no hmac\r\npeer nobody\r\n\r\n";
        let manifest = Manifest::parse(body.as_bytes(), &index("a,1\n")).unwrap();
        assert_eq!(manifest.header, Header { hashing: 7, ..Header::default() });
        assert_eq!(manifest.skipped, Skipped { bad: 2, strange: 0 });
    }

    #[test]
    fn a_bad_line_is_counted_and_its_neighbours_stay() {
        let good = format!("1 {MD5} {BLAKE3} a\n3 {MD5} {BLAKE3} d/b, c.txt\n");
        let upper = BLAKE3.to_uppercase();
        for (row, bad, strange, why) in [
            (format!("1 {MD5} {BLAKE3} a"), 1, 0, "a second line for a name"),
            (format!("2 {MD5} {BLAKE3} a"), 0, 1, "another size"),
            (format!("1 {MD5} {BLAKE3} nobody"), 0, 1, "not in the index"),
            (format!("1 {MD5} {BLAKE3} ../a"), 0, 1, "not in any index"),
            (format!("1 {MD5} {BLAKE3}"), 1, 0, "no name"),
            (format!("+1 {MD5} {BLAKE3} a"), 1, 0, "a sign"),
            (format!("18446744073709551616 {MD5} {BLAKE3} a"), 1, 0, "too large"),
            (format!(" {MD5} {BLAKE3} a"), 1, 0, "no size"),
            (format!("1 {MD5}0 {BLAKE3} a"), 1, 0, "an MD5 that is too long"),
            (format!("1 {MD5} {BLAKE3}00 a"), 1, 0, "a BLAKE3 that is too long"),
            (format!("1 {MD5} {MD5} a"), 1, 0, "a BLAKE3 that is too short"),
            (format!("1 {MD5} {BLAKE3} \u{fffd}").replace('7', "g"), 1, 0, "no hex"),
        ] {
            let manifest = read(&format!("{good}{row}\n"));
            assert_eq!((manifest.digests.known(), manifest.skipped), (2, Skipped { bad, strange }), "{why}");
        }
        assert_eq!(read(&format!("1 {MD5} {upper} /a\n")).digests.known(), 1);
    }

    #[test]
    fn another_text_or_too_much_of_it_is_no_manifest() {
        let index = index("a,1\n");
        for text in ["", "<html>", "boucan-manifest 2\n\n", "boucan-manifest 10\n", "a,1\n"] {
            assert_eq!(Manifest::parse(text.as_bytes(), &index).unwrap_err(), ManifestError::NotAManifest, "{text}");
        }
        let body = format!("boucan-manifest 1\n\n{}", "x\n".repeat(max_bytes(&index) / 2));
        assert_eq!(Manifest::parse(body.as_bytes(), &index).unwrap_err(), ManifestError::TooBig);
        assert_eq!(Manifest::parse(b"boucan-manifest 1", &index).unwrap().digests.known(), 0);
    }

    #[test]
    fn the_largest_that_is_written_is_read() {
        let index = index(&format!("{},{}\n", "n".repeat(200), i64::MAX));
        let digests = Digests { md5: Md5::new([0; 16]), blake3: [0; 32] };
        let table = DigestTable::new(index.clone(), vec![Some(digests)]);
        assert!(emit_rows(&table, 0..1).len() <= max_bytes(&index) - HEADER_BYTES);
    }

    proptest! {
        #[test]
        fn a_manifest_never_panics(
            body in proptest::collection::vec(any::<u8>(), 0..400),
            lines in proptest::collection::vec("([0-9]{1,3} [0-9a-f]{32} [0-9a-f]{64} [ab/]{1,3}|[a-z]{1,9} [0-9a-f|:.]{0,60})?", 0..9),
        ) {
            let index = index("a,1\nb,2\n");
            let _ = Manifest::parse(&body, &index);
            let _ = Manifest::parse(&[b"boucan-manifest 1\n", &*body].concat(), &index);
            let _ = Manifest::parse(format!("boucan-manifest 1\n{}", lines.join("\n")).as_bytes(), &index);
        }

        #[test]
        fn what_is_written_reads_back(
            names in proptest::collection::btree_set("[a-zäß ,]{1,20}", 0..9),
            seed in any::<u8>(),
            hashing in any::<u64>(),
        ) {
            let text: String = names.iter().map(|name| format!("{name},{seed}\n")).collect();
            let Ok((index, _)) = Index::parse(text.as_bytes()) else { return Ok(()) };
            let index = Arc::new(index);
            let of = |at: usize| Some(Digests { md5: Md5::new([seed; 16]), blake3: [u8::try_from(at).unwrap(); 32] });
            let digests = (0..index.len()).map(|at| of(at).filter(|_| at % 3 != 1)).collect();
            let table = DigestTable::new(index.clone(), digests);
            let header = Header { hashing, index: Some(IndexHmac::of(&[seed], &crate::wire::IndexKey::Specified)), peer: None };
            let read = Manifest::parse((header.emit() + &emit_rows(&table, 0..index.len())).as_bytes(), &index).unwrap();
            prop_assert_eq!((read.header, read.skipped), (header, Skipped::default()));
            prop_assert_eq!(read.digests.iter().collect::<Vec<_>>(), table.iter().collect::<Vec<_>>());
        }
    }
}
