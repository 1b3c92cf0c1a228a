//! Bringing files in: the operator into the folder, also over a connection that breaks; others
//! into the inbox, when it is open.

use super::browser::Tab;
use crate::support::lan::Lan;
use crate::support::wait_until;

/// Sent at the speed below it takes some seconds: long enough to be interrupted.
const BYTES: usize = 3_000_000;
const BYTES_PER_SECOND: u32 = 500_000;

fn to_send(folder: &std::path::Path) -> (std::path::PathBuf, Vec<u8>) {
    let content: Vec<u8> = (0..BYTES).map(|n| (n * 7 / 3 % 251) as u8).collect();
    let path = folder.join("Regatta – août.bin");
    std::fs::write(&path, &content).unwrap();
    (path, content)
}

#[test]
fn what_the_operator_chooses_arrives_whole_although_the_connection_breaks() {
    let lan = Lan::new();
    let here = lan.node(2).start();
    let Some(tab) = Tab::on(here.address()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (path, content) = to_send(folder.path());
    tab.open("/bring").network(false, Some(BYTES_PER_SECOND));
    tab.choose_by("button[data-choose=files]", &[&path]);
    tab.wait("[...document.querySelectorAll('progress')].some(one => one.position > 0.1 && one.position < 0.9)");
    tab.network(true, None);
    tab.wait("[...document.querySelectorAll('progress')].every(one => one.position < 1)");
    tab.network(false, None);
    here.has("Regatta – août.bin", &content);
    // The console tells of the broken connection: that is what the test is about.
    tab.is_clean_but(|trouble| trouble.contains("ERR_INTERNET_DISCONNECTED"));
}

#[test]
fn a_visitor_brings_files_only_while_the_inbox_is_open_and_sees_none() {
    let lan = Lan::new();
    let here = lan.node(2).args(Tab::ELSEWHERE).file("ours.txt", "ours").start();
    let Some(visitor) = Tab::from_elsewhere(here.address()) else { return };
    visitor.open("/bring");
    assert!(!visitor.has("main input[type=file]"), "it is closed");
    let operator = Tab::on(here.address()).unwrap();
    operator.open("/bring").press_to("main form[action*='inbox'] button");
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = to_send(folder.path());
    visitor.open("/bring").choose_by("button[data-choose=files]", &[&path]);
    // A receipt: the name, and a code to show.
    visitor.wait("document.querySelector('#receipt-rows')?.innerText.includes('Regatta – août.bin')");
    assert!(visitor.text("#receipt-rows code.keep").len() >= 6);
    wait_until("it lies in the inbox", || !crate::support::lan::tree(&here.loot(".boucan/inbox")).is_empty());
    assert!(!here.index().iter().any(|line| line.contains("Regatta")), "what lies there is not offered");
    visitor.open("/bring");
    assert!(!visitor.text("main").contains("Regatta"), "others do not see what lies there");
    operator.open("/bring").shows("Regatta – août.bin");
    operator.is_clean();
    visitor.is_clean();
}
