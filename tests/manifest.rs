//! The manifest: what names the content of files, served here and read from neighbours.

use std::io::Write as _;

use crate::support::http::request;
use crate::support::lan::{Lan, Node};
use crate::support::scripted::answers::{self, After, script};
use crate::support::scripted::{Kind, Script, Scripted};
use crate::support::wait_until;

const MANIFEST: &str = "forban/index.manifest";
const TARGET: &str = "/s/?g=forban/index.manifest";
const MD5_HELLO: &str = "5d41402abc4b2a76b9719d911017c592";
const MD5_WORLD: &str = "7d793037a0760186574b0282f2f435e7";
const BLAKE3_HELLO: &str = "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f";
/// What a reading leaves in the log.
const WAS_READ: &str = "a file was read for its digests";

fn manifest(node: &Node) -> String {
    node.get(TARGET).text()
}

/// Waits until all is read.
#[track_caller]
fn complete(node: &Node) -> String {
    let is_complete = |text: &str| text.starts_with("boucan-manifest 2\nhashing 0\n");
    wait_until("all files are read for their digests", || is_complete(&manifest(node)));
    manifest(node)
}

fn rows(manifest: &str) -> Vec<&str> {
    manifest.split_once("\n\n").unwrap().1.lines().collect()
}

fn mtime(path: &std::path::Path) -> i64 {
    std::os::unix::fs::MetadataExt::mtime(&std::fs::metadata(path).unwrap())
}

/// A manifest with a name for its version, and 304 for those who have it.
fn versioned(body: &str, etag: &'static str) -> Script {
    let body = body.to_owned();
    script(move |request, stream| {
        if request.header("if-none-match") == Some(etag) {
            write!(stream, "HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\n\r\n")?;
        } else {
            write!(stream, "HTTP/1.1 200 OK\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
        }
        Ok(After::GoOn)
    })
}

#[test]
fn a_node_tells_what_names_the_content_of_its_files() {
    let lan = Lan::new();
    let node = lan.node(2).file("d/hello, you.txt", "hello").file("empty", "").start();
    let text = complete(&node);
    let index = node.get("/s/?g=forban/index");
    let hmac = index.header("etag").unwrap().trim_matches('"');
    assert_eq!(text.lines().nth(2), Some(format!("index {hmac}").as_str()));
    let mtime = mtime(&node.loot("d/hello, you.txt"));
    assert_eq!(rows(&text)[0], format!("5 {mtime} {MD5_HELLO} {BLAKE3_HELLO} d/hello, you.txt"));
    assert!(rows(&text)[1].contains(" d41d8cd98f00b204e9800998ecf8427e af1349b9"), "{text}");
    assert_eq!(rows(&text).len(), 2);
    let answer = node.get(TARGET);
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    let etag = answer.header("etag").unwrap().to_owned();
    assert_eq!(request(node.address(), "GET", TARGET, &format!("If-None-Match: {etag}\r\n")).status, 304);
    let head = request(node.address(), "HEAD", TARGET, "");
    assert_eq!(head.header("content-length"), Some(text.len().to_string().as_str()));
    assert!(head.body.is_empty());
    let part = request(node.address(), "GET", TARGET, "Range: bytes=10-30\r\n");
    assert_eq!((part.status, part.text().as_str()), (206, &text[10..=30]));
    assert_eq!(node.get("/s/?g=/forban/index.manifest").text(), text);
    assert_eq!(node.get("/s/?g=Zm9yYmFuL2luZGV4Lm1hbmlmZXN0&f=b64e").text(), text);
    for other in ["forban/index.manifest2", "forban/index.hmac", "forban/index.manifest/x", "forban/Index.manifest"] {
        assert_eq!(node.get(&format!("/s/?g={other}")).status, 404, "{other}");
    }
}

#[test]
fn another_content_of_the_same_size_changes_the_manifest_but_not_the_index() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "hello").start();
    assert!(complete(&node).contains(MD5_HELLO));
    let before = node.get("/s/?g=forban/index");
    std::fs::write(node.loot("a"), "world").unwrap();
    wait_until("the new content is known", || manifest(&node).contains(MD5_WORLD));
    node.put("a", "hello");
    wait_until("the old content is known again", || manifest(&node).contains(MD5_HELLO));
    assert_eq!(node.get("/s/?g=forban/index").header("etag"), before.header("etag"));
}

