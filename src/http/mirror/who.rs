//! Which neighbour has an address, for those who look at what leaves.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use crate::http::App;

/// Names by address. Where several nodes speak from one address it is nobody's.
#[derive(Debug, Default)]
pub(super) struct Hosts(HashMap<IpAddr, Option<String>>);

impl Hosts {
    pub(super) fn now(app: &App, now: Instant) -> Self {
        let mut hosts: HashMap<IpAddr, Option<String>> = HashMap::new();
        for neighbour in app.neighbourhood.present(now) {
            for address in neighbour.addresses() {
                let name = Some(neighbour.name.to_string()).filter(|name| !name.is_empty());
                let host = hosts.entry(address.service.ip()).or_insert_with(|| name.clone());
                if *host != name {
                    *host = None;
                }
            }
        }
        Self(hosts)
    }

    pub(super) fn name(&self, host: IpAddr) -> Option<&str> {
        self.0.get(&host)?.as_deref()
    }
}
