//! The body of a request that brings a file: not silent, and not slower than the least speed.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use tokio::time::{Instant, Sleep};

/// The least speed is measured over so much time in which we waited for the client …
const WINDOW: Duration = Duration::from_secs(30);
/// … and is 1 KiB/s.
const WINDOW_BYTES: u64 = 30 * 1024;

/// Why it ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum IncomingError {
    /// Less than 1 KiB/s.
    #[error("it comes too slowly")]
    TooSlow,
    /// The connection.
    #[error("the connection broke")]
    Broken,
}

/// Over the body of a request. Only time in which we waited for the client counts, not that in which
/// our disk or our limit kept us from reading.
#[derive(Debug)]
pub(super) struct Incoming {
    body: Body,
    waiting_since: Option<Instant>,
    waited: Duration,
    came_bytes: u64,
    overdue: Pin<Box<Sleep>>,
}

impl Incoming {
    pub(super) fn new(body: Body) -> Self {
        let overdue = Box::pin(tokio::time::sleep(WINDOW));
        Self { body, waiting_since: None, waited: Duration::ZERO, came_bytes: 0, overdue }
    }

    fn came(&mut self, bytes: usize) {
        let waited = self.waiting_since.take().map_or(Duration::ZERO, |since| since.elapsed());
        self.waited = self.waited.saturating_add(waited);
        self.came_bytes = self.came_bytes.saturating_add(bytes as u64);
        if self.came_bytes >= WINDOW_BYTES {
            (self.waited, self.came_bytes) = (Duration::ZERO, 0);
        }
    }

    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.waiting_since.is_none() {
            let now = Instant::now();
            self.waiting_since = Some(now);
            let left = WINDOW.saturating_sub(self.waited);
            self.overdue.as_mut().reset(now.checked_add(left).unwrap_or(now));
        }
        self.overdue.as_mut().poll(cx)
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = IncomingError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, IncomingError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.came(frame.data_ref().map_or(0, Bytes::len));
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(IncomingError::Broken))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => self.poll_overdue(cx).map(|()| Some(Err(IncomingError::TooSlow))),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::http::channel_body::ChannelBody;

    /// A body of which 10 KiB come at each of these seconds; read at `pace` seconds a part.
    async fn read(seconds: &'static [u64], pace: u64) -> Result<usize, IncomingError> {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let began = Instant::now();
        tokio::spawn(async move {
            for second in seconds {
                tokio::time::sleep_until(began + Duration::from_secs(*second)).await;
                let _ = sender.send(Bytes::from_static(&[7; 10 * 1024])).await;
            }
        });
        let mut incoming = Incoming::new(Body::new(ChannelBody(receiver)));
        let mut count = 0;
        while let Some(frame) = incoming.frame().await {
            count += frame?.into_data().unwrap().len();
            tokio::time::sleep(Duration::from_secs(pace)).await;
        }
        Ok(count)
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_clients_own_slowness_is_held_against_it() {
        for (seconds, pace, expected, why) in [
            (&[0, 1, 20, 29, 45][..], 0, Some(5), "fast enough"),
            (&[0, 1, 31], 0, None, "20 KiB in half a minute"),
            (&[40], 0, None, "silent from the beginning"),
            (&[0, 0, 0, 0, 0], 100, Some(5), "it is we who are slow"),
            (&[0, 0, 0, 140], 50, Some(4), "it came before we looked for it"),
        ] {
            let expected = expected.map_or(Err(IncomingError::TooSlow), |parts| Ok(parts * 10 * 1024));
            assert_eq!(read(seconds, pace).await, expected, "{why}");
        }
    }
}
