//! Our loot: the files this node offers.
//!
//! [`Loot`] is the handle everybody holds: it gives the current [`Snapshot`] (index, its exact
//! bytes and HMAC, always one consistent triple), opens files, and takes hints that something
//! changed. The [keeper] behind it is the only one that walks the disk.

mod changed_names;
pub mod deliveries;
pub mod digests;
pub mod folder;
pub mod hints;
mod history;
pub mod inbox;
pub mod keeper;
mod kept;
pub mod landing;
pub mod landing_many;
pub mod ledger;
pub mod listing;
mod record_log;
pub mod residence;
pub mod scan;
pub mod space;
pub mod spool;
pub mod stored;
pub(crate) mod stored_lines;
pub mod under_way;
pub mod watch;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::watch as channel;

pub use digests::{Hashed, Hashing};
pub use folder::{FileFacts, LootFile, LootFolder, OpenError};
pub use ledger::Ledger;
pub use listing::HeldBack;
pub use under_way::UnderWay;

use self::changed_names::ChangedNames;
use self::digests::desk::Desk;
use self::digests::lists::Lists;
use self::hints::{Hint, Hints};
use self::history::History;
use crate::wire::index::changes::emit_changes;
use crate::wire::index::{Edit, Entry};
use crate::wire::napster::Md5;
use crate::wire::pieces::{PIECE_BYTES, piece_count};
use crate::wire::{DigestTable, Index, IndexHmac, IndexKey, LootPath, PieceList};

/// Of files of one content, so many are tried: of empty ones there may be very many, and none where
/// it was.
const HOLDERS_TRIED: usize = 64;

/// One state of our loot. Immutable: readers keep the one they have.
#[derive(Debug)]
pub struct Snapshot {
    /// Names and sizes; its text is what is served.
    pub index: Arc<Index>,
    /// Over those bytes, with the key we announce to everybody.
    pub hmac: IndexHmac,
    /// When it was made.
    pub made: SystemTime,
    /// False until the folder has been read or a stored index was found: nothing to announce yet.
    pub announceable: bool,
    hmac_practised: Option<OnceLock<IndexHmac>>,
    history: History,
    changed: ChangedNames,
}

impl Snapshot {
    /// Makes the triple.
    #[must_use]
    pub fn new(index: impl Into<Arc<Index>>, key: &IndexKey, announceable: bool) -> Self {
        let index = index.into();
        let hmac = IndexHmac::of(index.text(), key);
        let hmac_practised = (*key == IndexKey::Specified).then(OnceLock::new);
        Self {
            index,
            hmac,
            hmac_practised,
            made: SystemTime::now(),
            announceable,
            history: History::default(),
            changed: ChangedNames::default(),
        }
    }

    /// The next state, with what became of this one's index.
    #[must_use]
    pub fn followed_by(&self, index: impl Into<Arc<Index>>, edit: Edit, key: &IndexKey) -> Self {
        let index = index.into();
        let changed = self.changed.with(self.hmac, &self.index, &index, &edit);
        let history = self.history.with(&self.index, edit);
        let next = Self { history, changed, ..Self::new(index, key, true) };
        if self.hmac_practised.as_ref().is_some_and(|made| made.get().is_some()) {
            next.hmac_practised(); // it will be asked for again, by somebody who should not wait
        }
        next
    }

    /// Whether it is known what changed since the state of that HMAC.
    #[must_use]
    pub fn knows_changes_since(&self, hmac: &IndexHmac) -> bool {
        self.hmac == *hmac || self.changed.knows(hmac)
    }

    /// What changed since, to be sent (`docs/PROTOCOL.md`, section 6); none if that is not known.
    #[must_use]
    pub fn changes_since(&self, hmac: &IndexHmac) -> Option<String> {
        let names = if self.hmac == *hmac { Vec::new() } else { self.changed.since(hmac)? };
        Some(emit_changes(hmac, &self.hmac, &self.index, names.into_iter()))
    }

