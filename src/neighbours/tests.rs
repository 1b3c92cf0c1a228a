//! The neighbourhood over time, without sockets.

use std::time::Duration;

mod feeds;
mod manifests;

use super::neighbour::PRESENT;
use super::*;
use crate::wire::index::Refused;
use crate::wire::{DisplayText, Index, IndexKey};

struct Scene {
    neighbourhood: Neighbourhood,
    start: Instant,
}

impl Scene {
    fn new() -> Self {
        Self { neighbourhood: Neighbourhood::new(Uuid::from_u128(0xff)), start: Instant::now() }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.start + Duration::from_secs(seconds)
    }

    fn hear(&self, uuid: u128, ip: &str, hmac: Option<IndexHmac>, seconds: u64) -> Event {
        self.hear_as(uuid, ip, hmac, seconds, false)
    }

    fn hear_alone(&self, uuid: u128, ip: &str, hmac: Option<IndexHmac>, seconds: u64) -> Event {
        self.hear_as(uuid, ip, hmac, seconds, true)
    }

    fn hear_as(&self, uuid: u128, ip: &str, hmac: Option<IndexHmac>, seconds: u64, is_unicast: bool) -> Event {
        let announcement = Announcement { name: DisplayText::from_bytes(b"n", 64), uuid: Uuid::from_u128(uuid), hmac };
        let heard = Heard {
            name: announcement.name.clone(),
            hmac,
            service: SocketAddr::new(ip.parse().unwrap(), 12555),
            source_port: 40_000,
            interface: None,
            is_unicast,
        };
        self.neighbourhood.hear(&announcement, heard, false, self.at(seconds))
    }

    fn due(&self, seconds: u64) -> Vec<u128> {
        self.neighbourhood
            .take_due(usize::MAX, |_| false, self.at(seconds))
            .0
            .iter()
            .map(|d| d.uuid.as_u128())
            .collect()
    }

    fn fetched(&self, uuid: u128, ip: &str, hmac: Option<IndexHmac>, seconds: u64) -> bool {
        let index = Arc::new(Index::parse(format!("file-{hmac:?},1\n").as_bytes()).unwrap().0);
        let known = KnownIndex::new(index, Refused::default(), hmac, Some(IndexKey::Specified));
        self.neighbourhood.fetched(Uuid::from_u128(uuid), ip.parse().ok(), known, self.at(seconds))
    }

    fn present(&self, seconds: u64) -> Vec<u128> {
        let mut present: Vec<u128> =
            self.neighbourhood.present(self.at(seconds)).iter().map(|n| n.uuid.as_u128()).collect();
        present.sort_unstable();
        present
    }
}

fn hmac(text: &str) -> Option<IndexHmac> {
    Some(IndexHmac::of(text.as_bytes(), &IndexKey::Specified))
}

#[test]
fn who_shows_neighbours_is_woken_by_what_is_shown_and_by_nothing_else() {
    let scene = Scene::new();
    let mut wakes = scene.neighbourhood.subscribe_presence();
    let mut is_woken = |what: &dyn Fn()| {
        wakes.mark_unchanged();
        what();
        wakes.has_changed().unwrap()
    };
    let comes = |ip: &str, seconds| {
        scene.hear(1, ip, None, seconds);
    };
    for (what, expected, why) in [
        (&(|| comes("10.0.0.1", 0)) as &dyn Fn(), true, "it came"),
        (&|| comes("10.0.0.1", 10), false, "heard again"),
        (&|| comes("10.0.1.1", 20), true, "at another address too"),
        (&|| scene.neighbourhood.failed(Uuid::from_u128(1), "no route"), true, "it could not be asked"),
        (&|| scene.neighbourhood.expire(scene.at(30)), false, "it is here"),
        (&|| scene.neighbourhood.expire(scene.at(1_000)), true, "it went"),
    ] {
        assert_eq!(is_woken(what), expected, "{why}");
    }
}

