//! Many small files in one answer: what is asked and given, and that a mirror which fetches so
//! brings every file and harms none.

use super::support::http;
use super::support::lan::{Lan, Node, tree};
use super::support::wait_until;

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
