//! Neighbours that drip: they are given up, and hold nobody else up meanwhile.

use std::time::{Duration, Instant};

use super::super::support::lan::Lan;
use super::super::support::scripted::{Kind, Scripted, answers};
use super::super::support::{wait_until, wait_within};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";

fn dripping(lan: &Lan, last: u8, files: usize) -> Scripted {
    let scripted = Scripted::start(lan, last, Kind::Py);
    for n in 0..files {
        let name = format!("drip-{last}-{n}");
        scripted.lists(format!("{name},1000000")).answers(&name, answers::drips(HEAD, Duration::from_millis(200)));
    }
    scripted.announce();
    wait_until("it drips", || scripted.requests().len() > 1);
    scripted
}

#[test]
fn neighbours_that_drip_leave_room_for_the_others() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let _slow = [3, 4, 5].map(|last| dripping(&lan, last, 8));
    let honest = Scripted::start(&lan, 6, Kind::Py);
    for n in 0..5 {
        honest.offers(&format!("ctl-{n}"), format!("control {n}"));
    }
    honest.announce();
    for n in 0..5 {
        node.has(&format!("ctl-{n}"), format!("control {n}"));
    }
}

#[test]
fn a_body_that_drips_is_given_up() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let began = Instant::now();
    let _slow = dripping(&lan, 3, 1);
    wait_within(Duration::from_secs(38), "it is given up", || {
        node.get("/held-back").text().contains("it came too slowly")
    });
    assert!(began.elapsed() > Duration::from_secs(25), "a slow moment is forgiven");
    assert!(!node.loot("drip-3-0").exists());
}
