//! [`LootPath`]: the one form in which a name may meet the disk.
//!
//! Whatever comes from the network, from a neighbour's index or from our own folder is parsed
//! into it once; only a `LootPath` opens, creates or renames a file. The rules are two tiers:
//! what is *always* refused (it escapes, hides, deceives, or breaks other nodes), and what is not
//! [portable](LootPath::portable) (it cannot be stored everywhere, so a mirror leaves it).

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use super::content::{self, Content};
use super::text::{is_direction_mark, is_line_break};

/// Longest name, in bytes.
pub const PATH_MAX_BYTES: usize = 1024;
/// Most folders on the way, the file included.
pub const PATH_MAX_COMPONENTS: usize = 32;
/// Longest component, in bytes: what file systems hold.
pub const COMPONENT_MAX_BYTES: usize = 255;
/// Longest component that is listed: Forban adds ten characters to it and dies when that is too long.
pub const LISTED_COMPONENT_MAX_BYTES: usize = 245;
/// What comes between the name of a file and what tells apart a version that is kept beside it.
const BESIDE: &str = " (other ";
/// The first component under which nodes keep what is not loot, in any case.
pub const RESERVED: &str = "forban";

/// Why a name is refused. Each is a sentence that follows the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Refusal {
    /// Not valid UTF-8; kills the mirror of every Forban node that reads it.
    #[error("is not valid UTF-8")]
    NotUtf8,
    /// Empty, or with an empty, `.` or `..` component.
    #[error("has an empty, “.” or “..” part")]
    NotPlain,
    /// A component begins with a dot.
    #[error("is hidden (a part begins with a dot)")]
    Hidden,
    /// Control characters or Unicode line breaks; they break the index of other nodes.
    #[error("holds control characters or line breaks")]
    Control,
    /// Direction marks or a byte order mark: the name would read as another.
    #[error("holds invisible marks that make it read as another name")]
    Deceptive,
    /// `\`, or a drive letter: a path on Windows.
    #[error("holds a backslash or begins with a drive letter")]
    WindowsPath,
    /// The first component is `forban`.
    #[error("is under “forban/”, which is reserved")]
    Reserved,
    /// Over 1,024 bytes, 32 components, or 255 bytes in one component.
    #[error("is too long")]
    TooLong,
    /// A component over 245 bytes, which kills the mirror of a Forban node.
    #[error("has a part longer than 245 bytes, which other nodes cannot store")]
    TooLongToList,
    /// Not portable: one of `* ? " < > |`.
    #[error("holds one of * ? \" < > |, which not every system can store")]
    SpecialCharacter,
    /// Not portable: a blank at an end of a component, or a dot at its end.
    #[error("has a part that begins with a blank or ends with a blank or a dot")]
    EdgeOfComponent,
    /// Not portable: a device name of Windows.
    #[error("is a device name on Windows")]
    DeviceName,
    /// `desktop.ini` and its kind, which act on the system that shows the folder.
    #[error("is a file that Windows acts on by itself")]
    ActsByItself,
}

/// A relative name of a file below the loot folder: components joined by `/`.
///
/// Valid UTF-8; no empty, `.`, `..` or hidden component; no controls, direction marks or `\`;
/// bounded in length and depth; not under `forban/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LootPath(Box<str>);

impl LootPath {
    /// Parses a name from anywhere. One leading `/` is dropped (some Forban nodes list it).
    ///
    /// # Errors
    /// The [`Refusal`] that applies first.
    pub fn parse(name: &[u8]) -> Result<Self, Refusal> {
        Self::check(name).map(|name| Self(name.into()))
    }

    /// What [`LootPath::parse`] would take of it: the name without a leading `/`.
    ///
    /// # Errors
    /// The [`Refusal`] that applies first.
    pub fn check(name: &[u8]) -> Result<&str, Refusal> {
        let name = std::str::from_utf8(name).map_err(|_| Refusal::NotUtf8)?;
        let name = name.strip_prefix('/').unwrap_or(name);
        check_whole(name)?;
        name.split('/').try_for_each(check_component)?;
        if is_reserved(name) {
            return Err(Refusal::Reserved);
        }
        Ok(name)
    }

