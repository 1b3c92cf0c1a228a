//! Lists against the library's own hash.

use proptest::prelude::*;

use super::*;

const PIECE: usize = PIECE_BYTES as usize;
/// Around every border.
const SIZES: [usize; 17] = [
    0,
    1,
    1023,
    1024,
    1025,
    PIECE - 1,
    PIECE,
    PIECE + 1,
    2 * PIECE - 1,
    2 * PIECE,
    2 * PIECE + 1,
    3 * PIECE,
    4 * PIECE + 1024,
    5 * PIECE,
    7 * PIECE - 1,
    8 * PIECE,
    11 * PIECE + 7,
];

/// No two pieces alike.
fn content(size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    blake3::Hasher::new().update(&size.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn hashed(bytes: &[u8], step: usize) -> ([u8; 32], PieceList) {
    let mut hasher = PieceHasher::new();
    bytes.chunks(step).for_each(|part| hasher.update(part));
    let (root, list) = hasher.finish();
    (root, list.unwrap())
}

fn piece<'b>(list: &PieceList, bytes: &'b [u8], index: u64) -> &'b [u8] {
    let Range { start, end } = list.range(index);
    &bytes[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()]
}

#[test]
fn one_pass_makes_the_hash_and_a_list_that_folds_to_it() {
    for size in SIZES {
        let bytes = content(size);
        let expected = *blake3::hash(&bytes).as_bytes();
        for step in [PIECE, 1 << 20, 65_521] {
            let (root, list) = hashed(&bytes, step);
            assert_eq!((root, list.root()), (expected, expected), "{size} by {step}");
            assert_eq!((list.hashes().len(), list.size_bytes()), (size.div_ceil(PIECE), size as u64));
            assert_eq!(PieceList::parse(list.emit(), size as u64, &expected), Ok(list));
        }
    }
}

#[test]
fn each_piece_is_verified_and_a_flipped_bit_found() {
    for size in SIZES {
        let mut bytes = content(size);
        let (_, list) = hashed(&bytes, PIECE);
        let count = list.hashes().len() as u64;
        assert_eq!((0..count).map(|index| piece(&list, &bytes, index).len()).sum::<usize>(), size);
        for index in 0..count {
            let whole = piece(&list, &bytes, index);
            assert!(list.verify(index, whole), "{index} of {size}");
            assert!(!list.verify(index, &whole[1..]) && !list.verify(index, &[whole, b"x"].concat()));
            assert!(!list.verify(index + 1, whole), "in another place");
            let at = usize::try_from(list.range(index).end).unwrap() - 1;
            bytes[at] ^= 1;
            assert!(!list.verify(index, piece(&list, &bytes, index)), "{index} of {size}, its last bit");
            bytes[at] ^= 1;
        }
        assert!(!list.verify(count, &[]) && !list.verify(u64::MAX, &[]) && list.range(u64::MAX).is_empty());
    }
}

#[test]
fn a_list_that_is_not_the_content_s_is_refused() {
    use PieceListError::{AnotherContent, TooManyPieces, WrongLength};
    let (size, bytes) = (3 * PIECE_BYTES + 5, content(3 * PIECE + 5));
    let (root, list) = hashed(&bytes, PIECE);
    let emitted = list.emit().to_vec();
    let flipped = |at: usize| {
        let mut list = emitted.clone();
        list[at] ^= 0x80;
        list
    };
    let swapped = [&emitted[32..64], &emitted[..32], &emitted[64..]].concat();
    for (bytes, size_bytes, why) in [
        (flipped(0), size, AnotherContent),
        (flipped(127), size, AnotherContent),
        (swapped, size, AnotherContent),
        (emitted[..96].to_vec(), size, WrongLength),
        (emitted[..127].to_vec(), size, WrongLength),
        ([&emitted[..], &[0; 32]].concat(), size, WrongLength),
        (emitted.clone(), 3 * PIECE_BYTES, WrongLength),
        (emitted.clone(), 4 * PIECE_BYTES + 1, WrongLength),
        (Vec::new(), 0, AnotherContent),
        (root.to_vec(), u64::MAX, TooManyPieces),
    ] {
        assert_eq!(PieceList::parse(&bytes, size_bytes, &root), Err(why));
    }
    assert_eq!(PieceList::parse(&emitted, size, &[0; 32]), Err(AnotherContent));
    // Of one piece the list is the hash itself: nothing is left to lie about but the size.
    let (root, list) = hashed(b"abc", 1);
    assert_eq!((list.emit(), root), (&blake3::hash(b"abc").as_bytes()[..], *blake3::hash(b"abc").as_bytes()));
}

#[test]
fn what_has_too_many_pieces_has_no_list() {
    assert_eq!((piece_count(0), piece_count(1), piece_count(PIECE_BYTES + 1)), (Some(0), Some(1), Some(2)));
    let most = PIECES_MAX * PIECE_BYTES;
    assert_eq!((piece_count(most), piece_count(most + 1), piece_count(u64::MAX)), (Some(PIECES_MAX), None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_content_in_any_steps_has_the_hash_that_the_library_gives(
        pieces in 0..6_usize,
        beyond in prop_oneof![Just(0), 1..2_000_usize, 0..PIECE],
        step in 1_000..700_000_usize,
        at in any::<prop::sample::Index>(),
    ) {
        let mut bytes = content(pieces * PIECE + beyond);
        let (root, list) = hashed(&bytes, step);
        prop_assert_eq!(root, *blake3::hash(&bytes).as_bytes());
        prop_assert_eq!(list.root(), root);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] ^= 4;
            let bad: Vec<u64> = (0..list.hashes().len() as u64).filter(|index| !list.verify(*index, piece(&list, &bytes, *index))).collect();
            prop_assert_eq!(bad, vec![at as u64 / PIECE_BYTES]);
        }
    }

    #[test]
    fn no_bytes_from_strangers_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), size_bytes: u64, index: u64) {
        prop_assert!(PieceList::parse(&bytes, size_bytes, &[7; 32]).is_err());
        let (_, list) = hashed(b"abc", 1);
        prop_assert!(!list.verify(index.max(1), &bytes));
    }
}
