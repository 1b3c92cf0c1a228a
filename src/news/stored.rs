//! The journal in the state folder: JSON, read as carefully as what comes from the network.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::item::{NAMED_MAX, NewFile, NewsItem, What};
use super::journal::{ITEMS_MAX, Journal, MET_MAX};
use crate::wire::text::NAME_MAX_CHARS;
use crate::wire::{DisplayText, LootPath};

/// A longer file is none of ours: texts are bounded, and doubled at most by JSON's escapes.
const FILE_MAX_BYTES: u64 = 16 << 20;

#[derive(Default, Deserialize, Serialize)]
struct JournalJson {
    items: Vec<ItemJson>,
    /// Uuid, name, when.
    met: Vec<(Uuid, String, u64)>,
}

#[derive(Deserialize, Serialize)]
struct ItemJson {
    id: Uuid,
    node: Uuid,
    name: String,
    since: u64,
    at: u64,
    files: u64,
    bytes: u64,
    /// None: the node was met.
    added: Option<AddedJson>,
}

#[derive(Deserialize, Serialize)]
struct AddedJson {
    folder: String,
    wide: bool,
    named: Vec<(String, u64)>,
}

/// What is stored there; an empty journal where nothing usable is.
pub(super) fn load(file: &Path) -> Journal {
    let read = || -> io::Result<JournalJson> {
        if std::fs::metadata(file)?.len() > FILE_MAX_BYTES {
            return Err(io::Error::other("it is too long"));
        }
        serde_json::from_slice(&std::fs::read(file)?).map_err(io::Error::other)
    };
    match read() {
        Ok(stored) => parse(stored),
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(file = %file.display(), %error, "what was new is forgotten: it cannot be read");
            }
            Journal::default()
        }
    }
}

/// The text to be stored.
pub(super) fn emit(journal: &Journal) -> Vec<u8> {
    let met = journal.met().iter().map(|(node, (name, at))| (*node, name.to_string(), *at)).collect();
    let stored = JournalJson { items: journal.latest().map(|item| item_json(item)).collect(), met };
    // Neither maps with odd keys nor numbers that JSON has not: this cannot fail.
    serde_json::to_vec(&stored).unwrap_or_default()
}

fn item_json(item: &NewsItem) -> ItemJson {
    let (files, bytes, added) = match &item.what {
        What::Met { files, bytes } => (*files, *bytes, None),
        What::Added { folder, is_wide, files, bytes, named } => {
            let named = named.iter().map(|file| (file.path.to_string(), file.size_bytes)).collect();
            (*files, *bytes, Some(AddedJson { folder: folder.to_string(), wide: *is_wide, named }))
        }
    };
    let (since, at) = (item.since_unix, item.at_unix);
    ItemJson { id: item.id, node: item.node, name: item.node_name.to_string(), since, at, files, bytes, added }
}

/// An item that is damaged is left out.
fn parse(stored: JournalJson) -> Journal {
    let name = |name: &str| DisplayText::from_bytes(name.as_bytes(), NAME_MAX_CHARS);
    let mut items: Vec<NewsItem> = stored.items.into_iter().take(ITEMS_MAX).filter_map(item).collect();
    // Stored newest first; of the same second the order stays.
    items.reverse();
    let met: BTreeMap<_, _> =
        stored.met.into_iter().take(MET_MAX).map(|(node, met, at)| (node, (name(&met), at))).collect();
    Journal::of(items, met)
}

fn item(item: ItemJson) -> Option<NewsItem> {
    let (files, bytes) = (item.files, item.bytes);
    let what = match item.added {
        None => What::Met { files, bytes },
        Some(added) => {
            if !added.folder.is_empty() {
                LootPath::parse(added.folder.as_bytes()).ok()?;
            }
            let file = |(path, size_bytes): (String, u64)| {
                Some(NewFile { path: LootPath::parse(path.as_bytes()).ok()?, size_bytes })
            };
            let named = added.named.into_iter().take(NAMED_MAX).filter_map(file).collect();
            What::Added { folder: added.folder.into(), is_wide: added.wide, files, bytes, named }
        }
    };
    let node_name = DisplayText::from_bytes(item.name.as_bytes(), NAME_MAX_CHARS);
    let (since_unix, at_unix) = (item.since, item.at);
    Some(NewsItem { id: item.id, node: item.node, node_name, since_unix, at_unix, what })
}
