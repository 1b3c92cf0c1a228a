//! `/s/`, asked as the existing programs ask, and as careless people do.

use std::io::Write as _;

use boucan::wire::url::query_value;
use boucan::wire::{LootPath, b64e};

use super::support::http::{Answer, connect, exchange, read_answer, request};
use super::support::lan::{Lan, Node};
use super::support::wait_until;

/// Requests of running nodes: client, name, bytes. The index request has no name.
fn recorded() -> Vec<(String, Option<String>, String)> {
    let vectors: serde_json::Value = serde_json::from_str(include_str!("vectors/http-client.json")).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut found = Vec::new();
    for (client, requests) in vectors["clients"].as_object().unwrap() {
        found.push((client.clone(), None, text(&requests["index_request"])));
        for one in requests["file_requests"].as_array().unwrap() {
            found.push((client.clone(), Some(text(&one["name"])), text(&one["head"])));
        }
    }
    found
}

fn is_listable(name: &str) -> bool {
    LootPath::parse(name.as_bytes()).is_ok_and(|path| path.listable().is_ok() && path.as_str() == name)
}

fn content(name: &str) -> Vec<u8> {
    if name == "zero.bin" { Vec::new() } else { format!("content of {name}").into_bytes() }
}

fn sharing<'n>(lan: &Lan, names: impl IntoIterator<Item = &'n str>) -> Node {
    names.into_iter().fold(lan.node(2), |node, name| node.file(name, content(name))).start()
}

#[track_caller]
fn is_the_file(answer: &Answer, name: &str, what: &str) {
    assert_eq!(answer.status, 200, "{what}: {}", answer.head);
    assert_eq!(answer.body, content(name), "{what}");
    assert_eq!(answer.header("content-length"), Some(content(name).len().to_string().as_str()), "{what}");
    assert!(answer.header("content-disposition").is_some_and(|d| d.starts_with("attachment; ")), "{what}");
}

