//! Versions in the place of ours: only of what the mirror brought and nobody changed here since.

use super::versions::Version;
use super::{Planner, Replaced, Source};
use crate::loot::ledger::Mirrored;
use crate::mirror::rules::ConflictPolicy;
use crate::wire::index::Entry;
use crate::wire::{Content, LootPath};

const SECOND_NS: i64 = 1_000_000_000;

impl<S: Fn(&str, u64, Option<Content>) -> bool> Planner<'_, '_, S> {
    /// Our version came by the mirror, is as it came, and the neighbour it came from has another
    /// now.
    pub(super) fn changed_by_its_origin(&self, path: &LootPath, sources: &[Source]) -> Option<Replaced> {
        let (ours, mirrored) = self.as_it_came(path)?;
        let from_origin = sources.iter().any(|source| source.uuid == mirrored.origin);
        from_origin.then_some(Replaced { size_bytes: ours.size_bytes, origin: mirrored.origin, is_kept: false })
    }

    /// Where the newest is wanted: our version came by the mirror, was read and is as it came, and
    /// somebody tells the content of a newer one. Who has that one is the origin from then on: the
    /// old one's could bring the old one back.
    pub(super) fn outdated_by(&self, path: &LootPath, version: &Version) -> Option<Replaced> {
        if self.view.rules.conflicts != ConflictPolicy::NewestFromOrigin {
            return None;
        }
        let (ours, mirrored) = self.as_it_came(path)?;
        let was_read = mirrored.content.is_some() && mirrored.content == self.own.of(path);
        let is_newer = version.told_time().is_some_and(|told| told > time_of(mirrored));
        let origin = version.sources.first()?.uuid;
        let replaced = Replaced { size_bytes: ours.size_bytes, origin, is_kept: false };
        (was_read && is_newer && self.has_lasted(path, version)).then_some(replaced)
    }

    /// Whether that version is not newer than the one that is here by the mirror or, with the time
    /// `taken`, is fetched for the name. Nothing is older than what is the user's.
    pub(super) fn is_older(&self, path: &LootPath, version: &Version, taken: Option<i64>) -> bool {
        let reference = taken.or_else(|| self.as_it_came(path).map(|(_, mirrored)| time_of(mirrored)));
        reference.zip(version.told_time()).is_some_and(|(reference, told)| told <= reference)
    }

    /// Our file of that name, if the mirror brought it and, as far as can be told, nobody changed
    /// it since.
    fn as_it_came(&self, path: &LootPath) -> Option<(Entry<'_>, &Mirrored)> {
        let ours = self.view.ours.find(path.as_str())?;
        let mirrored = self.view.facts.mirrored(path.as_str())?;
        let as_it_came = mirrored.size_bytes == ours.size_bytes
            && mirrored.content.is_none_or(|content| self.own.of(path).is_none_or(|own| own == content));
        as_it_came.then_some((ours, mirrored))
    }
}

/// What was told of it when it came; where nobody told, when it came. Seconds since 1970.
fn time_of(mirrored: &Mirrored) -> i64 {
    mirrored.modified_ns.div_euclid(SECOND_NS)
}
