//! What to fetch: a pure function of what we have, what neighbours have, and the rules
//! (`docs/PROTOCOL.md`, section 5).
//!
//! It loses nobody's data: a file that the user put here is never replaced, what the user deleted
//! is not fetched again, and nothing is ever deleted.

mod answer;
mod twins;
mod versions;

use std::sync::Arc;

use uuid::Uuid;

pub use self::answer::{Conflict, Outcome, Plan, Replaced, Source, Want};
use self::twins::Twins;
use self::versions::{OwnContents, Version, missing};
use super::rules::{NotWanted, Rules};
use crate::loot::ledger::Facts;
use crate::wire::loot_path::ToldApart;
use crate::wire::{Content, DigestTable, Index, LootPath};

/// Versions of one name that are kept beside each other; more are only shown.
const VERSIONS_MAX: usize = 8;
/// Of so many wants, those that come next, holders under other names are looked for.
const LOOKED_FOR_MAX: usize = 2_000;

/// What one neighbour offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Whose.
    pub uuid: Uuid,
    /// Its index.
    pub index: Arc<Index>,
    /// What its manifest tells, beside that index.
    pub digests: Option<Arc<DigestTable>>,
    /// Its manifest is about to come.
    pub is_awaited: bool,
}

/// All that a plan looks at.
#[derive(Debug)]
pub struct View<'v, S> {
    /// Our index.
    pub ours: &'v Arc<Index>,
    /// What is known of our files' content; the index beside it may be older.
    pub digests: &'v DigestTable,
    /// Our ledger.
    pub facts: &'v Facts,
    /// The neighbours' indexes.
    pub offers: &'v [Offer],
    /// The operator's rules.
    pub rules: &'v Rules,
    /// Whether that other version of a name has lasted long enough to be no passing state.
    pub has_lasted: S,
}

/// Makes the plan.
pub fn plan<S: Fn(&str, u64, Option<Content>) -> bool>(view: &View<'_, S>) -> Plan {
    let own = OwnContents::new(view.ours, view.digests);
    let missing = missing(view, &own);
    let mut planner = Planner { view, own, plan: Plan::default(), keys: Twins::new(view) };
    for (name, versions) in missing {
        planner.consider(name, versions);
    }
    let mut plan = planner.plan;
    plan.wants.sort_by(|a, b| (a.size_bytes, &a.path).cmp(&(b.size_bytes, &b.path)));
    // A neighbour may offer under its own name what we would keep beside another.
    plan.wants.dedup_by(|a, b| a.path == b.path);
    plan.wants.iter_mut().take(LOOKED_FOR_MAX).for_each(|want| add_other_names(want, view.offers));
    plan
}

/// Who has the content under another name can give it too; asked after those that have the name.
fn add_other_names(want: &mut Want, offers: &[Offer]) {
    let Some(digests) = want.digests else { return };
    for offer in offers {
        if want.sources.iter().any(|source| source.uuid == offer.uuid) {
            continue;
        }
        let holder = offer.digests.as_ref().and_then(|table| table.holders_of(digests.blake3).next());
        if let Some((_, entry)) = holder.filter(|(_, entry)| entry.size_bytes == want.size_bytes) {
            let source = Source { uuid: offer.uuid, listed_name: entry.listed_name(), by_content: true };
            want.sources.push(source);
        }
    }
}

struct Planner<'p, 'v, S> {
    view: &'p View<'v, S>,
    own: OwnContents<'v>,
    plan: Plan,
    keys: Twins,
}

impl<S: Fn(&str, u64, Option<Content>) -> bool> Planner<'_, '_, S> {
    fn consider(&mut self, name: &str, mut versions: Vec<Version>) {
        let Ok(path) = LootPath::parse(name.as_bytes()) else { return };
        match self.view.rules.admit(&path) {
            Ok(()) => {}
            Err(NotWanted::ByRule) => return self.plan.by_rule = self.plan.by_rule.saturating_add(1),
            Err(NotWanted::NotPortable(why)) => return self.plan.not_portable.push((path, why)),
        }
        if self.view.facts.is_deleted(name) {
            return self.plan.deleted_here = self.plan.deleted_here.saturating_add(1);
        }
        versions.retain(|version| !self.is_here_already(&path, version));
        // The version that most neighbours have is taken for the name; the first heard, of equals.
        versions.sort_by_key(|version| std::cmp::Reverse(version.sources.len()));
        let sizes: Vec<u64> = versions.iter().map(|version| version.size_bytes).collect();
        let mut versions = versions.into_iter();
        if self.view.ours.find(name).is_none() {
            let Some(version) = versions.next() else { return };
            if self.stands_in_the_way(&path) || !self.keys.admit(&path) {
                return self.conflict(&path, &version, Outcome::CannotStandTogether);
            }
            if version.is_awaited {
                return;
            }
            self.want(path.clone(), version, None);
        }
        for (position, version) in versions.enumerate() {
            let is_alone = sizes.iter().filter(|size| **size == version.size_bytes).count() == 1;
            self.consider_other(&path, version, position, is_alone);
        }
    }

