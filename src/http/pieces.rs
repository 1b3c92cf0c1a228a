//! Bodies of files: what they give their connection is a [`Piece`], bytes that were read or such as
//! are still in the file. Only the connection can send the latter ([`file_out`](super::file_out)),
//! so such a body goes to it beside the answer, past all layers.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body::Frame;

/// A file that leaves.
#[derive(Debug)]
pub(super) struct Source {
    /// Open.
    pub(super) file: File,
    /// There is no `sendfile` for it.
    is_refused: AtomicBool,
}

impl Source {
    /// Of an open file.
    pub(super) fn new(file: File) -> Self {
        Self { file, is_refused: AtomicBool::new(!cfg!(target_os = "linux")) }
    }

    /// Whether runs of it may be sent.
    pub(super) fn is_sendable(&self) -> bool {
        !self.is_refused.load(Ordering::Relaxed)
    }

    /// They may not.
    pub(super) fn refuse(&self) {
        self.is_refused.store(true, Ordering::Relaxed);
    }
}

/// Bytes of a file that are in memory, [`RUN_MAX_BYTES`](super::file_out::RUN_MAX_BYTES) at most.
#[derive(Debug)]
pub(super) struct Run {
    /// Of which file.
    pub(super) source: Arc<Source>,
    /// Where they begin.
    pub(super) offset: u64,
    /// How many they are.
    pub(super) length: usize,
}

/// The next bytes of a body.
#[derive(Debug)]
pub(super) enum Piece {
    /// They were read.
    Read(Bytes),
    /// They are still in the file.
    Run(Run),
}

impl Piece {
    /// Its length.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Read(bytes) => bytes.len(),
            Self::Run(run) => run.length,
        }
    }
}

/// A body of a known length that may give bytes still in a file.
pub(super) trait Pieces: Send {
    /// The next ones; none at the end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Piece>>>;

    /// How many bytes are still to come.
    fn left_bytes(&self) -> u64;
}

/// A body on its way to the connection, beside the answer.
#[derive(Clone)]
struct Waiting(Arc<Mutex<Option<Box<dyn Pieces>>>>);

/// Gives an answer a body that only its connection can send.
pub(super) fn leave(response: &mut Response, body: impl Pieces + 'static) {
    *response.body_mut() = Body::new(Elsewhere);
    response.extensions_mut().insert(Waiting(Arc::new(Mutex::new(Some(Box::new(body))))));
}

/// The body that was given to an answer so.
pub(super) fn taken(response: &mut http::Response<Body>) -> Option<Box<dyn Pieces>> {
    let Waiting(body) = response.extensions_mut().remove()?;
    body.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Stands in an answer for what leaves beside it: whoever reads this one meets an error, so that
/// nobody takes it for an empty one.
struct Elsewhere;

impl http_body::Body for Elsewhere {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(Err(io::Error::other("this body leaves by its connection"))))
    }
}
