//! Connections that are slow, silent, stuck or many: they end, and others notice nothing.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::support::http::{Answer, closes_within, connect, read_all, read_answer, status};
use super::support::lan::{Lan, Node};
use super::support::{PATIENCE, wait_until};

/// An upper bound for what is cut after 5 or 10 s; the machine may be busy.
const CUT: Duration = Duration::from_secs(20);

/// Connects from another loopback address, as another host.
#[track_caller]
fn connect_from(last: u8, to: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 1, last), 0)).into()).unwrap();
    socket.connect_timeout(&to.into(), PATIENCE).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Whether the other side has closed; what came is thrown away.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4_096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

/// Does something to each stream again and again until all are closed.
#[track_caller]
fn all_close(streams: &mut Vec<TcpStream>, each: impl Fn(&mut TcpStream)) {
    let deadline = Instant::now() + CUT;
    while !streams.is_empty() {
        assert!(Instant::now() < deadline, "{} are still open", streams.len());
        streams.retain_mut(|stream| {
            each(stream);
            !is_closed(stream)
        });
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn index_request(node: &Node) -> String {
    format!("GET /s/?g=forban/index HTTP/1.1\r\nHost: {}\r\n\r\n", node.address())
}

#[test]
fn heads_that_drip_are_cut_and_others_are_served_meanwhile() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    let mut slow: Vec<TcpStream> = (0..100).map(|n| connect_from(n, node.address())).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /s/?g=a HTTP/1.1\r\nX-Slow: ").unwrap();
    }
    assert_eq!(node.get("/s/?g=a").text(), "a");
    all_close(&mut slow, |stream| {
        let _ = stream.write(b"x");
    });
    assert_eq!(node.get("/s/?g=a").text(), "a");
}

#[test]
fn connections_that_say_nothing_are_cut_but_a_rest_between_two_requests_is_not() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    let mut resting = connect(node.address());
    resting.write_all(index_request(&node).as_bytes()).unwrap();
    assert_eq!(read_answer(&mut resting).text(), "a,1\n");
    let mut silent: Vec<TcpStream> = (0..100).map(|n| connect_from(n, node.address())).collect();
    assert_eq!(node.get("/s/?g=a").text(), "a");
    all_close(&mut silent, |_| {});
    resting.write_all(index_request(&node).as_bytes()).unwrap();
    assert_eq!(read_answer(&mut resting).text(), "a,1\n", "it rested all the while");
    resting.write_all(b"GET /").unwrap();
    assert!(closes_within(&mut resting, CUT), "its next head is bounded too");
}

#[test]
fn requests_in_one_go_are_answered_in_order_and_the_connection_goes_on() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "AA").file("b", vec![7; 200_000]).start();
    let mut stream = connect(node.address());
    let host = node.address();
    for _ in 0..3 {
        let get = |name: &str| format!("GET /s/?g={name} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(format!("{}{}{}{}", get("a"), get("b"), get("nothing"), get("a")).as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream).body, b"AA");
        assert_eq!(read_answer(&mut stream).body, vec![7; 200_000]);
        assert_eq!(read_answer(&mut stream).status, 404);
        assert_eq!(read_answer(&mut stream).body, b"AA");
    }
    // A head in single bytes is a head.
    for byte in format!("GET /s/?g=a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(read_answer(&mut stream).body, b"AA");
    assert!(closes_within(&mut stream, CUT), "as was asked");
    let mut old = connect(host);
    old.write_all(b"GET /s/?g=a HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(Answer::parse(&read_all(&mut old)).body, b"AA", "HTTP/1.0 ends with the answer");
}

#[test]
fn what_came_of_the_next_request_outlives_a_rest() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "AA").file("b", vec![7; 300_000]).start();
    let mut stream = connect(node.address());
    let get = |name: &str| format!("GET /s/?g={name} HTTP/1.1\r\nHost: {}\r\n\r\n", node.address());
    for (name, content) in [("a", b"AA".to_vec()), ("b", vec![7; 300_000])] {
        let next = get(name);
        let (begin, rest) = next.split_at(next.len() / 2);
        stream.write_all(format!("{}{begin}", get("a")).as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream).body, b"AA");
        // Long enough that nothing is kept for this connection.
        std::thread::sleep(Duration::from_secs(1));
        stream.write_all(rest.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream).body, content, "{name}");
    }
}

