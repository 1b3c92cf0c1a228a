//! The mirror for programs; the form is told in `docs/EVENTS.md`.

mod more;

use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use uuid::Uuid;

pub(super) use self::more::{LeavesJson, LeavingJson, SpaceJson, WishEndJson, WishJson};
use crate::http::App;
use crate::mirror::events::Moment;
use crate::mirror::pace::time_left;
use crate::mirror::progress::Given;
use crate::mirror::waiting::{Reason, Tally};
use crate::mirror::{Doing, Lately};

/// Files on their way that are told at once; their number is told too.
const FILES_MAX: usize = 1_000;
/// Reasons to wait likewise.
const REASONS_MAX: usize = 64;

/// `/mirror.json`.
#[derive(Debug, Serialize)]
pub(super) struct MirrorJson {
    #[serde(flatten)]
    doing: DoingJson,
    bytes_per_second: u64,
    left_bytes: u64,
    left_seconds: Option<f64>,
    queued_files: usize,
    queued_bytes: u64,
    coming_files: usize,
    coming: Vec<FileJson>,
    waiting_files: usize,
    waiting: Vec<WaitingJson>,
    lately: Vec<LatelyJson>,
    conflicts: usize,
    wishes_files: usize,
    wishes: Vec<WishJson>,
    space: Option<SpaceJson>,
    leaving: LeavingJson,
}

/// What it does as a whole.
#[derive(Debug, Serialize)]
pub(super) struct DoingJson {
    doing: &'static str,
    why: Option<String>,
}

/// A file on its way.
#[derive(Debug, Serialize)]
pub(super) struct FileJson {
    path: String,
    size_bytes: u64,
    here_bytes: u64,
    bytes_per_second: u64,
    left_seconds: Option<f64>,
    from: String,
    sources: Vec<SourceJson>,
}

#[derive(Debug, Serialize)]
struct SourceJson {
    uuid: Uuid,
    name: String,
    bytes: u64,
    bytes_per_second: u64,
}

#[derive(Debug, Serialize)]
struct WaitingJson {
    reason: &'static str,
    sentence: String,
    files: usize,
    bytes: u64,
    again_seconds: Option<f64>,
    first: Vec<NamedJson>,
}

#[derive(Debug, Serialize)]
struct NamedJson {
    path: String,
    size_bytes: u64,
}

/// A file that landed or failed.
#[derive(Debug, Serialize)]
pub(super) struct LatelyJson {
    path: String,
    size_bytes: u64,
    from: String,
    at_unix: u64,
    seconds: f64,
    sources: Vec<SourceJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_kind: Option<&'static str>,
    wished: bool,
}

impl MirrorJson {
    /// Names of files that wait, and what failed, are for the operator.
    pub(super) fn new(app: &App, is_operator: bool, now: Instant) -> Self {
        let status = &app.mirror.status();
        let wishes = app.mirror.wishes();
        let mut coming: Vec<_> = status.active.iter().collect();
        coming.sort_by(|a, b| (a.began, &a.path).cmp(&(b.began, &b.path)));
        let coming = coming.into_iter().take(FILES_MAX).map(|active| FileJson::new(&Moment::of(active, now)));
        let waiting = status.waiting.reasons().take(REASONS_MAX);
        let lately = status.lately.iter().filter(|lately| is_operator || lately.failure.is_none());
        Self {
            doing: DoingJson::new(&status.doing),
            bytes_per_second: status.bytes_per_second(now),
            left_bytes: status.left_bytes(),
            left_seconds: seconds(status.time_left(now)),
            queued_files: status.queued,
            queued_bytes: status.queued_bytes,
            coming_files: status.active.len(),
            coming: coming.collect(),
            waiting_files: status.waiting.files(),
            waiting: waiting.map(|(reason, tally)| WaitingJson::new(reason, tally, is_operator, now)).collect(),
            lately: lately.map(|lately| LatelyJson::new(lately, is_operator)).collect(),
            conflicts: status.plan.conflicts.len(),
            wishes_files: wishes.len(),
            wishes: wishes.all().iter().filter(|_| is_operator).take(FILES_MAX).map(WishJson::new).collect(),
            space: status.space.filter(|_| is_operator).map(SpaceJson::new),
            leaving: LeavingJson::new(app, is_operator, now),
        }
    }
}

impl DoingJson {
    pub(super) fn new(doing: &Doing) -> Self {
        let (doing, why) = match doing {
            Doing::Off => ("off", None),
            Doing::Idle => ("idle", None),
            Doing::Fetching => ("fetching", None),
            Doing::Paused => ("paused", None),
            Doing::Waiting(why) => ("waiting", Some(why.to_string())),
        };
        Self { doing, why }
    }
}

impl FileJson {
    pub(super) fn new(moment: &Moment) -> Self {
        let bytes_per_second = moment.bytes_per_second();
        Self {
            path: moment.path.to_string(),
            size_bytes: moment.size_bytes,
            here_bytes: moment.here_bytes,
            bytes_per_second,
            left_seconds: seconds(time_left(moment.left_bytes(), bytes_per_second)),
            from: moment.from.to_string(),
            sources: moment.given.iter().map(SourceJson::new).collect(),
        }
    }
}

impl SourceJson {
    fn new(given: &Given) -> Self {
        let Given { uuid, bytes, bytes_per_second, .. } = *given;
        Self { uuid, name: given.name.to_string(), bytes, bytes_per_second }
    }
}

impl WaitingJson {
    fn new(reason: &Reason, tally: &Tally, is_operator: bool, now: Instant) -> Self {
        let named = if is_operator { usize::MAX } else { 0 };
        let first = tally.first.iter().take(named);
        Self {
            reason: reason.word(),
            sentence: reason.sentence(),
            files: tally.files,
            bytes: tally.bytes,
            again_seconds: seconds(tally.until.map(|until| until.saturating_duration_since(now))),
            first: first.map(|(path, bytes)| NamedJson { path: path.to_string(), size_bytes: *bytes }).collect(),
        }
    }
}

impl LatelyJson {
    /// Why it failed is told to the operator.
    pub(super) fn new(lately: &Lately, is_operator: bool) -> Self {
        Self {
            path: lately.path.to_string(),
            size_bytes: lately.size_bytes,
            from: lately.from.to_string(),
            at_unix: lately.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs(),
            seconds: (lately.took.as_secs_f64() * 1000.0).round() / 1000.0,
            sources: lately.given.iter().map(SourceJson::new).collect(),
            failure: lately.failure.as_ref().filter(|_| is_operator).map(ToString::to_string),
            failure_kind: lately.failure.as_ref().filter(|_| is_operator).map(|failure| failure.kind.word()),
            wished: lately.is_wished && is_operator,
        }
    }
}

fn seconds(time: Option<Duration>) -> Option<f64> {
    time.map(|time| (time.as_secs_f64() * 10.0).round() / 10.0)
}
