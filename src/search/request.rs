//! What is asked for: words, filters, an order, and which part of what is found.

use uuid::Uuid;

use crate::wire::Kind;

/// A search.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// As it was typed.
    pub text: String,
    /// Which files may be hits.
    pub filters: Filters,
    /// Which come first.
    pub order: Order,
    /// So many of the first are left out …
    pub skip: usize,
    /// … and so many are told.
    pub take: usize,
}

/// Which files may be hits; the default lets all pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Of these kinds.
    pub kinds: Kinds,
    /// Of at least so many bytes; what has no known size does not pass.
    pub least_bytes: Option<u64>,
    /// Of at most so many bytes; likewise.
    pub most_bytes: Option<u64>,
    /// That this node holds.
    pub holder: Option<Uuid>,
}

impl Filters {
    pub(super) fn lets_size_pass(&self, size_bytes: Option<u64>) -> bool {
        let is_at_least = |least| size_bytes.is_some_and(|size| size >= least);
        let is_at_most = |most| size_bytes.is_some_and(|size| size <= most);
        self.least_bytes.is_none_or(is_at_least) && self.most_bytes.is_none_or(is_at_most)
    }

    /// Whether anything is asked of a file that a folder does not have.
    pub(super) fn is_about_files(&self) -> bool {
        self.kinds != Kinds::default() || self.least_bytes.is_some() || self.most_bytes.is_some()
    }
}

/// Some kinds of files; none chosen is all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    fn bit(kind: Kind) -> u8 {
        1 << (kind as u8)
    }

    /// With or without one of them.
    #[must_use]
    pub fn toggled(self, kind: Kind) -> Self {
        Self(self.0 ^ Self::bit(kind))
    }

    /// Whether it was chosen.
    #[must_use]
    pub fn has(self, kind: Kind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    /// Whether none was chosen.
    #[must_use]
    pub fn is_all(self) -> bool {
        self.0 == 0
    }

    /// Those that were chosen.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |all, kind| all | Self::bit(kind)))
    }
}

/// Which hits come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// What they are compared by.
    pub by: By,
    /// The other way round than usual.
    pub reversed: bool,
}

/// What hits are compared by; each begins with what is asked for most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// How well the name fits, then how many hold it, then how short its name is.
    #[default]
    Relevance,
    /// From a to z, folders not counted.
    Name,
    /// The largest.
    Size,
    /// What most nodes hold.
    Holders,
    /// The newest.
    Age,
}

impl By {
    /// All of them, as they are shown.
    pub const ALL: [Self; 5] = [Self::Relevance, Self::Name, Self::Size, Self::Holders, Self::Age];

    /// As it stands in an address.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relevance => "relevance",
            Self::Name => "name",
            Self::Size => "size",
            Self::Holders => "holders",
            Self::Age => "age",
        }
    }
}

impl Order {
    /// `size`, or `-size` for the other way round; `None` if it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, reversed) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let by = By::ALL.into_iter().find(|by| by.as_str() == name)?;
        Some(Self { by, reversed })
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.reversed { "-" } else { "" }, self.by.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_they_are_written() {
        for by in By::ALL {
            for reversed in [false, true] {
                let order = Order { by, reversed };
                assert_eq!(Order::parse(&order.to_string()), Some(order));
            }
        }
        assert_eq!((Order::parse("--size"), Order::parse("best"), Order::parse("")), (None, None, None));
    }

    #[test]
    fn no_kind_is_every_kind() {
        let some: Kinds = [Kind::Video, Kind::Other].into_iter().collect();
        assert_eq!(some.iter().collect::<Vec<_>>(), [Kind::Video, Kind::Other]);
        assert!(some.has(Kind::Other) && !some.has(Kind::Audio) && !some.is_all() && Kinds::default().is_all());
        assert_eq!(some.toggled(Kind::Video).toggled(Kind::Other), Kinds::default());
        assert_eq!(Kind::ALL.map(Kinds::bit), [1, 2, 4, 8, 16, 32, 64]);
    }
}
