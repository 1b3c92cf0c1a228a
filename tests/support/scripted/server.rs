//! The scripted node's HTTP side: reads heads, keeps them, and lets the script of the name answer.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use boucan::wire::{b64e, url};

use super::answers::{self, After};
use super::{Kind, Shared};

/// A request, with the name it asks for as the node's kind reads it.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: String,
    pub target: String,
    pub name: String,
}

impl Request {
    /// The value of a header line.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// From which byte on it asks.
    pub fn range_start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

pub(super) fn serve(shared: Arc<Shared>, address: SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    listener.set_nonblocking(true).unwrap();
    std::thread::spawn(move || {
        while !shared.ended.load(Ordering::Relaxed) {
            let Ok((stream, _)) = listener.accept() else {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            };
            stream.set_nonblocking(false).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            let shared = shared.clone();
            std::thread::spawn(move || converse(&shared, stream));
        }
    });
}

fn converse(shared: &Shared, mut stream: TcpStream) {
    while let Some(request) = read_request(shared.kind, &mut stream) {
        shared.requests.lock().unwrap().push(request.clone());
        let script = shared.scripts.lock().unwrap().get(&request.name).cloned();
        let script = script.unwrap_or_else(|| unscripted(shared, &request));
        match script(&request, &mut stream) {
            Ok(After::GoOn) if !shared.ended.load(Ordering::Relaxed) => {}
            _ => break,
        }
    }
}

/// Its index; a listing of its folder, as goforban gives where it cannot decode; or 404.
fn unscripted(shared: &Shared, request: &Request) -> answers::Script {
    if request.name == url::INDEX_NAME {
        return answers::content(shared.index.lock().unwrap().clone());
    }
    if shared.kind == Kind::Go && (request.name.is_empty() || request.name.ends_with('/')) {
        return answers::content(b"<pre>\n<a href=\"plain.txt\">plain.txt</a>\n</pre>\n".to_vec());
    }
    answers::status("404 Not Found")
}

fn read_request(kind: Kind, stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1)?.to_owned();
    let name = requested_name(kind, &target);
    Some(Request { head, target, name })
}

fn requested_name(kind: Kind, target: &str) -> String {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let g = url::query_first(query, "g").unwrap_or_default().into_owned();
    let name = match url::query_first(query, "f") {
        None => g,
        Some(_) if kind == Kind::Go => decoded_by_goforban(&g),
        Some(_) => b64e::decode(&g).unwrap_or_default(),
    };
    String::from_utf8_lossy(&name).into_owned()
}

/// What precedes the first group of four with a character outside the standard alphabet.
fn decoded_by_goforban(g: &[u8]) -> Vec<u8> {
    let groups = g.chunks(4).map(|group| {
        let group: Vec<u8> = group.iter().map(|b| if *b == b'!' { b'=' } else { *b }).collect();
        base64::prelude::BASE64_STANDARD.decode(group).ok()
    });
    groups.map_while(|group| group).flatten().collect()
}
