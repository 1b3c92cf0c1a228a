//! One job: a file from one neighbour, into the spool, under its name, into the ledger.

mod own;

use std::net::SocketAddr;
use std::time::{Instant, SystemTime};

use uuid::Uuid;

use self::own::read_back;
use super::lies::SharedLies;
use super::plan::{Source, Want};
use super::progress::Progress;
use super::rules::Permits;
use super::swarm::download::{Download, Whole};
use crate::fetch::FetchError;
use crate::fetch::client::{Connection, Dialling};
use crate::fetch::file::fetch_file;
pub(super) use crate::fetch::open::connect;
use crate::loot::folder::Obstacle;
use crate::loot::landing::{LandError, Replacing};
use crate::loot::ledger::Mirrored;
use crate::loot::space::Reservation;
use crate::loot::spool::{Part, Spool};
use crate::loot::under_way::Entry;
use crate::loot::{FileFacts, Ledger, Loot, OpenError};
use crate::neighbours::Neighbourhood;
use crate::wire::{Content, DisplayText, LootPath};

/// What a job needs.
#[derive(Debug)]
pub struct Job {
    /// The file.
    pub want: Want,
    /// From whom.
    pub source: Source,
    /// A file of ours that landed lately with the same content.
    pub landed: Option<LootPath>,
    /// With what.
    pub means: Means,
    /// Shown while it comes.
    pub progress: Progress,
    /// Who else may give it, piece by piece.
    pub neighbourhood: Neighbourhood,
    /// Who lied.
    pub lies: SharedLies,
    /// From whom it may come.
    pub permits: Permits,
    /// Its place among what is served while it comes.
    pub under_way: Option<Entry>,
}

/// What every job works with, whether it brings one file or many.
#[derive(Debug)]
pub struct Means {
    /// What the neighbour calls itself.
    pub from: DisplayText,
    /// Where it is, the best address first.
    pub services: Vec<SocketAddr>,
    /// A connection left from an earlier job.
    pub connection: Option<Connection>,
    /// How it is dialled.
    pub dialling: Dialling,
    /// Where unfinished files are.
    pub spool: Spool,
    /// The space for all that comes.
    pub reservation: Reservation,
    /// Told when files are here.
    pub loot: Loot,
    /// Told how they came.
    pub ledger: Ledger,
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
    /// What it holds, if it came.
    pub result: Result<Content, JobError>,
    /// The connection, if it can serve another job.
    pub connection: Option<Connection>,
}

impl Job {
    /// Runs it to its end.
    pub async fn run(mut self) -> Done {
        let mut connection = self.means.connection.take();
        let result = self.bring(&mut connection).await;
        let broken = matches!(&result, Err(JobError::Fetch(error)) if error.ends_connection());
        Done {
            want: self.want,
            uuid: self.source.uuid,
            from: self.means.from,
            result,
            connection: connection.filter(|_| !broken),
        }
    }

    async fn bring(&mut self, connection: &mut Option<Connection>) -> Result<Content, JobError> {
        let replacing = self.replaced_facts().await?;
        self.look_for_obstacle()?;
        let part = match self.copy_own().await {
            Some(copied) => copied,
            None => self.fetch(connection).await?,
        };
        part.date(self.want.mtime);
        let path = self.want.path.clone();
        let under_way = self.under_way.take();
        let is_kept = self.want.replaces.is_some_and(|replaced| replaced.is_kept);
        let land = move || part.land(&path, replacing.as_ref().map(|old| Replacing { old, is_kept }));
        match blocking(land).await? {
            Ok((facts, content)) => {
                under_way.into_iter().for_each(|entry| entry.landed(facts.modified_ns, Instant::now()));
                self.note(&facts, content);
                Ok(content)
            }
            Err(error) => {
                if !is_kept && matches!(error, LandError::CannotReplace | LandError::Vanished) {
                    // What stays here is the user's: the other version may come beside it.
                    self.means.ledger.note_owned(&self.want.path);
                }
                Err(error.into())
            }
        }
    }

    /// The whole file, from all who have its content, or else from the one neighbour.
    async fn fetch(&mut self, connection: &mut Option<Connection>) -> Result<Part, JobError> {
        let Some(content) = self.want.content().filter(|_| self.want.comes_in_pieces()) else {
            return self.fetch_whole(connection).await;
        };
        let download = Download {
            content,
            size_bytes: self.want.size_bytes,
            path: &self.want.path,
            neighbourhood: &self.neighbourhood,
            lies: &self.lies,
            permits: &self.permits,
            loot: &self.means.loot,
            spool: &self.means.spool,
            reservation: &mut self.means.reservation,
            progress: &self.progress,
            dialling: &self.means.dialling,
        };
        match download.run().await? {
            None => self.fetch_whole(connection).await,
            Some(Whole { part, entry }) => {
                self.under_way = Some(entry);
                // The most came from this one, for those who look.
                let given = self.progress.given(Instant::now());
                self.means.from = given.into_iter().next().map_or(self.means.from.clone(), |given| given.name);
                Ok(part)
            }
        }
    }

