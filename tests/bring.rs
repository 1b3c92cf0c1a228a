//! Bringing files in over real connections: what breaks is continued, what is too much is refused
//! before its first byte, and nobody sees or touches what others sent.

use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;

use super::support::http::{Answer, connect, exchange, read_answer, request};
use super::support::lan::{Lan, Node};
use super::support::page::elements;
use super::support::{wait_for, wait_until};

/// The operator's form token, from the page.
fn form_token(node: &Node) -> String {
    let page = node.get("/operator").text();
    let found = elements(&page).into_iter().find(|element| element.attribute("name") == Some("token"));
    found.and_then(|element| element.attribute("value").map(str::to_owned)).unwrap()
}

/// Header lines of the operator, and of anybody else on a page of the node.
fn operator(node: &Node) -> String {
    format!("{}X-Boucan-Token: {}\r\n", guest(node), form_token(node))
}

fn guest(node: &Node) -> String {
    format!("Tus-Resumable: 1.0.0\r\nOrigin: http://{}\r\n", node.address())
}

/// Begins an upload; `more` are header lines, `metadata` pairs of key and plain value.
#[track_caller]
fn create(node: &Node, more: &str, size: u64, metadata: &[(&str, &str)]) -> Answer {
    let encode = |value: &str| base64::engine::general_purpose::STANDARD.encode(value);
    let pairs: Vec<String> = metadata.iter().map(|(key, value)| format!("{key} {}", encode(value))).collect();
    let lines = format!("{more}Upload-Length: {size}\r\nUpload-Metadata: {}\r\nContent-Length: 0\r\n", pairs.join(","));
    request(node.address(), "POST", "/up/", &lines)
}

#[track_caller]
fn begin(node: &Node, more: &str, size: u64, name: &str) -> String {
    let answer = create(node, more, size, &[("filename", name)]);
    assert_eq!(answer.status, 201, "{}\n{}", answer.head, answer.text());
    answer.header("location").unwrap().to_owned()
}

fn patch_head(node: &Node, target: &str, offset: u64, length: usize) -> String {
    format!(
        "PATCH {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n\
         Content-Type: application/offset+octet-stream\r\nContent-Length: {length}\r\n\r\n",
        node.address()
    )
}

fn patch(node: &Node, target: &str, offset: u64, bytes: &[u8]) -> Answer {
    let mut sent = patch_head(node, target, offset, bytes.len()).into_bytes();
    sent.extend_from_slice(bytes);
    Answer::parse(&exchange(node.address(), &sent))
}

fn offset(node: &Node, target: &str) -> Option<u64> {
    let answer = request(node.address(), "HEAD", target, "Tus-Resumable: 1.0.0\r\n");
    answer.header("upload-offset").map(|offset| offset.parse().unwrap())
}

fn receipt(node: &Node, target: &str) -> serde_json::Value {
    let answer = node.get(target);
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap()["receipt"].clone()
}

/// Opens or closes the inbox.
fn switch(node: &Node, to: &str) {
    decide(node, &format!("do={to}"));
}

fn decide(node: &Node, fields: &str) {
    let form = format!("token={}&{fields}", form_token(node));
    let more = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://{}\r\nContent-Length: {}\r\n\r\n{form}",
        node.address(),
        form.len()
    );
    let answer = request(node.address(), "POST", "/bring/inbox", &more);
    assert_eq!(answer.status, 303, "{}", answer.text());
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n / 11 + n % 251) as u8).collect()
}

/// What lies in the inbox, by name.
fn inbox(node: &Node) -> Vec<String> {
    let folder = node.loot(".boucan/inbox");
    let mut names: Vec<String> = super::support::lan::tree(&folder).into_keys().collect();
    names.sort();
    names
}

