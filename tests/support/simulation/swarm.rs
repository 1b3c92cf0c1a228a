//! Pieces: asked for as the picker says, handed out as the handouts say, verified and told.

use std::rc::Rc;

use boucan::mirror::swarm::{Ask, Holds, SourceId};
use boucan::wire::PieceSet;
use boucan::wire::pieces::PIECE_BYTES;

use super::world::{Event, Flow, FlowId, NodeId, World};

/// What goes around the ranges on a feed: the content, HTTP's chunk, TCP's and IP's heads.
const FEED_FRAME_BYTES: u64 = 150;

impl World<'_> {
    /// Whatever a node may ask now.
    pub fn ask(&mut self, node: NodeId) {
        let now = self.instant();
        while let Some(picker) = self.nodes[node].picker.as_mut() {
            let Some((holder, lane, ask)) = picker.next_of_any(self.room.lanes, now) else { return };
            self.last_flow += 1;
            let from = holder.0 as NodeId;
            self.flows.insert(self.last_flow, Flow::new(from, node, lane, ask));
            self.nodes[node].open.insert((from, lane), self.last_flow);
            self.out.requests += 1;
            self.clock.after(self.room.latency, Event::Asked(self.last_flow));
        }
    }

    pub fn asked(&mut self, id: FlowId) {
        let Some(flow) = self.flows.get(&id) else { return };
        let holder = flow.from;
        if let Some(picker) = &mut self.nodes[holder].picker {
            picker.others_ask(true);
        }
        if !self.nodes[holder].is_here {
            self.end(id);
        } else if self.nodes[holder].slots_taken < self.room.slots {
            self.answer(id);
        } else {
            self.nodes[holder].waiting.push_back(id);
        }
    }

    fn answer(&mut self, id: FlowId) {
        let (now, content, pieces) = (self.instant(), self.library.content, self.room.pieces());
        let flow = self.flows.get_mut(&id).unwrap();
        let node = &mut self.nodes[flow.from];
        node.slots_taken += 1;
        let run = match &flow.ask {
            Ask::AnyOf { wanted, most } => node.handouts.choose(content, wanted, *most, now).unwrap(),
            Ask::Run(run) => {
                node.handouts.gave(content, pieces, run.clone(), now);
                run.clone()
            }
        };
        let end = ((run.end() + 1) * PIECE_BYTES).min(self.room.size_bytes);
        flow.unsent_bytes = end - run.start() * PIECE_BYTES;
        flow.run = Some(run);
        self.begin_to_send(id);
    }

    /// Bytes of an answer are there.
    pub fn came(&mut self, id: FlowId, size_bytes: u64) {
        let (now, size) = (self.instant(), self.room.size_bytes);
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let (from, to, lane) = (flow.from, flow.to, flow.lane);
        let run = flow.run.clone().unwrap();
        let picker = self.nodes[to].picker.as_mut().unwrap();
        if flow.came_bytes == 0 && matches!(flow.ask, Ask::AnyOf { .. }) {
            assert!(picker.begun(SourceId(from as u32), lane, run, now));
        }
        picker.heard(SourceId(from as u32), lane, now);
        flow.under_way_bytes -= size_bytes;
        flow.came_bytes += size_bytes;
        while let Some((piece, end)) = self.flows.get(&id).and_then(|flow| flow.next_end(size)) {
            if self.flows[&id].came_bytes < end {
                return self.kick(from);
            }
            self.flows.get_mut(&id).unwrap().came += 1;
            self.piece_came(from, to, lane, piece);
        }
        // It may be gone: the last piece came, or a wrong one.
        self.end(id);
        self.kick(from);
    }

    fn piece_came(&mut self, from: NodeId, to: NodeId, lane: u8, piece: u64) {
        let now = self.instant();
        if self.nodes[from].host.lies {
            self.out.wrong_bytes += PIECE_BYTES;
            return self.shun(to, from);
        }
        let node = &mut self.nodes[to];
        let picker = node.picker.as_mut().unwrap();
        if !picker.came(SourceId(from as u32), lane, piece, now) {
            self.out.duplicate_bytes += PIECE_BYTES;
            return;
        }
        self.spread.insert(piece);
        if node.to_tell.is_none() {
            self.clock.after(self.room.coalesce, Event::Flush(to));
        }
        let pieces = self.room.pieces();
        node.to_tell.get_or_insert_with(|| PieceSet::none(pieces)).insert(piece);
        if picker.is_done() {
            self.done(to);
        } else {
            self.break_off_needless(to);
        }
        if self.room.seeder_vanishes && self.spread.is_all() && self.nodes[0].is_here {
            self.clock.after(std::time::Duration::ZERO, Event::Leave(0));
        }
    }

    /// Only towards the end is anything asked twice.
    fn break_off_needless(&mut self, node: NodeId) {
        let picker = self.nodes[node].picker.as_ref().unwrap();
        let left = self.room.pieces() - picker.have().len();
        if left > self.nodes[node].open.len() as u64 {
            return;
        }
        let is_needless = |(holder, lane): &(NodeId, u8)| picker.is_needless(SourceId(*holder as u32), *lane);
        let mut open: Vec<(NodeId, u8)> = self.nodes[node].open.keys().copied().filter(is_needless).collect();
        open.sort_unstable();
        for key in open {
            // An answer of which all came is about to end by itself.
            let flow = self.nodes[node].open[&key];
            if self.flows[&flow].next_end(self.room.size_bytes).is_some() {
                self.break_off(flow);
            }
        }
    }

    fn done(&mut self, node: NodeId) {
        self.nodes[node].done_at = Some(self.clock.now());
        self.untaken -= 1;
        let mut open: Vec<FlowId> = self.nodes[node].open.values().copied().collect();
        open.sort_unstable();
        self.clock.after(std::time::Duration::ZERO, Event::Flush(node));
        self.index_changed(node);
        open.into_iter().for_each(|flow| self.break_off(flow));
    }

    /// A request is over: the holder's slot and the taker's lane are free.
    pub fn end(&mut self, id: FlowId) {
        let now = self.instant();
        let Some(flow) = self.flows.remove(&id) else { return };
        let (holder, taker) = (flow.from, flow.to);
        self.nodes[taker].open.remove(&(holder, flow.lane));
        if flow.run.is_some() {
            self.nodes[holder].slots_taken -= 1;
            self.answer_next(holder);
        }
        if let Some(picker) = &mut self.nodes[taker].picker {
            picker.ended(SourceId(holder as u32), flow.lane, now);
            self.ask(taker);
        }
    }

    /// The taker ends it before it came whole.
    pub fn break_off(&mut self, id: FlowId) {
        let Some(flow) = self.flows.get(&id) else { return };
        let from = flow.from;
        if let (Some(run), Some((piece, _))) = (&flow.run, flow.next_end(self.room.size_bytes)) {
            self.nodes[from].handouts.gave_up(self.library.content, piece..=*run.end());
        }
        self.nodes[from].link.turns.retain(|turn| *turn != id);
        self.end(id);
    }

    fn answer_next(&mut self, holder: NodeId) {
        while self.nodes[holder].slots_taken < self.room.slots {
            let Some(next) = self.nodes[holder].waiting.pop_front() else { return };
            if self.flows.contains_key(&next) {
                self.answer(next);
            }
        }
    }

    /// A node will not ask that holder again.
    pub fn shun(&mut self, node: NodeId, holder: NodeId) {
        let now = self.instant();
        self.nodes[node].partners.remove(&holder);
        self.nodes[node].shunned.insert(holder);
        // First, so that no lane is used again.
        if let Some(picker) = &mut self.nodes[node].picker {
            picker.drop_source(SourceId(holder as u32), now);
        }
        for lane in 0..self.room.lanes {
            if let Some(flow) = self.nodes[node].open.get(&(holder, lane)).copied() {
                self.break_off(flow);
            }
        }
        self.ask(node);
    }

    /// What came since the last time, to all that listen.
    pub fn flush(&mut self, node: NodeId) {
        let Some(pieces) = self.nodes[node].to_tell.take().map(Rc::new) else { return };
        let size_bytes = pieces.to_string().len() as u64 + FEED_FRAME_BYTES;
        let mut listeners = std::mem::take(&mut self.nodes[node].listeners);
        listeners.retain(|listener| self.nodes[*listener].is_here && self.nodes[*listener].done_at.is_none());
        if !self.nodes[node].is_here {
            return;
        }
        for to in listeners.iter().copied() {
            self.out.feed_bytes += size_bytes;
            let at = self.small(node, to, size_bytes);
            self.clock.at(at, Event::Told { by: node, to, pieces: pieces.clone() });
        }
        self.nodes[node].listeners = listeners;
    }

    pub fn told(&mut self, by: NodeId, to: NodeId, pieces: &PieceSet) {
        let now = self.instant();
        let node = &mut self.nodes[to];
        let Some(picker) = node.picker.as_mut().filter(|_| !node.shunned.contains(&by) && node.is_here) else { return };
        if node.partners.insert(by) {
            picker.add_source(SourceId(by as u32), Holds::Some(pieces.clone()), now);
        } else {
            picker.holds_more(SourceId(by as u32), pieces);
        }
        self.ask(to);
    }
}