#[test]
fn a_new_neighbour_is_fetched_at_once_and_then_only_when_its_hmac_changes() {
    let scene = Scene::new();
    assert_eq!(scene.hear(1, "10.0.0.1", hmac("a"), 0), Event::New);
    assert_eq!(scene.due(0), [1]);
    assert!(scene.fetched(1, "10.0.0.1", hmac("a"), 0));
    assert_eq!(scene.hear(1, "10.0.0.1", hmac("a"), 10), Event::Unchanged);
    assert!(scene.due(10).is_empty());
    assert_eq!(scene.hear(1, "10.0.0.1", hmac("b"), 20), Event::IndexChanged);
    assert_eq!(scene.due(20), [1]);
}

#[test]
fn a_neighbour_without_hmac_is_polled_slowly() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", None, 0);
    assert_eq!(scene.due(0), [1]);
    scene.fetched(1, "10.0.0.1", None, 0);
    scene.hear(1, "10.0.0.1", None, 10);
    assert!(scene.due(59).is_empty());
    assert_eq!(scene.due(60), [1]);
}

#[test]
fn an_index_that_did_not_verify_is_read_again_at_the_next_announcement() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("a"), 0);
    assert_eq!(scene.due(0), [1]);
    let known = KnownIndex::new(Arc::default(), Refused::default(), hmac("a"), None);
    scene.neighbourhood.fetched(Uuid::from_u128(1), "10.0.0.1".parse().ok(), known, scene.at(0));
    assert!(scene.due(9).is_empty());
    scene.hear(1, "10.0.0.1", hmac("a"), 10);
    assert_eq!(scene.due(10), [1]);
    assert!(scene.due(11).is_empty());
}

#[test]
fn a_spoofed_victim_is_asked_seldom_and_ever_less() {
    let scene = Scene::new();
    let mut asked = 0;
    for seconds in 0..3600 {
        for attempt in 0..3 {
            scene.hear(1, "10.0.0.9", hmac(&format!("{seconds}.{attempt}")), seconds);
        }
        for _ in scene.due(seconds) {
            asked += 1;
            scene.neighbourhood.failed(Uuid::from_u128(1), "refused");
        }
    }
    assert!((2..=20).contains(&asked), "{asked}");
}

#[test]
fn a_spoofed_victim_is_spared_under_new_uuids_too() {
    let scene = Scene::new();
    let mut asked = 0;
    for seconds in 0..3600 {
        for uuid in 0..3 {
            scene.hear(u128::from(seconds * 3 + uuid + 1000), "10.0.0.9", hmac("a"), seconds);
        }
        asked += scene.due(seconds).len();
    }
    assert!((2..=20).contains(&asked), "{asked}");
    scene.hear(1, "10.0.0.1", hmac("honest"), 3600);
    assert_eq!(scene.due(3600), [1], "its neighbours are not spared");
}

#[test]
fn a_node_that_restarts_with_a_new_uuid_is_asked_after_15_seconds() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("a"), 0);
    assert_eq!(scene.due(0), [1]);
    scene.fetched(1, "10.0.0.1", hmac("a"), 0);
    scene.hear(2, "10.0.0.1", hmac("a"), 5);
    assert!(scene.due(14).is_empty());
    assert_eq!(scene.due(15), [2]);
}

#[test]
fn goforban_is_known_by_its_port_as_soon_as_its_index_is_read() {
    for (source_port, key, is_goforban) in [
        (12555, IndexKey::Practised, true),
        (40_000, IndexKey::Practised, false),
        (12555, IndexKey::Specified, false), // one of ours
    ] {
        let scene = Scene::new();
        let uuid = Uuid::from_u128(1);
        let announcement = Announcement { name: DisplayText::default(), uuid, hmac: hmac("a") };
        let service = "10.0.0.1:12555".parse().unwrap();
        let heard = Heard {
            name: DisplayText::default(),
            hmac: announcement.hmac,
            service,
            source_port,
            interface: None,
            is_unicast: false,
        };
        scene.neighbourhood.hear(&announcement, heard, false, scene.start);
        let known = KnownIndex::new(Arc::default(), Refused::default(), hmac("a"), Some(key));
        scene.neighbourhood.fetched(uuid, Some(service.ip()), known, scene.start);
        assert_eq!(scene.neighbourhood.get(uuid).unwrap().is_goforban(), is_goforban, "{source_port}");
    }
}

