//! Scripted Napster programs: a directory that keeps connections open, forgets, fills up or goes
//! away when told, and peers that upload exactly the bytes the test says.
#![allow(dead_code)] // each of the tests uses a part

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use boucan::config::values::DirectoryHost;
use boucan::wire::napster::request::RequestError;
use boucan::wire::napster::{Counter, FileName, FoundFile, Md5, Parsed, PeerAddress, Request, Response, SessionId};
use md5::Digest as _;

/// The MD5 of a content.
pub fn md5_of(content: &[u8]) -> Md5 {
    Md5::new(md5::Md5::digest(content).into())
}

/// A content that is offered.
pub fn file(name: &str, content: &[u8], peers: &[SocketAddr]) -> FoundFile {
    let address = |peer: &SocketAddr| {
        let std::net::IpAddr::V4(v4) = peer.ip() else { panic!("peers of tests have IPv4") };
        PeerAddress { v4, v6: v4.to_ipv6_mapped(), port: peer.port() }
    };
    FoundFile { md5: md5_of(content), name: FileName::new(name).unwrap(), peers: peers.iter().map(address).collect() }
}

/// How a directory behaves from now on.
#[derive(Clone, Debug)]
pub struct Manner {
    /// The connection stays open after the answer.
    pub keeps_open: bool,
    /// Each connection is closed before a word.
    pub is_away: bool,
    /// So many files of a session are taken, then a text is answered.
    pub room: usize,
    /// What is answered to `DREG`; none as Fapster does.
    pub download_answer: Option<&'static str>,
}

/// A directory in a few lines.
pub struct ScriptedDirectory {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    manner: Mutex<Manner>,
    state: Mutex<State>,
    ended: AtomicBool,
}

#[derive(Default)]
struct State {
    logins: usize,
    sessions: BTreeMap<SessionId, PeerAddress>,
    files: BTreeMap<(SessionId, Md5), FileName>,
    seeded: Vec<FoundFile>,
    requests: Vec<Request>,
}

impl ScriptedDirectory {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let manner = Manner { keeps_open: false, is_away: false, room: usize::MAX, download_answer: None };
        let shared =
            Arc::new(Shared { manner: Mutex::new(manner), state: Mutex::default(), ended: AtomicBool::new(false) });
        let serving = shared.clone();
        std::thread::spawn(move || serve(&listener, &serving));
        Self { address, shared }
    }

    pub fn host(&self) -> DirectoryHost {
        self.address.to_string().parse().unwrap()
    }

    /// Changes how it behaves.
    pub fn manner(&self) -> MutexGuard<'_, Manner> {
        self.shared.manner.lock().unwrap()
    }

    /// Somebody else offers this.
    pub fn knows(&self, file: FoundFile) -> &Self {
        self.state().seeded.push(file);
        self
    }

    /// As after a restart: no sessions, none of their files.
    pub fn forgets(&self) {
        let mut state = self.state();
        state.sessions.clear();
        state.files.clear();
    }

    /// Somebody else registers the content under another name, which Fapster then gives to all.
    pub fn renames(&self, md5: Md5, name: &str) {
        let name = FileName::new(name).unwrap();
        self.state().files.iter_mut().filter(|((_, of), _)| *of == md5).for_each(|(_, known)| *known = name.clone());
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    pub fn sessions(&self) -> usize {
        self.state().sessions.len()
    }

    /// The names that are registered by those who are logged in.
    pub fn registered(&self) -> BTreeSet<String> {
        self.state().files.values().map(|name| name.as_str().to_owned()).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }
}

impl Drop for ScriptedDirectory {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // wakes the accepting thread
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut open = Vec::new();
    for stream in listener.incoming() {
        if shared.ended.load(Ordering::Relaxed) {
            return;
        }
        let (Ok(stream), manner) = (stream, shared.manner.lock().unwrap().clone()) else { continue };
        if manner.is_away {
            continue;
        }
        if manner.keeps_open {
            open.push(stream.try_clone().unwrap());
        }
        let shared = shared.clone();
        std::thread::spawn(move || converse(stream, &shared, &manner));
    }
}

fn converse(mut stream: TcpStream, shared: &Shared, manner: &Manner) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (mut received, mut buffer) = (Vec::new(), [0; 512]);
    let request = loop {
        match Request::parse(&received) {
            Parsed::Complete(request) => break Ok(request),
            Parsed::Invalid(error) => break Err(error),
            Parsed::Incomplete(_) => {}
        }
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => received.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    };
    let answer = match request {
        Ok(request) => shared.state.lock().unwrap().answer(request, manner),
        Err(error) => error.answer(&received).unwrap_or_default().into_bytes(),
    };
    let _ = stream.write_all(&answer);
}

