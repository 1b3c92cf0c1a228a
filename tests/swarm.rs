//! The swarm, when all is well: one content from all who have it, and to all who want it at once.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use boucan::wire::url::{content_target, pieces_target, wanted_target};
use boucan::wire::{PieceList, PieceSet};

use crate::feed::Listener;
use crate::support::http::{Answer, request};
use crate::support::lan::{Lan, Node};
use crate::support::scripted::pieces::{Deed, list_of};
use crate::support::scripted::{Kind, Scripted};
use crate::support::{PATIENCE, wait_until};

/// Twelve whole pieces and a part.
pub const SIZE: usize = (3 << 20) + 77;

/// No two pieces alike.
pub fn content(seed: &str, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

pub fn hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

/// What lies in the spool of a node.
pub fn spool(node: &Node) -> Vec<String> {
    let entries = std::fs::read_dir(node.loot(".boucan/spool")).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Waits until nothing lies there any more.
#[track_caller]
pub fn spool_empties(node: &Node) {
    wait_until("the spool is empty", || spool(node).is_empty());
}

/// Waits until a node listens to so many feeds.
#[track_caller]
pub fn listens(node: &Node, to: usize) {
    wait_until("it listens", || node.log().matches("listening to a feed").count() >= to);
}

/// Reads a feed until it told so many pieces of a content, or all, and which. Fails when it told
/// nothing for long.
#[track_caller]
pub fn told(feed: &mut Listener, bytes: &[u8], count: u64) -> PieceSet {
    let (b3, pieces) = (blake3::hash(bytes).to_hex(), list_of(bytes).hashes().len() as u64);
    let (mut told, mut alive) = (PieceSet::none(pieces), 0);
    while told.len() < count {
        let line = feed.next();
        alive = if line == "alive" { alive + 1 } else { 0 };
        assert!(alive < 3, "nothing more is told");
        let words: Vec<&str> = line.split(' ').collect();
        let ranges = match words[..] {
            ["has", of, size, ranges] if of == b3.as_str() => {
                assert_eq!(size, bytes.len().to_string());
                ranges
            }
            ["more", of, ranges] if of == b3.as_str() => ranges,
            ["all", of] if of == b3.as_str() => return PieceSet::all(pieces),
            _ => continue,
        };
        told.insert_all(&PieceSet::parse(ranges, pieces).unwrap());
    }
    told
}

/// Asks for a range of bytes of a content.
#[track_caller]
pub fn ask_range(node: &Node, bytes: &[u8], range: Range<u64>) -> Answer {
    let line = format!("Range: bytes={}-{}\r\n", range.start, range.end - 1);
    request(node.address(), "GET", &content_target(&hash(bytes)), &line)
}

/// Which single piece an answer holds; it must be right.
#[track_caller]
pub fn piece_of(answer: &Answer, list: &PieceList) -> u64 {
    assert_eq!(answer.status, 206, "{}", answer.text());
    let range = answer.header("content-range").unwrap().strip_prefix("bytes ").unwrap();
    let first: u64 = range.split('-').next().unwrap().parse().unwrap();
    let piece = first / boucan::wire::pieces::PIECE_BYTES;
    assert_eq!(range, format!("{first}-{}/{}", list.range(piece).end - 1, list.size_bytes()));
    assert!(list.verify(piece, &answer.body), "piece {piece}");
    piece
}

#[test]
fn a_content_comes_from_all_who_have_it_under_whatever_name() {
    let lan = Lan::new();
    let bytes = content("two holders", 2 * SIZE);
    let (one, two) = (Scripted::start(&lan, 3, Kind::Specified), Scripted::start(&lan, 4, Kind::Specified));
    let slowly = |_| Deed::Late(Duration::from_millis(30));
    let first = one.gives_pieces_so("film.mkv", &bytes, slowly);
    let second = two.gives_pieces_so("other/name.mkv", &bytes, slowly);
    let node = lan.node(2).opportunistic().start();
    [&one, &two].iter().for_each(|scripted| scripted.announce());
    node.has("film.mkv", &bytes);
    node.has("other/name.mkv", &bytes);
    let given = [first.given(), second.given()];
    assert!(given.iter().all(|given| given.len() >= 5), "both were asked: {given:?}");
    let pieces: BTreeSet<u64> = given.iter().flatten().copied().collect();
    assert_eq!(pieces.len() as u64, first.pieces());
    // At its very begin and at its end, each connection may ask for what another one brings too.
    assert!(given.iter().map(Vec::len).sum::<usize>() <= pieces.len() + 8, "no piece was asked twice: {given:?}");
    for (scripted, name) in [(&one, "film.mkv"), (&two, "other/name.mkv")] {
        assert!(scripted.requests_for(name).is_empty(), "nothing came whole");
    }
    spool_empties(&node);
}

#[test]
fn verified_pieces_are_served_while_the_rest_is_still_on_its_way() {
    let lan = Lan::new();
    let bytes = content("half", SIZE);
    let seeder = Scripted::start(&lan, 3, Kind::Specified);
    let goes_on = Arc::new(AtomicBool::new(false));
    let may = goes_on.clone();
    let holding = seeder.gives_pieces_so("film.mkv", &bytes, move |asked| {
        let gives = asked.piece % 2 == 1 || may.load(Ordering::Relaxed);
        if gives { Deed::Give } else { Deed::Refuse("503 Service Unavailable") }
    });
    let node = lan.node(2).opportunistic().start();
    let mut feed = Listener::open(node.address());
    seeder.announce();
    let here = told(&mut feed, &bytes, 6);
    assert_eq!(here.to_string(), "1,3,5,7,9,11");
    let (list, all) = (&holding.list, PieceSet::all(holding.pieces()));
    for piece in all.iter() {
        let answer = ask_range(&node, &bytes, list.range(piece));
        match here.contains(piece) {
            true => assert_eq!(piece_of(&answer, list), piece),
            false => assert_eq!(answer.status, 416, "piece {piece} is not here"),
        }
    }
    assert_eq!(node.get(&pieces_target(&list.root())).body, list.emit());
    assert_eq!(node.get(&content_target(&list.root())).status, 416, "the whole is not here");
    let chosen: BTreeSet<u64> =
        (0..6).map(|_| piece_of(&node.get(&wanted_target(&list.root(), &all, 1)), list)).collect();
    assert_eq!(chosen, here.iter().collect(), "of all, it chooses what is here, each once");
    let mut missing = all;
    missing.remove_all(&here);
    assert_eq!(node.get(&wanted_target(&list.root(), &missing, 1)).status, 416);
    assert!(!node.loot("film.mkv").exists());
    goes_on.store(true, Ordering::Relaxed);
    node.has("film.mkv", &bytes);
    told(&mut feed, &bytes, missing.len());
    assert_eq!(node.get(&content_target(&list.root())).body, bytes);
}

#[test]
fn a_piece_is_passed_on_though_the_next_one_of_its_answer_does_not_come() {
    let lan = Lan::new();
    let bytes = content("stuck", SIZE);
    let seeder = Scripted::start(&lan, 3, Kind::Specified);
    let holding = seeder.gives_pieces_so("film.mkv", &bytes, |asked| match asked.piece {
        5 => Deed::Stall(3 * PATIENCE),
        _ => Deed::Give,
    });
    let node = lan.node(2).opportunistic().start();
    seeder.announce();
    wait_until("it stalls", || holding.given().contains(&5));
    wait_until("the piece before is served", || ask_range(&node, &bytes, holding.list.range(4)).status == 206);
    assert!(!node.loot("film.mkv").exists());
}

#[test]
fn mirrors_become_whole_from_each_other_when_the_first_gives_each_piece_once() {
    let lan = Lan::new();
    let bytes = content("once", 2 * SIZE);
    let mirrors = [2, 5].map(|last| lan.node(last).opportunistic().start());
    mirrors.iter().for_each(|mirror| listens(mirror, 1));
    let seeder = Scripted::start(&lan, 3, Kind::Specified);
    let once = seeder.gives_pieces_so("film.mkv", &bytes, |asked| match asked.again {
        0 => Deed::Late(Duration::from_millis(10)),
        _ => Deed::Refuse("503 Service Unavailable"),
    });
    seeder.announce();
    for mirror in &mirrors {
        mirror.has("film.mkv", &bytes);
        spool_empties(mirror);
    }
    let mut given = once.given();
    given.sort_unstable();
    assert_eq!(given, (0..once.pieces()).collect::<Vec<_>>(), "each piece left the seeder once");
    assert!(seeder.requests_for("film.mkv").is_empty());
}
