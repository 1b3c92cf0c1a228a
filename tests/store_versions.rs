//! `/s/` and the versions of a file: ranges, conditions, HEAD, and files that change while they
//! are served.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::support::http::{Answer, connect, read_all, request};
use super::support::lan::{Lan, Node};
use super::support::wait_until;

/// More than the sockets of both ends hold, so that the node still reads while the test acts.
const LARGE: usize = 32 * 1024 * 1024;

/// Bytes that differ at every fourth offset.
fn pattern(length: usize) -> Vec<u8> {
    (0..u32::try_from(length / 4).unwrap()).flat_map(u32::to_le_bytes).collect()
}

fn ask(node: &Node, name: &str, more: &str) -> Answer {
    request(node.address(), "GET", &format!("/s/?g={name}"), more)
}

#[test]
fn one_range_is_served_and_whatever_else_is_asked_gets_the_whole_or_416() {
    let lan = Lan::new();
    // One is answered from memory, the other read piece by piece.
    let node = lan.node(2).file("small", pattern(1_000)).file("large", pattern(900_000)).start();
    let many = format!("bytes={}", (0..1_000).map(|n| format!("{n}-{n}")).collect::<Vec<_>>().join(","));
    for (name, size) in [("small", 1_000_usize), ("large", 900_000)] {
        let (whole, end) = (pattern(size), size - 1);
        for (range, expected) in [
            ("bytes=0-0".to_owned(), Some((0, 0))),
            ("bytes=10-19".into(), Some((10, 19))),
            (format!("bytes=1-{end}"), Some((1, end))),
            ("bytes=990-".into(), Some((990, end))),
            ("bytes=-10".into(), Some((size - 10, end))),
            (format!("bytes=-{}", size + 1), Some((0, end))),
            (format!("bytes=5-{size}"), Some((5, end))),
            ("bytes=5-18446744073709551615".into(), Some((5, end))),
            ("bytes=5-99999999999999999999999".into(), Some((5, end))),
            ("bytes=9-5".into(), None),
            ("bytes=-".into(), None),
            ("bytes=--5".into(), None),
            ("bytes=-5-9".into(), None),
            ("bytes=a-b".into(), None),
            ("bytes=0x1-0x5".into(), None),
            ("bytes 0-5".into(), None),
            ("lines=0-5".into(), None),
            ("bytes=0-1,4-5".into(), None),
            ("bytes=0-,0-,0-".into(), None),
            ("bytes=".into(), None),
            (many.clone(), None),
        ] {
            let answer = ask(&node, name, &format!("Range: {range}\r\n"));
            let what = format!("{name}: {}", &range[..range.len().min(60)]);
            assert_eq!(answer.header("accept-ranges"), Some("bytes"), "{what}");
            match expected {
                Some((first, last)) => {
                    assert_eq!(answer.status, 206, "{what}: {}", answer.head);
                    let content_range = format!("bytes {first}-{last}/{size}");
                    assert_eq!(answer.header("content-range"), Some(content_range.as_str()), "{what}");
                    assert!(answer.body == whole[first..=last], "{what}: other bytes");
                }
                None => {
                    assert_eq!(answer.status, 200, "{what}: {}", answer.head);
                    assert!(answer.body == whole, "{what}: other bytes");
                }
            }
        }
        for range in [format!("bytes={size}-"), "bytes=18446744073709551616-".into(), "bytes=-0".into()] {
            let answer = ask(&node, name, &format!("Range: {range}\r\n"));
            assert_eq!((answer.status, answer.body.len()), (416, 0), "{range}");
            assert_eq!(answer.header("content-range"), Some(format!("bytes */{size}").as_str()), "{range}");
        }
    }
}

#[test]
fn an_empty_file_has_no_range() {
    let lan = Lan::new();
    let node = lan.node(2).file("empty", "").start();
    for (range, statuses) in [("bytes=0-", [200, 416]), ("bytes=-1", [200, 416]), ("bytes=0-0", [200, 416])] {
        let answer = ask(&node, "empty", &format!("Range: {range}\r\n"));
        assert!(statuses.contains(&answer.status) && answer.body.is_empty(), "{range}: {}", answer.head);
    }
    assert_eq!(ask(&node, "empty", "").header("content-length"), Some("0"));
}

#[test]
fn conditions_are_judged_by_the_version_of_the_file() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", pattern(1_000)).start();
    let first = ask(&node, "a", "");
    let etag = first.header("etag").unwrap();
    let modified = first.header("last-modified").unwrap();
    let old = "Sat, 01 Jan 2000 00:00:00 GMT";
    let range = "Range: bytes=0-9\r\n";
    for (more, status) in [
        (format!("If-None-Match: {etag}\r\n"), 304),
        (format!("If-None-Match: \"x\", W/{etag}\r\n"), 304),
        ("If-None-Match: *\r\n".into(), 304),
        ("If-None-Match: \"x\"\r\n".into(), 200),
        (format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {modified}\r\n"), 200),
        (format!("If-Modified-Since: {modified}\r\n"), 304),
        (format!("If-Modified-Since: {old}\r\n"), 200),
        ("If-Modified-Since: tomorrow\r\n".into(), 200),
        (format!("If-Match: {etag}\r\n"), 200),
        ("If-Match: \"x\"\r\n".into(), 412),
        (format!("If-Unmodified-Since: {old}\r\n"), 412),
        (format!("{range}If-Range: {etag}\r\n"), 206),
        (format!("{range}If-Range: \"x\"\r\n"), 200),
        (format!("{range}If-Range: W/{etag}\r\n"), 200),
        (format!("{range}If-Range: {modified}\r\n"), 206),
        (format!("{range}If-Range: {old}\r\n"), 200),
        (format!("{range}If-None-Match: {etag}\r\n"), 304),
    ] {
        let answer = ask(&node, "a", &more);
        assert_eq!(answer.status, status, "{more}");
        let length = match status {
            200 => 1_000,
            206 => 10,
            _ => 0,
        };
        assert_eq!(answer.body.len(), length, "{more}");
        assert_eq!(answer.header("etag"), Some(etag), "{more}");
    }
}

