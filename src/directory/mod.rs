//! The Napster side (`docs/PROTOCOL.md`, section 7): our own directory, the port from which peers
//! fetch our loot, what we ask directories of others, and the bridge between the two worlds.
//!
//! ```text
//!  Napster peers ──► server ──► registry ◄── pages, search, /n/ ──► download ──► Napster peers
//!                      └──► bridge ──► our loot, neighbours' manifests
//!  Napster peers ──► peer ──► our loot          prober ──► peers that may be gone
//!  our loot ──► join ──► client ──► directories of others ◄── client ◄── `boucan napster`
//! ```

pub mod bridge;
pub mod client;
pub mod dial;
pub mod download;
pub mod failures;
pub mod join;
pub mod offers;
pub mod pace;
pub mod peer;
pub mod prober;
pub mod race;
pub mod registry;
pub mod searches;
pub mod server;

pub use offers::{NoOffers, Offers};

use join::Joins;
use peer::PeerService;
use registry::StoredRegistry;

use crate::own_address::OwnPeer;

/// What others need of the Napster side; cheap to clone. Each part may be missing.
#[derive(Clone, Debug, Default)]
pub struct Napster {
    /// Our own directory's registry.
    pub registry: Option<StoredRegistry>,
    /// Where that directory answers.
    pub directory_port: Option<u16>,
    /// The service from which peers fetch our loot.
    pub peer: Option<PeerService>,
    /// Where that is.
    pub own: Option<OwnPeer>,
    /// The directories of others at which our files are registered.
    pub joins: Joins,
}

impl Napster {
    /// The port from which peers fetch our loot.
    #[must_use]
    pub fn peer_port(&self) -> Option<u16> {
        self.peer.as_ref().map(PeerService::port)
    }
}
