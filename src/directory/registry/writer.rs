//! The writer: a thread that brings changes to the store, a little behind.
//!
//! All changes of a fifth of a second are one transaction, so that a class that logs in costs the
//! disk five writes a second. A crash loses at most that.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::changes::BATCH_MAX;
use super::store::Store;
use super::tables::Tables;

/// Changes are gathered for so long.
const GATHER: Duration = Duration::from_millis(200);
/// A disk that is full or gone is tried again after so long.
const RETRY: Duration = Duration::from_secs(10);

/// The tables, and the signals between those who change them and the writer.
#[derive(Debug)]
pub(super) struct Shared {
    inside: Mutex<Inside>,
    signal: Condvar,
}

/// Under the lock.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) tables: Tables,
    closing: bool,
    closed: bool,
}

/// The store, as long as it can be written.
struct Disk {
    path: PathBuf,
    store: Option<Store>,
}

impl Shared {
    /// Of tables as they are stored.
    pub(super) fn new(tables: Tables) -> Self {
        Self { inside: Mutex::new(Inside { tables, closing: false, closed: false }), signal: Condvar::new() }
    }

    /// Looks at the tables.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Tables) -> T) -> T {
        look(&self.lock().tables)
    }

    /// Changes the tables; the writer hears of it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Tables) -> T) -> T {
        let mut inside = self.lock();
        let changed = change(&mut inside.tables);
        if !inside.tables.changes.is_empty() {
            self.signal.notify_all();
        }
        changed
    }

    /// Asks the writer to end.
    pub(super) fn begin_closing(&self) {
        self.lock().closing = true;
        self.signal.notify_all();
    }

    /// Waits until the writer has ended; false if it did not in time.
    pub(super) fn wait_closed(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.signal.wait_timeout_while(self.lock(), left, |inside| !inside.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to write, then until it was gathered. True: it is the last time.
    fn wait_for_changes(&self) -> bool {
        let idle = |inside: &mut Inside| inside.tables.changes.is_empty() && !inside.closing;
        let inside = self.signal.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        drop(inside);
        self.pause(GATHER)
    }

    /// Waits so long, or until the end begins; whether it did.
    fn pause(&self, time: Duration) -> bool {
        let waited = self.signal.wait_timeout_while(self.lock(), time, |inside| !inside.closing);
        waited.unwrap_or_else(PoisonError::into_inner).0.closing
    }
}

/// Starts the writer of a store at `path`.
pub(super) fn start(shared: Arc<Shared>, store: Store, path: PathBuf) -> std::io::Result<()> {
    let disk = Disk { path, store: Some(store) };
    std::thread::Builder::new().name("directory-store".into()).spawn(move || run(&shared, disk)).map(drop)
}

fn run(shared: &Shared, mut disk: Disk) {
    let mut is_failing = false;
    loop {
        let is_last = shared.wait_for_changes();
        let written = disk.write(shared);
        if let Err(error) = &written {
            if !is_failing {
                tracing::warn!(%error, "the directory's store cannot be written; it is tried again and again");
            }
            shared.lock().tables.changes.everything();
        }
        is_failing = written.is_err();
        if is_last || (is_failing && shared.pause(RETRY)) {
            break;
        }
    }
    drop(disk); // unlocked before anybody is told
    shared.lock().closed = true;
    shared.signal.notify_all();
}

impl Disk {
    /// Writes what changed. What changes meanwhile is for the next time.
    fn write(&mut self, shared: &Shared) -> Result<(), redb::Error> {
        // Taken out: a store that failed is closed.
        let store = self.store.take().map_or_else(|| Store::reopen(&self.path), Ok)?;
        loop {
            let batch = shared.lock().tables.take_batch();
            store.commit(&batch)?;
            if batch.replaces_all || batch.rows() < BATCH_MAX {
                break;
            }
        }
        self.store = Some(store);
        Ok(())
    }
}
