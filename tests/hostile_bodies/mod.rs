//! Bodies from hostile and broken neighbours: nothing that is not whole ever stands under its
//! name, what broke goes on where it was, and nothing of the user's is ever replaced.

mod breaks;
mod here;
mod slow;

use std::net::TcpListener;
use std::time::Duration;

use super::support::lan::{Lan, Node, tree};
use super::support::scripted::answers::{self, Script};
use super::support::scripted::{Kind, Scripted};
use super::support::wait_until;

/// What can be told from other content, byte by byte.
fn pattern(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|n| (n / 251) as u8 ^ (n % 251) as u8 ^ seed).collect()
}

/// Waits until the node shows that the file of that name could not be copied.
#[track_caller]
fn fails(node: &Node, name: &str, why: &str) {
    wait_until(&format!("{why}: {name} fails"), || {
        let page = node.get("/held-back").text();
        page.split_once("Did not come lately").is_some_and(|(_, failures)| failures.contains(name))
    });
}

#[test]
fn what_is_not_the_whole_file_never_stands_under_its_name() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let victim = TcpListener::bind(lan.address(99)).unwrap();
    let ok = |head: &str, body: &str| answers::raw(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}"));
    let to = |status: &str, location: &str| {
        answers::raw(format!("HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\nevil"))
    };
    let elsewhere = format!("http://{}/evil", lan.address(99));
    let chunked = |chunks: &str| ok("Transfer-Encoding: chunked", chunks);
    let part = |range: &str| {
        answers::raw(format!("HTTP/1.1 206 Partial Content\r\nContent-Range: {range}\r\nContent-Length: 4\r\n\r\nevil"))
    };
    let rows: Vec<(Script, &str)> = vec![
        (ok("Content-Length: 4", "ev"), "it closes early"),
        (ok("Content-Length: 2", "ev"), "shorter than listed"),
        (ok("Content-Length: 300000", "evil, and much more"), "longer than listed, and says so"),
        (ok("X: y", "ev"), "shorter than listed, without a length"),
        (ok("X: y", "evil!"), "longer than listed, without a length"),
        (answers::endless("HTTP/1.1 200 OK\r\n\r\n"), "endless"),
        (chunked("zz\r\nevil\r\n0\r\n\r\n"), "a chunk of no size"),
        (chunked("10000000000000000\r\nevil\r\n0\r\n\r\n"), "a chunk of 2^64"),
        (chunked("4\r\nevil\r\n"), "the last chunk is missing"),
        (chunked("5\r\nevil!\r\n0\r\n\r\n"), "one byte too many, in chunks"),
        (part("bytes 0-3/4"), "a part, not asked for"),
        (part("bytes 4-7/8"), "another part, not asked for"),
        (to("302 Found", &elsewhere), "to another host"),
        (to("307 Temporary Redirect", &elsewhere), "to another host"),
        (to("308 Permanent Redirect", "file:///etc/hostname"), "to a file of ours"),
        (to("301 Moved Permanently", "/s/?g=ctl"), "to another name of its own"),
        (ok("Content-Encoding: gzip\r\nContent-Length: 4", "evil"), "encoded, not asked for"),
        (ok("Content-Length: 4\r\nContent-Length: 5", "evil!"), "two lengths"),
        (ok(&"X: y\r\n".repeat(500), "evil"), "more head than anybody needs"),
        (answers::raw("HTTP/1.1 204 No Content\r\n\r\n"), "nothing"),
        (answers::raw("evil"), "no HTTP"),
        (answers::raw(""), "closed without a word"),
        (answers::status("404 Not Found"), "not there"),
        (answers::status("500 Internal Server Error"), "broken"),
        (answers::status("416 Range Not Satisfiable"), "a range, though none was asked for"),
    ];
    let scripted = Scripted::start(&lan, 3, Kind::Py);
    for (n, (answer, _)) in rows.iter().enumerate() {
        scripted.lists(format!("evil-{n},4")).answers(&format!("evil-{n}"), answer.clone());
    }
    scripted.offers("ctl", "a control that is larger, and so comes last").announce();
    for (n, (_, why)) in rows.iter().enumerate() {
        fails(&node, &format!("evil-{n}<"), why);
    }
    node.has("ctl", "a control that is larger, and so comes last");
    assert_eq!(tree(&node.loot("")).into_keys().collect::<Vec<_>>(), ["ctl"]);
    node.lists("ctl");
    assert_eq!(node.index().len(), 1);
    victim.set_nonblocking(true).unwrap();
    assert!(victim.accept().is_err(), "a redirect was followed");
}

