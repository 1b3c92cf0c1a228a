use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// Lets time pass for a clock.
fn pass(clock: &mut Arc<ConnectionClock>, time: Duration) {
    let clock = Arc::get_mut(clock).unwrap();
    clock.began = clock.began.checked_sub(time).unwrap();
}

#[test]
fn each_phase_has_its_time() {
    for (phase, allowed) in [(Phase::Silent, SILENT), (Phase::Head, HEAD), (Phase::Idle, IDLE)] {
        let mut clock = ConnectionClock::start();
        clock.enter(phase);
        pass(&mut clock, allowed - SECOND);
        assert!(!clock.is_overdue(), "{phase:?}");
        pass(&mut clock, SECOND);
        assert!(clock.is_overdue(), "{phase:?}");
    }
}

#[test]
fn an_answer_may_take_its_time_while_the_client_reads() {
    let mut clock = ConnectionClock::start();
    clock.enter(Phase::Answering);
    for waits in [false, true] {
        for _ in 0..10 {
            clock.note_write(&Poll::Ready(Ok(40 * 1024)));
            if waits {
                clock.note_write(&Poll::Pending);
            }
            // Where no write waits, we are slow ourselves: our disk, or our limit of bandwidth.
            pass(&mut clock, if waits { 29 } else { 600 } * SECOND);
            assert!(!clock.is_overdue());
        }
    }
    pass(&mut clock, 2 * SECOND);
    clock.note_write(&Poll::Ready(Ok(1024)));
    clock.note_write(&Poll::Pending);
    pass(&mut clock, 29 * SECOND);
    assert!(clock.is_overdue(), "one KiB in half a minute is too little");
}

#[test]
fn what_is_left_of_an_answer_in_the_buffers_is_still_an_answer() {
    let mut clock = ConnectionClock::start();
    clock.enter(Phase::Answering);
    clock.note_write(&Poll::Pending);
    clock.enter(Phase::Idle);
    for _ in 0..10 {
        clock.note_write(&Poll::Ready(Ok(40 * 1024)));
        clock.note_write(&Poll::Pending);
        clock.note_read(1); // the next request comes meanwhile
        pass(&mut clock, 20 * SECOND);
        assert!(!clock.is_overdue(), "the client reads");
    }
    pass(&mut clock, 30 * SECOND);
    assert!(clock.is_overdue(), "it stopped reading");
    clock.note_write(&Poll::Ready(Ok(1)));
    assert!(!clock.is_overdue(), "all of it is gone; it rests from now on");
}

#[test]
fn who_rests_for_a_while_and_has_nothing_to_write_may_be_forgotten() {
    let mut clock = ConnectionClock::start();
    pass(&mut clock, SECOND);
    assert!(!clock.may_rest(), "nothing came yet");
    clock.enter(Phase::Idle);
    assert!(!clock.may_rest(), "the next request may come at once");
    pass(&mut clock, REST);
    assert!(clock.may_rest());
    clock.note_write(&Poll::Pending);
    assert!(!clock.may_rest(), "the end of its answer waits");
    clock.note_write(&Poll::Ready(Ok(1)));
    pass(&mut clock, REST);
    assert!(clock.may_rest());
    clock.note_read(1);
    assert!(!clock.may_rest(), "a head comes");
}

#[test]
fn who_is_told_to_go_is_not_told_to_stay() {
    let clock = ConnectionClock::start();
    assert_eq!(clock.word(), Word::GoOn);
    clock.cut();
    clock.end();
    assert_eq!(clock.word(), Word::Cut);
}

#[test]
fn a_rest_before_an_answer_does_not_count_as_reading_slowly() {
    let mut clock = ConnectionClock::start();
    clock.enter(Phase::Idle);
    pass(&mut clock, 59 * SECOND);
    clock.note_read(1);
    clock.enter(Phase::Answering);
    clock.note_write(&Poll::Ready(Ok(4 * 1024)));
    clock.note_write(&Poll::Pending);
    assert!(!clock.is_overdue());
    pass(&mut clock, 29 * SECOND);
    assert!(!clock.is_overdue());
}
