//! What comes, in words: for the front page and its own.

use std::time::Instant;

use super::words::{Words, failure, hindrance, reason};
use crate::http::App;
use crate::http::say::Say;
use crate::mirror::events::Moment;
use crate::mirror::pace::time_left;
use crate::mirror::progress::Given;
use crate::mirror::waiting::{Reason, Tally};
use crate::mirror::{Doing, Lately, Status};

/// Files shown on their way; many small ones come at once.
const FILES_SHOWN: usize = 20;
/// Of each, neighbours that are named.
const SOURCES_SHOWN: usize = 4;
/// Reasons to wait that are shown.
const WAITS_SHOWN: usize = 20;

/// What is on its way.
pub(in crate::http) struct UnderWay {
    pub(in crate::http) doing: String,
    /// How fast, and how long it may take; nothing while nothing moves.
    pub(in crate::http) speed: String,
    pub(in crate::http) files: Vec<FileView>,
    /// How many more there are.
    pub(in crate::http) more: Option<String>,
}

/// One file that comes.
pub(in crate::http) struct FileView {
    pub(in crate::http) name: String,
    pub(in crate::http) permille: u64,
    /// `3 MB of 10 MB, 1 MB/s, 7 s left`.
    pub(in crate::http) said: String,
    /// Who is asked, while nobody gave anything.
    pub(in crate::http) asked: String,
    pub(in crate::http) sources: Vec<SourceView>,
    pub(in crate::http) more_sources: Option<String>,
    /// The operator asked for it.
    pub(in crate::http) is_wished: bool,
}

/// Who gives it.
pub(in crate::http) struct SourceView {
    pub(in crate::http) name: String,
    /// `60 %, 1 MB/s`.
    pub(in crate::http) said: String,
}

impl UnderWay {
    /// None in shared mode, while nothing is wished. What was wished is the operator's business.
    pub(in crate::http) fn now(app: &App, say: Say, is_operator: bool, now: Instant) -> Option<Self> {
        let status = app.mirror.status();
        let doing = doing(say, &status)?;
        let mut active: Vec<_> = status.active.iter().collect();
        active.sort_by(|a, b| (a.began, &a.path).cmp(&(b.began, &b.path)));
        let more = active.len().saturating_sub(FILES_SHOWN);
        let file = |active: &crate::mirror::Active| FileView {
            is_wished: is_operator && active.wish.is_some(),
            ..file(say, &Moment::of(active, now))
        };
        Some(Self {
            doing,
            speed: speed(say, &status, now),
            files: active.into_iter().take(FILES_SHOWN).map(file).collect(),
            more: (more > 0).then(|| say.t1("transfers-more-files", "count", more)),
        })
    }
}

fn doing(say: Say, status: &Status) -> Option<String> {
    let count = status.queued.saturating_add(status.active.len());
    Some(match &status.doing {
        Doing::Off => return None,
        Doing::Idle => say.t("transfers-idle"),
        Doing::Fetching => {
            say.t2("transfers-to-come", ("files", say.files(count)), ("size", say.size(status.left_bytes())))
        }
        Doing::Paused => say.t("transfers-paused"),
        Doing::Waiting(why) => hindrance(say, why).said,
    })
}

fn speed(say: Say, status: &Status, now: Instant) -> String {
    let bytes_per_second = status.bytes_per_second(now);
    if status.active.is_empty() || bytes_per_second == 0 {
        return String::new();
    }
    let speed = say.speed(bytes_per_second);
    match status.time_left(now) {
        Some(left) => say.t2("transfers-speed-about", ("speed", speed), ("time", say.lasting(left))),
        None => speed,
    }
}

fn file(say: Say, moment: &Moment) -> FileView {
    let left = || time_left(moment.left_bytes(), moment.bytes_per_second());
    let more = moment.given.len().saturating_sub(SOURCES_SHOWN);
    FileView {
        name: moment.path.to_string(),
        permille: part(moment.here_bytes, moment.size_bytes, 1000),
        said: progress(say, moment.here_bytes, Some(moment.size_bytes), moment.bytes_per_second(), left()),
        asked: say.t1("transfers-asking", "name", moment.from.as_str()),
        sources: sources(say, &moment.given),
        more_sources: (more > 0).then(|| say.t1("transfers-more-nodes", "count", more)),
        is_wished: false,
    }
}

/// `3 MB of 10 MB, 1 MB/s, 7 s left`, as far as it is known.
pub(super) fn progress(
    say: Say,
    bytes: u64,
    whole: Option<u64>,
    bytes_per_second: u64,
    left: Option<std::time::Duration>,
) -> String {
    let mut said = match whole {
        Some(whole) => say.t2("transfers-of", ("here", say.size(bytes)), ("whole", say.size(whole))),
        None => say.size(bytes),
    };
    if bytes_per_second > 0 {
        said.push_str(&format!(", {}", say.speed(bytes_per_second)));
        said.extend(left.map(|left| format!(", {}", say.t1("transfers-left", "time", say.lasting(left)))));
    }
    said
}

fn sources(say: Say, given: &[Given]) -> Vec<SourceView> {
    let all = given.iter().fold(0_u64, |sum, given| sum.saturating_add(given.bytes));
    // Rounded: two halves are the whole.
    let share = |given: &Given| say.percent(part(given.bytes, all, 200).div_ceil(2), 100);
    let source = |given: &Given| SourceView {
        name: given.name.to_string(),
        said: match given.bytes_per_second {
            0 => share(given),
            speed => format!("{}, {}", share(given), say.speed(speed)),
        },
    };
    given.iter().take(SOURCES_SHOWN).map(source).collect()
}

