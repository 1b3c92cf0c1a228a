//! `/l/` and `/l/<uuid>`: what a node offers, folder by folder; `/v/<uuid>`: what of it is
//! missing here.

mod asked;
mod folder;
mod missing;
mod rows;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use uuid::Uuid;

use self::asked::Asked;
pub use self::folder::Folders;
pub(super) use self::folder::Sort;
use self::folder::{By, Folder};
pub use self::missing::show as missing;
pub(super) use self::rows::{Changed, is_viewable};
use self::rows::{Row, Rows};
use super::error::HttpError;
use super::operator::Visitor;
use super::owner::Owner;
use super::page::{Frame, Paging, render};
use super::say::Say;
use super::switch::SwitchView;
use super::{App, Ends};
use crate::mirror::wishes::WISHES_MAX;
use crate::wire::archive::contents::FILES_MAX;
use crate::wire::url;

/// Sizes of which each is one of the next unit, to tell scripts how units are written.
const UNITS: [u64; 5] = [1, 1_000, 1_000_000, 1_000_000_000, 1_000_000_000_000];

#[derive(askama::Template)]
#[template(path = "loot.html")]
struct LootPage {
    frame: Frame,
    uuid: Uuid,
    /// The folder's name, or the node's.
    title: String,
    /// Whether it is a neighbour's.
    is_theirs: bool,
    crumbs: Vec<Crumb>,
    summary: String,
    columns: Vec<Column>,
    rows: Vec<Row>,
    paging: Paging,
    refused: usize,
    /// For the operator, on the page of a neighbour.
    switch: Option<SwitchView>,
    asked: Asked,
    /// The page's address without query.
    base: String,
    /// The other way to look at it; none where there are no pictures.
    other_view: Option<String>,
    /// The whole folder.
    archive: Option<ArchiveLinks>,
    playlist: Option<String>,
    /// For the operator, of a neighbour's folder that can be asked for at once: to be sent back.
    fetch_token: Option<String>,
    words: Words,
}

/// What the script says, with places to fill in.
struct Words {
    shown: String,
    one: String,
    many: String,
    /// The units of sizes, `B kB MB GB TB`.
    units: String,
}

impl Words {
    fn new(say: Say) -> Self {
        let (count, size) = (("count", "{count}"), ("size", "{size}"));
        let unit = |size| say.size(size).trim_start_matches(['1', '\u{a0}']).to_owned();
        Self {
            shown: say.t2("loot-shown", ("shown", "{shown}"), ("all", "{all}")),
            one: say.t2("loot-chosen-one", count, size),
            many: say.t2("loot-chosen-many", count, size),
            units: UNITS.map(unit).join(" "),
        }
    }
}

/// A folder on the way here; the last one is where one is.
pub(super) struct Crumb {
    pub(super) name: String,
    pub(super) href: String,
}

struct ArchiveLinks {
    zip: String,
    tar: String,
}

/// The head of a column, by which rows can be sorted.
struct Column {
    label: String,
    href: String,
    /// `aria-sort`; none: they are sorted otherwise.
    sort: Option<&'static str>,
    icon: &'static str,
}

/// Our own loot.
pub async fn browse_ours(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let owner = Owner::ours(&app);
    show(&app, &ends, owner, "/l/".into(), &query.unwrap_or_default(), &visitor).await
}

/// A node's.
pub async fn browse(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(uuid): Path<String>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let owner = Owner::find(&app, &uuid)?;
    let base = base_of(&owner);
    show(&app, &ends, owner, base, &query.unwrap_or_default(), &visitor).await
}

/// The address of the pages of a node's loot.
pub(super) fn base_of(owner: &Owner) -> String {
    if owner.is_ours() { "/l/".into() } else { format!("/l/{}", owner.uuid) }
}

