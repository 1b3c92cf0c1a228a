//! What leaves piece by piece: a few at a time, so that each is soon whole where it is wanted and
//! can go on from there; by turns, so that no host holds all of them; and each piece once before
//! any goes twice.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::HttpError;
use super::file_body::FileBody;
use crate::mirror::swarm::handouts::Handouts;
use crate::wire::{Content, PieceSet};

/// Answers that leave at once …
const SLOTS: usize = 4;
/// … and of these, to one host.
const SLOTS_PER_HOST: usize = 2;
/// An answer waits so long for its slot. Then it goes all the same: who reads slowly shall not
/// hold up everybody.
const WAIT: Duration = Duration::from_secs(1);
/// Hosts that are served at once.
const HOSTS_MAX: usize = 1_024;

/// Hands out slots and pieces; cheap to clone.
#[derive(Clone, Debug)]
pub struct Uploads {
    slots: Arc<Semaphore>,
    hosts: Arc<Mutex<HashMap<IpAddr, Arc<Semaphore>>>>,
    handouts: Arc<Mutex<Handouts>>,
}

/// The right to send one answer.
#[derive(Debug)]
pub struct Slot {
    _of_all: Option<OwnedSemaphorePermit>,
    _of_host: OwnedSemaphorePermit,
}

impl Default for Uploads {
    fn default() -> Self {
        let handouts = Arc::new(Mutex::new(Handouts::new(fastrand::u64(..))));
        Self { slots: Arc::new(Semaphore::new(SLOTS)), hosts: Arc::default(), handouts }
    }
}

impl Uploads {
    /// Waits for a slot.
    ///
    /// # Errors
    /// [`HttpError::NoRoom`] when the host has all of its slots for long.
    pub async fn slot(&self, host: IpAddr) -> Result<Slot, HttpError> {
        let of_host = self.of(host).ok_or(HttpError::NoRoom)?;
        let of_host = tokio::time::timeout(WAIT, of_host.acquire_owned()).await;
        let Ok(Ok(of_host)) = of_host else { return Err(HttpError::NoRoom) };
        let of_all = tokio::time::timeout(WAIT, self.slots.clone().acquire_owned()).await;
        Ok(Slot { _of_all: of_all.ok().and_then(Result::ok), _of_host: of_host })
    }

    /// The slots of one host; none when there are too many hosts.
    fn of(&self, host: IpAddr) -> Option<Arc<Semaphore>> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= HOSTS_MAX {
            hosts.retain(|_, slots| slots.available_permits() < SLOTS_PER_HOST || Arc::strong_count(slots) > 1);
        }
        if hosts.len() >= HOSTS_MAX && !hosts.contains_key(&host) {
            return None;
        }
        Some(hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(SLOTS_PER_HOST))).clone())
    }

    /// Which of the `wanted` pieces are to leave next, up to so many in a row.
    #[must_use]
    pub fn choose(&self, content: Content, wanted: &PieceSet, most: u64) -> Option<RangeInclusive<u64>> {
        self.lock().choose(content, wanted, most, Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Handouts> {
        self.handouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run of pieces that leaves. One that does not leave whole counts as not handed out.
#[derive(Debug)]
pub struct PieceBody {
    body: FileBody,
    _slot: Slot,
    chosen: Option<Chosen>,
}

/// What was chosen for an answer.
#[derive(Debug)]
pub struct Chosen {
    /// Who counts.
    pub uploads: Uploads,
    /// Of which content.
    pub content: Content,
    /// The pieces.
    pub run: RangeInclusive<u64>,
}

impl PieceBody {
    /// Of that part of a file.
    #[must_use]
    pub fn new(body: FileBody, slot: Slot, chosen: Option<Chosen>) -> Self {
        Self { body, _slot: slot, chosen }
    }
}

impl Drop for PieceBody {
    fn drop(&mut self) {
        if let Some(Chosen { uploads, content, run }) = self.chosen.take().filter(|_| !self.body.is_end_stream()) {
            uploads.lock().gave_up(content, run);
        }
    }
}

impl Body for PieceBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_host_holds_all_slots_and_none_is_held_for_ever() {
        let uploads = Uploads::default();
        let host = |last: u8| IpAddr::from([10, 0, 0, last]);
        let _first = [uploads.slot(host(1)).await.unwrap(), uploads.slot(host(1)).await.unwrap()];
        assert!(uploads.slot(host(1)).await.is_err(), "a host that has two waits, and is told so");
        let second = [uploads.slot(host(2)).await.unwrap(), uploads.slot(host(2)).await.unwrap()];
        let late = uploads.slot(host(3)).await.unwrap();
        assert!(late._of_all.is_none(), "it came after its wait, beyond the slots");
        drop(second);
        assert!(uploads.slot(host(3)).await.unwrap()._of_all.is_some());
    }
}
