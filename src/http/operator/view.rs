//! `/operator`: what this node is, and what its operator may change, in one place.

use std::time::Instant;

use axum::response::Response;

use crate::http::App;
use crate::http::error::HttpError;
use crate::http::operator::Visitor;
use crate::http::page::{Frame, render};
use crate::http::say::Say;
use crate::http::switch::SwitchView;
use crate::wire::manifest::Mirrors;

#[derive(askama::Template)]
#[template(path = "operator.html")]
struct OperatorPage {
    frame: Frame,
    /// What only the operator sees.
    desk: Option<Desk>,
}

struct Desk {
    form_token: String,
    facts: Vec<Fact>,
    is_paused: bool,
    switched_off: Vec<SwitchView>,
    deleted: usize,
    decided: usize,
}

/// A fact about the node.
struct Fact {
    name: String,
    value: String,
}

/// The page; for others it says whose it is.
pub(super) fn show(app: &App, visitor: &Visitor) -> Result<Response, HttpError> {
    let desk = || Desk {
        form_token: visitor.form_token.clone(),
        facts: facts(app, visitor.say),
        is_paused: app.mirror.is_paused(),
        switched_off: SwitchView::all_off(app, visitor),
        deleted: app.ledger.facts().deleted_count(),
        decided: app.mirror.settled().decided().len(),
    };
    render(&OperatorPage { frame: Frame::new(app, visitor), desk: visitor.is_operator.then(desk) })
}

fn facts(app: &App, say: Say) -> Vec<Fact> {
    let snapshot = app.loot.snapshot();
    let (index, hashing) = (&snapshot.index, app.loot.hashing());
    let running = say.lasting(Instant::now().saturating_duration_since(app.started));
    let offered = format!("{}, {}", say.files(index.len()), say.size(index.total_bytes()));
    let mut facts = vec![
        (say.t("operator-name"), app.name.to_string()),
        (say.t("operator-folder"), app.loot.folder().path().display().to_string()),
        (say.t("operator-files"), offered),
    ];
    facts.extend((hashing.left > 0).then(|| (say.t("operator-reading"), say.files(hashing.left))));
    facts.push((say.t("operator-mode"), mode(app, say)));
    facts.push((say.t("operator-port"), app.port.to_string()));
    facts.extend(app.napster.directory_port.map(|port| (say.t("operator-napster"), port.to_string())));
    facts.push((say.t("operator-limits"), limits(app, say)));
    facts.push((say.t("operator-running"), running));
    facts.push((say.t("operator-version"), env!("CARGO_PKG_VERSION").to_owned()));
    facts.push((say.t("operator-uuid"), app.uuid.to_string()));
    facts.into_iter().map(|(name, value)| Fact { name, value }).collect()
}

fn mode(app: &App, say: Say) -> String {
    match app.mirror.takes() {
        None => say.t("operator-mode-shared"),
        Some(Mirrors::Everything) => say.t("operator-mode-mirrors"),
        Some(Mirrors::Copies(copies)) => say.t1("operator-mode-copies", "count", copies.get()),
    }
}

fn limits(app: &App, say: Say) -> String {
    let of = |key, limit: Option<u64>| limit.map(|rate| format!("{}: {}", say.t(key), say.speed(rate)));
    let up = of("operator-limit-up", app.upload.limit());
    let both: Vec<String> = up.into_iter().chain(of("operator-limit-down", app.download.limit())).collect();
    if both.is_empty() { say.t("operator-limits-none") } else { both.join(", ") }
}
