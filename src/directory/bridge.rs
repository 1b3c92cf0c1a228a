//! The bridge outward: what this node and its neighbours offer, as Napster peers are told of it.
//!
//! Only what RETR really gives is told: files whose MD5 is known, at the address and port where
//! this node, or the neighbour by its own word, serves peers. Names to search are gathered when
//! somebody asks, kept fresh while people ask, and let go when nobody does: of a million files they
//! take as much memory as their index, and most nodes are never asked.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::offers::Offers;
use super::registry::{Links, NameArena, may_claim};
use crate::listening::Ends;
use crate::loot::Loot;
use crate::neighbours::{Neighbour, Neighbourhood};
use crate::own_address::OwnPeer;
use crate::wire::DigestTable;
use crate::wire::napster::transfer::CONTENT_MAX_BYTES;
use crate::wire::napster::{FileName, FoundFile, Md5, PeerAddress, Query};

/// Names are gathered at most so often …
const GATHER: Duration = Duration::from_millis(200);
/// … and at most for one part in so many of the time.
const GATHER_SHARE: u32 = 20;

/// Names that nobody searched for so long are let go …
const UNUSED: Duration = Duration::from_secs(15 * 60);
/// … which is looked for so often, while there are any.
const LOOK: Duration = Duration::from_secs(60);

/// A fifth of what was seen to take 0.1 to 0.5 ms.
const SMALL_NAMES: usize = 20_000;

/// A handle to what is offered; cheap to clone.
#[derive(Clone, Debug)]
pub struct Bridge {
    loot: Loot,
    neighbourhood: Neighbourhood,
    own: Option<OwnPeer>,
    links: Arc<dyn Links>,
    shelves: Arc<RwLock<Arc<[Shelf]>>>,
    /// When somebody searched last, while names are kept.
    asked: Arc<Mutex<Option<Instant>>>,
}

/// The files of one node.
#[derive(Clone, Debug)]
struct Shelf {
    /// Whose; none for ours.
    neighbour: Option<(Uuid, PeerAddress)>,
    digests: Arc<DigestTable>,
    /// Made when somebody searches.
    names: Arc<OnceLock<NameArena>>,
}

impl Bridge {
    /// Over our loot, if it is served to peers (`own`), and that of neighbours that tell their own.
    #[must_use]
    pub fn new(loot: Loot, neighbourhood: Neighbourhood, own: Option<OwnPeer>, links: Arc<dyn Links>) -> Self {
        Self { loot, neighbourhood, own, links, shelves: Arc::new(RwLock::new(Arc::from([]))), asked: Arc::default() }
    }

    /// Follows what is offered until the task is dropped.
    pub async fn run(self) {
        let (mut ours, mut theirs) = (self.loot.subscribe_digests(), self.neighbourhood.subscribe_manifests());
        loop {
            let began = Instant::now();
            let bridge = self.clone();
            let _ = tokio::task::spawn_blocking(move || bridge.gather(began)).await;
            let pause = GATHER.max(began.elapsed().saturating_mul(GATHER_SHARE));
            tokio::time::sleep(pause).await;
            let changed = tokio::select! {
                changed = ours.changed() => changed.is_ok(),
                changed = theirs.changed() => changed.is_ok(),
                () = self.looked_for() => true,
            };
            if !changed {
                return;
            }
        }
    }

