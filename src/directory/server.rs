//! The directory's server: one request, one answer, then it closes.
//!
//! Verbs take microseconds and are answered where they were read, and so is a FIND of three letters
//! or more that finds little. Any other has a thread of its own: it may pass over every name, ours
//! and the neighbours', and list 35,000 addresses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::failures::Failures;
use super::offers::{Offers, merge};
use super::registry::{Registry, RegistryError};
use crate::listening::{Ends, Gate, GateLimits, Pass};
use crate::shutdown::Tasks;
use crate::wire::napster::request::Command;
use crate::wire::napster::response::NOT_OWNED;
use crate::wire::napster::{Counter, FoundFile, Parsed, Query, Request, RequestError, Response, SessionId};

/// Connections: a class that asks at once, or a machine that tries how many it can have.
const LIMITS: GateLimits = GateLimits { total: 1_024, per_host: 512 };
/// A request is whole within this time.
const REQUEST: Duration = Duration::from_secs(10);
/// An answer is taken within this time.
const ANSWER: Duration = Duration::from_secs(10);
/// Fapster reads so much, which is more than any request; an unknown command is echoed up to it.
const READ_MAX_BYTES: usize = 200;
/// Bytes that nobody asked for are read and dropped, so that the answer is not lost with them …
const DROPPED_MAX_BYTES: usize = 64 << 10;
/// … and for so long.
const DROPPED_MAX: Duration = Duration::from_secs(1);
/// From so many bytes on a query is looked up.
const QUICK_BYTES: usize = 3;
/// So many addresses are written in a moment.
const QUICK_ADDRESSES: usize = 2_000;
/// Long searches that run at once; others wait.
const SEARCHES_MAX: usize = 4;
/// Answers to searches that are being sent, in KiB: who reads slowly fills no memory with them.
const ROOM_KIB: usize = 128 << 10;
/// Files in an answer: three digits.
const FOUND_MAX: usize = Counter::<3>::MAX as usize;

/// The server; cheap to clone.
#[derive(Clone, Debug)]
pub struct Server {
    gate: Gate,
    inside: Arc<Inside>,
}

#[derive(Debug)]
struct Inside {
    registry: Arc<dyn Registry>,
    offers: Arc<dyn Offers>,
    failures: Failures,
    searches: Semaphore,
    room: Semaphore,
}

/// What a request is answered with.
#[derive(Debug, PartialEq, Eq)]
enum Reply {
    /// These bytes; none of them for what Fapster passes over in silence.
    Bytes(Vec<u8>),
    /// The session is wrong, which is not said more often than five times a second.
    Failure,
}

impl Server {
    /// Of a registry and what is offered beside it. `files` is how many files and sockets the
    /// process may have open: the directory takes a quarter of them at most.
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>, offers: Arc<dyn Offers>, files: usize) -> Self {
        let (searches, room) = (Semaphore::new(SEARCHES_MAX), Semaphore::new(ROOM_KIB));
        let inside = Inside { registry, offers, failures: Failures::default(), searches, room };
        let total = LIMITS.total.min(files / 4).max(1);
        Self { gate: Gate::new(GateLimits { total, per_host: LIMITS.per_host.min(total) }), inside: Arc::new(inside) }
    }

    /// Accepts on one listener until the task is dropped; all listeners share their limits.
    pub async fn accept(self, listener: TcpListener, tasks: Tasks) {
        let inside = self.inside;
        self.gate.accept(listener, tasks, |stream, ends, pass| inside.clone().serve(stream, ends, pass)).await;
    }
}

impl Inside {
    async fn serve(self: Arc<Self>, mut stream: TcpStream, ends: Ends, pass: Arc<Pass>) {
        let Some(received) = read_request(&mut stream).await else { return };
        pass.heard();
        let reply = match Request::parse(&received) {
            Parsed::Complete(Request::Find(id, query)) if self.is_quick(&query) => self.find_at_once(id, &query, &ends),
            Parsed::Complete(Request::Find(..)) => None,
            _ => Some(self.reply(&received, &ends)),
        };
        let reply = match reply {
            Some(reply) => reply,
            None => match self.find_aside(received.clone(), ends).await {
                Some(reply) => reply,
                None => return,
            },
        };
        let Some(_room) = self.room_for(&reply).await else { return };
        let answer = match reply {
            Reply::Bytes(answer) => answer,
            Reply::Failure => {
                let Some(wait) = self.failures.turn(ends.peer, Instant::now()) else { return };
                sleep(wait).await;
                refusal(RequestError::Unauthorized, &received)
            }
        };
        let written = timeout(ANSWER, async {
            stream.write_all(&answer).await?;
            stream.shutdown().await
        });
        if matches!(written.await, Ok(Ok(()))) && is_more_than_asked(&received, &stream) {
            drop_the_rest(&mut stream).await;
        }
    }

    /// Whether a search looks at few names.
    fn is_quick(&self, query: &Query) -> bool {
        self.offers.is_small() && query.needle().is_some_and(|needle| needle.len() >= QUICK_BYTES)
    }

    /// The reply to a quick search; none if it became a long one.
    fn find_at_once(&self, id: SessionId, query: &Query, ends: &Ends) -> Option<Reply> {
        match self.find(id, query, ends, Instant::now()) {
            Ok(found) => {
                let addresses: usize = found.iter().map(|file| file.peers.len()).sum();
                (addresses <= QUICK_ADDRESSES).then(|| Reply::Bytes(Response::Found(found).emit()))
            }
            Err(error) => Some(refused(error, Command::Find, ends)),
        }
    }

