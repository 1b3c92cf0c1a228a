//! The announcement: one datagram that says who is here and whether the loot changed
//! (`docs/PROTOCOL.md`, section 1).
//!
//! Out: exactly seven fields, because goforban drops anything else. In: pairs in any order.

use uuid::Uuid;

use super::text::NAME_MAX_CHARS;
use super::{DisplayText, IndexHmac, NodeName};

/// goforban reads 1,024 bytes and damages what is longer.
pub const ANNOUNCEMENT_MAX_BYTES: usize = 1024;

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The name, made fit to show; may be empty.
    pub name: DisplayText,
    /// Who it is; goforban takes a new one at each start.
    pub uuid: Uuid,
    /// Of its index; a node may leave it out.
    pub hmac: Option<IndexHmac>,
}

/// Why a datagram is no announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnnouncementError {
    /// It does not begin with `forban;`.
    #[error("not a Forban announcement")]
    NotForban,
    /// A key stands without its value: a `;` in the name, or a cut datagram.
    #[error("a key without a value")]
    OddFields,
    /// No `uuid` field.
    #[error("no uuid")]
    NoUuid,
    /// The uuid is not of the form 8-4-4-4-12 hex digits. It becomes a file name at other
    /// nodes, so nothing else is taken.
    #[error("the uuid is not a UUID")]
    BadUuid,
}

impl Announcement {
    /// Reads a datagram. Unknown keys are ignored, of equal keys the first counts, an HMAC that
    /// is not 40 hex digits counts as none; white space and `;` at the end are stripped.
    ///
    /// # Errors
    /// [`AnnouncementError`] says why the datagram is dropped.
    pub fn parse(datagram: &[u8]) -> Result<Self, AnnouncementError> {
        let fields = datagram.strip_prefix(b"forban;").ok_or(AnnouncementError::NotForban)?;
        let end = fields
            .iter()
            .rposition(|b| !b.is_ascii_whitespace() && *b != b';')
            .map_or(0, |last| last.saturating_add(1));
        let mut fields = fields.get(..end).unwrap_or_default().split(|b| *b == b';');
        let (mut name, mut uuid, mut hmac) = (None, None, None);
        while let Some(key) = fields.next().filter(|_| end > 0) {
            // An empty value at the very end (`hmac;`) is stripped with its separator.
            let value = match fields.next() {
                Some(value) => value,
                None if key == b"hmac" => b"",
                None => return Err(AnnouncementError::OddFields),
            };
            let slot = match key {
                b"name" => &mut name,
                b"uuid" => &mut uuid,
                b"hmac" => &mut hmac,
                _ => continue,
            };
            slot.get_or_insert(value);
        }
        Ok(Self {
            name: DisplayText::from_bytes(name.unwrap_or_default(), NAME_MAX_CHARS),
            uuid: parse_uuid(uuid.ok_or(AnnouncementError::NoUuid)?)?,
            hmac: hmac.and_then(IndexHmac::parse),
        })
    }

    /// The datagram of a node of ours: below 1,024 bytes, no newline.
    #[must_use]
    pub fn emit(name: &NodeName, uuid: Uuid, hmac: IndexHmac) -> String {
        format!("forban;name;{name};uuid;{uuid};hmac;{hmac}")
    }
}

/// Only the hyphenated form: `Uuid::try_parse` also takes braces, URNs and bare digits.
fn parse_uuid(text: &[u8]) -> Result<Uuid, AnnouncementError> {
    if text.len() != 36 {
        return Err(AnnouncementError::BadUuid);
    }
    Uuid::try_parse_ascii(text).map_err(|_| AnnouncementError::BadUuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "ef2bb792-016e-44e5-95cc-f7ba417e125b";
    const HMAC: &str = "c6e2a8d48d7a3a9341605415a36d807905aa2824";

    fn parse(text: &str) -> Result<Announcement, AnnouncementError> {
        Announcement::parse(text.as_bytes())
    }

    #[test]
    fn pairs_are_read_in_any_order_and_spelling() {
        for text in [
            format!("forban;name;n1;uuid;{UUID};hmac;{HMAC}"),
            format!("forban;uuid;{UUID};hmac;{HMAC};name;n1"),
            format!("forban;name;n1;uuid;{UUID};hmac;{HMAC};"),
            format!("forban;name;n1;uuid;{UUID};hmac;{HMAC} \r\n"),
            format!("forban;name;n1;colour;red;uuid;{UUID};hmac;{HMAC}"),
            format!("forban;name;n1;name;n2;uuid;{UUID};hmac;{HMAC};hmac;x"),
        ] {
            let heard = parse(&text).unwrap();
            assert_eq!(heard.name.as_str(), "n1", "{text}");
            assert_eq!(heard.uuid.to_string(), UUID, "{text}");
            assert_eq!(heard.hmac.unwrap().to_string(), HMAC, "{text}");
        }
    }

    #[test]
    fn a_missing_or_odd_hmac_counts_as_none() {
        for tail in [String::new(), ";hmac;".into(), ";hmac;ZZ".into(), format!(";hmac;{}", "a".repeat(5000))] {
            assert_eq!(parse(&format!("forban;name;n;uuid;{UUID}{tail}")).unwrap().hmac, None, "{tail:.20}");
        }
    }

    #[test]
    fn a_uuid_that_is_a_path_is_dropped() {
        for uuid in
            ["/etc/cron.d", "../../x", "C:\\x", "", "{ef2bb792-016e-44e5-95cc-f7ba417e125b}", &"a".repeat(60_000)]
        {
            assert_eq!(
                parse(&format!("forban;name;x;uuid;{uuid};hmac;{HMAC}")),
                Err(AnnouncementError::BadUuid),
                "{uuid:.40}"
            );
        }
        assert_eq!(parse(&format!("forban;name;x;hmac;{HMAC}")), Err(AnnouncementError::NoUuid));
    }

    #[test]
    fn what_is_not_an_announcement_is_dropped() {
        use AnnouncementError::{NoUuid, NotForban, OddFields};
        for (text, why) in [
            ("", NotForban),
            ("forban", NotForban),
            ("FORBAN;name;x", NotForban),
            ("forbanXname;x", NotForban),
            ("forban;", NoUuid),
            ("forban;;;;", NoUuid),
            ("forban;name", OddFields),
            ("forban;name;semi;colon;uuid;ef2bb792-016e-44e5-95cc-f7ba417e125b", OddFields),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_name_with_markup_and_escapes_is_kept_inert() {
        let text = format!("forban;name;<b>\x1b[2J\u{202e}x;uuid;{UUID}");
        assert_eq!(parse(&text).unwrap().name.as_str(), "<b>[2Jx");
    }

    #[test]
    fn ours_has_exactly_seven_fields_and_reads_back() {
        let name = NodeName::new(&"nœud;".repeat(60));
        let hmac = IndexHmac::parse(HMAC.as_bytes()).unwrap();
        let text = Announcement::emit(&name, UUID.parse().unwrap(), hmac);
        assert_eq!(text.split(';').count(), 7);
        assert!(text.len() < ANNOUNCEMENT_MAX_BYTES);
        assert_eq!(parse(&text).unwrap().hmac, Some(hmac));
    }
}