    /// For names that an [`Index`](super::Index) has parsed before.
    pub(in crate::wire) fn already_parsed(name: &str) -> Self {
        debug_assert!(Self::parse(name.as_bytes()).is_ok(), "an index holds only parsed names");
        Self(name.into())
    }

    /// The name, without a leading `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folders and, last, the file name.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The folder it is in; `None` at the top.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(folder, _)| folder)
    }

    /// Whether other nodes survive it in our index: no component over 245 bytes.
    ///
    /// # Errors
    /// [`Refusal::TooLongToList`].
    pub fn listable(&self) -> Result<(), Refusal> {
        if self.components().any(|c| c.len() > LISTED_COMPONENT_MAX_BYTES) {
            return Err(Refusal::TooLongToList);
        }
        Ok(())
    }

    /// Whether every usual system can store it. `:` passes: it is common on Unix, and a mirror
    /// takes it where the file system does.
    ///
    /// # Errors
    /// The [`Refusal`] of the first component that some system cannot store.
    pub fn portable(&self) -> Result<(), Refusal> {
        self.components().try_for_each(check_portable)
    }

    /// Equal for names that one file system or another takes for the same: case and Unicode
    /// composition folded.
    #[must_use]
    pub fn collision_key(&self) -> String {
        collision_key(&self.0)
    }

    /// The name of a version that is kept beside this one: `report (other 20 bytes).odt`.
    ///
    /// It says the version's size and not its holder, so all nodes call one version alike and a
    /// room of mirrors settles.
    ///
    /// # Errors
    /// A [`Refusal`] when the name would become too long.
    pub fn beside(&self, size_bytes: u64) -> Result<Self, Refusal> {
        self.with_note(&format!("{size_bytes} bytes"))
    }

    /// The same for a version whose size does not tell it apart: `report (other 3f2a91c0).odt`,
    /// with the first digits of its BLAKE3.
    ///
    /// # Errors
    /// A [`Refusal`] when the name would become too long.
    pub fn beside_by_content(&self, content: &Content) -> Result<Self, Refusal> {
        self.with_note(&content.short())
    }

    fn with_note(&self, note: &str) -> Result<Self, Refusal> {
        let (stem, extension) = self.split_extension();
        let path = Self::parse(format!("{stem}{BESIDE}{note}){extension}").as_bytes())?;
        path.listable().map(|()| path)
    }

    /// The name that is tried when this one is taken: `report (2).odt`.
    ///
    /// # Errors
    /// A [`Refusal`] when the name would become too long.
    pub fn numbered(&self, number: usize) -> Result<Self, Refusal> {
        let (stem, extension) = self.split_extension();
        let path = Self::parse(format!("{stem} ({number}){extension}").as_bytes())?;
        path.listable().map(|()| path)
    }

    /// How the names of all versions begin that are kept beside this one.
    #[must_use]
    pub fn beside_begins(&self) -> String {
        format!("{}{BESIDE}", self.split_extension().0)
    }

    /// What is before the last dot of the file's name, and that dot with what follows.
    fn split_extension(&self) -> (&str, &str) {
        let extension_bytes = self.file_name().rfind('.').map_or(0, |dot| self.file_name().len().saturating_sub(dot));
        self.0.split_at_checked(self.0.len().saturating_sub(extension_bytes)).unwrap_or((&self.0, ""))
    }

    /// The name beside which this one was kept, and what told it apart; see [`LootPath::beside`].
    #[must_use]
    pub fn kept_beside(&self) -> Option<(Self, ToldApart<'_>)> {
        let (before, after) = self.0.rsplit_once(BESIDE)?;
        let (note, extension) = after.split_once(')')?;
        let told_apart = match note.strip_suffix(" bytes") {
            Some(size) => ToldApart::BySize(size.parse().ok()?),
            None if content::is_short(note) => ToldApart::ByContent(note),
            None => return None,
        };
        Some((Self::parse(format!("{before}{extension}").as_bytes()).ok()?, told_apart))
    }
}

