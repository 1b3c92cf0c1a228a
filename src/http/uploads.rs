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
use tokio::sync::oneshot;

use super::error::HttpError;
use super::file_body::FileBody;
use crate::mirror::swarm::handouts::Handouts;
use crate::wire::{Content, PieceSet};

/// Answers that leave at once …
const SLOTS: usize = 8;
/// … and of these, to one host.
const SLOTS_PER_HOST: usize = 2;
/// Requests of one host that wait; others are refused.
const WAITING_PER_HOST: usize = 16;
/// An answer waits so long for its slot. Then it goes all the same: who reads slowly shall not
/// hold up everybody.
const WAIT: Duration = Duration::from_secs(1);
/// Hosts whose turns are remembered.
const HOSTS_MAX: usize = 1_024;

/// Hands out slots and pieces; cheap to clone.
#[derive(Clone, Debug)]
pub struct Uploads {
    turns: Arc<Mutex<Turns>>,
    handouts: Arc<Mutex<Handouts>>,
}

/// Who waits, and who is next: the host that was given least since it came.
#[derive(Debug, Default)]
struct Turns {
    hosts: HashMap<IpAddr, Host>,
    waiting: Vec<Waiting>,
    slots: usize,
    /// The turn of the last one who was let in: who comes anew begins here.
    turn: u64,
}

#[derive(Debug, Default)]
struct Host {
    /// Counted in bytes given.
    turn: u64,
    slots: usize,
}

#[derive(Debug)]
struct Waiting {
    host: IpAddr,
    bytes: u64,
    wake: oneshot::Sender<Slot>,
}

/// The right to send one answer; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    uploads: Uploads,
    host: IpAddr,
    /// It does not count: its wait was over.
    is_extra: bool,
}

impl Default for Uploads {
    fn default() -> Self {
        let handouts = Arc::new(Mutex::new(Handouts::new(fastrand::u64(..))));
        Self { turns: Arc::default(), handouts }
    }
}

impl Uploads {
    /// Waits for a slot, for an answer of so many bytes.
    ///
    /// # Errors
    /// [`HttpError::NoRoom`] when very many requests of the host wait already.
    pub async fn slot(&self, host: IpAddr, bytes: u64) -> Result<Slot, HttpError> {
        let waiting = {
            let mut turns = self.turns();
            let of_host = turns.waiting.iter().filter(|waiting| waiting.host == host).count();
            if of_host >= WAITING_PER_HOST || !turns.know(host) {
                return Err(HttpError::NoRoom);
            }
            let (wake, woken) = oneshot::channel();
            turns.waiting.push(Waiting { host, bytes, wake });
            turns.let_in(self);
            woken
        };
        match tokio::time::timeout(WAIT, waiting).await {
            Ok(Ok(slot)) => Ok(slot),
            _ => Ok(Slot { uploads: self.clone(), host, is_extra: true }),
        }
    }

