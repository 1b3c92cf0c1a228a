//! What is new nearby: `/new` and `/new.atom`, over restarts, and what is no news.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::http::{Answer, request};
use crate::support::lan::{Lan, Node};
use crate::support::wait_until;

/// What a reader of feeds makes of it: a line an entry, `id title`, after a line of the feed's own id.
fn entries(feed: &[u8]) -> Vec<String> {
    const READER: &str = r#"
import sys, xml.etree.ElementTree as tree
A = "{http://www.w3.org/2005/Atom}"
feed = tree.parse(sys.stdin.buffer).getroot()
assert feed.tag == A + "feed", feed.tag
def only(of, name):
    found = of.findall(A + name)
    assert len(found) == 1, (name, found)
    return found[0]
assert only(feed, "updated").text.endswith("Z") and only(feed, "title").text
links = {link.get("rel"): link.get("href") for link in feed.findall(A + "link")}
assert links["self"].endswith("/new.atom") and links["self"].startswith("http://"), links
print(only(feed, "id").text)
for entry in feed.findall(A + "entry"):
    assert only(entry, "updated").text >= only(entry, "published").text
    assert only(entry, "link").get("href").startswith("http://")
    assert only(only(entry, "author"), "name").text and only(entry, "content").get("type") == "xhtml"
    print(only(entry, "id").text, only(entry, "title").text)
"#;
    let mut python =
        Command::new("python3").args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(feed).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(feed));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn feed(node: &Node) -> Answer {
    let answer = node.get("/new.atom");
    assert_eq!(answer.header("content-type"), Some("application/atom+xml; charset=utf-8"));
    answer
}

/// Waits until the feed tells something with all these words.
#[track_caller]
fn tells(node: &Node, words: &[&str]) {
    wait_until(&format!("{} tells of {words:?}: {}", node.ip(), feed(node).text()), || {
        entries(&feed(node).body).iter().any(|entry| words.iter().all(|word| entry.contains(word)))
    });
}

fn count(node: &Node, word: &str) -> usize {
    entries(&feed(node).body).iter().filter(|entry| entry.contains(word)).count()
}

#[test]
fn a_thousand_files_are_one_entry_which_keeps_its_id_over_a_restart() {
    let lan = Lan::new();
    let theirs = lan.node(2).file("old.txt", "old").start();
    let ours = lan.node(3).start();
    tells(&ours, &["node-127.0.0.2 is here with 1 file"]);
    let prepared = theirs.loot("").with_file_name("prepared");
    for number in 0..1_000 {
        let folder = prepared.join((number % 20).to_string());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{number}.txt")), format!("{number}")).unwrap();
    }
    std::fs::rename(prepared, theirs.loot("many")).unwrap();
    tells(&ours, &["node-127.0.0.2", "1,000 files", "in many"]);
    let before = entries(&feed(&ours).body);
    assert_eq!(before.len(), 3, "{before:?}");
    assert!(before.iter().all(|line| line.starts_with("urn:uuid:")), "{before:?}");
    let page = ours.get("/new").text();
    assert!(page.contains("1,000 files") && page.contains("and 994 more") && page.contains("?d=many"), "{page}");

    let log = ours.log();
    let (home, (_, status)) = (lan.node(3), ours.terminate());
    assert_eq!(status, Some(0), "{log}");
    let again = home.start();
    assert_eq!(entries(&feed(&again).body), before, "a restart keeps all of it");
}

#[test]
fn what_came_while_this_node_was_off_is_new_and_what_it_knew_is_not() {
    let lan = Lan::new();
    let theirs = lan.node(2).file("old.txt", "old").start();
    let ours = lan.node(3).file("mine.txt", "mine").start();
    tells(&ours, &["is here with 1 file"]);
    let builder = lan.node(3);
    ours.terminate();
    theirs.put("Films/Harbour.mkv", "meanwhile");
    theirs.lists("Films/Harbour.mkv");
    std::fs::write(builder.loot().join("also.txt"), "mine too").unwrap();
    let again = builder.start();
    tells(&again, &["node-127.0.0.2", "1 file", "in Films"]);
    tells(&again, &["node-127.0.0.3", "1 file"]);
    assert_eq!(count(&again, "is here"), 1, "nobody is met twice");
    assert_eq!(entries(&feed(&again).body).len(), 4, "{}", feed(&again).text());
    let uuid = std::fs::read_to_string(theirs.state("uuid")).unwrap();
    let page = again.get("/new").text();
    assert!(page.contains(&format!("/file/{}?g=Films/Harbour.mkv", uuid.trim())), "{page}");
    assert!(page.contains("also.txt") && !page.contains("mine.txt") && !page.contains("old.txt"), "{page}");
}

