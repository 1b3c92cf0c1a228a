//! When manifests are asked for, and what becomes of them.

use super::*;
use crate::wire::Manifest;

pub(super) const US: Uuid = Uuid::from_u128(1);

/// A neighbour at 10.0.0.1 that offers `a` of 1 byte and `b` of 2.
pub(super) fn scene(announced: Option<IndexHmac>, key: Option<IndexKey>) -> Scene {
    let scene = Scene::new();
    scene.hear(1, "10.0.0.1", announced, 0);
    scene.index("a,1\nb,2\n", announced, key, 0);
    scene
}

impl Scene {
    pub(super) fn index(&self, text: &str, announced: Option<IndexHmac>, key: Option<IndexKey>, seconds: u64) {
        let index = Arc::new(Index::parse(text.as_bytes()).unwrap().0);
        let known = KnownIndex::new(index, Refused::default(), announced, key);
        let known = match self.neighbourhood.get(US).and_then(|neighbour| neighbour.manifest) {
            Some(before) => known.carrying(&before),
            None => known,
        };
        self.neighbourhood.fetched(US, "10.0.0.1".parse().ok(), known, self.at(seconds));
    }

    pub(super) fn manifest_due(&self, seconds: u64) -> Option<DueManifest> {
        let (mut due, _) = self.neighbourhood.take_due_manifests(9, |_| false, self.at(seconds));
        assert!(due.len() <= 1);
        due.pop()
    }

    /// Seconds from a given time to the next question.
    pub(super) fn next_manifest(&self, seconds: u64) -> Option<u64> {
        let (due, next) = self.neighbourhood.take_due_manifests(9, |_| false, self.at(seconds));
        assert!(due.is_empty());
        next.map(|next| next.duration_since(self.at(seconds)).as_secs())
    }

    pub(super) fn answer(&self, answer: ManifestAnswer, seconds: u64) {
        self.neighbourhood.manifest_answered(US, answer, Duration::ZERO, self.at(seconds));
    }

    pub(super) fn read(&self, due: &DueManifest, header: &str, seconds: u64) {
        let row = format!("1 {} {} a", "0".repeat(32), "1".repeat(64));
        let body = format!("boucan-manifest 1\n{header}\n\n{row}\n");
        let manifest = Box::new(Manifest::parse(body.as_bytes(), &due.index).unwrap());
        self.answer(ManifestAnswer::Read { manifest, etag: Some("\"1\"".into()) }, seconds);
    }

    fn known_digests(&self) -> usize {
        self.neighbourhood.get(US).unwrap().manifest.map_or(0, |manifest| manifest.digests.known())
    }
}

#[test]
fn only_nodes_of_our_kind_are_asked() {
    for (key, is_asked) in [
        (Some(IndexKey::Specified), true),
        (Some(IndexKey::PreShared(b"k".as_slice().into())), true),
        (Some(IndexKey::Practised), false),
        (None, false),
    ] {
        let scene = scene(hmac("x"), key.clone());
        assert_eq!(scene.manifest_due(0).is_some(), is_asked, "{key:?}");
    }
}

#[test]
fn one_that_knows_no_manifests_is_asked_again_when_its_hmac_changes() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    assert!(scene.manifest_due(0).is_some());
    scene.answer(ManifestAnswer::Unknown, 0);
    assert_eq!(scene.next_manifest(299), None);
    scene.index("a,1\n", hmac("x"), Some(IndexKey::Specified), 100);
    assert_eq!(scene.next_manifest(299), None);
    scene.index("a,1\n", hmac("y"), Some(IndexKey::Specified), 200);
    assert!(scene.manifest_due(200).is_some());
}

