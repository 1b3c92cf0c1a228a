//! What kind of thing a file is, as its name tells: the one table of extensions, for rules and for
//! whoever shows files.
//!
//! A name is a stranger's word. A kind decides what to look at or to copy, never what is safe.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// Extensions that the types of the web call otherwise, or do not know.
const EXTENSIONS: &[(Kind, &[&str])] = &[
    (Kind::Video, &["3gp", "divx", "m2ts", "m4v", "mkv", "mts", "ogv", "rm", "rmvb", "vob", "webm", "wmv"]),
    (Kind::Audio, &["aac", "aiff", "ape", "flac", "m3u", "m3u8", "m4a", "m4b", "mid", "midi", "oga", "ogg", "opus"]),
    (Kind::Picture, &["arw", "avif", "cr2", "dng", "heic", "heif", "jxl", "kra", "nef", "psd", "raw", "svg", "xcf"]),
    (
        Kind::Document,
        &[
            "azw3", "chm", "csv", "djvu", "doc", "docx", "epub", "fb2", "htm", "html", "key", "log", "md", "mobi",
            "numbers", "odp", "ods", "odt", "pages", "pdf", "ppt", "pptx", "ps", "rst", "rtf", "srt", "tex", "txt",
            "vtt", "xls", "xlsx", "zim",
        ],
    ),
    (
        Kind::Archive,
        &[
            "7z", "bz2", "cab", "cbr", "cbz", "gz", "img", "iso", "lz", "lz4", "lzma", "rar", "tar", "tbz2", "tgz",
            "txz", "xz", "zip", "zst",
        ],
    ),
    (
        Kind::Program,
        &[
            "apk", "appimage", "bat", "cmd", "com", "deb", "dll", "dmg", "exe", "flatpak", "ipa", "jar", "msi", "pkg",
            "ps1", "rpm", "run", "sh", "snap", "so", "wasm",
        ],
    ),
    // The types of the web hold these for films and pictures.
    (Kind::Other, &["ts", "dwg", "dxf"]),
];

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Kind {
    /// Films and clips.
    Video,
    /// Music and speech.
    Audio,
    /// Photographs and drawings.
    Picture,
    /// What is read: texts, books, tables, slides.
    Document,
    /// Many files in one, and images of disks.
    Archive,
    /// What runs or installs.
    Program,
    /// All else, and names without an extension.
    Other,
}

impl Kind {
    /// All of them, as they are shown.
    pub const ALL: [Self; 7] =
        [Self::Video, Self::Audio, Self::Picture, Self::Document, Self::Archive, Self::Program, Self::Other];

    /// By the last extension of the name, without regard to case.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let file = name.rsplit('/').next().unwrap_or(name);
        let Some((stem, extension)) = file.rsplit_once('.') else { return Self::Other };
        if stem.is_empty() {
            return Self::Other;
        }
        let is_it = |known: &&str| known.eq_ignore_ascii_case(extension);
        let known = EXTENSIONS.iter().find(|(_, extensions)| extensions.iter().any(is_it));
        known.map_or_else(|| of_the_web(extension), |(kind, _)| *kind)
    }

    /// As people write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Picture => "picture",
            Self::Document => "document",
            Self::Archive => "archive",
            Self::Program => "program",
            Self::Other => "other",
        }
    }
}

/// As the type says that such a file is served with.
fn of_the_web(extension: &str) -> Kind {
    let guess = mime_guess::from_ext(extension).first();
    match guess.as_ref().map(|mime| mime.type_().as_str()) {
        Some("video") => Kind::Video,
        Some("audio") => Kind::Audio,
        Some("image") => Kind::Picture,
        _ => Kind::Other,
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            format!("“{text}” is no kind of file; there are {}", all.join(", "))
        })
    }
}

impl TryFrom<String> for Kind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_extension_tells_the_kind() {
        for (name, kind, why) in [
            ("films/Harbour.MKV", Kind::Video, "without regard to case"),
            ("a.mp4", Kind::Video, "a type of the web"),
            ("a.mpeg", Kind::Video, "a type of the web"),
            ("live brixton.mp3", Kind::Audio, "a type of the web"),
            ("a.flac", Kind::Audio, "in the table"),
            ("photo.jpeg", Kind::Picture, "a type of the web"),
            ("drawing.svg", Kind::Picture, "in the table"),
            ("book.epub", Kind::Document, "in the table"),
            ("wiki.zim", Kind::Document, "a library to read"),
            ("backup.tar.gz", Kind::Archive, "the last one counts"),
            ("debian.iso", Kind::Archive, "an image of a disk"),
            ("setup.exe", Kind::Program, "in the table"),
            ("module.ts", Kind::Other, "a program's text oftener than a film"),
            ("README", Kind::Other, "no extension"),
            ("films.mkv/README", Kind::Other, "that of a folder does not count"),
            (".mkv", Kind::Other, "a hidden name, no extension"),
            ("a.unheardof", Kind::Other, "unknown"),
            ("a.", Kind::Other, "empty"),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}: {why}");
        }
    }

    #[test]
    fn no_extension_stands_in_the_table_twice() {
        let mut all: Vec<&str> = EXTENSIONS.iter().flat_map(|(_, extensions)| extensions.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|extension| !extension.chars().any(char::is_uppercase)));
    }

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().to_uppercase().parse(), Ok(kind));
        }
        assert!("movie".parse::<Kind>().unwrap_err().contains("video, audio"));
    }
}
