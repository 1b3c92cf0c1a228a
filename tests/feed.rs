//! The feed: what changes at a node is told at once, and heard by its neighbours.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::support::http::{connect, request, status};
use crate::support::lan::{Lan, Node};
use crate::support::wait_until;

const TARGET: &str = "/s/?g=forban/index.feed";
const FIRST_LINE: &str = "forban/index.feed 1";

/// A feed that is read line by line.
struct Listener {
    lines: BufReader<TcpStream>,
    head: String,
}

impl Listener {
    #[track_caller]
    fn open(to: SocketAddr) -> Self {
        let mut stream = connect(to);
        write!(stream, "GET {TARGET} HTTP/1.1\r\nHost: {to}\r\n\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(lines.read_line(&mut head).unwrap(), 0, "it closed within the head: {head}");
        }
        Self { lines, head: head.to_lowercase() }
    }

    /// The next line; the sizes of the chunks, which stand in lines of their own, are left out.
    #[track_caller]
    fn next(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the feed ended");
            if let Some(line) = line.strip_suffix('\n').filter(|line| !line.ends_with('\r')) {
                return line.to_owned();
            }
        }
    }
}

fn version(node: &Node) -> String {
    let manifest = node.get("/s/?g=forban/index.manifest").text();
    let version = manifest.lines().find_map(|line| line.strip_prefix("version ")).unwrap_or_default();
    version.to_owned()
}

#[test]
fn a_feed_tells_another_state_of_the_manifest_after_a_file_was_read() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "hello").start();
    wait_until("the file is read", || node.get("/s/?g=forban/index.manifest").text().contains("\nfiles 1\n"));
    let mut feed = Listener::open(node.address());
    for header in [
        "http/1.1 200 ",
        "\r\ntransfer-encoding: chunked\r\n",
        "\r\ncontent-type: text/plain; charset=utf-8\r\n",
        "\r\ncache-control: no-store\r\n",
        "\r\ncontent-security-policy: sandbox",
    ] {
        assert!(feed.head.contains(header), "{header} in {}", feed.head);
    }
    assert_eq!(feed.next(), FIRST_LINE);
    let first = version(&node);
    assert_eq!(feed.next(), format!("manifest {first}"));
    node.put("b", "world");
    let told = feed.next();
    let told = told.strip_prefix("manifest ").unwrap();
    assert_ne!(told, first);
    let since = node.get(&format!("/s/?g=forban/index.manifest&since={told}")).text();
    assert!(since.contains(&format!("\nsince {told}\n")), "{since}");
    let changed = node.get(&format!("/s/?g=forban/index.manifest&since={first}")).text();
    assert!(changed.ends_with(" b\n"), "{changed}");
}

#[test]
fn a_feed_is_asked_for_with_get_and_head_alone() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let to = node.address();
    for _ in 0..5 {
        let head = request(to, "HEAD", TARGET, "");
        assert_eq!((head.status, head.body.len(), head.header("cache-control")), (200, 0, Some("no-store")));
    }
    assert_eq!(request(to, "POST", TARGET, "Content-Length: 0\r\n").status, 405);
    let mut feed = Listener::open(to);
    assert_eq!(feed.next(), FIRST_LINE);
    let foreign = format!("GET {TARGET} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert_eq!(status(to, foreign.as_bytes()), Some(421));
}

#[test]
fn one_host_has_two_feeds_and_may_open_another_when_one_ended() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let (one, _two) = (Listener::open(node.address()), Listener::open(node.address()));
    let third = || Listener::open(node.address()).head;
    assert!(third().starts_with("http/1.1 503 "));
    drop(one);
    wait_until("there is a place again", || third().starts_with("http/1.1 200 "));
}

#[test]
fn open_feeds_do_not_delay_the_end_of_a_node() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let (mut one, _two) = (Listener::open(node.address()), Listener::open(node.address()));
    assert_eq!(one.next(), FIRST_LINE);
    let (_, status) = node.terminate();
    assert_eq!(status, Some(0));
    // An answer that did not end in time would be cut off.
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut one.lines, &mut rest).unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "it ends properly: {rest:?}");
}
