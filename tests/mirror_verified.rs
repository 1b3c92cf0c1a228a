//! What is mirrored is verified where its content is told, and what is here already is not fetched.

use std::time::Duration;

use crate::support::lan::{Lan, Node, tree};
use crate::support::scripted::{Kind, Scripted, answers};
use crate::support::{wait_until, wait_within};

const DOC: &str = "doc.txt";

/// Waits until it says that the file of that name did not come, and why.
#[track_caller]
fn fails(node: &Node, name: &str, why: &str) {
    wait_until(&format!("{name} fails"), || {
        let lines = |log: &str| log.lines().any(|line| line.contains(name) && line.contains(why));
        lines(&node.log())
    });
}

/// Waits until it has read all of its files.
#[track_caller]
fn reads_all(node: &Node) {
    let complete = |text: &str| text.lines().take_while(|line| !line.is_empty()).any(|line| line == "hashing 0");
    wait_until("its files are read", || complete(&node.get("/s/?g=forban/index.manifest").text()));
}

#[test]
fn the_bytes_of_a_liar_never_land_and_those_of_the_honest_holder_do() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let liar = Scripted::start(&lan, 3, Kind::Specified);
    let files = [("a", "truth of a"), ("b", "truth of b"), ("c", "truth of c")];
    for (name, truth) in files {
        liar.offers(name, "a lie, too").tells(name, truth).announce();
        fails(&node, &format!("path={name} "), "its content is not what was told of it");
        assert_eq!(liar.requests_for(name).len(), 1);
    }
    liar.offers("d", "never asked for").tells("d", "never asked for").announce();
    assert!(tree(&node.loot("")).is_empty());
    let honest = Scripted::start(&lan, 4, Kind::Specified);
    files.iter().for_each(|(name, truth)| {
        honest.offers(name, *truth).tells(name, truth);
    });
    honest.announce();
    for (name, truth) in files {
        node.has(name, truth);
        assert_eq!(liar.requests_for(name).len(), 1, "the liar is not asked again");
    }
    assert!(liar.requests_for("d").is_empty(), "who lied three times is left alone");
}

#[test]
fn what_is_here_under_another_name_is_not_fetched() {
    let lan = Lan::new();
    let content = vec![7; 300_000];
    let node = lan.node(2).opportunistic().file("mine.bin", &content).start();
    reads_all(&node);
    let scripted = Scripted::start(&lan, 3, Kind::Specified);
    scripted.offers("theirs.bin", content.clone()).tells("theirs.bin", &content).announce();
    node.has("theirs.bin", &content);
    assert!(scripted.requests_for("theirs.bin").is_empty());
    // It is a file of its own.
    std::fs::write(node.loot("mine.bin"), "changed").unwrap();
    assert_eq!(std::fs::read(node.loot("theirs.bin")).unwrap(), content);
}

#[test]
fn of_two_names_of_one_content_one_is_fetched() {
    let lan = Lan::new();
    let content = vec![7; 300_000];
    let node = lan.node(2).opportunistic().start();
    let scripted = Scripted::start(&lan, 3, Kind::Specified);
    for name in ["one", "two", "three"] {
        scripted.offers(name, content.clone()).tells(name, &content);
    }
    scripted.announce();
    let names = ["one", "two", "three"];
    names.iter().for_each(|name| node.has(name, &content));
    assert_eq!(names.map(|name| scripted.requests_for(name).len()).iter().sum::<usize>(), 1);
}

#[test]
fn two_versions_of_one_name_and_size_both_arrive() {
    let lan = Lan::new();
    let (one, two) = (Scripted::start(&lan, 3, Kind::Specified), Scripted::start(&lan, 4, Kind::Specified));
    one.offers(DOC, "hello").tells(DOC, "hello");
    two.offers(DOC, "world").tells(DOC, "world");
    let node = lan.node(2).opportunistic().start();
    one.announce();
    node.has(DOC, "hello");
    two.announce();
    let beside = format!("doc (other {}).txt", &blake3::hash(b"world").to_hex()[..8]);
    wait_within(Duration::from_secs(50), "the other lasts, and comes beside", || {
        [&one, &two].iter().for_each(|scripted| scripted.announce());
        std::fs::read(node.loot(&beside)).is_ok_and(|content| content == b"world")
    });
    assert_eq!(std::fs::read(node.loot(DOC)).unwrap(), b"hello");
    assert_eq!(tree(&node.loot("")).len(), 2);
}

#[test]
fn a_change_of_the_same_size_at_the_origin_is_followed() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let origin = lan.node(3).file(DOC, "hello").start();
    node.has(DOC, "hello");
    reads_all(&node);
    origin.put(DOC, "world");
    reads_all(&origin);
    // Its manifest is read again with its next index.
    origin.put("another", "file");
    node.has(DOC, "world");
    node.has("another", "file");
    assert_eq!(tree(&node.loot("")).len(), 2);
}

#[test]
fn a_mirrored_file_that_was_touched_still_follows_its_origin() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    py.offers(DOC, "one").announce();
    node.has(DOC, "one");
    node.lists(DOC);
    let file = std::fs::File::options().write(true).open(node.loot(DOC)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
    drop(file);
    py.lists_only("").offers(DOC, "two, longer").announce();
    node.has(DOC, "two, longer");
}

#[test]
fn a_neighbour_that_has_it_under_another_name_gives_it_too() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().arg("--exclude").arg("^other").start();
    let broken = Scripted::start(&lan, 3, Kind::Specified);
    broken.offers("name", "content").tells("name", "content").answers("name", answers::status("404 Not Found"));
    broken.announce();
    fails(&node, "path=name ", "404");
    let able = Scripted::start(&lan, 4, Kind::Specified);
    able.offers("other name", "content").tells("other name", "content").announce();
    node.has("name", "content");
}

#[test]
fn what_changes_at_its_source_while_it_comes_is_never_a_mixture() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let (old, new) = (vec![1; 2_000_000], vec![2; 2_000_000]);
    let changing = Scripted::start(&lan, 3, Kind::Specified);
    // It breaks off half-way, is changed, and keeps the name of its version.
    let breaks = answers::stalls(old.clone(), answers::MONDAY, 1_100_000, Duration::ZERO);
    changing.offers(DOC, old.clone()).tells(DOC, &old);
    changing.answers(DOC, answers::first_then(breaks, answers::version(new.clone(), answers::MONDAY)));
    changing.announce();
    fails(&node, DOC, "its content is not what was told of it");
    assert!(!node.loot(DOC).exists());
    changing.tells(DOC, &new).lists("another,1").announce();
    node.has(DOC, &new);
}
