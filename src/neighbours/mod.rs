//! The neighbourhood: who was heard, and what they offer.
//!
//! `hear` takes the time as an argument and answers with what happened; nothing here sends,
//! fetches or writes. The table is bounded in every direction, and a stranger's flood of
//! announcements cannot push a proven neighbour out.

mod attempts;
mod feed;
pub mod holders;
pub mod index_cache;
pub mod known_index;
pub mod manifest;
pub mod neighbour;
pub mod switched_off;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use uuid::Uuid;

use self::attempts::Dialled;
pub use holders::Holders;
pub use known_index::KnownIndex;
pub use manifest::{DueManifest, KnownManifest, ManifestAnswer};
pub use neighbour::{Heard, Neighbour};
pub use switched_off::SwitchedOff;

use crate::wire::{Announcement, Index, IndexHmac};

/// Neighbours in the table; a flood evicts only unproven ones.
const NEIGHBOURS_MAX: usize = 1_024;
/// Neighbours at one address: goforban takes a new uuid at each start.
const PER_ADDRESS_MAX: usize = 8;
/// Places for fetches that nobody gets whose index was never read.
const KEPT_FOR_KNOWN: usize = 2;
/// All indexes and manifests of neighbours held in memory; beyond, those of the longest silent are
/// forgotten, manifests first, and an index by all who have it.
const INDEX_BYTES_MAX: usize = 256 << 20;

/// What an announcement was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A neighbour that was not known; answer it, fetch its index.
    New,
    /// It announced another HMAC than that of the index we have, or none fits.
    IndexChanged,
    /// Nothing new.
    Unchanged,
    /// Our own announcement came back.
    Ourselves,
    /// Another host uses our uuid.
    OurUuidElsewhere,
    /// This host speaks with a uuid that is not ours: nothing to fetch from ourselves.
    Impostor,
    /// The table is full of proven neighbours, or the address has too many uuids.
    NoRoom,
}

/// An index that is to be fetched now.
#[derive(Clone, Debug)]
pub struct DueFetch {
    /// Whose.
    pub uuid: Uuid,
    /// Where, the best address first.
    pub services: Vec<SocketAddr>,
    /// The HMAC announced for it.
    pub announced: Option<IndexHmac>,
    /// Whether we have an index of it already.
    pub is_known: bool,
}

/// A handle to the table; cheap to clone.
#[derive(Clone, Debug)]
pub struct Neighbourhood {
    ours: Uuid,
    table: Arc<Mutex<BTreeMap<Uuid, Neighbour>>>,
    /// Locked after the table.
    dialled: Arc<Mutex<Dialled>>,
    /// Wakes who fetches indexes.
    fetch_wanted: Arc<Notify>,
    /// Wakes who plans: an index came, or a neighbour went.
    indexes_changed: Arc<watch::Sender<u64>>,
    /// Wakes who shows neighbours: one came or went, or is shown otherwise.
    presence_changed: Arc<watch::Sender<u64>>,
    /// Wakes who looks at manifests: one came, or any of the above.
    manifests_changed: Arc<watch::Sender<u64>>,
    holders: Holders,
}

impl Neighbourhood {
    /// An empty one, of the node with this uuid.
    #[must_use]
    pub fn new(ours: Uuid) -> Self {
        Self {
            ours,
            table: Arc::default(),
            dialled: Arc::default(),
            fetch_wanted: Arc::default(),
            indexes_changed: Arc::default(),
            presence_changed: Arc::default(),
            manifests_changed: Arc::default(),
            holders: Holders::default(),
        }
    }

    /// Which neighbours have a part of a content.
    #[must_use]
    pub fn holders(&self) -> &Holders {
        &self.holders
    }

    /// Our own uuid.
    #[must_use]
    pub fn ours(&self) -> Uuid {
        self.ours
    }