#[test]
fn another_content_of_the_same_length_is_another_version() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "one").start();
    let etag = ask(&node, "a", "").header("etag").unwrap().to_owned();
    node.put("a", "two");
    let answer = ask(&node, "a", &format!("If-None-Match: {etag}\r\nRange: bytes=0-0\r\nIf-Range: {etag}\r\n"));
    assert_eq!((answer.status, answer.text().as_str()), (200, "two"));
}

#[test]
fn head_has_the_same_lines_as_get_and_no_body() {
    let lan = Lan::new();
    let node = lan.node(2).file("small", pattern(1_000)).file("large", pattern(900_000)).start();
    let lines = |target: &str, answer: &Answer| {
        // A 304 may leave the length out, and pages say how long ago something was.
        let is_page = !target.starts_with("/s/");
        let varies = |line: &str| {
            line.starts_with("date:") || line == "content-length: 0" || is_page && line.starts_with("content-length:")
        };
        let lines = answer.head.lines().filter(|line| !varies(line)).map(str::to_owned);
        lines.collect::<std::collections::BTreeSet<String>>()
    };
    for target in
        ["/s/?g=small", "/s/?g=large", "/s/?g=forban/index", "/s/?g=nothing", "/", "/q/?v=a", "/l/", "/healthz"]
    {
        for more in ["", "Range: bytes=5-9\r\n", "Range: bytes=9999999-\r\n", "If-None-Match: *\r\n"] {
            let get = request(node.address(), "GET", target, more);
            let head = request(node.address(), "HEAD", target, more);
            assert!(head.body.is_empty(), "{target} {more}");
            if target != "/healthz" {
                assert_eq!(lines(target, &get), lines(target, &head), "{target} {more}");
            }
        }
    }
}

/// Asks for the large file and takes its first bytes; all of what came so far is returned.
fn begin(node: &Node) -> (TcpStream, Vec<u8>) {
    let mut stream = connect(node.address());
    stream
        .write_all(
            format!("GET /s/?g=d/large HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", node.address()).as_bytes(),
        )
        .unwrap();
    let mut start = vec![0; 4_096];
    stream.read_exact(&mut start).unwrap();
    (stream, start)
}

fn finish(mut stream: TcpStream, mut start: Vec<u8>) -> Answer {
    start.extend(read_all(&mut stream));
    Answer::parse(&start)
}

/// What happens to the file.
type Action<'a> = &'a dyn Fn(&Node);

#[test]
fn a_file_that_grows_goes_or_is_replaced_is_sent_as_it_was_opened() {
    let lan = Lan::new();
    let whole = pattern(LARGE);
    let append = |node: &Node| {
        let mut file = std::fs::File::options().append(true).open(node.loot("d/large")).unwrap();
        file.write_all(&[0xff; 100_000]).unwrap();
    };
    let actions: [(&str, Action); 4] = [
        ("grows", &append),
        ("is replaced", &|node| node.put("d/large", vec![0xff; 1_000])),
        ("is deleted", &|node| std::fs::remove_file(node.loot("d/large")).unwrap()),
        ("is in a folder that is renamed", &|node| std::fs::rename(node.loot("d"), node.loot("e")).unwrap()),
    ];
    for (position, (what, act)) in actions.into_iter().enumerate() {
        let node = lan.node(u8::try_from(position).unwrap() + 2).file("d/large", &whole).start();
        let (stream, start) = begin(&node);
        act(&node);
        let answer = finish(stream, start);
        assert_eq!(answer.header("content-length"), Some(LARGE.to_string().as_str()), "{what}");
        assert!(answer.body == whole, "{what}: {} bytes came, or others", answer.body.len());
    }
}

#[test]
fn a_file_that_shrinks_ends_the_answer_early_and_is_listed_anew() {
    let lan = Lan::new();
    let whole = pattern(LARGE);
    let node = lan.node(2).file("d/large", &whole).start();
    let (stream, start) = begin(&node);
    std::fs::File::options().write(true).open(node.loot("d/large")).unwrap().set_len(100_000).unwrap();
    let answer = finish(stream, start);
    assert!(answer.body.len() < LARGE, "the client can tell that something is missing");
    let is_as_it_was = |(came, was): (&u8, &u8)| came == was;
    assert!(answer.body.iter().zip(&whole[..100_000]).all(is_as_it_was), "what is still there is right");
    // What was on its way by `sendfile` is the file's own memory, of which the system clears the last page.
    let rest = answer.body.iter().zip(&whole).skip(100_000);
    assert!(rest.into_iter().all(|(came, was)| came == was || *came == 0), "nothing was invented");
    wait_until("the index knows", || node.index() == ["d/large,100000"]);
    assert!(ask(&node, "d/large", "").body == whole[..100_000]);
}
