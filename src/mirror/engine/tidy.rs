//! What rests in the spool: kept while somebody may go on with it, and no longer.

use std::collections::HashMap;
use std::time::Instant;

use super::Work;
use crate::loot::spool::{PartKey, Spool};
use crate::mirror::Active;
use crate::mirror::plan::Want;

impl Work {
    /// What rests in the spool and is here meanwhile goes; if room is wanted, all that the plan does
    /// not want goes. The rest counts as used.
    pub(super) fn tidy(&mut self) {
        let Ok(spool) = self.spool() else { return };
        self.tidied = Some(Instant::now());
        let ours = self.engine.loot.snapshot().index.clone();
        let plan = self.engine.mirror.lock().plan.clone();
        let facts = self.engine.ledger.facts();
        // Another version of what the mirror brought may be about to replace it; a file of the user's
        // own stays, and another one comes under another name.
        let may_land = |key: &PartKey| facts.mirrored(&key.path).is_some();
        let is_here =
            |key: &PartKey| ours.find(&key.path).is_some_and(|own| own.size_bytes == key.size_bytes || !may_land(key));
        let is_wanted = |key: &PartKey| {
            let is_it = |want: &&Want| want.path.as_str() == &*key.path && want.part_key(key.origin) == *key;
            let want = plan.wants.iter().find(is_it);
            // What comes in pieces is nobody's: whoever has the content continues it.
            let is_held = |want: &Want| want.sources.iter().any(|source| source.uuid == key.origin);
            want.is_some_and(|want| key.origin.is_nil() || is_held(want))
        };
        let pressed = self.is_pressed();
        let keep = |key: &PartKey| is_wanted(key) || (!is_here(key) && !pressed);
        self.sweep(&spool, keep);
    }

    /// What came of these files, which the operator cancelled, goes; a mirror may take them by itself,
    /// and goes on with them.
    pub(super) fn drop_parts(&self, cancelled: &HashMap<Box<str>, Active>) {
        let Some(spool) = self.spool.as_ref().filter(|_| self.engine.rules.is_none()) else { return };
        self.sweep(spool, |key| !cancelled.contains_key(&key.path));
    }

    /// Keeps of what nobody writes only that, and counts it.
    fn sweep(&self, spool: &Spool, keep: impl Fn(&PartKey) -> bool) {
        match spool.tidy(|key| self.active.contains_key(&key.path), keep) {
            Ok(idle_bytes) => self.engine.space.note_idle(idle_bytes),
            Err(error) => tracing::info!(%error, "the spool cannot be tidied"),
        }
    }
}
