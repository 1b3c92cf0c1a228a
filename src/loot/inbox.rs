//! The inbox: where files of others lie until the operator decides about them.
//!
//! They lie in `.boucan/inbox/DATE/` below the shared folder, hidden, so that no index lists them and
//! no route serves them. The operator opens and closes it; that, and what came from whom, is kept in
//! the state folder. What is written there is a help, not the truth: what counts is what lies there.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::AtFlags;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::deliveries::receipt::Code;
use super::landing::{LandError, in_the_way, rename_new, sync_folder};
use super::record_log;
use super::scan::{Met, Scan};
use super::stored::{StoredLoot, write_whole};
use super::{LootFile, LootFolder, OpenError};
use crate::wire::{Content, LootPath};

/// Names that are tried for a file before it is given up: `essay.odt`, `essay (2).odt`, …
pub(super) const NAMES_TRIED: usize = 1_000;
/// The log is written anew after so many records, or twice as many as there are files.
const COMPACT_FROM: usize = 2_000;

/// What is known of a file in the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name below the inbox: the date, then as it was called.
    pub path: Box<str>,
    /// Length in bytes.
    pub size_bytes: u64,
    /// When it arrived, in seconds since 1970.
    pub at: u64,
    /// Where it came from, and what its sender has as a receipt; none of what lies there otherwise.
    pub brought: Option<Brought>,
}

/// How a file came into the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// From which address.
    pub from: IpAddr,
    /// The code of the receipt.
    pub code: Code,
    /// What it held.
    pub content: Content,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Came(Item),
    Went { path: Box<str> },
}

/// A handle to the inbox; cheap to clone.
#[derive(Clone, Debug)]
pub struct Inbox {
    inner: Arc<Mutex<Inner>>,
    switch: Arc<PathBuf>,
    /// Wakes who shows it.
    changed: Arc<watch::Sender<u64>>,
}

#[derive(Debug)]
struct Inner {
    is_open: bool,
    items: BTreeMap<Box<str>, Item>,
    log: File,
    log_path: PathBuf,
    appended: usize,
}

impl Inbox {
    /// What is known of it. It is open if it was when somebody switched it last, or else as
    /// `is_open` says.
    ///
    /// # Errors
    /// When the state folder can be neither read nor written.
    pub fn open(stored: &StoredLoot, is_open: bool) -> io::Result<Self> {
        let log_path = stored.inbox_path();
        let mut items = BTreeMap::new();
        let damaged = record_log::read(&log_path, |record| apply(&mut items, record))?;
        if damaged > 0 {
            tracing::warn!(damaged, "the log of the inbox had damaged records, which are left out");
        }
        let log = write_anew(&log_path, &items)?;
        let switch = stored.inbox_switch_path();
        let is_open = read_switch(&switch)?.unwrap_or(is_open);
        let inner = Inner { is_open, items, log, log_path, appended: 0 };
        Ok(Self { inner: Arc::new(Mutex::new(inner)), switch: Arc::new(switch), changed: Arc::default() })
    }

