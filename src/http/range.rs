//! Conditions and ranges of a request for a file (RFC 9110, sections 13 and 14).

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, HeaderName, header};

/// How a file names its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// A strong entity tag, with its quotes.
    pub etag: String,
    /// Last change, to the second.
    pub modified: SystemTime,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it.
    Whole,
    /// `first..=last`.
    Part {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte.
        last: u64,
    },
    /// 304: the client has it.
    NotModified,
    /// 412: the client wants another version.
    Failed,
    /// 416: the range is beyond the end.
    Unsatisfiable,
}

/// Judges the conditions in the order of RFC 9110, section 13.2.2, then the range.
#[must_use]
pub fn select(headers: &HeaderMap, version: &Version, size_bytes: u64) -> Selection {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let date = |name: HeaderName| text(name).and_then(|value| httpdate::parse_http_date(value).ok());
    match (text(header::IF_MATCH), date(header::IF_UNMODIFIED_SINCE)) {
        (Some(tags), _) if !names(tags, &version.etag, false) => return Selection::Failed,
        (None, Some(since)) if version.modified > since => return Selection::Failed,
        _ => {}
    }
    match (text(header::IF_NONE_MATCH), date(header::IF_MODIFIED_SINCE)) {
        (Some(tags), _) if names(tags, &version.etag, true) => return Selection::NotModified,
        (None, Some(since)) if version.modified <= since => return Selection::NotModified,
        _ => {}
    }
    match text(header::RANGE) {
        Some(range) if if_range_holds(headers, version) => parse_range(range, size_bytes),
        _ => Selection::Whole,
    }
}

/// Whether a list of entity tags names this one; `weak`: `W/` does not matter.
fn names(tags: &str, etag: &str, weak: bool) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag == etag || (weak && tag.strip_prefix("W/") == Some(etag)))
}

fn if_range_holds(headers: &HeaderMap, version: &Version) -> bool {
    match headers.get(header::IF_RANGE).map(|value| value.to_str()) {
        None => true,
        Some(Ok(value)) if value.starts_with('"') => value == version.etag,
        Some(Ok(value)) => httpdate::parse_http_date(value).is_ok_and(|date| date == version.modified),
        Some(Err(_)) => false,
    }
}

/// One range of bytes of a file of that length; several are ignored unread (they have been the ruin of other servers).
#[must_use]
pub fn parse_range(range: &str, size_bytes: u64) -> Selection {
    let Some(spec) = range.strip_prefix("bytes=") else { return Selection::Whole };
    if spec.contains(',') {
        return Selection::Whole;
    }
    let Some((first, last)) = spec.trim().split_once('-') else { return Selection::Whole };
    let number = |digits: &str| -> Option<u64> {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().unwrap_or(u64::MAX)) // beyond every file
    };
    let end = size_bytes.saturating_sub(1);
    match (number(first), number(last)) {
        (None, Some(suffix)) if first.is_empty() => {
            if suffix == 0 || size_bytes == 0 {
                return Selection::Unsatisfiable;
            }
            Selection::Part { first: size_bytes.saturating_sub(suffix), last: end }
        }
        (Some(first), Some(last)) if first > last => Selection::Whole, // not a valid range: ignored
        (Some(first), _) if first >= size_bytes => Selection::Unsatisfiable,
        (Some(first), Some(last)) => Selection::Part { first, last: last.min(end) },
        (Some(first), None) if last.is_empty() => Selection::Part { first, last: end },
        _ => Selection::Whole,
    }
}

/// Dates in HTTP have seconds; a version's date is cut so that it compares.
#[must_use]
pub fn whole_seconds(nanoseconds: i64) -> SystemTime {
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    match u64::try_from(seconds) {
        Ok(seconds) => SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799)),
        Err(_) => SystemTime::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn judge(lines: &[(&'static str, &str)]) -> Selection {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let version = Version {
            etag: "\"v1\"".into(),
            modified: httpdate::parse_http_date("Sat, 21 Nov 2026 21:45:01 GMT").unwrap(),
        };
        select(&headers, &version, 100)
    }

    #[test]
    fn single_ranges() {
        use Selection::{Part, Unsatisfiable, Whole};
        for (range, expected) in [
            ("bytes=0-9", Part { first: 0, last: 9 }),
            ("bytes=90-", Part { first: 90, last: 99 }),
            ("bytes=90-1000", Part { first: 90, last: 99 }),
            ("bytes=-10", Part { first: 90, last: 99 }),
            ("bytes=-1000", Part { first: 0, last: 99 }),
            ("bytes=0-18446744073709551616", Part { first: 0, last: 99 }),
            ("bytes=100-", Unsatisfiable),
            ("bytes=18446744073709551616-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=9-0", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=-", Whole),
            ("lines=0-9", Whole),
            ("bytes=0-1,5-6", Whole),
        ] {
            assert_eq!(judge(&[("range", range)]), expected, "{range}");
        }
        assert_eq!(parse_range("bytes=0-0", 0), Unsatisfiable);
    }

    #[test]
    fn conditions() {
        use Selection::{Failed, NotModified, Part, Whole};
        let part = Part { first: 0, last: 9 };
        let range = ("range", "bytes=0-9");
        for (lines, expected) in [
            (vec![("if-none-match", "\"v1\"")], NotModified),
            (vec![("if-none-match", "\"v0\", W/\"v1\"")], NotModified),
            (vec![("if-none-match", "*")], NotModified),
            (vec![("if-none-match", "\"v0\""), ("if-modified-since", "Sat, 21 Nov 2026 21:45:01 GMT")], Whole),
            (vec![("if-modified-since", "Sat, 21 Nov 2026 21:45:01 GMT")], NotModified),
            (vec![("if-modified-since", "Sat, 21 Nov 2026 21:45:00 GMT")], Whole),
            (vec![("if-modified-since", "yesterday")], Whole),
            (vec![("if-match", "\"v0\"")], Failed),
            (vec![("if-match", "W/\"v1\"")], Failed),
            (vec![("if-match", "\"v1\"")], Whole),
            (vec![("if-unmodified-since", "Sat, 21 Nov 2026 21:45:00 GMT")], Failed),
            (vec![range, ("if-range", "\"v1\"")], part.clone()),
            (vec![range, ("if-range", "\"v0\"")], Whole),
            (vec![range, ("if-range", "Sat, 21 Nov 2026 21:45:01 GMT")], part),
            (vec![range, ("if-range", "Sat, 21 Nov 2026 21:45:00 GMT")], Whole),
        ] {
            assert_eq!(judge(&lines), expected, "{lines:?}");
        }
    }
}
