//! The golden files: what running Forban and goforban nodes sent, read by our code, and what we
//! send, read by theirs.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use boucan::wire::index::LineError;
use boucan::wire::loot_path::Refusal;
use boucan::wire::{Announcement, Index, IndexHmac, IndexKey, NodeName, b64e, url};
use serde_json::Value;

use super::support::lan::Lan;

const FORBAN: &str = "announce-index.pyforban.json";
const GOFORBAN: &str = "announce-index.goforban.json";

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)).unwrap()
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&vector(name)).unwrap()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}"))
}

fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn recorded_announcements_are_read_and_verify_with_the_practised_key_alone() {
    for file in [FORBAN, GOFORBAN] {
        let recorded = json(file);
        let announcements = recorded["announcements"].as_array().unwrap();
        assert!(!announcements.is_empty(), "{file}");
        for announcement in announcements {
            let datagram = unhex(text(announcement, "hex"));
            let fields: Vec<&str> = text(announcement, "text").split(';').collect();
            let heard = Announcement::parse(&datagram).unwrap();
            assert_eq!(heard.name.as_str(), fields[2], "{file}");
            assert_eq!(heard.uuid.to_string(), fields[4], "{file}");
            assert_eq!(heard.hmac.unwrap().to_string(), fields[6], "{file}");
            let body = base64::prelude::BASE64_STANDARD.decode(text(announcement, "index_body_b64")).unwrap();
            let keys = [IndexKey::Specified, IndexKey::Practised];
            assert_eq!(heard.hmac.unwrap().key_of(&body, &keys), Some(&IndexKey::Practised), "{file}");
            for (key, named) in [(IndexKey::Practised, "hmac_forban"), (IndexKey::Specified, "hmac_Forban")] {
                assert_eq!(IndexHmac::of(&body, &key).to_string(), text(announcement, named), "{file}");
            }
        }
    }
}

/// goforban's reader: a buffer of 1,024 bytes, exactly seven fields, taken by position.
fn read_by_goforban(datagram: &[u8]) -> Option<(String, String, String)> {
    let read = String::from_utf8_lossy(&datagram[..datagram.len().min(1024)]).trim().to_owned();
    let fields: Vec<&str> = read.split(';').collect();
    (fields.len() == 7 && fields[0] == "forban").then(|| (fields[2].into(), fields[4].into(), fields[6].into()))
}

#[test]
fn goforban_takes_our_announcement_whatever_the_name() {
    let hmac = IndexHmac::of(b"", &IndexKey::Specified);
    let uuid = uuid::Uuid::new_v4();
    let long = "🏴‍☠️".repeat(100);
    for (asked, why) in [
        ("galley", "an ordinary name"),
        ("semi;colon", "a separator would make eight fields"),
        (";", "nothing would be left of it"),
        ("two\nlines", "a line break ends the text for some"),
        (long.as_str(), "beyond 1,024 bytes goforban's copy is cut"),
        ("  blanks  ", "white space at an end is stripped by both"),
        ("nœud – 日本", "UTF-8"),
    ] {
        let name = NodeName::new(asked);
        let datagram = Announcement::emit(&name, uuid, hmac);
        let read = read_by_goforban(datagram.as_bytes()).unwrap_or_else(|| panic!("{why}: {datagram}"));
        assert_eq!(read, (name.to_string(), uuid.to_string(), hmac.to_string()), "{why}");
        assert!(datagram.len() < 1024 && !datagram.ends_with(['\n', ';']), "{why}");
        assert_eq!(Announcement::parse(datagram.as_bytes()).unwrap().name.as_str(), name.as_str(), "{why}");
    }
}

/// The names of the shared tree that both programs list and we never take, with the reason.
const LEFT_OUT: [(&str, Refusal); 4] = [
    (".hidden,7", Refusal::Hidden),
    (".hiddendir/inside.txt,7", Refusal::Hidden),
    ("docs/.dot-in-dir,4", Refusal::Hidden),
    ("back\\slash.txt,3", Refusal::WindowsPath),
];

