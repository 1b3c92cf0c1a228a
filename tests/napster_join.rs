//! Our files at directories of others: registered, kept up to date, registered again where they
//! were forgotten, and taken away at the end.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use boucan::directory::download::Incoming;
use boucan::directory::join::{JoinState, JoinTimes, Joins};
use boucan::directory::peer::{Contents, Opened, PeerService};
use boucan::discovery::interfaces::Interfaces;
use boucan::leaving::Outgoing;
use boucan::listening::listen;
use boucan::loot::OpenError;
use boucan::own_address::OwnPeer;
use boucan::shutdown::Tasks;
use boucan::wire::napster::{Md5, Request, transfer};
use boucan::wire::{DigestTable, Digests, Index};
use tokio::sync::watch;

use crate::napster_scripted::{ScriptedDirectory, md5_of};
use crate::support::lan::Lan;
use crate::support::wait_until;

const TIMES: JoinTimes = JoinTimes {
    life: Duration::from_millis(100),
    settle: Duration::from_millis(10),
    retry_first: Duration::from_millis(50),
    retry_last: Duration::from_millis(200),
    full: Duration::from_millis(300),
};

/// Every file holds its own name.
#[derive(Debug)]
struct Names(Vec<String>);

impl Contents for Names {
    fn open(&self, md5: Md5) -> Result<Opened, OpenError> {
        let name = self.0.iter().find(|name| md5_of(name.as_bytes()) == md5).ok_or(OpenError::Missing)?;
        let mut file = tempfile::tempfile()?;
        file.write_all(name.as_bytes())?;
        Ok(Opened { file, size_bytes: name.len() as u64, name: name.clone() })
    }
}

fn table(names: &[String]) -> Arc<DigestTable> {
    let mut names = names.to_vec();
    names.sort();
    let text: String = names.iter().map(|name| format!("folder/{name},{}\n", name.len())).collect();
    let index = Index::parse(text.as_bytes()).unwrap().0;
    let digests = names.iter().map(|name| Some(Digests { md5: md5_of(name.as_bytes()), blake3: [0; 32] })).collect();
    Arc::new(DigestTable::new(Arc::new(index), digests))
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("file {n:03}")).collect()
}

/// A node's half of it: peers are served, and the loot changes when told.
struct Node {
    joins: Joins,
    peers: PeerService,
    loot: watch::Sender<Arc<DigestTable>>,
    tasks: Tasks,
}

impl Node {
    fn join(directory: &ScriptedDirectory, files: &[String]) -> Self {
        let (loot, digests) = watch::channel(table(files));
        let tasks = Tasks::default();
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        let peers = PeerService::start(
            vec![listener],
            port,
            Arc::new(Names(files.to_vec())),
            Outgoing::default(),
            usize::MAX,
            &tasks,
        );
        let from = Some("127.0.0.1".parse().unwrap());
        let own = OwnPeer { interfaces: Interfaces::default(), bound: Arc::new(["127.0.0.1".parse().unwrap()]), port };
        let joins = Joins::start(&[directory.host()], from, &own, &peers, &digests, TIMES, &tasks);
        Self { joins, peers, loot, tasks }
    }

    fn state(&self) -> JoinState {
        self.joins.statuses()[0].state.clone()
    }

    fn registered(&self) -> Option<usize> {
        match self.state() {
            JoinState::LoggedIn { registered, .. } => Some(registered),
            _ => None,
        }
    }
}

