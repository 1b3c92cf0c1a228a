//! The eyes of these tests: on a page where everything is wrong they see it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};

use super::axe;
use super::browser::Tab;

const BAD: &str = "<!doctype html><html><title>Bad</title><p style='color:#eee;background:#fff'>pale</p>\
     <img src=/missing.png><img src=//other.example/x.png><div style='width:5000px'>wide</div><input type=file>\
     <script>alert(1); console.error('told'); document.title = 'ran'; undefined_name()</script>";

/// Answers each request with that page and these head lines, as long as the test runs.
fn serve(head: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                line.clear();
            }
            let length = BAD.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{BAD}"
            );
            let _ = reader.into_inner().write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn what_is_wrong_with_a_page_is_seen() {
    let Some(tab) = Tab::on(serve("")) else { return };
    tab.open("/");
    let troubles = tab.troubles().join("\n");
    for trouble in
        ["dialog: \"1\"", "told", "exception: ", "undefined_name", "foreign request: http://other.example/x.png"]
    {
        assert!(troubles.contains(trouble), "{trouble} is missing in {troubles}");
    }
    assert_eq!(tab.ask("document.documentElement.scrollWidth >= 5000"), true);
    if axe::source().is_some() {
        let violations = axe::violations(&tab).join("\n");
        for rule in ["image-alt", "html-has-lang", "color-contrast", "label"] {
            assert!(violations.contains(rule), "{rule} is missing in {violations}");
        }
    }
}

#[test]
fn what_a_policy_blocks_is_seen() {
    let Some(tab) = Tab::on(serve("Content-Security-Policy: default-src 'none'\r\n")) else { return };
    tab.open("/");
    let troubles = tab.troubles().join("\n");
    assert!(troubles.contains("Content Security Policy") && !troubles.contains("dialog"), "{troubles}");
}

#[test]
fn without_script_nothing_runs_and_the_page_can_still_be_asked() {
    let Some(tab) = Tab::on(serve("")).map(Tab::without_script) else { return };
    tab.open("/");
    assert_eq!(tab.ask("document.title"), "Bad");
    assert!(!tab.troubles().join("\n").contains("dialog"));
}

#[test]
fn a_cut_connection_is_cut() {
    let Some(tab) = Tab::on(serve("")) else { return };
    tab.open("/").network(true, None);
    assert_eq!(tab.ask("fetch('/').then(() => 'whole', () => 'cut')"), "cut");
    tab.network(false, None);
    assert_eq!(tab.ask("fetch('/').then(() => 'whole', () => 'cut')"), "whole");
}

#[test]
fn who_comes_from_elsewhere_has_no_secure_context() {
    let address = serve("");
    let (Some(here), Some(elsewhere)) = (Tab::on(address), Tab::from_elsewhere(address)) else { return };
    assert_eq!(here.open("/").ask("isSecureContext"), true);
    assert_eq!(elsewhere.open("/").ask("isSecureContext"), false);
    assert!(here.requests().len() > 1);
}