#[test]
fn an_upload_goes_on_after_every_cut_and_after_a_restart() {
    let lan = Lan::new();
    let mut node = lan.node(2).start();
    let bytes = content(3_000_000);
    let target = begin(&node, &operator(&node), bytes.len() as u64, "film.mkv");
    let mut cuts = 0;
    for round in 0..6 {
        let at = offset(&node, &target).unwrap();
        let rest = &bytes[usize::try_from(at).unwrap()..];
        let mut stream = connect(node.address());
        stream.write_all(patch_head(&node, &target, at, rest.len()).as_bytes()).unwrap();
        let some = fastrand::usize(1..400_000).min(rest.len() - 1);
        stream.write_all(&rest[..some]).unwrap();
        drop(stream);
        if round == 3 {
            wait_until("what came is written", || offset(&node, &target) > Some(at));
            node = node.kill().start();
        }
        // All of what was sent before the cut counts, once the node noticed it.
        wait_until("it goes on behind what came", || offset(&node, &target).is_some_and(|now| now > at));
        cuts += 1;
    }
    assert_eq!(cuts, 6);
    let at = wait_for("nobody sends any more", || {
        let at = offset(&node, &target).unwrap();
        let answer = patch(&node, &target, at, &bytes[usize::try_from(at).unwrap()..]);
        (answer.status == 204).then_some(at)
    });
    assert!(at > 0 && at < bytes.len() as u64);
    node.has("film.mkv", &bytes);
    node.lists("film.mkv");
    let told = receipt(&node, &target);
    assert_eq!(told["blake3"], blake3::hash(&bytes).to_hex().as_str());
    assert_eq!((told["name"].as_str(), told["size_bytes"].as_u64()), (Some("film.mkv"), Some(3_000_000)));
    assert_eq!(offset(&node, &target), Some(bytes.len() as u64));
}

#[test]
fn a_killed_node_leaves_no_half_file() {
    let lan = Lan::new();
    let node = lan.node(2).arg("--inbox").start();
    let bytes = content(2_000_000);
    let targets = [begin(&node, &operator(&node), 2_000_000, "ours"), begin(&node, &guest(&node), 2_000_000, "theirs")];
    let mut streams = Vec::new();
    for target in &targets {
        let mut stream = connect(node.address());
        stream.write_all(patch_head(&node, target, 0, bytes.len()).as_bytes()).unwrap();
        stream.write_all(&bytes[..1_500_000]).unwrap();
        streams.push(stream);
        wait_until("some of it is here", || offset(&node, target) > Some(0));
    }
    let node = node.kill().start();
    assert!(!node.loot("ours").exists() && inbox(&node).is_empty());
    assert!(node.index().is_empty(), "{:?}", node.index());
    for target in &targets {
        let at = usize::try_from(offset(&node, target).unwrap()).unwrap();
        assert_eq!(patch(&node, target, at as u64, &bytes[at..]).status, 204);
    }
    node.has("ours", &bytes);
    assert_eq!(inbox(&node).len(), 1);
}

#[test]
fn the_offset_and_the_sender_must_be_the_right_ones() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let target = begin(&node, &operator(&node), 1_000_000, "a");
    assert_eq!(patch(&node, &target, 1, b"x").status, 409);
    let mut first = connect(node.address());
    first.write_all(patch_head(&node, &target, 0, 1_000_000).as_bytes()).unwrap();
    first.write_all(&content(300_000)).unwrap();
    wait_until("the first one sends", || patch(&node, &target, 0, b"x").header("boucan-why") == Some("taken"));
    assert_eq!(patch(&node, &target, 0, b"x").status, 409);
    // Who is silent gives way: the connection may be dead, and nobody noticed.
    let at = wait_for("the second one goes on", || {
        let at = offset(&node, &target)?;
        let bytes = &content(1_000_000)[usize::try_from(at).unwrap()..];
        (patch(&node, &target, at, bytes).status == 204).then_some(at)
    });
    assert_eq!(at, 300_000, "what the first one sent is here");
    node.has("a", content(1_000_000));
    drop(first);
}