#[track_caller]
fn has(directory: &ScriptedDirectory, files: &[String]) {
    let expected = files.iter().cloned().collect();
    wait_until(&format!("the directory has {} files", files.len()), || directory.registered() == expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loot_is_registered_from_a_clean_slate_and_followed_and_taken_away() {
    let directory = ScriptedDirectory::start();
    let node = Node::join(&directory, &names(0..150));
    has(&directory, &names(0..150));
    let first: Vec<Request> = directory.requests().into_iter().take(3).collect();
    assert!(matches!(&first[..], [Request::Login(a), Request::Logout(_), Request::Login(b)] if a == b), "{first:?}");
    assert!(matches!(first[0], Request::Login(address) if address.port == node.peers.port()));
    node.loot.send_replace(table(&names(100..170)));
    has(&directory, &names(100..170));
    wait_until("it is shown", || node.registered() == Some(70));
    assert!(node.tasks.end().await);
    assert_eq!((directory.sessions(), directory.registered().len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_forgot_us_or_was_away_has_everything_again() {
    let directory = ScriptedDirectory::start();
    directory.manner().keeps_open = true;
    let node = Node::join(&directory, &names(0..5));
    has(&directory, &names(0..5));
    directory.forgets();
    has(&directory, &names(0..5));
    directory.manner().is_away = true;
    wait_until("its absence is shown", || matches!(node.state(), JoinState::Waiting { why } if why.contains("closed")));
    directory.forgets();
    directory.manner().is_away = false;
    has(&directory, &names(0..5));
    assert!(node.tasks.end().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_still_holds_is_used_again() {
    let directory = ScriptedDirectory::start();
    let node = Node::join(&directory, &names(0..5));
    has(&directory, &names(0..5));
    wait_until("it is shown", || node.registered() == Some(5));
    directory.manner().is_away = true;
    wait_until("its absence is shown", || node.registered().is_none());
    directory.manner().is_away = false;
    wait_until("it is joined again", || node.registered() == Some(5));
    let count = |kind: fn(&Request) -> bool| directory.requests().iter().filter(|r| kind(r)).count();
    assert_eq!(count(|request| matches!(request, Request::Login(_))), 2);
    assert_eq!(count(|request| matches!(request, Request::Add(..))), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_directory_is_left_in_peace_and_gets_the_rest_when_there_is_room() {
    let directory = ScriptedDirectory::start();
    directory.manner().room = 10;
    let node = Node::join(&directory, &names(0..30));
    let is_full = || matches!(node.state(), JoinState::LoggedIn { registered: 10, held_back: Some(why), .. } if why.contains("Too many files"));
    wait_until("it is full", is_full);
    let asked = directory.requests().iter().filter(|request| matches!(request, Request::Add(..))).count();
    assert!(asked < 30, "it went on asking: {asked}");
    directory.manner().room = 100;
    has(&directory, &names(0..30));
    wait_until("nothing is held back", || {
        matches!(node.state(), JoinState::LoggedIn { registered: 30, held_back: None, .. })
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_from_us_is_counted_there() {
    let directory = ScriptedDirectory::start();
    let node = Node::join(&directory, &names(0..3));
    has(&directory, &names(0..3));
    wait_until("it is shown", || node.registered() == Some(3));
    let md5 = md5_of(b"file 001");
    let address = ([127, 0, 0, 1], node.peers.port()).into();
    let mut incoming = Incoming::open(md5, address, None, 1_000).await.unwrap();
    assert_eq!(incoming.next().await.unwrap().unwrap(), "file 001");
    assert!(incoming.next().await.unwrap().is_none());
    let is_told = |request: &Request| matches!(request, Request::Download(_, of) if *of == md5);
    wait_until("the directory is told", || directory.requests().iter().any(is_told));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_name_others_changed_is_no_reason_to_begin_again() {
    let directory = ScriptedDirectory::start();
    let node = Node::join(&directory, &names(0..1));
    has(&directory, &names(0..1));
    directory.renames(md5_of(b"file 000"), "something else");
    let looks = || directory.requests().iter().filter(|request| matches!(request, Request::Find(..))).count();
    let before = looks();
    wait_until("it looked a few times", || looks() > before + 4);
    assert_eq!(directory.registered().first().unwrap(), "something else");
    assert!(node.registered().is_some());
}

#[test]
fn a_node_joins_at_its_start_and_logs_out_at_its_end() {
    let (lan, directory) = (Lan::new(), ScriptedDirectory::start());
    let node = lan.node(2).napster().arg("--join").arg(&directory.address.to_string()).start();
    wait_until("the node is logged in", || directory.requests().len() >= 3 && directory.sessions() == 1);
    let port = node.peer().port();
    let is_ours =
        |request: &Request| matches!(request, Request::Login(a) if a.v4.to_string() == "127.0.0.2" && a.port == port);
    assert!(directory.requests().iter().any(is_ours), "{:?}", directory.requests());
    let answer = crate::support::http::exchange(node.peer(), &transfer::emit_retrieve(md5_of(b"what nobody has")));
    assert_eq!(answer, transfer::NOT_AVAILABLE.as_bytes());
    let (_, status) = node.terminate();
    assert_eq!((status, directory.sessions()), (Some(0), 0));
}

#[test]
fn a_node_that_cannot_serve_peers_does_not_join() {
    let (lan, directory) = (Lan::new(), ScriptedDirectory::start());
    let node = lan.node(2).napster().arg("--join").arg(&directory.address.to_string());
    let _taken = std::net::TcpListener::bind(("127.0.0.2", lan.peer_port)).unwrap();
    let output = node.command().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.contains("--peer-port")), (Some(1), true), "{said}");
    assert!(directory.requests().is_empty());
}