#[test]
fn every_recorded_request_for_a_name_that_we_list_gets_its_file_and_no_other_does() {
    let lan = Lan::new();
    let requests = recorded();
    let names = || requests.iter().filter_map(|(_, name, _)| name.as_deref());
    // Names that are not listed lie in the folder all the same, where the disk can hold them.
    let on_disk = names().filter(|name| !name.contains("//") && !name.starts_with("./") && name.len() < 256);
    let node = sharing(&lan, on_disk);
    for (client, name, head) in &requests {
        let Some(name) = name else { continue };
        let mut stream = connect(node.address());
        stream.write_all(addressed(head, &node).as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        if is_listable(name) {
            is_the_file(&answer, name, &format!("{client} asks for {name:?}"));
        } else {
            assert!(matches!(answer.status, 400 | 404), "{client} asks for {name:?}: {}", answer.head);
        }
    }
}

#[test]
fn every_recorded_client_gets_the_index_in_its_order_and_one_connection_serves_all_its_requests() {
    let lan = Lan::new();
    let requests = recorded();
    let mut names: Vec<&str> = requests.iter().filter_map(|(_, name, _)| name.as_deref()).collect();
    names.retain(|name| is_listable(name));
    names.sort_unstable();
    names.dedup();
    let node = sharing(&lan, names.iter().copied());
    let index: String = names.iter().map(|name| format!("{name},{}\n", content(name).len())).collect();
    let mut stream = connect(node.address());
    for (client, name, head) in &requests {
        stream.write_all(addressed(head, &node).replace("Connection: close\r\n", "").as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        if name.is_none() {
            assert_eq!(answer.text(), index, "{client}");
            assert!(answer.header("content-disposition").is_some_and(|d| d.starts_with("attachment; ")), "{client}");
        }
    }
}

fn addressed(head: &str, node: &Node) -> String {
    head.replace("10.87.0.2:12555", &node.address().to_string())
}

#[test]
fn a_name_is_read_in_every_spelling() {
    let lan = Lan::new();
    let name = "dir/???>>>~ é+.bin";
    let node = sharing(&lan, [name]);
    let encoded = b64e::encode(name.as_bytes());
    assert!(encoded.contains(['-', '_']) && encoded.ends_with('!'), "{encoded} shows every difference");
    let plain = query_value(name);
    let mut queries = vec![
        format!("g={plain}"),
        format!("g={}", plain.replace("%20", "+")),
        format!("g={}", plain.replace('/', "%2F").to_lowercase()),
        format!("g=/{plain}"),
        format!("x=1&g={plain}&y=2"),
        format!("g={plain}&g=other"),
        format!("%67={plain}"),
        "g=dir/???%3E%3E%3E~ é%2B.bin".replace(' ', "%20"),
        format!("f=b64e&g={encoded}"),
        format!("g={encoded}&f=b64e&f=x"),
    ];
    for padding in ["!", "=", "%3D", "%3d", "%21", ""] {
        for (minus, under) in [("-", "_"), ("+", "/"), ("%2B", "%2F"), ("%20", "/")] {
            let g = encoded.replace('-', minus).replace('_', under).replace('!', padding);
            queries.push(format!("g={g}&f=b64e"));
        }
    }
    for query in queries {
        for path in ["/s/", "/s"] {
            is_the_file(&node.get(&format!("{path}?{query}")), name, &query);
        }
    }
}

#[test]
fn honest_names_that_look_odd_are_served_plain_and_encoded() {
    let lan = Lan::new();
    let long = format!("{}.txt", "y".repeat(241));
    let deep = format!("{}z", "d/".repeat(31));
    let names = [
        "a..b",
        "x,1,2",
        "%41",
        "+ &#?=;",
        "e\u{301}.txt",
        "\u{e9}.txt",
        " ",
        "a ",
        "~",
        "!",
        "=",
        "'",
        "\"q\"",
        "<i>.html",
        "ab:c",
        "C#",
        "index",
        "forbaning",
        "😀",
        "a%2Fb",
        "CON",
        &long,
        &deep,
    ];
    let node = sharing(&lan, names);
    for name in names {
        node.lists(name);
        is_the_file(&node.get(&format!("/s/?g={}", query_value(name))), name, name);
        is_the_file(&node.get(&format!("/s/?g={}&f=b64e", b64e::encode(name.as_bytes()))), name, name);
    }
}

#[test]
fn a_name_stays_within_its_header_line() {
    let lan = Lan::new();
    let node = sharing(&lan, ["say \"hi\"; x=y.txt", "%0d%0aX-In: 1", "naïve – 日本.txt"]);
    for (name, expected) in [
        (
            "say \"hi\"; x=y.txt",
            "attachment; filename=\"say _hi_; x=y.txt\"; filename*=UTF-8''say%20%22hi%22%3B%20x%3Dy.txt",
        ),
        ("%0d%0aX-In: 1", "attachment; filename=\"_0d_0aX-In: 1\"; filename*=UTF-8''%250d%250aX-In%3A%201"),
        (
            "naïve – 日本.txt",
            "attachment; filename=\"na_ve _ __.txt\"; filename*=UTF-8''na%C3%AFve%20%E2%80%93%20%E6%97%A5%E6%9C%AC.txt",
        ),
    ] {
        let answer = node.get(&format!("/s/?g={}", query_value(name)));
        assert_eq!(answer.header("content-disposition"), Some(expected), "{name}");
    }
    for target in
        ["/s/?g=a%0d%0aX-In:%201", "/l/?d=a%0d%0aX-In:%201", "/q/?v=a%0d%0aX-In:%201", "/operator?token=%0d%0aX-In:1"]
    {
        let answer = node.get(target);
        assert!(answer.header("x-in").is_none() && answer.status < 500, "{target}: {}", answer.head);
    }
}

#[test]
fn the_index_is_asked_for_in_all_the_ways_a_file_is() {
    let lan = Lan::new();
    let node = sharing(&lan, ["a", "b"]);
    let whole = node.get("/s/?g=forban/index");
    let etag = whole.header("etag").unwrap().to_owned();
    for query in ["g=forban%2Findex", "g=/forban/index", "g=Zm9yYmFuL2luZGV4&f=b64e", "g=forban/index&zzz=1"] {
        assert_eq!(node.get(&format!("/s?{query}")).text(), "a,12\nb,12\n", "{query}");
    }
    for (more, status, body) in [
        (format!("If-None-Match: {etag}\r\n"), 304, ""),
        ("If-None-Match: \"other\"\r\n".into(), 200, "a,12\nb,12\n"),
        (format!("If-Modified-Since: {}\r\n", whole.header("last-modified").unwrap()), 304, ""),
        ("Range: bytes=5-8\r\n".into(), 206, "b,12"),
        ("Range: bytes=99-\r\n".into(), 416, ""),
    ] {
        let answer = request(node.address(), "GET", "/s/?g=forban/index", &more);
        assert_eq!((answer.status, answer.text().as_str()), (status, body), "{more}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()), "{more}");
    }
    node.put("c", "c");
    wait_until("the index has another version", || node.get("/s/?g=forban/index").header("etag") != Some(&etag));
}

#[test]
fn a_thousand_index_requests_in_one_go_get_a_thousand_equal_answers() {
    let lan = Lan::new();
    let node = sharing(&lan, ["a", "b"]);
    let one = format!("GET /s/?g=forban/index HTTP/1.1\r\nHost: {}\r\n", node.address());
    let mut all = format!("{one}\r\n").repeat(999);
    all.push_str(&format!("{one}Connection: close\r\n\r\n"));
    let bytes = exchange(node.address(), all.as_bytes());
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), 1_000);
    assert_eq!(text.matches("\r\n\r\na,12\nb,12\n").count(), 1_000);
}
