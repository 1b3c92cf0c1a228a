//! Fetch here: the operator lets files come by name, in whatever mode the node is.

use crate::support::http::{Answer, request};
use crate::support::lan::{Lan, Node};
use crate::support::operator::{press, told, uuid_of, visited};
use crate::support::page::elements;
use crate::support::wait_until;

const LARGE: usize = 3 << 20;

/// No two parts alike.
fn content(seed: &str) -> Vec<u8> {
    let mut bytes = vec![0; LARGE];
    blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// Asks for what is named by `what`, once the node knows what the other one has.
#[track_caller]
fn fetch(node: &Node, from: &Node, what: &str) -> Answer {
    let uuid = uuid_of(from);
    wait_until("its list is known", || node.get(&format!("/l/{uuid}")).status == 200);
    press(node, "/operator/fetch", &format!("uuid={uuid}&{what}"))
}

#[track_caller]
fn are_all_here(node: &Node) {
    wait_until("nothing is wished any more", || told(node)["wishes_files"].as_u64() == Some(0));
}

#[test]
fn in_shared_mode_a_file_comes_by_one_click_and_nothing_else() {
    let lan = Lan::new();
    let large = content("large");
    let giver = lan.node(2).file("films/asked.bin", &large).file("other.txt", "not this one").start();
    let node = lan.node(3).arg("--reserve").arg("0").arg("--also-called").arg("galley").start();
    assert_eq!(told(&node)["doing"].as_str(), Some("off"));
    let answer = fetch(&node, &giver, "g=films%2Fasked.bin&back=%2Fq%2F%3Fv%3Dasked");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/q/?v=asked")));
    node.has("films/asked.bin", &large);
    node.lists("films/asked.bin");
    are_all_here(&node);
    wait_until("it fetches nothing any more", || told(&node)["doing"].as_str() == Some("off"));
    assert!(!node.loot("other.txt").exists());
    let lately = told(&node)["lately"][0].clone();
    assert_eq!((lately["path"].as_str(), lately["wished"].as_bool()), (Some("films/asked.bin"), Some(true)));
}

#[test]
fn a_folder_comes_whole_and_stays_within_its_name() {
    let lan = Lan::new();
    let giver = lan.node(2).file("d/a", "1").file("d/deep/b", "2").file("dx", "no").start();
    let node = lan.node(3).arg("--reserve").arg("0").start();
    assert_eq!(fetch(&node, &giver, "d=d").header("location"), Some("/mirror"));
    node.has("d/a", "1");
    node.has("d/deep/b", "2");
    are_all_here(&node);
    assert!(!node.loot("dx").exists());
}

#[test]
fn a_wish_survives_a_restart_and_comes_when_somebody_has_it_again() {
    let lan = Lan::new();
    let giver = lan.node(2).file("later", "at last").start();
    let node = lan.node(3).arg("--reserve").arg("0").start();
    press(&node, "/operator/mirror", "do=pause");
    assert_eq!(fetch(&node, &giver, "g=later").status, 303);
    let wish = told(&node)["wishes"][0].clone();
    assert_eq!((wish["path"].as_str(), wish["size_bytes"].as_u64()), (Some("later"), Some(7)));
    let (node, giver) = (node.kill(), giver.kill());
    let node = node.start();
    assert_eq!(told(&node)["wishes_files"].as_u64(), Some(1));
    let _giver = giver.start();
    node.has("later", "at last");
    are_all_here(&node);
}

#[test]
fn what_is_cancelled_does_not_come() {
    let lan = Lan::new();
    let giver = lan.node(2).file("no", "1").file("yes", "2").start();
    let node = lan.node(3).arg("--reserve").arg("0").start();
    press(&node, "/operator/mirror", "do=pause");
    fetch(&node, &giver, "g=no");
    fetch(&node, &giver, "g=yes");
    let wishes = told(&node)["wishes"].clone();
    let no = wishes.as_array().unwrap().iter().find(|wish| wish["path"] == "no").unwrap()["id"].as_u64().unwrap();
    assert_eq!(press(&node, "/operator/wish", &format!("id={no}&do=cancel")).status, 303);
    assert_eq!(told(&node)["wishes_files"].as_u64(), Some(1));
    let node = node.kill().start();
    assert_eq!(told(&node)["wishes_files"].as_u64(), Some(1), "also if the node ends at once");
    node.has("yes", "2");
    are_all_here(&node);
    assert!(!node.loot("no").exists());
}

#[test]
fn of_what_was_cancelled_nothing_waits_or_rests() {
    let lan = Lan::new();
    let giver = lan.node(2).file("large", content("large")).arg("--upload-limit").arg("256KiB").start();
    let node = lan.node(3).arg("--reserve").arg("0").start();
    fetch(&node, &giver, "g=large");
    wait_until("some of it is here", || told(&node)["coming"][0]["here_bytes"].as_u64() > Some(0));
    let rests = || std::fs::read_dir(node.loot(".boucan/spool")).unwrap().count();
    assert!(rests() > 0);
    press(&node, "/operator/wish", "id=all&do=cancel");
    wait_until("it goes from the disk", || rests() == 0);
    press(&node, "/operator/mirror", "do=pause");
    fetch(&node, &giver, "g=large");
    wait_until("it is said to wait", || told(&node)["waiting_files"].as_u64() == Some(1));
    press(&node, "/operator/wish", "id=all&do=cancel");
    wait_until("nothing is said to wait", || told(&node)["waiting_files"].as_u64() == Some(0));
}

#[test]
fn only_the_operator_has_a_button_for_a_folder_of_a_neighbour() {
    let lan = Lan::new();
    let giver = lan.node(2).file("d & e/a", "1").start();
    let node = lan.node(3).file("d & e/b", "2").arg("--reserve").arg("0").arg("--also-called").arg("galley").start();
    let theirs = format!("/l/{}?d=d%20%26%20e", uuid_of(&giver));
    wait_until("its list is known", || node.get(&theirs).status == 200);
    let is_there = |page: &str| page.contains("/operator/fetch");
    assert!(!is_there(&visited(&node, &theirs)) && !is_there(&node.get("/l/?d=d%20%26%20e").text()));
    let elements = elements(&node.get(&theirs).text());
    let after = elements.iter().skip_while(|element| element.attribute("action") != Some("/operator/fetch"));
    let sent = |name| after.clone().find(|e| e.attribute("name") == Some(name)).and_then(|e| e.attribute("value"));
    assert_eq!(sent("d"), Some("d &#38; e"), "as it is written in the page");
    assert_eq!(sent("back"), Some(theirs.as_str()));
}

#[test]
fn rules_deletions_and_switches_do_not_hold_against_a_wish() {
    let lan = Lan::new();
    let giver = lan.node(2).file("ruled out.iso", "1").file("deleted", "2").start();
    let node = lan.node(3).opportunistic().arg("--exclude").arg("iso$").start();
    node.has("deleted", "2");
    node.lists("deleted");
    std::fs::remove_file(node.loot("deleted")).unwrap();
    wait_until("the deletion is seen", || node.get("/operator").text().contains("/operator/forget-deleted"));
    press(&node, "/operator/neighbour", &format!("uuid={}&do=off", uuid_of(&giver)));
    fetch(&node, &giver, "g=ruled%20out.iso");
    fetch(&node, &giver, "g=deleted");
    node.has("ruled out.iso", "1");
    node.has("deleted", "2");
}

#[test]
fn ours_is_never_touched_the_other_one_comes_beside_it() {
    let lan = Lan::new();
    let giver = lan.node(2).file("doc.txt", "theirs!").start();
    let node = lan.node(3).file("doc.txt", "ours").arg("--reserve").arg("0").start();
    fetch(&node, &giver, "g=doc.txt");
    node.has("doc (other 7 bytes).txt", "theirs!");
    are_all_here(&node);
    assert_eq!(std::fs::read_to_string(node.loot("doc.txt")).unwrap(), "ours");
}

#[test]
fn what_cannot_be_fetched_is_said() {
    let lan = Lan::new();
    let giver = lan.node(2).file("a", "1").start();
    let node = lan.node(3).arg("--also-called").arg("galley").start();
    assert_eq!(fetch(&node, &giver, "g=a&back=%2F%2Fevil%2F").header("location"), Some("/mirror"));
    let (there, stranger) = (uuid_of(&giver), uuid::Uuid::from_u128(7));
    for (form, status, why) in [
        ("uuid=x&g=a".into(), 400, "no uuid"),
        (format!("uuid={stranger}&g=a"), 404, "nobody"),
        (format!("uuid={there}"), 400, "nothing is named"),
        (format!("uuid={there}&g=a&d=b"), 400, "two things are named"),
        (format!("uuid={there}&g=..%2Fa"), 400, "no name"),
        (format!("uuid={there}&g=b"), 404, "not there"),
        (format!("uuid={there}&d=b"), 404, "no such folder"),
        (format!("uuid={}&g=a", uuid_of(&node)), 303, "ours is here"),
    ] {
        assert_eq!(press(&node, "/operator/fetch", &form).status, status, "{why}");
    }
    for (form, status) in
        [("id=x&do=cancel", 400), ("do=cancel", 400), ("id=1&do=maybe", 400), ("id=99&do=cancel", 303)]
    {
        assert_eq!(press(&node, "/operator/wish", form).status, status, "{form}");
    }
}

#[test]
fn only_the_operator_fetches_and_sees_what_is_wished() {
    let lan = Lan::new();
    let giver = lan.node(2).file("secret wish", "1").start();
    let node = lan.node(3).arg("--reserve").arg("0").arg("--also-called").arg("galley").start();
    press(&node, "/operator/mirror", "do=pause");
    fetch(&node, &giver, "g=secret%20wish");
    assert!(told(&node)["wishes"][0]["path"] == "secret wish" && node.get("/mirror").text().contains("secret wish"));
    for target in ["/mirror", "/mirror.json", "/held-back"] {
        let text = visited(&node, target);
        assert!(!text.contains("secret wish") && !text.contains("<button name="), "{target}: {text}");
    }
    let head = "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\ntoken=x";
    for target in ["/operator/fetch", "/operator/wish", "/operator/retry", "/operator/conflict"] {
        assert_eq!(request(node.address(), "POST", target, head).status, 403, "{target}");
        assert_eq!(node.get(target).status, 405, "{target}");
    }
}
