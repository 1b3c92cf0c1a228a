//! "Keep N copies nearby": whether a file is ours to take (`docs/PROTOCOL.md`, section 5).
//!
//! Whoever lists a file holds it, old nodes too, and those from whom nothing is taken.

use std::num::NonZeroU32;
use std::time::Instant;

use uuid::Uuid;

use super::versions::Version;
use super::{Offer, View};
use crate::mirror::shortages::{FileKey, Shortage, Shortages};
use crate::wire::manifest::Mirrors;

/// Counts holders, and ranks who could become one.
pub(super) struct Copies<'p> {
    /// So many are kept; none: a copy everywhere.
    wanted: Option<NonZeroU32>,
    us: Uuid,
    offers: &'p [Offer],
    shortages: &'p Shortages,
    now: Instant,
    short: Vec<Shortage>,
}

impl<'p> Copies<'p> {
    pub(super) fn new<S>(view: &'p View<'_, S>) -> Self {
        let View { us, offers, rules, shortages, now, .. } = view;
        Self { wanted: rules.copies, us: *us, offers, shortages, now: *now, short: Vec::new() }
    }

    /// What there are too few copies of.
    pub(super) fn into_short(self) -> Vec<Shortage> {
        self.short
    }

    /// Whether we are among those who take that version now. `is_alone`: no other version of the
    /// name has its size, so that who tells no content holds this one.
    pub(super) fn is_ours_to_take(&mut self, name: &str, version: &Version, is_alone: bool) -> bool {
        let Some(wanted) = self.wanted else { return true };
        let wanted = usize::try_from(wanted.get()).unwrap_or(usize::MAX);
        let Some(holders) = self.too_few(name, version, is_alone, wanted) else { return false };
        let lacking = wanted.saturating_sub(holders.len());
        let count = u32::try_from(holders.len()).unwrap_or(u32::MAX);
        let shortage = Shortage { key: FileKey::of(name, version.size_bytes, version.content()), holders: count };
        self.short.push(shortage);
        let turns = self.shortages.turns(shortage, version.size_bytes, self.now);
        let before_us = self.before_us(shortage, &holders, turns) as u64;
        before_us < (lacking as u64).saturating_mul(turns)
    }

    /// Who holds it, if those are fewer than wanted.
    fn too_few(&self, name: &str, version: &Version, is_alone: bool, wanted: usize) -> Option<Vec<Uuid>> {
        let mut holders: Vec<Uuid> = version.sources.iter().map(|source| source.uuid).collect();
        holders.extend(&version.others);
        for offer in self.offers {
            if holders.len() >= wanted {
                return None;
            }
            if !holders.contains(&offer.uuid) && holds(offer, name, version, is_alone) {
                holders.push(offer.uuid);
            }
        }
        (holders.len() < wanted).then_some(holders)
    }

    /// How many others could take it and come before us: those that take everything anyway (if they
    /// had a turn and did not, their rules leave it out), and those whose rank is lower.
    fn before_us(&self, shortage: Shortage, holders: &[Uuid], turns: u64) -> usize {
        let ours = shortage.key.rank(self.us);
        let is_before = |offer: &&Offer| match offer.mirrors {
            _ if holders.contains(&offer.uuid) => false,
            None => false,
            Some(Mirrors::Everything) => turns <= 1,
            Some(Mirrors::Copies(wanted)) => {
                wanted.get() > shortage.holders && (shortage.key.rank(offer.uuid), offer.uuid) < (ours, self.us)
            }
        };
        self.offers.iter().filter(is_before).count()
    }
}

/// Whether a neighbour has it, under that name or with that content.
fn holds(offer: &Offer, name: &str, version: &Version, is_alone: bool) -> bool {
    let position = offer.index.position_of(name);
    let of_that_size = |at: &usize| offer.index.get(*at).is_some_and(|entry| entry.size_bytes == version.size_bytes);
    let told = |at: usize| offer.digests.as_ref().and_then(|digests| digests.get(at)).map(|told| told.content());
    let by_name = position.filter(of_that_size).is_some_and(|at| match (told(at), version.content()) {
        (Some(told), Some(content)) => told == content,
        _ => is_alone,
    });
    let by_content = || {
        let (Some(table), Some(digests)) = (&offer.digests, version.digests) else { return false };
        table.holders_of(digests.blake3).any(|(_, entry)| entry.size_bytes == version.size_bytes)
    };
    by_name || by_content()
}
