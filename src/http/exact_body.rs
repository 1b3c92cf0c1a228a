//! A body of a known length that a task makes while it is sent. However the task ends, an answer
//! that is shorter or longer than was said breaks off, which every client notices.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Whoever makes it waits while the client does not read, and is told when it goes.
#[derive(Debug)]
pub(super) struct ExactBody {
    receiver: Receiver<Bytes>,
    left_bytes: u64,
}

impl ExactBody {
    /// Of that length; so many chunks wait for the client.
    pub(super) fn new(length: u64, ahead: usize) -> (Sender<Bytes>, Self) {
        let (sender, receiver) = channel(ahead);
        (sender, Self { receiver, left_bytes: length })
    }
}

impl http_body::Body for ExactBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left_bytes == 0 {
            return Poll::Ready(None);
        }
        let bytes = ready!(self.receiver.poll_recv(cx));
        let left = bytes.as_ref().and_then(|bytes| self.left_bytes.checked_sub(bytes.len() as u64));
        let (Some(bytes), Some(left)) = (bytes, left) else {
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        };
        self.left_bytes = left;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.left_bytes == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn only_what_has_the_length_that_was_said_ends_well() {
        for (parts, is_well) in [(vec!["ab", "c"], true), (vec!["ab"], false), (vec!["ab", "cd"], false)] {
            let (sender, body) = ExactBody::new(3, 4);
            parts.iter().for_each(|part| sender.try_send(Bytes::from_static(part.as_bytes())).unwrap());
            drop(sender);
            assert_eq!(body.collect().await.is_ok(), is_well, "{parts:?}");
        }
    }
}