    /// Whether others may send files now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.lock().is_open
    }

    /// Opens or closes it, also after a restart. Blocks.
    ///
    /// # Errors
    /// When that cannot be stored; it holds for this run all the same.
    pub fn switch(&self, open: bool) -> io::Result<()> {
        self.lock().is_open = open;
        self.wake();
        write_whole(&self.switch, if open { b"open\n" } else { b"closed\n" })
    }

    /// Files in it, and bytes in all, as far as is known.
    #[must_use]
    pub fn holds(&self) -> (usize, u64) {
        let inner = self.lock();
        let bytes = inner.items.values().fold(0_u64, |sum, item| sum.saturating_add(item.size_bytes));
        (inner.items.len(), bytes)
    }

    /// Looks what lies there now, the last first. Blocks.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn look(&self, folder: &LootFolder) -> io::Result<Vec<Item>> {
        let (seen, mut found) = (AtomicUsize::new(0), Vec::new());
        Scan::begin(folder, "", &seen, None)?.tell(1, &mut |met| {
            if let Met::File(path, facts) = met {
                found.push((Box::<str>::from(path), facts));
            }
        });
        let mut inner = self.lock();
        let known = std::mem::take(&mut inner.items);
        let is_there =
            |path: &str| LootPath::parse(path.as_bytes()).is_ok_and(|path| matches!(folder.facts(&path), Ok(Some(_))));
        let seen: HashSet<&str> = found.iter().map(|(path, _)| &**path).collect();
        let (new, known): (BTreeMap<_, _>, BTreeMap<_, _>) =
            known.into_iter().partition(|(path, _)| !seen.contains(&**path) && is_there(path));
        // What arrived while we looked.
        inner.items = new;
        for (path, facts) in found {
            let at = u64::try_from(facts.modified_ns / 1_000_000_000).unwrap_or(0);
            let same = known.get(&path).filter(|item| item.size_bytes == facts.size_bytes).cloned();
            let item =
                same.unwrap_or_else(|| Item { path: path.clone(), size_bytes: facts.size_bytes, at, brought: None });
            inner.items.insert(path, item);
        }
        let mut items: Vec<Item> = inner.items.values().cloned().collect();
        items.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.path.cmp(&b.path)));
        Ok(items)
    }

    /// A file arrived.
    pub(super) fn note(&self, item: Item) {
        self.lock().append(Record::Came(item));
        self.wake();
    }

    /// A receiver that wakes when something came or went, or it was opened or closed.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn wake(&self) {
        self.changed.send_modify(|version| *version = version.wrapping_add(1));
    }

    /// Opens a file of the inbox for reading. Blocks.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_file(&self, folder: &LootFolder, path: &LootPath) -> Result<LootFile, OpenError> {
        folder.open_file(path)
    }

    /// Deletes a file of the inbox. Blocks.
    ///
    /// # Errors
    /// When it is not there, or cannot be deleted.
    pub fn delete(&self, folder: &LootFolder, path: &LootPath) -> io::Result<()> {
        if folder.facts(path)?.is_none() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let parent = folder.open_folder(path.folder().unwrap_or_default())?;
        rustix::fs::unlinkat(&parent, path.file_name(), AtFlags::empty())?;
        self.went(folder, path);
        Ok(())
    }

    /// Moves a file out of the inbox into `to`, below the folder `below`: never over another. Returns
    /// its name there. Blocks.
    ///
    /// # Errors
    /// [`LandError`]; the file is where it was then.
    pub fn share(
        &self,
        folder: &LootFolder,
        path: &LootPath,
        to: &LootFolder,
        below: &str,
    ) -> Result<LootPath, LandError> {
        if folder.facts(path)?.is_none() {
            return Err(LandError::Vanished);
        }
        let wanted = name_outside(path, below)?;
        let from = folder.open_folder(path.folder().unwrap_or_default())?;
        let landed = first_free(&wanted, |wanted| {
            let (parent, grown) = to.make_parent(wanted).map_err(in_the_way)?;
            rename_new(&from, path.file_name(), &parent, wanted.file_name())?;
            Ok(grown.iter().chain([&parent]).try_for_each(sync_folder)?)
        })?;
        self.went(folder, path);
        Ok(landed)
    }

    /// It is not there any more, and neither are the folders that are empty now.
    fn went(&self, folder: &LootFolder, path: &LootPath) {
        self.lock().append(Record::Went { path: path.as_str().into() });
        self.wake();
        let mut below = path.folder();
        while let Some(name) = below {
            let (parent, last) = name.rsplit_once('/').unwrap_or(("", name));
            let removed = folder
                .open_folder(parent)
                .is_ok_and(|parent| rustix::fs::unlinkat(&parent, last, AtFlags::REMOVEDIR).is_ok());
            below = if removed && !parent.is_empty() { Some(parent) } else { None };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// A record that cannot be written is still kept in memory, and said.
    fn append(&mut self, record: Record) {
        if let Err(error) = record_log::write(&mut self.log, &record) {
            tracing::warn!(path = %self.log_path.display(), %error, "what came into the inbox cannot be noted");
            let _ = io::Write::write_all(&mut self.log, b"\n"); // what was half written must not spoil the next one
        }
        apply(&mut self.items, record);
        self.appended = self.appended.saturating_add(1);
        if self.appended > COMPACT_FROM.max(self.items.len().saturating_mul(2)) {
            self.appended = 0;
            match write_anew(&self.log_path, &self.items) {
                Ok(log) => self.log = log,
                Err(error) => {
                    tracing::warn!(path = %self.log_path.display(), %error, "the log of the inbox cannot be written anew");
                }
            }
        }
    }
}

/// Puts something under the first of its names that is free; which one that is.
///
/// # Errors
/// What `put` says, but that a name is taken: only when all are.
pub(super) fn first_free(
    wanted: &LootPath,
    mut put: impl FnMut(&LootPath) -> Result<(), LandError>,
) -> Result<LootPath, LandError> {
    for number in 1..=NAMES_TRIED {
        let path = match number {
            1 => wanted.clone(),
            _ => wanted.numbered(number).map_err(|_| LandError::Exists)?,
        };
        match put(&path) {
            Err(LandError::Exists) => {}
            other => return other.map(|()| path),
        }
    }
    Err(LandError::Exists)
}

/// Without the date.
fn name_outside(path: &LootPath, below: &str) -> Result<LootPath, LandError> {
    let name = path.as_str().split_once('/').map_or(path.as_str(), |(_, name)| name);
    let whole = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
    LootPath::parse(whole.as_bytes()).map_err(|why| LandError::Io(io::Error::other(format!("the name {why}"))))
}

fn apply(items: &mut BTreeMap<Box<str>, Item>, record: Record) {
    match record {
        Record::Came(item) => drop(items.insert(item.path.clone(), item)),
        Record::Went { path } => drop(items.remove(&path)),
    }
}

fn write_anew(path: &Path, items: &BTreeMap<Box<str>, Item>) -> io::Result<File> {
    record_log::write_anew(path, items.values().map(|item| Record::Came(item.clone())))
}

/// `None` before anybody switched it, and where the file says neither.
fn read_switch(path: &Path) -> io::Result<Option<bool>> {
    match std::fs::read(path) {
        Ok(text) => Ok(match text.trim_ascii() {
            b"open" => Some(true),
            b"closed" => Some(false),
            _ => None,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Room {
        _temp: tempfile::TempDir,
        stored: StoredLoot,
        inbox: LootFolder,
        loot: LootFolder,
    }

    fn room() -> Room {
        let temp = tempfile::tempdir().unwrap();
        let loot = temp.path().join("loot");
        std::fs::create_dir_all(loot.join(".boucan/inbox/2026-11-22/d")).unwrap();
        let stored = StoredLoot::open(&temp.path().join("state"), &loot).unwrap();
        let inbox = LootFolder::open(&loot.join(".boucan/inbox")).unwrap();
        Room { stored, inbox, loot: LootFolder::open(&loot).unwrap(), _temp: temp }
    }

    impl Room {
        fn put(&self, name: &str, content: &str) -> LootPath {
            std::fs::write(self.inbox.path().join(name), content).unwrap();
            LootPath::parse(name.as_bytes()).unwrap()
        }
    }

    fn item(path: &LootPath, size_bytes: u64) -> Item {
        let (from, content) = ("10.0.0.7".parse().unwrap(), Content::new([1; 32]));
        let brought = Some(Brought { from, code: Code::new().unwrap(), content });
        Item { path: path.as_str().into(), size_bytes, at: 7, brought }
    }

    #[test]
    fn it_stays_open_or_closed_as_somebody_switched_it() {
        let room = room();
        for started_open in [false, true] {
            assert_eq!(Inbox::open(&room.stored, started_open).unwrap().is_open(), started_open, "nobody switched it");
        }
        for switched in [true, false] {
            Inbox::open(&room.stored, false).unwrap().switch(switched).unwrap();
            assert_eq!(Inbox::open(&room.stored, !switched).unwrap().is_open(), switched);
        }
        std::fs::write(room.stored.inbox_switch_path(), "maybe").unwrap();
        assert!(!Inbox::open(&room.stored, false).unwrap().is_open());
    }

    #[test]
    fn what_came_is_known_after_a_restart_and_what_lies_there_counts() {
        let room = room();
        let (essay, photo) = (room.put("2026-11-22/essay", "12345"), room.put("2026-11-22/d/photo", "1"));
        let inbox = Inbox::open(&room.stored, true).unwrap();
        inbox.note(item(&essay, 5));
        inbox.note(item(&LootPath::parse(b"2026-11-22/gone").unwrap(), 9));
        let again = Inbox::open(&room.stored, true).unwrap();
        assert_eq!(again.holds(), (2, 14));
        let found = again.look(&room.inbox).unwrap();
        let told: Vec<(&str, bool)> = found.iter().map(|item| (&*item.path, item.brought.is_some())).collect();
        assert_eq!(told, [(photo.as_str(), false), (essay.as_str(), true)]);
        assert_eq!(again.holds(), (2, 6));
        room.put("2026-11-22/essay", "another one");
        assert!(again.look(&room.inbox).unwrap().iter().all(|item| item.brought.is_none()), "not what came");
    }

    #[test]
    fn a_shared_file_never_replaces_another() {
        let room = room();
        let path = room.put("2026-11-22/d/essay.odt", "theirs");
        std::fs::create_dir(room.loot.path().join("d")).unwrap();
        std::fs::write(room.loot.path().join("d/essay.odt"), "mine").unwrap();
        let inbox = Inbox::open(&room.stored, true).unwrap();
        inbox.note(item(&path, 6));
        let shared = inbox.share(&room.inbox, &path, &room.loot, "").unwrap();
        assert_eq!(shared.as_str(), "d/essay (2).odt");
        let read = |name: &str| std::fs::read_to_string(room.loot.path().join(name)).unwrap();
        assert_eq!((read("d/essay.odt"), read("d/essay (2).odt")), ("mine".into(), "theirs".into()));
        assert_eq!(inbox.holds().0, 0);
        assert!(!room.inbox.path().join("2026-11-22").exists(), "empty folders go with it");
        assert!(matches!(inbox.share(&room.inbox, &path, &room.loot, ""), Err(LandError::Vanished)));
        assert!(room.inbox.path().exists());
    }

    #[test]
    fn a_file_is_shared_below_a_folder_but_not_through_a_file() {
        let room = room();
        let path = room.put("2026-11-22/essay.odt", "theirs");
        std::fs::write(room.loot.path().join("taken"), "mine").unwrap();
        let inbox = Inbox::open(&room.stored, true).unwrap();
        assert!(matches!(inbox.share(&room.inbox, &path, &room.loot, "taken"), Err(LandError::InTheWay)));
        assert!(inbox.share(&room.inbox, &path, &room.loot, "../out").is_err());
        let shared = inbox.share(&room.inbox, &path, &room.loot, "Homework/Week 1").unwrap();
        assert_eq!(shared.as_str(), "Homework/Week 1/essay.odt");
    }

    #[test]
    fn a_deleted_file_is_gone_and_no_other() {
        let room = room();
        let (essay, photo) = (room.put("2026-11-22/essay", "1"), room.put("2026-11-22/photo", "2"));
        let inbox = Inbox::open(&room.stored, true).unwrap();
        inbox.delete(&room.inbox, &essay).unwrap();
        assert!(inbox.delete(&room.inbox, &essay).is_err());
        assert_eq!(inbox.look(&room.inbox).unwrap().first().map(|item| item.path.clone()), Some(photo.as_str().into()));
    }
}
