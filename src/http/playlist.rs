//! `/playlist/<uuid>.m3u8?d=…`: the music and films of a folder, for players.
//!
//! The addresses are whole ones: for our own files by the name under which we were asked, which
//! the host rule has judged; for a neighbour's by its own.

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::error::HttpError;
use super::natural::natural_key;
use super::owner::Owner;
use super::store::{STORE_POLICY, disposition};
use super::{App, Ends};
use crate::wire::index::Entry;
use crate::wire::{Index, Kind, LootPath, url};

/// Nobody plays more in a row, and no player likes more.
const ENTRIES_MAX: usize = 10_000;

/// GET and HEAD.
pub async fn serve(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, HttpError> {
    let owner = Owner::find(&app, name.strip_suffix(".m3u8").ok_or(HttpError::NotFound)?)?;
    let folder = match url::query_first(&query.unwrap_or_default(), "d").as_deref() {
        None | Some(b"") => None,
        Some(folder) => Some(LootPath::parse(folder).map_err(|_| HttpError::NotFound)?),
    };
    let title = folder.as_ref().map_or_else(|| owner.file_name(), |folder| folder.file_name().to_owned());
    let origin = match owner.is_ours() {
        true => own_origin(&headers, &ends),
        false => owner.origin(ends.local.ip()),
    };
    let (index, said) = (owner.index.clone(), title.clone());
    let made = App::walk(&app.listings, move || {
        let folder = folder.as_ref().map_or("", LootPath::as_str);
        emit(&index, folder, &origin, &said)
    });
    let text = made.await?.ok_or(HttpError::NotFound)?;
    let mut response = text.into_response();
    for (name, value) in [
        (header::CONTENT_DISPOSITION, disposition(&format!("{title}.m3u8"))),
        (header::CONTENT_TYPE, "audio/x-mpegurl; charset=utf-8".into()),
        (header::CONTENT_SECURITY_POLICY, STORE_POLICY.into()),
        (header::CACHE_CONTROL, "no-store".into()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// What players play: lists of such are none of it.
#[must_use]
pub fn is_playable(name: &str) -> bool {
    let is_list = [".m3u", ".m3u8"].iter().any(|list| {
        let at = name.len().saturating_sub(list.len());
        name.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(list))
    });
    matches!(Kind::of(name), Kind::Audio | Kind::Video) && !is_list
}

/// As we were asked; without a name, by the address.
fn own_origin(headers: &HeaderMap, ends: &Ends) -> String {
    match headers.get(header::HOST).and_then(|host| host.to_str().ok()) {
        Some(host) => format!("http://{host}"),
        None => url::origin(ends.local, None),
    }
}

/// The list; none when there is nothing to play.
fn emit(index: &Index, folder: &str, origin: &str, title: &str) -> Option<String> {
    let playable = index.below(folder).filter(|entry| is_playable(entry.name));
    let mut entries: Vec<Entry<'_>> = playable.take(ENTRIES_MAX).collect();
    if entries.is_empty() {
        return None;
    }
    entries.sort_by_cached_key(|entry| natural_key(entry.name));
    let mut text = format!("#EXTM3U\n#PLAYLIST:{title}\n");
    for entry in entries {
        let name = entry.name.rsplit('/').next().unwrap_or(entry.name);
        let said = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        text.push_str(&format!("#EXTINF:-1,{said}\n{origin}{}\n", url::file_target(&entry.listed_name())));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_played_stands_in_the_order_of_people() {
        let (index, _) =
            Index::parse(b"m/10 b.mp3,1\nm/2 a,b.MKV,1\nm/all.m3u8,1\nm/notes.txt,1\n/m/x/1.ogg,1\nz.mp3,1\n").unwrap();
        let text = emit(&index, "m", "http://h:1", "m").unwrap();
        let expected = [
            "#EXTM3U\n#PLAYLIST:m\n".to_owned(),
            format!("#EXTINF:-1,2 a,b\nhttp://h:1{}\n", url::file_target("m/2 a,b.MKV")),
            format!("#EXTINF:-1,10 b\nhttp://h:1{}\n", url::file_target("m/10 b.mp3")),
            format!("#EXTINF:-1,1\nhttp://h:1{}\n", url::file_target("/m/x/1.ogg")),
        ];
        assert_eq!(text, expected.concat());
        assert!(emit(&index, "m/notes.txt", "", "").is_none());
    }
}
