//! What the state folder keeps of one loot folder between two runs: which folder it was, and the
//! last index. It gives something to serve at once, and shows what was deleted meanwhile.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha1::{Digest as _, Sha1};

use super::folder::{FileId, FolderId};
use crate::wire::Index;

/// The place in the state folder for one loot folder.
#[derive(Clone, Debug)]
pub struct StoredLoot {
    folder: PathBuf,
}

impl StoredLoot {
    /// For the loot folder at `loot`, absolute, below the state folder.
    ///
    /// # Errors
    /// When the place cannot be made.
    pub fn open(state: &Path, loot: &Path) -> io::Result<Self> {
        let digest = Sha1::digest(loot.as_os_str().as_encoded_bytes());
        let id: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
        let folder = state.join("loot").join(id);
        std::fs::create_dir_all(&folder)?;
        write_whole(&folder.join("path"), loot.as_os_str().as_encoded_bytes())?;
        Ok(Self { folder })
    }

    /// Where the ledger is.
    #[must_use]
    pub fn ledger_path(&self) -> PathBuf {
        self.folder.join("ledger")
    }

    /// Where it stands what came into the inbox.
    #[must_use]
    pub fn inbox_path(&self) -> PathBuf {
        self.folder.join("inbox")
    }

    /// Where it stands whether the inbox is open.
    #[must_use]
    pub fn inbox_switch_path(&self) -> PathBuf {
        self.folder.join("inbox-switch")
    }

    /// Where the digests are.
    #[must_use]
    pub fn digests_path(&self) -> PathBuf {
        self.folder.join("digests.redb")
    }

    /// The index as it was last, with the folder it was of. `None` when nothing usable is stored.
    #[must_use]
    pub fn load(&self) -> Option<(FolderId, Index)> {
        let id = std::fs::read_to_string(self.folder.join("id")).ok()?;
        let mut numbers = id.split_whitespace();
        let id = FileId { device: numbers.next()?.parse().ok()?, inode: numbers.next()?.parse().ok()? };
        let id = FolderId { id, born_ns: numbers.next()?.parse().ok()? };
        let body = std::fs::read(self.folder.join("index")).ok()?;
        let (index, _) = Index::parse_owned(body.into()).ok()?;
        Some((id, index))
    }

    /// Keeps the index for the next start.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, id: FolderId, index: &Index) -> io::Result<()> {
        write_whole(&self.folder.join("index"), index.text())?;
        write_whole(&self.folder.join("id"), format!("{} {} {}\n", id.id.device, id.id.inode, id.born_ns).as_bytes())
    }
}

/// Writes a file so that a reader sees the old or the new content, never a part.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut file = File::create(&temporary)?;
    file.write_all(content)?;
    file.sync_data()?;
    std::fs::rename(&temporary, path)
}