#[test]
fn copies_and_other_names_of_what_is_known_are_no_news() {
    let lan = Lan::new();
    let theirs = lan.node(2).start();
    let mirror = lan.node(4).opportunistic().start();
    let ours = lan.node(3).start();
    tells(&ours, &["node-127.0.0.2 is here"]);
    tells(&ours, &["node-127.0.0.4 is here"]);
    theirs.put("song.ogg", "la la la");
    mirror.has("song.ogg", "la la la");
    tells(&ours, &["node-127.0.0.2", "1 file"]);
    tells(&mirror, &["node-127.0.0.2: 1 file"]);
    std::fs::rename(theirs.loot("song.ogg"), theirs.loot("renamed.ogg")).unwrap();
    theirs.lists("renamed.ogg");
    // What comes last shows that the rest was looked at.
    theirs.put("last/really new.txt", "new");
    tells(&ours, &["1 file", "in last"]);
    tells(&mirror, &["1 file", "in last"]);
    for node in [&ours, &mirror] {
        let entries = entries(&feed(node).body);
        assert_eq!(
            entries.iter().filter(|entry| entry.contains("1 file") && !entry.contains("is here")).count(),
            2,
            "{entries:?}"
        );
        assert!(!node.get("/new").text().contains("renamed.ogg"));
    }
}

#[test]
fn a_reader_sees_what_is_new_since_the_last_visit() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    wait_until("the folder was read", || node.get("/new").status == 200);
    node.put("a.txt", "a");
    tells(&node, &["1 file"]);
    let cookie = |value: &str| format!("Cookie: boucan-seen-{}={value}\r\n", lan.port);
    let get = |target: &str, value: &str| request(node.address(), "GET", target, &cookie(value)).text();
    let first = node.get("/new");
    let set = first.header("set-cookie").unwrap().to_owned();
    assert!(set.contains("HttpOnly; SameSite=Lax") && !first.text().contains("since your last visit"), "{set}");
    let long_ago = get("/new", "0-1000000000");
    assert!(long_ago.contains("1 new since your last visit") && long_ago.contains(">new</span>"), "{long_ago}");
    let badge = "<span class=\"badge accent\">1</span>";
    assert!(get("/help", "0-1000000000").contains(badge), "beside the tab");
    let value = set.split(';').next().unwrap().split_once('=').unwrap().1;
    assert!(!get("/help", value).contains(badge), "it was seen");
    assert!(!get("/help", "nonsense").contains(badge));
}

#[test]
fn a_feed_that_did_not_change_is_not_sent_again_and_holds_any_name() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    node.put("a <b>&amp; ]]> \u{ffff} 'q' \u{fe0f}.txt", "hostile");
    tells(&node, &["1 file"]);
    let first = feed(&node);
    assert!(!first.text().contains("<b>"));
    let etag = first.header("etag").unwrap().to_owned();
    let known = request(node.address(), "GET", "/new.atom", &format!("If-None-Match: {etag}\r\n"));
    assert_eq!((known.status, known.body.len()), (304, 0));
    let french = request(node.address(), "GET", "/new.atom", "Accept-Language: fr\r\n").text();
    assert!(french.contains("xml:lang=\"fr\"") && french.contains("1 fichier"), "{french}");
    assert_eq!(
        entries(&first.body)[1],
        entries(french.as_bytes())[1]
            .replace("1 fichier", "1 file")
            .replace("7\u{a0}o", "7\u{a0}B")
            .replace("\u{202f}:", ":")
    );
}
