//! Who brings what at the moment: the table of deliveries, in memory, with its bounds.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::limits::{
    EMPTY_KEPT, GUESTS_MAX, KEPT, OPERATORS_MAX, PER_HOST_MAX, RECEIPTS_MAX, ROOM_KEPT, SILENT, WRITERS_MAX,
    WRITERS_PER_HOST_MAX,
};
use super::note::Note;
use super::writer::{Hashed, Pulse};
use super::{DeliveryError, DeliveryId, Parcel, Place, Progress, Quota, Receipt};
use crate::loot::space::Reservation;

#[derive(Debug, Default)]
pub(super) struct Table {
    under_way: HashMap<DeliveryId, Entry>,
    /// The last that arrived, the oldest first.
    arrived: VecDeque<(DeliveryId, Receipt)>,
}

#[derive(Debug)]
struct Entry {
    note: Note,
    received_bytes: u64,
    hashed: Hashed,
    reservation: Option<Reservation>,
    touched: SystemTime,
    /// Who writes it now.
    writing: Option<Arc<Pulse>>,
}

/// What a writer works with.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) note: Note,
    pub(super) received_bytes: u64,
    pub(super) hashed: Hashed,
    pub(super) reservation: Option<Reservation>,
    pub(super) pulse: Arc<Pulse>,
}

impl Table {
    /// Another begins.
    pub(super) fn add(
        &mut self,
        id: DeliveryId,
        parcel: &Parcel,
        reservation: Reservation,
        quota: Quota,
        now: SystemTime,
    ) -> Result<(), DeliveryError> {
        let more_bytes = self.guests_bytes().saturating_add(parcel.length.most());
        if parcel.place == Place::Inbox && (more_bytes > quota.bytes || self.guests() >= quota.files) {
            return Err(DeliveryError::InboxFull);
        }
        let of_place = self.under_way.values().filter(|entry| entry.note.place == parcel.place);
        let (all, of_host) = of_place.fold((0_usize, 0_usize), |(all, of_host), entry| {
            (all.saturating_add(1), of_host.saturating_add(usize::from(entry.note.host == parcel.host)))
        });
        let is_full = match parcel.place {
            Place::Loot => all >= OPERATORS_MAX,
            Place::Inbox => all >= GUESTS_MAX || of_host >= PER_HOST_MAX,
        };
        if is_full {
            return Err(DeliveryError::TooMany);
        }
        let (note, hashed) = (Note::new(parcel), Hashed::default());
        let reservation = Some(reservation);
        self.under_way.insert(id, Entry { note, received_bytes: 0, hashed, reservation, touched: now, writing: None });
        Ok(())
    }

    /// One that an earlier run left. False if there is no place for it.
    pub(super) fn restore(&mut self, id: DeliveryId, note: Note, received_bytes: u64, touched: SystemTime) -> bool {
        if self.under_way.len() >= GUESTS_MAX.saturating_add(OPERATORS_MAX) {
            return false;
        }
        let entry =
            Entry { note, received_bytes, hashed: Hashed::default(), reservation: None, touched, writing: None };
        self.under_way.insert(id, entry);
        true
    }

    pub(super) fn progress(&self, id: DeliveryId) -> Option<Progress> {
        if let Some(entry) = self.under_way.get(&id) {
            let received_bytes = entry.writing.as_ref().map_or(entry.received_bytes, |pulse| pulse.received_bytes());
            let size_bytes = entry.note.size_bytes;
            return Some(Progress { received_bytes, size_bytes, expires: Some(entry.expires()), receipt: None });
        }
        let receipt = self.arrived.iter().find(|(arrived, _)| *arrived == id).map(|(_, receipt)| receipt.clone())?;
        let size_bytes = receipt.size_bytes;
        Some(Progress { received_bytes: size_bytes, size_bytes, expires: None, receipt: Some(receipt) })
    }

    pub(super) fn take(
        &mut self,
        id: DeliveryId,
        offset: u64,
        inbox_is_open: bool,
        quota: Quota,
        now: Instant,
    ) -> Result<Taken, DeliveryError> {
        let arrived = self.progress(id).ok_or(DeliveryError::Unknown)?;
        let (writers, guests_bytes) = (self.writers(), self.guests_bytes());
        let Some(entry) = self.under_way.get_mut(&id) else {
            return Err(DeliveryError::Elsewhere(arrived.received_bytes));
        };
        let is_whole = entry.received_bytes == entry.note.size_bytes;
        if entry.note.place == Place::Inbox && !inbox_is_open && !is_whole {
            return Err(DeliveryError::Closed);
        }
        if entry.writing.is_some() {
            return Err(DeliveryError::Taken);
        }
        if offset != entry.received_bytes {
            return Err(DeliveryError::Elsewhere(entry.received_bytes));
        }
        let of_host = writers.iter().filter(|writer| **writer == (Place::Inbox, entry.note.host)).count();
        let is_guest = entry.note.place == Place::Inbox;
        if writers.len() >= WRITERS_MAX || (is_guest && of_host >= WRITERS_PER_HOST_MAX) {
            return Err(DeliveryError::TooMany);
        }
        // Its room was given back while it rested, and others may have it now.
        let again = if entry.reservation.is_some() { 0 } else { entry.missing_bytes() };
        if is_guest && again > 0 && guests_bytes.saturating_add(again) > quota.bytes {
            return Err(DeliveryError::InboxFull);
        }
        let pulse = Arc::new(Pulse::new(entry.received_bytes, now));
        entry.writing = Some(pulse.clone());
        Ok(Taken {
            note: entry.note.clone(),
            received_bytes: entry.received_bytes,
            hashed: std::mem::take(&mut entry.hashed),
            reservation: entry.reservation.take(),
            pulse,
        })
    }

