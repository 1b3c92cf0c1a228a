//! Our files kept registered at directories of others (`--join`): one task for each, which logs
//! in, follows the loot, comes back when it was forgotten, and logs out at the node's end.

mod listing;
mod member;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use self::member::Member;
use super::client::DirectoryClient;
use super::peer::PeerService;
use crate::config::values::DirectoryHost;
use crate::own_address::OwnPeer;
use crate::shutdown::Tasks;
use crate::wire::DigestTable;

/// How long things take; tests hurry.
#[derive(Clone, Copy, Debug)]
pub struct JoinTimes {
    /// A directory is asked so often whether it still knows us.
    pub life: Duration,
    /// Changes of the loot are gathered for so long.
    pub settle: Duration,
    /// The first pause after a failure; each further one is twice as long …
    pub retry_first: Duration,
    /// … up to this.
    pub retry_last: Duration,
    /// A directory that takes no more files is offered the rest after this.
    pub full: Duration,
}

impl Default for JoinTimes {
    fn default() -> Self {
        Self {
            life: Duration::from_secs(60),
            settle: Duration::from_secs(1),
            retry_first: Duration::from_secs(2),
            retry_last: Duration::from_secs(300),
            full: Duration::from_secs(600),
        }
    }
}

/// What stands between us and a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinState {
    /// The first words are being said.
    Connecting,
    /// It knows us.
    LoggedIn {
        /// Since when.
        since: SystemTime,
        /// How many of our files it has.
        registered: usize,
        /// Why it does not have all of them, in its own words.
        held_back: Option<Box<str>>,
    },
    /// It does not; another try follows.
    Waiting {
        /// Why, as a sentence.
        why: Box<str>,
    },
}

/// How we stand with one directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinStatus {
    /// Which one.
    pub host: DirectoryHost,
    /// How.
    pub state: JoinState,
}

/// All directories that were joined; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Joins {
    statuses: Arc<[watch::Receiver<JoinStatus>]>,
}

impl Joins {
    /// Joins each directory until the node ends. Peers are sent to `own`, where `peer` serves;
    /// directories are dialled from `from` if we are bound to an address.
    pub fn start(
        hosts: &[DirectoryHost],
        from: Option<IpAddr>,
        own: &OwnPeer,
        peer: &PeerService,
        digests: &watch::Receiver<Arc<DigestTable>>,
        times: JoinTimes,
        tasks: &Tasks,
    ) -> Self {
        let join = |host: &DirectoryHost| {
            let status = JoinStatus { host: host.clone(), state: JoinState::Connecting };
            let (status, shown) = watch::channel(status);
            let client = DirectoryClient::new(host.clone(), from);
            let member = Member::new(client, own.clone(), peer.subscribe(), digests.clone(), status, times);
            tasks.spawn_draining(member.run(tasks.clone()));
            shown
        };
        Self { statuses: hosts.iter().map(join).collect() }
    }

    /// How we stand with each of them.
    #[must_use]
    pub fn statuses(&self) -> Vec<JoinStatus> {
        self.statuses.iter().map(|status| status.borrow().clone()).collect()
    }
}
