//! The plan as tables: what we have, what they have, what is to be done.

mod asked;
mod copies;
mod newest;
mod wishes;

use std::time::Duration;

use super::*;
use crate::loot::Ledger;
use crate::loot::ledger::Mirrored;
use crate::loot::listing::Change;
use crate::mirror::settled::Settled;
use crate::wire::Digests;
use crate::wire::napster::Md5;

const A: Uuid = Uuid::from_u128(0xa);
const B: Uuid = Uuid::from_u128(0xb);

struct Room {
    ours: Arc<Index>,
    digests: DigestTable,
    ledger: Ledger,
    offers: Vec<Offer>,
    lasted: bool,
    rules: Rules,
    us: Uuid,
    shortages: Shortages,
    wishes: Vec<(WishId, Arc<Wish>)>,
    settled: Settled,
    is_mirroring: bool,
    now: Instant,
    _temp: tempfile::TempDir,
}

fn index(text: &str) -> Index {
    Index::parse(text.replace(' ', "\n").replace('_', " ").as_bytes()).unwrap().0
}

fn digests(contents: &[u8]) -> Vec<Option<Digests>> {
    let of = |byte: &u8| (*byte > 0).then(|| Digests { md5: Md5::new([*byte; 16]), blake3: [*byte; 32] });
    contents.iter().map(of).collect()
}

/// Nothing is told of the contents.
fn offer(uuid: Uuid, text: &str) -> Offer {
    let (name, index) = (DisplayText::from_bytes(format!("node {uuid}").as_bytes(), 64), Arc::new(index(text)));
    Offer { uuid, name, index, digests: None, awaited_from_bytes: None, mirrors: None, is_switched_off: false }
}

/// `ours` and each of the neighbours' indexes, lines separated by blanks, `_` for a blank.
fn room(ours: &str, offers: &[(Uuid, &str)]) -> Room {
    let temp = tempfile::tempdir().unwrap();
    Room {
        ours: Arc::new(index(ours)),
        digests: DigestTable::default(),
        ledger: Ledger::open(&temp.path().join("ledger")).unwrap(),
        offers: offers.iter().map(|(uuid, text)| offer(*uuid, text)).collect(),
        lasted: true,
        rules: Rules::new(&[], &[], true).unwrap(),
        us: Uuid::from_u128(0x05),
        shortages: Shortages::default(),
        wishes: Vec::new(),
        settled: Settled::default(),
        is_mirroring: true,
        now: Instant::now(),
        _temp: temp,
    }
}

impl Room {
    fn passing(mut self) -> Self {
        self.lasted = false;
        self
    }

    fn with(mut self, say: impl FnOnce(&mut Rules)) -> Self {
        say(&mut self.rules);
        self
    }

    fn offer(&mut self, uuid: Uuid) -> &mut Offer {
        self.offers.iter_mut().find(|offer| offer.uuid == uuid).unwrap()
    }

    /// When a neighbour's files were changed last, in the order of their names.
    fn dated(mut self, uuid: Uuid, times: &[i64]) -> Self {
        let offer = self.offer(uuid);
        let table = DigestTable::clone(offer.digests.as_ref().unwrap()).with_mtimes(times.to_vec());
        offer.digests = Some(Arc::new(table));
        self
    }

    fn mirrored(self, name: &str, size_bytes: u64, origin: Uuid) -> Self {
        let entry = Mirrored { size_bytes, modified_ns: 0, content: None, origin, from: "n".into(), at: 0 };
        self.ledger.note_mirrored(&LootPath::parse(name.as_bytes()).unwrap(), entry, None);
        self
    }

    fn mirrored_with(self, name: &str, size_bytes: u64, origin: Uuid, content: u8) -> Self {
        let content = Some(Content::new([content; 32]));
        let entry = Mirrored { size_bytes, modified_ns: 0, content, origin, from: "n".into(), at: 0 };
        self.ledger.note_mirrored(&LootPath::parse(name.as_bytes()).unwrap(), entry, None);
        self
    }

    /// The mirror brought another version in the place of the one it had brought.
    fn replaced_by(self, name: &str, size_bytes: u64, content: u8) -> Self {
        let content = Some(Content::new([content; 32]));
        let entry = Mirrored { size_bytes, modified_ns: 0, content, origin: A, from: "n".into(), at: 0 };
        self.ledger.note_mirrored(&LootPath::parse(name.as_bytes()).unwrap(), entry, Some(size_bytes));
        self
    }

