//! The ledger: which of our files were mirrored from whom, what was deleted here, and which
//! versions were left behind. It is what makes "deleted here stays deleted" survive a restart.
//!
//! On disk a log of records, which is read and written anew at each start.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::listing::Change;
use super::record_log;
use crate::wire::{Content, LootPath};

/// Deletions remembered; beyond it new ones are not (a million-file library fits).
const DELETED_MAX: usize = 1_200_000;
/// Earlier sizes remembered for a name.
const SUPERSEDED_MAX: usize = 16;
/// The log is written anew after so many records, or twice as many as there are facts.
const COMPACT_FROM: usize = 20_000;

/// How a file came here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirrored {
    /// Length in bytes.
    pub size_bytes: u64,
    /// Its modification time when it landed: another one means that the user touched it.
    pub modified_ns: i64,
    /// What it held then; none in records of before. With another content it is the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The neighbour it was fetched from; it alone may replace it by another version.
    pub origin: Uuid,
    /// What that neighbour called itself.
    pub from: Box<str>,
    /// Seconds since 1970.
    pub at: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Mirrored {
        path: Box<str>,
        entry: Mirrored,
    },
    Deleted {
        path: Box<str>,
    },
    Restored {
        path: Box<str>,
    },
    Superseded {
        path: Box<str>,
        size_bytes: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Content>,
    },
    Owned {
        path: Box<str>,
    },
    Forgotten,
}

/// What the ledger knows; a plan reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    mirrored: BTreeMap<Box<str>, Mirrored>,
    mirrored_bytes: u64,
    deleted: BTreeMap<Box<str>, ()>,
    superseded: BTreeMap<Box<str>, Vec<(u64, Option<Content>)>>,
}

impl Facts {
    /// How the file of that name came here, if the mirror brought it.
    #[must_use]
    pub fn mirrored(&self, name: &str) -> Option<&Mirrored> {
        self.mirrored.get(name)
    }

    /// The names that the mirror brought.
    pub fn mirrored_names(&self) -> impl Iterator<Item = &str> {
        self.mirrored.keys().map(AsRef::as_ref)
    }

    /// Whether the user deleted it here.
    #[must_use]
    pub fn is_deleted(&self, name: &str) -> bool {
        self.deleted.contains_key(name)
    }

    /// Whether a version of that size was here before and was replaced. Of two whose contents are
    /// both known the contents tell.
    #[must_use]
    pub fn is_superseded(&self, name: &str, size_bytes: u64, content: Option<Content>) -> bool {
        let is_it = |(size, before): &(u64, Option<Content>)| {
            *size == size_bytes && (before.is_none() || content.is_none() || *before == content)
        };
        self.superseded.get(name).is_some_and(|versions| versions.iter().any(is_it))
    }

    /// How many names were deleted here.
    #[must_use]
    pub fn deleted_count(&self) -> usize {
        self.deleted.len()
    }

    /// Bytes of all mirrored files that are still here.
    #[must_use]
    pub fn mirrored_bytes(&self) -> u64 {
        self.mirrored_bytes
    }

    fn len(&self) -> usize {
        self.mirrored.len().saturating_add(self.deleted.len()).saturating_add(self.superseded.len())
    }

