//! The registry's rules, one by one, over a store in a temporary folder.

mod ageing;
mod bounds;
mod files;
mod sessions;
mod survival;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{OneNetwork, Registry, RegistryError, StoredRegistry};
use crate::wire::napster::{FileName, Md5, PeerAddress, Query, SessionId};

/// Longer than a write takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A registry in a folder of its own, at a time that the test moves.
struct Desk {
    registry: StoredRegistry,
    now: Instant,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let (folder, now) = (tempfile::tempdir().unwrap(), Instant::now());
        Self { registry: open(&folder, now), now, folder }
    }

    /// As after SIGTERM and a new start.
    #[track_caller]
    fn restart(self) -> Self {
        assert!(self.registry.close(Instant::now() + PATIENCE));
        let registry = open(&self.folder, self.now);
        Self { registry, ..self }
    }

    fn login(&self, address: &str, source: &str) -> Result<SessionId, RegistryError> {
        self.registry.login(claim(address), ip(source), self.now)
    }

    /// A peer of 192.168.1.0/24, logged in by IPv4.
    fn peer(&self, last: u8) -> Peer<'_> {
        let source = format!("192.168.1.{last}");
        let id = self.login(&format!("{source} fd00::{last} 6001"), &source).unwrap();
        Peer { desk: self, id, source: ip(&source) }
    }
}

fn open(folder: &TempDir, now: Instant) -> StoredRegistry {
    StoredRegistry::open(folder.path(), Arc::new(OneNetwork), now).unwrap()
}

/// A logged in peer and its verbs.
#[derive(Clone, Copy)]
struct Peer<'d> {
    desk: &'d Desk,
    id: SessionId,
    source: IpAddr,
}

impl Peer<'_> {
    fn add(&self, number: u32, name: &str) -> Result<usize, RegistryError> {
        self.desk.registry.add(self.id, self.source, md5(number), FileName::new(name).unwrap(), self.desk.now)
    }

    fn delete(&self, number: u32) -> Result<Option<usize>, RegistryError> {
        self.desk.registry.delete(self.id, self.source, md5(number), self.desk.now)
    }

    fn logout(&self) -> Result<usize, RegistryError> {
        self.desk.registry.logout(self.id, self.source, self.desk.now)
    }

    fn download(&self, number: u32, is_offered: bool) -> Result<u32, RegistryError> {
        self.desk.registry.download(self.id, self.source, md5(number), is_offered, self.desk.now)
    }

    /// The names that a query finds, with the number of peers.
    fn find(&self, query: &str) -> Result<Vec<(String, usize)>, RegistryError> {
        let query = Query::new(query).unwrap();
        let found = self.desk.registry.find(self.id, self.source, &query, 999, self.desk.now)?;
        Ok(found.into_iter().map(|file| (file.name.as_str().to_owned(), file.peers.len())).collect())
    }
}

/// `v4 v6 port`.
fn claim(text: &str) -> PeerAddress {
    let mut parts = text.split(' ');
    let mut next = || parts.next().unwrap();
    PeerAddress { v4: next().parse().unwrap(), v6: next().parse().unwrap(), port: next().parse().unwrap() }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn md5(number: u32) -> Md5 {
    Md5::new(u128::from(number).to_be_bytes())
}
