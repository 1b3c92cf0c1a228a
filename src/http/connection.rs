//! One connection: its IO type, ours so that file bodies may leave it by other ways later, and
//! the clock that says when it has been idle, slow or stuck for too long.
//!
//! No timer runs per request: the type notes what happens, and a sweeper looks now and then.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// From the first byte of a request to the end of its head.
const HEAD: Duration = Duration::from_secs(5);
/// From the connection to the first byte.
const SILENT: Duration = Duration::from_secs(10);
/// Between two requests.
const IDLE: Duration = Duration::from_secs(60);
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
    cut: CancellationToken,
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
            cut: CancellationToken::new(),
        })
    }

    /// What it is doing.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
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
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// Whether it has to be cut now.
    #[must_use]
    pub fn is_overdue(&self) -> bool {
        let now = self.now_ms();
        if self.blocked.load(Ordering::Relaxed) {
            return self.is_stuck(now); // in any phase: the end of an answer waits in the buffers
        }
        let in_phase = now.saturating_sub(self.since_ms.load(Ordering::Relaxed));
        let allowed = match self.phase() {
            Phase::Silent => SILENT,
            Phase::Head => HEAD,
            Phase::Idle => IDLE,
            Phase::Answering => {
                self.begin_window(now);
                return false;
            }
        };
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
        self.cut.cancel();
    }

    /// Waits until it is cut.
    pub async fn was_cut(&self) {
        self.cut.cancelled().await;
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn note_read(&self, bytes: usize) {
        if bytes > 0 && matches!(self.phase(), Phase::Silent | Phase::Idle) {
            self.enter(Phase::Head);
        }
    }

    fn note_write(&self, outcome: &Poll<io::Result<usize>>) {
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

/// A TCP stream that tells its clock what happens.
#[derive(Debug)]
pub struct ClockedStream {
    stream: TcpStream,
    clock: Arc<ConnectionClock>,
}

impl ClockedStream {
    /// Over an accepted connection.
    #[must_use]
    pub fn new(stream: TcpStream, clock: Arc<ConnectionClock>) -> Self {
        Self { stream, clock }
    }
}

impl Drop for ClockedStream {
    fn drop(&mut self) {
        if self.clock.cut.is_cancelled() {
            // Who was cut does not read what is left; the kernel need not keep it.
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for ClockedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.clock.note_read(buf.filled().len().saturating_sub(before));
        outcome
    }
}

impl AsyncWrite for ClockedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.clock.note_write(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.clock.note_write(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Lets time pass for a clock.
    fn pass(clock: &mut Arc<ConnectionClock>, time: Duration) {
        let clock = Arc::get_mut(clock).unwrap();
        clock.began = clock.began.checked_sub(time).unwrap();
    }

    #[test]
    fn each_phase_has_its_time() {
        for (phase, allowed) in [(Phase::Silent, SILENT), (Phase::Head, HEAD), (Phase::Idle, IDLE)] {
            let mut clock = ConnectionClock::start();
            clock.enter(phase);
            pass(&mut clock, allowed - SECOND);
            assert!(!clock.is_overdue(), "{phase:?}");
            pass(&mut clock, SECOND);
            assert!(clock.is_overdue(), "{phase:?}");
        }
    }

    #[test]
    fn an_answer_may_take_its_time_while_the_client_reads() {
        let mut clock = ConnectionClock::start();
        clock.enter(Phase::Answering);
        for waits in [false, true] {
            for _ in 0..10 {
                clock.note_write(&Poll::Ready(Ok(40 * 1024)));
                if waits {
                    clock.note_write(&Poll::Pending);
                }
                // Where no write waits, we are slow ourselves: our disk, or our limit of bandwidth.
                pass(&mut clock, if waits { 29 } else { 600 } * SECOND);
                assert!(!clock.is_overdue());
            }
        }
        pass(&mut clock, 2 * SECOND);
        clock.note_write(&Poll::Ready(Ok(1024)));
        clock.note_write(&Poll::Pending);
        pass(&mut clock, 29 * SECOND);
        assert!(clock.is_overdue(), "one KiB in half a minute is too little");
    }

    #[test]
    fn what_is_left_of_an_answer_in_the_buffers_is_still_an_answer() {
        let mut clock = ConnectionClock::start();
        clock.enter(Phase::Answering);
        clock.note_write(&Poll::Pending);
        clock.enter(Phase::Idle);
        for _ in 0..10 {
            clock.note_write(&Poll::Ready(Ok(40 * 1024)));
            clock.note_write(&Poll::Pending);
            clock.note_read(1); // the next request comes meanwhile
            pass(&mut clock, 20 * SECOND);
            assert!(!clock.is_overdue(), "the client reads");
        }
        pass(&mut clock, 30 * SECOND);
        assert!(clock.is_overdue(), "it stopped reading");
        clock.note_write(&Poll::Ready(Ok(1)));
        assert!(!clock.is_overdue(), "all of it is gone; it rests from now on");
    }

    #[test]
    fn a_rest_before_an_answer_does_not_count_as_reading_slowly() {
        let mut clock = ConnectionClock::start();
        clock.enter(Phase::Idle);
        pass(&mut clock, 59 * SECOND);
        clock.note_read(1);
        clock.enter(Phase::Answering);
        clock.note_write(&Poll::Ready(Ok(4 * 1024)));
        clock.note_write(&Poll::Pending);
        assert!(!clock.is_overdue());
        pass(&mut clock, 29 * SECOND);
        assert!(!clock.is_overdue());
    }
}
