//! Who may change the node: the operator, from a page of the node itself, by POST; nobody else,
//! and no other way.

use super::support::http::{Answer, request};
use super::support::lan::{Lan, Node};
use super::support::page::elements;
use super::support::wait_for;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const CHANGES: [&str; 4] = ["/operator/rescan", "/operator/mirror", "/operator/neighbour", "/operator/forget-deleted"];

/// A POST with a form: `more` are header lines.
fn post(node: &Node, target: &str, more: &str, form: &str) -> Answer {
    request(node.address(), "POST", target, &format!("{more}Content-Length: {}\r\n\r\n{form}", form.len()))
}

/// The form token of the operator's page, if this visitor is given one.
fn form_token(node: &Node, more: &str) -> Option<String> {
    let page = request(node.address(), "GET", "/operator", more);
    assert_eq!(page.status, 200, "{}", page.head);
    let found = elements(&page.text()).into_iter().find(|element| element.attribute("name") == Some("token"));
    found.and_then(|element| element.attribute("value").map(str::to_owned))
}

fn is_paused(node: &Node, more: &str) -> bool {
    request(node.address(), "GET", "/operator", more).text().contains("It is paused.")
}

#[test]
fn the_operator_on_the_machine_itself_changes_the_node_from_its_page() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let token = form_token(&node, "").unwrap();
    let origin = format!("Origin: http://{}\r\n", node.address());
    for (more, pause) in [(origin.as_str(), true), ("Sec-Fetch-Site: same-origin\r\n", false), (&origin, true)] {
        let form = format!("token={token}&do={}", if pause { "pause" } else { "resume" });
        let answer = post(&node, "/operator/mirror", &format!("{FORM}{more}"), &form);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/operator")), "{more}");
        assert_eq!(is_paused(&node, ""), pause, "{more}");
    }
    let form = format!("token={token}&uuid={}&do=on", uuid::Uuid::nil());
    for target in CHANGES {
        assert_eq!(post(&node, target, &format!("{FORM}{origin}"), &form).status, 303, "{target}");
    }
}

/// Presses a button for one neighbour; where it leads.
fn switch(node: &Node, uuid: &str, rest: &str) -> (u16, Option<String>) {
    let token = form_token(node, "").unwrap();
    let more = format!("{FORM}Origin: http://{}\r\n", node.address());
    let answer = post(node, "/operator/neighbour", &more, &format!("token={token}&uuid={uuid}&{rest}"));
    (answer.status, answer.header("location").map(str::to_owned))
}

fn offers_button(node: &Node, page: &str, value: &str) -> bool {
    elements(&node.get(page).text()).iter().any(|e| e.name == "button" && e.attribute("value") == Some(value))
}

#[test]
fn nothing_is_copied_from_a_neighbour_that_is_switched_off_until_it_is_switched_on() {
    let lan = Lan::new();
    let giver = lan.node(3).file("first", "1").start();
    let node = lan.node(2).opportunistic().start();
    node.has("first", "1");
    let uuid = std::fs::read_to_string(giver.state("uuid")).unwrap().trim().to_owned();
    let page = format!("/l/{uuid}");
    assert!(offers_button(&node, &page, "off") && !offers_button(&node, "/l/", "off"));
    assert_eq!(switch(&node, &uuid, "do=off"), (303, Some(page.clone())));
    giver.put("second", "2");
    wait_for("the second file is known", || node.get(&page).text().contains("second").then_some(()));
    // Stored: a restarted node does not take it either.
    let node = node.kill().start();
    wait_for("its list is known again", || node.get(&page).text().contains("second").then_some(()));
    assert!(offers_button(&node, &page, "on") && offers_button(&node, "/operator", "on"));
    let is_said = || node.get("/near").text().contains("nothing is copied from it");
    assert!(is_said(), "beside its name");
    let other = lan.node(4).file("third", "3").start();
    node.has("third", "3");
    assert!(!node.loot("second").exists(), "what came later from another was planned together with it");
    assert_eq!(switch(&node, &uuid, "do=on&from=operator"), (303, Some("/operator".into())));
    node.has("second", "2");
    assert!(!offers_button(&node, "/operator", "on") && !is_said());
    drop((giver, other));
}

#[test]
fn what_cannot_be_switched_is_said() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let stranger = uuid::Uuid::from_u128(7).to_string();
    for (uuid, rest, status, why) in [
        ("", "do=off", 400, "no uuid"),
        ("x", "do=off", 400, "none either"),
        (stranger.as_str(), "do=off", 404, "nobody"),
        (&stranger, "do=maybe", 400, "neither off nor on"),
        (&stranger, "", 400, "nothing"),
        (&stranger, "do=on", 303, "nobody, who stays on"),
    ] {
        assert_eq!(switch(&node, uuid, rest).0, status, "{why}");
    }
    assert!(!offers_button(&node, "/operator", "on"));
}

