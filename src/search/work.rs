//! A large library is read by two threads, part by part.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::library::Library;

/// Files of one part.
const PART_FILES: usize = 32 * 1024;
/// Below this a second thread is not worth beginning.
const SHARED_FROM_FILES: usize = 2 * PART_FILES;

/// Some files of one catalogue.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) catalogue: usize,
    pub(super) positions: Range<usize>,
}

/// Does the work for each part, on one thread or two; each has a state of its own, to which it adds
/// what comes of its parts. They are given numbers that rise.
pub(super) fn in_parts<S: Send>(
    library: &Library,
    catalogues: &[usize],
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &Part) + Sync,
) -> Vec<S> {
    let parts = parts(library, catalogues);
    let files: usize = parts.iter().map(|part| part.positions.len()).sum();
    let next = AtomicUsize::new(0);
    let take_parts = || {
        let mut done = state();
        while let Some((number, part)) = next_of(&parts, &next) {
            work(&mut done, number, part);
        }
        done
    };
    if files < SHARED_FROM_FILES {
        return vec![take_parts()];
    }
    std::thread::scope(|scope| {
        let other = std::thread::Builder::new().name("search".into()).spawn_scoped(scope, take_parts);
        let ours = take_parts();
        // Without a second thread one has done it all; what a broken one took is missing.
        std::iter::once(ours).chain(other.ok().and_then(|other| other.join().ok())).collect()
    })
}

fn next_of<'p>(parts: &'p [Part], next: &AtomicUsize) -> Option<(usize, &'p Part)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    Some((number, parts.get(number)?))
}

fn parts(library: &Library, catalogues: &[usize]) -> Vec<Part> {
    let parts_of = |catalogue: &usize| {
        let files = library.catalogues().get(*catalogue).map_or(0, |catalogue| catalogue.len());
        let catalogue = *catalogue;
        (0..files)
            .step_by(PART_FILES)
            .map(move |first| Part { catalogue, positions: first..first.saturating_add(PART_FILES).min(files) })
    };
    catalogues.iter().flat_map(parts_of).collect()
}
