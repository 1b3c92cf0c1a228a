//! `/file/<uuid>?g=…`: one file of a node: a look at it, what is known of it, who else has the same.

mod preview;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use uuid::Uuid;

use self::preview::Preview;
use super::error::HttpError;
use super::loot_pages::{Changed, Crumb, Sort, base_of, crumbs};
use super::operator::Visitor;
use super::owner::Owner;
use super::page::{Frame, render};
use super::say::Say;
use super::store::{refused, requested_name};
use super::{App, Ends, media};
use crate::wire::index::Entry;
use crate::wire::{Content, Kind, LootPath, url};

/// Holders that are named; there may be a thousand.
const HOLDERS_SHOWN: usize = 50;
/// A neighbour gives the beginning of a text within this, or the page comes without.
const LOOK: Duration = Duration::from_secs(4);

#[derive(askama::Template)]
#[template(path = "file.html")]
struct FilePage {
    frame: Frame,
    name: String,
    /// The whole name.
    path: String,
    uuid: Uuid,
    owner: String,
    is_theirs: bool,
    crumbs: Vec<Crumb>,
    icon: &'static str,
    kind: String,
    size: String,
    bytes: String,
    changed: Option<Changed>,
    download: String,
    preview: Preview,
    /// None: nobody has read it yet.
    digests: Option<DigestsView>,
    holders: Vec<Holder>,
    more_holders: usize,
    previous: Option<Link>,
    next: Option<Link>,
    /// For the operator, of what is not here: to be sent back.
    form_token: Option<String>,
    /// The address of this page.
    here: String,
}

struct DigestsView {
    blake3: String,
    md5: String,
}

/// A node that has the same.
struct Holder {
    name: String,
    href: String,
    is_ours: bool,
}

struct Link {
    name: String,
    href: String,
}

/// GET and HEAD.
pub async fn show(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(uuid): Path<String>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let owner = Owner::find(&app, &uuid)?;
    let name = requested_name(&query.unwrap_or_default())?;
    let path = LootPath::parse(&name).map_err(|_| refused(&name))?;
    let entry = owner.index.find(path.as_str()).ok_or(HttpError::NotFound)?;
    let preview = look(&app, &owner, &entry).await;
    let (folders, of_page, at) = (app.folders.clone(), owner.clone(), path.clone());
    let beside = App::walk(&app.listings, move || beside(&folders, &of_page, &at)).await?;
    let mut page = page(&app, &visitor, &owner, &entry, ends.local.ip());
    page.preview = preview;
    (page.previous, page.next) = beside;
    render(&page)
}

/// All but a look at it, and what is beside it.
fn page(app: &App, visitor: &Visitor, owner: &Owner, entry: &Entry<'_>, local: IpAddr) -> FilePage {
    let frame = Frame::new(app, visitor);
    let (say, path) = (frame.say, entry.path());
    let content = owner.content(entry);
    let mut holders = content.map(|digests| holders(app, owner, digests.blake3)).unwrap_or_default();
    let is_here = owner.is_ours() || holders.iter().any(|holder| holder.is_ours);
    let more_holders = holders.len().saturating_sub(HOLDERS_SHOWN);
    holders.truncate(HOLDERS_SHOWN);
    let base = base_of(owner);
    let kind = Kind::of(path.file_name());
    FilePage {
        crumbs: crumbs(&owner.name, &base, path.folder().unwrap_or_default(), |folder| match folder {
            "" => base.clone(),
            folder => format!("{base}?d={}", url::query_value(folder)),
        }),
        name: path.file_name().to_owned(),
        uuid: owner.uuid,
        owner: owner.name.clone(),
        is_theirs: !owner.is_ours(),
        icon: kind.as_str(),
        kind: kind_said(say, kind),
        size: say.size(entry.size_bytes),
        bytes: say.t1("file-bytes", "count", entry.size_bytes),
        changed: owner.modified(entry).and_then(|seconds| Changed::new(say, seconds)),
        download: owner.download_href(entry, local),
        preview: Preview::None,
        digests: content.map(|digests| DigestsView {
            blake3: Content::new(digests.blake3).to_string(),
            md5: digests.md5.to_string(),
        }),
        holders,
        more_holders,
        previous: None,
        next: None,
        form_token: (visitor.is_operator && !is_here).then(|| visitor.form_token.clone()),
        here: owner.file_href(entry.name),
        path: path.to_string(),
        frame,
    }
}

/// What can be seen of it in the page.
async fn look(app: &App, owner: &Owner, entry: &Entry<'_>) -> Preview {
    let preview = Preview::by_name(entry.name, entry.size_bytes, owner.media_href(entry.name));
    if !matches!(preview, Preview::Unread) {
        return preview;
    }
    let begun = tokio::time::timeout(LOOK, media::beginning(app, owner, entry, preview::TEXT_MAX_BYTES)).await;
    match begun {
        Ok(Ok(bytes)) => Preview::of_text(&bytes, entry.size_bytes),
        Ok(Err(_)) | Err(_) => Preview::Unread,
    }
}

/// The files of the same kind before and after it in its folder, as people look for names.
fn beside(folders: &super::loot_pages::Folders, owner: &Owner, path: &LootPath) -> (Option<Link>, Option<Link>) {
    let kind = Kind::of(path.file_name());
    let folder = folders.get(owner, path.folder().unwrap_or_default(), Sort::default());
    let name = |at: &u32| owner.index.get(*at as usize).map(|entry| entry.name);
    let Some(here) = folder.files.iter().position(|at| name(at) == Some(path.as_str())) else { return (None, None) };
    let link = |at: &u32| {
        let name = name(at).filter(|name| Kind::of(name) == kind)?;
        let file_name = name.rsplit('/').next().unwrap_or(name).to_owned();
        Some(Link { name: file_name, href: owner.file_href(name) })
    };
    let (before, after) = folder.files.split_at_checked(here).unwrap_or_default();
    (before.iter().rev().find_map(link), after.iter().skip(1).find_map(link))
}

/// All others who are known to have that content, this node first.
fn holders(app: &App, owner: &Owner, blake3: [u8; 32]) -> Vec<Holder> {
    let ours = (!owner.is_ours()).then(|| Owner::ours(app));
    let present = app.neighbourhood.present(Instant::now());
    let others = present.into_iter().filter(|n| n.uuid != owner.uuid).filter_map(Owner::of);
    let has = |other: Owner| {
        let (_, entry) = other.digests.holders_of(blake3).next()?;
        Some(Holder { name: other.name.clone(), href: other.file_href(entry.name), is_ours: other.is_ours() })
    };
    ours.into_iter().chain(others).filter_map(has).collect()
}

fn kind_said(say: Say, kind: Kind) -> String {
    say.t(match kind {
        Kind::Video => "file-kind-video",
        Kind::Audio => "file-kind-audio",
        Kind::Picture => "file-kind-picture",
        Kind::Document => "file-kind-document",
        Kind::Archive => "file-kind-archive",
        Kind::Program => "file-kind-program",
        Kind::Other => "file-kind-other",
    })
}
