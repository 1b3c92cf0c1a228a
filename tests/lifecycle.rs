//! Starting, following the folder, mirroring and ending: the main job, end to end.

use crate::support::lan::{Lan, tree};
use crate::support::wait_until;

#[test]
fn a_file_put_into_one_node_arrives_at_another() {
    let lan = Lan::new();
    let one = lan.node(2).file("already here.txt", "old").start();
    let two = lan.node(3).opportunistic().start();
    two.has("already here.txt", "old");
    one.put("docs/new.bin", vec![7; 3_000_000]);
    two.has("docs/new.bin", vec![7; 3_000_000]);
    two.lists("docs/new.bin");
    assert_eq!(tree(&one.loot("")), tree(&two.loot("")));
}

#[test]
fn what_was_deleted_here_stays_deleted_after_a_restart_too() {
    let lan = Lan::new();
    let _one = lan.node(2).file("a", "a").file("b", "b").start();
    let two = lan.node(3).opportunistic().start();
    two.has("a", "a");
    two.has("b", "b");
    two.lists("b");
    std::fs::remove_file(two.loot("a")).unwrap();
    wait_until("a is no longer listed", || !two.index().iter().any(|line| line.starts_with("a,")));
    wait_until("the deletion is known", || two.get("/held-back").text().contains("1 file was deleted here before"));
    let two = two.kill();
    std::fs::remove_file(two.loot().join("b")).unwrap();
    let two = two.start();
    wait_until("both deletions are known", || {
        two.get("/held-back").text().contains("2 files were deleted here before")
    });
    assert!(!two.loot("a").exists() && !two.loot("b").exists());
}

#[test]
fn a_term_signal_ends_it_with_success() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let (_, status) = node.terminate();
    assert_eq!(status, Some(0));
}
