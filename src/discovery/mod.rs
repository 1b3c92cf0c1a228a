//! Discovery: announcing and hearing over UDP, on all interfaces, in both families.

pub mod announcer;
pub mod diagnosis;
pub mod interfaces;
pub mod links;
pub mod listener;
pub mod segment;
pub mod socket;
pub mod stats;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use self::announcer::{Announcer, Sender};
use self::interfaces::Interfaces;
use self::listener::Listener;
use self::segment::Segment;
use self::socket::{ALL_NODES, DatagramSocket};
use self::stats::Stats;
use crate::loot::Loot;
use crate::neighbours::Neighbourhood;
use crate::shutdown::Tasks;
use crate::wire::NodeName;

/// What the operator said about announcing and hearing.
#[derive(Clone, Debug)]
pub struct DiscoveryOptions {
    /// Our UDP and TCP port.
    pub port: u16,
    /// Addresses to bind (the port is ignored); empty: all interfaces.
    pub bind: Vec<SocketAddr>,
    /// Interfaces to keep to; empty: all.
    pub interfaces: Vec<String>,
    /// IPv6 too.
    pub ipv6: bool,
    /// Instead of the interfaces' own broadcast addresses (the port is ignored).
    pub announce_to: Vec<SocketAddr>,
    /// Besides them (the port is ignored).
    pub neighbours: Vec<SocketAddr>,
    /// Time between two rounds.
    pub interval: Duration,
}

/// Discovery with its sockets open, not yet running.
#[derive(Debug)]
pub struct Discovery {
    options: DiscoveryOptions,
    segment: Arc<Segment>,
    interfaces: Interfaces,
    stats: Arc<Stats>,
    senders: Vec<Sender>,
    hearing: Vec<Arc<DatagramSocket>>,
}

impl Discovery {
    /// Opens the sockets.
    ///
    /// # Errors
    /// The address that cannot be bound, in the error's text.
    pub fn open(options: DiscoveryOptions) -> io::Result<Self> {
        let segment = Segment {
            bound: options.bind.iter().map(|a| a.ip().to_canonical()).collect(),
            only: options.interfaces.clone(),
            named: options.neighbours.iter().map(|a| a.ip().to_canonical()).collect(),
            v4_only: !options.ipv6,
        };
        let mut discovery = Self {
            segment: Arc::new(segment),
            interfaces: Interfaces::default(),
            stats: Arc::default(),
            senders: Vec::new(),
            hearing: Vec::new(),
            options,
        };
        if discovery.options.bind.is_empty() {
            discovery.open_everywhere()?;
        } else {
            discovery.open_bound()?;
        }
        Ok(discovery)
    }

    fn open_everywhere(&mut self) -> io::Result<()> {
        let port = self.options.port;
        self.open_sender(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port))?;
        if self.options.ipv6
            && let Err(error) = self.open_sender(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port))
        {
            tracing::info!(%error, "going on without IPv6");
        }
        Ok(())
    }

    /// One socket on each address for unicast and for all sending, others on the broadcast
    /// addresses for hearing, so that several nodes share a port on one machine.
    fn open_bound(&mut self) -> io::Result<()> {
        let port = self.options.port;
        for mut address in self.options.bind.clone() {
            address.set_port(port);
            self.open_sender(address)?;
            match address {
                SocketAddr::V4(v4) => {
                    for broadcast in self.broadcasts_near(*v4.ip()) {
                        self.hearing.push(Arc::new(bind(SocketAddr::new(broadcast.into(), port))?));
                    }
                }
                SocketAddr::V6(v6) => self.open_group(v6)?,
            }
        }
        Ok(())
    }

    fn open_sender(&mut self, address: SocketAddr) -> io::Result<()> {
        let socket = Arc::new(bind(address)?);
        self.hearing.push(socket.clone());
        self.senders.push(Sender { ip: address.ip(), socket });
        Ok(())
    }

    /// `ff02::1` on the interface that has the address.
    fn open_group(&mut self, address: SocketAddrV6) -> io::Result<()> {
        let interfaces = self.interfaces.current();
        let owner = interfaces.iter().find(|i| i.is_own((*address.ip()).into())).map(|i| i.index);
        let scope = if address.scope_id() == 0 { owner } else { Some(address.scope_id()) };
        if let Some(scope) = scope {
            let group = bind(SocketAddrV6::new(ALL_NODES, address.port(), 0, scope).into())?;
            group.join_all_nodes(scope);
            self.hearing.push(Arc::new(group));
        }
        Ok(())
    }

    fn broadcasts_near(&self, ip: Ipv4Addr) -> Vec<Ipv4Addr> {
        if ip.is_loopback() {
            return vec![Ipv4Addr::new(127, 255, 255, 255)];
        }
        let interfaces = self.interfaces.current();
        let own = interfaces.iter().find(|i| i.is_own(ip.into()));
        let directed = own.and_then(|i| i.v4.iter().find(|a| a.ip == ip)).and_then(|a| a.broadcast);
        directed.into_iter().chain([Ipv4Addr::BROADCAST]).collect()
    }

    /// Interfaces that were chosen and are not there (yet).
    #[must_use]
    pub fn absent_interfaces(&self) -> Vec<&str> {
        let current = self.interfaces.current();
        let absent = |name: &&String| !current.iter().any(|i| *i.name == ***name);
        self.options.interfaces.iter().filter(absent).map(String::as_str).collect()
    }

    /// The interfaces, for the page that says where we announce.
    #[must_use]
    pub fn interfaces(&self) -> Interfaces {
        self.interfaces.clone()
    }

    /// Which interfaces are used.
    #[must_use]
    pub fn segment(&self) -> Arc<Segment> {
        self.segment.clone()
    }

    /// The counters.
    #[must_use]
    pub fn stats(&self) -> Arc<Stats> {
        self.stats.clone()
    }

    /// Starts to hear, then to announce. The HTTP service must listen already.
    pub fn run(self, name: NodeName, uuid: Uuid, loot: Loot, neighbourhood: Neighbourhood, tasks: &Tasks) {
        let (answers, wishes) = announcer::answers();
        let port = self.options.port;
        let with_port = |a: &SocketAddr| {
            let mut a = *a;
            a.set_port(port);
            a
        };
        for socket in self.hearing {
            let listener = Listener {
                socket,
                port,
                segment: self.segment.clone(),
                interfaces: self.interfaces.clone(),
                neighbourhood: neighbourhood.clone(),
                answers: answers.clone(),
                stats: self.stats.clone(),
            };
            tasks.spawn(listener.run());
        }
        let announcer = Announcer {
            senders: self.senders,
            port,
            interval: self.options.interval,
            announce_to: self.options.announce_to.iter().map(with_port).collect(),
            named: self.options.neighbours.iter().map(with_port).collect(),
            segment: self.segment,
            interfaces: self.interfaces,
            name,
            uuid,
            loot,
            neighbourhood,
            stats: self.stats,
        };
        tasks.spawn(announcer.run(wishes));
    }
}

fn bind(address: SocketAddr) -> io::Result<DatagramSocket> {
    DatagramSocket::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot use UDP {address}: {error}")))
}
