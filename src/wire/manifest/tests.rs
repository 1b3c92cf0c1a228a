//! What is written is read, whole or in part; what is no manifest is refused.

use super::*;
use crate::wire::IndexHmac;
use crate::wire::napster::PeerAddress;
use proptest::prelude::*;

const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";
const BLAKE3: &str = "17762fddd969a453925d65717ac3eea21320b66b54342fde15128d6caf21215f";

fn index(text: &str) -> Arc<Index> {
    Arc::new(Index::parse(text.as_bytes()).unwrap().0)
}

fn read(rows: &str) -> Manifest {
    let body = format!("boucan-manifest 2\n\n{rows}");
    Manifest::parse(body.as_bytes(), &index("a,1\nd/b, c.txt,3\n")).unwrap()
}

#[test]
fn a_manifest_is_written_and_read() {
    let index = index("a,1\nb,2\nd/b, c.txt,3\n");
    let digests = Some(Digests { md5: Md5::parse(MD5.as_bytes()).unwrap(), blake3: *blake3::hash(b"a").as_bytes() });
    let table = DigestTable::new(index.clone(), vec![digests, None, digests]).with_mtimes(vec![-9, 0, -9]);
    let peer = "172.016.001.001|fc00:0000:0000:0000:0000:0000:0001:000106001";
    let hmac = "910eea887e9faa099a776d5598cb7207d595e7ad";
    let header = Header {
        hashing: 1,
        index: IndexHmac::parse(hmac.as_bytes()),
        peer: PeerAddress::parse(peer.as_bytes()).ok(),
        mirrors: Some(Mirrors::Everything),
        files: Some(2),
        version: ManifestVersion::parse(b"r.7"),
        since: None,
    };
    let text = header.emit() + &emit_rows(&table, 0..3);
    let expected = format!(
        "boucan-manifest 2\nhashing 1\nindex {hmac}\npeer {peer}\nmirrors all\nfiles 2\nversion r.7\n\n1 -9 {MD5} {BLAKE3} a\n3 -9 {MD5} {BLAKE3} d/b, c.txt\n"
    );
    assert_eq!(text, expected);
    let manifest = Manifest::parse(text.as_bytes(), &index).unwrap();
    assert_eq!((&manifest.header, manifest.skipped), (&header, Skipped::default()));
    assert_eq!(manifest.digests.iter().collect::<Vec<_>>(), table.iter().collect::<Vec<_>>());
    assert_eq!((manifest.digests.mtime(0), manifest.digests.mtime(1), manifest.adds_up()), (Some(-9), None, true));
}

#[test]
fn who_mirrors_says_so() {
    for (text, mirrors, bad) in [
        ("", None, 0),
        ("mirrors all\n", Some(Mirrors::Everything), 0),
        ("mirrors 2\n", Some(Mirrors::Copies(2.try_into().unwrap())), 0),
        ("mirrors 99999999999\n", Some(Mirrors::Copies(u32::MAX.try_into().unwrap())), 0),
        ("mirrors 0\n", None, 1),
        ("mirrors some\n", None, 1),
        ("mirrors -1\n", None, 1),
    ] {
        let body = format!("boucan-manifest 2\n{text}\n");
        let manifest = Manifest::parse(body.as_bytes(), &index("a,1\n")).unwrap();
        assert_eq!((manifest.header.mirrors, manifest.skipped.bad), (mirrors, bad), "{text}");
    }
}

#[test]
fn the_first_format_has_no_times() {
    let body = format!("boucan-manifest 1\nhashing 3\n\n1 {MD5} {BLAKE3} a\n1 9 {MD5} {BLAKE3} b\n");
    let manifest = Manifest::parse(body.as_bytes(), &index("a,1\nb,1\n")).unwrap();
    assert_eq!((manifest.header.hashing, manifest.skipped), (3, Skipped { bad: 1, strange: 0 }));
    assert_eq!((manifest.digests.known(), manifest.digests.mtime(0), manifest.header.version), (1, None, None));
}

/// What `text` says after a state in which `a` and `d/b, c.txt` are known.
fn since(text: &str) -> Result<Manifest, ManifestError> {
    let before = read(&format!("1 5 {MD5} {BLAKE3} a\n3 6 {MD5} {BLAKE3} d/b, c.txt\n")).digests;
    let version = ManifestVersion::parse(b"r.7").unwrap();
    Manifest::parse_since(text.as_bytes(), &Before { version, digests: Arc::new(before) })
}

