//! `/near`, `/join`, `/help` and `/directory`: who is here and why perhaps nobody is, how others
//! come, in the reader's language.

use crate::support::http::request;
use crate::support::lan::{Lan, Node};
use crate::support::netlab::NetLab;
use crate::support::netnode::HostNode;
use crate::support::page::elements;
use crate::support::scripted::{Kind, Scripted};
use crate::support::wait_until;

fn get_in(node: &Node, target: &str, language: &str) -> String {
    request(node.address(), "GET", target, &format!("Accept-Language: {language}\r\n")).text()
}

#[test]
fn who_is_here_is_shown_with_what_is_missing_and_ourselves_first() {
    let lan = Lan::new();
    let theirs = lan.node(2).file("a.txt", "a").file("b.txt", "bb").start();
    let ours = lan.node(3).file("a.txt", "a").start();
    let page = || ours.get("/near").text();
    wait_until("it is shown with its files", || page().contains("1 file not here"));
    let text = page();
    let uuid = std::fs::read_to_string(theirs.state("uuid")).unwrap();
    assert!(text.contains(&format!("/v/{}", uuid.trim())) && text.contains("2 files, 3"), "{text}");
    assert!(text.find("node-127.0.0.3").unwrap() < text.find("node-127.0.0.2").unwrap());
    assert!(text.contains(">boucan</span>") && text.contains("1 other node is here"), "{text}");
    assert!(!text.contains("Nobody else"), "{text}");
    let live: Vec<_> = elements(&text).into_iter().filter(|e| e.attribute("data-live").is_some()).collect();
    assert!(!live.is_empty() && live.iter().all(|e| e.attribute("id").is_some()), "{live:?}");
    ours.put("b.txt", "bb");
    wait_until("all of it is here", || page().contains("all of it is here"));
}

#[test]
fn the_name_of_a_stranger_is_only_text() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let stranger = Scripted::start(&lan, 3, Kind::Specified);
    wait_until("it is shown", || {
        let text = format!("forban;name;<img src=x onerror=1>;uuid;{};hmac;", stranger.uuid);
        stranger.announce_text(text + &"0".repeat(40));
        node.get("/near").text().contains("&#60;img src=x onerror=1&#62;")
    });
    let page = node.get("/near").text();
    assert!(!elements(&page).iter().any(|element| element.attribute("onerror").is_some()), "{page}");
}

#[test]
fn where_nobody_is_the_likely_causes_are_said_in_the_readers_language() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    for (language, said) in [
        ("en", "This node was told to stay on this machine."),
        ("fr", "Il a été demandé à ce nœud de rester sur cette machine."),
        ("it", "A questo nodo è stato detto di restare su questa macchina."),
    ] {
        let page = get_in(&node, "/near", language);
        assert!(page.contains(said) && page.contains(&format!("lang=\"{language}\"")), "{page}");
        for other in ["/new", "/join", "/help", "/directory"] {
            let page = get_in(&node, other, language);
            assert!(page.contains(&format!("lang=\"{language}\"")) && page.len() < 60_000, "{other} {page}");
        }
    }
    let noscript = node.get("/near").text();
    assert!(noscript.contains("<noscript><meta http-equiv=\"refresh\" content=\"30\"></noscript>"), "{noscript}");
}

#[test]
fn what_was_tried_is_told_by_interface() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let ann = lab.host("ann");
    let node = HostNode::start(&ann, &["--announce-interval", "1s"]);
    assert!(node.page("near").contains("This machine is in no network."));
    assert!(node.page("join").contains("Only this machine itself can open this node now"));
    lab.plug(&ann, "eth0", "lan", &["10.77.0.1/24", "fe80::1/64"]);
    let tells = |said: &str| wait_until(&format!("{said}: {}", node.page("near")), || node.page("near").contains(said));
    tells("Called out 3 times by IPv4");
    tells("by IPv6, last");
    tells("What was sent also arrived here");
    let page = node.page("near");
    assert!(page.contains("10.77.0.1/24") && page.contains("Nobody else runs a node yet."), "{page}");
    assert!(!page.contains("A firewall on this machine"), "{page}");
    // Somebody of another network on the same cable.
    let far = lab.host("far");
    lab.plug(&far, "eth0", "lan", &["203.0.113.9/24"]);
    far.ip("route add default dev eth0");
    ann.ip("route add 203.0.113.0/24 dev eth0");
    let _far = HostNode::start(&far, &["--announce-interval", "1s", "--announce-to", "255.255.255.255"]);
    tells("203.0.113.9 is heard, but it is in another network.");
    tells("boucan --neighbour 203.0.113.9");
}

#[test]
fn the_address_that_others_can_open_is_shown_as_text_and_as_a_code() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let ann = lab.plain_host("ann", "lan", 1);
    let node = HostNode::start(&ann, &["--qr"]);
    for target in ["http://127.0.0.1:12555/join", "http://10.77.0.1:12555/join"] {
        let page = ann.get(target);
        let code = elements(&page).into_iter().find(|element| element.attribute("class") == Some("qr "));
        let label = code.and_then(|code| code.attribute("aria-label").map(str::to_owned));
        assert_eq!(label.as_deref(), Some("QR code of http://10.77.0.1:12555/"), "{target}: {page}");
        assert!(page.contains("data-copy=\"http://10.77.0.1:12555/\""), "{page}");
    }
    let said = node.log();
    assert!(said.contains("http://10.77.0.1:12555/") && said.contains("http://127.0.0.1:12555/"), "{said}");
    assert!(said.lines().filter(|line| line.contains('▀') || line.contains('█')).count() > 10, "{said}");
    assert!(!said.contains('\u{1b}'), "no colours where no terminal is: {said}");
}

#[test]
fn without_a_terminal_no_code_is_printed_unasked() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    assert!(node.log().contains("Open in a browser") && !node.log().contains('█'), "{}", node.log());
}
