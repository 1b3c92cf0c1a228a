//! The node's Napster side: its directory, the port for peers, and the bridge between them and us.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::{dialled_from, files_max, open_listeners};
use crate::config::{Config, Wish};
use crate::directory::Napster;
use crate::directory::bridge::Bridge;
use crate::directory::join::{JoinTimes, Joins};
use crate::directory::peer::PeerService;
use crate::directory::prober::Prober;
use crate::directory::registry::{Links, StoredRegistry};
use crate::directory::server::Server;
use crate::discovery::DiscoveryOptions;
use crate::discovery::interfaces::{Interface, Interfaces};
use crate::leaving::Outgoing;
use crate::loot::Loot;
use crate::neighbours::Neighbourhood;
use crate::own_address::OwnPeer;
use crate::shutdown::Tasks;

/// Ports after the usual one that are tried for peers: only directories must know it.
const PEER_PORTS: u16 = 8;
/// What that port is for, and how it is chosen.
const PEERS: &str = "Napster peers";
const PEER_FLAG: &str = "--peer-port";

/// The Napster side with its sockets and its store open, not yet running.
pub(super) struct OpenNapster {
    directory: Option<OpenDirectory>,
    peer: Option<(u16, Vec<TcpListener>)>,
}

struct OpenDirectory {
    port: u16,
    listeners: Vec<TcpListener>,
    registry: StoredRegistry,
    links: Arc<dyn Links>,
}

impl OpenNapster {
    /// Opens what is wanted; what nobody asked for by its port may be missing.
    pub(super) fn open(config: &Config, state: &Path, interfaces: Interfaces) -> anyhow::Result<Self> {
        Ok(Self { directory: open_directory(config, state, interfaces)?, peer: open_peer(config)? })
    }

    /// Starts it.
    pub(super) fn start(
        self,
        config: &Config,
        loot: &Loot,
        neighbourhood: &Neighbourhood,
        interfaces: Interfaces,
        outgoing: &Outgoing,
        tasks: &Tasks,
    ) -> Napster {
        let mut napster = Napster::default();
        if let Some((port, listeners)) = self.peer {
            let bound = listeners.iter().filter_map(|listener| Some(listener.local_addr().ok()?.ip())).collect();
            let own = OwnPeer { interfaces, bound, port };
            let peer =
                PeerService::start(listeners, port, Arc::new(loot.clone()), outgoing.clone(), files_max(), tasks);
            let from = config.discovery.bind.first().map(SocketAddr::ip);
            let (hosts, digests) = (&config.napster.joins, loot.subscribe_digests());
            napster.joins = Joins::start(hosts, from, &own, &peer, &digests, JoinTimes::default(), tasks);
            (napster.peer, napster.own) = (Some(peer), Some(own));
        }
        if let Some(directory) = self.directory {
            let bridge = Bridge::new(loot.clone(), neighbourhood.clone(), napster.own.clone(), directory.links);
            tasks.spawn(bridge.clone().run());
            let server = Server::new(Arc::new(directory.registry.clone()), Arc::new(bridge), files_max());
            for listener in directory.listeners {
                tasks.spawn(server.clone().accept(listener, tasks.clone()));
            }
            tasks.spawn(Prober { registry: directory.registry.clone(), bind: dialled_from(config) }.run());
            napster.directory_port = Some(directory.port);
            napster.registry = Some(directory.registry);
        }
        napster
    }
}

fn open_directory(config: &Config, state: &Path, interfaces: Interfaces) -> anyhow::Result<Option<OpenDirectory>> {
    let Some(wish) = config.napster.directory else { return Ok(None) };
    let wished = open_wished(&config.discovery, wish, "the Napster directory", "--directory-port")?;
    let Some(listeners) = wished else { return Ok(None) };
    let links: Arc<dyn Links> = Arc::new(OurLinks(interfaces));
    let registry = StoredRegistry::open(state, links.clone(), Instant::now()).context("there can be no directory")?;
    Ok(Some(OpenDirectory { port: wish.port, listeners, registry, links }))
}

