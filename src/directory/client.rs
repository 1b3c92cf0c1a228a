//! What we ask directories of others: one request a connection, one write, one answer.
//!
//! It works where the directory closes after its answer, as Fapster does, and where it keeps the
//! connection open, as others do. The specification has no error packet, so what is no answer is
//! a text for people, handed on as it came, made fit to show.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use super::dial::dial;
use crate::config::values::DirectoryHost;
use crate::wire::DisplayText;
use crate::wire::napster::field::FieldError;
use crate::wire::napster::request::Command;
use crate::wire::napster::response::ANSWER_MAX_BYTES;
use crate::wire::napster::{
    FileName, FoundFile, Md5, Parsed, PeerAddress, Query, Request, Response, ResponseError, SessionId,
};

/// For a name to become addresses.
const RESOLVE: Duration = Duration::from_secs(3);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
/// From the request to the end of the answer.
const ANSWER: Duration = Duration::from_secs(10);
/// A directory that keeps the connection open does not say where a text for people ends: it has
/// ended when nothing came for so long.
const TEXT_PAUSE: Duration = Duration::from_secs(1);
/// A text for people is read so far …
const TEXT_MAX_BYTES: usize = 1024;
/// … and shown so far.
const TEXT_MAX_CHARS: usize = 200;
/// Identifier and count before a list.
const HEAD_BYTES: usize = 7;
/// Read at once: a long list is read again from its beginning after each part.
const READ_BYTES: usize = 64 * 1024;

/// Why a directory did not do what it was asked. Each is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Its name leads nowhere.
    #[error("the directory {0} is not found: {1}")]
    Unknown(DirectoryHost, io::Error),
    /// Nobody answers there.
    #[error("cannot connect to the directory {0}: {1}")]
    Connect(DirectoryHost, io::Error),
    /// The connection broke.
    #[error("the connection to the directory {0} broke: {1}")]
    Broken(DirectoryHost, io::Error),
    /// Nothing whole came in time.
    #[error("the directory {0} did not answer within {secs} s", secs = ANSWER.as_secs())]
    TimedOut(DirectoryHost),
    /// It closed before its answer was whole.
    #[error("the directory {0} closed the connection without a whole answer")]
    Closed(DirectoryHost),
    /// It knows no such session, or no longer.
    #[error("the directory {0} does not know our session (any more)")]
    Unauthorized(DirectoryHost),
    /// A login that it does not want; it does not say why.
    #[error("the directory {0} refused the login")]
    LoginRefused(DirectoryHost),
    /// It said why in its own words.
    #[error("the directory {0} refused: {1}")]
    Refused(DirectoryHost, DisplayText),
    /// It said something that cannot be read.
    #[error("the answer of the directory {0} cannot be read: {1}")]
    Unreadable(DirectoryHost, #[source] FieldError),
    /// More than any answer has.
    #[error("the answer of the directory {0} is too long")]
    TooLong(DirectoryHost),
}

impl DirectoryError {
    /// Whether logging in again may help.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized(_))
    }
}

/// Somebody else's directory.
#[derive(Clone, Debug)]
pub struct DirectoryClient {
    host: DirectoryHost,
    from: Option<IpAddr>,
}

impl DirectoryClient {
    /// The directory at `host`; asked from `from` if we are bound to an address.
    #[must_use]
    pub fn new(host: DirectoryHost, from: Option<IpAddr>) -> Self {
        Self { host, from }
    }

    /// Where it is.
    #[must_use]
    pub fn host(&self) -> &DirectoryHost {
        &self.host
    }

