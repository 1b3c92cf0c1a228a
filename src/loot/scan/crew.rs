//! Who reads the folders of a walk: the thread that tells, and others that read ahead of it.
//!
//! All take from one stack, on which folders lie in the order in which they are told, the next on
//! top; so what was read and not told yet stays little, and few folders are open at once.

use std::collections::HashMap;
use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::reader::{Contents, Job, Reader};

/// Files that were read and not told yet; beyond, nobody reads ahead. A single folder may have more.
const AHEAD_MAX: usize = 64 * 1024;

/// The threads of one walk.
pub(super) struct Crew<'c> {
    reader: &'c Reader<'c>,
    work: Mutex<Work>,
    bell: Condvar,
}

#[derive(Default)]
struct Work {
    /// By name, the next to be read last.
    to_read: Vec<(usize, Job)>,
    read: HashMap<usize, io::Result<Contents>>,
    /// The number of the next job.
    next: usize,
    ahead: usize,
    /// Threads that read a folder.
    reading: usize,
    /// Threads that wait for the bell.
    waiting: usize,
    ended: bool,
}

/// Sends the helpers home, however the telling ends.
pub(super) struct Ending<'c>(&'c Crew<'c>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut work = self.0.lock();
        work.ended = true;
        self.0.ring(work);
    }
}

impl<'c> Crew<'c> {
    pub(super) fn new(reader: &'c Reader<'c>) -> Self {
        Self { reader, work: Mutex::default(), bell: Condvar::new() }
    }

    /// The helpers end when this is dropped.
    pub(super) fn ending(&self) -> Ending<'_> {
        Ending(self)
    }

    /// The folders found in another are to be read.
    pub(super) fn take_on(&self, contents: Contents, below: Vec<Job>) -> Contents {
        let mut work = self.lock();
        let contents = work.take_on(contents, below);
        self.ring(work);
        contents
    }

    /// Reads folder after folder until the walk ends.
    pub(super) fn help(&self) {
        let mut work = self.lock();
        while !work.ended {
            let next = if work.ahead < AHEAD_MAX { work.take() } else { None };
            work = match next {
                Some((number, job)) => {
                    drop(work);
                    self.read(number, &job)
                }
                None => self.wait(work),
            };
        }
    }

    /// What a folder holds; until it is read, this thread reads others.
    pub(super) fn wait_for(&self, number: usize) -> io::Result<Contents> {
        let mut work = self.lock();
        loop {
            if let Some(read) = work.read.remove(&number) {
                let was_full = work.ahead >= AHEAD_MAX;
                work.ahead = work.ahead.saturating_sub(read.as_ref().map_or(0, Contents::len));
                if was_full {
                    self.ring(work);
                }
                return read;
            }
            // If nobody reads it, it is on top of the stack: all that comes before it was told.
            let next = if work.ahead < AHEAD_MAX || work.reading == 0 { work.take() } else { None };
            work = match next {
                Some((number, job)) => {
                    drop(work);
                    self.read(number, &job)
                }
                None => self.wait(work),
            };
        }
    }

    fn read(&self, number: usize, job: &Job) -> MutexGuard<'_, Work> {
        let read = self.reader.read(job);
        let mut work = self.lock();
        work.reading = work.reading.saturating_sub(1);
        let contents = read.map(|(contents, below)| work.take_on(contents, below));
        work.ahead = work.ahead.saturating_add(contents.as_ref().map_or(0, Contents::len));
        work.read.insert(number, contents);
        if work.waiting > 0 {
            self.bell.notify_all();
        }
        work
    }

    fn wait<'w>(&self, mut work: MutexGuard<'w, Work>) -> MutexGuard<'w, Work> {
        work.waiting = work.waiting.saturating_add(1);
        let mut work = self.bell.wait(work).unwrap_or_else(PoisonError::into_inner);
        work.waiting = work.waiting.saturating_sub(1);
        work
    }

    fn ring(&self, work: MutexGuard<'_, Work>) {
        drop(work);
        self.bell.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    fn take(&mut self) -> Option<(usize, Job)> {
        let next = self.to_read.pop()?;
        self.reading = self.reading.saturating_add(1);
        Some(next)
    }

    fn take_on(&mut self, mut contents: Contents, below: Vec<Job>) -> Contents {
        contents.first_child = self.next;
        let numbers = contents.first_child..contents.first_child.saturating_add(below.len());
        self.next = numbers.end;
        if let Some(first) = below.first() {
            // Another folder, further on, may have been read sooner: what it holds stays below.
            let at = self.to_read.partition_point(|(_, job)| job.name() > first.name());
            self.to_read.splice(at..at, numbers.zip(below).rev());
        }
        contents
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs(names: &[&str]) -> Vec<Job> {
        names.iter().map(|name| Job::named(name)).collect()
    }

    #[test]
    fn folders_are_read_in_the_order_in_which_they_are_told_whichever_was_found_first() {
        let mut work = Work::default();
        work.take_on(Contents::default(), jobs(&["a/", "b-/", "b/", "c/"]));
        let taken = |work: &mut Work| work.take().unwrap().1.name().to_owned();
        assert_eq!([(); 3].map(|()| taken(&mut work)), ["a/", "b-/", "b/"]);
        work.take_on(Contents::default(), jobs(&["b-/y/", "b-/z/"]));
        let first = work.take_on(Contents::default(), jobs(&["a/x/"])).first_child;
        work.take_on(Contents::default(), jobs(&["b/d/", "b/e/"]));
        assert_eq!(work.to_read.last().unwrap().0, first);
        let order = ["a/x/", "b-/y/", "b-/z/", "b/d/", "b/e/", "c/"];
        assert_eq!([(); 6].map(|()| taken(&mut work)), order);
    }
}
