//! `/mirror`, `/mirror.json` and `/mirror/events`: what is being copied from nearby, from whom, how
//! fast, and why the rest waits (`docs/EVENTS.md`).
//!
//! Everybody may see what comes and what came. The names of files that wait or failed are the
//! operator's business, as on the page of what is held back.

mod events;
mod json;
pub(super) mod view;
mod who;

use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

pub use self::events::{LIMITS, events};
use self::json::MirrorJson;
use self::view::{LatelyView, UnderWay, WaitView, lately, waits};
use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, files, render};

#[derive(askama::Template)]
#[template(path = "mirror.html")]
struct MirrorPage {
    frame: Frame,
    under_way: Option<UnderWay>,
    waiting_count: String,
    waits: Vec<WaitView>,
    lately: Vec<LatelyView>,
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, HttpError> {
    let (status, now) = (app.mirror.status(), Instant::now());
    render(&MirrorPage {
        frame: Frame::new(&app, &visitor),
        under_way: UnderWay::now(&app, now),
        waiting_count: files(status.waiting.files()),
        waits: waits(&status, visitor.is_operator, now),
        lately: lately(&status, visitor.is_operator),
    })
}

/// The same for programs.
pub async fn json(State(app): State<App>, visitor: Visitor) -> Response {
    axum::Json(MirrorJson::new(&app, visitor.is_operator, Instant::now())).into_response()
}
