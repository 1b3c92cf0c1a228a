//! What the operator asks for by name or at once: wishes and orders.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use uuid::Uuid;

use super::Work;
use crate::mirror::events::{Event, WishEnd};
use crate::mirror::failure::Failure;
use crate::mirror::orders::Order;
use crate::mirror::plan::{Granting, Plan, Want};
use crate::mirror::wishes::{Wish, WishId};
use crate::wire::LootPath;

/// A wish that failed so often for a reason of the file itself does not come.
const TRIES_MAX: u32 = 5;

impl Work {
    /// Shared mode, and nothing is wished: the disk and the neighbours are left alone.
    pub(super) fn is_idle_by_rule(&self) -> bool {
        self.engine.rules.is_none() && self.engine.mirror.wishes().is_empty()
    }

    /// Some were added, or cancelled: what comes for those stops.
    pub(super) fn look_at_wishes(&mut self) {
        let wishes = self.engine.mirror.wishes();
        self.granting.iter().filter(|(id, _)| !wishes.holds(**id)).for_each(|(_, job)| job.abort());
        self.wish_failures.retain(|id, _| wishes.holds(*id));
        self.want_plan();
    }

    /// Stores what became of wishes, and looks how much room there is.
    pub(super) fn look_at_space(&mut self) {
        if let Err(error) = self.engine.mirror.wishes().save() {
            tracing::warn!(%error, "the list of wished files cannot be written");
        }
        let mirrored_bytes = self.engine.ledger.facts().mirrored_bytes();
        self.engine.mirror.lock().space = self.engine.space.view(mirrored_bytes).ok();
    }

    /// What the plan says of wishes that are not fetched.
    pub(super) fn take_grantings(&mut self, plan: &mut Plan) {
        for (id, granting) in &plan.wishes {
            match granting {
                Granting::Here(_) => self.wish_came(*id),
                Granting::Impossible(kind) => {
                    let why = Failure::new(*kind, "it cannot stand here");
                    self.give_up(*id, why);
                }
                Granting::Nobody | Granting::Awaited => {}
            }
        }
        plan.wishes.retain(|(_, granting)| matches!(granting, Granting::Nobody | Granting::Awaited));
    }

    pub(super) fn wish_came(&mut self, id: WishId) {
        self.wish_failures.remove(&id);
        self.end(id, None);
        self.engine.mirror.wishes().came(id);
    }

    /// It did not come this time.
    pub(super) fn wish_failed(&mut self, id: WishId, why: &Failure) {
        if !why.kind.is_of_the_file() {
            return;
        }
        let tries = self.wish_failures.entry(id).or_default();
        *tries = tries.saturating_add(1);
        if why.kind.is_final() || *tries >= TRIES_MAX {
            self.give_up(id, why.clone());
        }
    }

    fn give_up(&mut self, id: WishId, why: Failure) {
        self.wish_failures.remove(&id);
        self.end(id, Some(why.clone()));
        self.engine.mirror.wishes().fail(id, why);
    }

    fn end(&self, id: WishId, failure: Option<Failure>) {
        let mirror = &self.engine.mirror;
        if let Some(wish) = mirror.wishes().get(id) {
            mirror.events.tell(|| Event::WishEnded(WishEnd { wish, failure }));
        }
    }

    /// Does what the operator asked for.
    pub(super) fn obey(&mut self) {
        for order in self.engine.mirror.orders.take() {
            match order {
                Order::RetryAll => {
                    self.files.forgive(|_| true);
                    self.neighbours.forgive(|_| true);
                    self.faults.clear();
                }
                Order::Retry(path) => self.forgive(&path),
            }
        }
        self.why_due = Instant::now();
        self.want_plan();
    }

    /// That file is asked for at once, also of neighbours that rest. A wish that failed for good is in
    /// no plan, and what comes beside another file has another name here.
    fn forgive(&mut self, path: &LootPath) {
        let wishes = self.engine.mirror.wishes().all();
        let wishes: HashMap<WishId, &Wish> =
            wishes.iter().filter(|(_, wish)| wish.path == *path).map(|(id, wish)| (*id, &**wish)).collect();
        let plan = self.engine.mirror.lock().plan.clone();
        let is_it = |want: &&Want| want.path == *path || want.wish.is_some_and(|id| wishes.contains_key(&id));
        let wants: Vec<&Want> = plan.wants.iter().filter(is_it).collect();
        let names: HashSet<&str> = wants.iter().map(|want| want.path.as_str()).chain([path.as_str()]).collect();
        self.files.forgive(|(name, ..)| names.contains(&**name));
        let sources = wants.iter().flat_map(|want| &want.sources).map(|source| source.uuid);
        let givers: HashSet<Uuid> = sources.chain(wishes.values().map(|wish| wish.from)).collect();
        self.neighbours.forgive(|uuid| givers.contains(uuid));
        self.faults.retain(|uuid, _| !givers.contains(uuid));
    }
}
