//! Folders that are hits: those whose own name holds all words.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::catalogue::Catalogue;
use super::found::{FolderHit, Marking, folder_on};
use super::library::Library;
use super::matching::class;
use super::query::Query;

/// Folders that are told: hits among files are what a search is about.
const TOLD_MAX: usize = 5;
/// Folders of one shelf that are compared with those of the others.
const COMPARED_MAX: usize = 16;

/// A folder of one shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// As of a file that is called so.
    class: u8,
    /// How long its own name is.
    length: usize,
    /// A file below it.
    file: u32,
    /// How many folders it is in.
    depth: usize,
}

/// The best folders on some of the shelves, as far as the clock allows.
pub(super) fn folders(library: &Library, query: &Query, shelves: &[usize], deadline: Instant) -> Vec<FolderHit> {
    if query.required.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(Candidate, FolderHit)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for shelf in shelves {
        if Instant::now() >= deadline {
            break;
        }
        let Some(catalogue) = library.catalogues().get(*shelf) else { continue };
        for candidate in candidates(catalogue, query) {
            let Some((path, files, bytes)) = folder_on(library, *shelf, candidate.file as usize, candidate.depth)
            else {
                continue;
            };
            let at = *known.entry(path).or_insert_with_key(|path| {
                let marks = own_marks(path, query);
                found.push((candidate, FolderHit { path: path.clone(), marks, on: Vec::new() }));
                found.len().saturating_sub(1)
            });
            if let Some((_, hit)) = found.get_mut(at) {
                hit.on.push((*shelf, files, bytes));
            }
        }
    }
    found.sort_by_cached_key(|(candidate, hit)| {
        (candidate.class, std::cmp::Reverse(hit.on.len()), candidate.length, hit.path.clone())
    });
    let told = found.into_iter().take(TOLD_MAX).map(|(_, mut hit)| {
        hit.on.sort_by_key(|(shelf, files, _)| (std::cmp::Reverse(*files), *shelf));
        hit
    });
    told.collect()
}

/// Marks in its own name; what it is in was not asked about.
fn own_marks(path: &str, query: &Query) -> Vec<std::ops::Range<usize>> {
    let own = path.rfind('/').map_or(0, |at| at.saturating_add(1));
    let marks = Marking::Words(query).of(path.get(own..).unwrap_or_default(), None);
    marks.into_iter().map(|mark| mark.start.saturating_add(own)..mark.end.saturating_add(own)).collect()
}

/// The best of one catalogue.
fn candidates(catalogue: &Catalogue, query: &Query) -> Vec<Candidate> {
    let Some(rarest) = query.required.first() else { return Vec::new() };
    let folders = catalogue.folders();
    let mut best: Vec<Candidate> = Vec::new();
    let mut next = 0;
    let mut known: HashSet<&str> = HashSet::new();
    while let Some(at) = rarest.finder().find(folders.paths.bytes(&(next..folders.paths.len()))) {
        let number = folders.paths.number_over(next, at, next);
        next = number.saturating_add(1);
        let path = folders.paths.get(number);
        let ends = path.match_indices('/').map(|(at, _)| at).chain(std::iter::once(path.len()));
        let mut begin = 0;
        for (depth, end) in ends.enumerate() {
            let own = path.get(begin..end).unwrap_or_default();
            begin = end.saturating_add(1);
            let mut is_new = || path.get(..end).is_some_and(|whole| known.insert(whole));
            if holds_all(own, query) && is_new() {
                let class = class(own.as_bytes(), query, true, None);
                let file = folders.first_files.get(number).copied().unwrap_or_default();
                best.push(Candidate { class, length: own.len(), file, depth });
            }
        }
        if best.len() >= COMPARED_MAX.saturating_mul(64) {
            best.sort_unstable();
            best.truncate(COMPARED_MAX);
        }
    }
    best.sort_unstable();
    best.truncate(COMPARED_MAX);
    best
}

fn holds_all(name: &str, query: &Query) -> bool {
    let bytes = name.as_bytes();
    query.required.iter().all(|term| term.finder().is_in(bytes))
        && !query.excluded.iter().any(|term| term.finder().is_in(bytes))
}
