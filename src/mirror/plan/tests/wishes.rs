//! What the operator wishes: sizes, neighbours, order, conflicts.

use super::*;
use crate::mirror::rules::{Order, Whom};

fn names(said: &[&str]) -> Vec<String> {
    said.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn what_is_too_small_or_too_large_is_left_and_counted() {
    let room = room("own,3", &[(A, "own,9 small,1 fits,5 large,99"), (B, "large,4")]).with(|rules| rules.sizes = 3..=9);
    assert_eq!(room.wants(), ["large,4", "fits,5", "own (other 9 bytes),9"]);
    assert_eq!(room.plan().by_rule, 2, "one name, and one version of another");
}

#[test]
fn nothing_is_taken_from_whom_the_operator_does_not_want() {
    let room = |only: &[&str], never: &[&str]| {
        let whom = Whom::new(&names(only), &names(never)).unwrap();
        let room = room("own,1", &[(A, "of_a,1 both,2 own,7"), (B, "of_b,3 both,2 own,8")]);
        room.with(|rules| rules.whom = whom)
    };
    let (name_of_a, b) = (format!("node {A}"), B.to_string());
    for (only, never, why) in [
        (&[name_of_a.as_str()][..], &[][..], "only from A, by its name"),
        (&[], &[b.as_str()], "never from B, by its uuid"),
        (&[name_of_a.as_str(), &b], &[b.as_str()], "never wins"),
    ] {
        let room = room(only, never);
        assert_eq!(room.wants(), ["of a,1", "both,2", "own (other 7 bytes),7"], "{why}");
        let plan = room.plan();
        assert!(plan.wants.iter().flat_map(|want| &want.sources).all(|source| source.uuid == A), "{why}");
        assert_eq!(plan.conflicts.len(), 1, "{why}");
    }
}

#[test]
fn who_is_switched_off_gives_nothing_under_any_name() {
    let mut room = room("", &[(A, "doc,5"), (B, "doc,5 other,5")]).telling(A, &[1]).telling(B, &[1, 1]);
    room.offer(B).is_switched_off = true;
    let plan = room.plan();
    assert_eq!(plan.wants.iter().map(|want| want.path.as_str()).collect::<Vec<_>>(), ["doc"]);
    assert_eq!(plan.wants[0].sources.iter().map(|source| source.uuid).collect::<Vec<_>>(), [A]);
}

#[test]
fn what_is_told_by_whom_nothing_is_taken_from_does_not_hide_what_another_has() {
    let mut room = room("", &[(A, "doc,5"), (B, "doc,5")]).telling(B, &[1]);
    room.offer(B).is_switched_off = true;
    assert_eq!(room.wants(), ["doc,5"]);
    assert_eq!(room.plan().wants[0].content(), None, "A tells nothing of it");
    room.offer(A).awaited_from_bytes = Some(0);
    assert!(room.wants().is_empty(), "A may tell in a moment, whatever B told");
}

#[test]
fn wants_stand_in_the_order_that_was_wished() {
    let c = Uuid::from_u128(0xc);
    let room = |order| {
        let offers = [(A, "a,1 b,2 c,3 d,4"), (B, "a,1 c,3"), (c, "a,1 b,2 old,9")];
        let room = room("", &offers).telling(A, &[1, 2, 3, 0]).telling(B, &[1, 3]).telling(c, &[1, 2, 9]);
        let room = room.dated(A, &[10, 30, 50, 0]).dated(B, &[10, 40]).dated(c, &[10, 30, -7]);
        room.with(|rules| rules.order = order)
    };
    for (order, expected, why) in [
        (Order::SmallFirst, ["a,1", "b,2", "c,3", "d,4", "old,9"], "by size"),
        (Order::RarestFirst, ["d,4", "old,9", "b,2", "c,3", "a,1"], "one holder, then two, then three"),
        (Order::NewestFirst, ["c,3", "b,2", "a,1", "old,9", "d,4"], "the earliest time of each; untold last"),
    ] {
        assert_eq!(room(order).wants(), expected, "{why}");
    }
}

#[test]
fn one_name_is_wanted_once_in_any_order() {
    for order in [Order::SmallFirst, Order::RarestFirst, Order::NewestFirst] {
        let offers =
            [(A, "own.txt,5 own_(other_9_bytes).txt,9"), (B, "own.txt,9"), (Uuid::from_u128(0xc), "own.txt,9")];
        let room = room("own.txt,5", &offers).with(|rules| rules.order = order);
        assert_eq!(room.wants(), ["own (other 9 bytes).txt,9"], "{order:?}");
    }
}

#[test]
fn where_conflicts_are_skipped_nothing_comes_beside_but_copies_follow_their_origin() {
    let skip = |rules: &mut Rules| rules.conflicts = ConflictPolicy::Skip;
    for (ours, theirs, wants, outcomes, why) in [
        ("own,5", "own,9", &[][..], &[Outcome::Skipped][..], "beside what is the user's"),
        ("", "new,9", &["new,9"], &[], "no conflict"),
    ] {
        let room = room(ours, &[(A, theirs)]).with(skip);
        assert_eq!((room.wants(), room.outcomes()), (names(wants), outcomes.to_vec()), "{why}");
    }
    let two = room("", &[(A, "new,5"), (B, "new,9")]).with(skip);
    assert_eq!((two.wants(), two.outcomes()), (names(&["new,5"]), vec![Outcome::Skipped]));
    let followed = room("doc,5", &[(A, "doc,9")]).mirrored("doc", 5, A).with(skip);
    assert_eq!(followed.wants(), ["doc,9<-5"]);
    let beside = LootPath::parse(b"own (other 9 bytes)").unwrap();
    let before = room("own,5 own_(other_9_bytes),9", &[(A, "own,9")]).with(skip);
    assert_eq!(before.outcomes(), [Outcome::KeptBeside(beside)], "what is here stays, and is said");
}
