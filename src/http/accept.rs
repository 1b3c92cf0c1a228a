//! The accept loop: our own, on hyper, because `axum::serve` knows neither a header timeout nor a
//! limit of connections.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use super::connection::{ClockedStream, ConnectionClock, Phase};
use crate::listening::{ACCEPT_PAUSE, Ends, host_key, is_of_the_host};
use crate::shutdown::Tasks;

/// Files that the rest of the node needs.
const FILES_KEPT: usize = 40;
/// Lines in the head of a request.
const HEADERS_MAX: usize = 64;
/// The head of a request.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// Bytes that wait in the kernel beyond what is on its way.
const UNSENT_MAX_BYTES: u32 = 128 * 1024;
/// A host that acknowledges nothing for so long is gone. What an answer writes now and then goes
/// into the kernel's buffers, so that no clock of ours would notice.
const UNANSWERED: Duration = Duration::from_secs(60);
/// Overdue connections are looked for so often.
const SWEEP: Duration = Duration::from_millis(500);

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// In all.
    pub total: usize,
    /// From one host; of IPv6, from one /64.
    pub per_host: usize,
}

impl ConnectionLimits {
    /// No more connections than half of the files that the process may open: each may read one.
    #[must_use]
    pub fn fit_to_files(self, files: usize) -> Self {
        let total = self.total.min(files.saturating_sub(FILES_KEPT).checked_div(2).unwrap_or(0)).max(1);
        Self { total, per_host: self.per_host.min(total) }
    }
}

/// The HTTP server.
#[derive(Clone, Debug)]
pub struct Server {
    router: Router,
    connections: Arc<Mutex<Connections>>,
    limits: ConnectionLimits,
    tasks: Tasks,
}

/// Who is connected.
#[derive(Debug, Default)]
struct Connections {
    next: u64,
    total: usize,
    by_host: HashMap<IpAddr, BTreeMap<u64, Arc<ConnectionClock>>>,
}

impl Server {
    /// Serves the router; each connection is a task, and drains when the node ends.
    #[must_use]
    pub fn new(router: Router, limits: ConnectionLimits, tasks: Tasks) -> Self {
        Self { router, connections: Arc::default(), limits, tasks }
    }

    /// Accepts on one listener until the task is dropped.
    pub async fn accept(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.take(stream, peer),
                Err(error) => {
                    tracing::debug!(%error, "no connection");
                    if is_of_the_host(&error) {
                        self.lock().shed(None);
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        }
    }

    /// Cuts overdue connections until the task is dropped.
    pub async fn sweep(self) {
        let mut tick = tokio::time::interval(SWEEP);
        loop {
            tick.tick().await;
            let connections = self.lock();
            let clocks = connections.by_host.values().flat_map(BTreeMap::values);
            clocks.filter(|clock| clock.is_overdue()).for_each(|clock| clock.cut());
        }
    }

    fn take(&self, stream: TcpStream, peer: SocketAddr) {
        let clock = ConnectionClock::start();
        let host = host_key(peer);
        let Some(id) = self.lock().admit(host, clock.clone(), self.limits) else {
            tracing::debug!(%peer, "too many connections");
            return;
        };
        let server = self.clone();
        self.tasks.spawn_draining(async move {
            let _place = Place { server: &server, host, id };
            server.serve(stream, &clock).await;
        });
    }

    async fn serve(&self, stream: TcpStream, clock: &Arc<ConnectionClock>) {
        let Ok(ends) = Ends::of(&stream) else { return };
        let _ = stream.set_nodelay(true);
        // A client that does not read costs little in the kernel too, and a slow one is seen to read.
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_MAX_BYTES);
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(UNANSWERED));
        let service = service_fn(|request: Request<Incoming>| {
            clock.enter(Phase::Answering);
            answer(self.router.clone(), request, ends, clock.clone())
        });
        let io = TokioIo::new(ClockedStream::new(stream, clock.clone()));
        let connection = http1::Builder::new()
            .header_read_timeout(None) // the clock counts from a request's first byte instead
            .max_headers(HEADERS_MAX)
            .max_buf_size(HEAD_MAX_BYTES)
            .serve_connection(io, service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = clock.was_cut() => return,
            () = self.tasks.ending() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %ends.peer, %error, "a connection broke");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among the others; given back however it ends.
struct Place<'s> {
    server: &'s Server,
    host: IpAddr,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.server.lock().remove(self.host, self.id);
    }
}

