//! The recorded transcripts of a Fapster directory, replayed to ours, each recorded peer from an
//! address of its own.

use std::collections::HashMap;

use super::*;
use crate::golden_directory::{DIFFERENCES, DIFFERENCES_OF_THE_REGISTRY, Exchange, exchanges};

/// What is not asked, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("silent connection", "it takes a directory's whole patience, and has a test of its own"),
    ("ADDF split in two segments", "we understand it, and what follows would find the file"),
    ("LOGO long", "we understand it, and what follows would find nobody logged in"),
];

/// What was recorded, as it is here: sessions have other ids, peers other sources.
#[derive(Default)]
struct Replay {
    /// Recorded session → ours.
    sessions: HashMap<Vec<u8>, Vec<u8>>,
    /// Our session → from where it logged in.
    sources: HashMap<Vec<u8>, u8>,
}

impl Replay {
    /// Asks what was asked; whether the answer is the recorded one.
    fn exchange(&mut self, node: &Node, exchange: &Exchange) -> Result<(), String> {
        let mut request = exchange.request.clone();
        let mut last = 9;
        let is_known = ["LOGO", "ADDF", "DELF", "FIND", "DREG"].iter().any(|name| request.starts_with(name.as_bytes()));
        if let Some(ours) = request.get(4..20).filter(|_| is_known).and_then(|field| self.sessions.get(field)) {
            last = self.sources[ours];
            request[4..20].copy_from_slice(ours);
        }
        if request.starts_with(b"LOGI172.016.001.") {
            // 172.016.001.00N is at 127.0.0.10N.
            last = 100 + request[18] - b'0';
        }
        let answer = ask_and_close(node, last, &request);
        self.note_session(&exchange.response, &answer, last);
        let recorded = self.sessions.get(exchange.response.get(4..20).unwrap_or_default());
        let expected = recorded.map_or(exchange.response.clone(), |ours| [b"ALGI", &ours[..]].concat());
        let same = if exchange.is_whole { answer == expected } else { answer.starts_with(&expected) };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if same { Ok(()) } else { Err(format!("{:.90?} instead of {:.90?}", text(&answer), text(&expected))) }
    }

    fn note_session(&mut self, recorded: &[u8], answer: &[u8], last: u8) {
        if let (Some(recorded), Some(ours)) = (recorded.strip_prefix(b"ALGI"), answer.strip_prefix(b"ALGI")) {
            self.sessions.entry(recorded.to_vec()).or_insert_with(|| ours.to_vec());
            self.sources.insert(ours.to_vec(), last);
        }
    }
}

#[test]
fn a_recorded_fapster_session_goes_the_same_way_or_the_difference_has_a_reason() {
    let lan = Lan::new();
    let node = directory(&lan);
    let mut replay = Replay::default();
    let mut unexplained = Vec::new();
    let is_asked = |exchange: &&Exchange| !LEFT_OUT.iter().any(|(name, _)| exchange.name == *name);
    for exchange in exchanges().iter().filter(is_asked) {
        if exchange.name == "FIND with 1005 matches" {
            // The 1005 ADDF before it are recorded as one line.
            let session = String::from_utf8(replay.sessions[&exchange.request[4..20]].clone()).unwrap();
            let peer = Peer { node: &node, last: replay.sources[session.as_bytes()], session };
            (0..1_005).for_each(|n| assert_eq!(peer.add(20_000 + n, &format!("bulkfile {n:04}.bin")), "AADD001"));
        }
        let of_the_codec = DIFFERENCES.iter().any(|(name, _)| exchange.name.starts_with(name));
        let of_the_registry = DIFFERENCES_OF_THE_REGISTRY.iter().any(|(name, _)| exchange.name.starts_with(name));
        match replay.exchange(&node, exchange) {
            Err(differs) if !of_the_codec && !of_the_registry => {
                unexplained.push(format!("{}: {differs}", exchange.name));
            }
            Ok(()) if of_the_registry => unexplained.push(format!("{}: no difference any more", exchange.name)),
            _ => {}
        }
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}