#[test]
fn a_foreign_page_in_the_operators_browser_changes_nothing() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let (token, own) = (form_token(&node, "").unwrap(), node.address());
    let good = format!("Origin: http://{own}\r\n");
    let form = format!("token={token}&do=pause");
    let json = format!("{{\"token\":\"{token}\",\"do\":\"pause\"}}");
    let typed = |kind: &str| format!("{good}Content-Type: {kind}\r\n");
    for (why, more, body, status) in [
        ("another site", format!("{FORM}Origin: http://evil\r\n"), &form, 403),
        ("an opaque origin", format!("{FORM}Origin: null\r\n"), &form, 403),
        ("no origin", FORM.into(), &form, 403),
        ("another port", format!("{FORM}Origin: http://{}:{}\r\n", own.ip(), own.port() + 1), &form, 403),
        ("no port", format!("{FORM}Origin: http://{}\r\n", own.ip()), &form, 403),
        ("another scheme", format!("{FORM}Origin: https://{own}\r\n"), &form, 403),
        ("ours in front", format!("{FORM}Origin: http://{own}.evil\r\n"), &form, 403),
        ("another loopback address", format!("{FORM}Origin: http://127.0.0.1:{}\r\n", own.port()), &form, 403),
        ("only a referer", format!("{FORM}Referer: http://{own}/operator\r\n"), &form, 403),
        ("cross-site", format!("{FORM}{good}Sec-Fetch-Site: cross-site\r\n"), &form, 403),
        ("same-site", format!("{FORM}{good}Sec-Fetch-Site: same-site\r\n"), &form, 403),
        ("a typed address", format!("{FORM}{good}Sec-Fetch-Site: none\r\n"), &form, 403),
        ("no token", format!("{FORM}{good}"), &"do=pause".to_owned(), 403),
        ("an empty token", format!("{FORM}{good}"), &"token=&do=pause".to_owned(), 403),
        ("a wrong token", format!("{FORM}{good}"), &format!("token={}&do=pause", token.replace(|_| true, "0")), 403),
        ("half a token", format!("{FORM}{good}"), &format!("token={}&do=pause", &token[..32]), 403),
        ("plain text", typed("text/plain"), &form, 415),
        ("multipart", typed("multipart/form-data; boundary=x"), &form, 415),
        ("JSON", typed("application/json"), &json, 415),
        ("no type", good.clone(), &form, 415),
        ("a form that is too large", format!("{FORM}{good}"), &format!("{form}&x={}", "x".repeat(10_000)), 413),
    ] {
        let answer = post(&node, "/operator/mirror", &more, body);
        assert_eq!(answer.status, status, "{why}: {}", answer.head);
        assert!(!is_paused(&node, ""), "{why}");
    }
}

#[test]
fn nothing_is_changed_by_any_method_but_post() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let token = form_token(&node, "").unwrap();
    let same = format!("{FORM}Origin: http://{}\r\nSec-Fetch-Site: same-origin\r\n", node.address());
    for target in CHANGES {
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "FOO"] {
            let query = format!("{target}?token={token}&do=pause");
            let answer = request(node.address(), method, &query, &same);
            assert_eq!(answer.status, 405, "{method} {target}");
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {target}");
        }
    }
    assert!(!is_paused(&node, ""));
    for target in ["/", "/q/", "/l/", "/s/?g=forban/index", "/held-back", "/operator", "/healthz", "/static/boucan.css"]
    {
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
            let answer = request(node.address(), method, target, "Content-Length: 0\r\n");
            assert_eq!(answer.status, 405, "{method} {target}");
        }
    }
}

#[test]
fn who_names_the_node_as_others_do_is_not_its_operator() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().arg("--also-called").arg("ship.example").start();
    let token = form_token(&node, "").unwrap();
    let port = node.address().port();
    let named = |method: &str, target: &str, more: &str| {
        let bytes =
            format!("{method} {target} HTTP/1.1\r\nHost: ship.example:{port}\r\nConnection: close\r\n{more}\r\n");
        Answer::parse(&super::support::http::exchange(node.address(), bytes.as_bytes()))
    };
    assert!(!named("GET", "/operator", "").text().contains(&token), "the form token is the operator's");
    let form = format!("token={token}&do=pause");
    let more = format!("{FORM}Origin: http://ship.example:{port}\r\nContent-Length: {}\r\n\r\n{form}", form.len());
    for target in CHANGES {
        assert_eq!(named("POST", target, &more).status, 403, "{target}");
    }
    assert!(!is_paused(&node, ""));
    assert!(!named("GET", "/", "").text().contains(node.loot("").to_str().unwrap().trim_end_matches('/')));
}

#[test]
fn where_the_token_is_asked_for_it_is_the_only_way_to_be_the_operator() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().arg("--operator").arg("token").start();
    let link = wait_for("the link is printed", || {
        node.log()
            .lines()
            .find_map(|line| line.split_once("/operator?token=").map(|(_, token)| token.trim().to_owned()))
    });
    assert_eq!(form_token(&node, ""), None, "a visitor on the machine itself is a visitor");
    let good = format!("{FORM}Origin: http://{}\r\n", node.address());
    assert_eq!(post(&node, "/operator/mirror", &good, "token=&do=pause").status, 403);
    for wrong in ["", "x", &"0".repeat(64), &link[..63], &format!("{link}0")] {
        let answer = node.get(&format!("/operator?token={wrong}"));
        assert_eq!((answer.status, answer.header("set-cookie")), (403, None), "{wrong}");
        assert_eq!(form_token(&node, &format!("Cookie: boucan-operator={wrong}\r\n")), None, "{wrong}");
    }
    let visit = node.get(&format!("/operator?token={link}"));
    assert_eq!((visit.status, visit.header("location")), (303, Some("/operator")));
    let cookie = visit.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = format!("Cookie: other=1; {}\r\n", cookie.split(';').next().unwrap());
    let token = form_token(&node, &cookie).unwrap();
    let form = format!("token={token}&do=pause");
    assert_eq!(post(&node, "/operator/mirror", &good, &form).status, 403, "without the cookie");
    assert_eq!(post(&node, "/operator/mirror", &format!("{FORM}{cookie}"), &form).status, 403, "without an origin");
    assert!(!is_paused(&node, &cookie));
    assert_eq!(post(&node, "/operator/mirror", &format!("{good}{cookie}"), &form).status, 303);
    assert!(is_paused(&node, &cookie));
}
