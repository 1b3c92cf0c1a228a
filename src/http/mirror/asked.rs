//! What waits for the operator, in words: wishes, conflicts to decide, and the room on the disk. None
//! of it is anybody else's business.

use std::collections::HashSet;
use std::time::Instant;

use super::view::part;
use super::words::{Words, failure, outcome, reason};
use crate::http::App;
use crate::http::say::Say;
use crate::loot::space::SpaceView;
use crate::mirror::Status;
use crate::mirror::plan::{Conflict, Granting, Outcome};
use crate::mirror::wishes::{Place, Wish, WishId};
use crate::wire::LootPath;

/// Wishes and conflicts that are shown; the rest is counted.
const ROWS_SHOWN: usize = 100;
/// Of a conflict, neighbours that are named.
const HOLDERS_SHOWN: usize = 3;

/// A file that the operator asked for.
pub(super) struct WishView {
    pub(super) id: u64,
    pub(super) name: String,
    /// `12 MB from Galley`.
    pub(super) what: String,
    pub(super) how: Words,
    pub(super) is_failed: bool,
    pub(super) is_coming: bool,
}

/// All of them.
pub(super) struct Wished {
    pub(super) rows: Vec<WishView>,
    pub(super) count: String,
    pub(super) more: Option<String>,
    pub(super) any_failed: bool,
}

impl Wished {
    pub(super) fn now(app: &App, say: Say, status: &Status) -> Self {
        let all = app.mirror.wishes().all();
        let coming: HashSet<WishId> = status.active.iter().filter_map(|active| active.wish).collect();
        let row = |(id, wish): &(WishId, std::sync::Arc<Wish>)| row(say, status, &coming, *id, wish);
        let more = all.len().saturating_sub(ROWS_SHOWN);
        Self {
            rows: all.iter().take(ROWS_SHOWN).map(row).collect(),
            count: say.files(all.len()),
            more: (more > 0).then(|| say.t1("transfers-more-files", "count", more)),
            any_failed: all.iter().any(|(_, wish)| wish.failure.is_some()),
        }
    }
}

fn row(say: Say, status: &Status, coming: &HashSet<WishId>, id: WishId, wish: &Wish) -> WishView {
    let is_coming = coming.contains(&id);
    let size = say.size(wish.size_bytes);
    let what = match wish.place {
        Place::Beside => say.t2("transfers-from-node", ("size", size), ("name", wish.from_name.as_str())),
        Place::Instead => say.t2("transfers-instead", ("size", size), ("name", wish.from_name.as_str())),
    };
    let how = match &wish.failure {
        Some(why) => failure(say, why),
        None if is_coming => Words { said: say.t("transfers-coming"), detail: None },
        None => waits_for(say, status, id),
    };
    WishView { id: id.0, name: wish.path.to_string(), what, how, is_failed: wish.failure.is_some(), is_coming }
}

fn waits_for(say: Say, status: &Status, id: WishId) -> Words {
    let plain = |key| Words { said: say.t(key), detail: None };
    if let Some((why, _)) = status.waiting.of_wish(id) {
        return reason(say, why);
    }
    let granting = status.plan.wishes.iter().find(|(of, _)| *of == id).map(|(_, granting)| granting);
    match granting {
        Some(Granting::Nobody) => plain("transfers-why-gone"),
        Some(Granting::Awaited) => plain("transfers-why-content-awaited"),
        _ => plain("transfers-why-turn"),
    }
}

/// A name that stands for two contents.
pub(super) struct ConflictView {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    /// In hexadecimal; empty where it is not told.
    pub(super) content: String,
    /// `12 kB here, 13 kB on Galley`.
    pub(super) what: String,
    pub(super) how: String,
    /// The other version could come; else it can only be left.
    pub(super) can_come: bool,
}

/// Those about which the operator may decide.
pub(super) struct Conflicts {
    pub(super) rows: Vec<ConflictView>,
    pub(super) more: Option<String>,
}

