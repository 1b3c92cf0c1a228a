//! What leaves: downloads from us that are under way, and those that ended lately.
//!
//! Whoever sends takes a [`Guard`] and counts on it, by an atomic and without a lock. What one host
//! fetches of one file by many requests (pieces, ranges, a download that goes on) is one download.
//! Small answers that leave at once are only counted.

mod table;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use self::table::{Key, Table};
use crate::bandwidth::Bandwidth;

/// By which way something leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// A file, or a part of it, by its name.
    File,
    /// Many small files in one answer, to another node.
    SmallFiles,
    /// Pieces of a content, to another node that has them of several.
    Pieces,
    /// A folder in one file.
    Archive,
    /// To a Napster peer.
    Napster,
    /// From a Napster peer through this node.
    Relay,
}

impl Way {
    /// In one word, for programs and catalogues.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::SmallFiles => "small-files",
            Self::Pieces => "pieces",
            Self::Archive => "archive",
            Self::Napster => "napster",
            Self::Relay => "relay",
        }
    }
}

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All of it left.
    Whole,
    /// A part, and no more was asked for: the rest came from others, or was not wanted.
    Part,
    /// Whoever fetched it went away in the middle, and did not come back soon.
    Broken,
}

impl End {
    /// In one word, for programs and catalogues.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Part => "part",
            Self::Broken => "broken",
        }
    }
}

/// What a download is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// By which way.
    pub way: Way,
    /// Who fetches.
    pub host: IpAddr,
    /// The name of the file here; empty where there is none, or there are many.
    pub name: Box<str>,
    /// Its size, if it is known before it left.
    pub total_bytes: Option<u64>,
    /// How many files it has, where there are many.
    pub files: u64,
    /// How much left, never more than all.
    pub sent_bytes: u64,
}

/// A download that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Going {
    /// Of what.
    pub download: Download,
    /// Since when.
    pub began: Instant,
    /// How fast, over the last seconds.
    pub bytes_per_second: u64,
}

/// A download that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Of what.
    pub download: Download,
    /// When.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// How.
    pub end: End,
}

/// All that is known, at a moment.
#[derive(Clone, Debug, Default)]
pub struct LeavingView {
    /// What is under way, the oldest first.
    pub going: Vec<Going>,
    /// What ended lately, the last first.
    pub lately: Vec<Left>,
    /// How fast everything leaves together.
    pub bytes_per_second: u64,
    /// All bytes of content that left since the start …
    pub sent_bytes: u64,
    /// … and answers so small that they left at once.
    pub small_answers: u64,
}

/// How content leaves: not faster than the limit, and counted.
#[derive(Clone, Debug, Default)]
pub struct Outgoing {
    /// The limit.
    pub bandwidth: Bandwidth,
    /// The count.
    pub leaving: Leaving,
}

/// The registry; cheap to clone.
#[derive(Clone, Debug)]
pub struct Leaving(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    table: Mutex<Table>,
    sent_bytes: AtomicU64,
    small_answers: AtomicU64,
    /// Wakes who shows: a download began or ended.
    changed: watch::Sender<u64>,
}

/// What one download counts; shared by all its answers.
#[derive(Debug, Default)]
struct Counts {
    sent_bytes: AtomicU64,
    files: AtomicU64,
}

/// One answer that leaves. Dropped before [`Guard::done`] it broke.
#[derive(Debug)]
pub struct Guard {
    leaving: Leaving,
    key: Key,
    counts: Arc<Counts>,
    /// Something of this answer left.
    has_begun: bool,
    is_done: bool,
}

impl Default for Leaving {
    fn default() -> Self {
        let table = Mutex::new(Table::new(Instant::now()));
        let (sent_bytes, small_answers, changed) = (AtomicU64::new(0), AtomicU64::new(0), watch::Sender::new(0));
        Self(Arc::new(Shared { table, sent_bytes, small_answers, changed }))
    }
}

impl Leaving {
    /// An answer begins to leave, of the file of that name, which has so many bytes in all, if that
    /// is known.
    #[must_use]
    pub fn begin(&self, way: Way, host: IpAddr, name: &str, total_bytes: Option<u64>) -> Guard {
        self.begin_part(way, host, name, name, total_bytes)
    }

    /// The same where `id` says which answers belong together, and the name is for people alone.
    #[must_use]
    pub fn begin_part(&self, way: Way, host: IpAddr, id: &str, name: &str, total_bytes: Option<u64>) -> Guard {
        let key = Key { way, host, id: id.into() };
        let sent_bytes = self.0.sent_bytes.load(Ordering::Relaxed);
        let (counts, is_new) = self.lock().begin(&key, name, total_bytes, sent_bytes, Instant::now());
        if is_new {
            self.note_changed();
        }
        Guard { leaving: self.clone(), key, counts, has_begun: false, is_done: false }
    }

    /// A small answer leaves at once.
    pub fn small(&self, bytes: u64) {
        self.0.small_answers.fetch_add(1, Ordering::Relaxed);
        self.0.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How it stands.
    #[must_use]
    pub fn view(&self, now: Instant) -> LeavingView {
        let sent_bytes = self.0.sent_bytes.load(Ordering::Relaxed);
        let small_answers = self.0.small_answers.load(Ordering::Relaxed);
        let view = self.lock().view(sent_bytes, now);
        LeavingView { sent_bytes, small_answers, ..view }
    }

    /// True when nothing is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.lock().is_idle()
    }

    /// A receiver that wakes when a download begins or ends.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    fn note_changed(&self) {
        self.0.changed.send_modify(|version| *version = version.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard {
    /// So many bytes more left.
    pub fn sent(&mut self, bytes: usize) {
        self.has_begun = true;
        self.counts.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.leaving.0.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// So many files more are in it.
    pub fn files(&self, files: usize) {
        self.counts.files.fetch_add(files as u64, Ordering::Relaxed);
    }

    /// All of this answer left.
    pub fn done(&mut self) {
        self.is_done = true;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let ended = self.leaving.lock().end(&self.key, &self.counts, self.has_begun, self.is_done, Instant::now());
        if ended {
            self.leaving.note_changed();
        }
    }
}
