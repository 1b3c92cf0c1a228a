//! Why a file did not come: in kinds, which pages say in the language of their reader, with the
//! sentence of whatever failed as a detail.

use std::fmt;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::job::JobError;
use crate::fetch::FetchError;
use crate::loot::landing::LandError;

/// A failure that is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failure {
    /// For people.
    pub kind: FailureKind,
    /// For those who look into it; English.
    pub detail: Box<str>,
}

/// What went wrong, as far as it matters to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The neighbour cannot be reached.
    Unreachable,
    /// Nothing came in time, or next to nothing.
    TooSlow,
    /// The connection broke.
    Broken,
    /// The neighbour has it no longer.
    NotThere,
    /// The neighbour has too much to do.
    Busy,
    /// Its answer was not what was asked for.
    WrongAnswer,
    /// What came is not what was told of it.
    WrongContent,
    /// All who have it are gone, or do not give it.
    NobodyGives,
    /// A file of that name is here, and there is no name beside it.
    NameTaken,
    /// A file and a folder want the same name.
    InTheWay,
    /// The file here was changed or deleted meanwhile.
    ChangedHere,
    /// The file system cannot exchange two files.
    CannotReplace,
    /// Our disk cannot store it.
    OurDisk,
    /// The answer ended before it; it is asked for again.
    NotReached,
    /// The operator cancelled it.
    Cancelled,
}

impl FailureKind {
    /// All of them, for tables.
    pub const ALL: [Self; 15] = [
        Self::Unreachable,
        Self::TooSlow,
        Self::Broken,
        Self::NotThere,
        Self::Busy,
        Self::WrongAnswer,
        Self::WrongContent,
        Self::NobodyGives,
        Self::NameTaken,
        Self::InTheWay,
        Self::ChangedHere,
        Self::CannotReplace,
        Self::OurDisk,
        Self::NotReached,
        Self::Cancelled,
    ];

    /// In one word, for programs and catalogues.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TooSlow => "too-slow",
            Self::Broken => "broken",
            Self::NotThere => "not-there",
            Self::Busy => "busy",
            Self::WrongAnswer => "wrong-answer",
            Self::WrongContent => "wrong-content",
            Self::NobodyGives => "nobody-gives",
            Self::NameTaken => "name-taken",
            Self::InTheWay => "in-the-way",
            Self::ChangedHere => "changed-here",
            Self::CannotReplace => "cannot-replace",
            Self::OurDisk => "our-disk",
            Self::NotReached => "not-reached",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it may be told by the file alone, whoever gives it and however busy they are.
    #[must_use]
    pub fn is_of_the_file(self) -> bool {
        let is_it =
            matches!(self, Self::NotThere | Self::WrongAnswer | Self::WrongContent | Self::NameTaken | Self::OurDisk);
        is_it || self.is_final()
    }

    /// Whether trying again changes nothing: somebody has to do something first.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::InTheWay | Self::ChangedHere | Self::CannotReplace)
    }
}

impl Failure {
    /// Of that kind, said so.
    #[must_use]
    pub fn new(kind: FailureKind, detail: impl fmt::Display) -> Self {
        Self { kind, detail: detail.to_string().into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<&JobError> for Failure {
    fn from(error: &JobError) -> Self {
        let kind = match error {
            JobError::Fetch(error) => of_fetch(error),
            JobError::Land(error) => of_landing(error),
            JobError::ChangedHere => FailureKind::ChangedHere,
        };
        Self::new(kind, error)
    }
}

fn of_fetch(error: &FetchError) -> FailureKind {
    match error {
        FetchError::Connect(_) => FailureKind::Unreachable,
        FetchError::TimedOut(_) | FetchError::TooSlow => FailureKind::TooSlow,
        FetchError::Broken(_) => FailureKind::Broken,
        FetchError::Status(StatusCode::NOT_FOUND | StatusCode::GONE) => FailureKind::NotThere,
        FetchError::Status(StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) => FailureKind::Busy,
        FetchError::WrongPiece => FailureKind::WrongContent,
        FetchError::NoHolder => FailureKind::NobodyGives,
        FetchError::Store(_) => FailureKind::OurDisk,
        FetchError::Status(_)
        | FetchError::Encoded
        | FetchError::Gzip(_)
        | FetchError::WrongLength { .. }
        | FetchError::TooMany
        | FetchError::TooFew
        | FetchError::Batch(_)
        | FetchError::Pieces(_)
        | FetchError::OtherPieces
        | FetchError::Index(_)
        | FetchError::Changes(_)
        | FetchError::Manifest(_)
        | FetchError::NotVerified => FailureKind::WrongAnswer,
    }
}

fn of_landing(error: &LandError) -> FailureKind {
    match error {
        LandError::Exists => FailureKind::NameTaken,
        LandError::InTheWay => FailureKind::InTheWay,
        LandError::Vanished => FailureKind::ChangedHere,
        LandError::CannotReplace => FailureKind::CannotReplace,
        LandError::WrongLength { .. } => FailureKind::WrongAnswer,
        LandError::WrongContent => FailureKind::WrongContent,
        LandError::Io(_) => FailureKind::OurDisk,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_has_a_kind_and_its_own_sentence() {
        let status = |status| JobError::Fetch(FetchError::Status(status));
        let rows: [(JobError, FailureKind); 7] = [
            (FetchError::TooSlow.into(), FailureKind::TooSlow),
            (status(StatusCode::NOT_FOUND), FailureKind::NotThere),
            (status(StatusCode::SERVICE_UNAVAILABLE), FailureKind::Busy),
            (status(StatusCode::IM_A_TEAPOT), FailureKind::WrongAnswer),
            (LandError::Exists.into(), FailureKind::NameTaken),
            (LandError::WrongContent.into(), FailureKind::WrongContent),
            (JobError::ChangedHere, FailureKind::ChangedHere),
        ];
        for (error, kind) in rows {
            let failure = Failure::from(&error);
            assert_eq!((failure.kind, failure.to_string()), (kind, error.to_string()));
        }
    }

    #[test]
    fn programs_read_the_same_word_that_is_stored() {
        for kind in FailureKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }
}
