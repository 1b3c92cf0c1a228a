//! `boucan napster find QUERY`: what is offered, as a table or as JSON.

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::visit::Visit;
use super::{At, Verbosity, print};
use crate::directory::download::dialled;
use crate::wire::DisplayText;
use crate::wire::napster::{FileName, FoundFile, Query};

/// A directory gives back no more: there may be others.
pub(super) const LIST_MAX: usize = 999;

#[derive(Args, Debug)]
pub(super) struct Find {
    /// A text that the name must hold; * finds everything
    #[arg(value_name = "QUERY", value_parser = search_text)]
    query: String,

    #[command(flatten)]
    pub(super) at: At,

    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

impl Find {
    pub(super) async fn run(&self, visit: &mut Visit, verbosity: Verbosity) -> anyhow::Result<()> {
        let (files, is_cut) = search(visit, &self.query).await?;
        if self.json {
            print(&json_text(&files, is_cut));
        } else if !files.is_empty() {
            print(&table(&files, verbosity.verbose > 0));
        }
        if files.is_empty() {
            bail!("{} has no file with “{}” in its name", self.at.directory, self.query);
        }
        if is_cut && !verbosity.quiet {
            eprintln!("boucan: a directory lists {LIST_MAX} files at most, there may be more: narrow the search");
        }
        Ok(())
    }
}

/// Text that can be searched, checked where it is said.
pub(super) fn search_text(text: &str) -> Result<String, String> {
    Query::new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// What the directory has of it, and whether its list may have been cut. A directory reads the
/// first 20 bytes of a query only; the rest is looked for here.
pub(super) async fn search(visit: &mut Visit, text: &str) -> anyhow::Result<(Vec<FoundFile>, bool)> {
    let mut files = visit.find(Query::new(text)?).await?;
    let is_cut = files.len() >= LIST_MAX;
    let whole = text.trim().to_lowercase();
    if whole.len() > Query::WIDTH {
        files.retain(|file| file.name.as_str().contains(&whole));
    }
    Ok((files, is_cut))
}

/// A line for a file; with `peers`, below it where it can be fetched.
pub(super) fn table(files: &[FoundFile], peers: bool) -> String {
    let mut text = format!("{:32}  copies  name\n", "MD5");
    for file in files {
        text.push_str(&format!("{}  {:>6}  {}\n", file.md5, file.peers.len(), shown(&file.name)));
        let addresses = if peers { dialled(&file.peers) } else { Vec::new() };
        addresses.iter().for_each(|address| text.push_str(&format!("{:42}{address}\n", "")));
    }
    text
}

/// A name as a terminal may show it.
pub(super) fn shown(name: &FileName) -> DisplayText {
    DisplayText::revealing(name.as_str().as_bytes(), FileName::WIDTH)
}

fn json_text(files: &[FoundFile], is_cut: bool) -> String {
    let file = |file: &FoundFile| {
        let peer =
            |peer: &crate::wire::napster::PeerAddress| json!({"ipv4": peer.v4, "ipv6": peer.v6, "port": peer.port});
        let peers: Vec<_> = file.peers.iter().map(peer).collect();
        json!({"md5": file.md5.to_string(), "name": file.name.as_str(), "copies": file.peers.len(), "peers": peers})
    };
    let files: Vec<_> = files.iter().map(file).collect();
    format!("{:#}\n", json!({"files": files, "may_be_cut": is_cut}))
}
