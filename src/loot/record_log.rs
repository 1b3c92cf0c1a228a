//! A log of records on disk, appended to: a line a record, CRC-32 of the JSON in hex, a blank, the
//! JSON.
//!
//! A damaged line is skipped, so a cut write loses one record. Now and then the log is written anew
//! (temporary file, sync, rename), without what later records made void.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A record is at most this long; a longer line is damage.
const RECORD_MAX_BYTES: u64 = 16 * 1024;

/// Hands on each record of the log at `path`; no file is an empty one. Returns how many were
/// damaged.
///
/// # Errors
/// When there is one that cannot be read.
pub(super) fn read<R: DeserializeOwned>(path: &Path, mut take: impl FnMut(R)) -> io::Result<usize> {
    let mut reader = match File::open(path) {
        Ok(file) => BufReader::new(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut damaged = 0_usize;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = io::Read::take(&mut reader, RECORD_MAX_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(damaged);
        }
        match parse(&line) {
            Some(record) => take(record),
            None => damaged = damaged.saturating_add(1),
        }
    }
}

/// One line; `None` when it is damaged.
pub(super) fn parse<R: DeserializeOwned>(line: &[u8]) -> Option<R> {
    let line = line.strip_suffix(b"\n")?;
    let (crc, json) = line.split_at_checked(8)?;
    let json = json.strip_prefix(b" ")?;
    let crc = u32::from_str_radix(std::str::from_utf8(crc).ok()?, 16).ok()?;
    (crc32fast::hash(json) == crc).then(|| serde_json::from_slice(json).ok())?
}

/// Appends one line, in one write.
///
/// # Errors
/// When it cannot be written: what is half written must then be ended with a line break.
pub(super) fn write(log: &mut impl io::Write, record: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string(record)?;
    log.write_all(format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes())).as_bytes())
}

/// Replaces the log at `path` by one of these records; returns it, to be appended to.
///
/// # Errors
/// When it cannot be written; the old one is there still.
pub(super) fn write_anew(path: &Path, records: impl Iterator<Item = impl Serialize>) -> io::Result<File> {
    let temporary = path.with_extension("new");
    let mut file = io::BufWriter::new(File::create(&temporary)?);
    for record in records {
        write(&mut file, &record)?;
    }
    file.flush()?;
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    Ok(file)
}