    /// The HMAC with the key the existing programs use; `None` with a pre-shared key. It is made
    /// when somebody asks for the first time: where there is no such program, nobody does.
    pub fn hmac_practised(&self) -> Option<IndexHmac> {
        let made = self.hmac_practised.as_ref()?;
        Some(*made.get_or_init(|| IndexHmac::of(self.body(), &IndexKey::Practised)))
    }

    /// What became of `before` to make this index, if that is known: for some of the last states
    /// it is, and then whoever holds something beside them follows at the cost of the change.
    #[must_use]
    pub fn edit_from(&self, before: &Arc<Index>) -> Option<Arc<Edit>> {
        if Arc::ptr_eq(before, &self.index) {
            return Some(Arc::new(Edit::nothing(self.index.len())));
        }
        self.history.since(before)
    }

    /// The exact bytes of the index.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        self.index.text()
    }
}

/// Why there is no list of pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PiecesError {
    /// No file of ours is known to hold it, or its list is none that is kept.
    #[error("there is no list of the pieces of that content")]
    Unknown,
    /// Its file is read again for it.
    #[error("the list of its pieces is being made")]
    NotYet,
}

/// What the folder is doing, for those who look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LootState {
    /// The first walk is under way.
    Scanning,
    /// The index follows the folder.
    Following,
    /// The folder is not there; the last index stays published. A sentence says what is missing.
    Missing(Box<str>),
}

/// What the operator sees of the loot beside its files.
#[derive(Clone, Debug)]
pub struct LootStatus {
    /// What the folder is doing.
    pub state: LootState,
    /// Why changes are found by rescans only, where the system's watching has run out.
    pub watch_limited: Option<Box<str>>,
    /// When the last whole walk ended.
    pub scanned_at: Option<SystemTime>,
    /// The first of what is not offered.
    pub held_back: Arc<[HeldBack]>,
    /// How much is not offered.
    pub held_back_count: usize,
}

/// A handle to our loot; cheap to clone.
#[derive(Clone, Debug)]
pub struct Loot {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: RwLock<Arc<LootFolder>>,
    before: Mutex<Option<Arc<Index>>>,
    snapshot: channel::Sender<Arc<Snapshot>>,
    hashed: RwLock<Arc<Hashed>>,
    digests: channel::Sender<Arc<DigestTable>>,
    lists: Lists,
    under_way: UnderWay,
    desk: Desk,
    status: Mutex<LootStatus>,
    seen: AtomicUsize,
    hints: Hints,
}

impl Shared {
    /// The next snapshot, for everybody.
    fn offer(&self, snapshot: Snapshot) {
        self.snapshot.send_replace(Arc::new(snapshot));
        self.desk.index_changed();
    }
}

