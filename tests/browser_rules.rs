//! What browsers are told and what they cannot be made to do: markup stays text, content of
//! strangers stays inert, and no foreign name, page or visitor changes the node.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::support::http::{Answer, exchange, request, status};
use super::support::lan::{Lan, Node};
use super::support::page::elements;
use super::support::wait_until;

/// Markup that would show up as an element or an attribute of its own.
const MARKUP: &str = "\"><canary-x onclick='canary()'>' canary-attr=\"1";
const MARKUP_IN_QUERY: &str = "%22%3E%3Ccanary-x%20onclick='canary()'%3E'%20canary-attr=%221";
/// The same for names of files: no `/`.
const FILE_MARKUP: &str = "\"><canary-x onclick='canary()'>' canary-attr=\"1&lt;canary-x>.html";

const STRANGER: &str = "11111111-1111-4111-8111-111111111111";
const ABSENT: &str = "22222222-2222-4222-8222-222222222222";

/// Every answer: a policy, no sniffing, no reading from other origins, and nothing injected.
#[track_caller]
fn is_inert(answer: &Answer, what: &str) {
    let header = |name: &str| answer.header(name).unwrap_or_else(|| panic!("{what}: no {name} in\n{}", answer.head));
    let policy = header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{what}: {policy}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(header("cross-origin-resource-policy"), "same-origin", "{what}");
    assert!(!answer.head.to_lowercase().contains("access-control-"), "{what}: {}", answer.head);
    assert!(!answer.head.contains("<canary"), "{what}: {}", answer.head);
    if answer.body.is_empty() || !header("content-type").starts_with("text/html") {
        return;
    }
    assert!(policy.contains("frame-ancestors 'none'"), "{what}: {policy}");
    for element in elements(&answer.text()) {
        // A page runs scripts of ours, by their addresses, and shows icons of ours.
        let is_own = |address: Option<&str>| address.is_some_and(|address| address.starts_with("/static/"));
        let known = match element.name.as_str() {
            "script" => is_own(element.attribute("src")),
            "use" => is_own(element.attribute("href")),
            "iframe" | "object" | "embed" | "base" | "style" => false,
            _ => true,
        };
        assert!(known && !element.name.contains("canary"), "{what}: {element:?}\n{}", answer.text());
        for (name, value) in &element.attributes {
            assert!(!name.starts_with("on") && !name.contains("canary") && name != "style", "{what}: {element:?}");
            let is_link = matches!(name.as_str(), "href" | "src" | "action");
            assert!(
                !is_link || value.starts_with(['/', '#']) || value.starts_with("http://127."),
                "{what}: {element:?}"
            );
        }
    }
}

fn pages(own: &str) -> Vec<String> {
    let mut pages: Vec<String> = [
        "/",
        "/q/",
        "/q",
        "/l/",
        "/l",
        "/held-back",
        "/operator",
        "/healthz",
        "/mirror",
        "/mirror.json",
        "/static/boucan.css",
        "/static/live.js",
        "/static/boucan.svg",
        "/static/nothing",
        "/favicon.ico",
        "/s/",
        "/s",
        "/nothing",
        "/operator/mirror",
    ]
    .map(str::to_owned)
    .into();
    for uuid in [own, STRANGER, ABSENT] {
        pages.extend(["l", "v", "file", "media"].map(|page| format!("/{page}/{uuid}")));
        pages.extend([format!("/archive/{uuid}.zip"), format!("/playlist/{uuid}.m3u8")]);
    }
    pages
}

fn own_uuid(node: &Node) -> String {
    let health: serde_json::Value = serde_json::from_str(&node.get("/healthz").text()).unwrap();
    health["uuid"].as_str().unwrap().to_owned()
}

#[test]
fn markup_in_any_part_of_a_request_stays_text_on_every_page() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    for page in pages(&own_uuid(&node)) {
        let mut targets = vec![page.clone(), format!("{page}{MARKUP_IN_QUERY}"), format!("{page}/{MARKUP_IN_QUERY}")];
        for key in ["v", "r", "p", "d", "g", "f", "token", "unknown", MARKUP_IN_QUERY] {
            targets.push(format!("{page}?{key}={MARKUP_IN_QUERY}"));
        }
        targets.push(format!("{page}?v=a&r={MARKUP_IN_QUERY}&p={MARKUP_IN_QUERY}&d={MARKUP_IN_QUERY}"));
        for target in targets {
            let more =
                format!("Referer: http://{MARKUP}/\r\nUser-Agent: {MARKUP}\r\nCookie: boucan-operator={MARKUP}\r\n");
            let answer = request(node.address(), "GET", &target, &more);
            assert!(answer.status < 500, "{target}: {}", answer.head);
            is_inert(&answer, &target);
        }
    }
    let searched = node.get(&format!("/q/?v={MARKUP_IN_QUERY}"));
    assert!(searched.text().contains("&#60;canary-x"), "the search is shown as it was typed");
}