#[test]
fn a_restart_reads_no_file_again() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "hello").file("b", "world").start();
    let before = complete(&node);
    let log = node.log();
    assert_eq!(log.matches(WAS_READ).count(), 2);
    node.terminate();
    let node = lan.node(2).start();
    assert_eq!(rows(&complete(&node)), rows(&before));
    assert!(node.log().len() > log.len(), "it is one log");
    assert_eq!(node.log().matches(WAS_READ).count(), 2);
}

#[test]
fn the_address_for_napster_peers_is_the_one_at_which_we_were_reached() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let peer = format!("peer 127.000.000.002|0000:0000:0000:0000:0000:ffff:7f00:0002{:05}", lan.peer_port);
    assert!(manifest(&node).lines().any(|line| line == peer), "{}", manifest(&node));
    let without = lan.node(3).start();
    assert!(!manifest(&without).contains("\npeer "));
}

#[test]
fn a_node_reads_the_manifest_of_another() {
    let lan = Lan::new();
    let ours = lan.node(2).start();
    let theirs = lan.node(3).file("a", "hello").file("b", "world").start();
    complete(&theirs);
    wait_until("it is read", || {
        ours.log()
            .lines()
            .any(|line| line.contains("a manifest was read") && line.contains("files=2") && line.contains("hashing=0"))
    });
}

#[test]
fn old_nodes_are_asked_once_or_never() {
    let lan = Lan::new();
    let _node = lan.node(2).start();
    let specified = Scripted::start(&lan, 3, Kind::Specified);
    let practised = Scripted::start(&lan, 4, Kind::Py);
    for round in 1..=2 {
        for scripted in [&specified, &practised] {
            scripted.offers(&format!("file {round}"), "x");
            wait_until("its index is read", || {
                scripted.announce();
                scripted.requests_for("forban/index").len() >= round
            });
        }
        wait_until("it is asked once for each index", || specified.requests_for(MANIFEST).len() == round);
    }
    // What comes later than both answers shows that nobody was asked again.
    let last = Scripted::start(&lan, 5, Kind::Specified);
    wait_until("another one is asked", || {
        [&specified, &practised, &last].iter().for_each(|scripted| scripted.announce());
        last.requests_for(MANIFEST).len() == 1
    });
    assert_eq!((specified.requests_for(MANIFEST).len(), practised.requests_for(MANIFEST).len()), (2, 0));
}

#[test]
fn a_manifest_is_asked_for_again_while_more_is_to_come() {
    let lan = Lan::new();
    let _node = lan.node(2).start();
    let hashing = Scripted::start(&lan, 3, Kind::Specified);
    let complete = Scripted::start(&lan, 4, Kind::Specified);
    hashing.offers("a", "x").answers(MANIFEST, versioned("boucan-manifest 1\nhashing 1\n\n", "\"v1\""));
    complete.offers("b", "x").answers(MANIFEST, versioned("boucan-manifest 1\nhashing 0\n\n", "\"v2\""));
    wait_until("it is asked again", || {
        [&hashing, &complete].iter().for_each(|scripted| scripted.announce());
        hashing.requests_for(MANIFEST).len() >= 2
    });
    let asked = hashing.requests_for(MANIFEST);
    assert_eq!((asked[0].header("if-none-match"), asked[1].header("if-none-match")), (None, Some("\"v1\"")));
    assert_eq!(complete.requests_for(MANIFEST).len(), 1);
}

#[test]
fn a_manifest_that_is_none_leaves_the_index_as_good_as_it_was() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let scripts: [(&str, Script); 5] = [
        ("another page", answers::content(b"<html>log in</html>".to_vec())),
        ("a fault", answers::status("500 Internal Server Error")),
        ("a close", answers::raw("")),
        ("too much", answers::endless("HTTP/1.1 200 OK\r\n\r\nboucan-manifest 1\n")),
        ("lies", versioned(&format!("boucan-manifest 1\n\n5 {MD5_HELLO} {BLAKE3_HELLO} ../../x\n"), "\"v\"")),
    ];
    for (position, (what, answer)) in scripts.into_iter().enumerate() {
        let scripted = Scripted::start(&lan, u8::try_from(position).unwrap() + 3, Kind::Specified);
        scripted.offers(what, what).answers(MANIFEST, answer);
        wait_until("it is asked for its manifest", || {
            scripted.announce();
            !scripted.requests_for(MANIFEST).is_empty()
        });
        node.has(what, what);
    }
}
