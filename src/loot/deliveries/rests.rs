//! Deliveries that rest: found again at start, and swept when their time is over.

use std::io;
use std::time::{Instant, SystemTime};

use super::limits::KEPT;
use super::{Deliveries, DeliveryError, DeliveryId};
use crate::loot::LootFolder;
use crate::loot::spool::HIDDEN;

impl Deliveries {
    /// What an earlier run left. Where nobody ever brought anything, no folder is made for it.
    pub(super) fn restore(&self, now: SystemTime) -> io::Result<()> {
        let folder = self.shared.loot.folder();
        if !has_uploads(&folder) {
            return Ok(());
        }
        let shelf = self.shelf()?;
        let mut table = self.lock();
        shelf.sweep(|id, note, received_bytes, touched| {
            let is_fresh = now.duration_since(touched).unwrap_or_default() < KEPT;
            is_fresh && !note.in_one_go && table.restore(id, note, received_bytes, touched)
        })
    }

    /// Lands those that are whole, removes those that nobody continued for too long, and gives back
    /// room that was promised to those that rest. Blocks.
    pub fn tidy(&self, now: SystemTime) {
        let whole = self.lock().whole();
        for (id, _) in whole {
            if let Err(error) = self.complete(id, now) {
                tracing::debug!(?id, %error, "what came whole does not stand under its name yet");
            }
        }
        let over = self.lock().tidy(now);
        if over.is_empty() {
            return;
        }
        match self.shelf() {
            Ok(shelf) => over.into_iter().for_each(|id| shelf.remove(id)),
            Err(error) => tracing::debug!(%error, "old parts of deliveries stay until the next start"),
        }
    }

    /// Puts one under its name of which all is here, if nobody did. Blocks.
    ///
    /// # Errors
    /// As [`Writer::finish`](super::Writer::finish).
    pub fn complete(&self, id: DeliveryId, now: SystemTime) -> Result<(), DeliveryError> {
        let whole = self.lock().whole().into_iter().find(|(whole, _)| *whole == id);
        let Some((_, size_bytes)) = whole else { return Ok(()) };
        self.take(id, size_bytes, Instant::now())?.finish(now).map(drop)
    }
}

fn has_uploads(folder: &LootFolder) -> bool {
    folder.open_folder(&format!("{HIDDEN}/uploads")).is_ok()
}
