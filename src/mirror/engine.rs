//! The engine: plans when something changed; `hand_out` beside it begins the jobs, `ended` takes
//! what came of them, `tidy` looks after the spool.

mod ended;
mod hand_out;
mod tidy;
mod why;
mod wishes;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{AbortHandle, Id, JoinSet};
use uuid::Uuid;

use super::batch::BatchDone;
use super::events::Event;
use super::failure::Failure;
use super::hindrance::Hindrance;
use super::job::Done;
use super::lies::SharedLies;
use super::plan::{Offer, Outcome, Plan, View, Want, plan};
use super::queue::Queue;
use super::retry::Retry;
use super::rules::Rules;
use super::shortages::Shortages;
use super::waiting::Tally;
use super::wishes::WishId;
use super::{Active, Doing, Mirror};
use crate::fetch::client::{Connection, Dialling};
use crate::loot::space::SpaceBudget;
use crate::loot::spool::Spool;
use crate::loot::{Ledger, Loot, LootState};
use crate::neighbours::{Neighbour, Neighbourhood, SwitchedOff};
use crate::wire::{Content, LootPath};

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
    /// What is wanted; none in shared mode, where only wishes come.
    pub rules: Option<Rules>,
    /// What may be used.
    pub space: SpaceBudget,
    /// How neighbours are dialled.
    pub dialling: Dialling,
}

/// What a job ends with.
enum Ended {
    One(Box<Done>),
    Batch(Uuid, BatchDone),
}

/// A version of a name: its size, and its content where that is told.
type Version = (Box<str>, u64, Option<Content>);

/// What it remembers between two turns.
struct Work {
    engine: Engine,
    spool: Option<Spool>,
    queue: Queue,
    jobs: JoinSet<Ended>,
    active: HashMap<Box<str>, (Active, Uuid, Option<Content>)>,
    names: HashMap<Id, (Uuid, Vec<Box<str>>)>,
    /// Neighbours that know no batches.
    no_batches: HashSet<Uuid>,
    landed: HashMap<LootPath, (u64, Content, Instant)>,
    conflicts: HashMap<Version, Instant>,
    shortages: Shortages,
    lies: SharedLies,
    files: Retry<(Box<str>, u64, Uuid)>,
    neighbours: Retry<Uuid>,
    connections: VecDeque<(Uuid, Connection)>,
    waiting: Option<Hindrance>,
    /// What left the queue because there is no room for it, or our disk failed.
    set_aside: BTreeMap<Hindrance, Tally>,
    /// Why neighbours rest.
    faults: HashMap<Uuid, Failure>,
    /// The jobs that bring one wish each.
    granting: HashMap<WishId, AbortHandle>,
    /// How often wishes failed.
    wish_failures: HashMap<WishId, u32>,
    why_due: Instant,
    planned: Instant,
    tidied: Option<Instant>,
    plan_due: Option<Instant>,
    plan_pause: Duration,
}

