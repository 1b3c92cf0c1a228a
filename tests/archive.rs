//! Folders as one download: what is in it, that its length is what was said, and that nothing but
//! whole files ends well.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use boucan::wire::archive::{Format, Member, Totals};

use super::support::http::{self, Answer, connect, exchange, read_all, request};
use super::support::lan::{Lan, Node, tree};
use super::support::scripted::{Kind, Scripted, answers};
use super::support::wait_until;

/// More than a connection takes that nobody reads from.
const LARGE: u64 = 64 << 20;

pub fn uuid(node: &Node) -> String {
    let health: serde_json::Value = serde_json::from_str(&node.get("/healthz").text()).unwrap();
    health["uuid"].as_str().unwrap().to_owned()
}

/// Unpacks by Python's own modules, which check each sum; fails where they do.
#[track_caller]
fn unpack(archive: &[u8], extension: &str, into: &Path) {
    let file = into.join("archive");
    std::fs::write(&file, archive).unwrap();
    let unpack = match extension {
        "zip" => {
            "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])"
        }
        _ => "import sys, tarfile; tarfile.open(sys.argv[1], 'r:').extractall(sys.argv[2], filter='data')",
    };
    let done = Command::new("python3").args(["-c", unpack]).arg(&file).arg(into.join("out")).output().unwrap();
    assert!(done.status.success(), "{extension}: {}", String::from_utf8_lossy(&done.stderr));
}

/// What is in the archive of an answer, of the length that it declares.
#[track_caller]
fn unpacked(answer: &Answer, extension: &str) -> Vec<(String, Vec<u8>)> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    let temp = tempfile::tempdir().unwrap();
    unpack(&answer.body, extension, temp.path());
    tree(&temp.path().join("out")).into_iter().collect()
}

fn names(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_folder_arrives_with_its_shape_and_the_length_that_was_said() {
    let lan = Lan::new();
    let long = format!("music/{}/{}.txt", "a long name ".repeat(18).trim(), "ein Stück ".repeat(20).trim());
    let content = |name: &str| name.repeat(20_000 / name.len());
    let files = ["music/1.mp3", "music/empty", "music/живое/été.ogg", &long, "other.txt"];
    let node = files.iter().fold(lan.node(2), |node, name| node.file(name, content(name)));
    let node = node.file("music/empty", "").file("music/large", vec![7; 1 << 20]).start();
    let uuid = uuid(&node);
    for extension in ["zip", "tar"] {
        let target = format!("/archive/{uuid}.{extension}?d=music");
        let answer = node.get(&target);
        let files = unpacked(&answer, extension);
        assert_eq!(names(&files), ["music/1.mp3", &long, "music/empty", "music/large", "music/живое/été.ogg"]);
        assert!(files.iter().all(|(name, of)| std::fs::read(node.loot(name)).unwrap() == *of), "{extension}");
        let disposition = answer.header("content-disposition").unwrap();
        assert!(disposition.starts_with(&format!("attachment; filename=\"music.{extension}\"")), "{disposition}");
        assert_eq!(answer.header("content-security-policy"), Some("sandbox; default-src 'none'"));
        let head = request(node.address(), "HEAD", &target, "");
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(head.header("content-length"), answer.header("content-length"), "{extension}");
        // All there is stands in a folder of the node's name.
        let all = unpacked(&node.get(&format!("/archive/{uuid}.{extension}")), extension);
        assert!(all.len() == 6 && all.iter().all(|(name, _)| name.starts_with("node-127.0.0.2/")), "{:?}", names(&all));
    }
}

#[test]
fn times_of_files_are_kept() {
    let lan = Lan::new();
    let node = lan.node(2).file("d/a", "a").start();
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_001);
    std::fs::File::options().write(true).open(node.loot("d/a")).unwrap().set_modified(at).unwrap();
    for (extension, read, expected) in [
        (
            "zip",
            "import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).infolist()[0].date_time)",
            "(2001, 9, 9, 1, 46, 40)",
        ),
        ("tar", "import sys, tarfile; print(tarfile.open(sys.argv[1]).getmembers()[0].mtime)", "1000000001"),
    ] {
        let temp = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(temp.path(), node.get(&format!("/archive/{}.{extension}?d=d", uuid(&node))).body).unwrap();
        let said = Command::new("python3").args(["-c", read]).arg(temp.path()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), expected, "{}", String::from_utf8_lossy(&said.stderr));
    }
}

/// Sends a form as a browser does from a page of `origin`.
fn post(node: &Node, target: &str, origin: &str, form: &str) -> Answer {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: {}\r\n{origin}Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        node.address(),
        form.len()
    );
    Answer::parse(&exchange(node.address(), head.as_bytes()))
}

