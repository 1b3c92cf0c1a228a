//! What every page keeps: no violation of the rules of accessibility in light and dark, no
//! scrolling sideways on any device, nothing that the policy blocks, a weight that old phones
//! carry.

use super::axe;
use super::browser::Tab;
use super::room::Room;

/// Issue of weight: a page with all that it loads, on the wire.
const WEIGHT_MAX_BYTES: u64 = 60_000;

/// Where each page is, and what it shows when it works.
pub fn pages(room: &Room) -> Vec<(String, &'static str)> {
    let library = room.library.uuid();
    [
        ("/", "Library"),
        ("/q/?v=", "Atlas"),
        ("/q/?v=harbour", "Harbour"),
        ("/q/?v=nothingofthatname", "Nothing"),
        ("/l/", "notes"),
        ("/l/LIBRARY", "maps"),
        ("/l/LIBRARY?d=pictures", "Lighthouse"),
        ("/l/LIBRARY?d=pictures&view=grid", "Lighthouse"),
        ("/v/LIBRARY", "Atlas"),
        ("/file/LIBRARY?g=pictures%2FLighthouse.png", "Lighthouse"),
        ("/file/LIBRARY?g=readme%2F%C3%89toile+du+nord+%E2%80%94+%C3%A9t%C3%A9+2026.txt", "Bonjour"),
        ("/near", "Library"),
        ("/new", "Cucina"),
        ("/join", "http://"),
        ("/help", ""),
        ("/bring", ""),
        ("/mirror", ""),
        ("/held-back", "Held back"),
        ("/directory", "Napster"),
        ("/operator", "Look again"),
        ("/design", "Colour"),
        ("/nowhere", ""),
        ("/l/00000000-0000-4000-8000-000000000000", "did not work"),
    ]
    .map(|(address, words)| (address.replace("LIBRARY", &library), words))
    .into()
}

#[test]
fn no_page_breaks_a_rule_of_accessibility_in_light_or_dark() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    let mut found = Vec::new();
    for (address, words) in pages(&room) {
        for scheme in ["light", "dark"] {
            tab.prefer(&[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]);
            tab.open(&address).shows(words);
            found.extend(axe::violations(&tab).iter().map(|one| format!("{address} {scheme}: {one}")));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_page_scrolls_sideways_on_any_device_in_any_language_and_nothing_on_it_is_blocked() {
    let room = Room::new();
    let Some(_) = Tab::on(room.here.address()) else { return };
    let mut wide = Vec::new();
    for language in ["en", "fr", "it"] {
        let tab = Tab::on(room.here.address()).unwrap().speaks(language);
        for (address, _) in pages(&room) {
            tab.open(&address);
            for width in [320, 390, 768, 1440, 3840] {
                tab.resize(width, 900);
                let needed = tab.ask("document.documentElement.scrollWidth");
                if needed.as_f64().unwrap_or(f64::MAX) > f64::from(width) {
                    wide.push(format!("{address} ({language}) needs {needed} of {width}: {}", tab.ask(WIDEST)));
                }
            }
        }
        tab.is_clean_but(|trouble| trouble.contains("404 (Not Found)"));
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

/// Of what sticks out most, its opening tag.
const WIDEST: &str = "[...document.body.querySelectorAll('*')]
  .map(one => [one.getBoundingClientRect().right, one.outerHTML.slice(0, 120)])
  .sort((a, b) => b[0] - a[0])[0].join(' ')";

#[test]
fn every_page_is_light_enough_for_an_old_phone() {
    let room = Room::new();
    let Some(_) = Tab::on(room.here.address()) else { return };
    for (address, words) in pages(&room) {
        // A window of its own: nothing is cached yet.
        let tab = Tab::on(room.here.address()).unwrap();
        tab.open(&address).shows(words);
        let weights = tab.weights();
        let bytes: u64 = weights.iter().map(|(_, bytes)| bytes).sum();
        assert!(bytes > 500 && weights.len() > 1, "{address}: what was counted? {weights:?}");
        assert!(bytes < WEIGHT_MAX_BYTES, "{address} weighs {bytes}: {weights:#?}");
    }
}
