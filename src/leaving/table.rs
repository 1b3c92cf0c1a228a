//! The downloads themselves: knowledge, with the time passed in.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use super::{Counts, Download, End, Going, LeavingView, Left, Way};
use crate::mirror::pace::Pace;

/// Downloads that are told apart, twice as many as there are connections by default; others count
/// for the sum alone.
const UNDER_WAY_MAX: usize = 4_096;
/// Downloads that ended and are shown.
const LATELY_MAX: usize = 50;
/// A host that asks for more of a file within this goes on with it.
const LINGER: Duration = Duration::from_secs(10);
/// Who went is looked for so often.
const SWEEP: Duration = Duration::from_secs(1);

/// Which answers are one download.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) way: Way,
    pub(super) host: IpAddr,
    pub(super) id: Box<str>,
}

#[derive(Debug)]
struct Entry {
    counts: Arc<Counts>,
    name: Box<str>,
    total_bytes: Option<u64>,
    began: Instant,
    /// Answers that are leaving.
    open: usize,
    /// When the last one ended.
    rested: Instant,
    /// It broke.
    is_broken: bool,
    pace: Pace,
}

#[derive(Debug)]
pub(super) struct Table {
    under_way: HashMap<Key, Entry>,
    lately: VecDeque<Left>,
    all: Pace,
    swept: Instant,
}

impl Entry {
    fn sent_bytes(&self) -> u64 {
        let sent = self.counts.sent_bytes.load(Ordering::Relaxed);
        self.total_bytes.map_or(sent, |total| sent.min(total))
    }

    fn is_whole(&self) -> bool {
        self.total_bytes.is_none_or(|total| self.sent_bytes() >= total)
    }

    fn download(&self, key: &Key) -> Download {
        Download {
            way: key.way,
            host: key.host,
            name: self.name.clone(),
            total_bytes: self.total_bytes,
            files: self.counts.files.load(Ordering::Relaxed),
            sent_bytes: self.sent_bytes(),
        }
    }

    fn left(&self, key: &Key) -> Left {
        let end = match (self.is_broken, self.is_whole()) {
            (true, _) => End::Broken,
            (false, true) => End::Whole,
            (false, false) => End::Part,
        };
        let took = self.rested.saturating_duration_since(self.began);
        Left { download: self.download(key), at: SystemTime::now(), took, end }
    }
}

impl Table {
    pub(super) fn new(now: Instant) -> Self {
        Self { under_way: HashMap::new(), lately: VecDeque::new(), all: Pace::starting(0, now), swept: now }
    }

    /// Its counts, and whether it is a download that was not under way. `sent_bytes` left in all
    /// until now.
    pub(super) fn begin(
        &mut self,
        key: &Key,
        name: &str,
        total_bytes: Option<u64>,
        sent_bytes: u64,
        now: Instant,
    ) -> (Arc<Counts>, bool) {
        self.sweep(now);
        if let Some(entry) = self.under_way.get_mut(key) {
            entry.open = entry.open.saturating_add(1);
            if entry.name.is_empty() {
                entry.name = name.into();
            }
            return (entry.counts.clone(), false);
        }
        let counts = Arc::new(Counts::default());
        if self.under_way.is_empty() {
            // The time in which nothing left does not count.
            self.all = Pace::starting(sent_bytes, now);
        }
        if self.under_way.len() >= UNDER_WAY_MAX {
            return (counts, false);
        }
        let entry = Entry {
            counts: counts.clone(),
            name: name.into(),
            total_bytes,
            began: now,
            open: 1,
            rested: now,
            is_broken: false,
            pace: Pace::starting(0, now),
        };
        self.under_way.insert(key.clone(), entry);
        (counts, true)
    }

    /// The answer ended that counted there. True when its download did too.
    pub(super) fn end(
        &mut self,
        key: &Key,
        counts: &Arc<Counts>,
        has_begun: bool,
        is_done: bool,
        now: Instant,
    ) -> bool {
        // One that found no place here is none of those that began after it.
        let of_it = self.under_way.get_mut(key).filter(|entry| Arc::ptr_eq(&entry.counts, counts));
        let Some(entry) = of_it else { return false };
        entry.open = entry.open.saturating_sub(1);
        if has_begun {
            (entry.rested, entry.is_broken) = (now, !is_done);
        }
        if entry.open > 0 {
            return false;
        }
        // Only its head was asked for.
        if entry.counts.sent_bytes.load(Ordering::Relaxed) == 0 && !is_done {
            self.under_way.remove(key);
            return true;
        }
        // Of many small files there may be more in a moment.
        let is_over = is_done && entry.total_bytes.is_some() && entry.is_whole();
        if is_over {
            self.leave(&key.clone());
        }
        is_over
    }

    pub(super) fn is_idle(&self) -> bool {
        self.under_way.values().all(|entry| entry.open == 0)
    }

    pub(super) fn view(&mut self, sent_bytes: u64, now: Instant) -> LeavingView {
        self.sweep(now);
        self.all.note(sent_bytes, now);
        let going = self.under_way.iter_mut().map(|(key, entry)| {
            entry.pace.note(entry.counts.sent_bytes.load(Ordering::Relaxed), now);
            let bytes_per_second = if entry.open > 0 { entry.pace.bytes_per_second(now) } else { 0 };
            Going { download: entry.download(key), began: entry.began, bytes_per_second }
        });
        let mut going: Vec<Going> = going.collect();
        going.sort_by(|a, b| (a.began, &a.download.name).cmp(&(b.began, &b.download.name)));
        let bytes_per_second = self.all.bytes_per_second(now);
        LeavingView { going, lately: self.lately.iter().cloned().collect(), bytes_per_second, ..LeavingView::default() }
    }

