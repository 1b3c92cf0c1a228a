//! One directory that we joined.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::listing::{Listing, Step, wanted};
use super::{JoinState, JoinStatus, JoinTimes};
use crate::directory::client::{DirectoryClient, DirectoryError};
use crate::own_address::OwnPeer;
use crate::shutdown::Tasks;
use crate::wire::DigestTable;
use crate::wire::napster::{FoundFile, Md5, PeerAddress, Query, SessionId};

/// Requests at once: a directory is somebody's laptop.
const REQUESTS_MAX: usize = 4;
/// Steps between two looks at what else there is to do.
const BATCH: usize = 64;
/// The directory hears of our end within this, or finds out by itself.
const LOGOUT: Duration = Duration::from_secs(1);
/// So many files refused one after another: it is not about the files.
const REFUSALS_MAX: usize = 3;
/// A list of so many files may have been cut.
const CUT_LIST: usize = 999;
/// What nobody calls a file, for a directory that has none of ours.
const NO_NAME: &str = "is boucan still in?";

/// Our membership.
#[derive(Debug)]
pub(super) struct Member {
    client: DirectoryClient,
    own: OwnPeer,
    served: broadcast::Receiver<Md5>,
    digests: watch::Receiver<Arc<DigestTable>>,
    status: watch::Sender<JoinStatus>,
    times: JoinTimes,
    listing: Listing,
    session: Option<Session>,
    /// An earlier run of this node may have left files there.
    is_clean: bool,
    /// Refusals one after another.
    refusals: usize,
    /// It takes no more until then, as it said.
    full: Option<(Instant, Box<str>)>,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    id: SessionId,
    address: PeerAddress,
    since: SystemTime,
}

impl Member {
    pub(super) fn new(
        client: DirectoryClient,
        own: OwnPeer,
        served: broadcast::Receiver<Md5>,
        digests: watch::Receiver<Arc<DigestTable>>,
        status: watch::Sender<JoinStatus>,
        times: JoinTimes,
    ) -> Self {
        Self {
            client,
            own,
            served,
            digests,
            status,
            times,
            listing: Listing::default(),
            session: None,
            is_clean: false,
            refusals: 0,
            full: None,
        }
    }

    /// Stays until the node ends, coming back as often as needed.
    pub(super) async fn run(mut self, tasks: Tasks) {
        let mut pause = self.times.retry_first;
        self.digests.mark_changed();
        loop {
            self.show(JoinState::Connecting);
            let began = Instant::now();
            let Err(error) = tokio::select! {
                () = tasks.ending() => break,
                outcome = self.stay() => outcome,
            };
            tracing::info!(directory = %self.client.host(), %error, "not joined");
            if error.is_unauthorized() {
                self.session = None;
                self.listing.forgotten();
            }
            self.show(JoinState::Waiting { why: error.to_string().into() });
            if began.elapsed() >= self.times.life {
                pause = self.times.retry_first;
            }
            tokio::select! {
                () = tasks.ending() => break,
                () = sleep(jittered(pause)) => {}
            }
            pause = pause.saturating_mul(2).min(self.times.retry_last);
        }
        if let Some(session) = self.session {
            let _ = timeout(LOGOUT, self.client.logout(session.id)).await;
        }
    }

    /// Logs in if need be and keeps the directory up to date; ends only when it cannot.
    async fn stay(&mut self) -> Result<Infallible, DirectoryError> {
        let session = self.session().await?;
        self.listing.retry_refused();
        (self.full, self.refusals) = (None, 0);
        let mut look = Instant::now() + self.times.life;
        loop {
            self.take_up_changes().await;
            if self.full.as_ref().is_some_and(|(until, _)| *until <= Instant::now()) {
                self.full = None;
                self.listing.retry_refused();
            }
            let steps = self.listing.steps(BATCH, self.full.is_none());
            let is_busy = !steps.is_empty();
            self.take(steps, session).await?;
            while let Ok(md5) = self.served.try_recv() {
                self.report(md5, session).await?;
            }
            self.show_logged_in(session);
            if is_busy {
                continue;
            }
            let until = self.full.as_ref().map_or(look, |(until, _)| look.min(*until));
            tokio::select! {
                () = changed(&mut self.digests) => sleep(self.times.settle).await,
                Ok(md5) = self.served.recv() => self.report(md5, session).await?,
                () = sleep_until(until) => {}
            }
            if look <= Instant::now() {
                self.look(session).await?;
                look = Instant::now() + self.times.life;
            }
        }
    }

    /// The session we have, if it still holds, or a new one. At first with a clean slate.
    async fn session(&mut self) -> Result<Session, DirectoryError> {
        if let Some(session) = self.session {
            self.look(session).await?;
            return Ok(session);
        }
        let mut session = self.login().await?;
        if !self.is_clean {
            self.client.logout(session.id).await?;
            self.is_clean = true;
            self.session = None;
            session = self.login().await?;
        }
        tracing::info!(directory = %self.client.host(), address = %session.address, "joined");
        Ok(session)
    }

    async fn login(&mut self) -> Result<Session, DirectoryError> {
        let (id, address) = self.client.login_by_route(|local| self.own.address(local.ip())).await?;
        let session = Session { id, address, since: SystemTime::now() };
        self.session = Some(session);
        Ok(session)
    }

