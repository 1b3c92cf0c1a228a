//! A content fetched from a peer: `RETR`, then the chunks as they come, verified at the end.
//!
//! [`Incoming`] is a stream that both the command line and the web side read. It never ends well
//! unless all chunks came and their MD5 is the one that was asked for.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use md5::{Digest as _, Md5 as Hasher};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::dial::dial;
use super::pace::Pace;
use crate::bandwidth::Bandwidth;
use crate::wire::napster::transfer::emit_retrieve;
use crate::wire::napster::{ChunkReader, Md5, PeerAddress, TransferError};

/// From the request to the first chunk.
const HEAD: Duration = Duration::from_secs(10);
/// A peer that keeps the connection open does not say where a text for people ends: it has ended
/// when nothing came for so long.
const TEXT_PAUSE: Duration = Duration::from_secs(1);
/// Read at once: many small chunks become few pieces.
const READ_BYTES: usize = 128 * 1024;

/// Why a content was not fetched. Each is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Nobody answers there.
    #[error("cannot connect to the peer: {0}")]
    Connect(io::Error),
    /// It says nothing.
    #[error("the peer did not answer within {secs} s", secs = HEAD.as_secs())]
    Silent,
    /// It refused, closed early, or says what cannot be read.
    #[error("{0}")]
    Transfer(#[from] TransferError),
    /// The connection broke.
    #[error("the connection to the peer broke: {0}")]
    Broken(io::Error),
    /// Below the least speed.
    #[error("it came too slowly")]
    TooSlow,
    /// More than may be.
    #[error("it is longer than {0} bytes, which is as much as is taken")]
    TooBig(u64),
    /// Everything came, and it is something else.
    #[error("the peer sent something else: its MD5 is {got}")]
    WrongContent {
        /// What came.
        got: Md5,
    },
    /// Nobody to ask.
    #[error("no peer offers an address that can be reached from here")]
    NoAddress,
}

/// A content that is coming.
#[derive(Debug)]
pub struct Incoming {
    peer: SocketAddr,
    stream: TcpStream,
    chunks: ChunkReader,
    wanted: Md5,
    hasher: Hasher,
    pace: Pace,
    buffer: Vec<u8>,
    ready: BytesMut,
    received_bytes: u64,
    max_bytes: u64,
    bandwidth: Bandwidth,
    ended: bool,
}

impl Incoming {
    /// Asks one peer. When this returns, it has begun to give the content.
    ///
    /// # Errors
    /// [`DownloadError`].
    pub async fn open(md5: Md5, peer: SocketAddr, from: Option<IpAddr>, max_bytes: u64) -> Result<Self, DownloadError> {
        let stream = dial(peer, from).await.map_err(DownloadError::Connect)?;
        let mut incoming = Self {
            peer,
            stream,
            chunks: ChunkReader::default(),
            wanted: md5,
            hasher: Hasher::new(),
            pace: Pace::default(),
            buffer: Vec::new(),
            ready: BytesMut::new(),
            received_bytes: 0,
            max_bytes,
            bandwidth: Bandwidth::default(),
            ended: false,
        };
        timeout(HEAD, incoming.begin()).await.map_err(|_| DownloadError::Silent)??;
        Ok(incoming)
    }

    /// Asks peers in turn, until one begins to give the content.
    ///
    /// # Errors
    /// Of the last one.
    pub async fn open_any(
        md5: Md5,
        peers: &[SocketAddr],
        from: Option<IpAddr>,
        max_bytes: u64,
    ) -> Result<Self, DownloadError> {
        let mut last = DownloadError::NoAddress;
        for peer in peers {
            match Self::open(md5, *peer, from, max_bytes).await {
                Ok(incoming) => return Ok(incoming),
                Err(error) => {
                    tracing::debug!(%peer, %md5, %error, "a Napster peer does not give a file");
                    last = error;
                }
            }
        }
        Err(last)
    }

    /// The same, not faster than a limit allows. The peer notices it by how it is read.
    #[must_use]
    pub fn within(self, bandwidth: Bandwidth) -> Self {
        Self { bandwidth, ..self }
    }

