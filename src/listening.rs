//! What all our services do to be reached: listening sockets, and a gate that lets so many
//! connections in.
//!
//! The [`Gate`] is for connections that carry one request each, as Napster's do. Over a limit, the
//! oldest one that has not said what it wants gives way; if all have, the oldest that lingers.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::shutdown::Tasks;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1_024;
/// After EMFILE and its kind: no busy loop.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Who is connected, put into each request by the accept loop.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The other end.
    pub peer: SocketAddr,
    /// Ours.
    pub local: SocketAddr,
}

impl Ends {
    /// Of a connection; IPv4 written as IPv6 is IPv4.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn of(stream: &TcpStream) -> io::Result<Self> {
        Ok(Self { peer: canonical(stream.peer_addr()?), local: canonical(stream.local_addr()?) })
    }
}

/// Listens on an address; an IPv6 one takes IPv6 only.
///
/// # Errors
/// When the address is taken or not ours.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct GateLimits {
    /// In all.
    pub total: usize,
    /// From one host; of IPv6, from one /64.
    pub per_host: usize,
}

/// Lets connections in; cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate {
    inside: Arc<Mutex<Inside>>,
    limits: GateLimits,
}

#[derive(Debug, Default)]
struct Inside {
    next: u64,
    /// Each with its host, and how far it is.
    passes: BTreeMap<u64, (IpAddr, Stage, CancellationToken)>,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It has not said what it wants.
    Silent,
    /// It has, but takes its time.
    Lingering,
    /// It is being answered, and gives way to nobody.
    Answered,
}

/// A connection's place; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    inside: Arc<Mutex<Inside>>,
    id: u64,
    cut: CancellationToken,
}

impl Gate {
    /// An open one.
    #[must_use]
    pub fn new(limits: GateLimits) -> Self {
        Self { inside: Arc::default(), limits }
    }

    /// A place for a connection from there; none when all are taken by such as are being answered.
    #[must_use]
    pub fn admit(&self, peer: SocketAddr) -> Option<Pass> {
        let host = host_key(peer);
        let mut inside = lock(&self.inside);
        let of_host = inside.passes.values().filter(|(of, ..)| *of == host).count();
        if of_host >= self.limits.per_host && !inside.shed(Some(host)) {
            return None;
        }
        if inside.passes.len() >= self.limits.total && !inside.shed(None) {
            return None;
        }
        let id = inside.next;
        inside.next = inside.next.wrapping_add(1);
        let cut = CancellationToken::new();
        inside.passes.insert(id, (host, Stage::Silent, cut.clone()));
        Some(Pass { inside: self.inside.clone(), id, cut })
    }

    /// Accepts on one listener until the task is dropped; each connection is a task that is
    /// dropped when the node ends, or when it must give way.
    pub async fn accept<S, F>(self, listener: TcpListener, tasks: Tasks, serve: S)
    where
        S: Fn(TcpStream, Ends, Arc<Pass>) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "no connection");
                    if is_of_the_host(&error) {
                        lock(&self.inside).shed(None);
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    continue;
                }
            };
            let Ok(ends) = Ends::of(&stream) else { continue };
            let Some(pass) = self.admit(ends.peer).map(Arc::new) else {
                tracing::debug!(peer = %ends.peer, "too many connections");
                continue;
            };
            let cut = pass.cut.clone();
            let served = serve(stream, ends, pass);
            tasks.spawn(async move {
                let _ = cut.run_until_cancelled_owned(served).await;
            });
        }
    }
}

impl Pass {
    /// Its request is whole: it no longer gives way to others.
    pub fn heard(&self) {
        self.is_now(Stage::Answered);
    }

    /// Its answer has to wait, or is not taken: it gives way if nobody is silent.
    pub fn lingers(&self) {
        self.is_now(Stage::Lingering);
    }

    fn is_now(&self, now: Stage) {
        if let Some((_, stage, _)) = lock(&self.inside).passes.get_mut(&self.id) {
            *stage = now;
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        lock(&self.inside).passes.remove(&self.id);
    }
}

impl Inside {
    /// Cuts the oldest that is silent, or else the oldest that lingers, of one host or of all.
    fn shed(&mut self, host: Option<IpAddr>) -> bool {
        let oldest = |wanted: Stage| {
            let mut passes = self.passes.iter();
            let found = passes.find(|(_, (of, stage, _))| *stage == wanted && host.is_none_or(|host| host == *of));
            found.map(|(id, _)| *id)
        };
        let oldest = oldest(Stage::Silent).or_else(|| oldest(Stage::Lingering));
        let Some((_, _, cut)) = oldest.and_then(|id| self.passes.remove(&id)) else { return false };
        cut.cancel();
        true
    }
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Connections are counted by host: an IPv6 host may hold a whole /64, but on a link all hosts
/// share fe80::/64.
#[must_use]
pub fn host_key(peer: SocketAddr) -> IpAddr {
    match canonical(peer).ip() {
        IpAddr::V6(ip) if !ip.is_unicast_link_local() => {
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)))
        }
        ip => ip,
    }
}

/// IPv4 written as IPv6 is IPv4.
#[must_use]
pub fn canonical(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::new(v4.into(), v6.port()),
            None => SocketAddrV6::new(*v6.ip(), v6.port(), 0, v6.scope_id()).into(),
        },
        v4 => v4,
    }
}

/// Out of descriptors or memory: trying again at once would spin.
#[must_use]
pub fn is_of_the_host(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: GateLimits = GateLimits { total: 4, per_host: 2 };

    fn from(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 1))
    }

    #[test]
    fn over_a_limit_the_oldest_that_waits_gives_way() {
        let gate = Gate::new(LIMITS);
        let first = gate.admit(from(1)).unwrap();
        let second = gate.admit(from(1)).unwrap();
        first.heard();
        let third = gate.admit(from(1)).unwrap();
        assert!(second.cut.is_cancelled() && !first.cut.is_cancelled());
        third.heard();
        assert!(gate.admit(from(1)).is_none());
        let others = [gate.admit(from(2)).unwrap(), gate.admit(from(3)).unwrap()];
        others[0].heard();
        let _last = gate.admit(from(4)).unwrap();
        assert!(others[1].cut.is_cancelled() && !others[0].cut.is_cancelled());
        drop((first, second, third, others));
        assert_eq!(lock(&gate.inside).passes.len(), 1);
    }

    #[test]
    fn who_lingers_gives_way_after_all_who_are_silent() {
        let gate = Gate::new(LIMITS);
        let [first, second, third, fourth] = [1, 1, 2, 2].map(|last| gate.admit(from(last)).unwrap());
        for pass in [&first, &second, &third, &fourth] {
            pass.heard();
        }
        assert!(gate.admit(from(3)).is_none());
        third.lingers();
        first.lingers();
        let newcomer = gate.admit(from(3)).unwrap();
        assert!(first.cut.is_cancelled() && !third.cut.is_cancelled());
        let _other = gate.admit(from(4)).unwrap();
        assert!(newcomer.cut.is_cancelled() && !third.cut.is_cancelled(), "it had said nothing");
    }

    #[test]
    fn hosts_of_ipv6_are_counted_by_network_but_link_local_ones_singly() {
        let key = |text: &str| host_key(SocketAddr::new(text.parse().unwrap(), 1));
        assert_eq!(key("2001:db8::1"), key("2001:db8::2"));
        assert_ne!(key("fe80::1"), key("fe80::2"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
    }
}
