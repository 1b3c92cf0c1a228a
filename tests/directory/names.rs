//! Names and queries of every kind: each answer can be read.

use boucan::wire::napster::request::Command;
use boucan::wire::napster::{FoundFile, Parsed, Response};

use super::*;

const MALFORMED: &str = "Invalid request. Usage is: ADDF<your_session_id><file_md5><filename>";

/// What a FIND answers, read to the last byte.
#[track_caller]
fn found(peer: &Peer<'_>, query: &str) -> Vec<FoundFile> {
    let answer = ask(peer.node, peer.last, format!("FIND{}{query}", peer.session).as_bytes());
    let Parsed::Complete(response @ Response::Found(_)) = Response::parse(Command::Find, &answer) else {
        panic!("{}", String::from_utf8_lossy(&answer))
    };
    assert_eq!(response.emit().len(), answer.len());
    let Response::Found(files) = response else { unreachable!() };
    files
}

#[test]
fn a_name_is_refused_or_stored_in_exactly_its_width() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    let add = |md5: &str, name: &[u8]| {
        let request = [b"ADDF", peer.session.as_bytes(), md5.as_bytes(), name, &b" ".repeat(100 - name.len())].concat();
        String::from_utf8(ask(&node, 10, &request)).unwrap()
    };
    let good = md5(1);
    for (why, md5, name) in [
        ("an MD5 that is not hex", "?".repeat(32), b"name".as_slice()),
        ("a line's end", good.clone(), b"a\r\nb"),
        ("a NUL inside", good.clone(), b"a\0b"),
        ("not UTF-8", good.clone(), b"\xff\xff"),
        ("a character cut in two", good.clone(), &"é".repeat(50).as_bytes()[1..]),
        ("nothing", good.clone(), b""),
    ] {
        assert_eq!(add(&md5, name), MALFORMED, "{why}");
    }
    let names = [
        "İ".repeat(50),
        "x".repeat(100),
        "é".repeat(50),
        "日本".repeat(16),
        "100%_sure.txt".into(),
        "'; DROP TABLE files; --".into(),
        "<script>alert(1)</script>".into(),
        "../../etc/passwd".into(),
    ];
    for (number, name) in (1..).zip(&names) {
        assert_eq!(add(&md5(number), name.as_bytes()), "AADD001", "{name}");
    }
    let files = found(&peer, &" ".repeat(20));
    assert_eq!(files.len(), names.len());
    assert_eq!(files[1].name.as_str(), names[1]);
    assert_eq!(add("ABCDEF00000000000000000000000000", b"upper"), "AADD001");
    assert_eq!(add("abcdef00000000000000000000000000", b"lower"), "AADD001", "one content, one MD5");
}

#[test]
fn another_owner_renames_nothing() {
    let lan = Lan::new();
    let node = directory(&lan);
    let (first, second) = (Peer::login(&node, 10), Peer::login(&node, 11));
    assert_eq!(first.add(1, "holiday.jpg"), "AADD001");
    assert_eq!(second.add(1, "virus.exe"), "AADD002");
    assert_eq!((first.find("holiday").len(), first.find("virus").as_str()), (7 + 135 + 2 * 60, "AFIN000"));
}

#[test]
fn a_query_is_text_with_one_wildcard_and_a_list_ends_at_999() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    for number in 0..1_005 {
        assert_eq!(peer.add(number, &format!("file {number}.txt")), "AADD001");
    }
    peer.add(5_000, "100%_sure");
    for (query, count) in [
        ("*", 999),
        ("", 999),
        (" * ", 999),
        ("%", 1),
        ("_", 1),
        ("100%", 1),
        ("f%l", 0),
        ("**", 0),
        ("'", 0),
        ("FILE 7.", 1),
        ("e 100", 6),
    ] {
        assert_eq!(found(&peer, &format!("{query:20}")).len(), count, "{query}");
    }
    assert_eq!(found(&peer, "file 7.\0\0\0\0\0\0\0\0\0\0\0\0\0").len(), 1, "some pad with NULs");
    assert_eq!(peer.say("LOGO", ""), "ALGO999", "as many as three digits can say");
}
