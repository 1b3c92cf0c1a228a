//! The Napster-style directory on TCP 3000, as the Fapster course program speaks it
//! (`docs/PROTOCOL.md`, section 7): peers log in, say what they share, and search.
//!
//! The [registry] knows and remembers, the [server] speaks, the [prober] tells who vanished.

pub mod failures;
pub mod offers;
pub mod prober;
pub mod registry;
pub mod server;

pub use offers::{NoOffers, Offers};
