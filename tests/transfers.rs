//! What is decided about files that do not come by themselves, and what is seen of those that leave.

use std::io::{Read as _, Write as _};

use serde_json::Value;

use crate::support::http::{connect, read_all};
use crate::support::lan::{Lan, Node};
use crate::support::operator::{press, told, uuid_of, visited};
use crate::support::{wait_for, wait_until};

const LARGE: usize = 3 << 20;

/// No two parts alike.
fn content(seed: &str) -> Vec<u8> {
    let mut bytes = vec![0; LARGE];
    blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn what_a_browser_downloads_is_shown_while_it_leaves_and_when_it_left() {
    let lan = Lan::new();
    let film = content("film");
    let node = lan.node(2).file("films/film.mkv", &film).arg("--upload-limit").arg("1MiB");
    let node = node.arg("--also-called").arg("galley").start();
    let mut stream = connect(node.address());
    let host = node.address();
    write!(stream, "GET /s/?g=films/film.mkv HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let going = wait_for("it is under way", || {
        let going = told(&node)["leaving"]["going"][0].clone();
        (going["sent_bytes"].as_u64() > Some(0)).then_some(going)
    });
    assert_eq!((going["path"].as_str(), going["way"].as_str()), (Some("films/film.mkv"), Some("file")));
    assert_eq!((going["host"].as_str(), going["total_bytes"].as_u64()), (Some("127.0.0.1"), Some(LARGE as u64)));
    assert!(node.get("/mirror").text().contains("films/film.mkv"));
    // Others see how many, and how fast; not who fetches what.
    let seen: Value = serde_json::from_str(&visited(&node, "/mirror.json")).unwrap();
    assert_eq!(
        (seen["leaving"]["downloads"].as_u64(), seen["leaving"]["going"].as_array().unwrap().len()),
        (Some(1), 0)
    );
    assert!(!visited(&node, "/mirror").contains("film.mkv"));
    assert!(read_all(&mut stream).ends_with(&film));
    let left = wait_for("it left", || {
        let left = told(&node)["leaving"]["lately"][0].clone();
        left.is_object().then_some(left)
    });
    assert_eq!((left["end"].as_str(), left["sent_bytes"].as_u64()), (Some("whole"), Some(LARGE as u64)));
    assert_eq!(told(&node)["leaving"]["downloads"].as_u64(), Some(0));
}

