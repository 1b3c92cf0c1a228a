//! One neighbour: its addresses, what it announced, and the index and the manifest we have of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::attempts::{Attempts, RETRY_MIN};
use super::known_index::KnownIndex;
use super::manifest::{DueManifest, KnownManifest, ManifestAnswer, Schedule};
use crate::wire::{DisplayText, IndexHmac, IndexKey};

/// Forban calls a neighbour present for 300 s after its last announcement.
pub const PRESENT: Duration = Duration::from_secs(300);
/// While the proven address spoke so recently, another one cannot speak for the uuid.
const ADDRESS_SILENT: Duration = Duration::from_secs(30);
/// Broadcasts that were not heard for so long do not come through.
const BROADCAST_SILENT: Duration = Duration::from_secs(60);
/// Addresses kept of one neighbour: both families on a few interfaces.
const ADDRESSES_MAX: usize = 6;
/// A neighbour whose index is good is asked again at most so often.
const PROVEN_MIN: Duration = Duration::from_secs(1);
/// Fetching takes at most one part in so many of the time.
const FETCH_SHARE: u32 = 20;
/// One whose index did not verify is read again with the next announcement after this, then after
/// ever longer pauses.
const UNVERIFIED_MIN: Duration = Duration::from_secs(4);
/// One that announces no HMAC is asked so often.
const POLL: Duration = Duration::from_secs(60);

/// Where a neighbour was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighbourAddress {
    /// Its HTTP service: source address (with scope) and our own port.
    pub service: SocketAddr,
    /// Name of the interface, to write a scope id in a link.
    pub interface: Option<Arc<str>>,
    /// Its last announcement from there.
    pub heard: Instant,
    /// When its index was last fetched from there.
    pub proven: Option<Instant>,
    /// The HMAC it announced last from there.
    hmac: Option<IndexHmac>,
}

/// A neighbour as the table holds it; what others get is a copy.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Who it is.
    pub uuid: Uuid,
    /// What it calls itself; may be empty.
    pub name: DisplayText,
    /// When it was first heard.
    pub first_heard: Instant,
    /// What we have of its index.
    pub known: Option<KnownIndex>,
    /// What its manifest told, beside that index.
    pub manifest: Option<Arc<KnownManifest>>,
    /// An address that is not the proven one claims to be this neighbour.
    pub disputed_by: Option<IpAddr>,
    broadcast_heard: Option<Instant>,
    addresses: Vec<NeighbourAddress>,
    /// It announces from the port of its service.
    speaks_from_service: bool,
    attempts: Attempts,
    last_error: Option<Box<str>>,
    /// How often in a row its index did not verify.
    unverified: u32,
    pub(super) manifests: Schedule,
}

impl Neighbour {
    pub(super) fn new(uuid: Uuid, now: Instant) -> Self {
        Self {
            uuid,
            name: DisplayText::default(),
            first_heard: now,
            known: None,
            manifest: None,
            disputed_by: None,
            broadcast_heard: None,
            addresses: Vec::new(),
            speaks_from_service: false,
            attempts: Attempts::default(),
            last_error: None,
            unverified: 0,
            manifests: Schedule::default(),
        }
    }

    /// Notes an announcement. True when the address speaks for this neighbour.
    pub(super) fn hear(&mut self, heard: Heard, now: Instant) -> bool {
        if !heard.is_unicast {
            self.broadcast_heard = Some(now);
        }
        let entitled = self.may_speak(heard.service.ip(), now);
        match self.addresses.iter_mut().find(|a| a.service.ip() == heard.service.ip()) {
            Some(known) => {
                known.heard = now;
                known.service = heard.service;
                known.interface = heard.interface;
                known.hmac = heard.hmac;
            }
            None => {
                let address = NeighbourAddress {
                    service: heard.service,
                    interface: heard.interface,
                    heard: now,
                    proven: None,
                    hmac: heard.hmac,
                };
                self.addresses.push(address);
            }
        }
        self.addresses.retain(|a| now.saturating_duration_since(a.heard) < PRESENT);
        self.sort_addresses(now);
        // Where it serves Napster peers is believed by where it is heard.
        let services = self.trusted_services(now);
        if let Some(moved) = self.manifest.as_ref().and_then(|manifest| manifest.heard_at(&services)) {
            self.manifest = Some(Arc::new(moved));
        }
        if entitled {
            self.name = heard.name;
            self.speaks_from_service = heard.source_port == heard.service.port();
            self.disputed_by = None;
        } else if self.hmac() != heard.hmac {
            self.disputed_by = Some(heard.service.ip());
        }
        entitled
    }

    /// Whether its broadcasts do not come through: then ours do not reach it either, probably, and
    /// it must be told alone.
    #[must_use]
    pub fn is_beyond_broadcasts(&self, now: Instant) -> bool {
        self.broadcast_heard.is_none_or(|at| now.saturating_duration_since(at) >= BROADCAST_SILENT)
    }