    /// Who gives it.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// How long it will be, as far as the protocol tells: all chunks like the first.
    #[must_use]
    pub fn probable_bytes(&self) -> Option<u64> {
        self.chunks.probable_bytes()
    }

    /// How much came.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// The next bytes; none once all came and it is what was asked for.
    ///
    /// # Errors
    /// [`DownloadError`]; what came before is worth nothing then.
    pub async fn next(&mut self) -> Result<Option<Bytes>, DownloadError> {
        while self.ready.is_empty() {
            if self.chunks.is_whole() {
                return self.verify().map(|()| None);
            }
            self.read().await?;
        }
        let content = self.ready.split().freeze();
        self.received_bytes = self.received_bytes.saturating_add(content.len() as u64);
        self.hasher.update(&content);
        self.bandwidth.grant(content.len()).await;
        Ok(Some(content))
    }

    /// Up to the length of the first chunk, or the end of an empty content.
    async fn begin(&mut self) -> Result<(), DownloadError> {
        self.stream.write_all(&emit_retrieve(self.wanted)).await.map_err(DownloadError::Broken)?;
        while self.chunks.probable_bytes().is_none() {
            self.read().await?;
        }
        Ok(())
    }

    /// Reads on and takes apart what came; the end of the connection is an error, since more is
    /// needed.
    async fn read(&mut self) -> Result<(), DownloadError> {
        self.buffer.clear();
        self.buffer.reserve(READ_BYTES);
        let read = self.pace.keep(self.stream.read_buf(&mut self.buffer));
        let pause = if self.chunks.is_text() { TEXT_PAUSE } else { Duration::MAX };
        match timeout(pause, read).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(0)) | Err(_) => return Ok(self.chunks.end()?),
            Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => return Err(DownloadError::TooSlow),
            Ok(Err(error)) => {
                self.chunks.end()?;
                return Err(DownloadError::Broken(error));
            }
        }
        let mut received = self.buffer.as_slice();
        while let Some(data) = self.chunks.next(&mut received)? {
            self.ready.extend_from_slice(data);
        }
        let came = self.received_bytes.saturating_add(self.ready.len() as u64);
        self.check_length(came)
    }

    fn check_length(&self, bytes: u64) -> Result<(), DownloadError> {
        if bytes > self.max_bytes { Err(DownloadError::TooBig(self.max_bytes)) } else { Ok(()) }
    }

    fn verify(&mut self) -> Result<(), DownloadError> {
        if self.ended {
            return Ok(());
        }
        let got = Md5::new(self.hasher.finalize_reset().into());
        if got != self.wanted {
            return Err(DownloadError::WrongContent { got });
        }
        self.ended = true;
        Ok(())
    }
}

