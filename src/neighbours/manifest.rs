//! What a neighbour's manifest told, and when it is asked for again.
//!
//! Only nodes that announce with our protocol's key have one. It never matters for whether a
//! neighbour's index is good.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::KnownIndex;
use super::attempts::Attempts;
use crate::wire::index::Edit;
use crate::wire::manifest::{Before, Header, ManifestVersion, Mirrors};
use crate::wire::napster::PeerAddress;
use crate::wire::{DigestTable, Index, IndexHmac, IndexKey, Manifest};

/// While a neighbour still reads its files, its manifest is asked for after this …
const HASHING_MIN: Duration = Duration::from_secs(2);
/// … and, while nothing changes, after ever longer pauses up to this.
const HASHING_MAX: Duration = Duration::from_secs(60);
/// A complete one changes without its index when a file keeps its size.
const COMPLETE: Duration = Duration::from_secs(300);
/// One that changes is told by its neighbour's feed, but it is asked for at most so often.
const TOLD_MIN: Duration = Duration::from_millis(50);
/// Who waits for what a manifest tells of a new index waits at most so long.
const AWAITED_MAX: Duration = Duration::from_secs(10);
/// Who waits until a neighbour has read a file waits as long as reading it takes at this speed, and
/// [`AWAITED_MAX`] more, since the neighbour got on with its files last …
const READ_BYTES_PER_MS: u64 = 50_000;
/// … for files of at least so many bytes: they are worth it, for they come piece by piece from all
/// who have them, or whole from one.
const AWAITED_FROM_BYTES: u64 = 1 << 20;
/// Fetching takes at most one part in so many of the time.
const FETCH_SHARE: u32 = 20;

/// What a manifest told of a neighbour's files. Immutable.
#[derive(Clone, Debug)]
pub struct KnownManifest {
    /// The digests, beside the index that is known of it.
    pub digests: Arc<DigestTable>,
    /// Where it serves Napster peers, if it says so: an address at which it was heard itself is
    /// among it.
    pub peer: Option<PeerAddress>,
    header: Header,
    etag: Option<Box<str>>,
}

/// A manifest that is to be fetched now.
#[derive(Clone, Debug)]
pub struct DueManifest {
    /// Whose.
    pub uuid: Uuid,
    /// Where, the best address first.
    pub services: Vec<SocketAddr>,
    /// Beside what it is read.
    pub index: Arc<Index>,
    /// The HMAC, as announced, of that index.
    pub announced: Option<IndexHmac>,
    /// The version we have.
    pub etag: Option<Box<str>>,
    /// The state we have, if what changed since can be asked for.
    pub before: Option<Before>,
}

/// What came of asking for one.
#[derive(Debug)]
pub enum ManifestAnswer {
    /// It was read.
    Read {
        /// What it says.
        manifest: Box<Manifest>,
        /// How its version is called.
        etag: Option<Box<str>>,
    },
    /// It is the version we have.
    Unchanged,
    /// The neighbour knows no manifests.
    Unknown,
    /// Nothing came, or something else.
    Failed,
}

/// When the next one is due.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    due: Option<Instant>,
    pause: Duration,
    /// The last one took so long that there is none before.
    not_before: Option<Instant>,
    attempts: Attempts,
    /// The announced HMAC with which the neighbour knew no manifests.
    unknown_at: Option<IndexHmac>,
    /// The first answer beside a new index is still to come; worth waiting for until then.
    awaited: Option<Instant>,
    /// While the neighbour reads its files: how many it had to read yet, and since when.
    reading: Option<(u64, Instant)>,
    /// When it was asked for last.
    asked: Option<Instant>,
    /// Its neighbour tells when there is another one.
    is_fed: bool,
    /// What was told so while it was being asked for.
    told: Option<ManifestVersion>,
}

impl KnownManifest {
    /// As it was read. `services`: where the neighbour was heard.
    pub(super) fn new(manifest: Manifest, etag: Option<Box<str>>, services: &[SocketAddr]) -> Self {
        let Manifest { header, digests, .. } = manifest;
        let peer = header.peer.and_then(|told| believed(told, services));
        Self { digests: Arc::new(digests), peer, header, etag }
    }

