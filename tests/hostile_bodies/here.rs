//! What is here is the user's: a file put in during a download or before it, a folder turned into
//! a link.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::support::lan::{Lan, Node};
use super::super::support::scripted::answers::{self, Script};
use super::super::support::scripted::{Kind, Scripted};
use super::super::support::{wait_until, wait_within};
use super::fails;

/// Half of the content comes at once, the rest when the gate opens.
fn gated(content: &'static str) -> (Script, Arc<AtomicBool>) {
    let gate = Arc::new(AtomicBool::new(false));
    let open = gate.clone();
    let script = answers::script(move |_, stream| {
        let (before, after) = content.split_at(content.len() / 2);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{before}", content.len())?;
        while !open.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        stream.write_all(after.as_bytes()).map(|()| answers::After::GoOn)
    });
    (script, gate)
}

/// A file whose download has begun and waits at the gate.
fn half_way(lan: &Lan, name: &str, content: &'static str) -> (Scripted, Arc<AtomicBool>) {
    let py = Scripted::start(lan, 3, Kind::Py);
    let (script, gate) = gated(content);
    py.offers(name, content).answers(name, script).announce();
    wait_until("the download has begun", || !py.requests_for(name).is_empty());
    (py, gate)
}

fn spool_is_empty(node: &Node) {
    wait_until("nothing is left in the spool", || std::fs::read_dir(node.loot(".boucan/spool")).unwrap().count() == 0);
}

#[test]
fn a_file_put_in_during_its_download_is_kept() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let (_py, gate) = half_way(&lan, "own.txt", "theirs, and longer");
    node.put("own.txt", "mine");
    node.lists("own.txt");
    gate.store(true, Ordering::Relaxed);
    fails(&node, "own.txt", "ours stands there");
    assert_eq!(std::fs::read(node.loot("own.txt")).unwrap(), b"mine");
    spool_is_empty(&node);
}

#[test]
fn a_folder_turned_into_a_link_during_a_download_is_not_left() {
    let lan = Lan::new();
    let builder = lan.node(2).opportunistic().file("d/here.txt", "here");
    let outside = builder.loot().with_file_name("outside");
    std::fs::create_dir(&outside).unwrap();
    let node = builder.start();
    let (_py, gate) = half_way(&lan, "d/evil.txt", "evil content");
    std::fs::rename(node.loot("d"), node.loot("elsewhere")).unwrap();
    std::os::unix::fs::symlink(&outside, node.loot("d")).unwrap();
    gate.store(true, Ordering::Relaxed);
    fails(&node, "d/evil.txt", "a link stands there");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn a_folder_put_where_a_file_is_to_come_is_kept() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let (_py, gate) = half_way(&lan, "name", "theirs, a file");
    node.put("name/mine.txt", "mine");
    gate.store(true, Ordering::Relaxed);
    fails(&node, "name", "a folder stands there");
    assert_eq!(std::fs::read(node.loot("name/mine.txt")).unwrap(), b"mine");
    spool_is_empty(&node);
}

#[test]
fn a_mirrored_file_follows_its_origin() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    py.offers("doc.txt", "one").announce();
    node.has("doc.txt", "one");
    node.lists("doc.txt");
    py.lists_only("").offers("doc.txt", "two, longer").announce();
    node.has("doc.txt", "two, longer");
    spool_is_empty(&node);
}

#[test]
fn a_file_of_the_users_is_never_replaced_and_the_other_version_comes_beside_it() {
    let lan = Lan::new();
    let node = lan
        .node(2)
        .opportunistic()
        .file("longer.txt", "mine")
        .file("shorter.txt", "mine")
        .file("same.txt", "mine")
        .start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    py.offers("longer.txt", "theirs, longer").offers("shorter.txt", "x").offers("same.txt", "them").announce();
    wait_until("the conflict is shown", || node.get("/held-back").text().contains("This one comes if it lasts."));
    let beside = [("longer (other 14 bytes).txt", "theirs, longer"), ("shorter (other 1 bytes).txt", "x")];
    wait_within(Duration::from_secs(40), "it lasts, and comes beside", || {
        beside
            .iter()
            .all(|(name, content)| std::fs::read(node.loot(name)).is_ok_and(|found| found == content.as_bytes()))
    });
    for name in ["longer.txt", "shorter.txt", "same.txt"] {
        assert_eq!(std::fs::read(node.loot(name)).unwrap(), b"mine", "{name}");
    }
    assert!(py.requests_for("same.txt").is_empty(), "without hashes, the same size is the same file");
}

#[test]
fn what_has_no_place_here_is_not_fetched_at_all() {
    let lan = Lan::new();
    let builder = lan.node(2).opportunistic();
    std::os::unix::fs::symlink("/tmp", builder.loot().join("Music")).unwrap();
    std::fs::create_dir(builder.loot().join("taken")).unwrap();
    let node = builder.start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    py.offers("Music/song.bin", "song").offers("taken", "a file").offers("control", "1").announce();
    node.has("control", "1");
    fails(&node, "Music/song.bin", "a link stands where its folder would be");
    assert!(py.requests_for("Music/song.bin").is_empty() && py.requests_for("taken").is_empty());
}
