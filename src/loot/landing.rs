//! Landing: how a fetched file comes to stand under its name.
//!
//! It appears there only whole, by a rename that cannot replace anything; a version that we
//! mirrored ourselves is exchanged, checked, and put back if it was not what we thought.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, RenameFlags};
use rustix::io::Errno;

use super::folder::{FileFacts, facts_at, facts_of};
use super::spool::Part;
use crate::wire::{Content, LootPath};

/// Why a whole file cannot stand under its name.
#[derive(Debug, thiserror::Error)]
pub enum LandError {
    /// Something is there already.
    #[error("a file of that name is already here")]
    Exists,
    /// A file stands where a folder is needed, or the other way round.
    #[error("a file and a folder want the same name")]
    InTheWay,
    /// The file that it is to replace was deleted meanwhile.
    #[error("the file here was deleted meanwhile")]
    Vanished,
    /// The file system cannot exchange two files, and anything less might lose one.
    #[error("this file system cannot replace a file safely")]
    CannotReplace,
    /// Fewer or more bytes than the index said.
    #[error("it has {got} bytes instead of {expected}")]
    WrongLength {
        /// Bytes received.
        got: u64,
        /// Bytes the index said.
        expected: u64,
    },
    /// Its bytes are not what was told.
    #[error("its content is not what was told of it")]
    WrongContent,
    /// The file system refuses: the name, or for want of space.
    #[error("it cannot be stored: {0}")]
    Io(#[from] io::Error),
}

/// The file in whose place another one comes.
#[derive(Clone, Copy, Debug)]
pub struct Replacing<'f> {
    /// As it is now.
    pub old: &'f FileFacts,
    /// It is not removed, but kept in the hidden folder.
    pub is_kept: bool,
}

impl Part {
    /// Puts the whole file under `path`, where nothing may be, or, with `replacing`, the very
    /// file so described. Durable when this returns, with what it holds. What does not hold what
    /// it must is given up.
    ///
    /// # Errors
    /// [`LandError`]; the download is kept in the spool where it may land later.
    pub fn land(
        mut self,
        path: &LootPath,
        replacing: Option<Replacing<'_>>,
    ) -> Result<(FileFacts, Content), LandError> {
        let (got, expected) = (self.received_bytes, self.note.key.size_bytes);
        if got != expected {
            return Err(LandError::WrongLength { got, expected });
        }
        let content = self.content()?;
        if self.note.key.content.is_some_and(|expected| expected != content) {
            self.discard();
            return Err(LandError::WrongContent);
        }
        rustix::fs::fchmod(&self.file, Mode::from_raw_mode(0o644)).map_err(io::Error::from)?;
        self.file.sync_all()?;
        let facts = facts_of(&rustix::fs::fstat(&self.file).map_err(io::Error::from)?)
            .ok_or_else(|| io::Error::other("the spool file is no regular file"))?;
        let (parent, grown) = match self.place(path, replacing) {
            Err(error @ (LandError::Exists | LandError::InTheWay | LandError::Vanished | LandError::CannotReplace)) => {
                self.discard();
                return Err(error);
            }
            other => other?,
        };
        grown.iter().chain([&parent]).try_for_each(sync_folder)?;
        self.remove_note();
        Ok((facts, content))
    }

    /// Returns the folder in which it stands now, and those that grew on the way to it.
    fn place(
        &mut self,
        path: &LootPath,
        replacing: Option<Replacing<'_>>,
    ) -> Result<(OwnedFd, Vec<OwnedFd>), LandError> {
        let (parent, grown) = self.spool.folder.make_parent(path).map_err(in_the_way)?;
        match replacing {
            None => rename_new(&self.spool.handle, &self.part_name(), &parent, path.file_name())?,
            Some(old) => self.exchange(&parent, path.file_name(), old)?,
        }
        Ok((parent, grown))
    }

    /// The time that was told of the file, in seconds since 1970: copies tell it on, so that all
    /// nodes tell one time of one content. A file system that knows no such time keeps its own.
    pub fn date(&self, mtime: Option<i64>) {
        date(&self.file, mtime);
    }

