//! The command line: one file per subcommand.

mod napster;
pub mod serve;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::config::Settings;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  boucan                                share your public folder with everybody on the network
  boucan ~/Books                        share another folder
  boucan ~/Films --opportunistic        also copy what neighbours have, …
  boucan ~/Docs --opportunistic --include '\\.pdf$' --budget 20GB
                                        … only PDFs, at most 20 GB
  boucan --neighbour 10.3.0.7           name a machine that broadcasts do not reach
  boucan --name Galley --port 12600     another name, another port (all nodes must agree on it)

Every flag can be set in the environment (BOUCAN_NAME=…) and in the settings file (name = …).
Exit status: 0 ended by a signal, 1 it could not run, 2 a mistake in flags or settings.";

/// Share a folder with everybody on the local network.
///
/// Start it in a folder, and everybody on the same network can open a browser, search what every
/// node nearby offers, and download it. No Internet, no account, no server to set up.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    serve: Settings,

    #[command(flatten)]
    verbosity: Verbosity,
}

#[derive(Args, Clone, Copy, Debug)]
struct Verbosity {
    /// Say more (-v: what happens, -vv: every detail)
    #[arg(short, long, action = ArgAction::Count, global = true)]
    verbose: u8,

    /// Say only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Share a folder; the same as without a subcommand
    #[command(after_help = EXAMPLES)]
    Serve(Box<Settings>),
    /// Search somebody else's Napster directory, and fetch from its peers
    Napster(napster::Napster),
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let mut command = Cli::command();
    let matches = command.get_matches_mut();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let terminal = Terminal::default();
    start_logging(cli.verbosity, &terminal);
    let (mut settings, matches) = match cli.command {
        Some(Command::Napster(napster)) => return napster::run(napster, cli.verbosity),
        Some(Command::Serve(settings)) => (*settings, matches.subcommand_matches("serve").unwrap_or(&matches)),
        None => (cli.serve, &matches),
    };
    if let Err(why) = settle_mode(&mut settings, matches) {
        command.error(ErrorKind::ArgumentConflict, why).exit();
    }
    serve::run(settings, cli.verbosity.quiet, terminal)
}

/// Two flags say the mode; given both by flag or both by environment they contradict each other,
/// else the flag counts.
fn settle_mode(settings: &mut Settings, matches: &ArgMatches) -> Result<(), &'static str> {
    let source = |flag| matches.value_source(flag);
    if settings.opportunistic.is_none() || settings.mode.is_none() {
        return Ok(());
    }
    match (source("opportunistic"), source("mode")) {
        (Some(ValueSource::CommandLine), Some(ValueSource::EnvVariable)) => settings.mode = None,
        (Some(ValueSource::EnvVariable), Some(ValueSource::CommandLine)) => settings.opportunistic = None,
        _ => return Err("--opportunistic and --mode say the same thing: give only one"),
    }
    Ok(())
}

/// To standard error, quiet by default; `RUST_LOG` decides if it is set.
fn start_logging(verbosity: Verbosity, terminal: &Terminal) {
    let level = match (verbosity.quiet, verbosity.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::default().add_directive(level.into()));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(terminal.clone())
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_folder_alone_serves() {
        let cli = Cli::parse_from(["boucan", "/books", "--opportunistic", "--include", "a,b", "--include", "c"]);
        assert_eq!(cli.serve.folder.unwrap().to_str(), Some("/books"));
        assert_eq!(cli.serve.opportunistic, Some(true));
        assert_eq!(cli.serve.include, ["a,b", "c"]);
        let cli = Cli::parse_from(["boucan", "serve", "/books", "--budget", "20GB"]);
        assert!(matches!(cli.command, Some(Command::Serve(s)) if s.budget.unwrap().0 == 20_000_000_000));
    }
}