    /// What our files hold, in the order of their names; 0: not read yet.
    fn holding(mut self, contents: &[u8]) -> Self {
        self.digests = DigestTable::new(self.ours.clone(), digests(contents));
        self
    }

    /// What a neighbour tells of its files, likewise.
    fn telling(mut self, uuid: Uuid, contents: &[u8]) -> Self {
        let offer = self.offer(uuid);
        offer.digests = Some(Arc::new(DigestTable::new(offer.index.clone(), digests(contents))));
        self
    }

    fn noted(self, change: Change) -> Self {
        self.ledger.note_changes([change]);
        self
    }

    fn plan(&self) -> Plan {
        let lasted = self.lasted;
        let facts = self.ledger.facts();
        plan(&View {
            us: self.us,
            ours: &self.ours,
            digests: &self.digests,
            facts: &facts,
            offers: &self.offers,
            rules: &self.rules,
            has_lasted: |_: &str, _, _| lasted,
            shortages: &self.shortages,
            is_mirroring: self.is_mirroring,
            wishes: &self.wishes,
            decided: &self.settled.decided(),
            now: self.now,
        })
    }

    /// `path,size[<-replaced]` of each want.
    fn wants(&self) -> Vec<String> {
        let line = |want: Want| {
            let replaced = want.replaces.map(|replaced| format!("<-{}", replaced.size_bytes)).unwrap_or_default();
            format!("{},{}{replaced}", want.path, want.size_bytes)
        };
        self.plan().wants.into_iter().map(line).collect()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.plan().conflicts.into_iter().map(|conflict| conflict.outcome).collect()
    }
}

#[test]
fn what_is_missing_is_fetched_from_all_who_have_it_small_ones_first() {
    let room = room("have,1", &[(A, "big,9 have,1 small,2"), (B, "small,2 /slashed,4")]);
    assert_eq!(room.wants(), ["small,2", "slashed,4", "big,9"]);
    let plan = room.plan();
    assert_eq!(plan.wants[0].sources.iter().map(|s| s.uuid).collect::<Vec<_>>(), [A, B]);
    assert_eq!(plan.wants[1].sources[0].listed_name, "/slashed");
    assert_eq!(plan.wanted_bytes(), 15);
}

#[test]
fn a_file_of_the_user_is_never_replaced_the_other_version_comes_beside_it() {
    let room = room("own.txt,5", &[(A, "own.txt,9")]);
    assert_eq!(room.wants(), ["own (other 9 bytes).txt,9"]);
    assert!(matches!(room.outcomes()[0], Outcome::Fetching(_)));
}

#[test]
fn a_conflict_that_may_pass_is_not_acted_upon() {
    let room = room("own.txt,5", &[(A, "own.txt,9")]).passing();
    assert!(room.wants().is_empty());
    assert_eq!(room.outcomes(), [Outcome::Waiting]);
}

#[test]
fn a_room_with_two_versions_settles() {
    // Both nodes hold both versions, each under its own view: nothing is left to do.
    let both = room("own.txt,5 own_(other_9_bytes).txt,9", &[(A, "own.txt,9 own_(other_5_bytes).txt,5")]);
    assert!(both.wants().is_empty(), "{:?}", both.wants());
    assert!(matches!(both.outcomes()[..], [Outcome::KeptBeside(_)]));
}

#[test]
fn a_mirrored_file_follows_its_origin_but_only_that() {
    let changed = || room("doc,5", &[(A, "doc,9")]).mirrored("doc", 5, A);
    assert_eq!(changed().wants(), ["doc,9<-5"]);
    let elsewhere = room("doc,5", &[(B, "doc,9")]).mirrored("doc", 5, A);
    assert_eq!(elsewhere.wants(), ["doc (other 9 bytes),9"]);
    // The user changed our copy: it is the user's now.
    let edited = room("doc,6", &[(A, "doc,9")]).mirrored("doc", 5, A);
    assert_eq!(edited.wants(), ["doc (other 9 bytes),9"]);
}

#[test]
fn a_version_that_was_left_behind_does_not_come_back() {
    let room = room("doc,9", &[(B, "doc,5")]).noted(Change::Altered("doc", 5));
    assert_eq!((room.wants().len(), room.outcomes().len()), (0, 0));
}

