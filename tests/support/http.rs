//! A client of raw sockets: what is sent is exactly what the test says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::PATIENCE;

/// An answer, taken apart.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// Takes bytes apart; the body is what follows the head.
    #[track_caller]
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .unwrap_or_else(|| panic!("no head in {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    /// The value of a header line, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Connects from 127.0.0.1 with time limits.
#[track_caller]
pub fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&to, PATIENCE).expect("the node accepts connections");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes and reads until the node closes, or the time is over.
#[track_caller]
pub fn exchange(to: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = connect(to);
    let _ = stream.write_all(request); // it may be refused half-way
    read_all(&mut stream)
}

/// Reads until the other side closes; a reset ends it too.
pub fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    bytes
}

/// Reads one answer from a keep-alive connection: head, then as much as it declares.
#[track_caller]
pub fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let mut byte = [0; 1];
    while !bytes.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "closed within the head: {:?}", String::from_utf8_lossy(&bytes));
        bytes.push(byte[0]);
    }
    let mut answer = Answer::parse(&bytes);
    let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    answer.body.resize(length, 0);
    stream.read_exact(&mut answer.body).unwrap();
    answer
}

/// One request with more header lines (each ending in CRLF), on a connection of its own.
#[track_caller]
pub fn request(to: SocketAddr, method: &str, target: &str, more: &str) -> Answer {
    Answer::parse(&exchange(
        to,
        format!("{method} {target} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n{more}\r\n").as_bytes(),
    ))
}

/// What came back, if anything did: its status, or none where the connection just ended.
#[track_caller]
pub fn status(to: SocketAddr, bytes: &[u8]) -> Option<u16> {
    let answer = exchange(to, bytes);
    (!answer.is_empty()).then(|| Answer::parse(&answer).status)
}

/// Whether the other side closes within `limit`.
pub fn closes_within(stream: &mut TcpStream, limit: Duration) -> bool {
    stream.set_read_timeout(Some(limit)).unwrap();
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => {
                return !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
            }
        }
    }
}
