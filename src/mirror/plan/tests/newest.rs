//! The conflict policy "newest from origin": what may take the place of what.

use super::*;

/// Our `doc` of content 1 came from A at second 100; B offers another.
fn held(theirs: u8, time: i64) -> Room {
    let room = room("doc,5", &[(B, "doc,5")]).holding(&[1]).came("doc", 5, A, 1, 100).telling(B, &[theirs]);
    room.dated(B, &[time]).newest()
}

impl Room {
    fn newest(self) -> Self {
        self.with(|rules| rules.conflicts = ConflictPolicy::NewestFromOrigin)
    }

    /// The mirror brought it, and was told that time.
    fn came(self, name: &str, size_bytes: u64, origin: Uuid, content: u8, second: i64) -> Self {
        let content = Some(Content::new([content; 32]));
        let modified_ns = second * 1_000_000_000 + 1;
        let entry = Mirrored { size_bytes, modified_ns, content, origin, from: "n".into(), at: 0 };
        self.ledger.note_mirrored(&LootPath::parse(name.as_bytes()).unwrap(), entry, None);
        self
    }
}

#[test]
fn a_newer_version_takes_the_place_of_what_the_mirror_brought_whoever_has_it() {
    let newer = held(2, 101);
    assert_eq!((newer.wants(), newer.outcomes()), (vec!["doc,5<-5".to_owned()], vec![Outcome::Replacing]));
    let want = newer.plan().wants.remove(0);
    assert_eq!(
        want.origin(&want.sources[0]),
        B,
        "who has the new one is its origin: the old one's is not followed back"
    );
    assert_eq!((want.content(), want.mtime), (Some(Content::new([2; 32])), Some(101)));
}

#[test]
fn what_is_not_newer_is_only_shown() {
    for time in [100, 99, -1] {
        let older = held(2, time);
        assert_eq!((older.wants().len(), older.outcomes()), (0, vec![Outcome::Older]), "{time}");
    }
}

#[test]
fn a_newer_version_must_last() {
    let passing = held(2, 101).passing();
    assert_eq!((passing.wants().len(), passing.outcomes()), (0, vec![Outcome::Waiting]));
}

#[test]
fn what_the_user_put_or_changed_here_is_never_replaced() {
    let beside = "doc (other 02020202),5";
    let put = || room("doc,5", &[(B, "doc,5")]).telling(B, &[2]).dated(B, &[999]).newest();
    for (room, wants, why) in [
        (put().holding(&[1]), vec![beside], "the user's own"),
        (put().holding(&[3]).came("doc", 5, A, 1, 100), vec![beside], "changed here, of the same size"),
        (put().holding(&[0]).came("doc", 5, A, 1, 100), vec![], "not read yet: it may be changed"),
        (put().holding(&[1]).mirrored("doc", 5, A), vec![beside], "of an old record: nobody knows what came"),
    ] {
        assert!(room.wants().iter().all(|want| !want.contains("<-")), "{why}");
        assert_eq!(room.wants(), wants, "{why}");
    }
}

#[test]
fn a_version_without_a_told_content_or_time_comes_beside() {
    let untold = room("doc,5", &[(B, "doc,9")]).holding(&[1]).came("doc", 5, A, 1, 100).newest();
    assert_eq!(untold.wants(), ["doc (other 9 bytes),9"]);
    let without_time = untold.telling(B, &[2]);
    assert_eq!(without_time.wants(), ["doc (other 9 bytes),9"]);
}

#[test]
fn the_origin_is_followed_as_ever_but_a_newer_version_elsewhere_is_preferred() {
    let offers = [(A, "doc,5"), (B, "doc,5")];
    let room = |a: i64, b: i64| {
        let room = room("doc,5", &offers).holding(&[1]).came("doc", 5, A, 1, 100).telling(A, &[2]).telling(B, &[3]);
        let wants = room.dated(A, &[a]).dated(B, &[b]).newest().plan().wants;
        let want = wants.into_iter().find(|want| want.path.as_str() == "doc").unwrap();
        (want.content().unwrap(), want.replaces.unwrap().origin)
    };
    assert_eq!(room(200, 300), (Content::new([3; 32]), B), "the newer of the two");
    assert_eq!(room(300, 200), (Content::new([2; 32]), A), "the newer of the two");
    assert_eq!(room(50, 50), (Content::new([2; 32]), A), "its origin went back to an older one");
}

#[test]
fn what_was_replaced_here_does_not_come_back_with_a_newer_time() {
    let room = held(2, 500).replaced_by("doc", 5, 3).holding(&[3]);
    assert_eq!(room.wants(), ["doc,5<-5"], "another one does");
    let back = super::room("doc,5", &[(B, "doc,5")]).holding(&[1]).came("doc", 5, A, 1, 100).newest();
    let back = back.replaced_by("doc", 5, 2).holding(&[2]).telling(B, &[1]).dated(B, &[999]);
    assert_eq!((back.wants().len(), back.outcomes().len()), (0, 0));
}

#[test]
fn a_copy_is_as_old_as_the_earliest_time_that_is_told_of_it() {
    // B's copy landed late, on a node that keeps no times; C tells that of the original.
    let c = Uuid::from_u128(0xc);
    let room = room("doc,5", &[(B, "doc,5"), (c, "doc,5")]).holding(&[1]).came("doc", 5, A, 1, 100);
    let room = room.telling(B, &[2]).telling(c, &[2]).dated(B, &[900]).dated(c, &[50]).newest();
    assert_eq!((room.wants().len(), room.outcomes()), (0, vec![Outcome::Older]));
}

#[test]
fn of_a_name_that_is_not_here_the_newest_version_comes_alone() {
    let c = Uuid::from_u128(0xc);
    let offers = [(A, "doc,5"), (B, "doc,6"), (c, "doc,6")];
    let room = room("", &offers).telling(A, &[1]).telling(B, &[2]).telling(c, &[2]);
    let room = room.dated(A, &[200]).dated(B, &[100]).dated(c, &[100]).newest();
    assert_eq!((room.wants(), room.outcomes()), (vec!["doc,5".to_owned()], vec![Outcome::Older]));
}