#[test]
fn an_origin_that_goes_back_to_an_earlier_version_is_followed() {
    let back = room("doc,6", &[(A, "doc,5")]).noted(Change::Altered("doc", 5)).mirrored("doc", 6, A);
    assert_eq!(back.wants(), ["doc,5<-6"]);
}

#[test]
fn a_replacement_comes_from_the_origin_alone() {
    let changed = room("doc,5", &[(A, "doc,9"), (B, "doc,9")]).mirrored("doc", 5, A);
    let sources: Vec<Uuid> = changed.plan().wants[0].sources.iter().map(|source| source.uuid).collect();
    assert_eq!(sources, [A]);
}

#[test]
fn one_name_is_wanted_once() {
    let room = room("own.txt,5", &[(A, "own.txt,9 own_(other_9_bytes).txt,9")]);
    assert_eq!(room.wants(), ["own (other 9 bytes).txt,9"]);
}

#[test]
fn versions_kept_beside_a_name_are_bounded() {
    let kept: String = (10..18).map(|n| format!(" log_(other_{n}_bytes).txt,{n}")).collect();
    let room = room(&format!("log.txt,1{kept}"), &[(A, "log.txt,99")]);
    assert_eq!((room.wants().len(), room.outcomes()), (0, vec![Outcome::OnlyShown]));
}

#[test]
fn who_is_not_the_origin_cannot_replace_what_it_offered_too() {
    let both = room("doc,5000", &[(A, "doc,5000"), (B, "doc,5")]).mirrored("doc", 5000, A);
    assert_eq!(both.wants(), ["doc (other 5 bytes),5"]);
}

#[test]
fn what_was_deleted_here_stays_deleted() {
    let room = room("", &[(A, "gone,5 new,1")]).noted(Change::Gone("gone"));
    assert_eq!(room.wants(), ["new,1"]);
    assert_eq!(room.plan().deleted_here, 1);
}

#[test]
fn of_two_versions_nearby_the_commoner_gets_the_name() {
    let room = room("", &[(A, "doc,5"), (B, "doc,9"), (Uuid::from_u128(0xc), "doc,9")]);
    assert_eq!(room.wants(), ["doc (other 5 bytes),5", "doc,9"]);
}

#[test]
fn a_file_where_a_folder_is_needed_is_a_conflict() {
    for (ours, theirs) in [("file,1", "file/child,2"), ("folder/child,1", "folder,2")] {
        let room = room(ours, &[(A, theirs)]);
        assert!(room.wants().is_empty(), "{theirs}");
        assert_eq!(room.outcomes(), [Outcome::CannotStandTogether], "{theirs}");
    }
}

#[test]
fn names_that_differ_only_in_case_are_a_conflict() {
    let here = room("Readme,1", &[(A, "README,2")]);
    assert_eq!((here.wants().len(), here.outcomes()), (0, vec![Outcome::CannotStandTogether]));
    let coming = room("", &[(A, "Straße,1"), (B, "STRASSE,1")]);
    assert_eq!(coming.wants().len(), 1);
}

#[test]
fn names_some_system_cannot_store_are_left_and_said() {
    let room = room("", &[(A, "What?.mp3,1 Tom:a,2")]);
    assert_eq!(room.wants(), ["Tom:a,2"]);
    assert_eq!(room.plan().not_portable.len(), 1);
}

#[test]
fn sizes_beyond_all_disks_do_not_overflow() {
    let room = room("", &[(A, &format!("a,{0} b,{0} c,{0}", i64::MAX))]);
    assert_eq!(room.plan().wanted_bytes(), u64::MAX);
}

