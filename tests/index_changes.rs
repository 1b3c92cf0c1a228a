//! A change of an index costs its size: what a node tells of its changes, and how it reads a
//! neighbour's.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write as _;

use boucan::wire::index::changes::{Changes, emit_changes};
use boucan::wire::{Index, IndexHmac, IndexKey};

use crate::support::http::request;
use crate::support::lan::{Lan, Node};
use crate::support::scripted::answers::{self, After, Script, script};
use crate::support::scripted::{Kind, Scripted};
use crate::support::wait_until;

const INDEX: &str = "forban/index";
const CHANGES: &str = "forban/index.changes";

/// Some names and sizes, and their index.
#[derive(Clone)]
struct List(BTreeMap<String, u64>);

impl List {
    /// A list that is long enough for changes to be asked for.
    fn of(prefix: &str) -> Self {
        Self((0..800).map(|number| (format!("{prefix}/a file like others {number:03}"), number)).collect())
    }

    fn with(&self, name: &str, size: u64) -> Self {
        let mut other = self.clone();
        other.0.insert(name.into(), size);
        other
    }

    fn index(&self) -> Index {
        Index::from_sorted(self.0.iter().map(|(name, size)| (name.as_str(), *size)))
    }

    fn text(&self) -> Vec<u8> {
        self.index().text().to_vec()
    }

    fn hmac(&self) -> IndexHmac {
        IndexHmac::of(self.index().text(), &IndexKey::Specified)
    }

    /// What became of some names up to another list.
    fn changes(&self, now: &Self, names: &[&str]) -> Vec<u8> {
        emit_changes(&self.hmac(), &now.hmac(), &now.index(), names.iter().copied()).into()
    }
}

/// The HMAC of a node's index, and the index.
fn state(node: &Node) -> (IndexHmac, Index) {
    let answer = node.get("/s/?g=forban/index");
    let hmac = IndexHmac::parse(answer.header("etag").unwrap().trim_matches('"').as_bytes()).unwrap();
    (hmac, Index::parse(&answer.body).unwrap().0)
}

fn target(since: &IndexHmac) -> String {
    format!("/s/?g={CHANGES}&since={since}")
}

/// Whether a node shows a file, or a folder, at the top of what a neighbour offers.
fn shows(node: &Node, of: impl Display, name: &str) -> bool {
    let answer = node.get(&format!("/l/{of}"));
    answer.status == 200 && answer.text().contains(name)
}

#[test]
fn a_node_tells_what_changed_since_a_state_of_its_index() {
    let lan = Lan::new();
    let node = (0..1_000).fold(lan.node(2), |node, at| node.file(&format!("d/{at:04}"), "x")).start();
    node.lists("d/0999");
    let (first, before) = state(&node);
    node.put("d/new", "world");
    node.lists("d/new");
    std::fs::remove_file(node.loot("d/0500")).unwrap();
    wait_until("the other is gone", || state(&node).1.find("d/0500").is_none());
    let (last, after) = state(&node);
    let answer = node.get(&target(&first));
    let head = format!("forban/index.changes 1\nsince {first}\nhmac {last}\n\n");
    assert_eq!((answer.status, answer.text()), (200, head + "- d/0500\n+ d/new,5\n"));
    let led = Changes::parse(&answer.body).unwrap().lead_from(&before, &IndexKey::Specified).map(|(index, _)| index);
    assert_eq!(led.unwrap(), after);
    let none = node.get(&target(&last));
    assert_eq!(none.text(), format!("forban/index.changes 1\nsince {last}\nhmac {last}\n\n"));
    let etag = format!("If-None-Match: {}\r\n", answer.header("etag").unwrap());
    assert_eq!(request(node.address(), "GET", &target(&first), &etag).status, 304);
    assert_eq!(request(node.address(), "GET", &target(&last), &etag).status, 200);
    let head = request(node.address(), "HEAD", &target(&first), "");
    assert_eq!((head.status, head.header("content-length")), (200, answer.header("content-length")));
    for unknown in ["", "x", "%ff", &"0".repeat(40), &format!("{first}0")] {
        assert_eq!(node.get(&format!("/s/?g={CHANGES}&since={unknown}")).status, 404, "{unknown}");
    }
    assert_eq!(node.get(&format!("/s/?g={CHANGES}")).status, 404);
}

