//! `/live`: what changes on this node, told to the pages that are looked at, by server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! One stream a page. It tells no more than that something of a topic changed, and a number or two:
//! the page asks for itself again. What happens while a reader does not read is told once when it
//! does, so a slow one costs no memory.

use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::watch;
use tokio::time::sleep;

use super::channel_body::ChannelBody;
use super::error::HttpError;
use super::listeners::{ListenerLimits, Place};
use super::operator::Visitor;
use super::{App, Ends};
use crate::listening::host_key;
use crate::mirror::events::Listener;

/// A ship or a LAN party, each with a page; of one host, some people who share a machine or a proxy.
pub const LIMITS: ListenerLimits = ListenerLimits { in_all: 512, per_host: 16 };
/// A topic is told of at most so often.
const PAUSE: Duration = Duration::from_secs(1);
/// When nothing happens, a comment says that the connection lives.
const ALIVE: Duration = Duration::from_secs(15);
/// Who finds no place tries again after so many seconds.
const RETRY_AFTER: &str = "60";

/// GET, and HEAD, whose answer has no body and takes no place.
pub async fn events(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    visitor: Visitor,
    method: Method,
) -> Response {
    // One text waits for the client; the next is made when it was taken.
    let (sender, receiver) = channel(1);
    if method != Method::HEAD {
        let Some(place) = app.live.admit(host_key(ends.peer)) else {
            return ([(header::RETRY_AFTER, RETRY_AFTER)], HttpError::TooManyFeeds).into_response();
        };
        let told = app.clone();
        let is_operator = visitor.is_operator;
        app.live.tell(sender, move |sender| tell(told, is_operator, place, sender));
    }
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (head, Body::new(ChannelBody(receiver))).into_response()
}

/// Tells one page what changes, until it goes.
async fn tell(app: App, is_operator: bool, _place: Place, sender: Sender<Bytes>) {
    let mut topics = Topics::of(&app, is_operator);
    let mut text = line("hello", &json!({ "up_seconds": app.started.elapsed().as_secs() }));
    while sender.send(Bytes::from(std::mem::take(&mut text))).await.is_ok() {
        sleep(PAUSE).await;
        match tokio::time::timeout(ALIVE, topics.changed()).await {
            Ok(true) => topics.say(&app, &mut text),
            Ok(false) => return,
            Err(_) => text.push_str(": alive\n\n"),
        }
    }
}

/// What a page may want to know of.
struct Topics {
    presence: watch::Receiver<u64>,
    indexes: watch::Receiver<u64>,
    loot: watch::Receiver<std::sync::Arc<crate::loot::Snapshot>>,
    news: watch::Receiver<u64>,
    inbox: Option<watch::Receiver<u64>>,
    mirror: Listener,
    /// Something of the mirror was heard already.
    mirror_told: bool,
}

impl Topics {
    fn of(app: &App, is_operator: bool) -> Self {
        // When others send something is nobody else's business.
        let inbox = is_operator.then(|| app.deliveries.inbox().subscribe());
        Self {
            presence: app.neighbourhood.subscribe_presence(),
            indexes: app.neighbourhood.subscribe(),
            loot: app.loot.subscribe(),
            news: app.news.subscribe(),
            inbox,
            mirror: app.mirror.subscribe(),
            mirror_told: false,
        }
    }

    /// Waits until something did; false when the node ends.
    async fn changed(&mut self) -> bool {
        // None of these takes the change away, so that `say` finds all that happened.
        let unseen = self.has_unseen();
        if unseen {
            return true;
        }
        tokio::select! {
            changed = self.presence.wait_for_change() => changed,
            changed = self.indexes.wait_for_change() => changed,
            changed = self.loot.wait_for_change() => changed,
            changed = self.news.wait_for_change() => changed,
            changed = wait_for_change_if(self.inbox.as_mut()) => changed,
            told = self.mirror.next() => {
                self.mirror_told = true;
                told.is_some()
            }
        }
    }

    fn has_unseen(&mut self) -> bool {
        self.mirror_told |= drain(&mut self.mirror);
        let counters = [&self.presence, &self.indexes, &self.news];
        self.mirror_told || seen(&self.loot) || counters.into_iter().chain(&self.inbox).any(seen)
    }

    /// Says what changed, each topic once.
    fn say(&mut self, app: &App, text: &mut String) {
        if take(&mut self.presence) | take(&mut self.indexes) {
            let present = app.neighbourhood.present_uuids(Instant::now()).len();
            text.push_str(&line("near", &json!({ "present": present })));
        }
        if take(&mut self.loot) {
            text.push_str(&line("loot", &json!({ "files": self.loot.borrow().index.len() })));
        }
        if take(&mut self.news) {
            text.push_str(&line("news", &json!({ "items": app.news.len() })));
        }
        if self.inbox.as_mut().is_some_and(take) {
            text.push_str(&line("inbox", &json!({ "open": app.deliveries.inbox().is_open() })));
        }
        self.mirror_told |= drain(&mut self.mirror);
        if std::mem::take(&mut self.mirror_told) {
            text.push_str(&line("transfers", &json!({ "coming": app.mirror.status().active.len() })));
        }
    }
}

trait WaitForChange {
    /// Waits for a change without taking it as seen; false when there will be none.
    async fn wait_for_change(&mut self) -> bool;
}

impl<T> WaitForChange for watch::Receiver<T> {
    async fn wait_for_change(&mut self) -> bool {
        let has_changed = self.changed().await.is_ok();
        self.mark_changed();
        has_changed
    }
}

/// Nothing changes where there is nothing.
async fn wait_for_change_if(changes: Option<&mut watch::Receiver<u64>>) -> bool {
    match changes {
        Some(changes) => changes.wait_for_change().await,
        None => std::future::pending().await,
    }
}

fn seen<T>(changes: &watch::Receiver<T>) -> bool {
    changes.has_changed().unwrap_or(false)
}

/// Whether it changed since it was asked last.
fn take<T>(changes: &mut watch::Receiver<T>) -> bool {
    let has_changed = seen(changes);
    changes.mark_unchanged();
    has_changed
}

/// Takes what was told already; whether anything was.
fn drain(mirror: &mut Listener) -> bool {
    std::iter::from_fn(|| mirror.try_next()).count() > 0
}

/// JSON has no line breaks of its own: one line of data.
fn line(event: &str, data: &Value) -> String {
    format!("event: {event}\ndata: {data}\n\n")
}
