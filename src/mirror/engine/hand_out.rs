//! Handing out: which job begins next, and what its result means.
//!
//! A few files come at once, from each neighbour no more than its share; what fails waits, and
//! another neighbour that has the same file is asked instead.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Instant, SystemTime};

use tokio::task::{Id, JoinError};
use uuid::Uuid;

use super::Work;
use crate::loot::LootState;
use crate::loot::spool::{PartKey, Spool};
use crate::mirror::job::{Done, Job, JobError};
use crate::mirror::plan::Want;
use crate::mirror::queue::Queue;
use crate::mirror::{Active, Lately};
use crate::neighbours::Neighbour;

/// Files that come at once.
const JOBS_MAX: usize = 6;
/// Of these, from one neighbour.
const JOBS_PER_NEIGHBOUR_MAX: usize = 4;
/// Slow neighbours may hold all of them; beyond, each neighbour without any gets one, up to this.
const JOBS_BEYOND_MAX: usize = 16;
/// Connections kept for the next job.
const IDLE_CONNECTIONS_MAX: usize = 16;

impl Work {
    /// Begins jobs while there are wants, sources, room and space.
    pub(super) fn hand_out(&mut self) {
        while self.jobs.len() < JOBS_MAX && self.begin_next(JOBS_PER_NEIGHBOUR_MAX) {}
        while self.jobs.len() < JOBS_BEYOND_MAX && self.begin_next(1) {}
    }

    /// Begins one job, of a neighbour that has fewer than so many; or sets a want aside for which
    /// there is no room. False when there is nothing to begin.
    fn begin_next(&mut self, per_neighbour: usize) -> bool {
        if self.queue.is_empty() || self.engine.mirror.is_paused() {
            return false;
        }
        let Some((want, source)) = self.next_job(per_neighbour) else { return false };
        // The disk is asked for its space: that may take a while.
        if let Err(why) = tokio::task::block_in_place(|| self.begin(&want, source)) {
            // What is as large does not fit either; smaller files may. The next plan tries all again.
            self.queue.drop_from(want.size_bytes);
            self.waiting = Some(why);
        }
        true
    }

    /// The first want that some neighbour can give now, and that neighbour.
    fn next_job(&mut self, per_neighbour: usize) -> Option<(Want, Neighbour)> {
        let now = Instant::now();
        let mut load: HashMap<Uuid, usize> = HashMap::new();
        self.active.values().for_each(|(_, uuid)| {
            let jobs = load.entry(*uuid).or_default();
            *jobs = jobs.saturating_add(1);
        });
        let idle =
            |uuid: &Uuid| load.get(uuid).is_none_or(|jobs| *jobs < per_neighbour) && self.neighbours.may_try(uuid, now);
        let present = self.engine.neighbourhood.present_uuids(now);
        let able = self.queue.able(present.into_iter().filter(idle));
        if able.is_empty() {
            return None;
        }
        let Self { queue, active, files, .. } = self;
        let (want, source) = queue.take_first(|want| {
            if active.contains_key(want.path.as_str()) {
                return None;
            }
            let may = |uuid: &Uuid| files.may_try(&(want.path.as_str().into(), want.size_bytes, *uuid), now);
            let sources = want.sources.iter().map(|source| source.uuid).filter(|uuid| able.contains(uuid) && may(uuid));
            sources.min_by_key(|uuid| load.get(uuid).copied().unwrap_or(0))
        })?;
        Some((want, self.engine.neighbourhood.get(source)?))
    }

    fn begin(&mut self, want: &Want, neighbour: Neighbour) -> Result<(), String> {
        let uuid = neighbour.uuid;
        let spool = self.spool()?;
        let replaced_bytes = want.replaces.unwrap_or(0);
        let mirrored_bytes = self.engine.ledger.facts().mirrored_bytes().saturating_sub(replaced_bytes);
        let Some(source) = want.sources.iter().find(|source| source.uuid == uuid).cloned() else { return Ok(()) };
        let key = PartKey { path: want.path.as_str().into(), size_bytes: want.size_bytes, origin: uuid };
        let here_bytes = spool.here_bytes(&key);
        let reservation = self.engine.space.reserve(want.size_bytes, here_bytes, mirrored_bytes);
        let reservation = reservation.map_err(|error| error.to_string())?;
        let connection =
            self.connections.iter().position(|(of, _)| *of == uuid).and_then(|at| self.connections.remove(at));
        let received = Arc::new(AtomicU64::new(0));
        let active = Active {
            path: want.path.clone(),
            size_bytes: want.size_bytes,
            from: neighbour.name.clone(),
            received_bytes: received.clone(),
        };
        self.active.insert(want.path.as_str().into(), (active, uuid));
        let job = Job {
            want: want.clone(),
            source,
            services: neighbour.trusted_services(Instant::now()),
            from: neighbour.name,
            connection: connection.map(|(_, connection)| connection),
            bind: self.engine.bind,
            spool,
            reservation,
            loot: self.engine.loot.clone(),
            ledger: self.engine.ledger.clone(),
            received,
        };
        let task = self.jobs.spawn(job.run());
        self.names.insert(task.id(), want.path.as_str().into());
        Ok(())
    }

