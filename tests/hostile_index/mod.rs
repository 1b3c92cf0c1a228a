//! Indexes of hostile neighbours: each odd line stands between two honest ones, which must still
//! be mirrored, and nothing else may appear anywhere.

mod whole;

use std::collections::BTreeSet;

use super::support::lan::{Lan, Node, tree};
use super::support::scripted::{Kind, Scripted};
use super::support::wait_until;

/// What becomes of a line.
enum Then {
    /// Nothing of it is stored.
    LeftOut,
    /// It is stored under this name, asked for by that one.
    Stored(&'static str, &'static str),
    /// One of these is stored: they cannot stand together.
    OneOf([&'static str; 2]),
}

use Then::{LeftOut, OneOf, Stored};

const CONTENT: &str = "1234";

/// A neighbour of its own that lists one odd thing, and serves whatever it is asked.
fn lists(lan: &Lan, last: u8, odd: &[u8]) -> Scripted {
    let scripted = Scripted::start(lan, last, Kind::Py);
    scripted.offers(&format!("before-{last}"), "ctl").lists(odd).offers(&format!("zz-after-{last}"), "ctl");
    for line in odd.split(|b| *b == b'\n') {
        let comma = line.iter().rposition(|b| *b == b',').unwrap_or(line.len());
        let name = String::from_utf8_lossy(&line[..comma]).into_owned();
        if name == "forban/index" {
            continue; // its index stays what it is
        }
        scripted.answers(&name, super::support::scripted::answers::content(CONTENT.into()));
    }
    scripted
}

/// Plays all rows at once against one node, and judges its folder.
fn play(node: &Node, lan: &Lan, rows: &[(Vec<u8>, Then, &str)]) {
    let outside = outside_of(node);
    let scripted: Vec<(Scripted, u8)> =
        (10..).zip(rows).map(|(last, (odd, ..))| (lists(lan, last, odd), last)).collect();
    for (scripted, _) in &scripted {
        scripted.announce();
    }
    for ((scripted, last), (_, then, why)) in scripted.iter().zip(rows) {
        for control in ["before", "zz-after"] {
            wait_until(&format!("{why}: {control}-{last} is mirrored"), || {
                node.loot(&format!("{control}-{last}")).exists()
            });
        }
        match then {
            LeftOut => {}
            Stored(name, asked) => {
                wait_until(&format!("{why}: {name:?} is mirrored"), || node.loot(name).exists());
                assert!(!scripted.requests_for(asked).is_empty(), "{why}: {:?}", scripted.requests());
            }
            OneOf(names) => wait_until(why, || names.iter().any(|name| node.loot(name).exists())),
        }
    }
    judge(node, rows);
    assert_eq!(outside_of(node), outside, "nothing appears outside");
}

fn judge(node: &Node, rows: &[(Vec<u8>, Then, &str)]) {
    let mut found: BTreeSet<String> = tree(&node.loot("")).into_keys().collect();
    for (last, (_, then, why)) in (10..).zip(rows) {
        assert!(found.remove(&format!("before-{last}")) && found.remove(&format!("zz-after-{last}")));
        match then {
            LeftOut => {}
            Stored(name, _) => assert!(found.remove(*name), "{why}: {name}"),
            OneOf(names) => {
                let stored = names.iter().filter(|name| found.remove(**name)).count();
                assert_eq!(stored, 1, "{why}: one of {names:?}");
            }
        }
    }
    assert!(found.is_empty(), "also stored: {found:?}");
    let hidden: Vec<String> = std::fs::read_dir(node.loot(""))
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(hidden.iter().filter(|name| name.starts_with('.')).collect::<Vec<_>>(), [".boucan"]);
}

/// What is beside the shared folder and the node's own.
fn outside_of(node: &Node) -> BTreeSet<std::path::PathBuf> {
    let home = node.loot("").parent().unwrap().to_owned();
    let beside =
        |folder: &std::path::Path| std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    beside(&home).into_iter().chain(beside(home.parent().unwrap())).collect()
}

fn row(odd: impl AsRef<[u8]>, then: Then, why: &'static str) -> (Vec<u8>, Then, &'static str) {
    (odd.as_ref().to_vec(), then, why)
}

#[test]
fn a_line_that_is_none_costs_only_itself() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let rows = [
        row("no comma here", LeftOut, "no comma kills both old programs"),
        row("", LeftOut, "an empty line"),
        row(",5", LeftOut, "no name"),
        row("x,", LeftOut, "no size"),
        row("x,ten", LeftOut, "a size that is no number kills Forban"),
        row("x,-1", LeftOut, "no file is that small"),
        row("x,+4", LeftOut, "a sign"),
        row("x, 4", LeftOut, "a blank"),
        row("x,4.0", LeftOut, "a fraction"),
        row("x,1e3", LeftOut, "an exponent"),
        row("x,0x4", LeftOut, "a prefix"),
        row("x,9223372036854775808", LeftOut, "2^63: no file is that long"),
        row("x,18446744073709551620", LeftOut, "2^64 + 4: cut to 64 bits it is 4"),
        row("huge,9223372036854775807", LeftOut, "no disk holds it"),
        row([vec![b'x'; 10 << 20], b",4".to_vec()].concat(), LeftOut, "a line of 10 MiB"),
        row("comma,in,name.txt,4", Stored("comma,in,name.txt", "comma,in,name.txt"), "the last comma counts"),
        row("crlf.txt,4\r", Stored("crlf.txt", "crlf.txt"), "lines that end in CR LF"),
        row("same.txt,4\nsame.txt,5\nsame.txt,6", Stored("same.txt", "same.txt"), "of one name the first line counts"),
    ];
    play(&node, &lan, &rows);
}

#[test]
fn a_name_that_leads_elsewhere_is_left_out() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let rows = [
        row("../escape,4", LeftOut, "goforban writes outside"),
        row("../../../tmp/escape,4", LeftOut, "further outside"),
        row("a/../../escape,4", LeftOut, "outside by a detour"),
        row("./here,4", LeftOut, "stored under another name than listed"),
        row("a//b,4", LeftOut, "stored under another name than listed"),
        row("a/./b,4", LeftOut, "the same"),
        row("a/,4", LeftOut, "a folder"),
        row("//etc/passwd,4", LeftOut, "two slashes"),
        row("/abs/x,4", Stored("abs/x", "/abs/x"), "one is stripped, but we ask as listed"),
        row("..\\..\\w1,4", LeftOut, "a path on Windows"),
        row("a\\w2,4", LeftOut, "the same"),
        row("\\\\srv\\w3,4", LeftOut, "another host on Windows"),
        row("C:\\w4,4\nC:w5,4\nx:ads,4", LeftOut, "drives"),
        row("forban/index,4\nFORBAN/x,4\nforban/../forban/index,4", LeftOut, "the tree that nodes keep for themselves"),
        row(".hidden,4\na/.git/config,4\n.boucan/spool/x.part,4\n.stfolder,4", LeftOut, "hidden"),
        row(".boucan,4", LeftOut, "our own folder"),
        row([b"a\xff".as_slice(), b",4\n\xc0\xaf,4\na\xed\xa0\x80,4"].concat(), LeftOut, "no UTF-8: it kills Forban"),
        row(format!("{},4", "d/".repeat(33) + "x"), LeftOut, "34 folders deep"),
        row(format!("{},4", ["y".repeat(250).as_str(); 5].join("/")), LeftOut, "beyond 1,024 bytes"),
        row(format!("{},4", "z".repeat(256)), LeftOut, "no file system holds it"),
        row(format!("{},4", "z".repeat(250)), LeftOut, "we could not list it: it would be fetched for ever"),
    ];
    play(&node, &lan, &rows);
}

