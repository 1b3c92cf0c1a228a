//! How it is shown why nobody is seen: the likely causes, what to do about each, and what was tried.

use std::net::IpAddr;

use crate::discovery::diagnosis::{Announced, Cause, Facts, LinkFacts};
use crate::discovery::links::LinkKind;
use crate::http::say::Say;

/// The whole of it.
pub(super) struct DiagnosisView {
    pub(super) causes: Vec<CauseView>,
    pub(super) links: Vec<LinkView>,
    /// Interfaces that are not up.
    pub(super) not_up: Option<String>,
    /// `Heard from others: 12`, what was sent to hosts that were named, what was ignored, and why.
    pub(super) heard: Vec<String>,
}

/// A likely cause.
pub(super) struct CauseView {
    pub(super) what: String,
    /// How to check it, or what to do.
    pub(super) check: String,
    /// What to type for that.
    pub(super) commands: Vec<String>,
}

/// An interface that is up, and what was tried there.
pub(super) struct LinkView {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) is_used: bool,
    /// For the operator.
    pub(super) addresses: Vec<String>,
    pub(super) tried: Vec<String>,
}

impl DiagnosisView {
    pub(super) fn new(facts: &Facts, say: Say, is_operator: bool) -> Self {
        let mut heard = vec![say.t1("near-heard-count", "count", facts.heard)];
        heard.extend((facts.elsewhere > 0).then(|| say.t1("near-ignored-elsewhere", "count", facts.elsewhere)));
        heard.extend(facts.named.iter().filter_map(|named| {
            let ago = say.ago(named.ago?);
            Some(say.t2("near-named", ("count", named.times), ("ago", ago)))
        }));
        heard.extend((facts.bad > 0).then(|| say.t1("near-ignored-bad", "count", facts.bad)));
        let links = facts.links.iter().filter(|link| link.is_used || link.kind != LinkKind::Loopback);
        Self {
            causes: facts.causes().iter().map(|cause| CauseView::new(cause, say)).collect(),
            links: links.map(|link| LinkView::new(link, say, is_operator)).collect(),
            not_up: (!facts.not_up.is_empty()).then(|| say.t1("near-not-up", "names", facts.not_up.join(", "))),
            heard,
        }
    }
}

impl CauseView {
    fn new(cause: &Cause, say: Say) -> Self {
        let plain = |what, check| (say.t(what), say.t(check), Vec::new());
        let (what, check, commands) = match cause {
            Cause::NoInterface => plain("near-cause-no-interface", "near-check-no-interface"),
            Cause::OnlyThisMachine => plain("near-cause-only-here", "near-check-only-here"),
            Cause::Absent(name) => (say.t1("near-cause-absent", "name", &**name), say.t("near-check-absent"), vec![]),
            Cause::CopiedState => plain("near-cause-copied", "near-check-copied"),
            Cause::NotSent { interface, error } => {
                let what = say.t2("near-cause-not-sent", ("name", &**interface), ("why", &**error));
                (what, say.t("near-check-not-sent"), Vec::new())
            }
            Cause::NoAddressGiven(name) => {
                (say.t1("near-cause-no-address", "name", &**name), say.t("near-check-no-address"), Vec::new())
            }
            Cause::FirewallHere(port) => {
                let what = say.t1("near-cause-firewall-here", "port", port.to_string());
                (what, say.t("near-check-firewall-here"), firewall_commands(*port))
            }
            Cause::OtherNetwork(from) => {
                let what = say.t1("near-cause-other-network", "address", from.to_string());
                (what, say.t("near-check-other-network"), vec![format!("boucan --neighbour {from}")])
            }
            Cause::OtherProgram(port) => (
                say.t1("near-cause-other-program", "port", port.to_string()),
                say.t("near-check-other-program"),
                vec![],
            ),
            Cause::Tunnel(name) => (say.t1("near-cause-tunnel", "name", &**name), say.t("near-check-tunnel"), vec![]),
            Cause::WifiApart(name) => {
                (say.t1("near-cause-wifi", "name", &**name), say.t("near-check-wifi"), vec!["ping 192.168.…".into()])
            }
            Cause::FirewallThere(port) => {
                let what = say.t1("near-cause-firewall-there", "port", port.to_string());
                (what, say.t("near-check-firewall-there"), Vec::new())
            }
            Cause::UnusualPort(port) => {
                (say.t1("near-cause-port", "port", port.to_string()), say.t("near-check-port"), Vec::new())
            }
            Cause::Sister => plain("near-cause-sister", "near-check-sister"),
            Cause::AllLeft => plain("near-cause-left", "near-check-left"),
            Cause::Nobody => plain("near-cause-nobody", "near-check-nobody"),
        };
        Self { what, check, commands }
    }
}

/// For the three that Linux machines have.
fn firewall_commands(port: u16) -> Vec<String> {
    vec![
        format!("sudo ufw allow {port}"),
        format!("sudo firewall-cmd --add-port={port}/udp --add-port={port}/tcp"),
        format!("sudo nft insert rule inet filter input meta l4proto {{ tcp, udp }} th dport {port} accept"),
    ]
}

impl LinkView {
    fn new(link: &LinkFacts, say: Say, is_operator: bool) -> Self {
        let address = |(ip, prefix): &(IpAddr, u8)| format!("{ip}/{prefix}");
        let kind = match link.kind {
            LinkKind::Wire => "near-link-wire",
            LinkKind::Wifi => "near-link-wifi",
            LinkKind::Tunnel => "near-link-tunnel",
            LinkKind::Virtual => "near-link-virtual",
            LinkKind::Loopback => "near-link-loopback",
        };
        Self {
            name: link.name.to_string(),
            kind: say.t(kind),
            is_used: link.is_used,
            addresses: link.addresses.iter().filter(|_| is_operator).map(address).collect(),
            tried: if link.is_used { tried(link, say) } else { vec![say.t("near-not-used")] },
        }
    }
}

fn tried(link: &LinkFacts, say: Say) -> Vec<String> {
    let mut tried = Vec::new();
    for (family, announced) in [("IPv4", &link.v4), ("IPv6", &link.v6)] {
        tried.extend(announced_text(family, announced, say));
    }
    if tried.is_empty() {
        tried.push(say.t("near-not-announced"));
    } else {
        let came_back = if link.own_heard { "near-came-back" } else { "near-not-come-back" };
        tried.push(say.t(came_back));
    }
    tried.push(say.t1("near-heard-there", "count", link.others_heard));
    tried
}

fn announced_text(family: &str, announced: &Announced, say: Say) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(ago) = announced.ago {
        let values = [("family", family.into()), ("count", announced.times.into()), ("ago", say.ago(ago).into())];
        said.push(say.with("near-announced", values));
    }
    said.extend(announced.error.as_ref().map(|why| say.t2("near-failed", ("family", family), ("why", &**why))));
    said
}
