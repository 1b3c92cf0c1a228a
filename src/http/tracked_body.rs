//! An answer's body as its connection sends it; it tells the clock when the answer is over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::Body;
use http::Response;
use http_body::{Frame, SizeHint};

use super::connection::{ConnectionClock, Phase};
use super::file_out::{Line, Sent};
use super::pieces::{Pieces, taken};

/// A body on its connection.
pub(super) struct TrackedBody {
    body: Kind,
    clock: Arc<ConnectionClock>,
    line: Line,
    /// Why it broke. What came before is written first, as far as the client takes it.
    broke: Option<BoxError>,
}

enum Kind {
    /// As a handler made it.
    Made(Body),
    /// Of a file.
    Pieces(Box<dyn Pieces>),
}

impl TrackedBody {
    /// An answer with its body.
    pub(super) fn of(mut response: Response<Body>, clock: Arc<ConnectionClock>, line: Line) -> Response<Self> {
        let pieces = taken(&mut response);
        response.map(|body| Self { body: pieces.map_or(Kind::Made(body), Kind::Pieces), clock, line, broke: None })
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        self.clock.enter(Phase::Idle);
    }
}

impl http_body::Body for TrackedBody {
    type Data = Sent;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Sent>, BoxError>>> {
        let Self { body, line, broke, .. } = self.get_mut();
        if let Some(error) = broke.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let frame: Option<Result<_, BoxError>> = match body {
            Kind::Made(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                frame.map(|frame| Ok(frame?.map_data(Sent::Bytes)))
            }
            Kind::Pieces(pieces) => {
                let piece = ready!(pieces.poll_piece(cx));
                piece.map(|piece| Ok(Frame::data(line.take_in(piece?))))
            }
        };
        match frame {
            // hyper throws away what it has not written, the head even, as soon as it hears of it.
            Some(Err(error)) => {
                *broke = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Kind::Made(body) => body.is_end_stream(),
            Kind::Pieces(pieces) => pieces.left_bytes() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Kind::Made(body) => http_body::Body::size_hint(body),
            Kind::Pieces(pieces) => SizeHint::with_exact(pieces.left_bytes()),
        }
    }
}
