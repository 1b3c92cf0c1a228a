//! `boucan napster …`: somebody else's Napster directory, asked by hand.

mod find;
mod get;
mod part;
mod sessions;
mod visit;

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use self::visit::Visit;
use super::Verbosity;
use crate::config::values::{Address, DirectoryHost};
use crate::shutdown::signalled;

const EXAMPLES: &str = "\
Examples:
  boucan napster find brixton --directory 10.0.0.2        who offers it?
  boucan napster find '*' --directory ship.local:3000     everything
  boucan napster get 'live brixton.jpg' --directory 10.0.0.2
  boucan napster get 0cc175b9c0f1b6a831c399e269772661 --directory 10.0.0.2 --output ~/Music
  boucan napster login --directory 10.0.0.2               stay logged in for what follows

Without a login each command logs in for itself, and out again.
Exit status: 0 done, 1 nothing found or it failed, 2 a mistake in flags.";

/// A disk that hangs keeps the process no longer.
const DISK: Duration = Duration::from_secs(1);

/// What is to be done.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Napster {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the files whose names hold a text; with -v also where they can be fetched
    #[command(after_help = EXAMPLES)]
    Find(find::Find),
    /// Fetch a file, by its MD5 or its name
    #[command(after_help = EXAMPLES)]
    Get(get::Get),
    /// Log in, and stay so for the commands that follow
    Login(Login),
    /// End the session of `login`
    Logout(At),
}

/// Which directory, and from where.
#[derive(Args, Clone, Debug)]
pub(super) struct At {
    /// The directory
    #[arg(long, value_name = "HOST[:PORT]")]
    directory: DirectoryHost,

    /// Connect from this address of ours [default: the system chooses]
    #[arg(long, value_name = "ADDR")]
    bind: Option<Address>,

    /// Where sessions are kept [default: $XDG_STATE_HOME/boucan]
    #[arg(long, value_name = "DIR", env = "BOUCAN_STATE")]
    state: Option<PathBuf>,
}

#[derive(Args, Debug)]
struct Login {
    #[command(flatten)]
    at: At,

    /// The port from which others are told to fetch [default: one that nobody serves]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    peer_port: Option<u16>,
}

impl At {
    fn from(&self) -> Option<IpAddr> {
        self.bind.map(|address| address.0.ip())
    }
}

/// Does it.
pub(super) fn run(napster: Napster, verbosity: Verbosity) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let outcome = runtime.block_on(act(napster.action, verbosity));
        runtime.shutdown_timeout(DISK);
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("boucan: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn act(action: Action, verbosity: Verbosity) -> anyhow::Result<()> {
    match action {
        Action::Find(find) => {
            let mut visit = Visit::new(&find.at)?;
            let outcome = until_interrupted(find.run(&mut visit, verbosity)).await;
            visit.end().await;
            outcome
        }
        Action::Get(get) => {
            let mut visit = Visit::new(&get.at)?;
            let outcome = until_interrupted(get.run(&mut visit, verbosity)).await;
            visit.end().await;
            outcome
        }
        Action::Login(login) => {
            let address = until_interrupted(Visit::new(&login.at)?.stay(login.peer_port)).await?;
            say(verbosity, &format!("Logged in at {} as {}, port {}.\n", login.at.directory, address.v4, address.port));
            Ok(())
        }
        Action::Logout(at) => {
            until_interrupted(Visit::new(&at)?.leave()).await?;
            say(verbosity, &format!("Logged out at {}.\n", at.directory));
            Ok(())
        }
    }
}

/// Ctrl-C drops what is under way, so that it can clean up behind itself.
async fn until_interrupted<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::select! {
        outcome = work => outcome,
        signal = signalled() => {
            signal?;
            anyhow::bail!("interrupted")
        }
    }
}

/// To standard output, for people.
fn say(verbosity: Verbosity, text: &str) {
    if !verbosity.quiet {
        print(text);
    }
}

/// To standard output. Nobody reads on: not a reason to fail.
fn print(text: &str) {
    let _ = std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes());
}
