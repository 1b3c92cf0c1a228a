//! The accept loop: our own, on hyper, because `axum::serve` knows neither a header timeout nor a
//! limit of connections.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::connection::{ConnectionClock, Phase};
use super::cores::Cores;
use super::site::Site;
use super::visit::Visit;
use crate::listening::{ACCEPT_PAUSE, Ends, host_key, is_of_the_host};
use crate::shutdown::Tasks;

/// Files that the rest of the node needs.
const FILES_KEPT: usize = 40;
/// Bytes that wait in the kernel beyond what is on its way.
const UNSENT_MAX_BYTES: u32 = 128 * 1024;
/// A host that acknowledges nothing for so long is gone. What an answer writes now and then goes
/// into the kernel's buffers, so that no clock of ours would notice.
const UNANSWERED: Duration = Duration::from_secs(60);
/// Connections that are overdue, or rest, are looked for so often.
const SWEEP: Duration = Duration::from_millis(125);

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
    site: Site,
    connections: Arc<Mutex<Connections>>,
    /// Wakes the sweeper, which sleeps while nobody is connected.
    came: Arc<Notify>,
    limits: ConnectionLimits,
    tasks: Tasks,
    cores: Cores,
}

/// Who is connected.
#[derive(Debug, Default)]
struct Connections {
    next: u64,
    total: usize,
    by_host: HashMap<IpAddr, BTreeMap<u64, Arc<ConnectionClock>>>,
}

impl Server {
    /// Serves the site; each connection is a task on one of the cores, and drains when the node ends.
    #[must_use]
    pub fn new(site: Site, limits: ConnectionLimits, tasks: Tasks, cores: Cores) -> Self {
        Self { site, connections: Arc::default(), came: Arc::default(), limits, tasks, cores }
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

    /// Cuts overdue connections, and lets others rest, until the node ends; then it lets all end.
    pub async fn sweep(self) {
        let sweeping = async {
            loop {
                while self.lock().total == 0 {
                    self.came.notified().await;
                }
                tokio::time::sleep(SWEEP).await;
                self.lock().clocks().for_each(|clock| match clock.is_overdue() {
                    true => clock.cut(),
                    false => clock.suggest_rest(),
                });
            }
        };
        tokio::select! {
            () = sweeping => {}
            () = self.tasks.ending() => self.lock().clocks().for_each(|clock| clock.end()),
        }
    }

    fn take(&self, stream: TcpStream, peer: SocketAddr) {
        let clock = ConnectionClock::start();
        let Some(place) = self.place(peer, &clock) else {
            tracing::debug!(%peer, "too many connections");
            return;
        };
        self.came.notify_one();
        if self.tasks.is_ending() {
            clock.end(); // it came after the others were told
        }
        let (Ok(ends), Ok(stream)) = (Ends::of(&stream), stream.into_std()) else { return };
        let (site, seat) = (self.site.clone(), self.cores.seat());
        let core = seat.runtime().clone();
        let served = async move {
            let _place = place;
            let Ok(stream) = TcpStream::from_std(stream) else { return };
            set_options(&stream);
            seat.sharing(Visit::new(&site, ends, clock).serve(stream)).await;
        };
        self.tasks.spawn_draining_on(served, &core);
    }

    fn place(&self, peer: SocketAddr, clock: &Arc<ConnectionClock>) -> Option<Place> {
        let host = host_key(peer);
        let id = self.lock().admit(host, clock.clone(), self.limits)?;
        Some(Place { connections: self.connections.clone(), host, id })
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set_options(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    // A client that does not read costs little in the kernel too, and a slow one is seen to read.
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_MAX_BYTES);
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(UNANSWERED));
}

/// A connection's place among the others; given back however it ends.
struct Place {
    connections: Arc<Mutex<Connections>>,
    host: IpAddr,
    id: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).remove(self.host, self.id);
    }
}

impl Connections {
    fn clocks(&self) -> impl Iterator<Item = &Arc<ConnectionClock>> {
        self.by_host.values().flat_map(BTreeMap::values)
    }

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
