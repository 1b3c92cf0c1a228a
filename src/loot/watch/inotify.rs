//! Watching by inotify: one watch a folder.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, WatchFlags};
use rustix::fs::{Dir, FileType};
use rustix::io::Errno;

use super::{News, hint_of};
use crate::loot::LootFolder;
use crate::loot::hints::{Hint, Hints};
use crate::wire::LootPath;
use crate::wire::loot_path::PATH_MAX_COMPONENTS;

/// Events that are read at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Watches a folder for as long as it lives.
#[derive(Debug)]
pub struct FolderWatch {
    watched: Arc<Watched>,
}

impl FolderWatch {
    /// Begins to watch `folder` alone; what is below it as [`FolderWatch::note_folder`] is told.
    ///
    /// # Errors
    /// When the system's limit of watches is reached, for instance.
    pub fn start(folder: &Arc<LootFolder>, hints: Hints) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC)?;
        let (folder, folders) = (folder.clone(), Mutex::default());
        let watched = Arc::new(Watched { inotify, folder, folders, failed: OnceLock::new() });
        let root = watched.add("", watched.folder.open_folder("")?.as_fd())?;
        watched.lock().root = Some(root);
        let listener = watched.clone();
        std::thread::Builder::new().name("loot-watch".into()).spawn(move || listener.listen(&hints))?;
        Ok(Self { watched })
    }

    /// A folder is about to be read, by that name.
    pub fn note_folder(&self, name: &str, folder: BorrowedFd<'_>) {
        self.watched.note(name, folder);
    }

    /// Why not all is watched that should be.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        self.watched.failed.get().map(|why| &**why)
    }
}

impl Drop for FolderWatch {
    fn drop(&mut self) {
        let mut folders = self.watched.lock();
        folders.ended = true;
        // The system's last word of it wakes the thread, if none before it does.
        let _ = folders.root.map(|root| inotify::remove_watch(&self.watched.inotify, root));
    }
}

#[derive(Debug)]
struct Watched {
    inotify: OwnedFd,
    folder: Arc<LootFolder>,
    folders: Mutex<Folders>,
    failed: OnceLock<Box<str>>,
}

#[derive(Debug, Default)]
struct Folders {
    /// By the system's number of the watch.
    names: HashMap<i32, Box<str>>,
    root: Option<i32>,
    ended: bool,
}