#[test]
fn recorded_indexes_are_read_and_what_is_left_out_is_counted() {
    let links: [(&str, &str, usize, &[&str]); 2] = [
        // It lists its own index and three files of its pages, and follows links.
        ("pyforban.index", FORBAN, 5, &["link-to-dir/ext.txt,9", "link-to-file.txt,6"]),
        // It lists links as files with the length of the link.
        ("goforban.index", GOFORBAN, 2, &["broken-link,12", "link-to-dir,25", "link-to-file.txt,9"]),
    ];
    for (body, tree, reserved, links) in links {
        let (index, refused) = Index::parse(&vector(body)).unwrap();
        let mut expected: Vec<String> =
            shared_tree(tree).into_iter().map(|(name, size)| format!("{name},{size}")).collect();
        expected.retain(|line| !LEFT_OUT.iter().any(|(left_out, _)| left_out == line));
        expected.extend(links.iter().map(|line| (*line).to_owned()));
        let mut lines: Vec<&str> = index.iter().map(|entry| entry.line).collect();
        lines.sort_unstable();
        expected.sort();
        assert_eq!(lines, expected, "{body}");
        let mut left_out: Vec<(&str, LineError)> =
            refused.shown.iter().map(|(line, why)| (line.as_str(), *why)).collect();
        left_out.sort_by_key(|(line, _)| *line);
        let mut named = LEFT_OUT.map(|(line, why)| (line, LineError::Name(why)));
        named.sort_by_key(|(line, _)| *line);
        assert_eq!(left_out, named, "{body}");
        assert_eq!((refused.lines, refused.reserved, refused.duplicates), (4, reserved, 0), "{body}");
    }
}

/// The files of the shared tree with their sizes; folders and links left out.
fn shared_tree(file: &str) -> BTreeMap<String, u64> {
    let recorded = json(file);
    let tree = recorded["share_tree"].as_object().unwrap();
    tree.iter().filter_map(|(name, size)| Some((name.clone(), size.as_u64()?))).collect()
}

#[test]
fn b64e_agrees_with_forban_and_goforban_in_both_directions() {
    let recorded = json("b64e.json");
    for pair in recorded["pairs"].as_array().unwrap() {
        let name = unhex(text(pair, "utf8_hex"));
        let written = text(pair, "b64e");
        assert_eq!(b64e::encode(&name), written);
        if name.is_empty() {
            continue; // no name to ask for: see the edge cases
        }
        assert_eq!(b64e::decode(written.as_bytes()).unwrap(), name, "{written}");
        let standard = text(pair, "standard_base64_as_goforban_sends");
        // Unescaped in a query, its `+` arrives as a blank.
        for seen in [standard.to_owned(), standard.replace('+', " ")] {
            assert_eq!(b64e::decode(seen.as_bytes()).unwrap(), name, "{seen}");
        }
        let ours = b64e::encode_standard(&name).replace("%2B", "+").replace("%2F", "/");
        assert_eq!(ours.replace('!', "="), standard);
        for seen in pair["seen_on_the_wire"].as_object().unwrap().values().filter_map(Value::as_str) {
            assert_eq!(b64e::decode(&url::query_first(&format!("g={seen}"), "g").unwrap()).unwrap(), name, "{seen}");
        }
    }
}

