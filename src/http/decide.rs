//! `/operator/retry` and `/operator/conflict`: what the operator decides about files that do not
//! come by themselves.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use super::App;
use super::error::{HttpError, page_of};
use super::fetch_here::back;
use super::operator::{OperatorForm, Visitor};
use crate::mirror::plan::Conflict;
use crate::mirror::settled::SettleError;
use crate::mirror::wishes::{Place, Wish};
use crate::wire::{Content, DisplayText, LootPath};

/// `g`: a name; without it all that failed or rests is tried now.
pub async fn retry(State(app): State<App>, visitor: Visitor, form: OperatorForm) -> Response {
    let path = match form.text("g").map(|name| LootPath::parse(name.as_bytes())) {
        None => None,
        Some(Ok(path)) => Some(path),
        Some(Err(_)) => return page_of(visitor.say, HttpError::BadName.into_response()),
    };
    if path.is_none() {
        app.mirror.wishes().retry(None);
    }
    app.mirror.retry(path);
    back(&form).into_response()
}

/// `g`, `size` and, where it is known, `b3` say which version; `do` what becomes of it: `ours`,
/// `beside`, `theirs`. `forget` forgets all that was decided for ours.
pub async fn conflict(State(app): State<App>, visitor: Visitor, form: OperatorForm) -> Response {
    let decided = tokio::task::spawn_blocking({
        let (app, form) = (app.clone(), form.clone());
        move || decide(&app, &form)
    });
    match decided.await.unwrap_or(Err(HttpError::Busy)) {
        Ok(()) => back(&form).into_response(),
        Err(error) => page_of(visitor.say, error.into_response()),
    }
}

fn decide(app: &App, form: &OperatorForm) -> Result<(), HttpError> {
    let what = form.text("do").unwrap_or_default();
    if what == "forget" {
        return Ok(said(app.mirror.settled().forget())?);
    }
    let conflict = asked(app, form)?;
    let place = match what.as_str() {
        "ours" => {
            let left = app.mirror.settled().leave(&conflict.path, conflict.size_bytes, conflict.content);
            return Ok(said(left)?);
        }
        "beside" => Place::Beside,
        "theirs" => Place::Instead,
        _ => return Err(HttpError::BadQuery("say “ours”, “beside” or “theirs”".into())),
    };
    // At whom it is now: the plan lists who has it first.
    let from = conflict.holders.first().copied().ok_or(HttpError::NoSuchNeighbour)?;
    let from_name = app.neighbourhood.get(from).map_or_else(DisplayText::default, |neighbour| neighbour.name);
    let Conflict { path, size_bytes, content, .. } = conflict;
    let asked_at = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
    app.mirror.wish(vec![Wish { path, size_bytes, content, from, from_name, place, asked_at, failure: None }])?;
    Ok(())
}

fn said(settled: Result<(), SettleError>) -> Result<(), SettleError> {
    if let Err(error @ SettleError::NotStored(_)) = &settled {
        tracing::warn!(%error, "the list of decided conflicts cannot be written");
    }
    settled
}

/// The conflict that the form names, if it is one still.
fn asked(app: &App, form: &OperatorForm) -> Result<Conflict, HttpError> {
    let name = form.text("g").ok_or(HttpError::NoName)?;
    let size_bytes: Option<u64> = form.text("size").and_then(|text| text.parse().ok());
    let content = form.text("b3").and_then(|text| Content::parse(&text));
    let plan = app.mirror.status().plan;
    let is_it = |conflict: &&Conflict| {
        // What it holds may have been told since the page was made.
        let is_that = content.is_none() || conflict.content == content;
        conflict.path.as_str() == name && Some(conflict.size_bytes) == size_bytes && is_that
    };
    plan.conflicts.iter().find(is_it).cloned().ok_or(HttpError::NotFound)
}