#[test]
fn while_a_neighbour_reads_its_files_it_is_asked_with_ever_longer_pauses() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    let due = scene.manifest_due(0).unwrap();
    assert_eq!(due.etag, None);
    scene.read(&due, "hashing 1", 0);
    let mut now = 0;
    for pause in [2, 4, 8, 16, 32, 60, 60] {
        assert_eq!(scene.next_manifest(now), Some(pause));
        now += pause;
        assert_eq!(scene.manifest_due(now).unwrap().etag.as_deref(), Some("\"1\""));
        scene.answer(ManifestAnswer::Unchanged, now);
    }
    now += 60;
    let due = scene.manifest_due(now).unwrap();
    scene.read(&due, "hashing 1", now);
    assert_eq!(scene.next_manifest(now), Some(2));
}

#[test]
fn a_complete_one_is_asked_for_every_five_minutes_and_one_of_another_index_soon() {
    for (header, pause, why) in [
        (format!("index {}", hmac("x").unwrap()), 300, "complete"),
        (String::from("hashing 0"), 300, "complete"),
        (format!("index {}", hmac("w").unwrap()), 2, "of another index"),
        (format!("hashing 3\nindex {}", hmac("x").unwrap()), 2, "more is to come"),
    ] {
        let scene = scene(hmac("x"), Some(IndexKey::Specified));
        let due = scene.manifest_due(0).unwrap();
        scene.read(&due, &header, 0);
        assert_eq!(scene.next_manifest(0), Some(pause), "{why}");
    }
}

#[test]
fn a_manifest_that_fails_does_not_make_the_index_fail() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    let mut now = 0;
    for pause in [15, 30, 60] {
        assert!(scene.manifest_due(now).is_some());
        scene.answer(ManifestAnswer::Failed, now);
        assert_eq!(scene.next_manifest(now), Some(pause));
        now += pause;
    }
    // A change of the index does not shorten the distance.
    scene.answer(ManifestAnswer::Failed, 0);
    scene.index("a,1\n", hmac("y"), Some(IndexKey::Specified), 1);
    assert_eq!(scene.next_manifest(1), Some(119));
    let neighbour = scene.neighbourhood.get(US).unwrap();
    assert_eq!((neighbour.last_error(), neighbour.known.as_ref().unwrap().index.len()), (None, 1));
}

#[test]
fn what_is_known_of_files_is_carried_over_to_a_changed_index() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    let (mut changes, mut indexes) = (scene.neighbourhood.subscribe_manifests(), scene.neighbourhood.subscribe());
    changes.mark_unchanged();
    indexes.mark_unchanged();
    let due = scene.manifest_due(0).unwrap();
    scene.read(&due, "", 0);
    assert!(changes.has_changed().unwrap());
    assert!(!indexes.has_changed().unwrap(), "nothing to plan");
    assert_eq!(scene.known_digests(), 1);
    scene.hear(1, "10.0.0.1", hmac("y"), 10);
    scene.index("0,7\na,1\n", hmac("y"), Some(IndexKey::Specified), 10);
    assert_eq!(scene.known_digests(), 1);
    let due = scene.manifest_due(10).unwrap();
    assert_eq!(due.etag, None, "lines were skipped that may count now");
    scene.index("a,2\n", hmac("z"), Some(IndexKey::Specified), 11);
    assert_eq!(scene.known_digests(), 0);
    scene.read(&due, "", 12);
    assert_eq!(scene.known_digests(), 0, "it was read beside the index before");
}

#[test]
fn an_address_for_peers_is_believed_as_soon_as_the_neighbour_is_heard_there() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    let due = scene.manifest_due(0).unwrap();
    let told = "010.000.000.007|fd00:0000:0000:0000:0000:0000:0000:000706001";
    scene.read(&due, &format!("peer {told}"), 0);
    let peer = || scene.neighbourhood.get(US).unwrap().manifest.unwrap().peer.unwrap().to_string();
    assert_eq!(peer(), "010.000.000.001|0000:0000:0000:0000:0000:ffff:0a00:000106001");
    let mut watcher = scene.neighbourhood.subscribe_manifests();
    watcher.mark_unchanged();
    scene.hear(1, "10.0.0.7", hmac("x"), 1);
    assert_eq!(peer(), told);
    assert!(watcher.has_changed().unwrap());
}

