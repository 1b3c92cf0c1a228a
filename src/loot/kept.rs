//! Files in whose place the operator let others come: `.boucan/replaced`, hidden, so that no index
//! holds them and no node takes them for loot. Nothing is ever removed from it by us.

use std::os::fd::OwnedFd;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::landing::{LandError, sync_folder};
use crate::wire::loot_path::COMPONENT_MAX_BYTES;

/// Names tried for files that were called alike.
const NAMES_TRIED: usize = 1_000;

/// The hidden folder, open.
#[derive(Debug)]
pub(super) struct Kept(pub(super) OwnedFd);

impl Kept {
    /// Gives the file `name` a second name in there, so that it is safe before it is exchanged.
    /// None where the file system knows no such names.
    pub(super) fn link(&self, from: &OwnedFd, name: &str) -> Result<Option<String>, LandError> {
        for name_there in names(name) {
            match rustix::fs::linkat(from, name, &self.0, &name_there, AtFlags::empty()) {
                Ok(()) => {
                    sync_folder(&self.0)?;
                    return Ok(Some(name_there));
                }
                Err(Errno::EXIST) => {}
                Err(Errno::PERM | Errno::NOTSUP | Errno::MLINK | Errno::NOSYS) => return Ok(None),
                Err(error) => return Err(std::io::Error::from(error).into()),
            }
        }
        Err(LandError::Exists)
    }

    /// Takes that second name away again.
    pub(super) fn unlink(&self, name_there: &str) {
        let _ = rustix::fs::unlinkat(&self.0, name_there, AtFlags::empty());
    }
}

/// `report.odt`, `report (2).odt`, …, none longer than file systems hold.
fn names(name: &str) -> impl Iterator<Item = String> {
    let (stem, extension) = match name.rfind('.').filter(|dot| *dot > 0) {
        Some(dot) => name.split_at(dot),
        None => (name, ""),
    };
    let numbered = (2..=NAMES_TRIED).map(move |number| {
        let after = format!(" ({number}){extension}");
        let room = COMPONENT_MAX_BYTES.saturating_sub(after.len());
        let cut = (0..=room.min(stem.len())).rev().find(|at| stem.is_char_boundary(*at)).unwrap_or(0);
        format!("{}{after}", stem.get(..cut).unwrap_or_default())
    });
    std::iter::once(name.to_owned()).chain(numbered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_before_their_extension_and_never_too_long() {
        for (name, second) in [("a.txt", "a (2).txt"), ("a", "a (2)"), ("a.tar.gz", "a.tar (2).gz")] {
            assert_eq!(names(name).take(2).collect::<Vec<_>>(), [name, second]);
        }
        let long = format!("{}.txt", "é".repeat(125));
        for name in names(&long) {
            assert!(name.len() <= COMPONENT_MAX_BYTES && name.ends_with(".txt"), "{name}");
        }
    }
}
