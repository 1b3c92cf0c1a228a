//! What leaves piece by piece: a few at a time, so that each is soon whole where it is wanted and
//! can go on from there; by turns, so that no host holds all of them; and each piece once before
//! any goes twice.

mod turns;

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use self::turns::Turns;
use super::error::HttpError;
use super::file_body::FileBody;
use super::pieces::{Piece, Pieces};
use crate::mirror::swarm::handouts::Handouts;
use crate::wire::{Content, PieceSet};

/// An answer waits so long for its slot. Then it goes all the same: who reads slowly shall not
/// hold up everybody.
const WAIT: Duration = Duration::from_secs(1);

/// Hands out slots and pieces; cheap to clone.
#[derive(Clone, Debug)]
pub struct Uploads {
    turns: Arc<Mutex<Turns>>,
    handouts: Arc<Mutex<Handouts>>,
}

/// The right to send one answer; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    uploads: Uploads,
    /// Its place among those that count; none if its wait was over before there was one.
    place: Option<u64>,
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
            let waiting = turns.wait(host, bytes).ok_or(HttpError::NoRoom)?;
            turns.let_in(self, Instant::now());
            waiting
        };
        match tokio::time::timeout(WAIT, waiting).await {
            Ok(Ok(slot)) => Ok(slot),
            _ => Ok(Slot { uploads: self.clone(), place: None }),
        }
    }

    /// Which of the `wanted` pieces are to leave next, up to so many in a row.
    #[must_use]
    pub fn choose(&self, content: Content, wanted: &PieceSet, most: u64) -> Option<RangeInclusive<u64>> {
        self.lock().choose(content, wanted, most, std::time::Instant::now())
    }

    /// These pieces were asked for by their numbers, and leave now.
    pub fn gave(&self, content: Content, pieces: u64, run: RangeInclusive<u64>) {
        self.lock().gave(content, pieces, run, std::time::Instant::now());
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Handouts> {
        self.handouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Whether it is beyond those that count, of which there are few.
    #[must_use]
    pub fn is_extra(&self) -> bool {
        self.place.is_none()
    }

    /// The client took something; `is_ready`: it has more to take now.
    fn moved(&self, is_ready: bool) {
        if let Some(place) = self.place {
            self.uploads.turns().offer(place, is_ready.then(Instant::now));
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let mut turns = self.uploads.turns();
        turns.give_back(place);
        turns.let_in(&self.uploads, Instant::now());
    }
}

/// A run of pieces that leaves. One that does not leave whole counts as not handed out.
#[derive(Debug)]
pub struct PieceBody {
    body: FileBody,
    slot: Slot,
    chosen: Option<Chosen>,
}

/// What counts as handed out by an answer.
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
        Self { body, slot, chosen }
    }
}

impl Drop for PieceBody {
    fn drop(&mut self) {
        if let Some(Chosen { uploads, content, run }) = self.chosen.take().filter(|_| self.body.left_bytes() > 0) {
            uploads.lock().gave_up(content, run);
        }
    }
}

impl Pieces for PieceBody {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<std::io::Result<Piece>>> {
        let polled = self.body.poll_piece(cx);
        self.slot.moved(polled.is_ready());
        polled
    }

    fn left_bytes(&self) -> u64 {
        self.body.left_bytes()
    }
}

#[cfg(test)]
mod tests;
