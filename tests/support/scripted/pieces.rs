//! A scripted holder of a content, which gives it piece by piece (`docs/PROTOCOL.md`, section 6):
//! honestly, or in each piece as the test says. It keeps what it gave.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boucan::wire::pieces::{PIECE_BYTES, run_bytes};
use boucan::wire::{PieceHasher, PieceList, PieceSet, url};

use super::answers::{self, After, script};
use super::{Request, Scripted};

/// A piece that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub piece: u64,
    /// How many pieces were given before, in all.
    pub before: usize,
    /// How often this one was.
    pub again: usize,
}

/// What becomes of a piece that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Give,
    /// Gives it after a while.
    Late(Duration),
    /// Gives as many other bytes.
    Lie,
    /// Gives the piece behind it, and says so.
    Other,
    /// Half of it comes, nothing more for a while, and then the end.
    Stall(Duration),
    /// Half of it comes, then the end.
    Break,
    /// Such a status instead; it counts as not given.
    Refuse(&'static str),
}

pub type Conduct = Box<dyn Fn(Asked) -> Deed + Send + Sync>;

/// A content that is given piece by piece.
pub struct Holding {
    content: Vec<u8>,
    pub list: PieceList,
    /// Where its choice begins: each holder's elsewhere.
    first: u64,
    given: Mutex<Vec<u64>>,
    conduct: Conduct,
}

impl Scripted {
    /// Lists a file, tells its content, and gives it in pieces, as an honest node does.
    pub fn gives_pieces(&self, name: &str, content: &[u8]) -> Arc<Holding> {
        self.gives_pieces_so(name, content, |_| Deed::Give)
    }

    /// The same, each piece as `conduct` says.
    pub fn gives_pieces_so(
        &self,
        name: &str,
        content: &[u8],
        conduct: impl Fn(Asked) -> Deed + Send + Sync + 'static,
    ) -> Arc<Holding> {
        self.offers(name, content).tells(name, content).holds(content, conduct)
    }

    /// Gives pieces of a content, and tells nobody that it has it.
    pub fn holds(&self, content: &[u8], conduct: impl Fn(Asked) -> Deed + Send + Sync + 'static) -> Arc<Holding> {
        let list = list_of(content);
        let first = u64::from(last_octet(self)) * 7;
        let (content, given) = (content.to_vec(), Mutex::default());
        let holding = Arc::new(Holding { content, list, first, given, conduct: Box::new(conduct) });
        self.answers(url::PIECES_NAME, answers::content(holding.list.emit().to_vec()));
        let gives = holding.clone();
        self.answers(url::CONTENT_NAME, script(move |request, stream| gives.answer(request, stream)));
        holding
    }

    /// Has a feed, which tells these lines at once and then only that it is alive.
    pub fn feeds(&self, lines: &str) -> &Self {
        let lines = format!("HTTP/1.1 200 OK\r\n\r\nforban/index.feed 1\n{lines}");
        let tell = move |_: &Request, stream: &mut TcpStream| {
            stream.write_all(lines.as_bytes())?;
            loop {
                std::thread::sleep(Duration::from_millis(200));
                stream.write_all(b"alive\n")?;
            }
        };
        self.answers(url::FEED_NAME, script(tell))
    }
}

impl Holding {
    /// The pieces it gave so far, in order.
    pub fn given(&self) -> Vec<u64> {
        self.given.lock().unwrap().clone()
    }

    /// How many pieces the content has.
    pub fn pieces(&self) -> u64 {
        self.list.hashes().len() as u64
    }

    fn answer(&self, request: &Request, stream: &mut TcpStream) -> io::Result<After> {
        let Some((run, deeds)) = self.take(request) else { return refuse("416 Range Not Satisfiable", stream) };
        if let Deed::Refuse(status) = deeds[0] {
            return refuse(status, stream);
        }
        let run = if deeds[0] == Deed::Other { self.another_than(&run) } else { run };
        let (first, length) = run_bytes(&run, self.content.len() as u64);
        write!(
            stream,
            "HTTP/1.1 206 Partial Content\r\nContent-Length: {length}\r\nContent-Range: bytes {first}-{}/{}\r\n\r\n",
            first + length - 1,
            self.content.len()
        )?;
        for (piece, deed) in run.zip(deeds) {
            if self.give(piece, deed, stream)? == After::Close {
                return Ok(After::Close);
            }
        }
        Ok(After::GoOn)
    }

