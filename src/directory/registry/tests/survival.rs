//! What a restart, a crash and a damaged file leave.

use super::super::StoreError;
use super::*;

fn contents(registry: &StoredRegistry) -> impl PartialEq + std::fmt::Debug + use<> {
    let sessions: Vec<_> = registry
        .sessions()
        .into_iter()
        .map(|s| (s.key, s.address, s.proven, s.host, s.since.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()))
        .collect();
    let (files, _) = registry.files(0, usize::MAX);
    let holders: Vec<_> = files.iter().map(|file| registry.holders(file.md5)).collect();
    (sessions, files, holders, registry.counts())
}

#[test]
fn everything_is_there_after_a_restart() {
    let desk = Desk::new();
    let (first, second, gone) = (desk.peer(1), desk.peer(2), desk.peer(3));
    for number in 0..20 {
        first.add(number, &format!("name {number}")).unwrap();
        second.add(number + 10, &format!("other {number}")).unwrap();
        gone.add(number, "gone").unwrap();
    }
    first.add(7, "renamed").unwrap();
    first.delete(3).unwrap();
    gone.logout().unwrap();
    second.download(7, false).unwrap();
    second.download(99, true).unwrap();
    assert!(Peer { source: ip("fd00::2"), ..second }.find("*").is_ok());
    let (before, id) = (contents(&desk.registry), first.id);
    let desk = desk.restart();
    assert_eq!(contents(&desk.registry), before);
    assert_eq!((desk.registry.downloads(md5(7)), desk.registry.downloads(md5(99))), (1, 1));
    let first = Peer { desk: &desk, id, source: ip("192.168.1.1") };
    assert_eq!(first.find("renamed").unwrap(), [("renamed".into(), 1)]);
    assert_eq!(first.find("r 5").unwrap(), [("other 5".into(), 2)], "the earliest owner is still the earliest");
    assert_eq!(desk.login("192.168.1.1 fd00::1 6001", "192.168.1.1"), Ok(id));
    assert!(desk.registry.due_probes(desk.now, 9).is_empty(), "probing begins afresh");
    desk.login("192.168.1.5 fd00::5 6001", "192.168.1.5").unwrap();
    assert_eq!(desk.registry.counts().sessions, 3, "a new session takes no other's number");
}

#[test]
fn changes_are_stored_a_moment_later_even_if_nobody_closes() {
    let desk = Desk::new();
    desk.peer(1).add(1, "a").unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        // What a crash would leave.
        let copy = tempfile::tempdir().unwrap();
        std::fs::copy(desk.folder.path().join("directory.redb"), copy.path().join("directory.redb")).unwrap();
        let found = StoredRegistry::open(copy.path(), Arc::new(OneNetwork), desk.now).unwrap().counts();
        if found == desk.registry.counts() {
            break;
        }
        assert!(Instant::now() < deadline, "in vain: {found:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn many_changes_are_stored_at_the_end() {
    let desk = Desk::new();
    let peer = desk.peer(1);
    for number in 0..4_096 {
        peer.add(number, &format!("name {number}")).unwrap();
    }
    for number in 0..2_000 {
        desk.registry.note_download(md5(number + 10_000));
    }
    let desk = desk.restart();
    assert_eq!((desk.registry.counts().files, desk.registry.downloads(md5(11_999))), (4_096, 1));
}

#[test]
fn a_file_that_is_no_store_is_set_aside() {
    let healthy = {
        let desk = Desk::new();
        desk.peer(1).add(1, "a").unwrap();
        let desk = desk.restart();
        assert!(desk.registry.close(Instant::now() + PATIENCE));
        std::fs::read(desk.folder.path().join("directory.redb")).unwrap()
    };
    let mut altered = healthy.clone();
    for byte in altered.iter_mut().skip(4_096).step_by(7) {
        *byte ^= 0x55;
    }
    for (why, content) in [
        ("text", b"this is no database".to_vec()),
        ("a long text", b"no database\n".repeat(10_000)),
        ("cut short", healthy[..healthy.len() / 3].to_vec()),
        ("altered", altered),
        ("zeros", vec![0; 1 << 16]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("directory.redb"), &content).unwrap();
        let registry = StoredRegistry::open(folder.path(), Arc::new(OneNetwork), Instant::now());
        let registry = registry.unwrap_or_else(|error| panic!("{why}: {error}"));
        assert_eq!(registry.counts().files, 0, "{why}");
        assert_eq!(std::fs::read(folder.path().join("directory.redb.broken")).unwrap().len(), content.len(), "{why}");
    }
}

#[test]
fn a_store_of_somebody_else_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = redb::Database::create(folder.path().join("directory.redb")).unwrap();
    let writing = foreign.begin_write().unwrap();
    writing.open_table(redb::TableDefinition::<&str, &str>::new("sessions")).unwrap();
    writing.commit().unwrap();
    drop(foreign);
    assert_eq!(open(&folder, Instant::now()).counts().sessions, 0);
    assert!(folder.path().join("directory.redb.broken").exists());
}

#[test]
fn a_second_registry_in_one_folder_is_refused() {
    let desk = Desk::new();
    let second = StoredRegistry::open(desk.folder.path(), Arc::new(OneNetwork), desk.now);
    assert!(matches!(second, Err(StoreError::InUse(_))), "{second:?}");
    assert!(!desk.folder.path().join("directory.redb.broken").exists());
}

#[test]
fn sessions_on_disk_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new();
    let facts = std::fs::metadata(desk.folder.path().join("directory.redb")).unwrap();
    assert_eq!(facts.permissions().mode() & 0o077, 0);
}
