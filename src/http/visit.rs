//! One connection, from its first byte to its end.
//!
//! hyper reads the requests and writes the answers. It keeps two buffers of 8 KiB for that, so it is
//! only there while something is asked: when a connection rests for a while, hyper is let go, and
//! the next byte calls another one. What it had read of the next request goes on with the stream.
//! Where a request brought a body, hyper stays: what is left of it must never be taken for a request.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use http::Request;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::clocked_stream::ClockedStream;
use super::connection::{ConnectionClock, Phase, Word};
use super::file_out::Line;
use super::site::Site;
use super::tracked_body::TrackedBody;
use crate::listening::Ends;

/// Lines in the head of a request.
const HEADERS_MAX: usize = 64;
/// The head of a request.
const HEAD_MAX_BYTES: usize = 16 * 1024;

/// A connection that is served.
pub(super) struct Visit<'s> {
    pub(super) site: &'s Site,
    pub(super) ends: Ends,
    pub(super) clock: Arc<ConnectionClock>,
    pub(super) line: Line,
}

/// How far hyper came.
enum Came {
    /// The connection is over.
    End(hyper::Result<()>),
    /// It was cut.
    Cut,
    /// It rests: all was written, and nothing came.
    Rest,
}

impl<'s> Visit<'s> {
    /// Of a connection between those ends.
    pub(super) fn new(site: &'s Site, ends: Ends, clock: Arc<ConnectionClock>) -> Self {
        Self { site, ends, clock, line: Line::default() }
    }

    /// Serves it until it ends.
    pub(super) async fn serve(&self, stream: TcpStream) {
        let mut stream = ClockedStream::new(stream, self.clock.clone(), self.line.clone());
        while self.is_asked(&stream).await {
            match self.answer(stream).await {
                Some(resting) => stream = resting,
                None => return,
            }
        }
    }

    /// Waits for the next byte; false when the connection shall end.
    async fn is_asked(&self, stream: &ClockedStream) -> bool {
        self.clock.note_rest(true);
        let is_asked = poll_fn(|cx| match self.clock.heed(cx) {
            Word::GoOn => stream.poll_readable(cx).map(|()| true),
            Word::End | Word::Cut => Poll::Ready(false),
        });
        let is_asked = is_asked.await;
        self.clock.note_rest(false);
        is_asked
    }

    /// Answers until the connection ends, or rests: then it is given back.
    async fn answer(&self, stream: ClockedStream) -> Option<ClockedStream> {
        let brings = AtomicBool::new(false);
        let service = service_fn(|request: Request<Incoming>| {
            self.clock.enter(Phase::Answering);
            brings.fetch_or(!request.body().is_end_stream(), Ordering::Relaxed);
            async {
                let response = self.site.answer(request, self.ends).await;
                Ok::<_, Infallible>(TrackedBody::of(response, self.clock.clone(), self.line.clone()))
            }
        });
        let connection = http1::Builder::new()
            .header_read_timeout(None) // the clock counts from a request's first byte instead
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_MAX_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = Box::new(connection);
        let mut is_ending = false;
        let came = poll_fn(|cx| {
            match self.clock.heed(cx) {
                Word::Cut => return Poll::Ready(Came::Cut),
                Word::End if !is_ending => {
                    is_ending = true;
                    Pin::new(&mut *connection).graceful_shutdown();
                }
                Word::End | Word::GoOn => {}
            }
            let writes = self.clock.writes();
            match Pin::new(&mut *connection).poll(cx) {
                Poll::Ready(ended) => Poll::Ready(Came::End(ended)),
                Poll::Pending if brings.load(Ordering::Relaxed) => Poll::Pending,
                // Had anything been left to write, hyper would have tried to.
                Poll::Pending if self.clock.may_rest() && self.clock.writes() == writes => Poll::Ready(Came::Rest),
                Poll::Pending => Poll::Pending,
            }
        });
        match came.await {
            Came::Rest => {
                let parts = connection.into_parts();
                Some(parts.io.into_inner().unread(parts.read_buf))
            }
            Came::End(Err(error)) => {
                tracing::debug!(peer = %self.ends.peer, %error, "a connection broke");
                None
            }
            Came::End(Ok(())) | Came::Cut => None,
        }
    }
}
