//! The system's word that something changed in the folder (`notify`), made into hints.
//!
//! Hints only say where to look: the keeper looks itself. What is lost when the queue is full is
//! found by a rescan, which a flag then asks for.

use std::path::{Path, PathBuf};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind};
use notify::{Config, Event, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::hints::{Hint, Hints};
use crate::wire::LootPath;

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
    pub fn start(folder: &Path, hints: Hints) -> notify::Result<Self> {
        let root: PathBuf = folder.into();
        let handler = move |event: notify::Result<Event>| match event {
            Ok(event) if event.need_rescan() => hints.send(Hint::Rescan),
            Ok(event) => hints_of(&event, &root).for_each(|hint| hints.send(hint)),
            Err(_) => hints.send(Hint::Rescan),
        };
        // Not who reads: each answer with a file would wake this thread.
        let kinds = EventKindMask::CORE | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_follow_symlinks(false).with_event_kinds(kinds);
        let mut watcher = RecommendedWatcher::new(handler, config)?;
        watcher.watch(folder, RecursiveMode::Recursive)?;
        Ok(Self { _watcher: watcher })
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
        let is_whole = kind == EventKind::Access(AccessKind::Close(AccessMode::Write));
        if matches!(kind, EventKind::Access(_)) && !is_whole {
            return None;
        }
        let name: Box<str> = match LootPath::parse(name.as_os_str().as_encoded_bytes()) {
            Ok(path) => path.as_str().into(),
            // Hidden things are of no interest; what is not listable is shown, and found by a walk.
            Err(crate::wire::loot_path::Refusal::Hidden) => return None,
            Err(_) => return Some(Hint::Rescan),
        };
        match kind {
            _ if is_whole => Some(Hint::Whole(name)),
            EventKind::Create(CreateKind::File) | EventKind::Modify(ModifyKind::Data(_)) => {
                Some(Hint::BeingWritten(name))
            }
            _ => Some(Hint::Changed(name)),
        }
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
