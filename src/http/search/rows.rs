//! How hits are shown: a file with who has it, a folder with where it is.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::directory::registry;
use crate::http::App;
use crate::http::say::Say;
use crate::neighbours::Neighbour;
use crate::search::{FolderHit, Hit, Library};
use crate::wire::url;

/// Holders of one hit that are named; the rest is counted.
const HOLDERS_SHOWN: usize = 20;

/// For whom rows are made, and of what.
pub(super) struct Showing<'s> {
    pub(super) app: &'s App,
    pub(super) library: &'s Library,
    pub(super) neighbours: &'s [Neighbour],
    /// Where the visitor reached us.
    pub(super) local: IpAddr,
    pub(super) say: Say,
    /// The visitor may let files come here.
    pub(super) fetches: bool,
}

/// A file.
pub(super) struct Row {
    pub(super) kind: &'static str,
    /// Its page; of what only Napster peers have, the file itself.
    pub(super) href: String,
    pub(super) name: Vec<Piece>,
    /// Empty at the top of what is shared.
    pub(super) folder: Vec<Piece>,
    /// Where that folder is shown; none of what only Napster peers have.
    pub(super) folder_href: Option<String>,
    /// Empty if nobody tells.
    pub(super) size: String,
    pub(super) is_here: bool,
    /// Its holders, the best first.
    pub(super) holders: Vec<Holder>,
    /// `on 4 nodes`.
    pub(super) on: String,
    /// `and 3 more`.
    pub(super) more: Option<String>,
    /// When it was changed last, for programs and as it is said.
    pub(super) age: Option<(String, String)>,
    /// From whom the operator may let it come, and how that node lists it.
    pub(super) fetch: Option<(Uuid, String)>,
}

/// A part of a name.
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) is_marked: bool,
}

/// Who has a file, and where it is there.
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) href: String,
    /// Which node, and the name as that lists it; none for Napster peers.
    node: Option<(Uuid, String)>,
}

/// A folder.
pub(super) struct FolderRow {
    pub(super) href: String,
    pub(super) name: Vec<Piece>,
    pub(super) above: String,
    /// `1,204 files, 48 GB`.
    pub(super) holds: String,
    pub(super) on: String,
}

impl Showing<'_> {
    /// A hit.
    pub(super) fn row(&self, hit: &Hit) -> Row {
        let mut holders: Vec<Holder> =
            hit.holders.iter().filter_map(|(shelf, listed)| self.holder(*shelf, listed)).collect();
        // What is here comes from here.
        holders.sort_by_key(|holder| !holder.is(self.app.uuid));
        holders.extend(self.peers(hit));
        let is_here = holders.first().is_some_and(|holder| holder.is(self.app.uuid));
        let best = holders.iter().find_map(|holder| holder.node.clone());
        let (folder, name) = hit.name.rsplit_once('/').unwrap_or(("", &hit.name));
        let name_at = hit.name.len().saturating_sub(name.len());
        let direct = holders.first().map(|holder| holder.href.clone()).unwrap_or_default();
        Row {
            kind: hit.kind.as_str(),
            href: best.as_ref().map_or(direct, |(uuid, listed)| page_of(*uuid, listed)),
            name: pieces(&hit.name, &hit.marks, name_at..hit.name.len()),
            folder: pieces(&hit.name, &hit.marks, 0..folder.len()),
            folder_href: hit.holders.first().and_then(|(shelf, _)| self.folder_href(*shelf, folder)),
            size: hit.size_bytes.map(|bytes| self.say.size(bytes)).unwrap_or_default(),
            is_here,
            on: self.say.t1("search-on-nodes", "count", holders.len() as u64),
            more: self.more(holders.len(), HOLDERS_SHOWN),
            age: hit.mtime.and_then(|mtime| self.age(mtime)),
            fetch: best.filter(|_| self.fetches && !is_here),
            holders: holders.into_iter().take(HOLDERS_SHOWN).collect(),
        }
    }

    /// A folder.
    pub(super) fn folder(&self, hit: &FolderHit) -> Option<FolderRow> {
        let (shelf, files, bytes) = *hit.on.first()?;
        let (above, own) = hit.path.rsplit_once('/').unwrap_or(("", &hit.path));
        let name = self.node_name(self.library.shelves().get(shelf)?.holder)?;
        let others = self.more(hit.on.len(), 1);
        Some(FolderRow {
            href: self.folder_href(shelf, &hit.path)?,
            name: pieces(&hit.path, &hit.marks, hit.path.len().saturating_sub(own.len())..hit.path.len()),
            above: above.to_owned(),
            holds: self.say.t2("search-holds", ("files", self.say.files(files)), ("size", self.say.size(bytes))),
            on: others.map_or_else(|| name.clone(), |others| format!("{name} {others}")),
        })
    }

    fn more(&self, count: usize, shown: usize) -> Option<String> {
        let more = count.saturating_sub(shown);
        (more > 0).then(|| self.say.t1("search-more-holders", "count", more as u64))
    }

    fn age(&self, mtime: i64) -> Option<(String, String)> {
        let since = Duration::from_secs(mtime.unsigned_abs());
        let time = match mtime {
            0.. => SystemTime::UNIX_EPOCH.checked_add(since),
            _ => SystemTime::UNIX_EPOCH.checked_sub(since),
        };
        // Years that no calendar has are nobody's times.
        let time = time.filter(|_| (MTIME_MIN..MTIME_MAX).contains(&mtime))?;
        Some((self.say.stamp(time), self.say.when(time)))
    }

    fn folder_href(&self, shelf: usize, folder: &str) -> Option<String> {
        let uuid = self.library.shelves().get(shelf)?.holder;
        let node = if uuid == self.app.uuid { String::new() } else { uuid.to_string() };
        let query = if folder.is_empty() { String::new() } else { format!("?d={}", url::query_value(folder)) };
        Some(format!("/l/{node}{query}"))
    }

    fn node_name(&self, uuid: Uuid) -> Option<String> {
        if uuid == self.app.uuid {
            return Some(self.app.name.to_string());
        }
        let neighbour = self.neighbours.iter().find(|neighbour| neighbour.uuid == uuid)?;
        Some(link_to(neighbour, self.local)?.1)
    }

    /// A node that holds it; none that went meanwhile.
    fn holder(&self, shelf: usize, listed: &str) -> Option<Holder> {
        let uuid = self.library.shelves().get(shelf)?.holder;
        let node = Some((uuid, listed.to_owned()));
        if uuid == self.app.uuid {
            return Some(Holder { name: self.app.name.to_string(), href: url::file_target(listed), node });
        }
        let neighbour = self.neighbours.iter().find(|neighbour| neighbour.uuid == uuid)?;
        let (origin, name) = link_to(neighbour, self.local)?;
        Some(Holder { name, href: format!("{origin}{}", url::file_target(listed)), node })
    }

    /// The Napster peers that registered it; their files come through this node. A node that joined
    /// our directory is a neighbour already.
    fn peers(&self, hit: &Hit) -> Vec<Holder> {
        let Some((registry, md5)) = self.app.napster.registry.as_ref().zip(hit.md5) else { return Vec::new() };
        let shelves = self.library.shelves();
        let uuids: Vec<Uuid> = hit.holders.iter().filter_map(|(at, _)| Some(shelves.get(*at)?.holder)).collect();
        let nodes = self.neighbours.iter().filter(|neighbour| uuids.contains(&neighbour.uuid));
        let hosts: Vec<IpAddr> = nodes.flat_map(Neighbour::addresses).map(|address| address.service.ip()).collect();
        let peer = |holder: registry::Holder| {
            let host = holder.proven.first().map_or(IpAddr::V4(holder.address.v4), SocketAddr::ip);
            let name = self.say.t1("search-peer", "address", host.to_string());
            (!hosts.contains(&host)).then(|| Holder { name, href: format!("/n/{md5}"), node: None })
        };
        registry.holders(md5).into_iter().filter_map(peer).collect()
    }
}

