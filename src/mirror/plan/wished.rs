//! What the operator asked for by name: whoever it was seen at gives it, or whoever has the same.
//!
//! No rule of what the mirror takes applies, and nothing is chosen: it comes under its name, beside
//! the file that has it, or, by the operator's word, in its place.

use std::collections::HashSet;

use super::versions::Version;
use super::{Granting, Offer, Planner, Replaced, Source, Want};
use crate::mirror::failure::FailureKind;
use crate::mirror::wishes::{Place, Wish};
use crate::wire::{Content, Digests, LootPath};

/// How one neighbour lists the name of a wish.
struct Listed<'v> {
    offer: &'v Offer,
    size_bytes: u64,
    digests: Option<Digests>,
    source: Source,
    mtime: Option<i64>,
}

impl<'v, S: Fn(&str, u64, Option<Content>) -> bool> Planner<'_, 'v, S> {
    /// The wants of all wishes that can come, in the order in which they were wished; what becomes of
    /// the others is said in the plan.
    pub(super) fn grant_wishes(&mut self) -> Vec<Want> {
        let (mut wants, mut taken) = (Vec::new(), HashSet::new());
        let view = self.view;
        for (id, wish) in view.wishes.iter().filter(|(_, wish)| wish.failure.is_none()) {
            match self.grant(wish, &taken) {
                Ok(want) => {
                    taken.insert(want.path.clone());
                    wants.push(Want { wish: Some(*id), ..want });
                }
                Err(granting) => self.plan.wishes.push((*id, granting)),
            }
        }
        wants
    }

    fn grant(&self, wish: &Wish, taken: &HashSet<LootPath>) -> Result<Want, Granting> {
        let version = self.version_of(wish)?;
        let (path, ours) = (&wish.path, self.view.ours.find(wish.path.as_str()));
        let is_free = ours.is_none() && !taken.contains(path);
        if is_free && self.stands_in_the_way(path) {
            return Err(Granting::Impossible(FailureKind::InTheWay));
        }
        if let Some(ours) = ours.filter(|ours| ours.size_bytes == version.size_bytes) {
            match (version.content(), self.own.of(path)) {
                (Some(theirs), Some(own)) if theirs != own => {}
                (Some(_), None) => return Err(Granting::Awaited),
                _ => return Err(Granting::Here(ours.path())),
            }
        }
        let replaces = match (wish.place, ours) {
            (Place::Instead, Some(ours)) if !taken.contains(path) => {
                let origin = version.sources.first().map_or(wish.from, |source| source.uuid);
                Some(Replaced { size_bytes: ours.size_bytes, origin, is_kept: true })
            }
            _ => None,
        };
        if is_free || replaces.is_some() {
            return Ok(want(path.clone(), version, replaces));
        }
        if let Some(beside) = self.kept_as(path, &version) {
            return Err(Granting::Here(beside));
        }
        // Of two wishes for one name the later may be told apart by its content only.
        let names = [true, false].into_iter().filter_map(|is_alone| self.free_name_beside(path, &version, is_alone));
        match names.into_iter().find(|name| !taken.contains(name)) {
            Some(beside) => Ok(want(beside, version, None)),
            None => Err(Granting::Impossible(FailureKind::NameTaken)),
        }
    }

    /// What is to come: what the neighbour lists now at whom it was seen, or else the same file at
    /// others.
    fn version_of(&self, wish: &Wish) -> Result<Version, Granting> {
        let listed: Vec<Listed<'v>> = self.view.offers.iter().filter_map(|offer| listed(offer, &wish.path)).collect();
        let origin = listed.iter().find(|listed| listed.offer.uuid == wish.from);
        if origin.is_some_and(|origin| is_awaited(origin)) {
            return Err(Granting::Awaited);
        }
        let size_bytes = origin.map_or(wish.size_bytes, |origin| origin.size_bytes);
        let wished = wish.content.filter(|_| size_bytes == wish.size_bytes);
        let content = origin.map_or(wished, |origin| origin.digests.map(|digests| digests.content()));
        let of_it = |listed: &&Listed<'v>| {
            listed.size_bytes == size_bytes && listed.digests.map(|digests| digests.content()) == content
        };
        let same: Vec<&Listed<'v>> = listed.iter().filter(of_it).collect();
        let mut sources: Vec<Source> = same.iter().map(|listed| listed.source.clone()).collect();
        // At whom it was seen is asked first.
        sources.sort_by_key(|source| source.uuid != wish.from);
        let mut digests = same.iter().find_map(|listed| listed.digests);
        for (source, told) in content.into_iter().flat_map(|content| self.holders(content, size_bytes)) {
            if sources.iter().all(|known| known.uuid != source.uuid) {
                sources.push(source);
            }
            digests.get_or_insert(told);
        }
        if sources.is_empty() {
            return Err(Granting::Nobody);
        }
        let mtime = same.iter().filter_map(|listed| listed.mtime).min();
        Ok(Version { size_bytes, digests, sources, others: Vec::new(), mtime, is_awaited: false })
    }

    /// Who has that content, under whatever name.
    fn holders(&self, content: Content, size_bytes: u64) -> impl Iterator<Item = (Source, Digests)> {
        self.view.offers.iter().filter_map(move |offer| {
            let table = offer.digests.as_ref()?;
            let (at, entry) = table.holders_of(content.blake3()).find(|(_, entry)| entry.size_bytes == size_bytes)?;
            let source = Source { uuid: offer.uuid, listed_name: entry.listed_name(), by_content: true };
            Some((source, *table.get(at)?))
        })
    }
}

fn listed<'v>(offer: &'v Offer, path: &LootPath) -> Option<Listed<'v>> {
    let at = offer.index.position_of(path.as_str())?;
    let entry = offer.index.get(at)?;
    let digests = offer.digests.as_ref().and_then(|table| table.get(at)).copied();
    let mtime = offer.digests.as_ref().and_then(|table| table.mtime(at));
    let source = Source { uuid: offer.uuid, listed_name: entry.listed_name(), by_content: false };
    Some(Listed { offer, size_bytes: entry.size_bytes, digests, source, mtime })
}

/// Its content may be told in a moment: then it comes verified, and from all who have it.
fn is_awaited(listed: &Listed<'_>) -> bool {
    let is_due = listed.offer.awaited_from_bytes.is_some_and(|least| listed.size_bytes >= least);
    listed.digests.is_none() && is_due
}

fn want(path: LootPath, version: Version, replaces: Option<Replaced>) -> Want {
    let Version { size_bytes, digests, sources, mtime, .. } = version;
    Want { path, size_bytes, digests, mtime, sources, replaces, wish: None }
}
