//! The gatherer: compares what each node offers with what it offered before, and writes what is
//! news into the journal.
//!
//! Nodes are looked at one after another, ours last, each beside what the others were known to
//! offer: so a file that was mirrored from a neighbour is that neighbour's news, not ours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use uuid::Uuid;

use super::News;
use super::added::{Departed, Offer, added, came};
use crate::loot::Loot;
use crate::neighbours::{Neighbour, Neighbourhood};
use crate::wire::index::Edit;
use crate::wire::{DisplayText, Index, NodeName};

/// What happens together is looked at together.
const SETTLE: Duration = Duration::from_secs(1);
/// Our own new files may take so long to be read for their digests; what a neighbour's manifest
/// tells is waited for no longer either.
const READ_MAX: Duration = Duration::from_secs(20);
/// Looking takes at most one part in so many of the time: of neighbours it costs what they have.
const LOOK_SHARE: u32 = 20;
/// While something is waited for, one looks again so often.
const AGAIN: Duration = Duration::from_secs(1);
/// Without a change, it is looked for what is no news any more.
const ANYWAY: Duration = Duration::from_secs(3600);
/// Stored at most so often: news are worth a write a minute, not more.
const SAVE: Duration = Duration::from_secs(60);

/// Gathers what is new until its task is dropped.
#[derive(Debug)]
pub struct Gatherer {
    loot: Loot,
    neighbourhood: Neighbourhood,
    news: News,
    name: DisplayText,
    /// What our folder held when the last run ended.
    ours_before: Option<Arc<Index>>,
    /// What each node offered when it was looked at last.
    known: BTreeMap<Uuid, Offer>,
    /// Since when a node offers something else that was not looked at yet.
    waiting: BTreeMap<Uuid, Instant>,
    departed: Departed,
    saved: Option<Instant>,
}

/// What a node offers now.
struct Look {
    offer: Offer,
    /// From what it offered when it was looked at last.
    edit: Arc<Edit>,
    /// More is told of it soon.
    is_awaited: bool,
}

impl Gatherer {
    /// Nothing was looked at yet.
    #[must_use]
    pub fn new(loot: Loot, neighbourhood: Neighbourhood, news: News, name: &NodeName) -> Self {
        Self {
            ours_before: loot.take_before(),
            name: DisplayText::from_bytes(name.as_str().as_bytes(), crate::wire::text::NAME_MAX_CHARS),
            loot,
            neighbourhood,
            news,
            known: BTreeMap::new(),
            waiting: BTreeMap::new(),
            departed: Departed::default(),
            saved: None,
        }
    }

    /// Gathers whenever something changed.
    pub async fn run(mut self) {
        // This one wakes for indexes too.
        let mut theirs = self.neighbourhood.subscribe_manifests();
        let (mut ours, mut digests) = (self.loot.subscribe(), self.loot.subscribe_digests());
        loop {
            theirs.mark_unchanged();
            ours.mark_unchanged();
            digests.mark_unchanged();
            let began = Instant::now();
            let look = move || {
                let wake = self.look(began, SystemTime::now());
                (self, wake)
            };
            // Large indexes take their time.
            let Ok((gatherer, wake)) = tokio::task::spawn_blocking(look).await else { return };
            self = gatherer;
            let rest = began.elapsed().saturating_mul(LOOK_SHARE);
            tokio::select! {
                Ok(()) = theirs.changed() => tokio::time::sleep(SETTLE.max(rest)).await,
                Ok(()) = ours.changed() => tokio::time::sleep(SETTLE.max(rest)).await,
                Ok(()) = digests.changed() => tokio::time::sleep(SETTLE.max(rest)).await,
                () = tokio::time::sleep_until((wake + rest).into()) => {}
            }
        }
    }

    /// Looks at everybody; returns when to look again if nothing happens.
    fn look(&mut self, now: Instant, time: SystemTime) -> Instant {
        self.news.note(|journal| journal.forget_old(time));
        let present = self.neighbourhood.present(now);
        for neighbour in &present {
            self.look_at(neighbour, &present, now, time);
        }
        // Of who went, the state folder knows what it offered.
        let ours = self.neighbourhood.ours();
        let here: BTreeSet<Uuid> = present.iter().filter(|n| n.known.is_some()).map(|n| n.uuid).collect();
        let stays = |node: &Uuid| *node == ours || here.contains(node);
        self.known.retain(|node, _| stays(node));
        self.waiting.retain(|node, _| stays(node));
        self.look_at_ours(now, time);
        self.wake(now)
    }

