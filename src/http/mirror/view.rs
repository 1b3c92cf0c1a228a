//! The mirror in words, for the front page and its own.

use std::time::Instant;

use crate::http::App;
use crate::http::page::{ago, files, grouped, lasting, size};
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
    pub(in crate::http) more: Option<String>,
}

/// One file that comes.
pub(in crate::http) struct FileView {
    pub(in crate::http) name: String,
    pub(in crate::http) permille: u64,
    /// `3 MB of 10 MB, 1 MB/s, 7 s left`.
    pub(in crate::http) said: String,
    pub(in crate::http) from: String,
    pub(in crate::http) sources: Vec<SourceView>,
    pub(in crate::http) more_sources: usize,
}

/// Who gives it.
pub(in crate::http) struct SourceView {
    pub(in crate::http) name: String,
    /// `60 %, 1 MB/s`.
    pub(in crate::http) said: String,
}

impl UnderWay {
    /// None in shared mode.
    pub(in crate::http) fn now(app: &App, now: Instant) -> Option<Self> {
        let status = app.mirror.status();
        let doing = doing(&status)?;
        let mut active: Vec<_> = status.active.iter().collect();
        active.sort_by(|a, b| (a.began, &a.path).cmp(&(b.began, &b.path)));
        let more = active.len().saturating_sub(FILES_SHOWN);
        let files = active.into_iter().take(FILES_SHOWN).map(|active| file(&Moment::of(active, now)));
        Some(Self {
            doing,
            speed: speed(&status, now),
            files: files.collect(),
            more: (more > 0).then(|| grouped(more)),
        })
    }
}

fn doing(status: &Status) -> Option<String> {
    let count = status.queued.saturating_add(status.active.len());
    Some(match &status.doing {
        Doing::Off => return None,
        Doing::Idle => "Everything wanted from nearby is here.".into(),
        Doing::Fetching => format!("{} to come, {}.", files(count), size(status.left_bytes())),
        Doing::Paused => "Paused by the operator.".into(),
        Doing::Waiting(why) => format!("Waiting: {why}."),
    })
}

fn speed(status: &Status, now: Instant) -> String {
    let bytes_per_second = status.bytes_per_second(now);
    if status.active.is_empty() || bytes_per_second == 0 {
        return String::new();
    }
    let left = status.time_left(now).map(|left| format!(", about {} left", lasting(left)));
    format!("{}/s{}", size(bytes_per_second), left.unwrap_or_default())
}

fn file(moment: &Moment) -> FileView {
    let bytes_per_second = moment.bytes_per_second();
    let mut said = format!("{} of {}", size(moment.here_bytes), size(moment.size_bytes));
    if bytes_per_second > 0 {
        said.push_str(&format!(", {}/s", size(bytes_per_second)));
        let left = time_left(moment.left_bytes(), bytes_per_second);
        said.extend(left.map(|left| format!(", {} left", lasting(left))));
    }
    FileView {
        name: moment.path.to_string(),
        permille: part(moment.here_bytes, moment.size_bytes, 1000),
        said,
        from: moment.from.to_string(),
        sources: sources(&moment.given),
        more_sources: moment.given.len().saturating_sub(SOURCES_SHOWN),
    }
}

fn sources(given: &[Given]) -> Vec<SourceView> {
    let all = given.iter().fold(0_u64, |sum, given| sum.saturating_add(given.bytes));
    // Rounded: two halves are the whole.
    let share = |given: &Given| part(given.bytes, all, 200).div_ceil(2);
    let source = |given: &Given| SourceView {
        name: given.name.to_string(),
        said: match given.bytes_per_second {
            0 => format!("{} %", share(given)),
            speed => format!("{} %, {}/s", share(given), size(speed)),
        },
    };
    given.iter().take(SOURCES_SHOWN).map(source).collect()
}

/// How many of `of` parts; all of nothing.
fn part(bytes: u64, whole: u64, of: u64) -> u64 {
    let part = u128::from(bytes).saturating_mul(of.into()).checked_div(whole.into());
    part.and_then(|part| u64::try_from(part).ok()).unwrap_or(of).min(of)
}

/// Files that wait for one reason.
pub(super) struct WaitView {
    pub(super) files: String,
    pub(super) size: String,
    pub(super) why: String,
    /// `12 s`, if it is known.
    pub(super) again: Option<String>,
    pub(super) first: Vec<(String, String)>,
    pub(super) more: bool,
}

/// Why files wait; their names for the operator alone.
pub(super) fn waits(status: &Status, is_operator: bool, now: Instant) -> Vec<WaitView> {
    let named = if is_operator { usize::MAX } else { 0 };
    let wait = |(reason, tally): (&Reason, &Tally)| WaitView {
        files: files(tally.files),
        size: size(tally.bytes),
        why: reason.sentence(),
        again: tally.until.map(|until| lasting(until.saturating_duration_since(now))),
        first: tally.first.iter().take(named).map(|(path, bytes)| (path.to_string(), size(*bytes))).collect(),
        more: tally.files > tally.first.len(),
    };
    status.waiting.reasons().take(WAITS_SHOWN).map(wait).collect()
}

/// A file that came or failed.
pub(super) struct LatelyView {
    pub(super) name: String,
    pub(super) size: String,
    pub(super) when: String,
    pub(super) how: String,
}

/// What came lately; what failed for the operator alone.
pub(super) fn lately(status: &Status, is_operator: bool) -> Vec<LatelyView> {
    let seen = status.lately.iter().filter(|lately| is_operator || lately.failure.is_none());
    let view = |lately: &Lately| LatelyView {
        name: lately.path.to_string(),
        size: size(lately.size_bytes),
        when: ago(lately.at.elapsed().unwrap_or_default()),
        how: how(lately),
    };
    seen.map(view).collect()
}

fn how(lately: &Lately) -> String {
    if let Some(why) = &lately.failure {
        return format!("did not come from {}: {why}", lately.from);
    }
    let names = lately.given.iter().take(SOURCES_SHOWN).map(|given| given.name.to_string());
    let names = names.collect::<Vec<_>>().join(", ");
    match lately.given.len().saturating_sub(SOURCES_SHOWN) {
        _ if names.is_empty() => "copied from a file here".into(),
        0 => format!("from {names} in {}", lasting(lately.took)),
        more => format!("from {names} and {more} more in {}", lasting(lately.took)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{DisplayText, LootPath};

    fn given(name: &str, bytes: u64, bytes_per_second: u64) -> Given {
        let name = DisplayText::from_bytes(name.as_bytes(), 64);
        Given { uuid: uuid::Uuid::nil(), name, bytes, bytes_per_second }
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
        let view = file(&moment);
        assert_eq!((view.permille, view.said.as_str()), (400, "4.0 MB of 10.0 MB, 1.0 MB/s, 6 s left"));
        let sources: Vec<_> = view.sources.iter().map(|source| format!("{} {}", source.name, source.said)).collect();
        assert_eq!(sources, ["Galley 75 %, 1.0 MB/s", "Bridge 25 %"]);
        let begun = file(&Moment { here_bytes: 0, given: Vec::new(), ..moment });
        assert_eq!((begun.permille, begun.said.as_str()), (0, "0 B of 10.0 MB"));
    }

    #[test]
    fn shares_are_rounded() {
        for (bytes, expected) in
            [([504, 496], ["50 %", "50 %"]), ([995, 5], ["100 %", "1 %"]), ([1, 0], ["100 %", "0 %"])]
        {
            let shares = sources(&bytes.map(|bytes| given("A", bytes, 0))).into_iter().map(|source| source.said);
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
