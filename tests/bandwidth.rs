//! Limits of bandwidth: content leaves and comes no faster than they say, and nothing else waits.
//! Times are bounded from below only; how much faster a busy machine might be says nothing.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

use boucan::wire::url::content_target;

use super::napster_relay::register;
use super::napster_scripted::{Uploader, in_chunks, md5_of};
use super::support::http::{connect, exchange, request};
use super::support::lan::{Lan, Node};
use super::support::wait_until;

const KIB: usize = 1024;
/// What goes at once after a rest: a grant, and what 20 ms are worth.
const AT_ONCE: usize = 32 * KIB + 16 * KIB;

/// No two parts alike.
fn content(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().update(b"bandwidth").finalize_xof().fill(&mut bytes);
    bytes
}

/// The least time that so many bytes take at 512 KiB a second.
fn least(bytes: usize) -> Duration {
    Duration::from_millis(((bytes - AT_ONCE) * 1000 / (512 * KIB)) as u64)
}

fn batch(node: &Node, names: &str) -> Vec<u8> {
    let head = format!(
        "POST /s/?g=forban/index.batch HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        node.address(),
        names.len()
    );
    exchange(node.address(), format!("{head}{names}").as_bytes())
}

#[test]
fn content_leaves_no_faster_than_the_limit_by_whatever_way() {
    let lan = Lan::new();
    let (large, small) = (content(300 * KIB), content(30 * KIB));
    let mut node = lan.node(2).napster().arg("--upload-limit").arg("512KiB").file("large.bin", &large);
    for number in 0..10 {
        node = node.file(&format!("small {number}"), &small);
    }
    let node = node.start();
    let md5 = md5_of(&large);
    let by_content = content_target(blake3::hash(&large).as_bytes());
    wait_until("it is read for its digests", || request(node.address(), "HEAD", &by_content, "").status == 200);
    let names: String = (0..10).map(|number| format!("small {number}\n")).collect();
    let ways: [(&str, &dyn Fn() -> usize); 5] = [
        ("by its name", &|| node.get("/s/?g=large.bin").body.len()),
        ("by its content", &|| node.get(&by_content).body.len()),
        ("small ones, one by one", &|| (0..10).map(|n| node.get(&format!("/s/?g=small%20{n}")).body.len()).sum()),
        ("small ones in one answer", &|| batch(&node, &names).len()),
        ("to a Napster peer", &|| exchange(node.peer(), format!("RETR{md5}").as_bytes()).len()),
    ];
    for (way, fetch) in ways {
        let began = Instant::now();
        let bytes = fetch();
        let took = began.elapsed();
        assert!((300 * KIB..310 * KIB).contains(&bytes), "{way}: {bytes}");
        assert!(took >= least(300 * KIB), "{way}: {took:?}");
    }
}

#[test]
fn what_comes_under_a_limit_is_what_was_sent() {
    let lan = Lan::new();
    let bytes = content(200 * KIB + 77);
    let node = lan.node(2).arg("--upload-limit").arg("1MiB").file("a", &bytes).file("b", "short").start();
    assert!(node.get("/s/?g=a").body == bytes);
    let part = request(node.address(), "GET", "/s/?g=a", "Range: bytes=100000-199999\r\n");
    assert!(part.status == 206 && part.body == bytes[100_000..200_000]);
    let short = node.get("/s/?g=b");
    assert_eq!((short.header("content-length"), short.text().as_str()), (Some("5"), "short"));
    assert!(request(node.address(), "HEAD", "/s/?g=a", "").body.is_empty());
}

#[test]
fn pages_and_lists_do_not_wait_behind_content() {
    let lan = Lan::new();
    let node = lan.node(2).arg("--upload-limit").arg("64KiB").start();
    // It would take over a quarter of an hour.
    std::fs::File::create(node.loot("film.mkv")).unwrap().set_len(64 << 20).unwrap();
    node.lists("film.mkv");
    let mut downloads: Vec<_> = (0..20).map(|_| connect(node.address())).collect();
    for download in &mut downloads {
        let text = format!("GET /s/?g=film.mkv HTTP/1.1\r\nHost: {}\r\n\r\n", node.address());
        download.write_all(text.as_bytes()).unwrap();
        // The head comes at once, although the content is in a line of ten seconds.
        let mut head = [0; 15];
        download.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
    }
    for target in ["/", "/q/?v=film", "/l/", "/healthz", "/s/?g=forban/index", "/s/?g=forban/index.manifest"] {
        let answer = node.get(target);
        assert!(answer.status == 200 && !answer.body.is_empty(), "{target}: {}", answer.head);
    }
}

#[test]
fn the_mirror_fetches_no_faster_than_the_limit() {
    let lan = Lan::new();
    let from = lan.node(2).file("first", "first").start();
    let to = lan.node(3).opportunistic().arg("--download-limit").arg("512KiB").start();
    to.has("first", "first");
    // They know each other now: without a limit it would take a moment.
    let (large, small) = (content(700 * KIB), content(30 * KIB));
    let began = Instant::now();
    from.put("large", &large);
    to.has("large", &large);
    assert!(began.elapsed() >= least(700 * KIB), "{:?}", began.elapsed());
    let began = Instant::now();
    for number in 0..20 {
        let mut own = small.clone();
        own[0] = number; // the same content would be copied here
        from.put(&format!("small {number}"), own);
    }
    wait_until("all small ones are here", || (0..20).all(|number| to.loot(&format!("small {number}")).exists()));
    assert!(began.elapsed() >= least(20 * 30 * KIB), "{:?}", began.elapsed());
}

#[test]
fn what_a_napster_peer_gives_through_the_node_keeps_to_both_limits() {
    let bytes = content(300 * KIB);
    for flag in ["--upload-limit", "--download-limit"] {
        let lan = Lan::new();
        let node = lan.node(2).napster().arg(flag).arg("512KiB").start();
        let peer = Uploader::start_at(5, vec![in_chunks(&bytes, 4_096)], false);
        register(&node, 5, peer.address.port(), "song.ogg", &bytes);
        let began = Instant::now();
        let answer = node.get(&format!("/n/{}", md5_of(&bytes)));
        assert!(answer.status == 200 && answer.body.len() >= 300 * KIB, "{}", answer.head);
        assert!(began.elapsed() >= least(300 * KIB), "{flag}: {:?}", began.elapsed());
    }
}

#[test]
fn a_command_that_fetches_keeps_to_its_limit() {
    let (lan, home) = (Lan::new(), tempfile::tempdir().unwrap());
    let bytes = content(300 * KIB);
    let node = lan.node(2).napster().file("song.ogg", &bytes).start();
    let mut get = Command::new(env!("CARGO_BIN_EXE_boucan"));
    get.env_clear().env("HOME", home.path()).current_dir(home.path());
    get.args(["napster", "get", "song.ogg", "--bind", "127.0.0.9", "--download-limit", "512KiB", "--state", "state"]);
    get.args(["--directory", &node.directory().to_string()]);
    let mut took = Duration::ZERO;
    wait_until("the directory knows it, and it is fetched", || {
        let began = Instant::now();
        let done = get.output().unwrap();
        took = began.elapsed();
        done.status.success()
    });
    assert!(took >= least(300 * KIB), "{took:?}");
    assert!(std::fs::read(home.path().join("song.ogg")).unwrap() == bytes);
}