#[test]
fn who_goes_away_in_the_middle_is_shown_as_such() {
    let lan = Lan::new();
    let node = lan.node(2).file("film.mkv", content("film")).arg("--upload-limit").arg("256KiB").start();
    let mut stream = connect(node.address());
    let host = node.address();
    write!(stream, "GET /s/?g=film.mkv HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut some = [0; 1024];
    stream.read_exact(&mut some).unwrap();
    drop(stream);
    // It may come back within ten seconds.
    let left = wait_for("it is given up", || {
        let left = told(&node)["leaving"]["lately"][0].clone();
        left.is_object().then_some(left)
    });
    assert_eq!((left["end"].as_str(), left["path"].as_str()), (Some("broken"), Some("film.mkv")));
}

#[test]
fn what_a_node_takes_in_pieces_is_one_download_of_a_neighbour_with_a_name() {
    let lan = Lan::new();
    let film = content("pieces");
    let giver = lan.node(2).file("film.mkv", &film).file("small", "1").start();
    wait_until("it is read", || giver.get("/s/?g=forban/index.manifest").text().contains("\nfiles 2\n"));
    let taker = lan.node(3).opportunistic().start();
    taker.has("film.mkv", &film);
    taker.has("small", "1");
    let left = wait_for("it left", || {
        let lately = told(&giver)["leaving"]["lately"].clone();
        lately.as_array().unwrap().iter().find(|left| left["way"] == "pieces").cloned()
    });
    assert_eq!((left["end"].as_str(), left["path"].as_str()), (Some("whole"), Some("film.mkv")));
    assert_eq!((left["host"].as_str(), left["neighbour"].as_str()), (Some("127.0.0.3"), Some("node-127.0.0.3")));
}

/// A node with a file, and one that has another version of it and only shows that.
fn conflict(lan: &Lan, ours: &str, theirs: &str) -> (Node, Node) {
    let giver = lan.node(2).file("doc.txt", theirs).start();
    let node = lan.node(3).file("doc.txt", ours).opportunistic().arg("--conflicts").arg("skip").start();
    wait_until("it is known", || told(&node)["conflicts"].as_u64() == Some(1));
    (giver, node)
}

/// Presses one of the buttons for the conflict.
#[track_caller]
fn decide(node: &Node, what: &str, size: usize) -> u16 {
    press(node, "/operator/conflict", &format!("g=doc.txt&size={size}&do={what}")).status
}

#[test]
fn the_operator_takes_theirs_and_ours_is_kept_in_the_hidden_folder() {
    let lan = Lan::new();
    let (giver, node) = conflict(&lan, "ours", "theirs!");
    assert_eq!(decide(&node, "theirs", 7), 303);
    node.has("doc.txt", "theirs!");
    assert_eq!(std::fs::read_to_string(node.loot(".boucan/replaced/doc.txt")).unwrap(), "ours");
    wait_until("it is over", || told(&node)["conflicts"].as_u64() == Some(0));
    assert!(!node.index().iter().any(|line| line.contains("replaced")), "nobody is offered what was kept");
    drop(giver);
}

#[test]
fn the_operator_takes_theirs_beside_ours() {
    let lan = Lan::new();
    let (giver, node) = conflict(&lan, "ours", "theirs!");
    assert_eq!(decide(&node, "beside", 7), 303);
    node.has("doc (other 7 bytes).txt", "theirs!");
    assert_eq!(std::fs::read_to_string(node.loot("doc.txt")).unwrap(), "ours");
    drop(giver);
}

#[test]
fn ours_is_kept_and_never_asked_about_again_until_decisions_are_forgotten() {
    let lan = Lan::new();
    let (giver, node) = conflict(&lan, "ours", "theirs!");
    for (what, size, status) in [("maybe", 7, 400), ("ours", 8, 404), ("ours", 7, 303)] {
        assert_eq!(decide(&node, what, size), status, "{what} {size}");
    }
    wait_until("it is settled", || told(&node)["conflicts"].as_u64() == Some(0));
    let node = node.kill().start();
    wait_until("the neighbour is here again", || node.get(&format!("/l/{}", uuid_of(&giver))).status == 200);
    giver.put("another", "1");
    node.has("another", "1");
    assert_eq!(told(&node)["conflicts"].as_u64(), Some(0), "after a restart too");
    assert_eq!(press(&node, "/operator/conflict", "do=forget").status, 303);
    wait_until("it is open again", || told(&node)["conflicts"].as_u64() == Some(1));
    assert_eq!(std::fs::read_to_string(node.loot("doc.txt")).unwrap(), "ours");
}

#[test]
fn what_failed_for_good_is_shown_until_the_operator_tries_it_again() {
    let lan = Lan::new();
    let giver = lan.node(2).file("name", "a file there").start();
    let node = lan.node(3).file("name/of a folder", "here").arg("--reserve").arg("0").start();
    let uuid = uuid_of(&giver);
    wait_until("its list is known", || node.get(&format!("/l/{uuid}")).status == 200);
    press(&node, "/operator/fetch", &format!("uuid={uuid}&g=name"));
    wait_until("it failed", || told(&node)["wishes"][0]["failure_kind"].as_str() == Some("in-the-way"));
    std::fs::rename(node.loot("name"), node.loot("moved")).unwrap();
    node.lists("moved/of a folder");
    assert_eq!(press(&node, "/operator/retry", "back=%2Fmirror").header("location"), Some("/mirror"));
    node.has("name", "a file there");
    assert_eq!(press(&node, "/operator/retry", "g=..%2Fx").status, 400);
}

#[test]
fn the_room_is_told_to_the_operator() {
    let lan = Lan::new();
    let _giver = lan.node(2).file("a", vec![7; 30_000]).start();
    let node = lan.node(3).opportunistic().arg("--budget").arg("100KB").arg("--also-called").arg("galley").start();
    node.has("a", vec![7; 30_000]);
    let space = wait_for("it counts", || {
        let space = told(&node)["space"].clone();
        (space["mirrored_bytes"].as_u64() == Some(30_000)).then_some(space)
    });
    assert_eq!((space["budget_bytes"].as_u64(), space["left_bytes"].as_u64()), (Some(100_000), Some(70_000)));
    let seen: Value = serde_json::from_str(&visited(&node, "/mirror.json")).unwrap();
    assert!(seen["space"].is_null());
}
