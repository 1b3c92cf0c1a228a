//! One keep-alive HTTP connection to a neighbour.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::FetchError;
use crate::bandwidth::Bandwidth;
use crate::wire::url;

/// A neighbour on the same network answers within this, or is not there.
const CONNECT: Duration = Duration::from_secs(3);
/// From the request to the head of the answer.
const HEAD: Duration = Duration::from_secs(10);
/// The least speed is measured over this time …
const RATE_WINDOW: Duration = Duration::from_secs(30);
/// … and is 1 KiB/s.
const RATE_WINDOW_BYTES: u64 = 30 * 1024;
/// Lines in the head of an answer.
const HEADERS_MAX: usize = 64;

/// How neighbours are dialled.
#[derive(Clone, Debug, Default)]
pub struct Dialling {
    /// The address to connect from, if the node is bound to one.
    pub from: Option<IpAddr>,
    /// What the bodies of all answers share.
    pub bandwidth: Bandwidth,
}

impl Dialling {
    /// For lists: no limit holds for them.
    #[must_use]
    pub fn unlimited(from: Option<IpAddr>) -> Self {
        Self { from, bandwidth: Bandwidth::default() }
    }
}

/// A connection that takes one request after another.
#[derive(Debug)]
pub struct Connection {
    service: SocketAddr,
    dialling: Dialling,
    requests: http1::SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

impl Connection {
    /// Connects to a neighbour's service.
    ///
    /// # Errors
    /// [`FetchError::Connect`], [`FetchError::TimedOut`].
    pub async fn open(service: SocketAddr, dialling: &Dialling) -> Result<Self, FetchError> {
        let connect = async {
            let socket = if service.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            if let Some(from) = dialling.from.filter(|from| from.is_ipv4() == service.is_ipv4()) {
                socket.bind(SocketAddr::new(from, 0))?;
            }
            let stream = socket.connect(service).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = timeout(CONNECT, connect)
            .await
            .map_err(|_| FetchError::Connect(std::io::ErrorKind::TimedOut.into()))?
            .map_err(FetchError::Connect)?;
        let (requests, driver) = http1::Builder::new().max_headers(HEADERS_MAX).handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move {
            // How a connection ends is told by the request that was on it.
            let _ = driver.await;
        });
        Ok(Self { service, dialling: dialling.clone(), requests, _driver: AbortOnDropHandle::new(driver) })
    }

    /// The other end.
    #[must_use]
    pub fn service(&self) -> SocketAddr {
        self.service
    }

    /// Makes sure that the next request finds a connection, a new one if need be.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn renew(&mut self) -> Result<(), FetchError> {
        if !self.is_usable().await {
            *self = Self::open(self.service, &self.dialling).await?;
        }
        Ok(())
    }

    /// Whether it can take another request.
    pub async fn is_usable(&mut self) -> bool {
        !self.requests.is_closed() && timeout(HEAD, self.requests.ready()).await.is_ok_and(|ready| ready.is_ok())
    }

    /// Asks for a target.
    ///
    /// # Errors
    /// Everything but the status, which is the caller's to judge; an encoded body is refused.
    pub async fn get(
        &mut self,
        target: &str,
        more: &[(HeaderName, HeaderValue)],
    ) -> Result<Response<AnswerBody>, FetchError> {
        let request = Request::get(target).body(Full::default());
        self.send(request.map_err(|_| FetchError::Status(http::StatusCode::URI_TOO_LONG))?, more)
            .await
            .and_then(unencoded)
    }

    /// The same, however the body is encoded.
    pub(super) async fn get_encoded(
        &mut self,
        target: &str,
        more: &[(HeaderName, HeaderValue)],
    ) -> Result<Response<AnswerBody>, FetchError> {
        let request = Request::get(target).body(Full::default());
        self.send(request.map_err(|_| FetchError::Status(http::StatusCode::URI_TOO_LONG))?, more).await
    }

    /// Asks with a body that says what is wanted.
    ///
    /// # Errors
    /// As [`Connection::get`].
    pub async fn post(&mut self, target: &str, body: Vec<u8>) -> Result<Response<AnswerBody>, FetchError> {
        let request = Request::post(target).body(Full::from(body));
        let request = request.map_err(|_| FetchError::Status(http::StatusCode::URI_TOO_LONG))?;
        self.send(request, &[]).await.and_then(unencoded)
    }

    async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
        more: &[(HeaderName, HeaderValue)],
    ) -> Result<Response<AnswerBody>, FetchError> {
        let headers = request.headers_mut();
        let host = HeaderValue::try_from(url::authority(self.service)).unwrap_or(HeaderValue::from_static("localhost"));
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("boucan/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.extend(more.iter().cloned());
        let response = timeout(HEAD, self.requests.send_request(request)).await;
        let response = response.map_err(|_| FetchError::TimedOut(HEAD))??;
        Ok(response.map(|incoming| AnswerBody { incoming, bandwidth: self.dialling.bandwidth.clone() }))
    }
}

