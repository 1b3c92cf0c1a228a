//! What all pages share: the frame around them, and how sizes, times and page numbers are said.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytesize::ByteSize;
use uuid::Uuid;

use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::say::{self, Say};
use crate::neighbours::Neighbour;
use crate::wire::{IndexKey, url};

/// Rows on one page of a listing.
pub const ROWS: usize = 100;

/// The frame: every template has one as `frame`.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Our name.
    pub node: String,
    /// Our port.
    pub port: u16,
    /// Says things in the reader's language.
    pub say: Say,
    /// What stands in the search field.
    pub query: String,
    /// Whether the visitor is the operator.
    pub is_operator: bool,
    /// How much needs the operator's eye; shown beside the link.
    pub held_back: usize,
    /// What is new nearby since the reader looked last; shown beside the tab.
    pub news: usize,
    /// Whether this node copies from others.
    pub mirrors: bool,
    /// Where no script runs, the page renews itself after so many seconds.
    pub refresh: Option<u32>,
    /// Which tab is this one.
    pub tab: Option<Tab>,
}

/// A tab of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// `/` and `/q/`.
    Search,
    /// `/near`.
    Near,
    /// `/new`.
    New,
    /// `/mirror`.
    Transfers,
    /// `/bring`.
    Bring,
    /// `/join`.
    Join,
}

/// How a tab is shown.
#[derive(Clone, Debug)]
pub struct TabView {
    /// Where it leads.
    pub href: &'static str,
    /// The name of its icon.
    pub icon: &'static str,
    /// Its name.
    pub label: String,
    /// How much there is new to the reader; empty if nothing.
    pub count: String,
    /// This page is the one.
    pub is_current: bool,
}

impl Frame {
    /// For a visitor.
    #[must_use]
    pub fn new(app: &App, visitor: &Visitor) -> Self {
        let mirror = app.mirror.status();
        let conflicts = mirror.plan.conflicts.len();
        Self {
            node: app.name.to_string(),
            port: app.port,
            say: visitor.say,
            query: String::new(),
            is_operator: visitor.is_operator,
            held_back: app.loot.status().held_back_count.saturating_add(conflicts),
            news: visitor.seen.map_or(0, |seen| app.news.count_since(seen.last())),
            mirrors: app.mirror.is_opportunistic(),
            refresh: None,
            tab: None,
        }
    }

    /// The same, as the page of that tab.
    #[must_use]
    pub fn at(self, tab: Tab) -> Self {
        Self { tab: Some(tab), ..self }
    }

    /// All tabs.
    #[must_use]
    pub fn tabs(&self) -> Vec<TabView> {
        let tabs = [
            (Tab::Search, "/", "search", "common-nav-search"),
            (Tab::Near, "/near", "near", "common-nav-near"),
            (Tab::New, "/new", "new", "common-nav-new"),
            (Tab::Transfers, "/mirror", "transfers", "common-nav-transfers"),
            (Tab::Bring, "/bring", "bring", "common-nav-bring"),
            (Tab::Join, "/join", "join", "common-nav-join"),
        ];
        let view = |(tab, href, icon, key)| {
            let is_current = self.tab == Some(tab);
            let count = if tab == Tab::New && self.news > 0 { self.say.number(self.news) } else { String::new() };
            TabView { href, icon, label: self.say.t(key), count, is_current }
        };
        tabs.map(view).into()
    }
}

/// Renders a page.
///
/// # Errors
/// [`HttpError::Page`].
pub fn render(page: &impl Template) -> Result<Response, HttpError> {
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.render()?).into_response())
}

/// `1.5 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    ByteSize(bytes).display().si().to_string()
}

/// `12 s ago`.
#[must_use]
pub fn ago(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0 => "just now".into(),
        1..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    }
}

