//! Why nobody is seen: what was tried on which interface, and the likely causes, each with a way to
//! check it. [`Facts`] are gathered; the [`Cause`]s follow from them alone.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::interfaces::{Interface, Interfaces};
use super::links::{self, LinkKind};
use super::segment::Segment;
use super::stats::{Link, Sending, Stats};

/// The port that Forban nodes share.
const USUAL_PORT: u16 = 12555;
/// After so many announcements one of them should have come back.
const TRIES_MIN: u64 = 2;

/// What is known of discovery now.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Our port.
    pub port: u16,
    /// Interfaces that are up.
    pub links: Vec<LinkFacts>,
    /// How announcing to hosts that were named goes, by IPv4 and IPv6.
    pub named: [Announced; 2],
    /// Interfaces of cables and radio that are not.
    pub not_up: Vec<String>,
    /// Interfaces that the operator chose and that are not there.
    pub absent: Vec<String>,
    /// The operator bound the node to addresses, and all of them are this machine's own.
    pub is_bound_to_loopback: bool,
    /// The interface by which everything else goes.
    pub default_route: Option<String>,
    /// Neighbours that are present.
    pub neighbours: usize,
    /// Announcements of others since the start.
    pub heard: u64,
    /// Datagrams that were no announcements.
    pub bad: u64,
    /// Datagrams from outside the local network …
    pub elsewhere: u64,
    /// … and where the last of them came from.
    pub elsewhere_from: Option<IpAddr>,
    /// Another host announces with our uuid.
    pub is_copied: bool,
    /// Another node announces from this machine.
    pub has_sister: bool,
}

/// One interface that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    /// `eth0`.
    pub name: Arc<str>,
    /// What it is.
    pub kind: LinkKind,
    /// Its addresses with the lengths of their prefixes, IPv4 first.
    pub addresses: Vec<(IpAddr, u8)>,
    /// Whether the node announces there.
    pub is_used: bool,
    /// How announcing by IPv4 goes.
    pub v4: Announced,
    /// And by IPv6.
    pub v6: Announced,
    /// An announcement of ours came back.
    pub own_heard: bool,
    /// Announcements of others heard there.
    pub others_heard: u64,
}

/// How announcing goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// How often it went well.
    pub times: u64,
    /// How long ago the last time was.
    pub ago: Option<Duration>,
    /// Why it failed the last time.
    pub error: Option<Box<str>>,
}

/// A likely cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No interface but loopback is up.
    NoInterface,
    /// The node is bound to a loopback address.
    OnlyThisMachine,
    /// The interface that was chosen is not there.
    Absent(String),
    /// Another host has a copy of our state folder.
    CopiedState,
    /// The system does not send.
    NotSent {
        /// By which interface.
        interface: Arc<str>,
        /// What it says.
        error: Box<str>,
    },
    /// The interface has an address that it gave itself: nobody gives out addresses.
    NoAddressGiven(Arc<str>),
    /// What we send does not even come back to us.
    FirewallHere(u16),
    /// A host that is not on the link is heard.
    OtherNetwork(IpAddr),
    /// Something else talks on our port.
    OtherProgram(u16),
    /// A VPN is up.
    Tunnel(String),
    /// Wi-Fi may keep its clients apart.
    WifiApart(Arc<str>),
    /// A firewall of the others, or none of them in the same network.
    FirewallThere(u16),
    /// Others use the usual port.
    UnusualPort(u16),
    /// Another node runs on this machine; it is not shown to itself.
    Sister,
    /// Who was heard is gone.
    AllLeft,
    /// Nobody else runs a node.
    Nobody,
}

impl Facts {
    /// Looks at the system and at what was noted. Reads a few small files of the system.
    #[must_use]
    pub fn gather(
        interfaces: &Interfaces,
        segment: &Segment,
        stats: &Stats,
        port: u16,
        neighbours: usize,
        now: Instant,
    ) -> Self {
        let (interfaces, mut notes) = (interfaces.current(), stats.notes());
        let mut link = |interface: &Interface| {
            let noted = notes.links.remove(&interface.name).unwrap_or_default();
            LinkFacts::new(interface, links::kind(&interface.name), segment, noted, now)
        };
        let links: Vec<LinkFacts> = interfaces.iter().map(&mut link).collect();
        let named = notes.links.remove("").unwrap_or_default();
        let is_there = |name: &str| interfaces.iter().any(|interface| *interface.name == *name);
        Self {
            port,
            links,
            named: [named.v4, named.v6].map(|sending| Announced::new(sending, now)),
            not_up: links::not_up(is_there),
            absent: segment.only.iter().filter(|name| !is_there(name)).cloned().collect(),
            is_bound_to_loopback: !segment.bound.is_empty() && segment.bound.iter().all(IpAddr::is_loopback),
            default_route: links::default_route(),
            neighbours,
            heard: stats.heard(),
            bad: stats.bad(),
            elsewhere: stats.elsewhere(),
            elsewhere_from: notes.elsewhere,
            is_copied: notes.is_copied,
            has_sister: notes.has_sister,
        }
    }

