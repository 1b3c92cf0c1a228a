//! Answers without end: how many clients may have one, and the tasks that make them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc::Sender;

use crate::shutdown::Tasks;

/// How many may listen.
#[derive(Clone, Copy, Debug)]
pub struct ListenerLimits {
    /// In all.
    pub in_all: usize,
    /// Of one host.
    pub per_host: usize,
}

/// Who listens.
#[derive(Debug)]
pub struct Listeners {
    hosts: Mutex<HashMap<IpAddr, usize>>,
    limits: ListenerLimits,
    tasks: Tasks,
}

/// A listener's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    of: Arc<Listeners>,
    host: IpAddr,
}

impl Listeners {
    /// Nobody yet. What they are told ends with these tasks, at once: there is no last word.
    #[must_use]
    pub fn new(tasks: Tasks, limits: ListenerLimits) -> Arc<Self> {
        Arc::new(Self { hosts: Mutex::default(), limits, tasks })
    }

    /// A place for one more of that host, if there is one.
    pub(super) fn admit(self: &Arc<Self>, host: IpAddr) -> Option<Place> {
        let mut hosts = self.lock();
        let of_host = hosts.get(&host).copied().unwrap_or(0);
        if hosts.values().sum::<usize>() >= self.limits.in_all || of_host >= self.limits.per_host {
            return None;
        }
        hosts.insert(host, of_host.saturating_add(1));
        Some(Place { of: self.clone(), host })
    }

    /// Runs the task that tells one listener, until the node ends or the listener is gone.
    pub(super) fn tell<F>(&self, sender: Sender<Bytes>, tell: impl FnOnce(Sender<Bytes>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let gone = sender.clone();
        let telling = tell(sender);
        self.tasks.spawn(async move {
            tokio::select! {
                () = gone.closed() => {}
                () = telling => {}
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// How many listen now.
    pub(super) fn listeners(&self) -> usize {
        self.of.lock().values().sum()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut hosts = self.of.lock();
        if let Some(of_host) = hosts.get_mut(&self.host) {
            *of_host = of_host.saturating_sub(1);
        }
        hosts.retain(|_, of_host| *of_host > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_listen_and_each_gives_its_place_back() {
        let listeners = Listeners::new(Tasks::default(), ListenerLimits { in_all: 64, per_host: 2 });
        let host = |last: u8| IpAddr::from([10, 0, 0, last]);
        let mut places: Vec<Place> =
            (0..40).flat_map(|last| [last, last]).filter_map(|l| listeners.admit(host(l))).collect();
        assert_eq!((places.len(), places[0].listeners()), (64, 64));
        assert!(listeners.admit(host(99)).is_none(), "in all");
        places.truncate(3);
        assert!(listeners.admit(host(0)).is_none(), "of one host");
        assert!(listeners.admit(host(1)).is_some() && listeners.admit(host(99)).is_some());
        drop(places);
        assert!(listeners.lock().is_empty());
    }
}