#[test]
fn a_name_that_deceives_or_does_not_fit_everywhere_is_left_out() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let rows = [
        row("nul\0x,4\ncr\rx,4\ntab\tx,4\nesc\u{1b}[0m,4\ndel\u{7f},4\nnel\u{85}x,4", LeftOut, "control characters"),
        row("ls\u{2028}x,4\nps\u{2029}x,4", LeftOut, "line breaks for Forban"),
        row("\u{feff}bom.txt,4", LeftOut, "a byte order mark"),
        row("gnp\u{202e}exe.txt,4\na\u{2066}b,4\na\u{200e}b,4\na\u{200f}b,4", LeftOut, "it reads as another name"),
        row("CON,4\nnul.txt,4\naux.tar.gz,4\nCOM1,4\nLPT0.x,4\nCOM¹,4\nCONIN$,4", LeftOut, "devices on Windows"),
        row("dot.,4\nblank ,4\n lead,4\nd /x,4", LeftOut, "Windows strips what it ends with"),
        row("a*b,4\nwhat?,4\nq\"q,4\na<b,4\na>b,4\na|b,4", LeftOut, "Windows cannot store it"),
        row("desktop.ini,4\nd/AUTORUN.INF,4", LeftOut, "Windows acts on it"),
        row("Foo,4\nfoo,4", OneOf(["Foo", "foo"]), "twins in case"),
        row("\u{e9}.txt,4\ne\u{301}.txt,4", OneOf(["\u{e9}.txt", "e\u{301}.txt"]), "twins in composition"),
        row("stra\u{df}e,4\nSTRASSE,4", OneOf(["stra\u{df}e", "STRASSE"]), "twins when folded"),
        row("p,4\np/inner,4", OneOf(["p", "p/inner"]), "a file and a folder"),
        row("Tom: a life.txt,4", Stored("Tom: a life.txt", "Tom: a life.txt"), "common on Unix"),
        row("%41 + &#?x=.txt,4", LeftOut, "the question mark"),
        row("%41 + &#x=;.txt,4", Stored("%41 + &#x=;.txt", "%41 + &#x=;.txt"), "only odd in an address"),
    ];
    play(&node, &lan, &rows);
    let page = node.get("/held-back").text();
    assert!(page.contains("CON") && page.contains("desktop.ini"), "the operator sees what was not copied");
}

#[test]
fn names_that_some_system_cannot_store_come_when_asked_for() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().arg("--any-name").start();
    let rows = [
        row("What?.mp3,4", Stored("What?.mp3", "What?.mp3"), "Unix stores it"),
        row(" lead,4", Stored(" lead", " lead"), "Unix stores it"),
        row("../escape,4\n.hidden,4\na\\b,4", LeftOut, "no system should"),
        row(format!("{},4", "z".repeat(250)), LeftOut, "we could not list it"),
    ];
    play(&node, &lan, &rows);
}
