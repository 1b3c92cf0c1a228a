//! The directory's server: one request, one answer, then it closes.
//!
//! Verbs take microseconds and are answered where they were read, and so is a FIND of three letters
//! or more that finds little. Any other has a thread of its own: it may pass over every name, ours
//! and the neighbours', and list 35,000 addresses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::failures::Failures;
use super::offers::{Offers, merge};
use super::registry::{Registry, RegistryError};
use super::searches::{Place, Searches};
use crate::listening::{Ends, Gate, GateLimits, Pass};
use crate::shutdown::Tasks;
use crate::wire::napster::request::Command;
use crate::wire::napster::response::NOT_OWNED;
use crate::wire::napster::{Counter, FoundFile, Parsed, Query, Request, RequestError, Response, SessionId};

/// Connections: a class that asks at once, or a machine that tries how many it can have.
const LIMITS: GateLimits = GateLimits { total: 1_024, per_host: 512 };
/// A request is whole within this time.
const REQUEST: Duration = Duration::from_secs(10);
/// An answer is taken within this time …
const ANSWER: Duration = Duration::from_secs(10);
/// … and who needs more than this gives way when there are too many.
const PROMPT: Duration = Duration::from_secs(1);
/// Fapster reads so much, which is more than any request; an unknown command is echoed up to it.
const READ_MAX_BYTES: usize = 200;
/// Bytes that nobody asked for are read and dropped, so that the answer is not lost with them …
const DROPPED_MAX_BYTES: usize = 64 << 10;
/// … and for so long.
const DROPPED_MAX: Duration = Duration::from_secs(1);
/// From so many bytes on a query is looked up.
const QUICK_BYTES: usize = 3;
/// So many entries, files and addresses together, are written in a moment and fit any buffer.
const QUICK_ENTRIES: usize = 200;
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
    searches: Searches,
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
    /// process may have open: the directory takes a quarter of them at most, a host half of that.
    #[must_use]
    pub fn new(registry: Arc<dyn Registry>, offers: Arc<dyn Offers>, files: usize) -> Self {
        let inside = Inside { registry, offers, failures: Failures::default(), searches: Searches::default() };
        let total = LIMITS.total.min(files / 4).max(1);
        let limits = GateLimits { total, per_host: LIMITS.per_host.min(total.div_ceil(2)) };
        Self { gate: Gate::new(limits), inside: Arc::new(inside) }
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
        let quick = match Request::parse(&received) {
            Parsed::Complete(Request::Find(id, query)) if self.is_quick(&query) => self.find_at_once(id, &query, &ends),
            Parsed::Complete(Request::Find(..)) => None,
            _ => Some(self.reply(&received, &ends)),
        };
        let (reply, _place) = match quick {
            Some(reply) => (reply, None),
            None => {
                pass.lingers();
                let Some((reply, place)) = self.search(received.clone(), ends).await else { return };
                (reply, Some(place))
            }
        };
        let answer = match reply {
            Reply::Bytes(answer) => answer,
            Reply::Failure => {
                let Some(wait) = self.failures.turn(ends.peer, Instant::now()) else { return };
                pass.lingers();
                sleep(wait).await;
                refusal(RequestError::Unauthorized, &received)
            }
        };
        pass.heard();
        if send(&mut stream, &answer, &pass).await && is_more_than_asked(&received, &stream) {
            pass.lingers();
            drop_the_rest(&mut stream).await;
        }
    }

    /// Whether a search looks at few names.
    fn is_quick(&self, query: &Query) -> bool {
        self.offers.is_small() && query.needle().is_some_and(|needle| needle.len() >= QUICK_BYTES)
    }

    /// The reply to a quick search; none if it finds much.
    fn find_at_once(&self, id: SessionId, query: &Query, ends: &Ends) -> Option<Reply> {
        match self.find(id, query, ends, Instant::now()) {
            Ok(found) => {
                let entries = found.iter().map(|file| file.peers.len()).sum::<usize>().saturating_add(found.len());
                (entries <= QUICK_ENTRIES).then(|| Reply::Bytes(Response::Found(found).emit()))
            }
            Err(error) => Some(refused(error, Command::Find, ends)),
        }
    }

    /// The reply to a search, and its place until it is sent. None: it took too long.
    async fn search(self: &Arc<Self>, received: Vec<u8>, ends: Ends) -> Option<(Reply, Place<'_>)> {
        let inside = self.clone();
        let bytes = |reply: &Reply| if let Reply::Bytes(answer) = reply { answer.len() } else { 0 };
        self.searches.run(ends.peer.ip(), move || inside.reply(&received, &ends), bytes).await
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

/// Sends an answer; whether it was taken.
async fn send(stream: &mut TcpStream, answer: &[u8], pass: &Pass) -> bool {
    let sending = async {
        stream.write_all(answer).await?;
        stream.shutdown().await
    };
    tokio::pin!(sending);
    if let Ok(sent) = timeout(PROMPT, &mut sending).await {
        return sent.is_ok();
    }
    pass.lingers();
    matches!(timeout(ANSWER.saturating_sub(PROMPT), sending).await, Ok(Ok(())))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::NoOffers;
    use crate::wire::napster::{FileName, Md5, PeerAddress};
    use std::net::{IpAddr, SocketAddr};

    const FIND: &[u8] = b"FINDAAAAAAAAAAAAAAAA*                   ";
    /// Enough for 16 connections, eight of one host.
    const FILES: usize = 64;

    /// Everybody is logged in, and whoever searches gets 2 MiB.
    #[derive(Debug)]
    struct LongLists;

    impl Registry for LongLists {
        fn login(&self, _: PeerAddress, _: IpAddr, _: Instant) -> Result<SessionId, RegistryError> {
            Err(RegistryError::BadLogin)
        }

        fn logout(&self, _: SessionId, _: IpAddr, _: Instant) -> Result<usize, RegistryError> {
            Ok(0)
        }

        fn add(&self, _: SessionId, _: IpAddr, _: Md5, _: FileName, _: Instant) -> Result<usize, RegistryError> {
            Ok(1)
        }

        fn delete(&self, _: SessionId, _: IpAddr, _: Md5, _: Instant) -> Result<Option<usize>, RegistryError> {
            Ok(None)
        }

        fn find(
            &self,
            _: SessionId,
            _: IpAddr,
            _: &Query,
            most: usize,
            _: Instant,
        ) -> Result<Vec<FoundFile>, RegistryError> {
            let v4 = std::net::Ipv4Addr::LOCALHOST;
            let peers = vec![PeerAddress { v4, v6: v4.to_ipv6_mapped(), port: 1 }; 50];
            let name = FileName::new("long list").unwrap();
            Ok(vec![FoundFile { md5: Md5::new([7; 16]), name, peers }; most])
        }

        fn download(&self, _: SessionId, _: IpAddr, _: Md5, _: bool, _: Instant) -> Result<u32, RegistryError> {
            Ok(1)
        }
    }

    async fn start() -> SocketAddr {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // On loopback the system would take a whole answer.
        socket.set_send_buffer_size(16 << 10).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let at = listener.local_addr().unwrap();
        let server = Server::new(Arc::new(LongLists), Arc::new(NoOffers), FILES);
        tokio::spawn(server.accept(listener, Tasks::default()));
        at
    }

    async fn ask(from: u8, to: SocketAddr, request: &[u8]) -> std::io::Result<TcpStream> {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4 << 10)?;
        socket.bind(SocketAddr::from(([127, 0, 0, from], 0)))?;
        let mut stream = socket.connect(to).await?;
        stream.write_all(request).await?;
        Ok(stream)
    }

    #[tokio::test]
    async fn who_does_not_read_its_answers_takes_nobodys_place() {
        let directory = start().await;
        let mut unread = Vec::new();
        for from in [10, 11] {
            for _ in 0..FILES / 8 {
                let mut stream = ask(from, directory, FIND).await.unwrap();
                stream.read_exact(&mut [0; 7]).await.unwrap();
                unread.push(stream);
            }
        }
        let began = Instant::now();
        loop {
            let mut answer = Vec::new();
            if let Ok(mut stream) = ask(12, directory, b"ZZZZ").await {
                let _ = stream.read_to_end(&mut answer).await;
            }
            if answer.starts_with(b"Command 'ZZZZ'") {
                break;
            }
            assert!(began.elapsed() < ANSWER.saturating_sub(PROMPT), "nobody gave way");
            sleep(Duration::from_millis(50)).await;
        }
        drop(unread);
    }
}
