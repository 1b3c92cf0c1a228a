//! The node's Napster side: its directory.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::{files_max, open_listeners};
use crate::config::{Config, Wish};
use crate::directory::NoOffers;
use crate::directory::prober::Prober;
use crate::directory::registry::{Links, StoredRegistry};
use crate::directory::server::Server;
use crate::discovery::DiscoveryOptions;
use crate::discovery::interfaces::{Interface, Interfaces};
use crate::shutdown::Tasks;

/// A directory with its sockets and its store open, not yet running.
pub(super) struct OpenDirectory {
    listeners: Vec<TcpListener>,
    registry: StoredRegistry,
}

impl OpenDirectory {
    /// Opens what it needs; none if no directory is wanted, or if its port is taken and nobody
    /// asked for just that one.
    pub(super) fn open(config: &Config, state: &Path, interfaces: Interfaces) -> anyhow::Result<Option<Self>> {
        let Some(wish) = config.napster.directory else { return Ok(None) };
        let wished = open_wished(&config.discovery, wish, "the Napster directory", "--directory-port")?;
        let Some(listeners) = wished else { return Ok(None) };
        let links = Arc::new(OurLinks(interfaces));
        let registry = StoredRegistry::open(state, links, Instant::now()).context("there can be no directory")?;
        Ok(Some(Self { listeners, registry }))
    }

    /// Starts it.
    pub(super) fn start(self, config: &Config, tasks: &Tasks) -> StoredRegistry {
        let server = Server::new(Arc::new(self.registry.clone()), Arc::new(NoOffers), files_max());
        for listener in self.listeners {
            tasks.spawn(server.clone().accept(listener, tasks.clone()));
        }
        // Elsewhere the system knows best by which address a peer is reached.
        let bind = config.discovery.bind.first().map(SocketAddr::ip).filter(IpAddr::is_loopback);
        tasks.spawn(Prober { registry: self.registry.clone(), bind }.run());
        self.registry
    }
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
