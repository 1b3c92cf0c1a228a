//! The catalogue of one shelf: its names folded and laid out to be searched, made once for each
//! state of an index. Immutable.
//!
//! What comes before the last `/` stands once for each folder, so that a search reads little more
//! than the names in the folders: beside its name a file takes five bytes here.

use std::collections::HashMap;
use std::ops::Range;

use super::arena::Arena;
use crate::wire::{Index, Kind};

/// Extensions whose kind is remembered while a catalogue is made.
const EXTENSIONS_MAX: usize = 4_096;

/// The names of one shelf.
#[derive(Debug, Default)]
pub struct Catalogue {
    names: Arena,
    /// By position.
    kinds: Box<[Kind]>,
    folders: Folders,
    /// Files in a row that are in the same folder.
    runs: Box<[Run]>,
}

/// The folders in which files are, in the order in which an index names them first. What is below
/// one stands in a row.
#[derive(Debug, Default)]
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
    pub fn of_index(index: &Index) -> Self {
        let mut maker = Maker::default();
        index.names().for_each(|name| maker.add(name));
        maker.finish()
    }

    /// Of names that are in no folders.
    #[must_use]
    pub fn of_names<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let mut maker = Maker::default();
        names.for_each(|name| maker.add_to(0, name));
        maker.finish()
    }

    /// How many names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it takes in memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let folders =
            self.folders.paths.memory_bytes().saturating_add(self.folders.first_files.capacity().saturating_mul(4));
        let slices = size_of_val(&*self.kinds).saturating_add(size_of_val(&*self.runs));
        self.names.memory_bytes().saturating_add(folders).saturating_add(slices)
    }

    /// The kind of the file at a position.
    #[must_use]
    pub fn kind(&self, position: usize) -> Kind {
        self.kinds.get(position).copied().unwrap_or(Kind::Other)
    }

    pub(super) fn names(&self) -> &Arena {
        &self.names
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

/// Makes a catalogue of names in the order of an index.
#[derive(Default)]
struct Maker<'n> {
    made: Catalogue,
    kinds: Vec<Kind>,
    runs: Vec<Run>,
    /// The folders in which the last name is, from the outermost: how long the path is, and its
    /// number if it has files itself.
    open: Vec<(usize, Option<u32>)>,
    last: &'n str,
    known: HashMap<Box<str>, Kind>,
}

impl<'n> Maker<'n> {
    fn add(&mut self, name: &'n str) {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
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
        self.add_to(number, file);
    }

    fn number_of(&mut self, folder: &str) -> u32 {
        let Some((_, number)) = self.open.last_mut() else { return 0 };
        // The root is number 0 whether it has files or not.
        if self.made.folders.first_files.is_empty() {
            self.made.folders.push("", 0);
        }
        *number.get_or_insert_with(|| self.made.folders.push(folder, self.kinds.len()))
    }

    fn add_to(&mut self, folder: u32, file: &str) {
        if self.made.folders.first_files.is_empty() {
            self.made.folders.push("", self.kinds.len());
        }
        if self.runs.last().is_none_or(|run| run.folder != folder) {
            self.runs.push(Run { first: u32::try_from(self.kinds.len()).unwrap_or(u32::MAX), folder });
        }
        let folded = self.made.names.push(file);
        let kind = kind_of(folded, &mut self.known);
        self.kinds.push(kind);
    }

    fn finish(mut self) -> Catalogue {
        self.made.names.close();
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

/// There are few extensions, and looking one up takes longer than remembering it.
fn kind_of(file: &str, known: &mut HashMap<Box<str>, Kind>) -> Kind {
    let Some((_, extension)) = file.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()) else { return Kind::Other };
    if let Some(kind) = known.get(extension) {
        return *kind;
    }
    let kind = Kind::of(file);
    if known.len() < EXTENSIONS_MAX {
        known.insert(extension.into(), kind);
    }
    kind
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn index(text: &str) -> Index {
        Index::parse(text.as_bytes()).unwrap().0
    }

    /// Each file as the catalogue has it: its folder and its name.
    fn laid_out(catalogue: &Catalogue) -> Vec<(String, String)> {
        let runs = catalogue.runs(0..catalogue.len());
        runs.flat_map(|(run, folder)| run.map(move |position| (folder, position)))
            .map(|(folder, position)| {
                (catalogue.folders.paths.get(folder).to_owned(), catalogue.names.get(position).to_owned())
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
        assert!(Catalogue::of_index(&Index::default()).is_empty());
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
