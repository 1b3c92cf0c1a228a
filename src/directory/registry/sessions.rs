//! Sessions: logging in, being recognised, logging out.
//!
//! A session belongs to an address and a port, and to the host that logged in. An existing
//! session's id is never given to another host: who comes from the claimed address's other half
//! gets a new one, and the old one is void.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::{Instant, SystemTime};

use super::claims::is_same_host;
use super::probing::Probing;
use super::tables::{Proven, Session, Tables};
use super::{Bound, RegistryError, SessionKey};
use crate::wire::napster::{PeerAddress, SessionId};

/// Peers in all: a large school, and 4,096 probes in five minutes are 14 a second.
pub(super) const SESSIONS_MAX: usize = 4_096;
/// Peers of one host: some people try two programs at once.
pub(super) const PER_HOST_MAX: usize = 4;
/// Peers of the machine itself: who tries the protocol there starts a whole class of them.
pub(super) const PER_LOOPBACK_HOST_MAX: usize = 64;
/// Peers of one IPv6 network. A host may have as many addresses in it as it likes, but so may a
/// LAN have hosts: one network gets a quarter of all.
const PER_NETWORK_MAX: usize = SESSIONS_MAX / 4;

impl Session {
    /// A half that the peer came from is its own.
    fn prove(&mut self, source: IpAddr) -> bool {
        let before = self.proven;
        if self.address.claims(source) {
            match source {
                IpAddr::V4(_) => self.proven.v4 = true,
                IpAddr::V6(_) => self.proven.v6 = true,
            }
        }
        before != self.proven
    }

    /// The addresses it came from, IPv4 first.
    pub(super) fn proven(&self) -> impl Iterator<Item = IpAddr> + use<> {
        let v4 = self.proven.v4.then_some(IpAddr::V4(self.address.v4));
        v4.into_iter().chain(self.proven.v6.then_some(IpAddr::V6(self.address.v6)))
    }

    /// Where it can be dialled; a link-local address only if the interface is known.
    pub(super) fn services(&self, zone: Option<u32>) -> Vec<SocketAddr> {
        let service = |ip: IpAddr| match SocketAddr::new(ip, self.address.port) {
            SocketAddr::V6(mut v6) if v6.ip().is_unicast_link_local() => {
                v6.set_scope_id(zone?);
                Some(v6.into())
            }
            address => Some(address),
        };
        self.proven().filter_map(service).collect()
    }
}

impl Tables {
    /// Logs in a peer whose claim was judged. `fresh` is the id of a new session, should it get one.
    pub(super) fn login(
        &mut self,
        address: PeerAddress,
        source: IpAddr,
        fresh: SessionId,
        now: Instant,
        since: SystemTime,
    ) -> Result<SessionId, RegistryError> {
        if let Some(key) = self.by_address.get(&address).copied() {
            let host = self.sessions.get(&key).map(|session| session.host);
            match host {
                Some(host) if is_same_host(host, source) => return self.login_again(key, now),
                Some(host) if address.claims(host) && address.claims(source) => {
                    return self.move_session(key, source, fresh, now);
                }
                _ if !address.claims(source) => return Err(RegistryError::BadLogin),
                // Somebody on this machine had claimed the address by hand; here is its host.
                _ => _ = self.remove_session(key),
            }
        }
        self.make_room(source, None)?;
        let key = self.take_key();
        let mut session = Session {
            id: fresh,
            address,
            host: source,
            proven: Proven::default(),
            since,
            last_request: now,
            files: BTreeSet::new(),
            probing: Probing::from(now),
        };
        session.prove(source);
        self.by_id.insert(fresh, key);
        self.by_address.insert(address, key);
        self.sessions.insert(key, session);
        self.changes.session(key);
        Ok(fresh)
    }

    fn login_again(&mut self, key: SessionKey, now: Instant) -> Result<SessionId, RegistryError> {
        let session = self.sessions.get_mut(&key).ok_or(RegistryError::BadLogin)?;
        session.last_request = now;
        session.probing = Probing::from(now);
        Ok(session.id)
    }

    /// The same host by its other family; or the first one lied, and does not get the new id.
    fn move_session(
        &mut self,
        key: SessionKey,
        source: IpAddr,
        fresh: SessionId,
        now: Instant,
    ) -> Result<SessionId, RegistryError> {
        self.make_room(source, Some(key))?;
        let session = self.sessions.get_mut(&key).ok_or(RegistryError::BadLogin)?;
        self.by_id.remove(&session.id);
        self.by_id.insert(fresh, key);
        session.id = fresh;
        session.host = source;
        session.prove(source);
        self.changes.session(key);
        self.login_again(key, now)
    }

    /// Whether one more session from there is within the bounds; `besides` is to be moved.
    fn make_room(&self, source: IpAddr, besides: Option<SessionKey>) -> Result<(), RegistryError> {
        let others = || self.sessions.iter().filter(|(key, _)| Some(**key) != besides).map(|(_, session)| session.host);
        let of_host = others().filter(|host| is_same_host(*host, source)).count();
        let of_network = others().filter(|host| network(*host) == network(source)).count();
        let most = if source.is_loopback() { PER_LOOPBACK_HOST_MAX } else { PER_HOST_MAX };
        if of_host >= most || of_network >= PER_NETWORK_MAX {
            return Err(RegistryError::Full(Bound::SessionsOfHost));
        }
        if besides.is_none() && self.sessions.len() >= SESSIONS_MAX {
            return Err(RegistryError::Full(Bound::Sessions));
        }
        Ok(())
    }

    /// Whose session it is, if it may be used from there: from the host that logged in, or from
    /// the other half of its address. Who knows the id and has the address is the peer.
    pub(super) fn authorize(
        &mut self,
        id: SessionId,
        source: IpAddr,
        now: Instant,
    ) -> Result<SessionKey, RegistryError> {
        let key = self.by_id.get(&id).copied().ok_or(RegistryError::Unauthorized)?;
        let session = self.sessions.get_mut(&key).ok_or(RegistryError::Unauthorized)?;
        if !is_same_host(session.host, source) && !session.address.claims(source) {
            return Err(RegistryError::Unauthorized);
        }
        session.last_request = now;
        if session.prove(source) {
            self.changes.session(key);
        }
        Ok(key)
    }

    /// Takes a session out with its files; what it was.
    pub(super) fn remove_session(&mut self, key: SessionKey) -> Option<Session> {
        let session = self.sessions.remove(&key)?;
        self.by_id.remove(&session.id);
        self.by_address.remove(&session.address);
        self.changes.session(key);
        for md5 in &session.files {
            self.disown(*md5, key);
        }
        Some(session)
    }
}

/// Of IPv6 the /64, also that of the link: a host gives itself addresses there as it likes. An IPv4
/// host is one by itself.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}
