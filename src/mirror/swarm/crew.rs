//! What all lanes of one download share: the picker, and who is told what to ask.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use super::lane::Lane;
use super::{Ask, Picker, SourceId};
use crate::loot::spool::pieces::PieceFile;
use crate::loot::under_way::Coming;
use crate::mirror::progress::Progress;
use crate::wire::Content;

/// Lanes to one holder.
pub(super) const LANES: u8 = 2;

/// The lanes hear here what to ask, and tell what came.
#[derive(Debug)]
pub(super) struct Crew {
    content: Content,
    pieces: PieceFile,
    coming: Arc<Coming>,
    progress: Progress,
    picker: Mutex<Picker>,
    lanes: Mutex<HashMap<(SourceId, u8), mpsc::Sender<Ask>>>,
    changed: watch::Sender<u64>,
    heard: AtomicU64,
}

impl Crew {
    pub(super) fn new(
        content: Content,
        pieces: PieceFile,
        coming: Arc<Coming>,
        progress: Progress,
        picker: Picker,
    ) -> Self {
        let (picker, changed) = (Mutex::new(picker), watch::Sender::new(0));
        Self { content, pieces, coming, progress, picker, lanes: Mutex::default(), changed, heard: AtomicU64::new(0) }
    }

    pub(super) fn content(&self) -> Content {
        self.content
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.pieces.list().size_bytes()
    }

    pub(super) fn pieces(&self) -> &PieceFile {
        &self.pieces
    }

    /// For a moment: nothing may be awaited meanwhile.
    pub(super) fn picker(&self) -> MutexGuard<'_, Picker> {
        self.picker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_done(&self) -> bool {
        self.picker().is_done()
    }

    /// What that lane is to ask, one thing at a time.
    pub(super) fn open(&self, id: SourceId, lane: u8) -> mpsc::Receiver<Ask> {
        let (asks, asked) = mpsc::channel(1);
        self.lanes().insert((id, lane), asks);
        asked
    }

    /// A holder is not asked any more.
    pub(super) fn close(&self, id: SourceId) {
        self.lanes().retain(|(of, _), _| *of != id);
        self.picker().drop_source(id, Instant::now());
    }

    /// Tells the lanes what to ask now; after each change, and now and then.
    pub(super) fn ask(&self) {
        let now = Instant::now();
        let mut picker = self.picker();
        picker.others_ask(self.coming.is_asked_for());
        let lanes = self.lanes();
        while let Some((id, lane, ask)) = picker.next_of_any(LANES, now) {
            let is_told = lanes.get(&(id, lane)).is_some_and(|asks| asks.try_send(ask).is_ok());
            if !is_told {
                // Its lane has just ended: the holder is let go in a moment.
                picker.ended(id, lane, now);
                break;
            }
        }
    }

    /// That lane's request is over, well or not.
    pub(super) fn ended(&self, id: SourceId, lane: u8) {
        self.picker().ended(id, lane, Instant::now());
        self.ask();
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<(SourceId, u8), mpsc::Sender<Ask>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Some bytes came by that lane.
    pub(super) fn heard(&self, lane: &Lane) {
        self.heard.fetch_add(1, Ordering::Relaxed);
        self.picker().heard(lane.id, lane.number, Instant::now());
    }

    /// How often that was.
    pub(super) fn heard_count(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// A receiver that wakes when a piece came.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// A piece came by a lane, was right, and is written.
    pub(super) fn came(&self, lane: &Lane, piece: u64, length: u64) {
        let is_new = self.picker().came(lane.id, lane.number, piece, Instant::now());
        self.progress.note_given(lane.uuid, &lane.name, length);
        if is_new {
            self.coming.came(piece);
            self.progress.add_here(length);
        }
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
        self.ask();
    }
}
