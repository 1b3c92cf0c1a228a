//! The port from which Napster peers fetch our loot: one `RETR` a connection, answered by `ARET`
//! and the file in chunks.
//!
//! Real clients read `ARET`, the count and the first length at once, so these leave in one write.
//! A file that was cut meanwhile ends the connection early: nothing is padded.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::time::{Instant, timeout, timeout_at};

use super::pace::Pace;
use crate::bandwidth::{Bandwidth, GRANT_BYTES};
use crate::leaving::{Guard, Outgoing, Way};
use crate::listening::{Ends, Gate, GateLimits, Pass, canonical};
use crate::loot::{Loot, OpenError};
use crate::shutdown::Tasks;
use crate::wire::napster::transfer::{NOT_AVAILABLE, NOT_READABLE, RETRIEVE_BYTES, parse_retrieve};
use crate::wire::napster::{ChunkPlan, Md5, Parsed};

/// A connection carries one file, which is open too: fewer than over HTTP.
const LIMITS: GateLimits = GateLimits { total: 256, per_host: 32 };
/// Of the files and sockets that the process may have open one in so many is a connection here.
const FILES_SHARE: usize = 16;
/// A peer says within this what it wants.
const REQUEST: Duration = Duration::from_secs(10);
/// Read from the file and framed at once: what a peer that does not read costs.
const PIECE_BYTES: u64 = 128 * 1024;
/// What a peer says after its request is read for so long …
const DRAIN: Duration = Duration::from_secs(1);
/// … and so far: closing with unread bytes would take the answer's end away from it.
const DRAIN_BYTES: usize = 64 * 1024;
/// Files served whole that those who tell directories of it may lag behind.
const SERVED_QUEUE: usize = 256;

/// What can be fetched here.
pub trait Contents: std::fmt::Debug + Send + Sync + 'static {
    /// Opens the content. Blocks.
    ///
    /// # Errors
    /// [`OpenError`].
    fn open(&self, md5: Md5) -> Result<Opened, OpenError>;
}

/// A file that can be sent.
#[derive(Debug)]
pub struct Opened {
    /// For reading.
    pub file: File,
    /// Its length.
    pub size_bytes: u64,
    /// Its name here, for the operator.
    pub name: String,
}

impl Contents for Loot {
    fn open(&self, md5: Md5) -> Result<Opened, OpenError> {
        let (path, opened) = self.open_by_md5(md5)?;
        Ok(Opened { file: opened.file, size_bytes: opened.facts.size_bytes, name: path.to_string() })
    }
}

/// The running service; cheap to clone.
#[derive(Clone, Debug)]
pub struct PeerService {
    port: u16,
    contents: Arc<dyn Contents>,
    outgoing: Outgoing,
    counts: Arc<Counts>,
    whole: broadcast::Sender<Md5>,
}

#[derive(Debug, Default)]
struct Counts {
    active: AtomicUsize,
    served: AtomicU64,
}

impl PeerService {
    /// Serves on the listeners until the node ends, not faster than the limit of `outgoing` allows; directories are
    /// told `port`. `files` is how many files and sockets the process may have open.
    pub fn start(
        listeners: Vec<TcpListener>,
        port: u16,
        contents: Arc<dyn Contents>,
        outgoing: Outgoing,
        files: usize,
        tasks: &Tasks,
    ) -> Self {
        let (counts, whole) = (Arc::default(), broadcast::Sender::new(SERVED_QUEUE));
        let service = Self { port, contents, outgoing, counts, whole };
        let total = LIMITS.total.min(files / FILES_SHARE).max(1);
        let gate = Gate::new(GateLimits { total, per_host: LIMITS.per_host.min(total) });
        for listener in listeners {
            let service = service.clone();
            let serve = move |stream, ends, pass| service.clone().serve(stream, ends, pass);
            tasks.spawn(gate.clone().accept(listener, tasks.clone(), serve));
        }
        service
    }

    /// The port that directories are told.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Files that are being sent now.
    #[must_use]
    pub fn active(&self) -> usize {
        self.counts.active.load(Ordering::Relaxed)
    }