/// What Python's decoder does with an input, and we otherwise, with the reason.
enum Here {
    Alike,
    Refused(&'static str),
    Read(&'static [u8], &'static str),
}

#[test]
fn where_our_decoder_differs_from_pythons_there_is_a_reason() {
    use Here::{Alike, Read, Refused};
    let rows = [
        ("!", Refused("an empty name is nobody's")),
        ("!!!!", Refused("an empty name is nobody's")),
        ("abcde", Alike),
        ("YWJj!", Alike),
        ("YWI", Read(b"ab", "padding says nothing: links lose it")),
        ("YWI!", Alike),
        ("YW I!", Read(b"ao\x88", "a blank is goforban's unescaped “+”")),
        ("YWI!!!", Alike),
        ("YWJj\n", Refused("what is outside both alphabets is a mistake, not to be skipped")),
        ("%", Refused("outside both alphabets")),
        ("_____w!!", Read(b"\xff\xff\xff\xff", "bytes; that they are no text is found where a name is needed")),
        ("////", Read(b"\xff\xff\xff", "as above")),
        ("++++", Read(b"\xfb\xef\xbe", "as above")),
        ("YQ", Read(b"a", "padding says nothing")),
        ("YQ!", Read(b"a", "padding says nothing")),
        ("YQ!!", Alike),
        ("YQ==", Alike),
        ("é", Alike),
    ];
    let recorded = json("b64e.json");
    let cases = recorded["decoder_edge_cases"].as_array().unwrap();
    assert_eq!(cases.len(), rows.len(), "each recorded case has its row");
    for (case, (input, here)) in cases.iter().zip(rows) {
        assert_eq!(text(case, "input"), input);
        let python = text(case, "python_base64e_decode").strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
        let ours = b64e::decode(input.as_bytes()).ok();
        match here {
            Alike => assert_eq!(ours.as_deref(), python.map(str::as_bytes), "{input}"),
            Refused(why) => assert_eq!(ours, None, "{input}: {why}"),
            Read(bytes, why) => {
                assert_eq!(ours.as_deref(), Some(bytes), "{input}: {why}");
                assert_ne!(python.map(str::as_bytes), Some(bytes), "{input} is alike");
            }
        }
    }
}

#[test]
fn every_recorded_request_names_its_file() {
    let recorded = json("http-client.json");
    for (client, requests) in recorded["clients"].as_object().unwrap() {
        let target = |head: &str| head.split(' ').nth(1).unwrap().to_owned();
        assert_eq!(target(text(requests, "index_request")), url::INDEX_TARGET, "{client}");
        for request in requests["file_requests"].as_array().unwrap() {
            let target = target(text(request, "head"));
            let query = target.split_once('?').unwrap().1;
            let g = url::query_first(query, "g").unwrap();
            assert_eq!(b64e::decode(&g).unwrap(), text(request, "name").as_bytes(), "{client}: {target}");
        }
    }
}

/// QUIRKS, section 2: what a compatible node must produce.
fn is_harmless(line: &str) -> bool {
    let Some((name, size)) = line.rsplit_once(',') else { return false };
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    !size.is_empty()
        && size.bytes().all(|b| b.is_ascii_digit())
        && !name.chars().any(breaks)
        && !name.split('/').any(|part| matches!(part, "" | "." | "..") || part.len() > 245 || part.starts_with('.'))
        && !name.starts_with("forban/")
}

#[test]
fn our_index_of_the_recorded_tree_harms_nobody() {
    let lan = Lan::new();
    let mut node = lan.node(2);
    let mut expected = Vec::new();
    for (name, size) in shared_tree(FORBAN) {
        node = node.file(&name, "");
        std::fs::File::options().write(true).open(node.loot().join(&name)).unwrap().set_len(size).unwrap();
        let line = format!("{name},{size}");
        if !LEFT_OUT.iter().any(|(left_out, _)| *left_out == line) {
            expected.push(line);
        }
    }
    for (name, why) in [
        ("forban/index", "reserved"),
        ("forban/css/x.css", "reserved"),
        ("line\nbreak", "control"),
        ("sepa\u{2028}rator", "a line break for Forban"),
        (&"x".repeat(246), "Forban cannot store it"),
    ] {
        assert!(!is_harmless(&format!("{name},1")) || name.contains('\n'), "{why}");
        node = node.file(name, "x");
    }
    std::fs::create_dir(node.loot().join("emptydir")).unwrap();
    for (target, link) in [("plain.txt", "link-to-file.txt"), ("..", "link-to-dir"), ("nowhere", "broken-link")] {
        std::os::unix::fs::symlink(target, node.loot().join(link)).unwrap();
    }
    expected.sort();
    let node = node.start();
    let body = String::from_utf8(node.get(url::INDEX_TARGET).body).unwrap();
    assert!(body.ends_with('\n'));
    let lines: Vec<&str> = body.split_terminator('\n').collect();
    assert_eq!(lines, expected);
    for line in lines {
        assert!(is_harmless(line), "{line}");
    }
}
