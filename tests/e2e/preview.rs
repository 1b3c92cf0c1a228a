//! Looking at files in the page: pictures, sounds with seeking, texts; a neighbour's come through
//! this node. (No film: nothing in Debian makes a tiny one cheaply; sound and film go one way.)

use super::browser::Tab;
use super::room::Room;
use crate::support::wait_until;

fn file(uuid: &str, name: &str) -> String {
    let name: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/file/{uuid}?g={name}")
}

#[test]
fn a_picture_of_ours_and_one_of_a_neighbour_are_shown() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    for (uuid, name) in [(room.here.uuid(), "pictures/Quay.png"), (room.library.uuid(), "pictures/Harbour at dawn.png")]
    {
        tab.open(&file(&uuid, name));
        tab.wait("[...document.querySelectorAll('main img')].some(one => one.complete && one.naturalWidth === 240)");
    }
    tab.is_clean();
}

#[test]
fn a_sound_plays_from_the_middle_without_being_loaded_whole() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    tab.open(&file(&room.kitchen.uuid(), "music/Foghorn.wav"));
    tab.wait("document.querySelector('main audio')?.readyState >= 1 || document.querySelector('main audio')?.load()");
    assert_eq!(tab.ask("Math.round(document.querySelector('main audio').duration)"), 60);
    tab.ask(
        "(async () => { const sound = document.querySelector('main audio'); \
         await new Promise(done => { sound.onseeked = done; sound.currentTime = 42; }); await sound.play(); })()",
    );
    tab.wait("document.querySelector('main audio').currentTime > 42.1");
    tab.is_clean();
}

#[test]
fn a_text_is_shown_as_text() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    tab.open(&file(&room.library.uuid(), "readme/Étoile du nord — été 2026.txt"));
    tab.wait("document.body.innerText.includes('<b>not bold</b>')");
    tab.is_clean();
}

#[test]
fn a_folder_is_downloaded_as_one_zip() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    let folder = tempfile::tempdir().unwrap();
    tab.download_into(folder.path()).open("/l/?d=pictures").press("main a[href*='/archive/'][href*='.zip']");
    let zip = folder.path().join("pictures.zip");
    wait_until("the archive is saved", || zip.is_file());
    let listed = std::process::Command::new("python3").args(["-m", "zipfile", "-l"]).arg(&zip).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("pictures/Quay.png"), "{listed}");
    tab.is_clean();
}
