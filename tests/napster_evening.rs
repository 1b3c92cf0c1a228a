//! A whole Napster evening by a plain script of raw sockets, step by step as the specification has
//! it, and what people see of each step on the page.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use md5::{Digest as _, Md5};
use socket2::{Domain, Socket, Type};

use super::support::lan::{Lan, Node};
use super::support::{wait_for, wait_until};

const SONG: &[u8] = b"La chanson du boucan, all of it";
const GUEST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
const GUEST_ADDRESS: &str = "127.000.000.009|0000:0000:0000:0000:0000:ffff:7f00:0009";

#[test]
fn an_evening_on_raw_sockets_and_the_page_shows_each_step() {
    let lan = Lan::new();
    let ours: Vec<u8> = (0..250_000_u32).flat_map(u32::to_le_bytes).collect();
    let node = lan.node(2).napster().file("films/Ours.BIN", &ours).start();
    let uploader = uploader();
    let page = || node.get("/directory").text();
    assert!(page().contains("Nobody is logged in."));

    // Log in.
    let answer = ask(&node, &format!("LOGI{GUEST_ADDRESS}{:05}", uploader.port()));
    let session = answer.strip_prefix("ALGI").expect("a session").to_owned();
    assert_eq!(session.len(), 16);
    let shown = page();
    assert!(shown.contains("127.0.0.9") && !shown.contains(&session), "{shown}");

    // Add.
    let md5 = md5_of(SONG);
    assert_eq!(ask(&node, &format!("ADDF{session}{md5}{:100}", "Chanson du Boucan.ogg")), "AADD001");
    assert!(page().contains("chanson du boucan.ogg"));

    // Find: our own song, and what the node offers.
    let found = ask(&node, &format!("FIND{session}{:20}", "chanson"));
    assert_eq!(found, format!("AFIN001{md5}{:100}001{GUEST_ADDRESS}{:05}", "chanson du boucan.ogg", uploader.port()));
    let found = wait_for("the node's file is found", || {
        Some(ask(&node, &format!("FIND{session}{:20}", "OURS"))).filter(|found| found.starts_with("AFIN001"))
    });
    assert_eq!((&found[7..39], &found[39..139]), (md5_of(&ours).as_str(), format!("{:100}", "ours.bin").as_str()));
    assert_eq!(
        &found[139..],
        format!("001127.000.000.002|0000:0000:0000:0000:0000:ffff:7f00:0002{:05}", node.peer().port())
    );

    // Fetch by RETR, register the download.
    assert_eq!(retrieve(node.peer(), &md5_of(&ours)), ours);
    assert_eq!(ask(&node, &format!("DREG{session}{}", md5_of(&ours))), "ADRE00001");
    let shown = page();
    assert!(shown.contains("Fetched from here") && shown.contains("films/Ours.BIN"), "{shown}");

    // Meanwhile somebody in a browser finds the guest's song and downloads it through the node.
    let results = node.get("/q/?v=chanson").text();
    assert!(results.contains("Napster peer 127.0.0.9") && results.contains(&format!("/n/{md5}")), "{results}");
    assert_eq!(downloaded(&node, &format!("/n/{md5}")), SONG);
    wait_until("the download is counted", || node.get("/directory.json").text().contains("\"downloads\":1"));

    // Delete, log out.
    assert_eq!(ask(&node, &format!("DELF{session}{md5}")), "ADEL000");
    assert!(!page().contains("chanson du boucan.ogg"));
    assert_eq!(ask(&node, &format!("DELF{session}{md5}")), "ADEL999");
    assert_eq!(ask(&node, &format!("LOGO{session}")), "ALGO000");
    assert!(page().contains("Nobody is logged in."));
    assert_eq!(ask(&node, &format!("FIND{session}{:20}", "*")), "Unauthorized: your SessionID is invalid");
}

fn md5_of(content: &[u8]) -> String {
    Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One request, one answer, by the guest's own address.
#[track_caller]
fn ask(node: &Node, request: &str) -> String {
    let mut stream = connect(node.directory());
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// RETR, chunk by chunk.
#[track_caller]
fn retrieve(peer: SocketAddr, md5: &str) -> Vec<u8> {
    let mut stream = connect(peer);
    stream.write_all(format!("RETR{md5}").as_bytes()).unwrap();
    let mut field = |digits: usize| {
        let mut field = vec![0; digits];
        stream.read_exact(&mut field).unwrap();
        field
    };
    assert_eq!(field(4), b"ARET");
    let number = |field: Vec<u8>| String::from_utf8(field).unwrap().parse::<usize>().unwrap();
    let chunks = number(field(6));
    let mut content = Vec::new();
    for _ in 0..chunks {
        let length = number(field(5));
        content.extend(field(length));
    }
    content
}

fn connect(to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(GUEST, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// What a browser would save; fails unless the answer is whole.
#[track_caller]
fn downloaded(node: &Node, target: &str) -> Vec<u8> {
    let url = format!("http://{}{target}", node.address());
    let output = Command::new("curl").args(["--silent", "--fail", "--max-time", "20", &url]).output().unwrap();
    assert!(output.status.success(), "{target}: {:?}", output.status);
    output.stdout
}

/// The guest's own peer: gives the song to whoever asks, in chunks of an odd size.
fn uploader() -> SocketAddr {
    let listener = TcpListener::bind((GUEST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 36];
            // A probe says nothing.
            if stream.read_exact(&mut request).is_err() {
                continue;
            }
            assert_eq!(request, format!("RETR{}", md5_of(SONG)).as_bytes());
            let chunks: Vec<&[u8]> = SONG.chunks(7).collect();
            let mut answer = format!("ARET{:06}", chunks.len()).into_bytes();
            for chunk in chunks {
                answer.extend(format!("{:05}", chunk.len()).into_bytes());
                answer.extend(chunk);
            }
            stream.write_all(&answer).unwrap();
        }
    });
    address
}