#[test]
fn a_proven_neighbour_that_changes_its_hmac_all_the_time_is_asked_once_a_second() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("first"), 0);
    scene.due(0);
    scene.fetched(1, "10.0.0.1", hmac("first"), 0);
    let mut asked = 0;
    for step in 0..600 {
        let now = scene.start + Duration::from_millis(1000 + step * 100);
        let announcement =
            Announcement { name: DisplayText::default(), uuid: Uuid::from_u128(1), hmac: hmac(&step.to_string()) };
        let service = "10.0.0.1:12555".parse().unwrap();
        let heard = Heard {
            name: DisplayText::default(),
            hmac: announcement.hmac,
            service,
            source_port: 1,
            interface: None,
            is_unicast: false,
        };
        scene.neighbourhood.hear(&announcement, heard, false, now);
        asked += scene.neighbourhood.take_due(usize::MAX, |_| false, now).0.len();
    }
    assert!((59..=61).contains(&asked), "{asked}");
}

#[test]
fn a_neighbour_is_present_for_300_seconds() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("a"), 0);
    assert_eq!(scene.present(299), [1]);
    assert!(scene.present(PRESENT.as_secs()).is_empty());
    scene.neighbourhood.expire(scene.at(300));
    assert_eq!(scene.hear(1, "10.0.0.1", hmac("a"), 301), Event::New);
}

#[test]
fn our_own_uuid_from_elsewhere_is_reported() {
    let scene = Scene::new();
    assert_eq!(scene.hear(0xff, "10.0.0.9", None, 0), Event::OurUuidElsewhere);
    assert!(scene.present(0).is_empty());
}

#[test]
fn both_families_of_one_uuid_are_one_neighbour() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("a"), 0);
    scene.hear(1, "fe80::1", hmac("a"), 0);
    assert_eq!(scene.present(0), [1]);
    scene.fetched(1, "fe80::1", hmac("a"), 1);
    let neighbour = scene.neighbourhood.get(Uuid::from_u128(1)).unwrap();
    assert_eq!(neighbour.addresses()[0].service.ip(), "fe80::1".parse::<IpAddr>().unwrap());
    assert_eq!(neighbour.addresses().len(), 2);
}

#[test]
fn a_stranger_cannot_take_over_a_uuid_while_its_owner_speaks() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("a"), 0);
    scene.due(0);
    scene.fetched(1, "10.0.0.1", hmac("a"), 0);
    assert_eq!(scene.hear(1, "10.0.0.66", hmac("evil"), 5), Event::Unchanged);
    let neighbour = scene.neighbourhood.get(Uuid::from_u128(1)).unwrap();
    assert_eq!(neighbour.addresses()[0].service.ip(), "10.0.0.1".parse::<IpAddr>().unwrap());
    assert_eq!(neighbour.disputed_by, Some("10.0.0.66".parse().unwrap()));
    assert!(scene.due(20).is_empty());
}

#[test]
fn a_neighbour_that_moved_is_followed_once_its_old_address_is_silent() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("a"), 0);
    scene.due(0);
    scene.fetched(1, "10.0.0.1", hmac("a"), 0);
    scene.hear(1, "10.0.0.2", hmac("a"), 60);
    scene.fetched(1, "10.0.0.2", hmac("a"), 61);
    let neighbour = scene.neighbourhood.get(Uuid::from_u128(1)).unwrap();
    assert_eq!(neighbour.addresses()[0].service.ip(), "10.0.0.2".parse::<IpAddr>().unwrap());
}

#[test]
fn a_neighbour_whose_broadcasts_do_not_come_through_is_known() {
    let scene = Scene::new();
    let beyond = |seconds| scene.neighbourhood.get(Uuid::from_u128(1)).unwrap().is_beyond_broadcasts(scene.at(seconds));
    scene.hear_alone(1, "10.0.0.1", hmac("a"), 0);
    assert!(beyond(0));
    scene.hear(1, "10.0.0.1", hmac("a"), 10);
    scene.hear_alone(1, "10.0.0.1", hmac("a"), 60);
    assert!(!beyond(60) && beyond(70));
}

