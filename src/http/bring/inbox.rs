//! `/bring/inbox`: the operator opens and closes the inbox, and decides about what came into it.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};

use crate::http::error::{HttpError, page_of};
use crate::http::operator::{OperatorForm, OperatorVisit, Visitor};
use crate::http::range::{Version, whole_seconds};
use crate::http::store::{etag_of, send_file};
use crate::http::{App, Ends};
use crate::loot::deliveries::{Deliveries, DeliveryError};
use crate::wire::{LootPath, url};

/// What the operator wants done.
enum Deed {
    Switch(bool),
    Share(Which, String),
    Delete(Which),
}

enum Which {
    One(LootPath),
    All,
}

/// Does it, and back to the page.
pub async fn decide(State(app): State<App>, visitor: Visitor, form: OperatorForm) -> Response {
    let done = match deed(&form) {
        Ok(deed) => {
            let deliveries = app.deliveries.clone();
            let done = tokio::task::spawn_blocking(move || act(&deliveries, deed)).await;
            done.map_err(|_| HttpError::Busy).and_then(|done| Ok(done?))
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Redirect::to("/bring#inbox").into_response(),
        Err(error) => page_of(visitor.say, error.into_response()),
    }
}

/// A file of the inbox, for the operator.
pub async fn fetch(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    _operator: OperatorVisit,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let name = query.as_deref().and_then(|query| url::query_first(query, "g")).ok_or(HttpError::NoName)?;
    let path = LootPath::parse(&name).map_err(|_| HttpError::NotFound)?;
    let (deliveries, opened) = (app.deliveries.clone(), path.clone());
    let file = tokio::task::spawn_blocking(move || deliveries.open_item(&opened)).await;
    let file = file.map_err(|_| HttpError::NotFound)??;
    let version = Version { etag: etag_of(&file.facts), modified: whole_seconds(file.facts.modified_ns) };
    send_file(&app, &ends, &headers, file, &path, version).await
}

fn deed(form: &OperatorForm) -> Result<Deed, HttpError> {
    let which = || match form.text("item") {
        Some(item) => LootPath::parse(item.as_bytes()).map(Which::One).map_err(|_| HttpError::NotFound),
        None => Ok(Which::All),
    };
    match form.text("do").as_deref() {
        Some("open") => Ok(Deed::Switch(true)),
        Some("close") => Ok(Deed::Switch(false)),
        Some("share") => Ok(Deed::Share(which()?, form.text("folder").unwrap_or_default().trim().to_owned())),
        Some("delete") => Ok(Deed::Delete(which()?)),
        _ => Err(HttpError::BadQuery("say “open”, “close”, “share” or “delete”".into())),
    }
}

fn act(deliveries: &Deliveries, deed: Deed) -> Result<(), DeliveryError> {
    match deed {
        Deed::Switch(open) => Ok(deliveries.inbox().switch(open)?),
        Deed::Share(which, below) => each(deliveries, which, |path| deliveries.share_item(path, &below).map(drop)),
        Deed::Delete(which) => each(deliveries, which, |path| deliveries.delete_item(path)),
    }
}

/// One, or all; of those that fail the first is told.
fn each(
    deliveries: &Deliveries,
    which: Which,
    act: impl Fn(&LootPath) -> Result<(), DeliveryError>,
) -> Result<(), DeliveryError> {
    let paths = match which {
        Which::One(path) => vec![path],
        Which::All => {
            let items = deliveries.inbox_items()?;
            items.iter().filter_map(|item| LootPath::parse(item.path.as_bytes()).ok()).collect()
        }
    };
    let mut first = Ok(());
    for path in paths {
        let done = act(&path);
        first = first.and(done);
    }
    first
}
