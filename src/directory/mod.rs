//! The Napster side (`docs/PROTOCOL.md`, section 7): our own directory, the port from which peers
//! fetch our loot, what we ask directories of others, and the bridge between the two worlds.
//!
//! ```text
//!  Napster peers ──► server ──► registry ◄── pages, search, /n/ ──► download ──► Napster peers
//!                      └──► bridge ──► our loot, neighbours' manifests
//!  Napster peers ──► peer ──► our loot          prober ──► peers that may be gone
//!  our loot ──► join ──► client ──► directories of others ◄── client ◄── `boucan napster`
//! ```

pub mod client;
pub mod dial;
pub mod download;
pub mod failures;
pub mod join;
pub mod offers;
pub mod pace;
pub mod peer;
pub mod prober;
pub mod registry;
pub mod server;

pub use offers::{NoOffers, Offers};
