//! Everybody reads: in three languages, from right to left, without things that move.

use super::browser::Tab;
use super::pages;
use super::room::{ARABIC, HEBREW, Room};

/// What names of catalogue texts look like when a page shows one instead of the text.
const BARE_KEYS: &str = "(document.querySelector('main').innerText.match(/\\b(common|error|home|search|browse|file|near|new|transfers|held|bring|join|help|directory|operator|this-node)-[a-z][a-z-]+\\b/g) ?? []).join()";

#[test]
fn pages_speak_the_language_that_the_browser_asks_for() {
    let room = Room::new();
    let Some(_) = Tab::on(room.here.address()) else { return };
    let [english, french, italian] = ["en", "fr", "it"].map(|tag| {
        let tab = Tab::on(room.here.address()).unwrap().speaks(&format!("{tag}-CH,{tag};q=0.9,en;q=0.1"));
        let texts = pages::pages(&room).into_iter().map(|(address, _)| {
            tab.open(&address);
            assert_eq!(tab.ask("document.documentElement.lang"), tag, "{address}");
            assert_eq!(tab.ask(BARE_KEYS), "", "{address} in {tag}");
            // `FSI` and `PDI` set names off and are not seen.
            (address, tab.text("main"), tab.ask("document.title").as_str().unwrap().to_owned())
        });
        texts.collect::<Vec<_>>()
    });
    for ((own, french), italian) in english.iter().zip(&french).zip(&italian) {
        let address = &own.0;
        assert!(
            own.1 != french.1 && own.1 != italian.1 && french.1 != italian.1,
            "{address} says the same in two languages"
        );
    }
}

#[test]
fn names_written_from_right_to_left_stand_so_and_turn_nothing_else_around() {
    let room = Room::new();
    let Some(tab) = Tab::on(room.here.address()) else { return };
    let (hebrew_file, arabic_file) = (HEBREW.rsplit_once('/').unwrap().1, ARABIC.rsplit_once('/').unwrap().1);
    for (address, name) in [
        ("/q/?v=".to_owned(), hebrew_file),
        ("/q/?v=".to_owned(), arabic_file),
        (format!("/l/{}", room.library.uuid()), "ספרים"),
        (format!("/l/{}?d=music", room.kitchen.uuid()), arabic_file),
    ] {
        tab.open(&address);
        let stem = name.split(['.', ' ']).next().unwrap();
        let ask = |what: &str| {
            tab.ask(&format!(
                "(() => {{ const one = [...document.querySelectorAll('main a, main bdi, main [dir=auto]')]\
                 .filter(one => one.textContent.includes({})).at(-1); return {what}; }})()",
                serde_json::Value::from(stem)
            ))
        };
        assert_eq!(ask("one && getComputedStyle(one).direction"), "rtl", "{name} at {address}");
        assert_eq!(ask("getComputedStyle(document.querySelector('main')).direction"), "ltr", "{address}");
    }
}

#[test]
fn nothing_moves_for_who_asked_for_less_motion() {
    let room = Room::with(|builder| builder.opportunistic());
    let Some(tab) = Tab::on(room.here.address()) else { return };
    tab.prefer(&[("prefers-reduced-motion", "reduce")]);
    for (address, _) in pages::pages(&room) {
        let moving = tab.open(&address).ask(
            "[...document.querySelectorAll('*')].map(one => [one, getComputedStyle(one)])\
             .filter(([, style]) => (style.animationName !== 'none' && parseFloat(style.animationDuration) > 0.01) \
             || style.transitionDuration.split(',').some(time => parseFloat(time) > 0.01))\
             .map(([one]) => one.outerHTML.slice(0, 100)).slice(0, 3).join(' ')",
        );
        assert_eq!(moving, "", "{address}");
    }
}
