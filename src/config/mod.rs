//! Configuration: flags over environment over file over defaults.
//!
//! [`Settings`] is what was said, in either way; [`Config`] is what holds, each part the small
//! option struct of the component that takes it.

pub mod file;
mod mirroring;
pub mod settings;
pub mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use directories::{BaseDirs, ProjectDirs, UserDirs};

pub use settings::Settings;

use crate::discovery::DiscoveryOptions;
use crate::http::accept::ConnectionLimits;
use crate::loot::deliveries::BringLimits;
use crate::loot::space::SpaceRules;
use crate::mirror::rules::Rules;
use crate::wire::{IndexKey, NodeName};
use settings::OperatorRule;
use values::{DIRECTORY_PORT, DirectoryHost};

/// The port that Forban nodes share, for UDP and TCP.
pub const PORT: u16 = 12555;
/// A pre-shared key is at most this long.
const KEY_MAX_BYTES: u64 = 4_096;

/// What holds for this run.
#[derive(Debug)]
pub struct Config {
    /// The folder that is offered.
    pub folder: PathBuf,
    /// Where the node keeps its state.
    pub state: PathBuf,
    /// Files that must not be offered.
    pub secrets: Vec<PathBuf>,
    /// What it calls itself.
    pub name: NodeName,
    /// The host's name, under which browsers may ask.
    pub host_name: String,
    /// More such names.
    pub also_called: Vec<String>,
    /// Announcing and hearing.
    pub discovery: DiscoveryOptions,
    /// The key of index HMACs.
    pub key: IndexKey,
    /// Whether neighbours' files are mirrored, and which; none in shared mode.
    pub mirror: Option<Rules>,
    /// What of the disk the mirror may use.
    pub space: SpaceRules,
    /// What people may bring in.
    pub bring: BringOptions,
    /// Connections from outside.
    pub connections: ConnectionLimits,
    /// What files' content may take of the network.
    pub limits: BandwidthLimits,
    /// The Napster side.
    pub napster: NapsterOptions,
    /// The operator needs the token even on the machine itself.
    pub operator_token: bool,
    /// The address is shown as a QR code at start, or not; none: where there is room.
    pub qr: Option<bool>,
}

/// Bytes a second of files' content; none: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandwidthLimits {
    /// That leave.
    pub upload: Option<u64>,
    /// That are fetched.
    pub download: Option<u64>,
}

/// Files that people bring in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BringOptions {
    /// The inbox is open if nobody ever switched it.
    pub inbox_open: bool,
    /// What others may send.
    pub limits: BringLimits,
}

/// A port, and whether the user asked for it: if so, and it is taken, the node does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The port.
    pub port: u16,
    /// It was said.
    pub is_asked: bool,
}

/// The Napster side: a directory, a port for peers, other directories.
#[derive(Clone, Debug)]
pub struct NapsterOptions {
    /// The directory; none if it is not wanted.
    pub directory: Option<Wish>,
    /// Where peers fetch; none if nobody could learn of it.
    pub peer: Option<Wish>,
    /// Directories at which our files are registered.
    pub joins: Vec<DirectoryHost>,
}

impl Config {
    /// Puts together what holds: what was said by flags and environment, then by the file.
    ///
    /// # Errors
    /// What is wrong, and where it was said.
    pub fn resolve(said: Settings) -> anyhow::Result<Self> {
        let said = match file::find(said.config.as_deref())? {
            Some(path) => said.or(file::read(&path)?),
            None => said,
        };
        if [said.max_connections, said.max_connections_per_host].contains(&Some(0))
            || [said.port, said.directory_port, said.peer_port].contains(&Some(0))
        {
            bail!("a port and a limit of connections must be at least 1");
        }
        let host_name = host_name();
        Ok(Self {
            folder: said.folder.clone().map_or_else(default_folder, Ok)?,
            state: said.state.clone().map_or_else(default_state, Ok)?,
            secrets: said.psk_file.iter().cloned().collect(),
            name: NodeName::new(said.name.as_deref().unwrap_or(&host_name)),
            key: key(&said)?,
            mirror: mirroring::rules(&said)?,
            space: SpaceRules {
                budget_bytes: said.budget.map(|size| size.0),
                reserve_bytes: said.reserve.map(|size| size.0),
            },
            bring: bring(&said),
            connections: ConnectionLimits {
                total: said.max_connections.unwrap_or(2_048),
                per_host: said.max_connections_per_host.unwrap_or(128),
            },
            limits: BandwidthLimits {
                upload: said.upload_limit.map(|rate| rate.0),
                download: said.download_limit.map(|rate| rate.0),
            },
            napster: napster(&said)?,
            qr: said.qr,
            operator_token: said.operator == Some(OperatorRule::Token),
            discovery: discovery(&said)?,
            also_called: said.also_called,
            host_name,
        })
    }
}

