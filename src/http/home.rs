//! `/`: search, who is near, and what we offer.

use std::time::Instant;

use axum::extract::State;
use axum::response::Response;

use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, NeighbourView, files, grouped, render, size};
use crate::loot::LootState;
use crate::mirror::Doing;
use crate::wire::Index;

#[derive(askama::Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    neighbours: Vec<NeighbourView>,
    announced_on: Vec<String>,
    heard: u64,
    elsewhere: u64,
    loot_files: String,
    loot_size: String,
    folder: String,
    scanning: Option<String>,
    missing: Option<String>,
    watch_limited: Option<String>,
    mirror: Option<MirrorView>,
}

struct MirrorView {
    doing: String,
    active: Vec<ActiveView>,
}

struct ActiveView {
    name: String,
    from: String,
    percent: u64,
    size: String,
}

/// The front page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, HttpError> {
    let now = Instant::now();
    let snapshot = app.loot.snapshot();
    let status = app.loot.status();
    let neighbours = app.neighbourhood.present(now);
    let view = |n: &crate::neighbours::Neighbour| {
        let missing = n.known.as_ref().map_or(0, |known| missing_here(&known.index, &snapshot.index));
        NeighbourView::new(n, missing, now)
    };
    let scanning = (status.state == LootState::Scanning).then(|| grouped(app.loot.files_seen()));
    render(&HomePage {
        frame: Frame { refresh: scanning.is_some().then_some(2), ..Frame::new(&app, &visitor) },
        neighbours: neighbours.iter().map(view).collect(),
        announced_on: announced_on(&app),
        heard: app.stats.heard(),
        elsewhere: app.stats.elsewhere(),
        loot_files: files(snapshot.index.len()),
        loot_size: size(snapshot.index.total_bytes()),
        folder: if visitor.is_operator { app.loot.folder().path().display().to_string() } else { String::new() },
        scanning,
        missing: match status.state {
            LootState::Missing(why) if visitor.is_operator => Some(why.into()),
            LootState::Missing(_) => Some("The folder of this node is not there at the moment.".into()),
            _ => None,
        },
        watch_limited: status.watch_limited.filter(|_| visitor.is_operator).map(Into::into),
        mirror: mirror_view(&app),
    })
}

/// How many files of theirs are not here with that size; both are sorted, so one pass tells.
pub(super) fn missing_here(theirs: &Index, ours: &Index) -> usize {
    let mut ours = ours.iter().peekable();
    theirs
        .iter()
        .filter(|entry| {
            while ours.next_if(|own| own.name < entry.name).is_some() {}
            ours.peek().is_none_or(|own| own.name != entry.name || own.size_bytes != entry.size_bytes)
        })
        .count()
}

fn announced_on(app: &App) -> Vec<String> {
    let interfaces = app.interfaces.current();
    let any_bound = !app.segment.bound.is_empty();
    interfaces
        .iter()
        .filter(|i| app.segment.uses(i) && (!i.is_loopback || any_bound))
        .map(|i| i.name.to_string())
        .collect()
}

fn mirror_view(app: &App) -> Option<MirrorView> {
    let status = app.mirror.status();
    let doing = match status.doing {
        Doing::Off => return None,
        Doing::Idle => "Everything wanted from nearby is here.".into(),
        Doing::Fetching => format!(
            "Fetching {} ({}).",
            files(status.queued.saturating_add(status.active.len())),
            size(status.plan.wanted_bytes())
        ),
        Doing::Paused => "Paused by the operator.".into(),
        Doing::Waiting(why) => format!("Waiting: {why}."),
    };
    let active = status.active.iter().map(|active| ActiveView {
        name: active.path.to_string(),
        from: active.from.to_string(),
        percent: active.received_bytes().saturating_mul(100).checked_div(active.size_bytes).unwrap_or(100).min(100),
        size: size(active.size_bytes),
    });
    Some(MirrorView { doing, active: active.collect() })
}
