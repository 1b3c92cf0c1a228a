//! The operator steers: fetches a hit here, pauses what comes and lets it go on, and sees it as it
//! happens; visitors see and cannot.

use std::time::Duration;

use super::browser::Tab;
use super::room::Room;
use crate::support::lan::Lan;
use crate::support::scripted::answers::{After, MONDAY, script};
use crate::support::scripted::{Kind, Scripted};
use crate::support::wait_until;

#[test]
fn the_operator_fetches_a_hit_to_this_node_with_one_press() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    tab.open("/q/?v=recipes").press_to("main form[action='/operator/fetch'] button");
    room.here.has("Recipes of the coast.txt", "Take a fish.\n");
    tab.is_clean();
}

#[test]
fn a_visitor_is_shown_nothing_to_steer_with() {
    let room = Room::with(|builder| builder.opportunistic());
    let Some(tab) = Tab::from_elsewhere(room.here.address()) else { return };
    for address in [
        "/",
        "/q/?v=recipes",
        "/l/",
        &format!("/l/{}", room.library.uuid()),
        "/near",
        "/mirror",
        "/held-back",
        "/operator",
        "/bring",
    ] {
        tab.open(address);
        assert!(!tab.has("form[action^='/operator'], input[name=token]"), "{address}");
    }
    tab.is_clean();
}

#[test]
fn what_comes_is_shown_as_it_happens_and_pauses_when_the_operator_says_so() {
    let lan = Lan::new();
    let here = lan.node(2).opportunistic().start();
    let Some(tab) = Tab::on(here.address()) else { return };
    tab.open("/mirror");
    let slow = Scripted::start(&lan, 5, Kind::Py);
    slow.answers("slow film.mp4", drops()).lists(format!("slow film.mp4,{FILM_BYTES}")).announce();
    // Nobody loads the page again.
    tab.shows("slow film.mp4");
    let progress =
        "[...document.querySelectorAll('progress')].map(one => one.value).reduce((a, b) => Math.max(a, b), 0)";
    let first = tab.ask(progress).as_f64().unwrap();
    tab.wait(&format!("{progress} > {first}"));
    tab.press_to("form[action='/operator/mirror'] button[value=pause]");
    wait_until("it pauses", || here.get("/mirror.json").text().contains("\"paused\""));
    tab.press_to("form[action='/operator/mirror'] button[value=resume]");
    wait_until("it goes on", || !here.get("/mirror.json").text().contains("\"paused\""));
    tab.is_clean();
}

const FILM_BYTES: usize = 30_000_000;

/// A film by drops: long enough to be watched.
fn drops() -> crate::support::scripted::Script {
    script(|request, stream| {
        let from = request.range_start().unwrap_or(0);
        let line = if from > 0 {
            format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{FILM_BYTES}", FILM_BYTES - 1)
        } else {
            "200 OK".into()
        };
        let head = format!(
            "HTTP/1.1 {line}\r\nContent-Length: {}\r\nLast-Modified: {MONDAY}\r\nContent-Disposition: attachment\r\n\r\n",
            FILM_BYTES - from
        );
        std::io::Write::write_all(stream, head.as_bytes())?;
        for _ in (from..FILM_BYTES).step_by(100_000) {
            std::io::Write::write_all(stream, &[7; 100_000])?;
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(After::Close)
    })
}
