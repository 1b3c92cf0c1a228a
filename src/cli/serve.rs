//! `boucan [FOLDER]`, `boucan serve [FOLDER]`: runs a node until a signal ends it.

use std::process::ExitCode;

use crate::config::{Config, Settings};
use crate::node;
use crate::terminal::Terminal;

/// Exit status for a mistake in flags or settings.
const USAGE: u8 = 2;
/// Threads for reading and writing files: disks are slow, but not many at once.
const DISK_THREADS: usize = 32;

/// Runs the node.
pub(super) fn run(settings: Settings, quiet: bool, terminal: Terminal) -> ExitCode {
    let config = match Config::resolve(settings) {
        Ok(config) => config,
        Err(error) => return fail(&error, USAGE),
    };
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(DISK_THREADS).build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let outcome = runtime.block_on(node::run(config, quiet, terminal));
        // A disk that hangs must not keep the process.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

/// Many systems give a process 1,024 open files at first and more if it asks.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    if let Err(error) = raised {
        tracing::info!(%error, "the limit of open files stays as it is");
    }
}

fn fail(error: &anyhow::Error, status: u8) -> ExitCode {
    eprintln!("boucan: {error:#}");
    ExitCode::from(status)
}
