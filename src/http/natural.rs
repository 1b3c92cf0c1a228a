//! The order in which people look for names: case does not matter, and 2 comes before 10.

/// So much of its key decides between most names, once what all have in common is left out.
const LEADING_BYTES: usize = 16;
/// Names that begin alike are told apart so often by what follows; then by their whole keys.
const ROUNDS: u32 = 4;

/// What sorts a name so. Names that are alike to people have one key: whoever sorts keeps them as
/// they stood.
#[must_use]
pub fn natural_key(name: &str) -> Vec<u8> {
    whole_key(name.as_bytes())
}

/// Sorts rows by a key, and by the names they have where that is the same; rows that are alike in
/// both stay as they stand. They come in the order of the bytes of their names.
///
/// The key of a whole name is made only where its beginning does not decide: a hundred thousand
/// names are then a matter of milliseconds.
pub fn sort_by_then_naturally<'n, T: Copy, K: Copy + Ord>(
    rows: &mut [T],
    key: impl Fn(T) -> K,
    name: impl Fn(T) -> &'n [u8] + Copy,
) {
    sort_within(rows, key, name, ROUNDS);
}

/// The same by names alone.
pub fn sort_naturally<'n, T: Copy>(rows: &mut [T], name: impl Fn(T) -> &'n [u8] + Copy) {
    sort_within(rows, |_| (), name, ROUNDS);
}

fn sort_within<'n, T: Copy, K: Copy + Ord>(
    rows: &mut [T],
    key: impl Fn(T) -> K,
    name: impl Fn(T) -> &'n [u8] + Copy,
    rounds: u32,
) {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
    let shared = shared_bytes(name(*first), name(*last));
    let mut buffer = Vec::new();
    let mut leading = |row: T| leading_key(name(row).get(shared..).unwrap_or_default(), &mut buffer);
    let mut keyed: Vec<((K, u128), T)> = rows.iter().map(|row| ((key(*row), leading(*row)), *row)).collect();
    keyed.sort_by_key(|(keys, _)| *keys);
    rows.iter_mut().zip(&keyed).for_each(|(row, (_, sorted))| *row = *sorted);
    let mut rest = rows;
    for alike in keyed.chunk_by(|one, next| one.0 == next.0).map(<[_]>::len) {
        let (run, after) = rest.split_at_mut(alike);
        rest = after;
        match rounds.checked_sub(1) {
            _ if alike == 1 => {}
            Some(rounds) => sort_within_run(run, name, rounds),
            None => run.sort_by_cached_key(|row| whole_key(name(*row))),
        }
    }
}

/// What is alike so far. Not generic over the key any more, or it would be so without end.
fn sort_within_run<'n, T: Copy>(run: &mut [T], name: impl Fn(T) -> &'n [u8] + Copy, rounds: u32) {
    sort_within(run, no_key, name, rounds);
}

fn no_key<T>(_: T) {}

/// How many bytes all names between these two begin with; no character and no number is cut.
fn shared_bytes(first: &[u8], last: &[u8]) -> usize {
    let alike = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    let begins = |name: &[u8], at: usize| name.get(at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let is_cut = |at: &usize| begins(first, *at) && begins(last, *at);
    let whole = (0..=alike).rev().find(is_cut).unwrap_or(0);
    let digits = first.get(..whole).unwrap_or_default().iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    whole.saturating_sub(digits)
}

/// The beginning of a key, as a number; what is missing counts as less than anything.
fn leading_key(name: &[u8], key: &mut Vec<u8>) -> u128 {
    key.clear();
    put_key(name, LEADING_BYTES, key);
    key.resize(LEADING_BYTES, 0);
    key.first_chunk().map_or(0, |leading| u128::from_be_bytes(*leading))
}

fn whole_key(name: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len().saturating_add(8));
    put_key(name, usize::MAX, &mut key);
    key
}

