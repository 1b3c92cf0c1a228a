//! Strangers choose names: of files, of folders, of their node. Whatever they write is shown as
//! they wrote it, in every column of every page, and nothing of it runs.

use super::browser::Tab;
use crate::support::lan::{Lan, Node};
use crate::support::scripted::{Kind, Scripted};
use crate::support::wait_until;

/// What would run if a page pasted it: in text, in attributes, in addresses, in templates.
const NAMES: [&str; 9] = [
    "<img src=x onerror=alert(1)>.png",
    "\"><script>alert(2)</script>.txt",
    "' autofocus onfocus='alert(3)' x='.mp4",
    "javascript:alert(4).wav",
    "${alert(5)} {{ 7 * 7 }} {% raw %}.zip",
    "&lt;b&gt;not bold&amp;.pdf",
    "<iframe srcdoc='<script>parent.alert(6)</script>'>.svg",
    "--><style>body{display:none}</style>.epub",
    "<meta http-equiv=refresh content=0,url=http:evil.example>.html",
];
const NODE: &str = "<b onclick=alert(7)>N</b><script>alert(8)</script>";
/// What would run if it was opened as a page.
const PAGE: &str = "<!doctype html><script>alert(document.domain); fetch('http://evil.example/')</script>evil page";
const DRAWING: &str = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(9)</script><text y='20'>evil</text></svg>";

struct Strangers {
    here: Node,
    elf: Scripted,
    other: Node,
    /// Last: its folder goes when the nodes have ended.
    _lan: Lan,
}

/// Our own folder holds such names too: people unpack what they are sent.
fn strangers() -> Strangers {
    let lan = Lan::new();
    let elf = Scripted::start(&lan, 5, Kind::Py);
    NAMES.iter().for_each(|name| {
        elf.offers(name, "x");
        elf.offers(&format!("{name} folder/{name}"), "yy");
    });
    let hostile = |mut node: crate::support::lan::NodeBuilder| {
        for name in NAMES {
            node = node.file(name, "ours").file(&format!("folder {name}/x"), "ours too");
        }
        node.file("evil.html", PAGE).file("evil.svg", DRAWING).file("evil.xhtml", PAGE).file("evil.pdf", PAGE)
    };
    let other = hostile(lan.node(3)).file("conflict <i>x.txt", "theirs").named("&amp; \"'<u>").start();
    let here = hostile(lan.node(2)).file("conflict <i>x.txt", "ours").opportunistic().named("<h1>here").start();
    elf.announce_text(format!("forban;name;{NODE};uuid;{};hmac;{}", elf.uuid, hmac(&elf)));
    for uuid in [elf.uuid.to_string(), other.uuid()] {
        let page = format!("/l/{uuid}");
        wait_until(&format!("{page} is known"), || here.get(&page).text().contains("alert(5)"));
    }
    Strangers { here, elf, other, _lan: lan }
}

fn hmac(elf: &Scripted) -> String {
    let index = crate::support::http::request(elf.address, "GET", "/s/?g=forban/index", "").body;
    boucan::wire::IndexHmac::of(&index, &boucan::wire::IndexKey::Practised).to_string()
}

#[test]
fn names_of_strangers_are_shown_as_they_are_on_every_page_and_nothing_of_them_runs() {
    let strangers = strangers();
    let Some(tab) = Tab::on(strangers.here.address()) else { return };
    let (elf, other) = (strangers.elf.uuid.to_string(), strangers.other.uuid());
    for address in [
        "/",
        "/q/?v=",
        "/q/?v=alert",
        "/q/?v=%3Cscript%3E",
        "/q/?v=%22%3E%3Cimg+src%3Dx+onerror%3Dalert(0)%3E",
        "/l/",
        "/l/ELF",
        "/l/OTHER",
        "/l/OTHER?d=folder+%22%3E%3Cscript%3Ealert(2)%3C",
        "/v/ELF",
        "/v/OTHER",
        "/l/OTHER?view=grid",
        "/file/OTHER?g=%24%7Balert(5)%7D+%7B%7B+7+*+7+%7D%7D+%7B%25+raw+%25%7D.zip",
        "/file/OTHER?g=evil.html",
        "/file/OTHER?g=evil.svg",
        "/file/OTHER?g=evil.pdf",
        "/near",
        "/new",
        "/join",
        "/bring",
        "/mirror",
        "/held-back",
        "/directory",
        "/operator",
    ] {
        tab.open(&address.replace("ELF", &elf).replace("OTHER", &other));
        tab.is_clean();
    }
    tab.open("/").shows(NODE);
    tab.open(&format!("/l/{other}"));
    for name in NAMES.iter().filter(|name| !name.contains('/')) {
        tab.shows(name);
    }
    // Moving over everything and focusing everything triggers no handler, because there is none.
    let handlers = "[...document.querySelectorAll('*')].filter(one => [...one.attributes].some(it => /^on/i.test(it.name))).length";
    assert_eq!(tab.ask(handlers), 0);
}

#[test]
fn what_strangers_wrote_as_a_page_is_no_page_of_ours() {
    let strangers = strangers();
    let Some(tab) = Tab::on(strangers.here.address()) else { return };
    let folder = tempfile::tempdir().unwrap();
    tab.download_into(folder.path()).open("/l/");
    for name in ["evil.html", "evil.svg", "evil.xhtml", "evil.pdf"] {
        // As somebody would who types the address: it is saved, and not shown.
        let expression = format!("(() => {{ location.href = '/s/?g={name}'; }})()");
        tab.ask(&expression);
        wait_until(&format!("{name} is saved"), || folder.path().join(name).is_file());
        assert_eq!(tab.place(), "/l/");
    }
    tab.is_clean();
}
