//! Finds a folded word in names as they stand, without regard to the case of ASCII letters: no
//! folded copy of a text is needed where it is plain ASCII.
//!
//! A block of the text is passed where two bytes of the word do not stand in it as far apart as
//! they do there, of all its bytes those that are the rarest in what is searched. Both are
//! compared in plain loops over arrays, of which the compiler makes vector instructions.

use memchr::{memchr, memchr2};

/// Bytes that are compared in one go.
const BLOCK: usize = 64;
/// How much of what is searched is looked at beforehand, in pieces from all over it.
const SAMPLE_MAX_BYTES: usize = 16 << 10;
const PIECE_BYTES: usize = 256;
/// Bytes of a word that are tried in pairs, the rarest of them.
const TRIED: usize = 5;

/// A sample of what is searched: how common bytes are there, and pairs of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample(Vec<u8>);

impl Sample {
    /// Of several texts.
    pub(super) fn of<'t>(texts: impl Iterator<Item = &'t [u8]> + Clone) -> Self {
        let bytes: usize = texts.clone().map(<[u8]>::len).sum();
        let apart = bytes.div_ceil(SAMPLE_MAX_BYTES / PIECE_BYTES).max(PIECE_BYTES);
        let pieces = texts.flat_map(|text| text.chunks(apart)).filter_map(|chunk| chunk.get(..PIECE_BYTES));
        Self(pieces.take(SAMPLE_MAX_BYTES / PIECE_BYTES).flatten().copied().collect())
    }

    /// The two bytes of a word that stand the most seldom as far apart as they do there.
    fn rarest(&self, word: &[u8]) -> Option<(Probe, Probe)> {
        let count = |probe: Probe| self.0.iter().filter(|byte| probe.is(**byte)).count();
        let mut probes: Vec<(usize, Probe)> = Vec::new();
        for probe in word.iter().enumerate().map(|(at, byte)| Probe::new(at, *byte)) {
            // Of equal bytes the first will do, but it makes no pair with itself.
            if probes.iter().filter(|(_, known)| known.byte == probe.byte).count() < 2 {
                probes.push((count(probe), probe));
            }
        }
        probes.sort_by_key(|(count, _)| *count);
        probes.truncate(TRIED);
        let pairs = probes.iter().enumerate().flat_map(|(number, (_, first))| {
            probes.iter().skip(number.saturating_add(1)).map(|(_, second)| (*first, *second))
        });
        pairs.min_by_key(|(first, second)| self.occurrences(*first, *second))
    }

    fn occurrences(&self, first: Probe, second: Probe) -> usize {
        let of = |probe: Probe| self.0.get(probe.at..).unwrap_or_default();
        of(first).iter().zip(of(second)).filter(|(one, other)| first.is(**one) && second.is(**other)).count()
    }
}

/// A word, ready to be found.
#[derive(Clone, Debug)]
pub(super) struct Finder {
    /// In small letters.
    word: Box<[u8]>,
    first: Probe,
    second: Probe,
}

/// A byte of the word, by which is looked for it.
#[derive(Clone, Copy, Debug)]
struct Probe {
    /// Where it is in the word.
    at: usize,
    byte: u8,
    /// What makes a small letter of a large one; 0 where the byte is no letter.
    case: u8,
}

impl Probe {
    fn new(at: usize, byte: u8) -> Self {
        Self { at, byte, case: if byte.is_ascii_lowercase() { 0x20 } else { 0 } }
    }

    #[inline(always)]
    fn is(self, byte: u8) -> bool {
        byte | self.case == self.byte
    }

    /// Its two forms.
    fn forms(self) -> (u8, u8) {
        (self.byte, self.byte ^ self.case)
    }
}

impl Finder {
    /// Of a word that is folded already; an empty one is found everywhere.
    pub(super) fn new(word: &str, sample: &Sample) -> Self {
        let word: Box<[u8]> = word.to_ascii_lowercase().into_bytes().into();
        let only = Probe::new(0, word.first().copied().unwrap_or_default());
        let (first, second) = sample.rarest(&word).unwrap_or((only, only));
        Self { word, first, second }
    }

    /// How long the word is, in bytes.
    pub(super) fn len(&self) -> usize {
        self.word.len()
    }

