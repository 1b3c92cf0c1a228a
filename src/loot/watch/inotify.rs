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
mod tests {
    use super::*;
    use crate::loot::hints::{Gathered, Gatherer, hints};
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;
    use std::sync::Weak;
    use std::time::{Duration, Instant};

    fn watch(root: &Path) -> (FolderWatch, Gatherer) {
        let (hints, gatherer) = hints();
        let folder = Arc::new(LootFolder::open(root).unwrap());
        (FolderWatch::start(&folder, hints).unwrap(), gatherer)
    }

    /// Gathers until all these names were told of.
    #[track_caller]
    fn wait_for(gatherer: &mut Gatherer, names: &[&str]) {
        let mut missing: Vec<&str> = names.to_vec();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !missing.is_empty() {
            assert!(Instant::now() < deadline, "nobody told of {missing:?}");
            match gatherer.gather(deadline, None) {
                Gathered::Look(told) => missing.retain(|name| !told.contains(*name)),
                other => panic!("{other:?} while {missing:?}"),
            }
        }
    }

    #[test]
    fn what_happens_in_a_folder_is_told_and_in_those_that_come_too() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        let (_watch, mut gatherer) = watch(root);
        fs::write(root.join("a"), "x").unwrap();
        wait_for(&mut gatherer, &["a"]);
        fs::create_dir_all(root.join("d/e/f")).unwrap();
        wait_for(&mut gatherer, &["d"]);
        fs::write(root.join("d/e/f/b"), "x").unwrap();
        wait_for(&mut gatherer, &["d/e/f/b"]);
        fs::rename(root.join("a"), root.join("d/a")).unwrap();
        wait_for(&mut gatherer, &["a", "d/a"]);
        fs::remove_file(root.join("d/a")).unwrap();
        wait_for(&mut gatherer, &["d/a"]);
    }

    #[test]
    fn a_folder_that_was_renamed_is_told_of_by_its_new_name_and_one_that_left_no_more() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("loot");
        fs::create_dir_all(root.join("d/e")).unwrap();
        let (watch, mut gatherer) = watch(&root);
        watch.watched.follow(b"d");
        fs::rename(root.join("d"), root.join("n")).unwrap();
        wait_for(&mut gatherer, &["d", "n"]);
        fs::write(root.join("n/e/x"), "x").unwrap();
        wait_for(&mut gatherer, &["n/e/x"]);
        fs::rename(root.join("n"), temp.path().join("away")).unwrap();
        wait_for(&mut gatherer, &["n"]);
        let folders: Vec<Box<str>> = watch.watched.lock().names.values().cloned().collect();
        assert_eq!(folders, ["".into()]);
    }

    #[test]
    fn our_own_spool_and_mere_reading_are_no_news() {
        let temp = tempfile::tempdir().unwrap();
        fs::create_dir_all(temp.path().join(".boucan/spool")).unwrap();
        fs::write(temp.path().join("a"), "x").unwrap();
        let (watch, mut gatherer) = watch(temp.path());
        watch.watched.follow(b".boucan");
        let long = "x".repeat(250);
        fs::create_dir(temp.path().join(&long)).unwrap();
        wait_for(&mut gatherer, &[&long]);
        watch.watched.follow(long.as_bytes());
        fs::write(temp.path().join(&long).join("y"), "x").unwrap();
        fs::write(temp.path().join(".boucan/spool/x.part"), "x").unwrap();
        fs::write(temp.path().join(".hidden"), "x").unwrap();
        fs::read(temp.path().join("a")).unwrap();
        fs::write(temp.path().join("b"), "x").unwrap();
        let told = gatherer.gather(Instant::now() + Duration::from_secs(20), None);
        assert_eq!(told, Gathered::Look(["b".into()].into()));
    }

    #[track_caller]
    fn wait_for_end(watched: &Weak<Watched>) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while watched.upgrade().is_some() {
            assert!(Instant::now() < deadline, "the thread still listens");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn the_thread_ends_with_the_watch() {
        let temp = tempfile::tempdir().unwrap();
        let (watch, _gatherer) = watch(temp.path());
        let watched = Arc::downgrade(&watch.watched);
        drop(watch);
        wait_for_end(&watched);
    }

    #[test]
    fn the_thread_ends_though_the_last_word_was_lost() {
        let temp = tempfile::tempdir().unwrap();
        let (watch, _gatherer) = watch(temp.path());
        let watched = Arc::downgrade(&watch.watched);
        let [mut a, mut b] = ["a", "b"].map(|name| fs::File::create(temp.path().join(name)).unwrap());
        let most: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
        let kept = watch.watched.clone();
        let mut folders = kept.lock();
        // Equal events that follow one another are one. Some were read already.
        for _ in 0..most / 2 + BUFFER_BYTES / 16 {
            a.write_all(b"x").unwrap();
            b.write_all(b"x").unwrap();
        }
        folders.ended = true;
        inotify::remove_watch(&kept.inotify, folders.root.unwrap()).unwrap();
        drop(folders);
        drop((watch, kept));
        wait_for_end(&watched);
    }
}
