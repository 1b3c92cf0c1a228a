//! The indexes of proven neighbours on disk, so that a restart knows them at the first
//! announcement, without fetching. What is in a file is checked like what comes from the network.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use uuid::Uuid;

use crate::loot::stored::write_whole;
use crate::wire::index::INDEX_MAX_BYTES;

/// Files kept, the latest ones.
const FILES_MAX: usize = 256;
/// Bytes kept in all.
const BYTES_MAX: u64 = 256 << 20;
/// The index of one neighbour is written at most so often.
const STORE_EVERY: Duration = Duration::from_secs(60);
/// Older files are removed at start.
const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// A folder of index bodies, named by uuid.
#[derive(Clone, Debug)]
pub struct IndexCache {
    folder: PathBuf,
    stored: Arc<Mutex<HashMap<Uuid, Instant>>>,
}

impl IndexCache {
    /// Opens it below the state folder, and removes what is too old or too much.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(state: &Path) -> std::io::Result<Self> {
        let cache = Self { folder: state.join("indexes"), stored: Arc::default() };
        std::fs::create_dir_all(&cache.folder)?;
        cache.sweep()?;
        Ok(cache)
    }

    /// The body last fetched from that neighbour.
    #[must_use]
    pub fn load(&self, uuid: Uuid) -> Option<Vec<u8>> {
        let file = self.file(uuid);
        let length = usize::try_from(std::fs::metadata(&file).ok()?.len()).ok()?;
        (length <= INDEX_MAX_BYTES).then(|| std::fs::read(file).ok())?
    }

    /// Keeps a body, of one neighbour not more often than once a minute: a large index that changes
    /// all the time is not worth the disk. What cannot be written is only not remembered.
    pub fn store(&self, uuid: Uuid, body: &[u8]) {
        {
            let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
            if stored.get(&uuid).is_some_and(|at| at.elapsed() < STORE_EVERY) {
                return;
            }
            if stored.len() > FILES_MAX {
                stored.retain(|_, at| at.elapsed() < STORE_EVERY);
            }
            stored.insert(uuid, Instant::now());
        }
        if let Err(error) = write_whole(&self.file(uuid), body).and_then(|()| self.sweep()) {
            tracing::debug!(%uuid, %error, "an index cannot be kept");
        }
    }

    fn file(&self, uuid: Uuid) -> PathBuf {
        self.folder.join(uuid.to_string())
    }

    fn sweep(&self) -> std::io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = std::fs::read_dir(&self.folder)?
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let about = entry.metadata().ok()?;
                Some((about.modified().ok()?, about.len(), entry.path()))
            })
            .collect();
        files.sort_by_key(|(modified, ..)| std::cmp::Reverse(*modified));
        let mut bytes = 0_u64;
        for (position, (modified, length, path)) in files.into_iter().enumerate() {
            bytes = bytes.saturating_add(length);
            let old = modified.elapsed().is_ok_and(|age| age > AGE_MAX);
            if old || position >= FILES_MAX || bytes > BYTES_MAX {
                // Another sweep may have been quicker.
                let _ = std::fs::remove_file(path);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_comes_back_and_the_cache_stays_bounded() {
        let temp = tempfile::tempdir().unwrap();
        let cache = IndexCache::open(temp.path()).unwrap();
        for n in 0..FILES_MAX as u128 + 10 {
            cache.store(Uuid::from_u128(n), b"a,1\n");
        }
        assert_eq!(std::fs::read_dir(temp.path().join("indexes")).unwrap().count(), FILES_MAX);
        cache.store(Uuid::from_u128(9999), b"b,2\n");
        assert_eq!(cache.load(Uuid::from_u128(9999)).unwrap(), b"b,2\n");
        assert_eq!(cache.load(Uuid::from_u128(7777)), None);
    }
}
