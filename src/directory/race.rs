//! Several ways to the same end: the first one that gets there counts.
//!
//! Each gets a head start before the next one joins it, so that who is silent holds nobody up, and
//! who is only slow is not given up.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

/// The first success; the last failure when all failed; none when there was nothing to try. What
/// still runs then is dropped. A failure lets the next one begin at once.
pub async fn first_of<T, E, A>(attempts: impl IntoIterator<Item = A>, head_start: Duration) -> Option<Result<T, E>>
where
    T: Send + 'static,
    E: Send + 'static,
    A: Future<Output = Result<T, E>> + Send + 'static,
{
    let (mut attempts, mut running, mut failure) = (attempts.into_iter().fuse(), JoinSet::new(), None);
    loop {
        let has_begun = attempts.next().map(|attempt| running.spawn(attempt)).is_some();
        let pause = if has_begun { head_start } else { Duration::MAX };
        match timeout(pause, running.join_next()).await {
            Ok(Some(Ok(Ok(success)))) => return Some(Ok(success)),
            Ok(Some(Ok(Err(error)))) => failure = Some(Err(error)),
            Ok(Some(Err(_))) | Err(_) => {} // it panicked, or takes its time
            Ok(None) => return failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    const HEAD_START: Duration = Duration::from_secs(2);

    /// Each attempt takes so many seconds and ends well or not: what the race gives, and when.
    async fn race(attempts: &'static [(u64, bool)]) -> (Option<Result<usize, usize>>, u64) {
        let began = Instant::now();
        let attempts = attempts.iter().enumerate().map(|(number, (seconds, is_good))| async move {
            sleep(Duration::from_secs(*seconds)).await;
            if *is_good { Ok(number) } else { Err(number) }
        });
        (first_of(attempts, HEAD_START).await, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_success_counts_and_nobody_holds_it_up() {
        for (attempts, outcome, seconds) in [
            (&[][..], None, 0),
            (&[(1, true), (0, true)], Some(Ok(0)), 1),
            (&[(0, false), (1, true)], Some(Ok(1)), 1),
            (&[(99, true), (0, true)], Some(Ok(1)), 2),
            (&[(3, true), (99, true)], Some(Ok(0)), 3),
            (&[(99, true), (99, true), (1, true)], Some(Ok(2)), 5),
            (&[(5, false), (1, false)], Some(Err(0)), 5),
        ] {
            assert_eq!(race(attempts).await, (outcome, seconds), "{attempts:?}");
        }
    }
}
