//! `/new`: what appeared nearby, the newest first, with what is new since the reader's last visit;
//! `/new.atom`: the same as a feed.

mod feed;
mod seen;
mod view;

use std::time::{Instant, SystemTime};

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::Response;

pub use self::feed::atom;
pub use self::seen::Seen;
use self::view::{Nodes, Section, sections};
use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Paging, ROWS, Tab, page_number, render};

#[derive(askama::Template)]
#[template(path = "new.html")]
struct NewPage {
    frame: Frame,
    sections: Vec<Section>,
    /// `3 new since your last visit`; none on a first visit, and where nothing is.
    since: Option<String>,
    paging: Paging,
}

/// The page. Visiting it is remembered in a cookie.
pub async fn show(State(app): State<App>, RawQuery(query): RawQuery, visitor: Visitor) -> Result<Response, HttpError> {
    let (say, time) = (visitor.say, SystemTime::now());
    let page = page_number(query.as_deref().unwrap_or_default());
    let items = app.news.latest(page.saturating_sub(1).saturating_mul(ROWS), ROWS);
    let seen = Seen::visited(visitor.seen, time);
    let nodes = Nodes::new(&app, Instant::now());
    let since = seen.before().map(|before| app.news.count_since(before)).filter(|count| *count > 0);
    let total = app.news.len();
    let page = NewPage {
        sections: sections(&items, &nodes, seen.before(), say, time),
        since: since.map(|count| say.t1("new-since", "count", count)),
        paging: Paging::new(say, page, total, |page| format!("/new?p={page}")),
        // What is on this page is seen.
        frame: Frame { news: 0, ..Frame::new(&app, &visitor).at(Tab::New) },
    };
    let mut response = render(&page)?;
    if let Ok(cookie) = seen.cookie(app.port).parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