#[test]
fn what_is_asked_wrongly_is_said() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let (ours, size, name) = (operator(&node), "Upload-Length: 5\r\n", "Upload-Metadata: filename YQ==\r\n");
    for (why, lines, status) in [
        ("no version", ours.replace("Tus-Resumable: 1.0.0\r\n", "") + size + name, 412),
        ("another version", ours.replace("1.0.0", "0.2.2") + size + name, 412),
        ("no length", ours.clone() + name, 400),
        ("a length that is none", format!("{ours}Upload-Length: -1\r\n{name}"), 400),
        ("more than there can be", format!("{ours}Upload-Length: 99999999999999999999\r\n{name}"), 400),
        ("no name", ours.clone() + size, 400),
        ("no metadata", format!("{ours}{size}Upload-Metadata: filename essay.odt\r\n"), 400),
        ("all is well", ours.clone() + size + name, 201),
    ] {
        let answer = request(node.address(), "POST", "/up/", &format!("{lines}Content-Length: 0\r\n"));
        assert_eq!(answer.status, status, "{why}: {}", answer.text());
        assert_eq!(answer.header("tus-resumable"), Some("1.0.0"), "{why}");
    }
    let about = request(node.address(), "OPTIONS", "/up/", "");
    assert_eq!((about.status, about.header("tus-version")), (204, Some("1.0.0")));
    assert!(about.header("tus-extension").unwrap().contains("creation"));
    let target = begin(&node, &ours, 5, "b");
    let plain =
        "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n12345";
    assert_eq!(request(node.address(), "PATCH", &target, plain).status, 415);
    assert_eq!(patch(&node, &target, 0, b"123456").status, 400, "more than was announced");
    let checked = |sum: &str| {
        format!(
            "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nUpload-Checksum: {sum}\r\n\
             Content-Type: application/offset+octet-stream\r\nContent-Length: 5\r\n\r\n12345"
        )
    };
    let answer = |sum: &str| request(node.address(), "PATCH", &target, &checked(sum)).status;
    let right = base64::engine::general_purpose::STANDARD.encode(<sha1::Sha1 as sha1::Digest>::digest(b"12345"));
    assert_eq!((answer("md5 YQ=="), answer("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=")), (400, 460));
    assert_eq!(answer(&format!("sha1 {right}")), 204);
    node.has("b", "12345");
}

#[test]
fn one_request_is_enough_for_a_program() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let lines = format!(
        "{}Upload-Length: 5\r\nUpload-Metadata: filename YQ==,folder {},modified {}\r\n\
         Content-Type: application/offset+octet-stream\r\nContent-Length: 5\r\n\r\n12345",
        operator(&node),
        base64::engine::general_purpose::STANDARD.encode("Week 1/Monday"),
        base64::engine::general_purpose::STANDARD.encode("1000000000"),
    );
    let answer = request(node.address(), "POST", "/up/", &lines);
    assert_eq!((answer.status, answer.header("upload-offset")), (201, Some("5")), "{}", answer.text());
    assert!(answer.header("boucan-receipt").is_some());
    node.has("Week 1/Monday/a", "12345");
    node.lists("Week 1/Monday/a");
    let empty = create(&node, &operator(&node), 0, &[("filename", "empty")]);
    assert_eq!(empty.status, 201);
    node.has("empty", "");
    for folder in ["../out", ".boucan", "a//b"] {
        let answer = create(&node, &operator(&node), 1, &[("filename", "a"), ("folder", folder)]);
        assert_eq!(answer.status, 400, "{folder}");
    }
}

#[test]
fn a_closed_inbox_takes_nothing_and_a_foreign_page_nothing_at_all() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let name = [("filename", "a")];
    assert_eq!(create(&node, &guest(&node), 1, &name).status, 403);
    assert_eq!(form(&node, &guest(&node), &[("files", Some("a"), "1")]).status, 403);
    switch(&node, "open");
    let node = node.kill().start();
    assert_eq!(create(&node, &guest(&node), 1, &name).status, 201, "open also after a restart");
    let tus = "Tus-Resumable: 1.0.0\r\n";
    for (why, lines) in [
        ("another site", format!("{tus}Origin: http://evil\r\n")),
        ("another site, as the browser tells", format!("{}Sec-Fetch-Site: cross-site\r\n", guest(&node))),
        ("another port of this host", format!("{}Sec-Fetch-Site: same-site\r\n", guest(&node))),
        ("nobody knows from where", tus.to_owned()),
        ("a wrong token", format!("{}X-Boucan-Token: {}\r\n", guest(&node), "0".repeat(64))),
        ("the operator's token from another site", operator(&node).replace("Origin: http://", "Origin: http://evil.")),
    ] {
        let answer = create(&node, &lines, 1, &name);
        assert_eq!(answer.status, 403, "{why}");
        let lines = lines.replace(tus, "");
        if !why.contains("token") {
            assert_eq!(form(&node, &lines, &[("files", Some("a"), "1")]).status, 403, "{why}");
        }
    }
    switch(&node, "close");
    assert_eq!(create(&node, &guest(&node), 1, &name).status, 403);
    let node = node.kill().arg("--inbox").start();
    assert_eq!(create(&node, &guest(&node), 1, &name).status, 403, "who switched it has the last word");
}

