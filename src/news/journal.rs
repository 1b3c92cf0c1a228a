//! The journal: what is new, oldest first, bounded in every direction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::grouping::{folder_of, gathered, lies_in};
use super::item::{NAMED_MAX, NewFile, NewsItem, What, unix};
use crate::wire::DisplayText;

/// Items kept in all …
pub(super) const ITEMS_MAX: usize = 5_000;
/// … and of one node: who changes its files all the time pushes out only its own.
pub(super) const PER_NODE_MAX: usize = 1_000;
/// Items that say that a node is here: uuids cost nothing.
pub(super) const MET_ITEMS_MAX: usize = 500;
/// Texts of all items together; names can be long.
const TEXT_BYTES_MAX: usize = 4 << 20;
/// Older ones are no news.
pub(super) const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// What comes into a folder within so long of the last is one item …
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// … unless that began so long ago.
const SPAN_MAX: Duration = Duration::from_secs(6 * 3600);
/// Items of one node that grow at once; more are one of a folder above.
const GROWING_MAX: usize = 8;
/// Nodes that are remembered as met.
pub(super) const MET_MAX: usize = 4_096;

/// What is new, and who was met.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// By the time of their last change.
    items: Vec<Arc<NewsItem>>,
    text_bytes: usize,
    /// Who was met, under which name, and when it was last noted: seconds since 1970.
    met: BTreeMap<Uuid, (DisplayText, u64)>,
    version: u64,
}

impl Journal {
    /// Of what was stored.
    pub(super) fn of(mut items: Vec<NewsItem>, met: BTreeMap<Uuid, (DisplayText, u64)>) -> Self {
        items.sort_by_key(|item| item.at_unix);
        let text_bytes = items.iter().map(NewsItem::text_bytes).sum();
        let mut journal = Self { items: items.into_iter().map(Arc::new).collect(), text_bytes, met, version: 0 };
        journal.bound(None);
        journal.version = 0;
        journal
    }

    /// Another number after each change; zero for what was stored.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The newest first.
    pub(super) fn latest(&self) -> impl Iterator<Item = &Arc<NewsItem>> {
        self.items.iter().rev()
    }

    pub(super) fn met(&self) -> &BTreeMap<Uuid, (DisplayText, u64)> {
        &self.met
    }

    pub(super) fn count_since(&self, time: SystemTime) -> usize {
        let seen = self.items.partition_point(|item| item.at_unix <= unix(time));
        self.items.len().saturating_sub(seen)
    }

    pub(super) fn is_met(&self, node: Uuid) -> bool {
        self.met.contains_key(&node)
    }

    /// Some node that was met under that name.
    pub(super) fn is_met_by_name(&self, name: &DisplayText) -> Option<Uuid> {
        let mut of_name = self.met.iter().filter(|(_, (known, _))| known == name && !name.as_str().is_empty());
        of_name.next().map(|(node, _)| *node)
    }

    /// A node is there that was never met; `offers`: so many files and bytes, or none where it is
    /// known by another uuid, which is no news.
    pub(super) fn meet(&mut self, node: Uuid, name: &DisplayText, offers: Option<(u64, u64)>, now: SystemTime) {
        self.version = self.version.wrapping_add(1);
        while self.met.len() >= MET_MAX {
            let Some(longest_ago) = self.met.iter().min_by_key(|(_, (_, at))| *at).map(|(node, _)| *node) else {
                break;
            };
            self.met.remove(&longest_ago);
        }
        self.met.insert(node, (name.clone(), unix(now)));
        if let Some((files, bytes)) = offers {
            self.push(new_item(node, name, What::Met { files, bytes }, now));
            let mut met = self.items.iter().enumerate().filter(|(_, item)| matches!(item.what, What::Met { .. }));
            let oldest = met.next().map(|(at, _)| at).filter(|_| met.count() >= MET_ITEMS_MAX);
            if let Some(at) = oldest {
                self.remove(at);
            }
            self.bound(Some(node));
        }
    }

    /// A node has files that are new.
    pub(super) fn add(&mut self, node: Uuid, name: &DisplayText, files: Vec<NewFile>, now: SystemTime) {
        if files.is_empty() {
            return;
        }
        let mut growing = self.take_growing(node, now);
        // Of folders that come now none takes another: only few that grow already may.
        let mut begun = Vec::new();
        for (folder, files) in by_folder(files) {
            match growing.iter_mut().filter(|item| takes(item, &folder)).max_by_key(|item| folder_len(item)) {
                Some(item) => grow(item, name, files, now),
                None => {
                    let mut item = new_item(node, name, added(folder), now);
                    grow(&mut item, name, files, now);
                    begun.push(item);
                }
            }
        }
        growing.append(&mut begun);
        gather(growing).into_iter().for_each(|item| self.push(item));
        self.items.sort_by_key(|item| item.at_unix);
        self.version = self.version.wrapping_add(1);
        self.bound(Some(node));
    }

    /// Drops what is no news any more.
    pub(super) fn forget_old(&mut self, now: SystemTime) {
        let oldest = unix(now).saturating_sub(AGE_MAX.as_secs());
        let keep_from = self.items.partition_point(|item| item.at_unix < oldest);
        if keep_from > 0 {
            let gone: usize = self.items.drain(..keep_from).map(|item| item.text_bytes()).sum();
            self.text_bytes = self.text_bytes.saturating_sub(gone);
            self.version = self.version.wrapping_add(1);
        }
    }

