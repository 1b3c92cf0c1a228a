//! The body of a file: read piece by piece as the client takes it, never more than one piece ahead.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::JoinHandle;

/// One piece: what a client that does not read costs.
const PIECE_BYTES: usize = 32 * 1024;

/// Streams a part of an open file. A file that was truncated meanwhile ends the connection before
/// the declared length, so that the client notices.
#[derive(Debug)]
pub struct FileBody {
    file: Arc<File>,
    offset: u64,
    remaining: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    /// `length` bytes from `offset`.
    #[must_use]
    pub fn new(file: File, offset: u64, length: u64) -> Self {
        Self { file: Arc::new(file), offset, remaining: length, reading: None }
    }

    /// Reads the whole rest at once; for what is small.
    ///
    /// # Errors
    /// Of the disk; `UnexpectedEof` when the file was truncated.
    pub async fn collect(self) -> io::Result<Bytes> {
        let length = usize::try_from(self.remaining).map_err(io::Error::other)?;
        tokio::task::spawn_blocking(move || read_piece(&self.file, self.offset, length))
            .await
            .map_err(io::Error::other)?
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let reading = this.reading.get_or_insert_with(|| {
            let (file, offset) = (this.file.clone(), this.offset);
            let length = PIECE_BYTES.min(usize::try_from(this.remaining).unwrap_or(usize::MAX));
            tokio::task::spawn_blocking(move || read_piece(&file, offset, length))
        });
        let piece = ready!(Pin::new(reading).poll(cx)).map_err(io::Error::other).flatten();
        this.reading = None;
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        this.offset = this.offset.saturating_add(piece.len() as u64);
        this.remaining = this.remaining.saturating_sub(piece.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

fn read_piece(file: &File, offset: u64, length: usize) -> io::Result<Bytes> {
    let mut piece = vec![0; length];
    file.read_exact_at(&mut piece, offset)?;
    Ok(piece.into())
}
