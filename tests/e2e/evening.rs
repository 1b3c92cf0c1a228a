//! An evening with much to see, for pictures of the pages: thousands of files on nodes of all
//! kinds, something that comes slowly, something that fails, versions that differ, names that are
//! held back, a Napster peer; and beside it a node that is alone.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use boucan::wire::{IndexHmac, IndexKey};
use socket2::{Domain, Socket, Type};

use super::browser::Tab;
use super::{media, room, titles};
use crate::support::lan::{Lan, Node, NodeBuilder};
use crate::support::scripted::answers::{After, MONDAY, Script, script, stalls, status};
use crate::support::scripted::{Kind, Scripted};
use crate::support::{PATIENCE, wait_until};

/// What comes slowly: so much in all, a sip at a time.
const SLOW_BYTES: usize = 400_000_000;
const SIP: usize = 60_000;
const SIPS_APART: Duration = Duration::from_millis(100);

/// Nodes that have much, and give nothing.
const LISTING: [&str; 3] =
    ["Médiathèque du pont 3", "شبكة المكتبة", "a-host-with-a-name-that-somebody-never-thought-would-be-read"];

/// All that runs.
pub struct Evening {
    pub here: Node,
    pub library: Node,
    /// The same as another sees it: nobody near, nothing in the folder.
    pub alone: Node,
    _others: (Node, Vec<Scripted>, TcpListener),
    _lans: (Lan, Lan),
}

impl Evening {
    /// Starts it and waits until there is something to see of everything.
    #[track_caller]
    pub fn new() -> Self {
        let (lan, lonely) = (Lan::new(), Lan::new());
        let library = library(lan.node(3)).start();
        let kitchen = room::kitchen(lan.node(4)).opportunistic().start();
        let here = here(lan.node(2)).start();
        let peer = napster_peer(&here);
        let others = vec![
            listing(&lan, 5, Kind::Go, LISTING[0], &titles::films(4_000)),
            listing(&lan, 6, Kind::Specified, LISTING[1], &titles::music(3_000)),
            listing(&lan, 7, Kind::Py, LISTING[2], &titles::odds(2_500)),
            slow_phone(&lan),
        ];
        let alone = lonely.node(2).named("Cabine").start();
        let evening = Self { here, library, alone, _others: (kitchen, others, peer), _lans: (lan, lonely) };
        evening.wait_for_all();
        evening.something_is_new();
        evening
    }

    /// After everybody knows everybody: only then it is news.
    #[track_caller]
    fn something_is_new(&self) {
        for n in 1..30 {
            self.library.put(&format!("pictures/2026 August, on deck/DSC_{n:04}.png"), media::cover(n + 500));
        }
        self.library.put("music/Shanty of the night watch.wav", media::wav(12));
        self.here.put("notes/Menu of Sunday.txt", "Soup.\n");
        wait_until("it is told", || self.here.get("/new").text().contains("Shanty"));
    }

    #[track_caller]
    fn wait_for_all(&self) {
        let shows = |page: &str, words: &str| {
            wait_until(&format!("{page} shows {words}"), || self.here.get(page).text().contains(words));
        };
        shows("/q/?v=lighthouse", "Lighthouse");
        shows("/q/?v=ninety", "Ninety");
        shows("/mirror.json", "Regatta");
        shows("/held-back", "Forbidden");
    }
}

/// Copies, offers, keeps a directory, and holds some names back.
fn here(node: NodeBuilder) -> NodeBuilder {
    let node = node.named("Salon des passagers").args(Tab::ELSEWHERE).opportunistic().napster();
    let node = node.args(["--kind", "picture", "--kind", "video", "--kind", "document", "--max-size", "500MB"]);
    let node = node.args(["--budget", "2GB"]);
    // These only list.
    let node = LISTING.iter().fold(node, |node, name| node.arg("--never-from").arg(name));
    let node = (1..40).fold(node, |node, n| node.file(&format!("pictures/Quay {n:02}.png"), media::cover(n)));
    let node =
        node.file("same name.txt", "ours").file("held\\back.txt", "x").file("notes/Lu et approuvé.txt", "Bonjour.\n");
    node.file("notes/A line\nbreak.txt", "x").file("music/Foghorn – salon mix.wav", media::wav(30))
}

