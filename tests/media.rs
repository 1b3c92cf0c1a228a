//! Files as pages show them, a neighbour's through this node: ranges, lengths, inert types, lies,
//! floods; and lists of them for players.

use std::io::Write as _;
use std::time::Duration;

use super::archive::uuid;
use super::support::http::{Answer, connect, request};
use super::support::lan::{Lan, Node};
use super::support::scripted::answers::{After, script};
use super::support::scripted::{Kind, Scripted, answers};
use super::support::wait_until;

#[track_caller]
fn is_inert(answer: &Answer, what: &str) {
    assert_eq!(answer.header("content-security-policy"), Some("sandbox; default-src 'none'"), "{what}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{what}");
    assert!(!answer.head.to_lowercase().contains("access-control-"), "{what}");
}

/// Two nodes that know each other; the second has these files.
fn two(lan: &Lan, files: &[(&str, &[u8])]) -> (Node, Node) {
    let node = lan.node(2).start();
    let other = files.iter().fold(lan.node(3), |other, (name, content)| other.file(name, content)).start();
    let page = format!("/l/{}", uuid(&other));
    wait_until("what it offers is known", || node.get(&page).status == 200);
    (node, other)
}

#[test]
fn a_file_of_this_node_and_of_a_neighbour_are_given_alike() {
    let lan = Lan::new();
    let film: Vec<u8> = (0..300_000_u32).map(|n| (n / 3) as u8).collect();
    let (node, other) = two(&lan, &[("d/film é.mp4", &film), ("d/page.html", b"<script>"), ("d/empty.txt", b"")]);
    let uuid = uuid(&other);
    for asked in [&node, &other] {
        let get = |name: &str, more: &str| request(asked.address(), "GET", &format!("/media/{uuid}?g={name}"), more);
        let part = |range: &str| get("d/film+%C3%A9.mp4", &format!("Range: {range}\r\n"));
        for (range, first, last) in
            [("bytes=0-", 0, 299_999), ("bytes=1000-1999", 1_000, 1_999), ("bytes=-5", 299_995, 299_999)]
        {
            let answer = part(range);
            assert_eq!((answer.status, answer.body.as_slice()), (206, &film[first..=last]), "{range}");
            assert_eq!(answer.header("content-range"), Some(format!("bytes {first}-{last}/300000").as_str()));
            assert_eq!(answer.header("content-length"), Some((last - first + 1).to_string().as_str()));
            assert_eq!(answer.header("content-type"), Some("video/mp4"));
            assert!(answer.header("content-disposition").unwrap().starts_with("inline; "));
            is_inert(&answer, range);
        }
        assert_eq!(part("bytes=300000-").status, 416);
        assert_eq!(part("bytes=300000-").header("content-range"), Some("bytes */300000"));
        let several = part("bytes=0-1,5-6");
        assert_eq!((several.status, several.body.len()), (200, film.len()), "several ranges are none");
        let whole = get("d/film+%C3%A9.mp4", "");
        assert_eq!((whole.status, whole.body.as_slice()), (200, film.as_slice()));
        let etag = whole.header("etag").unwrap();
        assert_eq!(get("d/film+%C3%A9.mp4", &format!("If-None-Match: {etag}\r\n")).status, 304);
        let other_version = get("d/film+%C3%A9.mp4", "Range: bytes=5-9\r\nIf-Range: \"other\"\r\n");
        assert_eq!((other_version.status, other_version.body.len()), (200, film.len()));
        let head = request(asked.address(), "HEAD", &format!("/media/{uuid}?g=ZC9maWxtIMOpLm1wNA==&f=b64e"), "");
        assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("300000"), 0));
        let page = get("d/page.html", "");
        assert_eq!(page.header("content-type"), Some("application/octet-stream"));
        assert!(page.header("content-disposition").unwrap().starts_with("attachment; "));
        is_inert(&page, "a page");
        assert_eq!((get("d/empty.txt", "").status, get("d/empty.txt", "").body.len()), (200, 0));
        for name in ["d/gone", "../etc/passwd", "%2Fetc%2Fpasswd", ".boucan/x", "d", "forban/index", "d/film"] {
            assert_eq!(get(name, "").status, 404, "{name}");
        }
        for name in ["", "%FF", "a%00b"] {
            assert_eq!(get(name, "").status, 400, "{name}");
        }
    }
    let absent = "00000000-0000-4000-8000-000000000000";
    assert_eq!(node.get(&format!("/media/{absent}?g=a")).status, 404);
}

/// A neighbour that answers for `d/x.txt` by a script, listed as 1,000 bytes, and a node that knows it.
fn beside(lan: &Lan, kind: Kind, answer: answers::Script) -> (Node, Scripted, String) {
    let node = lan.node(2).start();
    let neighbour = Scripted::start(lan, 3, kind);
    neighbour.lists("d/x.txt,1000").answers("d/x.txt", answer);
    neighbour.announce();
    let target = format!("/media/{}?g=d/x.txt", neighbour.uuid);
    wait_until("its file is known", || request(node.address(), "HEAD", &target, "").status == 200);
    (node, neighbour, target)
}

#[test]
fn who_knows_no_ranges_gives_the_whole() {
    for kind in [Kind::Py, Kind::Go] {
        let lan = Lan::new();
        let (node, neighbour, target) = beside(&lan, kind, answers::content(vec![b'x'; 1_000]));
        let answer = request(node.address(), "GET", &target, "Range: bytes=10-19\r\n");
        assert_eq!((answer.status, answer.body.len()), (200, 1_000), "{kind:?}");
        assert_eq!(answer.header("last-modified"), Some(answers::MONDAY));
        let asked = neighbour.requests_for("d/x.txt");
        assert!(asked.iter().any(|request| request.header("range") == Some("bytes=10-19")), "{asked:?}");
    }
}

