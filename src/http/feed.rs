//! `/s/?g=forban/index.feed`: what changes here, told at once to neighbours that listen
//! (`docs/PROTOCOL.md`, section 6).
//!
//! A feed is an answer without end. Each reader has a task that sleeps until something changes,
//! writes in one go what is news to this reader, and then rests a little, so that many pieces cost
//! one write. While a reader does not read, nothing is made for it; the clock of its connection
//! cuts it. What was told to it is kept as numbers, not as text.

mod told;

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
use super::listeners::{ListenerLimits, Place};
use super::store::{STORE_POLICY, disposition};
use super::{App, Ends};
use crate::listening::host_key;
use crate::loot::Loot;
use crate::wire::feed::{ALIVE_LINE, FIRST_LINE};

/// A mirror listens to 32 neighbours, so a room of 64 is served by everybody. One that starts anew
/// need not wait until the old one is missed.
pub const LIMITS: ListenerLimits = ListenerLimits { in_all: 64, per_host: 2 };
/// A reader is told something at most so often …
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// … and with many readers at most every so many times this: each of them costs the same share.
const PAUSE_PER_READER: Duration = Duration::from_millis(4);
/// When nothing happens, this is told.
const ALIVE: Duration = Duration::from_secs(10);

/// GET, and HEAD, whose answer has no body and takes no place.
pub(super) fn serve(app: &App, ends: &Ends, method: &Method) -> Result<Response, HttpError> {
    // One text waits for the client; the next is made when it was taken.
    let (sender, receiver) = channel(1);
    if *method != Method::HEAD {
        let place = app.feeds.admit(host_key(ends.peer)).ok_or(HttpError::TooManyFeeds)?;
        let loot = app.loot.clone();
        app.feeds.tell(sender, |sender| async move { tell(&loot, &place, sender).await });
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

/// How long a reader rests after it was told something.
fn pause(place: &Place) -> Duration {
    let readers = u32::try_from(place.listeners()).unwrap_or(u32::MAX);
    PAUSE_MIN.max(PAUSE_PER_READER.saturating_mul(readers))
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
        sleep(pause(place)).await;
        tokio::select! {
            Ok(()) = pieces.changed() => {}
            Ok(()) = digests.changed() => {}
            () = sleep_until(alive) => text = format!("{ALIVE_LINE}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::http::listeners::Listeners;
    use crate::shutdown::Tasks;

    #[test]
    fn the_more_readers_the_longer_each_rests() {
        let feeds = Listeners::new(Tasks::default(), LIMITS);
        let mut places: Vec<Place> =
            (0..32).flat_map(|last| [last, last]).filter_map(|l| feeds.admit(IpAddr::from([10, 0, 0, l]))).collect();
        assert_eq!(pause(&places[0]), Duration::from_millis(256));
        places.truncate(3);
        assert_eq!(pause(&places[0]), PAUSE_MIN);
    }
}
