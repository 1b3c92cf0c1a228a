//! What searches read: the indexes of all who are present, and who keeps their catalogues fresh.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::App;
use crate::neighbours::Neighbour;
use crate::search::{Edits, Library, Shelf};
use crate::wire::DigestTable;

/// A library that nobody searched for so long is let go if it is large …
const UNUSED: Duration = Duration::from_secs(15 * 60);
/// … larger than this: a million files of plain names take 1.3 MB, and the first search of an
/// evening need not wait for them.
const KEPT_MAX_BYTES: usize = 16 << 20;
/// Making it anew takes at most one part in so many of the time, while people search and while not.
const SHARE_IN_USE: u32 = 5;
const SHARE_UNUSED: u32 = 100;
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
    let snapshot = app.loot.snapshot();
    let (index, digests) = (snapshot.index.clone(), app.loot.digests());
    let edits = Edits::known_by(move |before| snapshot.edit_from(before));
    let ours = Shelf { holder: app.uuid, index, digests, edits };
    std::iter::once(ours).chain(neighbours.iter().filter_map(shelf)).collect()
}

fn shelf(neighbour: &Neighbour) -> Option<Shelf> {
    let digests: Option<&Arc<DigestTable>> = neighbour.manifest.as_ref().map(|manifest| &manifest.digests);
    let known = neighbour.known.clone()?;
    Some(Shelf {
        holder: neighbour.uuid,
        index: known.index.clone(),
        digests: digests.cloned().unwrap_or_default(),
        edits: Edits::known_by(move |before| known.edit_from(before)),
    })
}

/// Makes it beforehand, and anew what a change made old, so that nobody who searches waits for it.
pub async fn keep(app: App) {
    let (mut theirs, mut ours) = (app.neighbourhood.subscribe_manifests(), app.loot.subscribe());
    let mut digests = app.loot.subscribe_digests();
    // The start has other things to do.
    tokio::time::sleep(PAUSE).await;
    let making = app.clone();
    let made = tokio::task::spawn_blocking(move || of_now(&making, &tellers(&making, Instant::now())));
    drop(made.await);
    loop {
        tokio::select! {
            changed = theirs.changed() => if changed.is_err() { return },
            changed = ours.changed() => if changed.is_err() { return },
            changed = digests.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(LOOK) => {}
        }
        let now = Instant::now();
        app.librarian.rest(UNUSED, KEPT_MAX_BYTES, now);
        if !app.librarian.is_there() {
            continue;
        }
        let share = if app.librarian.was_used_within(UNUSED, now) { SHARE_IN_USE } else { SHARE_UNUSED };
        let app = app.clone();
        let renewed = tokio::task::spawn_blocking(move || {
            let names = app.napster.registry.as_ref().map(|registry| registry.names());
            app.librarian.renew(shelves(&app, &tellers(&app, now)), names, now)
        });
        let took = renewed.await.unwrap_or_default();
        tokio::time::sleep(PAUSE.max(took.saturating_mul(share))).await;
    }
}