    /// The reply to a search, from a thread of its own. None: it took too long.
    async fn find_aside(self: &Arc<Self>, received: Vec<u8>, ends: Ends) -> Option<Reply> {
        let _turn = timeout(ANSWER, self.searches.acquire()).await.ok()?.ok()?;
        let inside = self.clone();
        spawn_blocking(move || inside.reply(&received, &ends)).await.ok()
    }

    /// A reply's share of the room until it is sent. None: there was none in time.
    async fn room_for(&self, reply: &Reply) -> Option<SemaphorePermit<'_>> {
        let bytes = if let Reply::Bytes(answer) = reply { answer.len() } else { 0 };
        let room = self.room.acquire_many(u32::try_from(bytes >> 10).unwrap_or(u32::MAX));
        timeout(ANSWER, room).await.ok()?.ok()
    }

    fn reply(&self, received: &[u8], ends: &Ends) -> Reply {
        let error = match Request::parse(received) {
            Parsed::Complete(request) => return self.answer(request, ends),
            Parsed::Incomplete(_) => Request::cut_short(received),
            Parsed::Invalid(error) => error,
        };
        match error {
            RequestError::Unauthorized => Reply::Failure,
            error => Reply::Bytes(refusal(error, received)),
        }
    }

    fn answer(&self, request: Request, ends: &Ends) -> Reply {
        let command = request.command();
        tracing::trace!(peer = %ends.peer, ?command, "a request");
        match self.act(request, ends) {
            Ok(response) => Reply::Bytes(response.emit()),
            Err(error) => refused(error, command, ends),
        }
    }

    fn act(&self, request: Request, ends: &Ends) -> Result<Response, RegistryError> {
        let (registry, source, now) = (&self.registry, ends.peer.ip(), Instant::now());
        Ok(match request {
            Request::Login(address) => Response::LoggedIn(registry.login(address, source, now)?),
            Request::Logout(id) => Response::LoggedOut(Counter::new(registry.logout(id, source, now)?)),
            Request::Add(id, md5, name) => Response::Added(Counter::new(registry.add(id, source, md5, name, now)?)),
            Request::Delete(id, md5) => {
                let left = registry.delete(id, source, md5, now)?;
                // One less than what says that it was not the peer's.
                let most = (NOT_OWNED as usize).saturating_sub(1);
                Response::Deleted(Counter::new(left.map_or(NOT_OWNED as usize, |left| left.min(most))))
            }
            Request::Find(id, query) => Response::Found(self.find(id, &query, ends, now)?),
            Request::Download(id, md5) => {
                let count = registry.download(id, source, md5, self.offers.has(md5), now)?;
                Response::Registered(Counter::new(count as usize))
            }
        })
    }

    fn find(&self, id: SessionId, query: &Query, ends: &Ends, now: Instant) -> Result<Vec<FoundFile>, RegistryError> {
        let registered = self.registry.find(id, ends.peer.ip(), query, FOUND_MAX, now)?;
        Ok(merge(registered, self.offers.find(query, FOUND_MAX, ends), FOUND_MAX))
    }
}

/// What a peer is told when the registry refuses.
fn refused(error: RegistryError, command: Command, ends: &Ends) -> Reply {
    if error == RegistryError::Unauthorized {
        return Reply::Failure;
    }
    tracing::debug!(peer = %ends.peer, ?command, %error, "a request is refused");
    Reply::Bytes(match error {
        // The only answer to a failed login that Fapster's clients know.
        _ if command == Command::Login => refusal(RequestError::BadLogin, &[]),
        RegistryError::NotFound => b"File not found.".to_vec(),
        error => error.to_string().into_bytes(),
    })
}

/// Reads until the request is whole or wrong, its sender closes, or its time is over. None when
/// the connection is gone.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut received = Vec::with_capacity(READ_MAX_BYTES);
    let read = timeout(REQUEST, async {
        while matches!(Request::parse(&received), Parsed::Incomplete(_)) {
            let room = READ_MAX_BYTES.saturating_sub(received.len()) as u64;
            if (&mut *stream).take(room).read_buf(&mut received).await? == 0 {
                break;
            }
        }
        std::io::Result::Ok(())
    });
    // When the time is over, what came so far is answered.
    if let Ok(Err(_)) = read.await {
        return None;
    }
    Some(received)
}

/// Fapster's words for a wrong request; nothing where it says nothing.
fn refusal(error: RequestError, received: &[u8]) -> Vec<u8> {
    error.answer(received).unwrap_or_default().into_bytes()
}

/// Whether bytes came that are no part of a request: closing would reset the connection, and an
/// answer that is not read yet would be lost.
fn is_more_than_asked(received: &[u8], stream: &TcpStream) -> bool {
    let is_exact = match Request::parse(received) {
        Parsed::Complete(request) => received.len() <= request.command().length(),
        Parsed::Incomplete(_) => true,
        Parsed::Invalid(_) => false,
    };
    !is_exact || stream.try_read(&mut [0]).is_ok_and(|bytes| bytes > 0)
}

async fn drop_the_rest(stream: &mut TcpStream) {
    let mut buffer = [0; 4_096];
    let mut left = DROPPED_MAX_BYTES;
    let _ = timeout(DROPPED_MAX, async {
        while left > 0 {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(bytes) => left = left.saturating_sub(bytes),
            }
        }
    })
    .await;
}
