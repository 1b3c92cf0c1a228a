//! What is coming here piece by piece: verified pieces are served to others while the rest is
//! still on its way, and who serves or tells of them looks here.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::folder::facts_of;
use crate::wire::{Content, PieceList, PieceSet};

/// A file that landed is served from here until its digests are known, but no longer than this.
const LANDED_SERVED: Duration = Duration::from_secs(600);

/// A handle to the table; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct UnderWay {
    contents: Arc<Mutex<BTreeMap<Content, Arc<Coming>>>>,
    changed: Arc<watch::Sender<u64>>,
}

/// A content that is coming here.
#[derive(Debug)]
pub struct Coming {
    content: Content,
    list: Arc<PieceList>,
    file: File,
    state: Mutex<State>,
    is_asked_for: AtomicBool,
    changed: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct State {
    have: PieceSet,
    /// The same pieces in the order in which they came.
    order: Vec<u32>,
    /// Since when it stands in the folder, and the time of change it had then.
    landed: Option<(Instant, i64)>,
}

impl UnderWay {
    /// Another download begins, or goes on with the pieces it `has`. Until the [`Entry`] is
    /// dropped, they are served.
    #[must_use]
    pub fn begin(&self, content: Content, list: Arc<PieceList>, file: File, has: PieceSet) -> Entry {
        let order = has.iter().filter_map(|piece| u32::try_from(piece).ok()).collect();
        let state = Mutex::new(State { have: has, order, landed: None });
        let coming = Arc::new(Coming {
            content,
            list,
            file,
            state,
            is_asked_for: AtomicBool::new(false),
            changed: self.changed.clone(),
        });
        self.lock().insert(content, coming.clone());
        note(&self.changed);
        Entry { under_way: self.clone(), coming }
    }

    /// The content, if it is coming here.
    #[must_use]
    pub fn get(&self, content: Content) -> Option<Arc<Coming>> {
        self.lock().get(&content).cloned()
    }

    /// All that is coming.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Coming>> {
        self.lock().values().cloned().collect()
    }

