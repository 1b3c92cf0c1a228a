//! What can be said: as a flag, as an environment variable, as a key of the file. One struct is
//! all three, so none can be forgotten.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::values::{Address, DirectoryHost, Rate, Size, Span};
use crate::mirror::rules::{ConflictPolicy, Order};
use crate::wire::Kind;

/// Whether neighbours' files are mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Only offer.
    Shared,
    /// Also mirror what neighbours have.
    Opportunistic,
}

/// Who is the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorRule {
    /// Who asks from this machine.
    Loopback,
    /// Who has the token printed at start, here and elsewhere.
    Token,
}

/// What was said; nothing has a default here.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The folder to share [default: your desktop's public folder]
    #[arg(value_name = "FOLDER", env = "BOUCAN_FOLDER")]
    pub folder: Option<PathBuf>,

    /// What others see this node as [default: the host's name]
    #[arg(long, value_name = "NAME", env = "BOUCAN_NAME")]
    pub name: Option<String>,

    /// Also copy what neighbours have; the same as --mode opportunistic
    #[arg(
        long,
        env = "BOUCAN_OPPORTUNISTIC",
        num_args = 0,
        default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new(),

        help_heading = "Copying from nearby"
    )]
    pub opportunistic: Option<bool>,

    /// shared: only offer files; opportunistic: also copy what neighbours have [default: shared]
    #[arg(long, value_name = "MODE", env = "BOUCAN_MODE", help_heading = "Copying from nearby")]
    pub mode: Option<Mode>,

    /// Copy only names in which this regular expression is found (may be repeated)
    #[arg(
        long,
        value_name = "REGEX",
        env = "BOUCAN_INCLUDE",
        value_delimiter = '\n',
        help_heading = "Copying from nearby"
    )]
    pub include: Vec<String>,

    /// Never copy names in which this regular expression is found (may be repeated)
    #[arg(
        long,
        value_name = "REGEX",
        env = "BOUCAN_EXCLUDE",
        value_delimiter = '\n',
        help_heading = "Copying from nearby"
    )]
    pub exclude: Vec<String>,

    /// Copy only files of this kind: video, audio, picture, document, archive, program or other, as
    /// their extension tells (may be repeated)
    #[arg(
        long,
        value_name = "KIND",
        env = "BOUCAN_KIND",
        value_delimiter = '\n',
        help_heading = "Copying from nearby"
    )]
    pub kind: Vec<Kind>,

    /// Never copy files of this kind (may be repeated)
    #[arg(
        long,
        value_name = "KIND",
        env = "BOUCAN_NEVER_KIND",
        value_delimiter = '\n',
        help_heading = "Copying from nearby"
    )]
    pub never_kind: Vec<Kind>,

    /// Copy no smaller files, such as 100KB
    #[arg(long, value_name = "SIZE", env = "BOUCAN_MIN_SIZE", help_heading = "Copying from nearby")]
    pub min_size: Option<Size>,

    /// Copy no larger files, such as 4GiB
    #[arg(long, value_name = "SIZE", env = "BOUCAN_MAX_SIZE", help_heading = "Copying from nearby")]
    pub max_size: Option<Size>,

    /// Copy only from this node, by its UUID or its name; anybody can take a name (may be repeated)
    #[arg(
        long,
        value_name = "NODE",
        env = "BOUCAN_ONLY_FROM",
        value_delimiter = '\n',
        help_heading = "Copying from nearby"
    )]
    pub only_from: Vec<String>,

    /// Never copy from this node, by its UUID or its name; it can take another (may be repeated)
    #[arg(
        long,
        value_name = "NODE",
        env = "BOUCAN_NEVER_FROM",
        value_delimiter = '\n',
        help_heading = "Copying from nearby"
    )]
    pub never_from: Vec<String>,

    /// What is copied first [default: small-first]
    #[arg(long, value_name = "ORDER", env = "BOUCAN_ORDER", help_heading = "Copying from nearby")]
    pub order: Option<Order>,

    /// Copy a file only while fewer than N nodes nearby hold it, this one among them once it does
    /// [default: everything]
    #[arg(long, value_name = "N", env = "BOUCAN_COPIES", help_heading = "Copying from nearby")]
    pub copies: Option<NonZeroU32>,

    /// What becomes of another version of a name than the one here [default: keep-both]
    #[arg(long, value_name = "POLICY", env = "BOUCAN_CONFLICTS", help_heading = "Copying from nearby")]
    pub conflicts: Option<ConflictPolicy>,

    /// Copy at most this much in all, such as 20GB [default: no limit beyond the reserve]
    #[arg(long, value_name = "SIZE", env = "BOUCAN_BUDGET", help_heading = "Copying from nearby")]
    pub budget: Option<Size>,

    /// Disk space that copying never uses [default: the larger of 1GiB and 5 % of the disk]
    #[arg(long, value_name = "SIZE", env = "BOUCAN_RESERVE", help_heading = "Copying from nearby")]
    pub reserve: Option<Size>,

    /// Also copy names that some systems cannot store, such as “What?.mp3”
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new(),
        env = "BOUCAN_ANY_NAME",
        help_heading = "Copying from nearby"
    )]
    pub any_name: Option<bool>,

    /// UDP and TCP port; all nodes of a network must agree [default: 12555]
    #[arg(long, value_name = "PORT", env = "BOUCAN_PORT", help_heading = "Network", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// Listen and send on this address only (may be repeated) [default: all]
    #[arg(long, value_name = "ADDR", env = "BOUCAN_BIND", value_delimiter = '\n', help_heading = "Network")]
    pub bind: Vec<Address>,

    /// Announce and hear on this interface only (may be repeated) [default: all]
    #[arg(long, value_name = "NAME", env = "BOUCAN_INTERFACE", value_delimiter = '\n', help_heading = "Network")]
    pub interface: Vec<String>,

    /// Use IPv4 only
    #[arg(long, num_args = 0, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new(), env = "BOUCAN_NO_IPV6", help_heading = "Network")]
    pub no_ipv6: Option<bool>,

    /// Announce to this address instead of the interfaces' broadcast addresses (may be repeated)
    #[arg(long, value_name = "ADDR", env = "BOUCAN_ANNOUNCE_TO", value_delimiter = '\n', help_heading = "Network")]
    pub announce_to: Vec<Address>,

    /// Announce to this address too, where broadcasts are blocked (may be repeated)
    #[arg(long, value_name = "ADDR", env = "BOUCAN_NEIGHBOUR", value_delimiter = '\n', help_heading = "Network")]
    pub neighbour: Vec<Address>,

    /// Time between two announcements [default: 10s]
    #[arg(long, value_name = "TIME", env = "BOUCAN_ANNOUNCE_INTERVAL", help_heading = "Network")]
    pub announce_interval: Option<Span>,

    /// Connections from others, in all [default: 2048]
    #[arg(long, value_name = "N", env = "BOUCAN_MAX_CONNECTIONS", help_heading = "Network", value_parser = at_least_one)]
    pub max_connections: Option<usize>,

    /// Connections from one host [default: 128]
    #[arg(long, value_name = "N", env = "BOUCAN_MAX_CONNECTIONS_PER_HOST", help_heading = "Network", value_parser = at_least_one)]
    pub max_connections_per_host: Option<usize>,

    /// Content of files leaves at this many bytes a second at most, such as 2MB [default: no limit]
    #[arg(long, value_name = "SIZE", env = "BOUCAN_UPLOAD_LIMIT", help_heading = "Network")]
    pub upload_limit: Option<Rate>,

    /// Content of files is fetched at this many bytes a second at most [default: no limit]
    #[arg(long, value_name = "SIZE", env = "BOUCAN_DOWNLOAD_LIMIT", help_heading = "Network")]
    pub download_limit: Option<Rate>,

    /// Another name under which browsers may ask for this node (may be repeated)
    #[arg(long, value_name = "HOST", env = "BOUCAN_ALSO_CALLED", value_delimiter = '\n', help_heading = "Network")]
    pub also_called: Vec<String>,

    /// Let others send files into the inbox, from where nothing is shared before you say so; the
    /// switch on the page /bring wins once it was used
    #[arg(long, num_args = 0, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new(), env = "BOUCAN_INBOX", help_heading = "Bringing files in")]
    pub inbox: Option<bool>,

    /// The inbox holds at most this much in all [default: 50GB]
    #[arg(long, value_name = "SIZE", env = "BOUCAN_INBOX_MAX", help_heading = "Bringing files in")]
    pub inbox_max: Option<Size>,

    /// The largest file that others may send [default: 20GB]
    #[arg(long, value_name = "SIZE", env = "BOUCAN_UPLOAD_MAX", help_heading = "Bringing files in")]
    pub upload_max: Option<Size>,

    /// TCP port of the Napster directory [default: 3000, if it is free]
    #[arg(long, value_name = "PORT", env = "BOUCAN_DIRECTORY_PORT", help_heading = "Napster", value_parser = clap::value_parser!(u16).range(1..))]
    pub directory_port: Option<u16>,

    /// Run no Napster directory
    #[arg(long, num_args = 0, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new(), env = "BOUCAN_NO_DIRECTORY", help_heading = "Napster")]
    pub no_directory: Option<bool>,

    /// TCP port from which Napster peers fetch files [default: the one after the directory's, if it is free]
    #[arg(long, value_name = "PORT", env = "BOUCAN_PEER_PORT", help_heading = "Napster", value_parser = clap::value_parser!(u16).range(1..))]
    pub peer_port: Option<u16>,

    /// Keep our files registered at this Napster directory too (may be repeated)
    #[arg(long, value_name = "HOST[:PORT]", env = "BOUCAN_JOIN", value_delimiter = '\n', help_heading = "Napster")]
    pub join: Vec<DirectoryHost>,

    /// Take only lists of files that prove this key; a file, so that no other user sees it
    #[arg(long, value_name = "FILE", env = "BOUCAN_PSK_FILE", help_heading = "Trust")]
    pub psk_file: Option<PathBuf>,

    /// Who may steer the node: whoever asks from this machine, or whoever has the printed token
    /// [default: loopback]
    #[arg(long, value_name = "RULE", env = "BOUCAN_OPERATOR", help_heading = "Trust")]
    pub operator: Option<OperatorRule>,

    /// Show the address as a QR code at start, also where standard output is no terminal or a small one
    #[arg(
        long,
        num_args = 0,
        default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new(),
        env = "BOUCAN_QR"
    )]
    pub qr: Option<bool>,

    /// Where the node keeps its state [default: $XDG_STATE_HOME/boucan]
    #[arg(long, value_name = "DIR", env = "BOUCAN_STATE")]
    pub state: Option<PathBuf>,

    /// Read settings from this file [default: $XDG_CONFIG_HOME/boucan/config.toml, if it is there]
    #[arg(long, value_name = "FILE", env = "BOUCAN_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

