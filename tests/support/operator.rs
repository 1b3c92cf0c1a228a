//! The operator at the node itself: reads the token of its page, and presses buttons.

use super::http::{Answer, request};
use super::lan::Node;
use super::page::elements;

/// Sends a form to an address of the operator's, as a page of the node would.
#[track_caller]
pub fn press(node: &Node, target: &str, form: &str) -> Answer {
    let page = request(node.address(), "GET", "/operator", "");
    let found = elements(&page.text()).into_iter().find(|element| element.attribute("name") == Some("token"));
    let token = found.and_then(|element| element.attribute("value").map(str::to_owned)).expect("a form with a token");
    let body = format!("token={token}&{form}");
    let head = "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    request(node.address(), "POST", target, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()))
}

/// What `/mirror.json` tells the operator.
#[track_caller]
pub fn told(node: &Node) -> serde_json::Value {
    serde_json::from_str(&node.get("/mirror.json").text()).unwrap()
}

/// The same for somebody who is nobody: who asks by the name `galley`, which the node is also called.
#[track_caller]
pub fn visited(node: &Node, target: &str) -> String {
    let host = format!("galley:{}", node.address().port());
    let text = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    Answer::parse(&super::http::exchange(node.address(), text.as_bytes())).text()
}

/// The uuid of a node.
#[track_caller]
pub fn uuid_of(node: &Node) -> String {
    std::fs::read_to_string(node.state("uuid")).unwrap().trim().to_owned()
}