#[test]
fn versions_of_equal_size_are_told_apart_by_what_they_hold() {
    let other = Content::new([2; 32]).short();
    let beside = format!("doc (other {other}).txt,5");
    for (ours, held, offers, wants, why) in [
        ("doc.txt,5", &[1][..], &[(A, "doc.txt,5", &[1][..])][..], vec![], "the same"),
        ("doc.txt,5", &[1], &[(A, "doc.txt,5", &[2])], vec![beside.clone()], "another of the same size"),
        ("doc.txt,5", &[0], &[(A, "doc.txt,5", &[2])], vec![], "ours is still to be read"),
        ("doc.txt,5", &[1], &[(A, "doc.txt,5", &[0])], vec![], "theirs is not told"),
        ("", &[], &[(A, "doc.txt,5", &[1]), (B, "doc.txt,5", &[2])], vec![beside, "doc.txt,5".into()], "both are new"),
        (
            "doc.txt,5 doc_(other_02020202).txt,5",
            &[2, 1],
            &[(A, "doc.txt,5 doc_(other_01010101).txt,5", &[1, 2])],
            vec![],
            "a room that settled",
        ),
        (
            "doc.txt,9",
            &[9],
            &[(A, "doc.txt,5", &[1]), (B, "doc.txt,5", &[2])],
            vec!["doc (other 01010101).txt,5".into(), "doc (other 02020202).txt,5".into()],
            "two others of one size",
        ),
        (
            "doc.txt,9 doc_(other_5_bytes).txt,5",
            &[1, 9],
            &[(A, "doc.txt,5", &[2])],
            vec!["doc (other 02020202).txt,5".into()],
            "the name by its size is taken by another",
        ),
    ] {
        let listed: Vec<(Uuid, &str)> = offers.iter().map(|(uuid, text, _)| (*uuid, *text)).collect();
        let room = room(ours, &listed).holding(held);
        let room = offers.iter().fold(room, |room, (uuid, _, contents)| room.telling(*uuid, contents));
        let mut wanted = room.wants();
        wanted.sort_unstable();
        assert_eq!(wanted, wants, "{why}");
    }
}

#[test]
fn who_tells_a_content_is_preferred_to_who_tells_none() {
    let room = room("", &[(A, "doc,5"), (B, "doc,5")]).telling(B, &[1]);
    let wants = room.plan().wants;
    assert_eq!((wants.len(), wants[0].content()), (1, Some(Content::new([1; 32]))));
    assert_eq!(wants[0].sources.iter().map(|source| source.uuid).collect::<Vec<_>>(), [B]);
}

#[test]
fn who_has_the_content_under_another_name_can_give_it() {
    let room = room("other,5", &[(A, "doc,5"), (B, "other,5")]).telling(A, &[1]).telling(B, &[1]).holding(&[1]);
    let want = room.plan().wants.remove(0);
    let sources: Vec<_> = want.sources.iter().map(|s| (s.uuid, s.listed_name.as_str(), s.by_content)).collect();
    assert_eq!(sources, [(A, "doc", false), (B, "other", true)]);
    assert_eq!(want.origin(&want.sources[1]), A, "whoever gave it, the name is that of the first");
}

#[test]
fn a_change_of_the_same_size_is_followed_and_may_come_from_anybody_who_has_it() {
    let changed = room("doc,5", &[(A, "doc,5"), (B, "doc,5")]).holding(&[1]).telling(A, &[2]).telling(B, &[2]);
    let changed = changed.mirrored_with("doc", 5, A, 1);
    assert_eq!(changed.wants(), ["doc,5<-5"]);
    let want = changed.plan().wants.remove(0);
    assert_eq!(want.sources.len(), 2);
    assert_eq!(want.origin(&want.sources[1]), A);
    // The user changed our copy, which kept its size: it is the user's now.
    let edited = room("doc,5", &[(A, "doc,5")]).holding(&[3]).telling(A, &[2]).mirrored_with("doc", 5, A, 1);
    assert_eq!(edited.wants(), ["doc (other 02020202),5"]);
}

#[test]
fn a_version_of_the_same_size_that_was_left_behind_does_not_come_back() {
    let replaced =
        || room("doc,5", &[(B, "doc,5")]).holding(&[2]).mirrored_with("doc", 5, A, 1).replaced_by("doc", 5, 2);
    assert!(replaced().telling(B, &[1]).wants().is_empty());
    assert_eq!(replaced().telling(B, &[3]).wants(), ["doc (other 03030303),5"]);
}

#[test]
fn what_will_be_told_in_a_moment_is_waited_for() {
    let mut coming = room("own,1", &[(A, "new,5 own,2")]);
    coming.offers[0].awaited_from_bytes = Some(0);
    assert_eq!((coming.wants().len(), coming.outcomes()), (0, vec![Outcome::Waiting]));
    let mut told = room("", &[(A, "new,5")]).telling(A, &[1]);
    told.offers[0].awaited_from_bytes = Some(0);
    assert_eq!(told.wants(), ["new,5"]);
    let mut large = room("", &[(A, "large,5 small,4")]);
    large.offers[0].awaited_from_bytes = Some(5);
    assert_eq!(large.wants(), ["small,4"], "only what is worth it");
}
