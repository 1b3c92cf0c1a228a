//! `/n/<md5>`: what only Napster peers have, as browsers get it through a node. Whatever a peer
//! does, nobody takes a part, or something else, for the whole.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use boucan::wire::url;
use socket2::{Domain, Socket, Type};

use super::napster_scripted::{Uploader, dribbled, in_chunks, md5_of};
use super::support::http::{self, Answer};
use super::support::lan::{Lan, Node};
use super::support::netlab::NetLab;
use super::support::netnode::HostNode;
use super::support::page::elements;
use super::support::scripted::{Kind, Scripted, answers};
use super::support::{PATIENCE, wait_for, wait_until};

const SONG: &[u8] = b"La chanson du boucan, all of it";
/// What curl calls an answer that was not ended, and a connection that broke.
const BROKEN: [Option<i32>; 2] = [Some(18), Some(56)];

/// Registers a content for 127.0.0.`last`, which gives it at `port`.
#[track_caller]
pub fn register(node: &Node, last: u8, port: u16, name: &str, content: &[u8]) {
    let address = format!("127.000.000.{last:03}|0000:0000:0000:0000:0000:ffff:7f00:{last:04x}");
    register_as(node, last, &format!("{address}{port:05}"), name, content);
}

/// The same for whatever address that host claims.
#[track_caller]
fn register_as(node: &Node, last: u8, claim: &str, name: &str, content: &[u8]) {
    let answer = ask(node, last, &format!("LOGI{claim}"));
    let session = answer.strip_prefix("ALGI").expect("a session");
    let added = ask(node, last, &format!("ADDF{session}{}{name:100}", md5_of(content)));
    assert!(added.starts_with("AADD0"), "{added}");
}

#[track_caller]
fn ask(node: &Node, last: u8, request: &str) -> String {
    let mut stream = connect_from(last, node.directory());
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn connect_from(last: u8, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, last], 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn target(content: &[u8]) -> String {
    format!("/n/{}", md5_of(content))
}

fn curl(node: &Node, target: &str) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--no-buffer", "--fail", "--max-time", "40"]);
    curl.arg(format!("http://{}{target}", node.address()));
    curl
}

/// How curl ended, and what it printed.
fn fetched(node: &Node, target: &str) -> (Option<i32>, Vec<u8>) {
    let output = curl(node, target).output().unwrap();
    (output.status.code(), output.stdout)
}

/// The body of an answer in chunks, as far as it came, and whether it was ended.
fn unchunked(answer: &Answer) -> (Vec<u8>, bool) {
    let (mut body, mut rest) = (Vec::new(), answer.body.as_slice());
    while let Some(line) = rest.windows(2).position(|end| end == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).unwrap(), 16).unwrap();
        let data = &rest[line + 2..];
        if length == 0 {
            return (body, true);
        }
        body.extend_from_slice(&data[..length.min(data.len())]);
        rest = data.get(length + 2..).unwrap_or_default();
    }
    (body, false)
}

#[test]
fn what_any_kind_of_peer_gives_comes_whole() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let long: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    for (last, content, segments, stays) in [
        (5, SONG.to_vec(), vec![in_chunks(SONG, 7)], false),
        (6, long.clone(), vec![in_chunks(&long, 4_096)], true),
        (7, b"dribbled".to_vec(), dribbled(&in_chunks(b"dribbled", 3)), false),
        (8, Vec::new(), vec![b"ARET000000".to_vec()], true),
    ] {
        let peer = Uploader::start_at(last, segments, stays);
        register(&node, last, peer.address.port(), &format!("from {last}.txt"), &content);
        assert!(fetched(&node, &target(&content)) == (Some(0), content), "from {last}");
    }
    let answer = node.get(&target(SONG));
    assert_eq!((answer.status, unchunked(&answer)), (200, (SONG.to_vec(), true)));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(answer.header("content-disposition").unwrap().starts_with("attachment; filename=\"from 5.txt\""));
    assert!(answer.header("content-security-policy").unwrap().starts_with("sandbox"));
}

#[test]
fn another_content_and_an_early_end_are_broken_answers_never_whole_ones() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let early = in_chunks(b"an early end", 5);
    let long: Vec<u8> = vec![b'x'; 500_000];
    for (last, content, answer, stays) in [
        (5, &b"another content"[..], in_chunks(b"anotheR content", 5), false),
        (6, b"another content, kept open", in_chunks(b"something else", 99), true),
        (7, b"nothing instead", b"ARET000000".to_vec(), false),
        (8, b"an early end", early[..early.len() - 1].to_vec(), false),
        (9, b"no more chunks", b"ARET00000200007no more".to_vec(), false),
        (10, &long, in_chunks(&long[1..], 4_096), false),
        (11, b"too much of it", in_chunks(b"too much of it!", 4_096), false),
    ] {
        let peer = Uploader::start_at(last, vec![answer], stays);
        register(&node, last, peer.address.port(), "a", content);
        let (status, _) = fetched(&node, &target(content));
        assert!(BROKEN.contains(&status), "{last}: curl ended with {status:?}");
        assert!(!unchunked(&node.get(&target(content))).1, "{last}: the answer was ended");
    }
    assert!(!node.get("/directory.json").text().contains("\"downloads\":1"), "no such download counts");
}

