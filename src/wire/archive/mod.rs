//! Archives as they are streamed: what stands before, between and after the contents of files, in
//! zip and tar.
//!
//! Nothing is compressed, and how long each part is depends on names and sizes alone, not on
//! times or sums: an archive's length is known before the first byte of it is made.

pub mod contents;
pub mod packer;
mod tar;
mod zip;

pub use contents::{Contents, ContentsError};
pub use packer::Packer;

/// How an archive is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Stored, with 64-bit lengths where they are needed (PKWARE's APPNOTE 6.3.10).
    Zip,
    /// POSIX 1003.1-2001: ustar, with extended headers (pax) where they are needed.
    Tar,
}

/// A file in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'n> {
    /// Its folders and its name, joined by `/`; at most 64 KiB.
    pub name: &'n str,
    /// How long it is.
    pub size_bytes: u64,
    /// Its last change in seconds since 1970; what is before counts as that moment.
    pub modified: u32,
}

/// What an archive holds, for its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many files.
    pub files: u64,
    /// Bytes before the list at the end.
    pub list_offset: u64,
    /// Bytes of that list.
    pub list_bytes: u64,
}

impl Format {
    /// By the extension of an archive's name.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "zip" => Some(Self::Zip),
            "tar" => Some(Self::Tar),
            _ => None,
        }
    }

    /// That extension.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
        }
    }

    /// How browsers are told what it is.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Zip => "application/zip",
            Self::Tar => "application/x-tar",
        }
    }

    /// What precedes the content of a file.
    pub fn head(self, member: &Member<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Zip => zip::head(member, out),
            Self::Tar => tar::head(member, out),
        }
    }

    /// What follows it.
    pub fn foot(self, member: &Member<'_>, crc32: u32, out: &mut Vec<u8>) {
        match self {
            Self::Zip => zip::foot(member, crc32, out),
            Self::Tar => tar::foot(member, out),
        }
    }

    /// Its line in the list after all files; `offset`: where its head begins.
    pub fn line(self, member: &Member<'_>, crc32: u32, offset: u64, out: &mut Vec<u8>) {
        if self == Self::Zip {
            zip::line(member, crc32, offset, out);
        }
    }

    /// The last bytes.
    pub fn end(self, totals: &Totals, out: &mut Vec<u8>) {
        match self {
            Self::Zip => zip::end(totals, out),
            Self::Tar => tar::end(out),
        }
    }
}
