//! The system's word that something changed in the folder, made into hints.
//!
//! Hints only say where to look: the keeper looks itself. What is lost when the queue is full is
//! found by a rescan, which a flag then asks for.
//!
//! On Linux each folder is watched that a walk reads, from before it is read: so nothing is missed
//! between the two, and no folder is gone through for the watching alone. Elsewhere `notify` does it.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod inotify;

#[cfg(not(target_os = "linux"))]
pub use self::elsewhere::FolderWatch;
#[cfg(target_os = "linux")]
pub use self::inotify::FolderWatch;

use super::hints::Hint;
use crate::wire::LootPath;
use crate::wire::loot_path::Refusal;

/// What the system says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// Made or written, and may be written further.
    BeingWritten,
    /// Its writer closed it.
    Whole,
    /// Anything else.
    Changed,
}

/// What the keeper should look at; nothing for names that are never listed.
fn hint_of(name: &[u8], news: News) -> Option<Hint> {
    let name: Box<str> = match LootPath::parse(name) {
        Ok(path) => path.as_str().into(),
        // Hidden things are of no interest; what is not listable is shown, and found by a walk.
        Err(Refusal::Hidden) => return None,
        Err(_) => return Some(Hint::Rescan),
    };
    Some(match news {
        News::BeingWritten => Hint::BeingWritten(name),
        News::Whole => Hint::Whole(name),
        News::Changed => Hint::Changed(name),
    })
}
