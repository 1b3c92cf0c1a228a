//! Whose turn it is to be sent pieces. Only counts and order; the [slots](Slot) are given by
//! [`Uploads`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Slot, Uploads};

/// Answers that leave at once …
pub(super) const SLOTS: usize = 8;
/// … and of these, to one host.
pub(super) const SLOTS_PER_HOST: usize = 2;
/// Requests of one host that wait; others are refused.
pub(super) const WAITING_PER_HOST: usize = 16;
/// Hosts whose turns are remembered.
const HOSTS_MAX: usize = 1_024;
/// An answer of which the client took nothing for so long does not count any more: a few that do
/// not read would make everybody wait. Eight that share a link of 10 Mbit/s take each 256 KiB within
/// this.
pub(super) const STALLED: Duration = Duration::from_secs(2);

/// Who waits, and who is next: the host that was given least since it came.
#[derive(Debug, Default)]
pub(super) struct Turns {
    hosts: HashMap<IpAddr, Host>,
    waiting: Vec<Waiting>,
    /// The answers that leave, by their places.
    held: HashMap<u64, Held>,
    places: u64,
    /// The turn of the last one who was let in: who comes anew begins here.
    turn: u64,
}

#[derive(Debug, Default)]
struct Host {
    /// Counted in bytes given.
    turn: u64,
    slots: usize,
}

#[derive(Debug)]
struct Held {
    host: IpAddr,
    /// Since when it is the client's to take something; none while our disk or limit is waited for.
    offered: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    host: IpAddr,
    bytes: u64,
    wake: oneshot::Sender<Slot>,
}

impl Turns {
    /// Queues a request for so many bytes; none when very many of that host wait, or too many hosts
    /// are known.
    pub(super) fn wait(&mut self, host: IpAddr, bytes: u64) -> Option<oneshot::Receiver<Slot>> {
        self.waiting.retain(|waiting| !waiting.wake.is_closed());
        let of_host = self.waiting.iter().filter(|waiting| waiting.host == host).count();
        if of_host >= WAITING_PER_HOST || !self.know(host) {
            return None;
        }
        let (wake, woken) = oneshot::channel();
        self.waiting.push(Waiting { host, bytes, wake });
        Some(woken)
    }

    /// Remembers a host; false when there are too many.
    fn know(&mut self, host: IpAddr) -> bool {
        if self.hosts.len() >= HOSTS_MAX && !self.hosts.contains_key(&host) {
            let turn = self.turn;
            let waits: Vec<IpAddr> = self.waiting.iter().map(|waiting| waiting.host).collect();
            self.hosts.retain(|host, known| known.slots > 0 || known.turn > turn || waits.contains(host));
        }
        if self.hosts.len() >= HOSTS_MAX && !self.hosts.contains_key(&host) {
            return false;
        }
        let turn = self.turn;
        // Who asked nothing for a while saved nothing up.
        let known = self.hosts.entry(host).or_default();
        known.turn = known.turn.max(turn);
        true
    }

    /// Lets in whose turn it is, while there are slots.
    pub(super) fn let_in(&mut self, uploads: &Uploads, now: Instant) {
        self.waiting.retain(|waiting| !waiting.wake.is_closed());
        self.expire(now);
        while self.held.len() < SLOTS {
            let able = self.waiting.iter().enumerate().filter_map(|(at, waiting)| {
                let host = self.hosts.get(&waiting.host)?;
                (host.slots < SLOTS_PER_HOST).then_some((host.turn, at))
            });
            let Some((turn, at)) = able.min() else { return };
            let Waiting { host, bytes, wake } = self.waiting.remove(at);
            let Some(known) = self.hosts.get_mut(&host) else { continue };
            self.turn = self.turn.max(turn);
            known.turn = known.turn.saturating_add(bytes);
            known.slots = known.slots.saturating_add(1);
            let place = self.places;
            self.places = place.wrapping_add(1);
            self.held.insert(place, Held { host, offered: Some(now) });
            if let Err(mut slot) = wake.send(Slot { uploads: uploads.clone(), place: Some(place) }) {
                // It went away in this moment. Its slot is given back here: the lock is ours.
                slot.place = None;
                self.give_back(place);
            }
        }
    }

    /// The client of that answer took something, and is to take more from then on.
    pub(super) fn offer(&mut self, place: u64, offered: Option<Instant>) {
        if let Some(held) = self.held.get_mut(&place) {
            held.offered = offered;
        }
    }

    /// That answer is over, or does not count any more.
    pub(super) fn give_back(&mut self, place: u64) {
        let Some(held) = self.held.remove(&place) else { return };
        if let Some(known) = self.hosts.get_mut(&held.host) {
            known.slots = known.slots.saturating_sub(1);
        }
    }

    fn expire(&mut self, now: Instant) {
        let is_stalled =
            |held: &Held| held.offered.is_some_and(|since| now.saturating_duration_since(since) >= STALLED);
        let stalled: Vec<u64> =
            self.held.iter().filter(|(_, held)| is_stalled(held)).map(|(place, _)| *place).collect();
        stalled.into_iter().for_each(|place| self.give_back(place));
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }
}
