//! Server-sent events, read one by one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::Value;

use super::PATIENCE;
use super::http::connect;

/// A stream of them that is open.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// Asks for the stream; returns the head of the answer too, in small letters.
    #[track_caller]
    pub fn open(to: SocketAddr, target: &str) -> (Self, String) {
        let mut stream = connect(to);
        write!(stream, "GET {target} HTTP/1.1\r\nHost: {to}\r\n\r\n").unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(lines.read_line(&mut head).unwrap(), 0, "it closed within the head: {head}");
        }
        (Self(lines), head.to_lowercase())
    }

    /// The next event: its name and its data.
    #[track_caller]
    pub fn next(&mut self) -> (String, Value) {
        let mut name = None;
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the events ended");
            if let Some(event) = line.strip_prefix("event: ") {
                name = Some(event.trim_end().to_owned());
            }
            if let (Some(data), Some(name)) = (line.strip_prefix("data: "), &name) {
                return (name.clone(), serde_json::from_str(data).unwrap());
            }
        }
    }

    /// The data of the next of that name. Others come all the time, so it has a deadline of its own.
    #[track_caller]
    pub fn next_of(&mut self, wanted: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (name, data) = self.next();
            if name == wanted {
                return data;
            }
            assert!(Instant::now() < deadline, "in vain: {wanted} is told");
        }
    }

    /// What comes, as it is.
    pub fn lines(&mut self) -> &mut BufReader<TcpStream> {
        &mut self.0
    }
}
