//! Deliveries: files that people bring in from outside, each in one go or in many.
//!
//! What came lies in `.boucan/uploads/` below the shared folder, a part and a note each, until it is
//! whole; then it lands in the shared folder, if the operator brings it, or in the
//! [inbox](super::inbox). It survives a broken connection and a restart; what rests for a day goes.
//! Room is reserved for all of them before their first byte. Time is passed in.

mod decide;
pub mod limits;
mod note;
pub mod receipt;
mod rests;
mod shelf;
mod table;
mod writer;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

pub use self::limits::BringLimits;
pub use self::receipt::Receipt;
use self::shelf::Shelf;
use self::table::Table;
pub use self::writer::{Pulse, Writer};
use super::inbox::Inbox;
use super::landing::LandError;
use super::space::{NoSpace, SpaceBudget};
use super::{Ledger, Loot};
use crate::wire::LootPath;

/// Names one delivery: 128 random bits. Whoever knows them may go on with it, and nobody else can.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId(u128);

/// Where a delivery goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Into the shared folder: the operator's.
    Loot,
    /// Into the inbox: everybody's, while it is open.
    Inbox,
}

/// What somebody wants to bring.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Where to.
    pub place: Place,
    /// Its name there; in the inbox with the date in front.
    pub path: LootPath,
    /// How long it is.
    pub length: Length,
    /// When it was changed last, if that was told: seconds since 1970.
    pub modified: Option<i64>,
    /// From which address.
    pub from: IpAddr,
    /// The same for counting: of IPv6 the network.
    pub host: IpAddr,
}

/// How long something is that has not come yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Just so many bytes; it can be brought in several goes.
    Exactly(u64),
    /// Not more than so many: a form does not tell. It must come in one go.
    AtMost(u64),
}

/// What the inbox may still take.
#[derive(Clone, Copy, Debug)]
struct Quota {
    bytes: u64,
    files: usize,
}

/// How far a delivery is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Bytes that are here.
    pub received_bytes: u64,
    /// Its whole length.
    pub size_bytes: u64,
    /// When it goes if nobody continues it; none if it has arrived.
    pub expires: Option<SystemTime>,
    /// If it has arrived.
    pub receipt: Option<Receipt>,
}

