//! `/l/` and `/l/<uuid>`: what a node offers, folder by folder; `/v/<uuid>`: what of it is
//! missing here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use uuid::Uuid;

use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Paging, ROWS, files, page_number, render, size};
use super::switch::SwitchView;
use super::{App, Ends};
use crate::neighbours::Neighbour;
use crate::wire::index::Entry;
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
    /// For the operator, on the page of a neighbour.
    switch: Option<SwitchView>,
    /// No such folder.
    is_missing: bool,
}

#[derive(askama::Template)]
#[template(path = "missing.html")]
struct MissingPage {
    frame: Frame,
    owner: String,
    uuid: Uuid,
    total: String,
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
    /// Who that is, if not we.
    neighbour: Option<Uuid>,
}

/// Our own loot.
pub async fn browse_ours(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let name = format!("{} (this node)", app.name);
    let owner = Owner { name, base: "/l/".into(), origin: String::new(), neighbour: None };
    let index = app.loot.snapshot().index.clone();
    browse_index(&app, &visitor, owner, index, query.unwrap_or_default(), 0).await
}

/// A neighbour's loot.
pub async fn browse(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(uuid): Path<String>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let uuid: Uuid = uuid.parse().map_err(|_| HttpError::NotFound)?;
    if uuid == app.uuid {
        return browse_ours(State(app), RawQuery(query), visitor).await;
    }
    let neighbour = present(&app, uuid)?;
    let owner = owner(&neighbour, format!("/l/{uuid}"), &ends);
    let known = neighbour.known.ok_or(HttpError::NoIndexYet)?;
    browse_index(&app, &visitor, owner, known.index, query.unwrap_or_default(), known.refused.lines).await
}

async fn browse_index(
    app: &App,
    visitor: &Visitor,
    owner: Owner,
    index: Arc<Index>,
    query: String,
    refused: usize,
) -> Result<Response, HttpError> {
    let folder = match url::query_first(&query, "d").as_deref() {
        None | Some(b"") => String::new(),
        Some(folder) => LootPath::parse(folder).map_err(|_| HttpError::NotFound)?.to_string(),
    };
    let page = page_number(&query);
    let (say, frame, base) = (visitor.say, Frame::new(app, visitor), owner.base.clone());
    let switch = owner.neighbour.and_then(|uuid| SwitchView::of(app, visitor, uuid));
    let made = App::walk(&app.listings, move || {
        let shelf = FolderView::of(&index, &folder);
        let here = folder_href(&owner.base, &folder);
        let separator = if folder.is_empty() { '?' } else { '&' };
        let entries = shelf.folders.len().saturating_add(shelf.plain.len());
        LootPage {
            frame,
            crumbs: crumbs(&owner.base, &folder),
            summary: format!("{}, {}", files(shelf.files), size(shelf.bytes)),
            paging: Paging::new(say, page, entries, |page| format!("{here}{separator}p={page}")),
            rows: shelf.rows(&owner, &folder, page),
            is_missing: shelf.files == 0 && !folder.is_empty(),
            owner: owner.name,
            base,
            refused,
            switch,
        }
    });
    let page = made.await?;
    if page.is_missing { Err(HttpError::NotFound) } else { render(&page) }
}

/// What lies directly in one folder.
#[derive(Default)]
struct FolderView<'i> {
    folders: BTreeMap<&'i str, (usize, u64)>,
    plain: Vec<(&'i str, Entry<'i>)>,
    files: usize,
    bytes: u64,
}

impl<'i> FolderView<'i> {
    fn of(index: &'i Index, folder: &str) -> Self {
        let mut view = Self::default();
        let depth = if folder.is_empty() { 0 } else { folder.len().saturating_add(1) };
        for entry in index.below(folder) {
            let rest = entry.name.get(depth..).unwrap_or_default();
            view.files = view.files.saturating_add(1);
            view.bytes = view.bytes.saturating_add(entry.size_bytes);
            match rest.split_once('/') {
                Some((sub, _)) => {
                    let (count, bytes) = view.folders.entry(sub).or_default();
                    *count = count.saturating_add(1);
                    *bytes = bytes.saturating_add(entry.size_bytes);
                }
                None => view.plain.push((rest, entry)),
            }
        }
        view
    }

    /// Folders first, then files, of one page.
    fn rows(&self, owner: &Owner, folder: &str, page: usize) -> Vec<Row> {
        let folders = self.folders.iter().map(|(name, (count, bytes))| {
            let below = if folder.is_empty() { (*name).to_owned() } else { format!("{folder}/{name}") };
            let href = folder_href(&owner.base, &below);
            Row { name: format!("{name}/"), href, size: size(*bytes), holds: Some(files(*count)) }
        });
        let plain = self.plain.iter().map(|(name, entry)| file_row(owner, name, entry));
        folders.chain(plain).skip(page.saturating_sub(1).saturating_mul(ROWS)).take(ROWS).collect()
    }
}

fn file_row(owner: &Owner, name: &str, entry: &Entry<'_>) -> Row {
    let href = format!("{}{}", owner.origin, url::file_target(&entry.listed_name()));
    Row { name: name.to_owned(), href, size: size(entry.size_bytes), holds: None }
}

/// What a neighbour offers and we do not have.
pub async fn missing(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(uuid): Path<String>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let uuid: Uuid = uuid.parse().map_err(|_| HttpError::NotFound)?;
    let neighbour = present(&app, uuid)?;
    let owner = owner(&neighbour, format!("/v/{uuid}"), &ends);
    let theirs = neighbour.known.ok_or(HttpError::NoIndexYet)?.index;
    let ours = app.loot.snapshot().index.clone();
    let page = page_number(query.as_deref().unwrap_or_default());
    let (say, frame) = (visitor.say, Frame::new(&app, &visitor));
    let made = App::walk(&app.listings, move || {
        let absent: Vec<Entry<'_>> = theirs.absent_from(&ours).collect();
        let bytes = absent.iter().fold(0_u64, |sum, entry| sum.saturating_add(entry.size_bytes));
        let shown = absent.iter().skip(page.saturating_sub(1).saturating_mul(ROWS)).take(ROWS);
        MissingPage {
            frame,
            paging: Paging::new(say, page, absent.len(), |page| format!("{}?p={page}", owner.base)),
            rows: shown.map(|entry| file_row(&owner, entry.name, entry)).collect(),
            owner: owner.name,
            uuid,
            total: files(absent.len()),
            total_size: size(bytes),
        }
    });
    render(&made.await?)
}

fn present(app: &App, uuid: Uuid) -> Result<Neighbour, HttpError> {
    app.neighbourhood.get(uuid).filter(|n| n.is_present(Instant::now())).ok_or(HttpError::NoSuchNeighbour)
}

fn owner(neighbour: &Neighbour, base: String, ends: &Ends) -> Owner {
    let address = neighbour.address_for_links(ends.local.ip());
    let origin = address.map(|a| url::origin(a.service, a.interface.as_deref())).unwrap_or_default();
    let name = match neighbour.name.as_str() {
        "" => address.map_or_else(String::new, |a| a.service.ip().to_string()),
        name => name.to_owned(),
    };
    Owner { name, base, origin, neighbour: Some(neighbour.uuid) }
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