#[test]
fn changes_are_told_by_lines_and_by_names_that_went() {
    let header = "boucan-manifest 2\nfiles 1\nversion r.8\nsince r.7\n\n";
    let manifest = since(&format!("{header}- d/b, c.txt\n- nobody\n1 8 {BLAKE3:.32} {BLAKE3} a\n")).unwrap();
    assert_eq!((manifest.skipped, manifest.adds_up()), (Skipped::default(), true));
    assert_eq!(manifest.header.version, ManifestVersion::parse(b"r.8"));
    assert_eq!((manifest.digests.mtime(0), manifest.digests.get(1)), (Some(8), None));
    assert_eq!(manifest.digests.get(0).unwrap().md5, Md5::parse(&BLAKE3.as_bytes()[..32]).unwrap());
    let manifest = since(&format!("{header}- a\n1 8 {MD5} {BLAKE3} a\n4 8 {MD5} {BLAKE3} d/b, c.txt\n")).unwrap();
    assert_eq!(manifest.skipped, Skipped { bad: 1, strange: 1 }, "the first of a name counts");
    assert_eq!((manifest.digests.known(), manifest.adds_up()), (0, false));
    assert_eq!(since(header).unwrap().digests.known(), 2);
}

#[test]
fn changes_since_another_state_are_refused_and_the_whole_is_taken() {
    for (text, refused) in [
        ("boucan-manifest 2\nsince r.6\n\n", Some(ManifestError::NotSinceThen)),
        ("boucan-manifest 1\nsince r.7\n\n", Some(ManifestError::NotSinceThen)),
        ("evil", Some(ManifestError::NotAManifest)),
        ("boucan-manifest 2\nversion r.7\n\n", None),
    ] {
        match since(text) {
            Ok(manifest) => assert_eq!((refused, manifest.digests.known()), (None, 0), "{text}"),
            Err(error) => assert_eq!(Some(error), refused, "{text}"),
        }
    }
    let unasked = Manifest::parse(b"boucan-manifest 2\nsince r.7\n\n", &index("a,1\n"));
    assert_eq!(unasked.unwrap_err(), ManifestError::NotSinceThen);
    let long = format!("boucan-manifest 2\nsince r.7\n\n{}", "- nobody\n".repeat(1 << 20));
    assert_eq!(since(&long).unwrap_err(), ManifestError::TooBig);
}

#[test]
fn a_header_of_a_later_version_is_read_as_far_as_it_is_known() {
    let body = "boucan-manifest 2\r\npieces 1 2 3\r\nhashing 7\r\nempty\r\nindex no hmac\r\npeer nobody\r\n\r\n";
    let manifest = Manifest::parse(body.as_bytes(), &index("a,1\n")).unwrap();
    assert_eq!(manifest.header, Header { hashing: 7, ..Header::default() });
    assert_eq!(manifest.skipped, Skipped { bad: 2, strange: 0 });
}

