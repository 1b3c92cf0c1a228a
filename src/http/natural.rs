//! The order in which people look for names: case does not matter, and 2 comes before 10.

/// What sorts a name so. Names that are alike to people have one key: whoever sorts keeps them as
/// they stood.
#[must_use]
pub fn natural_key(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len().saturating_add(8));
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let taken = digits.max(c.len_utf8());
        if digits > 0 {
            put_number(rest.get(..digits).unwrap_or_default(), &mut key);
        } else if c == '/' {
            key.push(0); // what is in a folder stands together, before names that only begin like it
        } else {
            c.to_lowercase().for_each(|c| key.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()));
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    key
}

/// Zeros before a number are nothing, and more digits are more.
fn put_number(digits: &str, key: &mut Vec<u8>) {
    let number = digits.trim_start_matches('0');
    key.push(b'0'); // among other characters a number stands where digits do
    key.push(u8::try_from(number.len()).unwrap_or(u8::MAX));
    key.extend_from_slice(number.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
