//! How names and words are compared: without regard to case and accents.
//!
//! A text is *folded*: `Café` and `CAFE` become `cafe`, `Straße` becomes `strasse`, `ø` becomes
//! `o`, wide letters narrow ones. Composed and decomposed spellings, of which some systems write
//! one and some the other, fold to the same. What is no mere accent stays: `が` is not `か`.

use std::iter::{Peekable, once};
use std::ops::Range;
use std::str::CharIndices;

use caseless::Caseless as _;
use unicode_normalization::char::{compose, decompose_canonical, decompose_compatible};

/// Folds a text and writes it behind what is there.
pub fn fold_onto(text: &str, folded: &mut String) {
    let from = folded.len();
    if text.is_ascii() {
        folded.push_str(text);
        if let Some(text) = folded.get_mut(from..) {
            text.make_ascii_lowercase();
        }
        return;
    }
    for cluster in Clusters::of(text) {
        fold_char(cluster.base, &mut |c| folded.push(c));
    }
}

/// A text, folded.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_onto(text, &mut folded);
    folded
}

/// Where folded words occur in a text as it is shown: ranges of its bytes, rising, none touching
/// another. A letter of which a word takes a part (of `ß` the first `s`) is marked whole.
#[must_use]
pub fn marks<'w>(text: &str, words: impl Iterator<Item = &'w str>) -> Vec<Range<usize>> {
    let mut folded = String::with_capacity(text.len());
    // Where the folded letters of each letter end, and the letter.
    let mut letters: Vec<(usize, Range<usize>)> = Vec::new();
    for cluster in Clusters::of(text) {
        fold_char(cluster.base, &mut |c| folded.push(c));
        letters.push((folded.len(), cluster.range));
    }
    let letter_over = |at: usize| letters.get(letters.partition_point(|(end, _)| *end <= at));
    let mut found: Vec<Range<usize>> = Vec::new();
    for word in words.filter(|word| !word.is_empty()) {
        for (at, _) in folded.match_indices(word) {
            let last = at.saturating_add(word.len()).saturating_sub(1);
            if let Some(((_, first), (_, last))) = letter_over(at).zip(letter_over(last)) {
                found.push(first.start..last.end);
            }
        }
    }
    joined(found)
}

/// Ranges in their order, those that meet as one.
#[must_use]
pub fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        match joined.last_mut().filter(|last| last.end >= range.start) {
            Some(last) => last.end = last.end.max(range.end),
            None => joined.push(range),
        }
    }
    joined
}

/// A letter with the marks that follow it: composed where that is one letter, without accents.
struct Cluster {
    base: char,
    range: Range<usize>,
}

struct Clusters<'t> {
    chars: Peekable<CharIndices<'t>>,
    end: usize,
}

impl<'t> Clusters<'t> {
    fn of(text: &'t str) -> Self {
        Self { chars: text.char_indices().peekable(), end: text.len() }
    }
}

impl Iterator for Clusters<'_> {
    type Item = Cluster;

    fn next(&mut self) -> Option<Cluster> {
        let (start, mut base) = self.chars.next()?;
        while let Some((_, next)) = self.chars.peek().copied().filter(|(_, next)| !next.is_ascii()) {
            match compose(base, next) {
                _ if is_accent(next) => {}
                Some(composed) => base = composed,
                None => break,
            }
            self.chars.next();
        }
        let end = self.chars.peek().map_or(self.end, |(at, _)| *at);
        Some(Cluster { base, range: start..end })
    }
}

/// Marks that people leave out when they type: accents of Latin, Greek and Cyrillic letters, and
/// the vowel signs of Hebrew and Arabic. Vowels of Indian scripts and the voice of kana are not.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

fn fold_char(c: char, emit: &mut impl FnMut(char)) {
    if c.is_ascii() {
        return emit(c.to_ascii_lowercase());
    }
    if is_accent(c) {
        return;
    }
    // Its accents off; what belongs together stays together.
    let mut whole: Option<char> = None;
    decompose_canonical(c, |part| {
        if is_accent(part) {
            return;
        }
        whole = Some(match whole {
            None => part,
            Some(before) => compose(before, part).unwrap_or_else(|| {
                fold_letter(before, emit);
                part
            }),
        });
    });
    if let Some(letter) = whole {
        fold_letter(letter, emit);
    }
}

