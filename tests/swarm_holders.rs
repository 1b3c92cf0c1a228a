//! Holders that lie, stall, break off or give something else: they are let go, the content comes
//! from who is honest, and nothing wrong of it lies anywhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use boucan::wire::url::{CONTENT_NAME, PIECES_NAME};
use uuid::Uuid;

use crate::support::lan::{Lan, Node, tree};
use crate::support::scripted::answers;
use crate::support::scripted::pieces::{Asked, Deed, Holding, list_of};
use crate::support::scripted::{Kind, Scripted};
use crate::support::{PATIENCE, wait_until};
use crate::swarm::{SIZE, content, spool_empties};

const FILM: &str = "film.mkv";
const LET_GO: &str = "a holder is let go";

/// A mirror between a holder that does as it likes and an honest one, which gives nothing before
/// the other one was asked.
struct Room {
    _lan: Lan,
    node: Node,
    bad: Scripted,
    doing: Arc<Holding>,
    honest: Scripted,
    giving: Arc<Holding>,
    bytes: Vec<u8>,
}

impl Room {
    fn new(conduct: impl Fn(Asked) -> Deed + Send + Sync + 'static) -> Self {
        Self::with(conduct, |_| {})
    }

    /// `besides`: what else the bad one does, before it is heard.
    fn with(conduct: impl Fn(Asked) -> Deed + Send + Sync + 'static, besides: impl Fn(&Scripted)) -> Self {
        let lan = Lan::new();
        let bytes = content("trouble", SIZE);
        let (mut bad, mut honest) =
            (Scripted::start(&lan, 3, Kind::Specified), Scripted::start(&lan, 4, Kind::Specified));
        // Of equals the first is asked first.
        (bad.uuid, honest.uuid) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let was_asked = Arc::new(AtomicBool::new(false));
        let is_asked = was_asked.clone();
        let doing = bad.gives_pieces_so(FILM, &bytes, move |asked| {
            is_asked.store(true, Ordering::Relaxed);
            conduct(asked)
        });
        let giving = honest.gives_pieces_so(FILM, &bytes, move |_| {
            let deadline = Instant::now() + PATIENCE;
            while !was_asked.load(Ordering::Relaxed) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
            Deed::Late(Duration::from_millis(60))
        });
        besides(&bad);
        let node = lan.node(2).opportunistic().start();
        [&bad, &honest].iter().for_each(|scripted| scripted.announce());
        Self { _lan: lan, node, bad, doing, honest, giving, bytes }
    }

    /// The film arrives as it is, and nothing else is there.
    #[track_caller]
    fn is_whole(&self) {
        self.node.has(FILM, &self.bytes);
        spool_empties(&self.node);
        assert_eq!(tree(&self.node.loot("")).len(), 1);
        assert!([&self.bad, &self.honest].iter().all(|scripted| scripted.requests_for(FILM).is_empty()), "in pieces");
    }

    /// A line of the log says that the bad one was let go, and why.
    #[track_caller]
    fn lets_go(&self, why: &str) {
        let uuid = self.bad.uuid.to_string();
        wait_until(&format!("it is let go: {why}"), || {
            self.node.log().lines().any(|line| line.contains(LET_GO) && line.contains(&uuid) && line.contains(why))
        });
    }
}

#[test]
fn a_holder_that_lies_is_let_go_at_once_and_not_asked_for_that_content_again() {
    let room = Room::new(|_| Deed::Lie);
    room.is_whole();
    room.lets_go("a piece is not what was told of it");
    // Both of its connections asked before the first answer was looked at.
    let asked = room.bad.requests_for(CONTENT_NAME).len();
    assert!((1..=2).contains(&asked), "{asked} requests");
    let mut given = room.giving.given();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len() as u64, room.giving.pieces(), "all of it came from the honest one");
}

#[test]
fn one_wrong_piece_among_right_ones_is_enough() {
    let room = Room::new(|asked| match asked.before {
        3 => Deed::Lie,
        _ => Deed::Late(Duration::from_millis(30)),
    });
    room.lets_go("a piece is not what was told of it");
    let before = room.doing.given().len();
    room.is_whole();
    let (given, honest) = (room.doing.given(), room.giving.given());
    assert!(honest.contains(&given[3]), "the wrong piece came from the other one: {given:?} {honest:?}");
    // What was on its way in this moment still may come.
    assert!(given.len() <= before + 2, "it was asked on and on: {before} {given:?}");
}

#[test]
fn a_liar_that_is_alone_brings_nothing_and_whoever_comes_later_all() {
    let lan = Lan::new();
    let bytes = content("alone", SIZE);
    let node = lan.node(2).opportunistic().start();
    let liar = Scripted::start(&lan, 3, Kind::Specified);
    let lies = liar.gives_pieces_so(FILM, &bytes, |_| Deed::Lie);
    liar.announce();
    wait_until("the liar is let go", || node.log().lines().any(|line| line.contains(LET_GO)));
    wait_until("nobody else has it", || node.log().contains("nobody who has it gives it"));
    assert!(tree(&node.loot("")).is_empty());
    let asked = lies.given().len();
    let honest = Scripted::start(&lan, 4, Kind::Specified);
    let giving = honest.gives_pieces(FILM, &bytes);
    honest.announce();
    node.has(FILM, &bytes);
    assert_eq!(lies.given().len(), asked, "the liar is not asked again");
    assert_eq!(giving.given().len() as u64, giving.pieces(), "each piece once");
    assert!(liar.requests_for(FILM).is_empty(), "and not for the whole either");
    spool_empties(&node);
}

