//! What the hasher does with one file: looks at it, opens it, reads it a piece at a time.

use std::time::{Duration, Instant, SystemTime};

use super::{Hasher, as_position};
use crate::loot::digests::cache::{self, Reader};
use crate::loot::digests::reading::{Reading, Step};
use crate::loot::digests::{Stamp, lists};
use crate::loot::{LootFile, LootFolder};
use crate::wire::digests::Row;
use crate::wire::{Digests, PieceList};

/// Files looked at in one step.
const LOOKS: usize = 256;
/// A large file waits for one that is smaller than one part in so many of its rest. Few wait so,
/// each open.
const SMALLER: u64 = 8;
/// What cannot be read is tried again after this, unless something about it changes before.
const RETRY: Duration = Duration::from_secs(60);
/// A file that changed while it was read rests for this …
const CHANGED_REST: Duration = Duration::from_secs(2);
/// … and so many times as long as was spent on it in vain.
const CHANGED_SHARE: u32 = 10;

impl Hasher {
    /// One step.
    pub(super) fn work(&mut self) {
        if self.waiting.has_looks() {
            return self.look_at_some();
        }
        if self.can_recall() {
            return self.recall_some();
        }
        let rest_bytes = self.readings.last().map(|(reading, _)| reading.left_bytes());
        let is_small = |size_bytes: u64| rest_bytes.is_none_or(|rest| size_bytes < rest / SMALLER);
        let smallest = self.waiting.smallest().map(|position| (position, self.size_of(position)));
        if let Some((position, size_bytes)) = smallest.filter(|(_, size_bytes)| is_small(*size_bytes)) {
            self.waiting.done(position, size_bytes);
            self.begin(position);
        }
        self.read_piece();
    }

    /// Somebody asks for the pieces of a file whose digests are known: of an earlier version of
    /// this node, or of a damaged file of ours. It is read again, its digests stay.
    pub(super) fn want_list(&mut self, name: &str) {
        let index = &self.base.snapshot.index;
        let Some((position, entry)) = index.position_of(name).and_then(|at| Some((at, index.get(at)?))) else { return };
        let position = as_position(position);
        let Some(Row { digests, .. }) = self.known(position) else { return };
        let is_read = self.readings.iter().any(|(reading, _)| reading.position == position);
        if !is_read && self.cache.lacks_list(&digests.blake3, entry.size_bytes) {
            self.waiting.read(position, entry.size_bytes);
        }
    }

    /// Compares some files with what is known of them, now or from an earlier run.
    fn look_at_some(&mut self) {
        let (folder, reader) = (self.folder(), self.cache.reader());
        for _ in 0..LOOKS {
            let Some(position) = self.waiting.next_look() else { break };
            self.look_at(position, &folder, reader.as_ref());
        }
    }

    fn look_at(&mut self, position: u32, folder: &LootFolder, reader: Option<&Reader>) {
        let index = self.base.snapshot.index.clone();
        let Some(entry) = index.get(position as usize) else { return };
        self.waiting.done(position, entry.size_bytes);
        let facts = match folder.facts(&entry.path()) {
            Ok(Some(facts)) if facts.size_bytes == entry.size_bytes => facts,
            // The index is about to say so.
            Ok(Some(_)) => return self.put_off(position, CHANGED_REST, false),
            Ok(None) => return self.put_off(position, RETRY, true),
            // What is known of it is not less true: when it is opened it is compared again.
            Err(_) => return self.waiting.later(position, Instant::now() + RETRY, true),
        };
        let (stamp, mark) = (Stamp::of(&facts), self.marker.of(&facts));
        if self.known(position).is_some_and(|known| known.mark == mark) {
            return;
        }
        if let Some(at) = self.readings.iter().position(|(reading, _)| reading.position == position) {
            if self.readings.get(at).is_some_and(|(reading, _)| reading.facts == facts) {
                return;
            }
            self.readings.remove(at);
        }
        let row = reader.and_then(|reader| reader.get(entry.name));
        match row.filter(|row| row.size_bytes == facts.size_bytes && row.stamp == stamp) {
            Some(row) => {
                self.counts.recalled = self.counts.recalled.saturating_add(1);
                self.know(position, row.size_bytes, row.stamp, row.digests);
            }
            None => {
                self.void(position);
                self.waiting.read(position, entry.size_bytes);
            }
        }
    }

    /// Opens a file, if it rests.
    fn begin(&mut self, position: u32) {
        let index = self.base.snapshot.index.clone();
        let Some(entry) = index.get(position as usize) else { return };
        match self.folder().open_file(&entry.path()) {
            Ok(LootFile { facts, .. }) if facts.size_bytes != entry.size_bytes => {
                self.put_off(position, CHANGED_REST, false);
            }
            Ok(opened) => match Stamp::of(&opened.facts).rest(SystemTime::now()) {
                Some(rest) => self.put_off(position, rest, false),
                None => self.readings.push((Reading::new(position, opened), Duration::ZERO)),
            },
            Err(error) => self.cannot_read(position, &error),
        }
    }

    /// Reads one piece of the file that is read now.
    fn read_piece(&mut self) {
        let Some((mut reading, spent)) = self.readings.pop() else { return };
        let began = Instant::now();
        let step = reading.step(&mut self.buffer);
        let spent = spent.saturating_add(began.elapsed());
        match step {
            Ok(Step::More) => self.readings.push((reading, spent)),
            Ok(Step::Whole(digests, list)) => self.keep(&reading, digests, list),
            Ok(Step::Changed) => {
                self.put_off(reading.position, CHANGED_REST.max(spent.saturating_mul(CHANGED_SHARE)), false);
            }
            Err(error) => self.cannot_read(reading.position, &error),
        }
    }

    fn keep(&mut self, reading: &Reading, digests: Digests, list: Option<PieceList>) {
        let (stamp, size_bytes) = (reading.stamp(), reading.facts.size_bytes);
        let Some(entry) = self.base.snapshot.index.get(reading.position as usize) else { return };
        tracing::debug!(name = ?entry.name, md5 = %digests.md5, "a file was read for its digests");
        self.cache.put(entry.name, cache::Row { size_bytes, stamp, digests });
        if let Some(list) = list.filter(|list| lists::is_kept(list.size_bytes())) {
            self.cache.put_list(digests.blake3, list);
        }
        self.counts.read = self.counts.read.saturating_add(1);
        self.know(reading.position, size_bytes, stamp, digests);
    }

    /// What a file holds that has that length and stamp.
    pub(super) fn know(&mut self, position: u32, size_bytes: u64, stamp: Stamp, digests: Digests) {
        let mark = self.marker.mark(size_bytes, stamp);
        self.draft.set(position as usize, Some(Row { digests, mtime: stamp.mtime(), mark }));
    }

    fn size_of(&self, position: u32) -> u64 {
        self.base.snapshot.index.size_at(position as usize).unwrap_or_default()
    }

    fn cannot_read(&mut self, position: u32, error: &impl std::fmt::Display) {
        let name = self.base.snapshot.index.get(position as usize).map(|entry| entry.name.to_owned());
        tracing::debug!(?name, %error, "a file cannot be read for its digests");
        self.put_off(position, RETRY, true);
    }

    fn put_off(&mut self, position: u32, rest: Duration, at_fault: bool) {
        self.void(position);
        self.waiting.later(position, Instant::now() + rest, at_fault);
    }

    /// What was known of a file is no longer so.
    pub(super) fn void(&mut self, position: u32) {
        if self.known(position).is_some() {
            self.draft.set(position as usize, None);
        }
    }
}
