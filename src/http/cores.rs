//! The threads that connections live on: one for each processor, each with an event loop of its own.
//!
//! A connection stays on its thread, so nothing of it is locked, woken or moved across threads
//! while it is read and written. What its answers start (tasks, timers, reading from disks) belongs
//! to the shared runtime: pages that take their time, and the bounds on threads, are the node's.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What the event loop of one takes of the files that a process may open: the loop, twice, what
/// wakes it, and what tells it of signals.
const FILES_OF_ONE: usize = 4;

/// The threads; cheap to clone. They end with the last clone.
#[derive(Clone, Debug)]
pub struct Cores(Arc<Running>);

#[derive(Debug)]
struct Running {
    cores: Vec<Core>,
    shared: Handle,
    _ends: DropGuard,
}

#[derive(Debug)]
struct Core {
    handle: Handle,
    connections: AtomicUsize,
}

/// A connection's place on a thread, which runs for as long as there is one; given back when
/// dropped.
#[derive(Debug)]
pub(super) struct Seat {
    cores: Cores,
    number: usize,
}

impl Cores {
    /// Starts a thread for each processor, beside the runtime that calls this.
    ///
    /// # Errors
    /// When the system gives no thread, or no descriptor.
    pub fn start() -> io::Result<Self> {
        let ends = CancellationToken::new();
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = (0..count).map(|number| Core::start(number, ends.clone())).collect::<io::Result<_>>()?;
        Ok(Self(Arc::new(Running { cores, shared: Handle::current(), _ends: ends.drop_guard() })))
    }

    /// How many of the files that the process may open they take.
    #[must_use]
    pub fn files(&self) -> usize {
        self.0.cores.len().saturating_mul(FILES_OF_ONE)
    }

    /// A place on the thread that has the fewest.
    pub(super) fn seat(&self) -> Seat {
        let load = |(_, core): &(usize, &Core)| core.connections.load(Ordering::Relaxed);
        let fewest = self.0.cores.iter().enumerate().min_by_key(load);
        let number = fewest.map_or(0, |(number, core)| {
            core.connections.fetch_add(1, Ordering::Relaxed);
            number
        });
        Seat { cores: self.clone(), number }
    }
}

impl Core {
    fn start(number: usize, ends: CancellationToken) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let handle = runtime.handle().clone();
        let run = move || runtime.block_on(ends.cancelled());
        std::thread::Builder::new().name(format!("http-{number}")).spawn(run)?;
        Ok(Self { handle, connections: AtomicUsize::new(0) })
    }
}

impl Seat {
    /// The thread's runtime.
    pub(super) fn runtime(&self) -> &Handle {
        self.core().map_or(&self.cores.0.shared, |core| &core.handle)
    }

    fn core(&self) -> Option<&Core> {
        self.cores.0.cores.get(self.number)
    }

    /// Runs this on the thread where it is called; what it starts belongs to the shared runtime.
    pub(super) async fn sharing<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| {
            let _shared = self.cores.0.shared.enter();
            work.as_mut().poll(cx)
        })
        .await
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(core) = self.core() {
            core.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_are_spread_evenly_and_places_given_back() {
        let cores = Cores::start().unwrap();
        let loads = || cores.0.cores.iter().map(|core| core.connections.load(Ordering::Relaxed)).collect::<Vec<_>>();
        let seats: Vec<Seat> = (0..3 * loads().len()).map(|_| cores.seat()).collect();
        assert!(loads().iter().all(|load| *load == 3), "{:?}", loads());
        drop(seats);
        assert!(loads().iter().all(|load| *load == 0));
    }

    #[tokio::test]
    async fn a_connection_is_served_by_its_thread_and_what_it_starts_by_the_shared_ones() {
        let (cores, here) = (Cores::start().unwrap(), Handle::current().id());
        let seat = cores.seat();
        let core = seat.runtime().clone();
        let served = core.spawn(async move {
            let own = Handle::current().id();
            let (within, started) = seat
                .sharing(async { (std::thread::current().name().map(str::to_owned), Handle::current().id()) })
                .await;
            (own, within, started)
        });
        let (own, within, started) = served.await.unwrap();
        assert!(own != here && started == here);
        assert!(within.unwrap().starts_with("http-"));
    }
}
