//! What changed since the store last heard of it: only which rows, so that many changes of one row
//! are one, and a slow disk makes no queue.

use std::collections::BTreeSet;

use super::SessionKey;
use super::store::{Batch, StoredEntry, StoredSession};
use super::tables::{Owner, Session, Tables};
use crate::wire::napster::Md5;

/// Rows in one commit, so that the tables are not locked for long while they are copied.
pub(super) const BATCH_MAX: usize = 4_096;
/// Beyond so many rows (deleted ones count too) everything is written anew instead.
const ROWS_MAX: usize = 400_000;

/// Rows that are to be written.
#[derive(Debug, Default)]
pub(super) struct Changes {
    sessions: BTreeSet<SessionKey>,
    entries: BTreeSet<(SessionKey, Md5)>,
    downloads: BTreeSet<Md5>,
    /// All rows there are, and no other.
    everything: bool,
}

impl Changes {
    /// A session came, changed or went.
    pub(super) fn session(&mut self, key: SessionKey) {
        self.sessions.insert(key);
        self.bound();
    }

    /// An owner of a file came, changed or went.
    pub(super) fn entry(&mut self, key: SessionKey, md5: Md5) {
        self.entries.insert((key, md5));
        self.bound();
    }

    /// A counter changed or went.
    pub(super) fn download(&mut self, md5: Md5) {
        self.downloads.insert(md5);
        self.bound();
    }

    /// The store is not to be trusted: it is written anew.
    pub(super) fn everything(&mut self) {
        *self = Self { everything: true, ..Self::default() };
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        !self.everything && self.sessions.is_empty() && self.entries.is_empty() && self.downloads.is_empty()
    }

    fn bound(&mut self) {
        let rows = self.sessions.len().saturating_add(self.entries.len()).saturating_add(self.downloads.len());
        if self.everything || rows > ROWS_MAX {
            self.everything();
        }
    }
}

impl Tables {
    /// The next rows to write, as they are now.
    pub(super) fn take_batch(&mut self) -> Batch {
        if self.changes.everything {
            self.changes = Changes::default();
            return self.whole_batch();
        }
        let (mut sessions, mut entries, mut downloads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..BATCH_MAX {
            if let Some(key) = self.changes.sessions.pop_first() {
                sessions.push((key, self.sessions.get(&key).map(Session::stored)));
            } else if let Some((key, md5)) = self.changes.entries.pop_first() {
                entries.push(((key, md5), self.stored_entry(key, md5)));
            } else if let Some(md5) = self.changes.downloads.pop_first() {
                downloads.push((md5, self.counted(md5)));
            } else {
                break;
            }
        }
        Batch { replaces_all: false, sessions, entries, downloads }
    }

    fn whole_batch(&self) -> Batch {
        let sessions = self.sessions.iter().map(|(key, session)| (*key, Some(session.stored()))).collect();
        let owners = self.files.iter().flat_map(|(md5, file)| file.owners.iter().map(|owner| (*md5, owner)));
        let entries = owners.map(|(md5, owner)| ((owner.key, md5), Some(owner.stored(md5)))).collect();
        let counted = self.files.keys().chain(self.offered.keys());
        let downloads = counted.map(|md5| (*md5, self.counted(*md5))).filter(|(_, count)| count.is_some()).collect();
        Batch { replaces_all: true, sessions, entries, downloads }
    }

    fn stored_entry(&self, key: SessionKey, md5: Md5) -> Option<StoredEntry> {
        let owner = self.files.get(&md5)?.owners.iter().find(|owner| owner.key == key)?;
        Some(owner.stored(md5))
    }

    fn counted(&self, md5: Md5) -> Option<u32> {
        let registered = self.files.get(&md5).map(|file| file.downloads);
        registered.or_else(|| self.offered.get(&md5).copied()).filter(|count| *count > 0)
    }
}

impl Owner {
    fn stored(&self, md5: Md5) -> StoredEntry {
        StoredEntry { key: self.key, md5, sequence: self.sequence, name: self.name.clone() }
    }
}

impl Session {
    fn stored(&self) -> StoredSession {
        StoredSession { id: self.id, address: self.address, host: self.host, proven: self.proven, since: self.since }
    }
}
