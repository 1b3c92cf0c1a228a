//! Why files wait: counted by reason, with the first few by name.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use uuid::Uuid;

use super::failure::{Failure, FailureKind};
use super::hindrance::Hindrance;
use super::plan::{Source, Want};
use super::wishes::WishId;
use crate::wire::{DisplayText, LootPath};

/// Files of one reason that are named.
const NAMED_MAX: usize = 5;

/// Why a file waits, the mildest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It could come, and its turn will.
    Turn,
    /// The operator paused all.
    Paused,
    /// A file with the same content comes; this one is copied from it then.
    SameContentComing,
    /// Whoever has it still reads it, to tell its content.
    ContentAwaited,
    /// Another version is here; this one comes if it lasts.
    MayPass,
    /// Enough nodes nearby hold it, or it is another's turn to take it.
    EnoughNearby,
    /// It failed before, and is tried again later.
    FailedBefore,
    /// The neighbour that has it failed, and is left alone for a while; the error.
    Resting(DisplayText, Failure),
    /// The neighbour that has it sent something else than it told.
    Distrusted(DisplayText),
    /// Who has it is not here now.
    Gone,
    /// Our disk, its bounds, or our folder.
    NoRoom(Hindrance),
}

impl Reason {
    /// In one word, for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Paused => "paused",
            Self::SameContentComing => "same-content",
            Self::ContentAwaited => "content-awaited",
            Self::MayPass => "may-pass",
            Self::EnoughNearby => "enough-nearby",
            Self::FailedBefore => "failed",
            Self::Resting(..) => "neighbour-failed",
            Self::Distrusted(_) => "neighbour-lied",
            Self::Gone => "gone",
            Self::NoRoom(_) => "no-room",
        }
    }

    /// For people.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Turn => "others come first".into(),
            Self::Paused => "paused by the operator".into(),
            Self::SameContentComing => "the same content is coming under another name".into(),
            Self::ContentAwaited => "whoever has it still reads it, to tell its content".into(),
            Self::MayPass => "another version of it is here; it comes if it lasts".into(),
            Self::EnoughNearby => "enough nodes nearby hold it, or it is another's turn to take it".into(),
            Self::FailedBefore => "it did not come when it was tried".into(),
            Self::Resting(who, why) => format!("{who} is left alone for a while: {why}"),
            Self::Distrusted(who) => format!("{who} sent something else than it told"),
            Self::Gone => "nobody who has it is here now".into(),
            Self::NoRoom(why) => why.to_string(),
        }
    }
}

/// Files counted, the first few of them named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The first of them, and their sizes.
    pub first: Vec<(LootPath, u64)>,
    /// When the first of them may be tried again, if that is known.
    pub until: Option<Instant>,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, path: &LootPath, size_bytes: u64) {
        self.files = self.files.saturating_add(1);
        self.bytes = self.bytes.saturating_add(size_bytes);
        if self.first.len() < NAMED_MAX {
            self.first.push((path.clone(), size_bytes));
        }
    }

    fn add_until(&mut self, want: &Want, until: Option<Instant>) {
        self.add(&want.path, want.size_bytes);
        self.until = [self.until, until].into_iter().flatten().min();
    }
}

/// All that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    reasons: BTreeMap<Reason, Tally>,
    /// Of each wish that stands in the queue, and until when if that is known.
    wishes: BTreeMap<WishId, (Reason, Option<Instant>)>,
}

/// How it stands with a neighbour that is here.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What it calls itself.
    pub name: DisplayText,
    /// It failed: until when it is left alone, and why.
    pub rests: Option<(Instant, Failure)>,
    /// It lied too often.
    pub is_distrusted: bool,
}

/// What is asked about single files.
#[derive(Debug)]
pub struct Doubts<P, L, C> {
    /// Until when that file is not asked of that neighbour, after failures.
    pub pause: P,
    /// Whether that neighbour lied about that file.
    pub lied: L,
    /// Whether its content is coming already.
    pub is_coming: C,
}

