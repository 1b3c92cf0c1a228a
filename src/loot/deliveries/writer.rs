//! Writing a delivery: appended in order, hashed as it comes, and put under its name when it is whole.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::Mode;
use sha1::{Digest as _, Sha1};
use tokio_util::sync::CancellationToken;

use super::receipt::Code;
use super::shelf::{Shelf, part_name};
use super::table::Taken;
use super::{Deliveries, DeliveryError, DeliveryId, Place, Receipt};
use crate::loot::inbox::{Brought, Item, first_free};
use crate::loot::landing::{LandError, date, in_the_way, rename_new, sync_folder};
use crate::wire::tus::Checksum;
use crate::wire::{Content, LootPath};

/// What was received is made durable each time so much has come.
const SYNC_EVERY_BYTES: u64 = 64 << 20;
/// Bytes that are read back at once.
const BUFFER_BYTES: usize = 1 << 20;

/// The hash of the first so many bytes of a delivery.
#[derive(Clone, Debug, Default)]
pub(super) struct Hashed {
    hasher: blake3::Hasher,
    bytes: u64,
}

/// What a writer shows to others, and how they tell it to stop.
#[derive(Debug)]
pub struct Pulse {
    began: Instant,
    received_bytes: AtomicU64,
    /// Milliseconds since then.
    moved_ms: AtomicU64,
    token: CancellationToken,
}

/// One delivery, being written; given back to the table however it ends.
#[derive(Debug)]
pub struct Writer {
    deliveries: Deliveries,
    id: DeliveryId,
    shelf: Arc<Shelf>,
    file: File,
    /// Taken out at the end.
    taken: Option<Taken>,
    /// What was promised of the bytes of this go, and how it was before them.
    promised: Option<Promised>,
}

#[derive(Debug)]
struct Promised {
    checksum: Checksum,
    sha1: Sha1,
    received_bytes: u64,
    hashed: Hashed,
}

impl Pulse {
    pub(super) fn new(received_bytes: u64, now: Instant) -> Self {
        let received_bytes = AtomicU64::new(received_bytes);
        Self { began: now, received_bytes, moved_ms: AtomicU64::new(0), token: CancellationToken::new() }
    }

