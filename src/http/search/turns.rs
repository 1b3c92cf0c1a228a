//! Whose search runs: a few at once, and fewer of one host.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::http::error::HttpError;
use crate::http::{App, WALK_WAIT};
use crate::shares::Shares;

/// Searches that run at once …
const RUNNING_MAX: usize = 4;
/// … and of one host: who sends very many waits behind itself.
const PER_HOST: usize = 2;

/// The turns of all who search; cheap to clone.
#[derive(Clone, Debug)]
pub struct Turns {
    running: Arc<Semaphore>,
    hosts: Arc<Shares<IpAddr>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(RUNNING_MAX)), hosts: Arc::new(Shares::new(PER_HOST)) }
    }
}

impl Turns {
    /// Searches on a thread of its own when it is the host's turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        host: IpAddr,
        search: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HttpError> {
        let of_host = tokio::time::timeout(WALK_WAIT, self.hosts.of(host).acquire_owned()).await;
        let Ok(Ok(of_host)) = of_host else { return Err(HttpError::Busy) };
        let searched = App::walk(&self.running, move || {
            // Whoever goes meanwhile has its place until the search ends.
            let _of_host = of_host;
            search()
        });
        searched.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_host_that_searches_all_the_time_waits_alone() {
        let turns = Turns::default();
        let host = |last: u8| IpAddr::from([10, 0, 0, last]);
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(std::sync::Mutex::new(ended));
        for _ in 0..2 * RUNNING_MAX {
            let (turns, ended) = (turns.clone(), ended.clone());
            let long = move || ended.lock().unwrap().recv().is_err();
            tokio::spawn(async move { turns.run(host(1), long).await });
        }
        while turns.hosts.of(host(1)).available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(turns.run(host(2), || 7).await.unwrap(), 7);
        drop(end);
    }
}
