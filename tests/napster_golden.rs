//! The recorded transcripts of Napster peers and of directories other than Fapster, replayed: what
//! we serve and what we make of their answers, each difference with its reason.

use std::io::{Read, Write};
use std::net::TcpListener;

use boucan::directory::client::{DirectoryClient, DirectoryError};
use boucan::wire::napster::transfer::{self, NOT_AVAILABLE, NOT_READABLE, TransferError};
use boucan::wire::napster::{ChunkPlan, ChunkReader, FileName, Md5, Parsed, PeerAddress, Query, SessionId};
use serde_json::Value;

use crate::napster_scripted::{in_chunks, md5_of};

/// What we serve otherwise than R00tella, and why.
const SERVED_OTHERWISE: &[(&str, &str)] = &[
    ("RETR gone.bin (15 bytes)", "one text for all that is not here: a file that is gone is no problem of ours"),
    ("long request", "bytes after a whole request are ignored"),
    ("two segments", "a request may arrive in any segments"),
    ("raw 16-byte md5 (old spec)", "a text instead of silence"),
    ("upper-case md5", "hex digits count in either case"),
    ("unknown command", "a text instead of silence"),
    ("LOGI at a peer", "a text instead of silence"),
];

/// What we make otherwise of an answer than R00tella, and why.
const FETCHED_OTHERWISE: &[(&str, &str)] = &[
    ("header split AR|ET0000|01", "an answer may arrive in any segments"),
    ("ARET000000 (empty file)", "an empty file is whole; R00tella saves it and fails drawing its bar"),
    ("closed before all chunks", "an end too early is an error, not a wait for ever"),
    ("ARET with 3-digit count (R00tella's README)", "an error at once, not a wait for ever"),
];

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/napster-peer.json")).unwrap()
}

fn exchanges(program: &str) -> Vec<Value> {
    let vectors = vectors();
    let part = &vectors[program];
    part.as_array().or(part["exchanges"].as_array()).unwrap().clone()
}

