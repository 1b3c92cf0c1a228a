//! Files: sharing, searching, counting downloads.
//!
//! Each owner has its own name for a content. Shown and searched is the earliest owner's, so that
//! nobody renames what others share.

use std::sync::Arc;

use super::tables::{File, Owner, Tables};
use super::{Bound, RegistryError, SessionKey};
use crate::wire::napster::{Counter, FileName, FoundFile, Md5};

/// Files of one peer: more than any FIND can list, and a flood of one peer fills 4 % of the room.
pub(super) const PER_SESSION_MAX: usize = 4_096;
/// Owners of all files together: a class with large libraries; about 40 MB of memory.
pub(super) const ENTRIES_MAX: usize = 100_000;
/// Contents whose downloads are counted though nobody registered them.
const OFFERED_MAX: usize = 100_000;

impl Tables {
    /// A peer shares a file; how many have it now.
    pub(super) fn add(&mut self, key: SessionKey, md5: Md5, name: FileName) -> Result<usize, RegistryError> {
        let entries = self.entries;
        let session = self.sessions.get_mut(&key).ok_or(RegistryError::Unauthorized)?;
        if session.files.contains(&md5) {
            self.rename(key, md5, name);
        } else if session.files.len() >= PER_SESSION_MAX {
            return Err(RegistryError::Full(Bound::FilesOfSession));
        } else if entries >= ENTRIES_MAX {
            return Err(RegistryError::Full(Bound::Files));
        } else {
            session.files.insert(md5);
            let sequence = self.take_sequence();
            self.own(md5, Owner { key, sequence, name });
        }
        self.changes.entry(key, md5);
        Ok(self.copies(md5))
    }

    /// A peer shares a file no longer; how many still have it.
    pub(super) fn delete(&mut self, key: SessionKey, md5: Md5) -> Option<usize> {
        self.sessions.get_mut(&key)?.files.remove(&md5).then(|| {
            self.disown(md5, key);
            self.copies(md5)
        })
    }

    /// A download of what is registered, or offered elsewhere; how many there were.
    pub(super) fn download(&mut self, md5: Md5, is_offered: bool) -> Option<u32> {
        let count = match self.files.get_mut(&md5) {
            Some(file) => &mut file.downloads,
            None if !is_offered => return None,
            // Counted no more, and still an answer.
            None if self.offered.len() >= OFFERED_MAX && !self.offered.contains_key(&md5) => return Some(1),
            None => self.offered.entry(md5).or_default(),
        };
        *count = count.saturating_add(1).min(Counter::<5>::MAX);
        let count = *count;
        self.changes.download(md5);
        Some(count)
    }

    /// The files among those that were found, with who has them. What went meanwhile is left out.
    pub(super) fn found(&self, found: impl Iterator<Item = Md5>) -> Vec<FoundFile> {
        let file = |md5: Md5| {
            let file = self.files.get(&md5)?;
            let peers = file.owners.iter().filter_map(|owner| Some(self.sessions.get(&owner.key)?.address)).collect();
            Some(FoundFile { md5, name: file.name()?.clone(), peers })
        };
        found.filter_map(file).collect()
    }

    pub(super) fn copies(&self, md5: Md5) -> usize {
        self.files.get(&md5).map_or(0, |file| file.owners.len())
    }

    /// Adds an owner; the first one brings the name.
    pub(super) fn own(&mut self, md5: Md5, owner: Owner) {
        self.entries = self.entries.saturating_add(1);
        if let Some(file) = self.files.get_mut(&md5) {
            file.owners.push(owner);
            return;
        }
        let record = Arc::make_mut(&mut self.names).push(md5, &owner.name);
        self.by_name.insert((owner.name.clone(), md5));
        let downloads = self.offered.remove(&md5).unwrap_or(0);
        self.files.insert(md5, File { owners: vec![owner], downloads, record });
    }

    /// Takes an owner out; with the last one the file goes, and its counter.
    pub(super) fn disown(&mut self, md5: Md5, key: SessionKey) {
        self.changes.entry(key, md5);
        self.alter_owners(md5, |owners| owners.retain(|owner| owner.key != key));
    }

    fn rename(&mut self, key: SessionKey, md5: Md5, name: FileName) {
        self.alter_owners(md5, |owners| {
            if let Some(owner) = owners.iter_mut().find(|owner| owner.key == key) {
                owner.name = name;
            }
        });
    }

    /// Changes the owners of a file, and with them its name or whether it is there.
    fn alter_owners(&mut self, md5: Md5, alter: impl FnOnce(&mut Vec<Owner>)) {
        let Some(file) = self.files.get_mut(&md5) else { return };
        let (owners, before) = (file.owners.len(), file.name().cloned());
        alter(&mut file.owners);
        self.entries = self.entries.saturating_add(file.owners.len()).saturating_sub(owners);
        if file.name() == before.as_ref() {
            return;
        }
        let names = Arc::make_mut(&mut self.names);
        let moved = names.remove(file.record);
        if let Some(before) = before {
            self.by_name.remove(&(before, md5));
        }
        if let Some(name) = file.name().cloned() {
            file.record = names.push(md5, &name);
            self.by_name.insert((name, md5));
        } else {
            self.files.remove(&md5);
            self.changes.download(md5);
        }
        for (md5, record) in moved {
            if let Some(file) = self.files.get_mut(&md5) {
                file.record = record;
            }
        }
    }
}

impl File {
    /// The earliest owner's name for it.
    pub(super) fn name(&self) -> Option<&FileName> {
        self.owners.first().map(|owner| &owner.name)
    }
}