impl Settings {
    /// These, and where they say nothing, the others. A list that says something replaces.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        fn list<T>(ours: Vec<T>, theirs: Vec<T>) -> Vec<T> {
            if ours.is_empty() { theirs } else { ours }
        }
        // One setting in two spellings: the stronger source decides for both.
        let mode_said = self.mode.is_some() || self.opportunistic.is_some();
        Self {
            folder: self.folder.or(other.folder),
            name: self.name.or(other.name),
            opportunistic: if mode_said { self.opportunistic } else { other.opportunistic },
            mode: if mode_said { self.mode } else { other.mode },
            include: list(self.include, other.include),
            exclude: list(self.exclude, other.exclude),
            kind: list(self.kind, other.kind),
            never_kind: list(self.never_kind, other.never_kind),
            min_size: self.min_size.or(other.min_size),
            max_size: self.max_size.or(other.max_size),
            only_from: list(self.only_from, other.only_from),
            never_from: list(self.never_from, other.never_from),
            order: self.order.or(other.order),
            copies: self.copies.or(other.copies),
            conflicts: self.conflicts.or(other.conflicts),
            budget: self.budget.or(other.budget),
            reserve: self.reserve.or(other.reserve),
            any_name: self.any_name.or(other.any_name),
            qr: self.qr.or(other.qr),
            port: self.port.or(other.port),
            bind: list(self.bind, other.bind),
            interface: list(self.interface, other.interface),
            no_ipv6: self.no_ipv6.or(other.no_ipv6),
            announce_to: list(self.announce_to, other.announce_to),
            neighbour: list(self.neighbour, other.neighbour),
            announce_interval: self.announce_interval.or(other.announce_interval),
            max_connections: self.max_connections.or(other.max_connections),
            max_connections_per_host: self.max_connections_per_host.or(other.max_connections_per_host),
            upload_limit: self.upload_limit.or(other.upload_limit),
            download_limit: self.download_limit.or(other.download_limit),
            also_called: list(self.also_called, other.also_called),
            inbox: self.inbox.or(other.inbox),
            inbox_max: self.inbox_max.or(other.inbox_max),
            upload_max: self.upload_max.or(other.upload_max),
            directory_port: self.directory_port.or(other.directory_port),
            no_directory: self.no_directory.or(other.no_directory),
            peer_port: self.peer_port.or(other.peer_port),
            join: list(self.join, other.join),
            psk_file: self.psk_file.or(other.psk_file),
            operator: self.operator.or(other.operator),
            state: self.state.or(other.state),
            config: self.config,
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("“{text}” is no number from 1"))
}
