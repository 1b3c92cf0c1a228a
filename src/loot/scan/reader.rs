//! Reads one folder: what it holds, and which folders are to be read next.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{Access, AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::loot::folder::{FileFacts, LootFolder, facts_of};
use crate::loot::listing::{HeldBack, WhyHeldBack};
use crate::loot::watch::FolderWatch;
use crate::wire::loot_path::{PATH_MAX_BYTES, PATH_MAX_COMPONENTS, RESERVED, Refusal, is_plain_component};
use crate::wire::{DisplayText, LootPath};

/// Reads folders of the loot.
#[derive(Debug)]
pub(super) struct Reader<'r> {
    folder: &'r LootFolder,
    seen: &'r AtomicUsize,
    /// To be told of each folder before it is read.
    watch: Option<&'r FolderWatch>,
    /// As whom we read.
    user: u32,
}

/// A folder to be read.
#[derive(Debug)]
pub(super) struct Job {
    /// The folder that holds it, open; none for the loot folder itself.
    above: Option<Arc<OwnedFd>>,
    /// How the names of all it holds begin: its own name and a slash, or nothing.
    prefix: Box<str>,
}

impl Job {
    /// The whole loot folder.
    pub(super) fn whole() -> Self {
        Self { above: None, prefix: Box::default() }
    }

    /// By which folders are told in their order.
    pub(super) fn name(&self) -> &str {
        &self.prefix
    }

    #[cfg(test)]
    pub(super) fn named(name: &str) -> Self {
        Self { above: None, prefix: name.into() }
    }
}

/// What a folder holds, sorted as the names of an index are: a folder's with its slash.
#[derive(Debug, Default)]
pub(super) struct Contents {
    names: String,
    entries: Vec<Entry>,
    /// What is not offered, by its whole name.
    pub(super) held_back: Vec<(Box<str>, HeldBack)>,
    /// The number of the job for the first of its folders; the others follow.
    pub(super) first_child: usize,
}

#[derive(Debug)]
struct Entry {
    start: u32,
    length: u16,
    /// None of a folder.
    facts: Option<FileFacts>,
}

impl Contents {
    /// How many files and folders.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The last part of a name, and the facts of a file.
    pub(super) fn get(&self, at: usize) -> Option<(&str, Option<FileFacts>)> {
        let entry = self.entries.get(at)?;
        Some((name_of(&self.names, entry), entry.facts))
    }

    fn add(&mut self, component: &str, facts: Option<FileFacts>) {
        let start = u32::try_from(self.names.len());
        self.names.push_str(component);
        if facts.is_none() {
            self.names.push('/');
        }
        let length = self.names.len().saturating_sub(start.map_or(0, |start| start as usize));
        if let (Ok(start), Ok(length)) = (start, u16::try_from(length)) {
            self.entries.push(Entry { start, length, facts });
        }
    }

    fn sort(&mut self) {
        let names = &self.names;
        self.entries.sort_unstable_by(|a, b| name_of(names, a).cmp(name_of(names, b)));
        // A folder that changes while it is read may tell a name twice.
        self.entries.dedup_by(|a, b| name_of(names, a) == name_of(names, b));
    }

    fn hold_back(&mut self, name: &[u8], why: WhyHeldBack) {
        if why == WhyHeldBack::Name(Refusal::Hidden) {
            return;
        }
        let key = String::from_utf8_lossy(name).into_owned().into_boxed_str();
        let shown = DisplayText::revealing(name, 200);
        self.held_back.push((key, HeldBack { name: shown, why }));
    }
}

fn name_of<'n>(names: &'n str, entry: &Entry) -> &'n str {
    let start = entry.start as usize;
    names.get(start..start.saturating_add(usize::from(entry.length))).unwrap_or_default()
}

/// A folder while it is read.
struct Reading<'f> {
    prefix: &'f str,
    contents: Contents,
    /// Whose files of which mode could be read in this folder.
    readable: Option<(u32, u32)>,
}

impl<'r> Reader<'r> {
    pub(super) fn of(folder: &'r LootFolder, seen: &'r AtomicUsize, watch: Option<&'r FolderWatch>) -> Self {
        Self { folder, seen, watch, user: rustix::process::geteuid().as_raw() }
    }

