//! boucan: a LAN file sharer. Start it in a folder, and everybody on the same network can open a
//! browser, search what every node nearby offers, and download it.
//!
//! # Words, one meaning each
//!
//! **announcement**: the datagram that says we are here. **neighbour**: another node heard
//! recently; **neighbourhood**: all of them. **loot**: the files a node offers; ours lie in a
//! folder, a neighbour's are known through its **index** (names and sizes) and that index's
//! **HMAC**. **opportunistic mode**: also **mirror** what neighbours have; **shared mode**: only
//! offer. **spool**: the hidden place for files that are not whole yet; **landing**: how a whole
//! one comes to stand under its name. **ledger**: what was mirrored and what was deleted here.
//! **news**: what appeared nearby, and when.
//! **delivery**: a file that somebody brings in over HTTP; **inbox**: where those of others lie until
//! the operator decides. **operator**: who may change the node. **directory**: the Napster-style
//! service; **session**: a login there; **peer**: who is logged in.
//!
//! # Floors
//!
//! A folder's name says what its code may do; arrows run down only.
//!
//! ```text
//! main.rs → cli/ → config/, node.rs              node.rs alone knows everyone
//!             └─► services, with sockets and tasks:
//!                   http/  directory/  mirror/  discovery/  fetch/  listening  bandwidth  terminal  shutdown
//!                   └─► knowledge, time passed in, no sockets:
//!                         loot/  neighbours/  news/  directory/registry  search  identity
//!                           └─► wire/   bytes ⇄ values: no files, no sockets, no clock, no async
//! ```
//!
//! Services meet through handles ([`loot::Loot`], [`neighbours::Neighbourhood`],
//! [`mirror::Mirror`]), not through each other; the one edge between services is mirror → fetch.
//!
//! # The loop
//!
//! ```text
//!  datagram ─listener─► Announcement ─hear─► Neighbourhood ─due─► fetch/index ─► Index ─► mirror/plan
//!      ▲                                                                                     │ wants
//!      │                                                                                     ▼
//!  announcer ◄─ HMAC ◄─ Snapshot ◄─ keeper: scan, watch ◄─ loot folder ◄─ landing ◄─ fetch/file
//! ```
//!
//! # Where the specification is
//!
//! `docs/PROTOCOL.md`, section by section: 1 announcement → [`wire::announcement`],
//! [`discovery`]; 2 index → [`wire::index`], [`wire::index_hmac`], [`loot`]; 3 files →
//! [`http::store`], [`fetch::file`]; 4 search → [`search`]; 5 opportunistic mode →
//! [`mirror::plan`]; 6 extensions → [`wire::manifest`], [`http::manifest`], [`fetch::manifest`],
//! [`wire::pieces`], [`http::content`], [`wire::feed`], [`http::feed`], [`fetch::feed`];
//! 7 directory → [`wire::napster`], [`directory`].

pub mod bandwidth;
pub mod cli;
pub mod config;
pub mod directory;
pub mod discovery;
pub mod fetch;
pub mod http;
pub mod identity;
pub mod leaving;
pub mod listening;
pub mod loot;
pub mod mirror;
pub mod neighbours;
pub mod news;
pub mod node;
pub mod own_address;
pub mod qr;
pub mod search;
pub mod shares;
pub mod shutdown;
pub mod terminal;
pub mod wire;
