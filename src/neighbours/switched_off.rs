//! Neighbours from whom the operator wants nothing taken for now. Kept in the state folder.
//!
//! A text, a line a neighbour: its uuid, a blank, what it called itself. What is read is checked
//! like what comes from the network. goforban takes a new uuid at each start: it must be switched
//! off again then.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use crate::loot::stored::write_whole;
use crate::wire::DisplayText;
use crate::wire::text::NAME_MAX_CHARS;

/// Neighbours remembered, more than there are in the table.
const REMEMBERED_MAX: usize = 4_096;
/// A longer file is none of ours: a uuid and a name of four bytes a character in each line.
const FILE_MAX_BYTES: u64 = 4_096 * (36 + 64 * 4 + 2);

/// Why a neighbour stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// So many are switched off already.
    #[error("{REMEMBERED_MAX} neighbours are switched off already: switch one on first")]
    TooMany,
    /// It holds until the node ends.
    #[error("it holds for now, but it could not be stored, so a restart forgets it: {0}")]
    NotStored(#[source] io::Error),
}

/// A handle to the list; cheap to clone. The default one stores nothing.
#[derive(Clone, Debug, Default)]
pub struct SwitchedOff {
    list: Arc<Mutex<BTreeMap<Uuid, DisplayText>>>,
    /// Where it is stored; locked while it is, so that of two changes the later is stored last, and
    /// nobody who only looks waits for the disk.
    file: Option<Arc<Mutex<PathBuf>>>,
    /// Wakes who plans.
    changed: Arc<watch::Sender<u64>>,
}

impl SwitchedOff {
    /// The list in the state folder; an empty one if there is none.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn open(state: &Path) -> io::Result<Self> {
        let file = state.join("switched-off");
        let list = match std::fs::metadata(&file) {
            Ok(facts) if facts.len() > FILE_MAX_BYTES => {
                tracing::warn!(file = %file.display(), "the list of switched-off neighbours is too long, and left out");
                BTreeMap::new()
            }
            Ok(_) => parse(&std::fs::read(&file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { list: Arc::new(Mutex::new(list)), file: Some(Arc::new(Mutex::new(file))), changed: Arc::default() })
    }

    /// Whether nothing is to be taken from that neighbour.
    #[must_use]
    pub fn holds(&self, uuid: Uuid) -> bool {
        self.lock().contains_key(&uuid)
    }

    /// All of them, with what they called themselves.
    #[must_use]
    pub fn all(&self) -> Vec<(Uuid, DisplayText)> {
        self.lock().iter().map(|(uuid, name)| (*uuid, name.clone())).collect()
    }

    /// Switches a neighbour off, with what it calls itself, or on (`None`). Blocks.
    ///
    /// # Errors
    /// [`SwitchError`].
    pub fn switch(&self, uuid: Uuid, off: Option<DisplayText>) -> Result<(), SwitchError> {
        let file = self.file.as_ref().map(|file| file.lock().unwrap_or_else(PoisonError::into_inner));
        let text = self.change(uuid, off)?;
        let Some(file) = file else { return Ok(()) };
        write_whole(&file, text.as_bytes()).map_err(SwitchError::NotStored)
    }

    /// The list as it is from now on.
    fn change(&self, uuid: Uuid, off: Option<DisplayText>) -> Result<String, SwitchError> {
        let mut list = self.lock();
        let differs = match off {
            Some(_) if list.len() >= REMEMBERED_MAX && !list.contains_key(&uuid) => return Err(SwitchError::TooMany),
            Some(name) => list.insert(uuid, name).is_none(),
            None => list.remove(&uuid).is_some(),
        };
        if differs {
            self.changed.send_modify(|version| *version = version.wrapping_add(1));
        }
        Ok(emit(&list))
    }

    /// A receiver that wakes when somebody was switched.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Uuid, DisplayText>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn emit(list: &BTreeMap<Uuid, DisplayText>) -> String {
    list.iter().map(|(uuid, name)| format!("{uuid} {name}\n")).collect()
}

/// Lines that hold no uuid are left out.
fn parse(text: &[u8]) -> BTreeMap<Uuid, DisplayText> {
    let line = |line: &[u8]| {
        let (uuid, name) = line.split_at_checked(36)?;
        let uuid = std::str::from_utf8(uuid).ok()?.parse().ok()?;
        Some((uuid, DisplayText::from_bytes(name, NAME_MAX_CHARS)))
    };
    text.split(|byte| *byte == b'\n').filter_map(line).take(REMEMBERED_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid::from_u128(0xa);
    const B: Uuid = Uuid::from_u128(0xb);

    fn name(text: &str) -> DisplayText {
        DisplayText::from_bytes(text.as_bytes(), NAME_MAX_CHARS)
    }

    #[test]
    fn who_is_switched_off_stays_so_after_a_restart() {
        let temp = tempfile::tempdir().unwrap();
        let list = SwitchedOff::open(temp.path()).unwrap();
        list.switch(A, Some(name("Room 12"))).unwrap();
        list.switch(B, Some(name(""))).unwrap();
        let again = SwitchedOff::open(temp.path()).unwrap();
        assert_eq!(again.all(), [(A, name("Room 12")), (B, name(""))]);
        again.switch(A, None).unwrap();
        let again = SwitchedOff::open(temp.path()).unwrap();
        assert_eq!((again.holds(A), again.holds(B)), (false, true));
    }

    #[test]
    fn only_a_change_wakes() {
        let list = SwitchedOff::default();
        let wakes = list.subscribe();
        for (off, expected) in [(false, false), (true, true), (true, false), (false, true)] {
            let mut wakes = wakes.clone();
            wakes.mark_unchanged();
            list.switch(A, off.then(|| name("n"))).unwrap();
            assert_eq!(wakes.has_changed().unwrap(), expected, "{off}");
        }
    }

    #[test]
    fn what_is_damaged_costs_only_itself() {
        let text = format!("nonsense\n{A} Gal\u{202e}ley\n\u{fffd}\n{B}\nGGGGGGGG-0000-0000-0000-000000000000 x\n");
        assert_eq!(parse(text.as_bytes()).into_iter().collect::<Vec<_>>(), [(A, name("Galley")), (B, name(""))]);
    }

    #[test]
    fn the_list_is_bounded() {
        let list = SwitchedOff::default();
        for at in 0..REMEMBERED_MAX {
            list.switch(Uuid::from_u128(at as u128), Some(name("n"))).unwrap();
        }
        let more = Uuid::from_u128(u128::MAX);
        assert!(matches!(list.switch(more, Some(name("n"))), Err(SwitchError::TooMany)));
        list.switch(Uuid::from_u128(0), Some(name("another name"))).unwrap();
        assert!(!list.holds(more));
    }

    #[test]
    fn what_cannot_be_stored_holds_and_is_said() {
        let temp = tempfile::tempdir().unwrap();
        let list = SwitchedOff::open(&temp.path().join("gone")).unwrap();
        assert!(matches!(list.switch(A, Some(name("n"))), Err(SwitchError::NotStored(_))));
        assert!(list.holds(A));
    }
}
