//! What discovery did, counted for the operator, and noted by interface for whoever wonders why
//! nobody is seen.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::neighbours::Event;

/// Interfaces of which notes are kept; they come and go with containers.
const LINKS_MAX: usize = 64;

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Stats {
    heard: AtomicU64,
    bad: AtomicU64,
    elsewhere: AtomicU64,
    sent: AtomicU64,
    unsent: AtomicU64,
    notes: Mutex<Notes>,
}

/// What is known beyond numbers.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// By the name of the interface; empty for what went to hosts that were named.
    pub links: BTreeMap<Arc<str>, Link>,
    /// The last source of a datagram from outside the segment.
    pub elsewhere: Option<IpAddr>,
    /// Another host announces with our uuid.
    pub is_copied: bool,
    /// Another node announces from this host.
    pub has_sister: bool,
}

/// What was sent and heard by one interface.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// Broadcasts by IPv4.
    pub v4: Sending,
    /// To `ff02::1` by IPv6.
    pub v6: Sending,
    /// When an announcement of our own came back: what is sent arrives at this host at least.
    pub own_heard: Option<Instant>,
    /// Announcements of others.
    pub others_heard: u64,
}

/// How sending goes.
#[derive(Clone, Debug, Default)]
pub struct Sending {
    /// How often it went well.
    pub times: u64,
    /// When it went well last.
    pub last: Option<Instant>,
    /// Why it did not go well the last time; none if it did.
    pub error: Option<Box<str>>,
}

impl Link {
    fn of_family(&mut self, is_ipv4: bool) -> &mut Sending {
        if is_ipv4 { &mut self.v4 } else { &mut self.v6 }
    }
}

impl Stats {
    /// An announcement came in by that interface.
    pub(super) fn note_heard(&self, event: Event, interface: Option<&Arc<str>>, now: Instant) {
        let is_ours = event == Event::Ourselves;
        if !is_ours {
            self.heard.fetch_add(1, Ordering::Relaxed);
        }
        let mut notes = self.lock();
        match event {
            Event::OurUuidElsewhere => notes.is_copied = true,
            Event::Impostor => notes.has_sister = true,
            _ => {}
        }
        if let Some(link) = interface.and_then(|name| notes.link(name)) {
            match event {
                Event::Ourselves => link.own_heard = Some(now),
                Event::Impostor => {}
                _ => link.others_heard = link.others_heard.saturating_add(1),
            }
        }
    }

    pub(super) fn note_bad(&self) {
        self.bad.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_elsewhere(&self, source: IpAddr) {
        self.elsewhere.fetch_add(1, Ordering::Relaxed);
        self.lock().elsewhere = Some(source);
    }

    /// An announcement was sent by that interface, or to a host that was named, or was not.
    pub(super) fn note_sent(&self, interface: Option<&Arc<str>>, to: IpAddr, sent: &io::Result<()>, now: Instant) {
        if sent.is_ok() { &self.sent } else { &self.unsent }.fetch_add(1, Ordering::Relaxed);
        let mut notes = self.lock();
        let named: Arc<str> = "".into();
        let Some(link) = notes.link(interface.unwrap_or(&named)) else { return };
        let sending = link.of_family(to.is_ipv4());
        match sent {
            Ok(()) => {
                sending.times = sending.times.saturating_add(1);
                (sending.last, sending.error) = (Some(now), None);
            }
            Err(error) => sending.error = Some(error.to_string().into()),
        }
    }

    /// Announcements taken in.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Datagrams that were none.
    #[must_use]
    pub fn bad(&self) -> u64 {
        self.bad.load(Ordering::Relaxed)
    }

    /// Datagrams from outside the segment.
    #[must_use]
    pub fn elsewhere(&self) -> u64 {
        self.elsewhere.load(Ordering::Relaxed)
    }

    /// Announcements sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Announcements the system would not send.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.unsent.load(Ordering::Relaxed)
    }

    /// A copy of what was noted.
    #[must_use]
    pub fn notes(&self) -> Notes {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    /// The notes of an interface; none where there are those of too many already.
    fn link(&mut self, name: &Arc<str>) -> Option<&mut Link> {
        if self.links.len() >= LINKS_MAX && !self.links.contains_key(name) {
            return None;
        }
        Some(self.links.entry(name.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_interface_has_notes_of_its_own() {
        let (stats, now) = (Stats::default(), Instant::now());
        let eth0: Arc<str> = "eth0".into();
        let (v4, v6): (IpAddr, IpAddr) = ("10.0.0.255".parse().unwrap(), "ff02::1".parse().unwrap());
        stats.note_sent(Some(&eth0), v4, &Ok(()), now);
        stats.note_sent(Some(&eth0), v6, &Err(io::Error::other("no route")), now);
        stats.note_sent(None, v4, &Ok(()), now);
        stats.note_heard(Event::Ourselves, Some(&eth0), now);
        stats.note_heard(Event::New, Some(&eth0), now);
        stats.note_heard(Event::OurUuidElsewhere, None, now);
        stats.note_elsewhere(v4);
        let notes = stats.notes();
        let link = &notes.links["eth0"];
        assert_eq!((link.v4.times, link.v4.last, link.v4.error.as_deref()), (1, Some(now), None));
        assert_eq!((link.v6.times, link.v6.error.as_deref()), (0, Some("no route")));
        assert_eq!((link.own_heard, link.others_heard), (Some(now), 1));
        assert_eq!((notes.links[""].v4.times, notes.is_copied, notes.has_sister), (1, true, false));
        assert_eq!((stats.sent(), stats.unsent(), stats.heard(), notes.elsewhere), (2, 1, 2, Some(v4)));
        stats.note_sent(Some(&eth0), v6, &Ok(()), now);
        assert_eq!(stats.notes().links["eth0"].v6.error, None, "it goes well again");
    }

    #[test]
    fn interfaces_that_come_and_go_take_bounded_memory() {
        let stats = Stats::default();
        for number in 0..2 * LINKS_MAX {
            let name: Arc<str> = format!("veth{number}").into();
            stats.note_heard(Event::Unchanged, Some(&name), Instant::now());
        }
        assert_eq!(stats.notes().links.len(), LINKS_MAX);
    }
}
