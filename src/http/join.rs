//! `/join`: where others open this node, as text and as a QR code.

use std::net::{IpAddr, SocketAddr};

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use super::error::HttpError;
use super::operator::Visitor;
use super::page::{Frame, Tab, render};
use super::say::Say;
use super::{App, Ends};
use crate::discovery::links;
use crate::own_address::{for_people, for_visitor};
use crate::qr::Qr;
use crate::wire::url;

#[derive(askama::Template)]
#[template(path = "join.html")]
struct JoinPage {
    frame: Frame,
    /// The address to tell others, if there is any; the rest may work too.
    best: Option<String>,
    others: Vec<String>,
    qr: Option<QrView>,
    /// Nobody else can open any of them.
    is_only_here: bool,
}

/// A QR code on a page.
#[derive(Clone, Debug)]
pub struct QrView {
    /// For the `viewBox`.
    pub side: usize,
    /// All that is dark.
    pub path: String,
    /// What it says, for whoever does not see it.
    pub label: String,
}

impl QrView {
    /// Of an address.
    #[must_use]
    pub fn of(address: &str, say: Say) -> Option<Self> {
        let qr = Qr::of(address)?;
        Some(Self { side: qr.side(), path: qr.path(), label: say.t1("join-qr-label", "address", address) })
    }
}

/// The page.
pub async fn show(
    State(app): State<App>,
    Extension(ends): Extension<Ends>,
    visitor: Visitor,
) -> Result<Response, HttpError> {
    let ips = for_visitor(ends.local.ip(), addresses(&app));
    let is_only_here = ips.iter().all(IpAddr::is_loopback);
    let mut origins = ips.into_iter().map(|ip| origin(ip, app.port));
    let best = origins.next();
    render(&JoinPage {
        qr: best.as_ref().and_then(|best| QrView::of(best, visitor.say)),
        frame: Frame::new(&app, &visitor).at(Tab::Join),
        best,
        others: origins.collect(),
        is_only_here,
    })
}

/// Where others can open this node, the best first.
#[must_use]
pub fn addresses(app: &App) -> Vec<IpAddr> {
    let route = links::default_route();
    for_people(&app.interfaces.current(), &app.segment, links::kind, route.as_deref())
}

/// `http://192.168.1.7:12555/`.
#[must_use]
pub fn origin(ip: IpAddr, port: u16) -> String {
    format!("{}/", url::origin(SocketAddr::new(ip, port), None))
}
