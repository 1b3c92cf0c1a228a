//! Which want comes first.
//!
//! All nodes of a room want the same files of the one that has them. In the same order it would send
//! each of them to each node. So files of about the same size come to each node in an order of its
//! own, the same in each of its plans: soon each has some that the others still want.

use std::cmp::Reverse;

use uuid::Uuid;

use super::Want;
use crate::mirror::rules::Order;
use crate::wire::batch::FILE_MAX_BYTES;

/// Small files come many in one answer. Each belongs to one of so many groups, to the same one at all
/// nodes, and a group comes as a whole: who has one of its files is likely to have many.
const GROUPS: u8 = 16;

/// A want, with what its place depends on.
#[derive(Debug)]
pub(super) struct Ranked {
    pub(super) want: Want,
    /// How many neighbours list it.
    pub(super) holders: usize,
}

/// In that order; of equals the smaller comes first, where twice as large counts as larger, and then
/// in the order of this node.
pub(super) fn sorted(wants: Vec<Ranked>, order: Order, us: Uuid) -> Vec<Want> {
    let first = |ranked: &Ranked| match order {
        Order::SmallFirst => (0, Reverse(None)),
        Order::RarestFirst => (ranked.holders, Reverse(None)),
        // What nobody tells of comes last.
        Order::NewestFirst => (0, Reverse(ranked.want.mtime)),
    };
    let mut wants: Vec<(u64, Ranked)> = wants.into_iter().map(|ranked| (own_rank(&ranked.want, us), ranked)).collect();
    wants.sort_by(|(a_rank, a), (b_rank, b)| {
        let then = |rank, want: &Want| (want.size_bytes.checked_ilog2(), rank, want.size_bytes);
        let equals = then(*a_rank, &a.want).cmp(&then(*b_rank, &b.want));
        first(a).cmp(&first(b)).then(equals).then_with(|| a.want.path.cmp(&b.want.path))
    });
    wants.into_iter().map(|(_, ranked)| ranked.want).collect()
}

/// Its place at this node among files of about its size.
fn own_rank(want: &Want, us: Uuid) -> u64 {
    // Who wants it gives pieces to others from the first on: best if all want the same then.
    if want.comes_in_pieces() {
        return 0;
    }
    let mut of_name: [u8; 32] = blake3::hash(want.path.as_str().as_bytes()).into();
    if want.size_bytes <= FILE_MAX_BYTES {
        let group = of_name.first().map_or(0, |first| first % GROUPS);
        of_name = [group; 32];
    }
    let mut both = [0; 48];
    both.iter_mut().zip(us.as_bytes().iter().chain(&of_name)).for_each(|(to, from)| *to = *from);
    blake3::hash(&both).as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::wire::napster::Md5;
    use crate::wire::{Digests, LootPath};

    const US: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const KIB: u64 = 1 << 10;

    fn ranked(name: &str, size_bytes: u64, is_told: bool) -> Ranked {
        let digests = is_told.then(|| Digests { md5: Md5::new([1; 16]), blake3: [1; 32] });
        let path = LootPath::parse(name.as_bytes()).unwrap();
        let want = Want { path, size_bytes, digests, mtime: None, sources: Vec::new(), replaces: None, wish: None };
        Ranked { want, holders: 1 }
    }

    /// The names of a hundred files of that size in the order of a node.
    fn names(size_bytes: u64, is_told: bool, us: Uuid) -> Vec<String> {
        let files = (0..100).map(|n| ranked(&format!("{n:02}"), size_bytes, is_told)).collect();
        sorted(files, Order::SmallFirst, us).into_iter().map(|want| want.path.to_string()).collect()
    }

    #[test]
    fn files_of_about_the_same_size_come_to_each_node_in_an_order_of_its_own() {
        for (size_bytes, is_told, differs, why) in [
            (0, true, true, "nothing"),
            (4 * KIB, true, true, "small"),
            (100 * KIB, true, true, "of medium size"),
            (2_000 * KIB, true, false, "in pieces, from all who take part"),
            (2_000 * KIB, false, true, "whole from one, because nobody tells its content"),
        ] {
            let ours = names(size_bytes, is_told, US);
            assert_eq!(ours, names(size_bytes, is_told, US), "{why}: it lasts from plan to plan");
            assert_eq!(ours != names(size_bytes, is_told, OTHER), differs, "{why}");
        }
    }

    #[test]
    fn twice_as_large_comes_later_at_each_node() {
        for us in [US, OTHER] {
            let files = [8_192, 9_000, 16_383, 16_384, 0, 1, 100 * KIB, 4_000_000_000].into_iter().enumerate();
            let files = files.map(|(n, size_bytes)| ranked(&n.to_string(), size_bytes, true)).collect();
            let sizes: Vec<_> = sorted(files, Order::SmallFirst, us).iter().map(|want| want.size_bytes).collect();
            assert!(sizes.is_sorted_by_key(|size_bytes| size_bytes.checked_ilog2()), "{sizes:?}");
        }
    }

    #[test]
    fn a_group_of_small_files_comes_as_a_whole_and_is_the_same_at_all_nodes() {
        let group = |name: &String| blake3::hash(name.as_bytes()).as_bytes()[0] % GROUPS;
        let groups = |us| {
            let mut groups: Vec<u8> = names(4 * KIB, true, us).iter().map(group).collect();
            groups.dedup();
            groups
        };
        let (ours, theirs) = (groups(US), groups(OTHER));
        assert_ne!(ours, theirs);
        assert_eq!(ours.len(), ours.iter().collect::<HashSet<_>>().len(), "none comes in two parts: {ours:?}");
        assert_eq!(ours.len(), theirs.len());
        let mut runs: Vec<u8> = names(100 * KIB, true, US).iter().map(group).collect();
        runs.dedup();
        assert!(runs.len() > 2 * ours.len(), "larger ones come alone, each at its own place");
    }
}
