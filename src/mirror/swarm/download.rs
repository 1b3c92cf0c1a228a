//! One content from all who have it: lists its pieces, finds what is here of it, and keeps lanes
//! to its holders until it is whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::time::timeout;
use uuid::Uuid;

use super::Picker;
use super::crew::Crew;
use super::lanes::Lanes;
use super::sources::Sources;
use crate::fetch::FetchError;
use crate::fetch::client::Dialling;
use crate::fetch::pieces::fetch_list;
use crate::loot::Loot;
use crate::loot::space::Reservation;
use crate::loot::spool::pieces::PieceFile;
use crate::loot::spool::{Part, PartKey, Spool};
use crate::loot::under_way::Entry;
use crate::mirror::job::{blocking, connect};
use crate::mirror::lies::SharedLies;
use crate::mirror::progress::Progress;
use crate::mirror::rules::Permits;
use crate::neighbours::Neighbourhood;
use crate::wire::pieces::{HASH_BYTES, piece_count};
use crate::wire::{Content, LootPath, PieceList, PieceSet};

/// What holders tell is gathered so long.
const GATHER: Duration = Duration::from_millis(15);
/// Holders that rested are looked for so often.
const RESTED: Duration = Duration::from_millis(300);
/// What is late is looked for so often.
const TICK: Duration = Duration::from_millis(100);
/// When nothing came for so long, the download ends; another one goes on later …
const STARVED: Duration = Duration::from_secs(30);
/// … and when there is nobody to ask.
const ALONE: Duration = Duration::from_secs(5);
/// A holder that still makes its list is asked again after this, so often.
const LIST_PAUSE: Duration = Duration::from_millis(500);
const LIST_TRIES: u32 = 10;

/// The list comes within this time …
const LIST_WAIT: Duration = Duration::from_secs(10);
/// … and that in which it comes at so many bytes a second: others have it too.
const LIST_BYTES_PER_MS: u64 = 64;

/// What is to be brought, and with what.
#[derive(Debug)]
pub struct Download<'d> {
    /// Which content.
    pub content: Content,
    /// Its size.
    pub size_bytes: u64,
    /// The name it is to have, to remember who lied about it.
    pub path: &'d LootPath,
    /// Who is here.
    pub neighbourhood: &'d Neighbourhood,
    /// Who lied.
    pub lies: &'d SharedLies,
    /// From whom it may come.
    pub permits: &'d Permits,
    /// Told what is here of it.
    pub loot: &'d Loot,
    /// Where it lies meanwhile.
    pub spool: &'d Spool,
    /// Its space.
    pub reservation: &'d mut Reservation,
    /// How far it is.
    pub progress: &'d Progress,
    /// How neighbours are dialled.
    pub dialling: &'d Dialling,
}

/// A content that is whole.
#[derive(Debug)]
pub struct Whole {
    /// Ready to land.
    pub part: Part,
    /// Its place among what is served while it comes; until it is dropped.
    pub entry: Entry,
}

/// The name of the download in the spool: whoever gives it, it is one.
#[must_use]
pub fn part_key(path: &LootPath, size_bytes: u64, content: Content) -> PartKey {
    PartKey { path: path.as_str().into(), size_bytes, origin: Uuid::nil(), content: Some(content) }
}

