//! Rows and lists on disk.

use super::*;
use crate::wire::{Index, PieceHasher};

fn row(byte: u8) -> Row {
    let stamp = Stamp { modified_ns: -i64::from(byte), changed_ns: 7, inode: u64::MAX };
    Row { size_bytes: 1 << 40, stamp, digests: Digests { md5: Md5::new([byte; 16]), blake3: [byte; 32] } }
}

fn open_at(path: &Path) -> Cache {
    Cache::open(path, Lists::default())
}

/// Of files of which no digests are known.
fn table(names: impl Iterator<Item = String>) -> DigestTable {
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    let index = Index::from_sorted(names.iter().map(|name| (name.as_str(), 1)));
    DigestTable::new(Arc::new(index), Vec::new())
}

/// A content of two pieces with its list.
fn listed(number: u32) -> ([u8; 32], PieceList) {
    let mut hasher = PieceHasher::new();
    hasher.update(&number.to_be_bytes());
    hasher.update(&[0; 300_000]);
    let (root, list) = hasher.finish();
    (root, list.unwrap())
}

#[test]
fn rows_survive_a_restart() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("digests.redb");
    let mut cache = open_at(&path);
    assert!(cache.reader().is_none() && cache.commit_due().is_none());
    cache.put("a", row(1));
    cache.put("ü, b", row(2));
    assert!(cache.commit_due().is_some());
    cache.commit();
    drop(cache);
    let reader = open_at(&path).reader().unwrap();
    assert_eq!((reader.get("a"), reader.get("ü, b"), reader.get("c")), (Some(row(1)), Some(row(2)), None));
}

#[test]
fn a_damaged_file_is_set_aside_and_made_anew() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("digests.redb");
    let mut cache = open_at(&path);
    (0..2_000).for_each(|number| cache.put(&format!("file {number}"), row(3)));
    cache.commit();
    drop(cache);
    let whole = std::fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at..at + 512].iter_mut().for_each(|b| *b ^= 0x55);
        bytes
    };
    let rows_at = whole.windows(7).position(|w| w == b"file 17").unwrap();
    for (damaged, what) in [
        (b"not what it should be".to_vec(), "another file"),
        (whole[..whole.len() / 2].to_vec(), "cut"),
        (flipped(0), "its head"),
        (flipped(rows_at), "its rows"),
    ] {
        std::fs::write(&path, damaged).unwrap();
        let mut cache = open_at(&path);
        assert!(cache.reader().is_none(), "{what}");
        assert!(temp.path().join("digests.redb.bad").exists(), "{what}");
        cache.put("a", row(4));
        cache.commit();
        assert_eq!(cache.reader().unwrap().get("a"), Some(row(4)), "{what}");
        std::fs::remove_file(temp.path().join("digests.redb.bad")).unwrap();
    }
}

#[test]
fn names_that_are_gone_are_dropped_once_they_are_many() {
    let temp = tempfile::tempdir().unwrap();
    let mut cache = open_at(&temp.path().join("digests.redb"));
    (0..1_500).for_each(|number| cache.put(&number.to_string(), row(5)));
    cache.commit();
    let rows = |cache: &Cache| cache.reader().unwrap().0.len().unwrap();
    cache.forget_gone(&table((0..1_000).map(|number| number.to_string())));
    assert_eq!(rows(&cache), 1_500);
    cache.forget_gone(&table((0..10).map(|number| number.to_string())));
    assert_eq!(rows(&cache), 10);
}

#[test]
fn where_nothing_can_be_kept_the_node_goes_on() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("no such folder");
    let mut cache = open_at(&folder.join("digests.redb"));
    cache.put("a", row(1));
    cache.commit();
    assert!(cache.reader().is_none());
    // Once there is room again, they are kept again.
    std::fs::create_dir(&folder).unwrap();
    assert!(cache.commit_due().is_some_and(|due| due > Instant::now()));
    cache.commit();
    assert!(!cache.readers.are_kept(), "not before its time");
    cache.reopen_at = Some(Instant::now());
    cache.commit();
    assert!(cache.readers.are_kept() && cache.commit_due().is_none());
    cache.put("a", row(1));
    cache.commit();
    assert_eq!(cache.reader().unwrap().get("a"), Some(row(1)));
}

#[test]
fn lists_survive_a_restart_and_go_with_the_last_row_of_their_content() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("digests.redb");
    let readers = Lists::default();
    let is_kept = |(blake3, list): &([u8; 32], PieceList)| readers.get(blake3, list.size_bytes()) == Some(list.clone());
    let mut cache = Cache::open(&path, readers.clone());
    let lists: Vec<_> = (0..200).map(listed).collect();
    for (number, (blake3, list)) in lists.iter().enumerate() {
        let digests = Digests { md5: Md5::new([1; 16]), blake3: *blake3 };
        // One file after another stood under these names.
        cache.put(&(number % 3).to_string(), Row { size_bytes: list.size_bytes(), digests, ..row(1) });
        cache.put_list(*blake3, list.clone());
    }
    assert!(cache.has_pending_lists() && cache.commit_due().is_some());
    cache.commit();
    drop(cache);
    assert!(!is_kept(&lists[7]), "closed for everybody");
    let mut cache = Cache::open(&path, readers.clone());
    assert!(lists.iter().all(is_kept));
    assert_eq!(readers.get(&lists[7].0, 100_000), None, "not of that size");
    cache.forget_gone(&table((0..3).map(|number| number.to_string())));
    let left: Vec<usize> = (0..200).filter(|at| is_kept(&lists[*at])).collect();
    assert_eq!(left, [197, 198, 199]);
}
