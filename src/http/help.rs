//! `/help`: what this is, how it is used, and the keys.

use axum::extract::State;
use axum::response::Response;

use super::App;
use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, render};

#[derive(askama::Template)]
#[template(path = "help.html")]
struct HelpPage {
    frame: Frame,
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor) -> Result<Response, HttpError> {
    render(&HelpPage { frame: Frame::new(&app, &visitor) })
}
