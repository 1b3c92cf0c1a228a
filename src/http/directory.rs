//! `/directory` and `/directory.json`: who is logged in at the Napster directory, what is
//! registered there, and how often it was fetched.

use std::time::SystemTime;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde::Serialize;

use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Paging, ROWS, page_number, render};
use super::say::Say;
use crate::directory::join::{JoinState, JoinStatus};
use crate::directory::registry::{FileView, SessionView};
use crate::wire::Kind;
use crate::wire::napster::Md5;

/// Files that are told at once to programs.
const JSON_FILES: usize = 1_000;
/// Sessions shown to people; the rest is counted.
const SESSIONS_SHOWN: usize = 200;

#[derive(askama::Template)]
#[template(path = "directory.html")]
struct DirectoryPage {
    frame: Frame,
    /// Where peers log in; none where no directory runs.
    where_to: Option<String>,
    is_open: bool,
    /// Where they fetch our files.
    serves: Option<String>,
    hashing: Option<String>,
    session_count: String,
    sessions: Vec<PeerRow>,
    file_count: String,
    files: Vec<FileRow>,
    downloads: Vec<FileRow>,
    joins: Vec<JoinRow>,
    paging: Paging,
}

struct PeerRow {
    host: String,
    /// Whom it says to be, while that is not proved.
    claims: Option<String>,
    port: u16,
    files: String,
    since: String,
    trouble: Option<String>,
}

#[derive(Serialize)]
struct FileRow {
    md5: String,
    name: String,
    peers: usize,
    downloads: u32,
    #[serde(skip)]
    kind: &'static str,
}

#[derive(Serialize)]
struct JoinRow {
    host: String,
    state: String,
}

/// The page.
pub async fn show(State(app): State<App>, RawQuery(query): RawQuery, visitor: Visitor) -> Result<Response, HttpError> {
    let page = page_number(query.as_deref().unwrap_or_default());
    let registry = app.napster.registry.as_ref();
    let sessions = registry.map(|registry| registry.sessions()).unwrap_or_default();
    let (registered, total) = registered(&app, page.saturating_sub(1).saturating_mul(ROWS), ROWS);
    let (say, left) = (visitor.say, app.loot.hashing().left);
    let port = app.napster.directory_port;
    render(&DirectoryPage {
        frame: Frame::new(&app, &visitor),
        where_to: port.map(|port| say.t1("directory-where", "port", port.to_string())),
        is_open: port.is_some(),
        serves: app.napster.peer_port().map(|port| say.t1("directory-serves", "port", port.to_string())),
        hashing: (left > 0).then(|| say.t1("directory-hashing", "files", say.files(left))),
        session_count: say.number(sessions.len()),
        sessions: sessions.iter().take(SESSIONS_SHOWN).map(|session| peer_row(session, say)).collect(),
        file_count: say.number(total),
        files: registered,
        downloads: fetched_from_us(&app),
        joins: joins(&app, say),
        paging: Paging::new(visitor.say, page, total, |page| format!("/directory?p={page}")),
    })
}

#[derive(Serialize)]
struct DirectoryJson {
    directory_port: Option<u16>,
    peer_port: Option<u16>,
    hashing_files: usize,
    sessions: Vec<SessionJson>,
    registered: usize,
    files: Vec<FileRow>,
    fetched_from_us: Vec<FileRow>,
    joined: Vec<JoinRow>,
}

#[derive(Serialize)]
struct SessionJson {
    ipv4: std::net::Ipv4Addr,
    ipv6: std::net::Ipv6Addr,
    port: u16,
    /// The addresses from which it spoke and which it claims; no other is ever dialled.
    proven: Vec<std::net::IpAddr>,
    files: usize,
    since_unix: u64,
    failed_probes: u8,
}

/// The same for programs; of the files a page of a thousand, `?p=2` the next.
pub async fn json(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let page = page_number(query.as_deref().unwrap_or_default());
    let sessions = app.napster.registry.as_ref().map(|registry| registry.sessions()).unwrap_or_default();
    let (files, registered) = registered(&app, page.saturating_sub(1).saturating_mul(JSON_FILES), JSON_FILES);
    let told = DirectoryJson {
        directory_port: app.napster.directory_port,
        peer_port: app.napster.peer_port(),
        hashing_files: app.loot.hashing().left,
        sessions: sessions.iter().map(session_json).collect(),
        registered,
        files,
        fetched_from_us: fetched_from_us(&app),
        // Programs read one language.
        joined: joins(&app, Say::default()),
    };
    axum::response::IntoResponse::into_response(Json(told))
}

fn registered(app: &App, skip: usize, take: usize) -> (Vec<FileRow>, usize) {
    let Some(registry) = &app.napster.registry else { return (Vec::new(), 0) };
    let (files, total) = registry.files(skip, take);
    (files.iter().map(file_row).collect(), total)
}

fn file_row(file: &FileView) -> FileRow {
    FileRow {
        md5: file.md5.to_string(),
        name: file.name.as_str().into(),
        peers: file.copies,
        downloads: file.downloads,
        kind: Kind::of(file.name.as_str()).as_str(),
    }
}

/// Our own files that peers fetched and reported, the most fetched first.
fn fetched_from_us(app: &App) -> Vec<FileRow> {
    let Some(registry) = &app.napster.registry else { return Vec::new() };
    let digests = app.loot.digests();
    let ours = |(md5, downloads): (Md5, u32)| {
        let name = digests.find(md5)?.name.to_owned();
        let kind = Kind::of(&name).as_str();
        Some(FileRow { md5: md5.to_string(), name, peers: 0, downloads, kind })
    };
    registry.offered_downloads().into_iter().filter_map(ours).take(ROWS).collect()
}

fn joins(app: &App, say: Say) -> Vec<JoinRow> {
    let row = |status: JoinStatus| JoinRow { host: status.host.to_string(), state: state(&status.state, say) };
    app.napster.joins.statuses().into_iter().map(row).collect()
}

fn state(state: &JoinState, say: Say) -> String {
    match state {
        JoinState::Connecting => say.t("directory-join-connecting"),
        JoinState::LoggedIn { registered, held_back: None, .. } => {
            say.t1("directory-join-registered", "files", say.files(*registered))
        }
        JoinState::LoggedIn { registered, held_back: Some(why), .. } => {
            say.t2("directory-join-full", ("files", say.files(*registered)), ("why", &**why))
        }
        JoinState::Waiting { why } => say.t1("directory-join-waiting", "why", &**why),
    }
}

fn peer_row(session: &SessionView, say: Say) -> PeerRow {
    let is_proven = !session.proven.is_empty();
    let failed = session.failed_probes;
    PeerRow {
        host: session.host.to_string(),
        claims: (!is_proven).then(|| say.t1("directory-claims", "address", session.address.v4.to_string())),
        port: session.address.port,
        files: say.number(session.files),
        since: say.when(session.since),
        trouble: (failed > 0).then(|| say.t1("directory-silent", "count", failed)),
    }
}

fn session_json(session: &SessionView) -> SessionJson {
    let since = session.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SessionJson {
        ipv4: session.address.v4,
        ipv6: session.address.v6,
        port: session.address.port,
        proven: session.proven.clone(),
        files: session.files,
        since_unix: since.as_secs(),
        failed_probes: session.failed_probes,
    }
}
