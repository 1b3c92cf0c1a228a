//! The body of a file: it leaves piece by piece as the client takes it and the limit allows it, never
//! more than one piece ahead. What is in memory leaves from there (`file_out`);
//! what is not is read on another thread, so that a slow disk keeps nobody else waiting.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio_util::sync::ReusableBoxFuture;

use super::file_out::RUN_MAX_BYTES;
use super::pieces::{Piece, Pieces, Run, Source};
use crate::bandwidth::Bandwidth;
use crate::leaving::Guard;
use crate::loot::residence::Residence;

/// One piece: what a client that does not read costs …
const PIECE_BYTES: usize = 32 * 1024;
/// … and what one costs that reads fast: each step is a visit to another thread …
const FAST_PIECE_BYTES: usize = 256 * 1024;
/// … except where the file is in memory and costs nothing: then as much as the kernel takes of it
/// for a client that does not read, and more for others.
const RUN_BYTES: usize = 128 * 1024;
/// Who takes a piece within this is fast: 32 KiB in it are 50 Mbit/s.
const FAST: Duration = Duration::from_millis(5);

/// Streams a part of an open file. A file that was truncated meanwhile ends the connection before
/// the declared length, so that the client notices; but not if all of it was on its way already
/// (`file_out`).
#[derive(Debug)]
pub struct FileBody {
    source: Arc<Source>,
    residence: Residence,
    offset: u64,
    remaining: u64,
    bandwidth: Bandwidth,
    next: Next,
    step_bytes: usize,
    /// When the last piece was handed on.
    handed: Option<Instant>,
    /// Counts what leaves.
    leaving: Option<Guard>,
}

/// What the next piece waits for.
#[derive(Debug)]
enum Next {
    /// Somebody who asks for it.
    Client,
    /// The limit.
    Grant(ReusableBoxFuture<'static, ()>),
    /// The disk.
    Disk(JoinHandle<io::Result<Bytes>>),
}

impl FileBody {
    /// `length` bytes from `offset`, not faster than `bandwidth` allows.
    #[must_use]
    pub fn new(file: File, residence: Residence, offset: u64, length: u64, bandwidth: Bandwidth) -> Self {
        let (source, next, step_bytes) = (Arc::new(Source::new(file)), Next::Client, PIECE_BYTES);
        Self { source, residence, offset, remaining: length, bandwidth, next, step_bytes, handed: None, leaving: None }
    }

    /// The same in large steps from the start; for a few at once.
    #[must_use]
    pub fn fast(self) -> Self {
        Self { step_bytes: FAST_PIECE_BYTES, ..self }
    }

    /// The same, counted as it leaves.
    #[must_use]
    pub fn counted(self, leaving: Guard) -> Self {
        Self { leaving: Some(leaving), ..self }
    }

    /// Whether all of it may be read now, to leave together with its head: it is short, and does not
    /// have to wait for a limit.
    #[must_use]
    pub fn can_be_collected(&self, most: u64) -> bool {
        self.remaining < most && !self.bandwidth.is_limited()
    }

    /// Reads the whole rest at once; for what [can be](Self::can_be_collected).
    ///
    /// # Errors
    /// Of the disk; `UnexpectedEof` when the file was truncated.
    pub async fn collect(self) -> io::Result<Bytes> {
        let length = usize::try_from(self.remaining).map_err(io::Error::other)?;
        if let Some(bytes) = self.residence.read(&self.source.file, self.offset, length) {
            return Ok(bytes);
        }
        tokio::task::spawn_blocking(move || read_piece(&self.source.file, self.offset, length))
            .await
            .map_err(io::Error::other)?
    }
}

impl FileBody {
    /// Of the next piece, unless it has to be read.
    fn piece_bytes(&self) -> usize {
        let most = if self.bandwidth.is_limited() { PIECE_BYTES } else { self.step_bytes.max(RUN_BYTES) };
        most.min(usize::try_from(self.remaining).unwrap_or(usize::MAX))
    }

    /// The client wants more: the faster it took the last piece, the larger the next one.
    fn adapt(&mut self) {
        let Some(handed) = self.handed.take() else { return };
        let scaled = FAST.saturating_mul(u32::try_from(self.step_bytes / PIECE_BYTES).unwrap_or(1));
        self.step_bytes = match handed.elapsed() <= scaled {
            true => self.step_bytes.saturating_mul(2).min(RUN_MAX_BYTES),
            false => PIECE_BYTES,
        };
    }

