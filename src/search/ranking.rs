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
    /// How its name begins: mostly that tells.
    begin: u64,
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
        let key = self.key(file, found, shelves);
        if self.most == 0 || self.last.is_some_and(|last| key > last.key) {
            return;
        }
        let hit = Ranked { key, begin: beginning(self.library.file_name(file)), file };
        if self.last.is_none_or(|last| self.compare(&hit, &last) == Ordering::Less) {
            self.keep(hit);
        }
    }

    fn keep(&mut self, hit: Ranked) {
        self.kept.push(hit);
        if self.kept.len() >= self.most.saturating_mul(2).max(64) {
            self.cut();
        }
    }

    /// Those of another one, which has met other files.
    pub(super) fn join(&mut self, other: Self) {
        other.kept.into_iter().for_each(|hit| self.keep(hit));
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

    /// So many of those that were wanted, the first ones left out, in their order.
    pub(super) fn into_page(mut self, skip: usize, take: usize) -> Vec<Ranked> {
        self.cut();
        let mut kept = std::mem::take(&mut self.kept);
        if skip >= kept.len() {
            return Vec::new();
        }
        // Only those that are shown have to be in their order.
        kept.select_nth_unstable_by(skip, |a, b| self.compare(a, b));
        let mut page = kept.split_off(skip);
        if take < page.len() {
            page.select_nth_unstable_by(take, |a, b| self.compare(a, b));
            page.truncate(take);
        }
        page.sort_unstable_by(|a, b| self.compare(a, b));
        page
    }

    fn key(&self, file: u32, found: Match, shelves: u16) -> u64 {
        let key = match self.order.by {
            By::Relevance => {
                let rare = u64::from(u16::MAX.saturating_sub(shelves));
                u64::from(found.class) << 32 | rare << 16 | u64::from(found.length)
            }
            // Only the name tells.
            By::Name => return 0,
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
            let whole = || in_small_letters(self.library.file_name(a.file), self.library.file_name(b.file));
            let names = a.begin.cmp(&b.begin).then_with(whole);
            let turned = self.order.by == By::Name && self.order.reversed;
            if turned { names.reverse() } else { names }.then(a.file.cmp(&b.file))
        })
    }
}

/// The first eight bytes, in the order of texts in small letters.
fn beginning(text: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(text).for_each(|(to, from)| *to = from.to_ascii_lowercase());
    u64::from_be_bytes(bytes)
}

fn in_small_letters(a: &[u8], b: &[u8]) -> Ordering {
    a.iter().map(u8::to_ascii_lowercase).cmp(b.iter().map(u8::to_ascii_lowercase))
}
