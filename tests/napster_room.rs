//! Two nodes and two scripted Napster peers in one network: everybody finds and fetches what every
//! other one has, over either family.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::support::netlab::{Host, NetLab};
use super::support::netnode::HostNode;
use super::support::{wait_for, wait_until};

pub const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/napster_peer.py");
/// Every host has one file of its own, `<name>.bin`.
const FILE_BYTES: usize = 300_000;
const PEER_PORT: &str = "6001";

/// Which family a run uses.
#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn digit(self) -> &'static str {
        match self {
            Self::V4 => "4",
            Self::V6 => "6",
        }
    }

    fn address(self, last: u8) -> String {
        match self {
            Self::V4 => format!("10.77.0.{last}"),
            Self::V6 => format!("fd77::{last}"),
        }
    }

    fn origin(self, last: u8) -> String {
        match self {
            Self::V4 => format!("http://10.77.0.{last}:12555"),
            Self::V6 => format!("http://[fd77::{last}]:12555"),
        }
    }
}

#[test]
fn over_ipv4_everybody_fetches_from_everybody() {
    play(Family::V4);
}

#[test]
fn over_ipv6_everybody_fetches_from_everybody() {
    play(Family::V6);
}

fn play(family: Family) {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let hosts = [("ann", 1), ("bob", 2), ("pam", 3), ("quy", 4)].map(|(name, last)| host(&lab, name, last));
    let [ann, bob, pam, quy] = &hosts;
    let nodes = [ann, bob].map(|host| HostNode::start(host, &["--announce-interval", "1s"]));
    nodes[0].hears(bob);
    nodes[1].hears(ann);
    let _serving = [Peer::serve(pam, 3, family), Peer::serve(quy, 4, family)];
    // Peers: by FIND at either directory, RETR from whoever has it.
    for (peer, last, others) in [(pam, 3, ["ann", "bob", "quy"]), (quy, 4, ["ann", "bob", "pam"])] {
        for directory in [1, 2] {
            for other in others {
                let expected = format!("{other}.bin {FILE_BYTES} bytes from {}", family.address(last_of(other)));
                wait_until(&format!("{} finds {other}'s file at the directory of {directory}", peer.name), || {
                    fetch(peer, last, family, directory, other).trim() == expected
                });
            }
        }
    }
    // Nodes: by their search pages, from each other directly, from the peers through themselves.
    for (node, other, own) in [(&nodes[0], "bob", 1), (&nodes[1], "ann", 2)] {
        for name in [other, "pam", "quy"] {
            let href = wait_for(&format!("{} finds {name}'s file", node.host.name), || {
                link_to(&node.page(&format!("q/?v={name}.bin")))
            });
            let origin = if href.starts_with("http") { family.origin(last_of(name)) } else { family.origin(own) };
            let target = href.split_once("12555").map_or(href.as_str(), |(_, target)| target);
            let body = get_bytes(node.host, &format!("{origin}{target}"));
            assert!(body == content(name), "{}: {name}'s file has {} bytes", node.host.name, body.len());
        }
    }
    // What was fetched and reported is counted, where it was reported.
    let counts = nodes[0].page("directory.json");
    assert!(counts.contains("\"downloads\":"), "{counts}");
}

fn host(lab: &NetLab, name: &str, last: u8) -> Host {
    let host = lab.host(name);
    let (v4, v6) = (format!("10.77.0.{last}/24"), format!("fd77::{last}/64"));
    lab.plug(&host, "eth0", "lan", &[&v4, &v6, &format!("fe80::{last}/64")]);
    std::fs::write(host.loot(&format!("{name}.bin")), content(name)).unwrap();
    host
}

fn last_of(name: &str) -> u8 {
    match name {
        "ann" => 1,
        "bob" => 2,
        "pam" => 3,
        _ => 4,
    }
}

fn content(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(FILE_BYTES).collect()
}

fn link_to(page: &str) -> Option<String> {
    let (_, row) = page.split_once("<tbody>")?;
    let (_, button) = row.split_once("<td class=\"act\">")?;
    let (_, href) = button.split_once("href=\"")?;
    Some(href.split_once('"')?.0.replace("&#38;", "&").replace("&amp;", "&"))
}

fn get_bytes(host: &Host, url: &str) -> Vec<u8> {
    let output =
        host.command("curl").args(["--silent", "--globoff", "--fail", "--max-time", "20", url]).output().unwrap();
    assert!(output.status.success(), "{url}: {:?}", output.status);
    output.stdout
}

/// What the script prints; empty while nothing is found.
fn fetch(host: &Host, last: u8, family: Family, directory: u8, name: &str) -> String {
    let (v4, v6) = (format!("10.77.0.{last}"), format!("fd77::{last}"));
    let name = format!("{name}.bin");
    let mut python = host.command("python3");
    python.args([SCRIPT, "fetch", &v4, &v6, PEER_PORT, &family.address(directory), &name, family.digit()]);
    let output = python.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A peer that stays.
pub struct Peer(Child);

impl Peer {
    /// Logged in at both directories.
    fn serve(host: &Host, last: u8, family: Family) -> Self {
        let (v4, v6) = (format!("10.77.0.{last}"), format!("fd77::{last}"));
        Self::start(host, [&v4, &v6, PEER_PORT], &[family.address(1), family.address(2)])
    }

    /// Serves the host's loot at both its addresses and the port; logs in at these directories.
    pub fn start(host: &Host, own: [&str; 3], directories: &[String]) -> Self {
        let mut python: Command = host.command("python3");
        python.args([SCRIPT, "serve"]).args(own).arg(host.home.join("loot")).args(directories);
        let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        Self(child)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