    async fn take_up_changes(&mut self) {
        if !self.digests.has_changed().unwrap_or(false) {
            return;
        }
        let table = self.digests.borrow_and_update().clone();
        if let Ok(wanted) = tokio::task::spawn_blocking(move || wanted(&table)).await {
            self.listing.want(wanted);
        }
    }

    /// Takes these steps, a few at once.
    async fn take(&mut self, steps: Vec<Step>, session: Session) -> Result<(), DirectoryError> {
        let (mut steps, mut running) = (steps.into_iter(), JoinSet::new());
        let was_full = self.full.is_some();
        loop {
            while running.len() < REQUESTS_MAX && (was_full || self.full.is_none()) {
                let Some(step) = steps.next() else { break };
                let client = self.client.clone();
                running.spawn(async move {
                    let outcome = match &step {
                        Step::Delete(md5) => client.delete(session.id, *md5).await,
                        Step::Add(md5, name) => client.add(session.id, *md5, name.clone()).await,
                    };
                    (step, outcome.map(|_| ()))
                });
            }
            match running.join_next().await {
                None => return Ok(()),
                Some(Ok((step, outcome))) => self.taken(step, outcome)?,
                Some(Err(_)) => {} // its step is still to be taken
            }
        }
    }

    /// Notes how a step went. A directory may refuse a file for itself, or be full.
    fn taken(&mut self, step: Step, outcome: Result<(), DirectoryError>) -> Result<(), DirectoryError> {
        use DirectoryError::{Closed, Refused, Unreadable};
        let error = match outcome {
            Ok(()) => {
                self.refusals = 0;
                // Where something went there is room.
                if let (Step::Delete(_), Some((until, _))) = (&step, &mut self.full) {
                    *until = Instant::now();
                }
                self.listing.done(step);
                return Ok(());
            }
            Err(error @ (Closed(_) | Refused(..) | Unreadable(..))) => error,
            Err(error) => return Err(error),
        };
        self.refusals = self.refusals.saturating_add(1);
        match step {
            // It does not say that we have it: then we do not.
            Step::Delete(_) => self.listing.done(step),
            Step::Add(md5, _) => self.listing.refused(md5),
        }
        if self.refusals < REFUSALS_MAX {
            return Ok(());
        }
        let Refused(_, text) = &error else { return Err(error) };
        tracing::info!(directory = %self.client.host(), %text, "it takes no more of our files now");
        self.full = Some((Instant::now() + self.times.full, text.as_str().into()));
        Ok(())
    }

    /// Tells of a file that a peer fetched from us.
    async fn report(&mut self, md5: Md5, session: Session) -> Result<(), DirectoryError> {
        if !self.listing.has(md5) {
            return Ok(());
        }
        match self.client.download(session.id, md5).await {
            Err(error) if error.is_unauthorized() => Err(error),
            Err(error) => {
                tracing::debug!(directory = %self.client.host(), %error, "a download is not counted there");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Whether it still knows us; some find for anybody, so one of our files must be there.
    async fn look(&mut self, session: Session) -> Result<(), DirectoryError> {
        if self.has_moved(session.address) {
            let _ = self.client.logout(session.id).await;
            return Err(DirectoryError::Unauthorized(self.client.host().clone()));
        }
        let sample = self.listing.sample().map(|(md5, name)| (md5, name.as_str().to_owned()));
        let query = |text: &str| Query::new(text).unwrap_or_default();
        let name = sample.as_ref().map_or(NO_NAME, |(_, name)| name);
        let found = self.client.find(session.id, query(name)).await?;
        let Some((md5, _)) = sample else { return Ok(()) };
        let is_ours = |file: &FoundFile| file.peers.contains(&session.address);
        if found.iter().any(|file| file.md5 == md5) {
            return Ok(());
        }
        // Somebody may have given it another name, which then counts for all.
        let all = self.client.find(session.id, query("*")).await?;
        if all.len() >= CUT_LIST || all.iter().any(is_ours) {
            return Ok(());
        }
        Err(DirectoryError::Unauthorized(self.client.host().clone()))
    }

    /// Whether the address that peers are sent to is no longer ours.
    fn has_moved(&self, address: PeerAddress) -> bool {
        let interfaces = self.own.interfaces.current();
        let is_own = |ip| interfaces.iter().any(|interface| interface.is_own(ip));
        !interfaces.is_empty() && !address.v4.is_loopback() && !is_own(address.v4.into()) && !is_own(address.v6.into())
    }

    fn show_logged_in(&self, session: Session) {
        let registered = self.listing.registered();
        let held_back = self.full.as_ref().map(|(_, text)| text.clone());
        self.show(JoinState::LoggedIn { since: session.since, registered, held_back });
    }

    fn show(&self, state: JoinState) {
        self.status.send_if_modified(|status| {
            let differs = status.state != state;
            status.state = state;
            differs
        });
    }
}

/// Waits for a change, which still is to be taken up then; for ever when none can come.
async fn changed(digests: &mut watch::Receiver<Arc<DigestTable>>) {
    match digests.changed().await {
        Ok(()) => digests.mark_changed(),
        Err(_) => std::future::pending().await,
    }
}

/// A quarter more or less, so that many nodes do not come back at the same moment.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(0) % 50;
    pause.saturating_mul(random.saturating_add(75)).checked_div(100).unwrap_or(pause)
}
