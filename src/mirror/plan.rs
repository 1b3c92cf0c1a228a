//! What to fetch: a pure function of what we have, what neighbours have, and the rules
//! (`docs/PROTOCOL.md`, section 5).
//!
//! It loses nobody's data: a file that the user put here is never replaced, what the user deleted
//! is not fetched again, and nothing is ever deleted.

mod answer;
mod beside;
mod copies;
mod order;
mod replacing;
mod twins;
mod versions;
mod wished;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

pub use self::answer::{Conflict, Granting, Outcome, Plan, Replaced, Source, Want};
use self::copies::Copies;
use self::order::Ranked;
use self::twins::Twins;
use self::versions::{OwnContents, Version, missing};
use super::rules::{ConflictPolicy, NotWanted, Rules};
use super::settled::Decided;
use super::shortages::Shortages;
use super::wishes::{Wish, WishId};
use crate::loot::ledger::Facts;
use crate::wire::manifest::Mirrors;
use crate::wire::{Content, DigestTable, DisplayText, Index, LootPath};

/// Of so many wants, those that come next, holders under other names are looked for.
const LOOKED_FOR_MAX: usize = 2_000;

/// What one neighbour offers.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Whose.
    pub uuid: Uuid,
    /// What it calls itself.
    pub name: DisplayText,
    /// Its index.
    pub index: Arc<Index>,
    /// What its manifest tells, beside that index.
    pub digests: Option<Arc<DigestTable>>,
    /// Its manifest is about to tell more of files of at least so many bytes.
    pub awaited_from_bytes: Option<u64>,
    /// What it takes of what others have, if it says that it does.
    pub mirrors: Option<Mirrors>,
    /// The operator wants nothing taken from it for now.
    pub is_switched_off: bool,
}

/// All that a plan looks at.
#[derive(Debug)]
pub struct View<'v, S> {
    /// Who we are.
    pub us: Uuid,
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
    /// Since when there are too few copies of what.
    pub shortages: &'v Shortages,
    /// Whether anything is wanted but what the operator wishes.
    pub is_mirroring: bool,
    /// What the operator wishes by name.
    pub wishes: &'v [(WishId, Arc<Wish>)],
    /// What is left by the operator's word.
    pub decided: &'v Decided,
    /// The time.
    pub now: Instant,
}

impl<S> View<'_, S> {
    /// Whether anything is taken from that neighbour. What it holds counts all the same.
    fn may_take_from(&self, offer: &Offer) -> bool {
        !offer.is_switched_off && self.rules.whom.may_give(offer.uuid, &offer.name)
    }
}

/// Makes the plan.
pub fn plan<S: Fn(&str, u64, Option<Content>) -> bool>(view: &View<'_, S>) -> Plan {
    let own = OwnContents::new(view.ours, view.digests);
    let missing = if view.is_mirroring { missing(view, &own) } else { BTreeMap::new() };
    let mut planner = Planner {
        view,
        own,
        plan: Plan::default(),
        wants: Vec::new(),
        beside: HashSet::new(),
        keys: Twins::new(view),
        copies: Copies::new(view),
    };
    for (name, versions) in missing {
        planner.consider(name, versions);
    }
    let granted = planner.grant_wishes();
    let mut plan = planner.plan;
    plan.short = planner.copies.into_short();
    plan.wants = order::sorted(planner.wants, view.rules.order, view.us);
    let wished: HashSet<&str> = granted.iter().map(|want| want.path.as_str()).collect();
    plan.wants.retain(|want| !wished.contains(want.path.as_str()));
    // A neighbour may offer under its own name what we would keep beside another.
    let mut seen = HashSet::new();
    plan.wants.retain(|want| !planner.beside.contains(&want.path) || seen.insert(want.path.clone()));
    add_other_names(&mut plan.wants, view);
    plan.wants = granted.into_iter().chain(plan.wants).collect();
    plan
}