#[test]
fn who_refuses_says_so_in_an_error_and_the_next_one_is_asked() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let refusing = Uploader::start_at(5, vec![b"Go away, <b>all</b> of you".to_vec()], false);
    register(&node, 5, refusing.address.port(), "a", SONG);
    let answer = node.get(&target(SONG));
    let said = answer.text();
    assert!(answer.status == 502 && said.contains("Go away, ") && !said.contains("<b>"), "{}: {said}", answer.status);
    let silent = [6, 9, 10].map(|last| (last, Uploader::start_at(last, vec![], true)));
    silent.iter().for_each(|(last, peer)| register(&node, *last, peer.address.port(), "a", SONG));
    register(&node, 7, closed_port(), "a", SONG);
    let good = Uploader::start_at(8, vec![in_chunks(SONG, 7)], false);
    register(&node, 8, good.address.port(), "a", SONG);
    assert_eq!(fetched(&node, &target(SONG)), (Some(0), SONG.to_vec()));
    assert_eq!(node.get("/n/zz").status, 404);
    assert_eq!(node.get(&target(b"what nobody has")).status, 404);
}

fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.7:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_liar_does_not_stand_before_the_others_for_ever() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let liar = Uploader::start_at(5, vec![in_chunks(b"a lie", 5)], false);
    register(&node, 5, liar.address.port(), "a", SONG);
    let honest = Uploader::start_at(6, vec![in_chunks(SONG, 7)], false);
    register(&node, 6, honest.address.port(), "a", SONG);
    wait_until("a retry asks the other one", || {
        let (status, content) = fetched(&node, &target(SONG));
        assert!(BROKEN.contains(&status) || (status, content.as_slice()) == (Some(0), SONG), "{status:?}");
        status == Some(0)
    });
}

#[test]
fn what_comes_slowly_is_handed_on_as_it_comes() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let (go_on, told) = channel();
    let peer = Uploader::holding_back(5, in_chunks(SONG, 7), 22, told);
    register(&node, 5, peer.address.port(), "a", SONG);
    let mut curl = curl(&node, &target(SONG)).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 7];
    curl.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(first, SONG[..7], "the first chunk, while the second one is held back");
    go_on.send(()).unwrap();
    let rest = wait_for_end(curl);
    assert_eq!(rest, (Some(0), SONG[7..].to_vec()));
}

fn wait_for_end(curl: Child) -> (Option<i32>, Vec<u8>) {
    let output = curl.wait_with_output().unwrap();
    (output.status.code(), output.stdout)
}

#[test]
fn head_tells_no_length_and_asks_nobody_and_http_1_0_is_refused() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let peer = Uploader::start_at(5, vec![in_chunks(SONG, 7)], false);
    register(&node, 5, peer.address.port(), "a.txt", SONG);
    let head = http::request(node.address(), "HEAD", &target(SONG), "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), None, "of nothing: {}", head.head);
    assert!(head.header("content-disposition").unwrap().contains("a.txt"));
    for method in ["GET", "HEAD"] {
        let request = format!("{method} {} HTTP/1.0\r\nHost: {}\r\n\r\n", target(SONG), node.address());
        assert_eq!(http::status(node.address(), request.as_bytes()), Some(505), "{method}");
    }
    assert_eq!(peer.times_asked(), 0);
}

#[test]
fn a_claim_by_hand_is_listed_but_never_dialled() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let claim = "172.016.001.001|fc00:0000:0000:0000:0000:0000:0001:000106001";
    register_as(&node, 9, claim, "a", SONG);
    for method in ["GET", "HEAD"] {
        assert_eq!(http::request(node.address(), method, &target(SONG), "").status, 502, "{method}");
    }
    let page = node.get(&target(SONG)).text();
    assert!(page.contains("none of them logged in from the address it claims"), "{page}");
    assert!(node.get("/directory.json").text().contains("\"proven\":[]"));
}

/// The same where the claimed host is there, serves peers, and has the file.
#[test]
fn whoever_is_claimed_on_the_node_itself_is_not_dialled_until_it_comes_itself() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let [ann, pam] = [("ann", 1), ("pam", 3)].map(|(name, last)| {
        let host = lab.host(name);
        lab.plug(&host, "eth0", "lan", &[&format!("10.77.0.{last}/24"), &format!("fd77::{last}/64")]);
        host
    });
    std::fs::write(pam.loot("song"), SONG).unwrap();
    let _node = HostNode::start(&ann, &[]);
    let pams = ["10.77.0.3", "fd77::3", "6001"];
    let md5 = md5_of(SONG).to_string();
    let offer = |host: &super::support::netlab::Host, directory: &str| {
        let mut python = host.command("python3");
        python.args([super::napster_room::SCRIPT, "offer"]).args(pams).args([directory, &md5, "song"]);
        assert!(python.status().unwrap().success());
    };
    let _serving = super::napster_room::Peer::start(&pam, pams, &[]);
    let url = format!("http://127.0.0.1:12555/n/{md5}");
    let got = || {
        let mut curl = ann.command("curl");
        curl.args(["--silent", "--max-time", "20", "--write-out", "%{http_code}", &url]);
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    };
    offer(&ann, "127.0.0.1");
    let answer = got();
    assert!(answer.ends_with("502") && answer.contains("none of them logged in"), "{answer}");
    offer(&pam, "10.77.0.1");
    assert_eq!(got(), format!("{}200", String::from_utf8_lossy(SONG)));
}

