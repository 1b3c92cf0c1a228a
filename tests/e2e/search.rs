//! Somebody looks for something: types, sees, narrows, downloads.

use super::browser::Tab;
use super::room::Room;
use crate::support::wait_until;

const FIRST_HIT: &str = "main a[href*='Harbour'], main a[href*='SGFyYm91']";

#[test]
fn results_come_while_somebody_types_and_the_address_stays_one_to_share() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    tab.open("/");
    assert!(tab.focus().starts_with("input"), "one can type at once: {}", tab.focus());
    tab.types("harb").wait("document.querySelector('main').innerText.includes('Harbour at dawn.png')");
    tab.wait("location.search.includes('v=harb')");
    tab.types("our at dusk").wait("!document.querySelector('main').innerText.includes('Harbour at dawn.png')");
    // How many there are is told to whoever does not see them.
    assert!(tab.has("[aria-live=polite], [role=status], output"), "nobody is told");
    for _ in 0.." at dusk".len() {
        tab.key("Backspace");
    }
    tab.wait("document.querySelector('main').innerText.includes('Harbour at dawn.png')");
    let place = tab.place();
    assert!(place.contains("v=harbour"), "{place}");
    let other = Tab::on(room.here.address()).unwrap();
    other.open(&place).shows("Harbour at dawn.png").is_clean();
    tab.is_clean();
}

#[test]
fn a_hit_is_found_and_downloaded_with_the_keyboard_alone() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    let folder = tempfile::tempdir().unwrap();
    tab.download_into(folder.path()).open("/l/").key("/");
    tab.types("recipes").follow("the search begins", || {
        tab.key("Enter");
    });
    // The field has lost the focus with the page that it was on.
    tab.shows("Recipes of the coast.txt").key("/").key("ArrowDown");
    tab.wait("document.activeElement.closest('main') && document.activeElement.localName === 'a'");
    // From the hit on, the download is a few steps away.
    for _ in 0..12 {
        let is_download = tab.ask(
            "document.activeElement.hasAttribute('download') || /[/]s[/]/.test(document.activeElement.href ?? '')",
        );
        if is_download == true {
            break;
        }
        tab.key("Tab");
    }
    tab.key("Enter");
    let saved = folder.path().join("Recipes of the coast.txt");
    wait_until("it is saved", || std::fs::read_to_string(&saved).is_ok_and(|text| text == "Take a fish.\n"));
    // It comes from the node that has it.
    let direct = format!("foreign request: http://{}/s/", room.kitchen.address());
    tab.is_clean_but(|trouble| trouble.starts_with(&direct));
}

#[test]
fn what_nobody_has_is_said_with_a_way_on() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    tab.open("/q/?v=zanzibar+express");
    assert!(!tab.has(FIRST_HIT));
    assert!(tab.has("main a[href]"), "there is a way on");
    tab.is_clean();
}
