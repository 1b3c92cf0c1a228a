//! `/s/?g=forban/index.feed`: what changes here, told at once to neighbours that listen
//! (`docs/PROTOCOL.md`, section 6).
//!
//! A feed is an answer without end. Each reader has a task that sleeps until something changes,
//! writes in one go what is news to this reader, and then rests a little, so that many pieces cost
//! one write. While a reader does not read, nothing is made for it; the clock of its connection
//! cuts it. What was told to it is kept as numbers, not as text.

mod told;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{Instant, sleep, sleep_until};

use self::told::Told;
use super::channel_body::ChannelBody;
use super::error::HttpError;
use super::store::{STORE_POLICY, disposition};
use super::{App, Ends};
use crate::listening::host_key;
use crate::loot::Loot;
use crate::shutdown::Tasks;
use crate::wire::feed::{ALIVE_LINE, FIRST_LINE};

/// Feeds in all: a mirror listens to 32 neighbours, so a room of 64 is served by everybody.
const FEEDS_MAX: usize = 64;
/// Of one host: one that starts anew need not wait until the old one is missed.
const PER_HOST_MAX: usize = 2;
/// A reader is told something at most so often …
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// … and with many readers at most every so many times this: each of them costs the same share.
const PAUSE_PER_READER: Duration = Duration::from_millis(2);
/// When nothing happens, this is told.
const ALIVE: Duration = Duration::from_secs(10);

/// Who listens.
#[derive(Debug)]
pub struct Feeds {
    readers: Mutex<HashMap<IpAddr, usize>>,
    tasks: Tasks,
}

/// A reader's place; given back when dropped.
#[derive(Debug)]
struct Place {
    feeds: Arc<Feeds>,
    host: IpAddr,
}

impl Feeds {
    /// Nobody yet. Feeds end with these tasks, at once: they have no last word.
    #[must_use]
    pub fn new(tasks: Tasks) -> Arc<Self> {
        Arc::new(Self { readers: Mutex::default(), tasks })
    }

    fn admit(self: &Arc<Self>, host: IpAddr) -> Option<Place> {
        let mut readers = self.lock();
        if readers.values().sum::<usize>() >= FEEDS_MAX || readers.get(&host).is_some_and(|of| *of >= PER_HOST_MAX) {
            return None;
        }
        let of_host = readers.entry(host).or_default();
        *of_host = of_host.saturating_add(1);
        Some(Place { feeds: self.clone(), host })
    }

    /// How long a reader rests after it was told something.
    fn pause(&self) -> Duration {
        let readers = self.lock().values().sum::<usize>();
        PAUSE_MIN.max(PAUSE_PER_READER.saturating_mul(u32::try_from(readers).unwrap_or(u32::MAX)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut readers = self.feeds.lock();
        if let Some(of_host) = readers.get_mut(&self.host) {
            *of_host = of_host.saturating_sub(1);
        }
        readers.retain(|_, of_host| *of_host > 0);
    }
}

/// GET, and HEAD, whose answer has no body and takes no place.
pub(super) fn serve(app: &App, ends: &Ends, method: &Method) -> Result<Response, HttpError> {
    // One text waits for the client; the next is made when it was taken.
    let (sender, receiver) = channel(1);
    if *method != Method::HEAD {
        let place = app.feeds.admit(host_key(ends.peer)).ok_or(HttpError::TooManyFeeds)?;
        let (loot, gone) = (app.loot.clone(), sender.clone());
        app.feeds.tasks.spawn(async move {
            tokio::select! {
                () = gone.closed() => {}
                () = tell(&loot, &place, sender) => {}
            }
        });
    }
    let head = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::ACCEPT_RANGES, "none".to_owned()),
        (header::CONTENT_DISPOSITION, disposition("index.feed")),
        (header::CONTENT_SECURITY_POLICY, STORE_POLICY.to_owned()),
    ];
    Ok((head, Body::new(ChannelBody(receiver))).into_response())
}

/// Tells one reader what is news to it, until it goes.
async fn tell(loot: &Loot, place: &Place, sender: Sender<Bytes>) {
    let (mut pieces, mut digests) = (loot.under_way().subscribe(), loot.subscribe_digests());
    let mut told = Told::default();
    let mut text = format!("{FIRST_LINE}\n");
    loop {
        // What changes from here on wakes us again.
        pieces.mark_unchanged();
        digests.mark_unchanged();
        told.tell(loot.hashed().version(), &loot.under_way().all(), |b3| loot.size_of(b3).is_some(), &mut text);
        if !text.is_empty() && sender.send(Bytes::from(std::mem::take(&mut text))).await.is_err() {
            return;
        }
        let alive = Instant::now() + ALIVE;
        sleep(place.feeds.pause()).await;
        tokio::select! {
            Ok(()) = pieces.changed() => {}
            Ok(()) = digests.changed() => {}
            () = sleep_until(alive) => text = format!("{ALIVE_LINE}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_feeds_are_open_and_each_gives_its_place_back() {
        let feeds = Feeds::new(Tasks::default());
        let host = |last: u8| IpAddr::from([10, 0, 0, last]);
        let mut places: Vec<Place> =
            (0..32).flat_map(|last| [last, last]).filter_map(|l| feeds.admit(host(l))).collect();
        assert_eq!(places.len(), FEEDS_MAX);
        assert_eq!(feeds.pause(), Duration::from_millis(128));
        assert!(feeds.admit(host(99)).is_none(), "in all");
        places.truncate(3);
        assert!(feeds.admit(host(0)).is_none(), "of one host");
        assert!(feeds.admit(host(1)).is_some() && feeds.admit(host(99)).is_some());
        assert_eq!(feeds.pause(), PAUSE_MIN);
        drop(places);
        assert!(feeds.lock().is_empty());
    }
}
