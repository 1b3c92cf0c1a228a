use super::*;
use crate::wire::{Digests, napster::Md5};

fn index(files: &[(&str, u64)]) -> Arc<Index> {
    let mut files = files.to_vec();
    files.sort_unstable();
    Arc::new(Index::from_sorted(files.into_iter()))
}

fn owner(index: &Arc<Index>, mtimes: &[(&str, i64)]) -> Owner {
    let digests = Digests { md5: Md5::new([7; 16]), blake3: [7; 32] };
    let mtime = |at: usize| {
        let name = index.get(at).unwrap().name;
        mtimes.iter().find(|(of, _)| *of == name).map_or(0, |(_, mtime)| *mtime)
    };
    let table = DigestTable::new(index.clone(), vec![Some(digests); index.len()]);
    Owner::for_tests(index.clone(), Arc::new(table.with_mtimes((0..index.len()).map(mtime).collect())))
}

fn names(index: &Index, folder: &Folder, depth: usize) -> Vec<String> {
    let name = |at: usize| index.get(at).unwrap().name[depth..].to_owned();
    let folders = folder.folders.iter().map(|sub| name(sub.first).split('/').next().unwrap().to_owned() + "/");
    folders.chain(folder.files.iter().map(|at| name(*at as usize))).collect()
}

#[test]
fn folders_come_first_and_each_order_goes_both_ways() {
    let files = [("d/2.txt", 5), ("d/10.txt", 7), ("d/B/x", 1), ("d/a/x/y", 2), ("d/a/z", 4), ("d/a.txt", 9), ("e", 1)];
    let index = index(&files);
    let owner = owner(&index, &[("d/2.txt", 30), ("d/10.txt", 20), ("d/a.txt", 10), ("d/B/x", 5), ("d/a/x/y", 1)]);
    let sorted = |by, is_reversed| {
        let folder = Folders::default().get(&owner, "d", Sort { by, is_reversed });
        assert_eq!((folder.count, folder.bytes), (6, 28));
        names(&index, &folder, 2)
    };
    assert_eq!(sorted(By::Name, false), ["a/", "B/", "2.txt", "10.txt", "a.txt"]);
    assert_eq!(sorted(By::Name, true), ["B/", "a/", "a.txt", "10.txt", "2.txt"]);
    assert_eq!(sorted(By::Size, false), ["a/", "B/", "a.txt", "10.txt", "2.txt"]);
    assert_eq!(sorted(By::Age, false), ["B/", "a/", "2.txt", "10.txt", "a.txt"]);
    let folder = Folders::default().get(&owner, "d", Sort::default());
    assert_eq!(folder.folders[0], Sub { first: 4, count: 2, bytes: 6, newest: Some(1) });
}

#[test]
fn what_can_be_looked_at_or_played_is_noticed() {
    let index = index(&[("p/a.jpg", 1), ("p/b.txt", 1), ("q/r/song.ogg", 1), ("q/list.m3u", 1), ("t/list.m3u", 1)]);
    let owner = owner(&index, &[]);
    for (folder, pictures, playable) in [("p", true, false), ("q", false, true), ("t", false, false), ("", false, true)]
    {
        let seen = Folders::default().get(&owner, folder, Sort::default());
        assert_eq!((seen.has_pictures, seen.is_playable), (pictures, playable), "{folder}");
    }
}

#[test]
fn a_large_folder_is_looked_at_once_while_its_index_is_the_same() {
    let names: Vec<String> = (0..KEPT_FROM_FILES).map(|number| format!("d/{number}")).collect();
    let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let (one, other) = (index(&files), index(&files));
    let (owner_of_one, owner_of_other) = (owner(&one, &[]), owner(&other, &[]));
    let folders = Folders::default();
    let first = folders.get(&owner_of_one, "d", Sort::default());
    assert!(Arc::ptr_eq(&first, &folders.get(&owner_of_one, "d", Sort::default())));
    assert!(!Arc::ptr_eq(&first, &folders.get(&owner_of_other, "d", Sort::default())), "another index");
    assert!(!Arc::ptr_eq(&first, &folders.get(&owner(&one, &[]), "d", Sort::default())), "other times");
    let held = Arc::downgrade(&one);
    drop((one, owner_of_one));
    assert!(held.upgrade().is_none(), "no index is kept for it");
    let top = folders.get(&owner_of_other, "", Sort::default());
    assert!(Arc::ptr_eq(&top, &folders.get(&owner_of_other, "", Sort::default())), "few rows, but many files below");
    assert_eq!(folders.0.lock().unwrap().len(), 2, "what is kept of the other one goes");
}

#[test]
fn of_kept_folders_the_longest_unused_ones_make_room() {
    let names: Vec<String> = (0..KEPT_FROM_FILES).map(|number| format!("{}{number}", "d/".repeat(30))).collect();
    let files: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let (folders, indexes) = (Folders::default(), (0..10).map(|_| index(&files)).collect::<Vec<_>>());
    let owners: Vec<Owner> = indexes.iter().map(|index| owner(index, &[])).collect();
    for (asked, depth) in (0..300).map(|number| (number, number % 30)) {
        folders.get(&owners[asked / 30], "d/".repeat(depth).trim_end_matches('/'), Sort::default());
    }
    let kept = folders.0.lock().unwrap();
    assert_eq!(kept.len(), KEPT_FOLDERS);
    assert!(kept.iter().all(|kept| !Weak::ptr_eq(&kept.index, &Arc::downgrade(&indexes[0]))));
}
