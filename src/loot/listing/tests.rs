//! The listing and its looks.

use super::*;
use crate::loot::FileFacts;
use crate::loot::folder::FileId;
use crate::loot::scan::Met;
use crate::wire::index::INDEX_MAX_ENTRIES;

fn facts(size_bytes: u64) -> FileFacts {
    FileFacts { size_bytes, modified_ns: 0, changed_ns: 0, id: FileId { device: 1, inode: 1 } }
}

/// Looks at names, each with the files that are there now. Returns what changed.
fn look(listing: &mut Listing, places: &[(&str, &[(&str, u64)])]) -> Vec<String> {
    look_while(listing, places, &|_| false)
}

fn look_while(
    listing: &mut Listing,
    places: &[(&str, &[(&str, u64)])],
    is_being_written: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut look = listing.look(is_being_written);
    for (place, files) in places {
        look.at(place);
        files.iter().for_each(|(name, size)| look.meet(Met::File(name, facts(*size))));
    }
    let found = look.end();
    taken_over(listing, found)
}

fn taken_over(listing: &mut Listing, found: Found) -> Vec<String> {
    let changes = found.changes(listing).map(|change| format!("{change:?}").replace('"', "")).collect();
    let before = listing.index().clone();
    let edit = listing.apply(found);
    assert_eq!((edit.len_before(), edit.len_after()), (before.len(), listing.index().len()));
    assert_eq!(listing.marks.len(), listing.index().len());
    changes
}

fn provisional(index: Index) -> Listing {
    Listing::provisional(Arc::new(index), Marker::default())
}

fn text(listing: &Listing) -> String {
    String::from_utf8(listing.index().text().to_vec()).unwrap()
}

#[test]
fn a_look_at_a_folder_replaces_just_that_folder() {
    let mut listing = Listing::default();
    look(&mut listing, &[("", &[("d-x", 3), ("d/a", 1), ("d/b", 2), ("d0", 4)])]);
    let changes = look(&mut listing, &[("d", &[("d/b", 5), ("d/c", 6)])]);
    assert_eq!(changes, ["Gone(d/a)", "Altered(d/b, 2)", "Appeared(d/c)"]);
    assert_eq!(text(&listing), "d-x,3\nd/b,5\nd/c,6\nd0,4\n");
    assert!(look(&mut listing, &[("", &[("d-x", 3), ("d/b", 5), ("d/c", 6), ("d0", 4)])]).is_empty());
}

#[test]
fn a_look_at_several_names_is_one_change_of_the_index() {
    let mut listing = Listing::default();
    look(&mut listing, &[("", &[("a", 1), ("d", 2), ("e/x", 3), ("f", 4)])]);
    let places: [(&str, &[(&str, u64)]); 4] =
        [("a", &[]), ("d", &[("d/z", 1)]), ("d-x", &[("d-x", 7)]), ("f", &[("f", 5)])];
    let changes = look(&mut listing, &places);
    assert_eq!(changes, ["Gone(a)", "Gone(d)", "Appeared(d-x)", "Appeared(d/z)", "Altered(f, 4)"]);
    assert_eq!(text(&listing), "d-x,7\nd/z,1\ne/x,3\nf,5\n");
}

#[test]
fn what_lies_in_an_unreadable_folder_stays_known() {
    let mut listing = Listing::default();
    look(&mut listing, &[("", &[("a", 1), ("b", 1), ("d/x", 2), ("e", 3)])]);
    let mut look = listing.look(&|_| false);
    look.at("");
    look.meet(Met::File("a", facts(1)));
    look.meet(Met::Unreadable("d"));
    let found = look.end();
    assert_eq!(found.met(), 2);
    assert_eq!(taken_over(&mut listing, found), ["Gone(b)", "Gone(e)"]);
    assert_eq!(text(&listing), "a,1\nd/x,2\n");
}

#[test]
fn a_file_that_kept_its_size_is_touched_whatever_else_changed() {
    let mut listing = Listing::default();
    look(&mut listing, &[("", &[("a", 1)])]);
    assert!(look(&mut listing, &[("", &[("a", 1)])]).is_empty());
    let first = facts(1);
    let later = [
        FileFacts { modified_ns: 1, ..first },
        FileFacts { changed_ns: 1, ..first },
        FileFacts { id: FileId { device: 1, inode: 2 }, ..first },
    ];
    for facts in later {
        for expected in [&["Touched(a)".to_owned()][..], &[]] {
            let mut look = listing.look(&|_| false);
            look.at("a");
            look.meet(Met::File("a", facts));
            let found = look.end();
            assert!(!found.changes_index());
            assert_eq!(taken_over(&mut listing, found), expected, "{facts:?}");
        }
    }
}

#[test]
fn a_stored_index_is_confirmed_by_the_first_look_and_not_changed() {
    let mut listing = provisional(Index::from_sorted([("a", 1), ("b", 2)].into_iter()));
    let before = listing.index().clone();
    assert!(look(&mut listing, &[("", &[("a", 1), ("b", 2)])]).is_empty());
    assert!(Arc::ptr_eq(&before, listing.index()) && listing.marks.iter().all(|mark| !mark.is_provisional()));
}

#[test]
fn what_is_being_written_stays_as_it_was_known() {
    let mut listing = Listing::default();
    look(&mut listing, &[("", &[("a", 1), ("b", 1)])]);
    let files: &[(&str, u64)] = &[("a", 5), ("b", 5), ("c", 5)];
    assert_eq!(look_while(&mut listing, &[("", files)], &|name| name != "b"), ["Altered(b, 1)"]);
    assert_eq!(text(&listing), "a,1\nb,5\n");
}

#[test]
fn a_file_that_became_a_folder_leaves_no_trace() {
    let mut listing = Listing::default();
    look(&mut listing, &[("", &[("d", 1)])]);
    assert_eq!(look(&mut listing, &[("d", &[("d/x", 2)])]), ["Gone(d)", "Appeared(d/x)"]);
    assert_eq!(look(&mut listing, &[("d", &[("d", 3)])]), ["Appeared(d)", "Gone(d/x)"]);
}

#[test]
fn what_is_held_back_is_that_of_the_last_look() {
    let mut listing = Listing::default();
    let held = |name: &str| HeldBack { name: DisplayText::revealing(name.as_bytes(), 200), why: WhyHeldBack::Link };
    let mut look = listing.look(&|_| false);
    look.at("");
    ["d", "d/x", "d-x"].iter().for_each(|name| look.meet(Met::HeldBack((*name).into(), held(name))));
    let _ = look.end();
    let mut look = listing.look(&|_| false);
    look.at("d");
    look.meet(Met::HeldBack("d/y".into(), held("d/y")));
    let _ = look.end();
    assert_eq!(listing.held_back(), (vec![held("d-x"), held("d/y")], 2));
}

#[test]
fn more_files_than_an_index_may_have_are_held_back() {
    let names: Vec<String> = (0..INDEX_MAX_ENTRIES).map(|number| format!("{number:07}")).collect();
    let index = Index::from_sorted(names.iter().map(|name| (name.as_str(), 1)));
    let mut listing = provisional(index);
    let places: [(&str, &[(&str, u64)]); 3] = [("0000005", &[]), ("a", &[("a", 1)]), ("b", &[("b", 1)])];
    assert_eq!(look(&mut listing, &places), ["Gone(0000005)", "Appeared(a)"]);
    assert_eq!((listing.index().len(), listing.held_back().1), (INDEX_MAX_ENTRIES, 1));
}
