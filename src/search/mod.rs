//! Search over our index and those of all present neighbours (`docs/PROTOCOL.md`, section 4).
//!
//! Words separated by blanks must all occur in the name, in any order, without regard to case and
//! accents. A text that finds nothing so, and is a regular expression, is read as one over the
//! whole line, as Forban does; in linear time, bounded in size and duration.
//!
//! A [`Library`] is made once for a state of all indexes: a [catalogue](Catalogue) of each, and
//! which files are the same. A search reads it, on two threads where it is large, and makes no
//! text of what is not shown.

mod arena;
mod catalogue;
mod copies;
pub mod fold;
mod folders;
mod found;
mod gathering;
mod library;
mod matching;
mod pattern;
mod places;
mod query;
mod ranking;
mod request;
mod work;

use std::time::Instant;

pub use self::catalogue::Catalogue;
use self::found::Marking;
pub use self::found::{FolderHit, Found, Hit};
use self::gathering::Gathering;
pub use self::library::{Librarian, Library, Registered, Shelf};
use self::matching::{Match, Reading};
use self::pattern::Pattern;
use self::query::Query;
pub use self::query::{QUERY_MAX_BYTES, QueryError};
pub use self::request::{By, Filters, Kinds, Order, Request};
use self::work::{Part, in_parts};

/// Hits that can be turned over to, page by page; beyond, the rest is only counted.
pub const RANKED_MAX: usize = 20_000;

/// Searches a library, until the clock says `deadline` at most.
///
/// # Errors
/// [`QueryError`].
pub fn search(request: &Request, library: &Library, deadline: Instant) -> Result<Found, QueryError> {
    let query = Query::parse(&request.text)?;
    let searched = searched(library, request);
    let (mut gathered, mut cut_short) = by_words(&query, library, &searched, request, deadline);
    let pattern = if gathered.any { None } else { Pattern::parse(&request.text) };
    if let Some(pattern) = &pattern {
        (gathered, cut_short) = by_pattern(pattern, library, &searched, request, deadline);
    }
    let pattern = pattern.filter(|_| gathered.any);
    let marking = pattern.as_ref().map_or(Marking::Words(&query), Marking::Pattern);
    let (total, kinds) = (gathered.total, gathered.kinds);
    let best = gathered.into_best();
    let page = best.iter().skip(request.skip).take(request.take);
    let shows_folders = request.skip == 0 && pattern.is_none() && !request.filters.is_about_files();
    Ok(Found {
        hits: page.filter_map(|ranked| Hit::new(library, ranked, &marking)).collect(),
        folders: if shows_folders { folders::folders(library, &query, &searched, deadline) } else { Vec::new() },
        total,
        kinds,
        as_regex: pattern.is_some(),
        cut_short,
    })
}

/// The catalogues that are searched: those of the node that was asked about, or all.
fn searched(library: &Library, request: &Request) -> Vec<usize> {
    let of = |number: &usize| library.shelves().get(*number).map(|shelf| shelf.holder);
    let all = 0..library.catalogues().len();
    all.filter(|number| request.filters.holder.is_none_or(|holder| of(number) == Some(holder))).collect()
}

fn by_words<'l>(
    query: &Query,
    library: &'l Library,
    searched: &[usize],
    request: &Request,
    deadline: Instant,
) -> (Gathering<'l>, bool) {
    let catalogues = library.catalogues();
    let readings: Vec<Option<Reading<'_>>> = (0..catalogues.len())
        .map(|number| searched.contains(&number).then(|| catalogues.get(number)).flatten())
        .map(|catalogue| Reading::new(catalogue?, query, deadline))
        .collect();
    gather(library, searched, request, |part| {
        let reading = readings.get(part.catalogue).and_then(Option::as_ref);
        match reading.filter(|_| Instant::now() < deadline) {
            Some(reading) => (reading.matches(part.positions.clone()), false),
            None => (Vec::new(), true),
        }
    })
}

fn by_pattern<'l>(
    pattern: &Pattern,
    library: &'l Library,
    searched: &[usize],
    request: &Request,
    deadline: Instant,
) -> (Gathering<'l>, bool) {
    gather(library, searched, request, |part| {
        let Some(catalogue) = library.catalogues().get(part.catalogue) else { return (Vec::new(), false) };
        match library.shelves().get(part.catalogue) {
            Some(shelf) => pattern.matches(&shelf.index, catalogue, part.positions.clone(), deadline),
            None => {
                let name = |position| library.registered(position).map(|file| &*file.name);
                pattern.matches_names(name, catalogue, part.positions.clone(), deadline)
            }
        }
    })
}

/// Gathers what the parts give, in their order; true if the clock ended any of them.
fn gather<'l>(
    library: &'l Library,
    searched: &[usize],
    request: &Request,
    work: impl Fn(&Part) -> (Vec<Match>, bool) + Sync,
) -> (Gathering<'l>, bool) {
    let most = request.skip.saturating_add(request.take).min(RANKED_MAX);
    let mut gathering = Gathering::new(library, request.filters, request.order, most);
    let mut cut_short = false;
    for (part, (matches, is_late)) in in_parts(library, searched, work) {
        gathering.meet(part.catalogue, &matches);
        cut_short |= is_late;
    }
    (gathering, cut_short)
}

#[cfg(test)]
mod tests;