    /// Which of the `wanted` pieces are to leave next, up to so many in a row.
    #[must_use]
    pub fn choose(&self, content: Content, wanted: &PieceSet, most: u64) -> Option<RangeInclusive<u64>> {
        self.lock().choose(content, wanted, most, Instant::now())
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Handouts> {
        self.handouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turns {
    /// Remembers a host; false when there are too many.
    fn know(&mut self, host: IpAddr) -> bool {
        if self.hosts.len() >= HOSTS_MAX && !self.hosts.contains_key(&host) {
            let turn = self.turn;
            let waits: Vec<IpAddr> = self.waiting.iter().map(|waiting| waiting.host).collect();
            self.hosts.retain(|host, known| known.slots > 0 || known.turn > turn || waits.contains(host));
        }
        if self.hosts.len() >= HOSTS_MAX && !self.hosts.contains_key(&host) {
            return false;
        }
        let turn = self.turn;
        // Who asked nothing for a while saved nothing up.
        let known = self.hosts.entry(host).or_default();
        known.turn = known.turn.max(turn);
        true
    }

    /// Lets in whose turn it is, while there are slots.
    fn let_in(&mut self, uploads: &Uploads) {
        self.waiting.retain(|waiting| !waiting.wake.is_closed());
        while self.slots < SLOTS {
            let able = self.waiting.iter().enumerate().filter_map(|(at, waiting)| {
                let host = self.hosts.get(&waiting.host)?;
                (host.slots < SLOTS_PER_HOST).then_some((host.turn, at))
            });
            let Some((turn, at)) = able.min() else { return };
            let Waiting { host, bytes, wake } = self.waiting.remove(at);
            let Some(known) = self.hosts.get_mut(&host) else { continue };
            self.turn = self.turn.max(turn);
            known.turn = known.turn.saturating_add(bytes);
            known.slots = known.slots.saturating_add(1);
            self.slots = self.slots.saturating_add(1);
            let slot = Slot { uploads: uploads.clone(), host, is_extra: false };
            if let Err(mut slot) = wake.send(slot) {
                // It went away in this moment. Its slot is given back here: the lock is ours.
                slot.is_extra = true;
                self.give_back(host);
            }
        }
    }

    fn give_back(&mut self, host: IpAddr) {
        self.slots = self.slots.saturating_sub(1);
        if let Some(known) = self.hosts.get_mut(&host) {
            known.slots = known.slots.saturating_sub(1);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.is_extra {
            return;
        }
        let mut turns = self.uploads.turns();
        turns.give_back(self.host);
        turns.let_in(&self.uploads);
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

    fn host(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    /// All slots, held by as many hosts as that takes, from the tenth on.
    async fn all_slots(uploads: &Uploads) -> Vec<Slot> {
        let mut held = Vec::new();
        for at in 0..SLOTS {
            let last = u8::try_from(10 + at / SLOTS_PER_HOST).unwrap();
            held.push(uploads.slot(host(last), 100).await.unwrap());
        }
        assert!(held.iter().all(|slot| !slot.is_extra));
        held
    }

    #[tokio::test(start_paused = true)]
    async fn no_host_holds_all_slots_and_none_is_held_for_ever() {
        let uploads = Uploads::default();
        let mut first = vec![];
        for is_extra in [false, false, true] {
            first.push(uploads.slot(host(1), 1).await.unwrap());
            assert_eq!(first.last().unwrap().is_extra, is_extra, "a host has two; then it waits");
        }
        drop(first);
        let held = all_slots(&uploads).await;
        assert!(uploads.slot(host(3), 1).await.unwrap().is_extra, "it came after its wait, beyond the slots");
        drop(held);
        assert!(!uploads.slot(host(3), 1).await.unwrap().is_extra);
        assert_eq!(uploads.turns().slots, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_given_least_is_next() {
        let uploads = Uploads::default();
        let mut held = all_slots(&uploads).await;
        let wait = |last: u8| {
            let uploads = uploads.clone();
            tokio::spawn(async move { uploads.slot(host(last), 100).await.unwrap() })
        };
        let (again, new) = (wait(10), wait(3));
        tokio::task::yield_now().await;
        drop(held.pop());
        let new = new.await.unwrap();
        assert!(!new.is_extra && !again.is_finished(), "the newcomer comes first");
        drop(held);
        assert!(!again.await.unwrap().is_extra);
    }

    #[tokio::test(start_paused = true)]
    async fn very_many_requests_of_one_host_are_refused() {
        let uploads = Uploads::default();
        let wait = || {
            let uploads = uploads.clone();
            tokio::spawn(async move { uploads.slot(host(1), 1).await })
        };
        let waiting: Vec<_> = (0..SLOTS_PER_HOST + WAITING_PER_HOST).map(|_| wait()).collect();
        tokio::task::yield_now().await;
        assert!(uploads.slot(host(1), 1).await.is_err());
        assert!(uploads.slot(host(2), 1).await.is_ok());
        for waits in waiting {
            assert!(waits.await.unwrap().is_ok());
        }
    }
}