/// A letter without accents: its plain form if there is a shorter one, in the smaller case.
fn fold_letter(c: char, emit: &mut impl FnMut(char)) {
    let mut plain = [None; 3];
    let (mut parts, mut bytes) = (0_usize, 0_usize);
    decompose_compatible(c, |part| {
        if is_accent(part) {
            return;
        }
        if let Some(place) = plain.get_mut(parts) {
            *place = Some(part);
        }
        // Nothing becomes a `/` that was none.
        bytes = if part == '/' { usize::MAX } else { bytes.saturating_add(part.len_utf8()) };
        parts = parts.saturating_add(1);
    });
    if parts > plain.len() || bytes > c.len_utf8() {
        plain = [Some(c), None, None];
    }
    for part in plain.into_iter().flatten().flat_map(|part| once(part).default_case_fold()) {
        match without_stroke(part) {
            Some(letters) => letters.chars().for_each(&mut *emit),
            None if is_accent(part) => {}
            None => emit(part),
        }
    }
}

/// Letters and signs that Unicode does not take apart, and that most keyboards do not have.
fn without_stroke(c: char) -> Option<&'static str> {
    Some(match c {
        'ø' => "o",
        'æ' => "ae",
        'œ' => "oe",
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ħ' => "h",
        'ı' => "i",
        'þ' => "th",
        '‘' | '’' | 'ʼ' => "'",
        '“' | '”' | '„' => "\"",
        '‐' | '‑' | '–' | '—' => "-",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization as _;

    #[test]
    fn case_and_accents_are_folded_and_nothing_else() {
        for (text, folded, why) in [
            ("Café CRÈME", "cafe creme", "accents and case"),
            ("Cafe\u{301}", "cafe", "decomposed"),
            ("Straße", "strasse", "two letters in one"),
            ("ŒUVRE Ærø Łódź Đà Nẵng", "oeuvre aero lodz da nang", "strokes and ligatures"),
            ("Ёлка Й", "елка и", "Cyrillic"),
            ("ΆΛΦΑ ς", "αλφα σ", "Greek, and its last sigma"),
            ("ＡＢＣ　１", "abc 1", "wide letters"),
            ("ﬁn²…", "fin2...", "ligatures and signs"),
            ("İstanbul ısı", "istanbul isi", "Turkish"),
            ("がぎ", "がぎ", "the voice of kana is no accent"),
            ("か\u{3099}", "が", "decomposed kana"),
            ("각", "각", "Hangul"),
            ("\u{1100}\u{1161}\u{11a8}", "각", "decomposed Hangul"),
            ("\u{958}", "\u{915}\u{93c}", "what never stands composed"),
            ("שָׁלוֹם", "שלום", "Hebrew points"),
            ("l’été – “x”", "l'ete - \"x\"", "signs of typesetters"),
            ("a／b", "a／b", "a wide stroke makes no folder"),
            ("\u{301}", "", "an accent alone"),
        ] {
            assert_eq!(fold(text), folded, "{why}");
            let composed: String = text.nfc().collect();
            let decomposed: String = text.nfd().collect();
            assert_eq!((fold(&composed), fold(&decomposed)), (folded.into(), folded.into()), "{why}, either spelling");
        }
    }

    #[test]
    fn what_was_found_is_marked_in_the_name_as_it_is_shown() {
        for (text, words, marked) in [
            ("Docs/Cooking on Board.pdf", &["board", "cook"][..], &["Cook", "Board"][..]),
            ("Un Cafe\u{301} noir", &["cafe"], &["Cafe\u{301}"]),
            ("Straße 7", &["ass"], &["aß"]),
            ("Straße 7", &["se"], &["ße"]),
            ("aaa", &["aa"], &["aa"]),
            ("abcabc", &["ab", "bc"], &["abcabc"]),
            ("Éa", &["", "x"], &[]),
        ] {
            let found = marks(text, words.iter().copied());
            assert_eq!(found.into_iter().map(|range| &text[range]).collect::<Vec<_>>(), marked, "{text} {words:?}");
        }
    }

    proptest! {
        #[test]
        fn both_spellings_fold_alike(text in "[a-zÀ-ÿĀ-ſΆ-ώА-я가-각ぁ-ゞ ]{0,12}") {
            let (composed, decomposed): (String, String) = (text.nfc().collect(), text.nfd().collect());
            prop_assert_eq!(fold(&composed), fold(&decomposed));
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn marks_cut_no_letter(text in "\\PC{0,20}", word in "\\PC{1,3}") {
            for range in marks(&text, once(fold(&word).as_str())) {
                prop_assert!(text.get(range).is_some());
            }
        }
    }
}
