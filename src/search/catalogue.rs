//! The catalogue of one shelf: what a search has to know beside its index, made once for each state
//! of that. Immutable.
//!
//! Names of files that are plain ASCII are searched where they stand, in the index; only the others
//! stand here, folded. What comes before the last `/` stands once for each folder. So a file takes a
//! byte here, and an odd one its name and eight bytes more.

mod following;

use std::ops::Range;
use std::sync::Arc;

use super::arena::Arena;
use super::extensions::Extensions;
use crate::wire::{Index, Kind};

/// The names of one shelf.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// Empty, where the names are in none: then they are all odd ones.
    index: Arc<Index>,
    /// By position.
    kinds: Box<[Kind]>,
    odd: Odd,
    folders: Folders,
    /// Files in a row that are in the same folder.
    runs: Box<[Run]>,
}

/// Names of files that cannot be compared as they stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Odd {
    /// Rising.
    pub(super) positions: Vec<u32>,
    /// Folded.
    pub(super) names: Arena,
}

/// The folders in which files are, in the order in which an index names them first. What is below
/// one stands in a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Folders {
    /// Whole paths, folded; the first is the empty one.
    pub(super) paths: Arena,
    /// A file in each.
    pub(super) first_files: Vec<u32>,
}

/// Files in a row, up to the next run.
#[derive(Clone, Copy, Debug)]
struct Run {
    first: u32,
    folder: u32,
}

impl Catalogue {
    /// Of an index.
    #[must_use]
    pub fn of_index(index: &Arc<Index>) -> Self {
        let mut maker = Maker::with_room_for(index.len());
        index.names().for_each(|name| maker.add(name));
        Self { index: index.clone(), ..maker.finish() }
    }

    /// Of names that are in no folders.
    #[must_use]
    pub fn of_names<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut maker = Maker::default();
        names.for_each(|name| maker.add_to(0, name, true));
        maker.finish()
    }

    /// How many names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it takes in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let numbers = self.folders.first_files.capacity().saturating_add(self.odd.positions.capacity());
        let texts = self.folders.paths.memory_bytes().saturating_add(self.odd.names.memory_bytes());
        let slices = size_of_val(&*self.kinds).saturating_add(size_of_val(&*self.runs));
        numbers.saturating_mul(4).saturating_add(texts).saturating_add(slices)
    }

    /// The kind of the file at a position.
    #[must_use]
    pub fn kind(&self, position: usize) -> Kind {
        self.kinds.get(position).copied().unwrap_or(Kind::Other)
    }

    /// The index in which the names stand.
    pub(super) fn index(&self) -> &Arc<Index> {
        &self.index
    }

    pub(super) fn odd(&self) -> &Odd {
        &self.odd
    }

    /// The name of a file without its folders: as it stands if it is ASCII, else folded. Either is
    /// to be compared without regard to the case of ASCII letters.
    pub(super) fn file_name(&self, position: usize) -> &[u8] {
        let (_, file) = folder_and_file(self.index.name_bytes_at(position).unwrap_or_default());
        if !file.is_empty() && file.is_ascii() { file } else { self.odd.name_of(position).as_bytes() }
    }

    pub(super) fn folders(&self) -> &Folders {
        &self.folders
    }

    /// The runs among some positions: their positions, and the number of the folder.
    pub(super) fn runs(&self, among: Range<usize>) -> impl Iterator<Item = (Range<usize>, usize)> {
        let from = self.runs.partition_point(|run| run.first as usize <= among.start).saturating_sub(1);
        let runs = self.runs.get(from..).unwrap_or_default();
        let ends = runs.iter().skip(1).map(|run| run.first as usize).chain(std::iter::once(self.len()));
        let (first, last) = (among.start, among.end);
        let clipped = runs
            .iter()
            .zip(ends)
            .map(move |(run, end)| ((run.first as usize).max(first)..end.min(last), run.folder as usize));
        clipped.take_while(move |(run, _)| run.start < last)
    }
}

impl Odd {
    /// The name of the file at a position, if it is one of them.
    fn name_of(&self, position: usize) -> &str {
        let number = u32::try_from(position).ok().and_then(|position| self.positions.binary_search(&position).ok());
        number.map_or("", |number| self.names.get(number))
    }

    /// The numbers of those among some positions.
    pub(super) fn among(&self, positions: &Range<usize>) -> Range<usize> {
        let before = |position: usize| self.positions.partition_point(|odd| (*odd as usize) < position);
        before(positions.start)..before(positions.end)
    }
}

/// What comes before the last `/`, and what after it.
pub(super) fn folder_and_file(name: &[u8]) -> (&[u8], &[u8]) {
    let file_at = memchr::memrchr(b'/', name).map_or(0, |slash| slash.saturating_add(1));
    let (folder, file) = name.split_at_checked(file_at).unwrap_or_default();
    (folder.strip_suffix(b"/").unwrap_or(folder), file)
}

/// Makes a catalogue of names in the order of an index.
#[derive(Default)]
struct Maker<'n> {
    made: Catalogue,
    kinds: Vec<Kind>,
    runs: Vec<Run>,
    /// The folders in which the last name is, from the outermost: how long the path is, and its
    /// number if it has files itself.
    open: Vec<(usize, Option<u32>)>,
    /// The last name, and its folder.
    last: &'n str,
    last_folder: &'n str,
    extensions: Extensions,
}

impl<'n> Maker<'n> {
    fn with_room_for(files: usize) -> Self {
        Self { kinds: Vec::with_capacity(files), ..Self::default() }
    }

