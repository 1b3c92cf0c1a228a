//! Who this node is: its state folder, held by one node at a time, and the uuid kept in it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::loot::stored::write_whole;

/// Why a state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another node holds it.
    #[error("another boucan is running with the state folder {0}; give this one its own with --state DIR")]
    InUse(PathBuf),
    /// It cannot be made, read or written.
    #[error("the state folder {0} cannot be used: {1}")]
    Io(PathBuf, #[source] io::Error),
}

/// The state folder, locked for as long as this lives.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _lock: File,
}

impl StateFolder {
    /// Makes the folder if it is missing, and locks it.
    ///
    /// # Errors
    /// [`StateError::InUse`] while another node runs on it.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let fail = |error| StateError::Io(path.into(), error);
        std::fs::create_dir_all(path).map_err(fail)?;
        let lock = File::options().create(true).append(true).open(path.join("lock")).map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.into(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse(path.into())),
            Err(TryLockError::Error(error)) => Err(fail(error)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The node's uuid: made at the first start, kept since. A file that holds none is set aside.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn uuid(&self) -> Result<Uuid, StateError> {
        let file = self.path.join("uuid");
        let fail = |error| StateError::Io(self.path.clone(), error);
        match std::fs::read_to_string(&file) {
            Ok(text) => match text.trim().parse() {
                Ok(uuid) => return Ok(uuid),
                Err(_) => set_aside(&file).map_err(fail)?,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::InvalidData => set_aside(&file).map_err(fail)?,
            Err(error) => return Err(fail(error)),
        }
        let uuid = Uuid::new_v4();
        write_whole(&file, format!("{uuid}\n").as_bytes()).map_err(fail)?;
        Ok(uuid)
    }
}

/// Moves a damaged file out of the way, keeping it.
fn set_aside(file: &Path) -> io::Result<()> {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
    let aside = file.with_extension(format!("bad-{now}"));
    tracing::warn!(file = %file.display(), aside = %aside.display(), "a damaged state file was set aside");
    std::fs::rename(file, aside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_node_on_the_same_state_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let first = StateFolder::open(temp.path()).unwrap();
        assert!(matches!(StateFolder::open(temp.path()), Err(StateError::InUse(_))));
        drop(first);
        StateFolder::open(temp.path()).unwrap();
    }

    #[test]
    fn the_uuid_stays_and_a_damaged_one_is_set_aside() {
        let temp = tempfile::tempdir().unwrap();
        let state = StateFolder::open(temp.path()).unwrap();
        let uuid = state.uuid().unwrap();
        assert_eq!(state.uuid().unwrap(), uuid);
        std::fs::write(temp.path().join("uuid"), b"\xff\x00garbage").unwrap();
        assert_ne!(state.uuid().unwrap(), uuid);
        let aside = std::fs::read_dir(temp.path())
            .unwrap()
            .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().contains("bad-"))
            .count();
        assert_eq!(aside, 1);
    }
}
