//! Clients that cost little: they read as browsers do, and look at nothing but the length.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::super::support::http::connect;

/// An open connection that is used again and again.
pub struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client {
    pub fn new(to: SocketAddr, target: &str, buffer_bytes: usize) -> Self {
        let stream = connect(to);
        stream.set_nodelay(true).unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: {to}\r\n\r\n").into_bytes();
        Self { stream, request, buffer: vec![0; buffer_bytes] }
    }

    pub fn ask(&mut self) {
        self.stream.write_all(&self.request).unwrap();
    }

    /// Reads an answer of 200 to its end; how many bytes its body had.
    pub fn hear(&mut self) -> u64 {
        let mut have = 0;
        let (body_begins, length) = loop {
            have += self.read(have);
            if let Some(head) = head_of(&self.buffer[..have]) {
                break head;
            }
        };
        let mut left = length - (have - body_begins) as u64;
        while left > 0 {
            left -= self.read(0) as u64;
        }
        length
    }

    pub fn get(&mut self) -> u64 {
        self.ask();
        self.hear()
    }

    fn read(&mut self, from: usize) -> usize {
        loop {
            match self.stream.read(&mut self.buffer[from..]) {
                Ok(0) => panic!("it closed within an answer"),
                Ok(read) => return read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Where the body begins, and its length; none before the head is whole.
fn head_of(bytes: &[u8]) -> Option<(usize, u64)> {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
    });
    Some((end + 4, length.unwrap()))
}

/// Fetches by so many connections at once, each so often: bytes, and how long it took.
pub fn fetch(to: SocketAddr, target: &str, connections: usize, times: usize) -> (u64, Duration) {
    let began = Instant::now();
    let bytes = std::thread::scope(|scope| {
        let fetching: Vec<_> = (0..connections)
            .map(|_| scope.spawn(|| (0..times).map(|_| Client::new(to, target, 1 << 20).get()).sum::<u64>()))
            .collect();
        fetching.into_iter().map(|one| one.join().unwrap()).sum()
    });
    (bytes, began.elapsed())
}

/// So many requests on the way at any time, each on a connection that stays open, from one thread:
/// requests a second.
pub fn requests_per_second(to: SocketAddr, target: &str, connections: usize, lasting: Duration) -> f64 {
    let mut clients: Vec<Client> = (0..connections).map(|_| Client::new(to, target, 16 << 10)).collect();
    clients.iter_mut().for_each(Client::ask);
    let (began, mut answers) = (Instant::now(), 0_u64);
    while began.elapsed() < lasting {
        for client in &mut clients {
            client.hear();
            client.ask();
            answers += 1;
        }
    }
    let rate = answers as f64 / began.elapsed().as_secs_f64();
    for client in &mut clients {
        client.hear();
    }
    rate
}
