//! The index: what a node offers, a line a file, `<name>,<size in bytes>\n`
//! (`docs/PROTOCOL.md`, section 2).
//!
//! An [`Index`] holds one text, sorted by name, in that very form, and 16 bytes a file beside it:
//! for our own loot the text *is* what is served, for a neighbour's it is what search reads.

mod beside;
mod builder;
mod canonical;
pub mod changes;
mod edit;
mod places;
mod served;
mod splice;

use bytes::Bytes;

pub use builder::IndexBuilder;
pub use edit::Edit;
pub use served::Served;
pub use splice::Now;

use super::LootPath;
use super::loot_path::Refusal;
use super::text::DisplayText;

/// A line longer than this is refused: a name has at most 1,024 bytes.
pub const LINE_MAX_BYTES: usize = 8 * 1024;
/// A million-file library fits.
pub const INDEX_MAX_ENTRIES: usize = 1_200_000;
/// A larger index is not read; a million files take about 60 MB.
pub const INDEX_MAX_BYTES: usize = 80 * 1024 * 1024;
/// Refused lines that are kept to be shown; the rest is counted.
const REFUSED_SHOWN: usize = 50;

/// What a node offers: names and sizes, sorted by name, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    text: Bytes,
    slots: Box<[Slot]>,
    total_bytes: u64,
}

/// Where one line is in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    start: u32,
    name_len: u16,
    /// The node lists it with a leading `/` and wants to be asked so.
    slashed: bool,
    size_bytes: u64,
}

/// One file of an [`Index`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'i> {
    /// The name without a leading `/`; a [`LootPath`] once, see [`Entry::path`].
    pub name: &'i str,
    /// As the index says.
    pub size_bytes: u64,
    /// `name,size`, without the newline.
    pub line: &'i str,
    slashed: bool,
}

impl Entry<'_> {
    /// The name as a path below a loot folder.
    #[must_use]
    pub fn path(&self) -> LootPath {
        LootPath::already_parsed(self.name)
    }

    /// The name exactly as its node lists it, which is how it must be asked for.
    #[must_use]
    pub fn listed_name(&self) -> String {
        if self.slashed { format!("/{}", self.name) } else { self.name.to_owned() }
    }
}

/// What was left out of an index that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Lines that name no file we could ever take.
    pub lines: usize,
    /// Lines under `forban/`, where nodes list their own files: no fault.
    pub reserved: usize,
    /// A later line for a name that was there already.
    pub duplicates: usize,
    /// The first of the refused lines, with the reason.
    pub shown: Vec<(DisplayText, LineError)>,
}

/// Why a line of an index is skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Longer than 8 KiB.
    #[error("is longer than {LINE_MAX_BYTES} bytes")]
    TooLong,
    /// No comma.
    #[error("has no comma before a size")]
    NoComma,
    /// The text after the last comma is not a decimal number below 2⁶³.
    #[error("does not end with a size in bytes")]
    BadSize,
    /// The name is refused.
    #[error("{0}")]
    Name(#[from] Refusal),
}

/// Why a text is no index at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// Over the bounds of this file.
    #[error("the index is larger than {INDEX_MAX_BYTES} bytes or {INDEX_MAX_ENTRIES} files")]
    TooBig,
    /// Not one valid line, but invalid ones: a login page, say.
    #[error("the answer is not an index")]
    NotAnIndex,
}

impl Index {
    /// Reads what a neighbour serves. Bad lines are skipped and counted, never fatal.
    ///
    /// # Errors
    /// [`IndexError`] when the whole is beyond the limits or has no valid line but invalid ones.
    pub fn parse(body: &[u8]) -> Result<(Self, Refused), IndexError> {
        match canonical::lines(body) {
            Some(lines) => Ok((lines.with(Bytes::copy_from_slice(body)), Refused::default())),
            None => Self::parse_any(body),
        }
    }

