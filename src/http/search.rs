//! `/q/?v=…`: what everybody nearby offers, and where to get it (`docs/PROTOCOL.md`, section 4).
//!
//! With `part=1` the results alone, the first of them sent before the others are made: what a page
//! shows while somebody types.

mod asked;
mod choices;
mod rows;
mod turns;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template as _;
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use tokio::sync::mpsc;

use self::asked::Asked;
use self::choices::{Chip, Choice, Column, Held, chips, columns, held, nodes, orders};
pub(super) use self::rows::link_to;
use self::rows::{FolderRow, Row, Showing};
pub use self::turns::Turns;
use super::channel_body::ChannelBody;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Paging, ROWS, Tab, render};
use super::say::Say;
use super::{App, Ends, library};
use crate::listening::host_key;
use crate::neighbours::Neighbour;
use crate::search::{Found, Library, RANKED_MAX, Request, search};

/// How long a search may take.
const SEARCH_MAX: Duration = Duration::from_millis(250);
/// Rows that are sent before the others are made: a screen is full.
const FIRST_ROWS: usize = 20;
/// Words that are offered alone when all together find nothing.
const WORDS_OFFERED: usize = 4;

#[derive(askama::Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    asked: Asked,
    head: Head,
    list: List,
    tail: Tail,
}

/// What stands above the hits.
#[derive(askama::Template)]
#[template(path = "search_head.html")]
struct Head {
    say: Say,
    heading: String,
    /// The same for who does not see it, and the title of the page.
    said: String,
    title: String,
    as_regex: bool,
    cut_short: bool,
    /// Only so many are shown.
    shown: Option<String>,
    all_href: String,
    is_of_all_kinds: bool,
    chips: Vec<Chip>,
    held: Vec<Held>,
    narrow: Narrow,
    folders: Vec<FolderRow>,
    nothing: Option<Nothing>,
    columns: [Column; 4],
}

/// The form for sizes, nodes and orders.
struct Narrow {
    asked: Asked,
    orders: Vec<Choice>,
    nodes: Vec<Choice>,
    is_bad_least: bool,
    is_bad_most: bool,
    is_open: bool,
}

/// Nothing was found: what to do.
struct Nothing {
    why: String,
    unfiltered: Option<String>,
    /// Each word alone: as it is written, and where that is looked for.
    words: Vec<(String, String)>,
}

/// Some hits.
#[derive(askama::Template)]
#[template(path = "search_rows.html")]
struct List {
    say: Say,
    rows: Vec<Row>,
    token: String,
    back: String,
}

/// What stands below them.
#[derive(askama::Template)]
#[template(path = "search_tail.html")]
struct Tail {
    say: Say,
    paging: Paging,
    is_empty: bool,
}

/// The results of a search; without one, everything.
pub async fn show(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    RawQuery(query): RawQuery,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let asked = Asked::parse(query.as_deref().unwrap_or_default());
    let neighbours = library::tellers(&app, Instant::now());
    let (found, library) = run(&app, host_key(ends.peer), &neighbours, &asked).await?;
    let showing = Showing {
        app: &app,
        library: &library,
        neighbours: &neighbours,
        local: ends.local.ip(),
        say: visitor.say,
        fetches: visitor.is_operator,
    };
    let head = head(&asked, &found, &showing);
    let paging = paging(&asked, &found, visitor.say);
    let tail = Tail { say: visitor.say, paging, is_empty: found.total == 0 };
    let (say, token, back) = (visitor.say, visitor.form_token.clone(), asked.to_string());
    let list = move |rows| List { say, rows, token: token.clone(), back: back.clone() };
    let mut rows: Vec<Row> = found.hits.iter().map(|hit| showing.row(hit)).collect();
    if asked.is_part {
        let others = rows.split_off(FIRST_ROWS.min(rows.len()));
        let first = format!("{}{}", head.render()?, list(rows).render()?);
        return Ok(in_two(first, move || Ok(format!("{}{}", list(others).render()?, tail.render()?))));
    }
    let frame = Frame { query: asked.text.clone(), refresh: asked.refresh, ..Frame::new(&app, &visitor) };
    let list = list(rows);
    render(&SearchPage { frame: frame.at(Tab::Search), asked, head, list, tail })
}