#[test]
fn a_bad_line_is_counted_and_its_neighbours_stay() {
    let good = format!("1 -9 {MD5} {BLAKE3} a\n3 -9 {MD5} {BLAKE3} d/b, c.txt\n");
    let upper = BLAKE3.to_uppercase();
    for (row, bad, strange, why) in [
        (format!("1 -9 {MD5} {BLAKE3} a"), 1, 0, "a second line for a name"),
        (format!("2 -9 {MD5} {BLAKE3} a"), 0, 1, "another size"),
        (format!("1 -9 {MD5} {BLAKE3} nobody"), 0, 1, "not in the index"),
        (format!("1 -9 {MD5} {BLAKE3} ../a"), 0, 1, "not in any index"),
        (format!("1 -9 {MD5} {BLAKE3}"), 1, 0, "no name"),
        (format!("+1 -9 {MD5} {BLAKE3} a"), 1, 0, "a sign"),
        (format!("18446744073709551616 -9 {MD5} {BLAKE3} a"), 1, 0, "too large"),
        (format!(" -9 {MD5} {BLAKE3} a"), 1, 0, "no size"),
        (format!("1 +9 {MD5} {BLAKE3} a"), 1, 0, "a sign before a time"),
        (format!("1 {MD5} {BLAKE3} a"), 1, 0, "no time"),
        (format!("1 9223372036854775808 {MD5} {BLAKE3} a"), 1, 0, "too late"),
        (String::from("- a"), 1, 0, "it went, in a whole"),
        (format!("1 -9 {MD5}0 {BLAKE3} a"), 1, 0, "an MD5 that is too long"),
        (format!("1 -9 {MD5} {BLAKE3}00 a"), 1, 0, "a BLAKE3 that is too long"),
        (format!("1 -9 {MD5} {MD5} a"), 1, 0, "a BLAKE3 that is too short"),
        (format!("1 -9 {MD5} {BLAKE3} \u{fffd}").replace('7', "g"), 1, 0, "no hex"),
    ] {
        let manifest = read(&format!("{good}{row}\n"));
        assert_eq!((manifest.digests.known(), manifest.skipped), (2, Skipped { bad, strange }), "{why}");
    }
    assert_eq!(read(&format!("1 -9 {MD5} {upper} /a\n")).digests.known(), 1);
}

#[test]
fn another_text_or_too_much_of_it_is_no_manifest() {
    let index = index("a,1\n");
    for text in ["", "<html>", "boucan-manifest 3\n\n", "boucan-manifest 20\n", "a,1\n"] {
        assert_eq!(Manifest::parse(text.as_bytes(), &index).unwrap_err(), ManifestError::NotAManifest, "{text}");
    }
    let body = format!("boucan-manifest 2\n\n{}", "x\n".repeat(max_bytes(&index) / 2));
    assert_eq!(Manifest::parse(body.as_bytes(), &index).unwrap_err(), ManifestError::TooBig);
    assert_eq!(Manifest::parse(b"boucan-manifest 2", &index).unwrap().digests.known(), 0);
}

#[test]
fn the_largest_that_is_written_is_read() {
    let index = index(&format!("{},{}\n", "n".repeat(200), i64::MAX));
    let digests = Digests { md5: Md5::new([0; 16]), blake3: [0; 32] };
    let table = DigestTable::new(index.clone(), vec![Some(digests)]).with_mtimes(vec![i64::MIN]);
    assert!(emit_rows(&table, 0..1).len() <= max_bytes(&index) - HEADER_BYTES);
}

#[test]
fn what_a_line_comes_to_is_known_without_writing_it() {
    for (size, mtime) in [(0, 0), (9, -1), (10, 9), (999_999, i64::MIN), (i64::MAX, i64::MAX), (1, -10)] {
        let index = index(&format!("naïve, b,{size}\nunknown,7\n"));
        let digests = Digests { md5: Md5::new([0xa0; 16]), blake3: [0x0b; 32] };
        let table = DigestTable::new(index, vec![Some(digests), None]).with_mtimes(vec![mtime]);
        let line = emit_rows(&table, 0..2);
        assert_eq!(line, format!("{size} {mtime} {} {} naïve, b\n", "a0".repeat(16), "0b".repeat(32)));
        assert_eq!((row_bytes(&table, 0), row_bytes(&table, 1), row_bytes(&table, 2)), (line.len(), 0, 0), "{line}");
    }
}

