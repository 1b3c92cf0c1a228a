//! What the mirror tells of itself: `/mirror`, `/mirror.json` and `/mirror/events`.

use serde_json::Value;

use crate::support::events::Events;
use crate::support::http::{Answer, exchange, request, status};
use crate::support::lan::{Lan, Node};
use crate::support::page::elements;
use crate::support::scripted::{Kind, Scripted, answers};
use crate::support::{wait_for, wait_until};

const SIZE: u64 = 3 << 20;

/// No two parts alike.
fn content() -> Vec<u8> {
    let mut bytes = vec![0; SIZE as usize];
    blake3::Hasher::new().update(b"mirror events").finalize_xof().fill(&mut bytes);
    bytes
}

fn told(node: &Node) -> Value {
    let answer = node.get("/mirror.json");
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    serde_json::from_str(&answer.text()).unwrap()
}

#[test]
fn a_file_on_its_way_is_shown_with_its_source_its_speed_and_the_time_left() {
    let lan = Lan::new();
    let to = lan.node(3).opportunistic().arg("--download-limit").arg("512KiB").start();
    // Who listens before there is anything to tell misses nothing.
    let (mut events, head) = Events::open(to.address(), "/mirror/events");
    let _from = lan.node(2).file("film.mkv", content()).start();
    for header in ["http/1.1 200 ", "content-type: text/event-stream\r\n", "cache-control: no-store\r\n"] {
        assert!(head.contains(header), "{header} in {head}");
    }
    assert_eq!(events.next().0, "state");
    let begun = events.next_of("begun");
    assert_eq!((begun["path"].as_str(), begun["size_bytes"].as_u64()), (Some("film.mkv"), Some(SIZE)));
    let progressed = events.next_of("progressed");
    assert!((1..SIZE).contains(&progressed["here_bytes"].as_u64().unwrap()), "{progressed}");
    let shown = wait_for("it has a speed", || {
        let told = told(&to);
        (told["bytes_per_second"].as_u64() > Some(0) && told["coming"][0]["left_seconds"].is_number()).then_some(told)
    });
    let file = &shown["coming"][0];
    assert_eq!((shown["doing"].as_str(), shown["coming_files"].as_u64()), (Some("fetching"), Some(1)));
    assert_eq!(file["path"].as_str(), Some("film.mkv"));
    assert!(file["bytes_per_second"].as_u64() > Some(0), "{shown}");
    assert_eq!(file["sources"][0]["name"].as_str(), Some("node-127.0.0.2"));
    assert!(file["sources"][0]["bytes"].as_u64() > Some(0), "{shown}");
    assert!(shown["left_seconds"].as_f64() > Some(0.0), "{shown}");
    let text = to.get("/mirror").text();
    let bar = elements(&text).into_iter().find(|element| element.name == "progress");
    assert!(bar.is_some() && text.contains("film.mkv") && text.contains("node-127.0.0.2"), "{text}");
    let landed = events.next_of("landed");
    assert_eq!(landed["path"].as_str(), Some("film.mkv"));
    assert_eq!(landed["sources"][0]["bytes"].as_u64(), Some(SIZE), "{landed}");
    assert!(landed["seconds"].as_f64() > Some(1.0), "{landed}");
    assert_eq!(events.next_of("state")["doing"].as_str(), Some("idle"));
    let after = told(&to);
    assert_eq!((after["coming_files"].as_u64(), after["left_bytes"].as_u64()), (Some(0), Some(0)));
    assert_eq!(after["lately"][0]["path"].as_str(), Some("film.mkv"));
}

#[test]
fn what_waits_is_counted_by_reason_and_named_to_the_operator() {
    let lan = Lan::new();
    let theirs = lan.node(2).file("small", "fits").file("large.bin", vec![7; 200_000]).start();
    let ours = lan.node(3).opportunistic().arg("--budget").arg("100KB").arg("--also-called").arg("galley").start();
    ours.has("small", "fits");
    let waiting = wait_for("the large one waits", || {
        let told = told(&ours);
        (told["waiting_files"].as_u64() == Some(1)).then(|| told["waiting"][0].clone())
    });
    assert_eq!(waiting["reason"].as_str(), Some("no-room"), "{waiting}");
    assert_eq!(waiting["sentence"].as_str(), Some("the budget of 100.0 kB for mirrored files is used up"));
    assert_eq!((waiting["files"].as_u64(), waiting["bytes"].as_u64()), (Some(1), Some(200_000)));
    // Who asks from the machine itself, by a loopback name, is the operator; by another name nobody.
    assert_eq!(waiting["first"][0]["path"].as_str(), Some("large.bin"), "{waiting}");
    let page = ours.get("/mirror").text();
    assert!(page.contains("The 100\u{a0}kB for copies are used up.") && page.contains("large.bin"), "{page}");
    let port = lan.port;
    let said = [("/mirror", "The 100\u{a0}kB for copies"), ("/mirror.json", "the budget of 100.0 kB")];
    for (target, said) in said {
        let text = format!("GET {target} HTTP/1.1\r\nHost: galley:{port}\r\nConnection: close\r\n\r\n");
        let text = Answer::parse(&exchange(ours.address(), text.as_bytes())).text();
        assert!(text.contains(said) && !text.contains("large.bin"), "{target}: {text}");
    }
    drop(theirs);
}

