//! Tables as they are made, changed and carried on.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn digests(byte: u8) -> Option<Digests> {
    Some(Digests { md5: Md5::new([byte; 16]), blake3: [byte; 32] })
}

#[test]
fn files_are_found_by_what_they_hold() {
    let index = Arc::new(Index::parse(b"a,1\nb,2\nc,3\nd,3\n").unwrap().0);
    let table = DigestTable::new(index, vec![digests(7), None, digests(3), digests(3)]);
    assert_eq!(table.find(Md5::new([3; 16])).unwrap().name, "c");
    assert_eq!(table.find(Md5::new([7; 16])).unwrap().name, "a");
    assert!(table.find(Md5::new([4; 16])).is_none() && table.find(Md5::new([9; 16])).is_none());
    assert_eq!((table.known(), table.get(1), table.get(0)), (3, None, digests(7).as_ref()));
    assert_eq!(table.holders(Md5::new([3; 16])).map(|(at, _)| at).collect::<Vec<_>>(), [2, 3]);
    let of = |blake3| table.holders_of(blake3).map(|(at, entry)| (at, entry.name)).collect::<Vec<_>>();
    assert_eq!((of([3; 32]), of([7; 32])), (vec![(2, "c"), (3, "d")], vec![(0, "a")]));
    assert_eq!((of([4; 32]), of([0; 32]), of([255; 32])), (vec![], vec![], vec![]));
    assert_eq!(table.iter().map(|(entry, _)| entry.name).collect::<Vec<_>>(), ["a", "c", "d"]);
}

#[test]
fn contents_whose_names_begin_alike_are_told_apart() {
    let index = Arc::new(Index::parse(b"a,1\nb,2\nc,3\n").unwrap().0);
    let of = |last: u8| {
        let mut blake3 = [7; 32];
        blake3[31] = last;
        blake3
    };
    let digests = [3, 1, 2].map(|last| Some(Digests { md5: Md5::new([last; 16]), blake3: of(last) }));
    let table = DigestTable::new(index, digests.to_vec());
    for (last, at) in [(1, 1), (2, 2), (3, 0)] {
        assert_eq!(table.holders_of(of(last)).map(|(at, _)| at).collect::<Vec<_>>(), [at]);
    }
}

#[test]
fn what_kept_its_name_and_size_keeps_its_digests() {
    let index = |text: &str| Arc::new(Index::parse(text.as_bytes()).unwrap().0);
    let table = DigestTable::new(index("a,1\nb,2\nc,3\n"), vec![digests(1), digests(2), digests(3)]);
    let table = table.with_mtimes(vec![10, 20, -30]);
    let carried = table.carried_to(index("0,9\na,1\nb,7\nc,3\n"));
    assert_eq!(carried.known(), 2);
    assert_eq!((carried.get(1), carried.get(2), carried.get(3)), (table.get(0), None, table.get(2)));
    assert_eq!((carried.mtime(1), carried.mtime(2), carried.mtime(3)), (Some(10), None, Some(-30)));
    assert_eq!(carried.find(Md5::new([3; 16])).unwrap().name, "c");
}

#[test]
fn what_nobody_read_yet_is_unknown() {
    let index = Arc::new(Index::parse(b"a,1\n").unwrap().0);
    let table = DigestTable::new(index, Vec::new());
    assert_eq!((table.known(), table.get(0), table.iter().count(), table.memory_bytes()), (0, None, 0, 0));
}

type Told = Option<(u8, i64)>;

/// The two orders are not alike.
fn row(told: Told) -> Option<Row> {
    let (byte, mtime) = told?;
    let digests = Digests { blake3: [byte.wrapping_mul(5) % 7; 32], ..digests(byte)? };
    Some(Row { digests, mtime, mark: u64::from(byte) })
}

