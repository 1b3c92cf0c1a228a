//! Requests in pieces, cut short, too long, and many at once.

use std::time::{Duration, Instant};

use super::*;

#[test]
fn a_request_may_come_byte_by_byte() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    let add = format!("ADDF{}{}{:100}", peer.session, md5(1), "a.txt");
    for (request, answer) in
        [(format!("LOGI{}", address(10, 6001)), format!("ALGI{}", peer.session)), (add, "AADD001".into())]
    {
        let mut stream = connect_from(10, node.directory());
        for byte in request.as_bytes() {
            stream.write_all(&[*byte]).unwrap();
        }
        assert_eq!(String::from_utf8(read_all(&mut stream)).unwrap(), answer);
    }
}

#[test]
fn a_short_request_is_answered_when_its_sender_closes() {
    let lan = Lan::new();
    let node = directory(&lan);
    for (request, answer) in [
        ("", "Command '' is invalid, try again."),
        ("LOG", "Command 'LOG' is invalid, try again."),
        ("LOGI127", NO_SESSION),
        ("LOGO123", "Invalid request. Usage is: LOGO<your_session_id>"),
        ("ADDF", "Invalid request. Usage is: ADDF<your_session_id><file_md5><filename>"),
        ("FINDabc", "Invalid command. Usage is: FIND<your_session_id><query_string>"),
    ] {
        assert_eq!(String::from_utf8(ask_and_close(&node, 10, request.as_bytes())).unwrap(), answer, "{request}");
    }
    assert_eq!(ask(&node, 10, b"\xff\xfe\xfd\xfc"), b"", "as Fapster: no answer to what is no text");
}

#[test]
fn a_short_request_is_answered_after_ten_seconds_of_silence() {
    let lan = Lan::new();
    let node = directory(&lan);
    let began = Instant::now();
    let open = ["", "LOGI127", "FINDabc"].map(|request| {
        let mut stream = connect_from(10, node.directory());
        stream.write_all(request.as_bytes()).unwrap();
        stream
    });
    let texts = ["Command '' is invalid", NO_SESSION, "Invalid command. Usage is: FIND"];
    for (mut stream, text) in open.into_iter().zip(texts) {
        let answer = String::from_utf8(read_all(&mut stream)).unwrap();
        assert!(answer.starts_with(text), "{answer}");
    }
    assert!(began.elapsed() >= Duration::from_secs(9), "they had their time");
}

#[test]
fn what_follows_a_request_is_ignored_and_the_answer_arrives() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    let find = format!("FIND{}{:20}", peer.session, "*");
    for (why, request, answer) in [
        ("one byte", format!("{find}X"), "AFIN000"),
        ("a line's end", format!("{find}\r\n"), "AFIN000"),
        ("a second request", format!("{find}{find}"), "AFIN000"),
        ("much", format!("{find}{}", "x".repeat(60_000)), "AFIN000"),
        ("much that is wrong", format!("ADDF{}", "x".repeat(60_000)), UNAUTHORIZED),
    ] {
        assert_eq!(say(&node, 10, &request), answer, "{why}");
    }
    let unknown = say(&node, 10, &format!("ZZZZ{}", "y".repeat(60_000)));
    assert!(unknown.starts_with("Command 'ZZZZyyy") && unknown.len() < 240, "echoed as far as Fapster reads");
}

#[test]
fn a_host_opens_hundreds_of_connections_at_once() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    let mut open: Vec<TcpStream> = (0..400).map(|_| connect_from(10, node.directory())).collect();
    let find = format!("FIND{}{:20}", peer.session, "*");
    for stream in &mut open {
        stream.write_all(find.as_bytes()).unwrap();
    }
    for stream in &mut open {
        assert_eq!(read_all(stream), b"AFIN000");
    }
}

#[test]
fn silent_connections_keep_nobody_out() {
    let lan = Lan::new();
    let node = directory(&lan);
    let silent: Vec<TcpStream> =
        (0..1_300_u32).map(|n| connect_from(20 + u8::try_from(n / 500).unwrap(), node.directory())).collect();
    let peer = Peer::login(&node, 10);
    assert_eq!(peer.find("*"), "AFIN000");
    assert!(Peer::login(&node, 20).find("*").starts_with("AFIN"), "nor their own host");
    drop(silent);
}