    /// Files that were sent whole since the start.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.counts.served.load(Ordering::Relaxed)
    }

    /// Hears of each file that was sent whole, so that a directory can count the download. Who
    /// does not keep up misses some.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Md5> {
        self.whole.subscribe()
    }

    async fn serve(self, mut stream: TcpStream, ends: Ends, pass: Arc<Pass>) {
        let wanted = match read_request(&mut stream).await {
            Ok(Parsed::Complete(md5)) => Some(md5),
            Ok(_) => None,
            Err(_) => return, // it went without a word
        };
        pass.heard();
        let outcome = match wanted {
            Some(md5) => self.answer(&mut stream, md5, ends.peer).await,
            None => send(&mut stream, NOT_READABLE.as_bytes()).await,
        };
        match outcome {
            Ok(()) => close(stream).await,
            Err(error) => tracing::debug!(peer = %ends.peer, %error, "a Napster peer was not served"),
        }
    }

    async fn answer(&self, stream: &mut TcpStream, md5: Md5, peer: SocketAddr) -> io::Result<()> {
        let contents = self.contents.clone();
        let opened = tokio::task::spawn_blocking(move || contents.open(md5)).await.map_err(io::Error::other)?;
        let planned = opened.map(|opened| ChunkPlan::of(opened.size_bytes).map(|plan| (opened, plan)));
        let (Opened { file, size_bytes, name }, plan) = match planned {
            Ok(Some(planned)) => planned,
            Ok(None) => return send(stream, NOT_AVAILABLE.as_bytes()).await,
            Err(error) => {
                tracing::debug!(%peer, %md5, %error, "a Napster peer wants what is not here");
                return send(stream, NOT_AVAILABLE.as_bytes()).await;
            }
        };
        tracing::debug!(%peer, %md5, size_bytes, "a Napster peer fetches");
        let _active = Active::new(&self.counts);
        let leaving = self.outgoing.leaving.begin(Way::Napster, canonical(peer).ip(), &name, Some(size_bytes));
        send_file(stream, Arc::new(file), size_bytes, plan, &self.outgoing.bandwidth, leaving).await?;
        self.counts.served.fetch_add(1, Ordering::Relaxed);
        let _ = self.whole.send(md5); // nobody may listen
        Ok(())
    }
}

/// Counts a transfer for as long as it lives.
struct Active<'c>(&'c Counts);

