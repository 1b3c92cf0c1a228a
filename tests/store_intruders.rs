//! `/s/`, asked by intruders: nothing but the plain files of the folder is ever read.

use std::os::unix::fs::symlink;

use boucan::wire::b64e;
use boucan::wire::url::query_value;

use super::support::http::Answer;
use super::support::lan::{Lan, NodeBuilder};

const SECRET: &str = "SECRET of the owner";

#[test]
fn nothing_outside_the_folder_is_served_however_it_is_spelled() {
    let lan = Lan::new();
    let builder = lan.node(2).file("a", "a");
    let outside = owner_files_around(&builder);
    let node = builder.start();
    let absolute = outside.to_str().unwrap();
    let names = [
        "../secret",
        "a/../../secret",
        "./../secret",
        "..\\secret",
        "....//secret",
        "..;/secret",
        "-backup/secret",
        "../loot-backup/secret",
        "%2e%2e%2fsecret",
        "..%2fsecret",
        "..%c0%afsecret",
        "/etc/passwd",
        "//etc/passwd",
        "etc/passwd",
        "file:///etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "forban/../../secret",
        "",
        "/",
        ".",
        "..",
        "../state/uuid",
        ".boucan/ledger",
        "~/secret",
        absolute,
    ];
    for name in names {
        let raw = name.replace('\\', "%5C");
        for query in [
            format!("g={raw}"),
            format!("g={}", raw.replace('.', "%2e").replace('/', "%2f")),
            format!("g={}", raw.replace('.', "%c0%ae")),
            format!("g={}", query_value(&query_value(name))),
            format!("g={}&f=b64e", b64e::encode(name.as_bytes())),
        ] {
            is_refused(&node.get(&format!("/s/?{query}")), &query);
        }
    }
    for target in [
        "/../secret",
        "/s/../../secret",
        "/%2e%2e/secret",
        "/static/../../secret",
        "/static/..%2f..%2fsecret",
        "/l/../../secret",
        "//secret",
        "/s//etc/passwd",
        "/s/secret",
    ] {
        is_refused(&node.get(target), target);
    }
    for folder in ["../", "..", "/etc", "/", "%2e%2e%2f", "a/.."] {
        is_refused(&node.get(&format!("/l/?d={folder}")), folder);
    }
}

/// Files beside the shared folder: `secret`, and the same in `loot-backup`.
fn owner_files_around(builder: &NodeBuilder) -> std::path::PathBuf {
    let home = builder.loot().parent().unwrap().to_owned();
    std::fs::create_dir(home.join("loot-backup")).unwrap();
    std::fs::write(home.join("loot-backup/secret"), SECRET).unwrap();
    std::fs::write(home.join("secret"), SECRET).unwrap();
    home.join("secret")
}

#[track_caller]
fn is_refused(answer: &Answer, what: &str) {
    assert!(matches!(answer.status, 400 | 404), "{what}: {}\n{}", answer.head, answer.text());
    assert!(!answer.text().contains("SECRET") && !answer.text().contains("root:"), "{what}: {}", answer.text());
}

#[test]
fn what_is_no_plain_file_is_neither_listed_nor_served() {
    let lan = Lan::new();
    let builder = lan.node(2).file("inside/real", "real");
    let loot = builder.loot();
    owner_files_around(&builder);
    for (link, target) in [
        ("file-out", "../secret"),
        ("chain", "file-out"),
        ("dangling", "nowhere"),
        ("loop", "loop"),
        ("up", ".."),
        ("dir-out", "../loot-backup"),
        ("file-in", "inside/real"),
        ("dir-in", "inside"),
        ("root", "/"),
    ] {
        symlink(target, loot.join(link)).unwrap();
    }
    let _socket = std::os::unix::net::UnixListener::bind(loot.join("socket")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(loot.join("fifo")).status().unwrap();
    assert!(made.success());
    let node = builder.start();
    assert_eq!(node.index(), ["inside/real,4"]);
    for name in [
        "file-out",
        "chain",
        "dangling",
        "loop",
        "up",
        "up/secret",
        "dir-out/secret",
        "file-in",
        "dir-in/real",
        "root/etc/passwd",
        "socket",
        "fifo",
        "inside",
        "inside/",
        "inside/real/",
        "inside/real/x",
    ] {
        for query in [format!("g={name}"), format!("g={}&f=b64e", b64e::encode(name.as_bytes()))] {
            let answer = node.get(&format!("/s/?{query}"));
            is_refused(&answer, name);
            assert_eq!(answer.status, 404, "{name}");
        }
    }
    is_refused(&node.get("/l/?d=dir-in"), "a linked folder as a page");
}

#[test]
fn what_cannot_be_a_name_is_a_mistake_of_the_client() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "first").file("b", "second").start();
    let too_long = format!("g={}", "a".repeat(10 * 1024));
    for (query, why) in [
        ("", "no name"),
        ("x=1", "no name"),
        ("g=", "an empty name"),
        ("g", "an empty name"),
        ("g[]=a", "not g"),
        ("f=b64e", "no name"),
        ("g=a%00b", "NUL"),
        ("g=%ff%fe", "not UTF-8"),
        ("g=YQBi&f=b64e", "NUL"),
        ("g=__4udHh0&f=b64e", "not UTF-8"),
        ("g=abcde&f=b64e", "no base64 has this length"),
        ("g=%25%25%25&f=b64e", "not base64"),
        ("g=!YQ!&f=b64e", "padding in front"),
        ("g=Y!Q&f=b64e", "padding inside"),
        ("g=!!!!&f=b64e", "nothing but padding"),
        (&too_long, "10 KiB"),
    ] {
        assert_eq!(node.get(&format!("/s/?{query}")).status, 400, "{why}: {query}");
    }
    assert_eq!(node.get("/s/?g=a&g=b").text(), "first");
}
