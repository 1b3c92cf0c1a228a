//! `/`: search; below it what is here, who is near and what is new, in short.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Tab, render};
use super::say::Say;
use super::search::link_to;
use super::{App, Ends};
use crate::loot::LootState;
use crate::neighbours::Neighbour;
use crate::news::{NewsItem, What};
use crate::wire::{Index, url};

/// Nodes that are named; `/near` has them all.
const NODES_SHOWN: usize = 5;
/// The newest of what is new; `/new` has the rest.
const NEWS_SHOWN: usize = 4;

#[derive(askama::Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    loot_files: String,
    loot_size: String,
    /// The operator's alone.
    folder: String,
    scanning: Option<String>,
    missing: Option<String>,
    watch_limited: Option<String>,
    nodes: Vec<NodeView>,
    /// How many there are.
    count: String,
    news: Vec<NewsView>,
}

/// A neighbour in short.
struct NodeView {
    uuid: Uuid,
    name: String,
    /// None while its list of files is not known.
    files: Option<String>,
}

/// Something new in short.
struct NewsView {
    node: String,
    href: String,
    what: String,
    ago: String,
    stamp: String,
}

/// The front page.
pub async fn show(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let say = visitor.say;
    let (snapshot, status) = (app.loot.snapshot(), app.loot.status());
    let neighbours = app.neighbourhood.present(Instant::now());
    let is_scanning = status.state == LootState::Scanning;
    render(&HomePage {
        frame: Frame::new(&app, &visitor).at(Tab::Search),
        loot_files: say.files(snapshot.index.len()),
        loot_size: say.size(snapshot.index.total_bytes()),
        folder: if visitor.is_operator { app.loot.folder().path().display().to_string() } else { String::new() },
        scanning: is_scanning.then(|| say.t1("home-scanning", "files", say.files(app.loot.files_seen()))),
        missing: match status.state {
            LootState::Missing(why) if visitor.is_operator => Some(say.t1("home-missing-why", "why", &*why)),
            LootState::Missing(_) => Some(say.t("home-missing")),
            _ => None,
        },
        watch_limited: status
            .watch_limited
            .filter(|_| visitor.is_operator)
            .map(|why| say.t1("home-unwatched", "why", &*why)),
        nodes: neighbours.iter().take(NODES_SHOWN).map(|node| short(node, &ends, say)).collect(),
        count: say.number(neighbours.len()),
        news: app.news.latest(0, NEWS_SHOWN).iter().map(|item| news(item, say)).collect(),
    })
}

fn short(neighbour: &Neighbour, ends: &Ends, say: Say) -> NodeView {
    NodeView {
        uuid: neighbour.uuid,
        name: link_to(neighbour, ends.local.ip()).map_or_else(|| say.t("home-unnamed"), |(_, name)| name),
        files: neighbour.known.as_ref().map(|known| say.files(known.index.len())),
    }
}

fn news(item: &NewsItem, say: Say) -> NewsView {
    let name = item.node_name.as_str();
    let (folder, what) = match &item.what {
        What::Met { .. } => ("", say.t("home-met")),
        What::Added { folder, files, .. } if folder.is_empty() => {
            ("", say.t1("home-added-top", "files", say.files(*files)))
        }
        What::Added { folder, files, .. } => {
            (&**folder, say.t2("home-added", ("files", say.files(*files)), ("folder", &**folder)))
        }
    };
    let query = if folder.is_empty() { String::new() } else { format!("?d={}", url::query_value(folder)) };
    NewsView {
        node: if name.is_empty() { say.t("home-unnamed") } else { name.to_owned() },
        href: format!("/l/{}{query}", item.node),
        what,
        ago: say.when(item.at()),
        stamp: say.stamp(item.at()),
    }
}

/// How many files of each neighbour are not here, kept while neither index changes. Keeps no index
/// of who went.
#[derive(Debug, Default)]
pub struct MissingCounts(Mutex<HashMap<Uuid, Counted>>);

/// Their index, ours, and the count for the two.
type Counted = (Weak<Index>, Weak<Index>, usize);

impl MissingCounts {
    /// Of each of these, in their order.
    pub(super) fn count(&self, neighbours: &[Neighbour], ours: &Arc<Index>) -> Vec<usize> {
        // Who looks at the same time finds them too.
        let before = self.lock().clone();
        let is = |known: &Weak<Index>, index: &Arc<Index>| std::ptr::eq(known.as_ptr(), Arc::as_ptr(index));
        let counted = neighbours.iter().map(|n| {
            let theirs = n.known.as_ref().map(|known| known.index.clone()).unwrap_or_default();
            match before.get(&n.uuid) {
                Some(known @ (t, o, _)) if is(t, &theirs) && is(o, ours) => (n.uuid, known.clone()),
                _ => {
                    let count = theirs.absent_from(ours).count();
                    (n.uuid, (Arc::downgrade(&theirs), Arc::downgrade(ours), count))
                }
            }
        });
        let counted: Vec<(Uuid, Counted)> = counted.collect();
        let counts = counted.iter().map(|(_, (_, _, count))| *count).collect();
        *self.lock() = counted.into_iter().collect();
        counts
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
