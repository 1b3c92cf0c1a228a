//! All lanes of a download: opened to holders that are met, ended with those that go, fail, lie or
//! are late.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use uuid::Uuid;

use super::SourceId;
use super::crew::{Crew, LANES};
use super::lane::Lane;
use super::sources::Sources;
use crate::fetch::FetchError;
use crate::fetch::client::Dialling;
use crate::wire::LootPath;

/// Changes of who has what are gathered so long …
const GATHER: Duration = Duration::from_millis(10);
/// … and at least so many times what looking takes.
const LOOK_SHARE: u32 = 10;

/// How a lane ended, and which.
pub(super) type Ended = Result<(Id, Result<(), FetchError>), JoinError>;

/// The lanes of one download.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) sources: Sources,
    jobs: JoinSet<Result<(), FetchError>>,
    places: HashMap<Id, Place>,
    dialling: Dialling,
    gather: Duration,
}

#[derive(Debug)]
struct Place {
    uuid: Uuid,
    id: SourceId,
    number: u8,
    job: AbortHandle,
}

impl Lanes {
    pub(super) fn new(sources: Sources, dialling: Dialling) -> Self {
        Self { sources, jobs: JoinSet::new(), places: HashMap::new(), dialling, gather: GATHER }
    }

    pub(super) fn are_none(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn next_look(&self) -> Instant {
        Instant::now() + self.gather
    }

    pub(super) async fn join_next(&mut self) -> Option<Ended> {
        self.jobs.join_next_with_id().await
    }

    /// Looks who has what now.
    pub(super) fn look(&mut self, crew: &Arc<Crew>) {
        let began = Instant::now();
        let changes = self.sources.look(began);
        changes.gone.iter().for_each(|id| self.drop_source(crew, *id));
        let mut picker = crew.picker();
        changes.more.iter().for_each(|(id, pieces)| picker.holds_more(*id, pieces));
        let met: Vec<Uuid> = changes.met.iter().map(|(uuid, ..)| *uuid).collect();
        changes.met.into_iter().for_each(|(_, id, holds)| picker.add_source(id, holds, began));
        drop(picker);
        met.into_iter().for_each(|uuid| self.open(crew, uuid));
        crew.ask();
        self.gather = GATHER.max(began.elapsed().saturating_mul(LOOK_SHARE));
    }

    /// Hears what holders tell; false if one has to look.
    pub(super) fn hear(&mut self, crew: &Arc<Crew>) -> bool {
        let Some(changes) = self.sources.hear() else { return false };
        if !changes.more.is_empty() {
            let mut picker = crew.picker();
            changes.more.iter().for_each(|(id, pieces)| picker.holds_more(*id, pieces));
            drop(picker);
            crew.ask();
        }
        true
    }

    fn open(&mut self, crew: &Arc<Crew>, uuid: Uuid) {
        let Some(holder) = self.sources.get(uuid) else { return };
        for number in 0..LANES {
            let (services, dialling) = (holder.services.clone(), self.dialling.clone());
            let lane = Lane { crew: crew.clone(), uuid, name: holder.name.clone(), id: holder.id, number };
            let asks = crew.open(holder.id, number);
            let job = self.jobs.spawn(async move { lane.run(asks, &services, &dialling).await });
            self.places.insert(job.id(), Place { uuid, id: holder.id, number, job });
        }
    }

    /// A lane ended: its holder is let go, unless it ended because all is here.
    ///
    /// # Errors
    /// When our own disk is at fault.
    pub(super) fn ended(&mut self, crew: &Arc<Crew>, ended: Ended, path: &LootPath) -> Result<(), FetchError> {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let Some(place) = self.places.remove(&id) else { return Ok(()) };
        let error = match ended {
            Ok((_, Ok(()))) => return Ok(()),
            Ok((_, Err(error @ FetchError::Store(_)))) => return Err(error),
            Ok((_, Err(error))) => error,
            Err(_) => FetchError::NoHolder,
        };
        tracing::debug!(uuid = %place.uuid, %path, %error, "a holder is let go");
        if matches!(error, FetchError::WrongPiece) {
            self.sources.lied(place.uuid, path);
        }
        self.sources.failed(place.uuid, Instant::now());
        self.drop_source(crew, place.id);
        Ok(())
    }

    /// Ends the requests that somebody else would answer sooner.
    pub(super) fn give_up_late(&mut self, crew: &Arc<Crew>) {
        let late = crew.picker().overdue(Instant::now());
        for (id, number) in late {
            let place = self.places.values().find(|place| place.id == id && place.number == number);
            if let Some(uuid) = place.map(|place| place.uuid) {
                tracing::debug!(%uuid, "a holder is late");
                self.sources.failed(uuid, Instant::now());
                self.drop_source(crew, id);
            }
        }
    }

    fn drop_source(&mut self, crew: &Arc<Crew>, id: SourceId) {
        self.places.retain(|_, place| {
            if place.id == id {
                place.job.abort();
            }
            place.id != id
        });
        crew.close(id);
        crew.ask();
    }
}