#[test]
fn a_neighbour_that_lies_about_a_file_is_not_believed() {
    let head = |length: &str| format!("HTTP/1.1 200 OK\r\n{length}Set-Cookie: a=b\r\nContent-Type: text/html\r\n\r\n");
    let body = |count: usize| "x".repeat(count);
    for (what, answer, expected) in [
        ("another length", head("Content-Length: 7\r\n") + &body(7), (502, None)),
        ("a body that ends early", head("Content-Length: 1000\r\n") + &body(7), (200, Some(false))),
        ("without a length, too short", head("Connection: close\r\n") + &body(7), (200, Some(false))),
        ("without a length, right", head("Connection: close\r\n") + &body(1_000), (200, Some(true))),
        ("not there", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into(), (404, None)),
        (
            "elsewhere",
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n".into(),
            (502, None),
        ),
        ("compressed", head("Content-Length: 1000\r\nContent-Encoding: gzip\r\n") + &body(1_000), (502, None)),
        ("no HTTP", "SSH-2.0-OpenSSH\r\n".into(), (502, None)),
    ] {
        let lan = Lan::new();
        let (node, _neighbour, target) = beside(&lan, Kind::Specified, answers::raw(answer));
        let answer = node.get(&target);
        let whole = (answer.status == 200).then_some(answer.body.len() == 1_000);
        assert_eq!((answer.status, whole), expected, "{what}: {}", answer.head);
        assert!(answer.header("set-cookie").is_none(), "{what}");
        if answer.status == 200 {
            assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{what}");
            is_inert(&answer, what);
        }
    }
}

#[test]
fn endless_content_ends_where_it_should_have() {
    let lan = Lan::new();
    let (node, _neighbour, target) = beside(&lan, Kind::Specified, answers::endless("HTTP/1.1 200 OK\r\n\r\n"));
    let answer = node.get(&target);
    assert!(answer.body.len() <= 1_000, "{}", answer.body.len());
    // Another range than was asked for is no answer; the whole is asked for then.
    let odd = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/1000\r\nContent-Length: 10\r\n\r\n0123456789";
    let (lan, odd) = (Lan::new(), odd.to_owned());
    let answer = script(move |request, stream| match request.header("range") {
        Some(_) => stream.write_all(odd.as_bytes()).map(|()| After::GoOn),
        None => answers::content(vec![b'x'; 1_000])(request, stream),
    });
    let (node, _neighbour, target) = beside(&lan, Kind::Specified, answer);
    let answer = request(node.address(), "GET", &target, "Range: bytes=10-19\r\n");
    assert_eq!((answer.status, answer.body.len()), (200, 1_000));
}

#[test]
fn a_neighbour_that_hangs_takes_a_few_places_and_no_page() {
    let lan = Lan::new();
    let stalls = answers::stalls(vec![b'x'; 1_000], answers::MONDAY, 10, Duration::from_secs(60));
    let (node, neighbour, target) = beside(&lan, Kind::Specified, stalls);
    let ask = || {
        let mut stream = connect(node.address());
        write!(stream, "GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", node.address()).unwrap();
        stream
    };
    let held: Vec<_> = (0..16).map(|_| ask()).collect();
    wait_until("it is asked for a few", || neighbour.requests_for("d/x.txt").len() >= 4);
    wait_until("the others are refused", || node.get(&target).status == 503);
    assert_eq!(neighbour.requests_for("d/x.txt").len(), 4, "no more at once for one visitor");
    assert_eq!(node.get("/").status, 200);
    drop(held);
    neighbour.answers("d/x.txt", answers::content(vec![b'x'; 1_000]));
    wait_until("there is room again", || node.get(&target).status == 200);
}

#[test]
fn a_playlist_names_what_can_be_played_where_it_is() {
    let lan = Lan::new();
    let files: [(&str, &[u8]); 5] =
        [("m/10 last.mp3", b"a"), ("m/2 first.ogg", b"a"), ("m/note.txt", b"a"), ("m/l.m3u", b"a"), ("n/x.txt", b"")];
    let (node, other) = two(&lan, &files);
    let of_other = uuid(&other);
    for (asked, by, from) in [
        (&other, format!("localhost:{}", other.address().port()), format!("localhost:{}", other.address().port())),
        (&node, node.address().to_string(), other.address().to_string()),
    ] {
        let head = format!("GET /playlist/{of_other}.m3u8?d=m HTTP/1.1\r\nHost: {by}\r\nConnection: close\r\n\r\n");
        let answer = Answer::parse(&super::support::http::exchange(asked.address(), head.as_bytes()));
        let text = answer.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..3], ["#EXTM3U", "#PLAYLIST:m", "#EXTINF:-1,2 first"], "{text}");
        assert_eq!((lines[4], lines.len()), ("#EXTINF:-1,10 last", 6), "{text}");
        assert!(lines[3].starts_with(&format!("http://{from}/s/?g=")), "{text}");
        let target = lines[3].strip_prefix(&format!("http://{from}")).unwrap();
        assert_eq!(other.get(target).text(), "a");
        assert_eq!(answer.header("content-type"), Some("audio/x-mpegurl; charset=utf-8"));
        is_inert(&answer, "the list");
    }
    for folder in ["n", "nothing", "../.."] {
        assert_eq!(node.get(&format!("/playlist/{of_other}.m3u8?d={folder}")).status, 404, "{folder}");
    }
}
