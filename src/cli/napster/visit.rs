//! A command's time at a directory: with the session that was kept, or with one of its own, which
//! ends with it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::bail;

use super::At;
use super::sessions::{Kept, Sessions};
use crate::directory::client::DirectoryClient;
use crate::discovery::interfaces::Interfaces;
use crate::own_address::peer_address;
use crate::wire::napster::{FoundFile, Md5, PeerAddress, Query, SessionId};

/// The directory hears of the end within this.
const LOGOUT: Duration = Duration::from_secs(2);

/// One command at one directory.
#[derive(Debug)]
pub(super) struct Visit {
    client: DirectoryClient,
    from: Option<IpAddr>,
    sessions: Sessions,
    kept: Option<Kept>,
    session: Option<SessionId>,
}

impl Visit {
    pub(super) fn new(at: &At) -> anyhow::Result<Self> {
        let sessions = Sessions::new(at.state.as_deref())?;
        let kept = sessions.of(&at.directory);
        let session = kept.as_ref().and_then(Kept::session);
        let client = DirectoryClient::new(at.directory.clone(), at.from());
        Ok(Self { client, from: at.from(), sessions, kept, session })
    }

    /// The address to which our connections are bound.
    pub(super) fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// Searches; a session that was forgotten is replaced.
    pub(super) async fn find(&mut self, query: Query) -> anyhow::Result<Vec<FoundFile>> {
        if let Some(session) = self.session {
            match self.client.find(session, query.clone()).await {
                Err(error) if error.is_unauthorized() => {}
                other => return Ok(other?),
            }
        }
        let (session, _) = self.login(self.kept.as_ref().and_then(|kept| kept.port)).await?;
        Ok(self.client.find(session, query).await?)
    }

    /// Tells of a download. It may have taken long, and directories log out whose port does not
    /// answer.
    pub(super) async fn downloaded(&mut self, md5: Md5) -> anyhow::Result<()> {
        let Some(session) = self.session else { return Ok(()) };
        match self.client.download(session, md5).await {
            Err(error) if error.is_unauthorized() => {}
            other => return Ok(other.map(|_| ())?),
        }
        let (session, _) = self.login(self.kept.as_ref().and_then(|kept| kept.port)).await?;
        Ok(self.client.download(session, md5).await.map(|_| ())?)
    }

    /// Logs out, unless the session was there before.
    pub(super) async fn end(self) {
        if let Some(session) = self.session.filter(|_| self.kept.is_none()) {
            let _ = tokio::time::timeout(LOGOUT, self.client.logout(session)).await;
        }
    }

    /// `boucan napster login`: the session is kept.
    pub(super) async fn stay(mut self, port: Option<u16>) -> anyhow::Result<PeerAddress> {
        if let Some(session) = self.session.take() {
            // It may be forgotten there; else it would be left behind.
            let _ = self.client.logout(session).await;
        }
        let (session, address) = self.login(port).await?;
        self.sessions.keep(self.client.host(), Some(Kept::new(session, port)))?;
        Ok(address)
    }

    /// `boucan napster logout`: ends the session that was kept.
    pub(super) async fn leave(self) -> anyhow::Result<()> {
        if self.kept.is_none() {
            bail!("there is no session at {}", self.client.host());
        }
        if let Some(session) = self.session {
            match self.client.logout(session).await {
                Err(error) if error.is_unauthorized() => {}
                other => other?,
            }
        }
        self.sessions.keep(self.client.host(), None)
    }

    /// A new session; it takes the place of the kept one.
    async fn login(&mut self, port: Option<u16>) -> anyhow::Result<(SessionId, PeerAddress)> {
        let (interfaces, bound) = (Interfaces::default().current(), Vec::from_iter(self.from()));
        // Without a port nobody is to fetch from us: that of the connection no other peer has.
        let own = |local: SocketAddr| peer_address(&interfaces, &bound, local.ip(), port.unwrap_or(local.port()));
        let (session, address) = self.client.login_by_route(own).await?;
        self.session = Some(session);
        if self.kept.is_some() {
            let kept = Kept::new(session, port);
            self.sessions.keep(self.client.host(), Some(kept.clone()))?;
            self.kept = Some(kept);
        }
        Ok((session, address))
    }
}