/// Why a delivery is not taken, or not continued.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The operator has not opened the inbox.
    #[error("the inbox of this node is closed; whoever runs the node can open it")]
    Closed,
    /// Over the limit for one file.
    #[error("the file is too large: {} at most can be sent here", ByteSize(*.0).display().si())]
    TooLarge(u64),
    /// Over the limit of the inbox.
    #[error("the inbox is full; whoever runs the node can make room in it")]
    InboxFull,
    /// Over the limits of what is under way.
    #[error("too many files are on their way at once; try again when some have arrived")]
    TooMany,
    /// No room on the disk.
    #[error("there is no room for it: {0}")]
    NoSpace(#[from] NoSpace),
    /// Never heard of, gone, or arrived long ago.
    #[error("nothing by that name is on its way here (any more); begin again")]
    Unknown,
    /// The bytes do not follow those that are here.
    #[error("it goes on at byte {0}")]
    Elsewhere(u64),
    /// Somebody is sending it at this moment.
    #[error("it is being sent already, by another connection")]
    Taken,
    /// More bytes than were announced.
    #[error("more bytes came than were announced")]
    TooMuch,
    /// The bytes are not those of the checksum.
    #[error("what came is not what its checksum says; it was thrown away")]
    Checksum,
    /// The other side stopped, or was too slow.
    #[error("it did not come to its end")]
    Broken,
    /// It is here and cannot stand under its name.
    #[error("it came, and cannot stand under its name: {0}")]
    Land(#[from] LandError),
    /// Our disk.
    #[error("the folder of this node cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// A handle to all deliveries; cheap to clone.
#[derive(Clone, Debug)]
pub struct Deliveries {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    loot: Loot,
    ledger: Ledger,
    inbox: Inbox,
    space: SpaceBudget,
    limits: BringLimits,
    table: Mutex<Table>,
    shelf: Mutex<Option<Arc<Shelf>>>,
    /// When a full inbox was looked through last.
    looked: Mutex<Option<Instant>>,
}

impl Deliveries {
    /// Finds what an earlier run left and can be continued; the rest of it goes. Blocks.
    #[must_use]
    pub fn open(loot: Loot, ledger: Ledger, inbox: Inbox, space: SpaceBudget, limits: BringLimits) -> Self {
        let (table, shelf, looked) = (Mutex::default(), Mutex::default(), Mutex::default());
        let deliveries = Self { shared: Arc::new(Shared { loot, ledger, inbox, space, limits, table, shelf, looked }) };
        if let Err(error) = deliveries.restore(SystemTime::now()) {
            tracing::warn!(%error, "what was on its way here at the last end cannot be continued");
        }
        deliveries
    }

    /// The inbox.
    #[must_use]
    pub fn inbox(&self) -> &Inbox {
        &self.shared.inbox
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> &BringLimits {
        &self.shared.limits
    }

    /// How large a file may be that goes there now: what the disk, the inbox and the limits allow.
    #[must_use]
    pub fn room_bytes(&self, place: Place) -> u64 {
        let spare = self.shared.space.spare_bytes();
        match place {
            Place::Loot => spare,
            Place::Inbox => spare.min(self.shared.limits.upload_max_bytes).min(self.inbox_left()),
        }
    }

    /// Takes a parcel on: room is reserved for it from now on. Blocks.
    ///
    /// # Errors
    /// [`DeliveryError`] says what is in the way.
    pub fn begin(&self, parcel: &Parcel, now: SystemTime) -> Result<DeliveryId, DeliveryError> {
        let size_bytes = parcel.length.most();
        let quota = match parcel.place {
            Place::Loot => Quota { bytes: u64::MAX, files: usize::MAX },
            Place::Inbox => self.quota_of_inbox(size_bytes)?,
        };
        let shelf = self.shelf()?;
        let id = DeliveryId::new().map_err(io::Error::from)?;
        let reservation = self.shared.space.reserve_for_delivery(size_bytes)?;
        self.lock().add(id, parcel, reservation, quota, now)?;
        if let Err(error) = shelf.make(id, parcel) {
            self.lock().remove(id);
            shelf.remove(id);
            return Err(error.into());
        }
        Ok(id)
    }

    /// How far it is; none that nobody knows. The time of asking counts for nothing.
    ///
    /// # Errors
    /// [`DeliveryError::Unknown`].
    pub fn progress(&self, id: DeliveryId) -> Result<Progress, DeliveryError> {
        self.lock().progress(id).ok_or(DeliveryError::Unknown)
    }

    /// Goes on with a delivery at `offset`, alone. Blocks.
    ///
    /// # Errors
    /// [`DeliveryError::Elsewhere`] says where it goes on; [`DeliveryError::Taken`] while somebody
    /// else sends it; [`DeliveryError::InboxFull`] when others have its room by now.
    pub fn take(&self, id: DeliveryId, offset: u64, now: Instant) -> Result<Writer, DeliveryError> {
        let is_open = self.shared.inbox.is_open();
        let attempt = |quota| self.lock().take(id, offset, is_open, quota, now);
        let taken = match attempt(self.quota()) {
            Err(DeliveryError::InboxFull) => attempt(self.quota_seen()?)?,
            taken => taken?,
        };
        Writer::open(self, id, taken)
    }

    /// Whether who sends it now was silent for so long that another may go on with it; if so, that
    /// one is told to stop. It is free in a moment then.
    #[must_use]
    pub fn gives_way(&self, id: DeliveryId, now: Instant) -> bool {
        self.lock().gives_way(id, now)
    }

    /// Gives it up; who sends it now is stopped. Blocks.
    ///
    /// # Errors
    /// [`DeliveryError::Unknown`]; [`DeliveryError::Taken`] while it is still being written.
    pub fn give_up(&self, id: DeliveryId) -> Result<(), DeliveryError> {
        self.lock().give_up(id)?;
        self.shelf()?.remove(id);
        Ok(())
    }

    /// The hidden folder and the inbox of the shared folder as it is now.
    ///
    /// # Errors
    /// When the folder is not there, or cannot be written.
    pub(super) fn shelf(&self) -> io::Result<Arc<Shelf>> {
        let folder = self.shared.loot.folder();
        let mut known = self.shared.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shelf) = known.as_ref().filter(|shelf| shelf.is_of(&folder)) {
            return Ok(shelf.clone());
        }
        let shelf = Arc::new(Shelf::open(folder)?);
        *known = Some(shelf.clone());
        Ok(shelf)
    }

    /// What the inbox holds leaves so much.
    fn quota_of_inbox(&self, size_bytes: u64) -> Result<Quota, DeliveryError> {
        let limits = &self.shared.limits;
        if !self.shared.inbox.is_open() {
            return Err(DeliveryError::Closed);
        }
        if size_bytes > limits.upload_max_bytes {
            return Err(DeliveryError::TooLarge(limits.upload_max_bytes));
        }
        let quota = self.quota();
        if quota.files > 0 && quota.bytes >= size_bytes {
            return Ok(quota);
        }
        Ok(self.quota_seen()?)
    }

    /// The same, after a look: somebody may have made room by hand. Who asks again and again does not
    /// make us look each time.
    fn quota_seen(&self) -> io::Result<Quota> {
        let now = Instant::now();
        let mut looked = self.shared.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.is_none_or(|looked| now.saturating_duration_since(looked) >= limits::LOOK_AGAIN) {
            self.shared.inbox.look(&self.shelf()?.inbox)?;
            *looked = Some(Instant::now());
        }
        drop(looked);
        Ok(self.quota())
    }

    fn quota(&self) -> Quota {
        let (files, bytes) = self.shared.inbox.holds();
        Quota {
            bytes: self.shared.limits.inbox_max_bytes.saturating_sub(bytes),
            files: limits::INBOX_FILES_MAX.saturating_sub(files),
        }
    }

    /// Bytes that the inbox may still take, what is on its way counted.
    fn inbox_left(&self) -> u64 {
        self.quota().bytes.saturating_sub(self.lock().guests_bytes())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.shared.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Length {
    /// What must be reserved.
    #[must_use]
    pub fn most(self) -> u64 {
        match self {
            Self::Exactly(bytes) | Self::AtMost(bytes) => bytes,
        }
    }
}

impl DeliveryId {
    fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }

    /// Reads 32 hex digits, in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        is_hex.then(|| u128::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// It is a secret: a log shows only which it is.
impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}…", self.0 >> 112)
    }
}

#[cfg(test)]
pub(crate) mod tests;
