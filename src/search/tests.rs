use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::wire::napster::Md5;
use crate::wire::{DigestTable, Digests, Index, Kind};

fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn asked(text: &str, skip: usize, take: usize) -> Request {
    Request { text: text.into(), skip, take, ..Request::default() }
}

fn find(
    text: &str,
    shelves: &[Shelf],
    registered: &[Registered],
    skip: usize,
    take: usize,
) -> Result<Found, QueryError> {
    search(&asked(text, skip, take), &Library::new(shelves.to_vec(), registered.to_vec(), None), far())
}

fn shelf(text: &str) -> Shelf {
    Shelf { index: Arc::new(Index::parse(text.as_bytes()).unwrap().0), ..Shelf::default() }
}

fn names(query: &str, shelves: &[Shelf]) -> Vec<String> {
    find(query, shelves, &[], 0, 100).unwrap().hits.into_iter().map(|hit| hit.name).collect()
}

#[test]
fn all_words_must_occur_in_any_order_and_case() {
    let shelves = [shelf("Docs/Cooking on Board.pdf,6\nboard.txt,16\nÉtoile.txt,3\n")];
    assert_eq!(names("BOARD cook", &shelves), ["Docs/Cooking on Board.pdf"]);
    assert_eq!(names("étoile", &shelves), ["Étoile.txt"]);
    assert_eq!(names("e\u{301}toile", &shelves), ["Étoile.txt"]);
    assert_eq!(names("", &shelves).len(), 3);
    assert!(names("nothing", &shelves).is_empty());
}

#[test]
fn old_links_with_a_regex_still_work() {
    let shelves = [shelf("a.pdf,6\nb.txt,16\nc.txt,6\n")];
    for (query, expected) in [(r".*\.pdf", vec!["a.pdf"]), (",6$", vec!["a.pdf", "c.txt"]), ("^b", vec!["b.txt"])] {
        let found = find(query, &shelves, &[], 0, 10).unwrap();
        assert!(found.as_regex, "{query}");
        assert_eq!(found.hits.iter().map(|h| h.name.as_str()).collect::<Vec<_>>(), expected, "{query}");
    }
}

#[test]
fn what_is_found_literally_is_not_read_as_a_regex() {
    let shelves = [shelf("c++ (2nd).txt,6\nccc.txt,1\n")];
    let found = find("c++ (2nd)", &shelves, &[], 0, 10).unwrap();
    assert_eq!((found.total, found.as_regex), (1, false));
}

#[test]
fn equal_files_are_one_hit_with_all_holders() {
    let shelves = [shelf("a,1\n"), shelf("/a,1\nb,2\n"), shelf("a,2\n")];
    let found = find("a", &shelves, &[], 0, 10).unwrap();
    assert_eq!(found.total, 2);
    assert_eq!(found.hits[0].holders, [(0, "a".to_owned()), (1, "/a".to_owned())]);
}

#[test]
fn the_better_hit_comes_first() {
    let shelves = [shelf("map/of/x,1\nroadmap.txt,1\nold map.txt,1\nmapping.txt,1\nmap.txt,1\n")];
    assert_eq!(names("map", &shelves), ["map.txt", "mapping.txt", "old map.txt", "roadmap.txt", "map/of/x"]);
}

#[test]
fn pages_follow_each_other() {
    let text: String = (0..25).map(|n| format!("file-{n:02},1\n")).collect();
    let shelves = [shelf(&text)];
    let page = |skip| find("file", &shelves, &[], skip, 10).unwrap();
    assert_eq!(page(0).total, 25);
    assert_eq!(page(20).hits.len(), 5);
    assert_eq!(page(10).hits[0].name, "file-10");
    assert!(page(30).hits.is_empty());
}

