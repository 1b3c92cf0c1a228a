//! One job: a file from one neighbour, into the spool, under its name, into the ledger.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use uuid::Uuid;

use super::plan::{Source, Want};
use crate::fetch::FetchError;
use crate::fetch::client::Connection;
use crate::fetch::file::fetch_file;
use crate::loot::folder::Obstacle;
use crate::loot::landing::LandError;
use crate::loot::ledger::Mirrored;
use crate::loot::space::Reservation;
use crate::loot::spool::{PartKey, Spool};
use crate::loot::{FileFacts, Ledger, Loot};
use crate::wire::DisplayText;

/// What a job needs.
#[derive(Debug)]
pub struct Job {
    /// The file.
    pub want: Want,
    /// From whom.
    pub source: Source,
    /// What that neighbour calls itself.
    pub from: DisplayText,
    /// Where it is, the best address first.
    pub services: Vec<SocketAddr>,
    /// A connection left from an earlier job.
    pub connection: Option<Connection>,
    /// The address to connect from.
    pub bind: Option<IpAddr>,
    /// Where unfinished files are.
    pub spool: Spool,
    /// Its space.
    pub reservation: Reservation,
    /// Told when the file is here.
    pub loot: Loot,
    /// Told how it came.
    pub ledger: Ledger,
    /// Shown while it comes.
    pub received: Arc<AtomicU64>,
}

/// Why a job brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It could not be fetched.
    #[error("{0}")]
    Fetch(#[from] FetchError),
    /// It could not stand under its name.
    #[error("{0}")]
    Land(#[from] LandError),
    /// Our version is no longer the one that the mirror brought.
    #[error("the file here was changed meanwhile")]
    ChangedHere,
}

impl JobError {
    /// Whether our own disk is at fault, and neither the file nor the neighbour.
    #[must_use]
    pub fn is_of_our_disk(&self) -> bool {
        use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let error = match self {
            Self::Fetch(FetchError::Store(error)) | Self::Land(LandError::Io(error)) => error,
            _ => return false,
        };
        matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem | PermissionDenied)
    }
}

/// How a job ended.
#[derive(Debug)]
pub struct Done {
    /// What it was to bring.
    pub want: Want,
    /// From whom.
    pub uuid: Uuid,
    /// What that neighbour calls itself.
    pub from: DisplayText,
    /// Whether it did.
    pub result: Result<(), JobError>,
    /// The connection, if it can serve another job.
    pub connection: Option<Connection>,
}

impl Job {
    /// Runs it to its end.
    pub async fn run(mut self) -> Done {
        let mut connection = self.connection.take();
        let result = self.bring(&mut connection).await;
        let broken = matches!(&result, Err(JobError::Fetch(error)) if error.ends_connection());
        Done {
            want: self.want,
            uuid: self.source.uuid,
            from: self.from,
            result,
            connection: connection.filter(|_| !broken),
        }
    }

    async fn bring(&mut self, connection: &mut Option<Connection>) -> Result<(), JobError> {
        let replacing = self.replaced_facts()?;
        self.look_for_obstacle()?;
        if let Some(kept) = connection {
            kept.renew().await?;
        }
        let connection = match connection {
            Some(kept) => kept,
            None => connection.insert(connect(&self.services, self.bind).await?),
        };
        let size_bytes = self.want.size_bytes;
        let key = PartKey { path: self.want.path.as_str().into(), size_bytes, origin: self.source.uuid };
        let spool = self.spool.clone();
        let mut part = blocking(move || spool.part(&key)).await?.map_err(FetchError::from)?;
        self.received.store(part.received_bytes(), Ordering::Relaxed);
        // A file that is whole in the spool already was stopped by its landing.
        if part.received_bytes() != size_bytes || size_bytes == 0 || part.validators() == &Default::default() {
            let received = self.received.clone();
            let progress = move |bytes| received.store(bytes, Ordering::Relaxed);
            part = fetch_file(connection, &self.source.listed_name, size_bytes, part, &mut self.reservation, progress)
                .await?;
        }
        let path = self.want.path.clone();
        match blocking(move || part.land(&path, replacing.as_ref())).await? {
            Ok(facts) => self.note(&facts),
            Err(error) => {
                if matches!(error, LandError::CannotReplace | LandError::Vanished) {
                    // What stays here is the user's: the other version may come beside it.
                    self.ledger.note_owned(&self.want.path);
                }
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// The facts of our version, if it is still the one that the mirror brought.
    fn replaced_facts(&self) -> Result<Option<FileFacts>, JobError> {
        if self.want.replaces.is_none() {
            return Ok(None);
        }
        let here = self.loot.folder().facts(&self.want.path).map_err(FetchError::from)?;
        let facts = self.ledger.facts();
        let mirrored = facts.mirrored(self.want.path.as_str());
        let as_it_came = |here: &FileFacts| {
            mirrored.is_some_and(|m| m.size_bytes == here.size_bytes && m.modified_ns == here.modified_ns)
        };
        match here {
            Some(here) if as_it_came(&here) => Ok(Some(here)),
            // Deleted or changed by the user: not the mirror's any more.
            _ => {
                self.ledger.note_owned(&self.want.path);
                Err(JobError::ChangedHere)
            }
        }
    }

    /// What cannot land is not fetched.
    fn look_for_obstacle(&self) -> Result<(), JobError> {
        if self.want.replaces.is_some() {
            return Ok(());
        }
        match self.loot.folder().obstacle(&self.want.path).map_err(FetchError::from)? {
            None => Ok(()),
            Some(Obstacle::InItsPlace) => Err(LandError::Exists.into()),
            Some(Obstacle::OnTheWay) => Err(LandError::InTheWay.into()),
        }
    }

    fn note(&self, facts: &FileFacts) {
        let entry = mirrored(facts, self.source.uuid, &self.from);
        self.ledger.note_mirrored(&self.want.path, entry, self.want.replaces);
        self.loot.landed(&self.want.path);
    }
}

/// A connection to the first of a neighbour's addresses that answers.
pub(super) async fn connect(services: &[SocketAddr], bind: Option<IpAddr>) -> Result<Connection, FetchError> {
    let mut last = FetchError::Connect(std::io::ErrorKind::AddrNotAvailable.into());
    for service in services {
        match Connection::open(*service, bind).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What the ledger is told of a file that landed now.
pub(super) fn mirrored(facts: &FileFacts, origin: Uuid, from: &DisplayText) -> Mirrored {
    Mirrored {
        size_bytes: facts.size_bytes,
        modified_ns: facts.modified_ns,
        origin,
        from: from.as_str().into(),
        at: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs(),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, FetchError> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?)
}