    /// A receiver that wakes when something more is here, or goes.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Lets go of what landed and is `known` by its digests, or stands there for long.
    pub fn tidy(&self, known: impl Fn(Content) -> bool, now: Instant) {
        let is_over = |coming: &Coming| {
            let since = coming.lock().landed.map(|(since, _)| since);
            since.is_some_and(|since| known(coming.content) || now.saturating_duration_since(since) >= LANDED_SERVED)
        };
        let mut contents = self.lock();
        let before = contents.len();
        contents.retain(|_, coming| !is_over(coming));
        let is_changed = contents.len() != before;
        drop(contents);
        if is_changed {
            note(&self.changed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Content, Arc<Coming>>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Coming {
    /// Of which content.
    #[must_use]
    pub fn content(&self) -> Content {
        self.content
    }

    /// What verifies its pieces.
    #[must_use]
    pub fn list(&self) -> &Arc<PieceList> {
        &self.list
    }

    /// A piece is here and right.
    pub fn came(&self, piece: u64) {
        let mut state = self.lock();
        if let (true, Ok(number)) = (state.have.insert(piece), u32::try_from(piece)) {
            state.order.push(number);
        }
        drop(state);
        note(&self.changed);
    }

    /// The pieces that are here.
    #[must_use]
    pub fn have(&self) -> PieceSet {
        self.lock().have.clone()
    }

    /// How many of them.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.lock().have.len()
    }

    /// The pieces that came after the first `seen`.
    #[must_use]
    pub fn since(&self, seen: usize) -> Vec<u32> {
        self.lock().order.get(seen..).unwrap_or_default().to_vec()
    }

    /// Whether all these pieces are here.
    #[must_use]
    pub fn has_all(&self, pieces: Range<u64>) -> bool {
        let state = self.lock();
        pieces.into_iter().all(|piece| state.have.contains(piece))
    }

    /// The file to read them from; none when it landed and somebody changed it since.
    #[must_use]
    pub fn open(&self) -> Option<File> {
        self.is_asked_for.store(true, Ordering::Relaxed);
        let landed = self.lock().landed;
        let is_unchanged = |(_, modified_ns): (Instant, i64)| {
            let facts = rustix::fs::fstat(&self.file).ok().and_then(|stat| facts_of(&stat));
            facts.is_some_and(|facts| facts.modified_ns == modified_ns && facts.size_bytes == self.list.size_bytes())
        };
        landed.is_none_or(is_unchanged).then(|| self.file.try_clone().ok()).flatten()
    }

    /// Whether others asked for pieces of it.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        self.is_asked_for.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a download in the table; given back when dropped, unless it landed.
#[derive(Debug)]
pub struct Entry {
    under_way: UnderWay,
    coming: Arc<Coming>,
}

impl Entry {
    /// What is coming.
    #[must_use]
    pub fn coming(&self) -> &Arc<Coming> {
        &self.coming
    }

    /// It stands in the folder now, changed last at `modified_ns`: served until its digests are
    /// known.
    pub fn landed(self, modified_ns: i64, now: Instant) {
        self.coming.lock().landed = Some((now, modified_ns));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.coming.lock().landed.is_some() {
            return;
        }
        let mut contents = self.under_way.lock();
        if contents.get(&self.coming.content).is_some_and(|coming| Arc::ptr_eq(coming, &self.coming)) {
            contents.remove(&self.coming.content);
        }
        drop(contents);
        note(&self.under_way.changed);
    }
}

fn note(changed: &watch::Sender<u64>) {
    changed.send_modify(|count| *count = count.wrapping_add(1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::PieceHasher;
    use crate::wire::pieces::PIECE_BYTES;

    fn list() -> (Content, Arc<PieceList>) {
        let mut hasher = PieceHasher::new();
        hasher.update(&vec![7; 3 * PIECE_BYTES as usize]);
        let list = hasher.finish().1.unwrap();
        (Content::new(list.root()), Arc::new(list))
    }

    fn begin(under_way: &UnderWay) -> (Entry, File) {
        let (content, list) = list();
        let file = tempfile::tempfile().unwrap();
        file.set_len(list.size_bytes()).unwrap();
        let entry = under_way.begin(content, list, file.try_clone().unwrap(), PieceSet::parse("1", 3).unwrap());
        (entry, file)
    }

    #[test]
    fn each_piece_is_told_once_in_the_order_in_which_they_came() {
        let under_way = UnderWay::default();
        let mut changed = under_way.subscribe();
        let (entry, _) = begin(&under_way);
        let coming = under_way.get(list().0).unwrap();
        assert!(changed.has_changed().unwrap());
        changed.mark_unchanged();
        coming.came(2);
        coming.came(2);
        assert!(changed.has_changed().unwrap());
        assert_eq!((coming.since(0), coming.since(1), coming.since(9)), (vec![1, 2], vec![2], vec![]));
        assert!(coming.has_all(1..3) && !coming.has_all(0..2));
        drop(entry);
        assert!(under_way.all().is_empty(), "a download that ends is not served any more");
    }

    #[test]
    fn what_landed_is_served_until_it_is_known_or_changed() {
        let under_way = UnderWay::default();
        let (entry, file) = begin(&under_way);
        let now = Instant::now();
        let facts = facts_of(&rustix::fs::fstat(&file).unwrap()).unwrap();
        entry.landed(facts.modified_ns, now);
        let coming = under_way.get(list().0).unwrap();
        assert!(coming.open().is_some());
        under_way.tidy(|_| false, now);
        assert_eq!(under_way.all().len(), 1);
        file.set_len(0).unwrap();
        assert!(coming.open().is_none(), "somebody changed it");
        under_way.tidy(|_| true, now);
        assert!(under_way.all().is_empty());
    }

    #[test]
    fn what_landed_is_not_kept_for_ever() {
        let under_way = UnderWay::default();
        let (entry, _) = begin(&under_way);
        let now = Instant::now();
        entry.landed(0, now);
        under_way.tidy(|_| false, now + LANDED_SERVED);
        assert!(under_way.all().is_empty());
    }
}