impl Loot {
    /// The state to read from.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.borrow().clone()
    }

    /// What the folder held when the last run ended, if that is known; it is given once.
    #[must_use]
    pub fn take_before(&self) -> Option<Arc<Index>> {
        self.shared.before.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A receiver that wakes at each new snapshot.
    #[must_use]
    pub fn subscribe(&self) -> channel::Receiver<Arc<Snapshot>> {
        self.shared.snapshot.subscribe()
    }

    /// The digests that are known of our files.
    #[must_use]
    pub fn digests(&self) -> Arc<DigestTable> {
        self.shared.digests.borrow().clone()
    }

    /// The same with the index beside which they stand, and what is still to come.
    #[must_use]
    pub fn hashed(&self) -> Arc<Hashed> {
        self.shared.hashed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is still to be read for its digests.
    #[must_use]
    pub fn hashing(&self) -> Hashing {
        self.hashing_of(&self.hashed())
    }

    /// The same as far as that state knows. Before the folder was read, and beside an older index,
    /// nobody has counted yet: one file at least, so that nobody takes it for all.
    #[must_use]
    pub fn hashing_of(&self, hashed: &Hashed) -> Hashing {
        let snapshot = self.snapshot();
        let is_counted = snapshot.announceable && Arc::ptr_eq(&snapshot, &hashed.snapshot);
        let left = hashed.hashing.left.max(usize::from(!is_counted));
        Hashing { left, ..hashed.hashing }
    }

    /// A receiver that wakes when more digests are known, or others.
    #[must_use]
    pub fn subscribe_digests(&self) -> channel::Receiver<Arc<DigestTable>> {
        self.shared.digests.subscribe()
    }

    /// Opens a file of that content. Blocks. A file that is not as it was when it was read is not
    /// given, but read again soon.
    ///
    /// # Errors
    /// [`OpenError::Missing`] when no file is known to hold it now.
    pub fn open_by_md5(&self, md5: Md5) -> Result<(LootPath, LootFile), OpenError> {
        let hashed = self.hashed();
        self.open_unchanged(&hashed, hashed.table.holders(md5))
    }

    /// The same by BLAKE3.
    ///
    /// # Errors
    /// [`OpenError::Missing`] when no file is known to hold it now.
    pub fn open_by_blake3(&self, blake3: [u8; 32]) -> Result<(LootPath, LootFile), OpenError> {
        let hashed = self.hashed();
        self.open_unchanged(&hashed, hashed.table.holders_of(blake3))
    }

    fn open_unchanged<'e>(
        &self,
        hashed: &Hashed,
        holders: impl Iterator<Item = (usize, Entry<'e>)>,
    ) -> Result<(LootPath, LootFile), OpenError> {
        for (position, entry) in holders.take(HOLDERS_TRIED) {
            let path = entry.path();
            match self.open_file(&path) {
                Ok(opened) if hashed.is_of(position, &opened.facts) => return Ok((path, opened)),
                Ok(_) | Err(_) => self.shared.desk.touched(entry.name),
            }
        }
        Err(OpenError::Missing)
    }

    /// How long a content is that a file of ours held when it was read.
    #[must_use]
    pub fn size_of(&self, blake3: [u8; 32]) -> Option<u64> {
        self.hashed().table.holders_of(blake3).next().map(|(_, entry)| entry.size_bytes)
    }

    /// The pieces of a content of ours. Blocks.
    ///
    /// # Errors
    /// [`PiecesError`].
    pub fn pieces(&self, blake3: [u8; 32]) -> Result<PieceList, PiecesError> {
        let hashed = self.hashed();
        let (_, entry) = hashed.table.holders_of(blake3).next().ok_or(PiecesError::Unknown)?;
        let size_bytes = entry.size_bytes;
        if size_bytes <= PIECE_BYTES {
            let only: &[u8] = if size_bytes == 0 { &[] } else { &blake3 };
            return PieceList::parse(only, size_bytes, &blake3).map_err(|_| PiecesError::Unknown);
        }
        let lists = &self.shared.lists;
        lists.get(&blake3, size_bytes).ok_or_else(|| {
            if piece_count(size_bytes).is_none() || !lists.are_kept() {
                return PiecesError::Unknown;
            }
            self.shared.desk.wants_list(entry.name);
            PiecesError::NotYet
        })
    }

    /// What is coming here piece by piece.
    #[must_use]
    pub fn under_way(&self) -> &UnderWay {
        &self.shared.under_way
    }

    /// The folder as it is open now.
    #[must_use]
    pub fn folder(&self) -> Arc<LootFolder> {
        self.shared.folder.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens a file that a neighbour or a browser asks for. What would not be listed is not
    /// served either.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_file(&self, path: &LootPath) -> Result<LootFile, OpenError> {
        if path.listable().is_err() {
            return Err(OpenError::Missing);
        }
        self.folder().open_file(path)
    }

    /// The same if no disk has to be waited for.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_cached(&self, path: &LootPath) -> Option<Result<LootFile, OpenError>> {
        if path.listable().is_err() {
            return Some(Err(OpenError::Missing));
        }
        self.folder().open_cached(path)
    }

    /// What the folder is doing.
    #[must_use]
    pub fn status(&self) -> LootStatus {
        self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Files met by the walk that is under way.
    #[must_use]
    pub fn files_seen(&self) -> usize {
        self.shared.seen.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// A file was landed by us: it is whole, list it now.
    pub fn landed(&self, path: &LootPath) {
        self.shared.hints.send(Hint::Whole(path.as_str().into()));
    }

    /// Walk the whole folder again, soon.
    pub fn rescan(&self) {
        self.shared.hints.send(Hint::Rescan);
    }
}
