//! Versions beside others: what is here already, and under which name another one comes.

use super::Planner;
use super::versions::Version;
use crate::wire::loot_path::ToldApart;
use crate::wire::{Content, LootPath};

/// Versions of one name that are kept beside each other; more are only shown.
const VERSIONS_MAX: usize = 8;

impl<S: Fn(&str, u64, Option<Content>) -> bool> Planner<'_, '_, S> {
    /// Versions we had before, and those that stand here under another name.
    pub(super) fn is_here_already(&self, path: &LootPath, version: &Version) -> bool {
        let superseded = self.view.facts.is_superseded(path.as_str(), version.size_bytes, version.content());
        let kept_for = |(original, told_apart): (LootPath, ToldApart<'_>)| {
            let names_it = match told_apart {
                ToldApart::BySize(size_bytes) => size_bytes == version.size_bytes,
                ToldApart::ByContent(short) => version.content().is_none_or(|content| content.short() == short),
            };
            names_it && self.holds(&original, version)
        };
        (superseded && self.changed_by_its_origin(path, &version.sources).is_none())
            || path.kept_beside().is_some_and(kept_for)
    }

    /// Whether our file of that name is this version, as far as can be told.
    fn holds(&self, path: &LootPath, version: &Version) -> bool {
        let same_size = self.view.ours.find(path.as_str()).is_some_and(|own| own.size_bytes == version.size_bytes);
        same_size && version.content().is_none_or(|content| self.own.of(path).is_none_or(|own| own == content))
    }

    /// The name under which that version is kept beside already.
    pub(super) fn kept_as(&self, path: &LootPath, version: &Version) -> Option<LootPath> {
        let by_content = version.content().and_then(|content| path.beside_by_content(&content).ok());
        let names = by_content.into_iter().chain(path.beside(version.size_bytes).ok());
        names.into_iter().find(|beside| self.holds(beside, version))
    }

    /// The name under which it may come: by its size, or by its content where the size is that of
    /// another version too. None that was deleted here.
    pub(super) fn name_beside(&self, path: &LootPath, version: &Version, is_alone: bool) -> Option<LootPath> {
        let name = self.free_name_beside(path, version, is_alone);
        name.filter(|beside| !self.view.facts.is_deleted(beside.as_str()))
    }

    /// The same, whether it was deleted here before or not.
    pub(super) fn free_name_beside(&self, path: &LootPath, version: &Version, is_alone: bool) -> Option<LootPath> {
        let is_ours = self.view.ours.find(path.as_str()).is_some_and(|own| own.size_bytes == version.size_bytes);
        let by_size = path.beside(version.size_bytes).ok();
        let is_taken = by_size.as_ref().is_some_and(|beside| self.view.ours.find(beside.as_str()).is_some());
        let by_content = || path.beside_by_content(&version.content()?).ok();
        let name = if is_ours || is_taken || !is_alone { by_content() } else { by_size };
        name.filter(|beside| self.view.ours.find(beside.as_str()).is_none())
    }

    /// Whether one more may be kept beside, after `position` others that come.
    pub(super) fn has_room_beside(&self, path: &LootPath, position: usize) -> bool {
        self.kept_versions(path).saturating_add(position) < VERSIONS_MAX
    }

    /// How many other versions of a name are kept beside it already.
    fn kept_versions(&self, path: &LootPath) -> usize {
        // Only these are looked at: a folder may hold very many, and a neighbour lists any of them.
        let beside = self.view.ours.beginning_with(path.beside_begins());
        beside.filter(|own| own.path().kept_beside().is_some_and(|(original, _)| original == *path)).count()
    }
}
