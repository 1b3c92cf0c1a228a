//! The node: the one file that knows everyone. It opens what is needed, starts the parts in the
//! order in which they need each other, says where it can be found, and ends them.

mod napster;
mod where_to;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use self::napster::OpenNapster;
use self::where_to::say_where;
use crate::bandwidth::Bandwidth;
use crate::config::{Config, would_be_offered};
use crate::directory::registry::StoredRegistry;
use crate::discovery::{Discovery, DiscoveryOptions};
use crate::fetch::client::Dialling;
use crate::fetch::feed::FeedReader;
use crate::fetch::index::IndexFetcher;
use crate::http::accept::Server;
use crate::http::cores::Cores;
use crate::http::host::HostNames;
use crate::http::listeners::Listeners;
use crate::http::operator::Rank;
use crate::http::site::Site;
use crate::http::uploads::Uploads;
use crate::http::{App, Parts, archive, bring, content, feed, library, live, loot_pages, media, mirror, relay};
use crate::identity::StateFolder;
use crate::leaving::{Leaving, Outgoing};
use crate::listening::{Gate, listen};
use crate::loot::deliveries::Deliveries;
use crate::loot::inbox::Inbox;
use crate::loot::keeper::{self, KeeperHandle};
use crate::loot::space::SpaceBudget;
use crate::loot::stored::StoredLoot;
use crate::loot::{Ledger, LootFolder};
use crate::mirror::engine::Engine;
use crate::mirror::rules::Rules;
use crate::mirror::settled::Settled;
use crate::mirror::wishes::Wishes;
use crate::mirror::{Mirror, Said};
use crate::neighbours::index_cache::IndexCache;
use crate::neighbours::{Neighbourhood, SwitchedOff};
use crate::news::News;
use crate::news::gatherer::Gatherer;
use crate::shutdown::{Tasks, signalled};
use crate::terminal::Terminal;
use crate::wire::manifest::Mirrors;

/// Listings that are made at once; others wait.
const WALKS_MAX: usize = 4;
/// The keeper of the loot and the directory's store may take so long to end.
const KEEPER_ENDS: Duration = Duration::from_millis(500);