    fn part_name(&self) -> String {
        format!("{}.part", self.id)
    }

    /// Exchanges the new version with the old one; if that was not the file we mirrored, or it
    /// cannot be kept where it is to be, back.
    fn exchange(&mut self, parent: &OwnedFd, name: &str, replacing: Replacing<'_>) -> Result<(), LandError> {
        let Replacing { old, is_kept } = replacing;
        if facts_at(parent.as_fd(), name)?.as_ref().is_some_and(|here| !here.is_same_content(old)) {
            return Err(LandError::Exists);
        }
        let kept = if is_kept { Some(self.spool.kept()?) } else { None };
        // It has its second name before it leaves its place: no moment is left in which a power cut
        // could lose it.
        let linked = match &kept {
            Some(kept) => Some(kept.link(parent, name)?.ok_or(LandError::CannotReplace)?),
            None => None,
        };
        let exchanged = self.swap(parent, name, old);
        // Where it could not be put back, this name is the one that lasts.
        if let (Err(_), false, Some(kept), Some(linked)) = (&exchanged, self.holds_another, &kept, &linked) {
            kept.unlink(linked);
        }
        exchanged
    }

    /// The exchange itself; what was there, and is in the spool then in the place of ours, is removed.
    fn swap(&mut self, parent: &OwnedFd, name: &str, old: &FileFacts) -> Result<(), LandError> {
        let (part, spool) = (self.part_name(), self.spool.handle.clone());
        // Nothing may continue from the file that lies here after the exchange.
        self.remove_note();
        let swap = || rustix::fs::renameat_with(&*spool, &part, parent, name, RenameFlags::EXCHANGE);
        match swap() {
            Err(Errno::NOENT) => return Err(LandError::Vanished),
            Err(Errno::INVAL | Errno::NOSYS) => return Err(LandError::CannotReplace),
            other => other.map_err(land_error)?,
        }
        self.holds_another = true;
        let is_it = facts_at(spool.as_fd(), &part)?.is_some_and(|there| there.is_same_content(old));
        let remove = || rustix::fs::unlinkat(&*spool, &part, AtFlags::empty()).map_err(land_error);
        let put_away = if is_it { remove() } else { Err(LandError::Exists) };
        if put_away.is_err() {
            match swap() {
                // Ours was taken away in that moment; the other goes back all the same.
                Err(Errno::NOENT) => rename_new(&spool, &part, parent, name)?,
                other => other.map_err(land_error)?,
            }
        }
        self.holds_another = false;
        put_away
    }
}

/// Sets the time of a file's last change, if one is told. Not to the whole second: that would look
/// like a clock that counts no others, and what is read would wait for it (`digests/stamp.rs`).
pub(super) fn date(file: &std::fs::File, mtime: Option<i64>) {
    let Some(tv_sec) = mtime else { return };
    let times = rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        last_modification: rustix::fs::Timespec { tv_sec, tv_nsec: 1 },
    };
    if let Err(error) = rustix::fs::futimens(file, &times) {
        tracing::debug!(tv_sec, %error, "a file does not keep the time that was told of it");
    }
}

/// Gives a file of the spool its name, where nothing may be.
pub(super) fn rename_new(spool: &OwnedFd, part: &str, parent: &OwnedFd, name: &str) -> Result<(), LandError> {
    match rustix::fs::renameat_with(spool, part, parent, name, RenameFlags::NOREPLACE) {
        // Some file systems know no such flag; a link cannot replace anything either.
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(spool, part, parent, name, AtFlags::empty()).map_err(land_error)?;
            rustix::fs::unlinkat(spool, part, AtFlags::empty()).map_err(land_error)
        }
        other => other.map_err(land_error),
    }
}

