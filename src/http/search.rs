//! `/q/?v=…`: what everybody nearby offers, and where to get it (`docs/PROTOCOL.md`, section 4).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use uuid::Uuid;

use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Paging, ROWS, files, grouped, page_number, render, size};
use super::{App, Ends};
use crate::directory::registry;
use crate::neighbours::Neighbour;
use crate::search::{Found, Hit, Library, RANKED_MAX, Request, Shelf, search};
use crate::wire::{DigestTable, url};

/// Forban renews the page every `r` seconds; within these bounds, else the wish is ignored.
const REFRESH_SECONDS: std::ops::RangeInclusive<u32> = 5..=3600;
/// Holders shown of one hit; the rest is counted.
const HOLDERS_SHOWN: usize = 4;
/// How long a search may take.
const SEARCH_MAX: Duration = Duration::from_millis(250);

#[derive(askama::Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    heading: String,
    found: Found,
    rows: Vec<Row>,
    nodes: usize,
    paging: Paging,
    /// There are more hits than are shown.
    shown: Option<String>,
}

struct Row {
    folder: String,
    file: String,
    size: String,
    href: String,
    holders: Vec<Holder>,
    more_holders: usize,
}

struct Holder {
    name: String,
    href: String,
}

/// The results of a search; without one, everything.
pub async fn show(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let query = query.unwrap_or_default();
    let value = |key| url::query_first(&query, key).map(|value| String::from_utf8_lossy(&value).into_owned());
    let wanted = value("v").unwrap_or_default();
    let refresh = value("r").and_then(|text| text.parse().ok()).filter(|seconds| REFRESH_SECONDS.contains(seconds));
    let page = page_number(&query);
    let neighbours: Vec<Neighbour> =
        app.neighbourhood.present(Instant::now()).into_iter().filter(|n| n.known.is_some()).collect();
    let (found, library) = run(&app, &neighbours, wanted.clone(), page).await?;
    let paging = Paging::new(visitor.say, page, found.total.min(RANKED_MAX), |page| {
        let refresh = refresh.map(|seconds| format!("&r={seconds}")).unwrap_or_default();
        format!("/q/?v={}{refresh}&p={page}", url::query_value(&wanted))
    });
    render(&SearchPage {
        rows: found.hits.iter().map(|hit| row(&app, hit, &library, &neighbours, ends.local.ip())).collect(),
        heading: heading(&wanted, &found),
        shown: (found.total > RANKED_MAX).then(|| grouped(RANKED_MAX)),
        found,
        nodes: neighbours.len().saturating_add(1),
        paging,
        frame: Frame { query: wanted, refresh, ..Frame::new(&app, &visitor) },
    })
}

/// The search itself, off the threads that serve, a few at once.
async fn run(
    app: &App,
    neighbours: &[Neighbour],
    wanted: String,
    page: usize,
) -> Result<(Found, Arc<Library>), HttpError> {
    let ours = Shelf { holder: app.uuid, index: app.loot.snapshot().index.clone(), digests: app.loot.digests() };
    let shelves: Vec<Shelf> = std::iter::once(ours).chain(neighbours.iter().filter_map(shelf)).collect();
    let names = app.napster.registry.as_ref().map(|registry| registry.names());
    let librarian = app.librarian.clone();
    let request =
        Request { text: wanted, skip: page.saturating_sub(1).saturating_mul(ROWS), take: ROWS, ..Request::default() };
    let searched = App::walk(&app.searches, move || {
        let now = Instant::now();
        let library = librarian.library(shelves, names, now);
        search(&request, &library, Instant::now() + SEARCH_MAX).map(|found| (found, library))
    });
    searched.await?.map_err(|error| HttpError::BadQuery(error.to_string()))
}

fn shelf(neighbour: &Neighbour) -> Option<Shelf> {
    let digests: Option<&Arc<DigestTable>> = neighbour.manifest.as_ref().map(|manifest| &manifest.digests);
    Some(Shelf {
        holder: neighbour.uuid,
        index: neighbour.known.as_ref()?.index.clone(),
        digests: digests.cloned().unwrap_or_default(),
    })
}

fn heading(wanted: &str, found: &Found) -> String {
    match (wanted.trim(), found.total) {
        ("", _) => format!("Everything nearby: {}", files(found.total)),
        (_, 0) => "Nothing found".into(),
        (_, total) => files(total),
    }
}

fn row(app: &App, hit: &Hit, library: &Library, neighbours: &[Neighbour], local: IpAddr) -> Row {
    let nodes = hit
        .holders
        .iter()
        .filter_map(|(shelf, listed)| holder(app, library.shelves().get(*shelf)?.holder, listed, neighbours, local));
    let holders: Vec<Holder> = nodes.chain(peers(app, hit, library, neighbours)).collect();
    let (folder, file) = hit.name.rsplit_once('/').map_or(("", hit.name.as_str()), |(folder, file)| (folder, file));
    Row {
        folder: folder.to_owned(),
        file: file.to_owned(),
        size: hit.size_bytes.map(size).unwrap_or_default(),
        href: holders.first().map(|holder| holder.href.clone()).unwrap_or_default(),
        more_holders: holders.len().saturating_sub(HOLDERS_SHOWN),
        holders: holders.into_iter().take(HOLDERS_SHOWN).collect(),
    }
}

/// Where a node that holds it gives it.
fn holder(app: &App, uuid: Uuid, listed: &str, neighbours: &[Neighbour], local: IpAddr) -> Option<Holder> {
    if uuid == app.uuid {
        return Some(Holder { name: app.name.to_string(), href: url::file_target(listed) });
    }
    let neighbour = neighbours.iter().find(|neighbour| neighbour.uuid == uuid)?;
    let (origin, name) = link_to(neighbour, local)?;
    Some(Holder { name, href: format!("{origin}{}", url::file_target(listed)) })
}

/// A neighbour's origin and name, for a visitor who reached us at `local`.
pub(super) fn link_to(neighbour: &Neighbour, local: IpAddr) -> Option<(String, String)> {
    let address = neighbour.address_for_links(local)?;
    let origin = url::origin(address.service, address.interface.as_deref());
    let name =
        if neighbour.name.as_str().is_empty() { address.service.ip().to_string() } else { neighbour.name.to_string() };
    Some((origin, name))
}

/// The Napster peers that registered it; their files come through this node. A node that joined
/// our directory is a neighbour already.
fn peers(app: &App, hit: &Hit, library: &Library, neighbours: &[Neighbour]) -> Vec<Holder> {
    let Some((registry, md5)) = app.napster.registry.as_ref().zip(hit.md5) else { return Vec::new() };
    let uuids: Vec<Uuid> = hit.holders.iter().filter_map(|(at, _)| Some(library.shelves().get(*at)?.holder)).collect();
    let nodes = neighbours.iter().filter(|neighbour| uuids.contains(&neighbour.uuid));
    let hosts: Vec<IpAddr> = nodes.flat_map(Neighbour::addresses).map(|address| address.service.ip()).collect();
    let peer = |holder: registry::Holder| {
        let host = holder.proven.first().map_or(IpAddr::V4(holder.address.v4), SocketAddr::ip);
        (!hosts.contains(&host)).then(|| Holder { name: format!("Napster peer {host}"), href: format!("/n/{md5}") })
    };
    registry.holders(md5).into_iter().filter_map(peer).collect()
}
