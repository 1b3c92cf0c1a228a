//! The spool: where fetched bytes lie until the file is whole.
//!
//! A hidden folder on the same file system (`.boucan/spool`), each download in a file named after
//! what it is, with a note beside it, so that a restart finds it and goes on. What nothing can
//! continue does not stay.

mod content;
pub mod pieces;

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use uuid::Uuid;

use self::content::Hashed;
use super::folder::{LootFolder, facts_at};
use super::kept::Kept;
use crate::wire::Content;

/// The hidden folder of a loot folder; a leading dot keeps it out of every index.
pub const HIDDEN: &str = ".boucan";
/// What was received is made durable each time so much has come.
const SYNC_EVERY_BYTES: u64 = 64 << 20;
/// What `st_blocks` counts, on all systems.
const BLOCK_BYTES: u64 = 512;
/// Smaller files are fetched again after a restart: a note would cost more than it saves.
const NOTED_FROM_BYTES: u64 = 256 * 1024;
/// A download that nobody continued for so long is swept at start.
const KEEP_UNFINISHED: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a download is of; it names the spool file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartKey {
    /// The name under which it will land.
    pub path: Box<str>,
    /// Its whole length.
    pub size_bytes: u64,
    /// The neighbour it comes from: two sources are never mixed. Nil where each piece is verified by
    /// itself, whoever gave it.
    pub origin: Uuid,
    /// What it must hold, where that is told. Two contents are never mixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

/// How the source named the version that is being fetched, for asking on after a break.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// The `ETag`, if it is a strong one.
    pub etag: Option<String>,
    /// The `Last-Modified` line.
    pub last_modified: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) key: PartKey,
    validators: Validators,
    /// Bytes that survive even a power cut.
    durable_bytes: u64,
    boot: String,
    /// It comes piece by piece, in any order: what is right of it is found by reading it.
    #[serde(default)]
    in_pieces: bool,
}

/// The hidden place for unfinished downloads.
#[derive(Clone, Debug)]
pub struct Spool {
    pub(super) folder: Arc<LootFolder>,
    pub(super) handle: Arc<OwnedFd>,
}

/// One unfinished download.
#[derive(Debug)]
pub struct Part {
    pub(super) spool: Spool,
    pub(super) id: String,
    pub(super) file: File,
    pub(super) received_bytes: u64,
    pub(super) note: Note,
    /// What is here, as far as it was hashed.
    hashed: Hashed,
    /// Its file is another's for a moment, exchanged with ours: never to be removed then.
    pub(super) holds_another: bool,
}

