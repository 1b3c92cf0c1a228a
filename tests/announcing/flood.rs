//! Announcements in masses: from one host, for one victim, with an HMAC that never rests.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::super::support::lan::{Lan, Node};
use super::super::support::scripted::{Kind, Scripted, answers};
use super::super::support::wait_until;
use super::{HMAC, everything, honest_neighbour_is_known, neighbours};

/// Memory that the node holds, in bytes.
fn resident(node: &Node) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

/// A host that counts who connects to it, and answers nobody.
fn victim(lan: &Lan, last: u8) -> Arc<AtomicUsize> {
    let listener = TcpListener::bind(lan.address(last)).unwrap();
    let connected = Arc::new(AtomicUsize::new(0));
    let count = connected.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            drop(stream);
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    connected
}

#[test]
fn a_flood_of_uuids_costs_nothing_and_hides_nobody() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let before_flood = honest_neighbour_is_known(&lan, &node, 67);
    let connected = victim(&lan, 66);
    let (files, memory) = (everything(&node), resident(&node));
    let flood = lan.announcing_socket(66);
    let began = Instant::now();
    for _ in 0..20_000 {
        flood.send(format!("forban;name;x;uuid;{};hmac;{HMAC}", Uuid::new_v4()).as_bytes()).unwrap();
    }
    let after_flood = honest_neighbour_is_known(&lan, &node, 68);
    assert!(neighbours(&node) <= 2 + 8, "at most 8 of one host");
    let page = node.get("/near").text();
    for honest in [&before_flood, &after_flood] {
        assert!(page.contains(&honest.uuid.to_string()), "an honest neighbour is hidden");
    }
    assert!(resident(&node) < memory + (32 << 20), "{} after {memory}", resident(&node));
    let mut after = everything(&node);
    after.remove(&node.state(&format!("indexes/{}", after_flood.uuid)));
    assert_eq!(after, files, "a flood writes nothing");
    let allowed = 1 + usize::try_from(began.elapsed().as_secs() / 15).unwrap();
    assert!(connected.load(Ordering::Relaxed) <= allowed, "the victim of a forged source is hardly asked");
}

#[test]
fn a_host_that_cannot_be_read_is_asked_once_in_15_seconds_however_often_it_announces() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let mute = Scripted::start(&lan, 66, Kind::Py);
    mute.answers("forban/index", answers::status("503 Service Unavailable"));
    let began = Instant::now();
    for n in 0..1_000 {
        mute.announce_hmac(&format!("{n:040}"));
    }
    honest_neighbour_is_known(&lan, &node, 67);
    let allowed = 1 + usize::try_from(began.elapsed().as_secs() / 15).unwrap();
    assert!(mute.requests_for("forban/index").len() <= allowed, "{:?}", mute.requests());
}

#[test]
fn a_proven_neighbour_whose_hmac_never_rests_is_asked_once_a_second() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let restless = Scripted::start(&lan, 66, Kind::Py);
    restless.offers("a.txt", "a").announce();
    wait_until("its index is read", || !restless.requests_for("forban/index").is_empty());
    let began = Instant::now();
    let mut sent = 0;
    wait_until("its index is read four times more", || {
        sent += 1;
        restless.announce_hmac(&format!("{sent:040}"));
        restless.requests_for("forban/index").len() >= 5
    });
    // The first pause began before we could look at the clock.
    assert!(began.elapsed() > Duration::from_millis(2_900), "{:?}", began.elapsed());
    assert!(neighbours(&node) == 1);
}
