//! What else programs are told: wishes, room, and what leaves.

use std::time::Instant;

use serde::Serialize;
use uuid::Uuid;

use super::FILES_MAX;
use crate::http::App;
use crate::http::mirror::who::Hosts;
use crate::leaving::{Download, Going, Left};
use crate::loot::space::SpaceView;
use crate::mirror::events::{Leaves, WishEnd};
use crate::mirror::wishes::{Place, Wish, WishId};

/// A file that the operator asked for.
#[derive(Debug, Serialize)]
pub(in crate::http::mirror) struct WishJson {
    id: u64,
    path: String,
    size_bytes: u64,
    from: Uuid,
    from_name: String,
    replaces: bool,
    asked_unix: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_kind: Option<&'static str>,
}

impl WishJson {
    pub(in crate::http::mirror) fn new((id, wish): &(WishId, std::sync::Arc<Wish>)) -> Self {
        Self {
            id: id.0,
            path: wish.path.to_string(),
            size_bytes: wish.size_bytes,
            from: wish.from,
            from_name: wish.from_name.to_string(),
            replaces: wish.place == Place::Instead,
            asked_unix: wish.asked_at,
            failure: wish.failure.as_ref().map(ToString::to_string),
            failure_kind: wish.failure.as_ref().map(|failure| failure.kind.word()),
        }
    }
}

/// A wish that came true or does not. Which one is the operator's business.
#[derive(Debug, Serialize)]
pub(in crate::http::mirror) struct WishEndJson {
    came: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_kind: Option<&'static str>,
}

impl WishEndJson {
    pub(in crate::http::mirror) fn new(end: &WishEnd, is_operator: bool) -> Self {
        let failure = end.failure.as_ref().filter(|_| is_operator);
        Self {
            came: end.failure.is_none(),
            path: is_operator.then(|| end.wish.path.to_string()),
            failure: failure.map(ToString::to_string),
            failure_kind: failure.map(|failure| failure.kind.word()),
        }
    }
}

/// How much room there is.
#[derive(Debug, Serialize)]
pub(in crate::http::mirror) struct SpaceJson {
    disk_bytes: u64,
    free_bytes: u64,
    reserve_bytes: u64,
    budget_bytes: Option<u64>,
    mirrored_bytes: u64,
    under_way_bytes: u64,
    idle_bytes: u64,
    left_bytes: u64,
}

impl SpaceJson {
    pub(in crate::http::mirror) fn new(view: SpaceView) -> Self {
        let left_bytes = view.left_bytes();
        let SpaceView { disk_bytes, free_bytes, reserve_bytes, budget_bytes, .. } = view;
        let SpaceView { mirrored_bytes, under_way_bytes, idle_bytes, .. } = view;
        Self {
            disk_bytes,
            free_bytes,
            reserve_bytes,
            budget_bytes,
            mirrored_bytes,
            under_way_bytes,
            idle_bytes,
            left_bytes,
        }
    }
}

/// What leaves, as it is told when it changes.
#[derive(Debug, Serialize)]
pub(in crate::http::mirror) struct LeavesJson {
    downloads: usize,
    bytes_per_second: u64,
}

impl LeavesJson {
    pub(in crate::http::mirror) fn new(leaves: &Leaves) -> Self {
        Self { downloads: leaves.downloads, bytes_per_second: leaves.bytes_per_second }
    }
}

/// What leaves. Who fetches what is the operator's business.
#[derive(Debug, Serialize)]
pub(in crate::http::mirror) struct LeavingJson {
    downloads: usize,
    bytes_per_second: u64,
    sent_bytes: u64,
    small_answers: u64,
    going: Vec<DownloadJson>,
    lately: Vec<DownloadJson>,
}

#[derive(Debug, Serialize)]
struct DownloadJson {
    way: &'static str,
    host: String,
    neighbour: Option<String>,
    path: String,
    files: u64,
    sent_bytes: u64,
    total_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<&'static str>,
}

impl LeavingJson {
    pub(in crate::http::mirror) fn new(app: &App, is_operator: bool, now: Instant) -> Self {
        let view = app.leaving.view(now);
        let hosts = if is_operator { Hosts::now(app, now) } else { Hosts::default() };
        let shown = if is_operator { FILES_MAX } else { 0 };
        let going = |going: &Going| DownloadJson {
            bytes_per_second: Some(going.bytes_per_second),
            ..DownloadJson::new(&going.download, &hosts)
        };
        let left =
            |left: &Left| DownloadJson { end: Some(left.end.word()), ..DownloadJson::new(&left.download, &hosts) };
        Self {
            downloads: view.going.len(),
            bytes_per_second: view.bytes_per_second,
            sent_bytes: view.sent_bytes,
            small_answers: view.small_answers,
            going: view.going.iter().take(shown).map(going).collect(),
            lately: view.lately.iter().take(shown).map(left).collect(),
        }
    }
}

impl DownloadJson {
    fn new(download: &Download, hosts: &Hosts) -> Self {
        Self {
            way: download.way.word(),
            host: download.host.to_string(),
            neighbour: hosts.name(download.host).map(str::to_owned),
            path: download.name.to_string(),
            files: download.files,
            sent_bytes: download.sent_bytes,
            total_bytes: download.total_bytes,
            bytes_per_second: None,
            end: None,
        }
    }
}