    /// Where it occurs first.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        let starts = text.len().checked_add(1)?.checked_sub(self.word.len())?;
        match &*self.word {
            [] => return Some(0),
            [byte] => return one_byte(Probe::new(0, *byte), text),
            _ => {}
        }
        let of = |probe: Probe| text.get(probe.at..)?.get(..starts);
        let (firsts, seconds) = (of(self.first)?, of(self.second)?);
        let (blocks, rest) = firsts.as_chunks::<BLOCK>();
        let (other_blocks, other_rest) = seconds.as_chunks::<BLOCK>();
        let mut at = 0_usize;
        for (block, others) in blocks.iter().zip(other_blocks) {
            if self.is_candidate(block, others)
                && let Some(found) = self.find_in_block(block, others, text.get(at..)?)
            {
                return Some(at.saturating_add(found));
            }
            at = at.saturating_add(BLOCK);
        }
        self.find_in_rest(rest, other_rest, text.get(at..)?).map(|found| at.saturating_add(found))
    }

    /// Whether it occurs.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        self.find(text).is_some()
    }

    /// Where it occurs, one after the other, those within another too.
    pub(super) fn find_iter<'t>(&self, text: &'t [u8]) -> impl Iterator<Item = usize> + use<'t, '_> {
        let mut next = 0_usize;
        std::iter::from_fn(move || {
            let at = next.checked_add(self.find(text.get(next..)?)?)?;
            next = at.saturating_add(1);
            Some(at)
        })
    }

    /// Whether a text begins with it.
    pub(super) fn begins(&self, text: &[u8]) -> bool {
        text.get(..self.word.len()).is_some_and(|text| text.eq_ignore_ascii_case(&self.word))
    }

    /// Whether it may begin at any place of a block.
    #[allow(clippy::indexing_slicing)] // within arrays of this very length
    #[inline]
    fn is_candidate(&self, block: &[u8; BLOCK], others: &[u8; BLOCK]) -> bool {
        let (first, second, mut any) = (self.first, self.second, 0_u8);
        for at in 0..BLOCK {
            any |= u8::from(first.is(block[at])) & u8::from(second.is(others[at]));
        }
        any != 0
    }

    /// `text` begins where the first place of the block would have the word begin.
    #[allow(clippy::indexing_slicing)] // within arrays of this very length
    fn find_in_block(&self, block: &[u8; BLOCK], others: &[u8; BLOCK], text: &[u8]) -> Option<usize> {
        let (first, second) = (self.first, self.second);
        let mut both = [0_u8; BLOCK];
        for at in 0..BLOCK {
            both[at] = u8::from(first.is(block[at])) & u8::from(second.is(others[at]));
        }
        let mut from = 0_usize;
        for word in both.as_chunks::<8>().0 {
            let mut word = u64::from_le_bytes(*word);
            while word != 0 {
                let at = from.wrapping_add(word.trailing_zeros() as usize / 8);
                if self.begins(text.get(at..)?) {
                    return Some(at);
                }
                word &= word.wrapping_sub(1);
            }
            from = from.wrapping_add(8);
        }
        None
    }

    /// Less than a block.
    fn find_in_rest(&self, firsts: &[u8], seconds: &[u8], text: &[u8]) -> Option<usize> {
        let mut next = 0_usize;
        loop {
            let at = next.saturating_add(one_byte(self.first, firsts.get(next..)?)?);
            if self.second.is(*seconds.get(at)?) && self.begins(text.get(at..)?) {
                return Some(at);
            }
            next = at.saturating_add(1);
        }
    }
}

fn one_byte(probe: Probe, text: &[u8]) -> Option<usize> {
    let (small, large) = probe.forms();
    if small == large { memchr(small, text) } else { memchr2(small, large, text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_is_found_in_either_case() {
        let finder = |word: &str| Finder::new(word, &Sample::default());
        let long = format!("{}.EPub,7\n{}", "x".repeat(150), "y".repeat(90));
        for (word, text, expected) in [
            (".epub", long.as_str(), Some(150)),
            (".epub", "a.epu", None),
            ("ab", "aAb", Some(1)),
            ("a", "bA", Some(1)),
            ("@", "`@", Some(1)),
            ("[", "{[", Some(1)),
            ("k", "\u{212a}", None),
            ("", "x", Some(0)),
            ("", "", Some(0)),
            ("x", "", None),
        ] {
            assert_eq!(finder(word).find(text.as_bytes()), expected, "{word} in {text}");
        }
        assert_eq!(finder("aa").find_iter(b"aAaa").collect::<Vec<_>>(), [0, 1, 2]);
        assert!(finder("ab").begins(b"ABc") && !finder("ab").begins(b"a") && finder("b").is_in(b"AB"));
    }

    proptest! {
        #[test]
        fn what_a_plain_pass_finds_is_found(
            text in "[abA-C@`\\[{é]{0,300}",
            word in "[ab@`\\[{é]{0,5}",
            sample in "[ab]{0,40}",
        ) {
            let sample = Sample(sample.into_bytes());
            let expected = text.to_ascii_lowercase().find(&word);
            prop_assert_eq!(Finder::new(&word, &sample).find(text.as_bytes()), expected);
        }
    }
}
