//! What somebody has in hand who brought a file.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::wire::{Content, LootPath};

/// Letters and digits that nobody mixes up when reading them aloud: without `0`, `1`, `I`, `O`.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Names a receipt: `K7QF-2M9X`. It proves nothing by itself; the operator sees the same code beside
/// the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code(Box<str>);

impl Code {
    /// A new one, from the system's random source: 40 bits.
    ///
    /// # Errors
    /// When it gives none.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 8];
        getrandom::fill(&mut bytes)?;
        let mut text = String::with_capacity(9);
        for (position, byte) in bytes.iter().enumerate() {
            if position == 4 {
                text.push('-');
            }
            text.push(LETTERS.get(usize::from(byte % 32)).copied().map_or('X', char::from));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Names it.
    pub code: Code,
    /// What the sender may know of its name: where it stands in the shared folder; of the inbox as it
    /// was sent, without a number that would tell of another's file.
    pub name: LootPath,
    /// Length in bytes.
    pub size_bytes: u64,
    /// What it holds.
    pub content: Content,
    /// When it arrived.
    pub at: SystemTime,
}

/// `2026-11-22`, in UTC.
#[must_use]
pub fn date(at: SystemTime) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // `Sun, 22 Nov 2026 08:00:00 GMT`; it knows the years 1970 to 9999.
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let text = httpdate::fmt_http_date(at.clamp(SystemTime::UNIX_EPOCH, last));
    let mut words = text.split(' ').skip(1);
    let (day, month, year) = (words.next(), words.next(), words.next());
    let month = MONTHS.iter().position(|name| Some(*name) == month).map_or(0, |position| position.saturating_add(1));
    format!("{}-{month:02}-{}", year.unwrap_or_default(), day.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_can_be_read_aloud() {
        let code = Code::new().unwrap().to_string();
        assert_eq!((code.len(), code.find('-')), (9, Some(4)));
        assert!(code.bytes().all(|b| b == b'-' || LETTERS.contains(&b)), "{code}");
        assert_ne!(code, Code::new().unwrap().to_string());
    }

    #[test]
    fn a_time_has_a_date() {
        for (seconds, expected) in [
            (0, "1970-01-01"),
            (1_582_934_400, "2020-02-29"),
            (1_795_334_400, "2026-11-22"),
            (u64::MAX / 4, "9999-12-31"),
        ] {
            let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
            assert_eq!(at.map(date).as_deref().unwrap_or("9999-12-31"), expected);
        }
    }
}