    /// Those of a node to which something may still be added.
    fn take_growing(&mut self, node: Uuid, now: SystemTime) -> Vec<NewsItem> {
        let grows = |item: &Arc<NewsItem>| {
            let since = |at: u64| Duration::from_secs(unix(now).saturating_sub(at));
            let is_young = since(item.at_unix) < PAUSE_MAX && since(item.since_unix) < SPAN_MAX;
            item.node == node && is_young && matches!(item.what, What::Added { .. })
        };
        let (growing, rest) = std::mem::take(&mut self.items).into_iter().partition::<Vec<_>, _>(|item| grows(item));
        self.items = rest;
        let bytes: usize = growing.iter().map(|item| item.text_bytes()).sum();
        self.text_bytes = self.text_bytes.saturating_sub(bytes);
        growing.into_iter().map(Arc::unwrap_or_clone).collect()
    }

    fn push(&mut self, item: NewsItem) {
        self.text_bytes = self.text_bytes.saturating_add(item.text_bytes());
        self.items.push(Arc::new(item));
    }

    /// The oldest of `of` go where they are too many, or else the oldest of all.
    fn bound(&mut self, of: Option<Uuid>) {
        let of_node = self.items.iter().filter(|item| Some(item.node) == of);
        let (mut count, mut bytes) = of_node.fold((0_usize, 0_usize), |(count, bytes), item| {
            (count.saturating_add(1), bytes.saturating_add(item.text_bytes()))
        });
        while count > PER_NODE_MAX || self.items.len() > ITEMS_MAX || self.text_bytes > TEXT_BYTES_MAX {
            // Few items with long names push out no more than many with short ones.
            let has_most = count.saturating_mul(2) > self.items.len() || bytes.saturating_mul(2) > self.text_bytes;
            let share = count > PER_NODE_MAX || has_most;
            let its = self.items.iter().position(|item| share && Some(item.node) == of);
            let at = its.unwrap_or(0);
            if at >= self.items.len() {
                return;
            }
            let gone = self.remove(at);
            if Some(gone.node) == of {
                count = count.saturating_sub(1);
                bytes = bytes.saturating_sub(gone.text_bytes());
            }
        }
    }

    fn remove(&mut self, at: usize) -> Arc<NewsItem> {
        let gone = self.items.remove(at);
        self.text_bytes = self.text_bytes.saturating_sub(gone.text_bytes());
        gone
    }
}

fn new_item(node: Uuid, name: &DisplayText, what: What, now: SystemTime) -> NewsItem {
    let (since_unix, at_unix) = (unix(now), unix(now));
    NewsItem { id: Uuid::new_v4(), node, node_name: name.clone(), since_unix, at_unix, what }
}

fn added(folder: Box<str>) -> What {
    What::Added { folder, is_wide: false, files: 0, bytes: 0, named: Vec::new() }
}

fn by_folder(files: Vec<NewFile>) -> BTreeMap<Box<str>, Vec<NewFile>> {
    let mut folders: BTreeMap<Box<str>, Vec<NewFile>> = BTreeMap::new();
    for file in files {
        folders.entry(folder_of(file.path.as_str()).into()).or_default().push(file);
    }
    folders
}

/// Whether what comes into that folder belongs to the item.
fn takes(item: &NewsItem, into: &str) -> bool {
    match &item.what {
        What::Added { folder, is_wide, .. } => **folder == *into || (*is_wide && lies_in(into, folder)),
        What::Met { .. } => false,
    }
}

fn folder_len(item: &NewsItem) -> usize {
    if let What::Added { folder, .. } = &item.what { folder.len() } else { 0 }
}

fn grow(item: &mut NewsItem, name: &DisplayText, more: Vec<NewFile>, now: SystemTime) {
    item.node_name = name.clone();
    item.at_unix = item.at_unix.max(unix(now));
    if let What::Added { files, bytes, named, .. } = &mut item.what {
        *files = files.saturating_add(more.len() as u64);
        *bytes = more.iter().fold(*bytes, |sum, file| sum.saturating_add(file.size_bytes));
        let room = NAMED_MAX.saturating_sub(named.len());
        named.extend(more.into_iter().take(room));
    }
}

/// Too many that grow at once become one of a folder above them.
fn gather(growing: Vec<NewsItem>) -> Vec<NewsItem> {
    let folders: Vec<Box<str>> = growing.iter().filter_map(|item| folder(item).map(Into::into)).collect();
    let stands = gathered(folders.iter().map(AsRef::as_ref), GROWING_MAX);
    let mut made: BTreeMap<&str, NewsItem> = BTreeMap::new();
    let mut growing = growing;
    growing.sort_by_key(|item| item.since_unix);
    for mut item in growing {
        let Some(stand) = folder(&item).and_then(|folder| stands.get(folder).copied()) else { continue };
        if let What::Added { folder, is_wide, .. } = &mut item.what {
            *is_wide |= **folder != *stand;
            *folder = stand.into();
        }
        match made.get_mut(stand) {
            Some(older) => swallow(older, item),
            None => drop(made.insert(stand, item)),
        }
    }
    made.into_values().collect()
}

fn folder(item: &NewsItem) -> Option<&str> {
    if let What::Added { folder, .. } = &item.what { Some(folder) } else { None }
}

/// The younger becomes a part of the older, which keeps its id.
fn swallow(older: &mut NewsItem, younger: NewsItem) {
    older.at_unix = older.at_unix.max(younger.at_unix);
    older.node_name = younger.node_name;
    let What::Added { is_wide: wide, files: more, bytes: more_bytes, named: others, .. } = younger.what else { return };
    if let What::Added { is_wide, files, bytes, named, .. } = &mut older.what {
        *is_wide |= wide;
        *files = files.saturating_add(more);
        *bytes = bytes.saturating_add(more_bytes);
        let room = NAMED_MAX.saturating_sub(named.len());
        named.extend(others.into_iter().take(room));
    }
}
