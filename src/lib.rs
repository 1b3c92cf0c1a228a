//! boucan: a LAN file sharer.
#![forbid(unsafe_code)]
pub mod discovery;
pub mod identity;
pub mod loot;
pub mod neighbours;
pub mod wire;
