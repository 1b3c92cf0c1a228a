//! The best of all that was found: only so many are kept as are told, however many are met.

use std::cmp::Ordering;

use super::library::Library;
use super::matching::Match;
use super::request::{By, Order};

/// A hit while it is compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    /// What it is compared by, the smaller the better; of equals the name tells.
    key: u64,
    /// Its number in the library.
    pub(super) file: u32,
}

/// The best so far.
pub(super) struct Best<'l> {
    library: &'l Library,
    order: Order,
    most: usize,
    /// Up to twice as many as are wanted, in no order.
    kept: Vec<Ranked>,
    /// What comes after this is not among them.
    last: Option<Ranked>,
}

impl<'l> Best<'l> {
    pub(super) fn new(library: &'l Library, order: Order, most: usize) -> Self {
        Self { library, order, most, kept: Vec::new(), last: None }
    }

    /// A hit that was met, on so many shelves.
    pub(super) fn offer(&mut self, file: u32, found: Match, shelves: u16) {
        if self.most == 0 {
            return;
        }
        let hit = Ranked { key: self.key(file, found, shelves), file };
        if self.last.is_some_and(|last| self.compare(&hit, &last) != Ordering::Less) {
            return;
        }
        self.kept.push(hit);
        if self.kept.len() >= self.most.saturating_mul(2).max(64) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let mut kept = std::mem::take(&mut self.kept);
        if kept.len() > self.most {
            let at = self.most.saturating_sub(1);
            let (_, last, _) = kept.select_nth_unstable_by(at, |a, b| self.compare(a, b));
            self.last = Some(*last);
            kept.truncate(self.most);
        }
        self.kept = kept;
    }

    /// Those that were wanted, the best first.
    pub(super) fn into_sorted(mut self) -> Vec<Ranked> {
        self.cut();
        let mut kept = std::mem::take(&mut self.kept);
        kept.sort_unstable_by(|a, b| self.compare(a, b));
        kept
    }

    fn key(&self, file: u32, found: Match, shelves: u16) -> u64 {
        let key = match self.order.by {
            By::Relevance => {
                let rare = u64::from(u16::MAX.saturating_sub(shelves));
                u64::from(found.class) << 32 | rare << 16 | u64::from(found.length)
            }
            By::Name => beginning(self.library.folded_name(file)),
            By::Size => return self.known_last(self.size_bytes(file).map(|size| !size)),
            By::Holders => !u64::from(shelves),
            By::Age => {
                return self.known_last(self.library.mtime(file).map(|mtime| !(mtime.cast_unsigned() ^ 1 << 63)));
            }
        };
        if self.order.reversed { !key } else { key }
    }

    /// What is not known comes last, whichever way round.
    fn known_last(&self, key: Option<u64>) -> u64 {
        let turned = key.map(|key| if self.order.reversed { !key } else { key });
        turned.map_or(u64::MAX, |key| key.min(u64::MAX.saturating_sub(1)))
    }

    fn size_bytes(&self, file: u32) -> Option<u64> {
        let (_, shelf, position) = self.library.on_shelf(file)?;
        shelf.index.size_at(position)
    }

    fn compare(&self, a: &Ranked, b: &Ranked) -> Ordering {
        a.key.cmp(&b.key).then_with(|| {
            let names = self.library.folded_name(a.file).cmp(self.library.folded_name(b.file));
            let turned = self.order.by == By::Name && self.order.reversed;
            if turned { names.reverse() } else { names }.then(a.file.cmp(&b.file))
        })
    }
}

/// The first eight bytes, in the order of texts.
fn beginning(text: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(text.as_bytes()).for_each(|(to, from)| *to = *from);
    u64::from_be_bytes(bytes)
}
