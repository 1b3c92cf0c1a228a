//! What a feed changes about when manifests are asked for, and to whom we listen.

use super::manifests::{US, scene};
use super::*;
use crate::wire::manifest::ManifestVersion;

fn open(scene: &Scene, seconds: u64) {
    scene.neighbourhood.feed_is(US, true, scene.at(seconds));
}

fn tell(scene: &Scene, version: &str, seconds: u64) {
    let version = ManifestVersion::parse(version.as_bytes()).unwrap();
    scene.neighbourhood.manifest_is(US, version, scene.at(seconds));
}

/// One whose manifest, in the state `1`, is not complete.
fn hashing() -> Scene {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    let due = scene.manifest_due(0).unwrap();
    scene.read(&due, "hashing 1\nversion 1", 0);
    scene
}

#[test]
fn where_a_feed_is_open_its_word_is_waited_for_instead_of_asking() {
    let scene = hashing();
    assert_eq!(scene.next_manifest(0), Some(2));
    open(&scene, 0);
    assert_eq!(scene.next_manifest(0), Some(60), "asked all the same, but seldom");
    tell(&scene, "1", 1);
    assert_eq!(scene.next_manifest(1), Some(59), "it is the state that we have");
    tell(&scene, "2", 1);
    let due = scene.manifest_due(1).unwrap();
    scene.read(&due, "hashing 1\nversion 2", 1);
    assert_eq!(scene.next_manifest(1), Some(60));
    scene.neighbourhood.feed_is(US, false, scene.at(5));
    assert_eq!(scene.next_manifest(5), Some(2), "nobody tells any more");
}

#[test]
fn what_is_due_beside_a_new_index_does_not_wait_for_the_feed() {
    let scene = scene(hmac("x"), Some(IndexKey::Specified));
    open(&scene, 0);
    assert!(scene.manifest_due(0).is_some());
}

#[test]
fn what_is_told_while_it_is_asked_for_is_asked_for_again_unless_it_came() {
    for (came, is_due) in [("2", false), ("1", true)] {
        let scene = hashing();
        open(&scene, 0);
        tell(&scene, "0", 1);
        let due = scene.manifest_due(1).unwrap();
        tell(&scene, "2", 1);
        scene.read(&due, &format!("hashing 1\nversion {came}"), 1);
        assert_eq!(scene.manifest_due(2).is_some(), is_due, "{came}");
    }
}

#[test]
fn nobody_makes_us_ask_all_the_time() {
    let scene = hashing();
    open(&scene, 0);
    let mut asked = 0;
    for ms in 0..1_000 {
        let now = scene.at(0) + Duration::from_millis(ms);
        let version = ManifestVersion::parse(format!("v{ms}").as_bytes()).unwrap();
        scene.neighbourhood.manifest_is(US, version, now);
        let (due, _) = scene.neighbourhood.take_due_manifests(9, |_| false, now);
        for due in due {
            asked += 1;
            scene.neighbourhood.manifest_answered(due.uuid, ManifestAnswer::Unchanged, Duration::ZERO, now);
        }
    }
    assert!((15..=20).contains(&asked), "{asked} times a second");
    // It took a second: not before twenty have passed.
    tell(&scene, "w", 2);
    let due = scene.manifest_due(2).unwrap();
    let took = Duration::from_secs(1);
    scene.neighbourhood.manifest_answered(due.uuid, ManifestAnswer::Unchanged, took, scene.at(3));
    tell(&scene, "x", 4);
    assert_eq!(scene.next_manifest(4), Some(19));
    // After a failure its pause is kept.
    assert!(scene.manifest_due(23).is_some());
    scene.answer(ManifestAnswer::Failed, 23);
    tell(&scene, "y", 24);
    assert_eq!(scene.next_manifest(24), Some(14));
}

#[test]
fn to_whom_we_listen_is_who_comes_next_around_the_ring() {
    let neighbourhood = Neighbourhood::new(Uuid::from_u128(50));
    let scene = Scene { neighbourhood, ..Scene::new() };
    for (number, last) in [(10, 1), (49, 2), (51, 3), (90, 4), (70, 5)] {
        let ip = format!("10.0.0.{last}");
        scene.hear(number, &ip, hmac("x"), 0);
        let index = Arc::new(Index::parse(b"a,1\n").unwrap().0);
        let known = KnownIndex::new(index, Refused::default(), hmac("x"), Some(IndexKey::Specified));
        let uuid = Uuid::from_u128(number);
        scene.neighbourhood.fetched(uuid, ip.parse().ok(), known, scene.at(0));
        if let Some(due) = scene.neighbourhood.take_due_manifest(uuid, scene.at(0)).filter(|_| number != 70) {
            let manifest = Box::new(crate::wire::Manifest::parse(b"boucan-manifest 1\n\n", &due.index).unwrap());
            let answer = ManifestAnswer::Read { manifest, etag: None };
            scene.neighbourhood.manifest_answered(uuid, answer, Duration::ZERO, scene.at(0));
        }
    }
    let chosen = |most, deaf: u128, seconds| -> Vec<u128> {
        let is_deaf = |uuid: Uuid, announced| uuid.as_u128() == deaf && announced == hmac("x");
        let chosen = scene.neighbourhood.worth_listening_to(most, is_deaf, scene.at(seconds));
        chosen.into_iter().map(|uuid| uuid.as_u128()).collect()
    };
    assert_eq!(chosen(9, 0, 0), [51, 90, 10, 49], "70 has no manifest");
    assert_eq!(chosen(3, 90, 0), [51, 10, 49], "90 has no feed");
    assert_eq!(chosen(9, 0, 300), [], "nobody is present");
}