impl Conflicts {
    pub(super) fn now(app: &App, say: Say, status: &Status) -> Self {
        let wished = app.mirror.wishes().all();
        let wished: HashSet<(&LootPath, u64)> = wished.iter().map(|(_, wish)| (&wish.path, wish.size_bytes)).collect();
        let is_open = |conflict: &&Conflict| {
            let comes = matches!(conflict.outcome, Outcome::KeptBeside(_) | Outcome::Fetching(_) | Outcome::Replacing);
            !comes && !wished.contains(&(&conflict.path, conflict.size_bytes))
        };
        let open: Vec<&Conflict> = status.plan.conflicts.iter().filter(is_open).collect();
        let more = open.len().saturating_sub(ROWS_SHOWN);
        Self {
            rows: open.into_iter().take(ROWS_SHOWN).map(|conflict| open_row(app, say, conflict)).collect(),
            more: (more > 0).then(|| say.t1("transfers-more-files", "count", more)),
        }
    }
}

fn open_row(app: &App, say: Say, conflict: &Conflict) -> ConflictView {
    let (theirs, on) = (say.size(conflict.size_bytes), holders(app, conflict));
    let ours = app.loot.snapshot().index.find(conflict.path.as_str()).map(|ours| say.size(ours.size_bytes));
    let what = match ours {
        Some(ours) => {
            let values = [("ours", ours.into()), ("theirs", theirs.into()), ("names", on.into())];
            say.with("transfers-conflict-sizes", values)
        }
        None => say.t2("transfers-conflict-theirs", ("theirs", theirs), ("names", on)),
    };
    ConflictView {
        name: conflict.path.to_string(),
        size_bytes: conflict.size_bytes,
        content: conflict.content.map(|content| content.to_string()).unwrap_or_default(),
        what,
        how: outcome(say, &conflict.outcome),
        can_come: conflict.outcome != Outcome::CannotStandTogether,
    }
}

/// Who has the other version, the first of them by name.
pub(in crate::http) fn holders(app: &App, conflict: &Conflict) -> String {
    let name = |uuid: &uuid::Uuid| Some(app.neighbourhood.get(*uuid)?.name.to_string());
    conflict.holders.iter().filter_map(name).take(HOLDERS_SHOWN).collect::<Vec<_>>().join(", ")
}

/// How full it is: a bar, and what it is made of.
pub(super) struct RoomView {
    pub(super) permille: u64,
    pub(super) said: String,
    pub(super) is_full: bool,
    pub(super) facts: Vec<(String, String)>,
}

impl RoomView {
    /// None before the engine looked.
    pub(super) fn of(say: Say, view: Option<SpaceView>) -> Option<Self> {
        let view = view?;
        let used = view.mirrored_bytes.saturating_add(view.under_way_bytes).saturating_add(view.idle_bytes);
        let left = view.left_bytes();
        let whole = used.saturating_add(left);
        let fact = |key, bytes| (say.t(key), say.size(bytes));
        let mut facts = vec![fact("transfers-room-copies", view.mirrored_bytes)];
        facts.extend((view.under_way_bytes > 0).then(|| fact("transfers-room-under-way", view.under_way_bytes)));
        facts.extend((view.idle_bytes > 0).then(|| fact("transfers-room-resting", view.idle_bytes)));
        facts.extend(view.budget_bytes.map(|budget| fact("transfers-room-budget", budget)));
        facts.push(fact("transfers-room-free", view.free_bytes));
        facts.push(fact("transfers-room-reserve", view.reserve_bytes));
        Some(Self {
            permille: part(used, whole, 1000),
            said: say.t2("transfers-room-said", ("used", say.size(used)), ("left", say.size(left))),
            is_full: left == 0,
            facts,
        })
    }
}

/// Whether something waits for time to pass, and could be tried now.
pub(super) fn may_retry(status: &Status, now: Instant) -> bool {
    status.waiting.reasons().any(|(_, tally)| tally.until.is_some_and(|until| until > now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_as_full_as_what_may_be_used() {
        let view = SpaceView { disk_bytes: 1_000, free_bytes: 500, reserve_bytes: 100, ..SpaceView::default() };
        for (view, permille, is_full, why) in [
            (view, 0, false, "nothing is used"),
            (SpaceView { mirrored_bytes: 400, ..view }, 500, false, "as much as is left"),
            (SpaceView { mirrored_bytes: 75, budget_bytes: Some(100), ..view }, 750, false, "of the budget"),
            (SpaceView { mirrored_bytes: 100, budget_bytes: Some(100), ..view }, 1000, true, "the budget is used up"),
        ] {
            let room = RoomView::of(Say::default(), Some(view)).unwrap();
            assert_eq!((room.permille, room.is_full), (permille, is_full), "{why}");
        }
        assert!(RoomView::of(Say::default(), None).is_none());
    }
}
