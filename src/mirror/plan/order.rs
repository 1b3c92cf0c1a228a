//! Which want comes first.

use std::cmp::Reverse;

use super::Want;
use crate::mirror::rules::Order;

/// A want, with what its place depends on.
#[derive(Debug)]
pub(super) struct Ranked {
    pub(super) want: Want,
    /// How many neighbours list it.
    pub(super) holders: usize,
}

/// In that order; of equals the smaller comes first, then by name.
pub(super) fn sorted(mut wants: Vec<Ranked>, order: Order) -> Vec<Want> {
    let first = |ranked: &Ranked| match order {
        Order::SmallFirst => (0, Reverse(None)),
        Order::RarestFirst => (ranked.holders, Reverse(None)),
        // What nobody tells of comes last.
        Order::NewestFirst => (0, Reverse(ranked.want.mtime)),
    };
    wants.sort_by(|a, b| {
        let then = (a.want.size_bytes, &a.want.path).cmp(&(b.want.size_bytes, &b.want.path));
        first(a).cmp(&first(b)).then(then)
    });
    wants.into_iter().map(|ranked| ranked.want).collect()
}
