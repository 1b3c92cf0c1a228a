//! The store: the registry's rows in a redb file of the state folder.

use std::fs::File;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::SessionKey;
use super::tables::Proven;
use crate::wire::napster::{FileName, Md5, PeerAddress, SessionId};

/// The name of the file.
const FILE: &str = "directory.redb";
/// A file that cannot be read is kept under this name.
const BROKEN: &str = "directory.redb.broken";
/// Memory answers, so the store needs hardly any of its own.
const CACHE_BYTES: usize = 4 << 20;

/// Key → id, address and port as on the wire, host, proven halves (1: IPv4, 2: IPv6), seconds
/// since 1970.
const SESSIONS: TableDefinition<u64, (&str, &str, &str, u8, u64)> = TableDefinition::new("sessions");
/// Session and MD5 → sequence and name.
const ENTRIES: TableDefinition<(u64, &[u8; 16]), (u64, &str)> = TableDefinition::new("entries");
/// MD5 → how often it was fetched.
const DOWNLOADS: TableDefinition<&[u8; 16], u32> = TableDefinition::new("downloads");

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("another program holds {0}: two nodes cannot have one state folder")]
    InUse(PathBuf),
    /// It can be neither read nor made.
    #[error("the directory's store {0} cannot be used: {1}")]
    Io(PathBuf, #[source] std::io::Error),
    /// Nor can a new one.
    #[error("the directory's store {0} cannot be made: {1}")]
    Unusable(PathBuf, #[source] Box<redb::Error>),
}

/// What was stored.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) sessions: Vec<(SessionKey, StoredSession)>,
    pub(super) entries: Vec<StoredEntry>,
    pub(super) downloads: Vec<(Md5, u32)>,
}

/// A session's row.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredSession {
    pub(super) id: SessionId,
    pub(super) address: PeerAddress,
    pub(super) host: IpAddr,
    pub(super) proven: Proven,
    pub(super) since: SystemTime,
}

/// The row of an owner of a file.
#[derive(Clone, Debug)]
pub(super) struct StoredEntry {
    pub(super) key: SessionKey,
    pub(super) md5: Md5,
    pub(super) sequence: u64,
    pub(super) name: FileName,
}

/// Rows to write in one transaction; none: the row is to go.
#[derive(Debug)]
pub(super) struct Batch {
    /// All other rows are to go.
    pub(super) replaces_all: bool,
    pub(super) sessions: Vec<(SessionKey, Option<StoredSession>)>,
    pub(super) entries: Vec<((SessionKey, Md5), Option<StoredEntry>)>,
    pub(super) downloads: Vec<(Md5, Option<u32>)>,
}

/// An open store.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
}

impl Store {
    /// Opens the store of a state folder, or makes it. One that cannot be read is set aside.
    pub(super) fn open(folder: &Path) -> Result<(Self, Stored), StoreError> {
        let path = Self::path_in(folder);
        let error = match open_and_read(&path) {
            Ok((database, stored)) => return Ok((Self { database }, stored)),
            Err(error) => error,
        };
        match error {
            redb::Error::DatabaseAlreadyOpen => return Err(StoreError::InUse(path)),
            redb::Error::Io(error) if !is_of_the_content(&error) => return Err(StoreError::Io(path, error)),
            error => {
                tracing::warn!(file = %path.display(), %error, "the directory's store cannot be read: it is set aside");
            }
        }
        std::fs::rename(&path, folder.join(BROKEN)).map_err(|error| StoreError::Io(path.clone(), error))?;
        match open_and_read(&path) {
            Ok((database, stored)) => Ok((Self { database }, stored)),
            Err(error) => Err(StoreError::Unusable(path, Box::new(error))),
        }
    }

