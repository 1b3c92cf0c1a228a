//! What all pages share: the frame around them, and links from page to page.

use askama::Template;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::say::{self, Say};
use crate::wire::url;

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

/// One address of a neighbour, as a link.
#[derive(Clone, Debug)]
pub struct AddressLink {
    /// `http://10.0.0.2:12555/`.
    pub href: String,
    /// `10.0.0.2`.
    pub text: String,
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
    fn pages_link_to_their_neighbours() {
        let paging = Paging::new(Say::default(), 2, 250, |page| format!("?p={page}"));
        assert_eq!(paging.text, "101–200 of 250");
        assert_eq!((paging.previous.as_deref(), paging.next.as_deref()), (Some("?p=1"), Some("?p=3")));
        assert!(Paging::new(Say::default(), 1, 100, |_| String::new()).text.is_empty());
        assert_eq!(page_number("p=0"), 1);
        assert_eq!(page_number("p=abc"), 1);
    }
}
