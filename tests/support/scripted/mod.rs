//! A scripted node: announces and hears like one of the existing programs, and serves over raw
//! TCP exactly what the test says, however wrong. It keeps every datagram and request it got.

pub mod answers;
pub mod pieces;
mod server;

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boucan::wire::{IndexHmac, IndexKey};
use md5::Digest as _;
use uuid::Uuid;

pub use answers::Script;
pub use server::Request;

use super::lan::Lan;

/// Which program it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Python Forban: an own source port for each announcement, HMAC keyed `forban`.
    Py,
    /// goforban: announces from the service port, HMAC keyed `forban`; decodes no URL-safe base64.
    Go,
    /// One that keeps to the specification: from the service port, HMAC keyed `Forban`.
    Specified,
}

/// A datagram that reached it.
#[derive(Clone, Debug)]
pub struct Heard {
    pub from: SocketAddr,
    /// To its own address, not to everybody.
    pub is_unicast: bool,
    pub text: String,
}

pub struct Scripted {
    pub uuid: Uuid,
    pub address: SocketAddr,
    shared: Arc<Shared>,
    unicast: UdpSocket,
}

struct Shared {
    kind: Kind,
    index: Mutex<Vec<u8>>,
    scripts: Mutex<HashMap<String, Script>>,
    /// Rows of its manifest, by name.
    told: Mutex<BTreeMap<String, String>>,
    requests: Mutex<Vec<Request>>,
    heard: Mutex<Vec<Heard>>,
    ended: AtomicBool,
}

impl Scripted {
    /// One at 127.0.0.`last`, which serves and hears from now on, and announces when told.
    pub fn start(lan: &Lan, last: u8, kind: Kind) -> Self {
        let address = lan.address(last);
        let shared = Arc::new(Shared {
            kind,
            index: Mutex::default(),
            scripts: Mutex::default(),
            told: Mutex::default(),
            requests: Mutex::default(),
            heard: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let unicast = udp(address);
        let broadcast = udp(SocketAddr::from((Ipv4Addr::new(127, 255, 255, 255), lan.port)));
        shared.clone().hear(unicast.try_clone().unwrap(), true);
        shared.clone().hear(broadcast, false);
        server::serve(shared.clone(), address);
        Self { uuid: Uuid::new_v4(), address, shared, unicast }
    }

    /// Lists and serves a file as an honest node of its kind does.
    pub fn offers(&self, name: &str, content: impl Into<Vec<u8>>) -> &Self {
        let content = content.into();
        self.lists(format!("{name},{}", content.len()));
        self.answers(name, answers::content(content))
    }

    /// Tells by its manifest that a file of its index holds that, true or not. From then on it has a
    /// manifest.
    pub fn tells(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let content = content.as_ref();
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let row = format!(
            "{} {} {} {name}\n",
            content.len(),
            hex(&md5::Md5::digest(content)),
            hex(blake3::hash(content).as_bytes())
        );
        let rows = {
            let mut told = self.shared.told.lock().unwrap();
            told.insert(name.to_owned(), row);
            told.values().cloned().collect::<String>()
        };
        let manifest = format!("boucan-manifest 1\nhashing 0\n\n{rows}");
        self.answers("forban/index.manifest", answers::content(manifest.into_bytes()))
    }

    /// Adds a line to its index, whatever it holds.
    pub fn lists(&self, line: impl AsRef<[u8]>) -> &Self {
        let mut index = self.shared.index.lock().unwrap();
        index.extend_from_slice(line.as_ref());
        index.push(b'\n');
        drop(index);
        self
    }

    /// Replaces its whole index.
    pub fn lists_only(&self, index: impl Into<Vec<u8>>) -> &Self {
        *self.shared.index.lock().unwrap() = index.into();
        self
    }

    /// Answers requests for a name by a script from now on.
    pub fn answers(&self, name: &str, script: Script) -> &Self {
        self.shared.scripts.lock().unwrap().insert(name.to_owned(), script);
        self
    }

    /// Announces its index as it is now, to everybody, as its kind does.
    pub fn announce(&self) {
        let key = if self.shared.kind == Kind::Specified { IndexKey::Specified } else { IndexKey::Practised };
        let hmac = IndexHmac::of(&self.shared.index.lock().unwrap(), &key);
        self.announce_hmac(&hmac.to_string());
    }

    /// The same with any HMAC.
    pub fn announce_hmac(&self, hmac: &str) {
        self.announce_text(format!("forban;name;{:?};uuid;{};hmac;{hmac}", self.shared.kind, self.uuid));
    }

    /// Sends any datagram from where its kind announces.
    pub fn announce_text(&self, text: impl AsRef<[u8]>) {
        let everybody = SocketAddr::from((Ipv4Addr::new(127, 255, 255, 255), self.address.port()));
        match self.shared.kind {
            Kind::Py => udp(SocketAddr::new(self.address.ip(), 0)).send_to(text.as_ref(), everybody).unwrap(),
            Kind::Go | Kind::Specified => self.unicast.send_to(text.as_ref(), everybody).unwrap(),
        };
    }

    /// What it was asked for this name so far.
    pub fn requests_for(&self, name: &str) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.name == name).collect()
    }

    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Announcements of others that it heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        let others = |heard: &&Heard| heard.from.ip() != self.address.ip();
        self.shared.heard.lock().unwrap().iter().filter(others).cloned().collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn hear(self: Arc<Self>, socket: UdpSocket, is_unicast: bool) {
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !self.ended.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                self.heard.lock().unwrap().push(Heard { from, is_unicast, text });
            }
        });
    }
}

/// Several nodes share the broadcast address of the LAN.
fn udp(address: SocketAddr) -> UdpSocket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_broadcast(true).unwrap();
    socket.bind(&address.into()).unwrap();
    socket.into()
}
