//! The lines of a manifest before the files: keys and values.

use std::fmt;
use std::num::NonZeroU32;

use super::{FIRST_LINE, ManifestVersion, Skipped, decimal};
use crate::wire::IndexHmac;
use crate::wire::napster::PeerAddress;

/// Lines of the header that are looked at.
const HEADER_LINES: usize = 256;

/// What a node takes of what others have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirrors {
    /// Everything that its rules let in.
    Everything,
    /// That of which fewer nodes nearby hold a copy.
    Copies(NonZeroU32),
}

impl Mirrors {
    fn parse(value: &str) -> Option<Self> {
        if value == "all" {
            return Some(Self::Everything);
        }
        let copies = u32::try_from(decimal(value)?).unwrap_or(u32::MAX);
        NonZeroU32::new(copies).map(Self::Copies)
    }
}

impl fmt::Display for Mirrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("all"),
            Self::Copies(copies) => write!(f, "{copies}"),
        }
    }
}

/// What precedes the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Files whose digests are still to come; 0: it is complete.
    pub hashing: u64,
    /// The HMAC, as announced, of the index beside which it stands.
    pub index: Option<IndexHmac>,
    /// Where the node serves Napster peers, if it does.
    pub peer: Option<PeerAddress>,
    /// What the node mirrors, if it does.
    pub mirrors: Option<Mirrors>,
    /// How many files the whole tells of.
    pub files: Option<u64>,
    /// How this state is called.
    pub version: Option<ManifestVersion>,
    /// Only what is otherwise than in that state follows; none: the whole.
    pub since: Option<ManifestVersion>,
}

impl Header {
    /// The lines before the files, the empty one included.
    #[must_use]
    pub fn emit(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nhashing {}\n", self.hashing);
        let mut add = |key: &str, value: Option<String>| {
            text.extend(value.map(|value| format!("{key} {value}\n")));
        };
        add("index", self.index.map(|index| index.to_string()));
        add("peer", self.peer.map(|peer| peer.to_string()));
        add("mirrors", self.mirrors.map(|mirrors| mirrors.to_string()));
        add("files", self.files.map(|files| files.to_string()));
        add("version", self.version.as_ref().map(ManifestVersion::to_string));
        add("since", self.since.as_ref().map(ManifestVersion::to_string));
        text.push('\n');
        text
    }

    /// Up to the first empty line.
    pub(super) fn parse<'b>(lines: &mut impl Iterator<Item = &'b [u8]>, skipped: &mut Skipped) -> Self {
        let mut header = Self::default();
        for line in lines.take_while(|line| !line.is_empty()).take(HEADER_LINES) {
            let text = std::str::from_utf8(line).unwrap_or_default();
            let (key, value) = text.split_once(' ').unwrap_or((text, ""));
            if header.take(key, value).is_none() {
                skipped.bad = skipped.bad.saturating_add(1);
            }
        }
        header
    }

    fn take(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "hashing" => self.hashing = decimal(value)?,
            "index" => self.index = Some(IndexHmac::parse(value.as_bytes())?),
            "peer" => self.peer = Some(PeerAddress::parse(value.as_bytes()).ok()?),
            "mirrors" => self.mirrors = Some(Mirrors::parse(value)?),
            "files" => self.files = Some(decimal(value)?),
            "version" => self.version = Some(ManifestVersion::parse(value.as_bytes())?),
            "since" => self.since = Some(ManifestVersion::parse(value.as_bytes())?),
            _ => {} // of a later version
        }
        Some(())
    }
}
