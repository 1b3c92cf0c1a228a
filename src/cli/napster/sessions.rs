//! The sessions that `boucan napster login` began, in a file that only their user can read: who
//! knows a session acts for its peer.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use directories::BaseDirs;
use serde::{Deserialize, Serialize};

use crate::config::values::DirectoryHost;
use crate::wire::napster::SessionId;

const FILE: &str = "napster-sessions.json";
/// More sessions than anybody begins.
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// A session that was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    session: String,
    /// The port with which it began, if one was said.
    pub(super) port: Option<u16>,
}

impl Kept {
    pub(super) fn new(session: SessionId, port: Option<u16>) -> Self {
        Self { session: session.to_string(), port }
    }

    /// None if the file was changed by hand.
    pub(super) fn session(&self) -> Option<SessionId> {
        SessionId::given(self.session.as_bytes()).ok()
    }
}

/// Where they are kept.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    folder: PathBuf,
}

impl Sessions {
    /// In the state folder, which a running node may use at the same time.
    pub(super) fn new(state: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(state) = state {
            return Ok(Self { folder: state.into() });
        }
        let base = BaseDirs::new().context("there is no home folder: name a state folder with --state")?;
        Ok(Self { folder: base.state_dir().unwrap_or_else(|| base.data_local_dir()).join("boucan") })
    }

    /// That of a directory.
    pub(super) fn of(&self, host: &DirectoryHost) -> Option<Kept> {
        self.read().remove(&host.to_string())
    }

    /// Keeps the session of a directory, or forgets it.
    pub(super) fn keep(&self, host: &DirectoryHost, kept: Option<Kept>) -> anyhow::Result<()> {
        let mut all = self.read();
        match kept {
            Some(kept) => all.insert(host.to_string(), kept),
            None => all.remove(&host.to_string()),
        };
        self.write(&all).with_context(|| format!("the session cannot be kept in {}", self.folder.display()))
    }

    fn read(&self) -> BTreeMap<String, Kept> {
        let Ok(file) = File::open(self.folder.join(FILE)) else { return BTreeMap::new() };
        let mut text = String::new();
        match file.take(FILE_MAX_BYTES).read_to_string(&mut text) {
            Ok(_) => serde_json::from_str(&text).unwrap_or_default(),
            Err(_) => BTreeMap::new(),
        }
    }

    fn write(&self, all: &BTreeMap<String, Kept>) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let temporary = self.folder.join(format!("{FILE}.new-{}", std::process::id()));
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&serde_json::to_vec_pretty(all)?)?;
        file.sync_all()?;
        std::fs::rename(&temporary, self.folder.join(FILE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_session_is_kept_for_its_user_alone_until_it_is_forgotten() {
        let temp = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(Some(&temp.path().join("state"))).unwrap();
        let (one, two): (DirectoryHost, DirectoryHost) = ("a:1".parse().unwrap(), "b".parse().unwrap());
        let kept = Kept::new(SessionId::given(b"HvIBukBiLmn8AxjU").unwrap(), Some(7));
        sessions.keep(&one, Some(kept.clone())).unwrap();
        sessions.keep(&two, Some(kept.clone())).unwrap();
        let file = temp.path().join("state").join(FILE);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        sessions.keep(&two, None).unwrap();
        assert_eq!((sessions.of(&one), sessions.of(&two)), (Some(kept), None));
        std::fs::write(&file, "garbage").unwrap();
        assert_eq!(sessions.of(&one), None);
    }
}
