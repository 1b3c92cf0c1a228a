//! Guards over the registry.

use super::*;

const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));

#[test]
fn a_guard_counts_for_its_download_and_for_all_until_it_is_dropped() {
    let leaving = Leaving::default();
    let mut woken = leaving.subscribe();
    let mut one = leaving.begin(Way::File, HOST, "film.mkv", Some(100));
    assert!(woken.has_changed().unwrap() && !leaving.is_idle());
    woken.mark_unchanged();
    let mut other = leaving.begin(Way::File, HOST, "film.mkv", Some(100));
    assert!(!woken.has_changed().unwrap(), "it is the same download");
    one.sent(60);
    other.sent(40);
    leaving.small(5);
    let view = leaving.view(Instant::now());
    assert_eq!((view.going.len(), view.sent_bytes, view.small_answers), (1, 105, 1));
    assert_eq!((view.going[0].download.sent_bytes, view.going[0].download.total_bytes), (100, Some(100)));
    one.done();
    other.done();
    drop((one, other));
    assert!(leaving.is_idle() && woken.has_changed().unwrap());
    let left = leaving.view(Instant::now()).lately;
    assert_eq!((left.len(), left[0].end, &*left[0].download.name), (1, End::Whole, "film.mkv"));
}

#[test]
fn a_name_that_is_told_later_is_kept() {
    let leaving = Leaving::default();
    let _first = leaving.begin_part(Way::Pieces, HOST, "b3", "", Some(100));
    let _second = leaving.begin_part(Way::Pieces, HOST, "b3", "film.mkv", Some(100));
    assert_eq!(&*leaving.view(Instant::now()).going[0].download.name, "film.mkv");
}
