//! Links: each sends a quantum of each of its answers in turn, as far as their windows allow, and
//! the receiving link delivers what arrives in order.

use super::clock::Nanos;
use super::world::{Event, FlowId, NodeId, World};

impl World<'_> {
    /// An answer begins, or may go on.
    pub fn kick(&mut self, node: NodeId) {
        let (quantum, window) = (self.room.quantum_bytes, self.room.window_bytes);
        let link = &mut self.nodes[node].link;
        if link.sending.is_some() {
            return;
        }
        for _ in 0..link.turns.len() {
            let id = link.turns.pop_front().unwrap();
            let Some(flow) = self.flows.get_mut(&id) else { continue };
            let size_bytes = quantum.min(flow.unsent_bytes);
            if flow.under_way_bytes + size_bytes > window {
                link.turns.push_back(id);
                continue;
            }
            flow.unsent_bytes -= size_bytes;
            flow.under_way_bytes += size_bytes;
            if flow.unsent_bytes > 0 {
                link.turns.push_back(id);
            }
            link.sending = Some((id, size_bytes));
            let begin = self.clock.now().max(link.small_until);
            let end = begin + nanos(size_bytes, self.nodes[node].host.up_mbit);
            return self.clock.at(end, Event::Sent(node));
        }
    }

    pub fn sent(&mut self, node: NodeId) {
        let Some((flow, size_bytes)) = self.nodes[node].link.sending.take() else { return };
        if let Some(to) = self.flows.get(&flow).map(|flow| flow.to).filter(|_| self.nodes[node].is_here) {
            if node == 0 {
                self.out.seeder_bytes += size_bytes;
            }
            let at = self.arrive(to, size_bytes, self.clock.now());
            self.clock.at(at, Event::Came { flow, size_bytes });
        }
        self.kick(node);
    }

    /// Something small, which goes before the answers with pieces: when it is there.
    pub fn small(&mut self, from: NodeId, to: NodeId, size_bytes: u64) -> Nanos {
        let up_mbit = self.nodes[from].host.up_mbit;
        let link = &mut self.nodes[from].link;
        link.small_until = link.small_until.max(self.clock.now()) + nanos(size_bytes, up_mbit);
        let sent = link.small_until;
        self.arrive(to, size_bytes, sent)
    }

    fn arrive(&mut self, to: NodeId, size_bytes: u64, sent: Nanos) -> Nanos {
        let at = sent + self.room.latency.as_nanos() as Nanos;
        let down_mbit = self.nodes[to].host.down_mbit;
        let link = &mut self.nodes[to].link;
        link.down_until = link.down_until.max(at) + nanos(size_bytes, down_mbit);
        link.down_until
    }

    pub fn begin_to_send(&mut self, flow: FlowId) {
        let from = self.flows[&flow].from;
        self.nodes[from].link.turns.push_back(flow);
        self.kick(from);
    }
}

fn nanos(size_bytes: u64, mbit: f64) -> Nanos {
    (size_bytes as f64 * 8e3 / mbit) as Nanos
}