#[test]
fn one_content_is_one_row_with_all_who_hold_it() {
    let lan = Lan::new();
    let node = lan.node(2).napster().file("Chanson.ogg", SONG).start();
    register(&node, 5, 6001, "chanson du boucan.ogg", SONG);
    register(&node, 6, 6001, "another name for the chanson.ogg", SONG);
    register(&node, 7, 6001, "chanson of somebody else.ogg", b"else");
    let rows = || {
        let page = node.get("/q/?v=chanson").text();
        let body = page.split_once("<tbody>").map_or("", |(_, rest)| rest.split_once("</tbody>").unwrap().0).to_owned();
        let rows: Vec<String> = body.split("<tr>").skip(1).map(str::to_owned).collect();
        rows
    };
    let both = wait_for("the node's own file is read", || Some(rows()).filter(|rows| rows.len() == 2));
    let [ours, theirs] = &both[..] else { panic!("{both:?}") };
    let hrefs = |row: &str| -> Vec<String> {
        let links = elements(row).into_iter().filter(|element| element.name == "a");
        links.filter_map(|element| Some(element.attribute("href")?.replace("&#38;", "&"))).collect()
    };
    let (own, relayed) = (url::file_target("Chanson.ogg"), target(SONG));
    let page = |row: &str| hrefs(row).first().cloned().unwrap_or_default();
    let direct = |row: &str| hrefs(row).into_iter().skip(1).collect::<Vec<_>>();
    // Who has it, each by itself, then the button.
    assert!(page(ours).starts_with("/file/") && page(ours).ends_with("?g=Chanson.ogg"), "{ours}");
    assert_eq!(direct(ours), [&own, &relayed, &relayed, &own].map(Clone::clone), "{ours}");
    assert!(ours.contains("Napster peer 127.0.0.5") && ours.contains("Napster peer 127.0.0.6"), "{ours}");
    assert_eq!(hrefs(theirs), [target(b"else"), target(b"else")], "{theirs}");
    // What the node has itself comes from it.
    let answer = node.get(&target(SONG));
    assert_eq!((answer.status, answer.header("location")), (303, Some(own.as_str())));
}

#[test]
fn a_neighbours_word_does_not_stand_for_what_peers_give_and_is_verified() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let neighbour = Scripted::start(&lan, 3, Kind::Specified);
    let row = format!("5 {} {} lies\n", md5_of(SONG), "0".repeat(64));
    let manifest = format!("boucan-manifest 1\nhashing 0\n\n{row}");
    neighbour.offers("lies", "wrong").answers("forban/index.manifest", answers::content(manifest.into_bytes()));
    let at_neighbour = wait_for("the neighbour's word is known", || {
        neighbour.announce();
        let answer = node.get(&target(SONG));
        (answer.status == 303).then(|| answer.header("location").unwrap().to_owned())
    });
    assert!(at_neighbour.starts_with(&format!("http://127.0.0.3:{}/s/", lan.port)), "{at_neighbour}");
    let peer = Uploader::start_at(5, vec![in_chunks(SONG, 7)], false);
    register(&node, 5, peer.address.port(), "a", SONG);
    assert_eq!(fetched(&node, &target(SONG)), (Some(0), SONG.to_vec()));
    drop(peer);
    // Where no peer gives it, the neighbour may.
    register(&node, 7, closed_port(), "b", b"elsewhere");
    assert_eq!(node.get(&target(b"elsewhere")).status, 502);
}

#[test]
fn one_host_leaves_room_for_the_downloads_of_others() {
    let lan = Lan::new();
    let node = lan.node(2).napster().start();
    let stalling = Uploader::start_at(5, vec![in_chunks(SONG, 7)[..22].to_vec()], true);
    register(&node, 5, stalling.address.port(), "a", SONG);
    let begin = |last: u8| {
        let mut stream = connect_from(last, node.address());
        let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target(SONG), node.address());
        stream.write_all(request.as_bytes()).unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).unwrap();
        (String::from_utf8_lossy(&line[9..]).into_owned(), stream)
    };
    let greedy: Vec<_> = (0..40).map(|_| begin(8)).collect();
    let count = |status: &str| greedy.iter().filter(|(of, _)| of == status).count();
    assert!(count("503") > 0 && count("200") + count("503") == 40, "{}", count("200"));
    let (status, other) = begin(9);
    assert_eq!(status, "200");
    // Who goes gives the place back, although the peer says nothing more.
    drop((greedy, other));
    wait_until("there is room again", || begin(8).0 == "200");
}