/// Where the peers can be dialled: each half of each address, unless it cannot be anybody's or
/// only says the other half again. A link-local address does not say on which interface.
#[must_use]
pub fn dialled(peers: &[PeerAddress]) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for peer in peers {
        let halves = [IpAddr::V4(peer.v4), IpAddr::V6(peer.v6).to_canonical()];
        for ip in halves {
            let address = SocketAddr::new(ip, peer.port);
            if is_somebody(ip) && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    addresses
}

fn is_somebody(ip: IpAddr) -> bool {
    let is_nobody = match ip {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.octets().first() == Some(&0),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !is_nobody && !ip.is_unspecified() && !ip.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// MD5 of `AB`.
    const AB: &[u8; 32] = b"b86fc6b051f63d73de262d4c34e3a0a9";
    const MAX: u64 = 1 << 20;

    /// A peer that writes these parts and then closes, or stays.
    async fn peer(parts: &'static [&'static str], stays: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 36];
            stream.read_exact(&mut request).await.unwrap();
            assert_eq!(&request[..4], b"RETR");
            for part in parts {
                stream.write_all(part.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            if stays {
                std::future::pending::<()>().await;
            }
        });
        address
    }

    async fn fetch(peer: SocketAddr, max_bytes: u64) -> Result<Vec<u8>, DownloadError> {
        let mut incoming = Incoming::open(Md5::parse(AB).unwrap(), peer, None, max_bytes).await?;
        let mut content = Vec::new();
        while let Some(bytes) = incoming.next().await? {
            content.extend_from_slice(&bytes);
        }
        assert!(incoming.next().await?.is_none());
        Ok(content)
    }

    #[tokio::test]
    async fn only_what_was_asked_for_ends_well() {
        for (parts, outcome) in [
            (&["ARET00000200001A00001B"][..], Ok("AB")),
            (&["A", "R", "ET0000", "01", "000", "02A", "B"], Ok("AB")),
            (&["ARET000003", "00001A", "00000", "00001B"], Ok("AB")),
            (&["ARET00000100002AC"], Err("something else: its MD5 is ")),
            (&["ARET00000300001A00001B"], Err("after 2 of 3 chunks")),
            (&["ARET00000100002A"], Err("after 0 of 1 chunks")),
            (&["ARET000000"], Err("something else: its MD5 is d41d8cd98f00b204e9800998ecf8427e")),
            (&["Sorry, ", "not here.\n"], Err("the peer refused: Sorry, not here.")),
            (&["ARET00100001A"], Err("chunk 1 does not begin with its length")),
            (&["ARET"], Err("within the first bytes")),
            (&[], Err("without an answer")),
        ] {
            match (fetch(peer(parts, false).await, MAX).await, outcome) {
                (Ok(content), Ok(expected)) => assert_eq!(content, expected.as_bytes(), "{parts:?}"),
                (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{parts:?}: {error}"),
                (outcome, expected) => panic!("{parts:?}: {outcome:?} instead of {expected:?}"),
            }
        }
    }

    #[tokio::test]
    async fn it_ends_when_all_came_although_the_connection_stays() {
        let address = peer(&["ARET00000100002ABmore"], true).await;
        assert_eq!(fetch(address, MAX).await.unwrap(), b"AB");
        let address = peer(&["Go away"], true).await;
        assert!(fetch(address, MAX).await.unwrap_err().to_string().contains("Go away"));
    }

    #[tokio::test]
    async fn what_is_too_long_is_not_read_to_its_end() {
        let address = peer(&["ARET00000300002AB00002CD00002EF"], true).await;
        assert!(matches!(fetch(address, 4).await, Err(DownloadError::TooBig(4))));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_before_and_within_the_content() {
        assert!(matches!(fetch(peer(&["AR"], true).await, MAX).await, Err(DownloadError::Silent)));
        let address = peer(&["ARET00000200001A"], true).await;
        assert!(matches!(fetch(address, MAX).await, Err(DownloadError::TooSlow)));
    }

    #[tokio::test]
    async fn the_next_peer_is_asked_when_one_does_not_give() {
        let peers = [peer(&["Sorry"], false).await, peer(&["ARET00000100002AB"], false).await];
        let incoming = Incoming::open_any(Md5::parse(AB).unwrap(), &peers, None, MAX).await.unwrap();
        assert_eq!((incoming.peer(), incoming.probable_bytes()), (peers[1], Some(2)));
        let nobody = Incoming::open_any(Md5::parse(AB).unwrap(), &[], None, MAX).await;
        assert!(matches!(nobody, Err(DownloadError::NoAddress)));
    }

    #[test]
    fn each_half_that_is_somebody_is_dialled_once() {
        let peer = |v4: &str, v6: &str| PeerAddress { v4: v4.parse().unwrap(), v6: v6.parse().unwrap(), port: 9 };
        for (v4, v6, dialled_at) in [
            ("10.0.0.1", "fd00::1", &["10.0.0.1:9", "[fd00::1]:9"][..]),
            ("10.0.0.1", "::ffff:10.0.0.1", &["10.0.0.1:9"]),
            ("0.0.0.0", "fd00::1", &["[fd00::1]:9"]),
            ("255.255.255.255", "ff02::1", &[]),
            ("224.0.0.1", "::", &[]),
            ("127.0.0.2", "fe80::1", &["127.0.0.2:9"]),
        ] {
            let found: Vec<String> = dialled(&[peer(v4, v6); 2]).iter().map(ToString::to_string).collect();
            assert_eq!(found, dialled_at);
        }
    }
}
