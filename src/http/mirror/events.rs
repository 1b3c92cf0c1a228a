//! `/mirror/events`: what the mirror does, told as it happens by server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{sleep, timeout};

use super::json::{DoingJson, FileJson, LatelyJson, LeavesJson, WishEndJson};
use crate::http::channel_body::ChannelBody;
use crate::http::error::HttpError;
use crate::http::listeners::{ListenerLimits, Place};
use crate::http::operator::Visitor;
use crate::http::{App, Ends};
use crate::listening::host_key;
use crate::mirror::Mirror;
use crate::mirror::events::{Event, Listener, Told};

/// Pages that are looked at. Of one host, some people who share a machine or a proxy.
pub const LIMITS: ListenerLimits = ListenerLimits { in_all: 64, per_host: 8 };
/// When nothing happens, a comment says that the connection lives.
const ALIVE: Duration = Duration::from_secs(10);
/// What happens together is written together, with so much time between …
const PAUSE: Duration = Duration::from_millis(100);
/// … and so many bytes at once.
const WRITE_BYTES: usize = 64 * 1024;

#[derive(Serialize)]
struct LostJson {
    events: u64,
}

#[derive(Serialize)]
struct FilesJson {
    files: usize,
}

/// GET, and HEAD, whose answer has no body and takes no place.
pub async fn events(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    visitor: Visitor,
    method: Method,
) -> Result<Response, HttpError> {
    let (sender, receiver) = channel(1);
    if method != Method::HEAD {
        let place = app.watchers.admit(host_key(ends.peer)).ok_or(HttpError::TooManyFeeds)?;
        let (mirror, is_operator) = (app.mirror.clone(), visitor.is_operator);
        app.watchers.tell(sender, |sender| tell(mirror, place, is_operator, sender));
    }
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, Body::new(ChannelBody(receiver))).into_response())
}

/// Tells one listener, until it goes. What it does not read in time is lost, and told as lost.
async fn tell(mirror: Mirror, _place: Place, is_operator: bool, sender: Sender<Bytes>) {
    let mut listener = mirror.subscribe();
    // What it does as a whole, to begin with; the rest is in `/mirror.json`.
    let mut text = line("state", &DoingJson::new(&mirror.status().doing));
    loop {
        gather(&mut listener, is_operator, &mut text);
        if sender.send(Bytes::from(std::mem::take(&mut text))).await.is_err() {
            return;
        }
        sleep(PAUSE).await;
        match timeout(ALIVE, listener.next()).await {
            Ok(Some(told)) => say(&told, is_operator, &mut text),
            Ok(None) => return,
            Err(_) => text.push_str(": alive\n\n"),
        }
    }
}

/// What else happened already.
fn gather(listener: &mut Listener, is_operator: bool, text: &mut String) {
    while text.len() < WRITE_BYTES {
        let Some(told) = listener.try_next() else { return };
        say(&told, is_operator, text);
    }
}

fn say(told: &Told, is_operator: bool, text: &mut String) {
    let said = match told {
        Told::Lost(events) => line("lost", &LostJson { events: *events }),
        Told::Event(event) => match &**event {
            Event::Begun(moment) => line("begun", &FileJson::new(moment)),
            Event::Progressed(moment) => line("progressed", &FileJson::new(moment)),
            Event::Landed(lately) => line("landed", &LatelyJson::new(lately, is_operator)),
            Event::Failed(lately) => line("failed", &LatelyJson::new(lately, is_operator)),
            Event::State(doing) => line("state", &DoingJson::new(doing)),
            Event::Wished(files) => line("wished", &FilesJson { files: *files }),
            Event::WishEnded(end) => line("wish-ended", &WishEndJson::new(end, is_operator)),
            Event::Leaves(leaves) => line("leaving", &LeavesJson::new(leaves)),
        },
    };
    text.push_str(&said);
}

/// JSON has no line breaks of its own: one line of data.
fn line(event: &str, data: &impl Serialize) -> String {
    let data = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
    format!("event: {event}\ndata: {data}\n\n")
}