proptest! {
    #[test]
    fn a_manifest_never_panics(
        body in proptest::collection::vec(any::<u8>(), 0..400),
        lines in proptest::collection::vec("([0-9]{1,3} [0-9a-f]{32} [0-9a-f]{64} [ab/]{1,3}|[a-z]{1,9} [0-9a-f|:.]{0,60})?", 0..9),
    ) {
        let index = index("a,1\nb,2\n");
        let _ = Manifest::parse(&body, &index);
        let _ = Manifest::parse(&[b"boucan-manifest 2\n", &*body].concat(), &index);
        let _ = Manifest::parse(format!("boucan-manifest 2\n{}", lines.join("\n")).as_bytes(), &index);
    }

    #[test]
    fn what_is_written_reads_back(
        names in proptest::collection::btree_set("[a-zäß ,]{1,20}", 0..9),
        seed in any::<u8>(),
        hashing in any::<u64>(),
    ) {
        let text: String = names.iter().map(|name| format!("{name},{seed}\n")).collect();
        let Ok((index, _)) = Index::parse(text.as_bytes()) else { return Ok(()) };
        let index = Arc::new(index);
        let of = |at: usize| Some(Digests { md5: Md5::new([seed; 16]), blake3: [u8::try_from(at).unwrap(); 32] });
        let digests = (0..index.len()).map(|at| of(at).filter(|_| at % 3 != 1)).collect();
        let mtimes = (0..index.len()).map(|at| i64::try_from(at).unwrap() - i64::from(seed)).collect();
        let table = DigestTable::new(index.clone(), digests).with_mtimes(mtimes);
        let hmac = IndexHmac::of(&[seed], &crate::wire::IndexKey::Specified);
        let header = Header { hashing, index: Some(hmac), files: Some(table.known() as u64), ..Header::default() };
        let read = Manifest::parse((header.emit() + &emit_rows(&table, 0..index.len())).as_bytes(), &index).unwrap();
        prop_assert_eq!((read.header, read.skipped), (header, Skipped::default()));
        prop_assert_eq!(read.digests.iter().collect::<Vec<_>>(), table.iter().collect::<Vec<_>>());
        prop_assert!((0..index.len()).all(|at| read.digests.mtime(at) == table.mtime(at)));
    }

    /// A node's files before and after, each by number: size, content and time, or unknown. The
    /// reader has its index before or after.
    #[test]
    fn what_changed_since_leads_to_the_whole(
        before in states(),
        after in states(),
        spare in proptest::collection::btree_set(0_usize..12, 0..12),
    ) {
        let (then, now) = (node(&before), node(&after));
        let version = ManifestVersion::parse(b"r.1").unwrap();
        // Whatever changed is told, and some of what did not.
        let names: Vec<String> = (0..12).filter(|at| spare.contains(at) || before.get(at) != after.get(at)).map(name).collect();
        let header = Header { files: Some(now.known() as u64), version: Some(version.clone()), ..Header::default() };
        let whole = header.emit() + &emit_rows(&now, 0..now.index().len());
        let part = Header { since: Some(version.clone()), ..header }.emit() + &emit_changes(&now, names.iter().map(String::as_str));
        let had = Manifest::parse((Header::default().emit() + &emit_rows(&then, 0..then.index().len())).as_bytes(), then.index()).unwrap();
        let beside = now.index();
        let digests = Arc::new(had.digests.carried_to(beside.clone()));
        let came = Manifest::parse_since(part.as_bytes(), &Before { version, digests }).unwrap();
        let anew = Manifest::parse(whole.as_bytes(), beside).unwrap();
        prop_assert!(came.adds_up() && anew.adds_up());
        prop_assert_eq!(came.skipped, Skipped::default());
        prop_assert_eq!(came.digests.iter().collect::<Vec<_>>(), anew.digests.iter().collect::<Vec<_>>());
        prop_assert!((0..beside.len()).all(|at| came.digests.mtime(at) == anew.digests.mtime(at)));
        for of in 0..4 {
            let holders = |table: &DigestTable| table.holders(Md5::new([of; 16])).map(|(at, _)| at).collect::<Vec<_>>();
            prop_assert_eq!(holders(&came.digests), holders(&anew.digests));
        }
    }
}

/// By number: not there, or its size and what is known of it.
type States = std::collections::BTreeMap<usize, (u64, Option<(u8, i64)>)>;

fn states() -> impl Strategy<Value = States> {
    proptest::collection::btree_map(0_usize..12, (0_u64..2, proptest::option::of((0_u8..4, -2_i64..2))), 0..12)
}

fn name(at: usize) -> String {
    format!("{at:02}, x")
}

fn node(files: &States) -> DigestTable {
    let text: String = files.iter().map(|(at, (size, _))| format!("{},{size}\n", name(*at))).collect();
    let of = |(byte, _): (u8, i64)| Digests { md5: Md5::new([byte; 16]), blake3: [byte; 32] };
    let digests = files.values().map(|(_, known)| known.map(of)).collect();
    let mtimes = files.values().map(|(_, known)| known.map_or(0, |(_, mtime)| mtime)).collect();
    DigestTable::new(index(&text), digests).with_mtimes(mtimes)
}
