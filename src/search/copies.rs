//! Which files on several shelves are the same: equal contents, and equal names and sizes where a
//! content is not known. Found once for a state of all shelves.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

use super::library::{Registered, Shelf};
use crate::wire::napster::Md5;

/// No file.
const NONE: u32 = u32::MAX;

/// The files of all shelves, each by its number, grouped. On a single shelf each is its own group:
/// then nothing is kept.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// The first of the group, for each file.
    leaders: Box<[u32]>,
    /// The next of the group, for each file.
    next: Box<[u32]>,
    /// On how many shelves the group is, for each first one.
    shelves: Box<[u16]>,
}

impl Copies {
    /// Of the shelves in their order, and what is registered behind them.
    pub(super) fn of(shelves: &[Shelf], registered: &[Registered], files: usize) -> Self {
        if shelves.len().saturating_add(usize::from(!registered.is_empty())) < 2 {
            return Self::default();
        }
        let mut grouping = Grouping::with_room_for(files);
        for (number, shelf) in (0_u32..).zip(shelves) {
            let digests = shelf.known_digests();
            for (position, name) in shelf.index.names().enumerate() {
                let size_bytes = shelf.index.size_at(position).unwrap_or_default();
                let line = grouping.seed.hash_one((name, size_bytes));
                // Nothing is nothing under whatever name.
                let md5 = digests.and_then(|digests| digests.get(position)).map(|digests| digests.md5);
                grouping.meet(number, line, md5.map(|md5| grouping.key(md5)), size_bytes > 0);
            }
        }
        for file in registered {
            grouping.meet_registered(grouping.key(file.md5));
        }
        grouping.finish()
    }

    /// Whether nothing is kept: each file is its own group.
    pub(super) fn are_none(&self) -> bool {
        self.leaders.is_empty()
    }

    /// The first of its group.
    pub(super) fn leader(&self, file: u32) -> u32 {
        self.leaders.get(file as usize).copied().unwrap_or(file)
    }

    /// All of its group, rising.
    pub(super) fn members(&self, file: u32) -> impl Iterator<Item = u32> {
        let following = |file: &u32| self.next.get(*file as usize).copied().filter(|next| *next != NONE);
        std::iter::successors(Some(self.leader(file)), following)
    }

    /// On how many shelves its group is; `None` if there is but one shelf.
    pub(super) fn shelves(&self, leader: u32) -> Option<u16> {
        self.shelves.get(leader as usize).copied()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let numbers = size_of_val(&*self.leaders).saturating_add(size_of_val(&*self.next));
        numbers.saturating_add(size_of_val(&*self.shelves))
    }
}

/// What is known of a group while files are met.
#[derive(Clone, Copy)]
struct Group {
    leader: u32,
    last: u32,
    last_shelf: u32,
    shelves: u16,
    /// 0: not known.
    md5: u64,
}

struct Grouping {
    seed: RandomState,
    groups: Vec<Group>,
    /// Numbers of groups. The keys are made with a secret of this process: nobody can find two
    /// names that are one here.
    by_line: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    by_md5: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    leaders: Vec<u32>,
    next: Vec<u32>,
}

impl Grouping {
    fn with_room_for(files: usize) -> Self {
        Self {
            seed: RandomState::new(),
            groups: Vec::with_capacity(files),
            by_line: HashMap::with_capacity_and_hasher(files, BuildHasherDefault::default()),
            by_md5: HashMap::default(),
            leaders: Vec::with_capacity(files),
            next: Vec::with_capacity(files),
        }
    }

    fn key(&self, md5: Md5) -> u64 {
        self.seed.hash_one(md5).max(1)
    }

    /// The next file. A content that the same shelf holds under another name is a group of its own:
    /// no name of a node disappears.
    fn meet(&mut self, shelf: u32, line: u64, md5: Option<u64>, has_bytes: bool) {
        let by_content = md5.filter(|_| has_bytes);
        let takes = |group: &u32| {
            let group = self.groups.get(*group as usize);
            group.is_some_and(|group| {
                group.last_shelf != shelf && md5.is_none_or(|md5| group.md5 == 0 || group.md5 == md5)
            })
        };
        let same_line = self.by_line.get(&line).copied().filter(takes);
        let taker = same_line.or_else(|| self.by_md5.get(&by_content?).copied().filter(takes));
        let group = taker.unwrap_or_else(|| self.begin(shelf, md5));
        if taker.is_some() {
            self.join(group, shelf, md5);
        }
        self.by_line.entry(line).or_insert(group);
        if let Some(md5) = by_content {
            self.by_md5.entry(md5).or_insert(group);
        }
    }

    /// What is registered counts for no shelf, and as often as it likes.
    fn meet_registered(&mut self, md5: u64) {
        match self.by_md5.get(&md5).copied() {
            Some(group) => self.append(group),
            None => {
                let group = self.begin(NONE, Some(md5));
                if let Some(group) = self.groups.get_mut(group as usize) {
                    group.shelves = 0;
                }
                self.by_md5.insert(md5, group);
            }
        }
    }

    fn begin(&mut self, shelf: u32, md5: Option<u64>) -> u32 {
        let file = self.next_file();
        self.leaders.push(file);
        self.next.push(NONE);
        self.groups.push(Group { leader: file, last: file, last_shelf: shelf, shelves: 1, md5: md5.unwrap_or(0) });
        u32::try_from(self.groups.len().saturating_sub(1)).unwrap_or(NONE)
    }

    fn join(&mut self, group: u32, shelf: u32, md5: Option<u64>) {
        self.append(group);
        if let Some(group) = self.groups.get_mut(group as usize) {
            group.last_shelf = shelf;
            group.shelves = group.shelves.saturating_add(1);
            group.md5 = md5.unwrap_or(group.md5);
        }
    }

    fn append(&mut self, group: u32) {
        let file = self.next_file();
        let Some(group) = self.groups.get_mut(group as usize) else { return };
        if let Some(next) = self.next.get_mut(group.last as usize) {
            *next = file;
        }
        group.last = file;
        self.leaders.push(group.leader);
        self.next.push(NONE);
    }

    fn next_file(&self) -> u32 {
        u32::try_from(self.leaders.len()).unwrap_or(NONE)
    }

    fn finish(self) -> Copies {
        let mut shelves = vec![0; self.leaders.len()];
        for group in &self.groups {
            if let Some(count) = shelves.get_mut(group.leader as usize) {
                *count = group.shelves;
            }
        }
        Copies { leaders: self.leaders.into(), next: self.next.into(), shelves: shelves.into() }
    }
}

/// Keys that are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
