//! Watching by whatever the system has (`notify`).

use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
use notify::{Config, Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::{News, hint_of};
use crate::loot::LootFolder;
use crate::loot::hints::{Hint, Hints};

/// Watches a folder for as long as it lives.
#[derive(Debug)]
pub struct FolderWatch {
    _watcher: RecommendedWatcher,
}

impl FolderWatch {
    /// Begins to watch `folder` and all below it.
    ///
    /// # Errors
    /// When the system's limit of watches is reached, for instance.
    pub fn start(folder: &Arc<LootFolder>, hints: Hints) -> notify::Result<Self> {
        let root: PathBuf = folder.path().into();
        let handler = move |event: notify::Result<Event>| match event {
            Ok(event) if event.need_rescan() => hints.send(Hint::Rescan),
            Ok(event) => hints_of(&event, &root).for_each(|hint| hints.send(hint)),
            Err(_) => hints.send(Hint::Rescan),
        };
        let mut watcher = RecommendedWatcher::new(handler, Config::default().with_follow_symlinks(false))?;
        watcher.watch(folder.path(), RecursiveMode::Recursive)?;
        Ok(Self { _watcher: watcher })
    }

    /// A folder is about to be read: it is watched already.
    pub fn note_folder(&self, _name: &str, _folder: BorrowedFd<'_>) {}

    /// Why not all is watched that should be.
    #[must_use]
    pub fn failed(&self) -> Option<&str> {
        None
    }
}

/// What the keeper should look at for an event; nothing for names that are never listed.
fn hints_of<'e>(event: &'e Event, root: &'e Path) -> impl Iterator<Item = Hint> + 'e {
    let kind = event.kind;
    event.paths.iter().filter_map(move |path| {
        let name = path.strip_prefix(root).ok()?;
        if name.as_os_str().is_empty() {
            // The folder itself was moved or removed; other news of it tells nothing.
            let went = matches!(kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)));
            return went.then_some(Hint::Rescan);
        }
        let news = match kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => News::Whole,
            EventKind::Access(_) => return None,
            EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)) => News::BeingWritten,
            _ => News::Changed,
        };
        hint_of(name.as_os_str().as_encoded_bytes(), news)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{DataChange, MetadataKind, RemoveKind, RenameMode};

    fn hints(kind: EventKind, name: &str) -> Vec<Hint> {
        let root = Path::new("/loot");
        let event = Event::new(kind).add_path(root.join(name));
        hints_of(&event, root).collect()
    }

    #[test]
    fn a_file_is_whole_when_its_writer_closed_it() {
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        assert_eq!(hints(written, "a"), [Hint::BeingWritten("a".into())]);
        assert_eq!(hints(EventKind::Access(AccessKind::Close(AccessMode::Write)), "d/a"), [Hint::Whole("d/a".into())]);
        assert_eq!(hints(EventKind::Modify(ModifyKind::Name(RenameMode::To)), "a"), [Hint::Changed("a".into())]);
    }

    #[test]
    fn our_own_spool_and_mere_reading_are_no_news() {
        assert!(hints(EventKind::Create(CreateKind::File), ".boucan/spool/1.part").is_empty());
        assert!(hints(EventKind::Access(AccessKind::Open(AccessMode::Any)), "a").is_empty());
        assert!(hints(EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), "").is_empty());
        assert_eq!(hints(EventKind::Remove(RemoveKind::Folder), ""), [Hint::Rescan]);
    }
}
