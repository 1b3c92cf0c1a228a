use std::convert::Infallible;
use std::future::poll_fn;
use std::io::Write as _;

use axum::response::{IntoResponse as _, Response};
use http::{Method, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::clocked_stream::ClockedStream;
use super::super::connection::ConnectionClock;
use super::super::pieces::{Pieces, Source, leave};
use super::super::tracked_body::TrackedBody;
use super::*;

/// Bytes of which none is zero, as those of a place are.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at / 3 % 251).unwrap() + 1).collect()
}

fn source(content: &[u8]) -> Arc<Source> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    Arc::new(Source::new(file))
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (listener.accept().await.unwrap().0, client)
}

/// Sends all that a place stands for.
async fn send_all(line: &Line, stream: &TcpStream, mut place: Sent) -> io::Result<()> {
    while place.has_remaining() {
        let length = place.remaining();
        let sent = poll_fn(|cx| line.poll_send(stream, length, cx)).await?;
        place.advance(sent);
    }
    Ok(())
}

#[test]
fn a_place_is_told_by_where_it_is_and_not_by_what_it_holds() {
    let line = Line::default();
    let source = source(b"abc");
    let place = line.take_in(Piece::Run(Run { source, offset: 0, length: 3 }));
    let zeros = [0; 3];
    let (place, bytes, none) = (IoSlice::new(place.chunk()), IoSlice::new(&zeros), IoSlice::new(&[]));
    assert!(matches!(first(&[place, bytes]), First::Place(3)));
    assert!(matches!(first(&[bytes, none, bytes, place, bytes]), First::Bytes(before) if before.len() == 3));
    assert!(matches!(first(&[bytes, bytes]), First::Bytes(all) if all.len() == 2));
    assert!(matches!(first(&[]), First::Bytes([])));
}

#[tokio::test]
async fn each_place_becomes_its_run_with_sendfile_and_without() {
    for is_refused in [false, true] {
        let content = content(3_000_000);
        let source = source(&content);
        if is_refused {
            source.refuse();
        }
        let (ours, mut theirs) = pair().await;
        let runs = [(0, RUN_MAX_BYTES), (2_999_990, 10), (100, RUN_MAX_BYTES), (5, 1)];
        let reading = tokio::spawn(async move {
            let mut read = Vec::new();
            theirs.read_to_end(&mut read).await.map(|_| read)
        });
        let line = Line::default();
        let places: Vec<Sent> = runs
            .iter()
            .map(|(offset, length)| Run { source: source.clone(), offset: *offset, length: *length })
            .map(|run| line.take_in(Piece::Run(run)))
            .collect();
        for place in places {
            send_all(&line, &ours, place).await.unwrap();
        }
        assert!(line.is_empty());
        drop(ours);
        let expected: Vec<u8> = runs
            .iter()
            .flat_map(|(offset, length)| &content[usize::try_from(*offset).unwrap()..][..*length])
            .copied()
            .collect();
        assert!(reading.await.unwrap().unwrap() == expected, "refused: {is_refused}");
    }
}

#[tokio::test]
async fn what_is_not_the_first_run_is_not_sent() {
    let (ours, _theirs) = pair().await;
    let line = Line::default();
    let run = |offset, length| Piece::Run(Run { source: source(b"abcdef"), offset, length });
    let kind = |sent: io::Result<()>| sent.unwrap_err().kind();
    assert_eq!(kind(send_all(&line, &ours, Sent::Place(3)).await), io::ErrorKind::InvalidData, "there is none");
    let _ = line.take_in(run(0, 4));
    assert_eq!(kind(send_all(&line, &ours, Sent::Place(3)).await), io::ErrorKind::InvalidData, "another length");
    for length in [0, RUN_MAX_BYTES + 1] {
        assert_eq!(Line::default().take_in(run(0, length)).remaining(), 0, "{length} is no length");
    }
    let mut stream = ClockedStream::new(ours, ConnectionClock::start(), line);
    let copied = poll_fn(|cx| std::pin::Pin::new(&mut stream).poll_write(cx, &[0; 4])).await;
    assert_eq!(copied.unwrap_err().kind(), io::ErrorKind::InvalidData, "perhaps a copy of a place");
}

#[tokio::test]
async fn a_file_that_became_shorter_breaks_off() {
    for is_refused in [false, true] {
        let source = source(&content(1_000));
        if is_refused {
            source.refuse();
        }
        let (ours, mut theirs) = pair().await;
        let line = Line::default();
        let place = line.take_in(Piece::Run(Run { source: source.clone(), offset: 0, length: 1_000 }));
        source.file.set_len(600).unwrap();
        let sent = send_all(&line, &ours, place).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        drop(ours);
        let mut read = Vec::new();
        theirs.read_to_end(&mut read).await.unwrap();
        assert!(read == content(1_000)[..600]);
    }
}