    /// Versions we had before, and those that stand here under another name.
    fn is_here_already(&self, path: &LootPath, version: &Version) -> bool {
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

    /// Another version than ours, or than the one that is fetched. `is_alone`: no other that is
    /// offered has its size.
    fn consider_other(&mut self, path: &LootPath, version: Version, position: usize, is_alone: bool) {
        if let Some(replaced) = self.changed_by_its_origin(path, &version.sources) {
            let already = self.plan.wants.last().is_some_and(|want| want.path == *path);
            if !already {
                if !version.is_awaited {
                    self.want(path.clone(), version, Some(replaced));
                }
                return;
            }
        }
        if let Some(beside) = self.kept_as(path, &version) {
            return self.conflict(path, &version, Outcome::KeptBeside(beside));
        }
        let has_lasted = (self.view.has_lasted)(path.as_str(), version.size_bytes, version.content());
        let outcome = match self.name_beside(path, &version, is_alone) {
            _ if version.is_awaited || !has_lasted => Outcome::Waiting,
            Some(beside) if self.kept_versions(path).saturating_add(position) < VERSIONS_MAX => {
                Outcome::Fetching(beside)
            }
            _ => Outcome::OnlyShown,
        };
        self.conflict(path, &version, outcome.clone());
        if let Outcome::Fetching(beside) = outcome {
            self.want(beside, version, None);
        }
    }

    /// Our version came by the mirror, is as it came, and the neighbour it came from has another
    /// now.
    fn changed_by_its_origin(&self, path: &LootPath, sources: &[Source]) -> Option<Replaced> {
        let ours = self.view.ours.find(path.as_str())?;
        let mirrored = self.view.facts.mirrored(path.as_str())?;
        let from_origin = sources.iter().any(|source| source.uuid == mirrored.origin);
        let as_it_came = mirrored.size_bytes == ours.size_bytes
            && mirrored.content.is_none_or(|content| self.own.of(path).is_none_or(|own| own == content));
        let replaced = Replaced { size_bytes: ours.size_bytes, origin: mirrored.origin };
        (as_it_came && from_origin).then_some(replaced)
    }

    /// The name under which that version is kept beside already.
    fn kept_as(&self, path: &LootPath, version: &Version) -> Option<LootPath> {
        let by_content = version.content().and_then(|content| path.beside_by_content(&content).ok());
        let names = by_content.into_iter().chain(path.beside(version.size_bytes).ok());
        names.into_iter().find(|beside| self.holds(beside, version))
    }

    /// The name under which it may come: by its size, or by its content where the size is that of
    /// another version too.
    fn name_beside(&self, path: &LootPath, version: &Version, is_alone: bool) -> Option<LootPath> {
        let is_ours = self.view.ours.find(path.as_str()).is_some_and(|own| own.size_bytes == version.size_bytes);
        let by_size = path.beside(version.size_bytes).ok();
        let is_taken = by_size.as_ref().is_some_and(|beside| self.view.ours.find(beside.as_str()).is_some());
        let by_content = || path.beside_by_content(&version.content()?).ok();
        let name = if is_ours || is_taken || !is_alone { by_content() } else { by_size };
        name.filter(|beside| self.may_appear(beside))
    }

    fn want(&mut self, path: LootPath, version: Version, replaces: Option<Replaced>) {
        let Version { size_bytes, digests, mut sources, .. } = version;
        // What cannot be verified comes from the origin alone.
        if let Some(replaced) = replaces.filter(|_| digests.is_none()) {
            sources.retain(|source| source.uuid == replaced.origin);
        }
        self.plan.wants.push(Want { path, size_bytes, digests, sources, replaces });
    }

    /// How many other versions of a name are kept beside it already.
    fn kept_versions(&self, path: &LootPath) -> usize {
        let stem = path.as_str().rsplit_once('.').map_or(path.as_str(), |(stem, _)| stem);
        let folder = path.folder().unwrap_or_default();
        let beside =
            self.view.ours.below(folder).filter(|own| own.name.starts_with(stem) && own.name.len() > stem.len());
        beside.filter(|own| own.path().kept_beside().is_some_and(|(original, _)| original == *path)).count()
    }

    fn may_appear(&self, path: &LootPath) -> bool {
        self.view.ours.find(path.as_str()).is_none() && !self.view.facts.is_deleted(path.as_str())
    }

    /// One of its folders is a file here, or it is a folder here.
    fn stands_in_the_way(&self, path: &LootPath) -> bool {
        let above = path
            .as_str()
            .match_indices('/')
            .any(|(at, _)| path.as_str().get(..at).is_some_and(|f| self.view.ours.find(f).is_some()));
        above || self.view.ours.below(path.as_str()).next().is_some()
    }

    fn conflict(&mut self, path: &LootPath, version: &Version, outcome: Outcome) {
        let holders = version.sources.iter().map(|source| source.uuid).collect();
        let (path, size_bytes, content) = (path.clone(), version.size_bytes, version.content());
        self.plan.conflicts.push(Conflict { path, size_bytes, content, holders, outcome });
    }
}

#[cfg(test)]
mod tests;
