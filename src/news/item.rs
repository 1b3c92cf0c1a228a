//! One thing that is new.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::wire::{DisplayText, LootPath};

/// Files of an item that are named; the rest is counted.
pub const NAMED_MAX: usize = 24;

/// One thing that is new. Immutable: one that grows is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewsItem {
    /// Its own name for ever, by which readers of feeds know it again.
    pub id: Uuid,
    /// Whose.
    pub node: Uuid,
    /// What that node calls itself; may be empty.
    pub node_name: DisplayText,
    /// When it began: seconds since 1970.
    pub since_unix: u64,
    /// When the last of it came: seconds since 1970.
    pub at_unix: u64,
    /// What.
    pub what: What,
}

/// What is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The node was met for the first time, and offered so much.
    Met {
        /// Number of files.
        files: u64,
        /// Their sizes together.
        bytes: u64,
    },
    /// It has files that it did not have before.
    Added {
        /// The folder that holds them all; empty for that which is shared.
        folder: Box<str>,
        /// They came into folders below it too.
        is_wide: bool,
        /// Number of files.
        files: u64,
        /// Their sizes together.
        bytes: u64,
        /// The first of them.
        named: Vec<NewFile>,
    },
}

/// One new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its name at that node.
    pub path: LootPath,
    /// As its index says.
    pub size_bytes: u64,
}

impl NewsItem {
    /// When the last of it came.
    #[must_use]
    pub fn at(&self) -> SystemTime {
        time(self.at_unix)
    }

    /// When the first of it came.
    #[must_use]
    pub fn since(&self) -> SystemTime {
        time(self.since_unix)
    }

    /// Bytes of its texts, to bound them all.
    pub(super) fn text_bytes(&self) -> usize {
        let what = match &self.what {
            What::Met { .. } => 0,
            What::Added { folder, named, .. } => {
                named.iter().fold(folder.len(), |sum, file| sum.saturating_add(file.path.as_str().len()))
            }
        };
        what.saturating_add(self.node_name.as_str().len())
    }
}

/// A time, of seconds since 1970.
#[must_use]
pub fn time(unix: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(unix)).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Whole seconds since 1970; 0 for what was before.
#[must_use]
pub fn unix(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