#[test]
fn bombs_are_refused_or_bounded() {
    let text: String = (0..20_000).map(|n| format!("{}-{n},1\n", "a".repeat(100))).collect();
    let shelves = [shelf(&text)];
    let library = Library::new(shelves.to_vec(), Vec::new(), None);
    for bomb in ["((((((a*)*)*)*)*)*)*b$", "a{9999}{9999}b", r"\pL{5000}b", &"(".repeat(200), &"(a|".repeat(80)] {
        let began = Instant::now();
        let _ = search(&asked(bomb, 0, 10), &library, Instant::now() + Duration::from_millis(250));
        assert!(began.elapsed() < Duration::from_secs(10), "{bomb:.20} never ends");
    }
    assert_eq!(find(&"x".repeat(257), &shelves, &[], 0, 10), Err(QueryError::TooLong));
}

/// The same with contents, one byte each for the files in their order; 0 is not known.
fn shelf_of(text: &str, contents: &[u8]) -> Shelf {
    let shelf = shelf(text);
    let digests = |byte: &u8| (*byte > 0).then(|| Digests { md5: Md5::new([*byte; 16]), blake3: [*byte; 32] });
    let digests = DigestTable::new(shelf.index.clone(), contents.iter().map(digests).collect());
    Shelf { digests: Arc::new(digests), ..shelf }
}

fn rows(shelves: &[Shelf], registered: &[Registered]) -> Vec<(String, Vec<usize>)> {
    let found = find("", shelves, registered, 0, 100).unwrap();
    assert_eq!(found.total, found.hits.len());
    let on = |hit: Hit| (hit.name, hit.holders.iter().map(|(shelf, _)| *shelf).collect());
    let mut rows: Vec<_> = found.hits.into_iter().map(on).collect();
    rows.sort();
    rows
}

#[test]
fn one_content_is_one_hit_whatever_its_names() {
    let row = |name: &str, on: &[usize]| (name.to_owned(), on.to_vec());
    let ours = shelf_of("a,1\nb,1\nempty,0\n", &[1, 2, 9]);
    let theirs = shelf_of("a,1\nother,1\nvoid,0\n", &[3, 2, 9]);
    let expected = [row("a", &[0]), row("a", &[1]), row("b", &[0, 1]), row("empty", &[0]), row("void", &[1])];
    assert_eq!(rows(&[ours.clone(), theirs], &[]), expected, "another content of the same name is another file");
    let silent = shelf("a,1\nb,1\n");
    assert_eq!(rows(&[ours.clone(), silent], &[])[..2], [row("a", &[0, 1]), row("b", &[0, 1])]);
    let twice = shelf_of("copy,1\nx,1\n", &[1, 1]);
    let expected = [row("a", &[0, 1]), row("b", &[0]), row("empty", &[0]), row("x", &[1])];
    assert_eq!(rows(&[ours, twice], &[]), expected, "no name of a node disappears");
}

#[test]
fn what_peers_registered_is_found_once() {
    let registered = |byte: u8, name: &str| Registered { md5: Md5::new([byte; 16]), name: name.into() };
    let ours = shelf_of("Song.mp3,5\n", &[1]);
    let found = find("song", &[ours], &[registered(1, "song.mp3"), registered(2, "song two.mp3")], 0, 9).unwrap();
    let hits: Vec<_> = found.hits.iter().map(|hit| (hit.name.as_str(), hit.size_bytes, hit.md5)).collect();
    let md5 = |byte| Some(Md5::new([byte; 16]));
    assert_eq!(hits, [("Song.mp3", Some(5), md5(1)), ("song two.mp3", None, md5(2))]);
}

#[test]
fn all_holders_of_a_content_are_told_whatever_they_call_it() {
    let (ours, theirs) = (shelf_of("a song.ogg,5\n", &[1]), shelf_of("x.ogg,5\ny,1\n", &[1, 2]));
    let found = find("song", &[ours.clone(), theirs.clone()], &[], 0, 9).unwrap();
    assert_eq!(found.hits[0].holders, [(0, "a song.ogg".to_owned()), (1, "x.ogg".to_owned())]);
    let found = find("x", &[ours, theirs], &[], 0, 9).unwrap();
    assert_eq!((found.total, found.hits[0].name.as_str(), found.hits[0].holders[0].0), (1, "x.ogg", 1));
}