impl Spool {
    /// Opens or makes the spool of a loot folder, and sweeps what nothing can continue.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(folder: Arc<LootFolder>) -> io::Result<Self> {
        let hidden = make_private(folder.handle().try_clone_to_owned()?, HIDDEN)?;
        let handle = Arc::new(make_private(hidden, "spool")?);
        let spool = Self { folder, handle };
        spool.sweep()?;
        Ok(spool)
    }

    /// The folder it belongs to.
    #[must_use]
    pub fn folder(&self) -> &Arc<LootFolder> {
        &self.folder
    }

    /// Where files are kept in whose place others come.
    pub(super) fn kept(&self) -> io::Result<Kept> {
        let hidden = make_private(self.folder.handle().try_clone_to_owned()?, HIDDEN)?;
        Ok(Kept(make_private(hidden, "replaced")?))
    }

    /// The download of `key`: what an earlier run received of it, or a new one.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn part(&self, key: &PartKey) -> io::Result<Part> {
        let (id, file) = self.open_file(key)?;
        let note = self.read_note(&id).filter(|note| note.key == *key).unwrap_or_else(|| Note::new(key));
        let mut part = Part::new(self, id, file, note);
        let length = part.file.metadata()?.len();
        // After a power cut the length may be ahead of the content.
        let trusted = if part.note.boot == boot_id() { length } else { length.min(part.note.durable_bytes) };
        part.received_bytes = if trusted > key.size_bytes { 0 } else { trusted };
        part.file.set_len(part.received_bytes)?;
        Ok(part)
    }

    fn open_file(&self, key: &PartKey) -> io::Result<(String, File)> {
        let id = part_id(key);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&*self.handle, format!("{id}.part"), flags, Mode::from_raw_mode(0o600))?;
        Ok((id, File::from(file)))
    }

    /// Bytes that an earlier run received of `key`: what it takes on the disk, holes left out.
    #[must_use]
    pub fn here_bytes(&self, key: &PartKey) -> u64 {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = rustix::fs::statat(&*self.handle, format!("{}.part", part_id(key)), flags).ok();
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        stat.map_or(0, |stat| number(stat.st_size).min(number(stat.st_blocks).saturating_mul(BLOCK_BYTES)))
    }

    fn read_note(&self, id: &str) -> Option<Note> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&*self.handle, format!("{id}.note"), flags, Mode::empty()).ok()?);
        serde_json::from_reader(io::Read::take(file, 64 * 1024)).ok()
    }

    /// Makes a note survive even a power cut.
    fn sync_note(&self, id: &str) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let note = rustix::fs::openat(&*self.handle, format!("{id}.note"), flags, Mode::empty())?;
        rustix::fs::fsync(note)?;
        Ok(rustix::fs::fsync(&*self.handle)?)
    }

    /// Removes the parts that `keep` does not want kept. Returns how many bytes are left in those
    /// that are not `active`.
    ///
    /// # Errors
    /// When the spool cannot be read.
    pub fn tidy(&self, active: impl Fn(&PartKey) -> bool, keep: impl Fn(&PartKey) -> bool) -> io::Result<u64> {
        let mut left_bytes = 0_u64;
        for entry in Dir::read_from(&*self.handle)? {
            let entry = entry?;
            let name = entry.file_name().to_str().unwrap_or_default();
            let Some(id) = name.strip_suffix(".note") else { continue };
            let Some(note) = self.read_note(id).filter(|note| !active(&note.key)) else { continue };
            if keep(&note.key) {
                left_bytes = left_bytes.saturating_add(self.here_bytes(&note.key));
            } else {
                let remove = |name: &str| rustix::fs::unlinkat(&*self.handle, name, AtFlags::empty());
                let _ = remove(&format!("{id}.part"));
                remove(name)?;
            }
        }
        Ok(left_bytes)
    }

    /// Removes what has no note, is no download, or rests too long.
    fn sweep(&self) -> io::Result<()> {
        let now = SystemTime::now();
        for entry in Dir::read_from(&*self.handle)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let id = name.strip_suffix(".part").or_else(|| name.strip_suffix(".note")).unwrap_or_default();
            let known = self.read_note(id).is_some_and(|note| part_id(&note.key) == id);
            let age = facts_at(self.handle.as_fd(), name)?.map(|facts| {
                let modified = Duration::from_nanos(u64::try_from(facts.modified_ns).unwrap_or(0));
                now.duration_since(SystemTime::UNIX_EPOCH + modified).unwrap_or_default()
            });
            if age.is_some_and(|age| !known || age > KEEP_UNFINISHED) {
                rustix::fs::unlinkat(&*self.handle, name, AtFlags::empty())?;
            }
        }
        Ok(())
    }
}

impl Note {
    fn new(key: &PartKey) -> Self {
        let (key, validators, boot) = (key.clone(), Validators::default(), boot_id());
        Self { key, validators, durable_bytes: 0, boot, in_pieces: false }
    }
}

impl Part {
    fn new(spool: &Spool, id: String, file: File, note: Note) -> Self {
        let hashed = Hashed::default();
        Self { spool: spool.clone(), id, file, received_bytes: 0, note, hashed, holds_another: false }
    }

    /// Bytes that are here.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// How the source named the version that was begun.
    #[must_use]
    pub fn validators(&self) -> &Validators {
        &self.note.validators
    }

    /// Begins again from nothing, with the version so named.
    ///
    /// # Errors
    /// When the spool cannot be written.
    pub fn restart(&mut self, validators: Validators) -> io::Result<()> {
        self.file.set_len(0)?;
        self.received_bytes = 0;
        self.hashed = Hashed::default();
        self.note.validators = validators;
        self.note.durable_bytes = 0;
        self.note.boot = boot_id();
        if self.note.key.size_bytes < NOTED_FROM_BYTES {
            return Ok(());
        }
        self.write_note()
    }

    /// Appends what came.
    ///
    /// # Errors
    /// When the disk is full, for instance; what came before stays.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        use std::os::unix::fs::FileExt as _;
        self.file.write_all_at(bytes, self.received_bytes)?;
        if self.hashed.bytes == self.received_bytes {
            self.hashed.take(bytes);
        }
        self.received_bytes = self.received_bytes.saturating_add(bytes.len() as u64);
        if self.received_bytes.saturating_sub(self.note.durable_bytes) >= SYNC_EVERY_BYTES {
            self.file.sync_data()?;
            self.note.durable_bytes = self.received_bytes;
            self.write_note()?;
        }
        Ok(())
    }

    /// Gives the download up.
    pub fn discard(mut self) {
        self.note.validators = Validators::default();
        self.note.in_pieces = false;
    }

    /// Whether a later download can go on from here: something came of a version that has a name,
    /// and there is a note of it.
    fn can_be_continued(&self) -> bool {
        if self.note.in_pieces {
            return self.file.metadata().is_ok_and(|here| std::os::unix::fs::MetadataExt::blocks(&here) > 0);
        }
        self.received_bytes > 0
            && self.note.validators != Validators::default()
            && self.note.key.size_bytes >= NOTED_FROM_BYTES
    }

    fn write_note(&self) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let temporary = format!("{}.new", self.id);
        let spool = &*self.spool.handle;
        let mut file =
            File::from(rustix::fs::openat(spool, &temporary, flags | OFlags::TRUNC, Mode::from_raw_mode(0o600))?);
        file.write_all(&serde_json::to_vec(&self.note)?)?;
        Ok(rustix::fs::renameat(spool, &temporary, spool, format!("{}.note", self.id))?)
    }

    pub(super) fn remove_note(&self) {
        if self.note.key.size_bytes < NOTED_FROM_BYTES {
            return;
        }
        let _ = rustix::fs::unlinkat(&*self.spool.handle, format!("{}.note", self.id), AtFlags::empty());
    }
}