#[test]
fn what_is_whole_comes_however_oddly_it_is_sent() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let rows = [
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nev\r\n2;x=y\r\nen\r\n0\r\n\r\n", "in chunks"),
        ("HTTP/1.0 200 OK\r\n\r\neven", "HTTP/1.0, without a length"),
        (
            "HTTP/1.1 200 Fine\r\nContent-Disposition: True; filename=\"x\"\r\nContent-Length: 4\r\n\r\neven",
            "as Forban",
        ),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length:4\r\n\r\neven", "spelled otherwise"),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 4\r\n\r\neven", "an encoding that is none"),
    ];
    let scripted = Scripted::start(&lan, 3, Kind::Py);
    for (n, (answer, _)) in rows.iter().enumerate() {
        scripted.lists(format!("odd-{n},4")).answers(&format!("odd-{n}"), answers::raw(*answer));
    }
    scripted.offers("empty", "").offers("d/e/f/deep.bin", pattern(3_000_000, 1)).announce();
    for (n, (_, why)) in rows.iter().enumerate() {
        wait_until(why, || std::fs::read(node.loot(&format!("odd-{n}"))).is_ok_and(|content| content == b"even"));
    }
    node.has("empty", "");
    node.has("d/e/f/deep.bin", pattern(3_000_000, 1));
}

#[test]
fn what_lands_is_an_ordinary_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let scripted = Scripted::start(&lan, 3, Kind::Py);
    scripted.offers("bin/run.sh", "#!/bin/sh\n").announce();
    node.has("bin/run.sh", "#!/bin/sh\n");
    for (name, mode) in [("bin/run.sh", 0o644), ("bin", 0o755)] {
        assert_eq!(std::fs::metadata(node.loot(name)).unwrap().permissions().mode() & 0o7777, mode, "{name}");
    }
}

#[test]
fn each_way_of_asking_is_tried_until_one_gives_the_listed_length() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let go = Scripted::start(&lan, 3, Kind::Go);
    // To the first, URL-safe form goforban answers 404, or the listing of a folder with 200; a
    // long listing has no length.
    let listing = "<a href=\"x\">x</a>\n".repeat(300);
    let long =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{listing}\r\n0\r\n\r\n", listing.len());
    go.answers("dir-b/", answers::raw(long));
    let names = ["emoji-😀.bin", "dir-a/😀.bin", "dir-b/😀.bin", "plain.bin"];
    for name in names {
        go.offers(name, name);
    }
    let py = Scripted::start(&lan, 4, Kind::Py);
    py.offers("plain-😀.bin", "plain");
    py.answers(
        "plain-😀.bin",
        answers::script({
            let (plain, none) = (answers::content(b"plain".to_vec()), answers::status("404 Not Found"));
            move |request, stream| {
                if request.target.contains("f=b64e") { none(request, stream) } else { plain(request, stream) }
            }
        }),
    );
    go.announce();
    py.announce();
    for name in names {
        node.has(name, name);
    }
    node.has("plain-😀.bin", "plain");
    let ways: Vec<String> = py.requests_for("plain-😀.bin").into_iter().map(|request| request.target).collect();
    assert_eq!(ways.len(), 3, "{ways:?}");
    assert!(ways[0].contains("f=b64e") && ways[0].contains(['-', '_']), "{ways:?}");
    assert!(ways[1].contains("f=b64e") && !ways[1].contains(['-', '_']), "{ways:?}");
    assert!(ways[2].ends_with("/s/?g=plain-%F0%9F%98%80.bin"), "{ways:?}");
    assert_eq!(go.requests_for("plain.bin").len(), 1, "the first way gave it");
}

#[test]
fn of_two_contents_under_one_name_and_size_one_is_taken_whole() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let (one, other) = (Scripted::start(&lan, 3, Kind::Py), Scripted::start(&lan, 4, Kind::Py));
    let contents = [pattern(2_000_000, 1), pattern(2_000_000, 2)];
    // Whoever is asked first breaks off half-way, so that the other may be asked.
    for (scripted, content) in [(&one, &contents[0]), (&other, &contents[1])] {
        let breaking = answers::stalls(content.clone(), answers::MONDAY, 1_100_000, Duration::ZERO);
        scripted.offers("same", content.clone());
        scripted.answers("same", answers::first_then(breaking, answers::content(content.clone())));
        scripted.announce();
    }
    wait_until("one of them arrives", || node.loot("same").exists());
    let found = std::fs::read(node.loot("same")).unwrap();
    assert!(contents.contains(&found), "never a mixture");
    assert_eq!(node.get("/s/?g=same").body, found);
}
