//! The Napster directory from outside: raw sockets, each peer with an address of its own.

mod framing;
mod limits;
mod names;
mod replay;
mod sessions;
mod start;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use super::support::PATIENCE;
use super::support::lan::{Lan, Node};

/// Connects from 127.0.0.`last`, as another host.
#[track_caller]
fn connect_from(last: u8, to: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0)).into()).unwrap();
    socket.connect_timeout(&to.into(), PATIENCE).unwrap();
    socket.set_tcp_nodelay(true).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Everything that comes until the directory closes; a reset connection is a failure.
#[track_caller]
fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

/// One request in one segment.
#[track_caller]
fn ask(node: &Node, last: u8, request: &[u8]) -> Vec<u8> {
    let mut stream = connect_from(last, node.directory());
    stream.write_all(request).unwrap();
    read_all(&mut stream)
}

/// The same, as text.
#[track_caller]
fn say(node: &Node, last: u8, request: &str) -> String {
    String::from_utf8(ask(node, last, request.as_bytes())).unwrap()
}

/// A request that is cut short by closing our half.
#[track_caller]
fn ask_and_close(node: &Node, last: u8, request: &[u8]) -> Vec<u8> {
    let mut stream = connect_from(last, node.directory());
    stream.write_all(request).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    read_all(&mut stream)
}

/// How 127.0.0.`last` says where it is, with IPv4 alone.
fn address(last: u8, port: u32) -> String {
    format!("127.000.000.{last:03}|0000:0000:0000:0000:0000:ffff:7f00:{last:04x}{port:05}")
}

/// A peer at 127.0.0.`last`, logged in.
#[derive(Clone)]
struct Peer<'n> {
    node: &'n Node,
    last: u8,
    session: String,
}

impl<'n> Peer<'n> {
    #[track_caller]
    fn login(node: &'n Node, last: u8) -> Self {
        let answer = say(node, last, &format!("LOGI{}", address(last, 6001)));
        let session = answer.strip_prefix("ALGI").unwrap_or_else(|| panic!("{answer}")).to_owned();
        Self { node, last, session }
    }

    #[track_caller]
    fn add(&self, number: u32, name: &str) -> String {
        assert!(name.len() <= 100);
        let padded = format!("{name}{}", " ".repeat(100 - name.len()));
        self.say("ADDF", &format!("{}{padded}", md5(number)))
    }

    #[track_caller]
    fn find(&self, query: &str) -> String {
        self.say("FIND", &format!("{query}{}", " ".repeat(20 - query.len())))
    }

    #[track_caller]
    fn say(&self, command: &str, fields: &str) -> String {
        say(self.node, self.last, &format!("{command}{}{fields}", self.session))
    }
}

fn md5(number: u32) -> String {
    format!("{number:032x}")
}

fn directory(lan: &Lan) -> Node {
    lan.node(2).napster().start()
}

const UNAUTHORIZED: &str = "Unauthorized: your SessionID is invalid";
const NO_SESSION: &str = "0000000000000000";
