//! Names that differ only in case or composition: the second is not taken, because some file
//! systems would hold only one. A file and a folder collide too.

use std::collections::{BTreeMap, HashSet};

use super::View;
use crate::wire::LootPath;
use crate::wire::loot_path::collision_key;

/// Names that are here or will come.
pub(super) struct Twins {
    ours: HashSet<String>,
    names: BTreeMap<String, String>,
}

impl Twins {
    pub(super) fn new<S>(view: &View<'_, S>) -> Self {
        let mut twins = Self { ours: HashSet::new(), names: BTreeMap::new() };
        for entry in view.ours.iter() {
            twins.ours.insert(collision_key(entry.name));
        }
        twins
    }

    /// Notes a name that will come; false if a twin is here or will be.
    pub(super) fn admit(&mut self, path: &LootPath) -> bool {
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