#[test]
fn nobody_guesses_an_upload() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let known = begin(&node, &operator(&node), 5, "a");
    let mut near = known.clone();
    let last = if near.pop() == Some('0') { '1' } else { '0' };
    near.push(last);
    for target in [near.as_str(), "/up/0", "/up/x", &format!("/up/{}", "0".repeat(32)), "/up/..%2foperator"] {
        let tus = "Tus-Resumable: 1.0.0\r\n";
        assert_eq!(request(node.address(), "HEAD", target, tus).status, 404, "{target}");
        assert_eq!(request(node.address(), "DELETE", target, tus).status, 404, "{target}");
        assert_eq!(node.get(target).status, 404, "{target}");
        assert_eq!(patch(&node, target, 0, b"12345").status, 404, "{target}");
    }
    let given_up = request(node.address(), "DELETE", &known, "Tus-Resumable: 1.0.0\r\n");
    assert_eq!((given_up.status, offset(&node, &known)), (204, None));
}

#[test]
fn too_much_is_refused_before_its_first_byte() {
    let lan = Lan::new();
    let limits = |node: super::support::lan::NodeBuilder| {
        node.arg("--inbox").arg("--upload-max").arg("1MB").arg("--inbox-max").arg("1500KB")
    };
    let node = limits(lan.node(2)).start();
    let why = |answer: &Answer| (answer.status, answer.header("boucan-why").unwrap_or_default().to_owned());
    let named = [("filename", "a")];
    assert_eq!(why(&create(&node, &guest(&node), 1_000_001, &named)), (413, "too-large".into()));
    assert_eq!(create(&node, &guest(&node), 1_000_000, &named).status, 201);
    assert_eq!(why(&create(&node, &guest(&node), 500_001, &named)), (507, "inbox-full".into()));
    let whole_disk = 1 << 60;
    assert_eq!(why(&create(&node, &operator(&node), whole_disk, &named)), (507, "no-space".into()));
    assert_eq!(create(&node, &operator(&node), 2_000_000, &named).status, 201, "the operator's files are no inbox");
    let large = "x".repeat(600_000);
    let answer = form(&node, &guest(&node), &[("files", Some("large"), &large)]);
    assert!(answer.text().contains("too large"), "{}", answer.text());
    assert!(inbox(&node).is_empty());
    assert_eq!(std::fs::read_dir(node.loot(".boucan/uploads")).unwrap().count(), 4, "two parts and their notes");
}

#[test]
fn a_disk_that_is_full_is_said() {
    let lan = Lan::new();
    let node = lan.node(2).arg("--reserve").arg("900TB").start();
    let answer = create(&node, &operator(&node), 1, &[("filename", "a")]);
    assert_eq!((answer.status, answer.header("boucan-why")), (507, Some("no-space")));
    assert!(answer.text().contains("must stay free"), "{}", answer.text());
    let token = form_token(&node);
    let answer = form(&node, &guest(&node), &[("token", None, &token), ("files", Some("a"), "1")]);
    assert!(answer.text().contains("must stay free"), "{}", answer.text());
}

#[test]
fn a_name_from_outside_is_made_fit_or_refused_and_nothing_is_replaced() {
    let lan = Lan::new();
    let node = lan.node(2).file("here.txt", "mine").start();
    for (name, expected, why) in [
        ("here.txt", Some("here (2).txt"), "taken"),
        ("What?: a diary.txt", Some("What__ a diary.txt"), "not for every system"),
        ("..\\..\\up.txt", None, "hidden once it is made fit"),
        ("C:\\x.txt", Some("C__x.txt"), "no drive"),
        ("dir/sub/x", Some("dir/sub/x"), "folders are kept"),
        ("line\nbreak", Some("line_break"), "one line"),
        ("gpj\u{202e}.exe", Some("gpj.exe"), "it reads as what it is"),
        ("end. ", Some("end"), "Windows drops the end"),
        ("<script>alert(1)</script>", Some("_script_alert(1)_/script_"), "no element, a folder"),
        ("../x", None, "out of the folder"),
        ("/etc/passwd", Some("etc/passwd"), "below the folder"),
        (".bashrc", None, "hidden"),
        (".boucan/inbox/x", None, "hidden"),
        ("forban/index", None, "reserved"),
        ("here.txt/below", None, "a file is no folder"),
    ] {
        let created = create(&node, &operator(&node), 4, &[("filename", name)]);
        let brought = (created.status == 201).then(|| {
            let target = created.header("location").unwrap().to_owned();
            let answer = patch(&node, &target, 0, b"data");
            (answer.status == 204).then(|| receipt(&node, &target)["name"].as_str().unwrap().to_owned())
        });
        let brought = brought.flatten();
        assert_eq!(brought.as_deref(), expected, "{why}: {}", created.text());
        if let Some(expected) = expected {
            assert_eq!(std::fs::read(node.loot(expected)).unwrap(), b"data", "{why}");
        } else if created.status != 201 {
            let word = created.header("boucan-why").unwrap_or_default();
            assert!(created.status == 400 && word.starts_with("name"), "{why}: {word}");
        }
    }
    assert_eq!(std::fs::read(node.loot("here.txt")).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(node.loot(".boucan/uploads")).unwrap().count(), 0);
}

