//! The walk over the loot folder: finds what to offer, and what not and why.
//!
//! It reads through [`LootFolder`], so it meets exactly what serving would open. Links are never
//! followed; a folder that cannot be read is reported, not taken for empty. What it meets it tells
//! in the order of names, while folders further on are read by other threads: so nobody has to
//! keep all of it at once, or to sort it.

mod crew;
mod reader;

use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::AtomicUsize;

use rustix::fs::AtFlags;

use self::crew::Crew;
use self::reader::{Contents, Job, Reader};
use super::folder::{FileFacts, LootFolder};
use super::listing::{HeldBack, WhyHeldBack};
use super::watch::FolderWatch;
use crate::wire::DisplayText;

/// What a walk meets. Files and folders come in the order of names, as an index has them.
#[derive(Debug)]
pub enum Met<'m> {
    /// A file to offer.
    File(&'m str, FileFacts),
    /// Something that is not offered, with its name.
    HeldBack(Box<str>, HeldBack),
    /// A folder that cannot be read: what was known below it stays as it was.
    Unreadable(&'m str),
    /// All of a folder was told.
    FolderEnd,
}

/// A walk that has begun: its first folder, or the one file, is read.
#[derive(Debug)]
pub struct Scan<'s> {
    reader: Reader<'s>,
    first: Contents,
    below: Vec<Job>,
    /// How all names begin: the folder and a slash, or nothing.
    prefix: String,
}

impl<'s> Scan<'s> {
    /// Begins at `name`, a folder or a file (the empty name is the whole folder). `seen` counts
    /// files as they are met, for those who watch the progress; `watch` is told of each folder
    /// before it is read. Gone, or behind a link: nothing.
    ///
    /// # Errors
    /// When the loot folder itself, or the one that holds `name`, cannot be read; nothing is known then.
    pub fn begin(
        folder: &'s LootFolder,
        name: &str,
        seen: &'s AtomicUsize,
        watch: Option<&'s FolderWatch>,
    ) -> io::Result<Self> {
        let reader = Reader::of(folder, seen, watch);
        if name.is_empty() {
            let (first, below) = reader.read(&Job::whole())?;
            return Ok(Self { reader, first, below, prefix: String::new() });
        }
        let (parent, file) = name.rsplit_once('/').unwrap_or(("", name));
        let prefix = if parent.is_empty() { String::new() } else { format!("{parent}/") };
        let nothing =
            |reader| Ok(Self { reader, first: Contents::default(), below: Vec::new(), prefix: String::new() });
        let handle = match folder.open_folder(parent) {
            Ok(handle) => handle,
            Err(error) if is_missing(&error) => return nothing(reader),
            Err(error) => return Err(error),
        };
        match rustix::fs::statat(&handle, file, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let (first, below) = reader.meet_one(handle.as_fd(), &prefix, file, &stat)?;
                Ok(Self { reader, first, below, prefix })
            }
            Err(error) if is_missing(&error.into()) => nothing(reader),
            Err(error) => Err(error.into()),
        }
    }

    /// Walks on, on so many threads, this one among them, and tells what is met.
    pub fn tell(self, threads: usize, meet: &mut dyn FnMut(Met<'_>)) {
        let crew = Crew::new(&self.reader);
        let first = crew.take_on(self.first, self.below);
        std::thread::scope(|scope| {
            let _end = crew.ending();
            for _ in 1..threads {
                // A walk on fewer threads is slower and no worse.
                let _ = std::thread::Builder::new().name("loot-walk".into()).spawn_scoped(scope, || crew.help());
            }
            tell(&crew, first, self.prefix, meet);
        });
    }
}

/// A folder that is being told.
struct Level {
    contents: Contents,
    /// The next of its entries.
    at: usize,
    /// So many bytes of the name are this folder's.
    prefix: usize,
    /// The number of its next folder's job.
    child: usize,
}

impl Level {
    fn of(contents: Contents, prefix: usize) -> Self {
        Self { at: 0, prefix, child: contents.first_child, contents }
    }
}

fn tell(crew: &Crew<'_>, first: Contents, mut name: String, meet: &mut dyn FnMut(Met<'_>)) {
    let mut next = Some(first);
    let mut levels: Vec<Level> = Vec::new();
    loop {
        if let Some(mut contents) = next.take() {
            contents.held_back.drain(..).for_each(|(name, held)| meet(Met::HeldBack(name, held)));
            levels.push(Level::of(contents, name.len()));
        }
        let Some(level) = levels.last_mut() else { break };
        let Some((component, facts)) = level.contents.get(level.at) else {
            levels.pop();
            meet(Met::FolderEnd);
            continue;
        };
        name.truncate(level.prefix);
        name.push_str(component);
        level.at = level.at.saturating_add(1);
        if let Some(facts) = facts {
            meet(Met::File(&name, facts));
            continue;
        }
        let job = level.child;
        level.child = job.saturating_add(1);
        match crew.wait_for(job) {
            Ok(contents) => next = Some(contents),
            // A folder removed during the walk is not unreadable, it is gone.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let folder = name.trim_end_matches('/');
                meet(Met::Unreadable(folder));
                let shown = DisplayText::revealing(folder.as_bytes(), 200);
                let why = WhyHeldBack::Unreadable(error.to_string().into());
                meet(Met::HeldBack(folder.into(), HeldBack { name: shown, why }));
            }
        }
    }
}

