//! A mixed room: mirrors that swarm beside nodes that never heard of pieces. All of it arrives,
//! and the old ones are asked as they always were.

use std::collections::BTreeMap;

use crate::support::lan::{Lan, tree};
use crate::support::scripted::{Kind, Scripted};
use crate::support::wait_until;
use crate::swarm::{SIZE, content, spool_empties};

/// Of one name and size at a mirror and at an old node; nobody but the mirror tells what it holds.
const SAME_NAME: &str = "same name.bin";

#[test]
fn a_mixed_room_converges_and_the_old_ones_are_asked_in_their_way() {
    let lan = Lan::new();
    let (py, go) = (Scripted::start(&lan, 5, Kind::Py), Scripted::start(&lan, 6, Kind::Go));
    let large = |seed| content(seed, SIZE);
    let theirs = [
        (&py, vec![("py film.mkv", large("py")), ("py/notes.txt", b"py".to_vec())]),
        (&go, vec![("go-film.mkv", large("go")), ("go-notes.txt", b"go".to_vec())]),
    ];
    let mut all: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (scripted, files) in &theirs {
        for (name, held) in files {
            scripted.offers(name, held.clone());
            all.insert((*name).to_owned(), held.clone());
        }
    }
    py.offers(SAME_NAME, large("the old node's"));
    let ours = [(SAME_NAME, large("the mirror's")), ("a/film.mkv", large("a")), ("b/film.mkv", large("b"))];
    all.extend(ours.iter().map(|(name, held)| ((*name).to_owned(), held.clone())));
    let [same, a, b] = ours;
    let one = lan.node(2).opportunistic().file(same.0, &same.1).file(a.0, &a.1).start();
    let two = lan.node(3).opportunistic().file(b.0, &b.1).start();
    // The mirrors know each other, and what the one has is told, before the old ones speak.
    two.has(SAME_NAME, &same.1);
    [&py, &go].iter().for_each(|scripted| scripted.announce());
    for node in [&one, &two] {
        all.iter().for_each(|(name, held)| node.has(name, held));
        assert_eq!(tree(&node.loot("")), all);
        spool_empties(node);
    }
    for (scripted, files) in &theirs {
        for request in scripted.requests() {
            assert!(!request.name.starts_with("forban/index."), "{}", request.target);
            assert!(!request.target.contains("b3=") && !request.target.contains("want="), "{}", request.target);
            assert!(request.header("range").is_none(), "{}", request.head);
        }
        for (name, _) in files {
            let asked = scripted.requests_for(name);
            assert!((1..=2).contains(&asked.len()), "{name}: each mirror asks once, or the other one: {asked:?}");
        }
    }
    let asks_as_forban = |name| py.requests_for(name).iter().all(|request| request.target.contains("f=b64e"));
    assert!(asks_as_forban("py film.mkv") && asks_as_forban("py/notes.txt"));
    assert!(py.requests_for(SAME_NAME).is_empty(), "what is told is never taken from who tells nothing");
}

#[test]
fn of_one_name_and_size_what_is_told_comes_and_nothing_of_who_tells_nothing() {
    let lan = Lan::new();
    let (told, untold) = (content("told", SIZE), content("untold", SIZE));
    let (new, old) = (Scripted::start(&lan, 3, Kind::Specified), Scripted::start(&lan, 4, Kind::Py));
    let holding = new.gives_pieces("film.mkv", &told);
    old.offers("film.mkv", untold);
    let node = lan.node(2).opportunistic().start();
    new.announce();
    wait_until("what it has is told", || node.log().contains("a manifest was read"));
    old.announce();
    node.has("film.mkv", &told);
    assert_eq!(holding.given().len() as u64, holding.pieces());
    assert!(old.requests_for("film.mkv").is_empty());
    assert!(old.requests().iter().all(|request| !request.name.starts_with("forban/index.")));
}
