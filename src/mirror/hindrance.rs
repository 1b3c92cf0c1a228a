//! Why the mirror as a whole, or all files of some size, cannot come now: our disk, its bounds, or
//! our folder.

use bytesize::ByteSize;

use crate::loot::space::NoSpace;

/// What is in the way; its text is for programs and logs, pages say it in their reader's language.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Hindrance {
    /// The shared folder is gone: a disk that is not mounted.
    #[error("the folder is not there")]
    NoFolder,
    /// It has not been read since the start; what is wanted is not known before.
    #[error("the folder is looked through first")]
    Unread,
    /// The spool cannot be made in it.
    #[error("the folder cannot be written: {0}")]
    FolderReadOnly(Box<str>),
    /// The operator's budget.
    #[error("the budget of {} for mirrored files is used up", ByteSize(*.0).display().si())]
    Budget(u64),
    /// The space that stays free.
    #[error("{} must stay free on the disk", ByteSize(*.0).display().si())]
    Reserve(u64),
    /// Too many files.
    #[error("the disk holds too many files")]
    Inodes,
    /// The disk failed; the error.
    #[error("{0}")]
    Disk(Box<str>),
}

impl Hindrance {
    /// In one word, for catalogues.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoFolder => "no-folder",
            Self::Unread => "unread",
            Self::FolderReadOnly(_) => "read-only",
            Self::Budget(_) => "budget",
            Self::Reserve(_) => "reserve",
            Self::Inodes => "inodes",
            Self::Disk(_) => "disk",
        }
    }

    /// Whether there is no room for what is wanted. Before there is a plan of this folder, what rests
    /// in its spool may all be wanted.
    #[must_use]
    pub fn is_of_room(&self) -> bool {
        !matches!(self, Self::NoFolder | Self::Unread)
    }
}

impl From<NoSpace> for Hindrance {
    fn from(why: NoSpace) -> Self {
        match why {
            NoSpace::Budget(bytes) => Self::Budget(bytes),
            NoSpace::Reserve(bytes) => Self::Reserve(bytes),
            NoSpace::Inodes => Self::Inodes,
            NoSpace::Unknown(_) => Self::Disk(why.to_string().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_is_said_as_the_space_says_it() {
        for why in [NoSpace::Budget(20_000), NoSpace::Reserve(1), NoSpace::Inodes] {
            let said = why.to_string();
            assert_eq!(Hindrance::from(why).to_string(), said);
        }
        assert!(!Hindrance::Unread.is_of_room() && Hindrance::Inodes.is_of_room());
    }
}
