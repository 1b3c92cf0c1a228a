//! What the tests share: nodes on a loopback LAN or in hosts of their own, a byte-exact HTTP
//! client, and waiting. The benches use it too.
#![allow(dead_code)] // each of them uses a part

pub mod events;
pub mod http;
pub mod lan;
pub mod netlab;
pub mod netnode;
pub mod operator;
pub mod page;
pub mod scripted;
pub mod simulation;

use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine; only failures wait so long.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until the condition holds; fails with `what` when patience ends.
#[track_caller]
pub fn wait_until(what: &str, holds: impl FnMut() -> bool) {
    wait_within(PATIENCE, what, holds);
}

/// The same for what takes its time.
#[track_caller]
pub fn wait_within(patience: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same for something that comes; fails when it does not come.
#[track_caller]
pub fn wait_for<T>(what: &str, mut take: impl FnMut() -> Option<T>) -> T {
    let mut taken = None;
    wait_until(what, || {
        taken = take();
        taken.is_some()
    });
    taken.expect("the wait ended with a value")
}
