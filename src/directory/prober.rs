//! The prober: asks the registry whose port is to be tried, and tries it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::dial::dial;
use super::registry::{Probe, StoredRegistry};

/// How often the registry is asked; a peer is due every five minutes.
const EVERY: Duration = Duration::from_secs(10);
/// Probes of one round, all at once: a full directory of 4,096 peers is through in five minutes.
const AT_ONCE: usize = 137;

/// The prober of a registry.
#[derive(Debug)]
pub struct Prober {
    /// Whose peers are tried.
    pub registry: StoredRegistry,
    /// Where connections come from, if the node is bound to an address.
    pub bind: Option<IpAddr>,
}

impl Prober {
    /// Probes until it is dropped.
    pub async fn run(self) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.round(Instant::now()).await;
        }
    }

    /// Tries all that are due at that time.
    async fn round(&self, now: Instant) {
        let mut probes: JoinSet<_> =
            self.registry.due_probes(now, AT_ONCE).into_iter().map(|probe| answers(probe, self.bind)).collect();
        while let Some(probed) = probes.join_next().await {
            let Ok((probe, answered)) = probed else { continue };
            if let Some(gone) = self.registry.probed(probe.key, answered, now) {
                tracing::debug!(peer = %gone.address, files = gone.files, "a peer no longer answers and is logged out");
            }
        }
    }
}

async fn answers(probe: Probe, bind: Option<IpAddr>) -> (Probe, bool) {
    for address in &probe.addresses {
        if dial(*address, bind).await.is_ok() {
            return (probe, true);
        }
    }
    (probe, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::registry::{OneNetwork, Registry as _};
    use crate::wire::napster::PeerAddress;
    use std::net::{Ipv4Addr, Ipv6Addr};
    use std::sync::Arc;

    #[tokio::test]
    async fn a_peer_that_answers_stays_and_others_are_logged_out() {
        let (folder, begin) = (tempfile::tempdir().unwrap(), Instant::now());
        let registry = StoredRegistry::open(folder.path(), Arc::new(OneNetwork), begin).unwrap();
        let answering = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        // Nobody listens there, and nobody else gets the port.
        let silent = tokio::net::TcpSocket::new_v4().unwrap();
        silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        for at in [answering.local_addr(), silent.local_addr()] {
            let port = at.unwrap().port();
            let address = PeerAddress { v4: Ipv4Addr::LOCALHOST, v6: Ipv6Addr::LOCALHOST, port };
            registry.login(address, Ipv4Addr::LOCALHOST.into(), begin).unwrap();
        }
        let prober = Prober { registry: registry.clone(), bind: Some(Ipv4Addr::LOCALHOST.into()) };
        for (round, peers) in (1..).zip([2, 2, 1, 1]) {
            prober.round(begin + Duration::from_secs(300) * round).await;
            assert_eq!(registry.sessions().len(), peers, "round {round}");
        }
        assert_eq!(registry.sessions()[0].address.port, answering.local_addr().unwrap().port());
    }
}
