//! What peers share, and what is said of it.

use super::*;

#[test]
fn each_owner_has_its_own_name_and_the_earliest_ones_is_shown() {
    let desk = Desk::new();
    let (first, second) = (desk.peer(1), desk.peer(2));
    assert_eq!(first.add(1, "Live Brixton.JPG"), Ok(1));
    assert_eq!(second.add(1, "renamed by B.jpg"), Ok(2));
    assert_eq!(first.find("*").unwrap(), [("live brixton.jpg".into(), 2)]);
    assert_eq!(second.find("renamed").unwrap(), []);
    assert_eq!(first.add(1, "third name.jpg"), Ok(2));
    assert_eq!(second.find("*").unwrap(), [("third name.jpg".into(), 2)]);
    assert_eq!(first.delete(1), Ok(Some(1)));
    assert_eq!(first.find("*").unwrap(), [("renamed by b.jpg".into(), 1)]);
    assert_eq!(first.add(1, "late"), Ok(2));
    assert_eq!(desk.registry.name_of(md5(1)).unwrap().as_str(), "renamed by b.jpg");
    assert_eq!(second.logout(), Ok(1));
    assert_eq!(desk.registry.name_of(md5(1)).unwrap().as_str(), "late");
}

#[test]
fn deleting_counts_the_copies_left_and_says_what_was_not_shared() {
    let desk = Desk::new();
    let (first, second) = (desk.peer(1), desk.peer(2));
    first.add(1, "a").unwrap();
    second.add(1, "a").unwrap();
    first.add(2, "b").unwrap();
    assert_eq!(second.delete(2), Ok(None));
    assert_eq!(second.delete(9), Ok(None));
    assert_eq!(second.delete(1), Ok(Some(1)));
    assert_eq!(second.delete(1), Ok(None));
    assert_eq!(first.delete(1), Ok(Some(0)));
    assert_eq!(first.find("*").unwrap(), [("b".into(), 1)]);
}

#[test]
fn the_counter_goes_with_the_last_owner() {
    let desk = Desk::new();
    let peer = desk.peer(1);
    assert_eq!(peer.download(1, false), Err(RegistryError::NotFound));
    peer.add(1, "a").unwrap();
    assert_eq!((peer.download(1, false), peer.download(1, true)), (Ok(1), Ok(2)));
    desk.registry.note_download(md5(1));
    assert_eq!(desk.registry.downloads(md5(1)), 3);
    peer.delete(1).unwrap();
    assert_eq!((desk.registry.downloads(md5(1)), peer.download(1, false)), (0, Err(RegistryError::NotFound)));
    peer.add(1, "a").unwrap();
    assert_eq!(peer.download(1, false), Ok(1));
}

#[test]
fn what_others_offer_is_counted_too_and_counted_on_when_it_is_registered() {
    let desk = Desk::new();
    let peer = desk.peer(1);
    assert_eq!((peer.download(1, true), peer.download(1, true)), (Ok(1), Ok(2)));
    peer.add(1, "a").unwrap();
    assert_eq!(peer.download(1, true), Ok(3));
}

#[test]
fn logging_out_counts_what_the_peer_shared_and_leaves_others_theirs() {
    let desk = Desk::new();
    let (first, second) = (desk.peer(1), desk.peer(2));
    for number in 0..5 {
        first.add(number, &format!("file {number}")).unwrap();
    }
    second.add(3, "shared").unwrap();
    second.add(4, "shared too").unwrap();
    assert_eq!(first.logout(), Ok(5));
    assert_eq!(second.find("*").unwrap(), [("shared".into(), 1), ("shared too".into(), 1)]);
    assert_eq!(first.logout(), Err(RegistryError::Unauthorized));
}

#[test]
fn pages_list_files_by_name() {
    let desk = Desk::new();
    let (first, second) = (desk.peer(1), desk.peer(2));
    for (number, name) in (0..).zip(["d", "b", "a", "c"]) {
        first.add(number, name).unwrap();
    }
    second.add(1, "z").unwrap();
    second.download(1, false).unwrap();
    let (views, total) = desk.registry.files(1, 2);
    let listed: Vec<_> = views.iter().map(|file| (file.name.as_str(), file.copies, file.downloads)).collect();
    assert_eq!((listed, total), (vec![("b", 2, 1), ("c", 1, 0)], 4));
    assert_eq!(desk.registry.files(9, 9), (vec![], 4));
    assert_eq!(desk.registry.names().len(), 4);
    assert_eq!(desk.registry.counts(), super::super::Counts { sessions: 2, files: 4, copies: 5 });
    let holders: Vec<_> = desk.registry.holders(md5(1)).iter().map(|holder| holder.address.v4.octets()[3]).collect();
    assert_eq!(holders, [1, 2]);
}

#[test]
fn names_that_come_and_go_leave_no_waste() {
    let desk = Desk::new();
    let peer = desk.peer(1);
    for round in 0..4 {
        for number in 0..500 {
            peer.add(number, &format!("round {round} file {number}")).unwrap();
        }
    }
    assert_eq!(peer.find("round 3 file 499").unwrap().len(), 1);
    assert_eq!(peer.find("round 2").unwrap(), []);
    for number in 0..500 {
        peer.delete(number).unwrap();
    }
    assert_eq!((peer.find("*").unwrap(), desk.registry.names().len()), (vec![], 0));
}
