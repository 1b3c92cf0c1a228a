//! How the node ends: a signal, then a short time in which answers under way are finished.

use std::io;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Answers under way may take so long; SIGTERM ends the process within 3 s.
const DRAIN: Duration = Duration::from_secs(2);

/// The tasks of the node; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    ending: CancellationToken,
    tracker: TaskTracker,
}

impl Tasks {
    /// Runs a task that is simply dropped when the node ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let ending = self.ending.clone();
        self.tracker.spawn(async move {
            let _ = ending.run_until_cancelled_owned(task).await;
        });
    }

    /// Runs a task that watches [`Tasks::ending`] itself and is waited for.
    pub fn spawn_draining(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task);
    }

    /// The same on another runtime.
    pub fn spawn_draining_on(&self, task: impl Future<Output = ()> + Send + 'static, runtime: &Handle) {
        self.tracker.spawn_on(task, runtime);
    }

    /// Whether the node ends.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// Waits until the node ends.
    pub async fn ending(&self) {
        self.ending.cancelled().await;
    }

    /// Ends all tasks: those that drain get two seconds. False if some did not finish.
    pub async fn end(&self) -> bool {
        self.ending.cancel();
        self.tracker.close();
        tokio::time::timeout(DRAIN, self.tracker.wait()).await.is_ok()
    }
}

/// Waits for SIGINT or SIGTERM. SIGHUP keeps its usual meaning, so that `nohup` works.
///
/// # Errors
/// When the system lets nobody wait for signals.
pub async fn signalled() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_end_and_draining_ones_finish() {
        let tasks = Tasks::default();
        tasks.spawn(std::future::pending());
        let draining = tasks.clone();
        tasks.spawn_draining(async move { draining.ending().await });
        assert!(tasks.end().await);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_drain_is_left() {
        let tasks = Tasks::default();
        tasks.spawn_draining(std::future::pending());
        assert!(!tasks.end().await);
    }
}
