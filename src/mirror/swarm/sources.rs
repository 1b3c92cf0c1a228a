//! Who gives pieces of a content now: holders of all of it by their manifests, and of a part by
//! their feeds; without those that lied about it, and those that have to rest.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Holds, SourceId};
use crate::mirror::lies::SharedLies;
use crate::mirror::retry::Retry;
use crate::mirror::rules::Permits;
use crate::neighbours::{Neighbour, Neighbourhood};
use crate::wire::pieces::piece_count;
use crate::wire::{Content, DisplayText, LootPath, PieceSet};

/// Holders that are asked at once. More make the answers no sooner, and many more the work.
pub(super) const SOURCES_MAX: usize = 32;
/// Of these, holders of all: the rest is kept for those who download too, and pass on.
const COMPLETE_MAX: usize = 16;
/// A holder that failed rests so long, and ever longer …
const REST_MIN: Duration = Duration::from_secs(1);
/// … up to this.
const REST_MAX: Duration = Duration::from_secs(30);

/// One holder.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) id: SourceId,
    pub(super) name: DisplayText,
    pub(super) services: Vec<SocketAddr>,
    /// What it told; none where it had all when it was met.
    pub(super) told: Option<PieceSet>,
}

/// What became of the holders since they were looked at.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) met: Vec<(Uuid, SourceId, Holds)>,
    pub(super) more: Vec<(SourceId, PieceSet)>,
    pub(super) gone: Vec<SourceId>,
}

/// All holders of one content.
#[derive(Debug)]
pub(super) struct Sources {
    neighbourhood: Neighbourhood,
    lies: SharedLies,
    permits: Permits,
    content: Content,
    size_bytes: u64,
    holders: BTreeMap<Uuid, Holder>,
    resting: Retry<Uuid>,
    next: u32,
    /// Chooses among very many, otherwise at each node.
    salt: u64,
}

impl Sources {
    pub(super) fn new(
        neighbourhood: Neighbourhood,
        lies: SharedLies,
        permits: Permits,
        content: Content,
        size_bytes: u64,
        salt: u64,
    ) -> Self {
        let resting = Retry::new(REST_MIN, REST_MAX);
        Self { neighbourhood, lies, permits, content, size_bytes, holders: BTreeMap::new(), resting, next: 0, salt }
    }

    /// Looks who has what now.
    pub(super) fn look(&mut self, now: Instant) -> Changes {
        let mut changes = Changes::default();
        let present = self.present(now);
        self.holders.retain(|uuid, holder| {
            let stays = present.contains_key(uuid);
            if !stays {
                changes.gone.push(holder.id);
            }
            stays
        });
        for (uuid, (neighbour, part)) in present {
            match self.holders.get_mut(&uuid) {
                Some(holder) => tell_more(holder, part, &mut changes),
                None => self.meet(neighbour, part, &mut changes, now),
            }
        }
        changes
    }

    /// Hears what those who are asked already have more; none when somebody else tells too, or
    /// otherwise: then one has to look.
    pub(super) fn hear(&mut self) -> Option<Changes> {
        let mut changes = Changes::default();
        let known = |uuid| self.holders.get(&uuid)?.told.as_ref().map(PieceSet::len);
        for (uuid, pieces) in self.neighbourhood.holders().news(self.content, known) {
            let holder = self.holders.get_mut(&uuid)?;
            let told = holder.told.as_ref()?;
            if told.pieces() != pieces.pieces() || told.len() > pieces.len() {
                return None;
            }
            tell_more(holder, Some(pieces), &mut changes);
        }
        Some(changes)
    }

    /// Who may be asked, with what it told; all of it where nothing is said.
    fn present(&self, now: Instant) -> BTreeMap<Uuid, (Neighbour, Option<PieceSet>)> {
        let pieces = piece_count(self.size_bytes).unwrap_or(0);
        let mut parts: BTreeMap<Uuid, PieceSet> = self.neighbourhood.holders().of(self.content).into_iter().collect();
        let lies = self.lies.lock();
        let shunned = lies.shunned(now);
        let mut present: Vec<_> = self.neighbourhood.present(now).into_iter().collect();
        present.retain(|neighbour| {
            let uuid = neighbour.uuid;
            self.permits.allow(neighbour)
                && !shunned.contains(&uuid)
                && lies.may_ask(uuid, Some(self.content))
                && (self.holders.contains_key(&uuid) || self.resting.may_try(&uuid, now))
        });
        drop(lies);
        // Those that are asked already stay; the others by lot.
        present.sort_by_key(|neighbour| (!self.holders.contains_key(&neighbour.uuid), self.lot(neighbour.uuid)));
        let (mut complete, mut chosen) = (0_usize, BTreeMap::new());
        for neighbour in present {
            let uuid = neighbour.uuid;
            let part = parts.remove(&uuid).filter(|part| part.pieces() == pieces);
            if part.is_none() {
                if !has_all(&neighbour, self.content) || complete >= COMPLETE_MAX {
                    continue;
                }
                complete = complete.saturating_add(1);
            }
            if chosen.len() < SOURCES_MAX {
                chosen.insert(uuid, (neighbour, part));
            }
        }
        chosen
    }

    fn meet(&mut self, neighbour: Neighbour, told: Option<PieceSet>, changes: &mut Changes, now: Instant) {
        let id = SourceId(self.next);
        self.next = self.next.wrapping_add(1);
        let holds = told.clone().map_or(Holds::All, Holds::Some);
        changes.met.push((neighbour.uuid, id, holds));
        let services = neighbour.trusted_services(now);
        self.holders.insert(neighbour.uuid, Holder { id, name: neighbour.name, services, told });
    }

    /// It failed: it rests, and comes back as if it were new.
    pub(super) fn failed(&mut self, uuid: Uuid, now: Instant) {
        self.holders.remove(&uuid);
        self.resting.failed(uuid, now);
    }

    /// It gave a piece that is none.
    pub(super) fn lied(&self, uuid: Uuid, path: &LootPath) {
        self.lies.lock().note(uuid, self.content, path, Instant::now());
    }

    pub(super) fn get(&self, uuid: Uuid) -> Option<&Holder> {
        self.holders.get(&uuid)
    }

    /// Who may be asked, and where.
    pub(super) fn able(&self, now: Instant) -> Vec<(Uuid, Vec<SocketAddr>)> {
        let services = |(neighbour, _): (Neighbour, _)| neighbour.trusted_services(now);
        self.present(now).into_iter().map(|(uuid, present)| (uuid, services(present))).collect()
    }

    fn lot(&self, uuid: Uuid) -> u64 {
        let (high, low) = uuid.as_u64_pair();
        fastrand::Rng::with_seed(high ^ low.rotate_left(32) ^ self.salt).u64(..)
    }
}

fn has_all(neighbour: &Neighbour, content: Content) -> bool {
    let digests = neighbour.manifest.as_ref().map(|manifest| &manifest.digests);
    digests.is_some_and(|digests| digests.holders_of(content.blake3()).next().is_some())
}

/// What is new in what a holder tells.
fn tell_more(holder: &mut Holder, part: Option<PieceSet>, changes: &mut Changes) {
    let (Some(told), now) = (&mut holder.told, part) else { return };
    // It told parts, and says nothing any more because its manifest lists the content.
    let now = now.unwrap_or_else(|| PieceSet::all(told.pieces()));
    if now.len() > told.len() {
        let mut more = now;
        more.remove_all(told);
        told.insert_all(&more);
        changes.more.push((holder.id, more));
    }
}
