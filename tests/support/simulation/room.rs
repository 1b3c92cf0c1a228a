//! What a room is like, and what came of it.

use std::time::Duration;

use boucan::wire::pieces::piece_count;

/// A room of nodes that all want one file of the first.
#[derive(Clone, Debug)]
pub struct Room {
    /// The first is the seeder.
    pub hosts: Vec<Host>,
    pub size_bytes: u64,
    /// From any host to any other.
    pub latency: Duration,
    /// What is told on a feed is gathered for so long.
    pub coalesce: Duration,
    /// Answers that a node sends at once; further requests wait in order.
    pub slots: usize,
    /// Requests that a taker has open at one holder.
    pub lanes: u8,
    /// Holders of which a taker asks.
    pub partners: usize,
    /// What a link sends before the next answer has its turn.
    pub quantum_bytes: u64,
    /// What of one answer may be under way.
    pub window_bytes: u64,
    /// Files that every node shares beside, which its index and manifest tell.
    pub library: usize,
    /// A taker reads the list of the pieces of any holder, not of the seeder alone.
    pub lists_from_takers: bool,
    /// The seeder is gone as soon as every piece came somewhere.
    pub seeder_vanishes: bool,
    /// So many of the hosts leave in a minute, and as many come.
    pub churn_a_minute: f64,
    pub seed: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct Host {
    pub up_mbit: f64,
    pub down_mbit: f64,
    /// It has all when the room begins, and sends wrong bytes.
    pub lies: bool,
}

impl Host {
    pub fn even(mbit: f64) -> Self {
        Self { up_mbit: mbit, down_mbit: mbit, lies: false }
    }
}

impl Room {
    /// A seeder and so many that want its file, on equal links.
    pub fn even(takers: usize, mbit: f64, size_bytes: u64) -> Self {
        Self::of(vec![Host::even(mbit); takers + 1], size_bytes)
    }

    pub fn of(hosts: Vec<Host>, size_bytes: u64) -> Self {
        Self {
            hosts,
            size_bytes,
            latency: Duration::from_millis(1),
            coalesce: Duration::from_millis(30),
            slots: 8,
            lanes: 2,
            partners: 32,
            quantum_bytes: 16 * 1024,
            window_bytes: 128 * 1024,
            library: 100,
            lists_from_takers: false,
            seeder_vanishes: false,
            churn_a_minute: 0.0,
            seed: 7,
        }
    }

    pub fn pieces(&self) -> u64 {
        piece_count(self.size_bytes).unwrap()
    }

    /// No room can be done sooner: the seeder has to send it once, every taker has to take it, and
    /// all that is taken has to be sent by somebody. Seconds.
    pub fn bound(&self) -> f64 {
        let megabits = self.size_bytes as f64 * 8.0 / 1e6;
        let honest = || self.hosts.iter().filter(|host| !host.lies);
        let takers = honest().count() as f64 - 1.0;
        let up: f64 = honest().map(|host| host.up_mbit).sum();
        let slowest_down = honest().skip(1).map(|host| host.down_mbit).fold(f64::MAX, f64::min);
        (megabits / self.hosts[0].up_mbit).max(megabits / slowest_down).max(megabits * takers / up)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Of each taker that stayed, how long it took from when it could hear of the file.
    pub seconds: Vec<f64>,
    /// Of each that came later.
    pub seconds_of_joiners: Vec<f64>,
    /// Takers that stayed and do not have it.
    pub without: usize,
    /// Pieces that the seeder sent, as bytes.
    pub seeder_bytes: u64,
    /// Pieces that were there already when they came.
    pub duplicate_bytes: u64,
    /// Pieces that were not what they should be.
    pub wrong_bytes: u64,
    /// Announcements, indexes and manifests that were sent.
    pub index_bytes: u64,
    /// What was told on feeds.
    pub feed_bytes: u64,
    /// Requests for pieces.
    pub requests: u64,
    pub left: usize,
    pub nodes: usize,
}

impl Outcome {
    /// Until the last has it.
    pub fn last(&self) -> f64 {
        self.seconds.iter().copied().fold(0.0, f64::max)
    }

    pub fn median(&self) -> f64 {
        median(&self.seconds)
    }

    /// The part of all that was taken twice.
    pub fn duplicates(&self, room: &Room) -> f64 {
        self.duplicate_bytes as f64 / (room.size_bytes as f64 * self.seconds.len().max(1) as f64)
    }

    pub fn seeder_copies(&self, room: &Room) -> f64 {
        self.seeder_bytes as f64 / room.size_bytes as f64
    }
}

pub fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
