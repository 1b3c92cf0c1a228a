use std::time::Duration;

use super::*;

const A: SourceId = SourceId(1);
const B: SourceId = SourceId(2);
const C: SourceId = SourceId(3);
const D: SourceId = SourceId(4);
const ALL: Holds = Holds::All;

fn picker(pieces: u64) -> Picker {
    Picker::new(pieces * PIECE_BYTES, PieceSet::none(pieces), 7)
}

fn set(text: &str, pieces: u64) -> PieceSet {
    PieceSet::parse(text, pieces).unwrap()
}

fn some(text: &str, pieces: u64) -> Holds {
    Holds::Some(set(text, pieces))
}

#[track_caller]
fn any_of(ask: Option<Ask>) -> (String, u64) {
    match ask {
        Some(Ask::AnyOf { wanted, most }) => (wanted.to_string(), most),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn run(ask: Option<Ask>) -> RangeInclusive<u64> {
    match ask {
        Some(Ask::Run(run)) => run,
        other => panic!("{other:?}"),
    }
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Asks named runs of that holder until nothing is left, each taking so long.
fn drain(picker: &mut Picker, id: SourceId, each: Duration, now: &mut Instant) -> Vec<u64> {
    let mut came = Vec::new();
    while let Some(ask) = picker.next(id, 0, *now) {
        for piece in run(Some(ask)) {
            *now += each;
            assert!(picker.came(id, 0, piece, *now));
            came.push(piece);
        }
        picker.ended(id, 0, *now);
    }
    came
}

#[test]
fn a_complete_holder_is_asked_for_what_no_partial_one_has() {
    let (mut picker, now) = (picker(10), Instant::now());
    picker.add_source(A, ALL, now);
    picker.add_source(B, some("0-3,7", 10), now);
    assert_eq!(any_of(picker.next(A, 0, now)), ("4-6,8-9".into(), 1));
    assert!(picker.begun(A, 0, 5..=5, now));
    assert_eq!(picker.next(A, 0, now), None, "a lane is asked for one thing at a time");
    picker.add_source(C, ALL, now);
    assert_eq!(any_of(picker.next(C, 0, now)), ("4,6,8-9".into(), 1), "not what is in flight");
}

#[test]
fn a_holder_that_chooses_what_it_may_not_is_told_from_one_that_may() {
    for (run, allowed, why) in [
        (4..=4, true, "it is wanted"),
        (0..=0, false, "it is not wanted"),
        (4..=5, false, "more than the most"),
        (3..=4, false, "partly wanted"),
        (99..=99, false, "no such piece"),
    ] {
        let (mut picker, now) = (picker(10), Instant::now());
        picker.add_source(A, ALL, now);
        picker.add_source(B, some("0-3,7", 10), now);
        any_of(picker.next(A, 0, now));
        assert_eq!(picker.begun(A, 0, run, now), allowed, "{why}");
        assert!(!picker.begun(A, 1, 4..=4, now), "nothing was asked there");
    }
}

#[test]
fn of_a_partial_holder_the_rarest_piece_is_asked_first() {
    let (mut picker, mut now) = (picker(10), Instant::now());
    picker.add_source(A, some("0-9", 10), now);
    picker.add_source(B, some("0-2,4-9", 10), now);
    picker.add_source(C, some("0-2,4-7,9", 10), now);
    let order = drain(&mut picker, A, ms(20), &mut now);
    assert_eq!((order[0], order[1], order.len()), (3, 8, 10), "{order:?}");
    assert_eq!(picker.next(D, 0, now), None, "nobody knows that one");
}

#[test]
fn equals_are_taken_in_another_order_by_others() {
    let orders: std::collections::HashSet<Vec<u64>> = (0..20)
        .map(|seed| {
            let (mut picker, mut now) = (Picker::new(16 * PIECE_BYTES, PieceSet::none(16), seed), Instant::now());
            picker.add_source(A, some("0-14", 16), now);
            drain(&mut picker, A, ms(20), &mut now)
        })
        .collect();
    assert!(orders.len() > 15, "{orders:?}");
    assert!(orders.iter().all(|order| order.len() == 15));
}

#[test]
fn nothing_is_in_flight_twice_and_what_did_not_come_is_free_again() {
    let (mut picker, now) = (picker(4), Instant::now());
    for id in [A, B, C] {
        picker.add_source(id, some("0-1", 4), now);
    }
    picker.add_source(D, some("3", 4), now);
    let (first, second) = (run(picker.next(A, 0, now)), run(picker.next(B, 0, now)));
    assert_ne!(first, second);
    assert_eq!(picker.next(C, 0, now), None);
    picker.ended(A, 0, now);
    assert_eq!(run(picker.next(C, 0, now)), first);
    picker.drop_source(B, now);
    assert_eq!(run(picker.next(A, 0, now)), second);
    assert_eq!(run(picker.next(D, 0, now)), 3..=3);
}

#[test]
fn what_is_told_later_can_be_asked_and_what_a_lost_holder_told_is_wanted_of_the_first() {
    let (mut picker, now) = (picker(3), Instant::now());
    picker.add_source(A, ALL, now);
    picker.add_source(B, some("", 3), now);
    assert_eq!(picker.next(B, 0, now), None);
    picker.holds_more(B, &set("1", 3));
    assert_eq!(any_of(picker.next(A, 0, now)).0, "0,2");
    picker.drop_source(B, now);
    picker.ended(A, 0, now);
    assert_eq!(any_of(picker.next(A, 0, now)).0, "0-2");
    picker.add_source(C, some("2", 3), now);
    assert_eq!(run(picker.next(C, 0, now)), 2..=2);
    assert!(picker.came(C, 0, 2, now + ms(20)));
    picker.ended(C, 0, now + ms(20));
    assert_eq!(picker.next(C, 0, now), None);
    picker.holds_all(C);
    picker.holds_all(C);
    assert_ne!(run(picker.next(C, 0, now)), 2..=2);
}

#[test]
fn few_holders_are_asked_on_several_lanes_and_many_on_one() {
    let (mut picker, now) = (picker(100), Instant::now());
    picker.add_source(A, some("0-90", 100), now);
    let first = run(picker.next(A, 0, now));
    assert_eq!(picker.next(A, 1, now), None, "not before its first answer");
    assert!(picker.came(A, 0, *first.start(), now + ms(20)));
    picker.ended(A, 0, now + ms(20));
    let now = now + ms(20);
    run(picker.next(A, 0, now));
    run(picker.next(A, 1, now));
    picker.ended(A, 1, now);
    (10..14).for_each(|id| picker.add_source(SourceId(id), some("", 100), now));
    assert_eq!(picker.next(A, 1, now), None, "there are four others now");
}

#[test]
fn no_more_is_asked_than_comes_soon() {
    let (mut picker, now) = (picker(100), Instant::now());
    (0..20).for_each(|id| picker.add_source(SourceId(id), some("0-90", 100), now));
    let asked: Vec<_> = std::iter::from_fn(|| picker.next_of_any(2, now)).collect();
    assert_eq!(asked.len(), 8, "{asked:?}");
    let ids: std::collections::HashSet<_> = asked.iter().map(|(id, lane, _)| (id, lane)).collect();
    assert_eq!(ids.len(), 8, "of each one thing");
    assert!(ids.iter().any(|(id, _)| id.0 > 7), "not always of the first");
}

#[test]
fn holders_that_give_nothing_keep_nobody_else_from_being_asked() {
    let (mut picker, start) = (picker(100), Instant::now());
    (10..18).for_each(|id| picker.add_source(SourceId(id), some("0-99", 100), start));
    while picker.next_of_any(2, start).is_some() {}
    picker.add_source(A, some("0-99", 100), start);
    assert_eq!(picker.next_of_any(2, start + ms(1_999)), None, "eight are to come");
    (10..18).for_each(|id| picker.heard(SourceId(id), 0, start + ms(1_999)));
    let asked = picker.next_of_any(2, start + ms(2_000));
    assert!(matches!(asked, Some((A, 0, Ask::Run(_)))), "a byte now and then is no piece: {asked:?}");
}

#[test]
fn what_a_silent_holder_may_choose_is_wanted_of_another() {
    let (mut picker, start) = (picker(1), Instant::now());
    picker.add_source(A, ALL, start);
    picker.add_source(B, ALL, start);
    any_of(picker.next(A, 0, start));
    assert_eq!(picker.next(B, 0, start + ms(1_999)), None, "it comes from the first");
    assert_eq!(any_of(picker.next(B, 0, start + ms(2_000))), ("0".into(), 1));
}

#[test]
fn a_lone_taker_reads_in_order_in_runs_that_grow_with_the_speed() {
    for (each, most, what) in [
        (Duration::from_millis(21), 1, "100 Mbit/s"),
        (Duration::from_micros(2_100), 19, "1 Gbit/s"),
        (Duration::from_micros(210), 64, "10 Gbit/s"),
    ] {
        let (mut picker, mut now) = (picker(4_096), Instant::now());
        picker.add_source(A, ALL, now);
        assert_eq!(any_of(picker.next(A, 0, now)), ("0-4095".into(), 1), "{what}: the first is one piece");
        assert!(picker.begun(A, 0, 9..=9, now));
        now += each;
        assert!(picker.came(A, 0, 9, now));
        picker.ended(A, 0, now);
        assert_eq!(run(picker.next(A, 0, now)), 0..=(most - 1).min(8), "{what}");
        let next = run(picker.next(A, 1, now));
        assert_eq!(next.end() - next.start() + 1, most, "{what}");
        picker.others_ask(true);
        picker.ended(A, 1, now);
        assert_eq!(any_of(picker.next(A, 1, now)).1, (most / 4).clamp(1, 16), "{what}: while others ask us");
    }
}

#[test]
fn a_slow_holder_is_asked_only_for_what_no_faster_one_has() {
    let (mut picker, start) = (picker(100), Instant::now());
    picker.add_source(A, some("0-50", 100), start);
    picker.add_source(B, some("0-60", 100), start);
    for (id, takes) in [(A, ms(20)), (B, ms(900))] {
        let asked = run(picker.next(id, 0, start));
        assert!(picker.came(id, 0, *asked.start(), start + takes));
        picker.ended(id, 0, start + takes);
    }
    let mut now = start + ms(900);
    let slow = drain(&mut picker, B, ms(900), &mut now);
    assert!(slow.iter().all(|piece| *piece > 50), "{slow:?}");
    assert_eq!(drain(&mut picker, A, ms(20), &mut now).len() + slow.len(), 59);
}

#[test]
fn the_last_piece_is_asked_a_second_time_of_who_brings_it_clearly_sooner() {
    let (mut picker, start) = (picker(3), Instant::now());
    picker.add_source(A, some("0,2", 3), start);
    picker.add_source(B, some("1-2", 3), start);
    for (id, lane, takes) in [(A, 0, ms(100)), (B, 0, ms(20))] {
        let asked = run(picker.next(id, lane, start));
        assert!(picker.came(id, lane, *asked.start(), start + takes));
        picker.ended(id, lane, start + takes);
    }
    let now = start + ms(100);
    let last = (0..3).find(|piece| !picker.has(*piece)).unwrap();
    picker.holds_all(A);
    picker.holds_all(B);
    assert_eq!(run(picker.next(A, 0, now)), last..=last);
    assert_eq!(run(picker.next(B, 0, now)), last..=last, "it takes A a tenth of a second");
    assert_eq!(picker.next(B, 1, now), None, "two copies are enough");
    assert!(!picker.is_needless(A, 0));
    assert!(picker.came(B, 0, last, now + ms(20)));
    assert!(picker.is_done() && picker.is_needless(A, 0));
    assert!(!picker.came(A, 0, last, now + ms(30)), "a copy was here");
    assert_eq!(picker.next(A, 1, now + ms(30)), None);
}

#[test]
fn equals_are_not_asked_for_the_same_at_the_end() {
    let (mut picker, now) = (picker(1), Instant::now());
    picker.add_source(A, some("0", 1), now);
    picker.add_source(B, some("0", 1), now);
    run(picker.next(A, 0, now));
    assert_eq!(picker.next(B, 0, now), None);
    assert_eq!(run(picker.next(B, 0, now + ms(5_000))), 0..=0, "but one that gives nothing is no equal");
}

#[test]
fn a_silent_holder_is_overdue_when_another_has_its_pieces() {
    let (mut picker, start) = (picker(9), Instant::now());
    picker.add_source(A, some("0-4", 9), start);
    let first = run(picker.next(A, 0, start));
    assert!(picker.came(A, 0, *first.start(), start + ms(100)));
    picker.ended(A, 0, start + ms(100));
    run(picker.next(A, 0, start + ms(100)));
    let late = start + ms(2_100);
    assert_eq!(picker.overdue(late), [], "nobody else has it");
    picker.add_source(B, ALL, late);
    assert_eq!(picker.overdue(late), [(A, 0)]);
    picker.heard(A, 0, late);
    assert_eq!(picker.overdue(late + ms(1_999)), [], "something came");
}

#[test]
fn the_end_of_a_content_and_empty_ones_are_pieces_like_others() {
    let now = Instant::now();
    let empty = Picker::new(0, PieceSet::none(0), 7);
    assert!(empty.is_done());
    let mut picker = Picker::new(PIECE_BYTES + 1, PieceSet::none(2), 7);
    assert_eq!((picker.bytes_of(0), picker.bytes_of(1)), (PIECE_BYTES, 1));
    picker.add_source(A, ALL, now);
    assert_eq!(any_of(picker.next(A, 0, now)), ("0-1".into(), 1));
    assert!(picker.begun(A, 0, 1..=1, now) && picker.came(A, 0, 1, now + ms(1)));
    picker.ended(A, 0, now + ms(1));
    assert_eq!(run(picker.next(A, 0, now + ms(1))), 0..=0);
}

#[test]
fn what_is_wanted_fits_an_address_of_two_kilobytes() {
    let (pieces, now) = (crate::wire::pieces::PIECES_MAX, Instant::now());
    let mut have = PieceSet::none(pieces);
    (0..pieces).step_by(2).for_each(|piece| _ = have.insert(piece));
    let mut picker = Picker::new(pieces * PIECE_BYTES, have, 7);
    picker.add_source(A, ALL, now);
    let (wanted, _) = any_of(picker.next(A, 0, now));
    assert!(wanted.len() <= 2_048 && wanted.split(',').count() == 128, "{wanted}");
}
