//! One job for many small files of one neighbour: one answer, one sync, one look of the keeper.

use bytes::Bytes;
use http::StatusCode;
use uuid::Uuid;

use super::job::{Done, JobError, Means, connect, mirrored};
use super::plan::{Source, Want};
use super::progress::Progress;
use crate::fetch::FetchError;
use crate::fetch::batch::fetch_batch;
use crate::fetch::client::Connection;
use crate::loot::FileFacts;
use crate::loot::landing::LandError;
use crate::loot::landing_many::Small;
use crate::wire::Content;
use crate::wire::batch::{FILE_MAX_BYTES, Given};

/// Files of one job …
pub const FILES_MAX: usize = 512;
/// … and all their bytes, which are held in memory until they are written.
pub const BYTES_MAX: u64 = 4 << 20;

/// What a job needs.
#[derive(Debug)]
pub struct BatchJob {
    /// The files, each with how the neighbour lists it.
    pub wants: Vec<(Want, Source)>,
    /// The neighbour.
    pub uuid: Uuid,
    /// With what.
    pub means: Means,
    /// Shown while they come.
    pub progress: Vec<Progress>,
}

/// Whether a file may come with others. A version that replaces one of ours comes alone.
#[must_use]
pub fn is_small(want: &Want) -> bool {
    want.size_bytes <= FILE_MAX_BYTES && want.replaces.is_none()
}

/// How it ended.
#[derive(Debug, Default)]
pub struct BatchDone {
    /// What is to be said of single files; of what is missing here nothing became known.
    pub done: Vec<Done>,
    /// The neighbour knows no batches.
    pub is_unknown: bool,
    /// It answered wrongly as a whole, which no single file can be blamed for.
    pub is_broken: bool,
}

/// What was given for one file.
#[derive(Clone, Debug)]
enum Came {
    /// As many bytes as are listed.
    Listed(Bytes),
    /// So many others, or none. They are not kept: a neighbour that lists a byte and gives 64 KiB
    /// shall not take more memory than what it lists.
    OfLength(u64),
}

impl Came {
    fn of(given: &Given, size_bytes: u64) -> Self {
        match given {
            // A copy: what was read at once with it is not kept with it.
            Given::File(bytes) if bytes.len() as u64 == size_bytes => Self::Listed(Bytes::copy_from_slice(bytes)),
            Given::File(bytes) => Self::OfLength(bytes.len() as u64),
            Given::Nothing => Self::OfLength(0),
        }
    }
}

impl BatchJob {
    /// Runs it to its end.
    pub async fn run(mut self) -> BatchDone {
        let mut connection = self.means.connection.take();
        let mut came: Vec<Option<Came>> = vec![None; self.wants.len()];
        let fetched = self.fetch(&mut connection, &mut came).await;
        if matches!(fetched, Err(FetchError::Status(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED))) {
            return BatchDone { is_unknown: true, ..BatchDone::default() };
        }
        let mut done = self.land(came).await;
        let is_broken = fetched.as_ref().is_err_and(|error| !error.is_of_the_neighbour());
        match fetched {
            Ok(()) => {
                if let Some(last) = done.last_mut() {
                    last.connection = connection;
                }
            }
            // The neighbour failed once, however many files were asked for.
            Err(error) => {
                if let Some((want, source)) = self.wants.pop() {
                    done.push(self.done(want, &source, Err(error.into())));
                }
            }
        }
        BatchDone { done, is_unknown: false, is_broken }
    }

    async fn fetch(&self, connection: &mut Option<Connection>, came: &mut [Option<Came>]) -> Result<(), FetchError> {
        if let Some(kept) = connection {
            kept.renew().await?;
        }
        let connection = match connection {
            Some(kept) => kept,
            None => connection.insert(connect(&self.means.services, &self.means.dialling).await?),
        };
        let names: Vec<&str> = self.wants.iter().map(|(_, source)| source.listed_name.as_str()).collect();
        fetch_batch(connection, &names, |at, given| {
            if let (Given::File(content), Some(progress)) = (&given, self.progress.get(at)) {
                progress.note_here_from(self.uuid, &self.means.from, content.len() as u64);
            }
            if let (Some(place), Some((want, _))) = (came.get_mut(at), self.wants.get(at)) {
                *place = Some(Came::of(&given, want.size_bytes));
            }
        })
        .await
    }

    /// Lands what came whole; what did not is left in the list of wants.
    async fn land(&mut self, came: Vec<Option<Came>>) -> Vec<Done> {
        let mut done = Vec::new();
        let (mut small, mut landing) = (Vec::new(), Vec::new());
        for ((want, source), given) in std::mem::take(&mut self.wants).into_iter().zip(came) {
            match given {
                Some(Came::Listed(bytes)) => {
                    let content = Content::new(blake3::hash(&bytes).into());
                    if want.content().is_some_and(|told| told != content) {
                        done.push(self.done(want, &source, Err(LandError::WrongContent.into())));
                    } else {
                        small.push(Small { path: want.path.clone(), content: bytes, mtime: want.mtime });
                        landing.push((want, source, content));
                    }
                }
                Some(Came::OfLength(got)) => {
                    let wrong = FetchError::WrongLength { got, expected: want.size_bytes };
                    done.push(self.done(want, &source, Err(wrong.into())));
                }
                None => self.wants.push((want, source)),
            }
        }
        let spool = self.means.spool.clone();
        let landed = tokio::task::spawn_blocking(move || spool.land_many(&small)).await.unwrap_or_default();
        self.means.reservation.written(u64::MAX);
        for ((want, source, content), landed) in landing.into_iter().zip(landed) {
            let noted = landed.map(|facts| self.note(&want, &source, &facts, content));
            let result = noted.map_err(JobError::from);
            done.push(self.done(want, &source, result));
        }
        done
    }

    fn note(&self, want: &Want, source: &Source, facts: &FileFacts, content: Content) -> Content {
        self.means.ledger.note_mirrored(
            &want.path,
            mirrored(facts, content, want.origin(source), &self.means.from),
            None,
        );
        self.means.loot.landed(&want.path);
        content
    }

    fn done(&self, want: Want, source: &Source, result: Result<Content, JobError>) -> Done {
        Done { want, uuid: source.uuid, from: self.means.from.clone(), result, connection: None }
    }
}