#[test]
fn accents_make_no_difference_and_words_are_marked() {
    let shelves = [shelf("Bücher/Café Straße.pdf,3\n")];
    let found = find("buecher", &shelves, &[], 0, 9).unwrap();
    assert_eq!(found.total, 0, "umlauts are letters of their own only in German");
    let hit = &find("cafe strasse BUCHER", &shelves, &[], 0, 9).unwrap().hits[0];
    let marked: Vec<&str> = hit.marks.iter().map(|mark| &hit.name[mark.clone()]).collect();
    assert_eq!(marked, ["Bücher", "Café", "Straße"]);
    let hit = &find(r"caf. s", &shelves, &[], 0, 9).unwrap().hits[0];
    assert_eq!(hit.marks.iter().map(|mark| &hit.name[mark.clone()]).collect::<Vec<_>>(), ["Café S"]);
}

/// Films, songs and a text on two nodes, with times.
fn two_nodes() -> [Shelf; 2] {
    let holder = |number: u128| uuid::Uuid::from_u128(number);
    let with_times = |shelf: Shelf, times: &[i64]| {
        let table = DigestTable::clone(&shelf.digests).with_mtimes(times.to_vec());
        Shelf { digests: Arc::new(table), ..shelf }
    };
    let ours = shelf_of("Sea/calm.mkv,700\nSea/deep sea.ogg,50\nsea.txt,5\n", &[1, 2, 3]);
    let theirs = shelf_of("Other/calm sea.mkv,700\nsea shore.mp4,900\nsea.bin,5\n", &[1, 4, 3]);
    [
        Shelf { holder: holder(1), ..with_times(ours, &[100, 300, 200]) },
        Shelf { holder: holder(2), ..with_times(theirs, &[100, 50, 200]) },
    ]
}

#[test]
fn filters_let_only_some_pass_and_kinds_are_counted_all_the_same() {
    let shelves = two_nodes();
    let kinds = |kinds: &[Kind]| Filters { kinds: kinds.iter().copied().collect(), ..Filters::default() };
    let least = |bytes| Filters { least_bytes: Some(bytes), ..Filters::default() };
    let most = |bytes| Filters { most_bytes: Some(bytes), ..Filters::default() };
    let on = |number| Filters { holder: Some(uuid::Uuid::from_u128(number)), ..Filters::default() };
    // video, audio, picture, document, archive, program, other
    for (filters, expected, counted) in [
        (
            Filters::default(),
            &["sea.txt", "sea shore.mp4", "Sea/calm.mkv", "Sea/deep sea.ogg"][..],
            [2, 1, 0, 1, 0, 0, 0],
        ),
        (kinds(&[Kind::Video]), &["sea shore.mp4", "Sea/calm.mkv"], [2, 1, 0, 1, 0, 0, 0]),
        (
            kinds(&[Kind::Video, Kind::Audio]),
            &["sea shore.mp4", "Sea/calm.mkv", "Sea/deep sea.ogg"],
            [2, 1, 0, 1, 0, 0, 0],
        ),
        (kinds(&[Kind::Other]), &["sea.bin"], [2, 1, 0, 1, 0, 0, 0]),
        (kinds(&[Kind::Archive]), &[], [2, 1, 0, 1, 0, 0, 0]),
        (least(700), &["sea shore.mp4", "Sea/calm.mkv"], [2, 0, 0, 0, 0, 0, 0]),
        (most(5), &["sea.txt"], [0, 0, 0, 1, 0, 0, 0]),
        (on(2), &["sea.bin", "sea shore.mp4", "Other/calm sea.mkv"], [2, 0, 0, 0, 0, 0, 1]),
        (on(3), &[], [0; 7]),
    ] {
        let request = Request { filters, ..asked("sea", 0, 9) };
        let found = search(&request, &Library::new(shelves.to_vec(), Vec::new(), None), far()).unwrap();
        let mut names: Vec<&str> = found.hits.iter().map(|hit| hit.name.as_str()).collect();
        let mut expected = expected.to_vec();
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!((names, found.total, found.kinds), (expected.clone(), expected.len(), counted), "{filters:?}");
        assert!(!found.as_regex);
    }
}

