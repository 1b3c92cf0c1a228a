//! What goes into an archive: files of an index, chosen by a folder and names in it.

use std::sync::Arc;

use super::{Format, Member, Totals};
use crate::wire::index::Entry;
use crate::wire::{Index, LootPath};

/// Files in one archive: what is kept of each until the end is some twelve bytes, and more than
/// this nobody unpacks.
pub const FILES_MAX: usize = 100_000;

/// Chosen files, in the order of their names; cheap enough to keep while they are sent.
#[derive(Clone, Debug)]
pub struct Contents {
    index: Arc<Index>,
    positions: Box<[u32]>,
    /// The folder in which all stands in the archive …
    root: Box<str>,
    /// … and how many bytes of the names in the index precede what stands in it.
    cut: usize,
}

/// Why nothing can be packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentsError {
    /// None of what was chosen is in the index.
    #[error("there is nothing here by that name")]
    Nothing,
    /// More than [`FILES_MAX`].
    #[error("these are more than {FILES_MAX} files; take a folder of it at a time")]
    TooMany,
}

impl Contents {
    /// All below `folder` (empty: all there is), or of it only what is picked: files, and folders
    /// with what is below them. In the archive all stands in a folder called `root`.
    ///
    /// # Errors
    /// [`ContentsError`]; one pick that is not below the folder, or is not there, is enough.
    pub fn choose(index: Arc<Index>, folder: &str, picks: &[LootPath], root: &str) -> Result<Self, ContentsError> {
        let inside = index.positions_below(folder);
        let mut positions = Vec::new();
        if picks.is_empty() {
            extend(&mut positions, inside.clone())?;
        }
        for pick in picks {
            let file = index.position_of(pick.as_str()).filter(|at| inside.contains(at));
            let below = index.positions_below(pick.as_str());
            let below = if below.start >= inside.start && below.end <= inside.end { below } else { 0..0 };
            if file.is_none() && below.is_empty() {
                return Err(ContentsError::Nothing);
            }
            extend(&mut positions, file.into_iter().chain(below))?;
        }
        if positions.is_empty() {
            return Err(ContentsError::Nothing);
        }
        positions.sort_unstable();
        positions.dedup();
        let cut = if folder.is_empty() { 0 } else { folder.len().saturating_add(1) };
        Ok(Self { index, positions: positions.into(), root: root.into(), cut })
    }

    /// How many files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Never: at least one file is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, nth: usize) -> Option<Entry<'_>> {
        self.index.get(*self.positions.get(nth)? as usize)
    }

    /// Its name in the archive.
    #[must_use]
    pub fn name(&self, nth: usize) -> String {
        let inside = self.get(nth).and_then(|entry| entry.name.get(self.cut..)).unwrap_or_default();
        format!("{}/{inside}", self.root)
    }

    /// How many bytes the archive will have: the very parts are made that will be sent, with other
    /// times and sums, on which no length depends.
    #[must_use]
    pub fn length(&self, format: Format) -> u64 {
        let (mut offset, mut list_bytes, mut part) = (0_u64, 0_u64, Vec::new());
        for nth in 0..self.len() {
            let (name, size_bytes) = (self.name(nth), self.get(nth).map_or(0, |entry| entry.size_bytes));
            let member = Member { name: &name, size_bytes, modified: 0 };
            part.clear();
            format.line(&member, 0, offset, &mut part);
            list_bytes = list_bytes.saturating_add(part.len() as u64);
            offset = offset.saturating_add(packed_bytes(format, &member, &mut part));
        }
        let totals = Totals { files: self.len() as u64, list_offset: offset, list_bytes };
        part.clear();
        format.end(&totals, &mut part);
        offset.saturating_add(list_bytes).saturating_add(part.len() as u64)
    }
}

/// What one file takes in an archive, the list at the end not counted.
pub(super) fn packed_bytes(format: Format, member: &Member<'_>, scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    format.head(member, scratch);
    format.foot(member, 0, scratch);
    member.size_bytes.saturating_add(scratch.len() as u64)
}

fn extend(positions: &mut Vec<u32>, more: impl Iterator<Item = usize>) -> Result<(), ContentsError> {
    for position in more {
        if positions.len() >= FILES_MAX {
            return Err(ContentsError::TooMany);
        }
        positions.push(u32::try_from(position).map_err(|_| ContentsError::TooMany)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(names: &[&str]) -> Arc<Index> {
        let mut names = names.to_vec();
        names.sort_unstable();
        Arc::new(Index::from_sorted(names.into_iter().map(|name| (name, 7))))
    }

    #[test]
    fn folders_keep_their_shape_below_their_own_name() {
        let index = index(&["a", "m/live/1", "m/live/x/2", "m/live.txt", "m/livelier/3", "z"]);
        let pick = |name: &str| LootPath::parse(name.as_bytes()).unwrap();
        for (folder, picks, expected, why) in [
            ("m/live", vec![], Some(vec!["r/1", "r/x/2"]), "what is below it, and nothing that only begins so"),
            ("", vec![pick("a"), pick("m/live")], Some(vec!["r/a", "r/m/live/1", "r/m/live/x/2"]), "files and folders"),
            ("m", vec![pick("m/live/1"), pick("m/live")], Some(vec!["r/live/1", "r/live/x/2"]), "each once"),
            ("m", vec![pick("m/live.txt"), pick("a")], None, "one is elsewhere"),
            ("m", vec![pick("m/gone")], None, "one is not there"),
            ("m/live", vec![pick("m")], None, "above it"),
            ("gone", vec![], None, "no such folder"),
        ] {
            let chosen = Contents::choose(index.clone(), folder, &picks, "r");
            let names = chosen.ok().map(|of| (0..of.len()).map(|nth| of.name(nth)).collect::<Vec<_>>());
            assert_eq!(names, expected.map(|names| names.into_iter().map(str::to_owned).collect()), "{why}");
        }
    }

    #[test]
    fn too_many_files_are_refused_before_they_are_gathered() {
        let names: Vec<String> = (0..=FILES_MAX).map(|number| format!("d/{number:06}")).collect();
        let index = Arc::new(Index::from_sorted(names.iter().map(|name| (name.as_str(), 1))));
        assert_eq!(Contents::choose(index, "d", &[], "d").unwrap_err(), ContentsError::TooMany);
    }
}
