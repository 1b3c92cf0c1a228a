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
use super::page::{Frame, Paging, ROWS, ago, files, grouped, page_number, render};
use crate::directory::join::{JoinState, JoinStatus};
use crate::directory::registry::{FileView, SessionView};
use crate::wire::napster::Md5;

/// Files that are told at once to programs.
const JSON_FILES: usize = 1_000;
/// Sessions shown to people; the rest is counted.
const SESSIONS_SHOWN: usize = 200;

#[derive(askama::Template)]
#[template(path = "directory.html")]
struct DirectoryPage {
    frame: Frame,
    port: Option<u16>,
    peer_port: Option<u16>,
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
    claims: String,
    port: u16,
    files: String,
    since: String,
    trouble: String,
}

#[derive(Serialize)]
struct FileRow {
    md5: String,
    name: String,
    peers: usize,
    downloads: u32,
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
    let left = app.loot.hashing().left;
    render(&DirectoryPage {
        frame: Frame::new(&app, &visitor),
        port: app.napster.directory_port,
        peer_port: app.napster.peer_port(),
        hashing: (left > 0).then(|| files(left)),
        session_count: grouped(sessions.len()),
        sessions: sessions.iter().take(SESSIONS_SHOWN).map(peer_row).collect(),
        file_count: grouped(total),
        files: registered,
        downloads: fetched_from_us(&app),
        joins: joins(&app),
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
        joined: joins(&app),
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
    }
}

/// Our own files that peers fetched and reported, the most fetched first.
fn fetched_from_us(app: &App) -> Vec<FileRow> {
    let Some(registry) = &app.napster.registry else { return Vec::new() };
    let digests = app.loot.digests();
    let ours = |(md5, downloads): (Md5, u32)| {
        let name = digests.find(md5)?.name.to_owned();
        Some(FileRow { md5: md5.to_string(), name, peers: 0, downloads })
    };
    registry.offered_downloads().into_iter().filter_map(ours).take(ROWS).collect()
}

fn joins(app: &App) -> Vec<JoinRow> {
    let row = |status: JoinStatus| JoinRow { host: status.host.to_string(), state: state(&status.state) };
    app.napster.joins.statuses().into_iter().map(row).collect()
}

fn state(state: &JoinState) -> String {
    match state {
        JoinState::Connecting => "logging in".into(),
        JoinState::LoggedIn { registered, held_back: None, .. } => format!("{} registered there", files(*registered)),
        JoinState::LoggedIn { registered, held_back: Some(why), .. } => {
            format!("{} registered there; it takes no more: {why}", files(*registered))
        }
        JoinState::Waiting { why } => format!("trying again later: {why}"),
    }
}

fn peer_row(session: &SessionView) -> PeerRow {
    let claims = if session.proven.is_empty() { session.address.v4.to_string() } else { String::new() };
    PeerRow {
        host: session.host.to_string(),
        claims,
        port: session.address.port,
        files: grouped(session.files),
        since: ago(SystemTime::now().duration_since(session.since).unwrap_or_default()),
        trouble: match session.failed_probes {
            0 => String::new(),
            1 => "did not answer once".into(),
            times => format!("did not answer {times} times"),
        },
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
