//! `/new.atom`: what is new as a feed (RFC 4287). An entry keeps its id for ever; one that grew has
//! another time.

use std::time::{Instant, SystemTime};

use askama::Template as _;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::view::{Nodes, file_href, met};
use crate::http::App;
use crate::http::error::HttpError;
use crate::http::operator::Visitor;
use crate::http::say::Say;
use crate::news::{NewsItem, What};

/// Entries in the feed.
const ENTRIES_MAX: usize = 100;

#[derive(askama::Template)]
#[template(path = "new.xml", escape = "html")]
struct Feed {
    say: Say,
    title: String,
    subtitle: String,
    node: String,
    /// `http://192.168.1.7:12555`, as the reader named us.
    origin: String,
    uuid: uuid::Uuid,
    updated: String,
    entries: Vec<Entry>,
}

struct Entry {
    id: uuid::Uuid,
    title: String,
    author: String,
    published: String,
    updated: String,
    href: String,
    /// Where the page of each file is, and what it is called.
    files: Vec<(String, String)>,
}

/// The feed.
pub async fn atom(State(app): State<App>, visitor: Visitor, headers: HeaderMap) -> Result<Response, HttpError> {
    let say = visitor.say;
    let items = app.news.latest(0, ENTRIES_MAX);
    let nodes = Nodes::new(&app, Instant::now());
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let updated = items.first().map_or(SystemTime::UNIX_EPOCH, |item| item.at());
    let feed = Feed {
        say,
        title: xml(&say.t1("new-feed-title", "node", app.name.as_str())),
        subtitle: say.t("new-lead"),
        node: xml(app.name.as_str()),
        origin: format!("http://{host}"),
        uuid: app.uuid,
        updated: say.stamp(updated),
        entries: items.iter().map(|item| entry(item, &nodes, say)).collect(),
    };
    let text = feed.render()?;
    let etag = format!("W/\"{:08x}\"", crc32fast::hash(text.as_bytes()));
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let about = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, "no-cache".into()),
        (header::CONTENT_TYPE, "application/atom+xml; charset=utf-8".into()),
    ];
    Ok(if is_known { (StatusCode::NOT_MODIFIED, about).into_response() } else { (about, text).into_response() })
}

fn entry(item: &NewsItem, nodes: &Nodes, say: Say) -> Entry {
    let author = xml(&nodes.name(item, say));
    let (title, folder, files) = match &item.what {
        What::Met { files, bytes } => (format!("{author} {}", met(say, *files, *bytes)), "", Vec::new()),
        What::Added { folder, files, bytes, named, .. } => {
            let what = say.t2("new-added", ("files", say.files(*files)), ("size", say.size(*bytes)));
            let title = match &**folder {
                "" => say.t2("new-feed-entry", ("node", author.as_str()), ("what", what)),
                folder => {
                    let values = [("node", author.as_str().into()), ("what", what.into()), ("folder", folder.into())];
                    say.with("new-feed-entry-in", values)
                }
            };
            let files = named.iter().map(|file| (file_href(item.node, file), xml(file.path.as_str())));
            (title, &**folder, files.collect())
        }
    };
    Entry {
        id: item.id,
        title: xml(&title),
        author,
        published: say.stamp(item.since()),
        updated: say.stamp(item.at()),
        href: nodes.folder_href(item.node, folder).unwrap_or_else(|| "/new".into()),
        files,
    }
}

/// Without the characters that no XML may hold (XML 1.0, 2.2); names of strangers may.
fn xml(text: &str) -> String {
    let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_xml_may_hold_is_replaced() {
        for (text, expected) in [
            ("plain é\u{1f600}", "plain é\u{1f600}"),
            ("a\u{ffff}b", "a\u{fffd}b"),
            ("a\u{0}\u{1b}", "a\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(xml(text), expected);
        }
    }
}
