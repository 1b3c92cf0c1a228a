//! "Keep N copies nearby": who of a room takes what.

use std::collections::BTreeMap;

use super::*;

fn node(number: u128) -> Uuid {
    Uuid::from_u128(0x9e37_79b9_7f4a_7c15_0000_0000_0000_0000 + number)
}

fn copies(wanted: u32) -> Option<Mirrors> {
    Some(Mirrors::Copies(wanted.try_into().unwrap()))
}

/// What node `us` plans in a room of these nodes, each with what it lists and takes. The shortages
/// are `seconds` old.
fn plan_of(us: usize, nodes: &[(String, Option<Mirrors>)], seconds: u64) -> Plan {
    let others = nodes.iter().enumerate().filter(|(at, _)| *at != us);
    let mut room = room(&nodes[us].0, &[]);
    room.us = node(us as u128);
    room.offers =
        others.map(|(at, (text, mirrors))| Offer { mirrors: *mirrors, ..offer(node(at as u128), text) }).collect();
    let Some(Mirrors::Copies(wanted)) = nodes[us].1 else { return room.plan() };
    room.rules.copies = Some(wanted);
    let seen = room.plan().short;
    room.shortages = Shortages::default().renewed(&seen, room.now);
    room.now += Duration::from_secs(seconds);
    room.plan()
}

/// Who takes each file, of nodes that keep copies.
fn takers(nodes: &[(String, Option<Mirrors>)], seconds: u64) -> BTreeMap<String, Vec<usize>> {
    let mut takers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for us in (0..nodes.len()).filter(|us| matches!(nodes[*us].1, Some(Mirrors::Copies(_)))) {
        for want in plan_of(us, nodes, seconds).wants {
            takers.entry(want.path.to_string()).or_default().push(us);
        }
    }
    takers
}

/// One node that only offers, and so many that keep `wanted` copies and have nothing.
fn room_of(nodes: usize, wanted: u32, files: &str) -> Vec<(String, Option<Mirrors>)> {
    let mut room = vec![(files.to_owned(), None)];
    room.resize(nodes + 1, (String::new(), copies(wanted)));
    room
}

#[test]
fn a_room_makes_exactly_the_copies_that_lack_and_spreads_them_evenly() {
    let files: String = (0..600).map(|n| format!("file{n:03},{n} ")).collect();
    for (wanted, each) in [(2, 1), (3, 2), (4, 3)] {
        let takers = takers(&room_of(6, wanted, files.trim()), 20);
        assert_eq!(takers.len(), 600);
        assert!(takers.values().all(|nodes| nodes.len() == each), "{wanted}");
        for us in 1..=6 {
            let taken = takers.values().filter(|nodes| nodes.contains(&us)).count();
            let fair = 600 * each / 6;
            assert!((fair * 7 / 10..fair * 13 / 10).contains(&taken), "{us} of {wanted}: {taken} for {fair}");
        }
    }
}

#[test]
fn who_just_came_takes_nothing_before_it_knows_the_room() {
    for (seconds, taken) in [(0, 0), (19, 0), (20, 1)] {
        assert_eq!(takers(&room_of(1, 2, "a,1"), seconds).len(), taken, "after {seconds} s");
    }
}

#[test]
fn of_what_enough_hold_nothing_is_taken_whoever_they_are() {
    for (held, wanted, takers_of_it, why) in [
        (&["a,1"][..], 2, 1, "one is missing"),
        (&["a,1", "a,1"], 2, 0, "two old nodes hold it: they tell nothing of what they mirror"),
        (&["a,1", "a,2"], 2, 1, "the other is another version"),
        (&["a,1", "a,1", "a,1"], 2, 0, "what is too much stays"),
        (&["a,1", "a,1"], 4, 2, "two are missing"),
        (&["a,1"], 9, 3, "more are missing than there are nodes"),
    ] {
        let mut nodes: Vec<(String, Option<Mirrors>)> = held.iter().map(|text| ((*text).to_owned(), None)).collect();
        nodes.resize(held.len() + 3, (String::new(), copies(wanted)));
        let of_it = takers(&nodes, 20).remove("a").unwrap_or_default();
        assert_eq!(of_it.len(), takers_of_it, "{why}");
    }
}

#[test]
fn when_the_only_holder_leaves_nobody_wants_what_nobody_has_and_when_one_of_two_leaves_the_next_takes_it() {
    let mut nodes = room_of(4, 2, "");
    assert!(takers(&nodes, 20).is_empty(), "it is gone until somebody brings it back");
    nodes[2].0 = "a,1".into();
    let after = takers(&nodes, 20).remove("a").unwrap();
    assert_eq!(after.len(), 1, "one holder is left, one more is made");
    assert_ne!(after[0], 2);
    // The first holder returns: three have it, and nobody takes it or drops it.
    nodes[0].0 = "a,1".into();
    nodes[after[0]].0 = "a,1".into();
    assert!(takers(&nodes, 20).is_empty());
}