#[test]
fn hits_come_in_the_order_that_was_asked_for() {
    let shelves = two_nodes();
    let (txt, mp4, mkv, ogg) = ("sea.txt", "sea shore.mp4", "Sea/calm.mkv", "Sea/deep sea.ogg");
    for (order, expected) in [
        ("relevance", [txt, mp4, ogg, mkv]),
        ("-relevance", [mkv, ogg, mp4, txt]),
        ("name", [mkv, ogg, mp4, txt]),
        ("-name", [txt, mp4, ogg, mkv]),
        ("size", [mp4, mkv, ogg, txt]),
        ("-size", [txt, ogg, mkv, mp4]),
        ("holders", [mkv, txt, ogg, mp4]),
        ("-holders", [ogg, mp4, mkv, txt]),
        ("age", [ogg, txt, mkv, mp4]),
        ("-age", [mp4, mkv, txt, ogg]),
    ] {
        let library = Library::new(shelves.to_vec(), Vec::new(), None);
        let names = |skip, take| {
            let request = Request { order: Order::parse(order).unwrap(), ..asked("sea", skip, take) };
            let hits = search(&request, &library, far()).unwrap().hits;
            hits.into_iter().map(|hit| hit.name).collect::<Vec<_>>()
        };
        assert_eq!(names(0, 9), expected, "{order}");
        assert_eq!([names(0, 1), names(1, 2), names(3, 2)].concat(), expected, "{order}, page by page");
    }
}

#[test]
fn what_has_no_size_or_time_comes_last_either_way() {
    let registered = [Registered { md5: Md5::new([9; 16]), name: "sea peer.ogg".into() }];
    let library = Library::new(two_nodes().to_vec(), registered.to_vec(), None);
    for order in ["size", "-size", "age", "-age"] {
        let request = Request { order: Order::parse(order).unwrap(), ..asked("sea", 0, 9) };
        let hits = search(&request, &library, far()).unwrap().hits;
        assert_eq!(hits.last().unwrap().name, "sea peer.ogg", "{order}");
    }
    let sized = Filters { most_bytes: Some(u64::MAX), ..Filters::default() };
    assert_eq!(search(&Request { filters: sized, ..asked("sea", 0, 9) }, &library, far()).unwrap().total, 4);
}

#[test]
fn folders_that_are_called_so_come_first() {
    let ours = shelf("Films/Old Sea/a.mkv,1\nFilms/Old Sea/Deep/b.mkv,2\nFilms/Old Sea/z.mkv,4\nSea/1,1\n");
    let theirs = shelf("Films/Old Sea/a.mkv,1\nTravel/seaside/x,1\nno/sea.txt,1\n");
    let shelves = [ours, theirs];
    let told = |text: &str| {
        let folders = find(text, &shelves, &[], 0, 9).unwrap().folders;
        folders.into_iter().map(|folder| (folder.path, folder.on)).collect::<Vec<_>>()
    };
    assert_eq!(
        told("sea"),
        [
            ("Sea".to_owned(), vec![(0, 1, 1)]),
            ("Travel/seaside".to_owned(), vec![(1, 1, 1)]),
            ("Films/Old Sea".to_owned(), vec![(0, 3, 7), (1, 1, 1)]),
        ]
    );
    assert_eq!(told("films"), [("Films".to_owned(), vec![(0, 3, 7), (1, 1, 1)])], "a folder that holds only folders");
    assert!(told("films sea").is_empty() && told("a.mkv").is_empty() && told("").is_empty());
    let hit = &find("sea old", &shelves, &[], 0, 9).unwrap().folders[0];
    assert_eq!(hit.marks.iter().map(|mark| &hit.path[mark.clone()]).collect::<Vec<_>>(), ["Old", "Sea"]);
    assert!(find("sea", &shelves, &[], 9, 9).unwrap().folders.is_empty(), "on the first page only");
}

