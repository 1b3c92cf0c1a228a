//! Files by what they hold, and the pieces that verify them as they come.

use boucan::wire::PieceList;
use boucan::wire::url::{content_target, pieces_target};

use crate::support::http::request;
use crate::support::lan::{Lan, Node};
use crate::support::wait_until;

/// What a reading leaves in the log.
const WAS_READ: &str = "a file was read for its digests";

/// Ten megabytes and a bit: 39 whole pieces and a part, no two alike.
fn content(seed: u8) -> Vec<u8> {
    let mut bytes = vec![0; 10_300_007];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut bytes);
    bytes
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

/// Waits until a file of that content is in the manifest.
#[track_caller]
fn tells(node: &Node, bytes: &[u8]) {
    let hex = blake3::hash(bytes).to_hex();
    wait_until("it is read for its digests", || node.get("/s/?g=forban/index.manifest").text().contains(hex.as_str()));
}

#[track_caller]
fn pieces(node: &Node, bytes: &[u8]) -> PieceList {
    let answer = node.get(&pieces_target(&hash(bytes)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    PieceList::parse(&answer.body, bytes.len() as u64, &hash(bytes)).unwrap()
}

#[test]
fn the_pieces_of_a_file_fold_to_its_row_in_the_manifest_and_verify_what_comes() {
    let lan = Lan::new();
    let bytes = content(1);
    let node = lan.node(2).file("d/film.mkv", &bytes).start();
    tells(&node, &bytes);
    let list = pieces(&node, &bytes);
    assert_eq!(list.hashes().len(), 40);
    let mut whole = Vec::new();
    for index in 0..40 {
        let range = list.range(index);
        let line = format!("Range: bytes={}-{}\r\n", range.start, range.end - 1);
        let answer = request(node.address(), "GET", &content_target(&list.root()), &line);
        assert_eq!(answer.status, 206);
        assert!(list.verify(index, &answer.body), "piece {index}");
        whole.extend(answer.body);
    }
    assert!(whole == bytes, "all pieces are the file");
}

#[test]
fn a_content_is_served_as_its_file_is() {
    let lan = Lan::new();
    let bytes = content(2);
    let node = lan.node(2).file("d/b.txt", &bytes).file("empty", "").start();
    tells(&node, &bytes);
    let target = content_target(&hash(&bytes));
    let answer = node.get(&target);
    assert_eq!(answer.status, 200);
    assert!(answer.body == bytes, "the whole file");
    let by_name = node.get("/s/?g=d/b.txt");
    let named = ["content-disposition", "content-security-policy", "content-type", "last-modified", "accept-ranges"];
    for name in named.into_iter().chain(["content-length", "x-content-type-options"]) {
        assert_eq!(answer.header(name), by_name.header(name), "{name}");
    }
    let etag = format!("\"{}\"", blake3::hash(&bytes).to_hex());
    assert_eq!(answer.header("etag"), Some(etag.as_str()));
    assert_eq!(request(node.address(), "GET", &target, &format!("If-None-Match: {etag}\r\n")).status, 304);
    let head = request(node.address(), "HEAD", &target, "");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("10300007"), 0));
    assert_eq!(request(node.address(), "GET", &target, "Range: bytes=10300007-\r\n").status, 416);
    let part = request(node.address(), "GET", &target, &format!("Range: bytes=5-\r\nIf-Range: {etag}\r\n"));
    assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 5-10300006/10300007")));
    tells(&node, b"");
    assert_eq!(node.get(&content_target(&hash(b""))).body, b"");
}

#[test]
fn a_list_of_pieces_is_bytes_that_never_change() {
    let lan = Lan::new();
    let bytes = content(3);
    let node = lan.node(2).file("a", &bytes).file("small", "hello").file("empty", "").start();
    [&bytes[..], b"hello", b""].into_iter().for_each(|content| tells(&node, content));
    let target = pieces_target(&hash(&bytes));
    let answer = node.get(&target);
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert!(answer.header("content-disposition").unwrap().starts_with("attachment"));
    let etag = answer.header("etag").unwrap().to_owned();
    assert_eq!(request(node.address(), "GET", &target, &format!("If-None-Match: {etag}\r\n")).status, 304);
    let part = request(node.address(), "GET", &target, "Range: bytes=32-63\r\n");
    assert_eq!((part.status, &part.body[..]), (206, &answer.body[32..64]));
    let head = request(node.address(), "HEAD", &target, "");
    assert_eq!((head.header("content-length"), head.body.len()), (Some("1280"), 0));
    assert_eq!(node.get(&pieces_target(&hash(b"hello"))).body, hash(b"hello"));
    assert_eq!(node.get(&pieces_target(&hash(b""))).body, b"");
}

#[test]
fn what_is_not_here_or_not_named_is_an_error() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "hello").start();
    tells(&node, b"hello");
    for name in ["content", "pieces"] {
        for (query, status) in [
            (format!("b3={}", blake3::hash(b"other").to_hex()), 404),
            (String::new(), 400),
            ("b3=ea8f".into(), 400),
            (format!("b3={}", "x".repeat(64)), 400),
        ] {
            assert_eq!(node.get(&format!("/s/?g=forban/index.{name}&{query}")).status, status, "{name} {query}");
        }
        let upper = blake3::hash(b"hello").to_hex().to_uppercase();
        assert_eq!(node.get(&format!("/s/?g=/forban/index.{name}&b3={upper}")).status, 200);
        assert_eq!(request(node.address(), "POST", &format!("/s/?g=forban/index.{name}"), "").status, 405);
    }
}

#[test]
fn a_changed_file_is_not_given_for_what_it_was() {
    let lan = Lan::new();
    let (before, after) = (content(4), content(5));
    let node = lan.node(2).file("a", &before).start();
    tells(&node, &before);
    let status = |bytes: &[u8]| node.get(&content_target(&hash(bytes))).status;
    assert_eq!((status(&before), status(&after)), (200, 404));
    std::fs::write(node.loot("a"), &after).unwrap();
    assert_eq!(status(&before), 404);
    wait_until("it is read anew", || status(&after) == 200);
    assert_eq!(status(&before), 404);
    assert_eq!(pieces(&node, &after).root(), hash(&after));
}

#[test]
fn a_restart_keeps_the_lists() {
    let lan = Lan::new();
    let bytes = content(6);
    let node = lan.node(2).file("a", &bytes).start();
    tells(&node, &bytes);
    let list = pieces(&node, &bytes);
    node.terminate();
    let node = lan.node(2).start();
    tells(&node, &bytes);
    assert_eq!(pieces(&node, &bytes), list);
    assert_eq!(node.log().matches(WAS_READ).count(), 1, "no file is read again");
}