#[test]
fn what_was_carried_over_goes_when_the_manifest_is_read() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    scene.read(&scene.manifest_due(0).unwrap(), "", 0);
    scene.index("a,1\n", hmac("y"), Some(IndexKey::Specified), 10);
    let carried = Arc::downgrade(&scene.neighbourhood.get(US).unwrap().manifest.unwrap().digests);
    scene.read(&scene.manifest_due(10).unwrap(), "", 10);
    assert_eq!((scene.known_digests(), carried.upgrade().map(|digests| digests.known())), (1, None));
}

#[test]
fn who_only_uses_the_uuid_gets_no_peers() {
    let scene = Scene::new();
    scene.hear(1, "fd00::1", hmac("x"), 0);
    let index = Arc::new(Index::parse(b"a,1\n").unwrap().0);
    let known = KnownIndex::new(index, Refused::default(), hmac("x"), Some(IndexKey::Specified));
    scene.neighbourhood.fetched(US, "fd00::1".parse().ok(), known, scene.at(0));
    let told = "010.000.000.007|fd00:0000:0000:0000:0000:0000:0000:000706001";
    scene.read(&scene.manifest_due(0).unwrap(), &format!("peer {told}"), 0);
    let peer = || scene.neighbourhood.get(US).unwrap().manifest.unwrap().peer.unwrap().to_string();
    let before = peer();
    scene.hear(1, "10.0.0.66", hmac("y"), 1);
    assert_eq!(peer(), before);
}

#[test]
fn one_that_took_long_is_not_read_sooner_because_the_index_changed() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    let due = scene.manifest_due(0).unwrap();
    let manifest = Box::new(Manifest::parse(b"boucan-manifest 1\n\n", &due.index).unwrap());
    let answer = ManifestAnswer::Read { manifest, etag: None };
    scene.neighbourhood.manifest_answered(US, answer, Duration::from_secs(3), scene.at(3));
    scene.index("a,1\n", hmac("y"), Some(IndexKey::Specified), 10);
    assert_eq!(scene.next_manifest(10), Some(53));
    assert!(scene.manifest_due(63).is_some());
}

#[test]
fn for_want_of_room_manifests_go_before_indexes() {
    let scene = Scene::new();
    let files = 1_000_000;
    let text: String = (0..files).map(|n| format!("{n:06},1\n")).collect();
    let index = Arc::new(Index::parse(text.as_bytes()).unwrap().0);
    assert_eq!(index.memory_bytes(), text.len() + 16 * files);
    // Some files everywhere: what a manifest tells takes memory where it tells it.
    let row = |file: usize| format!("1 {} {} {file:06}\n", "0".repeat(32), "1".repeat(64));
    let rows: String = (0..files).step_by(1_000).map(row).collect();
    for uuid in 1..=5_u128 {
        let (ip, hmac, now) = (format!("10.0.0.{uuid}"), hmac("x"), scene.at(u64::try_from(uuid).unwrap()));
        scene.hear(uuid, &ip, hmac, u64::try_from(uuid).unwrap());
        // Its own: what several share counts once.
        let own = Arc::new(Index::clone(&index));
        let known = KnownIndex::new(own, Refused::default(), hmac, Some(IndexKey::Specified));
        scene.neighbourhood.fetched(Uuid::from_u128(uuid), ip.parse().ok(), known, now);
        let due = scene.neighbourhood.take_due_manifest(Uuid::from_u128(uuid), now).unwrap();
        let body = format!("boucan-manifest 1\n\n{rows}");
        let manifest = Box::new(Manifest::parse(body.as_bytes(), &due.index).unwrap());
        let answer = ManifestAnswer::Read { manifest, etag: None };
        scene.neighbourhood.manifest_answered(Uuid::from_u128(uuid), answer, Duration::ZERO, now);
    }
    let all = scene.neighbourhood.present(scene.at(6));
    assert!(all.iter().all(|neighbour| neighbour.known.is_some()));
    let told: Vec<u128> = all.iter().filter(|n| n.manifest.is_some()).map(|n| n.uuid.as_u128()).collect();
    assert_eq!(told, [4, 5]);
}

