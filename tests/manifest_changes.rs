//! A manifest costs what changed in it: answers since a state, and compressed ones.

use std::io::{Read as _, Write as _};

use crate::support::http::{Answer, request};
use crate::support::lan::{Lan, Node};
use crate::support::scripted::answers::{After, Script, script};
use crate::support::scripted::{Kind, Scripted};
use crate::support::wait_until;

const INDEX: &str = "/s/?g=forban/index";
const MANIFEST: &str = "forban/index.manifest";
const TARGET: &str = "/s/?g=forban/index.manifest";
const MD5_WORLD: &str = "7d793037a0760186574b0282f2f435e7";
const FILES: usize = 1_000;

/// A node with a thousand files, and its manifest when all are read.
fn library(lan: &Lan) -> (Node, Answer) {
    let node = (0..FILES).fold(lan.node(2), |node, at| node.file(&format!("d/{at:04}"), at.to_string())).start();
    let is_complete = |text: &str| text.starts_with("boucan-manifest 2\nhashing 0\n") && text.lines().count() > FILES;
    wait_until("all files are read for their digests", || is_complete(&node.get(TARGET).text()));
    let whole = node.get(TARGET);
    (node, whole)
}

fn value<'a>(answer: &'a str, key: &str) -> Option<&'a str> {
    let header = answer.split_once("\n\n").unwrap().0;
    header.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
}

fn since(node: &Node, version: &str) -> String {
    node.get(&format!("{TARGET}&since={version}")).text()
}

fn rows(manifest: &str) -> Vec<&str> {
    manifest.split_once("\n\n").unwrap().1.lines().collect()
}

fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The chunks of a body put together.
fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return whole;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = &body[end + 2 + length + 2..];
    }
}

#[test]
fn one_changed_file_of_a_thousand_costs_one_line() {
    let lan = Lan::new();
    let (node, whole) = library(&lan);
    let (first, whole) = (value(&whole.text(), "version").unwrap().to_owned(), whole.body.len());
    assert_eq!(rows(&since(&node, &first)), Vec::<&str>::new());
    node.put("d/0500", "world");
    wait_until("the new content is known", || since(&node, &first).contains(MD5_WORLD));
    let changed = since(&node, &first);
    assert_eq!((value(&changed, "since"), value(&changed, "files")), (Some(first.as_str()), Some("1000")));
    assert_ne!(value(&changed, "version"), Some(first.as_str()));
    assert_eq!(rows(&changed).len(), 1);
    assert!(rows(&changed)[0].starts_with("5 ") && rows(&changed)[0].ends_with(" d/0500"), "{changed}");
    assert!(whole > 100_000 && changed.len() < 500, "{} of {whole} bytes", changed.len());
    let version = value(&changed, "version").unwrap().to_owned();
    std::fs::remove_file(node.loot("d/0501")).unwrap();
    wait_until("it is gone", || rows(&since(&node, &version)) == ["- d/0501"]);
    assert_eq!(rows(&since(&node, &first)).len(), 2);
}

#[test]
fn a_state_that_is_not_known_is_answered_with_the_whole() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "hello").start();
    wait_until("it is read", || node.get(TARGET).text().contains("\nfiles 1\n"));
    let whole = node.get(TARGET).text();
    let version = value(&whole, "version").unwrap().to_owned();
    let run = version.split_once('.').unwrap().0;
    for unknown in ["", "x", "%ff", "a%20b", &format!("{run}.999"), &format!("{run}.-1"), "0123456789abcdef.0"] {
        assert_eq!(since(&node, unknown), whole, "{unknown}");
    }
    node.terminate();
    let node = lan.node(2).start();
    wait_until("it is known again", || node.get(TARGET).text().contains("\nfiles 1\n"));
    let again = since(&node, &version);
    assert_eq!((value(&again, "since"), rows(&again)), (None, rows(&whole)));
    assert_ne!(value(&again, "version"), Some(version.as_str()));
}