#[test]
fn what_is_longer_than_the_index_is_not_told() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "x").start();
    node.lists("a");
    let (first, _) = state(&node);
    node.put("b", "x");
    node.lists("b");
    assert_eq!(node.get(&target(&first)).status, 404);
}

#[test]
fn a_node_reads_of_another_only_what_changed() {
    let lan = Lan::new();
    let ours = lan.node(3).start();
    let theirs =
        (0..1_000).fold(lan.node(2), |node, at| node.file(&format!("d/a file like others {at:04}"), "x")).start();
    wait_until("the index is read", || ours.log().contains("files=1000 verified=true"));
    assert!(!ours.log().contains("changes of an index were read"));
    for name in ["first-change", "second-change"] {
        theirs.put(name, "new");
        wait_until("the change is read", || shows(&ours, theirs.uuid(), name));
    }
    let log = ours.log();
    let read: Vec<&str> = log.lines().filter(|line| line.contains("changes of an index were read")).collect();
    assert!((1..=2).contains(&read.len()), "{read:?}");
    for line in &read {
        let bytes = line.split_once("bytes=").unwrap().1.split_whitespace().next().unwrap();
        assert!(bytes.parse::<usize>().unwrap() < 300, "{line}");
    }
    assert!(!log.contains("the whole index is asked for"));
}

/// Sends something as what changed.
fn sends(head: &'static str, body: Vec<u8>) -> Script {
    script(move |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n")?;
        stream.write_all(&body)?;
        Ok(After::Close)
    })
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn whatever_does_not_lead_to_the_index_makes_the_whole_asked_for_once() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let list = |last: u8| (List::of(&format!("n{last}")), format!("marker-{last}"));
    let next = |last: u8| list(last).0.with(&list(last).1, 7);
    let right = |last: u8| list(last).0.changes(&next(last), &[&list(last).1]);
    let text = |last: u8| String::from_utf8(right(last)).unwrap();
    let rows: [(Script, &str); 8] = [
        (answers::status("404 Not Found"), "an old node, or one that forgot"),
        (answers::status("500 Oops"), "a broken one"),
        (sends("", text(5).replace(",7", ",8").into()), "a lie"),
        (sends("", list(6).0.changes(&list(6).0, &[])), "nothing changed, it says"),
        (sends("", next(7).changes(&next(7), &[])), "since another state"),
        (sends("Content-Length: 1000000000\r\n", right(8)), "too long, it says"),
        (sends("", [text(9), "- x\n".repeat(2 << 20)].concat().into()), "too long"),
        (sends("Content-Encoding: gzip\r\n", packed(&vec![b'\n'; 16 << 20])), "a bomb"),
    ];
    let mut scripted: Vec<(u8, Scripted, &str)> = Vec::new();
    for (last, (changes, why)) in (3..).zip(rows) {
        let neighbour = Scripted::start(&lan, last, Kind::Specified);
        neighbour.lists_only(list(last).0.text()).answers(CHANGES, changes).announce();
        scripted.push((last, neighbour, why));
    }
    for (last, neighbour, why) in &scripted {
        wait_until(&format!("the first index is read: {why}"), || shows(&node, neighbour.uuid, &format!("n{last}")));
        assert_eq!(neighbour.requests_for(CHANGES).len(), 0, "{why}");
        neighbour.lists_only(next(*last).text()).announce();
    }
    for (last, neighbour, why) in &scripted {
        wait_until(&format!("the second index is read: {why}"), || shows(&node, neighbour.uuid, &list(*last).1));
        neighbour.announce();
    }
    // What is right is enough, and what was wrong before is no loop.
    let honest = Scripted::start(&lan, 20, Kind::Specified);
    honest.lists_only(list(20).0.text()).answers(CHANGES, sends("", right(20))).announce();
    wait_until("another one is read", || shows(&node, honest.uuid, "n20"));
    honest.lists_only(next(20).text()).announce();
    wait_until("its change is read", || shows(&node, honest.uuid, &list(20).1));
    assert_eq!((honest.requests_for(CHANGES).len(), honest.requests_for(INDEX).len()), (1, 1));
    let asked = honest.requests_for(CHANGES).remove(0);
    assert!(asked.target.ends_with(&format!("&since={}", list(20).0.hmac())), "{}", asked.target);
    for (_, neighbour, why) in &scripted {
        assert_eq!((neighbour.requests_for(CHANGES).len(), neighbour.requests_for(INDEX).len()), (1, 2), "{why}");
    }
}

