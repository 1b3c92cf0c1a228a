//! What the operator decides about the inbox.

use std::io;

use super::{Deliveries, DeliveryError};
use crate::loot::inbox::Item;
use crate::loot::landing::LandError;
use crate::loot::{LootFile, OpenError};
use crate::wire::LootPath;

impl Deliveries {
    /// What lies in the inbox now, the last first. Blocks, as all that follows.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn inbox_items(&self) -> io::Result<Vec<Item>> {
        self.shared.inbox.look(&self.shelf()?.inbox)
    }

    /// Opens a file of the inbox for reading.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_item(&self, path: &LootPath) -> Result<LootFile, OpenError> {
        self.shared.inbox.open_file(&self.shelf()?.inbox, path)
    }

    /// Moves a file of the inbox into the shared folder, below the folder `below`: never over another.
    /// It is the operator's own from then on. Returns its name there.
    ///
    /// # Errors
    /// Why it stays in the inbox.
    pub fn share_item(&self, path: &LootPath, below: &str) -> Result<LootPath, DeliveryError> {
        let shelf = self.shelf()?;
        let landed =
            self.shared.inbox.share(&shelf.inbox, path, &shelf.folder, below).map_err(|error| match error {
                LandError::Vanished => DeliveryError::Unknown,
                other => DeliveryError::Land(other),
            })?;
        self.shared.ledger.note_owned(&landed);
        self.shared.loot.landed(&landed);
        Ok(landed)
    }

    /// Deletes a file of the inbox.
    ///
    /// # Errors
    /// [`DeliveryError::Unknown`] when it is not there; or when it cannot be deleted.
    pub fn delete_item(&self, path: &LootPath) -> Result<(), DeliveryError> {
        self.shared.inbox.delete(&self.shelf()?.inbox, path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DeliveryError::Unknown,
            _ => error.into(),
        })
    }
}
