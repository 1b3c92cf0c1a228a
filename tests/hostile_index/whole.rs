//! Indexes that are wrong as a whole: no index, too much of it, too slow, not what was announced.

use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use boucan::wire::{IndexHmac, IndexKey};

use super::super::support::lan::Lan;
use super::super::support::scripted::answers::{self, Script};
use super::super::support::scripted::{Kind, Scripted};
use super::super::support::wait_until;

#[test]
fn an_answer_that_is_no_index_is_not_taken_and_holds_nobody_up() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let victim = TcpListener::bind(lan.address(99)).unwrap();
    let redirect = format!("HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", lan.address(99));
    let with = |head: &str| answers::raw(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nevil,4\n"));
    let rows: [(Script, &str); 11] = [
        (answers::raw(redirect), "it leads to another host"),
        (answers::raw("SSH-2.0-OpenSSH\r\n"), "no HTTP: it kills Forban"),
        (answers::raw(""), "closed without a word"),
        (answers::status("404 Not Found"), "no such thing"),
        (answers::status("500 Internal Server Error"), "broken"),
        (answers::raw("HTTP/1.1 206 Partial Content\r\nContent-Length: 7\r\n\r\nevil,4\n"), "a part, not asked for"),
        (with("Content-Encoding: gzip"), "encoded, not asked for"),
        (with("Content-Length: 83886081"), "beyond 80 MiB, and says so"),
        (with("Content-Length: 500"), "it ends early"),
        (with("Transfer-Encoding: chunked"), "no chunks"),
        (answers::drips("HTTP/1.1 200 OK\r\n\r\nevil,4\n", Duration::from_secs(1)), "it never ends"),
    ];
    let scripted: Vec<Scripted> = (10..)
        .zip(rows)
        .map(|(last, (answer, _why))| {
            let scripted = Scripted::start(&lan, last, Kind::Py);
            scripted.answers("forban/index", answer).answers("evil", answers::content(b"evil".to_vec())).announce();
            scripted
        })
        .collect();
    for scripted in &scripted {
        wait_until("it is asked", || !scripted.requests_for("forban/index").is_empty());
    }
    let honest = Scripted::start(&lan, 3, Kind::Py);
    honest.offers("ctl", "ctl").announce();
    node.has("ctl", "ctl");
    assert!(!node.loot("evil").exists());
    victim.set_nonblocking(true).unwrap();
    assert!(victim.accept().is_err(), "a redirect was followed");
}

#[test]
fn a_login_page_does_not_replace_what_was_known() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    py.offers("known.txt", "known").announce();
    wait_until("it is known", || node.get("/q/?v=known").text().contains("known.txt"));
    py.lists_only("<html>\n<head><title>Log in, please</title></head>\n<body>\n</body></html>\n").announce();
    wait_until("the page is read", || py.requests_for("forban/index").len() == 2);
    wait_until("it is said", || node.get("/near").text().contains("the answer is not an index"));
    assert!(node.get("/q/?v=known").text().contains("known.txt"));
}

#[test]
fn an_endless_index_is_read_up_to_80_mebibytes() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let py = Scripted::start(&lan, 3, Kind::Py);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let endless = answers::script(move |_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            count.fetch_add(stream.write(&[b'x'; 64 * 1024])?, Ordering::Relaxed);
        }
    });
    py.answers("forban/index", endless).announce();
    wait_until("it is given up", || node.get("/near").text().contains("the index is larger"));
    // What the two ends' buffers hold was sent and never read.
    assert!(sent.load(Ordering::Relaxed) < (80 << 20) + (16 << 20), "{sent:?}");
}

#[test]
fn an_index_that_is_not_what_was_announced_is_used_and_read_again() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let go = Scripted::start(&lan, 3, Kind::Go);
    go.offers("a.txt", "a").announce_hmac(&"0".repeat(40));
    node.has("a.txt", "a");
    wait_until("it is read again with a later announcement", || {
        go.announce_hmac(&"0".repeat(40));
        go.requests_for("forban/index").len() >= 2
    });
}

#[test]
fn with_a_pre_shared_key_only_indexes_that_prove_it_are_taken() {
    let lan = Lan::new();
    let builder = lan.node(2).opportunistic();
    let key_file = builder.loot().with_file_name("psk");
    std::fs::write(&key_file, "our secret\n").unwrap();
    let node = builder.arg("--psk-file").arg(key_file.to_str().unwrap()).start();
    let hmac =
        |body: &str, key: &str| IndexHmac::of(body.as_bytes(), &IndexKey::PreShared(key.as_bytes().into())).to_string();
    let rows = [
        (hmac("no-0,1\n", "forban"), "everybody knows this key"),
        (hmac("no-1,1\n", "Forban"), "and this one"),
        (hmac("no-2,1\n", "our secret\n"), "the newline of the file is no part of the key"),
        (hmac("another index", "our secret"), "the key, but not this index"),
        (String::new(), "no hmac"),
    ];
    let refused: Vec<Scripted> = rows
        .iter()
        .enumerate()
        .map(|(n, (hmac, _))| {
            let scripted = Scripted::start(&lan, 10 + u8::try_from(n).unwrap(), Kind::Py);
            scripted.offers(&format!("no-{n}"), "x").announce_hmac(hmac);
            scripted
        })
        .collect();
    for (scripted, (_, why)) in refused.iter().zip(&rows) {
        wait_until(why, || !scripted.requests_for("forban/index").is_empty());
    }
    let friend = Scripted::start(&lan, 3, Kind::Specified);
    friend.offers("yes", "x").announce_hmac(&hmac("yes,1\n", "our secret"));
    node.has("yes", "x");
    for (n, (scripted, (_, why))) in refused.iter().zip(&rows).enumerate() {
        assert!(!node.loot(&format!("no-{n}")).exists(), "{why}");
        assert!(scripted.requests_for(&format!("no-{n}")).is_empty(), "{why}");
    }
}
