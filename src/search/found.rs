//! What a search tells: hits and folders, with all that a page shows of them.

use std::ops::Range;

use super::fold::marks;
use super::library::Library;
use super::pattern::Pattern;
use super::query::Query;
use super::ranking::Ranked;
use crate::wire::Kind;
use crate::wire::napster::Md5;

/// One file that was found: equal content is one, and so are equal name and size where a content
/// is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its name.
    pub name: String,
    /// What was searched for in it: ranges of its bytes, rising, apart from each other.
    pub marks: Vec<Range<usize>>,
    /// As its name tells.
    pub kind: Kind,
    /// Its size; not known of what only Napster peers have.
    pub size_bytes: Option<u64>,
    /// Its content, if some holder tells.
    pub md5: Option<Md5>,
    /// When it was changed last, in seconds since 1970, if some holder tells.
    pub mtime: Option<i64>,
    /// Positions of the shelves that hold it, and the name as each lists it. Whose own name was
    /// found is the first.
    pub holders: Vec<(usize, String)>,
}

/// A page of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The hits of this page, the best first.
    pub hits: Vec<Hit>,
    /// Folders whose own names hold the words; on the first page only, and a handful.
    pub folders: Vec<FolderHit>,
    /// All hits.
    pub total: usize,
    /// All that the words and the other filters find, by kind, in the order of [`Kind::ALL`].
    pub kinds: [usize; Kind::ALL.len()],
    /// The text was read as a regular expression.
    pub as_regex: bool,
    /// The search was ended by the clock: there may be more.
    pub cut_short: bool,
}

/// A folder that was found, on one node or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderHit {
    /// Its whole path.
    pub path: String,
    /// What was searched for in the path: as in a [`Hit`].
    pub marks: Vec<Range<usize>>,
    /// On which shelf, with how many files below it, and how many bytes; the fullest first.
    pub on: Vec<(usize, usize, u64)>,
}

/// How what was found is marked.
pub(super) enum Marking<'q> {
    Words(&'q Query),
    Pattern(&'q Pattern),
}

impl Marking<'_> {
    pub(super) fn of(&self, name: &str, line: Option<&str>) -> Vec<Range<usize>> {
        match self {
            Self::Words(query) => marks(name, query.required.iter().map(|term| term.text.as_str())),
            Self::Pattern(pattern) => pattern.marks(name, line.unwrap_or(name)),
        }
    }
}

impl Hit {
    pub(super) fn new(library: &Library, ranked: &Ranked, marking: &Marking<'_>) -> Option<Self> {
        let (catalogue, position) = library.place(ranked.file);
        let entry = library.shelves().get(catalogue).and_then(|shelf| shelf.index.get(position));
        let registered = || library.registered(position).map(|file| &*file.name);
        let name = entry.map(|entry| entry.name).or_else(registered)?;
        // Who has it under the name that was found comes first.
        let others = library.copies().members(ranked.file).filter(|file| *file != ranked.file);
        let members: Vec<u32> = std::iter::once(ranked.file).chain(others).collect();
        let listed = |file: &u32| {
            let (number, shelf, position) = library.on_shelf(*file)?;
            Some((number, shelf.index.get(position)?.listed_name()))
        };
        let known = |file: &u32| {
            let (_, shelf, position) = library.on_shelf(*file)?;
            shelf.known_digests()?.get(position).map(|digests| digests.md5)
        };
        let of_registered = entry.is_none().then(|| library.registered(position)).flatten().map(|file| file.md5);
        let size = |file: &u32| library.on_shelf(*file).and_then(|(_, shelf, position)| shelf.index.size_at(position));
        Some(Self {
            marks: marking.of(name, entry.map(|entry| entry.line)),
            kind: library.catalogues().get(catalogue)?.kind(position),
            size_bytes: members.iter().find_map(size),
            md5: members.iter().find_map(known).or(of_registered),
            mtime: library.mtime(ranked.file),
            holders: members.iter().filter_map(listed).collect(),
            name: name.to_owned(),
        })
    }
}

/// The path of a folder, by a file in it and how many folders deep it is; with what it holds.
pub(super) fn folder_on(library: &Library, shelf: usize, file: usize, depth: usize) -> Option<(String, usize, u64)> {
    let index = &library.shelves().get(shelf)?.index;
    let name = index.name_at(file)?;
    let end = name.match_indices('/').nth(depth).map(|(at, _)| at)?;
    let path = name.get(..end)?;
    let below = index.positions_below(path);
    Some((path.to_owned(), below.len(), index.bytes_at(below)))
}