#[test]
fn a_search_page_renews_itself_only_within_sensible_times() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    let refresh = |r: &str| {
        let page = node.get(&format!("/q/?v=a&r={r}")).text();
        let found = elements(&page).into_iter().find(|element| element.attribute("http-equiv") == Some("refresh"));
        found.and_then(|element| element.attribute("content").map(str::to_owned))
    };
    for (r, expected) in [
        ("5", Some("5")),
        ("3600", Some("3600")),
        ("4", None),
        ("0", None),
        ("-5", None),
        ("3601", None),
        ("5.5", None),
        ("5%3Burl=http://evil/", None),
        ("99999999999999999999", None),
        ("", None),
        ("abc", None),
        ("%00", None),
    ] {
        assert_eq!(refresh(r).as_deref(), expected, "{r}");
    }
}

/// A neighbour at 127.0.0.`last` that answers every request alike, announced under a hostile name.
fn stranger(lan: &Lan, last: u8, uuid: &str, answer: String) {
    let listener = TcpListener::bind(lan.address(last)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let datagram = format!("forban;name;{};uuid;{uuid};hmac;{MARKUP}", MARKUP.replace(';', ""));
    lan.announcing_socket(last).send(datagram.as_bytes()).unwrap();
}

#[test]
fn names_of_neighbours_and_of_their_files_are_shown_as_text_on_every_page() {
    let lan = Lan::new();
    let conflict = "conflict <canary-x>";
    let node = lan.node(2).opportunistic().file(conflict, "mine").file("bad\u{1}<canary-x>", "").start();
    let listing: String = [FILE_MARKUP, "<canary-x>/<canary-x>", "javascript:canary()", conflict, "../<canary-x>"]
        .map(|name| format!("{name},123\n"))
        .concat();
    let head = "Content-Disposition: attachment; filename=\"index\"\r\nConnection: close\r\n";
    stranger(&lan, 9, STRANGER, format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n{listing}", listing.len()));
    stranger(&lan, 10, ABSENT, format!("HTTP/1.1 500 {MARKUP}\r\n{head}Content-Length: 3\r\n\r\n<b>"));
    wait_until("the index of the stranger is shown", || {
        node.get(&format!("/v/{STRANGER}")).text().contains("javascript")
    });
    wait_until("the trouble of the other is shown", || node.get("/near").text().contains("notice warn small"));
    wait_until("the conflict is shown", || node.get("/held-back").text().contains("conflict &#60;canary-x"));
    let mut targets = pages(&own_uuid(&node));
    targets.extend([
        "/q/?v=canary".into(),
        "/q/?v=javascript".into(),
        "/q/?v=.*".into(),
        format!("/l/{STRANGER}?d=%3Ccanary-x%3E"),
        format!("/l/{STRANGER}?p=2"),
    ]);
    for target in &targets {
        is_inert(&node.get(target), target);
    }
    for target in
        ["/".into(), "/q/?v=canary".into(), "/held-back".into(), format!("/l/{STRANGER}"), format!("/v/{STRANGER}")]
    {
        assert!(node.get(&target).text().contains("&#60;canary-x"), "{target} shows the name");
    }
}

#[test]
fn active_content_is_an_attachment_without_a_type_and_in_a_sandbox() {
    let lan = Lan::new();
    let names = [
        "a.html", "a.htm", "a.xhtml", "a.svg", "a.xml", "a.xsl", "a.pdf", "a.js", "a.mjs", "a.wasm", "a.swf", "a",
        "a.css", "a.json", "a.mhtml", "a.HTML", "a.html.", "gif.gif",
    ];
    let content = "GIF89a=1;<script>canary()</script>";
    let node = names.into_iter().fold(lan.node(2), |node, name| node.file(name, content)).start();
    for name in names {
        for more in ["", "Range: bytes=0-5\r\n", "If-None-Match: *\r\n", "Range: bytes=99-\r\n"] {
            let answer = request(node.address(), "GET", &format!("/s/?g={name}"), more);
            is_inert(&answer, name);
            assert_eq!(answer.header("content-security-policy"), Some("sandbox; default-src 'none'"), "{name}");
            assert!(answer.header("content-disposition").is_some_and(|d| d.starts_with("attachment; ")), "{name}");
            let kind = if name == "gif.gif" { "image/gif" } else { "application/octet-stream" };
            assert_eq!(answer.header("content-type"), Some(kind), "{name}");
        }
    }
    is_inert(&node.get("/s/?g=forban/index"), "the index");
}

#[test]
fn only_our_own_address_and_names_are_answered() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").arg("--also-called").arg("ship.example").start();
    let (own, port) = (node.address().to_string(), node.address().port());
    let host = |name: &str| format!("Host: {name}\r\n");
    for (target, version, lines, statuses) in [
        ("/", "1.1", host(&own), [200, 200]),
        ("/", "1.1", host(&format!("localhost:{port}")), [200, 200]),
        ("/", "1.1", host(&format!("SHIP.example:{port}")), [200, 200]),
        ("/", "1.1", host(&format!("[::ffff:127.0.0.2]:{port}")), [200, 200]),
        ("/", "1.0", String::new(), [200, 200]),
        (&format!("http://{own}/"), "1.1", host(&own), [200, 200]),
        ("/", "1.1", host("evil"), [421, 421]),
        ("/", "1.1", host(&format!("evil:{port}")), [421, 421]),
        ("/", "1.1", host(&format!("127.0.0.2.nip.io:{port}")), [421, 421]),
        ("/", "1.1", host(&format!("127.0.0.2.:{port}")), [421, 421]),
        ("/", "1.1", host(&format!("localhost.:{port}")), [421, 421]),
        ("/", "1.1", host(&format!("ship.example.evil:{port}")), [421, 421]),
        ("/", "1.1", host(&format!("user@{own}")), [421, 400]),
        ("/", "1.1", host(&format!("{own}@evil")), [421, 400]),
        ("/", "1.1", host(&format!("{own}/")), [421, 400]),
        ("/", "1.1", host(&format!("{own}, {own}")), [421, 400]),
        ("/", "1.1", host(&format!("127.0.0.1:{port}")), [421, 421]),
        ("/", "1.1", host(&format!("0.0.0.0:{port}")), [421, 421]),
        ("/", "1.1", host(&format!("127.2:{port}")), [421, 421]),
        ("/", "1.1", host(&format!("2130706434:{port}")), [421, 421]),
        ("/", "1.1", host("127.0.0.2"), [421, 421]),
        ("/", "1.1", host("127.0.0.2:1"), [421, 421]),
        ("/", "1.1", host(""), [421, 400]),
        ("/", "1.1", host("\u{e9}"), [421, 400]),
        ("/", "1.1", String::new(), [400, 400]),
        ("/", "1.1", host(&own).repeat(2), [400, 400]),
        ("/", "1.1", host(&own) + &host("evil"), [400, 400]),
        ("/", "1.0", host("evil"), [421, 421]),
        ("http://evil/", "1.1", host(&own), [421, 421]),
        (&format!("http://{own}/"), "1.1", host("evil"), [421, 421]),
        (&format!("http://user@{own}/"), "1.1", host(&own), [421, 400]),
    ] {
        let text = format!("GET {target} HTTP/{version}\r\n{lines}Connection: close\r\n\r\n");
        let answer = Answer::parse(&exchange(node.address(), text.as_bytes()));
        assert!(statuses.contains(&answer.status), "{text}{}", answer.head);
        if answer.status == 421 {
            is_inert(&answer, &text);
        }
    }
    // Files too: a page that rebinds its name must not read them.
    let answer = Answer::parse(&exchange(
        node.address(),
        format!("GET /s/?g=a HTTP/1.0\r\nHost: evil:{port}\r\n\r\n").as_bytes(),
    ));
    assert_eq!(answer.status, 421);
}

#[test]
fn searches_that_are_bombs_are_answered_or_refused_and_the_node_goes_on() {
    let lan = Lan::new();
    let node = lan.node(2).file("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "a").start();
    let long = "a".repeat(12 * 1024);
    let deep = format!("{}a{}", "(".repeat(2_000), ")".repeat(2_000));
    for v in [
        "(a*)*b",
        "(a|a)*$",
        "(((a%7B99%7D)%7B99%7D)%7B99%7D)",
        "a%7B99999%7D%7B99999%7D",
        "%5CpL%7B5000%7D",
        "%5B",
        "(?",
        "*",
        "%00",
        "%ff%fe",
        "(?i)(?s).*.*.*.*.*.*.*x",
        &long,
        &deep,
        "%5Cx%7B110000%7D",
        "%5CQ",
        ",6$",
    ] {
        let answer = node.get(&format!("/q/?v={v}"));
        assert!(matches!(answer.status, 200 | 400), "{}: {}", &v[..v.len().min(40)], answer.head);
    }
    let too_long = format!("GET /q/?v={} HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(64 * 1024), node.address());
    assert!(matches!(status(node.address(), too_long.as_bytes()), None | Some(400 | 414 | 431)));
    assert_eq!(node.index().len(), 1);
}