#[test]
fn nobody_but_the_operator_sees_the_inbox() {
    let lan = Lan::new();
    let node = lan.node(2).file("shared", "1").arg("--operator").arg("loopback").start();
    switch(&node, "open");
    for text in ["first", "second"] {
        let target = begin(&node, &guest(&node), text.len() as u64, "secret essay.odt");
        assert_eq!(patch(&node, &target, 0, text.as_bytes()).status, 204);
        assert_eq!(receipt(&node, &target)["name"], "secret essay.odt", "nothing tells of the other one");
    }
    let names = inbox(&node);
    assert_eq!(names.len(), 2, "{names:?}");
    node.put("later", "2");
    node.lists("later");
    assert!(!node.index().iter().any(|line| line.contains("essay")), "{:?}", node.index());
    for name in &names {
        let hidden = format!(".boucan/inbox/{name}");
        for target in
            [format!("/s/?g={}", percent(&hidden)), format!("/s/?g={}", percent(name)), "/s/?g=.boucan/inbox".into()]
        {
            assert_eq!(node.get(&target).status, 404, "{target}");
        }
        for target in ["/l/?d=.boucan", "/l/?d=.boucan/inbox", "/q/?v=essay", "/", "/held-back"] {
            assert!(!node.get(target).text().contains("secret essay"), "{target}");
        }
    }
    // A stranger's browser: the operator's rank is by token there.
    let stranger = lan.node(3).arg("--operator").arg("token").arg("--inbox").start();
    let target = begin(&stranger, &guest(&stranger), 3, "theirs");
    assert_eq!(patch(&stranger, &target, 0, b"abc").status, 204);
    let name = inbox(&stranger).remove(0);
    assert_eq!(stranger.get(&format!("/bring/inbox/file?g={}", percent(&name))).status, 403);
    let form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\ndo=delete";
    let lines = format!("Origin: http://{}\r\n{form}", stranger.address());
    assert_eq!(request(stranger.address(), "POST", "/bring/inbox", &lines).status, 403);
    assert_eq!(inbox(&stranger).len(), 1);
}

#[test]
fn the_operator_decides_about_what_came() {
    let lan = Lan::new();
    let node = lan.node(2).file("essay.odt", "mine").arg("--inbox").start();
    for text in ["first", "second", "third"] {
        let target = begin(&node, &guest(&node), text.len() as u64, "essay.odt");
        assert_eq!(patch(&node, &target, 0, text.as_bytes()).status, 204);
    }
    let names = inbox(&node);
    let first = percent(&names[2]);
    let fetched = node.get(&format!("/bring/inbox/file?g={first}"));
    assert_eq!((fetched.status, fetched.text().as_str()), (200, "first"));
    assert!(fetched.header("content-disposition").unwrap().starts_with("attachment"));
    decide(&node, &format!("do=share&item={first}&folder=Homework"));
    node.has("Homework/essay.odt", "first");
    node.lists("Homework/essay.odt");
    decide(&node, &format!("do=delete&item={}", percent(&names[0])));
    assert_eq!(inbox(&node).len(), 1);
    decide(&node, "do=share");
    node.lists("essay (3).odt");
    assert!(inbox(&node).is_empty());
    assert_eq!(std::fs::read(node.loot("essay.odt")).unwrap(), b"mine");
}

