//! The index follows the folder: changes, halves of files, and a folder that goes away.

use std::io::Write as _;

use crate::support::lan::Lan;
use crate::support::wait_until;

#[test]
fn every_kind_of_change_is_followed() {
    let lan = Lan::new();
    let node = lan.node(2).file("stays", "1").file("goes", "1").file("moves/a", "1").file("moves/b", "2").start();
    std::fs::remove_file(node.loot("goes")).unwrap();
    std::fs::rename(node.loot("moves"), node.loot("moved")).unwrap();
    std::fs::write(node.loot("stays"), "longer").unwrap();
    std::fs::create_dir_all(node.loot("new/deep")).unwrap();
    std::fs::write(node.loot("new/deep/file"), "x").unwrap();
    std::fs::hard_link(node.loot("stays"), node.loot("linked")).unwrap();
    let expected = ["linked,6", "moved/a,1", "moved/b,1", "new/deep/file,1", "stays,6"];
    wait_until("the index is as the folder", || node.index() == expected);
}

#[test]
fn a_file_is_listed_when_its_writer_is_done() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let mut file = std::fs::File::create(node.loot("growing")).unwrap();
    file.write_all(b"half").unwrap();
    node.put("other", "x");
    node.lists("other");
    assert_eq!(node.index(), ["other,1"]);
    file.write_all(b" and half").unwrap();
    drop(file);
    node.lists("growing");
    assert_eq!(node.index(), ["growing,13", "other,1"]);
}

#[test]
fn a_folder_that_vanished_is_not_published_as_empty() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "1").start();
    let away = node.loot("").with_file_name("away");
    std::fs::rename(node.loot(""), &away).unwrap();
    wait_until("the loss is noticed", || node.get("/healthz").text().contains("folder missing"));
    assert_eq!(node.index(), ["a,1"]);
    // An empty folder in its place, as the mount point of a disk that is not mounted.
    std::fs::create_dir(node.loot("")).unwrap();
    wait_until("it is said", || node.get("/").text().contains("is a disk not mounted?"));
    assert_eq!(node.index(), ["a,1"]);
    std::fs::remove_dir(node.loot("")).unwrap();
    std::fs::rename(&away, node.loot("")).unwrap();
    std::fs::write(node.loot("b"), "22").unwrap();
    wait_until("it is followed again", || node.index() == ["a,1", "b,2"]);
    assert!(node.get("/healthz").text().contains("\"ok\""));
}

#[test]
fn an_empty_folder_in_the_place_of_a_full_one_is_not_believed_after_a_restart_either() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "1").start();
    let builder = node.kill();
    let loot = builder.loot();
    std::fs::rename(&loot, loot.with_file_name("away")).unwrap();
    std::fs::create_dir(&loot).unwrap();
    let mut child = builder.command().spawn().unwrap();
    wait_until("it says what is missing", || {
        std::net::TcpStream::connect(lan.address(2)).is_ok()
            && crate::support::http::request(lan.address(2), "GET", "/healthz", "").text().contains("folder missing")
    });
    std::fs::write(loot.join("new"), "1").unwrap();
    wait_until("files put in are shared", || {
        crate::support::http::request(lan.address(2), "GET", "/s/?g=forban/index", "").text() == "new,1\n"
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_not_offered_is_shown_with_its_reason() {
    let lan = Lan::new();
    let node = lan.node(2).file("ok", "1").file("line\nbreak", "1").file("back\\slash", "1").file("forban/x", "1");
    std::os::unix::fs::symlink("/etc", node.loot().join("outside")).unwrap();
    let node = node.start();
    assert_eq!(node.index(), ["ok,1"]);
    let page = node.get("/held-back").text();
    for (name, why) in [
        ("line\\u{a}break", "holds line breaks or control characters"),
        ("back\\slash", "holds a backslash"),
        ("outside", "links are not followed"),
        ("forban", "reserved"),
    ] {
        assert!(page.contains(name) && page.contains(why), "{name}: {why}\n{page}");
    }
}

#[test]
fn the_folder_holds_nothing_of_ours_in_shared_mode() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "1").start();
    let names: Vec<_> = std::fs::read_dir(node.loot("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["a"]);
}

#[test]
fn nothing_is_copied_into_an_empty_folder_in_the_place_of_the_one_that_went() {
    let lan = Lan::new();
    let other = lan.node(3).file("theirs", "1").start();
    let node = lan.node(2).file("ours", "1").opportunistic().start();
    node.has("theirs", "1");
    node.lists("theirs");
    let away = node.loot("").with_file_name("away");
    std::fs::rename(node.loot(""), &away).unwrap();
    std::fs::create_dir(node.loot("")).unwrap();
    wait_until("it is said", || node.get("/").text().contains("is a disk not mounted?"));
    other.put("new", "2");
    wait_until("the neighbour's new file is known", || node.get("/q/?v=new").text().contains("node-127.0.0.3"));
    assert_eq!(node.index(), ["ours,1", "theirs,1"]);
    // It comes once the folder is back, and had nowhere to go before.
    assert_eq!(std::fs::read_dir(node.loot("")).unwrap().count(), 0);
    std::fs::remove_dir(node.loot("")).unwrap();
    std::fs::rename(&away, node.loot("")).unwrap();
    node.has("new", "2");
}