    fn add(&mut self, name: &'n str) {
        let slash = memchr::memrchr(b'/', name.as_bytes());
        let folder = slash.and_then(|slash| name.get(..slash)).unwrap_or_default();
        let file = slash.map_or(name, |slash| name.get(slash.saturating_add(1)..).unwrap_or_default());
        let is_odd = !file.is_ascii();
        if let Some(run) = self.runs.last().filter(|_| folder == self.last_folder) {
            self.last = name;
            return self.add_to(run.folder, file, is_odd);
        }
        self.last_folder = folder;
        let last = std::mem::replace(&mut self.last, name);
        // Out of the folders in which this one is not …
        while let Some((length, _)) = self.open.last() {
            let is_in = folder.len() >= *length
                && name.get(..*length) == last.get(..*length)
                && matches!(name.as_bytes().get(*length), Some(b'/'));
            if is_in {
                break;
            }
            self.open.pop();
        }
        // … and into its own.
        let known = self.open.last().map_or(0, |(length, _)| *length);
        let deeper = folder.get(known..).unwrap_or_default();
        let slashes = deeper.match_indices('/').map(|(at, _)| known.saturating_add(at)).filter(|at| *at > known);
        self.open.extend(slashes.map(|at| (at, None)));
        if folder.len() > known {
            self.open.push((folder.len(), None));
        }
        let number = self.number_of(folder);
        self.add_to(number, file, is_odd);
    }

    fn number_of(&mut self, folder: &str) -> u32 {
        let Some((_, number)) = self.open.last_mut() else { return 0 };
        // The root is number 0 whether it has files or not.
        if self.made.folders.first_files.is_empty() {
            self.made.folders.push("", 0);
        }
        *number.get_or_insert_with(|| self.made.folders.push(folder, self.kinds.len()))
    }

    fn add_to(&mut self, folder: u32, file: &str, is_odd: bool) {
        if self.made.folders.first_files.is_empty() {
            self.made.folders.push("", self.kinds.len());
        }
        let position = u32::try_from(self.kinds.len()).unwrap_or(u32::MAX);
        if self.runs.last().is_none_or(|run| run.folder != folder) {
            self.runs.push(Run { first: position, folder });
        }
        let name = if is_odd {
            self.made.odd.positions.push(position);
            self.made.odd.names.push(file)
        } else {
            file
        };
        self.kinds.push(self.extensions.kind_of(name));
    }

    fn finish(mut self) -> Catalogue {
        self.made.odd.names.close();
        self.made.odd.positions.shrink_to_fit();
        self.made.folders.paths.close();
        self.made.folders.first_files.shrink_to_fit();
        Catalogue { kinds: self.kinds.into(), runs: self.runs.into(), ..self.made }
    }
}

impl Folders {
    fn push(&mut self, path: &str, first_file: usize) -> u32 {
        let number = u32::try_from(self.first_files.len()).unwrap_or(u32::MAX);
        self.paths.push(path);
        self.first_files.push(u32::try_from(first_file).unwrap_or(u32::MAX));
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(text: &str) -> Arc<Index> {
        Arc::new(Index::parse(text.as_bytes()).unwrap().0)
    }

    /// Each file as the catalogue has it: its folder and its name.
    fn laid_out(catalogue: &Catalogue) -> Vec<(String, String)> {
        let runs = catalogue.runs(0..catalogue.len());
        runs.flat_map(|(run, folder)| run.map(move |position| (folder, position)))
            .map(|(folder, position)| {
                let file = std::str::from_utf8(catalogue.file_name(position)).unwrap().to_lowercase();
                (catalogue.folders.paths.get(folder).to_owned(), file)
            })
            .collect()
    }

    #[test]
    fn folders_stand_once_however_their_files_lie() {
        let index = index("D/a,1\nD/E/b.mkv,1\nD/E/F/g,1\nD/z.TXT,1\nD-x/c,1\nÉ/x,1\ntop,1\n");
        let catalogue = Catalogue::of_index(&index);
        let expected =
            [("d-x", "c"), ("d/e/f", "g"), ("d/e", "b.mkv"), ("d", "a"), ("d", "z.txt"), ("", "top"), ("e", "x")];
        let owned: Vec<_> = expected.iter().map(|(folder, file)| ((*folder).to_owned(), (*file).to_owned())).collect();
        assert_eq!(laid_out(&catalogue), owned);
        assert_eq!(catalogue.folders.paths.len(), 6);
        assert_eq!((catalogue.kind(2), catalogue.kind(4)), (Kind::Video, Kind::Document));
        assert_eq!(catalogue.runs(4..5).map(|(run, _)| run.len()).collect::<Vec<_>>(), [1]);
        assert!(Catalogue::of_index(&Arc::default()).is_empty());
    }

    proptest! {
        #[test]
        fn every_file_is_in_its_folder(names in proptest::collection::btree_set("[ab-]{1,2}(/[ab-]{1,2}){0,3}", 0..40)) {
            let lines: String = names.iter().map(|name| format!("{name},1\n")).collect();
            let index = index(&lines);
            let whole = |name: &str| name.rsplit_once('/').map_or((String::new(), name.to_owned()), |(d, f)| (d.to_owned(), f.to_owned()));
            let expected: Vec<_> = index.iter().map(|entry| whole(entry.name)).collect();
            prop_assert_eq!(laid_out(&Catalogue::of_index(&index)), expected);
        }
    }
}