#[test]
fn an_index_that_somebody_shares_who_was_heard_lately_is_not_forgotten() {
    let scene = Scene::new();
    let folders = format!("{}/", "x".repeat(240)).repeat(4);
    let text: String = (0..80_000).map(|n| format!("{folders}{n:06},1\n")).collect();
    let one = Arc::new(Index::parse(text.as_bytes()).unwrap().0);
    let other = || Arc::new(Index::clone(&one));
    // There is room for three.
    for (uuid, index) in [(1_u128, one.clone()), (2, other()), (3, other()), (4, one.clone()), (5, other())] {
        let (ip, hmac, seconds) = (format!("10.0.0.{uuid}"), hmac("x"), u64::try_from(uuid).unwrap());
        scene.hear(uuid, &ip, hmac, seconds);
        let known = KnownIndex::new(index, Refused::default(), hmac, Some(IndexKey::Specified));
        scene.neighbourhood.fetched(Uuid::from_u128(uuid), ip.parse().ok(), known, scene.at(seconds));
    }
    let all = scene.neighbourhood.present(scene.at(6));
    let known: Vec<u128> = all.iter().filter(|n| n.known.is_some()).map(|n| n.uuid.as_u128()).collect();
    assert_eq!(known, [1, 3, 4, 5]);
}

#[test]
fn the_first_answer_beside_a_new_index_is_worth_waiting_for() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    let awaited = |seconds: u64| {
        let until = scene.neighbourhood.get(US).unwrap().manifest_awaited_until(scene.at(seconds));
        until.map(|until| until.duration_since(scene.at(seconds)).as_secs())
    };
    assert_eq!((awaited(0), awaited(9), awaited(10)), (Some(10), Some(1), None));
    let changes = scene.neighbourhood.subscribe_manifests();
    scene.answer(ManifestAnswer::Unknown, 1);
    assert_eq!(awaited(1), None);
    assert!(changes.has_changed().unwrap(), "who waited goes on");
    scene.index("c,3\n", hmac("x"), Some(IndexKey::Specified), 2);
    assert_eq!(awaited(2), None, "it has none with this HMAC");
    scene.index("c,3\n", hmac("y"), Some(IndexKey::Specified), 3);
    assert_eq!(awaited(3), Some(10));
}

#[test]
fn large_files_are_awaited_while_their_node_gets_on_with_reading_them() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    let awaited = |seconds| scene.neighbourhood.get(US).unwrap().awaited_from_bytes(scene.at(seconds));
    assert_eq!(awaited(0), Some(0), "its manifest is about to come");
    scene.read(&scene.manifest_due(0).unwrap(), "hashing 2", 1);
    let mib = 1 << 20;
    for (seconds, least) in [(1, mib), (11, mib), (12, 50_000_000), (31, 1_000_000_000)] {
        assert_eq!(awaited(seconds), Some(least), "after {seconds} s");
    }
    scene.read(&scene.manifest_due(31).unwrap(), "hashing 2", 31);
    assert_eq!(awaited(31), Some(1_000_000_000), "it did not get on");
    scene.read(&scene.manifest_due(40).unwrap(), "hashing 1", 40);
    assert_eq!(awaited(45), Some(mib), "it got on");
    scene.read(&scene.manifest_due(50).unwrap(), "hashing 0", 50);
    assert_eq!(awaited(50), None);
    scene.index("a,1\nb,2\nc,3\n", hmac("y"), Some(IndexKey::Specified), 51);
    scene.read(&scene.manifest_due(51).unwrap(), &format!("hashing 0\nindex {}", hmac("x").unwrap()), 51);
    assert_eq!(awaited(52), Some(mib), "it tells of an older index");
    scene.read(&scene.manifest_due(60).unwrap(), &format!("hashing 0\nindex {}", hmac("y").unwrap()), 60);
    assert_eq!(awaited(60), None);
}
