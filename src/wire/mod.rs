//! Bytes ⇄ values: what travels between nodes, and nothing else.
//!
//! No files, no sockets, no clock, no async. Every parser here takes bytes from strangers: it
//! answers with a value that cannot be wrong, or with an error; it never panics. The rules are
//! those of `docs/PROTOCOL.md`; each file names the section it serves.

pub mod announcement;
pub mod archive;
pub mod b64e;
pub mod batch;
pub mod brought_name;
pub mod content;
pub mod digests;
pub mod feed;
pub mod index;
pub mod index_hmac;
pub mod kind;
pub mod loot_path;
pub mod manifest;
pub mod napster;
pub mod piece_set;
pub mod pieces;
pub mod positions;
pub mod text;
pub mod tus;
pub mod url;

pub use announcement::Announcement;
pub use content::Content;
pub use digests::{DigestTable, Digests};
pub use feed::FeedLine;
pub use index::Index;
pub use index_hmac::{IndexHmac, IndexKey};
pub use kind::Kind;
pub use loot_path::LootPath;
pub use manifest::Manifest;
pub use piece_set::PieceSet;
pub use pieces::{PieceHasher, PieceList};
pub use positions::Positions;
pub use text::{DisplayText, NodeName};
