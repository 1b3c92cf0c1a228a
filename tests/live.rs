//! `/live`: what changes, told to the pages that are looked at.

use crate::support::events::Events;
use crate::support::http::{request, status};
use crate::support::lan::Lan;
use crate::support::wait_until;

#[test]
fn who_comes_and_goes_is_told_at_once() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let (mut live, head) = Events::open(node.address(), "/live");
    for header in ["http/1.1 200 ", "content-type: text/event-stream\r\n", "cache-control: no-store\r\n"] {
        assert!(head.contains(header), "{header} in {head}");
    }
    assert!(live.next_of("hello")["up_seconds"].is_number());
    let _other = lan.node(3).start();
    wait_until("it is told", || live.next_of("near")["present"].as_u64() == Some(1));
    wait_until("it is news", || live.next_of("news")["items"].as_u64() == Some(1));
    assert!(node.get("/near").text().contains("node-127.0.0.3"));
}

#[test]
fn files_that_appear_and_that_are_copied_are_told() {
    let lan = Lan::new();
    let theirs = lan.node(2).start();
    let ours = lan.node(3).opportunistic().start();
    let (mut of_theirs, _) = Events::open(theirs.address(), "/live");
    let (mut of_ours, _) = Events::open(ours.address(), "/live");
    theirs.put("film.mkv", "a film");
    wait_until("it is listed", || of_theirs.next_of("loot")["files"].as_u64() == Some(1));
    assert!(of_ours.next_of("transfers")["coming"].is_number());
    ours.has("film.mkv", "a film");
}

#[test]
fn a_host_has_so_many_streams_and_is_told_when_to_come_back() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let to = node.address();
    for _ in 0..20 {
        let head = request(to, "HEAD", "/live", "");
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
    let foreign = "GET /live HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(to, foreign.as_bytes()), Some(421));
    let mut open: Vec<Events> = (0..16).map(|_| Events::open(to, "/live").0).collect();
    let another = || Events::open(to, "/live").1;
    let refused = another();
    assert!(refused.starts_with("http/1.1 503 ") && refused.contains("retry-after: 60\r\n"), "{refused}");
    open.pop();
    wait_until("there is a place again", || another().starts_with("http/1.1 200 "));
    let (_, status) = node.terminate();
    assert_eq!(status, Some(0), "streams do not delay the end");
}