    /// Beside a newer index, until the manifest is read again: what kept its name and size keeps
    /// its digests. It is asked for unconditionally then, because lines were skipped of files that
    /// were not in the old index.
    pub(super) fn carried_to(&self, index: Arc<Index>, edit: Option<&Edit>) -> Self {
        let digests = match edit {
            Some(edit) => self.digests.carried_by(index, edit),
            None => self.digests.carried_to(index),
        };
        Self { digests: Arc::new(digests), etag: None, ..self.clone() }
    }

    /// The same with the address that is to be believed now; none if it is what it was.
    pub(super) fn heard_at(&self, services: &[SocketAddr]) -> Option<Self> {
        let peer = self.header.peer.and_then(|told| believed(told, services));
        (peer != self.peer).then(|| Self { peer, ..self.clone() })
    }

    /// Whether it tells all of that index, and will not tell more tomorrow.
    #[must_use]
    pub fn is_complete(&self, of: &KnownIndex) -> bool {
        self.header.hashing == 0 && self.header.index.is_none_or(|index| Some(index) == of.announced())
    }

    /// How its neighbour calls it.
    pub(super) fn version(&self) -> Option<&ManifestVersion> {
        self.header.version.as_ref()
    }

    /// What the neighbour mirrors, if it says that it does.
    #[must_use]
    pub fn mirrors(&self) -> Option<Mirrors> {
        self.header.mirrors
    }

    /// When the file at a position of the index was changed last: seconds since 1970.
    #[must_use]
    pub fn mtime(&self, position: usize) -> Option<i64> {
        self.digests.mtime(position)
    }

    /// What is known of it, to ask for what changed since.
    pub(super) fn before(&self, beside: &Arc<Index>) -> Option<Before> {
        let version = self.header.version.clone().filter(|_| Arc::ptr_eq(self.digests.index(), beside))?;
        Some(Before { version, digests: self.digests.clone() })
    }

    pub(super) fn etag(&self) -> Option<Box<str>> {
        self.etag.clone()
    }
}

impl Schedule {
    /// The index was read. Its manifest is read too, if there may be one.
    pub(super) fn index_read(&mut self, known: &KnownIndex, now: Instant) {
        let is_ours = matches!(known.verified_by, Some(IndexKey::Specified | IndexKey::PreShared(_)));
        let is_unknown = self.unknown_at.is_some() && self.unknown_at == known.announced();
        // After failures the distance they make is kept, however often the index changes.
        let kept = self.due.filter(|_| self.attempts.pause().is_some());
        let soonest = self.not_before.map_or(now, |not_before| not_before.max(now));
        self.due = (is_ours && !is_unknown).then_some(kept.unwrap_or(soonest));
        self.awaited = self.due.filter(|due| *due <= now + AWAITED_MAX).map(|_| now + AWAITED_MAX);
    }

    /// Until when it is worth to wait for the first manifest beside a new index.
    pub(super) fn awaited_until(&self, now: Instant) -> Option<Instant> {
        self.awaited.filter(|until| now < *until)
    }

    /// Files of so many bytes of which nothing is told may be told of soon; none: no file will.
    pub(super) fn awaited_from_bytes(&self, now: Instant) -> Option<u64> {
        if self.awaited_until(now).is_some() {
            return Some(0);
        }
        let (_, since) = self.reading?;
        let beyond = now.saturating_duration_since(since).saturating_sub(AWAITED_MAX);
        let read_bytes = u64::try_from(beyond.as_millis()).unwrap_or(u64::MAX).saturating_mul(READ_BYTES_PER_MS);
        Some(read_bytes.max(AWAITED_FROM_BYTES))
    }

