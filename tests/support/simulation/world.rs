//! The nodes, their links and what is under way; who does what when something is due.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::{Duration, Instant};

use boucan::mirror::swarm::{Ask, Handouts, Picker};
use boucan::wire::PieceSet;
use boucan::wire::pieces::PIECE_BYTES;

use super::clock::{Clock, Nanos};
use super::room::{Host, Outcome, Room};
use super::talk::Library;

pub type NodeId = usize;
pub type FlowId = u64;

/// How often a taker looks whether something takes too long.
const TICK: Duration = Duration::from_millis(100);

pub enum Event {
    /// A node has one answer more of what it reads before it begins.
    Learned { node: NodeId, answers: usize },
    /// A request for pieces is at the holder.
    Asked(FlowId),
    /// A link is free again.
    Sent(NodeId),
    /// Bytes of an answer are at the taker.
    Came { flow: FlowId, size_bytes: u64 },
    /// What a node has gathered for its feed is due.
    Flush(NodeId),
    /// It is at one of those that listen.
    Told { by: NodeId, to: NodeId, pieces: Rc<PieceSet> },
    /// A taker looks.
    Tick(NodeId),
    /// A node leaves without a word.
    Leave(NodeId),
    /// Somebody notices.
    Missed { who: NodeId, by: NodeId },
    /// A node comes.
    Join,
}

pub struct World<'r> {
    pub room: &'r Room,
    pub clock: Clock<Event>,
    pub begin: Instant,
    pub nodes: Vec<Node>,
    pub flows: HashMap<FlowId, Flow>,
    pub last_flow: FlowId,
    pub dice: fastrand::Rng,
    pub library: Library,
    pub out: Outcome,
    /// Pieces that some taker has.
    pub spread: PieceSet,
    /// Takers that are here and at it.
    pub untaken: usize,
}

pub struct Node {
    pub host: Host,
    pub is_here: bool,
    pub came_at: Nanos,
    pub done_at: Option<Nanos>,
    /// While it takes.
    pub picker: Option<Picker>,
    pub handouts: Handouts,
    /// Of whom it asks, or would as soon as they have something.
    pub partners: BTreeSet<NodeId>,
    /// Partners that lied or left.
    pub shunned: BTreeSet<NodeId>,
    /// Who listens to its feed.
    pub listeners: Vec<NodeId>,
    /// What its feed has to tell.
    pub to_tell: Option<PieceSet>,
    /// Its requests, by holder and lane.
    pub open: HashMap<(NodeId, u8), FlowId>,
    pub link: Link,
    /// Requests that wait for a slot.
    pub waiting: VecDeque<FlowId>,
    pub slots_taken: usize,
}

/// A full-duplex link to a switch that is never the bottleneck.
#[derive(Default)]
pub struct Link {
    /// Answers with something left to send, the next in front.
    pub turns: VecDeque<FlowId>,
    pub sending: Option<(FlowId, u64)>,
    /// Small answers go first.
    pub small_until: Nanos,
    pub down_until: Nanos,
}

/// One request and its answer.
pub struct Flow {
    pub from: NodeId,
    pub to: NodeId,
    pub lane: u8,
    pub ask: Ask,
    pub run: Option<RangeInclusive<u64>>,
    pub unsent_bytes: u64,
    pub under_way_bytes: u64,
    pub came_bytes: u64,
    /// Pieces of the run that are at the taker.
    pub came: u64,
}

impl Flow {
    pub fn new(from: NodeId, to: NodeId, lane: u8, ask: Ask) -> Self {
        Self { from, to, lane, ask, run: None, unsent_bytes: 0, under_way_bytes: 0, came_bytes: 0, came: 0 }
    }

    /// The next piece that comes to its end, and where that is in the answer.
    pub fn next_end(&self, size_bytes: u64) -> Option<(u64, u64)> {
        let run = self.run.as_ref()?;
        let piece = run.start() + self.came;
        let end = ((piece + 1) * PIECE_BYTES).min(size_bytes) - run.start() * PIECE_BYTES;
        (piece <= *run.end()).then_some((piece, end))
    }
}

