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

/// A connection that takes one request after another.
#[derive(Debug)]
pub struct Connection {
    service: SocketAddr,
    from: Option<IpAddr>,
    requests: http1::SendRequest<Full<Bytes>>,
    _driver: AbortOnDropHandle<()>,
}

impl Connection {
    /// Connects to a neighbour's service, from `from` if the node is bound to an address.
    ///
    /// # Errors
    /// [`FetchError::Connect`], [`FetchError::TimedOut`].
    pub async fn open(service: SocketAddr, from: Option<IpAddr>) -> Result<Self, FetchError> {
        let connect = async {
            let socket = if service.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            if let Some(from) = from.filter(|from| from.is_ipv4() == service.is_ipv4()) {
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
        Ok(Self { service, from, requests, _driver: AbortOnDropHandle::new(driver) })
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
            *self = Self::open(self.service, self.from).await?;
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
    ) -> Result<Response<Incoming>, FetchError> {
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
    ) -> Result<Response<Incoming>, FetchError> {
        let request = Request::get(target).body(Full::default());
        self.send(request.map_err(|_| FetchError::Status(http::StatusCode::URI_TOO_LONG))?, more).await
    }

    /// Asks with a body that says what is wanted.
    ///
    /// # Errors
    /// As [`Connection::get`].
    pub async fn post(&mut self, target: &str, body: Vec<u8>) -> Result<Response<Incoming>, FetchError> {
        let request = Request::post(target).body(Full::from(body));
        let request = request.map_err(|_| FetchError::Status(http::StatusCode::URI_TOO_LONG))?;
        self.send(request, &[]).await.and_then(unencoded)
    }

    async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
        more: &[(HeaderName, HeaderValue)],
    ) -> Result<Response<Incoming>, FetchError> {
        let headers = request.headers_mut();
        let host = HeaderValue::try_from(url::authority(self.service)).unwrap_or(HeaderValue::from_static("localhost"));
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("boucan/", env!("CARGO_PKG_VERSION"))));
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.extend(more.iter().cloned());
        let response = timeout(HEAD, self.requests.send_request(request)).await;
        Ok(response.map_err(|_| FetchError::TimedOut(HEAD))??)
    }
}

/// We asked for no encoding.
fn unencoded(response: Response<Incoming>) -> Result<Response<Incoming>, FetchError> {
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

/// Reads a body, keeping to the least speed.
#[derive(Debug)]
pub struct BodyReader {
    body: Incoming,
    window_began: Instant,
    window_bytes: u64,
}

impl BodyReader {
    /// Over the body of an answer.
    #[must_use]
    pub fn new(body: Incoming) -> Self {
        Self { body, window_began: Instant::now(), window_bytes: 0 }
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

    /// The next bytes; `None` at a proper end.
    ///
    /// # Errors
    /// [`FetchError::TooSlow`] below 1 KiB/s; [`FetchError::Broken`] when it ends early.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let deadline = self.window_began + RATE_WINDOW;
            let frame = match tokio::time::timeout_at(deadline, self.body.frame()).await {
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