#[test]
fn links_lead_to_an_address_that_a_browser_opens() {
    let scene = Scene::new();
    for ip in ["10.0.0.1", "2001:db8::1", "fe80::1"] {
        scene.hear(1, ip, hmac("a"), 0);
    }
    scene.fetched(1, "fe80::1", hmac("a"), 0);
    let neighbour = scene.neighbourhood.get(Uuid::from_u128(1)).unwrap();
    let link = |local: &str| neighbour.address_for_links(local.parse().unwrap()).unwrap().service.ip().to_string();
    assert_eq!((link("10.0.0.9"), link("2001:db8::9")), ("10.0.0.1".into(), "2001:db8::1".into()));
}

#[test]
fn what_this_host_says_with_another_uuid_is_no_neighbour() {
    let scene = Scene::new();
    let announcement = Announcement { name: DisplayText::default(), uuid: Uuid::from_u128(1), hmac: None };
    let service = "10.0.0.9:12555".parse().unwrap();
    let heard =
        Heard { name: DisplayText::default(), hmac: None, service, source_port: 1, interface: None, is_unicast: true };
    assert_eq!(scene.neighbourhood.hear(&announcement, heard, true, scene.at(0)), Event::Impostor);
}

#[test]
fn what_a_neighbour_changed_after_it_moved_is_fetched_from_its_new_address() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("a"), 0);
    scene.due(0);
    scene.fetched(1, "10.0.0.1", hmac("a"), 0);
    scene.hear(1, "10.0.0.2", hmac("b"), 20);
    assert!(scene.due(20).is_empty(), "the old address spoke lately");
    assert_eq!(scene.hear(1, "10.0.0.2", hmac("b"), 31), Event::IndexChanged);
    let (due, _) = scene.neighbourhood.take_due(usize::MAX, |_| false, scene.at(31));
    let services: Vec<String> = due[0].services.iter().map(ToString::to_string).collect();
    assert_eq!(services, ["10.0.0.2:12555", "10.0.0.1:12555"]);
    scene.hear(1, "10.0.0.2", hmac("b"), PRESENT.as_secs());
    assert_eq!(scene.neighbourhood.get(Uuid::from_u128(1)).unwrap().addresses().len(), 1);
}

#[test]
fn a_new_uuid_at_an_address_replaces_the_silent_old_one() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("a"), 0);
    scene.fetched(1, "10.0.0.1", hmac("a"), 0);
    scene.hear(2, "10.0.0.1", hmac("a"), 10);
    assert_eq!(scene.present(10), [1, 2]);
    scene.fetched(2, "10.0.0.1", hmac("a"), 11);
    assert_eq!(scene.present(11), [2]);
}

#[test]
fn two_nodes_at_one_address_that_both_speak_stay_two() {
    let scene = Scene::new();
    for seconds in [0, 10, 20] {
        for uuid in [1, 2] {
            scene.hear(uuid, "10.0.0.1", hmac("a"), seconds);
            scene.fetched(uuid, "10.0.0.1", hmac("a"), seconds);
        }
    }
    assert_eq!(scene.present(20), [1, 2]);
}

#[test]
fn a_flood_of_uuids_never_pushes_a_proven_neighbour_out() {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", hmac("a"), 0);
    scene.fetched(1, "10.0.0.1", hmac("a"), 0);
    for uuid in 1000..3000_u128 {
        scene.hear(uuid, "10.0.0.66", hmac("x"), 1);
    }
    assert_eq!(scene.present(1).len(), 1 + PER_ADDRESS_MAX);
    for uuid in 10_000..20_000_u128 {
        let ip = format!("10.1.{}.{}", (uuid / 250) % 250, uuid % 250);
        scene.hear(uuid, &ip, hmac("x"), 2);
    }
    assert_eq!(scene.present(2).len(), NEIGHBOURS_MAX);
    assert!(scene.present(2).contains(&1));
    scene.hear(5, "10.0.0.5", hmac("honest"), 3);
    assert!(scene.present(3).contains(&5));
}
