//! What searches read: the indexes of all who are present, and who keeps their catalogues fresh.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::App;
use crate::neighbours::Neighbour;
use crate::search::{Library, Shelf};
use crate::wire::DigestTable;

/// Catalogues that nobody searched for so long are let go.
const UNUSED: Duration = Duration::from_secs(15 * 60);
/// Between two looks for that, if nothing changes.
const LOOK: Duration = Duration::from_secs(60);
/// Changes come in swarms: after one, so long nothing is made anew beforehand.
const PAUSE: Duration = Duration::from_millis(250);

/// The library of now. Blocks while it is made.
pub(super) fn of_now(app: &App, neighbours: &[Neighbour]) -> Arc<Library> {
    let (shelves, names) = (shelves(app, neighbours), app.napster.registry.as_ref().map(|registry| registry.names()));
    app.librarian.library(shelves, names, Instant::now())
}

/// Who is present and tells what it has.
pub(super) fn tellers(app: &App, now: Instant) -> Vec<Neighbour> {
    app.neighbourhood.present(now).into_iter().filter(|neighbour| neighbour.known.is_some()).collect()
}

/// Ours, then the neighbours' in their order.
fn shelves(app: &App, neighbours: &[Neighbour]) -> Vec<Shelf> {
    let ours = Shelf { holder: app.uuid, index: app.loot.snapshot().index.clone(), digests: app.loot.digests() };
    std::iter::once(ours).chain(neighbours.iter().filter_map(shelf)).collect()
}

fn shelf(neighbour: &Neighbour) -> Option<Shelf> {
    let digests: Option<&Arc<DigestTable>> = neighbour.manifest.as_ref().map(|manifest| &manifest.digests);
    Some(Shelf {
        holder: neighbour.uuid,
        index: neighbour.known.as_ref()?.index.clone(),
        digests: digests.cloned().unwrap_or_default(),
    })
}

/// While people search, makes anew what a change made old, so that none of them waits for it.
pub async fn keep(app: App) {
    let (mut theirs, mut ours) = (app.neighbourhood.subscribe_manifests(), app.loot.subscribe());
    let mut digests = app.loot.subscribe_digests();
    loop {
        tokio::select! {
            changed = theirs.changed() => if changed.is_err() { return },
            changed = ours.changed() => if changed.is_err() { return },
            changed = digests.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK) => {}
        }
        app.librarian.rest(UNUSED, Instant::now());
        if !app.librarian.is_used() {
            continue;
        }
        let app = app.clone();
        let renewed = tokio::task::spawn_blocking(move || {
            let now = Instant::now();
            let names = app.napster.registry.as_ref().map(|registry| registry.names());
            app.librarian.renew(shelves(&app, &tellers(&app, now)), names, now)
        });
        let took = renewed.await.unwrap_or_default();
        tokio::time::sleep(PAUSE.max(took.saturating_mul(5))).await;
    }
}
