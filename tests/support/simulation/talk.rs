//! What nodes say before and beside the pieces: announcements, indexes, manifests; and who begins
//! to take what of whom, which the real plan decides.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use boucan::loot::ledger::Facts;
use boucan::mirror::plan::{Offer, Source, View, plan};
use boucan::mirror::rules::Rules;
use boucan::mirror::settled::Decided;
use boucan::mirror::shortages::Shortages;
use boucan::mirror::swarm::{Holds, Picker, SourceId};
use boucan::wire::napster::Md5;
use boucan::wire::pieces::HASH_BYTES;
use boucan::wire::{Content, DigestTable, Digests, DisplayText, Index, PieceSet, manifest};
use uuid::Uuid;

use super::room::Room;
use super::world::{Event, Node, NodeId, World};

/// The file's name: among the others of a library.
const NAME: &str = "films/Harbour.mkv";
/// Heads of a request and its answer, with TCP's and IP's.
const HTTP_BYTES: u64 = 900;
/// An announcement with the heads of UDP, IP and Ethernet.
const ANNOUNCEMENT_BYTES: u64 = 160;
/// `docs/PROTOCOL.md`, section 1.
const ROUND: Duration = Duration::from_secs(10);

/// What every node shares, with and without the file.
pub struct Library {
    pub content: Content,
    without: Arc<Index>,
    told_without: Arc<DigestTable>,
    with: Arc<Index>,
    told_with: Arc<DigestTable>,
    /// What an index, a manifest of what changed, and a whole one take.
    index_bytes: u64,
    changes_bytes: u64,
    manifest_bytes: u64,
}

impl Library {
    pub fn new(room: &Room) -> Self {
        let others: Vec<String> = (0..room.library).map(|at| format!("concerts/{at:06} Quayside.flac")).collect();
        let files = |size_bytes: Option<u64>| {
            let others = others.iter().map(|name| (name.as_str(), 20_000_000));
            Arc::new(Index::from_sorted(others.chain(size_bytes.map(|size_bytes| (NAME, size_bytes)))))
        };
        let (without, with) = (files(None), files(Some(room.size_bytes)));
        let (told_without, told_with) = (digests(&without), digests(&with));
        let whole = manifest::emit_rows(&told_with, 0..with.len());
        Self {
            content: told_with.get(with.position_of(NAME).unwrap()).unwrap().content(),
            index_bytes: with.text().len() as u64,
            changes_bytes: manifest::emit_changes(&told_with, [NAME].into_iter()).len() as u64,
            manifest_bytes: whole.len() as u64,
            without,
            told_without: Arc::new(told_without),
            with,
            told_with: Arc::new(told_with),
        }
    }

    fn offer(&self, node: NodeId) -> Offer {
        let (index, digests) = (self.with.clone(), Some(self.told_with.clone()));
        let (name, mirrors) = (DisplayText::default(), None);
        Offer { uuid: uuid(node), name, index, digests, awaited_from_bytes: None, mirrors, is_switched_off: false }
    }
}

fn digests(of: &Arc<Index>) -> DigestTable {
    let of_file = |name: &str| {
        let blake3 = *blake3::hash(name.as_bytes()).as_bytes();
        Digests { md5: Md5::new(blake3[..16].try_into().unwrap()), blake3 }
    };
    DigestTable::new(of.clone(), of.iter().map(|entry| Some(of_file(entry.name))).collect())
}

fn uuid(node: NodeId) -> Uuid {
    Uuid::from_u128(node as u128 + 1)
}

