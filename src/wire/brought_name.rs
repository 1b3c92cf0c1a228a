//! Names of files that people bring in with a browser: made fit for every node where that can be
//! done without a riddle, refused with the reason where it cannot.
//!
//! A person cannot rename a file on a phone before sending it, so `What?: a diary.txt` comes as
//! `What__ a diary.txt`. Nothing here makes a name that hides or leaves its folder.

use super::LootPath;
use super::loot_path::{Refusal, check_portable};
use super::text::{is_direction_mark, is_line_break};

/// A component is cut to this, its extension kept: there is room for ` (999)` up to what is
/// [listed](super::loot_path::LISTED_COMPONENT_MAX_BYTES).
const COMPONENT_BYTES: usize = 238;
/// A longer extension is no extension.
const EXTENSION_MAX_BYTES: usize = 32;

/// The name, with the folders that were sent with it, below `folder` (empty: at the top), which is
/// taken as it is.
///
/// # Errors
/// The [`Refusal`] that applies first.
pub fn tidy(folder: &str, name: &[u8]) -> Result<LootPath, Refusal> {
    let name = std::str::from_utf8(name).map_err(|_| Refusal::NotUtf8)?;
    let parts = name.strip_prefix('/').unwrap_or(name).split('/').map(tidy_component);
    let tidied = parts.collect::<Result<Vec<String>, Refusal>>()?.join("/");
    let whole = if folder.is_empty() { tidied } else { format!("{folder}/{tidied}") };
    let path = LootPath::parse(whole.as_bytes())?;
    path.listable().map(|()| path)
}

fn tidy_component(component: &str) -> Result<String, Refusal> {
    if matches!(component, "" | "." | "..") {
        return Err(Refusal::NotPlain);
    }
    let kept = component.chars().filter(|c| !is_direction_mark(*c) && *c != '\u{feff}');
    let plain: String = kept.map(|c| if is_troublesome(c) { '_' } else { c }).collect();
    let trimmed = trim(&plain);
    if trimmed.is_empty() {
        return Err(Refusal::NotPlain);
    }
    if trimmed.starts_with('.') {
        return Err(Refusal::Hidden);
    }
    let short = shorten(trimmed);
    match check_portable(&short) {
        Ok(()) => Ok(short),
        Err(Refusal::DeviceName) => Ok(format!("_{short}")),
        Err(other) => Err(other),
    }
}

/// What some system cannot store, or takes for something else.
fn is_troublesome(c: char) -> bool {
    c.is_control() || is_line_break(c) || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
}

/// Windows drops blanks and dots at the end by itself.
fn trim(component: &str) -> &str {
    component.trim_start_matches(' ').trim_end_matches([' ', '.'])
}

fn shorten(component: &str) -> String {
    if component.len() <= COMPONENT_BYTES {
        return component.into();
    }
    let extension = component.rfind('.').and_then(|dot| component.get(dot..)).unwrap_or_default();
    let extension = if extension.len() > EXTENSION_MAX_BYTES { "" } else { extension };
    let mut end = COMPONENT_BYTES.saturating_sub(extension.len());
    while !component.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    format!("{}{extension}", trim(component.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_that_can_be_made_fit_is() {
        for (name, expected, why) in [
            ("essay.odt", "essay.odt", "nothing to do"),
            ("2024/Été/plage.jpg", "2024/Été/plage.jpg", "folders are kept"),
            ("/2024/a", "2024/a", "as the browser tells a dropped folder"),
            ("What?: a diary.txt", "What__ a diary.txt", "Windows could not store it"),
            ("a\\b", "a_b", "no folder, and none on Windows either"),
            ("C:\\Users\\me\\x.txt", "C__Users_me_x.txt", "no drive"),
            ("done. . ", "done", "Windows would drop the end"),
            (" a / b ", "a/b", "blanks at the ends"),
            ("a\nb\u{2028}c\0d", "a_b_c_d", "it would break the index"),
            ("photo\u{202e}gpj.exe", "photogpj.exe", "it reads as what it is"),
            ("\u{feff}a\u{200e}", "a", "invisible"),
            ("con.txt", "_con.txt", "a device on Windows"),
            ("d/LPT1", "d/_LPT1", "a device, deeper"),
        ] {
            assert_eq!(tidy("", name.as_bytes()).map(|path| path.to_string()), Ok(expected.to_owned()), "{why}");
        }
        assert_eq!(tidy("Week: 1", b"a").unwrap().as_str(), "Week: 1/a", "a folder that is there is not renamed");
    }

    #[test]
    fn a_name_that_hides_or_leaves_is_refused() {
        for (name, expected) in [
            (b"".as_slice(), Refusal::NotPlain),
            (b"..", Refusal::NotPlain),
            (b"a/../../b", Refusal::NotPlain),
            (b"a//b", Refusal::NotPlain),
            (b"a/", Refusal::NotPlain),
            (b"...", Refusal::NotPlain),
            (b" ", Refusal::NotPlain),
            (b".bashrc", Refusal::Hidden),
            (b" .bashrc", Refusal::Hidden),
            (b".boucan/inbox/x", Refusal::Hidden),
            (b"a/.git/config", Refusal::Hidden),
            ("\u{200e}.x".as_bytes(), Refusal::Hidden),
            (b"desktop.ini", Refusal::ActsByItself),
            (b"Forban/index", Refusal::Reserved),
            (b"\xff.txt", Refusal::NotUtf8),
        ] {
            assert_eq!(tidy("", name), Err(expected), "{:?}", String::from_utf8_lossy(name));
        }
        assert_eq!(tidy("", ["d"; 33].join("/").as_bytes()), Err(Refusal::TooLong), "too deep");
        assert_eq!(tidy("x/y", ["d"; 31].join("/").as_bytes()), Err(Refusal::TooLong), "too deep below its folder");
    }

    #[test]
    fn a_long_name_is_cut_before_its_extension() {
        let path = tidy("", format!("{}.tar", "é".repeat(200)).as_bytes()).unwrap();
        assert!(path.as_str().len() <= COMPONENT_BYTES && path.as_str().ends_with("é.tar"));
        assert!(path.numbered(999).is_ok());
        let odd = tidy("", format!("a.{}", "x".repeat(300)).as_bytes()).unwrap();
        assert_eq!(odd.as_str().len(), COMPONENT_BYTES);
    }

    proptest! {
        #[test]
        fn what_comes_out_is_fit_for_everybody_and_stays_as_it_is(name in any::<String>()) {
            if let Ok(path) = tidy("", name.as_bytes()) {
                prop_assert!(path.portable().is_ok() && path.listable().is_ok());
                prop_assert_eq!(tidy("", path.as_str().as_bytes()), Ok(path));
            }
        }
    }
}