/// What the name of a version that is kept beside another says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldApart<'n> {
    /// Its size.
    BySize(u64),
    /// The first digits of its BLAKE3.
    ByContent(&'n str),
}

impl fmt::Display for LootPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LootPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The collision key of one name or one component; see [`LootPath::collision_key`].
#[must_use]
pub fn collision_key(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    caseless::default_case_fold_str(&name.nfc().collect::<String>()).nfc().collect()
}

/// Whether `component` may be a part of a path; what a folder walk asks before it goes on.
///
/// # Errors
/// The [`Refusal`] that applies first.
pub fn check_component(component: &str) -> Result<(), Refusal> {
    if component.is_empty() || component == "." || component == ".." {
        return Err(Refusal::NotPlain);
    }
    if component.starts_with('.') {
        return Err(Refusal::Hidden);
    }
    if component.len() > COMPONENT_MAX_BYTES {
        return Err(Refusal::TooLong);
    }
    Ok(())
}

/// Whether a component is one of those that nearly all are: printable ASCII, not hidden, short
/// enough to be listed. Below a folder that is listed, a name of [`PATH_MAX_BYTES`] at most that
/// ends with it is a [listable](LootPath::listable) path; at the top it may still be a drive's or
/// reserved.
#[must_use]
pub fn is_plain_component(component: &[u8]) -> bool {
    let is_visible = component.first().is_some_and(|first| *first != b'.');
    is_visible && component.len() <= LISTED_COMPONENT_MAX_BYTES && are_plain(component) && !component.contains(&b'/')
}

/// Without a branch a byte, so that many are looked at at once.
fn are_plain(bytes: &[u8]) -> bool {
    bytes.iter().fold(true, |plain, byte| plain & is_plain(*byte))
}

/// Printable ASCII that is nothing special anywhere.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'\\'
}

/// Whether a name is in the tree that nodes keep for themselves.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    // Neither folding nor composing makes an `f` of another ASCII character.
    let may_be = name.bytes().next().is_some_and(|first| matches!(first, b'f' | b'F') || !first.is_ascii());
    may_be && collision_key(name.split('/').next().unwrap_or(name)) == RESERVED
}

fn check_whole(name: &str) -> Result<(), Refusal> {
    if name.len() > PATH_MAX_BYTES || name.split('/').count() > PATH_MAX_COMPONENTS {
        return Err(Refusal::TooLong);
    }
    // Most names are plain, and looked at once.
    if !are_plain(name.as_bytes()) {
        check_characters(name)?;
    }
    let mut chars = name.chars();
    let drive = chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    if drive || name.contains('\\') {
        return Err(Refusal::WindowsPath);
    }
    Ok(())
}

fn check_characters(name: &str) -> Result<(), Refusal> {
    if name.chars().any(|c| c.is_control() || is_line_break(c)) {
        return Err(Refusal::Control);
    }
    if name.chars().any(|c| is_direction_mark(c) || c == '\u{feff}') {
        return Err(Refusal::Deceptive);
    }
    Ok(())
}

pub(super) fn check_portable(component: &str) -> Result<(), Refusal> {
    if component.contains(['*', '?', '"', '<', '>', '|']) {
        return Err(Refusal::SpecialCharacter);
    }
    if component.starts_with(' ') || component.ends_with([' ', '.']) {
        return Err(Refusal::EdgeOfComponent);
    }
    let lower = component.to_lowercase();
    if matches!(lower.as_str(), "desktop.ini" | "autorun.inf" | "thumbs.db") {
        return Err(Refusal::ActsByItself);
    }
    let stem = lower.split(['.', ':']).next().unwrap_or(&lower).trim_end();
    if is_device_name(stem) {
        return Err(Refusal::DeviceName);
    }
    Ok(())
}

