//! The plan as tables: what we have, what they have, what is to be done.

use super::*;
use crate::loot::Ledger;
use crate::loot::ledger::Mirrored;
use crate::loot::listing::Change;

const A: Uuid = Uuid::from_u128(0xa);
const B: Uuid = Uuid::from_u128(0xb);

struct Room {
    ours: Index,
    ledger: Ledger,
    offers: Vec<Offer>,
    lasted: bool,
    _temp: tempfile::TempDir,
}

fn index(text: &str) -> Index {
    Index::parse(text.replace(' ', "\n").replace('_', " ").as_bytes()).unwrap().0
}

/// `ours` and each of the neighbours' indexes, lines separated by blanks, `_` for a blank.
fn room(ours: &str, offers: &[(Uuid, &str)]) -> Room {
    let temp = tempfile::tempdir().unwrap();
    Room {
        ours: index(ours),
        ledger: Ledger::open(&temp.path().join("ledger")).unwrap(),
        offers: offers.iter().map(|(uuid, text)| Offer { uuid: *uuid, index: Arc::new(index(text)) }).collect(),
        lasted: true,
        _temp: temp,
    }
}

impl Room {
    fn passing(mut self) -> Self {
        self.lasted = false;
        self
    }

    fn mirrored(self, name: &str, size_bytes: u64, origin: Uuid) -> Self {
        let entry = Mirrored { size_bytes, modified_ns: 0, origin, from: "n".into(), at: 0 };
        self.ledger.note_mirrored(&LootPath::parse(name.as_bytes()).unwrap(), entry, None);
        self
    }

    fn noted(self, change: Change) -> Self {
        self.ledger.note_changes(&[change]);
        self
    }

    fn plan(&self) -> Plan {
        let rules = Rules::new(&[], &[], true).unwrap();
        let lasted = self.lasted;
        let facts = self.ledger.facts();
        plan(&View {
            ours: &self.ours,
            facts: &facts,
            offers: &self.offers,
            rules: &rules,
            has_lasted: |_: &str, _| lasted,
        })
    }

    /// `path,size[<-replaced]` of each want.
    fn wants(&self) -> Vec<String> {
        let line = |want: Want| {
            let replaced = want.replaces.map(|size| format!("<-{size}")).unwrap_or_default();
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
    let room = room("have,1", &[(A, "big,9 have,1 small,2"), (B, "small,2 /slashed,3")]);
    assert_eq!(room.wants(), ["small,2", "slashed,3", "big,9"]);
    let plan = room.plan();
    assert_eq!(plan.wants[0].sources.iter().map(|s| s.uuid).collect::<Vec<_>>(), [A, B]);
    assert_eq!(plan.wants[1].sources[0].listed_name, "/slashed");
    assert_eq!(plan.wanted_bytes(), 14);
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
    let room = room("doc,9", &[(B, "doc,5")]).noted(Change::Altered("doc".into(), 5));
    assert_eq!((room.wants().len(), room.outcomes().len()), (0, 0));
}

#[test]
fn an_origin_that_goes_back_to_an_earlier_version_is_followed() {
    let back = room("doc,6", &[(A, "doc,5")]).noted(Change::Altered("doc".into(), 5)).mirrored("doc", 6, A);
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
    let room = room("", &[(A, "gone,5 new,1")]).noted(Change::Gone("gone".into()));
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