    /// Where the store of a state folder is.
    pub(super) fn path_in(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Opens a store that is to be written anew: after a failed write redb refuses all others.
    pub(super) fn reopen(path: &Path) -> Result<Self, redb::Error> {
        open_file(path).map(|database| Self { database })
    }

    /// Writes rows; after it they survive a crash.
    pub(super) fn commit(&self, batch: &Batch) -> Result<(), redb::Error> {
        let writing = self.database.begin_write()?;
        if batch.replaces_all {
            writing.delete_table(SESSIONS)?;
            writing.delete_table(ENTRIES)?;
            writing.delete_table(DOWNLOADS)?;
        }
        {
            let mut table = writing.open_table(SESSIONS)?;
            for (key, session) in &batch.sessions {
                match session {
                    None => _ = table.remove(key.0)?,
                    Some(session) => session.write(|row| table.insert(key.0, row).map(drop))?,
                }
            }
            let mut table = writing.open_table(ENTRIES)?;
            for ((key, md5), entry) in &batch.entries {
                let key = (key.0, md5.digest());
                match entry {
                    None => _ = table.remove(key)?,
                    Some(entry) => _ = table.insert(key, (entry.sequence, entry.name.as_str()))?,
                }
            }
            let mut table = writing.open_table(DOWNLOADS)?;
            for (md5, count) in &batch.downloads {
                match count {
                    None => _ = table.remove(md5.digest())?,
                    Some(count) => _ = table.insert(md5.digest(), count)?,
                }
            }
        }
        Ok(writing.commit()?)
    }
}

impl Batch {
    /// How many rows it writes.
    pub(super) fn rows(&self) -> usize {
        self.sessions.len().saturating_add(self.entries.len()).saturating_add(self.downloads.len())
    }
}

impl StoredSession {
    fn write<E>(&self, insert: impl FnOnce((&str, &str, &str, u8, u64)) -> Result<(), E>) -> Result<(), E> {
        let proven = u8::from(self.proven.v4) | u8::from(self.proven.v6) << 1;
        let since = self.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        insert((&self.id.to_string(), &self.address.to_string(), &self.host.to_string(), proven, since))
    }

    fn read((id, address, host, proven, since): (&str, &str, &str, u8, u64)) -> Option<Self> {
        Some(Self {
            id: SessionId::parse(id.as_bytes()).ok()?,
            address: PeerAddress::parse(address.as_bytes()).ok()?,
            host: host.parse().ok()?,
            proven: Proven { v4: proven & 1 != 0, v6: proven & 2 != 0 },
            since: SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since))?,
        })
    }
}

/// In a thread of its own: a file that was altered by others may make redb panic.
fn open_and_read(path: &Path) -> Result<(Database, Stored), redb::Error> {
    let path = path.to_owned();
    let reading = std::thread::spawn(move || {
        let database = open_file(&path)?;
        let stored = read(&database)?;
        Ok((database, stored))
    });
    reading.join().unwrap_or_else(|_| Err(redb::Error::Corrupted("reading it panicked".into())))
}

/// Sessions are secrets: the file is its owner's alone.
fn open_file(path: &Path) -> Result<Database, redb::Error> {
    let file = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let mut builder = Builder::new();
    // Verified whole: what a crash left is repaired, what somebody altered is refused.
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    let database = builder.create_with_backend(FileBackend::new(file)?)?;
    let writing = database.begin_write()?;
    writing.open_table(SESSIONS)?;
    writing.open_table(ENTRIES)?;
    writing.open_table(DOWNLOADS)?;
    writing.commit()?;
    Ok(database)
}

/// Rows that are not what they should be are left out.
fn read(database: &Database) -> Result<Stored, redb::Error> {
    let reading = database.begin_read()?;
    let mut stored = Stored::default();
    for row in reading.open_table(SESSIONS)?.iter()? {
        let (key, row) = row?;
        let session = StoredSession::read(row.value());
        stored.sessions.extend(session.map(|session| (SessionKey(key.value()), session)));
    }
    for row in reading.open_table(ENTRIES)?.iter()? {
        let (key, row) = row?;
        let ((key, md5), (sequence, name)) = (key.value(), row.value());
        let (key, md5) = (SessionKey(key), Md5::new(*md5));
        stored.entries.extend(FileName::new(name).ok().map(|name| StoredEntry { key, md5, sequence, name }));
    }
    for row in reading.open_table(DOWNLOADS)?.iter()? {
        let (md5, count) = row?;
        stored.downloads.push((Md5::new(*md5.value()), count.value()));
    }
    Ok(stored)
}

/// redb reports a file of another kind as an error of the input.
fn is_of_the_content(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
}
