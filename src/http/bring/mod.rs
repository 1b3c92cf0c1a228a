//! Bringing files in: into the shared folder by the operator, into the inbox by others while it is
//! open.
//!
//! Two ways lead to the same [deliveries](crate::loot::deliveries): [`tus`], which survives broken
//! connections, for the script of the [`page`] and for programs; and a plain [`form`]. Who may do what
//! is a matter of [`rank`].

pub mod form;
pub mod inbox;
mod incoming;
pub mod page;
pub mod rank;
pub mod tus;
mod unread;
pub(super) mod why;
mod writing;

use std::time::{Duration, SystemTime};

use crate::loot::deliveries::Deliveries;

/// Deliveries that rest are looked through so often.
const TIDY: Duration = Duration::from_secs(60);

/// Tidies up behind those who never came back, until the task is dropped.
pub async fn keep_tidy(deliveries: Deliveries) {
    let mut tick = tokio::time::interval(TIDY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let deliveries = deliveries.clone();
        let _ = tokio::task::spawn_blocking(move || deliveries.tidy(SystemTime::now())).await;
    }
}