/// Who has the content under another name can give it too; asked after those that have the name.
fn add_other_names<S>(wants: &mut [Want], view: &View<'_, S>) {
    let offers: Vec<&Offer> = view.offers.iter().filter(|offer| view.may_take_from(offer)).collect();
    for want in wants.iter_mut().take(LOOKED_FOR_MAX) {
        let Some(digests) = want.digests else { continue };
        for offer in &offers {
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
}

struct Planner<'p, 'v, S> {
    view: &'p View<'v, S>,
    own: OwnContents<'v>,
    plan: Plan,
    wants: Vec<Ranked>,
    /// Names of wants that come beside others.
    beside: HashSet<LootPath>,
    keys: Twins,
    copies: Copies<'p>,
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
        let open = versions.len();
        let decided = self.view.decided;
        versions.retain(|version| !decided.leaves(name, version.size_bytes, version.content()));
        self.plan.settled = self.plan.settled.saturating_add(open.saturating_sub(versions.len()));
        let sizes: Vec<u64> = versions.iter().map(|version| version.size_bytes).collect();
        let is_alone = |version: &Version| sizes.iter().filter(|size| **size == version.size_bytes).count() == 1;
        versions.retain(|version| self.view.rules.admit_size(version.size_bytes));
        if versions.len() < sizes.len() {
            self.plan.by_rule = self.plan.by_rule.saturating_add(1);
        }
        self.prefer(&mut versions);
        let mut versions = versions.into_iter();
        let mut taken = None;
        if self.view.ours.find(name).is_none() {
            let Some(version) = versions.next() else { return };
            taken = version.told_time();
            let is_alone = is_alone(&version);
            if !self.begin_name(&path, version, is_alone) {
                return;
            }
        }
        for (position, version) in versions.enumerate() {
            let is_alone = is_alone(&version);
            self.consider_other(&path, version, position, is_alone, taken);
        }
    }

    /// The version that most neighbours have comes first: it is taken for the name; the first
    /// heard, of equals. Where the newest is wanted, that.
    fn prefer(&self, versions: &mut [Version]) {
        versions.sort_by_key(|version| std::cmp::Reverse(version.sources.len()));
        if self.view.rules.conflicts == ConflictPolicy::NewestFromOrigin {
            versions.sort_by_key(|version| std::cmp::Reverse(version.told_time()));
        }
    }

    /// A name that is not here. False if nothing of that name is to be looked at now.
    fn begin_name(&mut self, path: &LootPath, version: Version, is_alone: bool) -> bool {
        if self.stands_in_the_way(path) {
            self.conflict(path, &version, Outcome::CannotStandTogether);
            return false;
        }
        if !self.copies.is_ours_to_take(path.as_str(), &version, is_alone) {
            self.plan.enough_nearby.add(path, version.size_bytes);
            return true;
        }
        if !self.keys.admit(path) {
            self.conflict(path, &version, Outcome::CannotStandTogether);
            return false;
        }
        let is_known = !version.is_awaited;
        if is_known {
            self.want(path.clone(), version, None);
        } else {
            self.plan.awaited.add(path, version.size_bytes);
        }
        is_known
    }

    /// Another version than ours, or than the one that is fetched. `is_alone`: no other that is
    /// offered has its size. `taken`: the time of the one that is fetched for the name, if told.
    fn consider_other(
        &mut self,
        path: &LootPath,
        version: Version,
        position: usize,
        is_alone: bool,
        taken: Option<i64>,
    ) {
        let by_origin = self.changed_by_its_origin(path, &version.sources);
        let replaced = by_origin.or_else(|| self.outdated_by(path, &version));
        let already = self.wants.last().is_some_and(|ranked| ranked.want.path == *path);
        if let Some(replaced) = replaced.filter(|_| !already) {
            if version.is_awaited {
                return self.plan.awaited.add(path, version.size_bytes);
            }
            if by_origin.is_none() {
                self.conflict(path, &version, Outcome::Replacing);
            }
            return self.want(path.clone(), version, Some(replaced));
        }
        if let Some(beside) = self.kept_as(path, &version) {
            return self.conflict(path, &version, Outcome::KeptBeside(beside));
        }
        let outcome = self.beside_or_not(path, &version, position, is_alone, taken);
        self.conflict(path, &version, outcome.clone());
        if let Outcome::Fetching(beside) = outcome {
            self.beside.insert(beside.clone());
            self.want(beside, version, None);
        }
    }

    /// What becomes of a version that does not take the name.
    fn beside_or_not(
        &mut self,
        path: &LootPath,
        version: &Version,
        position: usize,
        is_alone: bool,
        taken: Option<i64>,
    ) -> Outcome {
        match self.view.rules.conflicts {
            ConflictPolicy::Skip => return Outcome::Skipped,
            ConflictPolicy::NewestFromOrigin if self.is_older(path, version, taken) => return Outcome::Older,
            _ => {}
        }
        if version.is_awaited || !self.has_lasted(path, version) {
            return Outcome::Waiting;
        }
        if !self.copies.is_ours_to_take(path.as_str(), version, is_alone) {
            return Outcome::EnoughNearby;
        }
        match self.name_beside(path, version, is_alone) {
            Some(beside) if self.has_room_beside(path, position) => Outcome::Fetching(beside),
            _ => Outcome::OnlyShown,
        }
    }

    fn has_lasted(&self, path: &LootPath, version: &Version) -> bool {
        (self.view.has_lasted)(path.as_str(), version.size_bytes, version.content())
    }

    fn want(&mut self, path: LootPath, version: Version, replaces: Option<Replaced>) {
        let (holders, mtime) = (version.holders(), version.mtime);
        let Version { size_bytes, digests, mut sources, .. } = version;
        // What cannot be verified comes from the origin alone.
        if let Some(replaced) = replaces.filter(|_| digests.is_none()) {
            sources.retain(|source| source.uuid == replaced.origin);
        }
        let want = Want { path, size_bytes, digests, mtime, sources, replaces, wish: None };
        self.wants.push(Ranked { want, holders });
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