impl<'r> World<'r> {
    pub fn new(room: &'r Room) -> Self {
        let mut world = Self {
            room,
            clock: Clock::new(),
            begin: Instant::now(),
            nodes: Vec::new(),
            flows: HashMap::new(),
            last_flow: 0,
            dice: fastrand::Rng::with_seed(room.seed),
            library: Library::new(room),
            out: Outcome::default(),
            spread: PieceSet::none(room.pieces()),
            untaken: 0,
        };
        for (id, host) in room.hosts.iter().enumerate() {
            let node = world.node(*host);
            world.nodes.push(node);
            if id == 0 || host.lies {
                world.nodes[id].done_at = Some(0);
            } else {
                world.untaken += 1;
            }
        }
        world
    }

    /// Until nobody takes any longer.
    pub fn run(mut self) -> Outcome {
        self.announce_the_file();
        self.begin_churn();
        let limit = (self.room.bound() * 50e9) as Nanos;
        while let Some(event) = self.clock.next() {
            if self.clock.now() > limit || self.is_settled() {
                break;
            }
            self.happen(event);
        }
        self.report()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Learned { node, answers } => self.learned(node, answers),
            Event::Asked(flow) => self.asked(flow),
            Event::Sent(node) => self.sent(node),
            Event::Came { flow, size_bytes } => self.came(flow, size_bytes),
            Event::Flush(node) => self.flush(node),
            Event::Told { by, to, pieces } => self.told(by, to, &pieces),
            Event::Tick(node) => self.tick(node),
            Event::Leave(node) => self.leave(node),
            Event::Missed { who, by } => self.missed(who, by),
            Event::Join => self.join(),
        }
    }

    pub fn node(&mut self, host: Host) -> Node {
        Node {
            host,
            is_here: true,
            came_at: self.clock.now(),
            done_at: None,
            picker: None,
            handouts: Handouts::new(self.dice.u64(..)),
            partners: BTreeSet::new(),
            shunned: BTreeSet::new(),
            listeners: Vec::new(),
            to_tell: None,
            open: HashMap::new(),
            link: Link::default(),
            waiting: VecDeque::new(),
            slots_taken: 0,
        }
    }

    /// The time as the picker wants it.
    pub fn instant(&self) -> Instant {
        self.begin + Duration::from_nanos(self.clock.now())
    }

    fn is_settled(&self) -> bool {
        self.untaken == 0
    }

    fn tick(&mut self, node: NodeId) {
        let now = self.instant();
        let Some(picker) = self.nodes[node].picker.as_ref().filter(|_| self.nodes[node].is_here) else { return };
        for (holder, lane) in picker.overdue(now) {
            if let Some(flow) = self.nodes[node].open.get(&(holder.0 as usize, lane)).copied() {
                self.break_off(flow);
            }
        }
        self.ask(node);
        self.clock.after(TICK, Event::Tick(node));
    }

    pub fn first_tick(&mut self, node: NodeId) {
        let spread = Duration::from_micros(self.dice.u64(0..100_000));
        self.clock.after(spread, Event::Tick(node));
    }

    fn report(self) -> Outcome {
        let Self { room, nodes, mut out, .. } = self;
        let takes = |node: &&Node| Some(node.done_at? - node.came_at).filter(|_| !node.host.lies);
        let seconds = |node: &Node| takes(&node).map(|nanos| nanos as f64 / 1e9);
        let (first, later) = nodes.split_at(room.hosts.len());
        out.seconds = first.iter().skip(1).filter_map(seconds).collect();
        out.seconds_of_joiners = later.iter().filter_map(seconds).collect();
        out.without = first.iter().filter(|node| node.is_here && node.done_at.is_none()).count();
        out.left = nodes.iter().filter(|node| !node.is_here).count();
        out.nodes = nodes.len();
        out
    }
}