/// Some network file systems cannot sync a folder, and need not.
pub(super) fn sync_folder(folder: &OwnedFd) -> io::Result<()> {
    match rustix::fs::fsync(folder) {
        Ok(()) | Err(Errno::INVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn land_error(error: Errno) -> LandError {
    match error {
        Errno::EXIST => LandError::Exists,
        Errno::ISDIR | Errno::NOTDIR | Errno::NOTEMPTY => LandError::InTheWay,
        other => LandError::Io(other.into()),
    }
}

pub(super) fn in_the_way(error: io::Error) -> LandError {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOTDIR | Errno::LOOP) => LandError::InTheWay,
        _ => LandError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::spool::tests::{key, spool};
    use super::super::spool::{PartKey, Spool, Validators};
    use super::*;

    fn path(name: &str) -> LootPath {
        LootPath::parse(name.as_bytes()).unwrap()
    }

    fn whole(spool: &Spool, name: &str, content: &str) -> Part {
        let mut part = spool.part(&key(name, content.len() as u64)).unwrap();
        part.restart(Validators::default()).unwrap();
        part.append(content.as_bytes()).unwrap();
        part
    }

    #[test]
    fn a_whole_file_lands_and_the_spool_is_empty() {
        let (temp, spool) = spool();
        let (facts, content) = whole(&spool, "d/a.txt", "hello").land(&path("d/a.txt"), None).unwrap();
        assert_eq!(content, Content::new(blake3::hash(b"hello").into()));
        assert_eq!(std::fs::read(temp.path().join("d/a.txt")).unwrap(), b"hello");
        assert!(spool.folder().facts(&path("d/a.txt")).unwrap().unwrap().is_same_content(&facts));
        assert_eq!(std::fs::read_dir(temp.path().join(".boucan/spool")).unwrap().count(), 0);
    }

    #[test]
    fn nothing_is_ever_replaced_unasked() {
        let (temp, spool) = spool();
        std::fs::write(temp.path().join("a"), "mine").unwrap();
        assert!(matches!(whole(&spool, "a", "theirs").land(&path("a"), None), Err(LandError::Exists)));
        std::fs::create_dir(temp.path().join("d")).unwrap();
        assert!(matches!(whole(&spool, "d", "theirs").land(&path("d"), None), Err(LandError::Exists)));
        assert!(matches!(whole(&spool, "a/b", "theirs").land(&path("a/b"), None), Err(LandError::InTheWay)));
        assert_eq!(std::fs::read(temp.path().join("a")).unwrap(), b"mine");
    }

    #[test]
    fn a_file_keeps_the_time_that_was_told() {
        let (_temp, spool) = spool();
        for (told, expected) in [(Some(1_000_000_000), 1_000_000_000), (Some(-5), -5)] {
            let name = format!("at {expected}");
            let part = whole(&spool, &name, "x");
            part.date(told);
            let (facts, _) = part.land(&path(&name), None).unwrap();
            assert_eq!(facts.modified_ns.div_euclid(1_000_000_000), expected);
            assert!(spool.folder().facts(&path(&name)).unwrap().unwrap().is_same_content(&facts));
        }
    }

    #[test]
    fn a_short_file_never_lands() {
        let (temp, spool) = spool();
        let mut part = spool.part(&key("a", 10)).unwrap();
        part.append(b"12345").unwrap();
        assert!(matches!(part.land(&path("a"), None), Err(LandError::WrongLength { got: 5, expected: 10 })));
        assert!(!temp.path().join("a").exists());
    }

    #[test]
    fn what_does_not_hold_what_was_told_never_lands() {
        let (temp, spool) = spool();
        let key = PartKey { content: Some(Content::new(blake3::hash(b"honest").into())), ..key("a", 6) };
        for (bytes, lands) in [("a lie!", false), ("honest", true)] {
            let mut part = spool.part(&key).unwrap();
            part.restart(Validators { etag: Some("\"x\"".into()), last_modified: None }).unwrap();
            part.append(bytes.as_bytes()).unwrap();
            assert_eq!(part.land(&path("a"), None).is_ok(), lands, "{bytes}");
            assert_eq!(std::fs::read_dir(temp.path().join(".boucan/spool")).unwrap().count(), 0);
        }
        assert_eq!(std::fs::read(temp.path().join("a")).unwrap(), b"honest");
    }

    #[test]
    fn a_copy_of_our_own_is_another_file() {
        let (temp, spool) = spool();
        std::fs::write(temp.path().join("own"), "hello").unwrap();
        let own = spool.folder().open_file(&path("own")).unwrap();
        let mut part = spool.part(&key("copy", 5)).unwrap();
        if !part.begin_copy(&own).unwrap() {
            while !part.copy_more(&own).unwrap() {}
        }
        part.land(&path("copy"), None).unwrap();
        std::fs::write(temp.path().join("own"), "other").unwrap();
        assert_eq!(std::fs::read(temp.path().join("copy")).unwrap(), b"hello");
    }

    #[test]
    fn our_own_version_is_exchanged_but_a_changed_one_is_put_back() {
        let (temp, spool) = spool();
        let (old, _) = whole(&spool, "a", "one").land(&path("a"), None).unwrap();
        let (new, _) =
            whole(&spool, "a", "two!").land(&path("a"), Some(Replacing { old: &old, is_kept: false })).unwrap();
        assert!(matches!(
            whole(&spool, "b", "x").land(&path("b"), Some(Replacing { old: &old, is_kept: false })),
            Err(LandError::Vanished)
        ));
        assert!(!temp.path().join("b").exists());
        assert_eq!(std::fs::read(temp.path().join("a")).unwrap(), b"two!");
        std::fs::write(temp.path().join("a"), "mine now").unwrap();
        assert!(matches!(
            whole(&spool, "a", "three").land(&path("a"), Some(Replacing { old: &new, is_kept: false })),
            Err(LandError::Exists)
        ));
        assert_eq!(std::fs::read(temp.path().join("a")).unwrap(), b"mine now");
    }

    #[test]
    fn what_the_user_had_is_kept_in_the_hidden_folder_by_a_name_of_its_own() {
        let (temp, spool) = spool();
        std::fs::create_dir(temp.path().join("d")).unwrap();
        for (ours, theirs, kept) in [("mine", "theirs", "a.txt"), ("mine again", "theirs again", "a (2).txt")] {
            std::fs::write(temp.path().join("d/a.txt"), ours).unwrap();
            let old = spool.folder().facts(&path("d/a.txt")).unwrap().unwrap();
            let replacing = Some(Replacing { old: &old, is_kept: true });
            whole(&spool, "d/a.txt", theirs).land(&path("d/a.txt"), replacing).unwrap();
            assert_eq!(std::fs::read_to_string(temp.path().join("d/a.txt")).unwrap(), theirs);
            let kept = temp.path().join(".boucan/replaced").join(kept);
            assert_eq!(std::fs::read_to_string(kept).unwrap(), ours);
        }
        assert_eq!(std::fs::read_dir(temp.path().join(".boucan/spool")).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_continued_or_cannot_land_does_not_stay() {
        let (temp, spool) = spool();
        let left = || std::fs::read_dir(temp.path().join(".boucan/spool")).unwrap().count();
        drop(spool.part(&key("nothing came", 1_000_000)).unwrap());
        drop(whole(&spool, "small", "small"));
        let mut unnamed = spool.part(&key("its version has no name", 1_000_000)).unwrap();
        unnamed.restart(Validators::default()).unwrap();
        unnamed.append(b"12345").unwrap();
        drop(unnamed);
        assert_eq!(left(), 0);
        std::fs::write(temp.path().join("taken"), "mine").unwrap();
        let mut stopped = spool.part(&key("taken", 300_000)).unwrap();
        stopped.restart(Validators { etag: Some("\"x\"".into()), last_modified: None }).unwrap();
        stopped.append(&vec![0; 300_000]).unwrap();
        assert_eq!(left(), 2);
        assert!(matches!(stopped.land(&path("taken"), None), Err(LandError::Exists)));
        assert_eq!(left(), 0);
    }

    #[test]
    fn a_link_in_the_way_is_not_followed() {
        let (temp, spool) = spool();
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), temp.path().join("d")).unwrap();
        assert!(whole(&spool, "d/a", "x").land(&path("d/a"), None).is_err());
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}