impl Engine {
    /// Mirrors until the task is dropped; what was under way is resumed at the next start.
    pub async fn run(self) {
        let mut snapshots = self.loot.subscribe();
        let mut digests = self.loot.subscribe_digests();
        let mut manifests = self.neighbourhood.subscribe_manifests();
        let mut paused = self.mirror.paused.subscribe();
        let mut switched = self.mirror.switched_off().subscribe();
        let mut wishes = self.mirror.wishes().subscribe();
        let mut settled = self.mirror.settled().subscribe();
        let orders = self.mirror.orders.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut work = Work::new(self);
        loop {
            let plan_due = work.plan_due;
            tokio::select! {
                Ok(()) = snapshots.changed() => work.want_plan(),
                Ok(()) = digests.changed() => work.want_plan(),
                Ok(()) = manifests.changed() => work.want_plan(),
                Ok(()) = paused.changed() => work.want_plan(),
                Ok(()) = switched.changed() => work.want_plan(),
                Ok(()) = settled.changed() => work.want_plan(),
                Ok(()) = wishes.changed() => work.look_at_wishes(),
                () = orders.given() => work.obey(),
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
            no_batches: HashSet::new(),
            landed: HashMap::new(),
            conflicts: HashMap::new(),
            shortages: Shortages::default(),
            lies: SharedLies::default(),
            files: Retry::new(Duration::from_secs(1), Duration::from_secs(3600)),
            neighbours: Retry::new(Duration::from_secs(2), Duration::from_secs(300)),
            connections: VecDeque::new(),
            waiting: None,
            set_aside: BTreeMap::new(),
            faults: HashMap::new(),
            granting: HashMap::new(),
            wish_failures: HashMap::new(),
            why_due: Instant::now(),
            planned: Instant::now(),
            tidied: None,
            plan_due: Some(Instant::now()),
            plan_pause: GATHER,
        }
    }

    fn want_plan(&mut self) {
        self.want_plan_at(Instant::now() + self.plan_pause);
    }

    fn want_plan_at(&mut self, at: Instant) {
        self.plan_due = Some(self.plan_due.map_or(at, |due| due.min(at)));
    }

    /// What waits for time to pass: space, conflicts that may last, failures.
    fn look_around(&mut self) {
        let now = Instant::now();
        let digests = self.engine.loot.digests();
        let is_known = |content: Content| digests.holders_of(content.blake3()).next().is_some();
        self.engine.loot.under_way().tidy(is_known, now);
        self.landed.retain(|_, (_, _, at)| now.saturating_duration_since(*at) < LANDED_MEMORY);
        let lasting = self.conflicts.values().any(|since| {
            let age = now.saturating_duration_since(*since);
            age >= LASTING && age < LASTING + TICK.saturating_mul(2)
        });
        if lasting || now.saturating_duration_since(self.planned) >= REPLAN {
            self.want_plan();
        }
        tokio::task::block_in_place(|| self.look_at_space());
        if self.is_idle_by_rule() {
            return;
        }
        let pause = if self.is_pressed() { TIDY_PRESSED } else { TIDY };
        self.look_why(now);
        if self.tidied.is_none_or(|at| now.saturating_duration_since(at) >= pause) {
            tokio::task::block_in_place(|| self.tidy());
        }
    }

    /// Whether there is no room for what the plan wants. Before there is a plan of this folder, what
    /// rests in its spool may all be wanted.
    fn is_pressed(&self) -> bool {
        self.waiting.as_ref().is_some_and(Hindrance::is_of_room)
    }

    /// Whether nothing is to be fetched, or the folder is not known yet; that is noted.
    fn has_nothing_to_plan(&mut self, began: Instant) -> bool {
        if self.is_idle_by_rule() {
            self.adopt(Plan::default(), &HashMap::new(), began);
            // Nobody looks again why something waits: nothing does.
            self.engine.mirror.lock().waiting = Arc::default();
            return true;
        }
        // Until the folder has been read, everything would seem to be missing.
        let loot = self.engine.loot.status();
        if loot.scanned_at.is_none() || matches!(loot.state, LootState::Missing(_)) {
            self.plan_due = Some(began + UNREAD_PAUSE);
            let is_missing = matches!(loot.state, LootState::Missing(_));
            self.waiting = Some(if is_missing { Hindrance::NoFolder } else { Hindrance::Unread });
            return true;
        }
        false
    }

    async fn make_plan(&mut self) {
        let began = Instant::now();
        self.plan_due = None;
        self.planned = began;
        if self.has_nothing_to_plan(began) {
            return;
        }
        let snapshot = self.engine.loot.snapshot();
        if self.tidied.is_none() {
            tokio::task::block_in_place(|| self.tidy());
        }
        let present = self.engine.neighbourhood.present(began);
        // Who comes again may know more by then.
        self.no_batches.retain(|uuid| present.iter().any(|neighbour| neighbour.uuid == *uuid));
        let awaited = present.iter().filter_map(|neighbour| neighbour.manifest_awaited_until(began)).min();
        let off = self.engine.mirror.switched_off();
        let offers = present.into_iter().filter_map(|neighbour| offer(neighbour, off, began));
        let offers: Vec<Offer> = offers.collect();
        let us = self.engine.neighbourhood.ours();
        let digests = self.engine.loot.digests();
        let facts = self.engine.ledger.facts();
        let is_mirroring = self.engine.rules.is_some();
        let rules = self.engine.rules.clone().unwrap_or_default();
        let (wishes, decided) = (self.engine.mirror.wishes().all(), self.engine.mirror.settled().decided());
        let conflicts = std::mem::take(&mut self.conflicts);
        let shortages = std::mem::take(&mut self.shortages);
        let made = tokio::task::spawn_blocking(move || {
            let has_lasted = |name: &str, size_bytes: u64, content: Option<Content>| {
                let since = conflicts.get(&(Box::from(name), size_bytes, content));
                since.is_some_and(|since| began.saturating_duration_since(*since) >= LASTING)
            };
            let ours = &snapshot.index;
            let (digests, facts, offers, rules, shortages, now) =
                (&*digests, &*facts, &*offers, &rules, &shortages, began);
            let (wishes, decided) = (&*wishes, &decided);
            let view = View {
                us,
                ours,
                digests,
                facts,
                offers,
                rules,
                has_lasted,
                shortages,
                is_mirroring,
                wishes,
                decided,
                now,
            };
            let mut made = plan(&view);
            let shortages = shortages.renewed(&std::mem::take(&mut made.short), began);
            (made, conflicts, shortages)
        });
        if let Ok((made, before, shortages)) = made.await {
            self.shortages = shortages;
            self.adopt(made, &before, began);
        }
        self.plan_pause = GATHER.max(began.elapsed().saturating_mul(PLAN_SHARE));
        if let Some(until) = awaited {
            self.want_plan_at(until.max(Instant::now() + self.plan_pause));
        }
    }

    fn adopt(&mut self, mut made: Plan, before: &HashMap<Version, Instant>, now: Instant) {
        self.take_grantings(&mut made);
        self.conflicts = made
            .conflicts
            .iter()
            .filter(|conflict| conflict.outcome != Outcome::CannotStandTogether)
            .map(|conflict| {
                let key = (Box::from(conflict.path.as_str()), conflict.size_bytes, conflict.content);
                let since = before.get(&key).copied().unwrap_or(now);
                (key, since)
            })
            .collect();
        // A wish is taken back when it lands: one that stands was made since, of what went again.
        let landed = |want: &&Want| {
            let landed = self.landed.get(&want.path).filter(|(size, ..)| *size == want.size_bytes);
            want.wish.is_none()
                && landed.is_some_and(|(_, landed, _)| want.content().is_none_or(|content| content == *landed))
        };
        let startable =
            made.wants.iter().filter(|want| !landed(want) && !self.active.contains_key(want.path.as_str())).cloned();
        self.queue = Queue::of(startable);
        self.waiting = None;
        self.set_aside.clear();
        self.why_due = now;
        self.engine.mirror.lock().plan = Arc::new(made);
    }

    fn show(&self) {
        let active: Vec<Active> = self.active.values().map(|(active, ..)| active.clone()).collect();
        let mirror = &self.engine.mirror;
        let mut status = mirror.lock();
        if status.active.is_empty() && !active.is_empty() {
            mirror.begun.notify_one();
        }
        status.active = Arc::new(active);
        status.queued = self.queue.len();
        status.queued_bytes = self.queue.bytes();
        let doing = match &self.waiting {
            _ if self.active.is_empty() && self.is_idle_by_rule() => Doing::Off,
            _ if self.engine.mirror.is_paused() => Doing::Paused,
            _ if !self.active.is_empty() => Doing::Fetching,
            Some(why) => Doing::Waiting(why.clone()),
            None if self.queue.is_empty() => Doing::Idle,
            None => Doing::Fetching,
        };
        if status.doing != doing {
            mirror.events.tell(|| Event::State(doing.clone()));
            status.doing = doing;
        }
    }
}

/// What a neighbour offers, if its index is known.
fn offer(neighbour: Neighbour, off: &SwitchedOff, now: Instant) -> Option<Offer> {
    let awaited_from_bytes = neighbour.awaited_from_bytes(now);
    let index = neighbour.known?.index;
    let mirrors = neighbour.manifest.as_ref().and_then(|manifest| manifest.mirrors());
    let is_switched_off = off.holds(neighbour.uuid);
    let digests = neighbour.manifest.map(|manifest| manifest.digests.clone());
    let digests = digests.filter(|digests| Arc::ptr_eq(digests.index(), &index));
    let Neighbour { uuid, name, .. } = neighbour;
    Some(Offer { uuid, name, index, digests, awaited_from_bytes, mirrors, is_switched_off })
}
