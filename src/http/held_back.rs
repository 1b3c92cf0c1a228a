//! `/held-back`: what is not offered and why, and what the mirror could not or would not take.

use axum::extract::State;
use axum::response::Response;

use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, ago, files, render, size};
use crate::mirror::plan::Outcome;

/// Rows of each table; the rest is counted.
const SHOWN: usize = 200;

#[derive(askama::Template)]
#[template(path = "held_back.html")]
struct HeldBackPage {
    frame: Frame,
    held_back: Vec<(String, String)>,
    held_back_count: Option<String>,
    conflicts: Vec<ConflictView>,
    not_portable: Vec<(String, String)>,
    conflicts_count: usize,
    by_rule: Option<String>,
    deleted_here: Option<String>,
    enough_nearby: Option<String>,
    failures: Vec<FailureView>,
}

struct ConflictView {
    name: String,
    size: String,
    holders: String,
    outcome: String,
}

struct FailureView {
    name: String,
    from: String,
    when: String,
    why: String,
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, HttpError> {
    let loot = app.loot.status();
    let mirror = app.mirror.status();
    // What is not offered is nobody else's business, its name included.
    let shown = if visitor.is_operator { SHOWN } else { 0 };
    let conflicts = mirror.plan.conflicts.iter().take(shown).map(|conflict| ConflictView {
        name: conflict.path.to_string(),
        size: size(conflict.size_bytes),
        holders: holders(&app, &conflict.holders),
        outcome: outcome(&conflict.outcome),
    });
    let failures = mirror.lately.iter().take(shown).filter_map(|lately| {
        let why = lately.failure.as_ref()?.to_string();
        let when = ago(lately.at.elapsed().unwrap_or_default());
        Some(FailureView { name: lately.path.to_string(), from: lately.from.to_string(), when, why })
    });
    render(&HeldBackPage {
        frame: Frame::new(&app, &visitor),
        held_back: loot
            .held_back
            .iter()
            .take(shown)
            .map(|held| (held.name.to_string(), held.why.to_string()))
            .collect(),
        held_back_count: (loot.held_back_count > 0).then(|| files(loot.held_back_count)),
        conflicts: conflicts.collect(),
        not_portable: mirror
            .plan
            .not_portable
            .iter()
            .take(shown)
            .map(|(path, why)| (path.to_string(), why.to_string()))
            .collect(),
        conflicts_count: mirror.plan.conflicts.len(),
        by_rule: (mirror.plan.by_rule > 0).then(|| files(mirror.plan.by_rule)),
        deleted_here: (mirror.plan.deleted_here > 0).then(|| files(mirror.plan.deleted_here)),
        enough_nearby: (mirror.plan.enough_nearby.files > 0).then(|| files(mirror.plan.enough_nearby.files)),
        failures: failures.collect(),
    })
}

fn holders(app: &App, uuids: &[uuid::Uuid]) -> String {
    let names = uuids.iter().filter_map(|uuid| Some(app.neighbourhood.get(*uuid)?.name.to_string()));
    names.take(3).collect::<Vec<_>>().join(", ")
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::KeptBeside(path) => format!("kept here as {}", path.file_name()),
        Outcome::Fetching(path) => format!("being fetched as {}", path.file_name()),
        Outcome::Waiting => "waiting a moment: it may pass by itself".into(),
        Outcome::CannotStandTogether => {
            "not taken: it would stand where another file or folder is, or differ from one only in case".into()
        }
        Outcome::Replacing => "being fetched: it is newer than the copy here".into(),
        Outcome::Skipped => "not taken: no version beside another is wanted here".into(),
        Outcome::Older => "not taken: it is not newer than the one here".into(),
        Outcome::EnoughNearby => "not taken: enough nodes nearby hold it, or it is another's turn to take it".into(),
        Outcome::OnlyShown => "not taken: there are too many versions".into(),
    }
}
