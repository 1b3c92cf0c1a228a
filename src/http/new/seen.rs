//! When a reader looked at what is new: in a cookie, so that nothing is kept of anybody here.
//!
//! It holds two times: the end of the visit before this one, from which on things are new, and when
//! this visit was noticed last, for a page that renews itself is one visit.

use std::time::{Duration, SystemTime};

use crate::news::{from_unix, to_unix};

/// Followed by the port, because browsers share cookies between the ports of a host.
const COOKIE: &str = "boucan-seen-";
/// Who comes back after so long visits anew.
const PAUSE: Duration = Duration::from_secs(30 * 60);
/// A year, in seconds.
const AGE_SECONDS: u32 = 365 * 24 * 3600;

/// The visits of one reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    before: Option<SystemTime>,
    last: SystemTime,
}

impl Seen {
    /// The name of the cookie.
    #[must_use]
    pub fn cookie_name(port: u16) -> String {
        format!("{COOKIE}{port}")
    }

    /// Of the value of a cookie: `BEFORE-LAST`, seconds since 1970, 0 for never.
    #[must_use]
    pub fn parse(value: &str, now: SystemTime) -> Option<Self> {
        let (before, last) = value.split_once('-')?;
        let time = |text: &str| text.parse::<u64>().ok().map(from_unix).filter(|time| *time <= now);
        let before = time(before)?;
        Some(Self { before: (before > SystemTime::UNIX_EPOCH).then_some(before), last: time(last)? })
    }

    /// Another look at the page.
    #[must_use]
    pub(super) fn visited(seen: Option<Self>, now: SystemTime) -> Self {
        let Some(seen) = seen else { return Self { before: None, last: now } };
        let is_same_visit = now.duration_since(seen.last).is_ok_and(|pause| pause < PAUSE);
        Self { before: if is_same_visit { seen.before } else { Some(seen.last) }, last: now }
    }

    /// What came after this is new to the reader; none for whoever is here for the first time.
    #[must_use]
    pub fn before(self) -> Option<SystemTime> {
        self.before
    }

    /// When they looked last.
    #[must_use]
    pub fn last(self) -> SystemTime {
        self.last
    }

    pub(super) fn cookie(self, port: u16) -> String {
        let (before, last) = (self.before.map_or(0, to_unix), to_unix(self.last));
        format!("{}={before}-{last}; HttpOnly; SameSite=Lax; Path=/; Max-Age={AGE_SECONDS}", Self::cookie_name(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> SystemTime {
        from_unix(1_800_000_000 + minutes * 60)
    }

    #[test]
    fn what_came_after_the_visit_before_is_new_for_all_of_a_visit() {
        let first = Seen::visited(None, at(0));
        assert_eq!(first.before(), None, "nothing is new to whoever never came");
        let renewed = Seen::visited(Some(first), at(10));
        assert_eq!((renewed.before(), renewed.last()), (None, at(10)), "the same visit");
        let second = Seen::visited(Some(renewed), at(60));
        assert_eq!(second.before(), Some(at(10)), "another one");
        let still = Seen::visited(Some(second), at(80));
        assert_eq!((still.before(), still.last()), (Some(at(10)), at(80)), "what was new stays so");
    }

    #[test]
    fn a_cookie_is_read_as_it_was_set_and_others_are_none() {
        for seen in [Seen { before: None, last: at(1) }, Seen { before: Some(at(0)), last: at(1) }] {
            let cookie = seen.cookie(12555);
            let value = cookie.split(';').next().and_then(|pair| pair.strip_prefix("boucan-seen-12555=")).unwrap();
            assert_eq!(Seen::parse(value, at(2)), Some(seen));
        }
        for (value, why) in [
            ("", "empty"),
            ("1800000000", "one time"),
            ("x-1", "no number"),
            ("0-99999999999999", "to come"),
            ("0-18446744073709551616", "too large"),
        ] {
            assert_eq!(Seen::parse(value, at(0)), None, "{why}");
        }
    }
}
