//! The announcer: says that we are here, at intervals and at once when something changed
//! (`docs/PROTOCOL.md`, sections 1 and 2).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use uuid::Uuid;

use super::interfaces::{Interface, Interfaces};
use super::segment::Segment;
use super::socket::{ALL_NODES, DatagramSocket};
use super::stats::Stats;
use crate::loot::{Loot, Snapshot};
use crate::neighbours::Neighbourhood;
use crate::wire::{Announcement, IndexHmac, IndexKey, NodeName};

/// A changed index is announced at most so often.
const CHANGE_PAUSE: Duration = Duration::from_secs(1);
/// Interfaces that appear are noticed, and announced on, within this.
const INTERFACES_LOOK: Duration = Duration::from_secs(2);
/// New neighbours at one address are answered at most so often: a forged source gains nothing.
const ANSWER_PAUSE: Duration = Duration::from_secs(10);
/// Answers that wait; a flood's are dropped.
const ANSWERS_MAX: usize = 64;
/// Addresses answered lately that are remembered.
const ANSWERED_MAX: usize = 1_024;

/// By which socket and to whom we announce.
#[derive(Debug)]
pub struct Announcer {
    /// What it sends by: one socket for each address the node is bound to, or one a family.
    pub senders: Vec<Sender>,
    /// Our port.
    pub port: u16,
    /// Time between two rounds, before jitter.
    pub interval: Duration,
    /// Instead of the interfaces' own broadcast addresses.
    pub announce_to: Vec<SocketAddr>,
    /// Besides them.
    pub named: Vec<SocketAddr>,
    /// Which interfaces we use.
    pub segment: Arc<Segment>,
    /// The interfaces.
    pub interfaces: Interfaces,
    /// What we call ourselves.
    pub name: NodeName,
    /// Who we are.
    pub uuid: Uuid,
    /// What we offer.
    pub loot: Loot,
    /// Who wants the other HMAC.
    pub neighbourhood: Neighbourhood,
    /// What was sent.
    pub stats: Arc<Stats>,
}

/// A socket to send by.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The address it is bound to; unspecified for all.
    pub ip: IpAddr,
    /// The socket.
    pub socket: Arc<DatagramSocket>,
}

/// Asks the announcer to answer new neighbours; never blocks.
#[derive(Clone, Debug)]
pub struct Answers(mpsc::Sender<SocketAddr>);

impl Answers {
    /// Answer this one by unicast, if there is room for the wish.
    pub fn answer(&self, service: SocketAddr) {
        let _ = self.0.try_send(service);
    }
}

/// The queue of answers, and the end that fills it.
#[must_use]
pub fn answers() -> (Answers, mpsc::Receiver<SocketAddr>) {
    let (sender, receiver) = mpsc::channel(ANSWERS_MAX);
    (Answers(sender), receiver)
}

