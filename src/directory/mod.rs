//! The Napster-style directory on TCP 3000, as the Fapster course program speaks it
//! (`docs/PROTOCOL.md`, section 7).

pub mod registry;
