//! A file on its way to its place: hidden beside it until it is whole, gone if it never is.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use crate::wire::LootPath;
use crate::wire::napster::{FileName, Md5};

/// Where a fetched file is to stand: in the folder or under the name that was said. What the
/// network calls it counts only if it is a plain name; else the MD5 is its name.
pub(super) fn target(output: Option<&Path>, name: &FileName, md5: Md5) -> anyhow::Result<PathBuf> {
    let plain = safe_name(name.as_str()).unwrap_or_else(|| md5.to_string());
    let target = match output {
        None => plain.into(),
        Some(folder) if folder.is_dir() => folder.join(plain),
        Some(folder) if folder.as_os_str().as_encoded_bytes().ends_with(b"/") => {
            bail!("there is no folder {}", folder.display())
        }
        Some(file) => file.to_owned(),
    };
    if target.symlink_metadata().is_ok() {
        bail!("{}", exists(&target));
    }
    Ok(target)
}

fn exists(target: &Path) -> String {
    format!("{} is there already; choose another name with --output", target.display())
}

/// The last part of a name, if every system can store it.
fn safe_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next()?;
    let path = LootPath::parse(last.as_bytes()).ok()?;
    path.portable().ok()?;
    Some(path.as_str().to_owned())
}

/// A file that is not whole yet; removed when dropped.
#[derive(Debug)]
pub(super) struct PartFile {
    target: PathBuf,
    path: PathBuf,
    file: Arc<File>,
}

impl PartFile {
    /// Begins one beside its target.
    pub(super) fn create(target: &Path) -> anyhow::Result<Self> {
        let name = format!(".boucan-{:016x}.part", getrandom::u64().map_err(io::Error::from)?);
        let path = folder_of(target).join(name);
        let file = File::create_new(&path).with_context(|| format!("{} cannot be written", target.display()))?;
        Ok(Self { target: target.into(), path, file: Arc::new(file) })
    }

    /// Begins again, for another peer.
    pub(super) async fn restart(&self) -> anyhow::Result<()> {
        self.on_disk(|mut file| {
            file.set_len(0)?;
            io::Seek::rewind(&mut file)
        })
        .await
    }

    /// Adds what came.
    pub(super) async fn append(&self, content: Bytes) -> anyhow::Result<()> {
        self.on_disk(move |mut file| file.write_all(&content)).await
    }

    /// Puts the whole file in its place, where nothing may be.
    pub(super) async fn land(self) -> anyhow::Result<PathBuf> {
        self.on_disk(|file| file.sync_all()).await?;
        tokio::task::spawn_blocking(move || {
            place(&self.path, &self.target).map_err(|error| match error {
                Errno::EXIST => anyhow::anyhow!("{}", exists(&self.target)),
                other => anyhow::Error::new(io::Error::from(other))
                    .context(format!("{} cannot be written", self.target.display())),
            })?;
            // Some network file systems cannot sync a folder, and need not.
            let _ = File::open(folder_of(&self.target)).and_then(|folder| folder.sync_all());
            Ok(self.target.clone())
        })
        .await?
    }

    async fn on_disk(&self, work: impl FnOnce(&File) -> io::Result<()> + Send + 'static) -> anyhow::Result<()> {
        let file = self.file.clone();
        let done = tokio::task::spawn_blocking(move || work(&file)).await?;
        done.with_context(|| format!("{} cannot be written", self.target.display()))
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        // It is gone already where it landed.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Renames without replacing; a link cannot replace anything either.
fn place(from: &Path, to: &Path) -> Result<(), Errno> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) => rustix::fs::link(from, to),
        other => other,
    }
}

fn folder_of(target: &Path) -> PathBuf {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_is_taken_from_the_network() {
        for (name, expected) in [
            ("live brixton.jpg", Some("live brixton.jpg")),
            ("../../etc/passwd", Some("passwd")),
            ("c:\\windows\\win.ini", Some("win.ini")),
            ("..", None),
            (".bashrc", None),
            ("a/", None),
            ("con", None),
            ("what?", None),
            ("forban", None),
            ("a\u{202e}gpj.exe", None),
        ] {
            assert_eq!(safe_name(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn the_target_is_what_was_said_and_never_something_that_is_there() {
        let temp = tempfile::tempdir().unwrap();
        let (folder, md5) = (temp.path(), Md5::new([1; 16]));
        let name = |text: &str| FileName::new(text).unwrap();
        assert_eq!(target(Some(folder), &name("x"), md5).unwrap(), folder.join("x"));
        assert_eq!(target(Some(folder), &name(".."), md5).unwrap(), folder.join("01".repeat(16)));
        assert_eq!(target(Some(&folder.join("new")), &name("x"), md5).unwrap(), folder.join("new"));
        std::os::unix::fs::symlink("/nowhere", folder.join("x")).unwrap();
        assert!(target(Some(folder), &name("x"), md5).unwrap_err().to_string().contains("--output"));
        assert!(target(Some(&folder.join("none/")), &name("x"), md5).is_err());
    }

    #[tokio::test]
    async fn a_part_lands_whole_or_leaves_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let left = || std::fs::read_dir(temp.path()).unwrap().count();
        let target = temp.path().join("a");
        let part = PartFile::create(&target).unwrap();
        part.append(Bytes::from_static(b"wrong, and long")).await.unwrap();
        part.restart().await.unwrap();
        part.append(Bytes::from_static(b"right")).await.unwrap();
        assert_eq!(part.land().await.unwrap(), target);
        assert_eq!((std::fs::read(&target).unwrap(), left()), (b"right".to_vec(), 1));
        drop(PartFile::create(&target).unwrap());
        let second = PartFile::create(&target).unwrap();
        assert!(second.land().await.unwrap_err().to_string().contains("there already"));
        assert_eq!((std::fs::read(&target).unwrap(), left()), (b"right".to_vec(), 1));
    }
}
