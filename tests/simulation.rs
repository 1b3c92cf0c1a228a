//! Rooms in virtual time (`tests/support/simulation/`): what `docs/SCALE.md` says of small ones
//! holds. The time is the model's, so nothing here depends on the machine.

use crate::support::simulation::{Host, Outcome, Room, simulate};

const MIB: u64 = 1024 * 1024;

/// The aims of the room of eight: what is lost is the first and the last piece.
fn eight() -> Room {
    Room::even(8, 100.0, 64 * MIB)
}

#[track_caller]
fn all_have_it(room: &Room, within: f64) -> Outcome {
    let out = simulate(room);
    let factor = out.last() / room.bound();
    assert_eq!(out.without, 0);
    assert!((1.0..=within).contains(&factor), "{factor:.3} of the bound");
    out
}

#[test]
fn eight_have_a_file_in_little_more_than_the_time_of_one_copy() {
    for seed in 0..3 {
        let room = Room { seed, ..eight() };
        let out = all_have_it(&room, 1.10);
        assert_eq!(out.seconds.len(), 8);
        assert!(out.seeder_copies(&room) <= 1.10, "{:.3} copies", out.seeder_copies(&room));
        assert!(out.duplicates(&room) <= 0.01);
    }
}

#[test]
fn a_room_of_thirty_two_does_well_on_slow_links() {
    let room = Room::even(32, 25.0, 64 * MIB);
    let out = all_have_it(&room, 1.25);
    assert!(out.seeder_copies(&room) <= 1.10, "{:.3} copies", out.seeder_copies(&room));
}

#[test]
fn the_same_room_comes_to_the_same_end() {
    let room = Room { churn_a_minute: 2.0, ..Room::even(6, 100.0, 16 * MIB) };
    let (one, other) = (simulate(&room), simulate(&room));
    assert_eq!(one.seconds, other.seconds);
    assert_eq!((one.requests, one.seeder_bytes), (other.requests, other.seeder_bytes));
}

#[test]
fn a_lone_taker_keeps_the_link_full() {
    let room = Room::even(1, 1_000.0, 256 * MIB);
    let out = all_have_it(&room, 1.03);
    assert!(out.requests < room.pieces() / 10, "{} requests of several pieces each", out.requests);
}

#[test]
fn a_slow_host_holds_up_nobody_else() {
    let mut room = eight();
    room.hosts[3] = Host::even(10.0);
    let out = all_have_it(&room, 1.10);
    let mut seconds = out.seconds.clone();
    seconds.sort_by(f64::total_cmp);
    assert!(seconds[6] / eight().bound() <= 1.15, "{seconds:?}");
}

#[test]
fn a_liar_costs_each_taker_no_more_than_its_first_pieces() {
    let mut room = eight();
    room.hosts[3].lies = true;
    let out = all_have_it(&room, 1.15);
    assert_eq!(out.seconds.len(), 7);
    assert!((1..=14).contains(&(out.wrong_bytes / (MIB / 4))), "{} bytes", out.wrong_bytes);
}

#[test]
fn the_seeder_may_go_once_each_piece_is_somewhere() {
    let room = Room { seeder_vanishes: true, ..eight() };
    let out = all_have_it(&room, 1.15);
    assert_eq!((out.left, out.seconds.len()), (1, 8));
    assert!(out.seeder_copies(&room) <= 1.10);
}

#[test]
fn who_stays_has_it_though_others_leave_and_come() {
    let room = Room { churn_a_minute: 2.0, ..Room::even(20, 100.0, 32 * MIB) };
    let out = simulate(&room);
    assert_eq!(out.without, 0);
    assert!(out.left > 0 && !out.seconds_of_joiners.is_empty(), "{} left", out.left);
    assert!(out.last() / room.bound() <= 1.5, "{:.3}", out.last() / room.bound());
}