    /// Downloads that nobody went on with ended.
    fn sweep(&mut self, now: Instant) {
        if now.saturating_duration_since(self.swept) < SWEEP {
            return;
        }
        self.swept = now;
        let is_over = |entry: &Entry| entry.open == 0 && now.saturating_duration_since(entry.rested) >= LINGER;
        let over = self.under_way.iter().filter(|(_, entry)| is_over(entry)).map(|(key, _)| key.clone());
        let mut over: Vec<Key> = over.collect();
        over.sort_by_key(|key| self.under_way.get(key).map(|entry| entry.rested));
        over.iter().for_each(|key| self.leave(key));
    }

    fn leave(&mut self, key: &Key) {
        if let Some(entry) = self.under_way.remove(key) {
            self.lately.push_front(entry.left(key));
            self.lately.truncate(LATELY_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> Key {
        Key { way: Way::File, host: IpAddr::from([10, 0, 0, 1]), id: id.into() }
    }

    /// One answer of so many bytes.
    fn answer(table: &mut Table, id: &str, total: Option<u64>, bytes: u64, is_done: bool, now: Instant) {
        let (counts, _) = table.begin(&key(id), id, total, 0, now);
        counts.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        table.end(&key(id), &counts, bytes > 0, is_done, now);
    }

    #[test]
    fn how_a_download_ends() {
        type Row = (&'static str, &'static [(u64, u64, bool)], u64, Option<(End, u64)>);
        // Why, when how many bytes of 100 left and whether the answer was whole, when it is looked at.
        let rows: [Row; 8] = [
            ("all at once", &[(0, 100, true)], 0, Some((End::Whole, 100))),
            ("piece by piece", &[(0, 50, true), (9, 50, true)], 9, Some((End::Whole, 100))),
            ("it may go on", &[(0, 50, true)], 9, None),
            ("the rest came from others", &[(0, 50, true)], 10, Some((End::Part, 50))),
            ("who broke off may come back", &[(0, 50, false)], 9, None),
            ("and did not", &[(0, 50, false)], 10, Some((End::Broken, 50))),
            ("and did", &[(0, 50, false), (9, 50, true)], 9, Some((End::Whole, 100))),
            ("only its head was asked for", &[(0, 0, false)], 99, None),
        ];
        for (why, answers, at, expected) in rows {
            let start = Instant::now();
            let mut table = Table::new(start);
            let after = |seconds| start + Duration::from_secs(seconds);
            answers
                .iter()
                .for_each(|(when, bytes, done)| answer(&mut table, "a", Some(100), *bytes, *done, after(*when)));
            let lately = table.view(0, after(at)).lately;
            let ended = lately.first().map(|left| (left.end, left.download.sent_bytes));
            assert_eq!((ended, lately.len()), (expected, usize::from(expected.is_some())), "{why}");
        }
    }

    #[test]
    fn of_unknown_size_it_is_whole_when_its_answers_were() {
        let start = Instant::now();
        let mut table = Table::new(start);
        answer(&mut table, "a", None, 7, true, start);
        assert_eq!(table.view(0, start).going.len(), 1, "there may be more");
        assert_eq!(table.view(0, start + LINGER).lately[0].end, End::Whole);
    }

    #[test]
    fn each_has_its_speed_and_all_together() {
        let start = Instant::now();
        let mut table = Table::new(start);
        for (id, bytes) in [("a", 1_000), ("b", 3_000)] {
            table.begin(&key(id), id, Some(9_000), 0, start).0.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        let view = table.view(4_000, start + Duration::from_secs(2));
        let speeds: Vec<_> = view.going.iter().map(|going| (&*going.download.name, going.bytes_per_second)).collect();
        assert_eq!((speeds, view.bytes_per_second), (vec![("a", 500), ("b", 1_500)], 2_000));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let start = Instant::now();
        let mut table = Table::new(start);
        let mut begin = |n: usize| table.begin(&key(&n.to_string()), "n", Some(1), 0, start).0;
        let counts: Vec<Arc<Counts>> = (0..2 * UNDER_WAY_MAX).map(&mut begin).collect();
        assert_eq!(table.under_way.len(), UNDER_WAY_MAX);
        let last = 2 * UNDER_WAY_MAX - 1;
        let beyond = key(&last.to_string());
        assert!(!table.end(&beyond, &counts[last], true, true, start), "it counts for the sum alone");
        for n in 0..2 * LATELY_MAX {
            answer(&mut table, &n.to_string(), Some(1), 1, true, start);
        }
        assert_eq!(table.view(0, start).lately.len(), 0, "each has another answer open");
        for (n, counts) in counts.iter().enumerate().take(2 * LATELY_MAX) {
            table.end(&key(&n.to_string()), counts, true, true, start);
        }
        assert_eq!(table.view(0, start).lately.len(), LATELY_MAX);
        let (later, is_new) = table.begin(&beyond, "n", Some(1), 0, start);
        assert!(is_new && !table.end(&beyond, &counts[last], true, true, start), "one that found no place ended");
        assert!(table.end(&beyond, &later, false, false, start));
    }
}
