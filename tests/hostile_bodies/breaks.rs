//! A download that breaks goes on where it was, if the version is still the one that was begun.

use std::time::Duration;

use super::super::support::lan::{Lan, Node, tree};
use super::super::support::scripted::answers::{self, MONDAY, Script, TUESDAY};
use super::super::support::scripted::{Kind, Request, Scripted};
use super::super::support::wait_until;
use super::pattern;

const LENGTH: usize = 3 << 20;

fn headers(request: &Request) -> (Option<usize>, Option<&str>) {
    (request.range_start(), request.header("if-range"))
}

#[test]
fn a_broken_download_goes_on_with_a_range_in_the_same_version() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    let content = pattern(LENGTH, 1);
    let breaking = answers::stalls(content.clone(), MONDAY, 2 << 20, Duration::ZERO);
    py.offers("big.bin", content.clone());
    py.answers("big.bin", answers::first_then(breaking, answers::content(content.clone()))).announce();
    node.has("big.bin", &content);
    let requests = py.requests_for("big.bin");
    assert_eq!(requests.len(), 2);
    assert_eq!(headers(&requests[0]), (None, None));
    assert_eq!(headers(&requests[1]), (Some(2 << 20), Some(MONDAY)), "every byte that came is kept");
}

/// Answers with 206, whatever it holds, to a request with a range, and honestly without.
fn to_a_range(head: &'static str, body: Vec<u8>, otherwise: Script) -> Script {
    answers::script(move |request, stream| {
        if request.range_start().is_none() {
            return otherwise(request, stream);
        }
        let answer = [format!("HTTP/1.1 {head}\r\n\r\n").into_bytes(), body.clone()].concat();
        answers::raw(answer)(request, stream)
    })
}

#[test]
fn another_version_is_fetched_from_its_beginning_and_never_spliced() {
    let half = LENGTH / 2;
    let new = pattern(LENGTH, 2);
    let whole = || answers::version(new.clone(), TUESDAY);
    let rows: Vec<(Script, &str)> = vec![
        (whole(), "Forban minds no If-Range and sends the rest of the new version"),
        (
            to_a_range("200 OK\r\nContent-Length: 3145728", new.clone(), whole()),
            "it minds If-Range and sends all of it",
        ),
        (to_a_range("416 Range Not Satisfiable\r\nContent-Length: 0", vec![], whole()), "the range is refused"),
        (
            to_a_range(
                "206 Partial Content\r\nContent-Range: bytes 0-1572863/3145728\r\nContent-Length: 1572864",
                new[..half].to_vec(),
                whole(),
            ),
            "another range than asked for",
        ),
        (
            to_a_range(
                "206 Partial Content\r\nContent-Range: bytes 1572864-3145727/3145728\r\nContent-Length: 1572864",
                new[half..].to_vec(),
                whole(),
            ),
            "the right range of a version without a name",
        ),
        (
            to_a_range(
                "206 Partial Content\r\nContent-Range: bytes 1572864-4194303/4194304\r\nContent-Length: 2621440",
                new[half..].to_vec(),
                whole(),
            ),
            "the version has grown",
        ),
        (to_a_range("400 Bad Request\r\nContent-Length: 0", vec![], whole()), "the range is unknown to it"),
    ];
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    for (n, (later, _)) in rows.iter().enumerate() {
        let breaking = answers::stalls(pattern(LENGTH, 1), MONDAY, half, Duration::ZERO);
        py.lists(format!("v{n}.bin,{LENGTH}"));
        py.answers(&format!("v{n}.bin"), answers::first_then(breaking, later.clone()));
    }
    py.announce();
    for (n, (_, why)) in rows.iter().enumerate() {
        wait_until(why, || node.loot(&format!("v{n}.bin")).exists());
        assert!(std::fs::read(node.loot(&format!("v{n}.bin"))).unwrap() == new, "{why}");
        let asked = py.requests_for(&format!("v{n}.bin"));
        assert_eq!(headers(&asked[1]), (Some(half), Some(MONDAY)), "{why}");
    }
}

/// Bytes in the spool.
fn spooled(node: &Node) -> u64 {
    let parts = std::fs::read_dir(node.loot(".boucan/spool")).into_iter().flatten().flatten();
    parts.filter(|e| e.path().extension().is_some_and(|x| x == "part")).map(|e| e.metadata().unwrap().len()).sum()
}

#[test]
fn a_node_killed_in_the_middle_shows_nothing_partial_and_goes_on_where_it_was() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    let content = pattern(8 << 20, 1);
    py.offers("big.bin", content.clone());
    py.answers("big.bin", answers::stalls(content.clone(), MONDAY, 3 << 20, Duration::from_secs(60))).announce();
    wait_until("some of it is on the disk", || spooled(&node) >= 1 << 20);
    let kept = usize::try_from(spooled(&node)).unwrap();
    let stopped = node.kill();
    assert!(tree(&stopped.loot()).is_empty(), "nothing stands under a name");
    py.answers("big.bin", answers::content(content.clone()));
    let node = stopped.start();
    assert!(node.index().is_empty());
    py.announce();
    node.has("big.bin", &content);
    let request = py.requests_for("big.bin").pop().unwrap();
    assert!(request.range_start().is_some_and(|from| from >= kept), "{}", request.head);
    wait_until("the spool is empty", || std::fs::read_dir(node.loot(".boucan/spool")).unwrap().count() == 0);
}