    /// Logs in as a peer at that address.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn login(&self, address: PeerAddress) -> Result<SessionId, DirectoryError> {
        let stream = self.connect().await?;
        self.login_on(stream, address).await
    }

    /// Logs in as a peer whose address depends on the one by which we reach the directory.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn login_by_route(
        &self,
        address: impl FnOnce(SocketAddr) -> PeerAddress,
    ) -> Result<(SessionId, PeerAddress), DirectoryError> {
        let stream = self.connect().await?;
        let local = stream.local_addr().map_err(|error| DirectoryError::Broken(self.host.clone(), error))?;
        let address = address(local);
        Ok((self.login_on(stream, address).await?, address))
    }

    /// Ends a session. Some directories close without a word then.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn logout(&self, session: SessionId) -> Result<(), DirectoryError> {
        match self.ask(&Request::Logout(session)).await {
            Err(DirectoryError::Closed(_)) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Offers a file. Returns how many peers have it now.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn add(&self, session: SessionId, md5: Md5, name: FileName) -> Result<u32, DirectoryError> {
        match self.ask(&Request::Add(session, md5, name)).await? {
            // Not even we have it: so some say that they do not know us.
            Response::Added(copies) if copies.get() == 0 => Err(DirectoryError::Unauthorized(self.host.clone())),
            Response::Added(copies) => Ok(copies.get()),
            _ => Err(self.other_answer()),
        }
    }

    /// Offers a file no longer. Returns how many peers have it now, or
    /// [`NOT_OWNED`](crate::wire::napster::response::NOT_OWNED).
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn delete(&self, session: SessionId, md5: Md5) -> Result<u32, DirectoryError> {
        match self.ask(&Request::Delete(session, md5)).await? {
            Response::Deleted(copies) => Ok(copies.get()),
            _ => Err(self.other_answer()),
        }
    }

    /// Searches. A directory gives back 999 files at most.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn find(&self, session: SessionId, query: Query) -> Result<Vec<FoundFile>, DirectoryError> {
        match self.ask(&Request::Find(session, query)).await? {
            Response::Found(files) => Ok(files),
            _ => Err(self.other_answer()),
        }
    }

    /// Tells of a download that was made. Returns how many there were.
    ///
    /// # Errors
    /// [`DirectoryError`].
    pub async fn download(&self, session: SessionId, md5: Md5) -> Result<u32, DirectoryError> {
        match self.ask(&Request::Download(session, md5)).await? {
            Response::Registered(downloads) => Ok(downloads.get()),
            _ => Err(self.other_answer()),
        }
    }

    async fn login_on(&self, stream: TcpStream, address: PeerAddress) -> Result<SessionId, DirectoryError> {
        match self.ask_on(stream, &Request::Login(address)).await? {
            Response::LoggedIn(session) => Ok(session),
            _ => Err(self.other_answer()),
        }
    }

    async fn ask(&self, request: &Request) -> Result<Response, DirectoryError> {
        let stream = self.connect().await?;
        self.ask_on(stream, request).await
    }

    /// All addresses of the name in turn.
    async fn connect(&self) -> Result<TcpStream, DirectoryError> {
        let unknown = |error| DirectoryError::Unknown(self.host.clone(), error);
        let looked_up = timeout(RESOLVE, lookup_host((self.host.host.as_str(), self.host.port))).await;
        let addresses = looked_up.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(unknown)?;
        let reachable = |address: &SocketAddr| self.from.is_none_or(|from| from.is_ipv4() == address.is_ipv4());
        let mut last = io::Error::other("it has no address of our kind");
        for address in addresses.filter(reachable).take(ADDRESSES_MAX) {
            match dial(address, self.from).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(DirectoryError::Connect(self.host.clone(), last))
    }

    async fn ask_on(&self, mut stream: TcpStream, request: &Request) -> Result<Response, DirectoryError> {
        let deadline = Instant::now() + ANSWER;
        let answer = async {
            let broken = |error| DirectoryError::Broken(self.host.clone(), error);
            stream.write_all(&request.emit()).await.map_err(broken)?;
            self.read_answer(&mut stream, request.command()).await
        };
        timeout_at(deadline, answer).await.unwrap_or_else(|_| Err(DirectoryError::TimedOut(self.host.clone())))
    }

    async fn read_answer(&self, stream: &mut TcpStream, command: Command) -> Result<Response, DirectoryError> {
        let mut received = Vec::new();
        let mut needed = 0;
        loop {
            let closed = !read_some(stream, &mut received, command).await;
            if received.len() < needed && !closed {
                continue;
            }
            match Response::parse(command, &received) {
                Parsed::Complete(response) => return Ok(response),
                Parsed::Invalid(ResponseError::Refused) => return Err(self.refusal(stream, command, received).await),
                Parsed::Invalid(ResponseError::Field(FieldError::Session)) => {
                    return Err(DirectoryError::LoginRefused(self.host.clone()));
                }
                Parsed::Invalid(ResponseError::Field(error)) => {
                    return Err(DirectoryError::Unreadable(self.host.clone(), error));
                }
                Parsed::Incomplete(_) if closed => {
                    return short_count(command, &received).ok_or(DirectoryError::Closed(self.host.clone()));
                }
                Parsed::Incomplete(_) if received.len() > ANSWER_MAX_BYTES.saturating_add(HEAD_BYTES) => {
                    return Err(DirectoryError::TooLong(self.host.clone()));
                }
                Parsed::Incomplete(bytes) => needed = bytes,
            }
        }
    }

    /// Reads the rest of a text for people.
    async fn refusal(&self, stream: &mut TcpStream, command: Command, mut text: Vec<u8>) -> DirectoryError {
        while text.len() < TEXT_MAX_BYTES {
            match timeout(TEXT_PAUSE, stream.read_buf(&mut text)).await {
                Ok(Ok(1..)) => {}
                _ => break,
            }
        }
        let host = self.host.clone();
        if text.starts_with(b"Unauthorized") {
            return DirectoryError::Unauthorized(host);
        }
        let says_nothing = text.trim_ascii().iter().all(|b| *b == b'0');
        if command == Command::Login && says_nothing {
            return DirectoryError::LoginRefused(host);
        }
        DirectoryError::Refused(host, DisplayText::from_bytes(&text, TEXT_MAX_CHARS))
    }

    fn other_answer(&self) -> DirectoryError {
        DirectoryError::Unreadable(self.host.clone(), FieldError::Count)
    }
}

/// Reads what there is; false when nothing follows. One directory answers `DREG` by three digits
/// instead of five and keeps the connection open: a pause ends that.
async fn read_some(stream: &mut TcpStream, received: &mut Vec<u8>, command: Command) -> bool {
    received.reserve(READ_BYTES);
    let pause = if short_count(command, received).is_some() { TEXT_PAUSE } else { ANSWER };
    matches!(timeout(pause, stream.read_buf(received)).await, Ok(Ok(1..)))
}

/// `ADRE001`: three digits, as one directory counts downloads.
fn short_count(command: Command, received: &[u8]) -> Option<Response> {
    let digits = received.strip_prefix(b"ADRE").filter(|digits| command == Command::Download && digits.len() == 3)?;
    match Response::parse(command, &[b"ADRE00", digits].concat()) {
        Parsed::Complete(response) => Some(response),
        _ => None,
    }
}
