//! What pages and the bridge see of the registry. Never a session's id: it is a secret.

use std::net::{IpAddr, SocketAddr};
use std::time::{Instant, SystemTime};

use super::SessionKey;
use super::tables::{Session, Tables};
use crate::wire::napster::{FileName, Md5, PeerAddress};

/// A peer that is logged in.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Its number.
    pub key: SessionKey,
    /// What it claims.
    pub address: PeerAddress,
    /// Which of it it came from.
    pub proven: Vec<IpAddr>,
    /// Where it logged in from.
    pub host: IpAddr,
    /// When.
    pub since: SystemTime,
    /// When it last asked something.
    pub last_request: Instant,
    /// How often its port was tried in vain.
    pub failed_probes: u8,
    /// How many files it shares.
    pub files: usize,
}

/// A content that is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileView {
    /// What names it.
    pub md5: Md5,
    /// The earliest owner's name for it.
    pub name: FileName,
    /// How many peers have it.
    pub copies: usize,
    /// How often it was fetched.
    pub downloads: u32,
}

/// A peer that has a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its session's number.
    pub key: SessionKey,
    /// What it claims.
    pub address: PeerAddress,
    /// Where it may be dialled: only there did it come from.
    pub proven: Vec<SocketAddr>,
}

/// A peer that was logged out without its asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// What it claimed.
    pub address: PeerAddress,
    /// How many files it shared.
    pub files: usize,
}

/// How much is registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Peers logged in.
    pub sessions: usize,
    /// Different contents.
    pub files: usize,
    /// Copies of them with all peers.
    pub copies: usize,
}

impl Tables {
    pub(super) fn session_views(&self) -> Vec<SessionView> {
        let view = |(key, session): (&SessionKey, &Session)| SessionView {
            key: *key,
            address: session.address,
            proven: session.proven().collect(),
            host: session.host,
            since: session.since,
            last_request: session.last_request,
            failed_probes: session.probing.failed,
            files: session.files.len(),
        };
        self.sessions.iter().map(view).collect()
    }

    pub(super) fn file_views(&self, skip: usize, take: usize) -> (Vec<FileView>, usize) {
        let view = |(name, md5): &(FileName, Md5)| {
            let file = self.files.get(md5)?;
            Some(FileView { md5: *md5, name: name.clone(), copies: file.owners.len(), downloads: file.downloads })
        };
        (self.by_name.iter().skip(skip).take(take).filter_map(view).collect(), self.files.len())
    }

    pub(super) fn holders(&self, md5: Md5, zone: Option<u32>) -> Vec<Holder> {
        let owners = self.files.get(&md5).map(|file| file.owners.iter()).into_iter().flatten();
        let holder = |key: SessionKey| {
            let session = self.sessions.get(&key)?;
            Some(Holder { key, address: session.address, proven: session.services(zone) })
        };
        owners.filter_map(|owner| holder(owner.key)).collect()
    }

    pub(super) fn counts(&self) -> Counts {
        Counts { sessions: self.sessions.len(), files: self.files.len(), copies: self.entries }
    }
}

impl From<Session> for Released {
    fn from(session: Session) -> Self {
        Self { address: session.address, files: session.files.len() }
    }
}
