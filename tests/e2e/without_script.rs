//! Every task without script: old browsers, careful people, broken networks.

use super::browser::Tab;
use super::room::Room;
use crate::support::wait_until;

fn tab(room: &Room) -> Option<Tab> {
    Tab::on(room.here.address()).map(Tab::without_script)
}

#[test]
fn without_script_one_searches_and_downloads() {
    let room = Room::new();
    let Some(tab) = tab(&room) else { return };
    let folder = tempfile::tempdir().unwrap();
    tab.download_into(folder.path()).open("/").types("recipes").follow("the search", || {
        tab.key("Enter");
    });
    tab.shows("Recipes of the coast.txt").press("main a[href*='/s/']");
    let saved = folder.path().join("Recipes of the coast.txt");
    wait_until("it is saved", || saved.is_file());
}

#[test]
fn without_script_one_browses_folder_by_folder_and_takes_some_files_as_a_zip() {
    let room = Room::new();
    let Some(tab) = tab(&room) else { return };
    let folder = tempfile::tempdir().unwrap();
    tab.download_into(folder.path()).open("/l/").press_to("main a[href*='d=pictures']").shows("Quay.png");
    tab.press("main input[type=checkbox][name=g]")
        .press("main button[formaction*='/archive/'], main form[action*='/archive/'] button");
    wait_until("an archive is saved", || {
        std::fs::read_dir(folder.path()).unwrap().flatten().any(|one| one.path().extension() == Some("zip".as_ref()))
    });
}

#[test]
fn without_script_a_picture_is_shown_and_a_text_too() {
    let room = Room::new();
    let Some(tab) = tab(&room) else { return };
    tab.open(&format!("/file/{}?g=pictures%2FQuay.png", room.here.uuid()));
    tab.wait("[...document.querySelectorAll('main img')].some(one => one.complete && one.naturalWidth === 240)");
    tab.open(&format!("/file/{}?g=notes%2FRead+me+first.txt", room.here.uuid()))
        .wait("document.querySelector('main pre, main iframe') !== null");
}

#[test]
fn without_script_the_operator_brings_a_file_and_fetches_another() {
    let room = Room::new();
    let Some(tab) = tab(&room) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("brought.txt");
    std::fs::write(&path, "brought").unwrap();
    tab.open("/bring").choose("main form[enctype] input[type=file]", &[&path]);
    tab.press_to("main form[enctype] button");
    room.here.has("brought.txt", "brought");
    tab.open("/q/?v=recipes").press_to("main form[action='/operator/fetch'] button");
    room.here.has("Recipes of the coast.txt", "Take a fish.\n");
}

#[test]
fn without_script_pages_that_change_are_renewed_by_the_browser() {
    let room = Room::with(|builder| builder.opportunistic());
    let Some(tab) = tab(&room) else { return };
    tab.open("/mirror");
    assert!(tab.ask("document.documentElement.outerHTML").as_str().unwrap().contains("http-equiv=\"refresh\""));
    tab.open("/near").shows("Library");
}
