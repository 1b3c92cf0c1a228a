//! What there may be of everything.

use super::super::Bound;
use super::super::files::{ENTRIES_MAX, PER_SESSION_MAX};
use super::super::sessions::{PER_HOST_MAX, PER_LOOPBACK_HOST_MAX, SESSIONS_MAX};
use super::*;

#[test]
fn a_host_has_so_many_sessions() {
    let desk = Desk::new();
    for (source, most) in [("192.168.1.9", PER_HOST_MAX), ("127.0.0.9", PER_LOOPBACK_HOST_MAX)] {
        for port in 1..=most {
            desk.login(&format!("{source} fd00::9 {port}"), source).unwrap();
        }
        let one_more = format!("{source} fd00::9 60000");
        assert_eq!(desk.login(&one_more, source), Err(RegistryError::Full(Bound::SessionsOfHost)));
        assert!(desk.login(&format!("{source} fd00::9 1"), source).is_ok(), "it has that one already");
    }
    assert!(desk.login("192.168.1.8 fd00::8 1", "192.168.1.8").is_ok());
}

#[test]
fn moving_to_the_other_family_does_not_gain_sessions() {
    let desk = Desk::new();
    for port in 1..=PER_HOST_MAX {
        desk.login(&format!("192.168.1.9 fd00::9 {port}"), "fd00::9").unwrap();
    }
    let one_more = "192.168.1.9 fd00::9 60000";
    desk.login(one_more, "192.168.1.9").unwrap();
    assert_eq!(desk.login(one_more, "fd00::9"), Err(RegistryError::Full(Bound::SessionsOfHost)));
}

#[test]
fn one_network_of_ipv6_does_not_take_all_sessions() {
    let desk = Desk::new();
    for prefix in ["fd00", "fe80"] {
        let logins = (1..=u16::MAX).map(|last| {
            let source = format!("{prefix}::{last:x}");
            desk.login(&format!("169.254.1.1 {source} 6001"), &source)
        });
        let taken = logins.take_while(Result::is_ok).count();
        assert_eq!(taken, SESSIONS_MAX / 4, "{prefix}::/64");
    }
    assert!(desk.login("169.254.1.1 fd01::1 6001", "fd01::1").is_ok());
}

#[test]
fn there_are_so_many_sessions() {
    let desk = Desk::new();
    for number in 0..SESSIONS_MAX {
        let source = format!("10.0.{}.{}", number / 250, number % 250 + 1);
        desk.login(&format!("{source} fd00::1 6001"), &source).unwrap();
    }
    let refused = desk.login("10.1.0.1 fd00::1 6001", "10.1.0.1");
    assert_eq!(refused, Err(RegistryError::Full(Bound::Sessions)));
}

#[test]
fn a_session_shares_so_many_files_and_all_sessions_together_so_many() {
    let desk = Desk::new();
    let mut number = 0..;
    let mut fill = |last: u8| {
        let peer = desk.peer(last);
        let mut add = || peer.add(number.next().unwrap(), "name");
        (0..=PER_SESSION_MAX).map(|_| add()).find_map(Result::err).unwrap()
    };
    for last in 1..=u8::try_from(ENTRIES_MAX / PER_SESSION_MAX).unwrap() {
        let refused = fill(last);
        assert_eq!(refused, RegistryError::Full(Bound::FilesOfSession));
        assert_eq!(refused.to_string(), "Too many files: a peer may share 4096 at this directory.");
    }
    assert_eq!(fill(200), RegistryError::Full(Bound::Files));
    assert_eq!(desk.registry.counts().copies, ENTRIES_MAX);
    let first = desk.peer(1);
    assert_eq!(first.add(0, "renamed").map_err(|error| error.to_string()), Ok(1));
    first.delete(1).unwrap();
    assert!(first.add(u32::MAX, "room again").is_ok());
}

#[test]
fn a_counter_stops_at_its_digits() {
    let desk = Desk::new();
    let peer = desk.peer(1);
    peer.add(1, "a").unwrap();
    for _ in 0..99_998 {
        desk.registry.note_download(md5(1));
    }
    assert_eq!([(); 3].map(|()| peer.download(1, false).unwrap()), [99_999; 3]);
}

#[test]
fn counters_of_what_nobody_registered_are_so_many() {
    let desk = Desk::new();
    let peer = desk.peer(1);
    for number in 0..100_000 {
        desk.registry.note_download(md5(number));
    }
    assert_eq!((peer.download(u32::MAX, true), peer.download(u32::MAX, true)), (Ok(1), Ok(1)));
    assert_eq!(peer.download(1, true), Ok(2));
}
