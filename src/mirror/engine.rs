//! The engine: plans when something changed, hands out jobs, takes their results.
//!
//! A few files come at once, from each neighbour no more than its share; what fails waits, and
//! another neighbour that has the same file is asked instead.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant, SystemTime};

use tokio::task::{Id, JoinError, JoinSet};
use uuid::Uuid;

use super::job::{Done, Job, JobError};
use super::plan::{Offer, Outcome, Plan, View, Want, plan};
use super::queue::Queue;
use super::retry::Retry;
use super::rules::Rules;
use super::{Active, Doing, Lately, Mirror};
use crate::fetch::client::Connection;
use crate::loot::space::SpaceBudget;
use crate::loot::spool::{PartKey, Spool};
use crate::loot::{Ledger, Loot, LootState};
use crate::neighbours::{Neighbour, Neighbourhood};

/// Files that come at once.
const JOBS_MAX: usize = 6;
/// Of these, from one neighbour.
const JOBS_PER_NEIGHBOUR_MAX: usize = 4;
/// Slow neighbours may hold all of them; beyond, each neighbour without any gets one, up to this.
const JOBS_BEYOND_MAX: usize = 16;
/// Connections kept for the next job.
const IDLE_CONNECTIONS_MAX: usize = 16;
/// Changes are gathered so long before a plan.
const GATHER: Duration = Duration::from_millis(20);
/// The folder is being read for the first time: look again so soon.
const UNREAD_PAUSE: Duration = Duration::from_millis(200);
/// A plan takes at most one part in so many of the time.
const PLAN_SHARE: u32 = 10;
/// What waits is looked at so often.
const TICK: Duration = Duration::from_secs(1);
/// Without other reason, a plan is made so often: space may have come back.
const REPLAN: Duration = Duration::from_secs(15);
/// Another version of a name is fetched once it has lasted so long: an update passes by sooner.
const LASTING: Duration = Duration::from_secs(30);
/// What rests in the spool is looked through so often …
const TIDY: Duration = Duration::from_secs(60);
/// … and so often while there is no room.
const TIDY_PRESSED: Duration = Duration::from_secs(10);
/// A file that landed may be missing in our index so long.
const LANDED_MEMORY: Duration = Duration::from_secs(60);

/// What the engine works with.
#[derive(Debug)]
pub struct Engine {
    /// Shows and steers.
    pub mirror: Mirror,
    /// Ours.
    pub loot: Loot,
    /// Theirs.
    pub neighbourhood: Neighbourhood,
    /// How files came and went.
    pub ledger: Ledger,
    /// What is wanted.
    pub rules: Rules,
    /// What may be used.
    pub space: SpaceBudget,
    /// The address to connect from.
    pub bind: Option<IpAddr>,
}

/// What it remembers between two turns.
struct Work {
    engine: Engine,
    spool: Option<Spool>,
    queue: Queue,
    jobs: JoinSet<Done>,
    active: HashMap<Box<str>, (Active, Uuid)>,
    names: HashMap<Id, Box<str>>,
    landed: HashMap<Box<str>, (u64, Instant)>,
    conflicts: HashMap<(Box<str>, u64), Instant>,
    files: Retry<(Box<str>, u64, Uuid)>,
    neighbours: Retry<Uuid>,
    connections: VecDeque<(Uuid, Connection)>,
    waiting: Option<String>,
    planned: Instant,
    tidied: Option<Instant>,
    plan_due: Option<Instant>,
    plan_pause: Duration,
}

impl Engine {
    /// Mirrors until the task is dropped; what was under way is resumed at the next start.
    pub async fn run(self) {
        let mut snapshots = self.loot.subscribe();
        let mut indexes = self.neighbourhood.subscribe();
        let mut paused = self.mirror.paused.subscribe();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut work = Work::new(self);
        loop {
            let plan_due = work.plan_due;
            tokio::select! {
                Ok(()) = snapshots.changed() => work.want_plan(),
                Ok(()) = indexes.changed() => work.want_plan(),
                Ok(()) = paused.changed() => work.want_plan(),
                () = async { tokio::time::sleep_until(plan_due.unwrap_or_else(Instant::now).into()).await }, if plan_due.is_some() => work.make_plan().await,
                Some(done) = work.jobs.join_next_with_id() => work.take(done),
                _ = tick.tick() => work.look_around(),
            }
            work.hand_out();
            work.show();
        }
    }
}