impl Watched {
    fn listen(&self, hints: &Hints) {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER_BYTES];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        loop {
            match events.next() {
                Ok(event) if self.take(&event, hints) => {}
                Ok(_) => return,
                Err(Errno::INTR) => {}
                Err(error) => {
                    self.fail(&error.into());
                    return hints.send(Hint::Rescan);
                }
            }
        }
    }

    /// Makes a hint of an event. False when no more will come.
    fn take(&self, event: &Event<'_>, hints: &Hints) -> bool {
        let flags = event.events();
        let mut folders = self.lock();
        // The last word may be lost: the system's queue has an end.
        if folders.ended {
            return false;
        }
        let is_root = folders.root == Some(event.wd());
        if flags.contains(ReadFlags::IGNORED) {
            folders.names.remove(&event.wd());
            if is_root {
                folders.root = None;
                hints.send(Hint::Rescan);
            }
            return !is_root;
        }
        let went = flags.intersects(ReadFlags::MOVE_SELF | ReadFlags::DELETE_SELF);
        if flags.intersects(ReadFlags::QUEUE_OVERFLOW | ReadFlags::UNMOUNT) || (is_root && went) {
            hints.send(Hint::Rescan);
        }
        let (Some(folder), Some(file)) = (folders.names.get(&event.wd()), event.file_name()) else { return true };
        let name = joined(folder, file.to_bytes());
        let is_folder = flags.contains(ReadFlags::ISDIR);
        if is_folder && flags.contains(ReadFlags::MOVED_FROM) {
            self.forget_below(&mut folders, &name);
        }
        drop(folders);
        if is_folder && flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            self.follow(&name);
        }
        hint_of(&name, news_of(flags)).into_iter().for_each(|hint| hints.send(hint));
        true
    }

    /// A folder came. It is watched at once, with all below it, so that what is written into it is
    /// known to be in writing before anybody looks.
    fn follow(&self, name: &[u8]) {
        let mut pending: Vec<LootPath> = listed(name).into_iter().collect();
        while let Some(path) = pending.pop() {
            let Ok(handle) = self.folder.open_folder(path.as_str()) else { continue };
            self.note(path.as_str(), handle.as_fd());
            let (Ok(mut entries), true) = (Dir::new(handle), path.components().count() < PATH_MAX_COMPONENTS) else {
                continue;
            };
            while let Some(Ok(entry)) = entries.read() {
                if matches!(entry.file_type(), FileType::Directory | FileType::Unknown) {
                    // `.` and `..` are no names, and what is no folder does not open as one.
                    let below = joined(path.as_str(), entry.file_name().to_bytes());
                    pending.extend(listed(&below));
                }
            }
        }
    }

    fn note(&self, name: &str, folder: BorrowedFd<'_>) {
        if self.failed.get().is_some() {
            return;
        }
        match self.add(name, folder) {
            Ok(_) => {}
            // Removed meanwhile: its parent tells of it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_removed(folder) => {}
            Err(error) => self.fail(&error),
        }
    }

    /// By the open folder itself: whatever has its name now does not matter.
    fn add(&self, name: &str, folder: BorrowedFd<'_>) -> io::Result<i32> {
        let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
        let mut wanted = WatchFlags::CREATE | WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE | WatchFlags::ATTRIB;
        wanted |= WatchFlags::MOVE | WatchFlags::DELETE | WatchFlags::ONLYDIR;
        if name.is_empty() {
            wanted |= WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
        }
        // Who reads an event of it waits until its name is known.
        let mut folders = self.lock();
        let number = inotify::add_watch(&self.inotify, path, wanted)?;
        if folders.names.get(&number).is_none_or(|known| **known != *name) {
            folders.names.insert(number, name.into());
        }
        Ok(number)
    }

    /// Where a folder went that was moved away, a look there finds out, if it is here at all.
    fn forget_below(&self, folders: &mut Folders, name: &[u8]) {
        let is_in =
            |folder: &str| folder.as_bytes().strip_prefix(name).is_some_and(|rest| matches!(rest, [] | [b'/', ..]));
        folders.names.retain(|number, folder| {
            let is_in = is_in(folder);
            if is_in {
                let _ = inotify::remove_watch(&self.inotify, *number);
            }
            !is_in
        });
    }

    fn fail(&self, error: &io::Error) {
        let why = if error.raw_os_error() == Some(Errno::NOSPC.raw_os_error()) {
            "the system's limit of watched folders is reached (fs.inotify.max_user_watches)".into()
        } else {
            error.to_string()
        };
        let _ = self.failed.set(why.into());
    }

    fn lock(&self) -> MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn joined(folder: &str, file: &[u8]) -> Vec<u8> {
    if folder.is_empty() { file.to_vec() } else { [folder.as_bytes(), b"/", file].concat() }
}

/// A folder that a walk would read.
fn listed(name: &[u8]) -> Option<LootPath> {
    LootPath::parse(name).ok().filter(|path| path.listable().is_ok())
}

fn is_removed(folder: BorrowedFd<'_>) -> bool {
    rustix::fs::fstat(folder).is_ok_and(|stat| stat.st_nlink == 0)
}

fn news_of(flags: ReadFlags) -> News {
    let is_made = flags.contains(ReadFlags::CREATE) && !flags.contains(ReadFlags::ISDIR);
    if flags.contains(ReadFlags::CLOSE_WRITE) {
        News::Whole
    } else if is_made || flags.contains(ReadFlags::MODIFY) {
        News::BeingWritten
    } else {
        News::Changed
    }
}

#[cfg(test)]
mod tests;
