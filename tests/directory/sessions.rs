//! Who gets a session, and who may use it.

use std::time::{Duration, Instant};

use super::*;

const MAPPED_10: &str = "0000:0000:0000:0000:0000:ffff:7f00:000a";

#[test]
fn a_peer_logs_in_shares_searches_and_logs_out() {
    let lan = Lan::new();
    let node = directory(&lan);
    let (first, second) = (Peer::login(&node, 10), Peer::login(&node, 11));
    assert_ne!(first.session, second.session);
    assert_eq!(Peer::login(&node, 10).session, first.session);
    assert_eq!(first.add(1, "Live Brixton.JPG"), "AADD001");
    assert_eq!(second.add(1, "live brixton.jpg"), "AADD002");
    let entry = format!("{}{:100}002{}{}", md5(1), "live brixton.jpg", address(10, 6001), address(11, 6001));
    assert_eq!(second.find("BRIX"), format!("AFIN001{entry}"));
    assert_eq!(second.say("DREG", &md5(1)), "ADRE00001");
    assert_eq!(second.say("DREG", &md5(2)), "File not found.");
    assert_eq!(first.say("DELF", &md5(1)), "ADEL001");
    assert_eq!(first.say("DELF", &md5(1)), "ADEL999");
    assert_eq!(second.say("LOGO", ""), "ALGO001");
    assert_eq!(first.find("*"), "AFIN000");
    assert_eq!(second.find("*"), UNAUTHORIZED);
}

#[test]
fn an_address_must_be_the_peers_own_and_one_that_leads_to_a_host() {
    let lan = Lan::new();
    let node = directory(&lan);
    let own = address(10, 6001);
    let other_v6 = |v6: &str| format!("127.000.000.010|{v6}06001");
    for (why, claimed) in [
        ("another host's", address(11, 6001)),
        ("unspecified", format!("000.000.000.000|{MAPPED_10}06001")),
        ("unspecified by the other", other_v6("0000:0000:0000:0000:0000:0000:0000:0000")),
        ("public", "008.008.008.008|2001:4860:4860:0000:0000:0000:0000:888806001".into()),
        ("public by the other", other_v6("2001:4860:4860:0000:0000:0000:0000:8888")),
        ("multicast", "224.000.000.001|fc00:0000:0000:0000:0000:0000:0001:000106001".into()),
        ("multicast by the other", other_v6("ff02:0000:0000:0000:0000:0000:0000:0001")),
        ("broadcast", "255.255.255.255|fc00:0000:0000:0000:0000:0000:0001:000106001".into()),
        ("another host written as IPv6", other_v6("0000:0000:0000:0000:0000:ffff:7f00:000b")),
        ("port 0", own.replace("06001", "00000")),
        ("port 99999", own.replace("06001", "99999")),
        ("a port of letters", own.replace("06001", "0600x")),
        ("a port with a sign", own.replace("06001", "+6001")),
        ("no address", "x".repeat(60)),
        ("letters in it", own.replace("127", "12a")),
    ] {
        assert_eq!(say(&node, 10, &format!("LOGI{claimed}")), NO_SESSION, "{why}");
    }
    assert!(say(&node, 10, &format!("LOGI{own}")).starts_with("ALGI"));
    let example = "LOGI172.016.001.001|FC00:0000:0000:0000:0000:0000:0001:000106001";
    let by_hand = say(&node, 10, example);
    assert!(by_hand.starts_with("ALGI"), "the example of the specification, tried on the machine itself");
    assert_eq!(say(&node, 11, example), NO_SESSION, "nobody gets another one's session");
}

#[test]
fn a_session_is_of_no_use_to_another_host() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    peer.add(1, "a");
    let thief = Peer { last: 11, ..peer.clone() };
    assert_eq!(thief.find("*"), UNAUTHORIZED);
    assert_eq!(thief.add(2, "b"), UNAUTHORIZED);
    assert_eq!(thief.say("DELF", &md5(1)), UNAUTHORIZED);
    assert_eq!(thief.say("LOGO", ""), UNAUTHORIZED);
    assert!(peer.find("*").starts_with("AFIN001"));
}

#[test]
fn guessed_sessions_are_refused_and_slowly() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    let began = Instant::now();
    let guesses = [
        "                ",
        "%%%%%%%%%%%%%%%%",
        "________________",
        "' OR '1'='1' -- ",
        "AAAAAAAAAAAAAAAA",
        "0000000000000000",
        &peer.session.to_lowercase(),
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ];
    // Letters alone would be a session with some luck.
    let guesses = guesses.iter().filter(|guess| ***guess != *peer.session);
    let mut asked: Vec<TcpStream> = guesses
        .chain(["BBBBBBBBBBBBBBBB"; 7].iter())
        .map(|guess| {
            let mut stream = connect_from(10, node.directory());
            stream.write_all(format!("FIND{guess}{:20}", "*").as_bytes()).unwrap();
            stream
        })
        .collect();
    for stream in &mut asked {
        assert_eq!(read_all(stream), UNAUTHORIZED.as_bytes());
    }
    let (failures, took) = (u32::try_from(asked.len()).unwrap(), began.elapsed());
    assert!(took >= Duration::from_millis(200) * (failures - 5), "five a second: {failures} in {took:?}");
    assert_eq!(peer.find("*"), "AFIN000");
}

#[test]
fn what_guards_sessions_is_not_logged() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    peer.add(1, "a");
    say(&node, 11, &format!("FIND{}{:20}", peer.session, "*"));
    assert!(!node.log().contains(&peer.session));
}
