//! What changed in an index since an earlier state: names that went, lines that are new
//! (`docs/PROTOCOL.md`, section 6).
//!
//! Two HMACs say from which state to which. Whoever has the first one and comes to the second one
//! has the list that its node announces, without being sent all of it.

use std::fmt::Write as _;

use super::{Edit, Now};
use super::{INDEX_MAX_BYTES, Index, LineError, parse_line};
use crate::wire::{IndexHmac, IndexKey};

/// The first line. Another number is another format.
const FIRST_LINE: &str = "forban/index.changes 1";
/// An answer is not larger. What a node of ours keeps of changed names makes about half of it.
pub const CHANGES_MAX_BYTES: usize = 8 << 20;
/// More names are not taken: twice what a node of ours keeps.
const CHANGES_MAX: usize = 131_072;
/// Of a smaller index all is asked for: changes would hardly spare a packet.
pub const CHANGES_FROM_BYTES: usize = 16 * 1024;

/// What became of some names from one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes<'t> {
    /// The HMAC of the state before.
    pub since: IndexHmac,
    /// That of the state after.
    pub hmac: IndexHmac,
    /// The size of each file that is new or altered, and none of what went. Names rise strictly.
    pub names: Vec<Now<'t>>,
}

/// Why a text does not lead from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangesError {
    /// More than is taken.
    #[error("more changed in the index than is read in one answer")]
    TooBig,
    /// It begins otherwise, or has no HMACs.
    #[error("the answer does not tell changes of an index")]
    NotChanges,
    /// A line says nothing, or stands in the wrong place.
    #[error("line {0} does not tell a change")]
    BadLine(usize),
    /// It begins with a state that was not asked for.
    #[error("the changes go on from an index that was not asked for")]
    NotSinceThen,
    /// With them we do not come to the state that was promised.
    #[error("the changes do not add up to the index")]
    NotThere,
}

impl<'t> Changes<'t> {
    /// Reads them. Unlike an index they are taken as a whole or not at all: who gets none asks for
    /// the index.
    ///
    /// # Errors
    /// [`ChangesError`].
    pub fn parse(body: &'t [u8]) -> Result<Self, ChangesError> {
        if body.len() > CHANGES_MAX_BYTES {
            return Err(ChangesError::TooBig);
        }
        let text = std::str::from_utf8(body).map_err(|_| ChangesError::NotChanges)?;
        let mut lines = (1_usize..).zip(text.lines());
        if lines.next().is_none_or(|(_, first)| first != FIRST_LINE) {
            return Err(ChangesError::NotChanges);
        }
        let (mut since, mut hmac) = (None, None);
        // Keys that we do not know are of a later version.
        for (_, line) in lines.by_ref().take_while(|(_, line)| !line.is_empty()) {
            match line.split_once(' ') {
                Some(("since", value)) => since = IndexHmac::parse(value.as_bytes()),
                Some(("hmac", value)) => hmac = IndexHmac::parse(value.as_bytes()),
                _ => {}
            }
        }
        let (Some(since), Some(hmac)) = (since, hmac) else { return Err(ChangesError::NotChanges) };
        let mut names: Vec<Now<'t>> = Vec::new();
        for (number, line) in lines {
            let change = parse_change(line).ok_or(ChangesError::BadLine(number))?;
            if names.last().is_some_and(|(before, _)| *before >= change.0) {
                return Err(ChangesError::BadLine(number));
            }
            if names.len() >= CHANGES_MAX {
                return Err(ChangesError::TooBig);
            }
            names.push(change);
        }
        Ok(Self { since, hmac, names })
    }

    /// The index after, made of the one before, if it is what was promised, and by which edit.
    ///
    /// # Errors
    /// [`ChangesError::NotThere`].
    pub fn lead_from(&self, before: &Index, key: &IndexKey) -> Result<(Index, Edit), ChangesError> {
        let (index, edit) = before.edited(self.names.iter().copied());
        if index.text().len() > INDEX_MAX_BYTES {
            return Err(ChangesError::NotThere);
        }
        let is_it = self.hmac.key_of(index.text(), std::slice::from_ref(key)).is_some();
        is_it.then_some((index, edit)).ok_or(ChangesError::NotThere)
    }
}

/// `+ <name>,<size>` or `- <name>`. A name that is new is one that a line of an index may have.
fn parse_change(line: &str) -> Option<Now<'_>> {
    match line.split_at_checked(2)? {
        ("- ", name) => Some((name, None)),
        ("+ ", file) => {
            let parsed: Result<_, LineError> = parse_line(file.as_bytes());
            let parsed = parsed.ok().filter(|line| !line.slashed)?;
            Some((parsed.name, Some(parsed.size_bytes)))
        }
        _ => None,
    }
}