    /// A writer is done for now.
    pub(super) fn put_back(&mut self, id: DeliveryId, taken: Taken, now: SystemTime) {
        let Some(entry) = self.under_way.get_mut(&id) else { return };
        let Taken { note, received_bytes, hashed, reservation, .. } = taken;
        *entry = Entry { note, received_bytes, hashed, reservation, touched: now, writing: None };
    }

    pub(super) fn remove(&mut self, id: DeliveryId) {
        self.under_way.remove(&id);
    }

    /// It is whole and stands under its name.
    pub(super) fn arrive(&mut self, id: DeliveryId, receipt: Receipt) {
        self.under_way.remove(&id);
        if self.arrived.len() >= RECEIPTS_MAX {
            self.arrived.pop_front();
        }
        self.arrived.push_back((id, receipt));
    }

    pub(super) fn gives_way(&self, id: DeliveryId, now: Instant) -> bool {
        let writing = self.under_way.get(&id).and_then(|entry| entry.writing.as_ref());
        let silent = writing.filter(|writing| writing.is_silent(now, SILENT));
        silent.is_some_and(|silent| {
            silent.interrupt();
            true
        })
    }

    pub(super) fn give_up(&mut self, id: DeliveryId) -> Result<(), DeliveryError> {
        let entry = self.under_way.get(&id).ok_or(DeliveryError::Unknown)?;
        if let Some(writing) = &entry.writing {
            writing.interrupt();
            return Err(DeliveryError::Taken);
        }
        self.remove(id);
        Ok(())
    }

    /// Gives room back that was promised to those that rest, and returns those that are over their
    /// time.
    pub(super) fn tidy(&mut self, now: SystemTime) -> Vec<DeliveryId> {
        for entry in self.under_way.values_mut().filter(|entry| entry.writing.is_none()) {
            if entry.rests(now) > ROOM_KEPT {
                entry.reservation = None;
            }
        }
        let is_over = |entry: &Entry| entry.writing.is_none() && entry.expires() <= now;
        let over: Vec<DeliveryId> = self.under_way.iter().filter(|(_, e)| is_over(e)).map(|(id, _)| *id).collect();
        self.under_way.retain(|_, entry| !is_over(entry));
        self.arrived.retain(|(_, receipt)| now.duration_since(receipt.at).unwrap_or_default() < KEPT);
        over
    }

    /// Those of which all is here, and nobody put them under their names: the node ended just then.
    pub(super) fn whole(&self) -> Vec<(DeliveryId, u64)> {
        let whole = self.under_way.iter().filter(|(_, entry)| {
            entry.writing.is_none() && !entry.note.in_one_go && entry.received_bytes == entry.note.size_bytes
        });
        whole.map(|(id, entry)| (*id, entry.received_bytes)).collect()
    }

    /// Where what is being written goes, and from which hosts it comes.
    fn writers(&self) -> Vec<(Place, IpAddr)> {
        let writers = self.under_way.values().filter(|entry| entry.writing.is_some());
        writers.map(|entry| (entry.note.place, entry.note.host)).collect()
    }

    /// Deliveries of others that are on their way.
    pub(super) fn guests(&self) -> usize {
        self.under_way.values().filter(|entry| entry.note.place == Place::Inbox).count()
    }

    /// Bytes for which those keep room, or which are here of them.
    pub(super) fn guests_bytes(&self) -> u64 {
        let guests = self.under_way.values().filter(|entry| entry.note.place == Place::Inbox);
        guests.fold(0, |sum, entry| {
            let has_room = entry.reservation.is_some() || entry.writing.is_some();
            let bytes = if has_room { entry.note.size_bytes } else { entry.received_bytes };
            sum.saturating_add(bytes)
        })
    }
}

impl Entry {
    fn missing_bytes(&self) -> u64 {
        self.note.size_bytes.saturating_sub(self.received_bytes)
    }

    fn rests(&self, now: SystemTime) -> Duration {
        now.duration_since(self.touched).unwrap_or_default()
    }

    fn expires(&self) -> SystemTime {
        let kept = if self.received_bytes == 0 { EMPTY_KEPT } else { KEPT };
        self.touched.checked_add(kept).unwrap_or(self.touched)
    }
}