impl Work {
    fn new(engine: Engine) -> Self {
        Self {
            engine,
            spool: None,
            queue: Queue::default(),
            jobs: JoinSet::new(),
            active: HashMap::new(),
            names: HashMap::new(),
            landed: HashMap::new(),
            conflicts: HashMap::new(),
            files: Retry::new(Duration::from_secs(1), Duration::from_secs(3600)),
            neighbours: Retry::new(Duration::from_secs(2), Duration::from_secs(300)),
            connections: VecDeque::new(),
            waiting: None,
            planned: Instant::now(),
            tidied: None,
            plan_due: Some(Instant::now()),
            plan_pause: GATHER,
        }
    }

    fn want_plan(&mut self) {
        let pause = self.plan_pause;
        self.plan_due.get_or_insert_with(|| Instant::now() + pause);
    }

    /// What waits for time to pass: space, conflicts that may last, failures.
    fn look_around(&mut self) {
        let now = Instant::now();
        self.landed.retain(|_, (_, at)| now.saturating_duration_since(*at) < LANDED_MEMORY);
        let lasting = self.conflicts.values().any(|since| {
            let age = now.saturating_duration_since(*since);
            age >= LASTING && age < LASTING + TICK.saturating_mul(2)
        });
        if lasting || now.saturating_duration_since(self.planned) >= REPLAN {
            self.want_plan();
        }
        let pause = if self.waiting.is_some() { TIDY_PRESSED } else { TIDY };
        if self.tidied.is_none_or(|at| now.saturating_duration_since(at) >= pause) {
            tokio::task::block_in_place(|| self.tidy());
        }
    }

    async fn make_plan(&mut self) {
        let began = Instant::now();
        self.plan_due = None;
        self.planned = began;
        let snapshot = self.engine.loot.snapshot();
        // Until the folder has been read, everything would seem to be missing.
        let loot = self.engine.loot.status();
        if loot.scanned_at.is_none() || matches!(loot.state, LootState::Missing(_)) {
            self.plan_due = Some(began + UNREAD_PAUSE);
            return;
        }
        if self.tidied.is_none() {
            tokio::task::block_in_place(|| self.tidy());
        }
        let offers = self.offers(began);
        let facts = self.engine.ledger.facts();
        let rules = self.engine.rules.clone();
        let conflicts = std::mem::take(&mut self.conflicts);
        let made = tokio::task::spawn_blocking(move || {
            let has_lasted = |name: &str, size_bytes: u64| {
                let since = conflicts.get(&(Box::from(name), size_bytes));
                since.is_some_and(|since| began.saturating_duration_since(*since) >= LASTING)
            };
            let made = plan(&View { ours: &snapshot.index, facts: &facts, offers: &offers, rules: &rules, has_lasted });
            (made, conflicts)
        });
        if let Ok((made, before)) = made.await {
            self.adopt(made, &before, began);
        }
        self.plan_pause = GATHER.max(began.elapsed().saturating_mul(PLAN_SHARE));
    }

    fn adopt(&mut self, made: Plan, before: &HashMap<(Box<str>, u64), Instant>, now: Instant) {
        self.conflicts = made
            .conflicts
            .iter()
            .filter(|conflict| conflict.outcome != Outcome::CannotStandTogether)
            .map(|conflict| {
                let key = (Box::from(conflict.path.as_str()), conflict.size_bytes);
                let since = before.get(&key).copied().unwrap_or(now);
                (key, since)
            })
            .collect();
        let landed =
            |want: &&Want| self.landed.get(want.path.as_str()).is_some_and(|(size, _)| *size == want.size_bytes);
        let startable =
            made.wants.iter().filter(|want| !landed(want) && !self.active.contains_key(want.path.as_str())).cloned();
        self.queue = Queue::of(startable);
        self.waiting = None;
        self.engine.mirror.lock().plan = Arc::new(made);
    }

    /// What rests in the spool and is here meanwhile goes; if room is wanted, all that the plan does
    /// not want goes. The rest counts as used.
    fn tidy(&mut self) {
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

    fn offers(&self, now: Instant) -> Vec<Offer> {
        let present = self.engine.neighbourhood.present(now);
        present.into_iter().filter_map(|n| Some(Offer { uuid: n.uuid, index: n.known?.index })).collect()
    }

    /// Begins jobs while there are wants, sources, room and space.
    fn hand_out(&mut self) {
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
    fn spool(&mut self) -> Result<Spool, String> {
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

    fn take(&mut self, done: Result<(Id, Done), JoinError>) {
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

    fn show(&self) {
        let mut status = self.engine.mirror.lock();
        status.active = self.active.values().map(|(active, _)| active.clone()).collect();
        status.queued = self.queue.len();
        status.doing = match &self.waiting {
            _ if self.engine.mirror.is_paused() => Doing::Paused,
            _ if !self.active.is_empty() => Doing::Fetching,
            Some(why) => Doing::Waiting(why.clone()),
            None if self.queue.is_empty() => Doing::Idle,
            None => Doing::Fetching,
        };
    }
}