/// We asked for no encoding.
fn unencoded(response: Response<AnswerBody>) -> Result<Response<AnswerBody>, FetchError> {
    match response.headers().get(CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(FetchError::Encoded),
        _ => Ok(response),
    }
}

/// The length an answer declares.
#[must_use]
pub fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What follows the head of an answer; [`BodyReader`] reads it.
#[derive(Debug)]
pub struct AnswerBody {
    incoming: Incoming,
    bandwidth: Bandwidth,
}

impl AnswerBody {
    /// The body as it comes: no limit holds, and nobody looks after its speed.
    pub fn into_incoming(self) -> Incoming {
        self.incoming
    }
}

/// Reads a body: not slower than the least speed, and not faster than the limit.
#[derive(Debug)]
pub struct BodyReader {
    body: AnswerBody,
    /// Where the window of the least speed began. Only time in which we waited for the neighbour
    /// counts, not that in which our own limit kept us from reading.
    window_began: Instant,
    window_bytes: u64,
    /// Bytes that came and wait for the limit.
    came: Option<Bytes>,
}

impl BodyReader {
    /// Over the body of an answer.
    #[must_use]
    pub fn new(body: AnswerBody) -> Self {
        Self { body, window_began: Instant::now(), window_bytes: 0, came: None }
    }

    /// All of it, unless there is more than `most`: `None` then.
    ///
    /// # Errors
    /// As [`BodyReader::next`].
    pub async fn whole(mut self, length: u64, most: usize) -> Result<Option<Vec<u8>>, FetchError> {
        let mut body = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(1 << 20));
        while let Some(bytes) = self.next().await? {
            if body.len().saturating_add(bytes.len()) > most {
                return Ok(None);
            }
            body.extend_from_slice(&bytes);
        }
        Ok(Some(body))
    }

    /// The next bytes; `None` at a proper end. Nothing is lost where it is dropped half-way.
    ///
    /// # Errors
    /// [`FetchError::TooSlow`] below 1 KiB/s; [`FetchError::Broken`] when it ends early.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        if self.came.is_none() {
            self.came = self.receive().await?;
        }
        if let Some(bytes) = self.came.as_ref().filter(|_| self.body.bandwidth.is_limited()) {
            let began = Instant::now();
            self.body.bandwidth.grant(bytes.len()).await;
            self.window_began += began.elapsed();
        }
        Ok(self.came.take())
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let deadline = self.window_began + RATE_WINDOW;
            let frame = match tokio::time::timeout_at(deadline, self.body.incoming.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => frame?,
                Err(_) if self.window_bytes < RATE_WINDOW_BYTES => return Err(FetchError::TooSlow),
                Err(_) => {
                    self.window_began = Instant::now();
                    self.window_bytes = 0;
                    continue;
                }
            };
            if let Ok(bytes) = frame.into_data() {
                self.window_bytes = self.window_bytes.saturating_add(bytes.len() as u64);
                return Ok(Some(bytes));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// The body of an answer of which 10 KiB come at each of these seconds.
    async fn answer(seconds: &'static [u64], bandwidth: Bandwidth) -> BodyReader {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        let (mut requests, driver) = http1::handshake(TokioIo::new(ours)).await.unwrap();
        tokio::spawn(driver);
        tokio::spawn(async move {
            let began = Instant::now();
            theirs.read_u8().await.unwrap();
            theirs.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            for second in seconds {
                tokio::time::sleep_until(began + Duration::from_secs(*second)).await;
                theirs.write_all(&[7; 10 * 1024]).await.unwrap();
            }
        });
        let response = requests.send_request(Request::get("/").body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        BodyReader::new(AnswerBody { incoming: response.into_body(), bandwidth })
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_neighbours_own_slowness_is_held_against_it() {
        for (limit, seconds, outcome, why) in [
            (None, &[0, 1, 75][..], None, "74 s of silence"),
            (None, &[0, 1, 20, 29, 58], Some(0), "fast enough"),
            // 10 KiB take 68 s at 150 bytes a second, so we read the third part after 136 s.
            (Some(150), &[0, 1, 75], Some(136), "it was there before we looked for it"),
            (Some(150), &[0, 1, 300], None, "it did not come for long, while we wanted to read"),
        ] {
            let reader = answer(seconds, Bandwidth::new(limit)).await;
            let began = Instant::now();
            let read = reader.whole(0, 1 << 20).await.map(|bytes| bytes.map_or(0, |bytes| bytes.len()));
            match (read, outcome) {
                (Err(FetchError::TooSlow), None) => {}
                (Ok(count), Some(least)) => {
                    assert_eq!(count, seconds.len() * 10 * 1024, "{why}");
                    assert!(began.elapsed().as_secs() >= least, "{why}: {:?}", began.elapsed());
                }
                (other, _) => panic!("{why}: {other:?}"),
            }
        }
    }
}