    fn look_at(&mut self, neighbour: &Neighbour, present: &[Neighbour], now: Instant, time: SystemTime) {
        let Some(known) = &neighbour.known else { return };
        let digests = neighbour.manifest.as_ref().map(|manifest| manifest.digests.clone());
        let offer = Offer { index: known.index.clone(), digests };
        let node = neighbour.uuid;
        if !self.known.contains_key(&node) {
            self.meet(neighbour, &offer, present, time);
        }
        let is_awaited = neighbour.manifest_awaited_until(now).is_some();
        let Some(before) = self.known.get(&node) else { return };
        let edit = known.edit_from(&before.index).unwrap_or_else(|| Arc::new(before.edit_to(&offer)));
        self.take(node, &neighbour.name, Look { offer, edit, is_awaited }, now, time);
    }

    /// Somebody who was not here a moment ago.
    fn meet(&mut self, neighbour: &Neighbour, offer: &Offer, present: &[Neighbour], time: SystemTime) {
        let (node, name) = (neighbour.uuid, &neighbour.name);
        let recalled = self.news.take_recalled(node).map(|index| Offer { index, digests: None });
        let before = recalled.or_else(|| self.gone_with(&offer.index, present));
        if !self.news.is_met(node) {
            let is_here = |other: Uuid| present.iter().any(|n| n.uuid == other);
            // goforban takes another uuid at each start.
            let is_again = before.is_some() || self.news.is_met_by_name(name).is_some_and(|other| !is_here(other));
            let offers = (!is_again).then(|| (offer.index.len() as u64, offer.index.total_bytes()));
            self.news.note(|journal| journal.meet(node, name, offers, time));
        }
        self.known.insert(node, before.unwrap_or_else(|| offer.clone()));
    }

    /// Who just went and offered the very same.
    fn gone_with(&self, index: &Arc<Index>, present: &[Neighbour]) -> Option<Offer> {
        let ours = self.neighbourhood.ours();
        let mut gone =
            self.known.iter().filter(|(node, _)| **node != ours && !present.iter().any(|n| n.uuid == **node));
        gone.find(|(_, offer)| !index.is_empty() && offer.index == *index).map(|(_, offer)| offer.clone())
    }

    fn look_at_ours(&mut self, now: Instant, time: SystemTime) {
        let ours = self.neighbourhood.ours();
        let snapshot = self.loot.snapshot();
        let offer = Offer { index: snapshot.index.clone(), digests: Some(self.loot.digests()) };
        if !self.known.contains_key(&ours) {
            let stored = self.ours_before.take().map(|index| Offer { index, digests: None });
            // What is found by the very first walk was there before.
            let walked = self.loot.status().scanned_at.map(|_| offer.clone());
            let Some(before) = stored.or(walked) else { return };
            self.known.insert(ours, before);
        }
        let Some(before) = self.known.get(&ours) else { return };
        let edit = snapshot.edit_from(&before.index).unwrap_or_else(|| Arc::new(before.edit_to(&offer)));
        // What a neighbour has is its news, if it comes here meanwhile.
        let is_read = came(before, &offer, &edit).all(|entry| offer.content(&entry).is_some());
        let name = self.name.clone();
        let is_awaited = !is_read || self.waiting.keys().any(|node| *node != ours);
        self.take(ours, &name, Look { offer, edit, is_awaited }, now, time);
    }

    /// Compares what a node offers with what it offered, unless more is told of it soon.
    fn take(&mut self, node: Uuid, name: &DisplayText, look: Look, now: Instant, time: SystemTime) {
        let Look { offer, edit, is_awaited } = look;
        let Some(before) = self.known.get(&node) else { return };
        if !Arc::ptr_eq(&before.index, &offer.index) {
            let since = *self.waiting.entry(node).or_insert(now);
            if is_awaited && now.saturating_duration_since(since) < READ_MAX {
                return;
            }
            let others = self.known.iter().filter(|(other, _)| **other != node).map(|(_, offer)| offer);
            let files = added(before, &offer, &edit, &others.collect::<Vec<_>>(), &mut self.departed);
            self.news.note(|journal| journal.add(node, name, files, time));
        }
        self.waiting.remove(&node);
        self.known.insert(node, offer);
    }

    fn wake(&mut self, now: Instant) -> Instant {
        let ours_is_known = self.known.contains_key(&self.neighbourhood.ours());
        let again = if self.waiting.is_empty() && ours_is_known { ANYWAY } else { AGAIN };
        let save = self.saved.map_or(now, |saved| saved + SAVE);
        if save <= now && self.news.is_unsaved() {
            self.news.save();
            self.saved = Some(now);
        }
        let save = if self.news.is_unsaved() { save.max(now + AGAIN) } else { now + ANYWAY };
        save.min(now + again)
    }
}
