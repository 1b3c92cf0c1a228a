//! An index as its node serves it, kept as it came where it is in our own form already.
//!
//! Nodes of ours serve their lines sorted, each name once: then the bytes that came are the text,
//! and no second copy is made of what may be 80 MB.

use bytes::Bytes;

use super::{Index, IndexError, Refused, canonical};

/// An index that was read.
#[derive(Clone, Debug)]
pub struct Served {
    /// What it offers.
    pub index: Index,
    /// What was left out.
    pub refused: Refused,
    /// What was served.
    pub body: Bytes,
    /// The text of the index is byte for byte that, so that the HMAC is that of the text.
    pub is_exact: bool,
}

impl Index {
    /// Reads what a neighbour serves, as [`Index::parse`] does.
    ///
    /// # Errors
    /// As [`Index::parse`].
    pub fn take(body: Vec<u8>) -> Result<Served, IndexError> {
        let Some(lines) = canonical::lines(&body) else {
            let (index, refused) = Self::parse_any(&body)?;
            return Ok(Served { index, refused, body: body.into(), is_exact: false });
        };
        // What it grew by while it came is given back.
        let text = Bytes::from(body.into_boxed_slice());
        Ok(Served { index: lines.with(text.clone()), refused: Refused::default(), body: text, is_exact: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::index::{INDEX_MAX_BYTES, INDEX_MAX_ENTRIES};
    use proptest::prelude::*;

    #[test]
    fn what_is_in_our_form_is_kept_as_it_came_and_anything_else_is_read_anew() {
        for (body, is_exact) in [
            ("", true),
            ("a,0\n", true),
            ("a,1\na, b,22\nb/c,9223372036854775807\n", true),
            ("a,1", false),
            ("a,1\n\nb,2\n", false),
            ("b,1\na,2\n", false),
            ("a,1\na,2\n", false),
            ("/a,1\n", false),
            ("a,01\n", false),
            ("a,00\n", false),
            ("a,1\r\n", false),
            ("a,1\nforban/index,3\n", false),
            ("a,1\nno size\n", false),
        ] {
            let served = Index::take(body.into()).unwrap();
            let (index, refused) = Index::parse(body.as_bytes()).unwrap();
            assert_eq!((&served.index, &served.refused, served.is_exact), (&index, &refused, is_exact), "{body:?}");
            assert_eq!(served.index.text() == body.as_bytes(), is_exact, "{body:?}");
        }
        let moved: Vec<u8> = b"a,1\n".to_vec();
        let place = moved.as_ptr();
        assert_eq!(Index::take(moved).unwrap().index.text().as_ptr(), place, "nothing was copied");
    }

    #[test]
    fn beyond_the_bounds_nothing_is_taken() {
        assert_eq!(Index::take(vec![b'\n'; INDEX_MAX_BYTES + 1]).unwrap_err(), IndexError::TooBig);
        let body: String = (0..=INDEX_MAX_ENTRIES).map(|number| format!("{number:07},1\n")).collect();
        assert_eq!(Index::take(body.into()).unwrap_err(), IndexError::TooBig);
        assert_eq!(Index::take(b"<html>\n".to_vec()).unwrap_err(), IndexError::NotAnIndex);
    }

    proptest! {
        #[test]
        fn both_ways_to_read_come_to_the_same(lines in proptest::collection::vec("[ab/,0-2]{0,6}", 0..8), sorted: bool) {
            let mut lines = lines;
            if sorted {
                lines.sort();
            }
            let body = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            match (Index::take(body.clone().into()), Index::parse(body.as_bytes())) {
                (Ok(served), Ok((index, refused))) => {
                    prop_assert_eq!((&served.index, &served.refused), (&index, &refused));
                    prop_assert_eq!(served.is_exact, served.index.text() == body.as_bytes());
                }
                (served, parsed) => prop_assert_eq!(served.map(|_| ()), parsed.map(|_| ())),
            }
        }
    }
}
