//! Peers that vanish.

use super::*;

const FIVE_MINUTES: Duration = Duration::from_secs(300);

/// Tries every port that is due; how many were tried, and how many peers are out now.
fn round(desk: &Desk, answers: bool) -> (usize, usize) {
    let due = desk.registry.due_probes(desk.now, 64);
    let out = due.iter().filter(|probe| desk.registry.probed(probe.key, answers, desk.now).is_some()).count();
    (due.len(), out)
}

#[test]
fn a_peer_whose_port_does_not_answer_three_times_is_out() {
    let mut desk = Desk::new();
    desk.peer(1).add(1, "a").unwrap();
    assert_eq!(round(&desk, false), (0, 0), "the first probe is five minutes after the login");
    for out in [0, 0, 1] {
        desk.now += FIVE_MINUTES;
        assert_eq!(round(&desk, false), (1, out));
        assert_eq!(round(&desk, false), (0, 0), "a probe is told once");
    }
    assert_eq!((desk.registry.counts().sessions, desk.registry.counts().files), (0, 0));
}

#[test]
fn an_answer_or_a_login_begins_anew() {
    let mut desk = Desk::new();
    desk.peer(1);
    for answers in [false, false, true, false, false] {
        desk.now += FIVE_MINUTES;
        assert_eq!(round(&desk, answers), (1, 0));
    }
    assert_eq!(desk.registry.sessions()[0].failed_probes, 2);
    desk.peer(1);
    for _ in 0..2 {
        desk.now += FIVE_MINUTES;
        assert_eq!(round(&desk, false), (1, 0));
    }
}

#[test]
fn requests_do_not_replace_a_port_that_can_be_tried() {
    let mut desk = Desk::new();
    let id = desk.peer(1).id;
    for out in [0, 0, 1] {
        desk.now += FIVE_MINUTES;
        assert!(Peer { desk: &desk, id, source: ip("192.168.1.1") }.find("*").is_ok());
        assert_eq!(round(&desk, false), (1, out));
    }
}

#[test]
fn only_proven_addresses_are_tried() {
    let mut desk = Desk::new();
    let id = desk.login("192.168.1.9 fd00::9 6001", "fd00::9").unwrap();
    desk.login("172.16.1.1 fc00::1 6001", "127.0.0.1").unwrap();
    let probes = |desk: &mut Desk| {
        desk.now += FIVE_MINUTES;
        desk.registry.due_probes(desk.now, 64).into_iter().map(|probe| probe.addresses).collect::<Vec<_>>()
    };
    assert_eq!(probes(&mut desk), [vec!["[fd00::9]:6001".parse().unwrap()], vec![]]);
    Peer { desk: &desk, id, source: ip("192.168.1.9") }.find("*").unwrap();
    assert_eq!(probes(&mut desk)[0].len(), 2);
}

#[test]
fn who_cannot_be_tried_stays_as_long_as_it_asks() {
    let mut desk = Desk::new();
    let id = desk.login("172.16.1.1 fc00::1 6001", "127.0.0.1").unwrap();
    for asks in [false, false, true, false, false] {
        desk.now += FIVE_MINUTES;
        if asks {
            Peer { desk: &desk, id, source: ip("127.0.0.1") }.find("*").unwrap();
        }
        assert_eq!(round(&desk, false), (1, 0));
    }
    desk.now += FIVE_MINUTES;
    assert_eq!(round(&desk, false), (1, 1));
}

#[test]
fn the_longest_due_are_tried_first_and_a_few_at_once() {
    let mut desk = Desk::new();
    for last in [3, 1, 2] {
        desk.peer(last);
        desk.now += Duration::from_secs(1);
    }
    desk.now += FIVE_MINUTES;
    let due = |most| desk.registry.due_probes(desk.now, most).into_iter().map(|probe| probe.addresses[0].to_string());
    assert_eq!(due(2).collect::<Vec<_>>(), ["192.168.1.3:6001", "192.168.1.1:6001"]);
    assert_eq!(due(2).collect::<Vec<_>>(), ["192.168.1.2:6001"]);
}