#[test]
fn what_was_chosen_comes_and_nothing_else() {
    let lan = Lan::new();
    let node = lan.node(2).file("d/a", "a").file("d/b c", "b").file("d/e/f", "f").file("d/e/g", "g").file("z", "z");
    let node = node.start();
    let uuid = uuid(&node);
    for (query, expected) in [
        ("d=d&g=d/a&g=d/b+c", Some(vec!["d/a", "d/b c"])),
        ("d=d&g=d/e&g=d/e/f", Some(vec!["d/e/f", "d/e/g"])),
        ("d=d/e&g=d/e/f", Some(vec!["e/f"])),
        ("d=d&f=b64e&g=ZC9h", Some(vec!["d/a"])),
        ("d=d&g=z", None),
        ("d=d&g=d/a&g=d/gone", None),
        ("d=nothing", None),
        ("d=../..", None),
        ("g=..", None),
        ("g=%2Fetc%2Fpasswd", None),
    ] {
        let asked = node.get(&format!("/archive/{uuid}.tar?{query}"));
        let sent = post(&node, &format!("/archive/{uuid}.tar"), "", query);
        let Some(expected) = expected else {
            assert_eq!((asked.status, sent.status), (404, 404), "{query}");
            continue;
        };
        assert_eq!(names(&unpacked(&asked, "tar")), expected, "{query}");
        assert_eq!(asked.body, sent.body, "{query}");
    }
    for (name, status) in [("x.zip", 404), (&format!("{uuid}.rar"), 404), (&uuid, 404)] {
        assert_eq!(node.get(&format!("/archive/{name}")).status, status, "{name}");
    }
}

#[test]
fn thousands_of_names_fit_into_a_form_and_foreign_pages_send_none() {
    let lan = Lan::new();
    let node = (0..3_000).fold(lan.node(2), |node, number| node.file(&format!("d/{number}"), "x")).start();
    let target = format!("/archive/{}.zip", uuid(&node));
    let form: String = (0..3_000).map(|number| format!("g=d%2F{number}&")).collect::<String>() + "d=d";
    let own = format!("Origin: http://{}\r\n", node.address());
    assert_eq!(unpacked(&post(&node, &target, &own, &form), "zip").len(), 3_000);
    for foreign in ["Origin: http://evil\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        assert_eq!(post(&node, &target, foreign, &form).status, 403, "{foreign}");
    }
    assert_eq!(post(&node, &target, &own, &"g=d%2F1&".repeat(300_000)).status, 400);
}

/// Asks, and reads the head alone.
fn begin(to: SocketAddr, target: &str) -> (std::net::TcpStream, u64) {
    let mut stream = connect(to);
    stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let answer = Answer::parse(&head);
    assert_eq!(answer.status, 200, "{}", answer.head);
    (stream, answer.header("content-length").unwrap().parse().unwrap())
}

#[test]
fn what_is_not_as_it_is_listed_any_more_breaks_the_answer_off() {
    type Change = fn(&Path, &Path);
    let changes: [(&str, Change, bool); 6] = [
        ("nothing happens", |_, _| {}, true),
        ("a later file is gone", |_, later| std::fs::remove_file(later).unwrap(), false),
        ("a later file is longer", |_, later| std::fs::write(later, "longer than before").unwrap(), false),
        (
            "a later file became a link",
            |_, later| {
                std::fs::remove_file(later).unwrap();
                std::os::unix::fs::symlink("/etc/hostname", later).unwrap();
            },
            false,
        ),
        (
            "the file that is read is shorter",
            |open, _| {
                std::fs::File::options().write(true).open(open).unwrap().set_len(LARGE / 2).unwrap();
            },
            false,
        ),
        (
            "the file that is read is written over",
            |open, _| {
                let mut file = std::fs::File::options().write(true).open(open).unwrap();
                file.seek(SeekFrom::Start(LARGE - 10)).unwrap();
                file.write_all(b"other").unwrap();
            },
            false,
        ),
    ];
    let lan = Lan::new();
    let node = lan.node(2).start();
    for (number, (what, change, ends_well)) in changes.into_iter().enumerate() {
        let name = |file: &str| format!("d{number}/{file}");
        std::fs::create_dir(node.loot(&name(""))).unwrap();
        node.put(&name("z"), "short");
        std::fs::File::create(node.loot(&name("a"))).unwrap().set_len(LARGE).unwrap();
        node.lists(&name("z"));
        wait_until("the large one is listed", || node.index().contains(&format!("{},{LARGE}", name("a"))));
        let (mut stream, length) = begin(node.address(), &format!("/archive/{}.zip?d=d{number}", uuid(&node)));
        // The first file is open when its content comes.
        let mut began = [0; 1_024];
        stream.read_exact(&mut began).unwrap();
        change(&node.loot(&name("a")), &node.loot(&name("z")));
        let came = (began.len() + read_all(&mut stream).len()) as u64;
        assert_eq!(came == length, ends_well, "{what}: {came} of {length}");
        assert!(came <= length, "{what}");
    }
}