async fn show(
    app: &App,
    ends: &Ends,
    owner: Owner,
    base: String,
    query: &str,
    visitor: &Visitor,
) -> Result<Response, HttpError> {
    let asked = Asked::parse(query)?;
    let (frame, local, folders) = (Frame::new(app, visitor), ends.local.ip(), app.folders.clone());
    let switch = owner.neighbour.as_ref().and_then(|neighbour| SwitchView::of(app, visitor, neighbour.uuid));
    let known = owner.neighbour.as_ref().and_then(|neighbour| neighbour.known.as_ref());
    let refused = known.map_or(0, |known| known.refused.lines);
    let fetch_token = (visitor.is_operator && !owner.is_ours()).then(|| visitor.form_token.clone());
    let made = App::walk(&app.listings, move || {
        let folder = folders.get(&owner, &asked.folder, asked.sort);
        if folder.count == 0 && !asked.folder.is_empty() {
            return None;
        }
        let say = frame.say;
        let rows = Rows { say, owner: &owner, base: &base, asked: &asked, folder: &folder, local };
        let (rows, total) = rows.of_page();
        Some(LootPage {
            uuid: owner.uuid,
            title: title(&owner, &asked.folder),
            is_theirs: !owner.is_ours(),
            crumbs: crumbs(&owner.name, &base, &asked.folder, |folder| asked.folder_href(&base, folder)),
            summary: format!("{}, {}", say.files(folder.count as u64), say.size(folder.bytes)),
            columns: columns(say, &asked, &base),
            rows,
            paging: Paging::new(say, asked.page, total, |page| Asked { page, ..asked.clone() }.href(&base)),
            refused,
            switch,
            other_view: folder.has_pictures.then(|| asked.with(|other| other.is_grid = !other.is_grid).href(&base)),
            archive: archive_links(&owner, &folder, &asked.folder, local),
            playlist: folder.is_playable.then(|| address("playlist", &owner, "m3u8", &asked.folder)),
            fetch_token: fetch_token.filter(|_| (1..=WISHES_MAX).contains(&folder.count)),
            words: Words::new(say),
            frame,
            asked,
            base,
        })
    });
    render(&made.await?.ok_or(HttpError::NotFound)?)
}

fn title(owner: &Owner, folder: &str) -> String {
    folder.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&owner.name).to_owned()
}

/// The node and the folders above, each a link.
pub(super) fn crumbs(node: &str, base: &str, folder: &str, href: impl Fn(&str) -> String) -> Vec<Crumb> {
    let mut crumbs =
        vec![Crumb { name: node.to_owned(), href: if folder.is_empty() { base.into() } else { href("") } }];
    let ends = folder.match_indices('/').map(|(at, _)| at).chain((!folder.is_empty()).then_some(folder.len()));
    crumbs.extend(ends.filter_map(|end| {
        let above = folder.get(..end)?;
        Some(Crumb { name: above.rsplit('/').next().unwrap_or(above).to_owned(), href: href(above) })
    }));
    crumbs
}

fn columns(say: Say, asked: &Asked, base: &str) -> Vec<Column> {
    let column = |by: By, label: String, rises: bool| {
        let is_it = asked.sort.by == by;
        let other = asked.with(|other| {
            other.sort.by = by;
            other.sort.is_reversed = is_it && !asked.sort.is_reversed;
        });
        let rises = rises != asked.sort.is_reversed;
        Column {
            label,
            href: other.href(base),
            sort: is_it.then_some(if rises { "ascending" } else { "descending" }),
            icon: if rises { "up" } else { "down" },
        }
    };
    vec![
        column(By::Name, say.t("loot-name"), true),
        column(By::Size, say.t("loot-size"), false),
        column(By::Age, say.t("loot-changed"), false),
    ]
}

/// Straight from the node that has it, if it packs folders; else through this one.
fn archive_links(owner: &Owner, folder: &Folder, name: &str, local: std::net::IpAddr) -> Option<ArchiveLinks> {
    let origin = if owner.is_boucan() { owner.origin(local) } else { String::new() };
    let link = |extension| format!("{origin}{}", address("archive", owner, extension, name));
    (1..=FILES_MAX).contains(&folder.count).then(|| ArchiveLinks { zip: link("zip"), tar: link("tar") })
}

/// `/archive/UUID.zip?d=FOLDER` and its like.
fn address(what: &str, owner: &Owner, extension: &str, folder: &str) -> String {
    let query = if folder.is_empty() { String::new() } else { format!("?d={}", url::query_value(folder)) };
    format!("/{what}/{}.{extension}{query}", owner.uuid)
}