#[test]
fn clients_that_never_read_are_cut() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let large = std::fs::File::create(node.loot("large")).unwrap();
    large.set_len(1 << 30).unwrap();
    node.lists("large");
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", node.pid())).unwrap().count();
    let before = descriptors();
    let mut stuck: Vec<TcpStream> = (0..40).map(|n| connect_from(n, node.address())).collect();
    for stream in &mut stuck {
        let text = format!("GET /s/?g=large HTTP/1.1\r\nHost: {}\r\n\r\n", node.address());
        stream.write_all(text.as_bytes()).unwrap();
    }
    // Two each; `before` may hold one of the questions just asked.
    wait_until("each is being answered", || descriptors() >= before + 75);
    let deadline = Instant::now() + 3 * CUT;
    while descriptors() > before + 5 {
        assert!(Instant::now() < deadline, "{} descriptors, {before} before", descriptors());
        assert_eq!(node.get("/s/?g=forban/index").text(), "large,1073741824\n");
        std::thread::sleep(Duration::from_millis(500));
    }
    drop(stuck);
}

#[test]
fn a_body_where_none_belongs_is_not_read() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    let own = node.address();
    for (method, target, statuses) in [
        ("POST", "/s/?g=a", [405, 405]),
        ("PUT", "/", [405, 405]),
        ("GET", "/s/?g=a", [200, 200]),
        ("POST", "/operator/rescan", [403, 415]),
        ("POST", "/nothing", [404, 405]),
    ] {
        for framing in [
            "Content-Length: 10737418240",
            "Transfer-Encoding: chunked",
            "Expect: 100-continue\r\nContent-Length: 9999999999",
        ] {
            let what = format!("{method} {target} {framing}");
            let head = format!("{method} {target} HTTP/1.1\r\nHost: {own}\r\n{framing}\r\n\r\n");
            // The answer comes although the body does not.
            let mut stream = connect(own);
            stream.write_all(head.as_bytes()).unwrap();
            let answer = read_answer(&mut stream);
            assert!(statuses.contains(&answer.status), "{what}: {}", answer.head);
            assert!(closes_within(&mut stream, CUT), "{what}");
            // Whoever sends it anyway is cut; what the sockets of both ends hold does not count.
            let mut stream = connect(own);
            stream.write_all(head.as_bytes()).unwrap();
            let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
            let sent = (0..1_000).take_while(|_| stream.write_all(piece.as_bytes()).is_ok()).count();
            assert!(sent < 1_000, "{what}: 64 MiB were taken");
        }
    }
    assert_eq!(node.get("/s/?g=a").text(), "a");
}

#[test]
fn a_form_that_never_comes_is_not_waited_for() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let own = node.address();
    let head = format!(
        "POST /operator/rescan HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\ntoken="
    );
    let mut stream = connect(own);
    stream.set_read_timeout(Some(2 * CUT)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).status, 408);
    assert!(closes_within(&mut stream, CUT));
}

#[test]
fn a_host_that_takes_too_many_loses_its_oldest_and_others_lose_nothing() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").arg("--max-connections-per-host").arg("20").start();
    let own = node.address();
    let mut other = connect_from(2, own);
    let mut many: Vec<TcpStream> = (0..300).map(|_| connect_from(1, own)).collect();
    let mut newest = many.split_off(290);
    let mut of_same_host = connect_from(1, own);
    of_same_host.write_all(index_request(&node).as_bytes()).unwrap();
    assert_eq!(read_answer(&mut of_same_host).text(), "a,1\n", "the host itself is still served");
    other.write_all(index_request(&node).as_bytes()).unwrap();
    assert_eq!(read_answer(&mut other).text(), "a,1\n", "the older connection of another host is untouched");
    let mut oldest: Vec<TcpStream> = many.drain(..250).collect();
    all_close(&mut oldest, |_| {});
    for stream in &mut newest {
        stream.set_nonblocking(false).unwrap();
        let _ = stream.write_all(index_request(&node).as_bytes());
    }
    assert_eq!(node.get("/s/?g=a").text(), "a");
}

#[test]
fn without_descriptors_the_node_makes_room_and_does_not_spin() {
    let lan = Lan::new();
    let node = lan.node(2).file("a", "a").start();
    // Now, with all of its own open, none are left but a few.
    let pid = node.pid().to_string();
    let limited = std::process::Command::new("prlimit").args(["--pid", &pid, "--nofile=64"]).status().unwrap();
    assert!(limited.success());
    let silent: Vec<TcpStream> = (0..80).map(|n| connect_from(n, node.address())).collect();
    wait_until("there are too many", || node.log().contains("no connection"));
    wait_until("others are served again", || {
        status(
            node.address(),
            format!("GET /s/?g=a HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", node.address()).as_bytes(),
        ) == Some(200)
    });
    drop(silent);
    wait_until("all is as before", || node.get("/s/?g=a").status == 200);
    let refusals = node.log().matches("no connection").count();
    assert!(refusals < 500, "{refusals} attempts: it spins");
}
