//! Landing of many small files at once: all are written, one sync makes them durable, then each
//! gets its name by a rename that cannot replace anything.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustix::fs::{AtFlags, Mode, OFlags};

use super::folder::{FileFacts, facts_of};
use super::landing::{LandError, date, in_the_way, rename_new, sync_folder};
use super::spool::Spool;
use crate::wire::LootPath;

/// From so many files on one sync of the whole file system costs less than one of each.
const SYNC_ALL_FROM: usize = 16;
/// Folders that are open at once, beside those that grew on the way to the last one: connections
/// need descriptors too.
const FOLDERS_MAX: usize = 64;

/// A file that is to land.
#[derive(Clone, Debug)]
pub struct Small {
    /// Its name.
    pub path: LootPath,
    /// All of it.
    pub content: Bytes,
    /// When it was changed last, if that was told: seconds since 1970.
    pub mtime: Option<i64>,
}

/// One that is written and has no name yet.
struct Written {
    part: String,
    /// Open while few are written, each to be synced by itself.
    file: Option<File>,
    facts: FileFacts,
}

impl Spool {
    /// Puts the files under their names, where nothing may be. Durable when this returns. What
    /// came of each, in their order. Blocks.
    #[must_use]
    pub fn land_many(&self, files: &[Small]) -> Vec<Result<FileFacts, LandError>> {
        let write = |file| {
            let written = self.write_small(file)?;
            Ok(Written { file: written.file.filter(|_| files.len() < SYNC_ALL_FROM), ..written })
        };
        let written: Vec<Result<Written, io::Error>> = files.iter().map(write).collect();
        let synced = sync_all(&self.handle, &written);
        let mut folders = Folders::default();
        let mut landed: Vec<Result<FileFacts, LandError>> = Vec::with_capacity(files.len());
        for (small, written) in files.iter().zip(written) {
            landed.push(written.map_err(LandError::from).and_then(|written| {
                let named = synced.as_ref().map_err(again).map_err(LandError::from);
                let named = named.and_then(|()| self.name_small(&mut folders, &written.part, &small.path));
                if named.is_err() {
                    let _ = rustix::fs::unlinkat(&*self.handle, &written.part, AtFlags::empty());
                }
                named.map(|()| written.facts)
            }));
        }
        if let Err(error) = folders.finish() {
            landed.iter_mut().filter(|one| one.is_ok()).for_each(|one| *one = Err(again(&error).into()));
        }
        landed
    }

    fn write_small(&self, small: &Small) -> io::Result<Written> {
        // What an earlier run left was swept when the spool was opened.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let part = format!("small-{}.part", NEXT.fetch_add(1, Ordering::Relaxed));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&*self.handle, &part, flags, Mode::from_raw_mode(0o600))?);
        let mut facts = || -> io::Result<FileFacts> {
            file.write_all(&small.content)?;
            date(&file, small.mtime);
            rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))?;
            facts_of(&rustix::fs::fstat(&file)?).ok_or_else(|| io::Error::other("the spool file is no regular file"))
        };
        match facts() {
            Ok(facts) => Ok(Written { part, file: Some(file), facts }),
            Err(error) => {
                let _ = rustix::fs::unlinkat(&*self.handle, &part, AtFlags::empty());
                Err(error)
            }
        }
    }

    fn name_small(&self, folders: &mut Folders, part: &str, path: &LootPath) -> Result<(), LandError> {
        let parent = folders.open(self, path)?;
        rename_new(&self.handle, part, parent, path.file_name())
    }
}

fn sync_all(spool: &OwnedFd, written: &[Result<Written, io::Error>]) -> io::Result<()> {
    if written.len() >= SYNC_ALL_FROM {
        return Ok(rustix::fs::syncfs(spool)?);
    }
    written.iter().flatten().filter_map(|written| written.file.as_ref()).try_for_each(File::sync_all)
}

/// An error that concerns several files is told of each.
fn again(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| io::Error::from(error.kind()), io::Error::from_raw_os_error)
}

/// The folders that got new names, each opened and synced once.
#[derive(Default)]
struct Folders {
    open: HashMap<String, OwnedFd>,
    grown: Vec<OwnedFd>,
    /// The first that could not be synced.
    failed: Option<io::Error>,
}

impl Folders {
    fn open(&mut self, spool: &Spool, path: &LootPath) -> Result<&OwnedFd, LandError> {
        let name = path.folder().unwrap_or_default();
        if !self.open.contains_key(name) {
            if self.open.len().saturating_add(self.grown.len()) >= FOLDERS_MAX {
                self.sync();
            }
            let (parent, grown) = spool.folder.make_parent(path).map_err(in_the_way)?;
            self.grown.extend(grown);
            self.open.insert(name.to_owned(), parent);
        }
        self.open.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound).into())
    }

    /// Syncs and closes those that are open.
    fn sync(&mut self) {
        let synced = self.grown.iter().chain(self.open.values()).try_for_each(sync_folder);
        self.failed = self.failed.take().or(synced.err());
        self.grown.clear();
        self.open.clear();
    }

    fn finish(mut self) -> io::Result<()> {
        self.sync();
        self.failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::super::spool::tests::spool;
    use super::*;

    fn small(name: &str, content: &str) -> Small {
        let content = Bytes::copy_from_slice(content.as_bytes());
        Small { path: LootPath::parse(name.as_bytes()).unwrap(), content, mtime: Some(1_000_000_000) }
    }

    #[test]
    fn many_files_land_and_what_is_in_the_way_stays() {
        let (temp, spool) = spool();
        std::fs::write(temp.path().join("taken"), "mine").unwrap();
        let mut files: Vec<Small> = (0..40).map(|n| small(&format!("d/{}/{n}", n % 3), &format!("file {n}"))).collect();
        files.push(small("taken", "theirs"));
        files.push(small("taken/below", "theirs"));
        files.push(small("empty", ""));
        let landed = spool.land_many(&files);
        assert!(landed.iter().take(40).all(Result::is_ok) && landed[42].is_ok());
        assert!(matches!(landed[40], Err(LandError::Exists)) && matches!(landed[41], Err(LandError::InTheWay)));
        assert_eq!(std::fs::read(temp.path().join("d/1/7")).unwrap(), b"file 7");
        assert_eq!(std::fs::read(temp.path().join("taken")).unwrap(), b"mine");
        let facts = spool.folder().facts(&files[7].path).unwrap().unwrap();
        assert!(facts.is_same_content(landed[7].as_ref().unwrap()));
        assert_eq!(facts.modified_ns / 1_000_000_000, 1_000_000_000, "it keeps the time that was told");
        assert_eq!(std::fs::read_dir(temp.path().join(".boucan/spool")).unwrap().count(), 0);
        assert!(spool.land_many(&[small("few", "x")])[0].is_ok());
    }

    #[test]
    fn many_folders_are_not_open_all_at_once() {
        let (temp, spool) = spool();
        let files: Vec<Small> = (0..200).map(|n| small(&format!("{n}/a/b"), "x")).collect();
        let mut folders = Folders::default();
        for file in &files {
            folders.open(&spool, &file.path).unwrap();
            assert!(folders.open.len() + folders.grown.len() <= FOLDERS_MAX + 3);
        }
        assert!(folders.finish().is_ok());
        assert!(spool.land_many(&files).iter().all(Result::is_ok));
        assert_eq!(std::fs::read(temp.path().join("199/a/b")).unwrap(), b"x");
    }
}
