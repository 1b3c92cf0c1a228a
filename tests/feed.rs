//! The feed: what changes at a node is told at once, and heard by its neighbours.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::http::{connect, request, status};
use crate::support::lan::{Lan, Node};
use crate::support::scripted::answers::{self, After, Script, script};
use crate::support::scripted::{Kind, Request, Scripted};
use crate::support::wait_until;

const FEED: &str = "forban/index.feed";
const MANIFEST: &str = "forban/index.manifest";
const TARGET: &str = "/s/?g=forban/index.feed";
const FIRST_LINE: &str = "forban/index.feed 1";
const MD5_WORLD: &str = "7d793037a0760186574b0282f2f435e7";

/// A feed that is read line by line.
pub struct Listener {
    lines: BufReader<TcpStream>,
    head: String,
}

impl Listener {
    #[track_caller]
    pub fn open(to: SocketAddr) -> Self {
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
    pub fn next(&mut self) -> String {
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

/// A manifest that goes on: whole in the state `r.1`, complete in `r.2` for who has `r.1`.
fn growing() -> Script {
    script(|request, stream| {
        let body = match request.target.contains("&since=") {
            false => "boucan-manifest 2\nhashing 1\nfiles 0\nversion r.1\n\n",
            true => "boucan-manifest 2\nhashing 0\nfiles 0\nversion r.2\nsince r.1\n\n",
        };
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
        Ok(After::GoOn)
    })
}

/// A feed that tells the state `r.1`, `r.2` when it is time, and goes on until the other side goes.
fn tells_when(time: &Arc<AtomicBool>) -> Script {
    let time = time.clone();
    script(move |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\n\r\n{FIRST_LINE}\nmanifest r.1\n")?;
        while !time.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        writeln!(stream, "manifest r.2")?;
        loop {
            std::thread::sleep(Duration::from_millis(100));
            writeln!(stream, "alive")?;
        }
    })
}

#[test]
fn a_mirror_waits_for_the_word_of_a_feed_instead_of_asking_again_and_again() {
    let lan = Lan::new();
    let _node = lan.node(2).opportunistic().start();
    let time = Arc::new(AtomicBool::new(false));
    let (fed, unfed) = (Scripted::start(&lan, 3, Kind::Specified), Scripted::start(&lan, 4, Kind::Specified));
    fed.offers("a", "x").answers(MANIFEST, growing()).answers(FEED, tells_when(&time));
    let asleep = |_: &Request, stream: &mut TcpStream| {
        let body = "boucan-manifest 2\nhashing 1\nfiles 0\nversion r.1\n\n";
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())?;
        Ok(After::GoOn)
    };
    unfed.offers("b", "x").answers(MANIFEST, script(asleep));
    wait_until("the feed is open", || {
        [&fed, &unfed].iter().for_each(|scripted| scripted.announce());
        fed.requests_for(FEED).len() == 1
    });
    // What has no feed is asked every two seconds.
    wait_until("the other one is asked again and again", || unfed.requests_for(MANIFEST).len() >= 3);
    assert_eq!(fed.requests_for(MANIFEST).len(), 1, "nothing was told yet");
    time.store(true, Ordering::Relaxed);
    wait_until("what is told is asked for", || fed.requests_for(MANIFEST).len() == 2);
    assert!(fed.requests_for(MANIFEST)[1].target.ends_with("&since=r.1"));
    assert_eq!(unfed.requests_for(FEED).len(), 1, "it has none, and is not asked again");
}

#[test]
fn a_file_is_known_by_its_content_as_soon_as_its_node_has_read_it() {
    let lan = Lan::new();
    let theirs = lan.node(2).file("a", "hello").start();
    let is_complete = |text: String| text.starts_with("boucan-manifest 2\nhashing 0\n") && text.contains("\nfiles 1\n");
    wait_until("they read it", || is_complete(theirs.get("/s/?g=forban/index.manifest").text()));
    let ours = lan.node(3).opportunistic().start();
    wait_until("we listen", || ours.log().contains("listening to a feed"));
    ours.has("a", "hello");
    let before = ours.log().len();
    // The size stays, and so does the index: until the next question five minutes would pass.
    theirs.put("a", "world");
    wait_until("they read it", || {
        let text = theirs.get("/s/?g=forban/index.manifest").text();
        text.contains(MD5_WORLD) && is_complete(text)
    });
    wait_until("we ask what changed, until we have it", || {
        let log = ours.log();
        let last = log[before..].lines().rfind(|line| line.contains("a manifest was read"));
        last.is_some_and(|line| line.contains("files=1 hashing=0 in_part=true"))
    });
}

#[test]
fn a_feed_that_hurts_is_cut_and_the_node_goes_on() {
    let lan = Lan::new();
    let ours = lan.node(2).opportunistic().start();
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    let flood = script(move |_, stream| {
        writeln!(stream, "{head}{FIRST_LINE}")?;
        let b3 = "ab".repeat(32);
        loop {
            let lines = format!("has {b3} 1099511627776 0-4194303\n{}", format!("manifest {b3}\n").repeat(99));
            stream.write_all(lines.as_bytes())?;
        }
    });
    let nonsense = format!("{head}{FIRST_LINE}\n{}", "has a b\n".repeat(99));
    let rows: [(&str, Script, &str); 6] = [
        ("a line without end", answers::endless(&format!("{head}{FIRST_LINE}\n")), "is longer than 65536 bytes"),
        ("a flood", flood, "it tells more than a feed may"),
        ("lines that are none", answers::raw(nonsense), "a line of the feed cannot be read"),
        ("another page", answers::content(b"<html>\nlog in\n".to_vec()), "the answer is no feed"),
        ("an end", answers::raw(format!("{head}{FIRST_LINE}\nalive\n")), "the neighbour ended it"),
        ("a fault", answers::status("500 Internal Server Error"), "the answer was 500"),
    ];
    let scripted: Vec<(Scripted, &str, &str)> = (3..)
        .zip(rows)
        .map(|(last, (what, script, why))| {
            let scripted = Scripted::start(&lan, last, Kind::Specified);
            scripted.offers(what, what).tells(what, what).answers(FEED, script);
            (scripted, what, why)
        })
        .collect();
    for (scripted, what, why) in &scripted {
        wait_until(&format!("{what} ends the feed"), || {
            scripted.announce();
            let uuid = scripted.uuid.to_string();
            ours.log().lines().any(|line| line.contains("a feed ended") && line.contains(&uuid) && line.contains(why))
        });
        // It is as good a source as before.
        ours.has(what, what);
    }
    assert_eq!(ours.get("/healthz").status, 200);
}
