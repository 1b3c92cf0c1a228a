//! The directory's registry: who is logged in, what they offer, how often it was fetched
//! (`docs/PROTOCOL.md`, section 7).
//!
//! [`Registry`] is what the protocol asks of it, [`StoredRegistry`] the one there is: memory
//! answers, and a store on disk survives. A search matches any part of a name, also one letter,
//! over all names; neither SQLite's indexes nor those of a key-value store answer that, so the
//! store's only task is to be there after a crash. That is [redb]: pure Rust without a C library,
//! ACID, one file. Nothing here knows a socket, and time is an argument.

pub mod arena;
mod changes;
mod claims;
mod files;
pub mod names;
mod probing;
mod sessions;
mod store;
mod stored;
mod tables;
mod views;
mod writer;

use std::net::IpAddr;
use std::time::Instant;

pub use arena::NameArena;
#[cfg(test)]
pub(super) use claims::tests::OneNetwork;
pub use claims::{Links, may_claim};
pub use names::Names;
pub use probing::Probe;
pub use store::StoreError;
pub use stored::StoredRegistry;
pub use views::{Counts, FileView, Holder, Released, SessionView};

use crate::wire::napster::{FileName, FoundFile, Md5, PeerAddress, Query, SessionId};

/// What the protocol asks of a registry. `source` is where the request came from: a session is of
/// use only to the host that logged in.
pub trait Registry: Send + Sync + std::fmt::Debug {
    /// Logs a peer in; again, from the same host: the same session.
    ///
    /// # Errors
    /// [`RegistryError::BadLogin`] for an address it may not claim; [`RegistryError::Full`].
    fn login(&self, address: PeerAddress, source: IpAddr, now: Instant) -> Result<SessionId, RegistryError>;

    /// Logs it out; how many files it shared.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`].
    fn logout(&self, session: SessionId, source: IpAddr, now: Instant) -> Result<usize, RegistryError>;

    /// It shares a file; how many peers have it now.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`]; [`RegistryError::Full`].
    fn add(
        &self,
        session: SessionId,
        source: IpAddr,
        md5: Md5,
        name: FileName,
        now: Instant,
    ) -> Result<usize, RegistryError>;

    /// It shares a file no longer; how many peers still have it. None: it did not share it.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`].
    fn delete(
        &self,
        session: SessionId,
        source: IpAddr,
        md5: Md5,
        now: Instant,
    ) -> Result<Option<usize>, RegistryError>;

    /// The first so many files that a query finds.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`].
    fn find(
        &self,
        session: SessionId,
        source: IpAddr,
        query: &Query,
        most: usize,
        now: Instant,
    ) -> Result<Vec<FoundFile>, RegistryError>;

    /// A download was made; how many there were. `is_offered`: somebody else offers the file,
    /// though nobody may have registered it.
    ///
    /// # Errors
    /// [`RegistryError::Unauthorized`]; [`RegistryError::NotFound`] when nobody has it.
    fn download(
        &self,
        session: SessionId,
        source: IpAddr,
        md5: Md5,
        is_offered: bool,
        now: Instant,
    ) -> Result<u32, RegistryError>;
}

/// Why the registry refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// A claimed address that is not the peer's own.
    #[error("a peer may only claim an address of its own")]
    BadLogin,
    /// No such session, or another host's.
    #[error("the session is not valid")]
    Unauthorized,
    /// Nobody has that file.
    #[error("nobody has that file")]
    NotFound,
    /// A bound was reached.
    #[error("{0}")]
    Full(Bound),
    /// The system gave no random bytes: a session that can be guessed is worse than none.
    #[error("the system gave no random bytes: {0}")]
    NoRandomBytes(#[from] getrandom::Error),
}

/// What there may be of something. Each text is the answer to the peer that wanted more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bound {
    /// Four of one host, 64 of the machine itself; 1,024 of one IPv6 network.
    #[error("Too many peers are logged in from this host.")]
    SessionsOfHost,
    /// 4,096 peers.
    #[error("Too many peers are logged in at this directory.")]
    Sessions,
    /// 4,096 files of one peer.
    #[error("Too many files: a peer may share {} at this directory.", files::PER_SESSION_MAX)]
    FilesOfSession,
    /// 100,000 owners of all files together.
    #[error("This directory is full: it cannot take more files.")]
    Files,
}

/// A session's number, which is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(u64);

#[cfg(test)]
mod tests;