    /// The same of a body that is kept, if it is in the very form that we write.
    ///
    /// # Errors
    /// [`IndexError`].
    pub fn parse_owned(body: Bytes) -> Result<(Self, Refused), IndexError> {
        match canonical::lines(&body) {
            Some(lines) => Ok((lines.with(body), Refused::default())),
            None => Self::parse_any(&body),
        }
    }

    fn parse_any(body: &[u8]) -> Result<(Self, Refused), IndexError> {
        if body.len() > INDEX_MAX_BYTES {
            return Err(IndexError::TooBig);
        }
        let mut refused = Refused::default();
        let mut lines = Vec::new();
        for line in body.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            match parse_line(line) {
                Ok(parsed) => lines.push(parsed),
                Err(LineError::Name(Refusal::Reserved)) => refused.reserved = refused.reserved.saturating_add(1),
                Err(why) => refused.note(line, why),
            }
            if lines.len() > INDEX_MAX_ENTRIES {
                return Err(IndexError::TooBig);
            }
        }
        if lines.is_empty() && refused.lines > 0 && refused.reserved == 0 {
            return Err(IndexError::NotAnIndex);
        }
        lines.sort_by(|a, b| a.name.cmp(b.name)); // stable: of equal names the first stays first
        let before = lines.len();
        lines.dedup_by(|later, first| later.name == first.name);
        refused.duplicates = before.saturating_sub(lines.len());
        let mut index = IndexBuilder::default();
        lines.iter().for_each(|line| index.line(line.name, line.size_bytes, line.slashed));
        Ok((index.finish(), refused))
    }

    /// Our own index, of names that rise strictly.
    #[must_use]
    pub fn from_sorted<'n>(files: impl Iterator<Item = (&'n str, u64)>) -> Self {
        let mut index = IndexBuilder::default();
        files.for_each(|(name, size_bytes)| index.line(name, size_bytes, false));
        index.finish()
    }

    /// The whole text, sorted: for our own loot the exact bytes that are served.
    #[must_use]
    pub fn text(&self) -> &Bytes {
        &self.text
    }

    /// What it takes in memory: many short names are more than their text.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.text.len().saturating_add(size_of_val(&*self.slots))
    }

    /// Number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// True when nothing is offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Sum of the sizes, saturating.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// The file at a position in the order of names.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<Entry<'_>> {
        self.entry(self.slots.get(position)?)
    }

    /// All files, sorted by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Entry<'_>> + DoubleEndedIterator {
        self.slots.iter().map(|slot| self.entry(slot).expect("each slot is a line of the text"))
    }

    /// The file of that name (without a leading `/`).
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Entry<'_>> {
        let position = self.position(name).ok()?;
        self.get(position)
    }

    /// The files below a folder; all of them for an empty name.
    pub fn below<'i>(&'i self, folder: &str) -> impl Iterator<Item = Entry<'i>> + use<'i> {
        self.beginning_with(if folder.is_empty() { String::new() } else { format!("{folder}/") })
    }

    /// The files whose names begin so: a range of names, found without looking at the others.
    pub fn beginning_with(&self, prefix: String) -> impl Iterator<Item = Entry<'_>> + use<'_> {
        let first = self.position(&prefix).unwrap_or_else(|at| at);
        (first..self.len()).map_while(move |at| self.get(at).filter(|entry| entry.name.starts_with(&prefix)))
    }

    /// Where the file of that name is in the order of names.
    #[must_use]
    pub fn position_of(&self, name: &str) -> Option<usize> {
        self.position(name).ok()
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.slots.binary_search_by(|slot| self.name_bytes(slot).cmp(name.as_bytes()))
    }

    fn name_bytes(&self, slot: &Slot) -> &[u8] {
        let start = slot.start as usize;
        self.text.get(start..start.saturating_add(usize::from(slot.name_len))).unwrap_or_default()
    }

    fn entry(&self, slot: &Slot) -> Option<Entry<'_>> {
        let start = slot.start as usize;
        let line = self.text.get(start..)?;
        let end = line.iter().skip(usize::from(slot.name_len)).position(|b| *b == b'\n')?;
        let line = std::str::from_utf8(line.get(..end.saturating_add(usize::from(slot.name_len)))?).ok()?;
        Some(Entry {
            name: line.get(..usize::from(slot.name_len))?,
            size_bytes: slot.size_bytes,
            line,
            slashed: slot.slashed,
        })
    }
}

