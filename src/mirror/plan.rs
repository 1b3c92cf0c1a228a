//! What to fetch: a pure function of what we have, what neighbours have, and the rules
//! (`docs/PROTOCOL.md`, section 5).
//!
//! It loses nobody's data: a file that the user put here is never replaced, what the user deleted
//! is not fetched again, and nothing is ever deleted.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::rules::{NotWanted, Rules};
use crate::loot::ledger::Facts;
use crate::wire::loot_path::collision_key;
use crate::wire::{Index, LootPath};

/// Versions of one name that are kept beside each other; more are only shown.
const VERSIONS_MAX: usize = 8;

/// What one neighbour offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Whose.
    pub uuid: Uuid,
    /// Its index.
    pub index: Arc<Index>,
}

/// Who has a file, and how it is to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The neighbour.
    pub uuid: Uuid,
    /// The name exactly as it lists it.
    pub listed_name: String,
}

/// A file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The name it will have here.
    pub path: LootPath,
    /// Its size.
    pub size_bytes: u64,
    /// Who has it.
    pub sources: Vec<Source>,
    /// The size of our own version, which the mirror brought and its origin changed since.
    pub replaces: Option<u64>,
}

/// One name, two contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name.
    pub path: LootPath,
    /// What a neighbour has of it.
    pub size_bytes: u64,
    /// Which neighbours.
    pub holders: Vec<Uuid>,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What becomes of a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other version is here under this name.
    KeptBeside(LootPath),
    /// It is fetched to this name.
    Fetching(LootPath),
    /// It may pass by itself: fetched only if it lasts.
    Waiting,
    /// A file and a folder want one name, or two names differ only in case.
    CannotStandTogether,
    /// No name for it, or too many versions already.
    OnlyShown,
}

/// The whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files to fetch, small ones first.
    pub wants: Vec<Want>,
    /// Conflicts.
    pub conflicts: Vec<Conflict>,
    /// Names that no rule forbids but some system cannot store.
    pub not_portable: Vec<(LootPath, crate::wire::loot_path::Refusal)>,
    /// Files that the rules leave out.
    pub by_rule: usize,
    /// Files deleted here and offered still.
    pub deleted_here: usize,
}

impl Plan {
    /// Bytes of all wants, saturating.
    #[must_use]
    pub fn wanted_bytes(&self) -> u64 {
        self.wants.iter().fold(0, |sum, want| sum.saturating_add(want.size_bytes))
    }
}

/// All that a plan looks at.
#[derive(Debug)]
pub struct View<'v, S> {
    /// Our index.
    pub ours: &'v Index,
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
pub fn plan<S: Fn(&str, u64) -> bool>(view: &View<'_, S>) -> Plan {
    let mut planner = Planner { view, plan: Plan::default(), keys: Twins::new(view) };
    for (name, versions) in missing(view) {
        planner.consider(name, versions);
    }
    let mut plan = planner.plan;
    plan.wants.sort_by(|a, b| (a.size_bytes, &a.path).cmp(&(b.size_bytes, &b.path)));
    // A neighbour may offer under its own name what we would keep beside another.
    plan.wants.dedup_by(|a, b| a.path == b.path);
    plan
}

/// The versions of one name: size, and who has it.
type Versions = Vec<(u64, Vec<Source>)>;

/// What neighbours list and we do not, by name: both are sorted, so one pass finds it.
fn missing<'v, S>(view: &View<'v, S>) -> BTreeMap<&'v str, Versions> {
    let mut missing: BTreeMap<&str, Versions> = BTreeMap::new();
    for offer in view.offers {
        for theirs in offer.index.absent_from(view.ours) {
            let versions = missing.entry(theirs.name).or_default();
            let source = Source { uuid: offer.uuid, listed_name: theirs.listed_name() };
            match versions.iter_mut().find(|(size, _)| *size == theirs.size_bytes) {
                Some((_, sources)) => sources.push(source),
                None => versions.push((theirs.size_bytes, vec![source])),
            }
        }
    }
    missing
}

struct Planner<'p, 'v, S> {
    view: &'p View<'v, S>,
    plan: Plan,
    keys: Twins,
}

