//! `/operator/fetch` and `/operator/wish`: the operator lets a file of a neighbour, or a whole folder
//! of files, come to this node, in whatever mode that is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use uuid::Uuid;

use super::App;
use super::error::{HttpError, page_of};
use super::operator::{OperatorForm, Visitor};
use crate::mirror::wishes::{Place, WISHES_MAX, Wish, WishError, WishId};
use crate::neighbours::Neighbour;
use crate::wire::index::Entry;
use crate::wire::{DigestTable, LootPath};

/// Longest address of a page to go back to.
const BACK_MAX_BYTES: usize = 2_048;
/// Where it goes back to if nobody says: what comes is shown there.
const TRANSFERS: &str = "/mirror";

/// `uuid`, and `g`, a name as that neighbour lists it, or `d`, a folder; `back`: where to go then.
pub async fn fetch(State(app): State<App>, visitor: Visitor, form: OperatorForm) -> Response {
    match try_fetch(&app, &form).await {
        Ok(()) => back(&form).into_response(),
        Err(error) => page_of(visitor.say, error.into_response()),
    }
}

/// `id`, a number or `all`; `do`: `cancel` or `retry`.
pub async fn change(State(app): State<App>, visitor: Visitor, form: OperatorForm) -> Response {
    match try_change(&app, &form).await {
        Ok(()) => back(&form).into_response(),
        Err(error) => page_of(visitor.say, error.into_response()),
    }
}

/// Back to where the form was, if that is a page of ours.
pub(super) fn back(form: &OperatorForm) -> Redirect {
    let asked = form.text("back");
    Redirect::to(asked.as_deref().filter(|back| is_own_page(back)).unwrap_or(TRANSFERS))
}

/// Whether an address is a path of this node and no other node's: `//host` and `/\host` are.
fn is_own_page(address: &str) -> bool {
    let is_path = address.starts_with('/') && !address.starts_with("//") && !address.contains('\\');
    is_path && address.len() <= BACK_MAX_BYTES && address.bytes().all(|byte| byte.is_ascii_graphic())
}

async fn try_fetch(app: &App, form: &OperatorForm) -> Result<(), HttpError> {
    let uuid: Option<Uuid> = form.text("uuid").and_then(|text| text.parse().ok());
    let uuid = uuid.ok_or_else(|| HttpError::BadQuery("that is not the uuid of a node".into()))?;
    // Ours are here.
    if uuid == app.uuid {
        return Ok(());
    }
    let neighbour = app.neighbourhood.get(uuid).ok_or(HttpError::NoSuchNeighbour)?;
    let wishes = match (form.text("g"), form.text("d")) {
        (Some(name), None) => vec![one(&neighbour, &name)?],
        (None, Some(folder)) => folder_of(&neighbour, &folder)?,
        _ => return Err(HttpError::NoName),
    };
    let mirror = app.mirror.clone();
    let added = tokio::task::spawn_blocking(move || mirror.wish(wishes)).await.map_err(|_| HttpError::Busy)?;
    if let Err(error @ WishError::NotStored(_)) = &added {
        tracing::warn!(%error, "the list of wished files cannot be written");
    }
    let files = added?;
    tracing::info!(%uuid, files, "the operator fetches");
    Ok(())
}

async fn try_change(app: &App, form: &OperatorForm) -> Result<(), HttpError> {
    let which = match form.text("id").as_deref() {
        Some("all") => None,
        Some(id) => Some(WishId(id.parse().map_err(|_| unknown())?)),
        None => return Err(unknown()),
    };
    match form.text("do").as_deref() {
        Some("cancel") => app.mirror.wishes().cancel(which),
        Some("retry") => {
            let path = which.and_then(|id| app.mirror.wishes().get(id)).map(|wish| wish.path.clone());
            app.mirror.wishes().retry(which);
            app.mirror.retry(path);
        }
        _ => return Err(HttpError::BadQuery("say “cancel” or “retry”".into())),
    }
    // What is cancelled does not come back because the node ends in the next second.
    let wishes = app.mirror.wishes().clone();
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || wishes.save()).await {
        tracing::warn!(%error, "the list of wished files cannot be written");
    }
    Ok(())
}

fn unknown() -> HttpError {
    HttpError::BadQuery("that is no number of a wish".into())
}

/// A name that no node could store or list is refused; one that only other systems cannot store is
/// not: the operator asked for it.
fn one(neighbour: &Neighbour, name: &str) -> Result<Wish, HttpError> {
    let path = LootPath::parse(name.as_bytes()).map_err(|_| HttpError::BadName)?;
    let known = neighbour.known.as_ref().ok_or(HttpError::NoIndexYet)?;
    let entry = known.index.find(path.as_str()).ok_or(HttpError::NotFound)?;
    wish(neighbour, &entry).ok_or(HttpError::BadName)
}

fn folder_of(neighbour: &Neighbour, folder: &str) -> Result<Vec<Wish>, HttpError> {
    let known = neighbour.known.as_ref().ok_or(HttpError::NoIndexYet)?;
    let folder = folder.trim_matches('/');
    // One more than may be says that there are too many.
    let files = known.index.below(folder).filter_map(|entry| wish(neighbour, &entry));
    let wishes: Vec<Wish> = files.take(WISHES_MAX.saturating_add(1)).collect();
    match wishes.len() {
        0 => Err(HttpError::NotFound),
        count if count > WISHES_MAX => Err(WishError::TooMany.into()),
        _ => Ok(wishes),
    }
}

fn wish(neighbour: &Neighbour, entry: &Entry<'_>) -> Option<Wish> {
    let path = entry.path();
    path.listable().ok()?;
    let told = neighbour.manifest.as_ref().and_then(|manifest| told(&manifest.digests, entry));
    Some(Wish {
        path,
        size_bytes: entry.size_bytes,
        content: told,
        from: neighbour.uuid,
        from_name: neighbour.name.clone(),
        place: Place::Beside,
        asked_at: std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs(),
        failure: None,
    })
}

/// What the manifest tells of a file, if it stands beside the index as it is.
fn told(digests: &Arc<DigestTable>, entry: &Entry<'_>) -> Option<crate::wire::Content> {
    let at = digests.index().position_of(entry.name)?;
    let is_it = digests.index().get(at).is_some_and(|there| there.size_bytes == entry.size_bytes);
    digests.get(at).filter(|_| is_it).map(|digests| digests.content())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_no_other_node() {
        for (address, is_own) in [
            ("/", true),
            ("/q/?v=a%20b&p=2#hit", true),
            ("//evil/", false),
            ("/\\evil/", false),
            ("/a\\..\\", false),
            ("http://evil/", false),
            ("q/", false),
            ("", false),
            ("/a b", false),
            ("/a\r\nSet-Cookie: x", false),
            ("/é", false),
            (&format!("/{}", "x".repeat(BACK_MAX_BYTES)), false),
        ] {
            assert_eq!(is_own_page(address), is_own, "{address}");
        }
    }
}