#[test]
fn only_who_asks_for_gzip_gets_it() {
    let lan = Lan::new();
    let (node, whole) = library(&lan);
    for target in [TARGET, INDEX] {
        let plain = node.get(target);
        assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("Accept-Encoding")));
        assert_eq!(plain.header("content-length"), Some(plain.body.len().to_string().as_str()));
        let gzip = request(node.address(), "GET", target, "Accept-Encoding: gzip\r\nRange: bytes=0-9\r\n");
        assert_eq!((gzip.status, gzip.header("content-encoding")), (200, Some("gzip")), "{target}");
        assert_eq!((gzip.header("vary"), gzip.header("content-length")), (Some("Accept-Encoding"), None));
        assert!(gzip.header("content-disposition").unwrap().starts_with("attachment"));
        assert!(gzip.body.len() < plain.body.len() * 3 / 4, "{} of {} bytes", gzip.body.len(), plain.body.len());
        assert_eq!(unpacked(&dechunked(&gzip.body)), plain.text());
        let (etag, other) = (gzip.header("etag").unwrap(), plain.header("etag").unwrap());
        assert_ne!(etag, other);
        let condition = format!("Accept-Encoding: gzip\r\nIf-None-Match: {etag}\r\n");
        assert_eq!(request(node.address(), "GET", target, &condition).status, 304);
        let head = request(node.address(), "HEAD", target, "Accept-Encoding: gzip\r\n");
        assert_eq!((head.header("content-encoding"), head.body.len()), (Some("gzip"), 0));
    }
    let small = format!("{TARGET}&since={}", value(&whole.text(), "version").unwrap());
    let small = request(node.address(), "GET", &small, "Accept-Encoding: gzip\r\n");
    assert_eq!(small.header("content-encoding"), None);
    let file = request(node.address(), "GET", "/s/?g=d/0001", "Accept-Encoding: gzip\r\n");
    assert_eq!((file.header("content-encoding"), file.header("vary"), file.text().as_str()), (None, None, "1"));
}

#[test]
fn a_node_reads_of_another_only_what_changed() {
    let lan = Lan::new();
    let ours = lan.node(3).start();
    let (theirs, _) = library(&lan);
    wait_until("all is known", || {
        ours.log().lines().any(|line| line.contains("a manifest was read") && line.contains("files=1000 hashing=0"))
    });
    theirs.put("d/new", "world");
    wait_until("the change is read", || {
        ours.log().lines().any(|line| line.contains("files=1001 hashing=0 in_part=true"))
    });
}

/// Answers with a manifest that goes on from `"r.1"`, as a script says.
fn going_on(part: Vec<u8>, more: &'static str) -> Script {
    script(move |request, stream| {
        let whole = b"boucan-manifest 2\nhashing 1\nfiles 0\nversion r.1\n\n".to_vec();
        let (body, more) = if request.target.ends_with("&since=r.1") { (&part, more) } else { (&whole, "") };
        write!(stream, "HTTP/1.1 200 OK\r\n{more}Content-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(body)?;
        Ok(After::GoOn)
    })
}

#[test]
fn changes_that_are_none_lead_to_the_whole() {
    let lan = Lan::new();
    let _node = lan.node(2).start();
    let bomb = packed(&vec![b'\n'; 10 << 20]);
    let rows: [(Vec<u8>, &str, &str); 5] = [
        (b"boucan-manifest 2\nhashing 1\nfiles 3\nversion r.2\nsince r.1\n\n".to_vec(), "", "they do not add up"),
        (b"boucan-manifest 2\nhashing 1\nversion r.2\nsince r.0\n\n".to_vec(), "", "another state"),
        (b"<html>".to_vec(), "", "another page"),
        (bomb, "Content-Encoding: gzip\r\n", "a bomb"),
        (b"evil".to_vec(), "Content-Encoding: br\r\n", "not asked for"),
    ];
    let scripted: Vec<(Scripted, &str)> = (3..)
        .zip(rows)
        .map(|(last, (part, more, why))| {
            let scripted = Scripted::start(&lan, last, Kind::Specified);
            scripted.offers("a", "x").answers(MANIFEST, going_on(part, more));
            (scripted, why)
        })
        .collect();
    for (scripted, why) in &scripted {
        wait_until(&format!("the whole is asked for after that: {why}"), || {
            scripted.announce();
            scripted.requests_for(MANIFEST).len() >= 3
        });
        let asked = scripted.requests_for(MANIFEST);
        let is_since: Vec<bool> = asked.iter().take(3).map(|asked| asked.target.contains("since")).collect();
        assert_eq!(is_since, [false, true, false], "{why}");
        assert_eq!(asked[1].header("accept-encoding"), Some("gzip"));
    }
}

#[test]
fn a_list_that_unpacks_to_too_much_is_refused_and_one_that_does_not_is_read() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let gzip = |body: Vec<u8>| {
        script(move |_, stream| {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len())?;
            stream.write_all(&body)?;
            Ok(After::GoOn)
        })
    };
    let manifest = Scripted::start(&lan, 4, Kind::Specified);
    manifest.offers("good", "good").answers(MANIFEST, gzip(packed(&vec![b'\n'; 1 << 20])));
    wait_until("its manifest is refused", || {
        manifest.announce();
        node.log().contains("the manifest is larger than its index allows")
    });
    node.has("good", "good");
    let honest = Scripted::start(&lan, 5, Kind::Specified);
    honest.offers("fine", "fine").answers("forban/index", gzip(packed(b"fine,4\n"))).announce();
    node.has("fine", "fine");
}