/// The usual port for peers, or one of those that follow; just the one that was asked for.
fn open_peer(config: &Config) -> anyhow::Result<Option<(u16, Vec<TcpListener>)>> {
    let Some(wish) = config.napster.peer else { return Ok(None) };
    if !wish.is_asked {
        let usual = (0..PEER_PORTS).filter_map(|step| wish.port.checked_add(step));
        for port in usual {
            let wish = Wish { port, is_asked: true };
            if let Ok(Some(listeners)) = open_wished(&config.discovery, wish, PEERS, PEER_FLAG) {
                return Ok(Some((port, listeners)));
            }
        }
    }
    // The first one's fault is what is told.
    let wish = Wish { is_asked: wish.is_asked || !config.napster.joins.is_empty(), ..wish };
    let wished = open_wished(&config.discovery, wish, PEERS, PEER_FLAG)?;
    Ok(wished.map(|listeners| (wish.port, listeners)))
}

/// Listens where the user wished. None, and a warning, where another program has a port that is
/// only the usual one.
fn open_wished(
    options: &DiscoveryOptions,
    wish: Wish,
    what: &str,
    flag: &str,
) -> anyhow::Result<Option<Vec<TcpListener>>> {
    let port = wish.port;
    match open_listeners(options, port) {
        Ok(listeners) => {
            tracing::info!(port, "listening: {what}");
            Ok(Some(listeners))
        }
        Err((error, _)) if wish.is_asked => {
            let why = match error.kind() {
                io::ErrorKind::AddrInUse => format!(
                    "port {port} is taken: some other program uses it. End that one, or choose another port for \
                     {what} with {flag}"
                ),
                _ => format!("port {port} cannot be used for {what}; choose another one with {flag}"),
            };
            Err(anyhow::Error::new(error).context(why))
        }
        Err((error, address)) => {
            tracing::warn!(%address, %error, "going on without {what}; choose its port with {flag}");
            Ok(None)
        }
    }
}

/// The networks of this machine, as the registry asks for them.
#[derive(Debug)]
struct OurLinks(Interfaces);

impl Links for OurLinks {
    fn is_on_link(&self, ip: IpAddr) -> bool {
        self.0.current().iter().any(|interface| !interface.is_loopback && interface.has_on_link(ip))
    }

    fn is_broadcast(&self, ip: Ipv4Addr) -> bool {
        self.0.current().iter().any(|interface| is_broadcast(interface, ip))
    }

    fn link_local_zone(&self) -> Option<u32> {
        let interfaces = self.0.current();
        let has_link_local = |i: &&Interface| i.v6.iter().any(|(ip, _)| ip.is_unicast_link_local());
        let mut zones = interfaces.iter().filter(has_link_local).map(|interface| interface.index);
        zones.next().filter(|_| zones.next().is_none())
    }
}

/// In one of the interface's networks, and no host there.
fn is_broadcast(interface: &Interface, ip: Ipv4Addr) -> bool {
    let in_network = |own: Ipv4Addr, prefix: u8| {
        let host_bits = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
        own.to_bits() & !host_bits == ip.to_bits() & !host_bits
    };
    interface.v4.iter().any(|own| in_network(own.ip, own.prefix)) && !interface.has_on_link(ip.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::interfaces::V4Address;

    #[test]
    fn a_networks_number_and_its_broadcast_are_no_hosts() {
        let own = V4Address { ip: "192.168.1.7".parse().unwrap(), prefix: 24, broadcast: None };
        let eth0 = Interface { name: "eth0".into(), index: 2, is_loopback: false, v4: vec![own], v6: vec![] };
        for (ip, broadcast) in [
            ("192.168.1.255", true),
            ("192.168.1.0", true),
            ("192.168.1.8", false),
            ("192.168.2.255", false),
            ("255.255.255.255", false),
        ] {
            assert_eq!(is_broadcast(&eth0, ip.parse().unwrap()), broadcast, "{ip}");
        }
    }
}
