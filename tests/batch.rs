//! Many small files in one answer: what is asked and given, and that a mirror which fetches so
//! brings every file and harms none.

use std::collections::HashMap;
use std::io::Read as _;

use super::support::http;
use super::support::lan::{Lan, Node, tree};
use super::support::scripted::answers::{After, script};
use super::support::scripted::{Kind, Request, Script, Scripted};
use super::support::wait_until;

const BATCH: &str = "forban/index.batch";

/// Asks for names, a line each.
fn ask(node: &Node, names: &str) -> http::Answer {
    let request = format!(
        "POST /s/?g=forban/index.batch HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{names}",
        node.address(),
        names.len()
    );
    http::Answer::parse(&http::exchange(node.address(), request.as_bytes()))
}

/// What a chunked body holds.
fn content(answer: &http::Answer) -> Vec<u8> {
    let (mut rest, mut content) = (answer.body.as_slice(), Vec::new());
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return content;
        }
        content.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}

#[test]
fn each_name_is_given_its_file_or_nothing_in_that_order() {
    let lan = Lan::new();
    let node = lan.node(2).file("d/a.txt", "hello").file("empty", "").file("large", vec![7; 65_537]).start();
    std::os::unix::fs::symlink("/etc/passwd", node.loot("link")).unwrap();
    let names = "d/a.txt\nnot here\nempty\nlarge\n../secret\nlink\n.boucan/x\nd\nd/a.txt\n";
    let answer = ask(&node, names);
    assert_eq!(answer.status, 200);
    assert_eq!(String::from_utf8(content(&answer)).unwrap(), "5\nhello-\n0\n-\n-\n-\n-\n-\n5\nhello");
}

#[test]
fn what_is_no_list_is_refused_and_nothing_else_takes_a_body() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    assert_eq!(ask(&node, "").status, 400);
    assert_eq!(ask(&node, &"a\n".repeat(1_025)).status, 400);
    assert_eq!(ask(&node, &"x".repeat(256 * 1024 + 1)).status, 400);
    let post =
        format!("POST /s/?g=a HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", node.address());
    assert_eq!(http::status(node.address(), post.as_bytes()), Some(405));
}

#[test]
fn a_library_of_small_files_arrives_whole_and_touches_nothing_of_ones_own() {
    let lan = Lan::new();
    let mut from = lan.node(2);
    for number in 0..1_500 {
        from = from.file(&format!("shelf {}/{number}.txt", number % 7), "x".repeat(number % 300));
    }
    let from = from.file("big.bin", vec![5; 200_000]).file("mine.txt", "theirs").start();
    let to =
        lan.node(3).opportunistic().file("mine.txt", "my own words").file("shelf 3", "a file, not a folder").start();
    let complete = |node: &Node| {
        let files = tree(&node.loot(""));
        (0..1_500)
            .filter(|number| number % 7 != 3)
            .all(|number| files.contains_key(&format!("shelf {}/{number}.txt", number % 7)))
            && files.contains_key("big.bin")
    };
    wait_until("all that can stand here has arrived", || complete(&to));
    let (theirs, ours) = (tree(&from.loot("")), tree(&to.loot("")));
    assert!(
        ours.iter()
            .filter(|(name, _)| !name.starts_with("mine") && !name.starts_with("shelf 3"))
            .all(|(name, content)| theirs[name] == *content)
    );
    assert_eq!(ours["mine.txt"], b"my own words");
    assert_eq!(ours["shelf 3"], b"a file, not a folder");
}

#[test]
fn files_whose_names_do_not_fit_into_one_request_arrive_all_the_same() {
    let lan = Lan::new();
    // About a thousand bytes each; a request has at most 256 KiB.
    let folder = ["x"; 4].map(|x| x.repeat(240)).join("/");
    let name = |number: usize| format!("{folder}/{number}");
    let from = (0..400).fold(lan.node(2), |node, at| node.file(&name(at), at.to_string())).start();
    let to = lan.node(3).opportunistic().start();
    wait_until("all have arrived", || (0..400).all(|number| to.loot(&name(number)).exists()));
    assert!(!to.log().contains("a file did not come"), "{}", to.log());
    assert_eq!(tree(&to.loot("")), tree(&from.loot("")));
}

/// Answers batches by a function of the names that are asked for.
fn to_batches(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Script {
    script(move |request: &Request, stream| {
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut names = vec![0; length];
        stream.read_exact(&mut names)?;
        std::io::Write::write_all(stream, &answer(&String::from_utf8(names).unwrap()))?;
        Ok(After::GoOn)
    })
}

/// Gives these, as much as they hold.
fn gives(files: &[(&str, &[u8])]) -> Script {
    let files: HashMap<String, Vec<u8>> =
        files.iter().map(|(name, content)| ((*name).into(), content.to_vec())).collect();
    to_batches(move |names| {
        let of = |name: &str| files.get(name).map(|of| [format!("{}\n", of.len()).as_bytes(), of].concat());
        let body: Vec<u8> = names.lines().flat_map(|name| of(name).unwrap_or_else(|| b"-\n".into())).collect();
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()
    })
}

#[test]
fn who_knows_no_batches_is_asked_once_for_one_and_then_for_each_file() {
    for status in ["404 Not Found", "405 Method Not Allowed"] {
        let lan = Lan::new();
        let node = lan.node(2).opportunistic().start();
        let old = Scripted::start(&lan, 3, Kind::Specified);
        let refusal = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes();
        old.answers(BATCH, to_batches(move |_| refusal.clone()));
        for files in [["a", "b", "c"], ["d", "e", "f"]] {
            for name in files {
                old.offers(name, name).tells(name, name);
            }
            old.announce();
            files.iter().for_each(|name| node.has(name, name));
            assert_eq!(old.requests_for(BATCH).len(), 1, "{status}");
        }
    }
}

#[test]
fn after_an_answer_that_is_none_the_neighbour_rests_and_is_asked_again_later() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let broken = Scripted::start(&lan, 3, Kind::Specified);
    for name in ["a", "b", "c"] {
        broken.offers(name, name).tells(name, name);
    }
    let nonsense = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nnonsense";
    broken.answers(BATCH, to_batches(|_| nonsense.to_vec())).announce();
    wait_until("it is said to rest, and why", || {
        broken.announce();
        node.get("/mirror.json").text().contains("its answer with many files was wrong")
    });
    assert!(tree(&node.loot("")).is_empty());
    broken.answers(BATCH, gives(&[("a", b"a"), ("b", b"b"), ("c", b"c")]));
    ["a", "b", "c"].iter().for_each(|name| node.has(name, name));
}

#[test]
fn a_file_of_another_length_than_is_listed_does_not_keep_the_others() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let odd = Scripted::start(&lan, 3, Kind::Specified);
    odd.offers("a", "a").tells("a", "a").offers("z", "z").tells("z", "z").lists("long,1");
    odd.answers(BATCH, gives(&[("a", b"a"), ("long", &[7; 65_536]), ("z", b"z")])).announce();
    node.has("a", "a");
    node.has("z", "z");
    wait_until("it is said what is wrong with the third", || {
        node.log().contains("the answer has 65536 bytes instead of 1")
    });
    assert!(!node.loot("long").exists());
}
