//! What the mirror and the folder tell, in the reader's language: each kind of reason has a sentence
//! in the catalogues; the words of whatever failed stay behind it, as a detail.

use crate::http::say::Say;
use crate::leaving::{Download, End, Way};
use crate::loot::listing::WhyHeldBack;
use crate::mirror::failure::{Failure, FailureKind};
use crate::mirror::hindrance::Hindrance;
use crate::mirror::plan::Outcome;
use crate::mirror::waiting::Reason;
use crate::wire::loot_path::Refusal;

/// A sentence, and the error behind it for who wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Words {
    pub(in crate::http) said: String,
    /// English, as it stands in the log.
    pub(in crate::http) detail: Option<String>,
}

impl Words {
    fn plain(said: String) -> Self {
        Self { said, detail: None }
    }

    fn with(said: String, detail: &str) -> Self {
        Self { said, detail: Some(detail.to_owned()).filter(|detail| !detail.is_empty()) }
    }
}

/// Why a file did not come.
pub(in crate::http) fn failure(say: Say, failure: &Failure) -> Words {
    let key = match failure.kind {
        FailureKind::Unreachable => "transfers-failed-unreachable",
        FailureKind::TooSlow => "transfers-failed-too-slow",
        FailureKind::Broken => "transfers-failed-broken",
        FailureKind::NotThere => "transfers-failed-not-there",
        FailureKind::Busy => "transfers-failed-busy",
        FailureKind::WrongAnswer => "transfers-failed-wrong-answer",
        FailureKind::WrongContent => "transfers-failed-wrong-content",
        FailureKind::NobodyGives => "transfers-failed-nobody-gives",
        FailureKind::NameTaken => "transfers-failed-name-taken",
        FailureKind::InTheWay => "transfers-failed-in-the-way",
        FailureKind::ChangedHere => "transfers-failed-changed-here",
        FailureKind::CannotReplace => "transfers-failed-cannot-replace",
        FailureKind::OurDisk => "transfers-failed-our-disk",
        FailureKind::NotReached => "transfers-failed-not-reached",
        FailureKind::Cancelled => "transfers-failed-cancelled",
    };
    Words::with(say.t(key), &failure.detail)
}

/// Why nothing, or nothing that large, can come now.
pub(in crate::http) fn hindrance(say: Say, hindrance: &Hindrance) -> Words {
    match hindrance {
        Hindrance::NoFolder => Words::plain(say.t("transfers-hindered-no-folder")),
        Hindrance::Unread => Words::plain(say.t("transfers-hindered-unread")),
        Hindrance::FolderReadOnly(why) => Words::with(say.t("transfers-hindered-read-only"), why),
        Hindrance::Budget(bytes) => Words::plain(say.t1("transfers-hindered-budget", "size", say.size(*bytes))),
        Hindrance::Reserve(bytes) => Words::plain(say.t1("transfers-hindered-reserve", "size", say.size(*bytes))),
        Hindrance::Inodes => Words::plain(say.t("transfers-hindered-inodes")),
        Hindrance::Disk(why) => Words::with(say.t("transfers-hindered-disk"), why),
    }
}

/// Why files wait.
pub(in crate::http) fn reason(say: Say, reason: &Reason) -> Words {
    let key = match reason {
        Reason::Turn => "transfers-why-turn",
        Reason::Paused => "transfers-paused",
        Reason::SameContentComing => "transfers-why-same-content",
        Reason::ContentAwaited => "transfers-why-content-awaited",
        Reason::MayPass => "transfers-why-may-pass",
        Reason::EnoughNearby => "transfers-why-enough-nearby",
        Reason::FailedBefore => "transfers-why-failed",
        Reason::Gone => "transfers-why-gone",
        Reason::Resting(who, why) => {
            return Words::with(say.t1("transfers-why-resting", "name", who.as_str()), &why.detail);
        }
        Reason::Distrusted(who) => return Words::plain(say.t1("transfers-why-distrusted", "name", who.as_str())),
        Reason::NoRoom(why) => return hindrance(say, why),
    };
    Words::plain(say.t(key))
}