/// At least so much of a name's key, if it has so much.
fn put_key(name: &[u8], most: usize, key: &mut Vec<u8>) {
    let mut rest = name;
    while let Some(first) = rest.first().filter(|_| key.len() < most) {
        let run = |of: fn(&u8) -> bool| rest.get(..rest.iter().take_while(|byte| of(byte)).count()).unwrap_or_default();
        let taken = match first {
            b'0'..=b'9' => put_number(run(u8::is_ascii_digit), key),
            // What is in a folder stands together, before names that only begin like it.
            b'/' => put_byte(0, key),
            0..=0x7f => put_byte(first.to_ascii_lowercase(), key),
            0x80.. => put_letters(run(|byte| !byte.is_ascii()), key),
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
}

fn put_byte(byte: u8, key: &mut Vec<u8>) -> usize {
    key.push(byte);
    1
}

/// Of other scripts, in lower case.
fn put_letters(letters: &[u8], key: &mut Vec<u8>) -> usize {
    let lower = std::str::from_utf8(letters).unwrap_or_default().chars().flat_map(char::to_lowercase);
    lower.for_each(|c| key.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()));
    letters.len()
}

/// Zeros before a number are nothing, and more digits are more.
fn put_number(digits: &[u8], key: &mut Vec<u8>) -> usize {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let number = digits.get(zeros..).unwrap_or_default();
    key.push(b'0'); // among other characters a number stands where digits do
    key.push(u8::try_from(number.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(number);
    digits.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_stand_as_people_look_for_them() {
        for (before, after) in [
            ("", "1"),
            ("1", "2"),
            ("2", "10"),
            ("02", "10"),
            ("10", "a"),
            ("a 2 b", "a 10"),
            ("a1b2", "a1b10"),
            ("Track 9.mp3", "track 10.mp3"),
            ("A", "b"),
            ("a", "B"),
            ("é", "Ö"),
            ("a/z", "a 1"),
            ("99999999999999999999999", "100000000000000000000000"),
            ("a", "ab"),
        ] {
            assert!(natural_key(before) < natural_key(after), "{before} before {after}");
        }
        for (one, other) in [("A", "a"), ("É", "é"), ("007", "7"), ("0", "00")] {
            assert_eq!(natural_key(one), natural_key(other), "{one} and {other}");
        }
    }

    /// The names, sorted by bytes, then in the order of people by their whole keys.
    fn sorted_by_whole_keys(names: &[String]) -> Vec<&str> {
        let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        sorted.sort_by_cached_key(|name| natural_key(name));
        sorted
    }

    #[track_caller]
    fn assert_sorted(names: &[String]) {
        let mut rows: Vec<&str> = names.iter().map(String::as_str).collect();
        rows.sort_unstable();
        sort_naturally(&mut rows, str::as_bytes);
        assert_eq!(rows, sorted_by_whole_keys(names));
    }

    #[test]
    fn what_begins_alike_is_told_apart_by_what_follows() {
        let long = "the same beginning of all of them, ".repeat(3);
        let mut names: Vec<String> = Vec::new();
        for album in ["Album 2", "album 10", "ALBUM 2", "\u{c4}lbum", "Album 002"] {
            for track in 0..120 {
                names.push(format!("{long}{album}, {long}{}", track * 7 % 120));
                names.push(format!("{album}, {track:03}"));
            }
        }
        names.push(String::new());
        assert_sorted(&names);
    }

    proptest! {
        #[test]
        fn equal_keys_leave_it_to_the_names(rows in proptest::collection::btree_map("[aA\u{e9}01]{0,4}", 0..3_u8, 0..40)) {
            let rows: Vec<(&str, u8)> = rows.iter().map(|(name, key)| (name.as_str(), *key)).collect();
            let mut expected = rows.clone();
            expected.sort_by_cached_key(|(name, key)| (*key, natural_key(name)));
            let mut sorted = rows;
            sort_by_then_naturally(&mut sorted, |(_, key)| key, |(name, _)| name.as_bytes());
            prop_assert_eq!(sorted, expected);
        }

        #[test]
        fn rows_stand_as_their_whole_keys_do(names in proptest::collection::vec("[aA\u{c9}\u{e9}\u{130}012 ]{0,40}", 0..60)) {
            assert_sorted(&names);
        }
    }
}
