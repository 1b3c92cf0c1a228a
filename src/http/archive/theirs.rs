//! An archive of a neighbour's files, file by file through this node.
//!
//! Its length is made of what the neighbour's index says; a file that comes with another length
//! ends it.

use std::time::{Duration, SystemTime};

use axum::http::header::LAST_MODIFIED;

use super::{App, Broken, Outlet, Owner};
use crate::fetch::FetchError;
use crate::fetch::client::{Connection, Dialling};
use crate::fetch::open::{OPENING, Opened, Wish, connect, open_file};
use crate::wire::archive::Packer;
use crate::wire::index::Entry;

/// Of the list at the end, so much is made at once.
const REST_BYTES: usize = 64 * 1024;

/// Fetches one file after another, and hands on what comes.
pub(super) async fn send(app: &App, owner: &Owner, mut packer: Packer, outlet: &mut Outlet) -> Result<(), Broken> {
    let dialling = Dialling { from: app.bind, bandwidth: app.download.clone() };
    let mut connection = None;
    while let Some(entry) = packer.due() {
        let (name, told) = (entry.name.to_owned(), owner.modified(&entry));
        let broken = |error| Broken::NotFetched(name.clone(), error);
        let mut opened = open(owner, &dialling, &mut connection, &entry).await.map_err(broken)?;
        let mut around = Vec::new();
        packer.begin(modified(opened.as_ref(), told), &mut around);
        outlet.give(around.into()).await?;
        while let Some(opened) = &mut opened {
            let Some(bytes) = opened.body.next().await.map_err(broken)? else { break };
            packer.content(&bytes)?;
            outlet.give(bytes).await?;
        }
        let mut around = Vec::new();
        packer.end_file(&mut around)?;
        outlet.give(around.into()).await?;
    }
    loop {
        let mut rest = Vec::new();
        if !packer.rest(REST_BYTES, &mut rest) {
            return Ok(());
        }
        outlet.give(rest.into()).await?;
    }
}

/// Asks for a file by the connection that there is, or a new one; an empty one need not come.
async fn open(
    owner: &Owner,
    dialling: &Dialling,
    connection: &mut Option<Connection>,
    entry: &Entry<'_>,
) -> Result<Option<Opened>, FetchError> {
    if entry.size_bytes == 0 {
        return Ok(None);
    }
    let opening = async {
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(connect(&owner.services(), dialling).await?),
        };
        open_file(connection, &entry.listed_name(), entry.size_bytes, &Wish::default()).await
    };
    let opened = tokio::time::timeout(OPENING, opening).await.unwrap_or(Err(FetchError::TimedOut(OPENING)));
    opened.map(Some)
}

/// Seconds since 1970: as the answer says, or the manifest, or else now.
fn modified(opened: Option<&Opened>, told: Option<i64>) -> u32 {
    let said = opened.and_then(|opened| opened.headers.get(LAST_MODIFIED)?.to_str().ok());
    let said = said.and_then(|date| httpdate::parse_http_date(date).ok());
    let told = told.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    let told = told.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    let at = said.or(told).unwrap_or_else(SystemTime::now);
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
