//! What the registry holds in memory, and how it is put together again after a restart. The verbs
//! are in [`super::sessions`], [`super::files`] and [`super::probing`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::SessionKey;
use super::changes::Changes;
use super::names::{NameId, Names};
use super::probing::Probing;
use super::store::{Stored, StoredSession};
use crate::wire::napster::{FileName, Md5, PeerAddress, SessionId};

/// Everything that is registered.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) sessions: BTreeMap<SessionKey, Session>,
    /// The hash is keyed at random: how long a look-up takes says nothing about the sessions that
    /// resemble a guess, and 82 bits are not guessed at five tries a second.
    pub(super) by_id: HashMap<SessionId, SessionKey>,
    pub(super) by_address: HashMap<PeerAddress, SessionKey>,
    pub(super) files: HashMap<Md5, File>,
    pub(super) by_name: BTreeSet<(FileName, Md5)>,
    /// The names of `files`; searched without the lock.
    pub(super) names: Arc<Names>,
    /// Downloads of what is offered beside the registered files.
    pub(super) offered: HashMap<Md5, u32>,
    /// Owners of all files together.
    pub(super) entries: usize,
    pub(super) changes: Changes,
    next_key: u64,
    next_sequence: u64,
}

/// A peer that is logged in.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    /// What it claims.
    pub(super) address: PeerAddress,
    /// Where it logged in from.
    pub(super) host: IpAddr,
    /// Which halves of the address it came from.
    pub(super) proven: Proven,
    pub(super) since: SystemTime,
    pub(super) last_request: Instant,
    pub(super) files: BTreeSet<Md5>,
    pub(super) probing: Probing,
}

/// Which halves of an address are proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Proven {
    pub(super) v4: bool,
    pub(super) v6: bool,
}

/// A content that peers share.
#[derive(Debug)]
pub(super) struct File {
    /// Who shares it, the earliest first; never empty.
    pub(super) owners: Vec<Owner>,
    pub(super) downloads: u32,
    /// Its name among [`Tables::names`].
    pub(super) record: NameId,
}

/// One who shares a content, and what it calls it.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) key: SessionKey,
    /// Lower is earlier.
    pub(super) sequence: u64,
    pub(super) name: FileName,
}

impl Tables {
    /// What was stored, or nothing. Whether the peers are still there will be probed.
    pub(super) fn restore(stored: Stored, now: Instant) -> Self {
        let mut tables = Self {
            sessions: BTreeMap::new(),
            by_id: HashMap::new(),
            by_address: HashMap::new(),
            files: HashMap::new(),
            by_name: BTreeSet::new(),
            names: Arc::default(),
            offered: HashMap::new(),
            entries: 0,
            changes: Changes::default(),
            next_key: 0,
            next_sequence: 0,
        };
        for (key, session) in stored.sessions {
            tables.restore_session(key, session, now);
        }
        let mut entries = stored.entries;
        entries.sort_by_key(|entry| entry.sequence);
        for entry in entries {
            tables.next_sequence = tables.next_sequence.max(entry.sequence.saturating_add(1));
            match tables.sessions.get_mut(&entry.key) {
                Some(session) => {
                    session.files.insert(entry.md5);
                    tables.own(entry.md5, Owner { key: entry.key, sequence: entry.sequence, name: entry.name });
                }
                // Its session went in the commit before a crash.
                None => tables.changes.entry(entry.key, entry.md5),
            }
        }
        for (md5, downloads) in stored.downloads {
            match tables.files.get_mut(&md5) {
                Some(file) => file.downloads = downloads,
                None => _ = tables.offered.insert(md5, downloads),
            }
        }
        tables
    }

    fn restore_session(&mut self, key: SessionKey, stored: StoredSession, now: Instant) {
        self.next_key = self.next_key.max(key.0.saturating_add(1));
        self.by_id.insert(stored.id, key);
        self.by_address.insert(stored.address, key);
        let session = Session {
            id: stored.id,
            address: stored.address,
            host: stored.host,
            proven: stored.proven,
            since: stored.since,
            last_request: now,
            files: BTreeSet::new(),
            probing: Probing::from(now),
        };
        self.sessions.insert(key, session);
    }

    /// A number for a session that no other one has or had.
    pub(super) fn take_key(&mut self) -> SessionKey {
        let key = self.next_key;
        self.next_key = key.saturating_add(1);
        SessionKey(key)
    }

    /// A number that says who came first.
    pub(super) fn take_sequence(&mut self) -> u64 {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.saturating_add(1);
        sequence
    }
}