    /// The proven address speaks for the uuid while it is not silent; before, everybody.
    fn may_speak(&self, ip: IpAddr, now: Instant) -> bool {
        let proven = |a: &&NeighbourAddress| a.proven.is_some();
        let alive = |a: &&NeighbourAddress| now.saturating_duration_since(a.heard) < ADDRESS_SILENT;
        let proven_is_alive = self.addresses.iter().filter(proven).any(|a| alive(&a));
        !proven_is_alive || self.addresses.iter().filter(proven).any(|a| a.service.ip() == ip)
    }

    /// Proven ones are kept rather than others, but a silent one gives way: the host may have moved.
    fn sort_addresses(&mut self, now: Instant) {
        self.addresses.sort_by_key(|a| std::cmp::Reverse((a.proven, a.heard)));
        self.addresses.truncate(ADDRESSES_MAX);
        self.addresses.sort_by_key(|a| now.saturating_duration_since(a.heard) >= ADDRESS_SILENT);
    }

    /// Its addresses, the one to use first.
    #[must_use]
    pub fn addresses(&self) -> &[NeighbourAddress] {
        &self.addresses
    }

    /// The address for a link that a visitor follows who reached us at `local`: not a link-local
    /// one if there is another (browsers do not open those), and of the visitor's family if it can be.
    #[must_use]
    pub fn address_for_links(&self, local: IpAddr) -> Option<&NeighbourAddress> {
        self.addresses_for_links(local).into_iter().next()
    }

    /// All of them, in that order.
    #[must_use]
    pub fn addresses_for_links(&self, local: IpAddr) -> Vec<&NeighbourAddress> {
        let mut addresses: Vec<_> = self.addresses.iter().collect();
        addresses.sort_by_key(|a| (is_link_local(a.service.ip()), a.service.is_ipv4() != local.is_ipv4()));
        addresses
    }

    /// Where to fetch from, the best first: while a proven address speaks, only it and those that
    /// announce the same.
    #[must_use]
    pub fn trusted_services(&self, now: Instant) -> Vec<SocketAddr> {
        let is_alive = |a: &NeighbourAddress| now.saturating_duration_since(a.heard) < ADDRESS_SILENT;
        let owner = self.addresses.iter().find(|a| a.proven.is_some() && is_alive(a));
        let trusted = |a: &&NeighbourAddress| owner.is_none_or(|owner| a.proven.is_some() || a.hmac == owner.hmac);
        self.addresses.iter().filter(trusted).map(|a| a.service).collect()
    }

    /// When it was heard last, from anywhere.
    #[must_use]
    pub fn heard(&self) -> Instant {
        self.addresses.iter().map(|a| a.heard).max().unwrap_or(self.first_heard)
    }

