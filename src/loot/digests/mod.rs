//! The digests of our files: read in the background, once per file and change, and cached over
//! restarts.
//!
//! The hasher alone makes them. It follows the index, looks at the files the keeper
//! found touched, and publishes a state at a time: [`Hashed`]. The same read gives each file's
//! list of pieces, which is kept on disk only.

pub mod cache;
pub mod desk;
mod hasher;
mod journal;
pub mod lists;
mod reading;
mod stamp;
mod waiting;

use std::sync::Arc;
use std::time::SystemTime;

pub(super) use self::hasher::start;
use self::journal::Journal;
pub use self::stamp::{Marker, Stamp};
use super::{FileFacts, Snapshot};
use crate::wire::DigestTable;
use crate::wire::manifest::ManifestVersion;

/// What is still to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hashing {
    /// Files whose digests are still to come. Those that cannot be read do not count.
    pub left: usize,
    /// Their bytes, as far as it is known that they must be read.
    pub left_bytes: u64,
}

/// One state of what is known of our files' content. Immutable.
#[derive(Debug)]
pub struct Hashed {
    /// The index beside which it stands.
    pub snapshot: Arc<Snapshot>,
    /// The digests.
    pub table: Arc<DigestTable>,
    /// What is to come.
    pub hashing: Hashing,
    /// When it was made.
    pub made: SystemTime,
    /// Made the marks of the versions that were read.
    marker: Marker,
    /// What changed lately.
    journal: Journal,
}

impl Hashed {
    /// Nothing is known yet.
    #[must_use]
    pub fn nothing_of(snapshot: Arc<Snapshot>, marker: Marker) -> Self {
        let hashing = Hashing { left: snapshot.index.len(), left_bytes: snapshot.index.total_bytes() };
        let table = Arc::new(DigestTable::unknown(snapshot.index.clone()));
        Self { snapshot, table, hashing, made: SystemTime::now(), marker, journal: Journal::new() }
    }

    /// Whether a file is as it was when its digests were made.
    #[must_use]
    pub fn is_of(&self, position: usize, facts: &FileFacts) -> bool {
        self.snapshot.index.size_at(position) == Some(facts.size_bytes)
            && self.table.row(position).is_some_and(|row| row.mark == self.marker.of(facts))
    }

    /// What makes the marks of versions.
    #[must_use]
    pub(super) fn marker(&self) -> &Marker {
        &self.marker
    }

    /// How the state of our manifest is called.
    #[must_use]
    pub fn version(&self) -> Option<ManifestVersion> {
        self.journal.version()
    }

    /// The names whose lines in our manifest changed since a state, sorted; none if that is not
    /// known, or so long ago that it is not known any more.
    #[must_use]
    pub fn names_since(&self, version: &ManifestVersion) -> Option<Vec<&str>> {
        self.journal.names_since(version)
    }
}

#[cfg(test)]
mod tests;
