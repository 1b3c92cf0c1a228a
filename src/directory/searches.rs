//! Searches: so many run at once, and there is so much room for answers until they are sent.
//!
//! A host that asks for much and reads nothing keeps itself waiting, and nobody else.

use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::shares::Shares;

/// Searches that run at once; others wait.
const RUNNING_MAX: usize = 4;
/// Searches of one host of which the answer is not sent yet: eight such hosts find no more room.
const PER_HOST_MAX: usize = 8;
/// Answers that are being sent, in KiB: who reads slowly fills no memory with them.
const ROOM_KIB: usize = 128 << 10;
/// A search whose turn does not come within this has no answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The searches of all hosts.
#[derive(Debug)]
pub struct Searches {
    running: Semaphore,
    room: Semaphore,
    /// How many more searches each host may begin.
    hosts: Shares<IpAddr>,
}

/// The place of an answer, until it is sent.
#[derive(Debug)]
pub struct Place<'s> {
    _of_host: OwnedSemaphorePermit,
    _room: SemaphorePermit<'s>,
}

impl Default for Searches {
    fn default() -> Self {
        Self { running: Semaphore::new(RUNNING_MAX), room: Semaphore::new(ROOM_KIB), hosts: Shares::new(PER_HOST_MAX) }
    }
}

impl Searches {
    /// Searches when it is the host's turn. What was found, and its place; `bytes` says how much
    /// room it takes. None: it took too long.
    pub async fn run<T: Send + 'static>(
        &self,
        host: IpAddr,
        search: impl FnOnce() -> T + Send + 'static,
        bytes: impl FnOnce(&T) -> usize,
    ) -> Option<(T, Place<'_>)> {
        let searching = async {
            let of_host = self.hosts.of(host).acquire_owned().await.ok()?;
            let _running = self.running.acquire().await.ok()?;
            let found = spawn_blocking(search).await.ok()?;
            let kib = u32::try_from(bytes(&found) >> 10).unwrap_or(u32::MAX);
            let room = self.room.acquire_many(kib).await.ok()?;
            Some((found, Place { _of_host: of_host, _room: room }))
        };
        timeout(PATIENCE, searching).await.ok()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_its_answers_waits_alone() {
        let searches = Searches::default();
        let mut unread = Vec::new();
        for number in 0..PER_HOST_MAX {
            unread.push(searches.run(host(1), move || number, |_| 2 << 20).await.unwrap());
        }
        assert!(searches.run(host(1), || 0, |_| 0).await.is_none());
        assert_eq!(searches.run(host(2), || 7, |_| 2 << 20).await.unwrap().0, 7);
        unread.pop();
        assert!(searches.run(host(1), || 0, |_| 0).await.is_some());
    }
}
