//! The address of a search, `/q/?v=…`: what it asks for, and the addresses of those beside it.
//!
//! `v` the words, `r` seconds after which the page renews itself (both as in Forban); `k` a kind,
//! repeatable, `min` and `max` sizes as people write them, `on` the uuid of a node, `s` the order,
//! `p` the page; `part` the results alone, without the page around them.

use std::fmt;

use bytesize::ByteSize;
use uuid::Uuid;

use crate::search::{By, Filters, Kinds, Order};
use crate::wire::{Kind, url};

/// Forban renews the page every `r` seconds; within these bounds, else the wish is ignored.
const REFRESH_SECONDS: std::ops::RangeInclusive<u32> = 5..=3600;
/// Longest text of a size.
const SIZE_MAX_CHARS: usize = 20;

/// What an address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) text: String,
    pub(super) refresh: Option<u32>,
    pub(super) kinds: Kinds,
    /// As it was written; empty if it was not.
    pub(super) least: String,
    pub(super) most: String,
    pub(super) on: Option<Uuid>,
    pub(super) order: Order,
    /// From 1.
    pub(super) page: usize,
    pub(super) is_part: bool,
}

impl Asked {
    /// Reads a query; what makes no sense is as if it were not there.
    pub(super) fn parse(query: &str) -> Self {
        let value = |key| url::query_first(query, key).map(|value| String::from_utf8_lossy(&value).into_owned());
        let size = |key| -> String { value(key).unwrap_or_default().trim().chars().take(SIZE_MAX_CHARS).collect() };
        let kinds = url::query_all(query, "k").filter_map(|kind| std::str::from_utf8(&kind).ok()?.parse::<Kind>().ok());
        let refresh = value("r").and_then(|text| text.parse().ok());
        Self {
            text: value("v").unwrap_or_default(),
            refresh: refresh.filter(|seconds| REFRESH_SECONDS.contains(seconds)),
            kinds: kinds.collect(),
            least: size("min"),
            most: size("max"),
            on: value("on").and_then(|uuid| uuid.parse().ok()),
            order: value("s").and_then(|text| Order::parse(&text)).unwrap_or_default(),
            page: crate::http::page::page_number(query),
            is_part: value("part").is_some(),
        }
    }

    /// What passes. A size that nobody understands keeps nothing back.
    pub(super) fn filters(&self) -> Filters {
        Filters { kinds: self.kinds, least_bytes: bytes(&self.least), most_bytes: bytes(&self.most), holder: self.on }
    }

    /// Whether a size was written that is none.
    pub(super) fn is_size(text: &str) -> bool {
        text.is_empty() || bytes(text).is_some()
    }

    /// Whether anything narrows the search beside the words.
    pub(super) fn is_narrowed(&self) -> bool {
        self.filters() != Filters::default()
    }

    /// The same words, and nothing else.
    pub(super) fn unfiltered(&self) -> Self {
        Self { kinds: Kinds::default(), least: String::new(), most: String::new(), on: None, page: 1, ..self.clone() }
    }

    /// The same with a kind more, or less.
    pub(super) fn toggled(&self, kind: Kind) -> Self {
        Self { kinds: self.kinds.toggled(kind), page: 1, ..self.clone() }
    }

    /// The same in an order; the other way round, if it is in that already.
    pub(super) fn sorted_by(&self, by: By) -> Self {
        let reversed = self.order.by == by && !self.order.reversed;
        Self { order: Order { by, reversed }, page: 1, ..self.clone() }
    }
}

/// The address, without what is as it always is.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/q/?v={}", url::query_value(&self.text))?;
        if let Some(seconds) = self.refresh {
            write!(f, "&r={seconds}")?;
        }
        for kind in self.kinds.iter() {
            write!(f, "&k={kind}")?;
        }
        for (key, size) in [("min", &self.least), ("max", &self.most)] {
            if !size.is_empty() {
                write!(f, "&{key}={}", url::query_value(size))?;
            }
        }
        if let Some(on) = self.on {
            write!(f, "&on={on}")?;
        }
        if self.order != Order::default() {
            write!(f, "&s={}", self.order)?;
        }
        if self.page > 1 {
            write!(f, "&p={}", self.page)?;
        }
        Ok(())
    }
}

/// `10 MB`, `1,5 Go`, `300k`: French letters and commas too.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().replace(',', ".").replace(['\u{a0}', '\u{202f}'], " ").to_lowercase();
    let text = text.strip_suffix('o').map_or_else(|| text.clone(), |text| format!("{text}b"));
    text.parse::<ByteSize>().ok().map(|size| size.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        let whole = "/q/?v=old%20sea&r=30&k=video&k=audio&min=10%20MB&max=1.5GB\
                     &on=00000000-0000-0000-0000-000000000007&s=-size&p=3";
        for (address, same) in [
            ("/q/?v=", "/q/?v="),
            ("/q/?v=a%26b", "/q/?v=a%26b"),
            (whole, whole),
            ("/q/?k=video&k=nonsense&k=video&v=x", "/q/?v=x&k=video"),
            ("/q/?v=x&r=4&on=me&s=best&p=0&min=", "/q/?v=x"),
            ("/q/?v=x&s=relevance&p=1&part=1", "/q/?v=x"),
        ] {
            let asked = Asked::parse(address.split_once('?').unwrap().1);
            assert_eq!(asked.to_string(), same, "{address}");
        }
        assert!(Asked::parse("v=x&part=1").is_part);
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, expected) in [
            ("10 MB", Some(10_000_000)),
            ("1,5 Go", Some(1_500_000_000)),
            ("300k", Some(300_000)),
            ("2 MiB", Some(2 << 20)),
            ("700", Some(700)),
            ("", None),
            ("many", None),
            ("-1", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
            assert_eq!(Asked::is_size(text), expected.is_some() || text.is_empty(), "{text}");
        }
    }

    #[test]
    fn addresses_beside_it_begin_at_the_first_page() {
        let asked = Asked::parse("v=x&k=video&s=size&on=00000000-0000-0000-0000-000000000007&p=9");
        assert_eq!(asked.sorted_by(By::Size).order, Order { by: By::Size, reversed: true });
        assert_eq!(asked.sorted_by(By::Name).order, Order { by: By::Name, reversed: false });
        assert_eq!(asked.unfiltered().to_string(), "/q/?v=x&s=size");
        assert_eq!(asked.toggled(Kind::Video).toggled(Kind::Audio).kinds, [Kind::Audio].into_iter().collect());
        assert!(asked.is_narrowed() && !asked.unfiltered().is_narrowed());
        assert_eq!(asked.sorted_by(By::Name).page, 1);
    }
}
