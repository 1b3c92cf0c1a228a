//! What becomes of a job that ended: what came, what is tried again and when, who is left alone.

use std::collections::HashMap;
use std::time::Instant;

use tokio::task::{Id, JoinError};
use uuid::Uuid;

use super::{Ended, Work};
use crate::loot::landing::LandError;
use crate::mirror::events::Event;
use crate::mirror::failure::{Failure, FailureKind};
use crate::mirror::hindrance::Hindrance;
use crate::mirror::job::{Done, JobError};
use crate::mirror::{Active, Lately};

/// Connections kept for the next job.
const IDLE_CONNECTIONS_MAX: usize = 16;

impl Work {
    pub(super) fn take(&mut self, ended: Result<(Id, Ended), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let unsaid = match &ended {
            Err(error) if error.is_cancelled() => Failure::new(FailureKind::Cancelled, "it was cancelled"),
            _ => Failure::new(FailureKind::NotReached, "it was not reached; it is asked for again"),
        };
        self.granting.retain(|_, job| job.id() != id);
        let names = self.names.remove(&id).into_iter().flat_map(|(_, names)| names);
        let mut were: HashMap<Box<str>, Active> =
            names.filter_map(|name| self.active.remove(&name).map(|(active, ..)| (name, active))).collect();
        match ended {
            Ok((_, Ended::One(done))) => self.take_one(*done, &mut were),
            Ok((_, Ended::Batch(uuid, batch))) => {
                if batch.is_unknown {
                    self.no_batches.insert(uuid);
                }
                if batch.is_unknown || batch.done.iter().any(|done| done.result.is_err()) {
                    self.want_plan();
                }
                batch.done.into_iter().for_each(|done| self.take_one(done, &mut were));
                if batch.is_broken {
                    // The next plan would ask the same again at once.
                    let why = Failure::new(FailureKind::WrongAnswer, "its answer with many files was wrong");
                    self.neighbour_failed(uuid, why);
                }
            }
            Err(error) => {
                if error.is_cancelled() {
                    tokio::task::block_in_place(|| self.drop_parts(&were));
                }
                self.want_plan();
            }
        }
        // Those of an answer that ended before them are asked for again.
        for active in were.into_values() {
            let unsaid = Lately::of(&active, Some(unsaid.clone()));
            self.engine.mirror.events.tell(|| Event::Failed(unsaid));
        }
    }

    fn neighbour_failed(&mut self, uuid: Uuid, why: Failure) {
        let now = Instant::now();
        self.neighbours.failed(uuid, now);
        self.faults.retain(|uuid, _| self.neighbours.pause(uuid, now).is_some());
        self.faults.insert(uuid, why);
    }

    fn take_one(&mut self, done: Done, were: &mut HashMap<Box<str>, Active>) {
        let now = Instant::now();
        let name: Box<str> = done.want.path.as_str().into();
        if let Some(connection) = done.connection {
            self.connections.push_back((done.uuid, connection));
            if self.connections.len() > IDLE_CONNECTIONS_MAX {
                self.connections.pop_front();
            }
        }
        let failure = done.result.as_ref().err().map(Failure::from);
        match done.result {
            Ok(content) => {
                self.landed.insert(done.want.path.clone(), (done.want.size_bytes, content, now));
                self.files.succeeded(&(name, done.want.size_bytes, done.uuid));
                self.neighbours.succeeded(&done.uuid);
                done.want.wish.into_iter().for_each(|id| self.wish_came(id));
            }
            Err(error) => {
                let said = Failure::from(&error);
                if let Some(id) = done.want.wish.filter(|_| !error.is_of_our_disk()) {
                    self.wish_failed(id, &said);
                }
                if let (JobError::Land(LandError::WrongContent), Some(content)) = (&error, done.want.content()) {
                    self.lies.lock().note(done.uuid, content, &done.want.path, now);
                }
                tracing::info!(path = %done.want.path, from = %done.from, %error, "a file did not come");
                if error.is_of_our_disk() {
                    // No fault of theirs: the next plan tries all again.
                    self.set_aside_from(0, Hindrance::Disk(said.detail));
                } else {
                    let remembered = self.files.failed((name, done.want.size_bytes, done.uuid), now);
                    if !remembered || matches!(&error, JobError::Fetch(error) if error.is_of_the_neighbour()) {
                        self.neighbour_failed(done.uuid, said);
                    }
                    self.want_plan();
                }
            }
        }
        if let Some(active) = were.remove(done.want.path.as_str()) {
            self.engine.mirror.note_lately(Lately { from: done.from, ..Lately::of(&active, failure) });
        }
    }
}