    /// The likely causes why nobody is seen, the likeliest first. While somebody is, only what is
    /// wrong all the same.
    #[must_use]
    pub fn causes(&self) -> Vec<Cause> {
        let mut causes = self.certain();
        if self.neighbours > 0 {
            return causes;
        }
        causes.extend(self.has_sister.then_some(Cause::Sister));
        causes.extend(self.elsewhere_from.filter(|_| self.elsewhere > 0).map(Cause::OtherNetwork));
        if self.heard > 0 {
            causes.push(Cause::AllLeft);
            return causes;
        }
        if self.near().next().is_some() {
            causes.extend(self.possible());
        }
        causes.push(Cause::Nobody);
        causes
    }

    /// What is known to be wrong.
    fn certain(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        let is_alone = self.neighbours == 0;
        causes.extend((is_alone && self.is_bound_to_loopback).then_some(Cause::OnlyThisMachine));
        causes.extend(self.absent.iter().cloned().map(Cause::Absent));
        let has_any = self.used().any(|link| link.kind != LinkKind::Virtual);
        causes.extend((is_alone && !has_any && causes.is_empty()).then_some(Cause::NoInterface));
        causes.extend(self.is_copied.then_some(Cause::CopiedState));
        causes.extend(self.near().filter_map(LinkFacts::not_sent));
        causes
            .extend(self.near().filter(|l| l.gave_itself_an_address()).map(|l| Cause::NoAddressGiven(l.name.clone())));
        causes
    }

    /// What may be, while nothing at all is heard.
    fn possible(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        let was_tried = self.near().any(|link| link.v4.times >= TRIES_MIN);
        let came_back = self.links.iter().any(|link| link.own_heard);
        causes.extend((was_tried && !came_back).then_some(Cause::FirewallHere(self.port)));
        causes.extend((self.bad > 0).then_some(Cause::OtherProgram(self.port)));
        causes.extend((self.port != USUAL_PORT).then_some(Cause::UnusualPort(self.port)));
        causes.extend(self.tunnel().map(Cause::Tunnel));
        let wifi = self.near().find(|link| link.kind == LinkKind::Wifi);
        causes.extend(wifi.map(|link| Cause::WifiApart(link.name.clone())));
        causes.push(Cause::FirewallThere(self.port));
        causes
    }

    /// Interfaces on which the node announces.
    fn used(&self) -> impl Iterator<Item = &LinkFacts> {
        self.links.iter().filter(|link| link.is_used && link.kind != LinkKind::Loopback)
    }

    /// Those of them on which others may be.
    fn near(&self) -> impl Iterator<Item = &LinkFacts> {
        self.used().filter(|link| matches!(link.kind, LinkKind::Wire | LinkKind::Wifi))
    }

    /// The VPN that is up: first the one by which everything goes.
    fn tunnel(&self) -> Option<String> {
        let mut tunnels = self.links.iter().filter(|link| link.kind == LinkKind::Tunnel).map(|link| &*link.name);
        let by_default = tunnels.clone().find(|name| self.default_route.as_deref() == Some(*name));
        by_default.or_else(|| tunnels.next()).map(str::to_owned)
    }
}

impl Announced {
    fn new(sending: Sending, now: Instant) -> Self {
        let ago = sending.last.map(|last| now.saturating_duration_since(last));
        Self { times: sending.times, ago, error: sending.error }
    }
}

impl LinkFacts {
    fn new(interface: &Interface, kind: LinkKind, segment: &Segment, noted: Link, now: Instant) -> Self {
        let v4 = interface.v4.iter().map(|own| (IpAddr::V4(own.ip), own.prefix));
        let v6 = interface.v6.iter().map(|(ip, prefix)| (IpAddr::V6(*ip), *prefix));
        Self {
            name: interface.name.clone(),
            kind: if interface.is_loopback { LinkKind::Loopback } else { kind },
            addresses: v4.chain(v6).collect(),
            is_used: segment.uses(interface) && (!interface.is_loopback || !segment.bound.is_empty()),
            v4: Announced::new(noted.v4, now),
            v6: Announced::new(noted.v6, now),
            own_heard: noted.own_heard.is_some(),
            others_heard: noted.others_heard,
        }
    }

    fn v4_addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.addresses.iter().filter_map(|(ip, _)| if let IpAddr::V4(ip) = ip { Some(*ip) } else { None })
    }

    /// IPv6 alone is not missed where IPv4 works, nor the other way round.
    fn not_sent(&self) -> Option<Cause> {
        let (v4, v6) = (&self.v4, &self.v6);
        let fails = |one: &Announced, other: &Announced| {
            one.error.clone().filter(|_| other.ago.is_none() || other.error.is_some())
        };
        let error = fails(v4, v6).or_else(|| fails(v6, v4))?;
        Some(Cause::NotSent { interface: self.name.clone(), error })
    }

    fn gave_itself_an_address(&self) -> bool {
        self.v4_addresses().next().is_some() && self.v4_addresses().all(|ip| ip.is_link_local())
    }
}

#[cfg(test)]
mod tests;
