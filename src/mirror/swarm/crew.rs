//! What all lanes of one download share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::Picker;
use super::lane::Lane;
use crate::loot::spool::pieces::PieceFile;
use crate::loot::under_way::Coming;
use crate::mirror::progress::Progress;
use crate::wire::Content;

/// The lanes ask here what to ask, and tell what came.
#[derive(Debug)]
pub(super) struct Crew {
    content: Content,
    pieces: PieceFile,
    coming: Arc<Coming>,
    progress: Progress,
    picker: Mutex<Picker>,
    changed: watch::Sender<u64>,
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
        Self { content, pieces, coming, progress, picker, changed }
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

    /// A receiver that wakes when there may be something to ask.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    pub(super) fn wake(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A piece came by a lane, was right, and is written.
    pub(super) fn came(&self, lane: &Lane, piece: u64, length: u64) {
        let is_new = self.picker().came(lane.id, lane.number, piece, Instant::now());
        self.progress.note_given(lane.uuid, &lane.name, length);
        if is_new {
            self.coming.came(piece);
            self.progress.add_here(length);
        }
        self.wake();
    }
}
