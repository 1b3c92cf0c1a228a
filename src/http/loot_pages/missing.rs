//! `/v/<uuid>`: what a neighbour offers and this node does not have.

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use uuid::Uuid;

use super::super::error::HttpError;
use super::super::operator::Visitor;
use super::super::owner::Owner;
use super::super::page::{Frame, Paging, ROWS, page_number, render};
use super::super::{App, Ends};
use super::rows::{Row, file_row};
use crate::wire::index::Entry;

#[derive(askama::Template)]
#[template(path = "missing.html")]
struct MissingPage {
    frame: Frame,
    owner: String,
    uuid: Uuid,
    summary: String,
    rows: Vec<MissingRow>,
    paging: Paging,
}

struct MissingRow {
    file: Row,
    /// The folder that it is in; empty at the top.
    folder: String,
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
    if owner.is_ours() {
        return Err(HttpError::NoSuchNeighbour);
    }
    let ours = app.loot.snapshot().index.clone();
    let page = page_number(query.as_deref().unwrap_or_default());
    let (frame, local) = (Frame::new(&app, &visitor), ends.local.ip());
    let made = App::walk(&app.listings, move || {
        let say = frame.say;
        let (mut total, mut bytes, mut shown) = (0_usize, 0_u64, Vec::new());
        let skipped = page.saturating_sub(1).saturating_mul(ROWS);
        for entry in owner.index.absent_from(&ours) {
            if total >= skipped && shown.len() < ROWS {
                shown.push(entry);
            }
            total = total.saturating_add(1);
            bytes = bytes.saturating_add(entry.size_bytes);
        }
        let row = |entry: Entry<'_>| MissingRow {
            folder: entry.path().folder().unwrap_or_default().to_owned(),
            file: file_row(say, &owner, &entry, local),
        };
        MissingPage {
            summary: format!("{}, {}", say.files(total as u64), say.size(bytes)),
            rows: shown.into_iter().map(row).collect(),
            paging: Paging::new(say, page, total, |page| format!("/v/{}?p={page}", owner.uuid)),
            uuid: owner.uuid,
            owner: owner.name.clone(),
            frame,
        }
    });
    render(&made.await?)
}