/// Device names of Windows, lower-cased, with any extension; the superscript digits count too
/// (CVE-2024-51756).
fn is_device_name(stem: &str) -> bool {
    if matches!(stem, "con" | "prn" | "aux" | "nul" | "conin$" | "conout$") {
        return true;
    }
    stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt")).is_some_and(|number| {
        let mut digits = number.chars();
        let digit = digits.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
        digit && digits.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(name: &str) -> Option<Refusal> {
        LootPath::parse(name.as_bytes()).err()
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["..", "../x", "a/../../x", "./x", "a//b", "a/./b", "", "/", "//etc/passwd", "a/", "a/.."] {
            assert_eq!(refusal(name), Some(Refusal::NotPlain), "{name}");
        }
        for name in ["..\\..\\x", "a\\b", "C:\\x", "C:x", "\\\\srv\\s", "c:/windows", "/C:/x"] {
            assert_eq!(refusal(name), Some(Refusal::WindowsPath), "{name}");
        }
    }

    #[test]
    fn names_that_hide_or_deceive_are_refused() {
        for name in [".x", "a/.b/c", ".boucan/spool/1", ".git/config"] {
            assert_eq!(refusal(name), Some(Refusal::Hidden), "{name}");
        }
        for name in ["a\0", "a\rb", "a\nb", "a\tb", "a\x1b[0m", "a\x7f", "a\u{85}b", "a\u{2028}b", "a\u{2029}b"] {
            assert_eq!(refusal(name), Some(Refusal::Control), "{name:?}");
        }
        for name in ["a\u{202e}b", "a\u{2066}b", "a\u{200e}b", "a\u{200f}b", "\u{feff}a"] {
            assert_eq!(refusal(name), Some(Refusal::Deceptive), "{name:?}");
        }
        for name in [b"\xc0\xaf".as_slice(), b"\xff", b"a\xed\xa0\x80"] {
            assert_eq!(LootPath::parse(name).err(), Some(Refusal::NotUtf8), "{name:?}");
        }
    }

    #[test]
    fn the_reserved_tree_is_refused_in_any_case() {
        for name in ["forban/index", "FORBAN/x", "Forban", "forban", "/forban/css/x.css"] {
            assert_eq!(refusal(name), Some(Refusal::Reserved), "{name}");
        }
        assert_eq!(refusal("my-forban-notes.txt"), None);
        assert_eq!(refusal("docs/forban/x"), None);
    }

    #[test]
    fn length_and_depth_are_bounded() {
        let component = "x".repeat(255);
        assert_eq!(refusal(&component), None);
        assert_eq!(refusal(&"x".repeat(256)), Some(Refusal::TooLong));
        assert_eq!(refusal(&["d"; 32].join("/")), None);
        assert_eq!(refusal(&["d"; 33].join("/")), Some(Refusal::TooLong));
        assert_eq!(refusal(&[component.as_str(); 5].join("/")), Some(Refusal::TooLong));
        assert_eq!(LootPath::parse("x".repeat(246).as_bytes()).unwrap().listable(), Err(Refusal::TooLongToList));
    }

    #[test]
    fn honest_names_pass_unchanged() {
        for name in [
            "a..b",
            "x,1,2",
            "%41",
            "+ &#?",
            "e\u{301}.txt",
            " leading",
            "trailing ",
            "Tom: a life.txt",
            "???>>>~~.bin",
        ] {
            assert_eq!(LootPath::parse(name.as_bytes()).unwrap().as_str(), name);
        }
        assert_eq!(LootPath::parse(b"/abs/x").unwrap().as_str(), "abs/x");
    }

    #[test]
    fn what_some_system_cannot_store_is_not_portable() {
        use Refusal::{ActsByItself, DeviceName, EdgeOfComponent, SpecialCharacter};
        for (name, why) in [
            ("a*b", SpecialCharacter),
            ("What?.mp3", SpecialCharacter),
            ("CON", DeviceName),
            ("d/nul.txt", DeviceName),
            ("aux.tar.gz", DeviceName),
            ("COM1", DeviceName),
            ("LPT0.x", DeviceName),
            ("COM¹", DeviceName),
            ("CONIN$", DeviceName),
            ("con :x", DeviceName),
            ("a.", EdgeOfComponent),
            ("a /b", EdgeOfComponent),
            (" a", EdgeOfComponent),
            ("Desktop.ini", ActsByItself),
            ("x/autorun.inf", ActsByItself),
        ] {
            assert_eq!(LootPath::parse(name.as_bytes()).unwrap().portable(), Err(why), "{name}");
        }
        for name in ["console.txt", "com10", "Tom: a life.txt", "nullable"] {
            assert_eq!(LootPath::parse(name.as_bytes()).unwrap().portable(), Ok(()), "{name}");
        }
    }

    #[test]
    fn twins_in_case_or_composition_collide() {
        for (one, other) in [("Foo", "foo"), ("\u{e9}", "e\u{301}"), ("Straße", "STRASSE")] {
            assert_eq!(collision_key(one), collision_key(other), "{one}");
        }
        assert_ne!(collision_key("a"), collision_key("b"));
    }

    #[test]
    fn a_version_kept_beside_names_its_original() {
        for (name, beside) in [
            ("report.odt", "report (other 20 bytes).odt"),
            ("d.x/README", "d.x/README (other 20 bytes)"),
            ("a (other 3 bytes).b", "a (other 3 bytes) (other 20 bytes).b"),
        ] {
            let path = LootPath::parse(name.as_bytes()).unwrap();
            assert_eq!(path.beside(20).unwrap().as_str(), beside);
            assert!(beside.strip_prefix(&path.beside_begins()).is_some_and(|rest| rest.starts_with("20 bytes)")));
            assert_eq!(path.beside(20).unwrap().kept_beside(), Some((path.clone(), ToldApart::BySize(20))));
            let by_content = path.beside_by_content(&Content::new([0x3f; 32])).unwrap();
            assert_eq!(by_content.as_str(), beside.replace("20 bytes", "3f3f3f3f"));
            assert_eq!(by_content.kept_beside(), Some((path, ToldApart::ByContent("3f3f3f3f"))));
        }
        for name in ["a (other one).b", "a (other 3F2A91C0).b", "a (other 123).b"] {
            assert_eq!(LootPath::parse(name.as_bytes()).unwrap().kept_beside(), None, "{name}");
        }
        assert_eq!(LootPath::parse(b"plain.txt").unwrap().kept_beside(), None);
    }

    #[test]
    fn a_plain_component_below_a_folder_is_a_listable_path() {
        for byte in 0..=u8::MAX {
            for component in [vec![byte], vec![b'a', byte], vec![byte, b':', b'x']] {
                let name = [b"d/", &*component].concat();
                let is_listable = LootPath::parse(&name).is_ok_and(|path| path.listable().is_ok());
                let is_one = component.is_ascii() && !component.contains(&b'/');
                assert_eq!(is_plain_component(&component), is_one && is_listable, "{component:?}");
            }
        }
        let plain = ["x".repeat(245), "x".repeat(246), String::new(), "C:x".into(), "forban".into()];
        assert_eq!(plain.map(|component| is_plain_component(component.as_bytes())), [true, false, false, true, true]);
    }

    proptest! {
        #[test]
        fn what_begins_otherwise_is_not_reserved(first in any::<char>(), rest in "[fF]?[oO]?[rR]?[bB]?[aA]?[nN]?") {
            let name = format!("{first}{rest}");
            prop_assert_eq!(is_reserved(&name), collision_key(&name) == RESERVED);
        }

        #[test]
        fn no_bytes_make_a_path_that_leaves(name in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(path) = LootPath::parse(&name) {
                prop_assert!(path.components().all(|c| !c.is_empty() && !c.starts_with('.')));
                prop_assert!(!path.as_str().contains(['\\', '\n', '\0']));
                prop_assert_eq!(LootPath::parse(path.as_str().as_bytes()), Ok(path));
            }
        }
    }
}
