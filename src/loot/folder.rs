//! The loot folder as a handle that cannot be left.
//!
//! Every file is opened below this handle, by [`LootPath`], with symbolic links refused at each
//! step (`openat2`, or a walk component by component where the kernel has none), never blocking
//! on a FIFO, and only when it is a regular file. Listing, serving and landing use these same
//! functions, so what one refuses no other lets through.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::residence::Residence;
use crate::wire::LootPath;

/// `openat2` answers EAGAIN when a rename passes by; so often we ask again.
const RESOLVE_ATTEMPTS: usize = 16;
/// No name leads out of the folder, and none through a link.
const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// Which file or folder it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

/// What `fstat` says of a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Length in bytes.
    pub size_bytes: u64,
    /// Last change of content, nanoseconds since 1970.
    pub modified_ns: i64,
    /// Last change of anything about it, nanoseconds since 1970. Programs cannot set it.
    pub changed_ns: i64,
    /// Which file it is.
    pub id: FileId,
}

impl FileFacts {
    /// Whether it is the same file with the same content, though it may have got another name: on
    /// most file systems that is a change.
    #[must_use]
    pub fn is_same_content(&self, other: &Self) -> bool {
        Self { changed_ns: other.changed_ns, ..*self } == *other
    }
}

/// A regular file of the loot, open for reading.
#[derive(Debug)]
pub struct LootFile {
    /// Open without `O_NONBLOCK` effects: regular files never block that way.
    pub file: File,
    /// As it was when opened.
    pub facts: FileFacts,
    /// Where its bytes are.
    pub residence: Residence,
}

impl LootFile {
    /// Whether it still is as it was when it was opened. Blocks.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        let now = rustix::fs::fstat(&self.file).ok().and_then(|stat| facts_of(&stat));
        now.is_some_and(|now| now.is_same_content(&self.facts))
    }
}

/// What keeps a file from standing under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A file, link or device where a folder is needed.
    OnTheWay,
    /// Something has the very name.
    InItsPlace,
}

/// Which folder it is, also after a restart of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderId {
    /// Device and inode.
    pub id: FileId,
    /// When it was made, nanoseconds since 1970; 0 where the file system does not tell.
    pub born_ns: i64,
}

impl FolderId {
    /// Device numbers change with a restart of the machine (btrfs, NFS, USB), so they do not count.
    /// The roots of file systems share their inode numbers, so the birth does.
    #[must_use]
    pub fn is_same_folder(self, other: Self) -> bool {
        self.id.inode == other.id.inode && self.born_ns == other.born_ns
    }
}

/// Why a file of the loot cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No such file, or a symbolic link on the way.
    #[error("there is no such file")]
    Missing,
    /// A folder, FIFO, socket or device.
    #[error("it is not a regular file")]
    NotAFile,
    /// The system refuses.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// An open folder, and where it was found.
#[derive(Debug)]
pub struct LootFolder {
    handle: OwnedFd,
    path: PathBuf,
    id: FolderId,
    residence: Residence,
}

