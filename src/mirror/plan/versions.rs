//! What neighbours list and we do not have: by name, each version with who has it.
//!
//! A version is a size and, where a holder's manifest tells it, a content. Holders that tell none
//! are never counted among those that tell one.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Offer, Source, View};
use crate::wire::index::Entry;
use crate::wire::{Content, DigestTable, Digests, Index, LootPath};

/// One version of a name.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) size_bytes: u64,
    /// What names its content.
    pub(super) digests: Option<Digests>,
    pub(super) sources: Vec<Source>,
    /// Its content may be told in a moment.
    pub(super) is_awaited: bool,
}

impl Version {
    pub(super) fn content(&self) -> Option<Content> {
        self.digests.map(|digests| digests.content())
    }
}

/// What names the content of our files, beside our index as it is now.
#[derive(Debug)]
pub(super) struct OwnContents<'v> {
    index: &'v Index,
    digests: &'v DigestTable,
    /// Where each file is beside the digests; none if it is where it is here.
    places: Option<Vec<Option<usize>>>,
}

impl<'v> OwnContents<'v> {
    pub(super) fn new(index: &'v Arc<Index>, digests: &'v DigestTable) -> Self {
        let is_beside = Arc::ptr_eq(index, digests.index());
        let places = (!is_beside).then(|| index.positions_in(digests.index()).collect());
        Self { index, digests, places }
    }

    /// Of the file at a position of our index; none while it is not known.
    pub(super) fn at(&self, position: usize) -> Option<Content> {
        let place = match &self.places {
            None => position,
            Some(places) => (*places.get(position)?)?,
        };
        self.digests.get(place).map(Digests::content)
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
        for ((position, theirs), here) in offer.index.iter().enumerate().zip(places) {
            let told = offer.digests.as_ref().and_then(|digests| digests.get(position)).copied();
            // While one of the two is not known, equal sizes count as equal.
            let differs = |here| told.is_some_and(|told| own.at(here).is_some_and(|own| own != told.content()));
            if here.is_none_or(differs) {
                note(missing.entry(theirs.name).or_default(), offer, &theirs, told);
            }
        }
    }
    missing.values_mut().for_each(drop_untold);
    missing
}

fn note(versions: &mut Vec<Version>, offer: &Offer, theirs: &Entry<'_>, told: Option<Digests>) {
    let source = Source { uuid: offer.uuid, listed_name: theirs.listed_name(), by_content: false };
    let content = told.map(|told| told.content());
    let is_awaited = told.is_none() && offer.is_awaited;
    match versions.iter_mut().find(|v| v.size_bytes == theirs.size_bytes && v.content() == content) {
        Some(version) => {
            version.sources.push(source);
            version.is_awaited &= is_awaited;
        }
        None => {
            let size_bytes = theirs.size_bytes;
            versions.push(Version { size_bytes, digests: told, sources: vec![source], is_awaited });
        }
    }
}

/// Where some tell what a version of that size holds, those that tell nothing are not asked.
fn drop_untold(versions: &mut Vec<Version>) {
    let told: Vec<u64> = versions.iter().filter(|v| v.digests.is_some()).map(|v| v.size_bytes).collect();
    versions.retain(|version| version.digests.is_some() || !told.contains(&version.size_bytes));
}
