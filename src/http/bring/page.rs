//! `/bring`: the page from which files are sent, and on which the operator decides about the inbox.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use axum::extract::{RawQuery, State};
use axum::response::Response;

use super::why;
use crate::http::App;
use crate::http::error::HttpError;
use crate::http::operator::Visitor;
use crate::http::page::{Frame, Paging, ROWS, Tab, page_number, render};
use crate::http::say::{Say, Value};
use crate::loot::deliveries::Place;
use crate::loot::inbox::Item;
use crate::wire::{Index, Kind, url};

/// Folders that are proposed to the operator.
const FOLDERS_SHOWN: usize = 200;

#[derive(askama::Template)]
#[template(path = "bring.html")]
struct BringPage {
    frame: Frame,
    form_token: String,
    is_open: bool,
    limits: Vec<String>,
    folders: Vec<String>,
    words: Words,
    inbox: InboxView,
    paging: Paging,
}

/// What the script says; `{…}` is filled in there.
struct Words {
    units: String,
    total: String,
    progress: String,
    left_out: String,
    waits: String,
    seconds: String,
    minutes: String,
    hours: String,
    /// Why a file is not taken: a word, and its sentence.
    why: Vec<(&'static str, String)>,
}

/// What lies in the inbox.
#[derive(Default)]
struct InboxView {
    items: Vec<ItemView>,
    /// `3 files, 12 MB`.
    holds: String,
    trouble: bool,
}

struct ItemView {
    path: String,
    name: String,
    kind: &'static str,
    href: String,
    size: String,
    when: String,
    stamp: String,
    from: Option<String>,
    code: Option<String>,
}

/// The page.
pub async fn show(State(app): State<App>, RawQuery(query): RawQuery, visitor: Visitor) -> Result<Response, HttpError> {
    let place = if visitor.is_operator { Place::Loot } else { Place::Inbox };
    let deliveries = app.deliveries.clone();
    let room = tokio::task::spawn_blocking(move || deliveries.room_bytes(place));
    let most_bytes = room.await.map_err(|_| HttpError::Busy)?;
    let page = page_number(query.as_deref().unwrap_or_default());
    let (inbox, paging) = if visitor.is_operator { inbox(&app, visitor.say, page).await? } else { Default::default() };
    render(&BringPage {
        frame: Frame::new(&app, &visitor).at(Tab::Bring),
        is_open: app.deliveries.inbox().is_open(),
        limits: limits(&app, &visitor, most_bytes),
        folders: if visitor.is_operator { folders(&app).await? } else { Vec::new() },
        words: Words::of(visitor.say),
        form_token: visitor.form_token,
        inbox,
        paging,
    })
}

/// What is said before anything is sent.
fn limits(app: &App, visitor: &Visitor, most_bytes: u64) -> Vec<String> {
    let say = visitor.say;
    let limits = app.deliveries.limits();
    if most_bytes == 0 {
        return vec![say.t("bring-no-room")];
    }
    if visitor.is_operator {
        return vec![say.t1("bring-room", "size", say.size(most_bytes))];
    }
    let largest = say.t1("bring-largest", "size", say.size(limits.upload_max_bytes.min(most_bytes)));
    vec![largest, say.t("bring-only-inbox")]
}

impl BringPage {
    /// The address of this page on the machine itself.
    fn at_home(&self) -> String {
        format!("http://localhost:{}/bring", self.frame.port)
    }
}

impl Words {
    fn of(say: Say) -> Self {
        let placed = |key, names: &[&'static str]| {
            let names = names.iter().map(|name| (*name, Value::from(format!("{{{name}}}"))));
            say.with(key, names)
        };
        Self {
            units: say.t("bring-units"),
            total: placed("bring-total", &["done", "count", "sent", "size"]),
            progress: placed("bring-progress", &["sent", "size", "speed", "left"]),
            left_out: placed("bring-left-out", &["count"]),
            waits: placed("bring-waits", &["time"]),
            seconds: placed("common-seconds", &["count"]),
            minutes: placed("common-minutes", &["count"]),
            hours: placed("common-hours", &["hours", "minutes"]),
            why: why::SENTENCES.map(|(word, key)| (word, say.t(key))).into(),
        }
    }
}

async fn inbox(app: &App, say: Say, page: usize) -> Result<(InboxView, Paging), HttpError> {
    let deliveries = app.deliveries.clone();
    let items = tokio::task::spawn_blocking(move || deliveries.inbox_items()).await.map_err(|_| HttpError::Busy)?;
    let Ok(items) = items else {
        return Ok((InboxView { trouble: true, ..InboxView::default() }, Paging::default()));
    };
    let bytes = items.iter().fold(0_u64, |sum, item| sum.saturating_add(item.size_bytes));
    let paging = Paging::new(say, page, items.len(), |page| format!("/bring?p={page}#inbox"));
    let shown = items.iter().skip(page.saturating_sub(1).saturating_mul(ROWS)).take(ROWS);
    let view = InboxView {
        items: shown.map(|item| ItemView::new(item, say)).collect(),
        holds: format!("{}, {}", say.files(items.len() as u64), say.size(bytes)),
        trouble: false,
    };
    Ok((view, paging))
}

impl ItemView {
    fn new(item: &Item, say: Say) -> Self {
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(item.at)).unwrap_or(SystemTime::UNIX_EPOCH);
        Self {
            path: item.path.to_string(),
            name: item.path.split_once('/').map_or(&*item.path, |(_, name)| name).to_owned(),
            kind: Kind::of(&item.path).as_str(),
            href: format!("/bring/inbox/file?g={}", url::query_value(&item.path)),
            size: say.size(item.size_bytes),
            when: say.when(at),
            stamp: say.stamp(at),
            from: item.brought.as_ref().map(|brought| brought.from.to_string()),
            code: item.brought.as_ref().map(|brought| brought.code.to_string()),
        }
    }
}

/// The folders at the top of ours.
async fn folders(app: &App) -> Result<Vec<String>, HttpError> {
    let index = app.loot.snapshot().index.clone();
    App::walk(&app.listings, move || top_folders(&index)).await
}

fn top_folders(index: &Index) -> Vec<String> {
    let mut folders = BTreeSet::new();
    for entry in index.iter() {
        if let Some((folder, _)) = entry.name.split_once('/')
            && !folders.contains(folder)
        {
            folders.insert(folder.to_owned());
        }
        if folders.len() >= FOLDERS_SHOWN {
            break;
        }
    }
    folders.into_iter().collect()
}