impl State {
    fn answer(&mut self, request: Request, manner: &Manner) -> Vec<u8> {
        self.requests.push(request.clone());
        let session = match &request {
            Request::Login(address) => return self.login(*address),
            Request::Logout(session)
            | Request::Add(session, ..)
            | Request::Delete(session, _)
            | Request::Find(session, _)
            | Request::Download(session, _) => *session,
        };
        if !self.sessions.contains_key(&session) {
            return RequestError::Unauthorized.answer(b"").unwrap().into_bytes();
        }
        let own = self.files.keys().filter(|(of, _)| *of == session).count();
        let response = match request {
            Request::Login(_) | Request::Logout(_) => {
                self.sessions.remove(&session);
                self.files.retain(|(of, _), _| *of != session);
                Response::LoggedOut(Counter::new(own))
            }
            Request::Add(_, md5, name) => {
                if own >= manner.room {
                    return b"Too many files.".to_vec();
                }
                self.files.insert((session, md5), name);
                Response::Added(Counter::new(1))
            }
            Request::Delete(_, md5) => {
                let gone = self.files.remove(&(session, md5)).is_some();
                Response::Deleted(Counter::new(if gone { 0 } else { 999 }))
            }
            Request::Find(_, query) => {
                Response::Found(self.found().filter(|file| query.finds(&file.name)).take(999).collect())
            }
            Request::Download(..) => {
                let as_fapster = || Response::Registered(Counter::new(1)).emit();
                return manner.download_answer.map_or_else(as_fapster, |answer| answer.as_bytes().to_vec());
            }
        };
        response.emit()
    }

    fn found(&self) -> impl Iterator<Item = FoundFile> {
        let registered = self.files.iter().map(|((session, md5), name)| FoundFile {
            md5: *md5,
            name: name.clone(),
            peers: self.sessions.get(session).copied().into_iter().collect(),
        });
        self.seeded.iter().cloned().chain(registered)
    }

    /// As Fapster: the same address, the same session.
    fn login(&mut self, address: PeerAddress) -> Vec<u8> {
        let known = self.sessions.iter().find(|(_, known)| **known == address).map(|(session, _)| *session);
        let session = known.unwrap_or_else(|| {
            self.logins += 1;
            SessionId::parse(format!("SESSION{:09}", self.logins).as_bytes()).unwrap()
        });
        self.sessions.insert(session, address);
        Response::LoggedIn(session).emit()
    }
}

/// A peer that answers each connection by these segments, each in a write of its own, and then
/// closes or stays; it keeps what it was asked.
pub struct Uploader {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Uploader {
    pub fn start(segments: Vec<Vec<u8>>, stays: bool) -> Self {
        Self::start_at(1, segments, stays)
    }

    /// The same at 127.0.0.`last`.
    pub fn start_at(last: u8, segments: Vec<Vec<u8>>, stays: bool) -> Self {
        Self::serve(last, stays, move |stream| segments.iter().try_for_each(|segment| stream.write_all(segment)))
    }

    /// One that gives so much of its answer, and the rest when it is told.
    pub fn holding_back(last: u8, answer: Vec<u8>, first: usize, told: Receiver<()>) -> Self {
        Self::serve(last, false, move |stream| {
            stream.write_all(&answer[..first])?;
            told.recv().unwrap();
            stream.write_all(&answer[first..])
        })
    }

    fn serve(last: u8, stays: bool, answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let asks = asked.clone();
        std::thread::spawn(move || {
            let mut open = Vec::new();
            for mut stream in listener.incoming().map_while(Result::ok) {
                stream.set_nodelay(true).unwrap();
                let mut request = vec![0; 36];
                if stream.read_exact(&mut request).is_err() {
                    continue;
                }
                asks.lock().unwrap().push(request);
                let _ = answer(&mut stream); // who asked may have gone
                if stays {
                    open.push(stream);
                }
            }
        });
        Self { address, asked }
    }

    /// One that closes when it has said all.
    pub fn says(answer: impl Into<Vec<u8>>) -> Self {
        Self::start(vec![answer.into()], false)
    }

    pub fn times_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// An answer in chunks of any length, as a course peer would send it.
pub fn in_chunks(content: &[u8], chunk: usize) -> Vec<u8> {
    let mut answer = format!("ARET{:06}", content.chunks(chunk).len()).into_bytes();
    for part in content.chunks(chunk) {
        answer.extend(format!("{:05}", part.len()).bytes());
        answer.extend_from_slice(part);
    }
    answer
}

/// Each byte alone.
pub fn dribbled(answer: &[u8]) -> Vec<Vec<u8>> {
    answer.iter().map(|byte| vec![*byte]).collect()
}
