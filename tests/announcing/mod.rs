//! Announcements at a running node: what is dropped, what is taken, and who is told what.

mod flood;
mod told;

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::path::PathBuf;

use serde_json::Value;

use super::support::lan::{Lan, Node};
use super::support::scripted::{Kind, Scripted};
use super::support::wait_until;

const UUID: &str = "ef2bb792-016e-44e5-95cc-f7ba417e125b";
const HMAC: &str = "c6e2a8d48d7a3a9341605415a36d807905aa2824";

fn health(node: &Node) -> Value {
    serde_json::from_slice(&node.get("/healthz").body).unwrap()
}

fn neighbours(node: &Node) -> u64 {
    health(node)["neighbours"].as_u64().unwrap()
}

/// Every file and folder of the node, hidden ones too; only its log is left out.
fn everything(node: &Node) -> BTreeSet<PathBuf> {
    let home = node.loot("").parent().unwrap().to_owned();
    let mut found = BTreeSet::new();
    let mut pending = vec![home.clone(), home.parent().unwrap().to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if found.insert(entry.path()) && entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            }
        }
    }
    found
}

/// An honest neighbour is heard and read: all that was sent before has been taken in.
#[track_caller]
fn honest_neighbour_is_known(lan: &Lan, node: &Node, last: u8) -> Scripted {
    let honest = Scripted::start(lan, last, Kind::Py);
    honest.offers("honest.txt", "honest");
    // A flood may have filled the queue of datagrams: one of them may be lost.
    wait_until("the honest neighbour's index is stored", || {
        honest.announce();
        node.state(&format!("indexes/{}", honest.uuid)).exists()
    });
    honest
}

#[test]
fn what_is_no_announcement_leaves_no_trace() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    wait_until("its state is laid out", || node.state("indexes").exists());
    let before = everything(&node);
    let stranger = lan.announcing_socket(66);
    let with_uuid = |uuid: &str| format!("forban;name;x;uuid;{uuid};hmac;{HMAC}").into_bytes();
    let rows: Vec<(Vec<u8>, &str)> = vec![
        (with_uuid("/etc/cron.d"), "Forban makes a folder of that name"),
        (with_uuid("../../x"), "the same, outside"),
        (with_uuid("..\\..\\x"), "the same on Windows"),
        (with_uuid("C:\\x"), "the same, on a drive"),
        (with_uuid(""), "an empty uuid"),
        (with_uuid(&format!("{{{UUID}}}")), "braces are no UUID on this wire"),
        (with_uuid(&UUID.replace('-', "")), "nor are bare digits"),
        (with_uuid(&"a".repeat(60_000)), "beyond all bounds"),
        (format!("forban;name;x;hmac;{HMAC}").into_bytes(), "no uuid"),
        (b"forban".to_vec(), "no fields"),
        (b"forban;".to_vec(), "no fields"),
        (b"forban;;;;;;".to_vec(), "seven empty fields"),
        (b"forban;name".to_vec(), "a key without value"),
        (format!("forban;name;a;b;uuid;{UUID}").into_bytes(), "a separator in the name shifts the fields"),
        (format!("forbanXname;x;uuid;{UUID}").into_bytes(), "another protocol"),
        (format!("FORBAN;name;x;uuid;{UUID}").into_bytes(), "another protocol"),
        (b"M-SEARCH * HTTP/1.1\r\n\r\n".to_vec(), "somebody else's broadcast"),
        (vec![], "an empty datagram"),
        (vec![0xff; 65_507], "the longest datagram there is"),
        ([with_uuid(UUID), vec![b'x'; 65_000]].concat(), "a good beginning, cut"),
    ];
    for (datagram, why) in &rows {
        stranger.send(datagram).unwrap_or_else(|error| panic!("{why}: {error}"));
    }
    let honest = honest_neighbour_is_known(&lan, &node, 67);
    assert_eq!(neighbours(&node), 1, "only the honest one\n{}", node.log());
    let mut after = everything(&node);
    assert!(after.remove(&node.state(&format!("indexes/{}", honest.uuid))));
    assert_eq!(after, before, "nothing else appeared anywhere");
}

#[test]
fn every_spelling_that_forban_reads_is_taken() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let rows = [
        (";name;n;uuid;U;hmac;H", "as both programs send it"),
        (";uuid;U;name;n;hmac;H", "another order"),
        (";name;n;colour;red;uuid;U;hmac;H", "an unknown key"),
        (";name;n;uuid;U;hmac;H;", "a separator at the end, as the draft's grammar has it"),
        (";name;n;uuid;U;hmac;H \r\n", "white space at the end"),
        (";name;n;uuid;U", "no hmac"),
        (";name;n;uuid;U;hmac;", "an empty hmac"),
        (";name;n;uuid;U;hmac;ZZ", "an hmac that is none"),
        (";uuid;U", "no name"),
        (";name;n;uuid;U;uuid;../../x;hmac;H", "of equal keys the first counts"),
    ];
    let mut sources: Vec<UdpSocket> = Vec::new();
    for (position, (fields, why)) in rows.iter().enumerate() {
        let socket = lan.announcing_socket(100 + u8::try_from(position).unwrap());
        let uuid = uuid::Uuid::new_v4().to_string();
        let text = format!("forban{}", fields.replace('U', &uuid).replace('H', HMAC));
        socket.send(text.as_bytes()).unwrap();
        sources.push(socket);
        wait_until(why, || neighbours(&node) == position as u64 + 1);
    }
}

#[test]
fn a_name_that_would_act_on_its_reader_is_shown_inert() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let stranger = lan.announcing_socket(66);
    let name = "<script>alert(1)</script>\u{1b}[2J\u{202e}gnp\0\n";
    stranger.send(format!("forban;name;{name};uuid;{UUID};hmac;{HMAC}").as_bytes()).unwrap();
    wait_until("it is heard", || neighbours(&node) == 1);
    let page = node.get("/near").text();
    assert!(page.contains("alert(1)") && !page.contains("<script>alert"), "{page}");
    assert!(!page.contains(['\u{1b}', '\u{202e}', '\0']), "{page}");
    assert!(!node.log().contains(['\u{1b}', '\u{202e}', '\0']));
    let long =
        [b"forban;name;".as_slice(), &[0xff; 900], format!(";uuid;{}", uuid::Uuid::new_v4()).as_bytes()].concat();
    stranger.send(&long).unwrap();
    wait_until("it is heard", || neighbours(&node) == 2);
    assert!(!node.get("/near").text().contains(&"\u{fffd}".repeat(65)), "at most 64 characters");
}

#[test]
fn our_own_uuid_from_another_host_is_said_once_and_not_followed() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let uuid = health(&node)["uuid"].as_str().unwrap().to_owned();
    let double = lan.announcing_socket(66);
    for name in ["a", "b", "c"] {
        double.send(format!("forban;name;{name};uuid;{uuid};hmac;{HMAC}").as_bytes()).unwrap();
    }
    honest_neighbour_is_known(&lan, &node, 67);
    assert_eq!(node.log().matches("another node uses our uuid").count(), 1, "{}", node.log());
    assert_eq!(neighbours(&node), 1);
}