#[test]
fn whose_turn_it_is_and_does_not_take_it_is_passed_over_in_time() {
    let room = room_of(4, 2, "a,1");
    let at = |seconds| takers(&room, seconds).remove("a").unwrap();
    let (first, second, third) = (at(20), at(80), at(140));
    assert_eq!((first.len(), second.len(), third.len(), at(10_000).len()), (1, 2, 3, 4));
    assert!(first.iter().all(|us| second.contains(us)) && second.iter().all(|us| third.contains(us)));
    let large = room_of(4, 2, &format!("a,{}", 600 << 20));
    assert_eq!(takers(&large, 619).remove("a").unwrap().len(), 1, "a large file takes longer");
}

#[test]
fn who_takes_everything_is_expected_to_and_waited_for_once() {
    let mut nodes = room_of(3, 2, "a,1");
    nodes.extend([(String::new(), Some(Mirrors::Everything)), (String::new(), Some(Mirrors::Everything))]);
    assert!(takers(&nodes, 20).is_empty(), "they make more than enough");
    let after = takers(&nodes, 80).remove("a").unwrap();
    assert_eq!(after.len(), 2, "their rules leave it out, it seems: two turns have passed");
    nodes[4].0 = "a,1".into();
    assert!(takers(&nodes, 20).is_empty(), "two hold it");
}

#[test]
fn who_keeps_fewer_copies_is_no_candidate_for_more() {
    let mut nodes = room_of(2, 3, "a,1");
    nodes.push(("a,1".into(), None));
    nodes.resize(nodes.len() + 5, (String::new(), copies(2)));
    let of_it = takers(&nodes, 20).remove("a").unwrap();
    assert_eq!(of_it.len(), 1);
    assert!([1, 2].contains(&of_it[0]), "the others are content with two");
}

#[test]
fn a_content_counts_under_whatever_name_and_a_size_alone_where_it_can_mean_one_thing() {
    let holders = |offers: &[(Uuid, &str, &[u8])]| {
        let listed: Vec<(Uuid, &str)> = offers.iter().map(|(uuid, text, _)| (*uuid, *text)).collect();
        let room = room("", &listed).with(|rules| rules.copies = Some(9.try_into().unwrap()));
        let room = offers.iter().fold(room, |room, (uuid, _, contents)| room.telling(*uuid, contents));
        room.plan().short.iter().map(|short| short.holders).collect::<Vec<_>>()
    };
    let c = Uuid::from_u128(0xc);
    assert_eq!(holders(&[(A, "doc,5", &[1]), (B, "other,5", &[1])]), [2, 2], "another name");
    assert_eq!(holders(&[(A, "doc,5", &[1]), (B, "doc,5", &[0])]), [2], "an old node");
    assert_eq!(
        holders(&[(A, "doc,5", &[1]), (B, "doc,5", &[2]), (c, "doc,5", &[0])]),
        [1, 1],
        "an old node that holds one of the two, nobody knows which"
    );
}

#[test]
fn from_whom_nothing_is_taken_holds_a_copy_all_the_same() {
    let off = |wanted: u32| {
        let mut room = room("", &[(A, "doc,5"), (B, "doc,5")]);
        room.rules.copies = Some(wanted.try_into().unwrap());
        room.offer(B).is_switched_off = true;
        room.plan()
    };
    assert_eq!((off(2).short.len(), off(2).enough_nearby.files), (0, 1));
    assert_eq!(off(3).short.iter().map(|short| short.holders).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_copy_here_follows_its_origin_however_many_hold_the_new_version() {
    let c = Uuid::from_u128(0xc);
    let room = room("doc,5", &[(A, "doc,9"), (B, "doc,9"), (c, "doc,9")]).mirrored("doc", 5, A);
    let room = room.with(|rules| rules.copies = Some(2.try_into().unwrap()));
    assert_eq!(room.wants(), ["doc,9<-5"]);
}

#[test]
fn another_version_comes_beside_only_while_too_few_hold_it() {
    let room = room("own,5", &[(A, "own,9"), (B, "own,9")]).with(|rules| rules.copies = Some(2.try_into().unwrap()));
    assert_eq!((room.wants().len(), room.outcomes()), (0, vec![Outcome::EnoughNearby]));
}