impl<S: Fn(&str, u64) -> bool> Planner<'_, '_, S> {
    fn consider(&mut self, name: &str, mut versions: Versions) {
        let Ok(path) = LootPath::parse(name.as_bytes()) else { return };
        match self.view.rules.admit(&path) {
            Ok(()) => {}
            Err(NotWanted::ByRule) => return self.plan.by_rule = self.plan.by_rule.saturating_add(1),
            Err(NotWanted::NotPortable(why)) => return self.plan.not_portable.push((path, why)),
        }
        if self.view.facts.is_deleted(name) {
            return self.plan.deleted_here = self.plan.deleted_here.saturating_add(1);
        }
        versions.retain(|(size, sources)| !self.is_here_already(&path, *size, sources));
        // The version that most neighbours have is taken for the name; the first heard, of equals.
        versions.sort_by_key(|(_, sources)| std::cmp::Reverse(sources.len()));
        let mut versions = versions.into_iter();
        if self.view.ours.find(name).is_none() {
            let Some((size_bytes, sources)) = versions.next() else { return };
            if self.stands_in_the_way(&path) || !self.keys.admit(&path) {
                return self.conflict(path, size_bytes, &sources, Outcome::CannotStandTogether);
            }
            self.plan.wants.push(Want { path: path.clone(), size_bytes, sources, replaces: None });
        }
        for (position, (size_bytes, sources)) in versions.enumerate() {
            self.consider_other(&path, size_bytes, sources, position);
        }
    }

    /// Versions we had before, and those that stand here under another name.
    fn is_here_already(&self, path: &LootPath, size_bytes: u64, sources: &[Source]) -> bool {
        let kept_for = |(original, size): (LootPath, u64)| {
            size == size_bytes && self.view.ours.find(original.as_str()).is_some_and(|own| own.size_bytes == size)
        };
        let superseded = self.view.facts.is_superseded(path.as_str(), size_bytes);
        (superseded && self.changed_by_its_origin(path, sources).is_none()) || path.kept_beside().is_some_and(kept_for)
    }

    /// Another version than ours, or than the one that is fetched.
    fn consider_other(&mut self, path: &LootPath, size_bytes: u64, sources: Vec<Source>, position: usize) {
        if let Some((replaces, origin)) = self.changed_by_its_origin(path, &sources) {
            let already = self.plan.wants.last().is_some_and(|want| want.path == *path);
            if !already {
                let sources = sources.into_iter().filter(|source| source.uuid == origin).collect();
                let want = Want { path: path.clone(), size_bytes, sources, replaces: Some(replaces) };
                return self.plan.wants.push(want);
            }
        }
        let outcome = match path.beside(size_bytes) {
            Ok(beside) if self.view.ours.find(beside.as_str()).is_some_and(|own| own.size_bytes == size_bytes) => {
                Outcome::KeptBeside(beside)
            }
            _ if !(self.view.has_lasted)(path.as_str(), size_bytes) => Outcome::Waiting,
            Ok(beside)
                if self.kept_versions(path).saturating_add(position) < VERSIONS_MAX && self.may_appear(&beside) =>
            {
                self.plan.wants.push(Want {
                    path: beside.clone(),
                    size_bytes,
                    sources: sources.clone(),
                    replaces: None,
                });
                Outcome::Fetching(beside)
            }
            _ => Outcome::OnlyShown,
        };
        self.conflict(path.clone(), size_bytes, &sources, outcome);
    }

    /// Our version came by the mirror, is as it came, and the neighbour it came from has another
    /// now: the size of ours, and that neighbour.
    fn changed_by_its_origin(&self, path: &LootPath, sources: &[Source]) -> Option<(u64, Uuid)> {
        let ours = self.view.ours.find(path.as_str())?;
        let mirrored = self.view.facts.mirrored(path.as_str())?;
        let from_origin = sources.iter().any(|source| source.uuid == mirrored.origin);
        (mirrored.size_bytes == ours.size_bytes && from_origin).then_some((ours.size_bytes, mirrored.origin))
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

    fn conflict(&mut self, path: LootPath, size_bytes: u64, sources: &[Source], outcome: Outcome) {
        let holders = sources.iter().map(|source| source.uuid).collect();
        self.plan.conflicts.push(Conflict { path, size_bytes, holders, outcome });
    }
}

/// Names that differ only in case or composition: the second is not taken, because some file
/// systems would hold only one. A file and a folder collide too.
struct Twins {
    ours: HashSet<String>,
    names: BTreeMap<String, String>,
}

impl Twins {
    fn new<S>(view: &View<'_, S>) -> Self {
        let mut twins = Self { ours: HashSet::new(), names: BTreeMap::new() };
        for entry in view.ours.iter() {
            twins.ours.insert(collision_key(entry.name));
        }
        twins
    }

    /// Notes a name that will come; false if a twin is here or will be.
    fn admit(&mut self, path: &LootPath) -> bool {
        let key = path.collision_key();
        if self.ours.contains(&key) {
            return false;
        }
        let name = self.names.entry(key).or_insert_with(|| path.as_str().to_owned());
        let folders_stand = path.as_str().match_indices('/').all(|(at, _)| {
            let folder = path.as_str().get(..at).unwrap_or_default();
            !self.ours.contains(&collision_key(folder))
        });
        name == path.as_str() && folders_stand
    }
}

#[cfg(test)]
mod tests;