/// `12 s`, `3 min`, `2 h 5 min`, `4 days`: never said more exactly than an estimate is.
#[must_use]
pub fn lasting(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..90 => format!("{} s", seconds.max(1)),
        90..5_400 => format!("{} min", seconds.saturating_add(30) / 60),
        5_400..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `1 file`, `1,234 files`.
#[must_use]
pub fn files(count: usize) -> String {
    if count == 1 { "1 file".into() } else { format!("{} files", grouped(count)) }
}

/// `1,234`.
#[must_use]
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && digits.len().saturating_sub(position) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One address of a neighbour, as a link.
#[derive(Clone, Debug)]
pub struct AddressLink {
    /// `http://10.0.0.2:12555/`.
    pub href: String,
    /// `10.0.0.2`.
    pub text: String,
}

/// How a neighbour is shown.
#[derive(Clone, Debug)]
pub struct NeighbourView {
    /// Who.
    pub uuid: Uuid,
    /// Its name, or its address where it has none.
    pub name: String,
    /// Which program it seems to be.
    pub kind: &'static str,
    /// Its addresses, the best first.
    pub addresses: Vec<AddressLink>,
    /// `12 s ago`.
    pub heard: String,
    /// `1,234 files`; none while its index is not known.
    pub files: Option<String>,
    /// `1.5 GB`.
    pub size: String,
    /// How many files are not here; none if all are.
    pub missing: Option<String>,
    /// What is wrong with it, if anything.
    pub trouble: Option<String>,
}

impl NeighbourView {
    /// Shows a neighbour to a visitor who reached us at `local`; `missing` counts what of it is not here.
    #[must_use]
    pub fn new(neighbour: &Neighbour, missing: usize, local: IpAddr, now: Instant) -> Self {
        let addresses: Vec<AddressLink> = neighbour
            .addresses_for_links(local)
            .into_iter()
            .map(|address| AddressLink {
                href: format!("{}/", url::origin(address.service, address.interface.as_deref())),
                text: address.service.ip().to_string(),
            })
            .collect();
        let index = neighbour.known.as_ref().map(|known| &known.index);
        let kind = match neighbour.verified_by() {
            Some(IndexKey::Practised) if neighbour.is_goforban() => "goforban",
            Some(IndexKey::Practised) => "Forban",
            Some(_) => "boucan",
            None => "",
        };
        let name = match neighbour.name.as_str() {
            "" => addresses.first().map_or_else(|| "unnamed".into(), |address| address.text.clone()),
            name => name.into(),
        };
        Self {
            uuid: neighbour.uuid,
            name,
            kind: if index.is_some() { kind } else { "" },
            addresses,
            heard: ago(now.saturating_duration_since(neighbour.heard())),
            files: index.map(|index| files(index.len())),
            size: index.map(|index| size(index.total_bytes())).unwrap_or_default(),
            missing: (missing > 0).then(|| grouped(missing)),
            trouble: trouble(neighbour),
        }
    }
}

fn trouble(neighbour: &Neighbour) -> Option<String> {
    if let Some(ip) = neighbour.disputed_by {
        return Some(format!("another host, {ip}, claims to be this node"));
    }
    neighbour.last_error().map(|error| format!("its list of files could not be read: {error}"))
}

/// Links to the pages before and after this one.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// `1–100 of 1,234`.
    pub text: String,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

impl Paging {
    /// For page `page` (from 1) of `total` rows; `link` makes the address of a page.
    #[must_use]
    pub fn new(say: Say, page: usize, total: usize, link: impl Fn(usize) -> String) -> Self {
        let skipped = page.saturating_sub(1).saturating_mul(ROWS);
        let last = skipped.saturating_add(ROWS).min(total);
        if total <= ROWS && page <= 1 {
            return Self::default();
        }
        let rows = [("first", skipped.saturating_add(1).min(total)), ("last", last), ("total", total)];
        Self {
            text: say.with("common-rows", rows.map(|(name, row)| (name, say::Value::from(row)))),
            previous: (page > 1).then(|| link(page.saturating_sub(1))),
            next: (last < total).then(|| link(page.saturating_add(1))),
        }
    }
}

/// A page number from a query: 1 unless it is a sensible number.
#[must_use]
pub fn page_number(query: &str) -> usize {
    let text = url::query_first(query, "p").and_then(|value| String::from_utf8(value.into_owned()).ok());
    text.and_then(|text| text.parse::<usize>().ok()).unwrap_or(1).clamp(1, 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(123), "123");
        assert_eq!(files(1), "1 file");
        assert_eq!(ago(Duration::from_secs(125)), "2 min ago");
        for (seconds, said) in
            [(0, "1 s"), (89, "89 s"), (100, "2 min"), (5_399, "90 min"), (7_500, "2 h 5 min"), (400_000, "4 days")]
        {
            assert_eq!(lasting(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn pages_link_to_their_neighbours() {
        let paging = Paging::new(Say::default(), 2, 250, |page| format!("?p={page}"));
        assert_eq!(paging.text, "101–200 of 250");
        assert_eq!((paging.previous.as_deref(), paging.next.as_deref()), (Some("?p=1"), Some("?p=3")));
        assert!(Paging::new(Say::default(), 1, 100, |_| String::new()).text.is_empty());
        assert_eq!(page_number("p=0"), 1);
        assert_eq!(page_number("p=abc"), 1);
    }
}
