//! The IO type of one connection: a TCP stream that tells its clock what happens, and by which files
//! leave from where they are ([`file_out`](super::file_out)).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connection::{ConnectionClock, Word};
use super::file_out::{First, Line, first};

/// A TCP stream that tells its clock what happens, and sends runs of files for the places that
/// stand for them.
#[derive(Debug)]
pub(super) struct ClockedStream {
    stream: TcpStream,
    clock: Arc<ConnectionClock>,
    line: Line,
    /// What was read of the next request already.
    read: Bytes,
}

impl ClockedStream {
    /// Over an accepted connection.
    pub(super) fn new(stream: TcpStream, clock: Arc<ConnectionClock>, line: Line) -> Self {
        Self { stream, clock, line, read: Bytes::new() }
    }

    /// Gives back what was read too early. Of a buffer in which nothing is left nothing is kept.
    pub(super) fn unread(mut self, read: Bytes) -> Self {
        self.read = if read.is_empty() { Bytes::new() } else { read };
        self
    }

    /// Waits until there is something to be read, the end included.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.read.is_empty() {
            true => self.stream.poll_read_ready(cx).map(drop),
            false => Poll::Ready(()),
        }
    }
}

impl Drop for ClockedStream {
    fn drop(&mut self) {
        if self.clock.word() == Word::Cut {
            // Who was cut does not read what is left; the kernel need not keep it.
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl AsyncRead for ClockedStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.read.is_empty() {
            let length = self.read.len().min(buf.remaining());
            buf.put_slice(&self.read.split_to(length));
            self.clock.note_read(length);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.clock.note_read(buf.filled().len().saturating_sub(before));
        outcome
    }
}

impl AsyncWrite for ClockedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if !self.line.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into())); // it may be a copy of a place
        }
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.clock.note_write(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = match first(bufs) {
            First::Bytes(bufs) => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
            First::Place(length) => self.line.poll_send(&self.stream, length, cx),
        };
        self.clock.note_write(&outcome);
        outcome
    }

    /// Always: hyper shall not copy buffers.
    fn is_write_vectored(&self) -> bool {
        true
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
    use bytes::Buf as _;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;

    struct Lent(Arc<[u8]>);

    impl AsRef<[u8]> for Lent {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    #[tokio::test]
    async fn what_is_unread_is_read_again_and_its_buffer_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = ClockedStream::new(stream, ConnectionClock::start(), Line::default());
        let buffer: Arc<[u8]> = [1, 2, 3].into();
        for rest in [[2, 3].as_slice(), &[]] {
            let mut read = Bytes::from_owner(Lent(buffer.clone()));
            read.advance(3 - rest.len());
            stream = stream.unread(read);
            let mut again = vec![0; rest.len()];
            stream.read_exact(&mut again).await.unwrap();
            assert_eq!((again.as_slice(), Arc::strong_count(&buffer)), (rest, 1));
        }
    }
}
