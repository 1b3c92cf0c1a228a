//! Bounds of what may be brought in.

use std::time::Duration;

/// What the operator allows to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BringLimits {
    /// The largest file.
    pub upload_max_bytes: u64,
    /// All files of the inbox together, those on their way counted.
    pub inbox_max_bytes: u64,
}

impl Default for BringLimits {
    /// A film fits, and a class with a film each.
    fn default() -> Self {
        Self { upload_max_bytes: 20_000_000_000, inbox_max_bytes: 50_000_000_000 }
    }
}

/// Files in the inbox: the operator's page shows them all.
pub const INBOX_FILES_MAX: usize = 10_000;
/// A full inbox is looked through so often at most, for room that somebody made by hand.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Deliveries of others on their way, in all …
pub(super) const GUESTS_MAX: usize = 512;
/// … and of one host. A browser sends a few at once; some may rest.
pub(super) const PER_HOST_MAX: usize = 64;
/// Deliveries of the operator on their way.
pub(super) const OPERATORS_MAX: usize = 512;
/// Being written at this moment, in all: each costs two buffers …
pub(super) const WRITERS_MAX: usize = 64;
/// … and of one host other than the operator's.
pub(super) const WRITERS_PER_HOST_MAX: usize = 16;
/// Receipts that are kept for who lost the connection before the answer came.
pub(super) const RECEIPTS_MAX: usize = 4_096;

/// A delivery that nobody continues is kept so long …
pub(super) const KEPT: Duration = Duration::from_secs(24 * 3600);
/// … and one of which nothing came: it costs nothing to begin again.
pub(super) const EMPTY_KEPT: Duration = Duration::from_secs(600);
/// Room stays reserved for one that rests no longer than this: nobody shall fill a disk with
/// promises.
pub(super) const ROOM_KEPT: Duration = Duration::from_secs(300);
/// Who sends nothing for so long gives way to another connection with the same delivery: the old one
/// is broken, and nobody noticed yet.
pub(super) const SILENT: Duration = Duration::from_secs(5);