/// Runs of one file, one after the other; then an error, if that is what it ends with.
struct Runs {
    source: Arc<Source>,
    offset: u64,
    left: u64,
    /// What it says that its length is.
    declared: u64,
    step: usize,
    breaks_after: Option<u64>,
}

impl Pieces for Runs {
    fn poll_piece(&mut self, _: &mut Context<'_>) -> Poll<Option<io::Result<Piece>>> {
        if self.breaks_after == Some(self.offset) {
            return Poll::Ready(Some(Err(io::Error::other("it breaks"))));
        }
        let length = self.step.min(usize::try_from(self.left).unwrap());
        let run = Run { source: self.source.clone(), offset: self.offset, length };
        self.offset += length as u64;
        self.left -= length as u64;
        Poll::Ready((length > 0).then_some(Ok(Piece::Run(run))))
    }

    fn left_bytes(&self) -> u64 {
        self.declared.saturating_sub(self.offset)
    }
}

/// A real connection that answers each request with runs of a file: `/LENGTH/STEP/DECLARED/BREAKS`.
async fn serve(stream: TcpStream, source: Arc<Source>) {
    let (clock, line) = (ConnectionClock::start(), Line::default());
    let service = service_fn(|request: Request<Incoming>| {
        let numbers: Vec<u64> = request.uri().path().split('/').filter_map(|part| part.parse().ok()).collect();
        let mut response: Response = ([("content-length", numbers[2].to_string())], "").into_response();
        let runs = Runs {
            source: source.clone(),
            offset: 0,
            left: numbers[0],
            declared: numbers[2],
            step: usize::try_from(numbers[1]).unwrap(),
            breaks_after: numbers.get(3).copied(),
        };
        leave(&mut response, runs);
        let answer = TrackedBody::of(response, clock.clone(), line.clone());
        async move { Ok::<_, Infallible>(answer) }
    });
    let io = TokioIo::new(ClockedStream::new(stream, clock.clone(), line.clone()));
    let _ = http1::Builder::new().max_buf_size(16 * 1024).serve_connection(io, service).await;
}

/// All that comes for these requests, sent in one go.
async fn asked(requests: &[(Method, &str)], content: &[u8]) -> Vec<u8> {
    let (ours, mut theirs) = pair().await;
    let serving = tokio::spawn(serve(ours, source(content)));
    let text: String =
        requests.iter().map(|(method, target)| format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
    theirs.write_all(text.as_bytes()).await.unwrap();
    theirs.shutdown().await.unwrap();
    let mut read = Vec::new();
    let _ = theirs.read_to_end(&mut read).await;
    serving.await.unwrap();
    read
}

/// Cuts what came into heads and bodies of those lengths; what is left over comes last.
fn cut<'a>(mut came: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut bodies = Vec::new();
    for length in lengths {
        let head = came.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
        assert!(came.starts_with(b"HTTP/1.1 200 OK\r\n"));
        let (body, rest) = came[head..].split_at((*length).min(came.len() - head));
        bodies.push(body);
        came = rest;
    }
    bodies.push(came);
    bodies
}

#[tokio::test]
async fn answers_of_runs_follow_each_other_on_one_connection() {
    let content = content(700_000);
    let get = |target: &'static str| (Method::GET, target);
    let requests = [
        get("/700000/1048576/700000"),
        (Method::HEAD, "/700000/100000/700000"),
        get("/700000/100000/700000"),
        get("/1/1/1"),
        get("/50000/1000/50000"), // many places at once in hyper's hands
        get("/0/1/0"),
        get("/20001/20000/20001"),
    ];
    let came = asked(&requests, &content).await;
    let lengths = [700_000, 0, 700_000, 1, 50_000, 0, 20_001];
    let bodies = cut(&came, &lengths);
    for (body, length) in bodies.iter().zip(lengths) {
        assert!(*body == &content[..length], "{length}");
    }
    assert_eq!(bodies.last().unwrap().len(), 0, "and nothing after them");
}

#[tokio::test]
async fn a_body_that_breaks_off_or_lies_about_its_length_ends_the_connection() {
    let content = content(300_000);
    let after = (Method::GET, "/10/10/10");
    for (target, most, why) in [
        ("/300000/100000/300000/100000", 100_000, "it broke"),
        ("/100000/50000/300000", 100_000, "it was shorter than its head said"),
        ("/300000/100000/250000", 250_000, "it was longer"),
    ] {
        let came = asked(&[(Method::GET, target), after.clone()], &content).await;
        let bodies = cut(&came, &[most]);
        assert!(content.starts_with(bodies[0]), "{why}: only right bytes");
        assert!(bodies[1].is_empty(), "{why}: nothing is answered after it");
    }
}