impl<'c> Active<'c> {
    fn new(counts: &'c Counts) -> Self {
        counts.active.fetch_add(1, Ordering::Relaxed);
        Self(counts)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads until the request is whole or wrong, or nothing more comes; an error if nothing came.
async fn read_request(stream: &mut TcpStream) -> io::Result<Parsed<Md5, crate::wire::napster::field::FieldError>> {
    let deadline = Instant::now() + REQUEST;
    let mut received = Vec::with_capacity(RETRIEVE_BYTES);
    loop {
        let parsed = parse_retrieve(&received);
        if !matches!(parsed, Parsed::Incomplete(_)) {
            return Ok(parsed);
        }
        let missing = RETRIEVE_BYTES.saturating_sub(received.len()) as u64;
        let read = timeout_at(deadline, (&mut *stream).take(missing).read_buf(&mut received)).await;
        match read {
            Ok(Ok(1..)) => {}
            _ if received.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => return Ok(parsed),
        }
    }
}

async fn send_file(
    stream: &mut TcpStream,
    file: Arc<File>,
    size_bytes: u64,
    plan: ChunkPlan,
    upload: &Bandwidth,
    mut leaving: Guard,
) -> io::Result<()> {
    // Under a limit the head does not wait for more than one grant, and others come between.
    let piece_bytes = if upload.is_limited() { GRANT_BYTES as u64 } else { PIECE_BYTES };
    let chunks = piece_bytes.checked_div(plan.chunk_bytes()).unwrap_or(1).max(1);
    let piece_bytes = plan.chunk_bytes().saturating_mul(chunks);
    let mut framed = plan.head();
    let mut offset = 0_u64;
    while offset < size_bytes {
        let length = piece_bytes.min(size_bytes.saturating_sub(offset));
        upload.grant(usize::try_from(length).unwrap_or(usize::MAX)).await;
        let file = file.clone();
        let frame = move || read_and_frame(&file, offset, length, plan, framed);
        framed = tokio::task::spawn_blocking(frame).await.map_err(io::Error::other)??;
        send(stream, &framed).await?;
        framed.clear();
        leaving.sent(usize::try_from(length).unwrap_or(usize::MAX));
        offset = offset.saturating_add(length);
    }
    // Of an empty file there is only the head.
    send(stream, &framed).await?;
    leaving.done();
    Ok(())
}

fn read_and_frame(file: &File, offset: u64, length: u64, plan: ChunkPlan, into: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut framed = into;
    let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece, offset)?;
    plan.frame(&piece, &mut framed);
    Ok(framed)
}

/// Writes all of it, as fast as the other side takes it, and not slower than the least speed.
async fn send(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    let mut pace = Pace::default();
    while !bytes.is_empty() {
        let written = pace.keep(stream.write(bytes)).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
    }
    Ok(())
}

/// Ends our side, and reads what the other one still says.
async fn close(mut stream: TcpStream) {
    let rest = async {
        stream.shutdown().await?;
        let mut buffer = [0; 4 * 1024];
        let mut read = 0_usize;
        while read < DRAIN_BYTES {
            match stream.read(&mut buffer).await? {
                0 => break,
                count => read = read.saturating_add(count),
            }
        }
        io::Result::Ok(())
    };
    let _ = timeout(DRAIN, rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::io::Write as _;
    use std::path::PathBuf;

    /// Files by number.
    #[derive(Debug, Default)]
    struct Shelf(HashMap<Md5, PathBuf>);

    impl Contents for Shelf {
        fn open(&self, md5: Md5) -> Result<Opened, OpenError> {
            let path = self.0.get(&md5).ok_or(OpenError::Missing)?;
            let file = File::open(path)?;
            let size_bytes = file.metadata()?.len();
            // Its length is known before it is cut.
            if path.ends_with("cut") {
                File::options().write(true).open(path)?.set_len(size_bytes / 2)?;
            }
            Ok(Opened { file, size_bytes, name: path.display().to_string() })
        }
    }

    struct Room {
        _temp: tempfile::TempDir,
        service: PeerService,
        address: SocketAddr,
    }

    async fn room(files: &[(u8, &str, usize)]) -> Room {
        let temp = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::default();
        for (number, name, size) in files {
            let path = temp.path().join(name);
            let content: Vec<u8> = (0..*size).map(|n| n as u8).collect();
            File::create(&path).unwrap().write_all(&content).unwrap();
            shelf.0.insert(Md5::new([*number; 16]), path);
        }
        let listener = crate::listening::listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let service = PeerService::start(
            vec![listener],
            address.port(),
            Arc::new(shelf),
            Outgoing::default(),
            usize::MAX,
            &Tasks::default(),
        );
        Room { _temp: temp, service, address }
    }

    impl Room {
        async fn ask(&self, parts: &[&str]) -> Vec<u8> {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            for part in parts {
                stream.write_all(part.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            answer
        }
    }

    fn retrieve(number: u8) -> String {
        format!("RETR{}", format!("{number:02X}").repeat(16))
    }

    #[tokio::test]
    async fn a_file_is_served_in_chunks_and_reported() {
        let room = room(&[(1, "big", 300_000), (2, "empty", 0), (3, "one", 1)]).await;
        let mut reported = room.service.subscribe();
        let answer = room.ask(&[&retrieve(1)]).await;
        assert_eq!((&answer[..15], answer.len()), (&b"ARET00007404096"[..], 300_000 + 10 + 74 * 5));
        assert_eq!(room.ask(&[&retrieve(2)]).await, b"ARET000000");
        assert_eq!(room.ask(&[&retrieve(3)]).await, b"ARET00000100001\0");
        for number in [1, 2, 3] {
            assert_eq!(reported.recv().await.unwrap(), Md5::new([number; 16]));
        }
        assert_eq!(room.service.served(), 3);
    }

    #[tokio::test]
    async fn a_request_may_come_in_pieces_and_more_than_it_is_ignored() {
        let room = room(&[(1, "a", 1)]).await;
        let request = retrieve(1);
        let letters: Vec<&str> = request.split_inclusive(|_: char| true).collect();
        assert_eq!(room.ask(&letters).await, b"ARET00000100001\0");
        assert_eq!(room.ask(&[&request, &"more".repeat(1_000)]).await, b"ARET00000100001\0");
    }

    #[tokio::test]
    async fn what_is_not_here_or_not_understood_is_said_in_r00tellas_words() {
        let room = room(&[]).await;
        assert_eq!(room.ask(&[&retrieve(9)]).await, NOT_AVAILABLE.as_bytes());
        for wrong in ["ZZZZ", "RETR+", "GET / HTTP/1.1\r\n\r\n"] {
            assert_eq!(room.ask(&[wrong]).await, NOT_READABLE.as_bytes(), "{wrong}");
        }
        assert_eq!(room.service.served(), 0);
    }

    #[tokio::test]
    async fn a_file_that_was_cut_ends_early_and_is_not_padded() {
        let room = room(&[(1, "cut", 400_000)]).await;
        let answer = room.ask(&[&retrieve(1)]).await;
        assert!(answer.len() < 250_000, "{}", answer.len());
        assert_eq!(room.service.served(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_answered_after_ten_seconds() {
        let room = room(&[]).await;
        assert_eq!(room.ask(&["RETR0000"]).await, NOT_READABLE.as_bytes());
        assert_eq!(room.ask(&[]).await, b"");
    }
}