    /// What a folder holds, and the folders in it in their order.
    pub(super) fn read(&self, job: &Job) -> io::Result<(Contents, Vec<Job>)> {
        let folder = self.open(job)?;
        if let Some(watch) = self.watch {
            watch.note_folder(job.prefix.trim_end_matches('/'), folder.as_fd());
        }
        let mut folder = Dir::new(folder)?;
        let mut reading = Reading { prefix: &job.prefix, contents: Contents::default(), readable: None };
        while let Some(entry) = folder.read() {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                self.meet(&mut reading, folder.fd()?, entry.file_name(), entry.file_type());
            }
        }
        let contents = reading.contents;
        self.done(contents, &job.prefix, folder.fd()?)
    }

    /// One thing alone, told by somebody, with the folder that holds it, which may not be listed.
    pub(super) fn meet_one(
        &self,
        handle: BorrowedFd<'_>,
        prefix: &str,
        file: &str,
        stat: &Stat,
    ) -> io::Result<(Contents, Vec<Job>)> {
        let mut reading = Reading { prefix, contents: Contents::default(), readable: None };
        let name = [prefix, file].concat();
        match LootPath::parse(name.as_bytes()).and_then(|path| path.listable()) {
            Ok(()) => {
                let file = std::ffi::CString::new(file)?;
                self.meet(&mut reading, handle, &file, FileType::from_raw_mode(stat.st_mode));
            }
            Err(why) => reading.contents.hold_back(name.as_bytes(), why.into()),
        }
        self.done(reading.contents, prefix, handle)
    }

    fn done(&self, mut contents: Contents, prefix: &str, handle: BorrowedFd<'_>) -> io::Result<(Contents, Vec<Job>)> {
        contents.sort();
        let folders = contents.entries.iter().filter(|entry| entry.facts.is_none());
        let folders: Vec<Box<str>> =
            folders.map(|entry| [prefix, name_of(&contents.names, entry)].concat().into_boxed_str()).collect();
        self.seen.fetch_add(contents.len().saturating_sub(folders.len()), Ordering::Relaxed);
        if folders.is_empty() {
            return Ok((contents, Vec::new()));
        }
        let above = Some(Arc::new(handle.try_clone_to_owned()?));
        let below = folders.into_iter().map(|prefix| Job { above: above.clone(), prefix }).collect();
        Ok((contents, below))
    }

    /// A folder below an open one is reached by its one name, which may be no link, so it cannot
    /// lead out.
    fn open(&self, job: &Job) -> io::Result<OwnedFd> {
        let Some(above) = &job.above else { return self.folder.open_folder("") };
        let name = job.prefix.trim_end_matches('/');
        let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(above, name, flags, Mode::empty())?)
    }

    fn meet(&self, reading: &mut Reading<'_>, handle: BorrowedFd<'_>, file: &CStr, kind: FileType) {
        let prefix = reading.prefix;
        let name = || [prefix.as_bytes(), file.to_bytes()].concat();
        let component = match listable(prefix, file.to_bytes()) {
            Ok(component) => component,
            Err(why) => return reading.contents.hold_back(&name(), why.into()),
        };
        match kind {
            // Some file systems do not tell the kind in the folder.
            FileType::RegularFile | FileType::Unknown => match self.meet_file(reading, handle, file, component) {
                Ok(()) => {}
                Err(why) => reading.contents.hold_back(&name(), why),
            },
            FileType::Directory if depth(prefix) < PATH_MAX_COMPONENTS => {
                reading.contents.add(component, None);
            }
            FileType::Directory => reading.contents.hold_back(&name(), Refusal::TooLong.into()),
            FileType::Symlink => reading.contents.hold_back(&name(), WhyHeldBack::Link),
            _ => reading.contents.hold_back(&name(), WhyHeldBack::NotAFile),
        }
    }

    /// Something that is a file, or of which nobody knows yet what it is.
    fn meet_file(
        &self,
        reading: &mut Reading<'_>,
        handle: BorrowedFd<'_>,
        file: &CStr,
        component: &str,
    ) -> Result<(), WhyHeldBack> {
        let stat = match rustix::fs::statat(handle, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(()), // gone meanwhile
            Err(error) => return Err(unreadable(error)),
        };
        match (facts_of(&stat), FileType::from_raw_mode(stat.st_mode)) {
            (Some(facts), _) => {
                self.check_readable(reading, handle, file, &stat)?;
                reading.contents.add(component, Some(facts));
            }
            (None, FileType::Symlink) => return Err(WhyHeldBack::Link),
            (None, FileType::Directory) if depth(reading.prefix) < PATH_MAX_COMPONENTS => {
                reading.contents.add(component, None);
            }
            (None, FileType::Directory) => return Err(Refusal::TooLong.into()),
            (None, _) => return Err(WhyHeldBack::NotAFile),
        }
        Ok(())
    }

    /// Asks the system, but only once in a folder for all files that are ours and of one mode. Of
    /// an owner's file the owner's bits alone decide: no list of rights says otherwise. Once is
    /// asked all the same, as a server far away may think otherwise of who we are.
    #[allow(clippy::useless_conversion)] // the types of a stat differ between systems
    fn check_readable(
        &self,
        reading: &mut Reading<'_>,
        handle: BorrowedFd<'_>,
        file: &CStr,
        stat: &Stat,
    ) -> Result<(), WhyHeldBack> {
        let as_asked = (stat.st_uid, u32::from(stat.st_mode));
        if stat.st_uid == self.user && reading.readable == Some(as_asked) {
            return Ok(());
        }
        rustix::fs::accessat(handle, file, Access::READ_OK, AtFlags::EACCESS).map_err(unreadable)?;
        reading.readable = Some(as_asked);
        Ok(())
    }
}

/// How many parts a name has that begins so.
fn depth(prefix: &str) -> usize {
    prefix.matches('/').count().saturating_add(1)
}

/// The last part of a name, if all of it may be listed. `prefix` is that of a folder that may.
fn listable<'c>(prefix: &str, component: &'c [u8]) -> Result<&'c str, Refusal> {
    let is_special =
        prefix.is_empty() && (component.get(1) == Some(&b':') || component.eq_ignore_ascii_case(RESERVED.as_bytes()));
    let is_short = prefix.len().saturating_add(component.len()) <= PATH_MAX_BYTES;
    if !(is_short && !is_special && is_plain_component(component)) {
        LootPath::parse(&[prefix.as_bytes(), component].concat())?.listable()?;
    }
    std::str::from_utf8(component).map_err(|_| Refusal::NotUtf8)
}

fn unreadable(error: Errno) -> WhyHeldBack {
    WhyHeldBack::Unreadable(io::Error::from(error).to_string().into())
}