impl Announcer {
    /// Announces until the task is dropped: tick, change, or answer.
    pub async fn run(self, mut wishes: mpsc::Receiver<SocketAddr>) {
        let mut snapshots = self.loot.subscribe();
        let mut answered: HashMap<IpAddr, Instant> = HashMap::new();
        let mut last_round: Option<Instant> = None;
        let mut next_tick = Instant::now();
        let mut changed = false;
        let mut look = tokio::time::interval(INTERFACES_LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut interfaces = self.interfaces.current();
        loop {
            let change_due = changed.then(|| last_round.map_or_else(Instant::now, |last| last + CHANGE_PAUSE));
            let wake = change_due.map_or(next_tick, |due| due.min(next_tick));
            tokio::select! {
                () = tokio::time::sleep_until(wake.into()) => {
                    let snapshot = snapshots.borrow_and_update().clone();
                    changed = false;
                    next_tick = Instant::now() + self.jittered_interval();
                    if snapshot.announceable {
                        self.round(&snapshot);
                        last_round = Some(Instant::now());
                    }
                }
                Ok(()) = snapshots.changed() => changed = true,
                _ = look.tick() => {
                    let now = self.interfaces.current();
                    changed |= now != interfaces;
                    interfaces = now;
                }
                Some(service) = wishes.recv() => {
                    if may_answer(&mut answered, service.ip()) {
                        self.tell(&snapshots.borrow().clone(), service, |snapshot| Some(snapshot.hmac));
                    }
                }
            }
        }
    }

    /// Between 85 % and 115 % of the interval: Forban misses what falls into the second of its
    /// own check, time after time if the periods agree.
    fn jittered_interval(&self) -> Duration {
        let mut byte = [0_u8; 1];
        let _ = getrandom::fill(&mut byte);
        let share = 0.85 + f64::from(byte.first().copied().unwrap_or(128)) / 255.0 * 0.3;
        self.interval.mul_f64(share)
    }

    /// One round: IPv4 first (an IPv6 one first makes goforban miss two rounds), then IPv6, then
    /// the named ones, then the other HMAC to those who know no better.
    fn round(&self, snapshot: &Snapshot) {
        let interfaces = self.interfaces.current();
        let used = || interfaces.iter().filter(|i| self.segment.uses(i));
        if self.announce_to.is_empty() {
            let any_bound = !self.segment.bound.is_empty();
            for interface in used().filter(|i| !i.is_loopback || any_bound) {
                for (own, to) in interface.broadcasts() {
                    let to = SocketAddr::new(self.broadcast_of(to).into(), self.port);
                    self.send(snapshot.hmac, to, Some(interface), Some(own));
                }
            }
            for interface in used().filter(|i| !i.is_loopback && !i.v6.is_empty()) {
                let to = SocketAddrV6::new(ALL_NODES, self.port, 0, interface.index).into();
                if let Some(sender) = self.sender(to, Some(interface)) {
                    sender.socket.join_all_nodes(interface.index);
                }
                self.send(snapshot.hmac, to, Some(interface), None);
            }
        }
        for to in self.announce_to.iter().chain(&self.named) {
            self.send(snapshot.hmac, *to, None, None);
        }
        let present = self.neighbourhood.present(Instant::now());
        // Only where an index was read: a forged source gains nothing.
        let is_named = |service: &SocketAddr| self.named.iter().any(|named| named.ip() == service.ip());
        let beyond = present.iter().filter(|n| n.known.is_some() && n.is_beyond_broadcasts(Instant::now()));
        for address in beyond.flat_map(|n| n.addresses()).filter(|a| a.proven.is_some() && !is_named(&a.service)) {
            self.tell(snapshot, address.service, |snapshot| Some(snapshot.hmac));
        }
        // Forban nodes verify with `forban`: they hear the broadcast and this, and keep the later,
        // so they stop fetching our index every round. goforban checks no HMAC: not to it.
        let practised =
            |n: &crate::neighbours::Neighbour| n.verified_by() == Some(&IndexKey::Practised) && !n.is_goforban();
        for neighbour in present.iter().filter(|n| practised(n)) {
            for address in neighbour.addresses() {
                self.tell(snapshot, address.service, Snapshot::hmac_practised);
            }
        }
    }

    /// The socket for a destination: the one bound to an address of the interface, or of the link
    /// that the destination is on, or else the first of its family.
    fn sender(&self, to: SocketAddr, interface: Option<&Interface>) -> Option<&Sender> {
        let of_family = || self.senders.iter().filter(|s| s.ip.is_ipv4() == to.is_ipv4());
        let interfaces = self.interfaces.current();
        let near = interface.or_else(|| interfaces.iter().find(|i| i.has_on_link(to.ip())));
        let on_it = |s: &&Sender| near.is_some_and(|i| i.is_own(s.ip) || (i.is_loopback && s.ip.is_loopback()));
        of_family().find(on_it).or_else(|| of_family().next())
    }

    /// The loopback interface has no broadcast address of its own.
    fn broadcast_of(&self, of_interface: Ipv4Addr) -> Ipv4Addr {
        let on_loopback = self.segment.bound.iter().any(|ip| ip.is_ipv4() && ip.is_loopback());
        if on_loopback { Ipv4Addr::new(127, 255, 255, 255) } else { of_interface }
    }

    fn tell(&self, snapshot: &Snapshot, service: SocketAddr, hmac: impl Fn(&Snapshot) -> Option<IndexHmac>) {
        if let Some(hmac) = hmac(snapshot).filter(|_| snapshot.announceable) {
            self.send(hmac, service, None, None);
        }
    }

    /// One failing destination never stops the others. `own`: our address on that interface.
    fn send(&self, hmac: IndexHmac, to: SocketAddr, interface: Option<&Interface>, own: Option<Ipv4Addr>) {
        let Some(sender) = self.sender(to, interface) else { return };
        let from = match sender.ip {
            IpAddr::V4(bound) if !bound.is_unspecified() => Some(bound),
            _ => own,
        };
        let datagram = Announcement::emit(&self.name, self.uuid, hmac);
        let by = interface.and_then(|interface| Some((interface.index, from?)));
        let sent = sender.socket.send(datagram.as_bytes(), to, by);
        self.stats.note_sent(interface.map(|interface| &interface.name), to.ip(), &sent, Instant::now());
        if let Err(error) = sent {
            tracing::debug!(%to, %error, "an announcement was not sent");
        }
    }
}

fn may_answer(answered: &mut HashMap<IpAddr, Instant>, ip: IpAddr) -> bool {
    let now = Instant::now();
    if answered.get(&ip).is_some_and(|at| now.saturating_duration_since(*at) < ANSWER_PAUSE) {
        return false;
    }
    if answered.len() >= ANSWERED_MAX {
        answered.retain(|_, at| now.saturating_duration_since(*at) < ANSWER_PAUSE);
    }
    let room = answered.len() < ANSWERED_MAX;
    if room {
        answered.insert(ip, now);
    }
    room
}
