//! Listens to the feeds of neighbours (`docs/PROTOCOL.md`, section 6): one task and one connection
//! each, to so many of them. What they tell goes to the [neighbourhood](Neighbourhood): which
//! pieces they have, and that their manifest is worth asking for.
//!
//! What a neighbour can cost us: memory for a line, for what comes in one read, and for what
//! [`Holders`](crate::neighbours::Holders) keeps of it; time for so many lines and bytes a second
//! (`bounds::Allowance`), and after it sent more, for a connection now and then (`bounds::Pauses`).

mod bounds;
mod hearing;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout_at;
use uuid::Uuid;

use self::bounds::{Allowance, Pauses};
use self::hearing::Hearing;
use super::FetchError;
use super::client::{Connection, Dialling};
use crate::loot::Loot;
use crate::neighbours::Neighbourhood;
use crate::wire::feed::{FeedError, FeedLines};
use crate::wire::pieces::piece_count;
use crate::wire::{Content, IndexHmac, url};

/// Feeds that are open at once.
const FEEDS_MAX: usize = 32;
/// Without a line for so long nobody is there: `alive` comes every 10 s.
const SILENCE: Duration = Duration::from_secs(30);
/// Who is worth listening to is looked up so often …
const LOOK: Duration = Duration::from_secs(5);
/// … and so soon after something changed.
const GATHER: Duration = Duration::from_millis(50);

/// Why a feed ended.
#[derive(Debug, thiserror::Error)]
enum FeedEnd {
    /// The neighbour knows no feeds.
    #[error("it has no feed")]
    Unknown,
    /// It could not be had.
    #[error("{0}")]
    Fetch(#[from] FetchError),
    /// It broke.
    #[error("the connection broke: {0}")]
    Broke(#[from] hyper::Error),
    /// The neighbour ended it.
    #[error("the neighbour ended it")]
    Ended,
    /// Nothing came.
    #[error("no line came for {SILENCE:?}")]
    Silent,
    /// What came is no feed.
    #[error("{0}")]
    Wrong(#[from] FeedError),
    /// Too much came.
    #[error("it tells more than a feed may")]
    Flood,
}

impl FeedEnd {
    /// Whether the neighbour did what no node does.
    fn is_hostile(&self) -> bool {
        matches!(self, Self::Wrong(_) | Self::Flood)
    }
}

/// Listens for a node.
#[derive(Clone, Debug)]
pub struct FeedReader {
    neighbourhood: Neighbourhood,
    loot: Loot,
    from: Option<IpAddr>,
}

impl FeedReader {
    /// Connects from `from`, if the node is bound to an address.
    #[must_use]
    pub fn new(neighbourhood: Neighbourhood, loot: Loot, from: Option<IpAddr>) -> Self {
        Self { neighbourhood, loot, from }
    }

    /// Listens until the task is dropped.
    pub async fn run(self) {
        let mut changes = self.neighbourhood.subscribe_manifests();
        let mut listeners: JoinSet<(Uuid, Option<IndexHmac>)> = JoinSet::new();
        let mut open: HashMap<Uuid, AbortHandle> = HashMap::new();
        // Who has no feed, and announced what then.
        let mut deaf: HashMap<Uuid, Option<IndexHmac>> = HashMap::new();
        loop {
            let is_deaf = |uuid, hmac| deaf.get(&uuid) == Some(&hmac);
            let chosen = self.neighbourhood.worth_listening_to(FEEDS_MAX, is_deaf, Instant::now());
            open.retain(|uuid, listener| chosen.contains(uuid) || end(listener));
            for uuid in chosen {
                open.entry(uuid).or_insert_with(|| listeners.spawn(self.clone().follow(uuid)));
            }
            tokio::select! {
                Ok(()) = changes.changed() => tokio::time::sleep(GATHER).await,
                Some(ended) = listeners.join_next_with_id() => {
                    // Others were ended by us.
                    if let Ok((id, (uuid, hmac))) = ended
                        && open.get(&uuid).is_some_and(|listener| listener.id() == id)
                    {
                        open.remove(&uuid);
                        deaf.insert(uuid, hmac);
                    }
                }
                () = tokio::time::sleep(LOOK) => {
                    deaf.retain(|uuid, _| self.neighbourhood.get(*uuid).is_some());
                }
            }
        }
    }

    /// Listens to one neighbour again and again. Ends when it has no feed, with what it announced
    /// then.
    async fn follow(self, uuid: Uuid) -> (Uuid, Option<IndexHmac>) {
        let mut pauses = Pauses::default();
        loop {
            let began = Instant::now();
            let neighbour = self.neighbourhood.get(uuid);
            let hmac = neighbour.as_ref().and_then(|neighbour| neighbour.hmac());
            let services = neighbour.map(|neighbour| neighbour.trusted_services(began)).unwrap_or_default();
            let Err(end) = self.listen(uuid, &services).await;
            if matches!(end, FeedEnd::Unknown) {
                return (uuid, hmac);
            }
            let pause = pauses.after(end.is_hostile(), began.elapsed());
            tracing::debug!(%uuid, %end, ?pause, "a feed ended");
            tokio::time::sleep(pause).await;
        }
    }

    async fn listen(&self, uuid: Uuid, services: &[SocketAddr]) -> Result<std::convert::Infallible, FeedEnd> {
        let (_connection, mut body) = self.open(services).await?;
        tracing::debug!(%uuid, "listening to a feed");
        let mut hearing = Hearing::new(self.neighbourhood.clone(), uuid);
        let (mut lines, mut allowance) = (FeedLines::default(), Allowance::new(Instant::now()));
        let mut deadline = tokio::time::Instant::now() + SILENCE;
        loop {
            let frame = timeout_at(deadline, body.frame()).await.map_err(|_| FeedEnd::Silent)?;
            let bytes = frame.ok_or(FeedEnd::Ended)??.into_data().unwrap_or_default();
            let now = Instant::now();
            if !allowance.read(bytes.len(), now) {
                return Err(FeedEnd::Flood);
            }
            lines.feed(&bytes);
            while let Some(line) = lines.read()? {
                let pieces = hearing.take(&line, |content| self.pieces_here(content), now)?;
                if !allowance.line(pieces, now) {
                    return Err(FeedEnd::Flood);
                }
                deadline = (now + SILENCE).into();
            }
            // What comes without a pause must not keep others waiting.
            tokio::task::consume_budget().await;
        }
    }

    /// Asks at one address after another.
    async fn open(&self, services: &[SocketAddr]) -> Result<(Connection, Incoming), FeedEnd> {
        let mut last = FeedEnd::Ended;
        for service in services {
            let mut connection = match Connection::open(*service, &Dialling::unlimited(self.from)).await {
                Ok(connection) => connection,
                Err(error) => {
                    last = error.into();
                    continue;
                }
            };
            let response = connection.get(url::FEED_TARGET, &[]).await?;
            return match response.status() {
                StatusCode::OK => Ok((connection, response.into_body().into_incoming())),
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Err(FeedEnd::Unknown),
                other => Err(FetchError::Status(other).into()),
            };
        }
        Err(last)
    }

    /// How many pieces a content has, as far as that is known here.
    fn pieces_here(&self, content: Content) -> Option<u64> {
        let coming = self.loot.under_way().get(content).map(|coming| coming.list().size_bytes());
        coming.or_else(|| self.loot.size_of(*content.as_bytes())).and_then(piece_count)
    }
}

/// Ends a listener; nothing of it is kept.
fn end(listener: &AbortHandle) -> bool {
    listener.abort();
    false
}
