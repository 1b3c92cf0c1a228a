//! `/healthz`: for programs that watch over the node.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::App;
use crate::loot::LootState;

/// What is told.
#[derive(Debug, Serialize)]
pub struct Health {
    status: &'static str,
    name: String,
    version: &'static str,
    uuid: uuid::Uuid,
    uptime_seconds: u64,
    files: usize,
    bytes: u64,
    neighbours: usize,
    index_hmac: String,
}

/// 200 while the node serves; `status` says whether the folder is there.
pub async fn show(State(app): State<App>) -> Json<Health> {
    let snapshot = app.loot.snapshot();
    let status = match app.loot.status().state {
        LootState::Following => "ok",
        LootState::Scanning => "scanning",
        LootState::Missing(_) => "folder missing",
    };
    Json(Health {
        status,
        name: app.name.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        uuid: app.uuid,
        uptime_seconds: app.started.elapsed().as_secs(),
        files: snapshot.index.len(),
        bytes: snapshot.index.total_bytes(),
        neighbours: app.neighbourhood.present(std::time::Instant::now()).len(),
        index_hmac: snapshot.hmac.to_string(),
    })
}
