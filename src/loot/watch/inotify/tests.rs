//! The watch over a real folder.

use super::*;
use crate::loot::hints::{Gathered, Gatherer, hints};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Weak;
use std::time::{Duration, Instant};

fn watch(root: &Path) -> (FolderWatch, Gatherer) {
    let (hints, gatherer) = hints();
    let folder = Arc::new(LootFolder::open(root).unwrap());
    (FolderWatch::start(&folder, hints).unwrap(), gatherer)
}

/// Gathers until all these names were told of.
#[track_caller]
fn wait_for(gatherer: &mut Gatherer, names: &[&str]) {
    let mut missing: Vec<&str> = names.to_vec();
    let deadline = Instant::now() + Duration::from_secs(20);
    while !missing.is_empty() {
        assert!(Instant::now() < deadline, "nobody told of {missing:?}");
        match gatherer.gather(deadline, None) {
            Gathered::Look(told) => missing.retain(|name| !told.contains(*name)),
            other => panic!("{other:?} while {missing:?}"),
        }
    }
}

#[test]
fn what_happens_in_a_folder_is_told_and_in_those_that_come_too() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    let (_watch, mut gatherer) = watch(root);
    fs::write(root.join("a"), "x").unwrap();
    wait_for(&mut gatherer, &["a"]);
    fs::create_dir_all(root.join("d/e/f")).unwrap();
    wait_for(&mut gatherer, &["d"]);
    fs::write(root.join("d/e/f/b"), "x").unwrap();
    wait_for(&mut gatherer, &["d/e/f/b"]);
    fs::rename(root.join("a"), root.join("d/a")).unwrap();
    wait_for(&mut gatherer, &["a", "d/a"]);
    fs::remove_file(root.join("d/a")).unwrap();
    wait_for(&mut gatherer, &["d/a"]);
}

#[test]
fn a_folder_that_was_renamed_is_told_of_by_its_new_name_and_one_that_left_no_more() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("loot");
    fs::create_dir_all(root.join("d/e")).unwrap();
    let (watch, mut gatherer) = watch(&root);
    watch.watched.follow(b"d");
    fs::rename(root.join("d"), root.join("n")).unwrap();
    wait_for(&mut gatherer, &["d", "n"]);
    fs::write(root.join("n/e/x"), "x").unwrap();
    wait_for(&mut gatherer, &["n/e/x"]);
    fs::rename(root.join("n"), temp.path().join("away")).unwrap();
    wait_for(&mut gatherer, &["n"]);
    let folders: Vec<Box<str>> = watch.watched.lock().names.values().cloned().collect();
    assert_eq!(folders, ["".into()]);
}

#[test]
fn our_own_spool_and_mere_reading_are_no_news() {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir_all(temp.path().join(".boucan/spool")).unwrap();
    fs::write(temp.path().join("a"), "x").unwrap();
    let (watch, mut gatherer) = watch(temp.path());
    watch.watched.follow(b".boucan");
    let long = "x".repeat(250);
    fs::create_dir(temp.path().join(&long)).unwrap();
    wait_for(&mut gatherer, &[&long]);
    watch.watched.follow(long.as_bytes());
    fs::write(temp.path().join(&long).join("y"), "x").unwrap();
    fs::write(temp.path().join(".boucan/spool/x.part"), "x").unwrap();
    fs::write(temp.path().join(".hidden"), "x").unwrap();
    fs::read(temp.path().join("a")).unwrap();
    fs::write(temp.path().join("b"), "x").unwrap();
    let told = gatherer.gather(Instant::now() + Duration::from_secs(20), None);
    assert_eq!(told, Gathered::Look(["b".into()].into()));
}

#[track_caller]
fn wait_for_end(watched: &Weak<Watched>) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while watched.upgrade().is_some() {
        assert!(Instant::now() < deadline, "the thread still listens");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_thread_ends_with_the_watch() {
    let temp = tempfile::tempdir().unwrap();
    let (watch, _gatherer) = watch(temp.path());
    let watched = Arc::downgrade(&watch.watched);
    drop(watch);
    wait_for_end(&watched);
}

#[test]
fn the_thread_ends_though_the_last_word_was_lost() {
    let temp = tempfile::tempdir().unwrap();
    let (watch, _gatherer) = watch(temp.path());
    let watched = Arc::downgrade(&watch.watched);
    let [mut a, mut b] = ["a", "b"].map(|name| fs::File::create(temp.path().join(name)).unwrap());
    let most: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
    let kept = watch.watched.clone();
    let mut folders = kept.lock();
    // Equal events that follow one another are one. Some were read already.
    for _ in 0..most / 2 + BUFFER_BYTES / 16 {
        a.write_all(b"x").unwrap();
        b.write_all(b"x").unwrap();
    }
    folders.ended = true;
    inotify::remove_watch(&kept.inotify, folders.root.unwrap()).unwrap();
    drop(folders);
    drop((watch, kept));
    wait_for_end(&watched);
}