/// Runs a node until SIGINT or SIGTERM.
///
/// # Errors
/// Why it could not start, in a sentence that says what to do.
pub async fn run(config: Config, quiet: bool, terminal: Terminal) -> anyhow::Result<()> {
    let state = StateFolder::open(&config.state)?;
    let folder = LootFolder::open(&config.folder)
        .with_context(|| format!("the folder {} cannot be shared", config.folder.display()))?;
    for private in config.secrets.iter().chain([&config.state]) {
        let offered = would_be_offered(private, folder.path());
        anyhow::ensure!(!offered, "{} lies in the shared folder: it would be offered to everybody", private.display());
    }
    let port = config.discovery.port;
    let listeners = open_listeners(&config.discovery, port).map_err(|(error, at)| explain(error, at))?;
    let discovery = Discovery::open(config.discovery.clone())?;
    let napster = OpenNapster::open(&config, state.path(), discovery.interfaces())?;
    let stored = StoredLoot::open(state.path(), folder.path()).context("the state folder cannot be written")?;
    let inbox = Inbox::open(&stored, config.bring.inbox_open)
        .context("what the state folder tells of the inbox cannot be used")?;
    let ledger = Ledger::open(&stored.ledger_path()).context("the ledger in the state folder cannot be used")?;
    for name in discovery.absent_interfaces() {
        tracing::warn!(name, "there is no such network interface up now; it is used once it appears");
    }
    let shared = folder.path().to_owned();
    let (loot, keeper) = keeper::start(folder, config.key.clone(), ledger.clone(), stored)?;
    let space = SpaceBudget::new(loot.clone(), config.space);
    let deliveries = Deliveries::open(loot.clone(), ledger.clone(), inbox, space.clone(), config.bring.limits);
    let uuid = state.uuid()?;
    let neighbourhood = Neighbourhood::new(uuid);
    let news = News::open(state.path(), SystemTime::now());
    let tasks = Tasks::default();
    let outgoing = Outgoing { bandwidth: Bandwidth::new(config.limits.upload), leaving: Leaving::default() };
    let napster = napster.start(&config, &loot, &neighbourhood, discovery.interfaces(), &outgoing, &tasks);
    let registry = napster.registry.clone();
    let bind = dialled_from(&config);
    let app = App::new(Parts {
        name: config.name.clone(),
        port: config.discovery.port,
        uuid,
        started: Instant::now(),
        loot: loot.clone(),
        ledger: ledger.clone(),
        neighbourhood: neighbourhood.clone(),
        mirror: steered_mirror(&config, state.path())?,
        interfaces: discovery.interfaces(),
        segment: discovery.segment(),
        stats: discovery.stats(),
        hosts: Arc::new(HostNames::new(&config.host_name, &config.also_called)),
        rank: Arc::new(Rank::new(config.operator_token).map_err(io::Error::from)?),
        librarian: Arc::default(),
        searches: Default::default(),
        listings: Arc::new(Semaphore::new(WALKS_MAX)),
        napster,
        relays: Gate::new(relay::LIMITS),
        leaving: outgoing.leaving,
        upload: outgoing.bandwidth,
        download: Bandwidth::new(config.limits.download),
        bind,
        lists: content::room(),
        deliveries: deliveries.clone(),
        uploads: Uploads::default(),
        manifests: Arc::default(),
        feeds: Listeners::new(tasks.clone(), feed::LIMITS),
        watchers: Listeners::new(tasks.clone(), mirror::LIMITS),
        live: Listeners::new(tasks.clone(), live::LIMITS),
        missing: Arc::default(),
        news: news.clone(),
        archives: archive::Places::default(),
        folders: loot_pages::Folders::default(),
        media: media::Places::default(),
    });
    let cores = Cores::start().context("the threads that serve could not be started")?;
    say_where(&app, &config, &shared, quiet);
    // The HTTP service listens before the first announcement: old nodes come at once.
    serve(listeners, &app, &config, &tasks, cores);
    tasks.spawn(bring::keep_tidy(deliveries));
    let cache = IndexCache::open(state.path()).context("the state folder cannot be written")?;
    tasks.spawn(
        IndexFetcher::new(loot.clone(), neighbourhood.clone(), news.clone(), cache, &config.key, bind)
            .run(tasks.clone()),
    );
    tasks.spawn(Gatherer::new(loot.clone(), neighbourhood.clone(), news.clone(), &config.name).run());
    discovery.run(config.name.clone(), uuid, loot.clone(), neighbourhood, &tasks);
    if config.mirror.is_some() && !quiet && terminal.is_watched() {
        tasks.spawn(terminal.show(app.mirror.clone()));
    }
    tasks.spawn(library::keep(app.clone()));
    start_mirror(config, &app, ledger, space, &tasks);
    signalled().await?;
    end(&tasks, keeper, registry, news).await;
    Ok(())
}

fn serve(listeners: Vec<TcpListener>, app: &App, config: &Config, tasks: &Tasks, cores: Cores) {
    let limits = config.connections.fit_to_files(files_max().saturating_sub(cores.files()));
    let server = Server::new(Site::new(app.clone()), limits, tasks.clone(), cores);
    for listener in listeners {
        tasks.spawn(server.clone().accept(listener));
    }
    tasks.spawn_draining(server.sweep());
}

/// How many files and sockets the process may have open.
fn files_max() -> usize {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(files).unwrap_or(usize::MAX)
}

/// The address from which others are dialled, on loopback. Elsewhere the system knows best by
/// which address they are reached.
fn dialled_from(config: &Config) -> Option<IpAddr> {
    config.discovery.bind.first().map(SocketAddr::ip).filter(IpAddr::is_loopback)
}

