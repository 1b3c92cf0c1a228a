//! What the operator asked for by name, and what was decided about conflicts.

use super::*;
use crate::mirror::failure::{Failure, FailureKind};
use crate::mirror::rules::ConflictPolicy;
use crate::mirror::wishes::Place;

const C: Uuid = Uuid::from_u128(0xc);

impl Room {
    /// Seen at A; `content` 0: not told.
    fn wishing(mut self, name: &str, size_bytes: u64, content: u8, place: Place) -> Self {
        let wish = Wish {
            path: LootPath::parse(name.as_bytes()).unwrap(),
            size_bytes,
            content: (content > 0).then(|| Content::new([content; 32])),
            from: A,
            from_name: DisplayText::default(),
            place,
            asked_at: 0,
            failure: None,
        };
        self.wishes.push((WishId(self.wishes.len() as u64), Arc::new(wish)));
        self
    }

    fn shared(mut self) -> Self {
        self.is_mirroring = false;
        self
    }

    fn grantings(&self) -> Vec<Granting> {
        self.plan().wishes.into_iter().map(|(_, granting)| granting).collect()
    }
}

fn here(name: &str) -> Granting {
    Granting::Here(LootPath::parse(name.as_bytes()).unwrap())
}

fn sources(want: &Want) -> Vec<Uuid> {
    want.sources.iter().map(|source| source.uuid).collect()
}

#[test]
fn in_shared_mode_what_is_wished_comes_and_nothing_else() {
    let room = room("own,1", &[(A, "asked,5 other,6"), (B, "asked,5")]).shared();
    assert!(room.wants().is_empty());
    let room = room.wishing("asked", 5, 0, Place::Beside);
    assert_eq!(room.wants(), ["asked,5"]);
    let plan = room.plan();
    assert_eq!((plan.wants[0].wish, sources(&plan.wants[0])), (Some(WishId(0)), vec![A, B]));
    assert!(plan.conflicts.is_empty());
}

#[test]
fn no_rule_of_what_the_mirror_takes_applies_to_a_wish() {
    let rules = |rules: &mut Rules| {
        *rules = Rules::new(&[], &["asked".into()], true).unwrap();
        rules.sizes = 0..=1;
    };
    let mut room = room("", &[(A, "asked?,5 small,1")]).with(rules).noted(Change::Gone("asked?"));
    room.offer(A).is_switched_off = true;
    assert!(room.wants().is_empty());
    assert_eq!(room.wishing("asked?", 5, 0, Place::Beside).wants(), ["asked?,5"]);
}

#[test]
fn a_wish_comes_first_and_once() {
    let room = room("", &[(A, "big,9 small,2"), (B, "small,2")]).wishing("big", 9, 0, Place::Beside);
    assert_eq!(room.wants(), ["big,9", "small,2"]);
}

#[test]
fn it_comes_from_whoever_has_the_same_and_follows_whom_it_was_seen_at() {
    let asked = |room: Room| room.shared().wishing("doc", 5, 1, Place::Beside);
    let three = || room("", &[(B, "doc,5"), (A, "doc,5"), (C, "copy,5")]);
    let told = asked(three().telling(A, &[1]).telling(B, &[1]).telling(C, &[1]));
    assert_eq!(sources(&told.plan().wants[0]), [A, B, C], "whom it was seen at first, other names last");
    let other = asked(three().telling(A, &[2]).telling(B, &[1]).telling(C, &[1]));
    assert_eq!(sources(&other.plan().wants[0]), [A], "it has another version now");
    let gone = asked(room("", &[(B, "doc,5"), (C, "copy,5")]).telling(B, &[2]).telling(C, &[1]));
    assert_eq!(sources(&gone.plan().wants[0]), [C]);
    let unlike = asked(room("", &[(B, "doc,5"), (C, "doc,6")]).telling(B, &[2]));
    assert_eq!(unlike.grantings(), [Granting::Nobody], "neither is known to be it");
    let mut awaited = asked(room("", &[(A, "doc,5")]));
    awaited.offer(A).awaited_from_bytes = Some(0);
    assert_eq!(awaited.grantings(), [Granting::Awaited]);
}

#[test]
fn where_it_comes_to_stand() {
    use Place::{Beside, Instead};
    type Row = (&'static str, &'static str, &'static [u8], Place, Result<&'static str, Granting>);
    // Why, what is here and what it holds; what A has is `doc,5` that holds 1.
    let rows: [Row; 10] = [
        ("its name is free", "", &[], Beside, Ok("doc,5")),
        ("in the place of nothing", "", &[], Instead, Ok("doc,5")),
        ("it is here", "doc,5", &[1], Beside, Err(here("doc"))),
        ("ours is not read yet", "doc,5", &[0], Beside, Err(Granting::Awaited)),
        ("of another size", "doc,6", &[2], Beside, Ok("doc (other 5 bytes),5")),
        ("of the same size", "doc,5", &[2], Beside, Ok("doc (other 01010101),5")),
        ("beside already", "doc,6 doc_(other_5_bytes),5", &[2, 1], Beside, Err(here("doc (other 5 bytes)"))),
        ("in the place of ours", "doc,6", &[2], Instead, Ok("doc,5<-6")),
        ("a folder has its name", "doc/x,6", &[2], Beside, Err(Granting::Impossible(FailureKind::InTheWay))),
        (
            "both names are taken",
            "doc,6 doc_(other_01010101),7 doc_(other_5_bytes),8",
            &[2, 3, 4],
            Beside,
            Err(Granting::Impossible(FailureKind::NameTaken)),
        ),
    ];
    for (why, ours, contents, place, expected) in rows {
        let room = room(ours, &[(A, "doc,5")]).telling(A, &[1]).holding(contents);
        let room = room.shared().wishing("doc", 5, 1, place);
        match expected {
            Ok(want) => assert_eq!((room.wants(), room.grantings()), (vec![want.to_owned()], vec![]), "{why}"),
            Err(granting) => assert_eq!((room.wants(), room.grantings()), (vec![], vec![granting]), "{why}"),
        }
    }
}

#[test]
fn two_wishes_for_one_name_come_beside_each_other() {
    let room = room("", &[(A, "doc,5"), (B, "doc,6")]).shared().wishing("doc", 5, 0, Place::Beside);
    let mut other = Wish::clone(&room.wishes[0].1);
    (other.size_bytes, other.from) = (6, B);
    let mut both = room;
    both.wishes.push((WishId(9), Arc::new(other)));
    assert_eq!(both.wants(), ["doc,5", "doc (other 6 bytes),6"]);
}

#[test]
fn what_failed_for_good_is_left_until_it_is_retried() {
    let mut room = room("", &[(A, "doc,5")]).shared().wishing("doc", 5, 0, Place::Beside);
    let failed = Wish { failure: Some(Failure::new(FailureKind::NotThere, "404")), ..Wish::clone(&room.wishes[0].1) };
    room.wishes[0].1 = Arc::new(failed);
    assert!(room.wants().is_empty() && room.grantings().is_empty());
}

#[test]
fn what_was_decided_is_neither_taken_nor_shown() {
    let room = room("own,5", &[(A, "own,9"), (B, "own,7")]).with(|rules| rules.conflicts = ConflictPolicy::Skip);
    assert_eq!(room.outcomes(), [Outcome::Skipped, Outcome::Skipped]);
    room.settled.leave(&LootPath::parse(b"own").unwrap(), 9, None).unwrap();
    let plan = room.plan();
    let shown: Vec<u64> = plan.conflicts.iter().map(|conflict| conflict.size_bytes).collect();
    assert_eq!((shown, plan.settled), (vec![7], 1));
}