    /// Bytes that are here.
    pub(super) fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Relaxed)
    }

    /// Something came.
    pub fn moved(&self, now: Instant) {
        let ms = now.saturating_duration_since(self.began).as_millis();
        self.moved_ms.store(u64::try_from(ms).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn is_silent(&self, now: Instant, silent: Duration) -> bool {
        let since = now.saturating_duration_since(self.began);
        since.saturating_sub(Duration::from_millis(self.moved_ms.load(Ordering::Relaxed))) >= silent
    }

    pub(super) fn interrupt(&self) {
        self.token.cancel();
    }

    /// Waits until it is to stop.
    pub async fn wanted(&self) {
        self.token.cancelled().await;
    }
}

impl Writer {
    pub(super) fn open(deliveries: &Deliveries, id: DeliveryId, mut taken: Taken) -> Result<Self, DeliveryError> {
        let opened = deliveries.shelf().and_then(|shelf| Ok((shelf.open_part(id)?, shelf)));
        let (file, shelf) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                deliveries.lock().put_back(id, taken, SystemTime::now());
                return Err(error.into());
            }
        };
        if taken.reservation.is_none() {
            let missing = taken.note.size_bytes.saturating_sub(taken.received_bytes);
            match deliveries.shared.space.reserve_for_delivery(missing) {
                Ok(reservation) => taken.reservation = Some(reservation),
                Err(error) => {
                    deliveries.lock().put_back(id, taken, SystemTime::now());
                    return Err(error.into());
                }
            }
        }
        let writer = Self { deliveries: deliveries.clone(), id, shelf, file, taken: Some(taken), promised: None };
        // What is behind that was cut off once, or is not trusted after a power cut.
        writer.file.set_len(writer.received_bytes())?;
        Ok(writer)
    }

    /// Bytes that are here.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.taken.as_ref().map_or(0, |taken| taken.received_bytes)
    }

    /// Bytes that are missing.
    #[must_use]
    pub fn missing_bytes(&self) -> u64 {
        let size = self.taken.as_ref().map_or(0, |taken| taken.note.size_bytes);
        size.saturating_sub(self.received_bytes())
    }

    /// What tells it to stop.
    #[must_use]
    pub fn pulse(&self) -> Arc<Pulse> {
        self.taken.as_ref().map_or_else(|| Arc::new(Pulse::new(0, Instant::now())), |t| t.pulse.clone())
    }

    /// The bytes that follow now have this checksum: if they have not, or not all come, they go.
    pub fn promise(&mut self, checksum: Checksum) {
        let Some(taken) = &self.taken else { return };
        let (received_bytes, hashed) = (taken.received_bytes, taken.hashed.clone());
        self.promised = Some(Promised { checksum, sha1: Sha1::new(), received_bytes, hashed });
    }

    /// Whether what was promised was kept.
    ///
    /// # Errors
    /// [`DeliveryError::Checksum`]: the bytes are gone.
    pub fn keep(&mut self) -> Result<(), DeliveryError> {
        let Some(promised) = self.promised.take() else { return Ok(()) };
        let found: [u8; 20] = promised.sha1.clone().finalize().into();
        if found == promised.checksum.0 {
            return Ok(());
        }
        self.promised = Some(promised);
        self.roll_back();
        Err(DeliveryError::Checksum)
    }

    /// Appends what came. Blocks, as all that follows.
    ///
    /// # Errors
    /// [`DeliveryError::TooMuch`], with nothing written; [`DeliveryError::Io`] when the disk is full,
    /// for instance: what came before stays.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), DeliveryError> {
        if bytes.len() as u64 > self.missing_bytes() {
            return Err(DeliveryError::TooMuch);
        }
        let Some(taken) = self.taken.as_mut() else { return Err(DeliveryError::Unknown) };
        if let Err(error) = self.file.write_all_at(bytes, taken.received_bytes) {
            let _ = self.file.set_len(taken.received_bytes);
            return Err(error.into());
        }
        if taken.hashed.bytes == taken.received_bytes {
            taken.hashed.hasher.update(bytes);
            taken.hashed.bytes = taken.hashed.bytes.saturating_add(bytes.len() as u64);
        }
        if let Some(promised) = &mut self.promised {
            promised.sha1.update(bytes);
        }
        taken.received_bytes = taken.received_bytes.saturating_add(bytes.len() as u64);
        taken.pulse.received_bytes.store(taken.received_bytes, Ordering::Relaxed);
        if let Some(reservation) = &mut taken.reservation {
            reservation.written(bytes.len() as u64);
        }
        self.make_durable_now_and_then()
    }

    fn make_durable_now_and_then(&mut self) -> Result<(), DeliveryError> {
        let Some(taken) = self.taken.as_mut() else { return Ok(()) };
        let fresh = taken.received_bytes.saturating_sub(taken.note.durable_bytes());
        if fresh < SYNC_EVERY_BYTES || self.promised.is_some() || taken.note.in_one_go {
            return Ok(());
        }
        self.file.sync_data()?;
        taken.note.is_durable(taken.received_bytes);
        Ok(self.shelf.write_note(self.id, &taken.note)?)
    }

    /// All of it is here: puts it under its name, or the next that is free. Durable when this returns.
    ///
    /// # Errors
    /// [`DeliveryError::Broken`] when it is not whole; [`DeliveryError::Land`], and it is given up.
    pub fn finish(mut self, now: SystemTime) -> Result<Receipt, DeliveryError> {
        let Some(taken) = self.taken.as_mut() else { return Err(DeliveryError::Unknown) };
        if taken.received_bytes != taken.note.size_bytes && !taken.note.in_one_go {
            return Err(DeliveryError::Broken);
        }
        let content = read_back(&self.file, &mut taken.hashed, taken.received_bytes)?;
        let (note, size_bytes) = (taken.note.clone(), taken.received_bytes);
        let wanted = note.path().ok_or(DeliveryError::Unknown)?;
        let code = Code::new().map_err(io::Error::from)?;
        rustix::fs::fchmod(&self.file, Mode::from_raw_mode(0o644)).map_err(io::Error::from)?;
        date(&self.file, note.modified);
        self.file.sync_all()?;
        let path = match self.land(note.place, &wanted) {
            Err(error @ (LandError::Exists | LandError::InTheWay)) => {
                self.discard();
                return Err(error.into());
            }
            other => other?,
        };
        let name = if note.place == Place::Loot { path.clone() } else { without_date(&wanted) };
        let receipt = Receipt { code, name, size_bytes, content, at: now };
        self.note_arrival(note.place, note.from, &path, &receipt);
        Ok(receipt)
    }

    fn land(&self, place: Place, wanted: &LootPath) -> Result<LootPath, LandError> {
        let to = if place == Place::Loot { &*self.shelf.folder } else { &self.shelf.inbox };
        first_free(wanted, |path| {
            let (parent, grown) = to.make_parent(path).map_err(in_the_way)?;
            rename_new(&self.shelf.uploads, &part_name(self.id), &parent, path.file_name())?;
            Ok(grown.iter().chain([&parent]).try_for_each(sync_folder)?)
        })
    }

    /// Tells everybody who keeps account.
    fn note_arrival(&mut self, place: Place, from: std::net::IpAddr, path: &LootPath, receipt: &Receipt) {
        self.shelf.remove_note(self.id);
        match place {
            Place::Loot => {
                self.deliveries.shared.ledger.note_owned(path);
                self.deliveries.shared.loot.landed(path);
            }
            Place::Inbox => {
                let at = receipt.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
                let brought = Some(Brought { from, code: receipt.code.clone(), content: receipt.content });
                let item = Item { path: path.as_str().into(), size_bytes: receipt.size_bytes, at, brought };
                self.deliveries.shared.inbox.note(item);
            }
        }
        self.taken = None;
        self.deliveries.lock().arrive(self.id, receipt.clone());
    }

    /// Gives it up.
    pub fn discard(&mut self) {
        self.taken = None;
        self.deliveries.lock().remove(self.id);
        self.shelf.remove(self.id);
    }

    /// As it was before the bytes that were promised to have a checksum.
    fn roll_back(&mut self) {
        let (Some(promised), Some(taken)) = (self.promised.take(), self.taken.as_mut()) else { return };
        let _ = self.file.set_len(promised.received_bytes);
        taken.received_bytes = promised.received_bytes;
        taken.hashed = promised.hashed;
        // The room of what went is reserved anew by who goes on.
        taken.reservation = None;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.roll_back();
        let Some(taken) = self.taken.take() else { return };
        if taken.note.in_one_go {
            self.deliveries.lock().remove(self.id);
            self.shelf.remove(self.id);
        } else {
            self.deliveries.lock().put_back(self.id, taken, SystemTime::now());
        }
    }
}

/// Hashes what came before this run, or after a part of it went.
fn read_back(file: &File, hashed: &mut Hashed, length: u64) -> io::Result<Content> {
    let mut buffer = vec![0; BUFFER_BYTES];
    while hashed.bytes < length {
        let count = file.read_at(&mut buffer, hashed.bytes)?;
        let left = usize::try_from(length.saturating_sub(hashed.bytes)).unwrap_or(usize::MAX);
        match buffer.get(..count.min(left)).unwrap_or_default() {
            [] => return Err(io::ErrorKind::UnexpectedEof.into()),
            bytes => {
                hashed.hasher.update(bytes);
                hashed.bytes = hashed.bytes.saturating_add(bytes.len() as u64);
            }
        }
    }
    Ok(Content::new(hashed.hasher.finalize().into()))
}

/// The name in the inbox as its sender knows it.
fn without_date(path: &LootPath) -> LootPath {
    let name = path.as_str().split_once('/').map_or(path.as_str(), |(_, name)| name);
    LootPath::parse(name.as_bytes()).unwrap_or_else(|_| path.clone())
}
