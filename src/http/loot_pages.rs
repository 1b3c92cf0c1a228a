//! `/l/` and `/l/<uuid>`: what a node offers, folder by folder; `/v/<uuid>`: what of it is
//! missing here.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use uuid::Uuid;

use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Paging, ROWS, files, page_number, render, size};
use crate::neighbours::Neighbour;
use crate::wire::{Index, LootPath, url};

#[derive(askama::Template)]
#[template(path = "loot.html")]
struct LootPage {
    frame: Frame,
    owner: String,
    base: String,
    crumbs: Vec<Crumb>,
    summary: String,
    rows: Vec<Row>,
    paging: Paging,
    refused: usize,
}

#[derive(askama::Template)]
#[template(path = "missing.html")]
struct MissingPage {
    frame: Frame,
    owner: String,
    uuid: Uuid,
    total: usize,
    total_size: String,
    rows: Vec<Row>,
    paging: Paging,
}

struct Crumb {
    name: String,
    href: String,
}

struct Row {
    name: String,
    href: String,
    size: String,
    /// Of a folder: how many files it holds.
    holds: Option<String>,
}

/// Whose loot a page shows.
struct Owner {
    name: String,
    /// The page's address without query.
    base: String,
    /// Before `/s/…`; empty for our own.
    origin: String,
}

/// Our own loot.
pub async fn browse_ours(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let owner = Owner { name: format!("{} (this node)", app.name), base: "/l/".into(), origin: String::new() };
    let snapshot = app.loot.snapshot();
    browse_index(&app, &visitor, &owner, &snapshot.index, query.as_deref().unwrap_or_default(), 0)
}

/// A neighbour's loot.
pub async fn browse(
    State(app): State<App>,
    Path(uuid): Path<String>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let uuid: Uuid = uuid.parse().map_err(|_| HttpError::NotFound)?;
    if uuid == app.uuid {
        return browse_ours(State(app), RawQuery(query), visitor).await;
    }
    let neighbour = present(&app, uuid)?;
    let known = neighbour.known.clone().ok_or(HttpError::NoSuchNeighbour)?;
    let owner = owner(&neighbour, format!("/l/{uuid}"));
    browse_index(&app, &visitor, &owner, &known.index, query.as_deref().unwrap_or_default(), known.refused.lines)
}

fn browse_index(
    app: &App,
    visitor: &Visitor,
    owner: &Owner,
    index: &Index,
    query: &str,
    refused: usize,
) -> Result<Response, HttpError> {
    let folder = url::query_first(query, "d").map(std::borrow::Cow::into_owned).unwrap_or_default();
    let folder = if folder.is_empty() {
        String::new()
    } else {
        LootPath::parse(&folder).map_err(|_| HttpError::NotFound)?.to_string()
    };
    let shelf = Shelf::of(index, &folder);
    if shelf.files == 0 && !folder.is_empty() {
        return Err(HttpError::NotFound);
    }
    let page = page_number(query);
    let here = folder_href(&owner.base, &folder);
    let separator = if folder.is_empty() { '?' } else { '&' };
    render(&LootPage {
        frame: Frame::new(app, visitor),
        owner: owner.name.clone(),
        base: owner.base.clone(),
        crumbs: crumbs(&owner.base, &folder),
        summary: format!("{}, {}", files(shelf.files), size(shelf.bytes)),
        paging: Paging::new(page, shelf.folders.len().saturating_add(shelf.plain.len()), |page| {
            format!("{here}{separator}p={page}")
        }),
        rows: shelf.rows(owner, &folder, page),
        refused,
    })
}

/// What lies directly in one folder.
#[derive(Default)]
struct Shelf<'i> {
    folders: BTreeMap<&'i str, (usize, u64)>,
    plain: Vec<(&'i str, String, u64)>,
    files: usize,
    bytes: u64,
}

