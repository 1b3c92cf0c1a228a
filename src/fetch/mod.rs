//! Fetching from neighbours: bounded in every dimension, trusting nothing.
//!
//! Only addresses that discovery admitted are dialled. No redirects, proxies or cookies; no
//! content encoding but the one that lists are asked for in; every wait has a deadline and every body a limit.

pub mod batch;
mod changes;
pub mod client;
mod compressed;
pub mod feed;
pub mod file;
pub mod index;
pub mod manifest;
pub mod open;
pub mod pieces;

use std::io;
use std::time::Duration;

use crate::wire::batch::BatchError;
use crate::wire::index::IndexError;
use crate::wire::index::changes::ChangesError;
use crate::wire::manifest::ManifestError;
use crate::wire::pieces::PieceListError;

/// Why something could not be fetched. Each is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The TCP connection failed.
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// Nothing came in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection broke, or what came is not HTTP.
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
    /// Any status but 200 or, when asked for a part, 206.
    #[error("the answer was {0}")]
    Status(http::StatusCode),
    /// Files are never asked for in an encoding, lists in gzip only.
    #[error("the answer is encoded, which was not asked for")]
    Encoded,
    /// Not what gzip makes, or not all of it.
    #[error("the compressed answer cannot be read: {0}")]
    Gzip(#[source] io::Error),
    /// Another length than the index says.
    #[error("the answer has {got} bytes instead of {expected}")]
    WrongLength {
        /// Bytes announced or received.
        got: u64,
        /// Bytes the index says.
        expected: u64,
    },
    /// More files than were asked for.
    #[error("the answer holds more files than were asked for")]
    TooMany,
    /// Fewer.
    #[error("the answer ends before the last file")]
    TooFew,
    /// An answer with many files that is none.
    #[error("{0}")]
    Batch(#[from] BatchError),
    /// The list of a content's pieces is none.
    #[error("{0}")]
    Pieces(#[from] PieceListError),
    /// A part of the content, but none that was asked for.
    #[error("the answer holds other pieces than were asked for")]
    OtherPieces,
    /// A piece does not hold what the list says.
    #[error("a piece is not what was told of it")]
    WrongPiece,
    /// All who have the content are gone, or do not give it.
    #[error("nobody who has it gives it")]
    NoHolder,
    /// Below the least speed.
    #[error("it came too slowly")]
    TooSlow,
    /// The index is none, or too big.
    #[error("{0}")]
    Index(#[from] IndexError),
    /// What changed in an index is not told, or not rightly.
    #[error("{0}")]
    Changes(#[from] ChangesError),
    /// The manifest is none, or too big.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// With a pre-shared key only indexes that verify are taken.
    #[error("its index does not verify with our pre-shared key")]
    NotVerified,
    /// Our own disk.
    #[error("it cannot be stored: {0}")]
    Store(#[from] io::Error),
}

impl FetchError {
    /// Whether the connection can serve no further request.
    #[must_use]
    pub fn ends_connection(&self) -> bool {
        !matches!(self, Self::Index(_) | Self::Changes(_) | Self::Manifest(_) | Self::NotVerified)
    }

    /// Whether the neighbour as a whole is at fault, and not this one file.
    #[must_use]
    pub fn is_of_the_neighbour(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::TimedOut(_) | Self::TooSlow)
    }
}