impl Drop for Part {
    /// What nothing can continue does not stay: a neighbour that lists a million files it has
    /// not would fill the spool with their names.
    fn drop(&mut self) {
        if self.holds_another || self.can_be_continued() {
            return;
        }
        self.remove_note();
        let _ = rustix::fs::unlinkat(&*self.spool.handle, format!("{}.part", self.id), AtFlags::empty());
    }
}

pub(super) fn make_private(parent: OwnedFd, name: &str) -> io::Result<OwnedFd> {
    match rustix::fs::mkdirat(&parent, name, Mode::from_raw_mode(0o700)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(&parent, name, flags, Mode::empty())?;
    drop(parent);
    Ok(handle)
}

fn part_id(key: &PartKey) -> String {
    let content = key.content.map(|content| format!("\n{content}")).unwrap_or_default();
    let digest = Sha1::digest(format!("{}\n{}\n{}{content}", key.path, key.size_bytes, key.origin));
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// Another boot means that unsynced bytes may be lost.
pub(super) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::loot) fn spool() -> (tempfile::TempDir, Spool) {
        let temp = tempfile::tempdir().unwrap();
        let folder = Arc::new(LootFolder::open(temp.path()).unwrap());
        let spool = Spool::open(folder).unwrap();
        (temp, spool)
    }

    pub(in crate::loot) fn key(path: &str, size_bytes: u64) -> PartKey {
        PartKey { path: path.into(), size_bytes, origin: Uuid::nil(), content: None }
    }

    #[test]
    fn a_restart_goes_on_where_it_was() {
        let (_temp, spool) = spool();
        let mut part = spool.part(&key("a", 1_000_000)).unwrap();
        let validators = Validators { etag: Some("\"x\"".into()), last_modified: None };
        part.restart(validators.clone()).unwrap();
        part.append(b"12345").unwrap();
        drop(part);
        let again = Spool::open(spool.folder().clone()).unwrap().part(&key("a", 1_000_000)).unwrap();
        assert_eq!((again.received_bytes(), again.validators()), (5, &validators));
        assert_eq!(spool.part(&key("a", 1_000_001)).unwrap().received_bytes(), 0);
    }

    #[test]
    fn two_contents_of_one_name_and_size_have_a_part_each() {
        let (_temp, spool) = spool();
        let key_of = |byte| PartKey { content: Some(Content::new([byte; 32])), ..key("a", 1_000_000) };
        let mut part = spool.part(&key_of(1)).unwrap();
        part.restart(Validators { etag: Some("\"x\"".into()), last_modified: None }).unwrap();
        part.append(b"12345").unwrap();
        drop(part);
        assert_eq!([key_of(1), key_of(2), key("a", 1_000_000)].map(|key| spool.here_bytes(&key)), [5, 0, 0]);
    }

    #[test]
    fn what_is_not_wanted_any_more_goes_and_the_rest_is_counted() {
        let (temp, spool) = spool();
        for (path, size_bytes) in [("wanted", 1_000_000), ("active", 1_000_000), ("here already", 1_000_000)] {
            let mut part = spool.part(&key(path, size_bytes)).unwrap();
            part.restart(Validators { etag: Some("\"x\"".into()), last_modified: None }).unwrap();
            part.append(&[7; 1000]).unwrap();
        }
        let left = spool.tidy(|key| &*key.path == "active", |key| &*key.path == "wanted").unwrap();
        assert_eq!(left, 1000);
        assert_eq!(std::fs::read_dir(temp.path().join(".boucan/spool")).unwrap().count(), 4);
    }

    #[test]
    fn what_nothing_can_continue_is_swept() {
        let (temp, spool) = spool();
        for name in ["stray", "0123.part", "0123.note"] {
            std::fs::write(temp.path().join(".boucan/spool").join(name), "x").unwrap();
        }
        Spool::open(spool.folder().clone()).unwrap();
        assert_eq!(std::fs::read_dir(temp.path().join(".boucan/spool")).unwrap().count(), 0);
    }
}
