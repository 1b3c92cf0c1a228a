//! `/held-back`: what is not offered and why, and what could not or would not be taken.

use axum::extract::State;
use axum::response::Response;

use super::App;
use super::error::HttpError;
use super::mirror::asked::holders;
use super::mirror::left_out;
use super::mirror::words::{Words, failure, held_back, outcome, refusal};
use super::operator::Visitor;
use super::page::{Frame, render};
use super::say::Say;
use crate::mirror::Status;
use crate::mirror::plan::Conflict;

/// Rows of each table; the rest is counted.
const SHOWN: usize = 200;

#[derive(askama::Template)]
#[template(path = "held_back.html")]
struct HeldBackPage {
    frame: Frame,
    /// How many files are not offered; none if all are.
    held_back_count: Option<String>,
    left_out: Vec<String>,
    /// Names that stand for other content here.
    conflicts_count: usize,
    tables: Tables,
}

/// What is not offered is nobody else's business, its name included: empty for others than the
/// operator.
#[derive(Default)]
struct Tables {
    held_back: Vec<(String, Words)>,
    conflicts: Vec<ConflictView>,
    not_portable: Vec<(String, String)>,
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
    stamp: String,
    why: Words,
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, HttpError> {
    let (loot, status, say) = (app.loot.status(), app.mirror.status(), visitor.say);
    render(&HeldBackPage {
        frame: Frame::new(&app, &visitor),
        held_back_count: (loot.held_back_count > 0).then(|| say.files(loot.held_back_count)),
        left_out: left_out(say, &status),
        conflicts_count: status.plan.conflicts.len(),
        tables: if visitor.is_operator { tables(&app, say, &status) } else { Tables::default() },
    })
}

fn tables(app: &App, say: Say, status: &Status) -> Tables {
    let loot = app.loot.status();
    let held = loot.held_back.iter().take(SHOWN).map(|held| (held.name.to_string(), held_back(say, &held.why)));
    let not_portable = status.plan.not_portable.iter().take(SHOWN);
    let conflict = |conflict: &Conflict| ConflictView {
        name: conflict.path.to_string(),
        size: say.size(conflict.size_bytes),
        holders: holders(app, conflict),
        outcome: outcome(say, &conflict.outcome),
    };
    let failures = status.lately.iter().take(SHOWN).filter_map(|lately| {
        Some(FailureView {
            name: lately.path.to_string(),
            from: lately.from.to_string(),
            when: say.when(lately.at),
            stamp: say.stamp(lately.at),
            why: failure(say, lately.failure.as_ref()?),
        })
    });
    Tables {
        held_back: held.collect(),
        conflicts: status.plan.conflicts.iter().take(SHOWN).map(conflict).collect(),
        not_portable: not_portable.map(|(path, why)| (path.to_string(), refusal(say, *why))).collect(),
        failures: failures.collect(),
    }
}