impl World<'_> {
    /// The seeder's folder has the file now, read and hashed.
    pub fn announce_the_file(&mut self) {
        self.index_changed(0);
        for node in 1..self.nodes.len() {
            if self.nodes[node].done_at.is_none() {
                self.clock.after(self.room.latency, Event::Learned { node, answers: 0 });
            }
        }
    }

    /// All others hear of it, and read the index and what changed of the manifest.
    pub fn index_changed(&mut self, node: NodeId) {
        let size_bytes = self.library.index_bytes + self.library.changes_bytes + 2 * HTTP_BYTES;
        for other in 0..self.nodes.len() {
            // What the takers read of the seeder's first change is a part of how they begin.
            if other == node || !self.nodes[other].is_here || self.clock.now() == 0 {
                continue;
            }
            self.out.index_bytes += size_bytes + ANNOUNCEMENT_BYTES;
            self.small(node, other, size_bytes + ANNOUNCEMENT_BYTES);
        }
    }

    /// A node reads, one after the other, an index, a manifest and the list of the pieces.
    pub fn learned(&mut self, node: NodeId, answers: usize) {
        let is_new = node >= self.room.hosts.len();
        let manifest_bytes = if is_new { self.library.manifest_bytes } else { self.library.changes_bytes };
        let list_bytes = self.room.pieces() * HASH_BYTES;
        let Some(answer_bytes) = [self.library.index_bytes, manifest_bytes, list_bytes].get(answers).copied() else {
            return self.begin_to_take(node);
        };
        if !self.nodes[node].is_here {
            return;
        }
        let is_list = answers == 2;
        let Some(from) = self.somebody_with_it(is_list && self.room.lists_from_takers) else { return };
        self.out.index_bytes += answer_bytes + HTTP_BYTES;
        let latency = self.room.latency.as_nanos() as u64;
        let at = self.small(from, node, answer_bytes + HTTP_BYTES) + latency;
        self.clock.at(at, Event::Learned { node, answers: answers + 1 });
    }

    fn somebody_with_it(&mut self, or_taking_it: bool) -> Option<NodeId> {
        let can_tell = |node: &Node| {
            node.is_here && !node.host.lies && (node.done_at.is_some() || or_taking_it && node.picker.is_some())
        };
        let of = self.nodes.iter().enumerate().filter(|(_, node)| can_tell(node)).map(|(id, _)| id);
        if or_taking_it { self.dice.choice(of.collect::<Vec<_>>()) } else { of.min() }
    }

    /// Who of its neighbours has the file is told by the plan, who takes it too by the feeds.
    fn begin_to_take(&mut self, node: NodeId) {
        let complete = self.planned_sources(node);
        let size_bytes = self.room.size_bytes;
        let picker = Picker::new(size_bytes, PieceSet::none(self.room.pieces()), self.dice.u64(..));
        self.nodes[node].picker = Some(picker);
        let mut others: Vec<NodeId> = (0..self.nodes.len()).filter(|other| *other != node).collect();
        others.retain(|other| self.nodes[*other].is_here);
        self.dice.shuffle(&mut others);
        others.truncate(self.room.partners);
        for other in others {
            self.meet(node, other, complete.contains(&other));
        }
        self.first_tick(node);
    }

    fn planned_sources(&self, node: NodeId) -> Vec<NodeId> {
        let complete = |other: &NodeId| self.nodes[*other].is_here && self.nodes[*other].done_at.is_some();
        let complete: Vec<NodeId> = (0..self.nodes.len()).filter(|other| *other != node).filter(complete).collect();
        let offers: Vec<Offer> = complete.iter().map(|other| self.library.offer(*other)).collect();
        let planned = plan(&View {
            us: uuid(node),
            ours: &self.library.without,
            digests: &self.library.told_without,
            facts: &Facts::default(),
            offers: &offers,
            rules: &Rules::new(&[], &[], true).unwrap(),
            has_lasted: |_: &str, _, _| true,
            shortages: &Shortages::default(),
            is_mirroring: true,
            wishes: &[],
            decided: &Decided::default(),
            now: self.instant(),
        });
        let sources: Vec<Source> = planned.wants.into_iter().flat_map(|want| want.sources).collect();
        complete.into_iter().filter(|other| sources.iter().any(|source| source.uuid == uuid(*other))).collect()
    }

    /// It asks a holder of all at once; of a taker it hears what that has, now or later.
    fn meet(&mut self, node: NodeId, other: NodeId, is_complete: bool) {
        let now = self.instant();
        if is_complete {
            self.nodes[node].partners.insert(other);
            let picker = self.nodes[node].picker.as_mut().unwrap();
            picker.add_source(SourceId(other as u32), Holds::All, now);
            return self.ask(node);
        }
        self.nodes[other].listeners.push(node);
        if let Some(picker) = &self.nodes[other].picker {
            let pieces = Rc::new(picker.have().clone());
            self.clock.after(2 * self.room.latency, Event::Told { by: other, to: node, pieces });
        }
    }

    /// Leaving and coming, evenly over time.
    pub fn begin_churn(&mut self) {
        let a_minute = self.room.churn_a_minute * self.room.hosts.len() as f64;
        let until = self.room.bound();
        for number in 0..(a_minute * until / 60.0) as u32 {
            let at = Duration::from_secs_f64(60.0 / a_minute * f64::from(number + 1));
            let who = self.dice.usize(1..self.room.hosts.len());
            self.clock.after(at, Event::Leave(who));
            self.clock.after(at, Event::Join);
        }
    }

    pub fn leave(&mut self, node: NodeId) {
        if !std::mem::take(&mut self.nodes[node].is_here) {
            return;
        }
        self.nodes[node].picker = None;
        self.untaken -= usize::from(self.nodes[node].done_at.is_none());
        let mut flows: Vec<_> = self.flows.iter().filter(|(_, flow)| flow.to == node).map(|(id, _)| *id).collect();
        flows.sort_unstable();
        flows.into_iter().for_each(|flow| self.break_off(flow));
        for other in 0..self.nodes.len() {
            if self.nodes[other].partners.contains(&node) {
                self.clock.after(self.room.latency, Event::Missed { who: node, by: other });
            }
        }
    }

    /// Another takes the place of a partner that is gone.
    pub fn missed(&mut self, who: NodeId, by: NodeId) {
        self.shun(by, who);
        let unknown = |other: &NodeId| {
            let (node, them) = (&self.nodes[by], &self.nodes[*other]);
            *other != by && them.is_here && !node.partners.contains(other) && !node.shunned.contains(other)
        };
        let unknown: Vec<NodeId> = (0..self.nodes.len()).filter(unknown).collect();
        let Some(other) = self.dice.choice(unknown).filter(|_| self.nodes[by].picker.is_some()) else { return };
        let is_complete = self.nodes[other].done_at.is_some();
        self.meet(by, other, is_complete);
    }

    /// A node comes to stay: it hears all, reads their indexes, and wants the file.
    pub fn join(&mut self) {
        let host = *self.dice.choice(&self.room.hosts).unwrap();
        let joined = self.node(host);
        self.nodes.push(joined);
        self.untaken += 1;
        let node = self.nodes.len() - 1;
        let here = self.nodes.iter().filter(|node| node.is_here).count() as u64 - 1;
        self.out.index_bytes += (here - 1) * (self.library.index_bytes + self.library.manifest_bytes + 2 * HTTP_BYTES);
        self.clock.after(2 * self.room.latency, Event::Learned { node, answers: 0 });
    }

    /// What the rounds of announcements of all nodes to all take in that time.
    pub fn announcement_bytes(nodes: usize, seconds: f64) -> u64 {
        let rounds = seconds / ROUND.as_secs_f64();
        (nodes as f64 * (nodes as f64 - 1.0) * rounds) as u64 * ANNOUNCEMENT_BYTES
    }
}
