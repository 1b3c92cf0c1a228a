//! What a plan says: files to fetch, and what stands against others.

use uuid::Uuid;

use crate::loot::spool::PartKey;
use crate::mirror::failure::FailureKind;
use crate::mirror::shortages::Shortage;
use crate::mirror::waiting::Tally;
use crate::mirror::wishes::WishId;
use crate::wire::loot_path::Refusal;
use crate::wire::pieces::piece_count;
use crate::wire::{Content, Digests, LootPath};

/// Contents of less come whole from one neighbour: asking around would take longer.
const IN_PIECES_FROM_BYTES: u64 = 1 << 20;

/// Who has a file, and how it is to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The neighbour.
    pub uuid: Uuid,
    /// The name exactly as it lists it.
    pub listed_name: String,
    /// It has the content under another name.
    pub by_content: bool,
}

/// A file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The name it will have here.
    pub path: LootPath,
    /// Its size.
    pub size_bytes: u64,
    /// What names its content, where a holder tells it.
    pub digests: Option<Digests>,
    /// When that was changed last, where a holder tells it: seconds since 1970.
    pub mtime: Option<i64>,
    /// Who has it.
    pub sources: Vec<Source>,
    /// Our own version, which the mirror brought and its origin changed since.
    pub replaces: Option<Replaced>,
    /// The operator asked for it.
    pub wish: Option<WishId>,
}

/// A version of ours that is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its size.
    pub size_bytes: u64,
    /// From whom it came.
    pub origin: Uuid,
    /// It may be the user's own: it goes to the hidden folder, by the operator's word.
    pub is_kept: bool,
}

impl Want {
    /// What it must hold, if that is known.
    #[must_use]
    pub fn content(&self) -> Option<Content> {
        self.digests.map(|digests| digests.content())
    }

    /// Whether it comes piece by piece from all who have its content.
    #[must_use]
    pub fn comes_in_pieces(&self) -> bool {
        let is_listed = piece_count(self.size_bytes).is_some();
        self.digests.is_some() && self.size_bytes >= IN_PIECES_FROM_BYTES && is_listed
    }

    /// Its place in the spool while it comes from that neighbour.
    #[must_use]
    pub fn part_key(&self, origin: Uuid) -> PartKey {
        let content = self.content();
        PartKey { path: self.path.as_str().into(), size_bytes: self.size_bytes, origin, content }
    }

    /// Whose it is when it came from that source: of a neighbour that has it under this name.
    #[must_use]
    pub fn origin(&self, source: &Source) -> Uuid {
        let by_name = || self.sources.iter().find(|source| !source.by_content).map(|source| source.uuid);
        let named = if source.by_content { by_name() } else { None };
        self.replaces.map(|replaced| replaced.origin).or(named).unwrap_or(source.uuid)
    }
}

/// One name, two contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The name.
    pub path: LootPath,
    /// What a neighbour has of it.
    pub size_bytes: u64,
    /// What that holds, if it is told.
    pub content: Option<Content>,
    /// Which neighbours.
    pub holders: Vec<Uuid>,
    /// What becomes of it.
    pub outcome: Outcome,
}

/// What becomes of a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other version is here under this name.
    KeptBeside(LootPath),
    /// It is fetched to this name.
    Fetching(LootPath),
    /// It may pass by itself: fetched only if it lasts.
    Waiting,
    /// A file and a folder want one name, or two names differ only in case.
    CannotStandTogether,
    /// No name for it, or too many versions already.
    OnlyShown,
    /// It is newer than what the mirror brought, and fetched to its place.
    Replacing,
    /// The operator wants none beside another.
    Skipped,
    /// It is not newer than what the mirror brought, or brings, under that name.
    Older,
    /// Enough nodes nearby hold it, or it is for others to take.
    EnoughNearby,
}

/// The whole answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files to fetch, in the operator's order.
    pub wants: Vec<Want>,
    /// Conflicts.
    pub conflicts: Vec<Conflict>,
    /// Names that no rule forbids but some system cannot store.
    pub not_portable: Vec<(LootPath, Refusal)>,
    /// Files that the rules leave out.
    pub by_rule: usize,
    /// Files deleted here and offered still.
    pub deleted_here: usize,
    /// Names of which enough copies are nearby, or that are for others to take.
    pub enough_nearby: Tally,
    /// What there are too few copies of, whoever takes it.
    pub short: Vec<Shortage>,
    /// Files whose content is about to be told.
    pub awaited: Tally,
    /// Versions of which the operator said that they are left.
    pub settled: usize,
    /// What becomes of the wishes that are not among the wants.
    pub wishes: Vec<(WishId, Granting)>,
}

/// What becomes of a wish that is not fetched now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granting {
    /// It is here, under that name.
    Here(LootPath),
    /// Nobody who has it is here now.
    Nobody,
    /// What it holds is about to be told, or what our file of that name holds.
    Awaited,
    /// It cannot stand here.
    Impossible(FailureKind),
}

impl Plan {
    /// Bytes of all wants, saturating.
    #[must_use]
    pub fn wanted_bytes(&self) -> u64 {
        self.wants.iter().fold(0, |sum, want| sum.saturating_add(want.size_bytes))
    }
}