    /// Notes an announcement that came from the segment. `from_here`: its source is an address of
    /// this host.
    pub fn hear(&self, announcement: &Announcement, heard: Heard, from_here: bool, now: Instant) -> Event {
        if announcement.uuid == self.ours {
            return if from_here { Event::Ourselves } else { Event::OurUuidElsewhere };
        }
        if from_here {
            return Event::Impostor;
        }
        let mut table = self.lock();
        let ip = heard.service.ip();
        let is_new = !table.get(&announcement.uuid).is_some_and(|known| known.is_present(now));
        if is_new {
            if !make_room(&mut table, ip, now) {
                return Event::NoRoom;
            }
            table.entry(announcement.uuid).or_insert_with(|| Neighbour::new(announcement.uuid, now));
        }
        let Some(neighbour) = table.get_mut(&announcement.uuid) else { return Event::NoRoom };
        let peer = |neighbour: &Neighbour| neighbour.manifest.as_ref().and_then(|manifest| manifest.peer);
        let peer_before = peer(neighbour);
        let shown = |neighbour: &Neighbour| (neighbour.addresses().len(), neighbour.disputed_by);
        let (shown_before, name_before) = (shown(neighbour), neighbour.name.clone());
        let entitled = neighbour.hear(heard, now);
        let moved = peer(neighbour) != peer_before;
        let looks_other = is_new || shown(neighbour) != shown_before || neighbour.name != name_before;
        let due = neighbour.fetch_due().is_some();
        drop(table);
        if moved {
            note(&self.manifests_changed);
        }
        if looks_other {
            note(&self.presence_changed);
        }
        if due {
            self.fetch_wanted.notify_one();
        }
        match (is_new, entitled && due) {
            (true, _) => Event::New,
            (false, true) => Event::IndexChanged,
            (false, false) => Event::Unchanged,
        }
    }

    /// Everybody who is present, by name.
    #[must_use]
    pub fn present(&self, now: Instant) -> Vec<Neighbour> {
        let mut present: Vec<Neighbour> = self.lock().values().filter(|n| n.is_present(now)).cloned().collect();
        present.sort_by(|a, b| (&a.name, a.uuid).cmp(&(&b.name, b.uuid)));
        present
    }

    /// Who is present, by uuid alone.
    #[must_use]
    pub fn present_uuids(&self, now: Instant) -> Vec<Uuid> {
        self.lock().values().filter(|n| n.is_present(now)).map(|n| n.uuid).collect()
    }

    /// One neighbour, present or not.
    #[must_use]
    pub fn get(&self, uuid: Uuid) -> Option<Neighbour> {
        self.lock().get(&uuid).cloned()
    }

