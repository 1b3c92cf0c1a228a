//! `boucan napster get MD5|NAME`: fetches a file from whoever offers it.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::find::{LIST_MAX, search, search_text, shown, table};
use super::part::{PartFile, target};
use super::visit::Visit;
use super::{At, Verbosity, say};
use crate::bandwidth::Bandwidth;
use crate::config::values::Rate;
use crate::directory::download::{DownloadError, Incoming, dialled};
use crate::wire::napster::transfer::CONTENT_MAX_BYTES;
use crate::wire::napster::{FileName, FoundFile, Md5};

/// What the bar shows; the total is what the protocol tells, and may be a little too much.
const BAR: &str = "{bytes:>10} of {total_bytes} {wide_bar} {bytes_per_sec}, {eta} left";
/// The bar moves so often while nothing comes.
const TICK: Duration = Duration::from_millis(200);

#[derive(Args, Debug)]
pub(super) struct Get {
    /// Its MD5 (32 hex digits), or its name
    #[arg(value_name = "MD5|NAME", value_parser = search_text)]
    wanted: String,

    #[command(flatten)]
    pub(super) at: At,

    /// Look for it among files whose names hold this text only
    #[arg(long, alias = "name", value_name = "TEXT", value_parser = search_text)]
    query: Option<String>,

    /// Save it in this folder, or as this file [default: here, under its name]
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,

    /// Fetch at this many bytes a second at most, such as 2MB [default: no limit]
    #[arg(long, value_name = "SIZE", env = "BOUCAN_DOWNLOAD_LIMIT")]
    download_limit: Option<Rate>,
}

impl Get {
    pub(super) async fn run(&self, visit: &mut Visit, verbosity: Verbosity) -> anyhow::Result<()> {
        let md5 = Md5::parse(self.wanted.as_bytes()).ok();
        let by_default = if md5.is_some() { "*" } else { self.wanted.as_str() };
        let (found, is_cut) = search(visit, self.query.as_deref().unwrap_or(by_default)).await?;
        let chosen = match md5 {
            Some(md5) => found.iter().find(|file| file.md5 == md5),
            None => by_name(&found, &self.wanted)?,
        };
        let Some(file) = chosen else { bail!("{}", self.not_found(md5.is_some(), is_cut)) };
        let target = target(self.output.as_deref(), &file.name, file.md5)?;
        let saved = self.fetch(file, PartFile::create(&target)?, visit, verbosity).await?;
        if let Err(error) = visit.downloaded(file.md5).await {
            eprintln!("boucan: the download is not counted: {error}");
        }
        say(verbosity, &format!("Saved {}\n", saved.display()));
        Ok(())
    }

    /// From one peer after the other, until one gives all of it.
    async fn fetch(
        &self,
        file: &FoundFile,
        part: PartFile,
        visit: &Visit,
        verbosity: Verbosity,
    ) -> anyhow::Result<PathBuf> {
        let mut peers = dialled(&file.peers);
        peers.retain(|peer| visit.from().is_none_or(|from| from.is_ipv4() == peer.is_ipv4()));
        if peers.is_empty() {
            bail!("nobody who offers “{}” can be reached from here", shown(&file.name));
        }
        for peer in &peers {
            match self.fetch_from(file.md5, *peer, &part, visit, verbosity).await {
                Ok(()) => return part.land().await,
                Err(Failure::Peer(error)) => eprintln!("boucan: {peer}: {error}"),
                Err(Failure::Here(error)) => return Err(error),
            }
        }
        bail!("nobody gave “{}”, though {} addresses were tried", shown(&file.name), peers.len())
    }

    async fn fetch_from(
        &self,
        md5: Md5,
        peer: SocketAddr,
        part: &PartFile,
        visit: &Visit,
        verbosity: Verbosity,
    ) -> Result<(), Failure> {
        let incoming = Incoming::open(md5, peer, visit.from(), CONTENT_MAX_BYTES).await?;
        let mut incoming = incoming.within(Bandwidth::new(self.download_limit.map(|rate| rate.0)));
        part.restart().await?;
        let bar = bar(incoming.probable_bytes(), verbosity);
        while let Some(content) = incoming.next().await? {
            bar.inc(content.len() as u64);
            part.append(content).await?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn not_found(&self, by_md5: bool, is_cut: bool) -> String {
        let directory = &self.at.directory;
        let wanted = &self.wanted;
        let cut = if is_cut {
            format!("; but it lists {LIST_MAX} files at most: say a part of the name with --query")
        } else {
            String::new()
        };
        let what = if by_md5 { "with the MD5" } else { "called" };
        format!("{directory} has no file {what} “{wanted}”{cut}")
    }
}

/// Who is at fault.
enum Failure {
    /// Another peer may do better.
    Peer(DownloadError),
    /// Our disk.
    Here(anyhow::Error),
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Self::Peer(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Here(error)
    }
}

/// The file of that very name, or else the only one whose name holds it; an error lists those
/// between which it cannot be decided.
fn by_name<'f>(found: &'f [FoundFile], wanted: &str) -> anyhow::Result<Option<&'f FoundFile>> {
    let exact = FileName::new(wanted).ok();
    let mut fitting: Vec<&FoundFile> = found.iter().filter(|file| Some(&file.name) == exact.as_ref()).collect();
    if fitting.is_empty() {
        let part = wanted.trim().to_lowercase();
        fitting = found.iter().filter(|file| file.name.as_str().contains(&part)).collect();
    }
    match fitting.as_slice() {
        [] => Ok(None),
        [file] => Ok(Some(file)),
        several => {
            let several: Vec<FoundFile> = several.iter().map(|file| (*file).clone()).collect();
            bail!("several files fit “{wanted}”; give the MD5 of one\n{}", table(&several, false).trim_end())
        }
    }
}

/// Only for somebody who looks.
fn bar(total_bytes: Option<u64>, verbosity: Verbosity) -> ProgressBar {
    if verbosity.quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total_bytes.unwrap_or(0)).with_style(style);
    bar.enable_steady_tick(TICK);
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(number: u8, name: &str) -> FoundFile {
        FoundFile { md5: Md5::new([number; 16]), name: FileName::new(name).unwrap(), peers: Vec::new() }
    }

    #[test]
    fn the_exact_name_comes_first_then_the_only_one_else_nothing_is_guessed() {
        let several = [file(1, "live.jpg"), file(2, "live.jpg.txt"), file(3, "alive.jpg")];
        assert_eq!(by_name(&several, "Live.JPG").unwrap(), Some(&several[0]));
        assert_eq!(by_name(&several[2..], "live").unwrap(), Some(&several[2]));
        assert_eq!(by_name(&several[2..], "dead").unwrap(), None);
        let said = by_name(&several, "live").unwrap_err().to_string();
        assert!(said.contains("alive.jpg") && said.contains(&"02".repeat(16)), "{said}");
        let twins = [file(1, "a"), file(2, "a")];
        assert!(by_name(&twins, "a").is_err());
        assert_eq!(by_name(&[], "a").unwrap(), None);
    }

    #[test]
    fn the_bar_can_be_drawn() {
        ProgressStyle::with_template(BAR).unwrap();
    }
}
