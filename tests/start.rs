//! What a start needs and says: state, port, folder, settings.

use std::process::Command;

use crate::support::lan::Lan;

/// Runs boucan to its end: exit status and what it said.
fn run(args: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_boucan")).env_clear().env("HOME", "/nonexistent").args(args).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_second_node_on_the_same_state_is_refused() {
    let lan = Lan::new();
    let first = lan.node(2).start();
    let (loot, state) = (first.loot(""), first.state(""));
    let port = lan.port.to_string();
    let args = [loot.to_str().unwrap(), "--state", state.to_str().unwrap(), "--bind", "127.0.0.3", "--port", &port];
    let (status, said) = run(&args);
    assert_eq!(status, Some(1));
    assert!(said.contains("another boucan is running with the state folder") && said.contains("--state DIR"), "{said}");
}

#[test]
fn a_taken_port_is_named_with_what_to_do() {
    let lan = Lan::new();
    let first = lan.node(2).start();
    let other = lan.node(3);
    let port = lan.port.to_string();
    let (loot, state) = (other.loot(), first.loot("").with_file_name("other-state"));
    let args = [loot.to_str().unwrap(), "--state", state.to_str().unwrap(), "--bind", "127.0.0.2", "--port", &port];
    let (status, said) = run(&args);
    assert_eq!(status, Some(1));
    assert!(said.contains(&format!("port {port} is taken")) && said.contains("--port"), "{said}");
}

#[test]
fn mistakes_are_said_with_their_place() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("boucan.toml");
    std::fs::write(&file, "name = 'x'\nbudgte = '1GB'\n").unwrap();
    let file = file.to_str().unwrap();
    let empty = temp.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    let empty = empty.to_str().unwrap();
    let both = temp.path().join("both.toml");
    std::fs::write(&both, "mode = 'shared'\nopportunistic = true\n").unwrap();
    let both = both.to_str().unwrap();
    let slow = temp.path().join("slow.toml");
    std::fs::write(&slow, "upload_limit = 1000\n").unwrap();
    let slow = slow.to_str().unwrap();
    let hidden = temp.path().join(".state");
    let hidden = hidden.to_str().unwrap();
    let inside = temp.path().join("state");
    let inside = inside.to_str().unwrap();
    let folder = temp.path().to_str().unwrap();
    for (args, status, said) in [
        (vec![folder, "--config", file], 2, "line 2"),
        (vec![folder, "--config", "/nonexistent/x"], 2, "no settings file"),
        (vec![folder, "--include", "("], 2, "not a regular expression"),
        (vec![folder, "--exclude", ""], 2, "an empty pattern"),
        (vec![folder, "--budget", "lots"], 2, "20GB"),
        (vec![folder, "--upload-limit", "1kB"], 2, "the least limit is 64KiB"),
        (vec![folder, "--download-limit", "0"], 2, "leave it out for none"),
        (vec![folder, "--config", slow], 2, "line 1"),
        (vec![folder, "--bind", "10.0.0.1:80"], 2, "without a port"),
        (vec![folder, "--port", "0"], 2, "0"),
        (vec![folder, "--announce-interval", "1h"], 2, "2min"),
        (vec![folder, "--psk-file", empty], 2, "1 to 4096 bytes"),
        (vec![folder, "--opportunistic", "--mode", "shared"], 2, "give only one"),
        (vec![folder, "--config", both], 2, "say only one of them"),
        (vec![folder, "--state", inside, "--bind", "127.0.0.9"], 1, "would be offered to everybody"),
        (vec![folder, "--state", hidden, "--bind", "203.0.113.7"], 1, "no address of this machine"),
        (vec!["/nonexistent/folder", "--state", folder, "--bind", "127.0.0.9"], 1, "cannot be shared"),
    ] {
        let (code, text) = run(&args);
        assert_eq!((code, text.contains(said)), (Some(status), true), "{args:?}: {text}");
    }
}

#[test]
fn the_help_has_examples() {
    let output = Command::new(env!("CARGO_BIN_EXE_boucan")).arg("--help").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Examples:") && text.contains("--opportunistic"), "{text}");
}

#[test]
fn a_start_prints_where_to_open_it() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    assert!(node.log().contains(&format!("http://{}/", node.address())), "{}", node.log());
}
