//! What neighbours list and we do not have: by name, each version with who has it.
//!
//! A version is a size and, where a holder's manifest tells it, a content. Holders that tell none
//! are never counted among those that tell one.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::{Source, View};
use crate::wire::{Content, DigestTable, Digests, Index, LootPath};

/// One version of a name.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) size_bytes: u64,
    /// What names its content.
    pub(super) digests: Option<Digests>,
    /// From whom it may be taken.
    pub(super) sources: Vec<Source>,
    /// Who else lists it.
    pub(super) others: Vec<Uuid>,
    /// When it was changed last: the earliest time that is told, for a copy is not older than what
    /// it was made of. Seconds since 1970.
    pub(super) mtime: Option<i64>,
    /// Its content may be told in a moment.
    pub(super) is_awaited: bool,
}

impl Version {
    pub(super) fn content(&self) -> Option<Content> {
        self.digests.map(|digests| digests.content())
    }

    /// How many neighbours list it.
    pub(super) fn holders(&self) -> usize {
        self.sources.len().saturating_add(self.others.len())
    }

    /// When it was changed last, of a version whose content is told too.
    pub(super) fn told_time(&self) -> Option<i64> {
        self.mtime.filter(|_| self.digests.is_some())
    }
}

/// What names the content of our files, beside our index as it is now.
#[derive(Debug)]
pub(super) struct OwnContents<'v> {
    index: &'v Index,
    digests: &'v DigestTable,
    /// Where each file is beside the digests, as soon as somebody asks; the same if they stand
    /// beside this very index.
    places: OnceCell<Vec<Option<usize>>>,
    is_beside: bool,
}

impl<'v> OwnContents<'v> {
    pub(super) fn new(index: &'v Arc<Index>, digests: &'v DigestTable) -> Self {
        Self { index, digests, places: OnceCell::new(), is_beside: Arc::ptr_eq(index, digests.index()) }
    }

    /// Of the file at a position of our index; none while it is not known.
    pub(super) fn at(&self, position: usize) -> Option<Content> {
        if self.is_beside {
            return self.digests.get(position).map(Digests::content);
        }
        let places = self.places.get_or_init(|| self.index.positions_in(self.digests.index()).collect());
        self.digests.get((*places.get(position)?)?).map(Digests::content)
    }

    /// Of the file of that name.
    pub(super) fn of(&self, path: &LootPath) -> Option<Content> {
        self.at(self.index.position_of(path.as_str())?)
    }
}

/// The versions that are not what stands here under their name. All lists are sorted: one pass each.
pub(super) fn missing<'v, S>(view: &View<'v, S>, own: &OwnContents<'v>) -> BTreeMap<&'v str, Vec<Version>> {
    let mut missing: BTreeMap<&str, Vec<Version>> = BTreeMap::new();
    for offer in view.offers {
        let places = offer.index.positions_in(view.ours);
        let may_give = view.may_take_from(offer);
        for ((position, theirs), here) in offer.index.iter().enumerate().zip(places) {
            let told = offer.digests.as_ref().and_then(|digests| digests.get(position)).copied();
            // While one of the two is not known, equal sizes count as equal.
            let differs = |here| told.is_some_and(|told| own.at(here).is_some_and(|own| own != told.content()));
            if here.is_none_or(differs) {
                let is_awaited = offer.awaited_from_bytes.is_some_and(|least| theirs.size_bytes >= least);
                let mtime = offer.digests.as_ref().and_then(|digests| digests.mtime(position));
                let told = Told { digests: told, mtime, is_awaited: told.is_none() && is_awaited };
                let uuid = offer.uuid;
                let source = || Source { uuid, listed_name: theirs.listed_name(), by_content: false };
                let holder = if may_give { Ok(source()) } else { Err(uuid) };
                note(missing.entry(theirs.name).or_default(), theirs.size_bytes, &told, holder);
            }
        }
    }
    missing.values_mut().for_each(drop_unusable);
    missing.retain(|_, versions| !versions.is_empty());
    missing
}

/// What a neighbour tells of one file.
struct Told {
    digests: Option<Digests>,
    mtime: Option<i64>,
    is_awaited: bool,
}

/// Notes who has a version: a source, or somebody from whom nothing is taken.
fn note(versions: &mut Vec<Version>, size_bytes: u64, told: &Told, holder: Result<Source, Uuid>) {
    let content = told.digests.map(|digests| digests.content());
    let known = versions.iter().position(|v| v.size_bytes == size_bytes && v.content() == content);
    let at = known.unwrap_or(versions.len());
    if known.is_none() {
        let (sources, others) = (Vec::new(), Vec::new());
        versions.push(Version { size_bytes, digests: told.digests, sources, others, mtime: None, is_awaited: true });
    }
    let Some(version) = versions.get_mut(at) else { return };
    version.mtime = version.mtime.into_iter().chain(told.mtime).min();
    match holder {
        Ok(source) => {
            version.sources.push(source);
            version.is_awaited &= told.is_awaited;
        }
        Err(uuid) => version.others.push(uuid),
    }
}

/// What nobody may give is none. Where some tell what a version of that size holds, those that tell
/// nothing are not asked.
fn drop_unusable(versions: &mut Vec<Version>) {
    versions.retain(|version| !version.sources.is_empty());
    let told: Vec<u64> = versions.iter().filter(|v| v.digests.is_some()).map(|v| v.size_bytes).collect();
    versions.retain(|version| version.digests.is_some() || !told.contains(&version.size_bytes));
}