    /// The next piece, first granted, then read where it has to be.
    fn poll_granted(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Piece>> {
        loop {
            let length = self.piece_bytes();
            match &mut self.next {
                Next::Client if self.bandwidth.is_limited() => {
                    let bandwidth = self.bandwidth.clone();
                    self.next = Next::Grant(ReusableBoxFuture::new(async move { bandwidth.grant(length).await }));
                    continue;
                }
                Next::Client => {}
                Next::Grant(grant) => ready!(grant.poll(cx)),
                Next::Disk(reading) => {
                    let piece = ready!(Pin::new(reading).poll(cx)).map_err(io::Error::other).flatten();
                    self.next = Next::Client;
                    return Poll::Ready(piece.map(Piece::Read));
                }
            }
            let (source, offset) = (self.source.clone(), self.offset);
            if source.is_sendable() && self.residence.holds(&source.file, offset, length as u64) {
                self.next = Next::Client;
                return Poll::Ready(Ok(Piece::Run(Run { source, offset, length })));
            }
            let length = length.min(self.step_bytes).min(FAST_PIECE_BYTES);
            self.next = Next::Disk(tokio::task::spawn_blocking(move || read_piece(&source.file, offset, length)));
        }
    }
}

impl Pieces for FileBody {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Piece>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        self.adapt();
        let piece = match ready!(self.poll_granted(cx)) {
            Ok(piece) => piece,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        self.handed = Some(Instant::now());
        let length = piece.len();
        self.offset = self.offset.saturating_add(length as u64);
        self.remaining = self.remaining.saturating_sub(length as u64);
        if let Some(leaving) = &mut self.leaving {
            leaving.sent(length);
            if self.remaining == 0 {
                leaving.done();
            }
        }
        Poll::Ready(Some(Ok(piece)))
    }

    fn left_bytes(&self) -> u64 {
        self.remaining
    }
}

fn read_piece(file: &File, offset: u64, length: usize) -> io::Result<Bytes> {
    let mut piece = vec![0; length];
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece.into())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write as _;
    use tokio::time::Instant;

    use super::*;

    /// The body of a file of so many bytes; each byte tells its place.
    fn body(size: usize, residence: Residence, limit: Option<u64>) -> (Vec<u8>, FileBody) {
        let content: Vec<u8> = (0..size).map(|n| (n / 7) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let length = (size - 10) as u64;
        (content[10..].to_vec(), FileBody::new(file, residence, 10, length, Bandwidth::new(limit)))
    }

    async fn next(body: &mut FileBody) -> Option<Piece> {
        poll_fn(|cx| body.poll_piece(cx)).await.map(Result::unwrap)
    }

    /// All bytes, and how many of them were read on the way.
    async fn whole(mut body: FileBody) -> (Vec<u8>, usize) {
        let (mut bytes, mut read) = (Vec::new(), 0);
        while let Some(piece) = next(&mut body).await {
            match piece {
                Piece::Read(piece) => {
                    read += piece.len();
                    bytes.extend_from_slice(&piece);
                }
                Piece::Run(Run { source, offset, length }) => {
                    bytes.extend_from_slice(&read_piece(&source.file, offset, length).unwrap());
                }
            }
        }
        (bytes, read)
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_the_part_of_the_file_and_takes_its_time_where_there_is_a_limit() {
        for (limit, seconds) in [(None, 0), (Some(1024), 2 * 32)] {
            for residence in [Residence::Memory, Residence::Unknown] {
                let (content, body) = body(2 * PIECE_BYTES + 100, residence, limit);
                let began = Instant::now();
                let (bytes, read) = whole(body).await;
                assert!(bytes == content);
                // The first piece goes at once, the third when the first two have gone.
                assert_eq!(began.elapsed().as_secs(), seconds, "{limit:?}");
                let is_read = residence == Residence::Unknown || cfg!(not(target_os = "linux"));
                assert_eq!(read, if is_read { content.len() } else { 0 }, "{residence:?}");
            }
        }
    }

    #[tokio::test]
    async fn where_runs_are_refused_the_rest_is_read() {
        let (content, mut body) = body(3 * RUN_BYTES, Residence::Memory, None);
        let first = next(&mut body).await.unwrap();
        body.source.refuse();
        let (rest, read) = whole(body).await;
        assert_eq!(read, content.len() - first.len());
        assert!(rest == content[first.len()..]);
    }

    #[tokio::test(start_paused = true)]
    async fn under_a_limit_nothing_is_read_before_its_turn() {
        let (_, mut body) = body(PIECE_BYTES, Residence::Unknown, Some(1024));
        assert!(!body.can_be_collected(u64::MAX), "its head would wait");
        let turn = body.bandwidth.clone();
        turn.grant(PIECE_BYTES).await;
        assert!(tokio::time::timeout(Duration::from_secs(31), next(&mut body)).await.is_err());
        assert!(matches!(body.next, Next::Grant(_)));
        assert!(next(&mut body).await.is_some());
    }
}
