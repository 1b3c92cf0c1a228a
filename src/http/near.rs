//! `/near`: who is here, ourselves first, and why perhaps nobody is.

mod card;
mod diagnosis;

use std::time::Instant;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use self::card::{Card, OwnCard, PeerCard, peers};
use self::diagnosis::DiagnosisView;
use super::error::HttpError;
use super::join::{QrView, addresses, origin};
use super::operator::Visitor;
use super::page::{Frame, Tab, render};
use super::{App, Ends};
use crate::discovery::diagnosis::Facts;
use crate::own_address::for_visitor;

/// Where no script runs the page renews itself after so many seconds.
const REFRESH_SECONDS: u32 = 30;

#[derive(askama::Template)]
#[template(path = "near.html")]
struct NearPage {
    frame: Frame,
    ours: OwnCard,
    count: String,
    /// The same, for whoever does not see it.
    said: String,
    neighbours: Vec<Card>,
    peers: Vec<PeerCard>,
    peer_count: String,
    diagnosis: DiagnosisView,
    qr: Option<QrView>,
}

/// The page.
pub async fn show(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let (now, say) = (Instant::now(), visitor.say);
    let present = app.neighbourhood.present(now);
    let (counts, of, ours) = (app.missing.clone(), present.clone(), app.loot.snapshot().index.clone());
    let missing = App::walk(&app.listings, move || counts.count(&of, &ours)).await?;
    let addresses = for_visitor(ends.local.ip(), addresses(&app));
    let best = addresses.first().map(|ip| origin(*ip, app.port));
    let facts = Facts::gather(&app.interfaces, &app.segment, &app.stats, app.port, present.len(), now);
    let cards =
        present.iter().zip(missing).map(|(n, missing)| Card::new(&app, &visitor, n, missing, ends.local.ip(), now));
    let (peers, peer_count) = peers(&app, say);
    render(&NearPage {
        ours: OwnCard::new(&app, say, &addresses),
        count: say.number(present.len()),
        said: say.t1("near-count", "count", present.len()),
        neighbours: cards.collect(),
        peers,
        peer_count,
        diagnosis: DiagnosisView::new(&facts, say, visitor.is_operator),
        qr: best.and_then(|best| QrView::of(&best, say)),
        frame: Frame { refresh: Some(REFRESH_SECONDS), ..Frame::new(&app, &visitor).at(Tab::Near) },
    })
}
