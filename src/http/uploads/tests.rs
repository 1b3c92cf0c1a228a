use super::turns::{SLOTS, SLOTS_PER_HOST, STALLED, WAITING_PER_HOST};
use super::*;

fn host(last: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, last])
}

/// All slots, held by as many hosts as that takes, from the tenth on.
async fn all_slots(uploads: &Uploads) -> Vec<Slot> {
    let mut held = Vec::new();
    for at in 0..SLOTS {
        let last = u8::try_from(10 + at / SLOTS_PER_HOST).unwrap();
        held.push(uploads.slot(host(last), 100).await.unwrap());
    }
    assert!(held.iter().all(|slot| !slot.is_extra()));
    held
}

#[tokio::test(start_paused = true)]
async fn no_host_holds_all_slots_and_none_is_held_for_ever() {
    let uploads = Uploads::default();
    let mut first = vec![];
    for is_extra in [false, false, true] {
        first.push(uploads.slot(host(1), 1).await.unwrap());
        assert_eq!(first.last().unwrap().is_extra(), is_extra, "a host has two; then it waits");
    }
    drop(first);
    let held = all_slots(&uploads).await;
    assert!(uploads.slot(host(3), 1).await.unwrap().is_extra(), "it came after its wait, beyond the slots");
    drop(held);
    assert!(!uploads.slot(host(3), 1).await.unwrap().is_extra());
    assert_eq!(uploads.turns().held(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_was_given_least_is_next() {
    let uploads = Uploads::default();
    let mut held = all_slots(&uploads).await;
    let wait = |last: u8| {
        let uploads = uploads.clone();
        tokio::spawn(async move { uploads.slot(host(last), 100).await.unwrap() })
    };
    let (again, new) = (wait(10), wait(3));
    tokio::task::yield_now().await;
    drop(held.pop());
    let new = new.await.unwrap();
    assert!(!new.is_extra() && !again.is_finished(), "the newcomer comes first");
    drop(held);
    assert!(!again.await.unwrap().is_extra());
}

#[tokio::test(start_paused = true)]
async fn very_many_requests_of_one_host_are_refused() {
    let uploads = Uploads::default();
    let wait = || {
        let uploads = uploads.clone();
        tokio::spawn(async move { uploads.slot(host(1), 1).await })
    };
    let waiting: Vec<_> = (0..SLOTS_PER_HOST + WAITING_PER_HOST).map(|_| wait()).collect();
    tokio::task::yield_now().await;
    assert!(uploads.slot(host(1), 1).await.is_err());
    assert!(uploads.slot(host(2), 1).await.is_ok());
    let mut slots = Vec::new();
    for waits in waiting {
        slots.push(waits.await.unwrap().unwrap());
    }
    assert!(uploads.slot(host(1), 1).await.is_ok(), "none waits any more");
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_holds_no_slot_for_long() {
    let uploads = Uploads::default();
    let stalled = all_slots(&uploads).await;
    tokio::time::advance(STALLED / 2).await;
    stalled[0].moved(true);
    stalled[1].moved(false);
    tokio::time::advance(STALLED / 2).await;
    let mut others = Vec::new();
    for last in 30..36 {
        others.push(uploads.slot(host(last), 100).await.unwrap());
    }
    assert!(others.iter().all(|slot| !slot.is_extra()), "six took nothing");
    assert!(uploads.slot(host(40), 100).await.unwrap().is_extra(), "one took something, one waits for us");
    others.iter().for_each(|slot| slot.moved(true));
    drop(stalled);
    assert_eq!(uploads.turns().held(), others.len(), "what was given back once is not given back again");
}
