//! Wishes over restarts, twice, too many.

use super::*;
use crate::mirror::failure::FailureKind;

fn wish(name: &str, size_bytes: u64) -> Wish {
    Wish {
        path: LootPath::parse(name.as_bytes()).unwrap(),
        size_bytes,
        content: Some(Content::new([7; 32])),
        from: Uuid::from_u128(0xa),
        from_name: DisplayText::from_bytes(b"Galley", 9),
        place: Place::Beside,
        asked_at: 1_795_000_000,
        failure: None,
    }
}

fn names(wishes: &Wishes) -> Vec<String> {
    wishes.all().iter().map(|(_, wish)| wish.path.to_string()).collect()
}

#[test]
fn wishes_survive_a_restart_in_their_order_with_what_became_of_them() {
    let temp = tempfile::tempdir().unwrap();
    let wishes = Wishes::open(temp.path()).unwrap();
    assert_eq!(
        wishes.add(vec![wish("b", 2), wish("a", 1), Wish { place: Place::Instead, ..wish("c", 3) }]).unwrap(),
        3
    );
    let again = Wishes::open(temp.path()).unwrap();
    assert_eq!(names(&again), ["b", "a", "c"]);
    assert_eq!(*again.all()[2].1, Wish { place: Place::Instead, ..wish("c", 3) });
    again.came(again.all()[0].0);
    let failure = Failure::new(FailureKind::InTheWay, "a file and a folder want the same name");
    again.fail(again.all()[0].0, failure.clone());
    assert_eq!(names(&Wishes::open(temp.path()).unwrap()), ["b", "a", "c"], "not stored each time");
    again.save().unwrap();
    let third = Wishes::open(temp.path()).unwrap();
    assert_eq!((names(&third), third.all()[0].1.failure.clone()), (vec!["a".into(), "c".into()], Some(failure)));
}

#[test]
fn who_asks_twice_asks_once_and_what_failed_is_tried_again() {
    let wishes = Wishes::default();
    wishes.add(vec![wish("a", 1)]).unwrap();
    let id = wishes.all()[0].0;
    wishes.fail(id, Failure::new(FailureKind::NotThere, "404"));
    assert!(wishes.is_empty() && wishes.len() == 1, "nothing is to come");
    assert_eq!(wishes.add(vec![wish("a", 1), wish("a", 2)]).unwrap(), 1, "another size is another file");
    assert!(wishes.all().iter().all(|(_, wish)| wish.failure.is_none()));
    wishes.fail(id, Failure::new(FailureKind::NotThere, "404"));
    wishes.retry(None);
    assert!(wishes.all()[0].1.failure.is_none());
    wishes.cancel(Some(id));
    assert!(!wishes.holds(id) && wishes.len() == 1);
    wishes.add(vec![wish("a", 1)]).unwrap();
    assert!(!wishes.holds(id), "no number is given twice");
    wishes.cancel(None);
    assert_eq!(wishes.len(), 0);
}

#[test]
fn a_folder_comes_whole_or_not_at_all() {
    let wishes = Wishes::default();
    wishes.add(vec![wish("a", 1)]).unwrap();
    let folder = |files: usize| (0..files).map(|n| wish(&format!("d/{n}"), 1)).collect::<Vec<_>>();
    assert!(matches!(wishes.add(folder(WISHES_MAX)), Err(WishError::TooMany)));
    assert_eq!(wishes.len(), 1);
    assert_eq!(wishes.add(folder(WISHES_MAX - 1)).unwrap(), WISHES_MAX - 1);
}

#[test]
fn a_change_wakes_who_plans_and_a_damaged_name_costs_only_itself() {
    let temp = tempfile::tempdir().unwrap();
    let wishes = Wishes::open(temp.path()).unwrap();
    let mut woken = wishes.subscribe();
    woken.mark_unchanged();
    wishes.add(vec![wish("good", 1), wish("evil", 1)]).unwrap();
    assert!(woken.has_changed().unwrap());
    let file = temp.path().join("wishes");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("evil", "../evil")).unwrap();
    assert_eq!(names(&Wishes::open(temp.path()).unwrap()), ["good"]);
}
