//! What leaves, in words. Everybody sees how much; who fetches what is the operator's business.

use std::time::Instant;

use super::view::{part, progress};
use super::who::Hosts;
use super::words::{end, way};
use crate::http::App;
use crate::http::say::Say;
use crate::leaving::{Download, End, Going, Left};
use crate::mirror::pace::time_left;

/// Downloads that are shown.
const SHOWN: usize = 20;

/// What is under way, and what left lately.
pub(super) struct LeavesView {
    /// `3 downloads, 2 MB/s`; none while there is none.
    pub(super) said: Option<String>,
    pub(super) going: Vec<GoingView>,
    pub(super) more: Option<String>,
    pub(super) lately: Vec<LeftView>,
    /// `12 GB since the start`.
    pub(super) total: String,
}

/// A download that is under way.
pub(super) struct GoingView {
    /// A file, or what there is instead of one.
    pub(super) name: String,
    pub(super) who: String,
    pub(super) way: String,
    pub(super) said: String,
    /// None where nobody knows how much it will be.
    pub(super) permille: Option<u64>,
}

/// One that ended.
pub(super) struct LeftView {
    pub(super) name: String,
    pub(super) who: String,
    pub(super) way: String,
    pub(super) size: String,
    pub(super) when: String,
    pub(super) stamp: String,
    pub(super) how: String,
    pub(super) is_broken: bool,
}

impl LeavesView {
    pub(super) fn now(app: &App, say: Say, is_operator: bool, now: Instant) -> Self {
        let view = app.leaving.view(now);
        let hosts = if is_operator { Hosts::now(app, now) } else { Hosts::default() };
        let shown = if is_operator { SHOWN } else { 0 };
        let count = view.going.len();
        let speed = say.speed(view.bytes_per_second);
        let more = count.saturating_sub(SHOWN);
        Self {
            said: (count > 0).then(|| say.t2("transfers-downloads", ("count", count), ("speed", speed))),
            going: view.going.iter().take(shown).map(|going| going_view(say, &hosts, going)).collect(),
            more: (is_operator && more > 0).then(|| say.t1("transfers-more-files", "count", more)),
            lately: view.lately.iter().take(shown).map(|left| left_view(say, &hosts, left)).collect(),
            total: say.t1("transfers-sent", "size", say.size(view.sent_bytes)),
        }
    }
}

fn going_view(say: Say, hosts: &Hosts, going: &Going) -> GoingView {
    let download = &going.download;
    let whole = download.total_bytes;
    let left = whole.map(|whole| whole.saturating_sub(download.sent_bytes));
    let left = left.and_then(|left| time_left(left, going.bytes_per_second));
    GoingView {
        name: name(say, download),
        who: who(hosts, download),
        way: way(say, download),
        said: progress(say, download.sent_bytes, whole, going.bytes_per_second, left),
        permille: whole.map(|whole| part(download.sent_bytes, whole, 1000)),
    }
}

fn left_view(say: Say, hosts: &Hosts, left: &Left) -> LeftView {
    let download = &left.download;
    let size = match (left.end, download.total_bytes) {
        (End::Part | End::Broken, Some(whole)) => {
            say.t2("transfers-of", ("here", say.size(download.sent_bytes)), ("whole", say.size(whole)))
        }
        _ => say.size(download.sent_bytes),
    };
    LeftView {
        name: name(say, download),
        who: who(hosts, download),
        way: way(say, download),
        size,
        when: say.when(left.at),
        stamp: say.stamp(left.at),
        how: end(say, left.end),
        is_broken: left.end == End::Broken,
    }
}

/// Where there is no name: many files, or a content that is still coming here.
fn name(say: Say, download: &Download) -> String {
    match (&*download.name, download.files) {
        ("", 0) => say.t("transfers-unnamed"),
        ("", files) => say.files(files),
        (name, _) => name.to_owned(),
    }
}

fn who(hosts: &Hosts, download: &Download) -> String {
    match hosts.name(download.host) {
        Some(name) => format!("{name} ({})", download.host),
        None => download.host.to_string(),
    }
}
