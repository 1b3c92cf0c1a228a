//! Lists of the operator's in the state folder: a line of JSON each, written whole.
//!
//! What is read is checked like what comes from the network: a line that is none of ours costs only
//! itself.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::stored::write_whole;

/// A line is at most this long: a name of 1,024 bytes, each written as six, and what stands with it.
const LINE_MAX_BYTES: usize = 8 * 1024;

/// What the file holds, so many lines at most; nothing if there is none.
///
/// # Errors
/// When there is one that cannot be read.
pub(crate) fn read<T: DeserializeOwned>(file: &Path, most: usize) -> io::Result<Vec<T>> {
    match std::fs::metadata(file) {
        Ok(facts) if facts.len() > (most as u64).saturating_mul(LINE_MAX_BYTES as u64) => {
            tracing::warn!(file = %file.display(), "this list is longer than any of ours, and left out");
            return Ok(Vec::new());
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    let text = std::fs::read(file)?;
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && line.len() <= LINE_MAX_BYTES);
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).take(most).collect())
}

/// Writes it anew. Blocks.
///
/// # Errors
/// When it cannot be written; the old one stays.
pub(crate) fn write<T: Serialize>(file: &Path, records: impl Iterator<Item = T>) -> io::Result<()> {
    let mut text = Vec::new();
    for record in records {
        serde_json::to_writer(&mut text, &record).map_err(io::Error::other)?;
        text.push(b'\n');
    }
    write_whole(file, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_costs_only_itself_and_no_more_is_read_than_we_keep() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("list");
        assert!(read::<u32>(&file, 9).unwrap().is_empty(), "there is none yet");
        write(&file, [1, 2, 3].iter()).unwrap();
        assert_eq!(read::<u32>(&file, 9).unwrap(), [1, 2, 3]);
        assert_eq!(read::<u32>(&file, 2).unwrap(), [1, 2]);
        std::fs::write(&file, b"1\nnonsense\n\n\xff\n2\n{\"a\":").unwrap();
        assert_eq!(read::<u32>(&file, 9).unwrap(), [1, 2]);
        std::fs::write(&file, vec![b'1'; 2 * LINE_MAX_BYTES]).unwrap();
        assert!(read::<u32>(&file, 1).unwrap().is_empty(), "longer than any of ours");
    }
}
