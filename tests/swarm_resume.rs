//! What was verified is kept: over kill -9 and damage, whoever gives the rest; and when a file
//! stands under its name, nothing of it is left in the spool.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use boucan::wire::PieceSet;

use crate::feed::Listener;
use crate::support::lan::{Lan, NodeBuilder, tree};
use crate::support::scripted::pieces::{Deed, Holding};
use crate::support::scripted::{Kind, Scripted};
use crate::support::{wait_until, wait_within};
use crate::swarm::{SIZE, content, spool, spool_empties, told};

const FILM: &str = "film.mkv";
/// So many pieces are here when the node dies: every other one.
const FIRST: u64 = 6;
/// What rests in the spool is looked through each minute.
const TIDY: Duration = Duration::from_secs(100);

/// A mirror that was killed in the middle.
struct Killed {
    node: NodeBuilder,
    seeder: Scripted,
    holding: Arc<Holding>,
    /// Lets the seeder go on.
    goes_on: Arc<AtomicBool>,
    /// What was verified and told.
    here: PieceSet,
    given_before: usize,
}

impl Killed {
    fn new(lan: &Lan, bytes: &[u8]) -> Self {
        let seeder = Scripted::start(lan, 3, Kind::Specified);
        let goes_on = Arc::new(AtomicBool::new(false));
        let may = goes_on.clone();
        let holding = seeder.gives_pieces_so(FILM, bytes, move |asked| {
            let gives = asked.piece % 2 == 1 || may.load(Ordering::Relaxed);
            if gives { Deed::Give } else { Deed::Refuse("503 Service Unavailable") }
        });
        let node = lan.node(2).opportunistic().start();
        let mut feed = Listener::open(node.address());
        seeder.announce();
        let here = told(&mut feed, bytes, FIRST);
        assert_eq!(spool(&node).len(), 2, "a part and its note");
        let node = node.kill();
        let given_before = holding.given().len();
        Self { node, seeder, holding, goes_on, here, given_before }
    }

    /// Which pieces were given after it was killed.
    fn given_since(&self) -> Vec<u64> {
        self.holding.given().split_off(self.given_before)
    }
}

#[test]
fn pieces_that_were_verified_before_a_kill_are_not_asked_for_again() {
    let lan = Lan::new();
    let bytes = content("resumed", SIZE);
    let killed = Killed::new(&lan, &bytes);
    killed.goes_on.store(true, Ordering::Relaxed);
    let node = lan.node(2).opportunistic().start();
    killed.seeder.announce();
    node.has(FILM, &bytes);
    let again: Vec<u64> = killed.given_since().into_iter().filter(|piece| killed.here.contains(*piece)).collect();
    assert!(again.is_empty(), "{again:?} were here");
    spool_empties(&node);
}

#[test]
fn another_holder_finishes_what_one_began() {
    let lan = Lan::new();
    let bytes = content("finished by another", SIZE);
    let killed = Killed::new(&lan, &bytes);
    let other = Scripted::start(&lan, 4, Kind::Specified);
    let giving = other.gives_pieces("its own name", &bytes);
    // The first one is still heard, and never gives anything more.
    let node = killed.node.start();
    [&killed.seeder, &other].iter().for_each(|scripted| scripted.announce());
    node.has(FILM, &bytes);
    let again: Vec<u64> = giving.given().into_iter().filter(|piece| killed.here.contains(*piece)).collect();
    assert!(again.is_empty(), "{again:?} were here");
    node.has("its own name", &bytes);
    spool_empties(&node);
}

#[test]
fn pieces_that_were_damaged_while_the_node_was_off_are_fetched_anew_and_only_these() {
    let lan = Lan::new();
    let bytes = content("damaged", SIZE);
    let killed = Killed::new(&lan, &bytes);
    let damaged: Vec<u64> = killed.here.iter().take(2).collect();
    let folder = killed.node.loot().join(".boucan/spool");
    let part = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let part = part.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "part")).unwrap();
    let mut part = std::fs::File::options().read(true).write(true).open(part).unwrap();
    for piece in &damaged {
        let at = SeekFrom::Start(killed.holding.list.range(*piece).start + 1_000);
        let mut byte = [0];
        part.seek(at).unwrap();
        part.read_exact(&mut byte).unwrap();
        part.seek(at).unwrap();
        part.write_all(&[!byte[0]]).unwrap();
    }
    drop(part);
    killed.goes_on.store(true, Ordering::Relaxed);
    let node = lan.node(2).opportunistic().start();
    killed.seeder.announce();
    node.has(FILM, &bytes);
    let given = killed.given_since();
    for piece in killed.here.iter() {
        assert_eq!(given.contains(&piece), damaged.contains(&piece), "piece {piece} of {:?}: {given:?}", killed.here);
    }
    spool_empties(&node);
}

