//! How what is new is shown: by age, then by node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use uuid::Uuid;

use crate::http::App;
use crate::http::say::Say;
use crate::news::{NewFile, NewsItem, What};
use crate::wire::{Index, Kind, url};

/// Files of an item that are named on the page; the rest is in the folder.
const FILES_SHOWN: usize = 6;
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What came at about the same time.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) nodes: Vec<NodeView>,
}

/// What one node has of it.
pub(super) struct NodeView {
    pub(super) name: String,
    /// Where its files are; none while it is not here.
    pub(super) href: Option<String>,
    pub(super) is_ours: bool,
    pub(super) items: Vec<ItemView>,
    uuid: Uuid,
}

/// One item.
pub(super) struct ItemView {
    /// It came after the reader's last visit.
    pub(super) is_new: bool,
    /// `is here with 1,204 files, 48 GB`, or `214 files, 1.2 GB`.
    pub(super) what: String,
    /// The folder in which files came, and where it is; none for a node that was met.
    pub(super) folder: Option<FolderView>,
    pub(super) ago: String,
    pub(super) stamp: String,
    pub(super) files: Vec<FileView>,
    /// `and 202 more`.
    pub(super) more: Option<String>,
}

/// A folder with new files.
pub(super) struct FolderView {
    /// Empty for the shared folder itself.
    pub(super) name: String,
    pub(super) href: Option<String>,
}

/// A new file.
pub(super) struct FileView {
    pub(super) name: String,
    /// None where it is not to be had any more.
    pub(super) href: Option<String>,
    pub(super) kind: &'static str,
    pub(super) size: String,
}

/// Who is here, and what they offer now.
pub(super) struct Nodes {
    ours: Uuid,
    our_name: String,
    offers: BTreeMap<Uuid, Arc<Index>>,
}

impl Nodes {
    pub(super) fn new(app: &App, now: Instant) -> Self {
        let present = app.neighbourhood.present(now).into_iter();
        let mut offers: BTreeMap<Uuid, Arc<Index>> =
            present.filter_map(|neighbour| Some((neighbour.uuid, neighbour.known?.index))).collect();
        offers.insert(app.uuid, app.loot.snapshot().index.clone());
        Self { ours: app.uuid, our_name: app.name.to_string(), offers }
    }

    pub(super) fn has(&self, node: Uuid, file: &NewFile) -> bool {
        self.offers.get(&node).is_some_and(|index| index.find(file.path.as_str()).is_some())
    }

    pub(super) fn name(&self, item: &NewsItem, say: Say) -> String {
        match item.node_name.as_str() {
            _ if item.node == self.ours => self.our_name.clone(),
            "" => say.t("new-unnamed"),
            name => name.to_owned(),
        }
    }

    /// Where a folder of a node is shown, while it is here.
    pub(super) fn folder_href(&self, node: Uuid, folder: &str) -> Option<String> {
        let query = if folder.is_empty() { String::new() } else { format!("?d={}", url::query_value(folder)) };
        self.offers.contains_key(&node).then(|| format!("/l/{node}{query}"))
    }
}

/// Where the page of one file is.
pub(super) fn file_href(node: Uuid, file: &NewFile) -> String {
    format!("/file/{node}?g={}", url::query_value(file.path.as_str()))
}

/// All of it; new is what came after `before`.
pub(super) fn sections(
    items: &[Arc<NewsItem>],
    nodes: &Nodes,
    before: Option<SystemTime>,
    say: Say,
    now: SystemTime,
) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for item in items {
        let title = title(now.duration_since(item.at()).unwrap_or_default(), say);
        if sections.last().is_none_or(|last| last.title != title) {
            sections.push(Section { title, nodes: Vec::new() });
        }
        let Some(section) = sections.last_mut() else { continue };
        let view = item_view(item, nodes, before.is_some_and(|before| item.at() > before), say, now);
        match section.nodes.iter_mut().find(|node| node.uuid == item.node) {
            Some(node) => node.items.push(view),
            None => section.nodes.push(NodeView {
                name: nodes.name(item, say),
                href: nodes.folder_href(item.node, ""),
                is_ours: item.node == nodes.ours,
                items: vec![view],
                uuid: item.node,
            }),
        }
    }
    sections
}

/// By how long ago it was: a day begins where the reader is, which is not known here.
fn title(ago: Duration, say: Say) -> String {
    match ago.as_secs() / DAY.as_secs() {
        _ if ago < HOUR => say.t("new-last-hour"),
        0 => say.t("new-last-day"),
        days @ 1..7 => say.t1("new-days-ago", "count", days),
        days => say.t1("new-weeks-ago", "count", days / 7),
    }
}

fn item_view(item: &NewsItem, nodes: &Nodes, is_new: bool, say: Say, now: SystemTime) -> ItemView {
    let ago = say.ago(now.duration_since(item.at()).unwrap_or_default());
    let stamp = say.stamp(item.at());
    match &item.what {
        What::Met { files, bytes } => {
            ItemView { is_new, what: met(say, *files, *bytes), folder: None, ago, stamp, files: Vec::new(), more: None }
        }
        What::Added { folder, files, bytes, named, .. } => {
            let what = say.t2("new-added", ("files", say.files(*files)), ("size", say.size(*bytes)));
            let shown: Vec<FileView> =
                named.iter().take(FILES_SHOWN).map(|file| file_view(item.node, folder, file, nodes, say)).collect();
            let more = files.saturating_sub(shown.len() as u64);
            let href = nodes.folder_href(item.node, folder);
            ItemView {
                is_new,
                what,
                folder: Some(FolderView { name: folder.to_string(), href }),
                ago,
                stamp,
                files: shown,
                more: (more > 0).then(|| say.t1("new-more", "count", more)),
            }
        }
    }
}

/// What is said of a node that was met.
pub(super) fn met(say: Say, files: u64, bytes: u64) -> String {
    match files {
        0 => say.t("new-met-empty"),
        _ => say.t2("new-met", ("files", say.files(files)), ("size", say.size(bytes))),
    }
}

fn file_view(node: Uuid, folder: &str, file: &NewFile, nodes: &Nodes, say: Say) -> FileView {
    let name = file.path.as_str();
    FileView {
        name: name.strip_prefix(folder).unwrap_or(name).trim_start_matches('/').to_owned(),
        href: nodes.has(node, file).then(|| file_href(node, file)),
        kind: Kind::of(name).as_str(),
        size: say.size(file.size_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_told_apart_by_its_age() {
        let say = Say::default();
        for (ago, expected) in [
            (Duration::ZERO, "In the last hour"),
            (2 * HOUR, "In the last 24 hours"),
            (DAY, "1 day ago"),
            (6 * DAY, "6 days ago"),
            (7 * DAY, "1 week ago"),
            (29 * DAY, "4 weeks ago"),
        ] {
            assert_eq!(title(ago, say), expected);
        }
    }
}