/// What became of some names, which rise strictly, up to `now`; and how its two states are called.
#[must_use]
pub fn emit_changes<'n>(
    since: &IndexHmac,
    hmac: &IndexHmac,
    now: &Index,
    names: impl Iterator<Item = &'n str>,
) -> String {
    let mut text = format!("{FIRST_LINE}\nsince {since}\nhmac {hmac}\n\n");
    for name in names {
        // Writing to a String cannot fail.
        let _ = match now.find(name) {
            Some(entry) => writeln!(text, "+ {}", entry.line),
            None => writeln!(text, "- {name}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(text: &str) -> Index {
        Index::parse(text.as_bytes()).unwrap().0
    }

    fn hmac(of: &Index) -> IndexHmac {
        IndexHmac::of(of.text(), &IndexKey::Specified)
    }

    /// A head, and these lines.
    fn told(lines: &str) -> String {
        let (since, hmac) = ("1".repeat(40), "2".repeat(40));
        format!("{FIRST_LINE}\nsince {since}\nlater word\nhmac {hmac}\n\n{lines}")
    }

    #[test]
    fn what_is_told_leads_from_one_state_to_the_other() {
        let (before, after) = (index("What?.mp3,1\na, b.txt,3\n- x,5\nsame,1\n"), index("a, b.txt,4\nnew,7\nsame,1\n"));
        let names = ["- x", "What?.mp3", "a, b.txt", "new"];
        let text = emit_changes(&hmac(&before), &hmac(&after), &after, names.into_iter());
        let head = format!("{FIRST_LINE}\nsince {}\nhmac {}\n\n", hmac(&before), hmac(&after));
        assert_eq!(text, head + "- - x\n- What?.mp3\n+ a, b.txt,4\n+ new,7\n");
        let changes = Changes::parse(text.as_bytes()).unwrap();
        assert_eq!((changes.since, changes.hmac), (hmac(&before), hmac(&after)));
        let (led, edit) = changes.lead_from(&before, &IndexKey::Specified).unwrap();
        assert_eq!((led, edit.gone(), edit.new_ones()), (after.clone(), &[0, 1, 2][..], &[0, 1][..]));
        // From elsewhere they lead nowhere, and with another key they prove nothing.
        assert_eq!(changes.lead_from(&index("other,1\n"), &IndexKey::Specified), Err(ChangesError::NotThere));
        let secret = IndexKey::PreShared(b"secret".as_slice().into());
        assert_eq!(changes.lead_from(&before, &secret), Err(ChangesError::NotThere));
    }

    #[test]
    fn what_is_not_in_its_form_is_not_taken_at_all() {
        use ChangesError::{BadLine, NotChanges};
        let rows = [
            ("", NotChanges, "nothing"),
            ("<html>\n", NotChanges, "a page"),
            ("forban/index.changes 2\n", NotChanges, "a later format"),
            ("forban/index.changes 1\n\n+ a,1\n", NotChanges, "no HMACs"),
            (&told("+ a,1\n").replace("since ", "sinc "), NotChanges, "no beginning"),
            (&told("+ a,1\n").replace("hmac 2", "hmac x"), NotChanges, "an HMAC that is none"),
            (&told("+ a\n"), BadLine(6), "no size"),
            (&told("+ a,-1\n"), BadLine(6), "no size that can be"),
            (&told("+ /a,1\n"), BadLine(6), "a name as we do not list it"),
            (&told("+ ../a,1\n"), BadLine(6), "a name that leads out"),
            (&told("+ forban/index,1\n"), BadLine(6), "a reserved name"),
            (&told("a,1\n"), BadLine(6), "neither new nor gone"),
            (&told("+a,1\n"), BadLine(6), "no blank"),
            (&told("\n"), BadLine(6), "an empty line"),
            (&told("+é\n"), BadLine(6), "cut inside a character"),
            (&told("+ b,1\n- a\n"), BadLine(7), "not in order"),
            (&told("- a\n+ a,1\n"), BadLine(7), "a name twice"),
        ];
        for (text, why, what) in rows {
            assert_eq!(Changes::parse(text.as_bytes()), Err(why), "{what}");
        }
        assert_eq!(Changes::parse(&[told("").as_bytes(), b"- \xff\n"].concat()), Err(NotChanges));
        assert_eq!(Changes::parse(told("").as_bytes()).unwrap().names, []);
        let crlf = told("- a\n+ b,2\n").replace('\n', "\r\n");
        assert_eq!(Changes::parse(crlf.as_bytes()).unwrap().names, [("a", None), ("b", Some(2))]);
    }

    #[test]
    fn more_than_is_taken_is_refused_before_it_costs_memory() {
        let long = told(&format!("- {}\n", "x".repeat(CHANGES_MAX_BYTES)));
        assert_eq!(Changes::parse(long.as_bytes()), Err(ChangesError::TooBig));
        let many = |count: usize| told(&(0..count).map(|number| format!("- {number:06}\n")).collect::<String>());
        assert_eq!(Changes::parse(many(CHANGES_MAX).as_bytes()).unwrap().names.len(), CHANGES_MAX);
        assert_eq!(Changes::parse(many(CHANGES_MAX + 1).as_bytes()), Err(ChangesError::TooBig));
    }
}