    /// The spool of the folder as it is open now.
    pub(super) fn spool(&mut self) -> Result<Spool, String> {
        let folder = self.engine.loot.folder();
        let loot = self.engine.loot.status();
        if !folder.is_in_place() || loot.scanned_at.is_none() || matches!(loot.state, LootState::Missing(_)) {
            return Err("the folder is not there".into());
        }
        if let Some(spool) = self.spool.as_ref().filter(|spool| spool.folder().id() == folder.id()) {
            return Ok(spool.clone());
        }
        let spool = Spool::open(folder).map_err(|error| format!("the folder cannot be written: {error}"))?;
        self.spool = Some(spool.clone());
        Ok(spool)
    }

    pub(super) fn take(&mut self, done: Result<(Id, Done), JoinError>) {
        let id = done.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        if let Some(name) = self.names.remove(&id) {
            self.active.remove(&name);
        }
        let Ok((_, done)) = done else { return self.want_plan() };
        let now = Instant::now();
        let name: Box<str> = done.want.path.as_str().into();
        if let Some(connection) = done.connection {
            self.connections.push_back((done.uuid, connection));
            if self.connections.len() > IDLE_CONNECTIONS_MAX {
                self.connections.pop_front();
            }
        }
        let failure = done.result.as_ref().err().map(ToString::to_string);
        match done.result {
            Ok(()) => {
                self.landed.insert(name.clone(), (done.want.size_bytes, now));
                self.files.succeeded(&(name, done.want.size_bytes, done.uuid));
                self.neighbours.succeeded(&done.uuid);
            }
            Err(error) => {
                tracing::info!(path = %done.want.path, from = %done.from, %error, "a file did not come");
                if error.is_of_our_disk() {
                    // No fault of theirs: the next plan tries all again.
                    self.queue = Queue::default();
                    self.waiting = Some(error.to_string());
                } else {
                    let remembered = self.files.failed((name, done.want.size_bytes, done.uuid), now);
                    if !remembered || matches!(&error, JobError::Fetch(error) if error.is_of_the_neighbour()) {
                        self.neighbours.failed(done.uuid, now);
                    }
                    self.want_plan();
                }
            }
        }
        self.engine.mirror.note_lately(Lately {
            path: done.want.path,
            from: done.from,
            at: SystemTime::now(),
            failure,
        });
    }

    /// What rests in the spool and is here meanwhile goes; if room is wanted, all that the plan does
    /// not want goes. The rest counts as used.
    pub(super) fn tidy(&mut self) {
        self.tidied = Some(Instant::now());
        let Ok(spool) = self.spool() else { return };
        let ours = self.engine.loot.snapshot().index.clone();
        let plan = self.engine.mirror.lock().plan.clone();
        let is_here = |key: &PartKey| ours.find(&key.path).is_some_and(|own| own.size_bytes == key.size_bytes);
        let is_wanted = |key: &PartKey| {
            let is_it = |want: &&Want| want.path.as_str() == &*key.path && want.size_bytes == key.size_bytes;
            let want = plan.wants.iter().find(is_it);
            want.is_some_and(|want| want.sources.iter().any(|source| source.uuid == key.origin))
        };
        let pressed = self.waiting.is_some();
        let keep = |key: &PartKey| !is_here(key) && (!pressed || is_wanted(key));
        match spool.tidy(|key| self.active.contains_key(&key.path), keep) {
            Ok(idle_bytes) => self.engine.space.note_idle(idle_bytes),
            Err(error) => tracing::info!(%error, "the spool cannot be tidied"),
        }
    }
}