#[test]
fn a_part_that_was_cut_or_replaced_while_the_node_was_off_does_no_harm() {
    for (what, now) in [("cut", vec![7; 300_000]), ("emptied", Vec::new()), ("longer", vec![9; SIZE + 1_000_000])] {
        let lan = Lan::new();
        let bytes = content("replaced", SIZE);
        let killed = Killed::new(&lan, &bytes);
        let parts = std::fs::read_dir(killed.node.loot().join(".boucan/spool")).unwrap().flatten();
        for part in parts.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|kind| kind == "part")) {
            std::fs::write(part, &now).unwrap();
        }
        killed.goes_on.store(true, Ordering::Relaxed);
        let node = lan.node(2).opportunistic().start();
        killed.seeder.announce();
        node.has(FILM, &bytes);
        assert_eq!(tree(&node.loot("")).len(), 1, "{what}");
        spool_empties(&node);
    }
}

#[test]
fn killed_again_and_again_a_mirror_still_ends_whole_and_shows_nothing_before() {
    let lan = Lan::new();
    let bytes = content("again and again", SIZE);
    let seeder = Scripted::start(&lan, 3, Kind::Specified);
    let holding = seeder.gives_pieces_so(FILM, &bytes, |_| Deed::Late(Duration::from_millis(40)));
    let mut node = lan.node(2).opportunistic().start();
    for _ in 0..5 {
        let before = holding.given().len();
        wait_until("some pieces more came, or all", || {
            seeder.announce();
            holding.given().len() >= before + 4 || node.loot(FILM).exists()
        });
        let off = node.kill();
        let shown = tree(&off.loot());
        assert!(shown.is_empty() || shown[FILM] == bytes, "{:?}", shown.keys());
        node = off.start();
    }
    wait_until("it is whole", || {
        seeder.announce();
        std::fs::read(node.loot(FILM)).is_ok_and(|found| found == bytes)
    });
    spool_empties(&node);
    // Each kill costs what was on its way; from the beginning each time, it would be 33 at least.
    assert!(holding.given().len() <= 13 + 5 * 3, "what was there was used: {:?}", holding.given());
}

#[test]
fn a_file_that_was_put_there_while_the_node_was_off_leaves_nothing_in_the_spool() {
    for (what, now) in [("the same", content("by hand", SIZE)), ("another size", b"mine".to_vec())] {
        let lan = Lan::new();
        let bytes = content("by hand", SIZE);
        let killed = Killed::new(&lan, &bytes);
        std::fs::write(killed.node.loot().join(FILM), &now).unwrap();
        let node = killed.node.start();
        wait_until(&format!("what nobody needs goes: {what}"), || spool(&node).is_empty());
        assert_eq!(std::fs::read(node.loot(FILM)).unwrap(), now, "and the file stays");
    }
}

#[test]
fn a_file_that_is_put_there_while_it_comes_stays_and_the_part_goes() {
    for (what, now) in [("the same", content("meanwhile", SIZE)), ("another size", b"mine".to_vec())] {
        let lan = Lan::new();
        let bytes = content("meanwhile", SIZE);
        let seeder = Scripted::start(&lan, 3, Kind::Specified);
        let holding = seeder.gives_pieces_so(FILM, &bytes, |_| Deed::Late(Duration::from_millis(200)));
        let node = lan.node(2).opportunistic().start();
        seeder.announce();
        wait_until("it is coming", || holding.given().len() >= 2);
        node.put(FILM, &now);
        // It comes to its end and cannot land; then what rests is looked through.
        wait_until("it came in vain", || node.log().contains("a file did not come"));
        wait_within(TIDY, &format!("what nobody needs goes: {what}"), || spool(&node).is_empty());
        assert_eq!(std::fs::read(node.loot(FILM)).unwrap(), now, "and the file stays");
        let shown = tree(&node.loot(""));
        assert!(shown.iter().all(|(name, held)| name == FILM || *held == bytes), "{:?}", shown.keys());
    }
}
