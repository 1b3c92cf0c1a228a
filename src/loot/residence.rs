//! Where a file's bytes are: whether they can be had without waiting for a disk, on a thread that
//! serves others too.
//!
//! Who answers on such a thread asks for what the kernel holds already (`RESOLVE_CACHED` for names,
//! `RWF_NOWAIT` for bytes), and goes to another thread for the rest. File systems of which the
//! kernel cannot tell, and those behind a network or another process, always take the other thread.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::IoSliceMut;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use rustix::io::{Errno, ReadWriteFlags};

/// The kernel reads ahead, and forgets, by about so many bytes: some that are there vouch for those
/// around them.
const VOUCHED_BYTES: u64 = 128 * 1024;
/// So many do, at places that nobody knows before: who asks for single bytes of a file has the
/// kernel read their pages alone, and would make them vouch for what is on the disk.
const VOUCHING: u8 = 2;
/// File systems that live in memory: tmpfs, ramfs (`linux/magic.h`).
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
/// Those of disks whose files are opened, once their name is known, without asking the disk: ext2
/// to 4, XFS, Btrfs, F2FS.
const ON_DISK: [u64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010];

/// What is known of the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residence {
    /// It lives in memory.
    Memory,
    /// On a disk of this machine; the kernel tells which bytes it holds.
    Disk,
    /// Anything else: reading, and even opening, may take any time.
    Unknown,
}

impl Residence {
    /// Of an open file or folder.
    pub fn of(fd: impl AsFd) -> Self {
        #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // its type differs between systems
        let kind = rustix::fs::fstatfs(fd).map(|about| about.f_type as u64 & 0xffff_ffff);
        match kind {
            Ok(kind) if IN_MEMORY.contains(&kind) => Self::Memory,
            Ok(kind) if ON_DISK.contains(&kind) => Self::Disk,
            _ => Self::Unknown,
        }
    }

    /// Whether these bytes are in memory, as far as a few of them tell. What is forgotten between
    /// this answer and the reading is read from the disk after all.
    #[must_use]
    pub fn holds(self, file: &File, offset: u64, length: u64) -> bool {
        let Some(last) = length.checked_sub(1).and_then(|last| offset.checked_add(last)) else { return true };
        match self {
            Self::Memory => true,
            Self::Unknown => false,
            Self::Disk => probes(offset, last).all(|at| now(file, &mut [0], at) == Ok(1)),
        }
    }

    /// These bytes, if all of them are in memory.
    #[must_use]
    pub fn read(self, file: &File, offset: u64, length: usize) -> Option<Bytes> {
        if self == Self::Unknown {
            return None;
        }
        let mut bytes = vec![0; length];
        match self {
            Self::Disk => now(file, &mut bytes, offset).ok().filter(|read| *read == length).map(drop)?,
            _ => file.read_exact_at(&mut bytes, offset).ok()?,
        }
        Some(bytes.into())
    }
}

/// Where to look whether all is there: at both ends, and anywhere between.
fn probes(first: u64, last: u64) -> impl Iterator<Item = u64> {
    let step = usize::try_from(VOUCHED_BYTES).unwrap_or(usize::MAX);
    let random = RandomState::new();
    let within = move |begin: u64, number: u8| {
        let length = last.saturating_sub(begin).saturating_add(1).min(VOUCHED_BYTES);
        begin.saturating_add(random.hash_one((begin, number)).checked_rem(length).unwrap_or(0))
    };
    let between = (first..=last).step_by(step).flat_map(|begin| (0..VOUCHING).map(move |number| (begin, number)));
    [first, last].into_iter().chain(between.map(move |(begin, number)| within(begin, number)))
}

/// Reads what the kernel has, without waiting.
#[cfg(target_os = "linux")]
fn now(file: &File, bytes: &mut [u8], offset: u64) -> Result<usize, Errno> {
    rustix::io::preadv2(file, &mut [IoSliceMut::new(bytes)], offset, ReadWriteFlags::NOWAIT)
}

#[cfg(not(target_os = "linux"))]
fn now(_: &File, _: &mut [u8], _: u64) -> Result<usize, Errno> {
    Err(Errno::OPNOTSUPP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// A file that was just written is in memory, on whatever it lies.
    fn written(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn what_was_just_written_is_had_at_once_and_nothing_beyond_its_end() {
        let content: Vec<u8> = (0..300_000_u32).map(|n| (n / 7) as u8).collect();
        let file = written(&content);
        let residence = Residence::of(&file);
        if residence == Residence::Unknown {
            return; // another thread reads there
        }
        for (offset, length) in [(0, 300_000), (0, 0), (299_999, 1), (131_072, 131_073), (7, 10)] {
            assert!(residence.holds(&file, offset as u64, length as u64), "{offset}+{length}");
            let read = residence.read(&file, offset as u64, length).unwrap();
            assert!(read == content[offset..offset + length], "{offset}+{length}");
        }
        assert_eq!(residence.read(&file, 299_999, 2), None);
        assert_eq!(residence.read(&file, 300_000, 1), None);
    }

    #[test]
    fn no_byte_is_known_before_to_vouch_for_its_neighbours() {
        for (first, last) in [(0, 0), (7, 7 + 1_000_000), (u64::MAX - 200_000, u64::MAX)] {
            let probed: Vec<u64> = probes(first, last).collect();
            assert!(probed.iter().all(|at| (first..=last).contains(at)), "{probed:?}");
            assert!(probed.contains(&first) && probed.contains(&last));
            let steps = (last - first) / VOUCHED_BYTES + 1;
            assert_eq!(probed.len() as u64, 2 + steps * u64::from(VOUCHING));
            assert_eq!(probed == probes(first, last).collect::<Vec<_>>(), first == last);
        }
    }

    #[test]
    fn of_unknown_file_systems_nothing_is_taken_for_granted() {
        let file = written(b"abc");
        assert!(!Residence::Unknown.holds(&file, 0, 1));
        assert_eq!(Residence::Unknown.read(&file, 0, 1), None);
        let process = File::open("/proc/self/status").unwrap();
        assert_eq!(Residence::of(&process), Residence::Unknown);
        assert_eq!(Residence::of(File::open("/dev/shm").unwrap()), Residence::Memory);
    }
}
