//! The body of a form, handed to its reader no faster than the reader understands it.
//!
//! `multer` gathers what comes until it finds the end of a field's head, or the first field at all,
//! and knows no bound for either: who sends neither must not fill our memory.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::incoming::Incoming;

/// The head of a field, and what precedes the first, is not longer than about this.
const UNREAD_MAX_BYTES: usize = 64 * 1024;

/// Bytes that the reader has, and made nothing of yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Unread(Arc<AtomicUsize>);

impl Unread {
    /// The reader made something of what it has.
    pub(super) fn read(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A body, part by part.
#[derive(Debug)]
pub(super) struct Bounded {
    incoming: Incoming,
    unread: Unread,
    /// The reader has a part that it did not look at.
    gave: bool,
}

impl Bounded {
    pub(super) fn new(incoming: Incoming, unread: Unread) -> Self {
        Self { incoming, unread, gave: false }
    }
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        // The reader asks as long as there is something, and looks at it then.
        if std::mem::take(&mut self.gave) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.unread.0.load(Ordering::Relaxed) > UNREAD_MAX_BYTES {
            return Poll::Ready(Some(Err(io::ErrorKind::FileTooLarge.into())));
        }
        let polled = Pin::new(&mut self.incoming).poll_frame(cx).map_err(io::Error::other);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.unread.0.fetch_add(frame.data_ref().map_or(0, Bytes::len), Ordering::Relaxed);
            self.gave = true;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::http::channel_body::ChannelBody;

    const PARTS: usize = 20;
    const PART_BYTES: usize = 16 * 1024;

    fn bounded() -> (Bounded, Unread) {
        let (sender, receiver) = tokio::sync::mpsc::channel(PARTS);
        (0..PARTS).for_each(|_| sender.try_send(Bytes::from_static(&[7; PART_BYTES])).unwrap());
        let (incoming, unread) = (Incoming::new(axum::body::Body::new(ChannelBody(receiver))), Unread::default());
        (Bounded::new(incoming, unread.clone()), unread)
    }

    #[tokio::test]
    async fn what_is_read_may_be_as_long_as_it_likes_and_what_is_not_may_not() {
        for (is_read, expected) in [(true, PARTS * PART_BYTES), (false, UNREAD_MAX_BYTES + PART_BYTES)] {
            let ((mut body, unread), mut came) = (bounded(), 0);
            while let Some(Ok(frame)) = body.frame().await {
                came += frame.into_data().unwrap().len();
                if is_read {
                    unread.read();
                }
            }
            assert_eq!(came, expected);
        }
    }
}