impl LootFolder {
    /// Opens `path`, which may itself be reached through links: the operator named it.
    ///
    /// # Errors
    /// When it is no folder that can be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let handle = rustix::fs::open(&path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Self::opened(handle, path)
    }

    /// One that is open already, at `path`.
    ///
    /// # Errors
    /// When the system cannot tell which it is.
    pub(super) fn opened(handle: OwnedFd, path: PathBuf) -> io::Result<Self> {
        let id = FolderId { id: file_id(&rustix::fs::fstat(&handle)?), born_ns: born_ns(handle.as_fd()) };
        let residence = Residence::of(&handle);
        Ok(Self { handle, path, id, residence })
    }

    /// Where it was found, absolute.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which folder it is.
    #[must_use]
    pub fn id(&self) -> FolderId {
        self.id
    }

    /// Whether its path still leads to this very folder: false once it is unmounted, removed or
    /// replaced.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        rustix::fs::stat(&self.path).is_ok_and(|stat| file_id(&stat) == self.id.id)
    }

    /// Whether its file system is known to be on a disk or in the memory of this machine: nobody
    /// else changes it, and the system tells of all changes.
    #[must_use]
    pub fn is_of_this_machine(&self) -> bool {
        self.residence != Residence::Unknown
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// [`OpenError::Missing`] also for whatever lies behind a link; [`OpenError::NotAFile`].
    pub fn open_file(&self, path: &LootPath) -> Result<LootFile, OpenError> {
        let fd = self.resolve(path.as_str(), OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY).map_err(open_error)?;
        let facts = facts_of(&rustix::fs::fstat(&fd).map_err(io::Error::from)?).ok_or(OpenError::NotAFile)?;
        let is_beside = facts.id.device == self.id.id.device;
        let residence = if is_beside { self.residence } else { Residence::of(&fd) };
        Ok(LootFile { file: File::from(fd), facts, residence })
    }

    /// The same if no disk has to be waited for: none if it would have to be, or nobody knows.
    /// Neither another file system below this folder is asked, nor one that may be slow.
    ///
    /// # Errors
    /// As [`LootFolder::open_file`].
    pub fn open_cached(&self, path: &LootPath) -> Option<Result<LootFile, OpenError>> {
        if self.residence == Residence::Unknown {
            return None;
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let rules = BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::CACHED;
        let fd = match rustix::fs::openat2(&self.handle, path.as_str(), flags, Mode::empty(), rules) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Some(Err(OpenError::Missing)),
            // Not known without the disk, a name that leads elsewhere, a kernel older than 5.12.
            Err(_) => return None,
        };
        // The facts of what is open are in memory.
        let facts = facts_of(&rustix::fs::fstat(&fd).ok()?);
        let opened = facts.map(|facts| LootFile { file: File::from(fd), facts, residence: self.residence });
        Some(opened.ok_or(OpenError::NotAFile))
    }

    /// What is at `path`, without opening it; `None` for anything but a regular file.
    ///
    /// # Errors
    /// When the system cannot tell; a missing file is `Ok(None)`.
    pub fn facts(&self, path: &LootPath) -> io::Result<Option<FileFacts>> {
        match self.resolve(path.as_str(), OFlags::PATH) {
            Ok(fd) => Ok(facts_of(&rustix::fs::fstat(&fd)?)),
            Err(error) if is_missing(error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a folder below this one; the empty name is this one.
    ///
    /// # Errors
    /// When there is none, a link is on the way, or the system refuses.
    pub fn open_folder(&self, name: &str) -> io::Result<OwnedFd> {
        let name = if name.is_empty() { "." } else { name };
        Ok(self.resolve(name, OFlags::RDONLY | OFlags::DIRECTORY)?)
    }

    /// What would keep a new file from standing at `path`, listed or not: links, devices and empty
    /// folders count too.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn obstacle(&self, path: &LootPath) -> io::Result<Option<Obstacle>> {
        for (at, _) in path.as_str().match_indices('/') {
            match self.resolve(path.as_str().get(..at).unwrap_or_default(), OFlags::PATH | OFlags::DIRECTORY) {
                Ok(_) => {}
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::NOTDIR | Errno::LOOP) => return Ok(Some(Obstacle::OnTheWay)),
                Err(error) => return Err(error.into()),
            }
        }
        let parent = self.open_folder(path.folder().unwrap_or_default())?;
        match rustix::fs::statat(&parent, path.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(Some(Obstacle::InItsPlace)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the folder in which `path` is to be, making what is missing of it (mode 0755).
    /// Returns it with those folders that got a new entry, to be synced.
    ///
    /// # Errors
    /// `NotADirectory` when a file or link stands where a folder is needed.
    pub fn make_parent(&self, path: &LootPath) -> io::Result<(OwnedFd, Vec<OwnedFd>)> {
        let mut folder = self.handle.as_fd().try_clone_to_owned()?;
        let mut grown = Vec::new();
        for component in path.folder().into_iter().flat_map(|folder| folder.split('/')) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let next = match rustix::fs::openat(&folder, component, flags, Mode::empty()) {
                Err(Errno::NOENT) => {
                    match rustix::fs::mkdirat(&folder, component, Mode::from_raw_mode(0o755)) {
                        Ok(()) => grown.push(folder.try_clone()?),
                        Err(Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    rustix::fs::openat(&folder, component, flags, Mode::empty())?
                }
                other => other?,
            };
            folder = next;
        }
        Ok((folder, grown))
    }

    /// The handle itself, for the hidden spool.
    pub(super) fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    fn resolve(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        static HAS_OPENAT2: AtomicBool = AtomicBool::new(true);
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        if HAS_OPENAT2.load(Ordering::Relaxed) {
            match self.resolve_beneath(name, flags) {
                // Old kernels have no such call, some sandboxes forbid it.
                Err(Errno::NOSYS | Errno::PERM) => HAS_OPENAT2.store(false, Ordering::Relaxed),
                other => return other,
            }
        }
        self.resolve_stepwise(name, flags)
    }

    fn resolve_beneath(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let mut result = Err(Errno::AGAIN);
        for _ in 0..RESOLVE_ATTEMPTS {
            result = rustix::fs::openat2(&self.handle, name, flags, Mode::empty(), BENEATH);
            if !matches!(result, Err(Errno::AGAIN)) {
                break;
            }
        }
        result
    }

    /// Safe because `name` has no `..` and each step refuses links.
    fn resolve_stepwise(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let (folders, last) = name.rsplit_once('/').map_or((None, name), |(folders, last)| (Some(folders), last));
        let mut folder: Option<OwnedFd> = None;
        for component in folders.into_iter().flat_map(|f| f.split('/')) {
            let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let from = folder.as_ref().map_or(self.handle.as_fd(), AsFd::as_fd);
            folder = Some(rustix::fs::openat(from, component, step, Mode::empty())?);
        }
        let from = folder.as_ref().map_or(self.handle.as_fd(), AsFd::as_fd);
        let fd = rustix::fs::openat(from, last, flags, Mode::empty())?;
        if FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode).is_symlink() {
            return Err(Errno::LOOP); // O_PATH | O_NOFOLLOW opens the link itself
        }
        Ok(fd)
    }
}

/// The facts of one entry of an open folder, without following it; `None` when it is gone or no
/// regular file.
pub(super) fn facts_at(folder: BorrowedFd<'_>, name: &str) -> io::Result<Option<FileFacts>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(facts_of(&stat)),
        Err(error) if is_missing(error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The facts of a stat, if it is of a regular file.
#[allow(clippy::unnecessary_cast, clippy::useless_conversion)] // the types of a stat differ between systems
pub(super) fn facts_of(stat: &rustix::fs::Stat) -> Option<FileFacts> {
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        return None;
    }
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Some(FileFacts {
        size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
        modified_ns: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        changed_ns: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        id: file_id(stat),
    })
}

#[allow(clippy::unnecessary_cast)] // the types of a stat differ between systems
fn file_id(stat: &rustix::fs::Stat) -> FileId {
    FileId { device: stat.st_dev as u64, inode: stat.st_ino as u64 }
}

fn born_ns(folder: BorrowedFd<'_>) -> i64 {
    use rustix::fs::StatxFlags;
    let about = rustix::fs::statx(folder, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME);
    let born = about.ok().filter(|about| StatxFlags::from_bits_retain(about.stx_mask).contains(StatxFlags::BTIME));
    born.map_or(0, |about| {
        about.stx_btime.tv_sec.saturating_mul(1_000_000_000).saturating_add(i64::from(about.stx_btime.tv_nsec))
    })
}

fn is_missing(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::XDEV)
}

fn open_error(error: Errno) -> OpenError {
    match error {
        Errno::NXIO | Errno::NODEV => OpenError::NotAFile, // a socket, a device without driver
        error if is_missing(error) => OpenError::Missing,
        error => OpenError::Io(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn path(name: &str) -> LootPath {
        LootPath::parse(name.as_bytes()).unwrap()
    }

    fn folder_with_oddities() -> (tempfile::TempDir, LootFolder) {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("loot");
        std::fs::create_dir_all(root.join("d")).unwrap();
        std::fs::write(temp.path().join("secret"), "secret").unwrap();
        std::fs::write(root.join("d/a.txt"), "hello").unwrap();
        symlink("../secret", root.join("out")).unwrap();
        symlink("d/a.txt", root.join("inside")).unwrap();
        symlink("d", root.join("dlink")).unwrap();
        symlink(temp.path(), root.join("up")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        let folder = LootFolder::open(&root).unwrap();
        (temp, folder)
    }

    #[test]
    fn a_regular_file_opens_and_nothing_else_does() {
        let (_temp, folder) = folder_with_oddities();
        assert_eq!(folder.open_file(&path("d/a.txt")).unwrap().facts.size_bytes, 5);
        for name in ["out", "inside", "dlink/a.txt", "up/secret", "dangling", "nothing", "d/a.txt/x"] {
            assert!(matches!(folder.open_file(&path(name)), Err(OpenError::Missing)), "{name}");
            assert_eq!(folder.facts(&path(name)).unwrap(), None, "{name}");
        }
        for name in ["fifo", "socket", "d"] {
            assert!(matches!(folder.open_file(&path(name)), Err(OpenError::NotAFile)), "{name}");
        }
    }

    #[test]
    fn what_is_opened_without_the_disk_is_what_would_be_opened_with_it() {
        let (_temp, folder) = folder_with_oddities();
        let names = ["d/a.txt", "out", "inside", "dlink/a.txt", "up/secret", "dangling", "nothing", "d/a.txt/x"];
        let others = ["fifo", "socket", "d", "d/nothing"];
        for name in names.into_iter().chain(others) {
            let with = folder.open_file(&path(name));
            match (folder.open_cached(&path(name)), &with) {
                (None, _) => {}
                (Some(Ok(cached)), Ok(opened)) => assert_eq!(cached.facts, opened.facts, "{name}"),
                (Some(Err(cached)), Err(error)) => assert_eq!(cached.to_string(), error.to_string(), "{name}"),
                (cached, with) => panic!("{name}: {cached:?}, but {with:?}"),
            }
        }
        if folder.residence != Residence::Unknown {
            let cached = folder.open_cached(&path("d/a.txt")).expect("it was just opened").unwrap();
            assert_eq!((cached.facts.size_bytes, cached.residence), (5, folder.residence));
        }
    }

    #[test]
    fn without_openat2_the_same_is_refused() {
        let (_temp, folder) = folder_with_oddities();
        assert!(folder.resolve_stepwise("d/a.txt", OFlags::RDONLY | OFlags::NOFOLLOW).is_ok());
        for name in ["out", "inside", "dlink/a.txt", "up/secret", "dangling"] {
            for flags in [OFlags::RDONLY, OFlags::PATH] {
                assert!(folder.resolve_stepwise(name, flags | OFlags::NOFOLLOW).is_err(), "{name} {flags:?}");
            }
        }
    }

    #[test]
    fn a_missing_folder_on_the_way_is_made_but_a_link_is_not_followed() {
        let (temp, folder) = folder_with_oddities();
        let (_, grown) = folder.make_parent(&path("x/y/z.txt")).unwrap();
        assert_eq!(grown.len(), 2);
        assert!(temp.path().join("loot/x/y").is_dir());
        for name in ["up/escaped/z.txt", "dlink/n/z.txt", "d/a.txt/z.txt"] {
            assert!(folder.make_parent(&path(name)).is_err(), "{name}");
        }
        assert!(!temp.path().join("escaped").exists());
    }

    #[test]
    fn what_is_not_listed_is_in_the_way_all_the_same() {
        let (temp, folder) = folder_with_oddities();
        std::fs::create_dir(temp.path().join("loot/empty")).unwrap();
        for (name, expected) in [
            ("new", None),
            ("new/deep/file", None),
            ("d/new", None),
            ("dangling", Some(Obstacle::InItsPlace)),
            ("fifo", Some(Obstacle::InItsPlace)),
            ("empty", Some(Obstacle::InItsPlace)),
            ("dlink/new", Some(Obstacle::OnTheWay)),
            ("d/a.txt/new", Some(Obstacle::OnTheWay)),
        ] {
            assert_eq!(folder.obstacle(&path(name)).unwrap(), expected, "{name}");
        }
    }

    #[test]
    fn a_folder_that_was_replaced_is_not_in_place() {
        let (temp, folder) = folder_with_oddities();
        assert!(folder.is_in_place());
        std::fs::rename(temp.path().join("loot"), temp.path().join("moved")).unwrap();
        assert!(!folder.is_in_place());
        std::fs::create_dir(temp.path().join("loot")).unwrap();
        assert!(!folder.is_in_place());
    }
}