/// Not there, or behind a link: no fault of the disk.
fn is_missing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    #[derive(Default)]
    struct Told {
        files: Vec<String>,
        held_back: Vec<String>,
        unreadable: Vec<String>,
        seen: usize,
    }

    fn told(root: &Path, name: &str, threads: usize) -> Told {
        let folder = LootFolder::open(root).unwrap();
        let (mut told, seen) = (Told::default(), AtomicUsize::new(0));
        Scan::begin(&folder, name, &seen, None).unwrap().tell(threads, &mut |met| match met {
            Met::File(name, _) => told.files.push(name.into()),
            Met::HeldBack(_, held) => told.held_back.push(format!("{:.12}: {}", held.name.as_str(), held.why)),
            Met::Unreadable(name) => told.unreadable.push(name.into()),
            Met::FolderEnd => {}
        });
        told.seen = seen.into_inner();
        told
    }

    fn write(root: &Path, names: &[&str]) {
        for name in names {
            let file = root.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "x").unwrap();
        }
    }

    #[test]
    fn a_walk_finds_files_and_says_what_it_holds_back() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path();
        let names =
            ["a.txt", "d/e/b.txt", ".hidden", ".boucan/spool/x", "forban/index", "line\nbreak", "d/back\\slash"];
        write(root, &names);
        std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"latin-\xe9")), "x").unwrap();
        std::fs::write(root.join("x".repeat(250)), "x").unwrap();
        std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
        let found = told(root, "", 2);
        assert_eq!((found.files, found.seen), (vec!["a.txt".to_owned(), "d/e/b.txt".to_owned()], 2));
        let why = found.held_back;
        assert_eq!(why.len(), 6, "{why:#?}");
        assert!(why.iter().any(|w| w.starts_with("latin-\u{fffd}: the name is not valid UTF-8")), "{why:#?}");
        assert!(why.iter().any(|w| w == "link: links are not followed"), "{why:#?}");
    }

    #[test]
    fn names_come_in_the_order_of_an_index_however_many_walk() {
        let temp = tempfile::tempdir().unwrap();
        let mut names: Vec<String> = (0..300).map(|n| format!("f{}/g{}/{n}", n % 7, n % 11)).collect();
        names.extend(["d", "d-", "d0", "f1", "f1-", "f10/x", "f1.x/y", "é/z", "f2/g", "f2/g-1/x"].map(|name| {
            if temp.path().join(name).exists() || ["f1", "f2/g"].contains(&name) {
                format!("{name}!")
            } else {
                name.into()
            }
        }));
        write(temp.path(), &names.iter().map(String::as_str).collect::<Vec<_>>());
        names.sort_unstable();
        for threads in [1, 2, 5] {
            assert_eq!(told(temp.path(), "", threads).files, names, "{threads}");
        }
    }

    #[test]
    fn one_name_is_looked_at_alone() {
        let temp = tempfile::tempdir().unwrap();
        write(temp.path(), &["d/a", "d/e/c", "b"]);
        for (name, files) in [
            ("d", vec!["d/a", "d/e/c"]),
            ("d/e", vec!["d/e/c"]),
            ("d/a", vec!["d/a"]),
            ("b", vec!["b"]),
            ("gone/too", vec![]),
        ] {
            assert_eq!(told(temp.path(), name, 1).files, files, "{name}");
        }
    }

    #[test]
    fn a_name_in_a_folder_that_is_not_listed_is_not_either_though_it_is_told_alone() {
        let temp = tempfile::tempdir().unwrap();
        let (long, deep) = (format!("{}/a", "x".repeat(250)), format!("d/{}/e/a", "x".repeat(250)));
        write(temp.path(), &[&long, &deep]);
        for name in ["", &long, &long[..250], &deep, "d", &deep[..254]] {
            let found = told(temp.path(), name, 1);
            assert!(found.files.is_empty() && !found.held_back.is_empty(), "{name}: {:?}", found.files);
        }
    }

    #[test]
    fn a_deep_folder_is_held_back_and_a_long_name_too() {
        let temp = tempfile::tempdir().unwrap();
        let deep = vec!["d"; 33].join("/");
        let long = format!("{}/x", [&*"n".repeat(245); 4].join("/"));
        write(temp.path(), &[&deep, &format!("{long}{}", "x".repeat(60))]);
        let found = told(temp.path(), "", 1);
        assert!(found.files.is_empty(), "{:?}", found.files);
        assert_eq!(found.held_back.len(), 2, "{:?}", found.held_back);
        assert!(found.held_back.iter().all(|held| held.ends_with("the name is too long")), "{:?}", found.held_back);
    }

    #[test]
    fn what_cannot_be_read_is_said_and_not_taken_for_empty() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        write(temp.path(), &["d/a", "e", "f"]);
        for name in ["d", "e"] {
            std::fs::set_permissions(temp.path().join(name), std::fs::Permissions::from_mode(0o0)).unwrap();
        }
        if std::fs::read(temp.path().join("e")).is_ok() {
            return; // the superuser reads everything
        }
        let found = told(temp.path(), "", 1);
        assert_eq!((found.files, found.unreadable), (vec!["f".to_owned()], vec!["d".to_owned()]));
        assert_eq!(found.held_back.len(), 2, "{:?}", found.held_back);
    }
}
