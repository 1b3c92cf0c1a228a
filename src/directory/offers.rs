//! What the directory finds beside what peers registered.

use std::collections::HashMap;

use crate::listening::Ends;
use crate::wire::napster::{FoundFile, Md5, Query};

/// What is offered beside what peers registered.
pub trait Offers: Send + Sync + std::fmt::Debug {
    /// The first so many files that a query finds, with peers that can be reached by who asks.
    fn find(&self, query: &Query, most: usize, ends: &Ends) -> Vec<FoundFile>;
    /// Whether a content is offered.
    fn has(&self, md5: Md5) -> bool;
    /// Whether it is so little that a search takes no time.
    fn is_small(&self) -> bool;
}

/// Nothing is.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOffers;

impl Offers for NoOffers {
    fn find(&self, _: &Query, _: usize, _: &Ends) -> Vec<FoundFile> {
        Vec::new()
    }

    fn has(&self, _: Md5) -> bool {
        false
    }

    fn is_small(&self) -> bool {
        true
    }
}

/// Puts what is registered and what is offered together: one entry a content, each peer once,
/// registered ones first, at most so many.
pub(super) fn merge(registered: Vec<FoundFile>, offered: Vec<FoundFile>, most: usize) -> Vec<FoundFile> {
    let mut merged = registered;
    merged.truncate(most);
    let mut places: HashMap<Md5, usize> = (0..).zip(&merged).map(|(place, file)| (file.md5, place)).collect();
    for file in offered {
        if let Some(known) = places.get(&file.md5).and_then(|place| merged.get_mut(*place)) {
            for peer in file.peers {
                if !known.peers.contains(&peer) {
                    known.peers.push(peer);
                }
            }
        } else if merged.len() < most {
            places.insert(file.md5, merged.len());
            merged.push(file);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::napster::{FileName, PeerAddress};

    fn file(number: u8, name: &str, peers: &[u8]) -> FoundFile {
        let peer = |last: &u8| PeerAddress {
            v4: [10, 0, 0, *last].into(),
            v6: [0xfd00, 0, 0, 0, 0, 0, 0, u16::from(*last)].into(),
            port: 3001,
        };
        FoundFile {
            md5: Md5::new([number; 16]),
            name: FileName::new(name).unwrap(),
            peers: peers.iter().map(peer).collect(),
        }
    }

    #[test]
    fn a_content_is_listed_once_with_all_who_have_it() {
        let registered = || vec![file(1, "a", &[1, 2]), file(2, "b", &[1])];
        let offered = || vec![file(3, "c", &[9]), file(1, "other name", &[2, 9]), file(3, "c again", &[9, 8])];
        let merged = merge(registered(), offered(), 999);
        assert_eq!(merged, [file(1, "a", &[1, 2, 9]), file(2, "b", &[1]), file(3, "c", &[9, 8])]);
        assert_eq!(merge(registered(), offered(), 2), [file(1, "a", &[1, 2, 9]), file(2, "b", &[1])]);
        assert_eq!(merge(registered(), offered(), 1), [file(1, "a", &[1, 2, 9])]);
    }
}