    /// The indexes to fetch now, `most` of them, each marked as attempted, and when to ask again. `busy`: whose
    /// fetch is still under way.
    pub fn take_due(&self, most: usize, busy: impl Fn(Uuid) -> bool, now: Instant) -> (Vec<DueFetch>, Option<Instant>) {
        let mut table = self.lock();
        let mut dialled = self.dialled();
        let mut ready: Vec<(bool, Instant, Uuid, Vec<SocketAddr>)> = Vec::new();
        let mut next: Option<Instant> = None;
        for neighbour in table.values().filter(|n| n.is_present(now) && !busy(n.uuid)) {
            let Some(due) = neighbour.fetch_due() else { continue };
            let is_stranger = neighbour.known.is_none();
            // Of a stranger's addresses each is spared by itself, whoever else speaks for the uuid.
            let from = |service: &SocketAddr| match dialled.not_before(service.ip()) {
                Some(spared) if is_stranger => spared.max(due),
                _ => due,
            };
            let services = neighbour.trusted_services(now);
            let Some(at) = services.iter().map(from).min() else { continue };
            if at <= now {
                let services = services.into_iter().filter(|service| from(service) <= now).collect();
                ready.push((is_stranger, at, neighbour.uuid, services));
            } else {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
        // Who is known comes first, then who waits longest; strangers never take the last places.
        ready.sort();
        let for_strangers = most.saturating_sub(KEPT_FOR_KNOWN);
        let mut due = Vec::new();
        for (is_stranger, _, uuid, mut services) in ready {
            if is_stranger {
                // Another uuid at the same address may just have been taken.
                services.retain(|service| dialled.not_before(service.ip()).is_none_or(|spared| spared <= now));
            }
            if services.is_empty() {
                continue;
            }
            let Some(neighbour) = table.get_mut(&uuid) else { continue };
            if due.len() >= if is_stranger { for_strangers } else { most } {
                next = Some(now);
                break;
            }
            neighbour.attempt(now);
            if is_stranger {
                dialled.attempt(services.iter().map(SocketAddr::ip), now);
            }
            due.push(DueFetch { uuid, services, announced: neighbour.hmac(), is_known: !is_stranger });
        }
        (due, next)
    }

    /// An index that some neighbour has, and announces by that HMAC.
    #[must_use]
    pub fn index_of(&self, hmac: IndexHmac) -> Option<KnownIndex> {
        let table = self.lock();
        let mut known = table.values().filter_map(|neighbour| neighbour.known.as_ref());
        known.find(|known| known.since() == Some(hmac)).cloned()
    }

    /// The indexes whose texts have so many bytes.
    #[must_use]
    pub fn indexes_of_length(&self, bytes: usize) -> Vec<Arc<Index>> {
        let table = self.lock();
        let known = table.values().filter_map(|neighbour| neighbour.known.as_ref());
        known.map(|known| &known.index).filter(|index| index.text().len() == bytes).cloned().collect()
    }

    /// Waits until some index may be due.
    pub async fn fetch_wanted(&self) {
        self.fetch_wanted.notified().await;
    }

    /// An index was fetched from one of the neighbour's addresses, or recalled (`None`), which
    /// proves none. Returns whether it differs from the one before.
    pub fn fetched(&self, uuid: Uuid, from: Option<IpAddr>, known: KnownIndex, now: Instant) -> bool {
        let mut table = self.lock();
        let Some(neighbour) = table.get_mut(&uuid) else { return false };
        let is_same = |before: &KnownIndex| Arc::ptr_eq(&before.index, &known.index) || before.index == known.index;
        let differs = !neighbour.known.as_ref().is_some_and(is_same);
        let first_heard = neighbour.first_heard;
        neighbour.succeed(from, known, now);
        let mut dialled = self.dialled();
        match from {
            Some(ip) => dialled.succeed(ip),
            // Nobody was dialled after all.
            None => neighbour.addresses().iter().for_each(|a| dialled.succeed(a.service.ip())),
        }
        drop(dialled);
        // goforban takes a new uuid at each start: what spoke from here before and was silent
        // since the new one came is the same node.
        table.retain(|other, n| {
            *other == uuid || n.heard() >= first_heard || n.addresses().iter().any(|a| Some(a.service.ip()) != from)
        });
        bound_indexes(&mut table, uuid);
        drop(table);
        // It may have announced another change meanwhile.
        self.fetch_wanted.notify_one();
        if differs {
            self.note_indexes();
        }
        differs
    }

    /// An index could not be fetched.
    pub fn failed(&self, uuid: Uuid, why: &str) {
        if let Some(neighbour) = self.lock().get_mut(&uuid) {
            neighbour.fail(why.into());
        }
        note(&self.presence_changed);
        self.fetch_wanted.notify_one();
    }

    /// The manifests to fetch now, `most` of them, and when to ask again. `busy`: who is asked for
    /// something already.
    pub fn take_due_manifests(
        &self,
        most: usize,
        busy: impl Fn(Uuid) -> bool,
        now: Instant,
    ) -> (Vec<DueManifest>, Option<Instant>) {
        let mut table = self.lock();
        let candidates = table.values().filter(|n| n.is_present(now) && !busy(n.uuid));
        let mut ready: Vec<(Instant, Uuid)> =
            candidates.filter_map(|neighbour| Some((neighbour.manifest_due()?, neighbour.uuid))).collect();
        ready.sort_unstable();
        let next = ready.iter().map(|(at, _)| *at).find(|at| *at > now);
        let due = ready.into_iter().take_while(|(at, _)| *at <= now).take(most);
        (due.filter_map(|(_, uuid)| table.get_mut(&uuid)?.begin_manifest(now)).collect(), next)
    }

    /// The manifest of one neighbour, if it is due.
    #[must_use]
    pub fn take_due_manifest(&self, uuid: Uuid, now: Instant) -> Option<DueManifest> {
        let mut table = self.lock();
        let neighbour = table.get_mut(&uuid)?;
        neighbour.manifest_due().filter(|at| *at <= now)?;
        neighbour.begin_manifest(now)
    }

    /// A manifest was asked for, which took so long. Whatever came of it, the index is as good as
    /// it was.
    pub fn manifest_answered(&self, uuid: Uuid, answer: ManifestAnswer, took: Duration, now: Instant) {
        let mut table = self.lock();
        let Some(neighbour) = table.get_mut(&uuid) else { return };
        let is_news = neighbour.note_manifest(answer, took, now);
        bound_indexes(&mut table, uuid);
        drop(table);
        self.fetch_wanted.notify_one();
        if is_news {
            note(&self.manifests_changed);
        }
    }

    /// Drops who is no longer present.
    pub fn expire(&self, now: Instant) {
        let mut table = self.lock();
        let before = table.len();
        table.retain(|_, neighbour| neighbour.is_present(now));
        let went = table.len() != before;
        drop(table);
        if went {
            note(&self.presence_changed);
            self.note_indexes();
        }
    }

    /// A receiver that wakes when a neighbour came or went, or is called otherwise, or is heard
    /// elsewhere too, or could not be asked.
    #[must_use]
    pub fn subscribe_presence(&self) -> watch::Receiver<u64> {
        self.presence_changed.subscribe()
    }

    /// A receiver that wakes when any index came or went.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.indexes_changed.subscribe()
    }

    /// A receiver that wakes when any index or manifest came or went.
    #[must_use]
    pub fn subscribe_manifests(&self) -> watch::Receiver<u64> {
        self.manifests_changed.subscribe()
    }

    /// A manifest comes and goes with its index.
    fn note_indexes(&self) {
        note(&self.indexes_changed);
        note(&self.manifests_changed);
    }

    fn dialled(&self) -> MutexGuard<'_, Dialled> {
        self.dialled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, Neighbour>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(changes: &watch::Sender<u64>) {
    changes.send_modify(|version| *version = version.wrapping_add(1));
}

/// Makes room for one more neighbour at `ip`; unproven ones go first, of those the longest silent.
fn make_room(table: &mut BTreeMap<Uuid, Neighbour>, ip: IpAddr, now: Instant) -> bool {
    table.retain(|_, neighbour| neighbour.is_present(now));
    let at_ip = |n: &Neighbour| n.addresses().iter().any(|a| a.service.ip() == ip);
    if table.values().filter(|n| at_ip(n)).count() >= PER_ADDRESS_MAX && !evict(table, at_ip) {
        return false;
    }
    table.len() < NEIGHBOURS_MAX || evict(table, |_| true)
}

fn evict(table: &mut BTreeMap<Uuid, Neighbour>, among: impl Fn(&Neighbour) -> bool) -> bool {
    let unproven = table.values().filter(|n| n.known.is_none() && among(n));
    let Some(uuid) = unproven.min_by_key(|n| n.heard()).map(|n| n.uuid) else { return false };
    table.remove(&uuid).is_some()
}

/// What several neighbours share counts once.
fn memory_bytes(table: &BTreeMap<Uuid, Neighbour>) -> usize {
    let mut counted = HashSet::new();
    let parts = table.values().flat_map(Neighbour::held).filter(|(place, _)| counted.insert(*place));
    parts.fold(0, |sum, (_, bytes)| sum.saturating_add(bytes))
}

fn bound_indexes(table: &mut BTreeMap<Uuid, Neighbour>, keep: Uuid) {
    while memory_bytes(table) > INDEX_BYTES_MAX {
        let told = table.values_mut().filter(|n| n.uuid != keep && n.manifest.is_some());
        if let Some(oldest) = told.min_by_key(|n| n.heard()) {
            oldest.manifest = None;
            continue;
        }
        let Some(oldest) = oldest_index(table, keep) else { break };
        let having = table.values_mut().filter(|n| n.index_place() == Some(oldest));
        having.for_each(|neighbour| neighbour.known = None);
    }
}

/// The index of which nobody who has it was heard for longest. Not the one of `keep`: it stays in
/// memory, whoever else forgets it.
fn oldest_index(table: &BTreeMap<Uuid, Neighbour>, keep: Uuid) -> Option<usize> {
    let kept = table.get(&keep).and_then(Neighbour::index_place);
    let mut heard: HashMap<usize, Instant> = HashMap::new();
    for neighbour in table.values() {
        let Some(place) = neighbour.index_place().filter(|place| Some(*place) != kept) else { continue };
        let last = heard.entry(place).or_insert(neighbour.heard());
        *last = neighbour.heard().max(*last);
    }
    heard.into_iter().min_by_key(|(_, heard)| *heard).map(|(place, _)| place)
}

#[cfg(test)]
mod tests;