/// What becomes of another version of a name.
pub(in crate::http) fn outcome(say: Say, outcome: &Outcome) -> String {
    match outcome {
        Outcome::KeptBeside(path) => say.t1("transfers-conflict-beside", "name", path.file_name()),
        Outcome::Fetching(path) => say.t1("transfers-conflict-fetching", "name", path.file_name()),
        Outcome::Waiting => say.t("transfers-why-may-pass"),
        Outcome::CannotStandTogether => say.t("transfers-conflict-cannot-stand"),
        Outcome::Replacing => say.t("transfers-conflict-replacing"),
        Outcome::Skipped => say.t("transfers-conflict-skipped"),
        Outcome::Older => say.t("transfers-conflict-older"),
        Outcome::EnoughNearby => say.t("transfers-why-enough-nearby"),
        Outcome::OnlyShown => say.t("transfers-conflict-too-many"),
    }
}

/// By which way something leaves.
pub(in crate::http) fn way(say: Say, download: &Download) -> String {
    match download.way {
        Way::File => say.t("transfers-way-file"),
        Way::SmallFiles => say.t1("transfers-way-small-files", "count", download.files),
        Way::Pieces => say.t("transfers-way-pieces"),
        Way::Archive => say.t("transfers-way-archive"),
        Way::Napster => say.t("transfers-way-napster"),
        Way::Relay => say.t("transfers-way-relay"),
    }
}

/// How a download from us ended.
pub(in crate::http) fn end(say: Say, end: End) -> String {
    say.t(match end {
        End::Whole => "transfers-end-whole",
        End::Part => "transfers-end-part",
        End::Broken => "transfers-end-broken",
    })
}

/// What is wrong with a name.
pub(in crate::http) fn refusal(say: Say, refusal: Refusal) -> String {
    say.t(match refusal {
        Refusal::NotUtf8 => "held-name-not-utf8",
        Refusal::NotPlain => "held-name-not-plain",
        Refusal::Hidden => "held-name-hidden",
        Refusal::Control => "held-name-control",
        Refusal::Deceptive => "held-name-deceptive",
        Refusal::WindowsPath => "held-name-windows-path",
        Refusal::Reserved => "held-name-reserved",
        Refusal::TooLong => "held-name-too-long",
        Refusal::TooLongToList => "held-name-too-long-to-list",
        Refusal::SpecialCharacter => "held-name-special",
        Refusal::EdgeOfComponent => "held-name-edge",
        Refusal::DeviceName => "held-name-device",
        Refusal::ActsByItself => "held-name-acts",
    })
}

/// Why a file of ours is not offered.
pub(in crate::http) fn held_back(say: Say, why: &WhyHeldBack) -> Words {
    match why {
        WhyHeldBack::Name(why) => Words::plain(refusal(say, *why)),
        WhyHeldBack::Link => Words::plain(say.t("held-link")),
        WhyHeldBack::NotAFile => Words::plain(say.t("held-no-file")),
        WhyHeldBack::Unreadable(error) => Words::with(say.t("held-unreadable"), error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_a_sentence_of_its_own_and_keeps_its_detail() {
        let say = Say::default();
        let said = FailureKind::ALL.map(|kind| failure(say, &Failure::new(kind, "os error 5")));
        assert!(said.iter().all(|words| words.detail.as_deref() == Some("os error 5")));
        let all: std::collections::BTreeSet<_> = said.iter().map(|words| &words.said).collect();
        assert_eq!(all.len(), FailureKind::ALL.len(), "{all:#?}");
        assert_eq!(reason(say, &Reason::NoRoom(Hindrance::Budget(100_000))).said.matches("100").count(), 1);
    }
}