/// Names a reason without copying its text for each of a million files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Turn,
    SameContentComing,
    FailedBefore,
    Resting(Uuid),
    Distrusted(Uuid),
    Gone,
}

impl Waiting {
    /// Adds files with their reason.
    pub fn add(&mut self, reason: Reason, tally: Tally) {
        if tally.files > 0 {
            self.reasons.insert(reason, tally);
        }
    }

    /// Adds what stands in the queue, for the neighbours as they are.
    pub fn add_queue<'q, P, L, C>(
        &mut self,
        queue: impl Iterator<Item = &'q Want>,
        neighbours: &HashMap<Uuid, Standing>,
        doubts: &Doubts<P, L, C>,
    ) where
        P: Fn(&Want, &Source) -> Option<Instant>,
        L: Fn(&Want, &Source) -> bool,
        C: Fn(&Want) -> bool,
    {
        let mut tallies: HashMap<Key, Tally> = HashMap::new();
        for want in queue {
            let (key, until) = key_of(want, neighbours, doubts);
            tallies.entry(key).or_default().add_until(want, until);
            if let Some(id) = want.wish {
                self.wishes.insert(id, (reason(key, neighbours), until));
            }
        }
        for (key, tally) in tallies {
            self.add(reason(key, neighbours), tally);
        }
    }

    /// The reasons, the mildest first.
    pub fn reasons(&self) -> impl Iterator<Item = (&Reason, &Tally)> {
        self.reasons.iter()
    }

    /// Why a wish waits that stands in the queue.
    #[must_use]
    pub fn of_wish(&self, id: WishId) -> Option<&(Reason, Option<Instant>)> {
        self.wishes.get(&id)
    }

    /// How many files wait.
    #[must_use]
    pub fn files(&self) -> usize {
        self.reasons.values().fold(0, |sum, tally| sum.saturating_add(tally.files))
    }
}

/// Of the neighbours that have it, the one that is nearest to giving it decides.
fn key_of<P, L, C>(
    want: &Want,
    neighbours: &HashMap<Uuid, Standing>,
    doubts: &Doubts<P, L, C>,
) -> (Key, Option<Instant>)
where
    P: Fn(&Want, &Source) -> Option<Instant>,
    L: Fn(&Want, &Source) -> bool,
    C: Fn(&Want) -> bool,
{
    if (doubts.is_coming)(want) {
        return (Key::SameContentComing, None);
    }
    let obstacle = |source: &Source| {
        let Some(neighbour) = neighbours.get(&source.uuid) else { return (3, None, Key::Gone) };
        if neighbour.is_distrusted || (doubts.lied)(want, source) {
            return (2, None, Key::Distrusted(source.uuid));
        }
        let of_file = (doubts.pause)(want, source).map(|until| (1, Some(until), Key::FailedBefore));
        let rests = neighbour.rests.as_ref().map(|(until, _)| (1, Some(*until), Key::Resting(source.uuid)));
        // Both have to pass.
        of_file.into_iter().chain(rests).max_by_key(|(_, until, _)| *until).unwrap_or((0, None, Key::Turn))
    };
    let nearest = want.sources.iter().map(obstacle).min_by_key(|(rank, until, _)| (*rank, *until));
    nearest.map_or((Key::Gone, None), |(_, until, key)| (key, until))
}