impl<'i> Shelf<'i> {
    fn of(index: &'i Index, folder: &str) -> Self {
        let mut shelf = Self::default();
        let depth = if folder.is_empty() { 0 } else { folder.len().saturating_add(1) };
        for entry in index.below(folder) {
            let rest = entry.name.get(depth..).unwrap_or_default();
            shelf.files = shelf.files.saturating_add(1);
            shelf.bytes = shelf.bytes.saturating_add(entry.size_bytes);
            match rest.split_once('/') {
                Some((sub, _)) => {
                    let (count, bytes) = shelf.folders.entry(sub).or_default();
                    *count = count.saturating_add(1);
                    *bytes = bytes.saturating_add(entry.size_bytes);
                }
                None => shelf.plain.push((rest, entry.listed_name(), entry.size_bytes)),
            }
        }
        shelf
    }

    /// Folders first, then files, of one page.
    fn rows(&self, owner: &Owner, folder: &str, page: usize) -> Vec<Row> {
        let folders = self.folders.iter().map(|(name, (count, bytes))| {
            let below = if folder.is_empty() { (*name).to_owned() } else { format!("{folder}/{name}") };
            Row {
                name: format!("{name}/"),
                href: folder_href(&owner.base, &below),
                size: size(*bytes),
                holds: Some(files(*count)),
            }
        });
        let plain = self.plain.iter().map(|(name, listed, bytes)| Row {
            name: (*name).to_owned(),
            href: format!("{}{}", owner.origin, url::file_target(listed)),
            size: size(*bytes),
            holds: None,
        });
        folders.chain(plain).skip(page.saturating_sub(1).saturating_mul(ROWS)).take(ROWS).collect()
    }
}

/// What a neighbour offers and we do not have.
pub async fn missing(
    State(app): State<App>,
    Path(uuid): Path<String>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let uuid: Uuid = uuid.parse().map_err(|_| HttpError::NotFound)?;
    let neighbour = present(&app, uuid)?;
    let known = neighbour.known.clone().ok_or(HttpError::NoSuchNeighbour)?;
    let owner = owner(&neighbour, format!("/v/{uuid}"));
    let ours = app.loot.snapshot();
    let absent = |name: &str, size_bytes| ours.index.find(name).is_none_or(|own| own.size_bytes != size_bytes);
    let page = page_number(query.as_deref().unwrap_or_default());
    let (mut total, mut bytes, mut rows) = (0_usize, 0_u64, Vec::new());
    let skip = page.saturating_sub(1).saturating_mul(ROWS);
    for entry in known.index.iter().filter(|entry| absent(entry.name, entry.size_bytes)) {
        if total >= skip && rows.len() < ROWS {
            let href = format!("{}{}", owner.origin, url::file_target(&entry.listed_name()));
            rows.push(Row { name: entry.name.to_owned(), href, size: size(entry.size_bytes), holds: None });
        }
        total = total.saturating_add(1);
        bytes = bytes.saturating_add(entry.size_bytes);
    }
    render(&MissingPage {
        frame: Frame::new(&app, &visitor),
        paging: Paging::new(page, total, |page| format!("{}?p={page}", owner.base)),
        owner: owner.name,
        uuid,
        total,
        total_size: size(bytes),
        rows,
    })
}

fn present(app: &App, uuid: Uuid) -> Result<Neighbour, HttpError> {
    app.neighbourhood.get(uuid).filter(|n| n.is_present(Instant::now())).ok_or(HttpError::NoSuchNeighbour)
}

fn owner(neighbour: &Neighbour, base: String) -> Owner {
    let address = neighbour.addresses().first();
    let origin = address.map(|a| url::origin(a.service, a.interface.as_deref())).unwrap_or_default();
    let name = match neighbour.name.as_str() {
        "" => address.map_or_else(String::new, |a| a.service.ip().to_string()),
        name => name.to_owned(),
    };
    Owner { name, base, origin }
}

fn folder_href(base: &str, folder: &str) -> String {
    if folder.is_empty() { base.to_owned() } else { format!("{base}?d={}", url::query_value(folder)) }
}

/// The folders above, each a link.
fn crumbs(base: &str, folder: &str) -> Vec<Crumb> {
    let mut crumbs = Vec::new();
    let mut above = String::new();
    for name in folder.split('/').filter(|name| !name.is_empty()) {
        if !above.is_empty() {
            above.push('/');
        }
        above.push_str(name);
        crumbs.push(Crumb { name: name.to_owned(), href: folder_href(base, &above) });
    }
    crumbs
}