#[test]
fn of_very_many_the_best_are_told_and_all_are_counted() {
    let many: String = (0..150_000).map(|n| format!("d{}/file {n} é.txt,{n}\n", n % 100)).collect();
    let more: String = (100_000..250_000).map(|n| format!("d{}/file {n} é.txt,{n}\n", n % 100)).collect();
    let library = Library::new(vec![shelf(&many), shelf(&more)], Vec::new(), None);
    let found = |text: &str, order: &str, skip| {
        let request = Request { order: Order::parse(order).unwrap(), ..asked(text, skip, 3) };
        let found = search(&request, &library, far()).unwrap();
        (found.hits.into_iter().map(|hit| hit.size_bytes.unwrap()).collect::<Vec<_>>(), found.total)
    };
    assert_eq!(found("file", "size", 0), (vec![249_999, 249_998, 249_997], 250_000));
    assert_eq!(found("file", "-size", 19_997), (vec![19_997, 19_998, 19_999], 250_000));
    assert_eq!(found("file", "size", RANKED_MAX), (vec![], 250_000), "so far nobody turns over");
    assert_eq!(found("file e", "holders", 0), (vec![100_000, 100_001, 100_002], 250_000));
    assert_eq!(found("\"d7/file 99\"", "name", 0).1, 11);
    assert_eq!(found(r"^d7/file 9\d*7 ", "name", 0).1, 111);
}

#[test]
fn a_search_that_is_late_says_so() {
    let library = Library::new(vec![shelf("a,1\n")], Vec::new(), None);
    let found = search(&asked("a", 0, 9), &library, Instant::now()).unwrap();
    assert_eq!((found.total, found.cut_short), (0, true));
}

#[test]
fn the_library_is_made_anew_when_something_changed_and_no_earlier() {
    let librarian = Librarian::default();
    let (first, second) = (shelf("a,1\n"), shelf("b,1\n"));
    let begin = Instant::now();
    let later = begin + Duration::from_secs(600);
    let library = librarian.library(vec![first.clone()], None, begin);
    assert!(Arc::ptr_eq(&library, &librarian.library(vec![first.clone()], None, later)));
    let silent = Shelf { digests: Arc::default(), ..first.clone() };
    assert!(Arc::ptr_eq(&library, &librarian.library(vec![silent], None, later)), "nobody tells its contents either");
    let told = shelf_of("a,1\n", &[1]);
    let library = librarian.library(vec![told.clone()], None, later);
    let other = Shelf { digests: Arc::new(DigestTable::clone(&told.digests)), ..told };
    assert!(!Arc::ptr_eq(&library, &librarian.library(vec![other], None, later)), "another word of its contents");
    let both = librarian.library(vec![first.clone(), second.clone()], None, later);
    assert_eq!(both.len(), 2);
    let (minute, kept) = (Duration::from_secs(60), both.memory_bytes());
    librarian.rest(minute, 0, later + Duration::from_secs(59));
    assert!(librarian.was_used_within(minute, later + Duration::from_secs(59)));
    librarian.rest(minute, kept, later + minute);
    assert!(Arc::ptr_eq(&both, &librarian.library(vec![first.clone(), second.clone()], None, later)));
    assert!(librarian.is_there(), "a small one is kept");
    librarian.rest(minute, kept - 1, later + minute);
    assert!(!librarian.is_there() && !librarian.was_used_within(minute, later));
    assert_eq!(librarian.renew(vec![first.clone()], None, later), Duration::ZERO, "nobody searches");
    assert!(!Arc::ptr_eq(&both, &librarian.library(vec![first.clone(), second], None, later)));
    librarian.renew(vec![first.clone()], None, later);
    assert_eq!(librarian.library(vec![first], None, begin).len(), 1);
}
