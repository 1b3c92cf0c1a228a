//! A room in virtual time: the real plan, picker and handouts on links that are made of numbers.
//! `docs/SCALE.md` says what the model has and what it leaves out.
//!
//! Everything is deterministic: the same room comes to the same end.
#![allow(dead_code, unused_imports)] // the tests and the measurements use a part each

mod clock;
mod links;
pub mod room;
mod swarm;
mod talk;
mod world;

pub use room::{Host, Outcome, Room, median};

/// Lets a room have its file.
pub fn simulate(room: &Room) -> Outcome {
    world::World::new(room).run()
}