#[test]
fn one_host_does_not_have_all_archives_made_for_it_and_others_go_on() {
    let lan = Lan::new();
    let node = lan.node(2).file("d/small", "small").start();
    std::fs::File::create(node.loot("d/large")).unwrap().set_len(LARGE).unwrap();
    node.lists("d/large");
    let target = format!("/archive/{}.tar?d=d", uuid(&node));
    let held: Vec<_> = (0..8).map(|_| begin(node.address(), &target)).collect();
    let refused = node.get(&target);
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains("Try again"), "{}", refused.text());
    assert_eq!(node.get("/s/?g=d/small").text(), "small");
    drop(held);
    let small = format!("/archive/{}.tar?g=d/small", uuid(&node));
    wait_until("there is room again", || node.get(&small).status == 200);
}

#[test]
fn more_than_four_gibibytes_and_many_files_are_told_in_64_bits() {
    const HUGE: u64 = 5 << 30;
    let temp = tempfile::NamedTempFile::new().unwrap();
    let mut file = temp.reopen().unwrap();
    // A hole for the content of the first file: only its place and length matter.
    let members = [("d/huge", HUGE), ("d/small", 5)].map(|(name, size_bytes)| Member {
        name,
        size_bytes,
        modified: 1_795_334_400,
    });
    let mut list = Vec::new();
    for member in &members {
        let offset = file.stream_position().unwrap();
        let (mut head, mut foot) = (Vec::new(), Vec::new());
        let sum = crc32fast::hash(b"small");
        Format::Zip.head(member, &mut head);
        Format::Zip.foot(member, sum, &mut foot);
        Format::Zip.line(member, sum, offset, &mut list);
        file.write_all(&head).unwrap();
        match member.size_bytes {
            5 => file.write_all(b"small").unwrap(),
            hole => drop(file.seek(SeekFrom::Current(hole.try_into().unwrap())).unwrap()),
        }
        file.write_all(&foot).unwrap();
    }
    let totals = Totals { files: 2, list_offset: file.stream_position().unwrap(), list_bytes: list.len() as u64 };
    Format::Zip.end(&totals, &mut list);
    file.write_all(&list).unwrap();
    let read = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); \
                print([(i.filename, i.file_size) for i in z.infolist()], z.read('d/small'))";
    let said = Command::new("python3").args(["-c", read]).arg(temp.path()).output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(said.trim(), "[('d/huge', 5368709120), ('d/small', 5)] b'small'");
}

#[test]
fn a_neighbours_folder_comes_through_this_node_and_lies_break_it_off() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    for (last, kind) in [(3, Kind::Py), (4, Kind::Go), (5, Kind::Specified)] {
        let neighbour = Scripted::start(&lan, last, kind);
        let large = "Straße ".repeat(100_000);
        neighbour.offers("d/a", "first").offers("d/Stra\u{df}e?.txt", large.as_str()).offers("d/empty", "");
        neighbour.offers("e/honest", "honest").offers("f/z", "z").lists("f/lie,100").lists("g/gone,7");
        neighbour.answers("f/lie", answers::content(b"shorter".to_vec()));
        neighbour.announce();
        let at = |query: &str| node.get(&format!("/archive/{}.tar?{query}", neighbour.uuid));
        wait_until("its files are known", || at("d=e").status == 200);
        assert_eq!(unpacked(&at("d=e"), "tar"), [("e/honest".to_owned(), b"honest".to_vec())], "{kind:?}");
        let files = unpacked(&at("d=d"), "tar");
        assert_eq!(names(&files), ["d/Straße?.txt", "d/a", "d/empty"], "{kind:?}");
        assert_eq!(files[0].1, large.as_bytes());
        for folder in ["f", "g"] {
            let (mut stream, length) = begin(node.address(), &format!("/archive/{}.tar?d={folder}", neighbour.uuid));
            assert!((read_all(&mut stream).len() as u64) < length, "{kind:?}: {folder}");
        }
        assert_eq!(
            http::request(node.address(), "HEAD", &format!("/archive/{}.zip?d=g", neighbour.uuid), "").status,
            200
        );
    }
    assert_eq!(node.get("/archive/00000000-0000-4000-8000-000000000000.zip").status, 404);
}