    /// Whether it counts as present.
    #[must_use]
    pub fn is_present(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard()) < PRESENT
    }

    /// The HMAC its first address announced last.
    #[must_use]
    pub fn hmac(&self) -> Option<IndexHmac> {
        self.addresses.first().and_then(|a| a.hmac)
    }

    /// The key its index verified with.
    #[must_use]
    pub fn verified_by(&self) -> Option<&IndexKey> {
        self.known.as_ref().and_then(|known| known.verified_by.as_ref())
    }

    /// goforban announces from the port of its service, as we do, but with the other key. It
    /// never checks an HMAC.
    #[must_use]
    pub fn is_goforban(&self) -> bool {
        self.speaks_from_service && self.verified_by() == Some(&IndexKey::Practised)
    }

    /// Why its index could not be fetched the last time.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// When its index may and should be fetched; `None`: there is no need.
    #[must_use]
    pub fn fetch_due(&self) -> Option<Instant> {
        let since = |last: Option<Instant>, pause: Duration| last.map_or(self.first_heard, |last| last + pause);
        let attempts = &self.attempts;
        if let Some(pause) = attempts.pause() {
            return Some(since(attempts.last, pause));
        }
        let Some(known) = &self.known else { return Some(since(attempts.last, RETRY_MIN)) };
        match self.hmac() {
            None => Some(since(attempts.last, POLL)),
            Some(hmac) if known.announced != Some(hmac) => {
                Some(since(attempts.last, PROVEN_MIN.max(known.took.saturating_mul(FETCH_SHARE))))
            }
            // It did not verify (goforban rewrites its index in place): read again at the next announcement.
            Some(_) if known.verified_by.is_none() => {
                let heard_since = attempts.last.is_none_or(|last| self.heard() > last);
                let pause = UNVERIFIED_MIN
                    .saturating_mul(1_u32.checked_shl(self.unverified.saturating_sub(3)).unwrap_or(u32::MAX));
                heard_since.then(|| since(attempts.last, pause.min(PRESENT)))
            }
            Some(_) => None,
        }
    }

    pub(super) fn attempt(&mut self, now: Instant) {
        self.attempts.begin(now);
    }

    pub(super) fn succeed(&mut self, from: Option<IpAddr>, mut known: KnownIndex, now: Instant) {
        self.attempts.succeed();
        self.last_error = None;
        let is_verified = known.verified_by.is_some() || known.announced.is_none();
        self.unverified = if is_verified { 0 } else { self.unverified.saturating_add(1) };
        // While another address is proven, only what verifies proves a new one.
        let is_first = self.addresses.iter().all(|a| a.proven.is_none());
        let address = self.addresses.iter_mut().find(|a| Some(a.service.ip()) == from);
        if let Some(address) = address.filter(|a| is_verified || is_first || a.proven.is_some()) {
            address.proven = Some(now);
        }
        self.sort_addresses(now);
        self.manifests.index_read(&known, now);
        self.manifest = known.carried.take();
        self.known = Some(known);
    }

    /// When its manifest may and should be fetched; `None`: there is no need.
    pub(super) fn manifest_due(&self) -> Option<Instant> {
        self.manifests.due().filter(|_| self.known.is_some())
    }

    /// Until when it is worth to wait for what its manifest tells of the index that was read;
    /// `None`: it told what it tells, or tells nothing.
    #[must_use]
    pub fn manifest_awaited_until(&self, now: Instant) -> Option<Instant> {
        self.manifests.awaited_until(now)
    }

    /// Files of at least so many bytes of which its manifest tells nothing yet are worth waiting
    /// for; `None`: it told what it tells.
    #[must_use]
    pub fn awaited_from_bytes(&self, now: Instant) -> Option<u64> {
        self.manifests.awaited_from_bytes(now)
    }

    /// Its manifest is asked for.
    pub(super) fn begin_manifest(&mut self, now: Instant) -> Option<DueManifest> {
        let known = self.known.as_ref()?;
        let (index, announced) = (known.index.clone(), known.announced());
        self.manifests.begin(now);
        let before = self.manifest.as_ref().and_then(|manifest| manifest.before(&index));
        let etag = self.manifest.as_ref().and_then(|manifest| manifest.etag());
        let services = self.trusted_services(now);
        Some(DueManifest { uuid: self.uuid, services, index, announced, etag, before })
    }

    /// It was asked for, in so long a time. Returns whether anything is known otherwise now, or
    /// somebody may have waited for it.
    pub(super) fn note_manifest(&mut self, answer: ManifestAnswer, took: Duration, now: Instant) -> bool {
        let was_awaited = self.manifests.answered();
        self.take_manifest(answer, took, now) || was_awaited
    }

    fn take_manifest(&mut self, answer: ManifestAnswer, took: Duration, now: Instant) -> bool {
        let services = self.trusted_services(now);
        let Some(known) = &self.known else { return false };
        let (next, is_news) = match (answer, &self.manifest) {
            (ManifestAnswer::Read { manifest, etag }, _) if Arc::ptr_eq(manifest.digests.index(), &known.index) => {
                (Arc::new(KnownManifest::new(*manifest, etag, &services)), true)
            }
            (ManifestAnswer::Unchanged, Some(before)) => match before.heard_at(&services) {
                Some(next) => (Arc::new(next), true),
                None => (before.clone(), false),
            },
            (ManifestAnswer::Unknown, _) => {
                self.manifests.unknown(known);
                return self.manifest.take().is_some();
            }
            // Also what was read beside an index that is not the one we have any more.
            _ => {
                self.manifests.failed(now);
                return false;
            }
        };
        self.manifests.read(&next, known, is_news, took, now);
        let is_other = self.manifest.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &next));
        self.manifest = Some(next);
        is_other
    }

    /// Where its index is in memory: the same place for all who share it.
    pub(super) fn index_place(&self) -> Option<usize> {
        self.known.as_ref().map(|known| Arc::as_ptr(&known.index).addr())
    }

    /// Its index and what its manifest tells: the place of each in memory, and what it takes there.
    pub(super) fn held(&self) -> impl Iterator<Item = (usize, usize)> {
        let index_bytes = self.known.as_ref().map(|known| known.index.memory_bytes());
        let index = self.index_place().zip(index_bytes);
        let digests = self.manifest.as_ref().map(|manifest| &manifest.digests);
        let digests = digests.map(|digests| (Arc::as_ptr(digests).addr(), digests.memory_bytes()));
        index.into_iter().chain(digests)
    }

    pub(super) fn fail(&mut self, why: Box<str>) {
        self.attempts.fail();
        self.last_error = Some(why);
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// What an announcement says, with where it came from.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The name announced.
    pub name: DisplayText,
    /// The HMAC announced.
    pub hmac: Option<IndexHmac>,
    /// Source address with the port we received on.
    pub service: SocketAddr,
    /// The source's own port.
    pub source_port: u16,
    /// The interface it came in by.
    pub interface: Option<Arc<str>>,
    /// It was sent to us alone.
    pub is_unicast: bool,
}