    /// The shelves of now. Those of before lend their names if nothing changed on them, but for
    /// names that nobody wants any more; while people search, those that are missing are made.
    fn gather(&self, now: Instant) {
        let is_unused = |asked: &mut Instant| now.saturating_duration_since(*asked) >= UNUSED;
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).take_if(is_unused);
        let before: Arc<[Shelf]> = if asked.is_some() { Arc::from([]) } else { self.shelves() };
        let mut shelves = Vec::new();
        if self.own.is_some() {
            shelves.push(shelf(&before, None, self.loot.digests()));
        }
        for neighbour in self.neighbourhood.present(now) {
            if let Some((peer, digests)) = self.told(&neighbour) {
                shelves.push(shelf(&before, Some((neighbour.uuid, peer)), digests));
            }
        }
        if self.asked().is_some() {
            shelves.iter().for_each(|shelf| _ = shelf.names());
        }
        *self.shelves.write().unwrap_or_else(PoisonError::into_inner) = shelves.into();
    }

    /// Ends when there are names that may have to be let go.
    async fn looked_for(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if self.asked().is_some() {
                return;
            }
        }
    }

    fn asked(&self) -> Option<Instant> {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a neighbour tells, if it serves Napster peers; like a peer it may claim only an address
    /// of its own.
    fn told(&self, neighbour: &Neighbour) -> Option<(PeerAddress, Arc<DigestTable>)> {
        let manifest = neighbour.manifest.as_ref()?;
        let peer = manifest.peer?;
        let mut spoken_from = neighbour.trusted_services(Instant::now()).into_iter().map(|service| service.ip());
        spoken_from.any(|ip| may_claim(&peer, ip, &*self.links)).then(|| (peer, manifest.digests.clone()))
    }

    fn shelves(&self) -> Arc<[Shelf]> {
        self.shelves.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The address for a shelf's files, as told to an asker.
    fn address(&self, shelf: &Shelf, ends: &Ends) -> Option<PeerAddress> {
        match shelf.neighbour {
            Some((_, address)) => Some(address),
            None => self.own.as_ref().map(|own| own.address(ends.local.ip())),
        }
    }
}

impl Offers for Bridge {
    fn find(&self, query: &Query, most: usize, ends: &Ends) -> Vec<FoundFile> {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let shelves = self.shelves();
        let told = |shelf| Some((self.address(shelf, ends)?, shelf));
        find_on(&shelves.iter().filter_map(told).collect::<Vec<_>>(), query, most)
    }

    fn has(&self, md5: Md5) -> bool {
        self.shelves().iter().any(|shelf| shelf.digests.find(md5).is_some())
    }

    fn is_small(&self) -> bool {
        let shelves = self.shelves();
        shelves.iter().all(|shelf| shelf.names.get().is_some())
            && shelves.iter().map(|shelf| shelf.digests.known()).sum::<usize>() <= SMALL_NAMES
    }
}

/// The first so many files on all shelves that a query finds, each with all who have it.
fn find_on(shelves: &[(PeerAddress, &Shelf)], query: &Query, most: usize) -> Vec<FoundFile> {
    let mut found: Vec<FoundFile> = Vec::new();
    let mut met = HashSet::new();
    for (md5, name) in shelves.iter().flat_map(|(_, shelf)| shelf.names().find(query, most)) {
        if found.len() >= most {
            break;
        }
        if let Ok(name) = FileName::new(name)
            && met.insert(md5)
        {
            found.push(FoundFile { md5, name, peers: Vec::new() });
        }
    }
    // Who has it under a name that the query does not find has it all the same. Two nodes may tell
    // one address: who began anew has another uuid.
    for file in &mut found {
        for (address, _) in shelves.iter().filter(|(_, shelf)| shelf.digests.find(file.md5).is_some()) {
            if !file.peers.contains(address) {
                file.peers.push(*address);
            }
        }
    }
    found
}

impl Shelf {
    /// Its names. Takes a while for many, when nobody asked before.
    fn names(&self) -> &NameArena {
        self.names.get_or_init(|| names(&self.digests))
    }
}

/// The shelf of a table, with the names gathered before if it is the same.
fn shelf(before: &[Shelf], neighbour: Option<(Uuid, PeerAddress)>, digests: Arc<DigestTable>) -> Shelf {
    let known = before.iter().find(|shelf| Arc::ptr_eq(&shelf.digests, &digests));
    let names = known.map(|shelf| shelf.names.clone()).unwrap_or_default();
    Shelf { neighbour, digests, names }
}

/// Each content once, under the last part of its first name.
fn names(digests: &DigestTable) -> NameArena {
    let mut names = NameArena::default();
    let mut met = HashSet::new();
    for (entry, of) in digests.iter() {
        let file = entry.name.rsplit('/').next().unwrap_or(entry.name);
        if entry.size_bytes <= CONTENT_MAX_BYTES
            && let Ok(name) = FileName::new(file)
            && met.insert(of.md5)
        {
            names.push(of.md5, &name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Digests, Index};

    /// A shelf of files with one byte each for an MD5, and the peer that has it.
    fn shelf_of(last: u8, files: &[(&str, u8)]) -> (PeerAddress, Shelf) {
        let text: String = files.iter().map(|(name, _)| format!("{name},1\n")).collect();
        let index = Arc::new(Index::parse(text.as_bytes()).unwrap().0);
        let digests = |(_, md5): &(&str, u8)| Some(Digests { md5: Md5::new([*md5; 16]), blake3: [*md5; 32] });
        let digests = Arc::new(DigestTable::new(index, files.iter().map(digests).collect()));
        let v4 = std::net::Ipv4Addr::new(10, 0, 0, last);
        (PeerAddress { v4, v6: v4.to_ipv6_mapped(), port: 3001 }, shelf(&[], None, digests))
    }

    /// What is found: MD5, name, and the last number of each peer's address.
    fn found(shelves: &[(PeerAddress, Shelf)], query: &str, most: usize) -> Vec<(u8, String, Vec<u8>)> {
        let shelves: Vec<_> = shelves.iter().map(|(address, shelf)| (*address, shelf)).collect();
        let told = |file: FoundFile| {
            let peers = file.peers.iter().map(|peer| peer.v4.octets()[3]).collect();
            (file.md5.digest()[0], file.name.as_str().to_owned(), peers)
        };
        find_on(&shelves, &Query::new(query).unwrap(), most).into_iter().map(told).collect()
    }

    #[test]
    fn names_are_made_by_the_first_search_and_lent_to_the_same_table() {
        let (_, asked) = shelf_of(1, &[("a", 1)]);
        assert!(asked.names.get().is_none(), "nobody asked");
        assert_eq!(asked.names().len(), 1);
        let other = Arc::new(DigestTable::clone(&asked.digests));
        let before = [asked.clone()];
        assert!(shelf(&before, None, asked.digests).names.get().is_some());
        assert!(shelf(&before, None, other).names.get().is_none());
    }

    #[test]
    fn a_content_is_told_once_with_all_who_have_it_and_each_of_them_once() {
        let shelves = [
            shelf_of(1, &[("music/Song.mp3", 1), ("other", 2)]),
            shelf_of(2, &[("renamed", 1), ("song two", 3)]),
            // The same node with another uuid.
            shelf_of(1, &[("music/Song.mp3", 1), ("other", 2)]),
        ];
        let song = (1, "song.mp3".to_owned(), vec![1, 2]);
        assert_eq!(found(&shelves, "song", 9), [song.clone(), (3, "song two".into(), vec![2])]);
        assert_eq!(found(&shelves, "song", 1), [song]);
        assert_eq!(found(&shelves, "*", 9).len(), 3);
    }
}