fn hex(value: &Value) -> Vec<u8> {
    let hex = value.as_str().unwrap().as_bytes();
    hex.chunks_exact(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// The files that R00tella shared.
fn content(length: usize) -> Vec<u8> {
    match length {
        1 => b"A".to_vec(),
        10_000 => (0..length).map(|n| (n % 253) as u8).collect(),
        _ => (0..length).map(|n| (n % 251) as u8).collect(),
    }
}

fn check(otherwise: &[(&str, &str)], differs: &[(String, Option<String>)]) {
    let mut unexplained = Vec::new();
    for (name, difference) in differs {
        let reason = otherwise.iter().find(|(of, _)| of == name);
        match (difference, reason) {
            (Some(difference), None) => unexplained.push(format!("{name}: {difference}")),
            (None, Some(_)) => unexplained.push(format!("{name}: no difference any more")),
            _ => {}
        }
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}

/// Our whole answer to a request, where these contents are shared.
fn served(request: &[u8]) -> Vec<u8> {
    let Parsed::Complete(md5) = transfer::parse_retrieve(request) else { return NOT_READABLE.into() };
    let shared = [0, 1, 4_095, 4_096, 4_097, 10_000].map(content);
    let Some(content) = shared.iter().find(|content| md5_of(content) == md5) else { return NOT_AVAILABLE.into() };
    let plan = ChunkPlan::of(content.len() as u64).unwrap();
    let mut answer = plan.head();
    plan.frame(content, &mut answer);
    answer
}

#[test]
fn what_r00tella_serves_we_serve_alike_or_the_difference_has_a_reason() {
    let differences: Vec<(String, Option<String>)> = exchanges("R00tella_as_server")
        .iter()
        .map(|exchange| {
            let (ours, theirs) = (served(&hex(&exchange["request_hex"])), hex(&exchange["response_first_64_hex"]));
            let length = exchange["response_len"].as_u64().unwrap() as usize;
            let same = ours.len() == length && ours.starts_with(&theirs[..theirs.len().min(length)]);
            let text = || format!("{:.80}", String::from_utf8_lossy(&ours));
            (exchange["name"].as_str().unwrap().to_owned(), (!same).then(text))
        })
        .collect();
    assert_eq!(differences.len(), 17);
    check(SERVED_OTHERWISE, &differences);
}

/// What an uploader sent R00tella, in its segments; the record keeps the first 40 characters of
/// each, and the rest is known.
fn sent(exchange: &Value) -> Vec<Vec<u8>> {
    let ten = content(10_000);
    match exchange["name"].as_str().unwrap() {
        "4096-byte chunks" => vec![in_chunks(&ten, 4_096)],
        "one 10000-byte chunk" => vec![in_chunks(&ten, 10_000)],
        "99999-byte chunk" => vec![in_chunks(&[b'z'; 99_999], 99_999)],
        "512-byte chunks dribbled" => {
            let chunks = ten.chunks(512).flat_map(|part| [format!("{:05}", part.len()).into_bytes(), part.to_vec()]);
            [b"ARET000020".to_vec()].into_iter().chain(chunks).collect()
        }
        _ => {
            let parts = exchange["server_sent"].as_array().unwrap().iter();
            parts.filter_map(|part| Some(part.as_str()?.as_bytes().to_vec())).collect()
        }
    }
}

fn fetched(segments: &[Vec<u8>]) -> Result<Vec<u8>, TransferError> {
    let (mut reader, mut content) = (ChunkReader::default(), Vec::new());
    for segment in segments {
        let mut rest = segment.as_slice();
        while let Some(data) = reader.next(&mut rest)? {
            content.extend_from_slice(data);
        }
    }
    reader.end().map(|()| content)
}

#[test]
fn what_r00tella_fetches_we_fetch_alike_or_the_difference_has_a_reason() {
    let differences: Vec<(String, Option<String>)> = exchanges("R00tella_as_client")
        .iter()
        .map(|exchange| {
            assert!(hex(&exchange["client_sent_hex"]).starts_with(b"RETR"));
            let ours = fetched(&sent(exchange));
            let ended = exchange["rc"] == 0;
            let same = ended
                && exchange["saved_md5"].as_str().map(str::to_owned)
                    == ours.as_ref().ok().map(|c| md5_of(c).to_string());
            let said = match ours {
                Ok(content) => format!("{} bytes", content.len()),
                Err(error) => error.to_string(),
            };
            (exchange["name"].as_str().unwrap().to_owned(), (!same).then_some(said))
        })
        .collect();
    assert_eq!(differences.len(), 10);
    check(FETCHED_OTHERWISE, &differences);
}

/// One recorded answer, given to whatever our client asks.
async fn outcome(exchange: &Value) -> Result<String, DirectoryError> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = DirectoryClient::new(listener.local_addr().unwrap().to_string().parse().unwrap(), None);
    let (answer, end) = (hex(&exchange["response_hex"]), exchange["end"].as_str().unwrap().to_owned());
    let directory = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(&answer).unwrap();
        // Kept open until the client leaves, or closed with requests unread: a reset. One answer is
        // never whole: it counts an address that it does not give.
        if (end.contains("open") || end.contains("no answer")) && answer.len() != 142 {
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    let session = SessionId::given(b"KjX89YCjp49fKwLr").unwrap();
    let md5 = Md5::parse(b"00000000000000000000000000000001").unwrap();
    let address = b"172.016.001.001|fc00:0000:0000:0000:0000:0000:0001:000106001";
    let text = exchange["request_text"].as_str().unwrap();
    let outcome = match &text[..4] {
        "LOGI" => client.login(PeerAddress::parse(address).unwrap()).await.map(|_| "a session".into()),
        "ADDF" => client.add(session, md5, FileName::new("n").unwrap()).await.map(|copies| copies.to_string()),
        "DELF" => client.delete(session, md5).await.map(|copies| copies.to_string()),
        "FIND" => client.find(session, Query::new("*").unwrap()).await.map(|found| found.len().to_string()),
        "DREG" => client.download(session, md5).await.map(|downloads| downloads.to_string()),
        _ => client.logout(session).await.map(|()| "out".into()),
    };
    drop(client);
    directory.join().unwrap();
    outcome
}

/// Two other directories, of which neither speaks as Fapster does: sessions with small letters,
/// three digits for downloads, no word at a logout, connections kept open.
#[tokio::test(flavor = "multi_thread")]
async fn the_answers_of_other_directories_are_understood() {
    let (one, two) = ("ArcN00b_P2PEsercitazione1", "gruppo05_p2p_napster");
    let programs = [one, two].into_iter().flat_map(|program| {
        ["one connection per request", "one connection for all"].map(|way| (program, format!("{program} {way}")))
    });
    for (program, recorded) in programs {
        for exchange in exchanges(&recorded) {
            let name = exchange["name"].as_str().unwrap();
            let expected = match name {
                "unknown command" => continue, // which we never send
                "LOGI" | "LOGI same ip, other port" => Some("a session"),
                "ADDF" | "ADDF again, new name" | "DREG" | "FIND *" | "FIND other" => Some("1"),
                "FIND nothing" | "DELF" => Some("0"),
                "DELF not owned" => Some("999"),
                "LOGO" => Some("out"),
                // It adds for nobody: there our session is unknown.
                "ADDF bad session" => (program == two).then_some("1"),
                "FIND bad session" => (program == one).then_some("0"),
                other => panic!("{other} is not known"),
            };
            match (outcome(&exchange).await, expected) {
                (Ok(ours), expected) => assert_eq!(Some(ours.as_str()), expected, "{recorded}: {name}"),
                (Err(DirectoryError::Unauthorized(_) | DirectoryError::Closed(_)), None) => {}
                (Err(error), _) => panic!("{recorded}: {name}: {error}"),
            }
        }
    }
}
