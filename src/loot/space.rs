//! How much of the disk may be taken: a reserve of free space that is never touched, and, of what is
//! mirrored, optionally a budget for all files together.
//!
//! Space is reserved before the first byte comes, for all downloads and deliveries together, so that
//! many workers cannot overdraw it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;
use rustix::fs::StatVfs;

use super::Loot;

/// The reserve when none is configured: this, or [`RESERVE_PERCENT`] of the disk if that is more.
const RESERVE_BYTES: u64 = 1 << 30;
/// See [`RESERVE_BYTES`].
const RESERVE_PERCENT: u64 = 5;
/// Inodes that stay free where the file system counts them.
const RESERVE_INODES: u64 = 10_000;

/// What the operator allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceRules {
    /// For all mirrored files together; none: only the reserve counts.
    pub budget_bytes: Option<u64>,
    /// Free space that is never used; none: the larger of 1 GiB and 5 %.
    pub reserve_bytes: Option<u64>,
}

/// Why there is no room.
#[derive(Debug, thiserror::Error)]
pub enum NoSpace {
    /// The configured budget is used up.
    #[error("the budget of {} for mirrored files is used up", ByteSize(*.0).display().si())]
    Budget(u64),
    /// The reserve would be touched.
    #[error("{} must stay free on the disk", ByteSize(*.0).display().si())]
    Reserve(u64),
    /// The file system has no more inodes to spare.
    #[error("the disk holds too many files")]
    Inodes,
    /// The system does not tell.
    #[error("the free space cannot be read: {0}")]
    Unknown(#[from] io::Error),
}

/// How much room there is, for those who look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceView {
    /// The whole disk.
    pub disk_bytes: u64,
    /// Free for us, what is promised and not written yet counted as free.
    pub free_bytes: u64,
    /// Of these, what is never used.
    pub reserve_bytes: u64,
    /// For all mirrored files together; none: only the reserve counts.
    pub budget_bytes: Option<u64>,
    /// Mirrored files that are here.
    pub mirrored_bytes: u64,
    /// Files that are under way, whole.
    pub under_way_bytes: u64,
    /// Of these, what is still to be written.
    pub unwritten_bytes: u64,
    /// Unfinished downloads that rest.
    pub idle_bytes: u64,
}

impl SpaceView {
    /// What may still come: as much as both the budget and the disk allow.
    #[must_use]
    pub fn left_bytes(&self) -> u64 {
        let taken = self.reserve_bytes.saturating_add(self.unwritten_bytes);
        let on_disk = self.free_bytes.saturating_sub(taken);
        let used = self.mirrored_bytes.saturating_add(self.under_way_bytes).saturating_add(self.idle_bytes);
        self.budget_bytes.map_or(on_disk, |budget| on_disk.min(budget.saturating_sub(used)))
    }
}

/// Hands out space; cheap to clone.
#[derive(Clone, Debug)]
pub struct SpaceBudget {
    loot: Loot,
    rules: SpaceRules,
    /// Bytes that were promised and are not on the disk yet, and files likewise.
    promised: Arc<Mutex<Promised>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Promised {
    /// Not written yet: what the file system does not count.
    unwritten_bytes: u64,
    /// Of files that are under way, written or not: what the ledger does not count.
    under_way_bytes: u64,
    files: u64,
    /// Of downloads that rest in the spool.
    idle_bytes: u64,
}

/// Space for one file, or for many; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: SpaceBudget,
    files: u64,
    size_bytes: u64,
    unwritten_bytes: u64,
}

impl SpaceBudget {
    /// For the disk on which our loot lies.
    #[must_use]
    pub fn new(loot: Loot, rules: SpaceRules) -> Self {
        Self { loot, rules, promised: Arc::default() }
    }

    /// Reserves room for a file of which `here_bytes` are on the disk already, while
    /// `mirrored_bytes` are kept by the ledger.
    ///
    /// # Errors
    /// [`NoSpace`] says which bound is reached.
    pub fn reserve(&self, size_bytes: u64, here_bytes: u64, mirrored_bytes: u64) -> Result<Reservation, NoSpace> {
        self.reserve_for(1, size_bytes, here_bytes, mirrored_bytes)
    }

    /// The same for so many files, which have `size_bytes` together.
    ///
    /// # Errors
    /// [`NoSpace`] says which bound is reached.
    pub fn reserve_for(
        &self,
        files: u64,
        size_bytes: u64,
        here_bytes: u64,
        mirrored_bytes: u64,
    ) -> Result<Reservation, NoSpace> {
        let disk = self.disk()?;
        let unwritten_bytes = size_bytes.saturating_sub(here_bytes);
        let mut promised = self.lock();
        if let Some(budget) = self.rules.budget_bytes {
            let used = mirrored_bytes.saturating_add(promised.under_way_bytes).saturating_add(promised.idle_bytes);
            if used.saturating_add(size_bytes) > budget {
                return Err(NoSpace::Budget(budget));
            }
        }
        self.check_free(&disk, &promised, unwritten_bytes)?;
        self.check_inodes(&disk, &promised, files)?;
        promised.unwritten_bytes = promised.unwritten_bytes.saturating_add(unwritten_bytes);
        promised.under_way_bytes = promised.under_way_bytes.saturating_add(size_bytes);
        promised.files = promised.files.saturating_add(files);
        drop(promised);
        Ok(Reservation { budget: self.clone(), files, size_bytes, unwritten_bytes })
    }

