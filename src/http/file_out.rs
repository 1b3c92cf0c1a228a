//! How bytes of files leave a connection without passing through this process: by `sendfile`.
//!
//! Bodies give hyper bytes, and hyper gives them to the connection's IO type, which is ours. For
//! what is to leave by `sendfile` the body gives a *place* instead: a buffer of the right length
//! whose content nobody ever reads. The run of the file that is meant stands in the connection's
//! [`Line`]. When the IO type is asked to write a place, it sends the run from the file.
//!
//! # Why a place never reaches the wire, and each becomes the run that was meant
//!
//! - Slices of [`PLACE`] come from [`Sent::chunk`] alone, and a [`Sent`] with a place is made by
//!   [`Line::take_in`] alone, which puts the run into the line in the same step, and of the same
//!   length. Nothing stands between the two but hyper: no handler and no layer ever sees a place
//!   ([`pieces`](super::pieces)).
//! - What is written is told by its address ([`first`]). Two values that are both there do not
//!   overlap, so what lies within [`PLACE`] is a place, and what lies elsewhere is none.
//! - hyper keeps buffers in order and as they are, since the IO type says that it writes many at
//!   once (`Buffered::new` in `hyper/src/proto/h1/io.rs` chooses `WriteStrategy::Queue`), and takes
//!   off what a write says it wrote. So the first place written is the first run in line, and as
//!   long as what is left of it. This is checked at each write: where it does not hold, because an
//!   answer was longer than its head said or an order changed, the connection ends instead.
//! - Should some hyper copy buffers into one after all, it would write that one by `poll_write`,
//!   which the IO type refuses while a run is in line.
//!
//! # What happens when
//!
//! - *The file became shorter*: `sendfile` finds its end, and the connection ends before the
//!   declared length. What is on its way then is the file's own memory, not a copy: the system
//!   clears its last page beyond the new end, so some of the bytes that were cut off may come as
//!   zeros. The answer breaks off, and the version has another name (`ETag`), so nobody goes on
//!   from them. Only if the last run was on its way already, it comes to its end like that, as a
//!   file does that is written into while it is read.
//! - *The file is not in memory*: `sendfile` would wait for the disk, and with it all connections of
//!   its thread. A body only gives runs that are ([`crate::loot::residence`]), and has everything
//!   else read on another thread. Only what is forgotten before a slow client takes it is waited for.
//! - *The file system has no `sendfile`*: the run, which is in memory, is copied through a buffer,
//!   and later ones are read as where there is no `sendfile` at all.
//! - *The file changes while it leaves*: what is sent is what it holds at that moment, as with any
//!   reading. Who has to be sure compares hashes.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::pieces::{Piece, Run};

/// The longest run.
pub(super) const RUN_MAX_BYTES: usize = 1024 * 1024;
/// Copied at once where there is no `sendfile`.
const COPIED_BYTES: usize = 64 * 1024;

/// What stands for bytes of files. Never touched, so that it takes no memory.
static PLACE: LazyLock<Box<[u8]>> = LazyLock::new(|| vec![0; RUN_MAX_BYTES].into_boxed_slice());

/// What hyper is given to write.
#[derive(Debug)]
pub(super) enum Sent {
    /// Itself.
    Bytes(Bytes),
    /// A place of so many bytes.
    Place(usize),
}

impl Buf for Sent {
    fn remaining(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Place(left) => *left,
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Place(left) => PLACE.get(..*left).unwrap_or(&PLACE),
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Bytes(bytes) => bytes.advance(count),
            Self::Place(left) => *left = left.saturating_sub(count),
        }
    }
}

/// What a write begins with.
#[derive(Debug)]
pub(super) enum First<'b, 'm> {
    /// These buffers are themselves.
    Bytes(&'b [IoSlice<'m>]),
    /// A place of so many bytes.
    Place(usize),
}

/// Tells a place by its address.
pub(super) fn first<'b, 'm>(buffers: &'b [IoSlice<'m>]) -> First<'b, 'm> {
    let place = PLACE.as_ptr_range();
    let is_place = |buffer: &&IoSlice<'_>| !buffer.is_empty() && place.contains(&buffer.as_ptr());
    let before = buffers.iter().take_while(|buffer| !is_place(buffer)).count();
    match buffers.get(before) {
        Some(buffer) if before == 0 => First::Place(buffer.len()),
        _ => First::Bytes(buffers.get(..before).unwrap_or(buffers)),
    }
}

/// The runs for which a connection's hyper holds places; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Arc<Mutex<VecDeque<Run>>>);

impl Line {
    /// What hyper writes for a piece of a body. An empty run, or one that is too long, is none: its
    /// answer ends too early.
    pub(super) fn take_in(&self, piece: Piece) -> Sent {
        match piece {
            Piece::Read(bytes) => Sent::Bytes(bytes),
            Piece::Run(run) if run.length == 0 || run.length > RUN_MAX_BYTES => Sent::Bytes(Bytes::new()),
            Piece::Run(run) => {
                let place = Sent::Place(run.length);
                self.lock().push_back(run);
                place
            }
        }
    }

    /// Whether no place is anywhere.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Sends what a place of that length stands for, or some of it.
    ///
    /// # Errors
    /// Of the connection and of the disk; `UnexpectedEof` when the file became shorter;
    /// `InvalidData` when that place is not the first one.
    pub(super) fn poll_send(&self, stream: &TcpStream, place: usize, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        loop {
            ready!(stream.poll_write_ready(cx))?;
            let mut line = self.lock();
            let Some(run) = line.front_mut().filter(|run| run.length == place) else {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            };
            let sent = match stream.try_io(Interest::WRITABLE, || send(stream.as_fd(), run)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                sent => sent?,
            };
            run.offset = run.offset.saturating_add(sent as u64);
            run.length = run.length.saturating_sub(sent);
            if run.length == 0 {
                line.pop_front();
            }
            return Poll::Ready(Ok(sent));
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send(socket: BorrowedFd<'_>, run: &Run) -> io::Result<usize> {
    if run.source.is_sendable() {
        match sendfile(socket, run) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => run.source.refuse(),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            sent => return Ok(sent?),
        }
    }
    copy(socket, run)
}

#[cfg(target_os = "linux")]
fn sendfile(socket: BorrowedFd<'_>, run: &Run) -> Result<usize, Errno> {
    rustix::fs::sendfile(socket, &run.source.file, Some(&mut run.offset.clone()), run.length)
}

#[cfg(not(target_os = "linux"))]
fn sendfile(_: BorrowedFd<'_>, _: &Run) -> Result<usize, Errno> {
    Err(Errno::NOSYS)
}

/// The same through a buffer.
fn copy(socket: BorrowedFd<'_>, run: &Run) -> io::Result<usize> {
    let mut buffer = vec![0; run.length.min(COPIED_BYTES)];
    let read = run.source.file.read_at(&mut buffer, run.offset)?;
    match buffer.get(..read) {
        Some(bytes) if read > 0 => Ok(rustix::io::write(socket, bytes)?),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests;