#[test]
fn a_holder_that_gives_other_pieces_than_asked_is_let_go() {
    let room = Room::new(|_| Deed::Other);
    room.is_whole();
    room.lets_go("the answer holds other pieces than were asked for");
}

#[test]
fn a_piece_that_stalls_half_way_comes_from_somebody_else() {
    let room = Room::new(|_| Deed::Stall(3 * PATIENCE));
    room.is_whole();
    let (stalled, honest) = (room.doing.given(), room.giving.given());
    assert!(!stalled.is_empty() && stalled.iter().all(|piece| honest.contains(piece)), "{stalled:?} {honest:?}");
}

#[test]
fn a_holder_that_stalls_when_all_else_is_here_does_not_hold_up_the_end() {
    // It gives at first, so that much is expected of it.
    let room = Room::new(|asked| if asked.before < 4 { Deed::Give } else { Deed::Stall(3 * PATIENCE) });
    room.is_whole();
    let (given, honest) = (room.doing.given(), room.giving.given());
    assert!(given.len() > 4 && given[4..].iter().all(|piece| honest.contains(piece)), "{given:?} {honest:?}");
}

#[test]
fn a_holder_that_breaks_off_or_refuses_is_let_go() {
    for (deed, why) in [
        (Deed::Break, "the connection broke"),
        (Deed::Refuse("404 Not Found"), "the answer was 404"),
        (Deed::Refuse("416 Range Not Satisfiable"), "the answer was 416"),
        (Deed::Refuse("500 Internal Server Error"), "the answer was 500"),
        (Deed::Refuse("200 OK"), "the answer was 200"),
    ] {
        let room = Room::new(move |_| deed);
        room.is_whole();
        room.lets_go(why);
    }
}

#[test]
fn a_list_that_is_another_contents_is_asked_of_somebody_else() {
    let other = list_of(&content("another", SIZE)).emit().to_vec();
    for (list, what) in [
        (other.clone(), "another content's"),
        (other[32..].to_vec(), "too short"),
        (vec![0; 1 << 20], "too long"),
        (Vec::new(), "empty"),
    ] {
        let room = Room::with(
            |_| Deed::Give,
            |bad| {
                bad.answers(PIECES_NAME, answers::content(list.clone()));
            },
        );
        room.is_whole();
        assert!(!room.bad.requests_for(PIECES_NAME).is_empty(), "{what}");
        assert_eq!(room.honest.requests_for(PIECES_NAME).len(), 1, "{what}");
    }
}

#[test]
fn where_nobody_has_a_list_the_whole_comes_from_one() {
    let lan = Lan::new();
    let bytes = content("no list", SIZE);
    let node = lan.node(2).opportunistic().start();
    let holders = [3, 4].map(|last| Scripted::start(&lan, last, Kind::Specified));
    for holder in &holders {
        holder.offers(FILM, bytes.clone()).tells(FILM, &bytes).announce();
    }
    node.has(FILM, &bytes);
    spool_empties(&node);
    let whole: Vec<usize> = holders.iter().map(|holder| holder.requests_for(FILM).len()).collect();
    assert_eq!(whole.iter().sum::<usize>(), 1, "{whole:?}");
    assert!(holders.iter().any(|holder| !holder.requests_for(PIECES_NAME).is_empty()), "a list was asked for");
    assert!(holders.iter().all(|holder| holder.requests_for(CONTENT_NAME).is_empty()));
}

#[test]
fn a_holder_of_a_part_is_asked_for_what_it_told_and_for_nothing_else() {
    let lan = Lan::new();
    let bytes = content("a part", SIZE);
    let node = lan.node(2).opportunistic().start();
    // It is met first, and knows the content by its feed alone.
    let part = Scripted::start(&lan, 3, Kind::Specified);
    let b3 = blake3::hash(&bytes).to_hex();
    let in_part = part.offers("small", "small").tells("small", "small").holds(&bytes, |_| Deed::Give);
    part.feeds(&format!("has {b3} {SIZE} 2-4\nmore {b3} 9\n")).announce();
    node.has("small", "small");
    wait_until("its feed is open", || node.log().contains("listening to a feed"));
    let whole = Scripted::start(&lan, 4, Kind::Specified);
    let giving = whole.gives_pieces_so(FILM, &bytes, |_| Deed::Late(Duration::from_millis(50)));
    whole.announce();
    node.has(FILM, &bytes);
    let given = in_part.given();
    assert!(!given.is_empty() && given.iter().all(|piece| [2, 3, 4, 9].contains(piece)), "{given:?}");
    assert!(giving.given().len() as u64 >= giving.pieces() - 4);
    spool_empties(&node);
}

#[test]
fn a_holder_of_a_part_that_has_not_what_it_told_holds_up_nothing() {
    let lan = Lan::new();
    let bytes = content("a false word", SIZE);
    let node = lan.node(2).opportunistic().start();
    let part = Scripted::start(&lan, 3, Kind::Specified);
    let b3 = blake3::hash(&bytes).to_hex();
    part.offers("small", "small").tells("small", "small");
    part.feeds(&format!("has {b3} {SIZE} 0-12\n")).announce();
    node.has("small", "small");
    wait_until("its feed is open", || node.log().contains("listening to a feed"));
    let whole = Scripted::start(&lan, 4, Kind::Specified);
    let giving = whole.gives_pieces(FILM, &bytes);
    whole.announce();
    node.has(FILM, &bytes);
    let mut given = giving.given();
    given.sort_unstable();
    given.dedup();
    assert_eq!(given.len() as u64, giving.pieces());
}