/// How many of `of` parts; all of nothing.
pub(super) fn part(bytes: u64, whole: u64, of: u64) -> u64 {
    let part = u128::from(bytes).saturating_mul(of.into()).checked_div(whole.into());
    part.and_then(|part| u64::try_from(part).ok()).unwrap_or(of).min(of)
}

/// Files that wait for one reason.
pub(super) struct WaitView {
    pub(super) files: String,
    pub(super) size: String,
    pub(super) why: Words,
    /// `12 s`, if it is known.
    pub(super) again: Option<String>,
    pub(super) first: Vec<(String, String)>,
    pub(super) more: bool,
}

/// Why files wait; their names, and the errors behind, for the operator alone.
pub(super) fn waits(say: Say, status: &Status, is_operator: bool, now: Instant) -> Vec<WaitView> {
    let named = if is_operator { usize::MAX } else { 0 };
    let wait = |(of, tally): (&Reason, &Tally)| {
        let why = reason(say, of);
        let again = tally.until.map(|until| say.lasting(until.saturating_duration_since(now)));
        WaitView {
            files: say.files(tally.files),
            size: say.size(tally.bytes),
            why: Words { detail: why.detail.filter(|_| is_operator), ..why },
            again: again.map(|time| say.t1("transfers-again", "time", time)),
            first: tally.first.iter().take(named).map(|(path, bytes)| (path.to_string(), say.size(*bytes))).collect(),
            more: tally.files > tally.first.len(),
        }
    };
    status.waiting.reasons().take(WAITS_SHOWN).map(wait).collect()
}

/// A file that came or failed.
pub(super) struct LatelyView {
    pub(super) name: String,
    pub(super) size: String,
    pub(super) when: String,
    /// For programs.
    pub(super) stamp: String,
    pub(super) how: Words,
    pub(super) is_failed: bool,
    pub(super) is_wished: bool,
}

/// What came lately; what failed for the operator alone.
pub(super) fn lately(say: Say, status: &Status, is_operator: bool) -> Vec<LatelyView> {
    let seen = status.lately.iter().filter(|lately| is_operator || lately.failure.is_none());
    let view = |lately: &Lately| LatelyView {
        name: lately.path.to_string(),
        size: say.size(lately.size_bytes),
        when: say.when(lately.at),
        stamp: say.stamp(lately.at),
        how: how(say, lately),
        is_failed: lately.failure.is_some(),
        is_wished: lately.is_wished && is_operator,
    };
    seen.map(view).collect()
}

fn how(say: Say, lately: &Lately) -> Words {
    if let Some(why) = &lately.failure {
        return failure(say, why);
    }
    let names: Vec<&str> = lately.given.iter().take(SOURCES_SHOWN).map(|given| given.name.as_str()).collect();
    let mut names = names.join(", ");
    let more = lately.given.len().saturating_sub(SOURCES_SHOWN);
    if more > 0 {
        names = format!("{names}, {}", say.t1("transfers-more-nodes", "count", more));
    }
    let said = match names.is_empty() {
        true => say.t("transfers-copied-here"),
        false => say.t2("transfers-came-from", ("names", names), ("time", say.lasting(lately.took))),
    };
    Words { said, detail: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DisplayText, LootPath};

    fn given(name: &str, bytes: u64, bytes_per_second: u64) -> Given {
        let name = DisplayText::from_bytes(name.as_bytes(), 64);
        Given { uuid: uuid::Uuid::nil(), name, bytes, bytes_per_second }
    }

    fn plain(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn a_file_is_said_with_its_sources_their_shares_and_the_time_left() {
        let moment = Moment {
            path: LootPath::parse(b"film").unwrap(),
            size_bytes: 10_000_000,
            from: DisplayText::from_bytes(b"Bridge", 64),
            here_bytes: 4_000_000,
            given: vec![given("Galley", 3_000_000, 1_000_000), given("Bridge", 1_000_000, 0)],
        };
        let view = file(Say::default(), &moment);
        assert_eq!((view.permille, plain(&view.said)), (400, "4 MB of 10 MB, 1 MB/s, 6 s left".into()));
        let sources: Vec<_> = view.sources.iter().map(|source| format!("{} {}", source.name, source.said)).collect();
        assert_eq!(
            sources.iter().map(|source| plain(source)).collect::<Vec<_>>(),
            ["Galley 75%, 1 MB/s", "Bridge 25%"]
        );
        let begun = file(Say::default(), &Moment { here_bytes: 0, given: Vec::new(), ..moment });
        assert_eq!(
            (begun.permille, plain(&begun.said), begun.asked.as_str()),
            (0, "0 B of 10 MB".into(), "asking Bridge")
        );
    }

    #[test]
    fn shares_are_rounded() {
        for (bytes, expected) in [([504, 496], ["50%", "50%"]), ([995, 5], ["100%", "1%"]), ([1, 0], ["100%", "0%"])] {
            let given = bytes.map(|bytes| given("A", bytes, 0));
            let shares = sources(Say::default(), &given).into_iter().map(|source| plain(&source.said));
            assert_eq!(shares.collect::<Vec<_>>(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn parts_are_never_more_than_the_whole() {
        for (bytes, whole, expected) in [(1, 3, 33), (3, 3, 100), (4, 3, 100), (0, 0, 100), (u64::MAX, u64::MAX, 100)] {
            assert_eq!(part(bytes, whole, 100), expected, "{bytes} of {whole}");
        }
    }
}
