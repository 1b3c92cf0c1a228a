//! A file that changes while it is swarmed: whatever is seen anywhere is one version or the other,
//! and in the end it is the later one.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use crate::feed::Listener;
use crate::support::lan::{Lan, Node, tree};
use crate::support::wait_within;
use crate::swarm::{content, listens, spool, told};

const FILM: &str = "film.mkv";
const SIZE: usize = (6 << 20) + 77;
/// The old version is given up when nobody brought anything of it for half a minute.
const LONG: Duration = Duration::from_secs(120);

/// How the seeder's file is replaced.
type Change = fn(&Node, &[u8]);

/// Written elsewhere, then moved over it.
fn at_once(seeder: &Node, new: &[u8]) {
    seeder.put(FILM, new);
}

/// Written over it, a part at a time.
fn in_place(seeder: &Node, new: &[u8]) {
    let file = std::fs::File::options().write(true).open(seeder.loot(FILM)).unwrap();
    for (number, part) in new.chunks(1 << 20).enumerate() {
        file.write_all_at(part, (number << 20) as u64).unwrap();
        std::thread::sleep(Duration::from_millis(20)); // so that some of it is read in between
    }
}

#[track_caller]
fn ends_as_the_later_version(lan: &Lan, change: Change) -> [Node; 2] {
    let (old, new) = (content("old", SIZE), content("new", SIZE));
    let mirrors = [3, 4].map(|last| lan.node(last).opportunistic().arg("--download-limit").arg("2MiB").start());
    mirrors.iter().for_each(|mirror| listens(mirror, 1));
    let mut feeds = mirrors.each_ref().map(|mirror| Listener::open(mirror.address()));
    let seeder = lan.node(2).file(FILM, &old).start();
    feeds.iter_mut().for_each(|feed| _ = told(feed, &old, 3));
    assert!(mirrors.iter().all(|mirror| !mirror.loot(FILM).exists()), "and it takes seconds");
    change(&seeder, &new);
    let is_one_of_them = |files: &BTreeMap<String, Vec<u8>>| files.values().all(|held| *held == old || *held == new);
    wait_within(LONG, "both have the new one", || {
        let seen = mirrors.each_ref().map(|mirror| tree(&mirror.loot("")));
        assert!(seen.iter().all(is_one_of_them), "a mixture");
        seen.iter().all(|files| files.get(FILM) == Some(&new))
    });
    assert_eq!(tree(&seeder.loot("")), BTreeMap::from([(FILM.to_owned(), new)]), "the seeder is a node, no mirror");
    mirrors
}

#[test]
fn a_file_that_is_replaced_at_once_while_it_is_swarmed_is_never_a_mixture() {
    let lan = Lan::new();
    let mirrors = ends_as_the_later_version(&lan, at_once);
    // What came of the old one goes with the next look at what rests.
    wait_within(LONG, "nothing is left", || mirrors.iter().all(|mirror| spool(mirror).is_empty()));
}

#[test]
fn a_file_that_is_written_over_in_place_while_it_is_swarmed_is_never_a_mixture() {
    ends_as_the_later_version(&Lan::new(), in_place);
}

#[test]
fn a_file_that_is_written_over_before_its_node_has_read_it_is_never_a_mixture() {
    let lan = Lan::new();
    let (old, new) = (content("old", SIZE), content("new", SIZE));
    let mirror = lan.node(3).opportunistic().arg("--download-limit").arg("2MiB").start();
    let seeder = lan.node(2).start();
    // They know each other: it is heard of at once, and read only later.
    listens(&mirror, 1);
    seeder.put(FILM, &old);
    wait_within(LONG, "its name is heard", || mirror.log().matches("an index was read").count() >= 2);
    in_place(&seeder, &new);
    wait_within(LONG, "it has the new one", || {
        let seen = tree(&mirror.loot(""));
        assert!(seen.values().all(|held| *held == old || *held == new), "a mixture");
        seen.get(FILM) == Some(&new)
    });
}