fn reason(key: Key, neighbours: &HashMap<Uuid, Standing>) -> Reason {
    let name = |uuid| neighbours.get(&uuid).map(|standing| standing.name.clone()).unwrap_or_default();
    match key {
        Key::Turn => Reason::Turn,
        Key::SameContentComing => Reason::SameContentComing,
        Key::FailedBefore => Reason::FailedBefore,
        Key::Resting(uuid) => {
            let rests = neighbours.get(&uuid).and_then(|standing| standing.rests.clone());
            let why = rests.map(|(_, why)| why);
            Reason::Resting(name(uuid), why.unwrap_or_else(|| Failure::new(FailureKind::Unreachable, "")))
        }
        Key::Distrusted(uuid) => Reason::Distrusted(name(uuid)),
        Key::Gone => Reason::Gone,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FREE: Uuid = Uuid::from_u128(1);
    const RESTS: Uuid = Uuid::from_u128(2);
    const LIAR: Uuid = Uuid::from_u128(3);
    const GONE: Uuid = Uuid::from_u128(4);

    fn path(name: &str) -> LootPath {
        LootPath::parse(name.as_bytes()).unwrap()
    }

    fn want(name: &str, sources: &[Uuid]) -> Want {
        let source = |uuid: &Uuid| Source { uuid: *uuid, listed_name: name.into(), by_content: false };
        let sources = sources.iter().map(source).collect();
        Want { path: path(name), size_bytes: 10, digests: None, sources, replaces: None, mtime: None, wish: None }
    }

    fn neighbours(now: Instant) -> HashMap<Uuid, Standing> {
        let standing = |name: &str| Standing {
            name: DisplayText::from_bytes(name.as_bytes(), 9),
            rests: None,
            is_distrusted: false,
        };
        let rests = Some((now + Duration::from_secs(8), Failure::new(FailureKind::Unreachable, "refused")));
        HashMap::from([
            (FREE, standing("free")),
            (RESTS, Standing { rests, ..standing("rests") }),
            (LIAR, Standing { is_distrusted: true, ..standing("liar") }),
        ])
    }

    #[test]
    fn who_is_nearest_to_giving_it_says_why_it_waits() {
        let now = Instant::now();
        let rests = "rests is left alone for a while: refused";
        let after = |seconds| Some(now + Duration::from_secs(seconds));
        type Row = (&'static str, &'static [Uuid], &'static str, Option<Instant>);
        let rows: [Row; 10] = [
            ("turn", &[FREE], "others come first", None),
            ("one is free", &[GONE, LIAR, RESTS, FREE], "others come first", None),
            ("rest", &[RESTS], rests, after(8)),
            ("better than a liar", &[LIAR, RESTS], rests, after(8)),
            ("liar", &[LIAR, GONE], "liar sent something else than it told", None),
            ("gone", &[GONE], "nobody who has it is here now", None),
            ("nobody", &[], "nobody who has it is here now", None),
            ("failed", &[FREE], "it did not come when it was tried", after(3)),
            ("failed of who rests too", &[RESTS], rests, after(8)),
            ("twin", &[FREE], "the same content is coming under another name", None),
        ];
        let doubts = Doubts {
            pause: |want: &Want, _: &Source| want.path.as_str().starts_with("failed").then_some(after(3)).flatten(),
            lied: |_: &Want, _: &Source| false,
            is_coming: |want: &Want| want.path.as_str() == "twin",
        };
        for (name, sources, sentence, until) in rows {
            let mut waiting = Waiting::default();
            waiting.add_queue([want(name, sources)].iter(), &neighbours(now), &doubts);
            let told: Vec<_> = waiting.reasons().map(|(reason, tally)| (reason.sentence(), tally.until)).collect();
            assert_eq!(told, [(sentence.to_owned(), until)], "{name}");
        }
    }

    #[test]
    fn many_files_are_counted_and_few_of_them_named() {
        let now = Instant::now();
        let wants: Vec<Want> = (0..100).map(|n| want(&format!("{n:02}"), &[[FREE, RESTS][n % 2]])).collect();
        let never = Doubts {
            pause: |_: &Want, _: &Source| None,
            lied: |_: &Want, _: &Source| false,
            is_coming: |_: &Want| false,
        };
        let mut waiting = Waiting::default();
        waiting.add(Reason::NoRoom(Hindrance::Inodes), Tally::default());
        waiting.add_queue(wants.iter(), &neighbours(now), &never);
        let told: Vec<_> = waiting.reasons().map(|(reason, tally)| (reason.word(), tally.files, tally.bytes)).collect();
        assert_eq!(told, [("turn", 50, 500), ("neighbour-failed", 50, 500)]);
        assert_eq!(waiting.files(), 100);
        let first = &waiting.reasons().next().unwrap().1.first;
        assert_eq!((first.len(), first[4].0.as_str()), (NAMED_MAX, "08"));
    }
}
