//! Pages tell what happens while they are looked at; nobody loads them again.

use super::browser::Tab;
use crate::support::lan::Lan;

#[test]
fn a_neighbour_that_comes_appears_on_the_page_that_is_open() {
    let lan = Lan::new();
    let here = lan.node(2).start();
    let Some(tab) = Tab::on(here.address()) else { return };
    tab.open("/near");
    tab.ask("window.isTheSamePage = true");
    let _late = lan.node(3).file("a.txt", "a").named("Latecomer").start();
    tab.shows("Latecomer");
    assert_eq!(tab.ask("window.isTheSamePage"), true, "the page was loaded again");
    tab.is_clean();
}

#[test]
fn a_page_whose_node_went_away_says_so_and_goes_on_when_it_is_back() {
    let lan = Lan::new();
    let here = lan.node(2).start();
    let Some(tab) = Tab::on(here.address()) else { return };
    tab.open("/near");
    let words = tab.text("body");
    let builder = here.kill();
    tab.wait(&format!("document.body.innerText !== {}", serde_json::Value::from(words)));
    let _here = builder.start();
    let _late = lan.node(3).file("a.txt", "a").named("Latecomer").start();
    tab.shows("Latecomer");
    // The console tells that the node was away: that is what the test is about.
    let away = ["CONNECTION_REFUSED", "CONNECTION_RESET", "INCOMPLETE_CHUNKED"];
    tab.is_clean_but(|trouble| away.iter().any(|what| trouble.contains(&format!("net::ERR_{what}"))));
}
