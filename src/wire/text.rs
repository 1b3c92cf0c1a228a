//! Text from strangers, made fit to show: in a page, in a log, on a terminal.
//!
//! HTML escaping is the templates' work; this file removes what harms *any* reader: control
//! characters, terminal escapes and direction marks that make a name read as another.

use std::fmt;

/// A neighbour's name is kept to this many characters.
pub const NAME_MAX_CHARS: usize = 64;
/// Our own name is sent in at most this many bytes (`docs/PROTOCOL.md`, section 1).
pub const NAME_MAX_BYTES: usize = 64;

/// True for characters that change how the *rest* of a line is read: C0, C1, DEL, Unicode line
/// breaks, direction marks and the byte order mark.
#[must_use]
pub fn is_deceptive(c: char) -> bool {
    c.is_control() || is_line_break(c) || is_direction_mark(c) || c == '\u{feff}'
}

/// U+2028 and U+2029: Forban splits an index there (the others are control characters).
#[must_use]
pub fn is_line_break(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Marks that turn the direction of the text that follows.
#[must_use]
pub fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Remote text without anything deceptive, bounded in length. Still to be escaped for HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DisplayText(Box<str>);

impl DisplayText {
    /// Keeps at most `max_chars` characters of `bytes`; invalid UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], max_chars: usize) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let kept: String = text.chars().filter(|c| !is_deceptive(*c)).take(max_chars).collect();
        Self(kept.trim().into())
    }

    /// Like [`DisplayText::from_bytes`], but shows each deceptive character as `\u{…}`, so that
    /// the operator sees what is wrong with a name.
    #[must_use]
    pub fn revealing(bytes: &[u8], max_chars: usize) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut shown = String::new();
        for c in text.chars().take(max_chars) {
            if is_deceptive(c) {
                shown.extend(c.escape_unicode());
            } else {
                shown.push(c);
            }
        }
        if text.chars().nth(max_chars).is_some() {
            shown.push('…');
        }
        Self(shown.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name this node announces: no `;`, no control characters, 1 to 64 bytes of UTF-8.
///
/// goforban drops an announcement whose name holds a `;` (it counts fields).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeName(Box<str>);

impl NodeName {
    /// Drops what may not stand in a name and cuts at a character boundary; an empty rest
    /// becomes `boucan`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut name = String::new();
        for c in text.trim().chars().filter(|c| *c != ';' && !is_deceptive(*c)) {
            if name.len().saturating_add(c.len_utf8()) > NAME_MAX_BYTES {
                break;
            }
            name.push(c);
        }
        let name = name.trim();
        Self(if name.is_empty() { "boucan".into() } else { name.into() })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_text_loses_escapes_and_direction_marks() {
        let text = DisplayText::from_bytes(b" a\x1b[31m\nb\xe2\x80\xae\xff ", 64);
        assert_eq!(text.as_str(), "a[31mb\u{fffd}");
    }

    #[test]
    fn a_refused_name_shows_what_is_hidden_in_it() {
        assert_eq!(DisplayText::revealing("a\u{202e}b\n".as_bytes(), 64).as_str(), "a\\u{202e}b\\u{a}");
        assert_eq!(DisplayText::revealing(b"abcdef", 3).as_str(), "abc…");
    }

    #[test]
    fn a_node_name_keeps_within_64_bytes_and_has_no_field_separator() {
        assert_eq!(NodeName::new("a;b\u{7}c").as_str(), "abc");
        assert_eq!(NodeName::new(" ; ").as_str(), "boucan");
        let long = NodeName::new(&"é".repeat(100));
        assert_eq!(long.as_str().len(), 64);
    }
}
