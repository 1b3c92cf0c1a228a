//! From whom files are taken: neighbours by their uuid, or by the name that they announce.
//!
//! Anybody may announce any name, and any uuid until its holder was fetched from: these rules keep
//! order among friends, and keep nobody out who does not want to be kept out.

use uuid::Uuid;

use crate::neighbours::{Neighbour as Heard, SwitchedOff};
use crate::wire::{DisplayText, text::NAME_MAX_CHARS};

/// Only from these, and never from those.
#[derive(Clone, Debug, Default)]
pub struct Whom {
    only: Vec<Neighbour>,
    never: Vec<Neighbour>,
}

/// From whom files are taken now: as the rules say, and as the operator switched since.
#[derive(Clone, Debug, Default)]
pub struct Permits {
    /// The rules.
    pub whom: Whom,
    /// Who is switched off.
    pub switched_off: SwitchedOff,
}

impl Permits {
    /// Whether anything is taken from that neighbour.
    #[must_use]
    pub fn allow(&self, neighbour: &Heard) -> bool {
        self.whom.may_give(neighbour.uuid, &neighbour.name) && !self.switched_off.holds(neighbour.uuid)
    }
}

/// How the operator names a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Neighbour {
    Uuid(Uuid),
    /// In lower case.
    Name(Box<str>),
}

/// A neighbour that nobody can be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhomError {
    /// It would mean all who announce no name.
    #[error("an empty name of a node")]
    Empty,
    /// No node is known by that: names are cut, and freed of what deceives.
    #[error("“{0}” is no name of a node: those have up to {NAME_MAX_CHARS} characters, none of them invisible")]
    NoName(DisplayText),
}

impl Whom {
    /// Each is a uuid or a name. Without any of `only` it is everybody; `never` wins.
    ///
    /// # Errors
    /// [`WhomError`].
    pub fn new(only: &[String], never: &[String]) -> Result<Self, WhomError> {
        let read = |said: &[String]| said.iter().map(|text| Neighbour::read(text)).collect::<Result<Vec<_>, _>>();
        Ok(Self { only: read(only)?, never: read(never)? })
    }

    /// Whether files are taken from a neighbour with this uuid that calls itself so now.
    #[must_use]
    pub fn may_give(&self, uuid: Uuid, name: &DisplayText) -> bool {
        let is_among = |neighbours: &[Neighbour]| neighbours.iter().any(|neighbour| neighbour.is(uuid, name));
        (self.only.is_empty() || is_among(&self.only)) && !is_among(&self.never)
    }
}

impl Neighbour {
    fn read(text: &str) -> Result<Self, WhomError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(WhomError::Empty);
        }
        if let Ok(uuid) = text.parse() {
            return Ok(Self::Uuid(uuid));
        }
        if DisplayText::from_bytes(text.as_bytes(), NAME_MAX_CHARS).as_str() != text {
            return Err(WhomError::NoName(DisplayText::revealing(text.as_bytes(), NAME_MAX_CHARS)));
        }
        Ok(Self::Name(text.to_lowercase().into()))
    }

    fn is(&self, uuid: Uuid, name: &DisplayText) -> bool {
        match self {
            Self::Uuid(wanted) => *wanted == uuid,
            Self::Name(wanted) => name.as_str().to_lowercase() == **wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "752a9fe6-d0db-4c65-b224-ae90b2627d3a";
    const B: &str = "00000000-0000-0000-0000-00000000000b";

    fn texts(said: &[&str]) -> Vec<String> {
        said.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn neighbours_are_named_by_uuid_or_by_name() {
        for (only, never, gives, why) in [
            (&[][..], &[][..], true, "everybody"),
            (&["Galley"], &[], true, "its name"),
            (&["gALLEY "], &[], true, "without regard to case"),
            (&[A], &[], true, "its uuid"),
            (&["752A9FE6D0DB4C65B224AE90B2627D3A"], &[], true, "its uuid in another spelling"),
            (&["Bridge", B], &[], false, "others only"),
            (&["Gall"], &[], false, "a part of its name"),
            (&[], &["Galley"], false, "never by name"),
            (&[], &[A], false, "never by uuid"),
            (&["Galley"], &[A], false, "never wins"),
            (&[], &[B], true, "never another"),
        ] {
            let whom = Whom::new(&texts(only), &texts(never)).unwrap();
            let name = DisplayText::from_bytes(b"Galley", NAME_MAX_CHARS);
            assert_eq!(whom.may_give(A.parse().unwrap(), &name), gives, "{why}");
        }
    }

    #[test]
    fn what_nobody_can_be_called_is_a_mistake() {
        assert_eq!(Whom::new(&texts(&[" "]), &[]).unwrap_err(), WhomError::Empty);
        for text in ["Gal\u{202e}ley", &"x".repeat(65)] {
            assert!(matches!(Whom::new(&[], &texts(&[text])).unwrap_err(), WhomError::NoName(_)), "{text}");
        }
    }
}
