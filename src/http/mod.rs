//! The HTTP service: what browsers, old nodes and new ones ask for.
//!
//! All routes stand on this page, grouped by who calls them. Everybody on the network may read;
//! what changes the node is the [operator's](operator).

pub mod accept;
pub mod archive;
pub mod assets;
pub mod batch;
pub mod bring;
mod changes;
mod channel_body;
mod clocked_stream;
pub mod connection;
pub mod content;
pub mod cores;
pub mod decide;
pub mod design;
pub mod directory;
pub mod error;
mod exact_body;
pub mod feed;
pub mod fetch_here;
pub mod file_body;
mod file_out;
pub mod file_page;
pub mod health;
pub mod held_back;
pub mod help;
pub mod home;
pub mod host;
pub mod join;
pub mod library;
pub mod listeners;
pub mod live;
pub mod loot_pages;
pub mod manifest;
pub mod media;
pub mod mirror;
pub mod natural;
pub mod near;
pub mod new;
pub mod operator;
mod owner;
pub mod page;
mod pieces;
pub mod playlist;
pub mod range;
pub mod relay;
pub mod say;
pub mod search;
pub mod site;
pub mod store;
pub mod switch;
mod text;
mod tracked_body;
pub mod uploads;
mod visit;

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::routing::{any, get, options, post};
use tokio::sync::Semaphore;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use uuid::Uuid;

use crate::bandwidth::Bandwidth;
use crate::directory::Napster;
use crate::discovery::interfaces::Interfaces;
use crate::discovery::segment::Segment;
use crate::discovery::stats::Stats;
use crate::leaving::Leaving;
pub use crate::listening::Ends;
use crate::listening::Gate;
use crate::loot::deliveries::Deliveries;
use crate::loot::{Ledger, Loot};
use crate::mirror::Mirror;
use crate::neighbours::Neighbourhood;
use crate::news::News;
use crate::search::Librarian;
use crate::wire::{self, NodeName};

/// A page is answered within this; bodies of files are bounded by their speed instead.
const PAGE: Duration = Duration::from_secs(15);
/// A walk over indexes waits so long for its turn.
const WALK_WAIT: Duration = Duration::from_secs(3);
/// Forms of the operator are small: a name of 1,024 bytes, each written as three, twice.
const BODY_MAX_BYTES: usize = 8 * 1024;

/// What every handler may use; cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// What the service is made of.
#[derive(Debug)]
pub struct Parts {
    /// Our name.
    pub name: NodeName,
    /// Our UDP and TCP port.
    pub port: u16,
    /// Our uuid.
    pub uuid: Uuid,
    /// Since when we run.
    pub started: Instant,
    /// Ours.
    pub loot: Loot,
    /// How files came and went.
    pub ledger: Ledger,
    /// Theirs.
    pub neighbourhood: Neighbourhood,
    /// What is coming.
    pub mirror: Mirror,
    /// Where we announce.
    pub interfaces: Interfaces,
    /// On which of them.
    pub segment: Arc<Segment>,
    /// What came in.
    pub stats: Arc<Stats>,
    /// Under which names we are asked.
    pub hosts: Arc<host::HostNames>,
    /// Who may change the node.
    pub rank: Arc<operator::Rank>,
    /// What searches read.
    pub librarian: Arc<Librarian>,
    /// Searches that run at once.
    pub searches: search::Turns,
    /// Listings of folders and counts that are made at once.
    pub listings: Arc<Semaphore>,
    /// Room for the lists of pieces that are being sent.
    pub lists: Arc<Semaphore>,
    /// What people bring in.
    pub deliveries: Deliveries,
    /// Lets pieces out.
    pub uploads: uploads::Uploads,
    /// What names the content of our files, ready to be served.
    pub manifests: Arc<manifest::Manifests>,
    /// Neighbours that are told at once what changes here.
    pub feeds: Arc<listeners::Listeners>,
    /// Pages and programs that are told how the mirror gets on.
    pub watchers: Arc<listeners::Listeners>,
    /// Pages that are told at once when something changes.
    pub live: Arc<listeners::Listeners>,
    /// The Napster side.
    pub napster: Napster,
    /// Lets downloads from Napster peers in.
    pub relays: Gate,
    /// What is leaving now.
    pub leaving: Leaving,
    /// For content of files that leaves.
    pub upload: Bandwidth,
    /// For content of files that is fetched.
    pub download: Bandwidth,
    /// The address from which others are dialled; none: the system chooses.
    pub bind: Option<IpAddr>,
    /// How many files of each neighbour are not here.
    pub missing: Arc<home::MissingCounts>,
    /// What is new nearby.
    pub news: News,
    /// Lets archives be made.
    pub archives: archive::Places,
    /// Folders that were sorted lately.
    pub folders: loot_pages::Folders,
    /// Lets files of neighbours through.
    pub media: media::Places,
}