impl Refused {
    fn note(&mut self, line: &[u8], why: LineError) {
        self.lines = self.lines.saturating_add(1);
        if self.shown.len() < REFUSED_SHOWN {
            self.shown.push((DisplayText::revealing(line, 200), why));
        }
    }
}

struct Line<'n> {
    name: &'n str,
    size_bytes: u64,
    slashed: bool,
}

/// The size follows the *last* comma: names hold commas. One `\r` at the end is stripped.
fn parse_line(line: &[u8]) -> Result<Line<'_>, LineError> {
    if line.len() > LINE_MAX_BYTES {
        return Err(LineError::TooLong);
    }
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let comma = line.iter().rposition(|b| *b == b',').ok_or(LineError::NoComma)?;
    let (listed, size) = line.split_at(comma);
    let size_bytes = parse_size(size.get(1..).unwrap_or_default()).ok_or(LineError::BadSize)?;
    let name = LootPath::check(listed)?;
    Ok(Line { name, size_bytes, slashed: name.len() != listed.len() })
}

/// `[0-9]{1,19}` below 2⁶³ (what a file can be): no sign, blank, exponent or prefix.
fn parse_size(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = std::str::from_utf8(digits).ok()?.parse::<u64>().ok()?;
    i64::try_from(size).is_ok().then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(body: &[u8]) -> Vec<String> {
        Index::parse(body).unwrap().0.iter().map(|e| e.line.to_owned()).collect()
    }

    #[test]
    fn lines_are_sorted_and_the_size_follows_the_last_comma() {
        assert_eq!(names(b"b,1\na,b,c,5\nz.txt,0"), ["a,b,c,5", "b,1", "z.txt,0"]);
    }

    #[test]
    fn a_bad_line_is_counted_and_its_neighbours_stay() {
        let rows: [&[u8]; 20] = [
            b"no comma",
            b",5",
            b"x,-1",
            b"x,+4",
            b"x,4.0",
            b"x,1e3",
            b"x,0x4",
            b"x,",
            b"x, 4",
            b"x,9223372036854775808",
            b"x,18446744073709551616",
            b"../x,1",
            b"a//b,1",
            b"a\\b,1",
            b"a\0b,1",
            b"\xff,1",
            b"a\xe2\x80\xa8b,1",
            b".x,1",
            b"\xef\xbb\xbfa,1",
            b"a\x1bb,1",
        ];
        for row in rows {
            let body = [b"ctl1,1\n", row, b"\nctl2,2\n"].concat();
            let (index, refused) = Index::parse(&body).unwrap();
            assert_eq!(index.len(), 2, "{row:?}");
            assert_eq!(refused.lines, 1, "{row:?}");
            assert_eq!(refused.shown.len(), 1);
        }
    }

    #[test]
    fn a_line_of_ten_mebibytes_is_skipped() {
        let body = [vec![b'x'; 10 << 20], b",1\nctl,1\n".to_vec()].concat();
        assert_eq!(Index::parse(&body).unwrap().0.len(), 1);
    }

    #[test]
    fn a_leading_slash_is_for_asking_only() {
        let (index, _) = Index::parse(b"/docs/a.txt,3\r\ntop.txt,1\r\n").unwrap();
        let entry = index.find("docs/a.txt").unwrap();
        assert_eq!((entry.listed_name().as_str(), entry.size_bytes), ("/docs/a.txt", 3));
        assert_eq!(index.find("top.txt").unwrap().listed_name(), "top.txt");
    }

    #[test]
    fn of_one_name_the_first_line_counts() {
        let body: String = (0..1000).map(|n| format!("same,{n}\n")).collect();
        let (index, refused) = Index::parse(body.as_bytes()).unwrap();
        assert_eq!((index.len(), index.find("same").unwrap().size_bytes, refused.duplicates), (1, 0, 999));
    }

    #[test]
    fn a_login_page_is_no_index_but_an_empty_node_is() {
        assert_eq!(Index::parse(b"<html>\n<title>Log in, please</title>\n"), Err(IndexError::NotAnIndex));
        let (index, refused) = Index::parse(b"forban/index,33\nforban/index.hmac,40\n").unwrap();
        assert!(index.is_empty());
        assert_eq!((refused.lines, refused.reserved), (0, 2));
        assert!(Index::parse(b"").unwrap().0.is_empty());
    }

    #[test]
    fn beyond_the_bounds_nothing_is_taken() {
        assert_eq!(Index::parse(&vec![b'\n'; INDEX_MAX_BYTES + 1]), Err(IndexError::TooBig));
        let body: String = (0..=INDEX_MAX_ENTRIES).map(|n| format!("{n},1\n")).collect();
        assert_eq!(Index::parse(body.as_bytes()), Err(IndexError::TooBig));
    }

    #[test]
    fn sums_saturate() {
        let body = format!("a,{0}\nb,{0}\nc,{0}\n", i64::MAX);
        assert_eq!(Index::parse(body.as_bytes()).unwrap().0.total_bytes(), u64::MAX);
    }

    #[test]
    fn a_folder_is_a_range_of_names() {
        let (index, _) = Index::parse(b"d/a,1\nd/e/b,2\nd-c,3\nda,4\nz,5\n").unwrap();
        let below = |folder: &str| index.below(folder).map(|e| e.name.to_owned()).collect::<Vec<_>>();
        assert_eq!(below("d"), ["d/a", "d/e/b"]);
        assert_eq!(below("d/e"), ["d/e/b"]);
        assert_eq!(below("").len(), 5);
        assert!(below("nothing").is_empty());
        assert_eq!(index.beginning_with("d".into()).map(|e| e.name).collect::<Vec<_>>(), ["d-c", "d/a", "d/e/b", "da"]);
    }

    #[test]
    fn what_another_index_lacks_is_found_in_one_pass() {
        let index = |text: &str| Index::parse(text.as_bytes()).unwrap().0;
        let (theirs, ours) = (index("a,1\nb,2\nc,3\nd,4\n"), index("a,1\nb,9\nd,4\ne,5\n"));
        let absent: Vec<&str> = theirs.absent_from(&ours).map(|entry| entry.line).collect();
        assert_eq!(absent, ["b,2", "c,3"]);
    }

    #[test]
    fn what_stayed_is_found_in_another_state_of_the_index() {
        let index = |text: &str| Index::parse(text.as_bytes()).unwrap().0;
        let (now, before) = (index("a,1\nb,2\nd,4\ne,5\n"), index("a,1\nb,9\nc,3\nd,4\n"));
        assert_eq!(now.positions_in(&before).collect::<Vec<_>>(), [Some(0), None, Some(3), None]);
        assert_eq!((now.position_of("d"), now.position_of("c")), (Some(2), None));
    }

    proptest! {
        #[test]
        fn what_we_list_reads_back(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok((index, _)) = Index::parse(&body) {
                let (again, refused) = Index::parse(index.text()).unwrap();
                prop_assert_eq!(again.text(), index.text());
                prop_assert_eq!((refused.lines, refused.duplicates), (0, 0));
                for entry in index.iter() {
                    prop_assert_eq!(index.find(entry.name), Some(entry));
                }
            }
        }

        #[test]
        fn hostile_lines_never_panic(lines in proptest::collection::vec("[a-z/.,0-9\\\\ \n\r-]{0,40}", 0..20)) {
            let _ = Index::parse(lines.join("\n").as_bytes());
        }
    }
}
