//! An index as we have it of a neighbour, with the announcement for which it was read.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::manifest::KnownManifest;
use crate::wire::index::{Edit, Refused};
use crate::wire::{Index, IndexHmac, IndexKey};

/// An index that was fetched from a neighbour.
#[derive(Clone, Debug)]
pub struct KnownIndex {
    /// What it offers.
    pub index: Arc<Index>,
    /// What of it was left out.
    pub refused: Arc<Refused>,
    /// The announced HMAC it was fetched for.
    pub(super) announced: Option<IndexHmac>,
    /// The key under which that HMAC verifies; `None`: it does not.
    pub verified_by: Option<IndexKey>,
    /// The text of the index is byte for byte what the neighbour serves: then changes that it tells
    /// lead from it to its next one.
    pub is_exact: bool,
    /// The index of which it was made, and by what.
    came_of: Option<(Weak<Index>, Arc<Edit>)>,
    /// How long it took to fetch: a large index is not fetched every second.
    pub(super) took: Duration,
    /// What the manifest before told of files that are in this index too.
    pub(super) carried: Option<Arc<KnownManifest>>,
}

impl KnownIndex {
    /// An index as it was read for an announced HMAC.
    #[must_use]
    pub fn new(
        index: Arc<Index>,
        refused: Refused,
        announced: Option<IndexHmac>,
        verified_by: Option<IndexKey>,
    ) -> Self {
        Self {
            index,
            refused: Arc::new(refused),
            announced,
            verified_by,
            is_exact: false,
            came_of: None,
            took: Duration::ZERO,
            carried: None,
        }
    }

    /// The same, where the text of the index is what its neighbour serves.
    #[must_use]
    pub fn exactly(self, is_exact: bool) -> Self {
        Self { is_exact, ..self }
    }

    /// The same, made of the index before by an edit.
    #[must_use]
    pub fn that_came_of(self, before: &Arc<Index>, edit: Edit) -> Self {
        Self { came_of: Some((Arc::downgrade(before), Arc::new(edit))), ..self }
    }

    /// What became of `before` to make this index, if it was made of that.
    #[must_use]
    pub fn edit_from(&self, before: &Arc<Index>) -> Option<Arc<Edit>> {
        // Its address is nobody else's as long as somebody points at it.
        let (_, edit) = self.came_of.as_ref().filter(|(of, _)| std::ptr::eq(of.as_ptr(), Arc::as_ptr(before)))?;
        Some(edit.clone())
    }

    /// The HMAC of the state that its node and we have, if it is one of ours: such a node may tell
    /// what changed since.
    #[must_use]
    pub fn since(&self) -> Option<IndexHmac> {
        let is_ours = matches!(self.verified_by, Some(IndexKey::Specified | IndexKey::PreShared(_)));
        self.announced.filter(|_| self.is_exact && is_ours)
    }

    /// The same, with what is known of its files from the manifest before.
    #[must_use]
    pub fn carrying(self, before: &KnownManifest) -> Self {
        let edit = self.edit_from(before.digests.index());
        let carried = Some(Arc::new(before.carried_to(self.index.clone(), edit.as_deref())));
        Self { carried, ..self }
    }

    /// The announced HMAC it was fetched for.
    #[must_use]
    pub fn announced(&self) -> Option<IndexHmac> {
        self.announced
    }

    /// The same, with how long it took to fetch.
    #[must_use]
    pub fn taking(self, took: Duration) -> Self {
        Self { took, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_from_the_very_index_of_which_it_was_made_it_is_known_what_changed() {
        let before = Arc::new(Index::parse(b"a,1\n").unwrap().0);
        let (index, edit) = before.edited([("b", Some(2))]);
        let known = KnownIndex::new(Arc::new(index), Refused::default(), None, None);
        assert!(known.edit_from(&before).is_none());
        let known = known.that_came_of(&before, edit);
        assert_eq!(known.edit_from(&before).unwrap().new_ones(), [1]);
        assert!(known.edit_from(&Arc::new(Index::clone(&before))).is_none(), "equal, but another");
        let weak = Arc::downgrade(&before);
        drop(before);
        assert!(weak.upgrade().is_none(), "it is not kept for that");
    }
}
