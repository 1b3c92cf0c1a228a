//! Floods: refused in words, and others notice nothing.

use super::*;

#[test]
fn a_session_shares_so_many_files_and_a_host_has_so_many_sessions() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    for number in 0..4_096 {
        assert_eq!(peer.add(number, "flood"), "AADD001");
    }
    assert_eq!(peer.add(9_999, "flood"), "Too many files: a peer may share 4096 at this directory.");
    let logins = (6_002..).map(|port| say(&node, 10, &format!("LOGI{}", address(10, port))));
    let granted = logins.take_while(|answer| answer.starts_with("ALGI")).count();
    assert_eq!(granted, 63, "on the machine itself; elsewhere it is 4");
    assert_eq!(say(&node, 10, &format!("LOGI{}", address(10, 7_000))), NO_SESSION);
    let other = Peer::login(&node, 11);
    assert_eq!(other.add(9_999, "other"), "AADD001");
}

#[test]
fn a_download_is_counted_in_five_digits() {
    // That the counter stops at 99999 is seen in the registry's own tests.
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    peer.add(1, "a");
    for count in 1..=120 {
        assert_eq!(peer.say("DREG", &md5(1)), format!("ADRE{count:05}"));
    }
}

#[test]
fn who_does_not_read_its_answers_keeps_nobody_waiting() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    for number in 0..999 {
        peer.add(number, "long list");
    }
    let find = format!("FIND{}{:20}", peer.session, "*");
    let unread: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = connect_from(10, node.directory());
            stream.write_all(find.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(Peer::login(&node, 11).find("*").len(), 7 + 999 * (135 + 60));
    drop(unread);
}
