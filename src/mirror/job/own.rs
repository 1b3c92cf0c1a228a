//! What is here already is not fetched: a file of ours that holds the content under another name
//! is copied.

use std::io::ErrorKind;

use super::{Job, blocking};
use crate::fetch::FetchError;
use crate::loot::LootFile;
use crate::loot::spool::Part;
use crate::wire::{Digests, LootPath};

impl Job {
    /// The whole file as a copy of one of ours; none where no file of ours holds it (any more).
    pub(super) async fn copy_own(&mut self) -> Option<Part> {
        let digests = self.want.digests?;
        let (from, own) = self.open_own(digests).await?;
        match self.copy(own, digests).await {
            Ok(Some(part)) => {
                tracing::info!(path = %self.want.path, %from, "the content was here already");
                Some(part)
            }
            Ok(None) => None,
            Err(error) => {
                tracing::debug!(path = %self.want.path, %from, %error, "it cannot be copied from here");
                None
            }
        }
    }

    async fn open_own(&self, digests: Digests) -> Option<(LootPath, LootFile)> {
        let (loot, landed, size_bytes) = (self.means.loot.clone(), self.landed.clone(), self.want.size_bytes);
        let open = move || {
            let known = loot.open_by_blake3(digests.blake3).ok();
            let lately = || landed.and_then(|path| Some((path.clone(), loot.open_file(&path).ok()?)));
            known.or_else(lately).filter(|(_, own)| own.facts.size_bytes == size_bytes)
        };
        blocking(open).await.ok()?
    }

    /// None if it holds something else after all. Between two steps the node may end.
    async fn copy(&mut self, own: LootFile, digests: Digests) -> Result<Option<Part>, FetchError> {
        let (spool, key) = (self.means.spool.clone(), self.want.part_key(self.source.uuid));
        self.means
            .reservation
            .cover(key.size_bytes)
            .map_err(|full| std::io::Error::new(ErrorKind::StorageFull, full))?;
        self.progress.note_here(0);
        let begin = move || {
            let mut part = spool.part(&key)?;
            let is_whole = part.begin_copy(&own)?;
            Ok::<_, std::io::Error>((part, own, is_whole))
        };
        let (mut part, mut own, mut is_whole) = blocking(begin).await??;
        while !is_whole {
            let step = move || {
                let is_whole = part.copy_more(&own)?;
                Ok::<_, std::io::Error>((part, own, is_whole))
            };
            (part, own, is_whole) = blocking(step).await??;
            self.note_here(&part);
        }
        part = read_back(part).await?;
        self.note_here(&part);
        let (part, content) = blocking(move || part.content().map(|content| (part, content))).await??;
        if content == digests.content() {
            return Ok(Some(part));
        }
        part.discard();
        Ok(None)
    }

    fn note_here(&mut self, part: &Part) {
        let before = self.progress.swap_here(part.received_bytes());
        self.means.reservation.written(part.received_bytes().saturating_sub(before));
    }
}

/// Hashes what is in the spool, step by step.
pub(super) async fn read_back(mut part: Part) -> Result<Part, FetchError> {
    loop {
        let (read, is_all) = blocking(move || part.read_back().map(|is_all| (part, is_all))).await??;
        part = read;
        if is_all {
            return Ok(part);
        }
    }
}
