//! `/design`: every component in every state, for whoever changes the pages (`docs/DESIGN.md`).

use axum::extract::State;
use axum::response::Response;

use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Paging, render};
use crate::wire::Kind;

#[derive(askama::Template)]
#[template(path = "design.html")]
struct DesignPage {
    frame: Frame,
    kinds: Vec<&'static str>,
    icons: Vec<&'static str>,
    colours: &'static [&'static str],
    paging: Paging,
}

const COLOURS: &[&str] = &[
    "paper",
    "card",
    "sunk",
    "ink",
    "quiet",
    "line",
    "line-strong",
    "accent",
    "accent-soft",
    "good",
    "warn",
    "bad",
    "mark",
];

/// The names of all icons, as the file has them.
fn icons() -> Vec<&'static str> {
    let symbols = include_str!("../../static/icons.svg").split("<symbol id=\"").skip(1);
    symbols.filter_map(|symbol| symbol.split('"').next()).collect()
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, HttpError> {
    render(&DesignPage {
        frame: Frame::new(&app, &visitor),
        kinds: Kind::ALL.into_iter().map(Kind::as_str).collect(),
        icons: icons(),
        colours: COLOURS,
        paging: Paging::new(visitor.say, 2, 250, |page| format!("/design?p={page}")),
    })
}
