//! The walk over the loot folder: finds what to offer, and what not and why.
//!
//! It reads through [`LootFolder`], so it meets exactly what serving would open. Links are never
//! followed; a folder that cannot be read is reported, not taken for empty.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{Access, AtFlags, Dir, FileType};

use super::folder::{LootFolder, facts_at};
use super::listing::{Found, HeldBack, WhyHeldBack};
use crate::wire::index::INDEX_MAX_ENTRIES;
use crate::wire::loot_path::{PATH_MAX_COMPONENTS, Refusal};
use crate::wire::{DisplayText, LootPath};

/// Scans `name`, a folder or a file (the empty name is the whole folder). `seen` counts files as
/// they are met, for those who watch the progress; `interim` sees what was found after each folder.
///
/// # Errors
/// When the loot folder itself, or the one that holds `name`, cannot be read; nothing is known then.
pub fn scan(folder: &LootFolder, name: &str, seen: &AtomicUsize, mut interim: impl FnMut(&Found)) -> io::Result<Found> {
    let mut walk = Walk { folder, seen, found: Found::default(), pending: Vec::new() };
    if name.is_empty() {
        walk.read_folder("")?;
    } else {
        walk.meet_named(name)?;
    }
    while let Some(next) = walk.pending.pop() {
        if let Err(error) = walk.read_folder(&next) {
            walk.note_unreadable(&next, &error);
        }
        interim(&walk.found);
    }
    Ok(walk.found)
}

struct Walk<'w> {
    folder: &'w LootFolder,
    seen: &'w AtomicUsize,
    found: Found,
    pending: Vec<Box<str>>,
}

impl Walk<'_> {
    /// One name, told by somebody: look at it in its folder. Gone, or behind a link: nothing.
    fn meet_named(&mut self, name: &str) -> io::Result<()> {
        let (parent, file) = name.rsplit_once('/').unwrap_or(("", name));
        let handle = match self.folder.open_folder(parent) {
            Ok(handle) => handle,
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        match rustix::fs::statat(&handle, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => self.meet(handle.as_fd(), parent, file.as_bytes(), FileType::from_raw_mode(stat.st_mode)),
            Err(error) if is_missing(&error.into()) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn read_folder(&mut self, name: &str) -> io::Result<()> {
        let handle = self.folder.open_folder(name)?;
        for entry in Dir::read_from(&handle)? {
            let entry = entry?;
            let file = entry.file_name().to_bytes();
            if file != b"." && file != b".." {
                self.meet(handle.as_fd(), name, file, entry.file_type());
            }
        }
        Ok(())
    }

    fn meet(&mut self, handle: BorrowedFd<'_>, parent: &str, file: &[u8], kind: FileType) {
        let name = if parent.is_empty() { file.to_vec() } else { [parent.as_bytes(), b"/", file].concat() };
        let path = match LootPath::parse(&name).and_then(|path| path.listable().map(|()| path)) {
            Ok(path) => path,
            Err(why) => return self.hold_back(&name, why.into()),
        };
        match kind_of(handle, file, kind) {
            FileType::RegularFile => self.meet_file(handle, &path),
            FileType::Directory if path.components().count() < PATH_MAX_COMPONENTS => {
                self.pending.push(path.as_str().into());
            }
            FileType::Directory => self.hold_back(&name, Refusal::TooLong.into()),
            FileType::Symlink => self.hold_back(&name, WhyHeldBack::Link),
            _ => self.hold_back(&name, WhyHeldBack::NotAFile),
        }
    }

    fn meet_file(&mut self, handle: BorrowedFd<'_>, path: &LootPath) {
        if self.found.files.len() >= INDEX_MAX_ENTRIES {
            return self
                .hold_back(path.as_str().as_bytes(), WhyHeldBack::Unreadable("too many files for one node".into()));
        }
        if let Err(error) = rustix::fs::accessat(handle, path.file_name(), Access::READ_OK, AtFlags::EACCESS) {
            return self.hold_back(
                path.as_str().as_bytes(),
                WhyHeldBack::Unreadable(io::Error::from(error).to_string().into()),
            );
        }
        match facts_at(handle, path.file_name()) {
            Ok(Some(facts)) => {
                self.seen.fetch_add(1, Ordering::Relaxed);
                self.found.files.push((path.as_str().into(), facts));
            }
            Ok(None) => {} // gone meanwhile
            Err(error) => self.hold_back(path.as_str().as_bytes(), WhyHeldBack::Unreadable(error.to_string().into())),
        }
    }

    fn note_unreadable(&mut self, name: &str, error: &io::Error) {
        // A folder removed during the walk is not unreadable, it is gone.
        if error.kind() != io::ErrorKind::NotFound {
            self.found.unreadable.push(name.into());
            self.hold_back(name.as_bytes(), WhyHeldBack::Unreadable(error.to_string().into()));
        }
    }

    fn hold_back(&mut self, name: &[u8], why: WhyHeldBack) {
        if why == WhyHeldBack::Name(Refusal::Hidden) {
            return;
        }
        let key = String::from_utf8_lossy(name).into_owned().into_boxed_str();
        let shown = DisplayText::revealing(name, 200);
        self.found.held_back.push((key, HeldBack { name: shown, why }));
    }
}

/// Not there, or behind a link: no fault of the disk.
fn is_missing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG))
}

/// Some file systems do not tell the kind in the folder.
fn kind_of(handle: BorrowedFd<'_>, file: &[u8], kind: FileType) -> FileType {
    if kind != FileType::Unknown {
        return kind;
    }
    rustix::fs::statat(handle, file, AtFlags::SYMLINK_NOFOLLOW)
        .map_or(kind, |stat| FileType::from_raw_mode(stat.st_mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;

    fn names(found: &Found) -> Vec<&str> {
        let mut names: Vec<&str> = found.files.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_walk_finds_files_and_says_what_it_holds_back() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        for name in ["a.txt", "d/e/b.txt", ".hidden", ".boucan/spool/x", "forban/index", "line\nbreak", "d/back\\slash"]
        {
            let file = root.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "x").unwrap();
        }
        std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"latin-\xe9")), "x").unwrap();
        std::fs::write(root.join("x".repeat(250)), "x").unwrap();
        std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
        let folder = LootFolder::open(root).unwrap();
        let seen = AtomicUsize::new(0);
        let found = scan(&folder, "", &seen, |_| {}).unwrap();
        assert_eq!(names(&found), ["a.txt", "d/e/b.txt"]);
        assert_eq!(seen.into_inner(), 2);
        let mut why: Vec<String> =
            found.held_back.iter().map(|(_, held)| format!("{:.12}: {}", held.name.as_str(), held.why)).collect();
        why.sort();
        assert_eq!(why.len(), 6, "{why:#?}");
        assert!(why.iter().any(|w| w.starts_with("latin-\u{fffd}: the name is not valid UTF-8")), "{why:#?}");
        assert!(why.iter().any(|w| w == "link: links are not followed"), "{why:#?}");
    }

    #[test]
    fn one_name_is_looked_at_alone() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("d")).unwrap();
        std::fs::write(temp.path().join("d/a"), "x").unwrap();
        std::fs::write(temp.path().join("b"), "x").unwrap();
        let folder = LootFolder::open(temp.path()).unwrap();
        let seen = AtomicUsize::new(0);
        assert_eq!(names(&scan(&folder, "d", &seen, |_| {}).unwrap()), ["d/a"]);
        assert_eq!(names(&scan(&folder, "b", &seen, |_| {}).unwrap()), ["b"]);
        assert!(names(&scan(&folder, "gone/too", &seen, |_| {}).unwrap()).is_empty());
    }
}