    /// Whatever came, nobody need wait any more. False if nobody did.
    pub(super) fn answered(&mut self) -> bool {
        self.awaited.take().is_some()
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn begin(&mut self, now: Instant) {
        self.due = None;
        self.told = None;
        self.asked = Some(now);
    }

    /// Its neighbour tells from now on when there is another one, or does not any more. One that is
    /// not complete is asked for late then, or soon; what is due beside a new index stays due.
    pub(super) fn fed(&mut self, is_fed: bool, is_complete: bool, now: Instant) {
        self.is_fed = is_fed;
        if is_complete || self.awaited.is_some() || self.attempts.pause().is_some() {
            return;
        }
        let soon = self.not_before.unwrap_or(now).max(now + HASHING_MIN);
        self.due = self.due.map(|due| if is_fed { due.max(now + HASHING_MAX) } else { due.min(soon) });
    }

    /// There is another one, its neighbour tells: due now, but neither so often that it would cost
    /// us much, nor before the pause after a failure is over. Told once, it is asked for once.
    pub(super) fn told(&mut self, version: ManifestVersion, now: Instant) {
        match self.due {
            None => self.told = Some(version),
            Some(due) if self.attempts.pause().is_none() => self.due = Some(due.min(self.soonest(now))),
            Some(_) => {}
        }
    }

    fn soonest(&self, now: Instant) -> Instant {
        let spared = self.asked.map(|asked| asked + TOLD_MIN);
        self.not_before.into_iter().chain(spared).fold(now, Instant::max)
    }

    pub(super) fn failed(&mut self, now: Instant) {
        self.attempts.fail();
        self.reading = None;
        self.due = self.attempts.pause().map(|pause| now + pause);
    }

    /// It is an old node. Another HMAC may be that of a new version of it.
    pub(super) fn unknown(&mut self, known: &KnownIndex) {
        self.attempts.succeed();
        self.reading = None;
        self.unknown_at = known.announced();
        self.due = None;
    }

    /// We have it; `is_news`: otherwise than before.
    pub(super) fn read(
        &mut self,
        manifest: &KnownManifest,
        known: &KnownIndex,
        is_news: bool,
        took: Duration,
        now: Instant,
    ) {
        self.attempts.succeed();
        // Beside an older index, it has not even counted yet what it has to read.
        let hashing = if manifest.is_complete(known) { 0 } else { manifest.header.hashing.max(1) };
        let got_on = self.reading.is_none_or(|(before, _)| hashing < before);
        self.reading = match self.reading {
            _ if hashing == 0 => None,
            Some((_, since)) if !got_on => Some((hashing, since)),
            _ => Some((hashing, now)),
        };
        let longer = self.pause.saturating_mul(2).clamp(HASHING_MIN, HASHING_MAX);
        self.pause = if is_news { HASHING_MIN } else { longer };
        let pause = match manifest.is_complete(known) {
            true => COMPLETE,
            false if self.is_fed => HASHING_MAX,
            false => self.pause,
        };
        let spared = took.saturating_mul(FETCH_SHARE);
        self.not_before = Some(now + spared);
        let is_old = self.told.take().is_some_and(|told| manifest.version() != Some(&told));
        self.due = Some(if is_old { self.soonest(now) } else { now + pause.max(spared) });
    }
}

/// A told address counts if one half of it is where the neighbour was heard; otherwise its port
/// does, at the addresses where it was heard.
fn believed(told: PeerAddress, services: &[SocketAddr]) -> Option<PeerAddress> {
    let heard = || services.iter().map(|service| service.ip().to_canonical());
    if heard().any(|ip| told.claims(ip)) {
        return Some(told);
    }
    let v4 = heard().find_map(|ip| if let IpAddr::V4(v4) = ip { Some(v4) } else { None });
    let v6 = heard().find_map(|ip| match ip {
        IpAddr::V6(v6) if !v6.is_unicast_link_local() => Some(v6),
        _ => None,
    });
    let v6: Ipv6Addr = v6.or(v4.map(|v4| v4.to_ipv6_mapped()))?;
    Some(PeerAddress { v4: v4.unwrap_or(Ipv4Addr::UNSPECIFIED), v6, port: told.port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_fetch_elsewhere() {
        let told = |v4: &str, v6: &str| PeerAddress { v4: v4.parse().unwrap(), v6: v6.parse().unwrap(), port: 6001 };
        let theirs = told("10.0.0.1", "fd00::1");
        for (heard, expected, why) in [
            (&["10.0.0.1"][..], Some(theirs), "heard by IPv4"),
            (&["fe80::1", "fd00::1"], Some(theirs), "heard by IPv6"),
            (&["::ffff:10.0.0.1"], Some(theirs), "in IPv6 clothes"),
            (&["10.0.0.9"], Some(told("10.0.0.9", "::ffff:10.0.0.9")), "another host's address"),
            (&["10.0.0.9", "fe80::9", "fd00::9"], Some(told("10.0.0.9", "fd00::9")), "another host's addresses"),
            (&["fd00::9"], Some(told("0.0.0.0", "fd00::9")), "no IPv4"),
            (&["fe80::1"], None, "heard on the link alone: nothing that could be told"),
        ] {
            let services: Vec<_> = heard.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 12555)).collect();
            assert_eq!(believed(theirs, &services), expected, "{why}");
        }
    }
}
