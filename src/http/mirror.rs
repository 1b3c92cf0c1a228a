//! `/mirror`, `/mirror.json` and `/mirror/events`: what comes from nearby, from whom, how fast, and
//! why the rest waits; what leaves; what waits for the operator (`docs/EVENTS.md`).
//!
//! Everybody may see what comes and what came, and how much leaves. The names of files that wait,
//! failed or leave are the operator's business, as on the page of what is held back.

pub(super) mod asked;
mod events;
mod json;
mod leaves;
pub(super) mod view;
mod who;
pub(super) mod words;

use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use self::asked::{Conflicts, RoomView, Wished, may_retry};
pub use self::events::{LIMITS, events};
use self::json::MirrorJson;
use self::leaves::LeavesView;
use self::view::{LatelyView, UnderWay, WaitView, lately, waits};
use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Tab, render};
use super::say::Say;
use crate::mirror::Status;

/// Where no script runs, the page is loaded again after this.
const REFRESH_SECONDS: u32 = 10;

#[derive(askama::Template)]
#[template(path = "mirror.html")]
struct MirrorPage {
    frame: Frame,
    under_way: Option<UnderWay>,
    waiting_count: String,
    waits: Vec<WaitView>,
    lately: Vec<LatelyView>,
    leaves: LeavesView,
    left_out: Vec<String>,
    /// What only the operator sees.
    desk: Option<Desk>,
}

/// What waits for the operator.
struct Desk {
    form_token: String,
    is_paused: bool,
    can_retry: bool,
    wished: Wished,
    conflicts: Conflicts,
    room: Option<RoomView>,
}

impl Desk {
    fn of(app: &App, visitor: &Visitor, status: &Status, now: Instant) -> Option<Self> {
        let say = visitor.say;
        let wished = Wished::now(app, say, status);
        visitor.is_operator.then(|| Self {
            form_token: visitor.form_token.clone(),
            is_paused: app.mirror.is_paused(),
            can_retry: wished.any_failed || may_retry(status, now),
            wished,
            conflicts: Conflicts::now(app, say, status),
            room: RoomView::of(say, status.space),
        })
    }
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, HttpError> {
    let (status, now, say) = (app.mirror.status(), Instant::now(), visitor.say);
    render(&MirrorPage {
        frame: Frame { refresh: Some(REFRESH_SECONDS), ..Frame::new(&app, &visitor).at(Tab::Transfers) },
        under_way: UnderWay::now(&app, say, visitor.is_operator, now),
        waiting_count: say.files(status.waiting.files()),
        waits: waits(say, &status, visitor.is_operator, now),
        lately: lately(say, &status, visitor.is_operator),
        leaves: LeavesView::now(&app, say, visitor.is_operator, now),
        left_out: left_out(say, &status),
        desk: Desk::of(&app, &visitor, &status, now),
    })
}

/// What is not taken at all, counted by reason.
pub(super) fn left_out(say: Say, status: &Status) -> Vec<String> {
    let plan = &status.plan;
    let counts = [
        ("transfers-out-by-rule", plan.by_rule),
        ("transfers-out-names", plan.not_portable.len()),
        ("transfers-out-deleted", plan.deleted_here),
        ("transfers-out-enough", plan.enough_nearby.files),
        ("transfers-out-settled", plan.settled),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).map(|(key, count)| say.t1(key, "count", count)).collect()
}

/// The same for programs.
pub async fn json(State(app): State<App>, visitor: Visitor) -> Response {
    axum::Json(MirrorJson::new(&app, visitor.is_operator, Instant::now())).into_response()
}
