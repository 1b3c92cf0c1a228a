//! Requests that are malformed, too large, ambiguous, or meant for a proxy.

use super::support::http::{Answer, exchange, request, status};
use super::support::lan::Lan;

#[test]
fn heads_that_are_too_large_are_refused() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    let own = node.address();
    let long = |length: usize| "x".repeat(length);
    for (why, text) in [
        ("101 lines", format!("GET / HTTP/1.1\r\nHost: {own}\r\n{}\r\n", "A: b\r\n".repeat(100))),
        ("a line of 20 KiB", format!("GET / HTTP/1.1\r\nHost: {own}\r\nA: {}\r\n\r\n", long(20_480))),
        ("a name of 20 KiB", format!("GET / HTTP/1.1\r\nHost: {own}\r\n{}: a\r\n\r\n", long(20_480))),
        ("an address of 20 KiB", format!("GET /{} HTTP/1.1\r\nHost: {own}\r\n\r\n", long(20_480))),
        ("an address of 100 KiB", format!("GET /{} HTTP/1.1\r\nHost: {own}\r\n\r\n", long(102_400))),
        (
            "60 lines of 1 KiB",
            format!("GET / HTTP/1.1\r\nHost: {own}\r\n{}\r\n", format!("A: {}\r\n", long(1_024)).repeat(60)),
        ),
        ("an endless line", format!("GET / HTTP/1.1\r\nA: {}", long(1 << 20))),
        ("an endless method", long(1 << 20)),
    ] {
        let status = status(own, text.as_bytes());
        assert!(matches!(status, None | Some(400 | 414 | 431)), "{why}: {status:?}");
    }
    let method =
        status(own, format!("{} / HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n", long(1_024)).as_bytes());
    assert!(matches!(method, None | Some(400 | 405)), "a method of 1 KiB: {method:?}");
    assert_eq!(node.get("/s/?g=a").text(), "a");
}

#[test]
fn what_is_no_http_or_frames_itself_in_two_ways_is_refused() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    let own = node.address();
    let head = |lines: &str| format!("GET /s/?g=a HTTP/1.1\r\nHost: {own}\r\n{lines}\r\n\r\n").into_bytes();
    let tls: Vec<u8> = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[0xa5; 500]].concat();
    for (why, bytes) in [
        ("two lengths", head("Content-Length: 1\r\nContent-Length: 2")),
        ("a list of lengths", head("Content-Length: 1, 2")),
        ("a signed length", head("Content-Length: +4")),
        ("a negative length", head("Content-Length: -4")),
        ("a length in hex", head("Content-Length: 0x4")),
        ("a length beyond counting", head("Content-Length: 99999999999999999999")),
        ("an unknown coding", head("Transfer-Encoding: xchunked")),
        ("chunked, but not last", head("Transfer-Encoding: chunked, gzip")),
        ("a blank before the colon", head("Name : x")),
        ("a folded line", head("Name: x\r\n y")),
        ("NUL in a line", head("Name: a\0b")),
        ("NUL in the address", b"GET /\0 HTTP/1.1\r\n\r\n".to_vec()),
        ("a lone CR", head("Name: a\rb")),
        (
            "chunks in HTTP/1.0",
            format!("GET / HTTP/1.0\r\nHost: {own}\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes(),
        ),
        ("HTTP/0.9", b"GET /s/?g=a\r\n\r\n".to_vec()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("HTTP/3.0", format!("GET / HTTP/3.0\r\nHost: {own}\r\n\r\n").into_bytes()),
        ("TLS", tls),
        ("SSH", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        ("noise", (0..2_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect()),
        ("only line ends", b"\r\n\r\n\r\nx\r\n\r\n".to_vec()),
    ] {
        let status = status(own, &bytes);
        assert!(matches!(status, None | Some(400)), "{why}: {status:?}");
    }
    assert_eq!(node.get("/s/?g=a").text(), "a");
}

#[test]
fn what_could_be_smuggled_behind_a_request_is_never_answered() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    let own = node.address();
    let inner = format!("GET /s/?g=forban/index HTTP/1.1\r\nHost: {own}\r\n\r\n");
    let length = inner.len();
    for (why, lines, body) in [
        (
            "length before chunks",
            format!("Content-Length: {}\r\nTransfer-Encoding: chunked", length + 5),
            format!("0\r\n\r\n{inner}"),
        ),
        (
            "chunks before length",
            format!("Transfer-Encoding: chunked\r\nContent-Length: {}", length + 5),
            format!("0\r\n\r\n{inner}"),
        ),
        ("a length", format!("Content-Length: {length}"), inner.clone()),
        ("one length twice", format!("Content-Length: {length}\r\nContent-Length: {length}"), inner.clone()),
    ] {
        let bytes = exchange(
            own,
            format!("GET /s/?g=a HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n{lines}\r\n\r\n{body}").as_bytes(),
        );
        assert!(!String::from_utf8_lossy(&bytes).contains("a,1\n"), "{why}");
    }
    // Line ends without CR are one line end, not a way to hide a line.
    let bare =
        exchange(own, format!("GET /s/?g=a HTTP/1.1\nHost: {own}\nHost: evil\nConnection: close\n\n").as_bytes());
    assert_eq!(Answer::parse(&bare).status, 400);
}

#[test]
fn methods_and_forms_of_address_that_are_for_proxies_are_refused() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    let own = node.address();
    for (line, statuses) in [
        ("TRACE / HTTP/1.1".to_owned(), &[405][..]),
        ("OPTIONS / HTTP/1.1".into(), &[405]),
        ("OPTIONS * HTTP/1.1".into(), &[400, 404, 405]),
        (format!("CONNECT {own} HTTP/1.1"), &[400, 404, 405]),
        ("CONNECT evil:443 HTTP/1.1".into(), &[400, 405, 421]),
        ("CONNECT / HTTP/1.1".into(), &[400, 404, 405]),
        ("GET http://evil/ HTTP/1.1".into(), &[421]),
        ("GET http://evil:1/s/?g=a HTTP/1.1".into(), &[421]),
        ("GET https://127.0.0.1/ HTTP/1.1".into(), &[421]),
        ("GET * HTTP/1.1".into(), &[400, 404]),
        ("GET a HTTP/1.1".into(), &[400, 404, 421]),
        ("PROPFIND / HTTP/1.1".into(), &[405]),
        ("get / HTTP/1.1".into(), &[400, 405]),
    ] {
        let answer = status(own, format!("{line}\r\nHost: {own}\r\nConnection: close\r\n\r\n").as_bytes());
        assert!(answer.is_some_and(|status| statuses.contains(&status)), "{line}: {answer:?}");
    }
    let upgrade =
        request(own, "GET", "/s/?g=a", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
    assert_eq!((upgrade.status, upgrade.text().as_str()), (200, "a"), "nothing is upgraded");
}