    fn forget_mirrored(&mut self, path: &str) {
        if let Some(entry) = self.mirrored.remove(path) {
            self.mirrored_bytes = self.mirrored_bytes.saturating_sub(entry.size_bytes);
        }
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Mirrored { path, entry } => {
                self.deleted.remove(&path);
                self.forget_mirrored(&path);
                self.mirrored_bytes = self.mirrored_bytes.saturating_add(entry.size_bytes);
                self.mirrored.insert(path, entry);
            }
            Record::Deleted { path } => {
                self.forget_mirrored(&path);
                if self.deleted.len() < DELETED_MAX {
                    self.deleted.insert(path, ());
                }
            }
            Record::Restored { path } => {
                self.deleted.remove(&path);
            }
            Record::Superseded { path, size_bytes, content } => {
                let versions = self.superseded.entry(path).or_default();
                if !versions.contains(&(size_bytes, content)) {
                    if versions.len() >= SUPERSEDED_MAX {
                        versions.remove(0);
                    }
                    versions.push((size_bytes, content));
                }
            }
            Record::Owned { path } => self.forget_mirrored(&path),
            Record::Forgotten => self.deleted.clear(),
        }
    }

    fn records(&self) -> impl Iterator<Item = Record> {
        let mirrored =
            self.mirrored.iter().map(|(path, entry)| Record::Mirrored { path: path.clone(), entry: entry.clone() });
        let deleted = self.deleted.keys().map(|path| Record::Deleted { path: path.clone() });
        let superseded = self.superseded.iter().flat_map(|(path, versions)| {
            let record = |(size_bytes, content): &(u64, Option<Content>)| Record::Superseded {
                path: path.clone(),
                size_bytes: *size_bytes,
                content: *content,
            };
            versions.iter().map(record)
        });
        mirrored.chain(deleted).chain(superseded)
    }
}

/// A handle to the ledger; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    facts: Arc<Facts>,
    log: File,
    path: PathBuf,
    /// Records in the log since it was written anew.
    appended: usize,
}

