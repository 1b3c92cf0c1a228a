//! `/`: search, who is near, and what we offer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::error::HttpError;
use super::mirror::view::UnderWay;
use super::operator::Visitor;
use super::page::{Frame, NeighbourView, files, grouped, render, size};
use super::switch::SwitchView;
use super::{App, Ends};
use crate::loot::LootState;
use crate::neighbours::Neighbour;
use crate::wire::Index;

#[derive(askama::Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    neighbours: Vec<NeighbourView>,
    /// From whom nothing is copied: the operator's own doing, shown to nobody else.
    switched_off: Vec<Uuid>,
    announced_on: Vec<String>,
    heard: String,
    elsewhere: u64,
    loot_files: String,
    loot_size: String,
    folder: String,
    scanning: Option<String>,
    missing: Option<String>,
    watch_limited: Option<String>,
    mirror: Option<UnderWay>,
}

/// The front page.
pub async fn show(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let now = Instant::now();
    let snapshot = app.loot.snapshot();
    let status = app.loot.status();
    let neighbours = app.neighbourhood.present(now);
    let (counts, of, ours) = (app.missing.clone(), neighbours.clone(), snapshot.index.clone());
    let missing = App::walk(&app.listings, move || counts.count(&of, &ours)).await?;
    let views = neighbours.iter().zip(missing).map(|(n, missing)| NeighbourView::new(n, missing, ends.local.ip(), now));
    let scanning = (status.state == LootState::Scanning).then(|| grouped(app.loot.files_seen()));
    render(&HomePage {
        frame: Frame::new(&app, &visitor),
        neighbours: views.collect(),
        switched_off: SwitchView::all_off(&app, &visitor).iter().map(|off| off.uuid).collect(),
        announced_on: announced_on(&app),
        heard: grouped(usize::try_from(app.stats.heard()).unwrap_or(usize::MAX)),
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
        mirror: UnderWay::now(&app, now),
    })
}

/// How many files of each neighbour are not here, kept while neither index changes.
#[derive(Debug, Default)]
pub struct MissingCounts(Mutex<HashMap<Uuid, Counted>>);

/// Their index, ours, and the count for the two.
type Counted = (Arc<Index>, Arc<Index>, usize);

impl MissingCounts {
    /// Of each of these, in their order.
    pub(super) fn count(&self, neighbours: &[Neighbour], ours: &Arc<Index>) -> Vec<usize> {
        let before = std::mem::take(&mut *self.lock());
        let counted = neighbours.iter().map(|n| {
            let theirs = n.known.as_ref().map(|known| known.index.clone()).unwrap_or_default();
            match before.get(&n.uuid) {
                Some((t, o, count)) if Arc::ptr_eq(t, &theirs) && Arc::ptr_eq(o, ours) => {
                    (n.uuid, (theirs, ours.clone(), *count))
                }
                _ => (n.uuid, (theirs.clone(), ours.clone(), theirs.absent_from(ours).count())),
            }
        });
        let counted: Vec<(Uuid, Counted)> = counted.collect();
        let counts = counted.iter().map(|(_, (_, _, count))| *count).collect();
        *self.lock() = counted.into_iter().collect();
        counts
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