    /// Reserves room for a file that somebody brings in, of which so many bytes are still to come:
    /// the budget is for what is mirrored only.
    ///
    /// # Errors
    /// [`NoSpace`] says which bound is reached.
    pub fn reserve_for_delivery(&self, unwritten_bytes: u64) -> Result<Reservation, NoSpace> {
        let disk = self.disk()?;
        let mut promised = self.lock();
        self.check_free(&disk, &promised, unwritten_bytes)?;
        self.check_inodes(&disk, &promised, 1)?;
        promised.unwritten_bytes = promised.unwritten_bytes.saturating_add(unwritten_bytes);
        promised.files = promised.files.saturating_add(1);
        drop(promised);
        Ok(Reservation { budget: self.clone(), files: 1, size_bytes: 0, unwritten_bytes })
    }

    /// What could be reserved at most now, the budget left aside; 0 where the system does not tell.
    #[must_use]
    pub fn spare_bytes(&self) -> u64 {
        let Ok(disk) = self.disk() else { return 0 };
        let promised = self.lock();
        Self::free_bytes(&disk, &promised).saturating_sub(self.reserve_bytes(&disk))
    }

    /// So many bytes rest in the spool.
    pub fn note_idle(&self, idle_bytes: u64) {
        self.lock().idle_bytes = idle_bytes;
    }

    /// How it stands, while the ledger keeps `mirrored_bytes`. Asks the disk.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn view(&self, mirrored_bytes: u64) -> io::Result<SpaceView> {
        let disk = self.disk()?;
        let promised = *self.lock();
        Ok(SpaceView {
            disk_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            reserve_bytes: self.reserve_bytes(&disk),
            budget_bytes: self.rules.budget_bytes,
            mirrored_bytes,
            under_way_bytes: promised.under_way_bytes,
            unwritten_bytes: promised.unwritten_bytes,
            idle_bytes: promised.idle_bytes,
        })
    }

    fn reserve_bytes(&self, disk: &StatVfs) -> u64 {
        let disk_bytes = disk.f_blocks.saturating_mul(disk.f_frsize);
        let percent = disk_bytes.saturating_mul(RESERVE_PERCENT).checked_div(100).unwrap_or(0);
        self.rules.reserve_bytes.unwrap_or(RESERVE_BYTES.max(percent))
    }

    fn check_free(&self, disk: &StatVfs, promised: &Promised, more_bytes: u64) -> Result<(), NoSpace> {
        let reserve = self.reserve_bytes(disk);
        let is_short = Self::free_bytes(disk, promised) < reserve.saturating_add(more_bytes);
        if is_short { Err(NoSpace::Reserve(reserve)) } else { Ok(()) }
    }

    /// Free, and promised to nobody.
    fn free_bytes(disk: &StatVfs, promised: &Promised) -> u64 {
        disk.f_bavail.saturating_mul(disk.f_frsize).saturating_sub(promised.unwritten_bytes)
    }

    fn check_inodes(&self, disk: &StatVfs, promised: &Promised, files: u64) -> Result<(), NoSpace> {
        let spare = disk.f_favail.saturating_sub(promised.files);
        let is_short = disk.f_files > 0
            && self.rules.reserve_bytes != Some(0)
            && spare < RESERVE_INODES.saturating_add(files.saturating_sub(1));
        if is_short { Err(NoSpace::Inodes) } else { Ok(()) }
    }

    fn disk(&self) -> io::Result<StatVfs> {
        Ok(rustix::fs::fstatvfs(self.loot.folder().handle())?)
    }

    fn lock(&self) -> MutexGuard<'_, Promised> {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// So many bytes are still to be written: more than was thought, when a download begins again.
    ///
    /// # Errors
    /// [`NoSpace::Reserve`] when there is no room for them.
    pub fn cover(&mut self, unwritten_bytes: u64) -> Result<(), NoSpace> {
        let more_bytes = unwritten_bytes.saturating_sub(self.unwritten_bytes);
        if more_bytes == 0 {
            return Ok(());
        }
        let disk = self.budget.disk()?;
        let mut promised = self.budget.lock();
        self.budget.check_free(&disk, &promised, more_bytes)?;
        promised.unwritten_bytes = promised.unwritten_bytes.saturating_add(more_bytes);
        self.unwritten_bytes = unwritten_bytes;
        Ok(())
    }

    /// So many bytes more are on the disk: the file system counts them now.
    pub fn written(&mut self, bytes: u64) {
        let bytes = bytes.min(self.unwritten_bytes);
        self.unwritten_bytes = self.unwritten_bytes.saturating_sub(bytes);
        let mut promised = self.budget.lock();
        promised.unwritten_bytes = promised.unwritten_bytes.saturating_sub(bytes);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut promised = self.budget.lock();
        promised.unwritten_bytes = promised.unwritten_bytes.saturating_sub(self.unwritten_bytes);
        promised.under_way_bytes = promised.under_way_bytes.saturating_sub(self.size_bytes);
        promised.files = promised.files.saturating_sub(self.files);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_still_come_is_bounded_by_the_budget_and_by_the_disk() {
        let view = SpaceView { disk_bytes: 1_000, free_bytes: 500, reserve_bytes: 100, ..SpaceView::default() };
        for (view, left, why) in [
            (view, 400, "all but the reserve"),
            (SpaceView { unwritten_bytes: 50, under_way_bytes: 80, ..view }, 350, "what is promised counts"),
            (SpaceView { budget_bytes: Some(300), mirrored_bytes: 120, idle_bytes: 30, ..view }, 150, "the budget"),
            (
                SpaceView { budget_bytes: Some(900), mirrored_bytes: 120, ..view },
                400,
                "the disk ends before the budget",
            ),
            (SpaceView { budget_bytes: Some(100), mirrored_bytes: 120, ..view }, 0, "a budget that was made smaller"),
            (SpaceView { free_bytes: 50, ..view }, 0, "the reserve is touched by others"),
        ] {
            assert_eq!(view.left_bytes(), left, "{why}");
        }
    }
}