impl Ledger {
    /// Reads the log at `path`, or begins one.
    ///
    /// # Errors
    /// When it can be neither read nor written.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut facts = Facts::default();
        let damaged = record_log::read(path, |record| facts.apply(record))?;
        if damaged > 0 {
            tracing::warn!(damaged, "the ledger had damaged records, which are left out");
        }
        let log = record_log::write_anew(path, facts.records())?;
        Ok(Self { inner: Arc::new(Mutex::new(Inner { facts: Arc::new(facts), log, path: path.into(), appended: 0 })) })
    }

    /// What it knows now.
    #[must_use]
    pub fn facts(&self) -> Arc<Facts> {
        self.lock().facts.clone()
    }

    /// The mirror brought a file. `replaced` is the size of the version that was here.
    pub fn note_mirrored(&self, path: &LootPath, entry: Mirrored, replaced: Option<u64>) {
        let mut inner = self.lock();
        if let Some(size_bytes) = replaced {
            let before = inner.facts.mirrored(path.as_str()).filter(|before| before.size_bytes == size_bytes);
            let content = before.and_then(|before| before.content);
            // Of equal sizes the size alone would say that of the new version too.
            if size_bytes != entry.size_bytes || content.is_some_and(|before| Some(before) != entry.content) {
                inner.append(Record::Superseded { path: path.as_str().into(), size_bytes, content });
            }
        }
        inner.append(Record::Mirrored { path: path.as_str().into(), entry });
    }

    /// The folder changed: what went is not fetched again, what came back may be.
    pub fn note_changes<'n>(&self, changes: impl IntoIterator<Item = Change<'n>>) {
        let mut inner = self.lock();
        for change in changes {
            match change {
                Change::Gone(path) => inner.append(Record::Deleted { path: path.into() }),
                Change::Altered(path, before) => {
                    let record = Record::Superseded { path: path.into(), size_bytes: before, content: None };
                    inner.append(record);
                }
                Change::Appeared(path) if inner.facts.is_deleted(path) => {
                    inner.append(Record::Restored { path: path.into() });
                }
                Change::Appeared(_) | Change::Touched(_) => {}
            }
        }
    }

    /// The user changed a file that the mirror had brought: it is the user's now.
    pub fn note_owned(&self, path: &LootPath) {
        self.lock().append(Record::Owned { path: path.as_str().into() });
    }

    /// Forgets all deletions: the operator wants the files again.
    pub fn forget_deleted(&self) {
        self.lock().append(Record::Forgotten);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A record that cannot be written is still kept in memory, and said.
    fn append(&mut self, record: Record) {
        if let Err(error) = record_log::write(&mut self.log, &record) {
            tracing::warn!(path = %self.path.display(), %error, "the ledger cannot be written");
            let _ = self.log.write_all(b"\n"); // what was half written must not spoil the next one
        }
        Arc::make_mut(&mut self.facts).apply(record);
        self.appended = self.appended.saturating_add(1);
        if self.appended > COMPACT_FROM.max(self.facts.len().saturating_mul(2)) {
            self.compact();
        }
    }

    /// Writes the log anew, without what later records made void.
    fn compact(&mut self) {
        self.appended = 0;
        match record_log::write_anew(&self.path, self.facts.records()) {
            Ok(log) => self.log = log,
            Err(error) => tracing::warn!(path = %self.path.display(), %error, "the ledger cannot be written anew"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(size_bytes: u64) -> Mirrored {
        Mirrored { size_bytes, modified_ns: 1, content: None, origin: Uuid::nil(), from: "n".into(), at: 0 }
    }

    fn content(byte: u8) -> Option<Content> {
        Some(Content::new([byte; 32]))
    }

    fn path(name: &str) -> LootPath {
        LootPath::parse(name.as_bytes()).unwrap()
    }

    #[test]
    fn everything_survives_a_restart() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("ledger");
        let ledger = Ledger::open(&file).unwrap();
        ledger.note_mirrored(&path("a"), entry(1), None);
        ledger.note_mirrored(&path("a"), entry(2), Some(1));
        ledger.note_changes([Change::Gone("b"), Change::Altered("c", 7), Change::Gone("d")]);
        ledger.note_changes([Change::Appeared("d"), Change::Appeared("new")]);
        let before = ledger.facts();
        let after = Ledger::open(&file).unwrap().facts();
        assert_eq!(before, after);
        assert_eq!(after.mirrored("a").unwrap().size_bytes, 2);
        assert!(after.is_superseded("a", 1, None) && after.is_superseded("c", 7, content(1)));
        assert!(after.is_deleted("b") && !after.is_deleted("d"));
        assert_eq!(after.mirrored_bytes(), 2);
    }

    #[test]
    fn of_equal_sizes_the_content_tells_which_version_was_left_behind() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("ledger");
        let ledger = Ledger::open(&file).unwrap();
        let holding = |byte| Mirrored { content: content(byte), ..entry(5) };
        ledger.note_mirrored(&path("a"), holding(1), None);
        ledger.note_mirrored(&path("a"), holding(2), Some(5));
        let facts = Ledger::open(&file).unwrap().facts();
        assert_eq!(facts.mirrored("a"), Some(&holding(2)));
        assert!(facts.is_superseded("a", 5, content(1)) && !facts.is_superseded("a", 5, content(2)));
    }

    #[test]
    fn records_of_before_are_read() {
        let record = r#"{"mirrored":{"path":"a","entry":{"size_bytes":5,"modified_ns":1,"origin":"00000000-0000-0000-0000-000000000000","from":"n","at":0}}}"#;
        let superseded = r#"{"superseded":{"path":"a","size_bytes":4}}"#;
        let mut facts = Facts::default();
        for json in [record, superseded] {
            let line = format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()));
            facts.apply(record_log::parse(line.as_bytes()).unwrap());
        }
        assert_eq!(facts.mirrored("a"), Some(&entry(5)));
        assert!(facts.is_superseded("a", 4, content(1)) && !facts.is_superseded("a", 5, content(1)));
    }

    #[test]
    fn a_damaged_record_costs_only_itself() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("ledger");
        let ledger = Ledger::open(&file).unwrap();
        ledger.note_changes(["a", "b", "c"].map(Change::Gone));
        let text = std::fs::read_to_string(&file).unwrap().replace("\"b\"", "\"x\"");
        std::fs::write(&file, format!("{text}00000000 {{\"cut")).unwrap();
        let facts = Ledger::open(&file).unwrap().facts();
        assert!(facts.is_deleted("a") && facts.is_deleted("c"));
        assert_eq!(facts.deleted_count(), 2);
    }

    #[test]
    fn a_mirrored_file_that_is_deleted_counts_no_more() {
        let temp = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&temp.path().join("ledger")).unwrap();
        ledger.note_mirrored(&path("a"), entry(5), None);
        ledger.note_changes([Change::Gone("a")]);
        assert_eq!(ledger.facts().mirrored_bytes(), 0);
        ledger.forget_deleted();
        assert!(!ledger.facts().is_deleted("a"));
    }
}
