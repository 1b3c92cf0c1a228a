//! The least speed of a transfer: only the time spent waiting for the other side counts.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// It is measured over so much waiting …
const WINDOW: Duration = Duration::from_secs(30);
/// … and is 1 KiB/s, as over HTTP.
const WINDOW_BYTES: u64 = 30 * 1024;

/// How fast the other side gives or takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    waited: Duration,
    bytes: u64,
}

impl Pace {
    /// Waits for one read or write, however long it takes, as long as the others were fast enough.
    ///
    /// # Errors
    /// `TimedOut` below the least speed; or what the operation says.
    pub async fn keep(&mut self, operation: impl Future<Output = io::Result<usize>>) -> io::Result<usize> {
        tokio::pin!(operation);
        loop {
            let began = Instant::now();
            let outcome = timeout(WINDOW.saturating_sub(self.waited), &mut operation).await;
            self.waited = self.waited.saturating_add(began.elapsed());
            match outcome {
                Ok(done) => {
                    let count = done?;
                    self.bytes = self.bytes.saturating_add(count as u64);
                    return Ok(count);
                }
                Err(_) if self.bytes < WINDOW_BYTES => return Err(io::ErrorKind::TimedOut.into()),
                Err(_) => *self = Self::default(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn after(seconds: u64, bytes: usize) -> io::Result<usize> {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn who_keeps_the_least_speed_may_go_on_for_ever() {
        let mut pace = Pace::default();
        for _ in 0..1_000 {
            pace.keep(after(5, 6 * 1024)).await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_and_silence_end() {
        let mut pace = Pace::default();
        let mut outcome = Ok(0);
        for _ in 0..40 {
            outcome = pace.keep(after(1, 100)).await;
            if outcome.is_err() {
                break;
            }
        }
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let silent = Pace::default().keep(std::future::pending()).await;
        assert_eq!(silent.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_we_take_ourselves_does_not_count() {
        let mut pace = Pace::default();
        pace.keep(after(1, 1)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(600)).await;
        pace.keep(after(20, 1)).await.unwrap();
    }
}