/// The years 1 to 9999, in seconds since 1970.
const MTIME_MIN: i64 = -62_135_596_800;
const MTIME_MAX: i64 = 253_402_300_800;

impl Holder {
    fn is(&self, uuid: Uuid) -> bool {
        self.node.as_ref().is_some_and(|(node, _)| *node == uuid)
    }
}

/// The page of one file.
fn page_of(uuid: Uuid, listed: &str) -> String {
    format!("/file/{uuid}?g={}", url::query_value(listed))
}

/// A neighbour's origin and name, for a visitor who reached us at `local`.
pub(in crate::http) fn link_to(neighbour: &Neighbour, local: IpAddr) -> Option<(String, String)> {
    let address = neighbour.address_for_links(local)?;
    let origin = url::origin(address.service, address.interface.as_deref());
    let name =
        if neighbour.name.as_str().is_empty() { address.service.ip().to_string() } else { neighbour.name.to_string() };
    Some((origin, name))
}

/// A part of a text, cut where marks begin and end.
fn pieces(text: &str, marks: &[Range<usize>], part: Range<usize>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = part.start;
    let mut push = |range: Range<usize>, is_marked| {
        let text = text.get(range).unwrap_or_default();
        if !text.is_empty() {
            pieces.push(Piece { text: text.to_owned(), is_marked });
        }
    };
    for mark in marks {
        let (start, end) = (mark.start.clamp(at, part.end), mark.end.clamp(at, part.end));
        push(at..start, false);
        push(start..end, true);
        at = end;
    }
    push(at..part.end, false);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_where_marks_begin_and_end() {
        let cut = |marks: &[(usize, usize)], part| {
            let marks: Vec<Range<usize>> = marks.iter().map(|(start, end)| *start..*end).collect();
            let pieces = pieces("Old/Sea map.txt", &marks, part);
            let shown = |piece: &Piece| format!("{}{}", if piece.is_marked { "*" } else { "" }, piece.text);
            pieces.iter().map(shown).collect::<Vec<_>>()
        };
        for (marks, part, expected) in [
            (&[(4, 7), (8, 11)][..], 4..15, &["*Sea", " ", "*map", ".txt"][..]),
            (&[(4, 7)], 0..3, &["Old"]),
            (&[(0, 3), (12, 15)], 0..3, &["*Old"]),
            (&[(1, 6)], 4..15, &["*Se", "a map.txt"]),
            (&[(1, 6)], 0..3, &["O", "*ld"]),
            (&[], 0..0, &[]),
        ] {
            assert_eq!(cut(marks, part.clone()), expected, "{marks:?} in {part:?}");
        }
    }
}
