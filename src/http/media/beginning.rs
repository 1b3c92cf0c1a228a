//! The beginning of a file, for a look at a text.

use std::io::Read as _;

use super::super::error::HttpError;
use super::super::owner::Owner;
use super::{App, fetched};
use crate::fetch::open::Wish;
use crate::wire::index::Entry;

/// At most so many bytes of it; of a neighbour's file no more is fetched.
pub(in crate::http) async fn beginning(
    app: &App,
    owner: &Owner,
    entry: &Entry<'_>,
    most: u64,
) -> Result<Vec<u8>, HttpError> {
    let Some(last) = entry.size_bytes.min(most).checked_sub(1) else { return Ok(Vec::new()) };
    if owner.is_ours() {
        let (loot, path) = (app.loot.clone(), entry.path());
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            loot.open_file(&path)?.file.take(most).read_to_end(&mut bytes).map_err(HttpError::Disk)?;
            Ok(bytes)
        });
        return read.await.map_err(|_| HttpError::NotFound)?;
    }
    let _place = app.media.at(owner.uuid).await.ok_or(HttpError::TooManyStreams)?;
    let is_part = last.saturating_add(1) < entry.size_bytes;
    let wish = Wish { span: is_part.then_some(0..=last), ..Wish::default() };
    let (_connection, mut opened) = fetched(app, owner, entry, &wish).await?;
    let mut bytes = Vec::new();
    while bytes.len() as u64 <= last {
        let Some(more) = opened.body.next().await? else { break };
        bytes.extend_from_slice(&more);
    }
    bytes.truncate(usize::try_from(last.saturating_add(1)).unwrap_or(usize::MAX));
    Ok(bytes)
}