impl App {
    /// Of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Runs a walk over indexes on a thread of its own, a few at once; who comes too late waits a
    /// moment.
    ///
    /// # Errors
    /// [`error::HttpError::Busy`] when no place is free in time.
    pub async fn walk<T: Send + 'static>(
        places: &Arc<Semaphore>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, error::HttpError> {
        let place = tokio::time::timeout(WALK_WAIT, places.clone().acquire_owned()).await;
        let Ok(Ok(place)) = place else { return Err(error::HttpError::Busy) };
        let walked = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        walked.await.map_err(|_| error::HttpError::Busy)
    }
}

/// The route table. Only [`Site`](site::Site) asks it, after the Host rule.
fn routes(app: App) -> Router {
    // Nodes, old and new; curl; browsers that download.
    let store = Router::new()
        .route("/s/", get(store::serve).post(batch::serve))
        .route("/s", get(store::serve).post(batch::serve));

    // People, for what takes its time: what only Napster peers have, folders, a neighbour's films.
    let relay = Router::new()
        .route("/n/{md5}", get(relay::serve))
        .route("/archive/{name}", get(archive::serve).post(archive::serve_form))
        .route("/media/{uuid}", get(media::serve))
        .route("/playlist/{name}", get(playlist::serve))
        .layer(middleware::from_fn(error::as_page));

    // The operator, who looks into the inbox.
    let inbox = Router::new().route("/bring/inbox/file", get(bring::inbox::fetch));

    // People.
    let pages = Router::new()
        .route("/", get(home::show))
        .route("/q/", get(search::show))
        .route("/q", get(search::show))
        .route("/l/", get(loot_pages::browse_ours))
        .route("/l", get(loot_pages::browse_ours))
        .route("/l/{uuid}", get(loot_pages::browse))
        .route("/file/{uuid}", get(file_page::show))
        .route("/v/{uuid}", get(loot_pages::missing))
        .route("/near", get(near::show))
        .route("/new", get(new::show))
        .route("/new.atom", get(new::atom))
        .route("/join", get(join::show))
        .route("/help", get(help::show))
        .route("/mirror", get(mirror::show))
        .route("/mirror.json", get(mirror::json))
        .route("/mirror/events", get(mirror::events))
        .route("/bring", get(bring::page::show))
        .route("/held-back", get(held_back::show))
        .route("/design", get(design::show))
        .route("/directory", get(directory::show))
        .route("/directory.json", get(directory::json))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::SERVICE_UNAVAILABLE, PAGE))
        .layer(middleware::from_fn(error::as_page))
        .layer(CompressionLayer::new().gzip(true))
        .layer(header_layer(header::VARY, "Accept-Encoding, Accept-Language"))
        .layer(header_layer(header::CACHE_CONTROL, "no-store"));

    // What renews pages while they are looked at.
    let live = Router::new().route("/live", get(live::events));

    // Who brings files in: the page's script, programs, plain forms. They take their time.
    let bring = Router::new()
        .route("/up/", options(bring::tus::about).post(bring::tus::create))
        .route(
            "/up/{id}",
            options(bring::tus::about)
                .head(bring::tus::look)
                .get(bring::tus::tell)
                .patch(bring::tus::append)
                .delete(bring::tus::give_up),
        )
        .layer(header_layer(HeaderName::from_static("tus-resumable"), wire::tus::VERSION))
        .route("/bring", post(bring::form::take))
        .layer(header_layer(header::VARY, "Accept-Language"))
        .layer(header_layer(header::CACHE_CONTROL, "no-store"));

    // The operator.
    let operator = Router::new()
        .route("/operator", get(operator::visit))
        .route("/operator/rescan", post(operator::rescan))
        .route("/operator/mirror", post(operator::pause_mirror))
        .route("/operator/neighbour", post(switch::switch))
        .route("/operator/forget-deleted", post(operator::forget_deleted))
        .route("/operator/fetch", post(fetch_here::fetch))
        .route("/operator/wish", post(fetch_here::change))
        .route("/operator/retry", post(decide::retry))
        .route("/operator/conflict", post(decide::conflict))
        .route("/bring/inbox", post(bring::inbox::decide))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::REQUEST_TIMEOUT, PAGE))
        .layer(middleware::from_fn(error::as_page))
        .layer(header_layer(header::CACHE_CONTROL, "no-store"));

    // Programs that watch over us, and what pages are made of.
    let rest = Router::new()
        .route("/healthz", get(health::show))
        .route("/static/{file}", get(assets::serve))
        .route("/favicon.ico", get(assets::favicon))
        .layer(CompressionLayer::new().gzip(true));

    Router::new()
        .merge(store)
        .merge(inbox)
        .merge(relay)
        .merge(pages)
        .merge(live)
        .merge(bring)
        .merge(operator)
        .merge(rest)
        .fallback(any(error::not_found).layer(middleware::from_fn(error::as_page)))
        .with_state(app)
}

/// Sets a header where the handler set none.
fn header_layer(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
