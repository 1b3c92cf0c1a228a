//! A keeper and its hasher over a real folder.

use std::path::Path;
use std::time::{Duration, Instant};

use super::cache::{Cache, Row};
use super::lists::{Lists, drop_all};
use crate::loot::keeper::{self, KeeperHandle};
use crate::loot::stored::StoredLoot;
use crate::loot::{Ledger, Loot, LootFolder, OpenError, PiecesError};
use crate::wire::napster::Md5;
use crate::wire::{Digests, IndexKey};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Room {
    temp: tempfile::TempDir,
    loot: Loot,
    keeper: KeeperHandle,
}

impl Room {
    fn new(files: &[(&str, &str)]) -> Self {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("loot")).unwrap();
        for (name, content) in files {
            std::fs::write(temp.path().join("loot").join(name), content).unwrap();
        }
        Self::open(temp)
    }

    fn open(temp: tempfile::TempDir) -> Self {
        let folder = LootFolder::open(&temp.path().join("loot")).unwrap();
        let stored = stored(temp.path());
        let ledger = Ledger::open(&stored.ledger_path()).unwrap();
        let (loot, keeper) = keeper::start(folder, IndexKey::Specified, ledger, stored).unwrap();
        Self { temp, loot, keeper }
    }

    fn stop(self) -> tempfile::TempDir {
        self.keeper.stop(Instant::now() + PATIENCE);
        self.temp
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.temp.path().join("loot").join(name)
    }

    /// Waits until all is read, and that file has that content.
    #[track_caller]
    fn knows(&self, name: &str, content: &str) {
        let deadline = Instant::now() + PATIENCE;
        let is_known = || {
            let table = self.loot.digests();
            let digests = table.get(table.index().position_of(name)?)?;
            (*digests == of(content) && self.loot.hashing().left == 0).then_some(())
        };
        while is_known().is_none() {
            assert!(Instant::now() < deadline, "{name} is not known: {:?}", self.loot.hashed());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn stored(temp: &Path) -> StoredLoot {
    StoredLoot::open(&temp.join("state"), &temp.join("loot").canonicalize().unwrap()).unwrap()
}

fn of(content: &str) -> Digests {
    let md5 = Md5::new(<md5::Md5 as md5::Digest>::digest(content.as_bytes()).into());
    Digests { md5, blake3: blake3::hash(content.as_bytes()).into() }
}

#[test]
fn files_are_opened_by_what_they_hold() {
    let room = Room::new(&[("a", "one"), ("b", "two"), ("empty", "")]);
    for (name, content) in [("a", "one"), ("b", "two"), ("empty", "")] {
        room.knows(name, content);
        let (path, opened) = room.loot.open_by_md5(of(content).md5).unwrap();
        assert_eq!((path.as_str(), opened.facts.size_bytes), (name, content.len() as u64));
    }
    assert!(matches!(room.loot.open_by_md5(of("three").md5), Err(OpenError::Missing)));
    room.stop();
}

#[test]
fn another_content_of_the_same_size_is_read_again_and_never_given_for_the_first() {
    let room = Room::new(&[("a", "one")]);
    room.knows("a", "one");
    let modified = std::fs::metadata(room.file("a")).unwrap().modified().unwrap();
    std::fs::write(room.file("a"), "two").unwrap();
    assert!(matches!(room.loot.open_by_md5(of("one").md5), Err(OpenError::Missing)));
    room.knows("a", "two");
    // Its time can be set back, but not that of the change.
    let file = std::fs::File::options().write(true).open(room.file("a")).unwrap();
    std::io::Write::write_all(&mut &file, b"six").unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    room.knows("a", "six");
    room.stop();
}

#[test]
fn no_file_is_counted_as_read_before_it_was_looked_at() {
    let room = Room::new(&[("a", "one")]);
    for files in 1..=5 {
        let deadline = Instant::now() + PATIENCE;
        while room.loot.snapshot().index.len() < files {
            assert!(Instant::now() < deadline, "{files} files are listed");
        }
        // From the moment at which the index lists it.
        while room.loot.hashing().left > 0 {
            assert!(Instant::now() < deadline, "{files} files are read");
        }
        assert_eq!(room.loot.hashed().table.known(), files);
        std::fs::write(room.file(&files.to_string()), "another one").unwrap();
    }
    room.stop();
}

#[test]
fn before_the_folder_was_read_there_is_more_to_come() {
    let room = Room::new(&[("a", "one")]);
    let deadline = Instant::now() + PATIENCE;
    while room.loot.hashing().left > 0 {
        assert!(Instant::now() < deadline, "it is read");
    }
    assert_eq!(room.loot.hashed().table.known(), 1);
    room.stop();
}

#[test]
fn files_are_opened_by_their_blake3() {
    let room = Room::new(&[("a", "one"), ("b", "two")]);
    room.knows("a", "one");
    room.knows("b", "two");
    assert_eq!(room.loot.open_by_blake3(of("two").blake3).unwrap().0.as_str(), "b");
    std::fs::write(room.file("b"), "six").unwrap();
    assert!(matches!(room.loot.open_by_blake3(of("two").blake3), Err(OpenError::Missing)));
    room.knows("b", "six");
    assert_eq!(room.loot.open_by_blake3(of("six").blake3).unwrap().0.as_str(), "b");
    room.stop();
}

#[test]
fn a_list_of_pieces_is_there_with_the_digests_and_after_a_restart() {
    let large = "large ".repeat(200_000);
    let room = Room::new(&[("large", &large), ("small", "small"), ("empty", "")]);
    for (name, content) in [("large", &*large), ("small", "small"), ("empty", "")] {
        room.knows(name, content);
        let list = room.loot.pieces(of(content).blake3).unwrap();
        assert_eq!((list.size_bytes(), list.root()), (content.len() as u64, of(content).blake3));
        assert_eq!(list.hashes().len(), content.len().div_ceil(256 * 1024));
    }
    assert_eq!(room.loot.pieces(of("other").blake3), Err(PiecesError::Unknown));
    let room = Room::open(room.stop());
    room.knows("large", &large);
    assert!(room.loot.pieces(of(&large).blake3).is_ok());
    room.stop();
}

#[test]
fn a_list_that_is_not_kept_is_made_when_somebody_asks() {
    let large = "large ".repeat(200_000);
    let room = Room::new(&[("large", &large)]);
    room.knows("large", &large);
    let temp = room.stop();
    drop_all(&stored(temp.path()).digests_path());
    let room = Room::open(temp);
    room.knows("large", &large);
    let deadline = Instant::now() + PATIENCE;
    assert_eq!(room.loot.pieces(of(&large).blake3), Err(PiecesError::NotYet));
    while room.loot.pieces(of(&large).blake3).is_err() {
        assert!(Instant::now() < deadline, "it is made");
        // What is known stays known.
        assert!(room.loot.open_by_blake3(of(&large).blake3).is_ok());
        std::thread::sleep(Duration::from_millis(5));
    }
    room.stop();
}

#[test]
fn where_no_lists_can_be_kept_none_is_promised() {
    let large = "large ".repeat(200_000);
    let room = Room::new(&[("large", &large)]);
    room.knows("large", &large);
    room.loot.shared.lists.read_from(None);
    assert_eq!(room.loot.pieces(of(&large).blake3), Err(PiecesError::Unknown));
    room.stop();
}

#[test]
fn of_two_copies_the_one_that_is_unchanged_is_given() {
    let room = Room::new(&[("a", "one"), ("b", "one")]);
    room.knows("a", "one");
    room.knows("b", "one");
    std::fs::write(room.file("a"), "two").unwrap();
    assert_eq!(room.loot.open_by_md5(of("one").md5).unwrap().0.as_str(), "b");
    room.stop();
}

#[test]
fn of_very_many_copies_that_are_gone_only_some_are_tried() {
    let names: Vec<String> = (0..500).map(|n| format!("d/{n}")).collect();
    let room = Room::new(&[]);
    std::fs::create_dir(room.file("d")).unwrap();
    names.iter().for_each(|name| std::fs::write(room.file(name), "").unwrap());
    room.loot.rescan();
    let deadline = Instant::now() + PATIENCE;
    while room.loot.digests().known() < names.len() {
        assert!(Instant::now() < deadline, "all are known");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Without a keeper nobody hears that they went.
    let loot = room.loot.clone();
    room.keeper.stop(Instant::now() + PATIENCE);
    std::fs::rename(room.temp.path().join("loot"), room.temp.path().join("away")).unwrap();
    std::fs::rename(room.temp.path().join("away/d"), room.temp.path().join("away/e")).unwrap();
    loot.shared.desk.take(Duration::ZERO);
    assert!(matches!(loot.open_by_md5(of("").md5), Err(OpenError::Missing)));
    assert_eq!(loot.shared.desk.take(Duration::ZERO).touched.len(), 64);
}

#[test]
fn a_restart_reads_only_what_was_changed_meanwhile() {
    let room = Room::new(&[("same", "one"), ("changed", "one")]);
    room.knows("same", "one");
    room.knows("changed", "one");
    let temp = room.stop();
    // Digests that no reading could give, kept for the version that is there.
    let path = stored(temp.path()).digests_path();
    let mut cache = Cache::open(&path, Lists::default());
    for name in ["same", "changed"] {
        let row = cache.reader().unwrap().get(name).unwrap();
        assert_eq!(row.digests, of("one"));
        cache.put(name, Row { digests: of("from the cache"), ..row });
    }
    cache.commit();
    drop(cache);
    let file = temp.path().join("loot/changed");
    let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
    std::fs::write(&file, "two").unwrap();
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
    let room = Room::open(temp);
    room.knows("changed", "two");
    room.knows("same", "from the cache");
    room.stop();
}

#[test]
fn what_comes_and_goes_is_followed() {
    let room = Room::new(&[("m", "middle")]);
    room.knows("m", "middle");
    std::fs::write(room.file("a"), "before it").unwrap();
    std::fs::write(room.file("z"), "behind it").unwrap();
    room.knows("a", "before it");
    room.knows("z", "behind it");
    room.knows("m", "middle");
    std::fs::remove_file(room.file("a")).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while room.loot.digests().find(of("before it").md5).is_some() {
        assert!(Instant::now() < deadline, "it is gone");
        std::thread::sleep(Duration::from_millis(5));
    }
    room.knows("z", "behind it");
    room.stop();
}

#[test]
fn a_small_file_does_not_wait_for_the_rest_of_a_large_one() {
    // Holes are read as fast as memory: large enough that it takes a while.
    let room = Room::new(&[("m", "middle")]);
    room.knows("m", "middle");
    let large = std::fs::File::create(room.file("large")).unwrap();
    large.set_len(1 << 40).unwrap();
    drop(large);
    let deadline = Instant::now() + PATIENCE;
    while room.loot.snapshot().index.len() < 2 {
        assert!(Instant::now() < deadline, "the large one is listed");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::fs::write(room.file("small"), "small").unwrap();
    while room.loot.digests().find(of("small").md5).is_none() {
        assert!(Instant::now() < deadline, "the small one is known");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(room.loot.hashing().left, 1);
    room.stop();
}
