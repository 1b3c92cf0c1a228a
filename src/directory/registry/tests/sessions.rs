//! Who is given which session, and from where it may be used.

use super::*;

const V4: &str = "192.168.1.9";
const V6: &str = "fd00::9";
const CLAIM: &str = "192.168.1.9 fd00::9 6001";

fn may_use(desk: &Desk, id: SessionId, source: &str) -> bool {
    Peer { desk, id, source: ip(source) }.find("*").is_ok()
}

#[test]
fn a_second_login_of_the_same_host_is_the_same_session_and_another_port_another_one() {
    let desk = Desk::new();
    let first = desk.login(CLAIM, V4).unwrap();
    assert_eq!(desk.login(CLAIM, V4), Ok(first));
    assert_eq!(desk.login(CLAIM, "::ffff:192.168.1.9"), Ok(first));
    assert_ne!(desk.login("192.168.1.9 fd00::9 6999", V4).unwrap(), first);
    assert_eq!(desk.registry.counts().sessions, 2);
}

#[test]
fn a_session_is_of_use_to_its_host_by_both_families_and_to_nobody_else() {
    let desk = Desk::new();
    let id = desk.login(CLAIM, V4).unwrap();
    for (source, may) in
        [(V4, true), ("192.168.1.8", false), ("fd00::8", false), ("127.0.0.1", false), ("::1", false), (V6, true)]
    {
        assert_eq!(may_use(&desk, id, source), may, "{source}");
    }
    for guess in ["AAAAAAAAAAAAAAAA", "0000000000000000"] {
        assert!(!may_use(&desk, SessionId::parse(guess.as_bytes()).unwrap(), V4));
    }
    assert_eq!(Peer { desk: &desk, id, source: ip("192.168.1.8") }.logout(), Err(RegistryError::Unauthorized));
    assert_eq!(Peer { desk: &desk, id, source: ip(V4) }.logout(), Ok(0));
    assert!(!may_use(&desk, id, V4));
    assert_ne!(desk.login(CLAIM, V4), Ok(id));
}

#[test]
fn only_addresses_from_which_a_peer_came_are_proven() {
    let desk = Desk::new();
    let id = desk.login(CLAIM, V4).unwrap();
    Peer { desk: &desk, id, source: ip(V4) }.add(1, "a").unwrap();
    let proven = || desk.registry.sessions()[0].proven.clone();
    assert_eq!(proven(), [ip(V4)]);
    assert!(!may_use(&desk, id, "192.168.1.8"));
    assert_eq!(proven(), [ip(V4)]);
    assert!(may_use(&desk, id, V6));
    assert_eq!(proven(), [ip(V4), ip(V6)]);
    let holders = desk.registry.holders(md5(1));
    assert_eq!(holders[0].proven, ["192.168.1.9:6001".parse().unwrap(), "[fd00::9]:6001".parse().unwrap()]);
    assert_eq!(holders[0].address, claim(CLAIM));
}

#[test]
fn a_link_local_address_is_dialled_by_its_interface() {
    let desk = Desk::new();
    let id = desk.login("192.168.1.9 fe80::9 6001", "fe80::9").unwrap();
    Peer { desk: &desk, id, source: ip("fe80::9") }.add(1, "a").unwrap();
    assert_eq!(desk.registry.holders(md5(1))[0].proven, ["[fe80::9%2]:6001".parse().unwrap()]);
}

#[test]
fn the_same_host_by_its_other_family_gets_a_new_session_with_its_files() {
    let desk = Desk::new();
    let old = desk.login(CLAIM, V4).unwrap();
    Peer { desk: &desk, id: old, source: ip(V4) }.add(1, "a").unwrap();
    let new = desk.login(CLAIM, V6).unwrap();
    assert_ne!(new, old);
    assert!(!may_use(&desk, old, V4) && !may_use(&desk, old, V6));
    assert!(may_use(&desk, new, V6));
    assert_eq!((desk.registry.counts().sessions, desk.registry.counts().files), (1, 1));
    assert_eq!(desk.registry.sessions()[0].host, ip(V6));
    assert_ne!(desk.login(CLAIM, V4), Ok(new), "the first one may have lied about the address");
}

#[test]
fn nobody_gets_the_session_of_another_host_that_claims_the_same() {
    let desk = Desk::new();
    let example = "172.16.1.1 fc00::1:1 6001";
    let first = desk.login(example, "127.0.0.1").unwrap();
    assert_eq!(desk.login(example, "127.0.0.5"), Err(RegistryError::BadLogin));
    assert_eq!(desk.login(example, V4), Err(RegistryError::BadLogin));
    assert_eq!(desk.login(example, "::1"), Ok(first), "localhost has two addresses");
    assert!(desk.registry.sessions()[0].proven.is_empty());
}

#[test]
fn who_has_the_address_takes_it_from_who_claimed_it_by_hand() {
    let desk = Desk::new();
    let by_hand = desk.login(CLAIM, "127.0.0.1").unwrap();
    Peer { desk: &desk, id: by_hand, source: ip("127.0.0.1") }.add(1, "not its file").unwrap();
    let owner = desk.login(CLAIM, V4).unwrap();
    assert_ne!(owner, by_hand);
    assert!(!may_use(&desk, by_hand, "127.0.0.1"));
    assert_eq!((desk.registry.counts().sessions, desk.registry.counts().files), (1, 0));
    assert_eq!(desk.login(CLAIM, "127.0.0.1"), Err(RegistryError::BadLogin));
}

#[test]
fn a_peer_that_the_operator_releases_is_out() {
    let desk = Desk::new();
    let peer = desk.peer(9);
    peer.add(1, "a").unwrap();
    let key = desk.registry.sessions()[0].key;
    assert_eq!(desk.registry.release(key).unwrap().files, 1);
    assert_eq!((desk.registry.release(key), peer.find("*")), (None, Err(RegistryError::Unauthorized)));
}