impl Connections {
    /// Takes a connection in; over a limit, at the cost of one that is not answering.
    fn admit(&mut self, host: IpAddr, clock: Arc<ConnectionClock>, limits: ConnectionLimits) -> Option<u64> {
        let of_host = self.by_host.get(&host).map_or(0, BTreeMap::len);
        if (of_host >= limits.per_host && !self.shed(Some(host)))
            || (self.total >= limits.total && !self.shed(Some(host)) && !self.shed(None))
        {
            return None;
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.total = self.total.saturating_add(1);
        self.by_host.entry(host).or_default().insert(id, clock);
        Some(id)
    }

    /// Cuts the oldest connection (of one host, or of all) that has no complete request, or,
    /// failing that, rests between two.
    fn shed(&mut self, host: Option<IpAddr>) -> bool {
        let of = |wanted: fn(Phase) -> bool| {
            let hosts = self.by_host.iter().filter(|(of, _)| host.is_none_or(|host| host == **of));
            let all = hosts.flat_map(|(of, clocks)| clocks.iter().map(move |(id, clock)| (*of, *id, clock)));
            all.filter(|(_, _, clock)| wanted(clock.phase()))
                .min_by_key(|(_, id, _)| *id)
                .map(|(of, id, clock)| (of, id, clock.clone()))
        };
        let unfinished = of(|phase| matches!(phase, Phase::Silent | Phase::Head));
        let Some((of, id, clock)) = unfinished.or_else(|| of(|phase| phase == Phase::Idle)) else { return false };
        clock.cut();
        self.remove(of, id);
        true
    }

    fn remove(&mut self, host: IpAddr, id: u64) {
        let Some(clocks) = self.by_host.get_mut(&host) else { return };
        if clocks.remove(&id).is_some() {
            self.total = self.total.saturating_sub(1);
        }
        if clocks.is_empty() {
            self.by_host.remove(&host);
        }
    }
}

async fn answer(
    router: Router,
    mut request: Request<Incoming>,
    ends: Ends,
    clock: Arc<ConnectionClock>,
) -> Result<Response<TrackedBody>, Infallible> {
    request.extensions_mut().insert(ends);
    let response = router.oneshot(request.map(Body::new)).await?;
    Ok(response.map(|body| TrackedBody { body, clock }))
}

/// A body that tells the clock when the answer is over.
#[derive(Debug)]
struct TrackedBody {
    body: Body,
    clock: Arc<ConnectionClock>,
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        self.clock.enter(Phase::Idle);
    }
}

impl http_body::Body for TrackedBody {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, axum::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits { total: 5, per_host: 3 };

    fn host(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn answering() -> Arc<ConnectionClock> {
        let clock = ConnectionClock::start();
        clock.enter(Phase::Answering);
        clock
    }

    #[test]
    fn over_the_limit_of_a_host_its_oldest_unfinished_one_goes() {
        let mut connections = Connections::default();
        let silent = ConnectionClock::start();
        connections.admit(host(1), answering(), LIMITS).unwrap();
        connections.admit(host(1), silent.clone(), LIMITS).unwrap();
        connections.admit(host(1), answering(), LIMITS).unwrap();
        assert!(connections.admit(host(1), answering(), LIMITS).is_some());
        assert_eq!(connections.total, 3);
        assert!(connections.admit(host(1), answering(), LIMITS).is_none());
        assert!(connections.admit(host(2), answering(), LIMITS).is_some());
    }

    #[test]
    fn in_all_no_more_than_the_limit_and_each_is_counted_out() {
        let mut connections = Connections::default();
        let ids: Vec<u64> = (1..=5).map(|n| connections.admit(host(n), answering(), LIMITS).unwrap()).collect();
        assert!(connections.admit(host(9), answering(), LIMITS).is_none());
        for (n, id) in (1..=5).zip(ids) {
            connections.remove(host(n), id);
        }
        assert_eq!((connections.total, connections.by_host.len()), (0, 0));
    }
}
