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
mod extensions;
mod finder;
pub mod fold;
mod folders;
mod found;
mod gathering;
mod library;
mod line_table;
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
use self::gathering::{Gathering, Met};
pub use self::library::{Edits, Librarian, Library, Registered, Shelf};
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
    let query = Query::parse(&request.text, library.sample())?;
    let searched = searched(library, request);
    let met = Met::new(library);
    let mut gathered = by_words(&query, library, &searched, request, &met, deadline);
    let pattern = if gathered.any { None } else { Pattern::parse(&request.text) };
    if let Some(pattern) = &pattern {
        gathered = by_pattern(pattern, library, &searched, request, &met, deadline);
    }
    let pattern = pattern.filter(|_| gathered.any);
    let marking = pattern.as_ref().map_or(Marking::Words(&query), Marking::Pattern);
    let (total, kinds, cut_short) = (gathered.total, gathered.kinds, gathered.cut_short);
    let page = gathered.into_page(request.skip, request.take);
    let shows_folders = request.skip == 0 && pattern.is_none() && !request.filters.is_about_files();
    Ok(Found {
        hits: page.iter().filter_map(|ranked| Hit::new(library, ranked, &marking)).collect(),
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
    met: &'l Met,
    deadline: Instant,
) -> Gathering<'l> {
    let catalogues = library.catalogues();
    let readings: Vec<Option<Reading<'_>>> = (0..catalogues.len())
        .map(|number| searched.contains(&number).then(|| catalogues.get(number)).flatten())
        .map(|catalogue| Reading::new(catalogue?, query, deadline))
        .collect();
    gather(library, searched, request, met, |part| {
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
    met: &'l Met,
    deadline: Instant,
) -> Gathering<'l> {
    gather(library, searched, request, met, |part| {
        let Some(catalogue) = library.catalogues().get(part.catalogue) else { return (Vec::new(), false) };
        match library.shelves().get(part.catalogue) {
            Some(_) => pattern.matches(catalogue, part.positions.clone(), deadline),
            None => {
                let name = |position| library.registered(position).map(|file| &*file.name);
                pattern.matches_names(name, catalogue, part.positions.clone(), deadline)
            }
        }
    })
}

/// Gathers the matches that are found in the parts, and whether the clock ended any of them.
fn gather<'l>(
    library: &'l Library,
    searched: &[usize],
    request: &Request,
    met: &'l Met,
    work: impl Fn(&Part) -> (Vec<Match>, bool) + Sync,
) -> Gathering<'l> {
    let most = request.skip.saturating_add(request.take).min(RANKED_MAX);
    let begin = || Gathering::new(library, met, request.filters, request.order, most);
    let gathered = in_parts(library, searched, begin, |gathering, number, part| {
        let (matches, is_late) = work(part);
        gathering.meet(number, part.catalogue, &matches);
        gathering.cut_short |= is_late;
    });
    Gathering::joined(gathered).unwrap_or_else(begin)
}

#[cfg(test)]
mod tests;
