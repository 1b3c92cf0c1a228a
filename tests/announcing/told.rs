//! Who is told what: answers to new neighbours, the HMAC that Forban understands, and when an
//! index is read.

use boucan::wire::{IndexHmac, IndexKey, url};

use super::super::support::lan::{Lan, Node};
use super::super::support::scripted::{Heard, Kind, Scripted, answers};
use super::super::support::{wait_for, wait_until};
use super::honest_neighbour_is_known;

/// The HMAC of what the node serves, under a key.
fn hmac_of(node: &Node, key: &IndexKey) -> String {
    IndexHmac::of(&node.get(url::INDEX_TARGET).body, key).to_string()
}

fn heard_with(scripted: &Scripted, hmac: &str, is_unicast: bool) -> Vec<Heard> {
    let fits = |heard: &Heard| heard.is_unicast == is_unicast && heard.text.ends_with(&format!(";hmac;{hmac}"));
    scripted.heard().into_iter().filter(fits).collect()
}

#[test]
fn a_new_neighbour_is_answered_by_unicast_at_once() {
    for kind in [Kind::Py, Kind::Go, Kind::Specified] {
        let lan = Lan::new();
        let node = lan.node(2).file("a.txt", "a").start();
        let newcomer = Scripted::start(&lan, 3, kind);
        newcomer.announce();
        let answer = wait_for("an answer", || heard_with(&newcomer, &hmac_of(&node, &IndexKey::Specified), true).pop());
        assert_eq!(answer.from, node.address(), "{kind:?}: from the service's own address and port");
        assert_eq!(answer.text.split(';').count(), 7, "{kind:?}");
    }
}

#[test]
fn only_a_forban_node_also_hears_the_hmac_that_it_understands() {
    let lan = Lan::new();
    let node = lan.node(2).file("a.txt", "a").start();
    let [py, go, specified] = [(3, Kind::Py), (4, Kind::Go), (5, Kind::Specified)].map(|(last, kind)| {
        let scripted = Scripted::start(&lan, last, kind);
        scripted.offers("b.txt", "b").announce();
        scripted
    });
    let (ours, theirs) = (hmac_of(&node, &IndexKey::Specified), hmac_of(&node, &IndexKey::Practised));
    wait_until("Forban hears both HMACs, round by round", || {
        heard_with(&py, &ours, false).len() >= 4 && heard_with(&py, &theirs, true).len() >= 3
    });
    for told in heard_with(&py, &theirs, true) {
        assert_eq!(told.from, node.address());
    }
    assert!(heard_with(&py, &theirs, false).is_empty(), "to nobody but Forban nodes");
    for (other, why) in [(&go, "goforban checks no HMAC and would only fetch oftener"), (&specified, "it has no need")]
    {
        assert!(!other.requests_for("forban/index").is_empty());
        assert!(heard_with(other, &ours, false).len() >= 3, "{why}");
        assert!(heard_with(other, &theirs, true).is_empty(), "{why}");
    }
}

#[test]
fn an_index_is_read_once_and_again_only_when_its_hmac_changes() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    py.offers("a.txt", "a");
    for _ in 0..50 {
        py.announce();
    }
    let _settled = honest_neighbour_is_known(&lan, &node, 67);
    assert_eq!(py.requests_for("forban/index").len(), 1);
    py.offers("b.txt", "b").announce();
    wait_until("the changed index is read", || py.requests_for("forban/index").len() == 2);
    let request = py.requests_for("forban/index").pop().unwrap();
    assert_eq!(request.target, "/s/?g=forban/index");
    assert_eq!(request.header("host"), Some(py.address.to_string().as_str()));
    assert_eq!(request.header("accept-encoding"), Some("gzip"), "what else there is would not be unpacked");
}

#[test]
fn a_node_that_listens_only_after_its_first_announcement_is_tried_again() {
    let lan = Lan::new();
    let two = lan.node(2).opportunistic().start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    let index = answers::first_then(answers::raw(""), answers::content(b"a.txt,1\n".to_vec()));
    py.answers("forban/index", index).answers("a.txt", answers::content(b"a".to_vec()));
    py.announce_hmac(&IndexHmac::of(b"a.txt,1\n", &IndexKey::Practised).to_string());
    two.has("a.txt", "a");
}