    fn give(&self, piece: u64, deed: Deed, stream: &mut TcpStream) -> io::Result<After> {
        let range = self.list.range(piece);
        let bytes = &self.content[range.start as usize..range.end as usize];
        let half = &bytes[..bytes.len() / 2];
        match deed {
            Deed::Give | Deed::Other => stream.write_all(bytes)?,
            Deed::Late(pause) => {
                std::thread::sleep(pause);
                stream.write_all(bytes)?;
            }
            Deed::Lie => stream.write_all(&bytes.iter().map(|byte| byte ^ 1).collect::<Vec<_>>())?,
            Deed::Stall(pause) => {
                stream.write_all(half)?;
                std::thread::sleep(pause);
                return Ok(After::Close);
            }
            // A run is broken off where a piece is refused, too.
            Deed::Break | Deed::Refuse(_) => {
                stream.write_all(half)?;
                return Ok(After::Close);
            }
        }
        Ok(After::GoOn)
    }

    /// Which pieces are asked for, and what becomes of each. None if there are no such pieces.
    fn take(&self, request: &Request) -> Option<(RangeInclusive<u64>, Vec<Deed>)> {
        let mut given = self.given.lock().unwrap();
        let run = match wanted(request, self.pieces()) {
            Some(wanted) => {
                let from = self.first % self.pieces();
                let in_turn = (from..self.pieces()).chain(0..from).filter(|piece| wanted.contains(*piece));
                // Rather one that it gives at all, and of these one that left least often.
                let refuses = |piece| matches!(self.deed(piece, &given), Deed::Refuse(_));
                let least = in_turn.min_by_key(|piece| (refuses(*piece), times(&given, *piece)))?;
                least..=least
            }
            None => asked_run(request, self.content.len() as u64)?,
        };
        let mut deeds = Vec::new();
        for piece in run.clone() {
            let deed = self.deed(piece, &given);
            deeds.push(deed);
            // The answer ends here: what is behind it does not leave.
            if matches!(deed, Deed::Refuse(_)) {
                break;
            }
            given.push(piece);
        }
        Some((run, deeds))
    }

    fn deed(&self, piece: u64, given: &[u64]) -> Deed {
        (self.conduct)(Asked { piece, before: given.len(), again: times(given, piece) })
    }

    fn another_than(&self, run: &RangeInclusive<u64>) -> RangeInclusive<u64> {
        let other = (run.end() + 1) % self.pieces();
        other..=other
    }
}

fn times(given: &[u64], piece: u64) -> usize {
    given.iter().filter(|other| **other == piece).count()
}

/// The pieces that verify a content.
pub fn list_of(content: &[u8]) -> PieceList {
    let mut hasher = PieceHasher::new();
    hasher.update(content);
    hasher.finish().1.unwrap()
}

fn wanted(request: &Request, pieces: u64) -> Option<PieceSet> {
    let (_, query) = request.target.split_once('?')?;
    let want = url::query_first(query, "want")?;
    PieceSet::parse(&String::from_utf8_lossy(&want), pieces).ok()
}

/// The whole pieces that a `Range` names; all without one.
fn asked_run(request: &Request, size_bytes: u64) -> Option<RangeInclusive<u64>> {
    let Some(range) = request.header("range") else { return Some(0..=(size_bytes - 1) / PIECE_BYTES) };
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    (first < size_bytes).then_some(first / PIECE_BYTES..=last / PIECE_BYTES)
}

fn refuse(status: &str, stream: &mut TcpStream) -> io::Result<After> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")?;
    Ok(After::GoOn)
}

fn last_octet(scripted: &Scripted) -> u8 {
    match scripted.address.ip() {
        std::net::IpAddr::V4(address) => address.octets()[3],
        std::net::IpAddr::V6(_) => 0,
    }
}
