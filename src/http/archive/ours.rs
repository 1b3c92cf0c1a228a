//! An archive of our own files.

use std::io;
use std::os::unix::fs::FileExt as _;

use super::{Broken, Outlet};
use crate::bandwidth::GRANT_BYTES;
use crate::loot::{Loot, LootFile};
use crate::wire::archive::Packer;

/// Made in one go off the threads that serve.
const STEP_BYTES: usize = 256 * 1024;

/// Makes it step by step, as the client takes it and the limit allows it.
pub(super) async fn send(loot: Loot, packer: Packer, outlet: &mut Outlet) -> Result<(), Broken> {
    let step = if outlet.upload.is_limited() { GRANT_BYTES } else { STEP_BYTES };
    let mut packing = Packing { packer, loot, open: None };
    loop {
        let filled = tokio::task::spawn_blocking(move || {
            let filled = packing.fill(step);
            (packing, filled)
        });
        let (same, filled) = filled.await.map_err(|_| Broken::Gone)?;
        packing = same;
        let bytes = filled?;
        if bytes.is_empty() {
            return Ok(());
        }
        outlet.give(bytes.into()).await?;
    }
}

/// An archive and the file that is being packed.
#[derive(Debug)]
struct Packing {
    packer: Packer,
    loot: Loot,
    /// With how much of it was read.
    open: Option<(LootFile, u64)>,
}

impl Packing {
    /// The next bytes, about so many; none at the end.
    fn fill(&mut self, most: usize) -> Result<Vec<u8>, Broken> {
        let mut out = Vec::with_capacity(most);
        while out.len() < most {
            let room = most.saturating_sub(out.len());
            let goes_on = match (self.open.is_some(), self.packer.left_bytes()) {
                (true, 0) => self.end_file(&mut out).map(|()| true),
                (true, left) => self.read(usize::try_from(left).unwrap_or(room).min(room), &mut out).map(|()| true),
                (false, _) if self.packer.due().is_some() => self.begin_file(&mut out).map(|()| true),
                (false, _) => Ok(self.packer.rest(room, &mut out)),
            };
            if !goes_on? {
                break;
            }
        }
        Ok(out)
    }

    fn begin_file(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        let Some((path, size_bytes)) = self.packer.due().map(|entry| (entry.path(), entry.size_bytes)) else {
            return Ok(());
        };
        let opened = self.loot.open_file(&path).map_err(|error| self.unreadable(io::Error::other(error)))?;
        if opened.facts.size_bytes != size_bytes {
            return Err(self.changed());
        }
        let modified = opened.facts.modified_ns.div_euclid(1_000_000_000);
        self.packer.begin(u32::try_from(modified.max(0)).unwrap_or(u32::MAX), out);
        self.open = Some((opened, 0));
        Ok(())
    }

    fn read(&mut self, length: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        let Some((opened, offset)) = &mut self.open else { return Ok(()) };
        let before = out.len();
        out.resize(before.saturating_add(length), 0);
        let piece = out.get_mut(before..).unwrap_or_default();
        if let Err(error) = opened.file.read_exact_at(piece, *offset) {
            return Err(self.unreadable(error));
        }
        *offset = offset.saturating_add(length as u64);
        Ok(self.packer.content(piece)?)
    }

    /// What was read is one version of the file only if it is that version still.
    fn end_file(&mut self, out: &mut Vec<u8>) -> Result<(), Broken> {
        if self.open.take().is_some_and(|(opened, _)| !opened.is_unchanged()) {
            return Err(self.changed());
        }
        Ok(self.packer.end_file(out)?)
    }

    fn changed(&self) -> Broken {
        Broken::Changed(self.name())
    }

    fn unreadable(&self, error: io::Error) -> Broken {
        Broken::Unreadable(self.name(), error)
    }

    fn name(&self) -> String {
        self.packer.due().map(|entry| entry.name.to_owned()).unwrap_or_default()
    }
}