/// What pages see of the mirror, and steer.
fn steered_mirror(config: &Config, state: &std::path::Path) -> anyhow::Result<Mirror> {
    let copies = |rules: &Rules| rules.copies.map_or(Mirrors::Everything, Mirrors::Copies);
    let said = Said {
        switched_off: SwitchedOff::open(state).context("the list of switched-off nodes cannot be read")?,
        wishes: Wishes::open(state).context("the list of wished files cannot be read")?,
        settled: Settled::open(state).context("the list of decided conflicts cannot be read")?,
    };
    Ok(Mirror::new(config.mirror.as_ref().map(copies), said))
}

/// In shared mode too: the operator may wish for files.
fn start_mirror(config: Config, app: &App, ledger: Ledger, space: SpaceBudget, tasks: &Tasks) {
    let engine = Engine {
        mirror: app.mirror.clone(),
        loot: app.loot.clone(),
        neighbourhood: app.neighbourhood.clone(),
        ledger,
        rules: config.mirror,
        space,
        dialling: Dialling { from: app.bind, bandwidth: app.download.clone() },
    };
    tasks.spawn(engine.run());
    tasks.spawn(app.mirror.clone().watch_progress());
    tasks.spawn(app.mirror.clone().watch_leaving(app.leaving.clone()));
    let feeds = FeedReader::new(app.neighbourhood.clone(), app.loot.clone(), app.bind);
    let mirror = app.mirror.clone();
    tasks.spawn(async move {
        // Who takes nothing need not hear what others take.
        mirror.takes_something().await;
        feeds.run().await;
    });
}

async fn end(tasks: &Tasks, keeper: KeeperHandle, registry: Option<StoredRegistry>, news: News) {
    tracing::info!("ending");
    let ended = tasks.end().await;
    let deadline = Instant::now() + KEEPER_ENDS;
    // The threads for files may all hang on a dead disk: this has its own.
    let stopping = std::thread::spawn(move || {
        registry.as_ref().inspect(|registry| registry.begin_closing());
        news.save();
        keeper.stop(deadline);
        if registry.is_some_and(|registry| !registry.close(deadline)) {
            tracing::warn!("the last changes of the directory were not stored");
        }
    });
    while !stopping.is_finished() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if !ended {
        tracing::info!("some answers were cut off");
    }
}

/// Listens at a port of all addresses that the node has. The address that cannot be had comes
/// with the error.
fn open_listeners(options: &DiscoveryOptions, port: u16) -> Result<Vec<TcpListener>, (io::Error, SocketAddr)> {
    let open = |address: SocketAddr| listen(address).map_err(|error| (error, address));
    if !options.bind.is_empty() {
        return options.bind.iter().map(|address| open(with_port(*address, port))).collect();
    }
    let mut listeners = vec![open(SocketAddr::from(([0, 0, 0, 0], port)))?];
    if options.ipv6 {
        match open(SocketAddr::from(([0_u16; 8], port))) {
            Ok(listener) => listeners.push(listener),
            Err((error, address)) if error.kind() == io::ErrorKind::AddrInUse => return Err((error, address)),
            Err((error, _)) => tracing::info!(%error, "going on without IPv6"),
        }
    }
    Ok(listeners)
}

fn explain(error: io::Error, address: SocketAddr) -> anyhow::Error {
    let what = match error.kind() {
        io::ErrorKind::AddrInUse => taken(address.port()),
        io::ErrorKind::AddrNotAvailable => format!("{} is no address of this machine", address.ip()),
        io::ErrorKind::PermissionDenied => {
            format!("port {} is not allowed to this user; choose one from 1024", address.port())
        }
        _ => format!("cannot listen on {address}"),
    };
    anyhow::Error::new(error).context(what)
}

fn taken(port: u16) -> String {
    format!(
        "port {port} is taken: another node runs here already, or some other program uses it. \
         End that one, or choose another port with --port (all nodes of a network must agree on it)"
    )
}

fn with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}
