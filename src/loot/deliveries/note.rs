//! What is written of a delivery beside its part, for the next run.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Length, Parcel, Place};
use crate::loot::spool::boot_id;
use crate::wire::LootPath;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) place: Place,
    path: Box<str>,
    pub(super) size_bytes: u64,
    pub(super) modified: Option<i64>,
    pub(super) from: IpAddr,
    pub(super) host: IpAddr,
    /// It comes in one go, of a length that shows at its end.
    #[serde(default)]
    pub(super) in_one_go: bool,
    /// Bytes that survive even a power cut.
    durable_bytes: u64,
    boot: String,
}

impl Note {
    pub(super) fn new(parcel: &Parcel) -> Self {
        Self {
            place: parcel.place,
            path: parcel.path.as_str().into(),
            size_bytes: parcel.length.most(),
            modified: parcel.modified,
            from: parcel.from,
            host: parcel.host,
            in_one_go: matches!(parcel.length, Length::AtMost(_)),
            durable_bytes: 0,
            boot: boot_id(),
        }
    }

    /// Where it will stand; checked like anything that is read.
    pub(super) fn path(&self) -> Option<LootPath> {
        LootPath::parse(self.path.as_bytes()).ok()
    }

    /// The disk holds so much for sure now.
    pub(super) fn is_durable(&mut self, bytes: u64) {
        self.durable_bytes = bytes;
        self.boot = boot_id();
    }

    pub(super) fn durable_bytes(&self) -> u64 {
        self.durable_bytes
    }

    /// How much of a part of that length counts: after a power cut its length may be ahead of its
    /// content.
    pub(super) fn trusted(&self, length: u64) -> u64 {
        let trusted = if self.boot == boot_id() { length } else { length.min(self.durable_bytes) };
        if trusted > self.size_bytes { 0 } else { trusted }
    }
}
