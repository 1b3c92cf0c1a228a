//! `boucan napster …`: the real binary at scripted directories and peers.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;

use boucan::wire::napster::Request;
use serde_json::Value;
use tempfile::TempDir;

use crate::napster_scripted::{ScriptedDirectory, Uploader, dribbled, file, in_chunks, md5_of};
use crate::support::wait_until;

/// A user with a home, in a folder of theirs.
struct User {
    temp: TempDir,
}

/// How a command ended.
#[derive(Debug)]
struct Done {
    status: Option<i32>,
    out: String,
    err: String,
}

impl User {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("here")).unwrap();
        Self { temp }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Names in the folder in which commands are run.
    fn here(&self) -> Vec<String> {
        names(&self.path("here"))
    }

    fn command(&self, directory: &ScriptedDirectory, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boucan"));
        command
            .env_clear()
            .env("HOME", self.temp.path())
            .current_dir(self.path("here"))
            .arg("napster")
            .args(args)
            .args(["--directory", &directory.address.to_string(), "--bind", "127.0.0.1"])
            .args(["--state".as_ref(), self.path("state").as_os_str()])
            .stdin(Stdio::null());
        command
    }

    fn run(&self, directory: &ScriptedDirectory, args: &[&str]) -> Done {
        let Output { status, stdout, stderr } = self.command(directory, args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Done { status: status.code(), out: text(stdout), err: text(stderr) }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn is_login(request: &Request) -> bool {
    matches!(request, Request::Login(_))
}

#[test]
fn find_lists_what_is_offered_and_leaves_no_session() {
    let (user, directory) = (User::new(), ScriptedDirectory::start());
    let peers = ["127.0.0.5:6001".parse().unwrap(), "127.0.0.6:6002".parse().unwrap()];
    directory.knows(file("Live \u{202e}Brixton.JPG", b"a", &peers)).knows(file("other", b"b", &[]));
    let done = user.run(&directory, &["find", "brixton"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(done.out.contains(&format!("{}       2  live \\u{{202e}}brixton.jpg", md5_of(b"a"))), "{}", done.out);
    assert!(!done.out.contains("other") && !done.out.contains("6001"));
    let done = user.run(&directory, &["find", "*", "-v"]);
    assert!(done.out.contains("127.0.0.5:6001") && done.out.contains("other"), "{}", done.out);
    let done = user.run(&directory, &["find", "*", "--json"]);
    let json: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&json["files"][0]["copies"], &json["files"][0]["peers"][1]["port"]), (&2.into(), &6002.into()));
    assert_eq!((directory.sessions(), names(user.temp.path())), (0, vec!["here".to_owned()]));
}

#[test]
fn what_is_not_found_or_not_there_is_said_and_ends_with_one() {
    let (user, directory) = (User::new(), ScriptedDirectory::start());
    directory.knows(file("a name that is longer than twenty bytes", b"a", &[]));
    for (args, said) in [
        (vec!["find", "zzz"], "no file with “zzz” in its name"),
        (vec!["find", "a name that is longer than thirty"], "no file with"),
        (vec!["get", "zzz"], "has no file called “zzz”"),
        (vec!["get", "00000000000000000000000000000000"], "no file with the MD5"),
        (vec!["get", "a name that is longer than twenty bytes"], "can be reached"),
        (vec!["logout"], "no session"),
    ] {
        let done = user.run(&directory, &args);
        assert_eq!((done.status, done.err.contains(said)), (Some(1), true), "{args:?}: {done:?}");
    }
    assert_eq!((directory.sessions(), user.here().len()), (0, 0));
    directory.manner().is_away = true;
    let done = user.run(&directory, &["find", "zzz"]);
    assert_eq!((done.status, done.err.contains("closed the connection")), (Some(1), true), "{done:?}");
    let done = user.run(&directory, &["find", "a\nb"]);
    assert_eq!(done.status, Some(2), "{done:?}");
}

#[test]
fn get_saves_what_any_kind_of_peer_gives_and_tells_the_directory() {
    let content: Vec<u8> = (0..10_000).map(|n| (n % 253) as u8).collect();
    let split = |at: usize| {
        let answer = in_chunks(&content, 4_096);
        vec![answer[..at].to_vec(), answer[at..].to_vec()]
    };
    let zero = [&b"ARET00000300000"[..], b"10000", &content, b"00000"].concat();
    for (kind, segments, stays) in [
        ("as R00tella", vec![in_chunks(&content, 4_096)], false),
        ("one chunk", vec![in_chunks(&content, 10_000)], true),
        ("odd chunks dribbled", dribbled(&in_chunks(&content, 777)), false),
        ("head split", split(7), false),
        ("length split", split(12), true),
        ("chunks of nothing", vec![zero], false),
    ] {
        let (user, directory) = (User::new(), ScriptedDirectory::start());
        let peer = Uploader::start(segments, stays);
        directory.knows(file("Film.AVI", &content, &[peer.address]));
        let done = user.run(&directory, &["get", "film.avi"]);
        assert_eq!((done.status, done.out.as_str()), (Some(0), "Saved film.avi\n"), "{kind}: {done:?}");
        assert_eq!(std::fs::read(user.path("here/film.avi")).unwrap(), content, "{kind}");
        assert_eq!(user.here(), ["film.avi"], "{kind}");
        let is_told = |r: &Request| matches!(r, Request::Download(_, md5) if *md5 == md5_of(&content));
        assert!(directory.requests().iter().any(is_told), "{kind}");
        assert_eq!((directory.sessions(), peer.times_asked()), (0, 1), "{kind}");
    }
}

#[test]
fn get_goes_on_to_the_next_peer_and_leaves_nothing_of_those_that_failed() {
    let content = b"the right content";
    let short = &in_chunks(content, 5)[..20];
    let bad = [
        Uploader::says(&b"Sorry, the requested file is not available anymore by the selected peer."[..]),
        Uploader::says(short),
        Uploader::says(in_chunks(b"the wrong content", 5)),
        Uploader::says(&b"ARET00100001A"[..]),
        Uploader::says(&b""[..]),
    ];
    let mut peers: Vec<_> = bad.iter().map(|peer| peer.address).collect();
    let (user, directory) = (User::new(), ScriptedDirectory::start());
    directory.knows(file("bad", b"the right content, by nobody", &peers));
    let md5 = md5_of(b"the right content, by nobody").to_string();
    let done = user.run(&directory, &["get", &md5]);
    assert_eq!(done.status, Some(1));
    for said in ["not available anymore", "after 1 of 4 chunks", "something else", "its length", "5 addresses"] {
        assert!(done.err.contains(said), "{said}: {}", done.err);
    }
    assert_eq!((user.here().len(), directory.sessions()), (0, 0));
    let good = Uploader::says(in_chunks(content, 5));
    peers.push(good.address);
    directory.knows(file("good", content, &peers));
    let done = user.run(&directory, &["get", "good"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert_eq!(std::fs::read(user.path("here/good")).unwrap(), content);
    assert_eq!(user.here(), ["good"]);
}

#[test]
fn get_never_replaces_and_takes_only_plain_names_from_the_network() {
    let (user, directory) = (User::new(), ScriptedDirectory::start());
    let peer = Uploader::says(in_chunks(b"new", 5));
    directory.knows(file("../../evil", b"new", &[peer.address]));
    let md5 = md5_of(b"new").to_string();
    std::fs::write(user.path("here/evil"), "mine").unwrap();
    let done = user.run(&directory, &["get", &md5]);
    assert_eq!((done.status, done.err.contains("there already")), (Some(1), true), "{done:?}");
    assert_eq!((std::fs::read(user.path("here/evil")).unwrap(), peer.times_asked()), (b"mine".to_vec(), 0));
    let other = user.path("other");
    let done = user.run(&directory, &["get", &md5, "--output", other.to_str().unwrap(), "--query", "evil"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert_eq!(std::fs::read(other).unwrap(), b"new");
    directory.knows(file("evil two", b"two", &[]));
    let done = user.run(&directory, &["get", "evi"]);
    assert!(done.err.contains("several files fit") && done.err.contains("evil two"), "{done:?}");
    assert_eq!(user.here(), ["evil"]);
}

#[test]
fn a_session_stays_until_logout_and_is_renewed_when_it_was_forgotten() {
    let (user, directory) = (User::new(), ScriptedDirectory::start());
    directory.manner().keeps_open = true;
    directory.knows(file("a", b"a", &[]));
    let done = user.run(&directory, &["login", "--peer-port", "6001"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    assert!(done.out.contains("as 127.0.0.1, port 6001"), "{}", done.out);
    user.run(&directory, &["find", "a"]);
    user.run(&directory, &["find", "a"]);
    assert_eq!(directory.requests().iter().filter(|request| is_login(request)).count(), 1);
    directory.forgets();
    for _ in 0..2 {
        assert_eq!(user.run(&directory, &["find", "a"]).status, Some(0));
    }
    let logins: Vec<_> = directory.requests().into_iter().filter(is_login).collect();
    assert_eq!((logins.len(), directory.sessions()), (2, 1));
    assert_eq!(logins[0], logins[1], "the same address and port");
    assert_eq!(user.run(&directory, &["logout"]).status, Some(0));
    assert_eq!(directory.sessions(), 0);
    assert_eq!(user.run(&directory, &["logout"]).status, Some(1));
}

#[test]
fn ctrl_c_leaves_no_file_and_no_session() {
    let (user, directory) = (User::new(), ScriptedDirectory::start());
    let content = vec![b'x'; 100_000];
    let part = in_chunks(&content, 4_096)[..50_000].to_vec();
    let peer = Uploader::start(vec![part], true);
    directory.knows(file("big", &content, &[peer.address]));
    let mut child = user.command(&directory, &["get", "big"]).stderr(Stdio::piped()).spawn().unwrap();
    let is_coming = || {
        let part = user.here().into_iter().find(|name| name.ends_with(".part"));
        part.is_some_and(|part| std::fs::metadata(user.path("here").join(part)).is_ok_and(|m| m.len() > 40_000))
    };
    wait_until("a part has come", is_coming);
    interrupt(&child);
    let status = child.wait().unwrap();
    assert_eq!((status.code(), user.here().len(), directory.sessions()), (Some(1), 0, 0));
}

fn interrupt(child: &Child) {
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
}

#[test]
fn a_download_is_counted_though_the_directory_forgot_the_session_meanwhile() {
    let (user, directory) = (User::new(), ScriptedDirectory::start());
    let (go_on, told) = channel();
    let peer = Uploader::holding_back(1, in_chunks(b"took its time", 5), 20, told);
    directory.knows(file("a", b"took its time", &[peer.address]));
    let child = user.command(&directory, &["get", "a"]).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    wait_until("the peer is asked", || peer.times_asked() == 1);
    directory.forgets();
    go_on.send(()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    let last = directory.requests().into_iter().rev().find(|request| !matches!(request, Request::Logout(_)));
    assert!(matches!(last, Some(Request::Download(_, md5)) if md5 == md5_of(b"took its time")), "{last:?}");
    assert_eq!((user.here(), directory.sessions()), (vec!["a".to_owned()], 0));
}

#[test]
fn a_download_that_is_not_counted_is_only_a_warning() {
    let (user, directory) = (User::new(), ScriptedDirectory::start());
    directory.manner().download_answer = Some("File not found.");
    let peer = Uploader::says(in_chunks(b"a", 5));
    directory.knows(file("a", b"a", &[peer.address]));
    let done = user.run(&directory, &["get", "a"]);
    assert_eq!((done.status, done.err.contains("not counted") && done.err.contains("File not found")), (Some(0), true));
    assert_eq!(user.here(), ["a"]);
}
