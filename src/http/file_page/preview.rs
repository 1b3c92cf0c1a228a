//! What can be seen of a file in a page, by native elements: its name says how to look at it, and
//! its bytes stay a stranger's.

use super::super::loot_pages::is_viewable;
use super::super::store::inert_type;
use crate::wire::Kind;

/// So much of a text is shown.
pub(super) const TEXT_MAX_BYTES: u64 = 128 * 1024;
/// A larger picture makes a phone stand still.
const PICTURE_MAX_BYTES: u64 = 64 << 20;
/// Names of texts, by their extension …
const TEXTS: &[&str] = &[
    "adoc",
    "asc",
    "bat",
    "bib",
    "c",
    "cc",
    "cfg",
    "conf",
    "cpp",
    "cs",
    "css",
    "csv",
    "cue",
    "diff",
    "diz",
    "go",
    "h",
    "hpp",
    "htm",
    "html",
    "ics",
    "ini",
    "java",
    "js",
    "json",
    "jsonl",
    "kt",
    "log",
    "lua",
    "m3u",
    "m3u8",
    "markdown",
    "md",
    "mjs",
    "nfo",
    "org",
    "patch",
    "php",
    "pl",
    "properties",
    "ps1",
    "py",
    "rb",
    "rs",
    "rst",
    "sh",
    "sql",
    "srt",
    "sub",
    "svg",
    "tex",
    "toml",
    "ts",
    "tsv",
    "txt",
    "vcf",
    "vtt",
    "xml",
    "yaml",
    "yml",
];
/// … or whole.
const TEXT_NAMES: &[&str] = &[
    "authors",
    "changelog",
    "copying",
    "dockerfile",
    "install",
    "license",
    "licence",
    "makefile",
    "notice",
    "readme",
    "todo",
];
/// Sound and film that browsers play.
const PLAYED: &[&str] =
    &["aac", "flac", "m4a", "m4b", "m4v", "mov", "mp3", "mp4", "oga", "ogg", "ogv", "opus", "wav", "weba", "webm"];

/// How a page shows a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Preview {
    /// At that address.
    Picture(String),
    /// At that address.
    Audio(String),
    /// At that address.
    Video(String),
    /// Its beginning, or all of it.
    Text {
        text: String,
        /// There is more.
        is_cut: bool,
    },
    /// A text that did not come.
    Unread,
    /// Browsers do not play it.
    NotPlayed,
    /// Too large to look at.
    TooLarge,
    /// A PDF would run in our origin; it opens as a download.
    Pdf,
    /// Nothing to see.
    None,
}

impl Preview {
    /// As far as the name tells; a text is [`Preview::Unread`] until its bytes are here.
    pub(super) fn by_name(name: &str, size_bytes: u64, address: String) -> Self {
        let file = name.rsplit('/').next().unwrap_or(name);
        let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_one_of = |known: &[&str], text: &str| known.iter().any(|known| known.eq_ignore_ascii_case(text));
        let is_text = is_one_of(TEXTS, extension) || is_one_of(TEXT_NAMES, file);
        match Kind::of(file) {
            _ if size_bytes == 0 => Self::None,
            _ if is_text => Self::Unread,
            Kind::Picture if !is_viewable(file) => Self::None,
            Kind::Picture if size_bytes > PICTURE_MAX_BYTES => Self::TooLarge,
            Kind::Picture => Self::Picture(address),
            Kind::Audio | Kind::Video if !is_one_of(PLAYED, extension) => Self::NotPlayed,
            Kind::Audio => Self::Audio(address),
            Kind::Video if inert_type(file).starts_with("audio/") => Self::Audio(address),
            Kind::Video => Self::Video(address),
            _ if extension.eq_ignore_ascii_case("pdf") => Self::Pdf,
            _ => Self::None,
        }
    }

    /// Of the beginning of a text; what is none has none.
    pub(super) fn of_text(bytes: &[u8], size_bytes: u64) -> Self {
        let is_cut = (bytes.len() as u64) < size_bytes;
        if bytes.contains(&0) {
            return Self::None;
        }
        // Where it is cut, a character may be cut too.
        let bytes = match std::str::from_utf8(bytes) {
            Err(error) if is_cut && error.error_len().is_none() => bytes.get(..error.valid_up_to()).unwrap_or_default(),
            _ => bytes,
        };
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let odd =
            text.chars().filter(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}')).count();
        // Old encodings have some strange bytes; what is full of them is no text.
        let strange = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER).count().saturating_add(odd);
        if strange > text.len() / 8 {
            return Self::None;
        }
        let text = text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n')).collect();
        Self::Text { text, is_cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_how_it_is_looked_at() {
        let at = || "/media/x".to_owned();
        for (name, size, expected) in [
            ("a/b.JPG", 5, Preview::Picture(at())),
            ("b.jpg", PICTURE_MAX_BYTES + 1, Preview::TooLarge),
            ("b.heic", 5, Preview::None),
            ("b.svg", 5, Preview::Unread),
            ("b.mp3", 5, Preview::Audio(at())),
            ("b.wma", 5, Preview::NotPlayed),
            ("b.mp4", 1 << 40, Preview::Video(at())),
            ("b.mkv", 5, Preview::NotPlayed),
            ("b.html", 5, Preview::Unread),
            ("README", 5, Preview::Unread),
            ("b.pdf", 5, Preview::Pdf),
            ("b.zip", 5, Preview::None),
            ("b.mp4", 0, Preview::None),
        ] {
            assert_eq!(Preview::by_name(name, size, at()), expected, "{name}");
        }
    }

    #[test]
    fn a_text_is_shown_as_far_as_it_is_one() {
        let text = |text: &str, is_cut| Preview::Text { text: text.into(), is_cut };
        for (bytes, size, expected) in [
            (&b"plain\ttext\r\n"[..], 12, text("plain\ttext\n", false)),
            ("\u{feff}d\u{e9}j\u{e0}".as_bytes(), 8, text("d\u{e9}j\u{e0}", false)),
            (b"so long: \xc3", 100, text("so long: ", true)),
            (b"in an old encoding: caf\xe9, and so on", 34, text("in an old encoding: caf\u{fffd}, and so on", false)),
            (b"colour\x1b[31m", 11, text("colour[31m", false)),
            (b"MZ\0\0", 4, Preview::None),
            (b"\x01\x02\x03\x04\xff\xfe\xfd\xfc", 8, Preview::None),
        ] {
            assert_eq!(Preview::of_text(bytes, size), expected, "{bytes:?}");
        }
    }
}