/// The search itself, off the threads that serve, a few at once.
async fn run(
    app: &App,
    host: IpAddr,
    neighbours: &[Neighbour],
    asked: &Asked,
) -> Result<(Found, Arc<Library>), HttpError> {
    let request = Request {
        text: asked.text.clone(),
        filters: asked.filters(),
        order: asked.order,
        skip: asked.page.saturating_sub(1).saturating_mul(ROWS),
        take: ROWS,
    };
    let (of, neighbours) = (app.clone(), neighbours.to_vec());
    let searched = app.searches.run(host, move || {
        let library = library::of_now(&of, &neighbours);
        search(&request, &library, Instant::now() + SEARCH_MAX).map(|found| (found, library))
    });
    Ok(searched.await??)
}

fn head(asked: &Asked, found: &Found, showing: &Showing<'_>) -> Head {
    let say = showing.say;
    let text = asked.text.trim();
    let heading = match (text, found.total) {
        (_, 0) => say.t("search-nothing"),
        ("", total) => say.t1("search-everything", "files", say.files(total)),
        (_, total) => say.files(total),
    };
    let nodes = nodes(asked, showing.app, showing.neighbours);
    let is_bad = |text: &str| !Asked::is_size(text);
    Head {
        say,
        said: if text.is_empty() {
            heading.clone()
        } else {
            say.t2("search-said", ("count", &*heading), ("words", text))
        },
        title: if text.is_empty() { say.t("search-title") } else { text.to_owned() },
        as_regex: found.as_regex,
        cut_short: found.cut_short,
        shown: (found.total > RANKED_MAX).then(|| say.t1("search-first-shown", "count", RANKED_MAX as u64)),
        all_href: Asked { kinds: Default::default(), page: 1, ..asked.clone() }.to_string(),
        is_of_all_kinds: asked.kinds.is_all(),
        chips: chips(asked, found, say),
        held: held(asked, &nodes, say),
        folders: found.folders.iter().filter_map(|folder| showing.folder(folder)).collect(),
        nothing: (found.total == 0).then(|| nothing(asked, showing)),
        columns: columns(asked, say),
        narrow: Narrow {
            orders: orders(asked, say),
            nodes,
            is_bad_least: is_bad(&asked.least),
            is_bad_most: is_bad(&asked.most),
            is_open: is_bad(&asked.least) || is_bad(&asked.most),
            asked: asked.clone(),
        },
        heading,
    }
}

fn nothing(asked: &Asked, showing: &Showing<'_>) -> Nothing {
    let nodes = showing.neighbours.len().saturating_add(1) as u64;
    let words: Vec<&str> = asked.text.split_whitespace().filter(|word| !word.starts_with('-')).collect();
    let alone = |word: &&str| {
        let alone = Asked { text: (*word).to_owned(), ..asked.unfiltered() };
        ((*word).to_owned(), alone.to_string())
    };
    Nothing {
        why: showing.say.t1("search-nobody-has", "count", nodes),
        unfiltered: asked.is_narrowed().then(|| asked.unfiltered().to_string()),
        words: if words.len() > 1 { words.iter().take(WORDS_OFFERED).map(alone).collect() } else { Vec::new() },
    }
}

fn paging(asked: &Asked, found: &Found, say: Say) -> Paging {
    Paging::new(say, asked.page, found.total.min(RANKED_MAX), |page| Asked { page, ..asked.clone() }.to_string())
}

/// An answer of two parts, of which the second is made while the first is on its way.
fn in_two(first: String, second: impl FnOnce() -> Result<String, askama::Error> + Send + 'static) -> Response {
    let (sender, receiver) = mpsc::channel(2);
    // There is room: nothing was sent yet.
    let _ = sender.try_send(Bytes::from(first));
    tokio::spawn(async move {
        // Who went does not miss it.
        if let Ok(second) = second() {
            let _ = sender.send(Bytes::from(second)).await;
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (kind, Body::new(ChannelBody(receiver))).into_response()
}