/// All that can be asked of a table.
fn all(table: &DigestTable) -> impl PartialEq + std::fmt::Debug + use<> {
    let rows: Vec<Option<Row>> = (0..table.index().len()).map(|at| table.row(at)).collect();
    let places = |found: Vec<(usize, Entry<'_>)>| found.into_iter().map(|(at, _)| at).collect::<Vec<usize>>();
    let by_md5: Vec<_> = (0..9).map(|byte| places(table.holders(Md5::new([byte; 16])).collect())).collect();
    let by_blake3: Vec<_> = (0..9).map(|byte| places(table.holders_of([byte; 32]).collect())).collect();
    let known: Vec<usize> = table.known_rows().map(|(at, _)| at).collect();
    (rows, by_md5, by_blake3, known, table.known())
}

/// Beside names of two digits and what is known of each.
fn made(files: &BTreeMap<u16, Told>) -> DigestTable {
    let text: String = files.keys().map(|name| format!("{name:05},1\n")).collect();
    let index = Arc::new(Index::parse(text.as_bytes()).unwrap().0);
    let mut draft = DigestTable::unknown(index).draft();
    files.values().enumerate().for_each(|(at, told)| draft.set(at, row(*told)));
    draft.finish()
}

fn told() -> impl Strategy<Value = Told> {
    proptest::option::of((0_u8..6, any::<i64>()))
}

proptest! {
    #[test]
    fn a_changed_table_is_the_one_that_is_made_anew(
        before in proptest::collection::vec(told(), 0..60),
        changes in proptest::collection::btree_map(0_u16..64, told(), 0..20),
        is_asked_by_md5: bool,
    ) {
        let before: BTreeMap<u16, Told> = (0..).zip(before).collect();
        let table = made(&before);
        if is_asked_by_md5 {
            assert_eq!(table.find(Md5::new([9; 16])), None);
        }
        let (mut after, mut draft) = (before, table.draft());
        for (at, change) in changes {
            draft.set(usize::from(at), row(change));
            after.entry(at).and_modify(|told| *told = change);
        }
        prop_assert_eq!(all(&draft.finish()), all(&made(&after)));
    }

    #[test]
    fn a_carried_table_is_the_one_that_is_made_anew(
        before in proptest::collection::btree_map(0_u16..60, told(), 0..60),
        gone in proptest::collection::vec(0_u16..60, 0..10),
        new in proptest::collection::vec(0_u16..70, 0..10),
        is_asked_by_md5: bool,
    ) {
        let table = made(&before);
        if is_asked_by_md5 {
            assert_eq!(table.find(Md5::new([9; 16])), None);
        }
        let mut after = before.clone();
        gone.iter().for_each(|name| { after.remove(name); });
        // What went and came back has stayed.
        new.iter().for_each(|name| { after.entry(*name).or_insert(before.get(name).copied().flatten()); });
        let (names, after) = (after.keys().map(|name| format!("{name:05}")).collect::<Vec<_>>(), made(&after));
        let index = Arc::new(Index::from_sorted(names.iter().map(|name| (name.as_str(), 1))));
        prop_assert_eq!(all(&table.carried_to(index)), all(&after));
    }
}

#[test]
fn many_rows_are_changed_and_carried_as_few_are() {
    let mut files: BTreeMap<u16, Told> = (0..20_000).map(|name| (name * 2, Some(((name % 6) as u8, 7)))).collect();
    let mut table = made(&files);
    // At the edges of blocks and inside, one after the other and many at once.
    for (first, step, count) in
        [(0, 1, 3), (8_191, 2, 1), (9_001, 2, 700), (20_001, 1, 1), (0, 5, 6_000), (0, 3, 9_000)]
    {
        for name in (0..count).map(|at| first + at * step) {
            match files.remove(&name) {
                Some(_) => {}
                None => {
                    files.insert(name, None);
                }
            }
        }
        let names: Vec<String> = files.keys().map(|name| format!("{name:05}")).collect();
        table = table.carried_to(Arc::new(Index::from_sorted(names.iter().map(|name| (name.as_str(), 1)))));
        assert_eq!(all(&table), all(&made(&files)), "{first}, {step}, {count}");
        let mut draft = table.draft();
        for (at, told) in files.values_mut().enumerate().filter(|(at, _)| at % 7 == 3) {
            *told = Some(((at % 5) as u8, 9));
            draft.set(at, row(*told));
        }
        table = draft.finish();
        assert_eq!(all(&table), all(&made(&files)), "{first}, {step}, {count}: changed");
    }
}

#[test]
fn a_change_copies_what_is_around_it_and_shares_the_rest() {
    let files: BTreeMap<u16, Told> = (0..40_000).map(|name| (name, Some((1, 7)))).collect();
    let table = made(&files);
    let names: Vec<String> = (0..=40_000).filter(|name| *name != 30_000).map(|name| format!("{name:05}")).collect();
    let index = Arc::new(Index::from_sorted(names.iter().map(|name| (name.as_str(), 1))));
    let mut draft = table.carried_to(index).draft();
    draft.set(39_999, row(Some((2, 1))));
    assert!(draft.finish().rows.shared_with(&table.rows) >= 7);
    // Both digests, a time, a mark, a place in the order by content.
    let bytes = table.rows.memory_bytes() + size_of_val(&**table.by_blake3);
    assert!((64..66).contains(&(bytes / 40_000)), "{bytes}");
}
