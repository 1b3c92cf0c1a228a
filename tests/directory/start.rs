//! What a start finds: its port taken, what was registered before, a damaged store.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::*;
use crate::support::wait_until;

#[test]
fn what_was_registered_is_there_after_a_restart() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    for number in 0..50 {
        peer.add(number, &format!("file {number}"));
    }
    peer.say("DREG", &md5(7));
    let (session, all) = (peer.session.clone(), peer.find("*"));
    assert_eq!(node.terminate().1, Some(0));
    let node = directory(&lan);
    let peer = Peer { node: &node, last: 10, session };
    assert_eq!(peer.find("*"), all);
    assert_eq!(peer.say("DREG", &md5(7)), "ADRE00002");
    assert_eq!(Peer::login(&node, 10).session, peer.session);
}

#[test]
fn a_power_cut_costs_the_last_moment_alone() {
    let lan = Lan::new();
    let node = directory(&lan);
    let peer = Peer::login(&node, 10);
    let is_written = |name: &str| {
        let stored = std::fs::read(node.state("directory.redb")).unwrap();
        stored.windows(name.len()).any(|window| window == name.as_bytes())
    };
    // A transaction begins when the one before it is whole.
    for (number, name) in (1..).zip(["before", "between"]) {
        assert_eq!(peer.add(number, name), "AADD001");
        wait_until("it is written", || is_written(name));
    }
    let session = peer.session.clone();
    let node = node.kill().start();
    let peer = Peer { node: &node, last: 10, session };
    assert!(peer.find("before").starts_with("AFIN001"), "{}", node.log());
}

#[test]
fn a_damaged_store_is_set_aside_and_the_directory_begins_anew() {
    let lan = Lan::new();
    let node = directory(&lan);
    let state = node.state("directory.redb");
    node.terminate();
    std::fs::write(&state, "this is no store").unwrap();
    let node = directory(&lan);
    assert!(node.log().contains("set aside") && node.state("directory.redb.broken").exists(), "{}", node.log());
    assert_eq!(Peer::login(&node, 10).find("*"), "AFIN000");
}

#[test]
fn a_taken_port_that_was_asked_for_is_named_with_what_to_do() {
    let lan = Lan::new();
    let _other = TcpListener::bind(("127.0.0.2", lan.directory_port)).unwrap();
    let output = lan.node(2).napster().command().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("port {} is taken", lan.directory_port)), "{said}");
    assert!(said.contains("--directory-port"), "{said}");
}

#[test]
fn without_a_word_about_the_port_a_taken_one_is_said_and_the_node_goes_on() {
    let lan = Lan::new();
    // The usual one, at an address that no other test uses.
    let Ok(_other) = TcpListener::bind("127.0.0.93:3000") else { return };
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("loot")).unwrap();
    let log = std::fs::File::create(home.path().join("log")).unwrap();
    let mut node = Command::new(env!("CARGO_BIN_EXE_boucan"))
        .env_clear()
        .arg(home.path().join("loot"))
        .args(["--state".as_ref(), home.path().join("state").as_os_str()])
        .args(["--bind", "127.0.0.93", "--port", &lan.port.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let said = || std::fs::read_to_string(home.path().join("log")).unwrap();
    wait_until("it is said", || said().contains("going on without the Napster directory"));
    assert!(said().contains("--directory-port"), "{}", said());
    wait_until("the node serves", || TcpStream::connect(("127.0.0.93", lan.port)).is_ok());
    node.kill().unwrap();
    node.wait().unwrap();
}

#[test]
fn a_node_without_a_directory_has_none() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    assert!(TcpStream::connect(node.directory()).is_err());
}
