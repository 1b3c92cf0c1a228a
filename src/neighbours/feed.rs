//! What a neighbour's feed (`docs/PROTOCOL.md`, section 6) means for when its manifest is asked
//! for, and whose feed is worth listening to.

use std::time::Instant;

use uuid::Uuid;

use super::{Neighbour, Neighbourhood};
use crate::wire::IndexHmac;
use crate::wire::manifest::ManifestVersion;

impl Neighbourhood {
    /// Those to whom a node listens, `most` of them: who is present, whose manifest was read, and
    /// who is not `deaf` with the HMAC that it announces. If there are more, those whose uuids
    /// come next behind ours, around the end: in a room of any size everybody is listened to by as
    /// many, and who that is hardly changes when somebody comes or goes.
    #[must_use]
    pub fn worth_listening_to(
        &self,
        most: usize,
        deaf: impl Fn(Uuid, Option<IndexHmac>) -> bool,
        now: Instant,
    ) -> Vec<Uuid> {
        let table = self.lock();
        let worth = |n: &&Neighbour| n.is_present(now) && n.manifest.is_some() && !deaf(n.uuid, n.hmac());
        let mut uuids: Vec<Uuid> = table.values().filter(worth).map(|n| n.uuid).collect();
        drop(table);
        uuids.sort_by_key(|uuid| uuid.as_u128().wrapping_sub(self.ours.as_u128()));
        uuids.truncate(most);
        uuids
    }

    /// A neighbour's feed is open from now on, or not any more: while it is, it tells when its
    /// manifest is worth asking for.
    pub fn feed_is(&self, uuid: Uuid, is_open: bool, now: Instant) {
        let mut table = self.lock();
        let Some(neighbour) = table.get_mut(&uuid) else { return };
        let is_complete = match (&neighbour.manifest, &neighbour.known) {
            (Some(manifest), Some(known)) => manifest.is_complete(known),
            _ => false,
        };
        neighbour.manifests.fed(is_open, is_complete, now);
        drop(table);
        self.fetch_wanted.notify_one();
    }

    /// A neighbour tells how its manifest is called now. If that is another than the one that we
    /// have, it is due.
    pub fn manifest_is(&self, uuid: Uuid, version: ManifestVersion, now: Instant) {
        let mut table = self.lock();
        let Some(neighbour) = table.get_mut(&uuid) else { return };
        if neighbour.manifest.as_ref().is_some_and(|manifest| manifest.version() == Some(&version)) {
            return;
        }
        neighbour.manifests.told(version, now);
        drop(table);
        self.fetch_wanted.notify_one();
    }
}