fn library(node: NodeBuilder) -> NodeBuilder {
    let node = room::library(node);
    let node = (1..60).fold(node, |node, n| {
        node.file(&format!("pictures/Album {}/Harbour {n:03}.png", n % 5 + 1), media::cover(n + 100))
    });
    titles::odds(400).into_iter().fold(node, |node, (name, _)| node.file(&name, name.as_bytes()))
}

/// A node of another program that only lists.
fn listing(lan: &Lan, last: u8, kind: Kind, name: &str, files: &[titles::Listed]) -> Scripted {
    let node = Scripted::start(lan, last, kind);
    announce(&node, kind, name, &titles::index(files));
    node
}

fn announce(node: &Scripted, kind: Kind, name: &str, index: &str) {
    node.lists_only(index);
    let key = if kind == Kind::Specified { IndexKey::Specified } else { IndexKey::Practised };
    let hmac = IndexHmac::of(index.as_bytes(), &key);
    node.announce_text(format!("forban;name;{name};uuid;{};hmac;{hmac}", node.uuid));
}

/// Gives a film a sip at a time, ends another in its middle, refuses a third.
fn slow_phone(lan: &Lan) -> Scripted {
    let node = Scripted::start(lan, 8, Kind::Py);
    let index = format!(
        "Regatta of the old boats 2026.mp4,{SLOW_BYTES}\nbroken/Half a film.mp4,9000000\nbroken/Forbidden.mp4,5000\nWhat? Who: me.png,77\nsame name.txt,9000\n"
    );
    node.answers("Regatta of the old boats 2026.mp4", sips());
    node.answers("broken/Half a film.mp4", stalls(vec![1; 9_000_000], MONDAY, 100_000, Duration::ZERO));
    node.answers("broken/Forbidden.mp4", status("403 Forbidden"));
    announce(&node, Kind::Py, "Téléphone de Zoé", &index);
    node
}

fn sips() -> Script {
    script(|request, stream| {
        let from = request.range_start().unwrap_or(0);
        let (line, range) = match from {
            0 => ("200 OK", String::new()),
            _ => ("206 Partial Content", format!("Content-Range: bytes {from}-{}/{SLOW_BYTES}\r\n", SLOW_BYTES - 1)),
        };
        write!(
            stream,
            "HTTP/1.1 {line}\r\nContent-Length: {}\r\n{range}Last-Modified: {MONDAY}\r\nContent-Disposition: attachment; filename=x\r\n\r\n",
            SLOW_BYTES - from
        )?;
        for _ in (from..SLOW_BYTES).step_by(SIP) {
            stream.write_all(&[9; SIP])?;
            std::thread::sleep(SIPS_APART);
        }
        Ok(After::Close)
    })
}

/// Somebody who is logged in at the directory and shares songs; serves while it is kept.
fn napster_peer(node: &Node) -> TcpListener {
    let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, 9), 0)).unwrap();
    let address = "127.000.000.009|0000:0000:0000:0000:0000:ffff:7f00:0009";
    let answer = ask_directory(node, &format!("LOGI{address}{:05}", listener.local_addr().unwrap().port()));
    let session = answer.strip_prefix("ALGI").expect("a session").to_owned();
    for (n, song) in ["Chanson du boucan.ogg", "Lighthouse blues.mp3", "ballata del porto.ogg"].iter().enumerate() {
        ask_directory(node, &format!("ADDF{session}{n:032x}{song:100}"));
    }
    listener
}

fn ask_directory(node: &Node, request: &str) -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, 9), 0)).into()).unwrap();
    socket.connect(&node.directory().into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