#[test]
fn changes_are_not_asked_of_old_nodes_nor_of_short_lists() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let (python, short) = (Scripted::start(&lan, 3, Kind::Py), Scripted::start(&lan, 4, Kind::Specified));
    for (name, marker) in [("n3", "marker-3"), ("n4", "marker-4")] {
        python.lists_only(List::of(name).with(marker, 1).text()).announce();
        short.lists_only(format!("short-{marker},1\n")).announce();
        wait_until("both are read", || shows(&node, python.uuid, marker) && shows(&node, short.uuid, marker));
    }
    assert_eq!((python.requests_for(CHANGES).len(), short.requests_for(CHANGES).len()), (0, 0));
    assert_eq!((python.requests_for(INDEX).len(), short.requests_for(INDEX).len()), (2, 2));
}

#[test]
fn a_list_that_another_neighbour_has_already_is_not_fetched_from_who_is_known() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let (one, other) = (Scripted::start(&lan, 3, Kind::Specified), Scripted::start(&lan, 4, Kind::Specified));
    one.lists_only(List::of("list-one").text()).announce();
    other.lists_only(List::of("list-other").text()).announce();
    wait_until("both are read", || shows(&node, one.uuid, "list-one") && shows(&node, other.uuid, "list-other"));
    let same = List::of("list-same");
    one.lists_only(same.text()).announce();
    wait_until("one has another list", || shows(&node, one.uuid, "list-same"));
    other.lists_only(same.text()).announce();
    wait_until("so has the other", || shows(&node, other.uuid, "list-same"));
    assert_eq!((other.requests_for(INDEX).len(), other.requests_for(CHANGES).len()), (1, 0));
    // Who was never read has to prove that he is one.
    let stranger = Scripted::start(&lan, 5, Kind::Specified);
    stranger.lists_only(same.text()).announce();
    wait_until("the stranger is read", || stranger.requests_for(INDEX).len() == 1);
}

#[test]
fn who_has_the_index_is_not_sent_it_again_and_anybody_gets_a_part_of_it() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "x").file("b", "yy").start();
    node.lists("a");
    node.lists("b");
    let (hmac, _) = state(&node);
    let get = |method: &str, more: &str| request(node.address(), method, "/s/?g=forban/index", more);
    let condition = format!("If-None-Match: \"{hmac}\"\r\n");
    for (method, more, status, body, why) in [
        ("GET", "", 200, "a,1\nb,2\n", "all of it"),
        ("HEAD", "", 200, "", "only its head"),
        ("GET", condition.as_str(), 304, "", "it is there already"),
        ("HEAD", condition.as_str(), 304, "", "the same"),
        ("GET", "If-None-Match: \"x\"\r\n", 200, "a,1\nb,2\n", "another state is there"),
        ("GET", "Range: bytes=4-6\r\n", 206, "b,2", "a part"),
        ("GET", "Range: bytes=-2\r\n", 206, "2\n", "its end"),
        ("GET", "Range: bytes=8-\r\n", 416, "", "beyond its end"),
    ] {
        let answer = get(method, more);
        let said = if status == 416 { String::new() } else { answer.text() };
        assert_eq!((answer.status, said.as_str()), (status, body), "{why}");
    }
    assert_eq!(get("HEAD", "").header("content-length"), Some("8"));
    node.put("c", "z");
    node.lists("c");
    assert_eq!(get("GET", &condition).status, 200, "it changed");
}
