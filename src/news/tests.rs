//! The journal: what becomes one item, what is bounded, and what a restart keeps.

use std::time::Duration;

use super::journal::{AGE_MAX, ITEMS_MAX, MET_ITEMS_MAX, PER_NODE_MAX};
use super::*;
use crate::wire::LootPath;

const A: Uuid = Uuid::from_u128(0xa);
const B: Uuid = Uuid::from_u128(0xb);
const MINUTE: Duration = Duration::from_secs(60);

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn name(text: &str) -> DisplayText {
    DisplayText::from_bytes(text.as_bytes(), 64)
}

fn files(names: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<NewFile> {
    let file = |name: &str| NewFile { path: LootPath::parse(name.as_bytes()).unwrap(), size_bytes: 10 };
    names.into_iter().map(|name| file(name.as_ref())).collect()
}

/// Folder and number of files of each item, the newest first.
fn folders(news: &News) -> Vec<(String, u64)> {
    let said = |item: &Arc<NewsItem>| match &item.what {
        What::Met { files, .. } => (format!("{} met", item.node_name), *files),
        What::Added { folder, files, .. } => (folder.to_string(), *files),
    };
    news.latest(0, usize::MAX).iter().map(said).collect()
}

fn add(news: &News, node: Uuid, names: &[&str], at: SystemTime) {
    news.note(|journal| journal.add(node, &name("Galley"), files(names), at));
}

#[test]
fn what_comes_into_a_folder_is_one_item_while_it_comes() {
    let news = News::default();
    add(&news, A, &["Photos/1.jpg", "Photos/2.jpg", "a.txt"], start());
    let id = news.latest(0, 2).iter().find(|item| folders(&news).len() == 2 && item.at() == start()).unwrap().id;
    add(&news, A, &["Photos/3.jpg"], start() + 10 * MINUTE);
    assert_eq!(folders(&news), [("Photos".into(), 3), (String::new(), 1)]);
    assert!(news.latest(0, 2).iter().any(|item| item.id == id), "it keeps its id");
    add(&news, B, &["Photos/3.jpg"], start() + 11 * MINUTE);
    add(&news, A, &["Photos/4.jpg"], start() + 30 * MINUTE);
    let expected = [("Photos", 1), ("Photos", 1), ("Photos", 3), ("", 1)];
    assert_eq!(folders(&news), expected.map(|(folder, files)| (folder.to_owned(), files)), "another node; much later");
}

#[test]
fn a_tree_of_many_folders_is_one_item_however_it_comes() {
    let tree = |numbers: std::ops::Range<u32>| numbers.map(|n| format!("Photos/2026/{n}/{n}.jpg")).collect::<Vec<_>>();
    let (at_once, by_and_by) = (News::default(), News::default());
    at_once.note(|journal| journal.add(A, &name("Galley"), files(tree(0..1_000)), start()));
    for step in 0..100 {
        let at = start() + Duration::from_secs(step.into());
        by_and_by.note(|journal| journal.add(A, &name("Galley"), files(tree(step * 10..step * 10 + 10)), at));
    }
    for news in [at_once, by_and_by] {
        assert_eq!(folders(&news), [("Photos/2026".into(), 1_000)]);
        let What::Added { bytes, named, .. } = &news.latest(0, 1)[0].what else { panic!("files were added") };
        assert_eq!((*bytes, named.len()), (10_000, item::NAMED_MAX));
    }
}

#[test]
fn what_came_since_a_time_is_counted() {
    let news = News::default();
    news.note(|journal| journal.meet(A, &name("Galley"), Some((1_204, 5)), start()));
    assert_eq!(folders(&news), [("Galley met".into(), 1_204)]);
    for minutes in 1..=3_u32 {
        add(&news, A, &[&format!("{minutes}/a")], start() + minutes * MINUTE);
    }
    for (since, count) in [(start() - MINUTE, 4), (start(), 3), (start() + 2 * MINUTE, 1), (start() + 3 * MINUTE, 0)] {
        assert_eq!(news.count_since(since), count);
    }
}

#[test]
fn only_what_changes_something_wakes() {
    let news = News::default();
    let mut wakes = news.subscribe();
    news.note(|journal| journal.forget_old(start()));
    add(&news, A, &[], start());
    assert!(!wakes.has_changed().unwrap());
    add(&news, A, &["a"], start());
    assert!(wakes.has_changed().unwrap());
    wakes.mark_unchanged();
    news.note(|journal| journal.forget_old(start() + AGE_MAX + MINUTE));
    assert!(wakes.has_changed().unwrap() && news.is_empty());
}

#[test]
fn who_floods_pushes_out_only_its_own() {
    let news = News::default();
    add(&news, B, &["kept"], start());
    for step in 0..2 * PER_NODE_MAX as u32 {
        add(&news, A, &[&format!("{step}/a")], start() + step * 16 * MINUTE / 100);
    }
    assert!(news.len() <= PER_NODE_MAX + 1);
    assert!(news.latest(0, usize::MAX).iter().any(|item| item.node == B));
    for stranger in 0..2 * MET_ITEMS_MAX as u128 {
        news.note(|journal| journal.meet(Uuid::from_u128(stranger), &name("x"), Some((1, 1)), start() + 400 * MINUTE));
    }
    assert!(news.latest(0, usize::MAX).iter().any(|item| item.node == B), "uuids cost nothing");
    assert!(news.len() < ITEMS_MAX);
}

#[test]
fn long_names_take_bounded_memory() {
    let news = News::default();
    let long = |step: u32| format!("{step}/{}", ["x".repeat(240), "y".repeat(240), "z".repeat(240)].join("/"));
    for node in 0..10_u128 {
        for step in 0..60_u32 {
            let names = (0..24).map(|n| format!("{}{n}", long(step)));
            let at = start() + step * 20 * MINUTE;
            news.note(|journal| journal.add(Uuid::from_u128(node), &name("n"), files(names), at));
        }
    }
    let bytes: usize = news.latest(0, usize::MAX).iter().map(|item| item.text_bytes()).sum();
    assert!((1 << 20..=4 << 20).contains(&bytes), "{bytes}");
}

#[test]
fn long_names_push_out_no_short_ones() {
    let news = News::default();
    for step in 0..300_u32 {
        add(&news, B, &[&format!("{step}/a")], start() + step * 16 * MINUTE / 100);
    }
    let kept = news.len();
    let long = ["x".repeat(240), "y".repeat(240), "z".repeat(240)].join("/");
    for step in 0..400_u32 {
        let names = (0..24).map(|n| format!("{step}/{long}{n}"));
        news.note(|journal| journal.add(A, &name("A"), files(names), start() + step * 20 * MINUTE));
    }
    let of_b = news.latest(0, usize::MAX).iter().filter(|item| item.node == B).count();
    assert_eq!(of_b, kept);
}

#[test]
fn a_restart_keeps_it_and_forgets_what_is_old() {
    let temp = tempfile::tempdir().unwrap();
    let news = News::open(temp.path(), start());
    assert!(!news.is_unsaved());
    news.note(|journal| journal.meet(A, &name("Galley"), Some((2, 20)), start()));
    add(&news, A, &["Photos/\u{fe0f} \"1\".jpg", "Photos/2.jpg"], start() + MINUTE);
    assert!(news.is_unsaved());
    news.save();
    assert!(!news.is_unsaved());
    let again = News::open(temp.path(), start() + 2 * MINUTE);
    assert_eq!(again.latest(0, 9), news.latest(0, 9));
    assert!(again.is_met(A) && !again.is_met(B) && !again.is_unsaved());
    assert_eq!(again.is_met_by_name(&name("Galley")), Some(A));
    let late = News::open(temp.path(), start() + AGE_MAX + MINUTE);
    assert_eq!(folders(&late).len(), 1, "one of the two is too old");
}

#[test]
fn what_is_damaged_costs_only_itself() {
    let temp = tempfile::tempdir().unwrap();
    let item = |name: &str, path: &str| {
        format!(
            r#"{{"id":"{A}","node":"{A}","name":"{name}","since":1,"at":1800000000,"files":1,"bytes":1,
                "added":{{"folder":"","wide":false,"named":[["{path}",1]]}}}}"#
        )
    };
    for (text, items, why) in [
        (format!(r#"{{"items":[{}],"met":[]}}"#, item("a", "a.txt")), 1, "whole"),
        (format!(r#"{{"items":[{}],"met":[]}}"#, item("a", "../a.txt")), 1, "a name that leads out is left out"),
        (String::from("garbage"), 0, "no JSON"),
        (String::from(r#"{"items":7}"#), 0, "another JSON"),
    ] {
        std::fs::write(temp.path().join("news"), text).unwrap();
        let news = News::open(temp.path(), start());
        assert_eq!(news.len(), items, "{why}");
        for item in news.latest(0, 1) {
            let What::Added { named, .. } = &item.what else { panic!("{why}") };
            assert!(named.iter().all(|file| file.path.as_str() == "a.txt"), "{why}");
        }
    }
}
