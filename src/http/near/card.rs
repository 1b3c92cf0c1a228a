//! How a node is shown: a neighbour, ourselves, a Napster peer.

use std::net::IpAddr;
use std::time::Instant;

use uuid::Uuid;

use crate::directory::registry::SessionView;
use crate::http::App;
use crate::http::join::origin;
use crate::http::operator::Visitor;
use crate::http::page::AddressLink;
use crate::http::say::Say;
use crate::mirror::Doing;
use crate::neighbours::Neighbour;
use crate::wire::{IndexKey, url};

/// Napster peers that are shown; the page of the directory has them all.
const PEERS_SHOWN: usize = 50;

/// A neighbour.
pub(super) struct Card {
    pub(super) uuid: Uuid,
    pub(super) name: String,
    /// Which program it seems to be; empty while its list is not known.
    pub(super) program: &'static str,
    pub(super) addresses: Vec<AddressLink>,
    /// `heard 12 s ago`.
    pub(super) heard: String,
    /// `1,204 files, 48 GB`; none while its list is not known.
    pub(super) offers: Option<String>,
    /// `214 files not here`; none if all are.
    pub(super) missing: Option<String>,
    /// What is wrong with it.
    pub(super) trouble: Option<String>,
    /// Nothing is copied from it: the operator's own doing, shown to nobody else.
    pub(super) is_switched_off: bool,
}

impl Card {
    /// For a visitor who reached us at `local`; so many of its files are `missing` here.
    pub(super) fn new(
        app: &App,
        visitor: &Visitor,
        neighbour: &Neighbour,
        missing: usize,
        local: IpAddr,
        now: Instant,
    ) -> Self {
        let say = visitor.say;
        let addresses: Vec<AddressLink> = neighbour.addresses_for_links(local).into_iter().map(link).collect();
        let index = neighbour.known.as_ref().map(|known| &known.index);
        let heard = say.ago(now.saturating_duration_since(neighbour.heard()));
        let mirrors = visitor.is_operator && app.mirror.status().doing != Doing::Off;
        Self {
            uuid: neighbour.uuid,
            name: name(neighbour, &addresses, say),
            program: if index.is_some() { program(neighbour) } else { "" },
            heard: say.t1("near-heard", "ago", heard),
            offers: index.map(|index| offers(say, index.len(), index.total_bytes())),
            missing: index.filter(|_| missing > 0).map(|_| say.t1("near-missing", "files", say.files(missing))),
            trouble: trouble(neighbour, say),
            is_switched_off: mirrors && app.mirror.switched_off().holds(neighbour.uuid),
            addresses,
        }
    }
}

/// This node.
pub(super) struct OwnCard {
    pub(super) name: String,
    pub(super) addresses: Vec<AddressLink>,
    pub(super) offers: String,
}

impl OwnCard {
    pub(super) fn new(app: &App, say: Say, addresses: &[IpAddr]) -> Self {
        let snapshot = app.loot.snapshot();
        let link = |ip: &IpAddr| AddressLink { href: origin(*ip, app.port), text: ip.to_string() };
        Self {
            name: app.name.to_string(),
            addresses: addresses.iter().map(link).collect(),
            offers: offers(say, snapshot.index.len(), snapshot.index.total_bytes()),
        }
    }
}

/// Who is logged in at our directory.
pub(super) struct PeerCard {
    pub(super) host: String,
    pub(super) files: String,
}

/// The first of them, and how many there are.
pub(super) fn peers(app: &App, say: Say) -> (Vec<PeerCard>, String) {
    let sessions = app.napster.registry.as_ref().map(|registry| registry.sessions()).unwrap_or_default();
    let card = |session: &SessionView| PeerCard { host: session.host.to_string(), files: say.files(session.files) };
    (sessions.iter().take(PEERS_SHOWN).map(card).collect(), say.number(sessions.len()))
}

fn link(address: &crate::neighbours::neighbour::NeighbourAddress) -> AddressLink {
    AddressLink {
        href: format!("{}/", url::origin(address.service, address.interface.as_deref())),
        text: address.service.ip().to_string(),
    }
}

fn name(neighbour: &Neighbour, addresses: &[AddressLink], say: Say) -> String {
    match neighbour.name.as_str() {
        "" => addresses.first().map_or_else(|| say.t("near-unnamed"), |address| address.text.clone()),
        name => name.into(),
    }
}

/// Which program it seems to be.
fn program(neighbour: &Neighbour) -> &'static str {
    match neighbour.verified_by() {
        Some(IndexKey::Practised) if neighbour.is_goforban() => "goforban",
        Some(IndexKey::Practised) => "Forban",
        Some(_) => "boucan",
        None => "",
    }
}

fn offers(say: Say, files: usize, bytes: u64) -> String {
    say.t2("near-offers", ("files", say.files(files)), ("size", say.size(bytes)))
}

fn trouble(neighbour: &Neighbour, say: Say) -> Option<String> {
    if let Some(ip) = neighbour.disputed_by {
        return Some(say.t1("near-disputed", "address", ip.to_string()));
    }
    neighbour.last_error().map(|error| say.t1("near-unread", "why", error))
}
