//! Handing out: which job begins next.
//!
//! A few files come at once, from each neighbour no more than its share; what fails waits, and
//! another neighbour that has the same file is asked instead.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

use uuid::Uuid;

use super::{Ended, Work};
use crate::fetch::client::Connection;
use crate::loot::LootState;
use crate::loot::space::Reservation;
use crate::loot::spool::Spool;
use crate::mirror::Active;
use crate::mirror::batch::{BYTES_MAX, BatchJob, FILES_MAX, is_small};
use crate::mirror::events::{Event, Moment};
use crate::mirror::hindrance::Hindrance;
use crate::mirror::job::{Job, Means};
use crate::mirror::plan::{Source, Want};
use crate::mirror::progress::Progress;
use crate::mirror::rules::Permits;
use crate::mirror::swarm::download;
use crate::mirror::wishes::Wishes;
use crate::neighbours::Neighbour;
use crate::wire::batch::{REQUEST_MAX_BYTES, request_bytes};
use crate::wire::{Content, LootPath};

/// Files that come at once.
const JOBS_MAX: usize = 6;
/// Of these, from one neighbour.
const JOBS_PER_NEIGHBOUR_MAX: usize = 4;
/// Slow neighbours may hold all of them; beyond, each neighbour without any gets one, up to this.
const JOBS_BEYOND_MAX: usize = 16;
/// Of larger files of one content one comes at a time; the others are copied from it.
const SAME_AT_ONCE_BYTES: u64 = 64 * 1024;

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
        let others = self.more_for_batch(&want, &source);
        let named = |want: &Want| (want.path.clone(), want.size_bytes);
        let taken: Vec<(LootPath, u64)> = std::iter::once(&want).chain(&others).map(named).collect();
        // The disk is asked for its space: that may take a while.
        let begun = tokio::task::block_in_place(|| match others.is_empty() {
            true => self.begin(&want, source),
            false => self.begin_batch(std::iter::once(want.clone()).chain(others).collect(), source),
        });
        if let Err(why) = begun {
            // What is as large does not fit either; smaller files may. The next plan tries all again.
            let tally = self.set_aside.entry(why.clone()).or_default();
            taken.iter().for_each(|(path, size_bytes)| tally.add(path, *size_bytes));
            self.set_aside_from(want.size_bytes, why);
        }
        true
    }

    /// Nothing that large is begun before the next plan, for a reason of our own.
    pub(super) fn set_aside_from(&mut self, size_bytes: u64, why: Hindrance) {
        let tally = self.set_aside.entry(why.clone()).or_default();
        self.queue.drop_from(size_bytes, |want| tally.add(&want.path, want.size_bytes));
        self.waiting = Some(why);
    }

    /// The first want that some neighbour can give now, and that neighbour.
    fn next_job(&mut self, per_neighbour: usize) -> Option<(Want, Neighbour)> {
        let now = Instant::now();
        let mut load: HashMap<Uuid, usize> = HashMap::new();
        self.names.values().for_each(|(uuid, _)| {
            let jobs = load.entry(*uuid).or_default();
            *jobs = jobs.saturating_add(1);
        });
        let shunned = self.lies.lock().shunned(now);
        let idle = |uuid: &Uuid| {
            !shunned.contains(uuid)
                && load.get(uuid).is_none_or(|jobs| *jobs < per_neighbour)
                && self.neighbours.may_try(uuid, now)
        };
        let present = self.engine.neighbourhood.present_uuids(now);
        let able = self.queue.able(present.into_iter().filter(idle));
        if able.is_empty() {
            return None;
        }
        let Self { queue, active, files, lies, engine, .. } = self;
        let lies = lies.lock();
        let under_way = engine.loot.under_way();
        let coming: HashSet<(Content, Uuid)> =
            active.values().filter_map(|(_, uuid, content)| Some(((*content)?, *uuid))).collect();
        let (want, source) = queue.take_first(|want| {
            let comes_already = || want.content().is_some_and(|content| under_way.get(content).is_some());
            if active.contains_key(want.path.as_str()) || is_coming(want, &coming) || comes_already() {
                return None;
            }
            if is_cancelled(want, engine.mirror.wishes()) {
                return None;
            }
            let may = |source: &&Source| {
                able.contains(&source.uuid)
                    && lies.may_ask(source.uuid, want.content())
                    && files.may_try(&(want.path.as_str().into(), want.size_bytes, source.uuid), now)
            };
            let load = |source: &&Source| (source.by_content, load.get(&source.uuid).copied().unwrap_or(0));
            want.sources.iter().filter(may).min_by_key(load).map(|source| source.uuid)
        })?;
        drop(lies);
        Some((want, self.engine.neighbourhood.get(source)?))
    }

    /// What else may come in one answer with a small file; nothing if the neighbour cannot do that.
    fn more_for_batch(&mut self, want: &Want, neighbour: &Neighbour) -> Vec<Want> {
        let uuid = neighbour.uuid;
        let own = self.engine.loot.digests();
        // What is here under another name is copied, alone.
        let is_here = |want: &Want| {
            let content = want.digests.filter(|_| want.size_bytes > 0).map(|digests| digests.blake3);
            content.is_some_and(|blake3| own.holders_of(blake3).next().is_some())
        };
        let is_one = |want: &Want| is_small(want) && !is_here(want);
        if neighbour.manifest.is_none() || !is_one(want) || self.no_batches.contains(&uuid) {
            return Vec::new();
        }
        let listed = |want: &Want| Some(request_bytes(&want.sources.iter().find(|of| of.uuid == uuid)?.listed_name));
        let room = Cell::new(REQUEST_MAX_BYTES.saturating_sub(listed(want).unwrap_or_default()));
        let fits_in =
            |want: &Want| listed(want).and_then(|bytes| room.get().checked_sub(bytes)).map(|left| room.set(left));
        let now = Instant::now();
        let Self { queue, active, files, lies, engine, .. } = self;
        let lies = lies.lock();
        queue.take_more(FILES_MAX.saturating_sub(1), BYTES_MAX.saturating_sub(want.size_bytes), |other| {
            is_one(other)
                && !active.contains_key(other.path.as_str())
                && other.sources.iter().any(|source| source.uuid == uuid)
                && !is_cancelled(other, engine.mirror.wishes())
                && lies.may_ask(uuid, other.content())
                && files.may_try(&(other.path.as_str().into(), other.size_bytes, uuid), now)
                && fits_in(other).is_some()
        })
    }

    fn begin_batch(&mut self, wants: Vec<Want>, neighbour: Neighbour) -> Result<(), Hindrance> {
        let uuid = neighbour.uuid;
        let spool = self.spool()?;
        let size_bytes = wants.iter().fold(0_u64, |sum, want| sum.saturating_add(want.size_bytes));
        let mirrored_bytes = self.engine.ledger.facts().mirrored_bytes();
        let reservation = self.engine.space.reserve_for(wants.len() as u64, size_bytes, 0, mirrored_bytes);
        let reservation = reservation?;
        let of = |want: Want| Some((want.sources.iter().find(|source| source.uuid == uuid)?.clone(), want));
        let wants: Vec<(Want, Source)> =
            wants.into_iter().filter_map(of).map(|(source, want)| (want, source)).collect();
        let progress: Vec<Progress> = wants.iter().map(|_| self.progress()).collect();
        for ((want, _), progress) in wants.iter().zip(&progress) {
            self.note_active(want, &neighbour, progress.clone());
        }
        let names = wants.iter().map(|(want, _)| want.path.as_str().into()).collect();
        let job = BatchJob { wants, uuid, means: self.means(neighbour, spool, reservation), progress };
        let task = self.jobs.spawn(async move { Ended::Batch(uuid, job.run().await) });
        self.names.insert(task.id(), (uuid, names));
        Ok(())
    }

    fn means(&mut self, neighbour: Neighbour, spool: Spool, reservation: Reservation) -> Means {
        Means {
            services: neighbour.trusted_services(Instant::now()),
            connection: self.kept_connection(neighbour.uuid),
            from: neighbour.name,
            dialling: self.engine.dialling.clone(),
            spool,
            reservation,
            loot: self.engine.loot.clone(),
            ledger: self.engine.ledger.clone(),
        }
    }

    fn kept_connection(&mut self, uuid: Uuid) -> Option<Connection> {
        let at = self.connections.iter().position(|(of, _)| *of == uuid)?;
        self.connections.remove(at).map(|(_, connection)| connection)
    }

    fn note_active(&mut self, want: &Want, neighbour: &Neighbour, progress: Progress) {
        let (path, from) = (want.path.clone(), neighbour.name.clone());
        let (size_bytes, wish) = (want.size_bytes, want.wish);
        let active = Active { path, size_bytes, from, began: Instant::now(), progress, wish };
        self.engine.mirror.events.tell(|| Event::Begun(Moment::of(&active, active.began)));
        self.active.insert(want.path.as_str().into(), (active, neighbour.uuid, want.content()));
    }

    fn progress(&self) -> Progress {
        Progress::begin(self.engine.mirror.received.clone(), Instant::now())
    }

    fn begin(&mut self, want: &Want, neighbour: Neighbour) -> Result<(), Hindrance> {
        let uuid = neighbour.uuid;
        let spool = self.spool()?;
        let replaced_bytes = want.replaces.map_or(0, |replaced| replaced.size_bytes);
        let mirrored_bytes = self.engine.ledger.facts().mirrored_bytes().saturating_sub(replaced_bytes);
        let Some(source) = want.sources.iter().find(|source| source.uuid == uuid).cloned() else { return Ok(()) };
        let in_pieces = want.content().filter(|_| want.comes_in_pieces());
        let key = in_pieces.map(|content| download::part_key(&want.path, want.size_bytes, content));
        let here_bytes = spool.here_bytes(&key.unwrap_or_else(|| want.part_key(uuid)));
        let reservation = self.engine.space.reserve(want.size_bytes, here_bytes, mirrored_bytes);
        let reservation = reservation?;
        let progress = self.progress();
        self.note_active(want, &neighbour, progress.clone());
        let job = Job {
            want: want.clone(),
            source,
            landed: self.landed_as(want.content()),
            means: self.means(neighbour, spool, reservation),
            progress,
            neighbourhood: self.engine.neighbourhood.clone(),
            lies: self.lies.clone(),
            permits: self.permits(want),
            under_way: None,
        };
        let task = self.jobs.spawn(async move { Ended::One(Box::new(job.run().await)) });
        want.wish.into_iter().for_each(|id| drop(self.granting.insert(id, task.clone())));
        self.names.insert(task.id(), (uuid, vec![want.path.as_str().into()]));
        Ok(())
    }

    /// From whom it may come: from everybody, if it is wished for.
    fn permits(&self, want: &Want) -> Permits {
        let rules = self.engine.rules.as_ref().filter(|_| want.wish.is_none());
        rules.map_or_else(Permits::default, |rules| Permits {
            whom: rules.whom.clone(),
            switched_off: self.engine.mirror.switched_off().clone(),
        })
    }

    /// Where a file of that content landed lately; it may not have been read for its digests yet.
    fn landed_as(&self, content: Option<Content>) -> Option<LootPath> {
        let content = content?;
        self.landed.iter().find(|(_, (_, landed, _))| *landed == content).map(|(path, _)| path.clone())
    }

    /// The spool of the folder as it is open now.
    pub(super) fn spool(&mut self) -> Result<Spool, Hindrance> {
        let folder = self.engine.loot.folder();
        let loot = self.engine.loot.status();
        if !folder.is_in_place() || loot.scanned_at.is_none() || matches!(loot.state, LootState::Missing(_)) {
            return Err(Hindrance::NoFolder);
        }
        if let Some(spool) = self.spool.as_ref().filter(|spool| spool.folder().id() == folder.id()) {
            return Ok(spool.clone());
        }
        let spool = Spool::open(folder).map_err(|error| Hindrance::FolderReadOnly(error.to_string().into()))?;
        self.spool = Some(spool.clone());
        Ok(spool)
    }
}

/// Whether it was wished for when the plan was made, and is not any more.
fn is_cancelled(want: &Want, wishes: &Wishes) -> bool {
    want.wish.is_some_and(|id| !wishes.holds(id))
}

/// Whether a neighbour that has this file gives its content already, under another name. Somebody
/// else who does may be slow, or lie, to hold this one up; but not where it comes in pieces, which are
/// asked of all who have them.
fn is_coming(want: &Want, coming: &HashSet<(Content, Uuid)>) -> bool {
    let Some(content) = want.content().filter(|_| want.size_bytes > SAME_AT_ONCE_BYTES) else { return false };
    if want.comes_in_pieces() {
        return coming.iter().any(|(other, _)| *other == content);
    }
    want.sources.iter().any(|source| !source.by_content && coming.contains(&(content, source.uuid)))
}