impl Download<'_> {
    /// Brings it. None when no neighbour tells its pieces: it has to come whole from one then.
    ///
    /// # Errors
    /// [`FetchError::NoHolder`] when nobody gives it any more; [`FetchError::Store`] of our disk.
    /// What came stays in the spool.
    pub async fn run(mut self) -> Result<Option<Whole>, FetchError> {
        let salt = fastrand::u64(..);
        let (content, size_bytes) = (self.content, self.size_bytes);
        let (neighbourhood, lies, permits) = (self.neighbourhood.clone(), self.lies.clone(), self.permits.clone());
        let sources = Sources::new(neighbourhood, lies, permits, content, size_bytes, salt);
        let mut lanes = Lanes::new(sources, self.dialling.clone());
        let Some(list) = self.list(&mut lanes).await? else { return Ok(None) };
        let list = Arc::new(list);
        let (spool, key) = (self.spool.clone(), part_key(self.path, size_bytes, content));
        let mut part = blocking(move || spool.part_in_pieces(&key)).await??;
        let pieces = part.pieces(&list)?;
        let have = read_back(&pieces).await?;
        let here_bytes = bytes_of(&have, &list);
        self.progress.note_here(here_bytes);
        self.reservation
            .cover(size_bytes.saturating_sub(here_bytes))
            .map_err(|full| FetchError::Store(std::io::Error::new(std::io::ErrorKind::StorageFull, full)))?;
        let entry = self.loot.under_way().begin(content, list.clone(), pieces.file()?, have.clone());
        let picker = Picker::new(size_bytes, have, salt);
        let crew = Crew::new(content, pieces, entry.coming().clone(), self.progress.clone(), picker);
        let crew = Arc::new(crew);
        self.gather(&crew, lanes).await?;
        let pieces = crew.pieces().clone();
        blocking(move || pieces.close()).await?;
        part.note_whole(&list);
        Ok(Some(Whole { part, entry }))
    }

    /// The list of its pieces, from the first who has it. Holders of a part have it too.
    async fn list(&self, lanes: &mut Lanes) -> Result<Option<PieceList>, FetchError> {
        // A few bytes for each piece: no limit holds for them.
        let dialling = Dialling::unlimited(self.dialling.from);
        for _ in 0..LIST_TRIES {
            let mut is_being_made = false;
            for (uuid, services) in lanes.sources.able(Instant::now()) {
                let asked = async {
                    let mut connection = connect(&services, &dialling).await?;
                    fetch_list(&mut connection, self.content, self.size_bytes).await
                };
                let wait = list_wait(self.size_bytes);
                match timeout(wait, asked).await.unwrap_or(Err(FetchError::TimedOut(wait))) {
                    Ok(list) => return Ok(Some(list)),
                    Err(FetchError::Status(StatusCode::SERVICE_UNAVAILABLE)) => is_being_made = true,
                    Err(FetchError::Status(StatusCode::NOT_FOUND)) => {}
                    Err(error) => {
                        tracing::debug!(%uuid, %error, "no list of pieces");
                        lanes.sources.failed(uuid, Instant::now());
                    }
                }
            }
            if !is_being_made {
                return Ok(None);
            }
            tokio::time::sleep(LIST_PAUSE).await;
        }
        Ok(None)
    }

    async fn gather(&mut self, crew: &Arc<Crew>, mut lanes: Lanes) -> Result<(), FetchError> {
        let mut holders = self.neighbourhood.holders().subscribe();
        let mut manifests = self.neighbourhood.subscribe_manifests();
        let mut changed = crew.subscribe();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut rested = tokio::time::interval(RESTED);
        let (mut look_at, mut hear_at) = (Some(Instant::now()), None);
        let mut supply = Supply::new(self.progress.here_bytes());
        while !crew.is_done() {
            tokio::select! {
                Ok(()) = changed.changed() => {}
                Ok(()) = holders.changed(), if hear_at.is_none() => hear_at = Some(Instant::now() + GATHER),
                () = sleep_until(hear_at), if hear_at.is_some() => {
                    hear_at = None;
                    if !lanes.hear(crew) {
                        look_at.get_or_insert(lanes.next_look());
                    }
                }
                Ok(()) = manifests.changed(), if look_at.is_none() => look_at = Some(lanes.next_look()),
                () = sleep_until(look_at), if look_at.is_some() => {
                    look_at = None;
                    lanes.look(crew);
                }
                Some(ended) = lanes.join_next() => {
                    lanes.ended(crew, ended, self.path)?;
                    look_at.get_or_insert(lanes.next_look());
                }
                _ = tick.tick() => {
                    lanes.give_up_late(crew);
                    crew.ask();
                }
                _ = rested.tick() => {
                    look_at.get_or_insert(Instant::now());
                }
            }
            self.reservation.written(supply.came(self.progress.here_bytes()));
            if supply.is_exhausted(crew.heard_count(), lanes.are_none(), Instant::now()) {
                return Err(FetchError::NoHolder);
            }
        }
        Ok(())
    }
}

/// How long the list of a content of that size may take.
fn list_wait(size_bytes: u64) -> Duration {
    let list_bytes = piece_count(size_bytes).unwrap_or(0).saturating_mul(HASH_BYTES);
    LIST_WAIT.saturating_add(Duration::from_millis(list_bytes / LIST_BYTES_PER_MS))
}

/// Whether anything comes at all.
#[derive(Debug)]
struct Supply {
    here_bytes: u64,
    heard_count: u64,
    heard: Instant,
}

impl Supply {
    fn new(here_bytes: u64) -> Self {
        Self { here_bytes, heard_count: 0, heard: Instant::now() }
    }

    /// So much is here; returns what is new.
    fn came(&mut self, here_bytes: u64) -> u64 {
        let more = here_bytes.saturating_sub(self.here_bytes);
        self.here_bytes = self.here_bytes.saturating_add(more);
        more
    }

    /// Nothing was heard for too long. Who is slow is heard all the same.
    fn is_exhausted(&mut self, heard_count: u64, is_alone: bool, now: Instant) -> bool {
        if heard_count != self.heard_count {
            (self.heard_count, self.heard) = (heard_count, now);
        }
        now.saturating_duration_since(self.heard) >= if is_alone { ALONE } else { STARVED }
    }
}

/// Finds what an earlier run left.
async fn read_back(pieces: &PieceFile) -> Result<PieceSet, FetchError> {
    let mut reading = pieces.read_back();
    loop {
        let step = blocking(move || reading.step().map(|found| (reading, found)));
        match step.await?? {
            (_, Some(found)) => return Ok(found),
            (rest, None) => reading = rest,
        }
    }
}

fn bytes_of(pieces: &PieceSet, list: &PieceList) -> u64 {
    let bytes = pieces.iter().map(|piece| list.range(piece)).map(|range| range.end.saturating_sub(range.start));
    bytes.fold(0, u64::saturating_add)
}

async fn sleep_until(at: Option<Instant>) {
    tokio::time::sleep_until(at.unwrap_or_else(Instant::now).into()).await;
}
