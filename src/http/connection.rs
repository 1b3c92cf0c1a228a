//! The clock of one connection, which says when it has been idle, slow or stuck for too long, and by
//! which it is told to end.
//!
//! No timer runs per request: the connection's IO type (`clocked_stream`) notes what happens,
//! and a sweeper looks now and then.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// From the first byte of a request to the end of its head.
const HEAD: Duration = Duration::from_secs(5);
/// From the connection to the first byte.
const SILENT: Duration = Duration::from_secs(10);
/// Between two requests.
const IDLE: Duration = Duration::from_secs(60);
/// After so long between two requests nothing is kept for the next one.
const REST: Duration = Duration::from_millis(100);
/// While we wait for the client to read: the window over which the least speed is measured …
const WRITE_WINDOW: Duration = Duration::from_secs(30);
/// … which is 1 KiB/s.
const WRITE_WINDOW_BYTES: u64 = 30 * 1024;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Nothing came yet.
    Silent,
    /// A head is coming.
    Head,
    /// A request is being answered.
    Answering,
    /// Between two requests.
    Idle,
}

/// What a connection is told from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Word {
    /// Nothing.
    GoOn,
    /// To end, with the answer it is at.
    End,
    /// To end at once.
    Cut,
}

/// The clock of one connection, shared between its IO, its requests and the sweeper.
#[derive(Debug)]
pub struct ConnectionClock {
    began: Instant,
    phase: AtomicU8,
    /// Milliseconds since `began` at which the phase began.
    since_ms: AtomicU64,
    written_bytes: AtomicU64,
    /// A write waits for the client.
    blocked: AtomicBool,
    /// Where the window of the least speed began: milliseconds, bytes written then.
    window_ms: AtomicU64,
    window_bytes: AtomicU64,
    /// Calls that wrote, or wanted to.
    writes: AtomicU64,
    /// Nothing is kept for it.
    rests: AtomicBool,
    word: AtomicU8,
    /// Of its task.
    waker: Mutex<Option<Waker>>,
}

impl ConnectionClock {
    /// For a connection that begins now.
    #[must_use]
    pub fn start() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            phase: AtomicU8::new(Phase::Silent as u8),
            since_ms: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            window_ms: AtomicU64::new(0),
            window_bytes: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            rests: AtomicBool::new(false),
            word: AtomicU8::new(Word::GoOn as u8),
            waker: Mutex::default(),
        })
    }

    /// What it is doing.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Silent,
            1 => Phase::Head,
            2 => Phase::Answering,
            _ => Phase::Idle,
        }
    }

    /// It does something else now.
    pub fn enter(&self, phase: Phase) {
        let now = self.now_ms();
        self.since_ms.store(now, Ordering::Relaxed);
        self.begin_window(now);
        self.phase.store(phase as u8, Ordering::Release); // last: who sees it sees when it began
    }

    /// Whether it has to be cut now.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        let now = self.now_ms();
        if self.blocked.load(Ordering::Relaxed) {
            return self.is_stuck(now); // in any phase: the end of an answer waits in the buffers
        }
        let allowed = match self.phase() {
            Phase::Silent => SILENT,
            Phase::Head => HEAD,
            Phase::Idle => IDLE,
            Phase::Answering => {
                self.begin_window(now);
                return false;
            }
        };
        // Read after the phase: what began meanwhile is not measured from where the last one began.
        let in_phase = now.saturating_sub(self.since_ms.load(Ordering::Relaxed));
        u128::from(in_phase) >= allowed.as_millis()
    }

    /// The client reads too slowly, or not at all.
    fn is_stuck(&self, now: u64) -> bool {
        let written = self.written_bytes.load(Ordering::Relaxed);
        if written.saturating_sub(self.window_bytes.load(Ordering::Relaxed)) >= WRITE_WINDOW_BYTES {
            self.begin_window(now);
            return false;
        }
        let window = now.saturating_sub(self.window_ms.load(Ordering::Relaxed));
        u128::from(window) >= WRITE_WINDOW.as_millis()
    }

    fn begin_window(&self, now: u64) {
        self.window_ms.store(now, Ordering::Relaxed);
        self.window_bytes.store(self.written_bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Cuts it.
    pub fn cut(&self) {
        self.tell(Word::Cut);
    }

    /// Lets it finish the answer it is at.
    pub fn end(&self) {
        self.tell(Word::End);
    }

    /// What it was told.
    #[must_use]
    pub fn word(&self) -> Word {
        match self.word.load(Ordering::Acquire) {
            0 => Word::GoOn,
            1 => Word::End,
            _ => Word::Cut,
        }
    }

    /// The same for its task, which is woken when that changes.
    pub fn heed(&self, cx: &Context<'_>) -> Word {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        drop(waker);
        self.word()
    }

    /// Wakes its task, if it could let go of what it keeps for the next request.
    pub fn suggest_rest(&self) {
        if !self.rests.load(Ordering::Relaxed) && self.may_rest() {
            self.wake();
        }
    }

    /// Whether it is between two requests, for a while already, and all is written.
    #[must_use]
    pub fn may_rest(&self) -> bool {
        let is_idle = self.phase() == Phase::Idle && !self.blocked.load(Ordering::Relaxed);
        is_idle && u128::from(self.now_ms().saturating_sub(self.since_ms.load(Ordering::Relaxed))) >= REST.as_millis()
    }

    /// Nothing is kept for it now, or something is.
    pub fn note_rest(&self, rests: bool) {
        self.rests.store(rests, Ordering::Relaxed);
    }

    /// How often something was to be written.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    fn tell(&self, word: Word) {
        self.word.fetch_max(word as u8, Ordering::AcqRel);
        self.wake();
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn note_read(&self, bytes: usize) {
        if bytes > 0 && matches!(self.phase(), Phase::Silent | Phase::Idle) {
            self.enter(Phase::Head);
        }
    }

    pub(super) fn note_write(&self, outcome: &Poll<io::Result<usize>>) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        match outcome {
            Poll::Ready(Ok(bytes)) => {
                self.written_bytes.fetch_add(*bytes as u64, Ordering::Relaxed);
                self.blocked.store(false, Ordering::Relaxed);
                if self.phase() != Phase::Answering {
                    self.since_ms.store(self.now_ms(), Ordering::Relaxed); // it rests from here on
                }
            }
            Poll::Pending => self.blocked.store(true, Ordering::Relaxed),
            Poll::Ready(Err(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests;