#[test]
fn a_file_that_did_not_come_is_said_to_wait_for_its_next_turn() {
    let lan = Lan::new();
    let ours = lan.node(2).opportunistic().start();
    let (mut events, _) = Events::open(ours.address(), "/mirror/events");
    let broken = Scripted::start(&lan, 3, Kind::Specified);
    broken.offers("a", "never").answers("a", answers::status("500 Internal Server Error")).announce();
    let failed = events.next_of("failed");
    assert_eq!(failed["path"].as_str(), Some("a"));
    assert!(failed["failure"].as_str().unwrap().contains("500"), "{failed}");
    wait_until("it waits for its next turn", || {
        broken.announce();
        let told = told(&ours);
        told["waiting"][0]["reason"].as_str() == Some("failed") && told["waiting"][0]["again_seconds"].is_number()
    });
    let page = ours.get("/mirror").text();
    assert!(page.contains("It did not come when it was tried."), "{page}");
}

#[test]
fn what_the_operator_paused_waits_for_the_operator() {
    let lan = Lan::new();
    let ours = lan.node(3).opportunistic().start();
    wait_until("the folder is looked through", || told(&ours)["doing"].as_str() == Some("idle"));
    let (mut events, _) = Events::open(ours.address(), "/mirror/events");
    let page = ours.get("/operator").text();
    let token = elements(&page).into_iter().find(|element| element.attribute("name") == Some("token")).unwrap();
    let form = format!("token={}&do=pause", token.attribute("value").unwrap());
    let head = format!(
        "Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    assert_eq!(request(ours.address(), "POST", "/operator/mirror", &format!("{head}{form}")).status, 303);
    wait_until("it is told", || events.next_of("state")["doing"].as_str() == Some("paused"));
    let _theirs = lan.node(2).file("a", "x").start();
    let waiting = wait_for("the file waits", || {
        let told = told(&ours);
        (told["waiting_files"].as_u64() == Some(1)).then(|| told["waiting"][0].clone())
    });
    assert_eq!(waiting["sentence"].as_str(), Some("paused by the operator"));
    let shared = lan.node(4).start();
    assert_eq!(told(&shared)["doing"].as_str(), Some("off"));
    assert!(shared.get("/mirror").text().contains("--opportunistic"));
}

#[test]
fn what_enough_nodes_hold_waits_until_they_are_too_few() {
    let lan = Lan::new();
    let _theirs = lan.node(2).file("held", "once").start();
    let ours = lan.node(3).opportunistic().arg("--copies").arg("1").start();
    let waiting = wait_for("it is said to wait", || {
        let told = told(&ours);
        (told["waiting_files"].as_u64() == Some(1)).then(|| told["waiting"][0].clone())
    });
    assert_eq!((waiting["reason"].as_str(), waiting["bytes"].as_u64()), (Some("enough-nearby"), Some(4)));
    assert_eq!(waiting["first"][0]["path"].as_str(), Some("held"), "{waiting}");
    assert!(ours.get("/mirror").text().contains("Enough nodes nearby have it"));
}

#[test]
fn events_are_for_so_many_and_do_not_delay_the_end_of_a_node() {
    let lan = Lan::new();
    let node = lan.node(2).opportunistic().start();
    let to = node.address();
    for _ in 0..20 {
        let head = request(to, "HEAD", "/mirror/events", "");
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
    let foreign = "GET /mirror/events HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(to, foreign.as_bytes()), Some(421));
    let mut open: Vec<Events> = (0..8).map(|_| Events::open(to, "/mirror/events").0).collect();
    let another = || Events::open(to, "/mirror/events").1;
    assert!(another().starts_with("http/1.1 503 "));
    open.pop();
    wait_until("there is a place again", || another().starts_with("http/1.1 200 "));
    assert_eq!(open[0].next().0, "state");
    let (_, status) = node.terminate();
    assert_eq!(status, Some(0));
    let mut rest = Vec::new();
    std::io::Read::read_to_end(open[0].lines(), &mut rest).unwrap();
    assert!(rest.ends_with(b"0\r\n\r\n"), "it ends properly: {rest:?}");
}
