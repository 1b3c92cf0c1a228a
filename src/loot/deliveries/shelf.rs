//! Where deliveries lie: `.boucan/uploads/` for those on their way, `.boucan/inbox/` for what others
//! brought.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, Mode, OFlags};

use super::note::Note;
use super::{DeliveryId, Length, Parcel};
use crate::loot::LootFolder;
use crate::loot::folder::facts_at;
use crate::loot::spool::{HIDDEN, make_private};

/// A longer note is none of ours.
const NOTE_MAX_BYTES: u64 = 16 * 1024;

#[derive(Debug)]
pub(in crate::loot) struct Shelf {
    /// The shared folder of which it is a part.
    pub(super) folder: Arc<LootFolder>,
    pub(super) uploads: OwnedFd,
    pub(in crate::loot) inbox: LootFolder,
}

impl Shelf {
    /// Opens the folders, or makes them.
    pub(super) fn open(folder: Arc<LootFolder>) -> io::Result<Self> {
        if !folder.is_in_place() {
            return Err(io::Error::other("it is not there at the moment"));
        }
        let hidden = || make_private(folder.handle().try_clone_to_owned()?, HIDDEN);
        let uploads = make_private(hidden()?, "uploads")?;
        let inbox = make_private(hidden()?, "inbox")?;
        let inbox = LootFolder::opened(inbox, folder.path().join(HIDDEN).join("inbox"))?;
        Ok(Self { folder, uploads, inbox })
    }

    /// Whether it belongs to that folder, and that one is still there.
    pub(super) fn is_of(&self, folder: &Arc<LootFolder>) -> bool {
        Arc::ptr_eq(&self.folder, folder) && folder.is_in_place()
    }

    /// An empty part, with its note if it can be continued.
    pub(super) fn make(&self, id: DeliveryId, parcel: &Parcel) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&self.uploads, part_name(id), flags, Mode::from_raw_mode(0o600))?;
        match parcel.length {
            Length::Exactly(_) => self.write_note(id, &Note::new(parcel)),
            Length::AtMost(_) => Ok(()),
        }
    }

    pub(super) fn open_part(&self, id: DeliveryId) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.uploads, part_name(id), flags, Mode::empty())?))
    }

    /// Removes what is there of it.
    pub(super) fn remove(&self, id: DeliveryId) {
        for name in [part_name(id), note_name(id)] {
            let _ = rustix::fs::unlinkat(&self.uploads, name, AtFlags::empty());
        }
    }

    pub(super) fn remove_note(&self, id: DeliveryId) {
        let _ = rustix::fs::unlinkat(&self.uploads, note_name(id), AtFlags::empty());
    }

    pub(super) fn write_note(&self, id: DeliveryId, note: &Note) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let temporary = format!("{id}.new");
        let mut file = File::from(rustix::fs::openat(&self.uploads, &temporary, flags, Mode::from_raw_mode(0o600))?);
        file.write_all(&serde_json::to_vec(note)?)?;
        Ok(rustix::fs::renameat(&self.uploads, &temporary, &self.uploads, note_name(id))?)
    }

    fn read_note(&self, id: DeliveryId) -> Option<Note> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.uploads, note_name(id), flags, Mode::empty()).ok()?;
        serde_json::from_reader(io::Read::take(File::from(file), NOTE_MAX_BYTES)).ok()
    }

    /// What lies here and can be continued, with what counts of it and when it was touched last;
    /// everything else is removed, and so is what `keep` refuses.
    pub(super) fn sweep(&self, mut keep: impl FnMut(DeliveryId, Note, u64, SystemTime) -> bool) -> io::Result<()> {
        for entry in Dir::read_from(&self.uploads)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if matches!(name, "." | "..") {
                continue;
            }
            let id = name.rsplit_once('.').and_then(|(id, _)| DeliveryId::parse(id));
            let note = id.and_then(|id| Some((id, self.read_note(id).filter(|note| note.path().is_some())?)));
            let kept = match (note, name.ends_with(".part"), name.ends_with(".note")) {
                (Some((id, note)), true, _) => facts_at(self.uploads.as_fd(), name)?.is_some_and(|facts| {
                    let touched = Duration::from_nanos(u64::try_from(facts.modified_ns).unwrap_or(0));
                    let trusted = note.trusted(facts.size_bytes);
                    keep(id, note, trusted, SystemTime::UNIX_EPOCH + touched)
                }),
                // It stays with its part.
                (Some((id, _)), _, true) => facts_at(self.uploads.as_fd(), &part_name(id))?.is_some(),
                _ => false,
            };
            if !kept {
                let _ = rustix::fs::unlinkat(&self.uploads, name, AtFlags::empty());
            }
        }
        Ok(())
    }
}

pub(super) fn part_name(id: DeliveryId) -> String {
    format!("{id}.part")
}

fn note_name(id: DeliveryId) -> String {
    format!("{id}.note")
}