fn bring(said: &Settings) -> BringOptions {
    let usual = BringLimits::default();
    BringOptions {
        inbox_open: said.inbox.unwrap_or(false),
        limits: BringLimits {
            upload_max_bytes: said.upload_max.map_or(usual.upload_max_bytes, |size| size.0),
            inbox_max_bytes: said.inbox_max.map_or(usual.inbox_max_bytes, |size| size.0),
        },
    }
}

fn napster(said: &Settings) -> anyhow::Result<NapsterOptions> {
    let wanted = !said.no_directory.unwrap_or(false);
    if !wanted && said.directory_port.is_some() {
        bail!("--directory-port and --no-directory contradict each other: give only one");
    }
    let wish = |port: Option<u16>, default| Wish { port: port.unwrap_or(default), is_asked: port.is_some() };
    let directory = wish(said.directory_port, DIRECTORY_PORT);
    let peer = wish(said.peer_port, directory.port.checked_add(1).unwrap_or(DIRECTORY_PORT));
    if wanted && peer.port == directory.port {
        bail!("the directory and the port for Napster peers cannot both be {}", peer.port);
    }
    let peer_wanted = wanted || peer.is_asked || !said.join.is_empty();
    Ok(NapsterOptions {
        directory: wanted.then_some(directory),
        peer: peer_wanted.then_some(peer),
        joins: said.join.clone(),
    })
}

/// Whether a path lies in the shared folder under names that would be offered.
#[must_use]
pub fn would_be_offered(path: &Path, shared: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let is_hidden = |part: std::path::Component<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    path.strip_prefix(shared).is_ok_and(|below| !below.components().any(is_hidden))
}

fn discovery(said: &Settings) -> anyhow::Result<DiscoveryOptions> {
    let interval = said.announce_interval.map_or(std::time::Duration::from_secs(10), |given| given.0);
    if !(std::time::Duration::from_millis(100)..=std::time::Duration::from_secs(120)).contains(&interval) {
        bail!("the announce interval must lie between 100ms and 2min: neighbours forget a node after 5 minutes");
    }
    let addresses = |list: &[values::Address]| list.iter().map(|address| address.0).collect::<Vec<SocketAddr>>();
    // “All addresses” is what holds without a word; for IPv4 alone it says something.
    let (all, bind): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses(&said.bind).into_iter().partition(|a| a.ip().is_unspecified());
    let ipv4_alone = !all.is_empty() && all.iter().all(SocketAddr::is_ipv4);
    Ok(DiscoveryOptions {
        port: said.port.unwrap_or(PORT),
        bind: if all.is_empty() { bind } else { Vec::new() },
        interfaces: said.interface.clone(),
        ipv6: !said.no_ipv6.unwrap_or(false) && !ipv4_alone,
        announce_to: addresses(&said.announce_to),
        neighbours: addresses(&said.neighbour),
        interval,
    })
}

fn key(said: &Settings) -> anyhow::Result<IndexKey> {
    let Some(path) = &said.psk_file else { return Ok(IndexKey::Specified) };
    let read = || -> std::io::Result<Vec<u8>> {
        let mut key = Vec::new();
        std::io::Read::read_to_end(
            &mut std::io::Read::take(std::fs::File::open(path)?, KEY_MAX_BYTES.saturating_add(1)),
            &mut key,
        )?;
        Ok(key)
    };
    let key = read().with_context(|| format!("the pre-shared key in {} cannot be read", path.display()))?;
    let key = key.trim_ascii_end();
    if key.is_empty() || key.len() as u64 > KEY_MAX_BYTES {
        bail!("the pre-shared key in {} must have 1 to {KEY_MAX_BYTES} bytes", path.display());
    }
    Ok(IndexKey::PreShared(key.into()))
}

/// The desktop's public folder, made if it is missing.
fn default_folder() -> anyhow::Result<PathBuf> {
    let user = UserDirs::new().context("there is no home folder: name the folder to share")?;
    let named = std::env::var_os("XDG_PUBLICSHARE_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named.as_deref().or(user.public_dir()).map_or_else(|| user.home_dir().join("Public"), Into::into);
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder)
}

fn default_state() -> anyhow::Result<PathBuf> {
    let base = BaseDirs::new().context("there is no home folder: name a state folder with --state")?;
    Ok(base.state_dir().unwrap_or_else(|| base.data_local_dir()).join("boucan"))
}

/// `$XDG_CONFIG_HOME/boucan/config.toml`.
fn default_file() -> Option<PathBuf> {
    Some(ProjectDirs::from("", "", "boucan")?.config_dir().join("config.toml"))
}

fn host_name() -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy();
    name.split('.').next().unwrap_or("boucan").to_owned()
}