    /// The whole file, from the neighbour.
    async fn fetch_whole(&mut self, connection: &mut Option<Connection>) -> Result<Part, JobError> {
        if let Some(kept) = connection {
            kept.renew().await?;
        }
        let connection = match connection {
            Some(kept) => kept,
            None => connection.insert(connect(&self.means.services, &self.means.dialling).await?),
        };
        let (spool, key) = (self.means.spool.clone(), self.want.part_key(self.source.uuid));
        let size_bytes = self.want.size_bytes;
        let part = blocking(move || spool.part(&key)).await?.map_err(FetchError::from)?;
        self.progress.note_here(part.received_bytes());
        let part = read_back(part).await?;
        // A file that is whole in the spool already was stopped by its landing.
        if part.received_bytes() == size_bytes && size_bytes > 0 && part.validators() != &Default::default() {
            return Ok(part);
        }
        let (shown, from, uuid) = (self.progress.clone(), self.means.from.clone(), self.source.uuid);
        let progress = move |bytes| shown.note_here_from(uuid, &from, bytes);
        let name = &self.source.listed_name;
        Ok(fetch_file(connection, name, size_bytes, part, &mut self.means.reservation, progress).await?)
    }

    /// The facts of our version, if it is still the one that the mirror brought, or that the operator
    /// was asked about.
    async fn replaced_facts(&self) -> Result<Option<FileFacts>, JobError> {
        let Some(replaced) = self.want.replaces else { return Ok(None) };
        if replaced.is_kept {
            let facts = self.means.loot.folder().facts(&self.want.path).map_err(FetchError::from)?;
            let facts = facts.filter(|facts| facts.size_bytes == replaced.size_bytes);
            return facts.map(Some).ok_or(JobError::ChangedHere);
        }
        let (loot, ledger, path) = (self.means.loot.clone(), self.means.ledger.facts(), self.want.path.clone());
        let look = move || {
            let Some(mirrored) = ledger.mirrored(path.as_str()) else { return Ok(None) };
            let opened = match loot.open_file(&path) {
                Ok(opened) if opened.facts.size_bytes == mirrored.size_bytes => opened,
                Err(OpenError::Io(error)) => return Err(error),
                Ok(_) | Err(OpenError::Missing | OpenError::NotAFile) => return Ok(None),
            };
            if opened.facts.modified_ns == mirrored.modified_ns {
                return Ok(Some(opened.facts));
            }
            // It was touched. With the same content it is still what came.
            let is_the_same = Some(content_of(opened.file)?) == mirrored.content;
            let here = loot.folder().facts(&path)?;
            Ok(here.filter(|here| is_the_same && *here == opened.facts))
        };
        match blocking(look).await?.map_err(FetchError::from)? {
            Some(here) => Ok(Some(here)),
            // Deleted or changed by the user: not the mirror's any more.
            None => {
                self.means.ledger.note_owned(&self.want.path);
                Err(JobError::ChangedHere)
            }
        }
    }

    /// What cannot land is not fetched.
    fn look_for_obstacle(&self) -> Result<(), JobError> {
        if self.want.replaces.is_some() {
            return Ok(());
        }
        match self.means.loot.folder().obstacle(&self.want.path).map_err(FetchError::from)? {
            None => Ok(()),
            Some(Obstacle::InItsPlace) => Err(LandError::Exists.into()),
            Some(Obstacle::OnTheWay) => Err(LandError::InTheWay.into()),
        }
    }

    fn note(&self, facts: &FileFacts, content: Content) {
        let entry = mirrored(facts, content, self.want.origin(&self.source), &self.means.from);
        let replaced = self.want.replaces.map(|replaced| replaced.size_bytes);
        self.means.ledger.note_mirrored(&self.want.path, entry, replaced);
        self.means.loot.landed(&self.want.path);
    }
}

/// What the ledger is told of a file that landed now.
pub(super) fn mirrored(facts: &FileFacts, content: Content, origin: Uuid, from: &DisplayText) -> Mirrored {
    Mirrored {
        size_bytes: facts.size_bytes,
        modified_ns: facts.modified_ns,
        content: Some(content),
        origin,
        from: from.as_str().into(),
        at: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs(),
    }
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, FetchError> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?)
}

fn content_of(file: std::fs::File) -> std::io::Result<Content> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file)?;
    Ok(Content::new(hasher.finalize().into()))
}