#[test]
fn a_plain_form_brings_several_files() {
    let lan = Lan::new();
    let node = lan.node(2).file("a.txt", "mine").start();
    let (token, large) = (form_token(&node), content(700_000));
    let large_text: String = large.iter().map(|byte| char::from(byte % 64 + 32)).collect();
    let fields = [
        ("token", None, token.as_str()),
        ("folder", None, ""),
        ("files", Some("a.txt"), "theirs"),
        ("files", Some("large"), &large_text),
        ("files", Some(".hidden"), "x"),
        ("files", Some("empty"), ""),
        ("files", Some(""), ""),
    ];
    let answer = form(&node, &guest(&node), &fields);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains(blake3::hash(b"theirs").to_hex().as_str()), "{}", answer.text());
    assert!(answer.text().contains("hidden"), "{}", answer.text());
    node.has("a (2).txt", "theirs");
    node.has("large", &large_text);
    node.has("empty", "");
    node.lists("large");
    assert_eq!(std::fs::read(node.loot("a.txt")).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(node.loot(".boucan/uploads")).unwrap().count(), 0);
}

#[test]
fn a_form_that_breaks_off_leaves_nothing() {
    let lan = Lan::new();
    let node = lan.node(2).arg("--inbox").start();
    let body = form_body(&[("files", Some("whole"), "1"), ("files", Some("half"), &"x".repeat(500_000))]);
    let head = form_head(&node, &guest(&node), body.len());
    let mut stream = connect(node.address());
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..400_000]).unwrap();
    wait_until("the first file is here", || inbox(&node).len() == 1);
    drop(stream);
    wait_until("the other one is gone", || std::fs::read_dir(node.loot(".boucan/uploads")).unwrap().count() == 0);
    assert_eq!(inbox(&node).len(), 1);
}

#[test]
fn a_form_in_which_no_field_begins_is_not_gathered() {
    let lan = Lan::new();
    let node = lan.node(2).arg("--inbox").start();
    for begun in ["", "--XyZ\r\nContent-Disposition: form-data; name=\"files\"; filename=\""] {
        let body = begun.to_owned() + &"x".repeat(300_000);
        // Far more is announced than is sent: the answer does not wait for it.
        let mut stream = connect(node.address());
        stream.write_all(form_head(&node, &guest(&node), 1 << 40).as_bytes()).unwrap();
        let _ = stream.write_all(body.as_bytes());
        assert_eq!(read_answer(&mut stream).status, 400, "{begun}");
    }
}

#[test]
fn what_a_form_may_not_bring_passes_by() {
    let lan = Lan::new();
    let node = lan.node(2).arg("--inbox").start();
    let large = "x".repeat(700_000);
    let fields = [("files", Some(".hidden"), large.as_str()), ("more", None, &large), ("files", Some("a"), "1")];
    let answer = form(&node, &guest(&node), &fields);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(inbox(&node).len(), 1, "{}", answer.text());
}

#[test]
fn who_is_refused_hears_it_while_still_sending() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let body = form_body(&[("files", Some("large"), &"x".repeat(3_000_000))]);
    let mut stream = connect(node.address());
    let _ = stream.set_write_timeout(Some(Duration::from_secs(20)));
    stream.write_all(form_head(&node, &guest(&node), body.len()).as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).status, 403);
}

/// A form as browsers send it: name, file name, content.
fn form(node: &Node, more: &str, fields: &[(&str, Option<&str>, &str)]) -> Answer {
    let body = form_body(fields);
    Answer::parse(&exchange(node.address(), (form_head(node, more, body.len()) + &body).as_bytes()))
}

fn form_head(node: &Node, more: &str, length: usize) -> String {
    format!(
        "POST /bring HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{more}\
         Content-Type: multipart/form-data; boundary=XyZ\r\nContent-Length: {length}\r\n\r\n",
        node.address()
    )
}

fn form_body(fields: &[(&str, Option<&str>, &str)]) -> String {
    let field = |(name, file, content): &(&str, Option<&str>, &str)| {
        let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: application/octet-stream"));
        let file = file.unwrap_or_default();
        format!("--XyZ\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n")
    };
    fields.iter().map(field).collect::<String>() + "--XyZ--\r\n"
}

fn percent(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
