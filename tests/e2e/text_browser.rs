//! In a text browser, as old machines and some blind people have it: w3m shows what a page is
//! about, in the order in which one would say it.

use std::process::{Command, Stdio};

use super::room::Room;
use crate::support::lan::Node;

/// What w3m prints of a page; `None`, and a line that says why, where there is no w3m. In CI that is a
/// failure.
fn dump(node: &Node, target: &str) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let printed = Command::new("w3m")
        .args(["-dump", "-cols", "80", "-O", "UTF-8", "-o", "accept_language=en"])
        .arg(format!("http://{}{target}", node.address()))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output();
    match printed {
        Ok(printed) => {
            assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
            Some(String::from_utf8_lossy(&printed.stdout).into_owned())
        }
        Err(why) if std::env::var_os("CI").is_some() => panic!("no w3m: {why}"),
        Err(why) => {
            println!("skipped: no w3m: {why}");
            None
        }
    }
}

#[test]
fn a_text_browser_shows_what_each_page_is_about_in_its_order() {
    let room = Room::new();
    let (library, kitchen) = (room.library.uuid(), room.kitchen.uuid());
    for (target, expected) in [
        ("/", vec!["Salon", "Library"]),
        ("/q/?v=foghorn", vec!["Salon", "Foghorn.wav", "480", "Cucina"]),
        ("/l/", vec!["Salon", "notes", "pictures"]),
        (&format!("/l/{library}"), vec!["Library", "books", "maps", "pictures", "same name.txt"]),
        (&format!("/l/{library}?d=pictures"), vec!["Library", "pictures", "Harbour at dawn.png", "Lighthouse.png"]),
        (&format!("/v/{kitchen}"), vec!["Cucina", "Foghorn.wav"]),
        ("/held-back", vec!["Held back"]),
        ("/directory", vec!["Napster"]),
        ("/operator", vec!["This node", "Salon", "Look again"]),
    ] {
        let Some(text) = dump(&room.here, target) else { return };
        let mut rest = text.as_str();
        for word in &expected {
            let at = rest
                .find(word)
                .unwrap_or_else(|| panic!("{target}: no {word} there, in this order: {expected:?}\n{text}"));
            rest = &rest[at + word.len()..];
        }
    }
}
