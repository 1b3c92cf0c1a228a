//! The Napster-style directory's protocol, as Fapster speaks it on TCP 3000
//! (`docs/PROTOCOL.md`, section 7): bytes ⇄ values, in both directions.
//!
//! One request, one answer, then the directory closes. Every field has a fixed width: text is
//! padded with blanks, numbers with zeros. Nothing here reads a socket: a request that is not all
//! here yet and one that is wrong are different answers, and the caller decides how long to wait.

pub mod address;
pub mod field;
pub mod request;
pub mod response;
pub mod transfer;

pub use address::PeerAddress;
pub use field::{Counter, FileName, Md5, Query, SessionId};
pub use request::{Parsed, Request, RequestError};
pub use response::{FoundFile, Response, ResponseError};
pub use transfer::{ChunkPlan, ChunkReader, TransferError};
