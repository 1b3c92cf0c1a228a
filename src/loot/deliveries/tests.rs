use std::time::{Duration, Instant, SystemTime};

use super::limits::{EMPTY_KEPT, KEPT, PER_HOST_MAX, ROOM_KEPT, SILENT, WRITERS_PER_HOST_MAX};
use super::*;
use crate::loot::LootFolder;
use crate::loot::keeper::{self, KeeperHandle};
use crate::loot::space::SpaceRules;
use crate::loot::stored::StoredLoot;
use crate::wire::IndexKey;
use crate::wire::tus::Checksum;

/// A shared folder and its deliveries.
pub(crate) struct Room {
    temp: tempfile::TempDir,
    pub(crate) deliveries: Deliveries,
    keeper: Option<KeeperHandle>,
    reserve_bytes: u64,
}

impl Room {
    pub(crate) fn new(limits: BringLimits) -> Self {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("loot")).unwrap();
        let (deliveries, keeper) = open(temp.path(), limits, 0);
        Self { temp, deliveries, keeper: Some(keeper), reserve_bytes: 0 }
    }

    /// As after a restart.
    fn again(mut self) -> Self {
        self.keeper.take().unwrap().stop(Instant::now() + Duration::from_secs(10));
        let (deliveries, keeper) = open(self.temp.path(), *self.deliveries.limits(), self.reserve_bytes);
        Self { temp: self.temp, deliveries, keeper: Some(keeper), reserve_bytes: self.reserve_bytes }
    }

    pub(crate) fn begin(&self, place: Place, name: &str, size: u64) -> Result<DeliveryId, DeliveryError> {
        self.deliveries.begin(&parcel(place, name, Length::Exactly(size), 7), now())
    }

    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.temp.path().join("loot").join(name)).ok()
    }

    /// What lies in the folder of what is on its way.
    fn uploads(&self) -> usize {
        std::fs::read_dir(self.temp.path().join("loot/.boucan/uploads")).unwrap().count()
    }
}

fn open(at: &std::path::Path, limits: BringLimits, reserve_bytes: u64) -> (Deliveries, KeeperHandle) {
    let folder = LootFolder::open(&at.join("loot")).unwrap();
    let stored = StoredLoot::open(&at.join("state"), folder.path()).unwrap();
    let ledger = Ledger::open(&stored.ledger_path()).unwrap();
    let inbox = Inbox::open(&stored, true).unwrap();
    let (loot, keeper) = keeper::start(folder, IndexKey::Specified, ledger.clone(), stored).unwrap();
    let rules = SpaceRules { budget_bytes: Some(1), reserve_bytes: Some(reserve_bytes) };
    let space = SpaceBudget::new(loot.clone(), rules);
    (Deliveries::open(loot, ledger, inbox, space, limits), keeper)
}

fn parcel(place: Place, name: &str, length: Length, host: u8) -> Parcel {
    let (path, host) = (LootPath::parse(name.as_bytes()).unwrap(), IpAddr::from([10, 0, 0, host]));
    Parcel { place, path, length, modified: Some(1_000_000_000), from: host, host }
}

fn now() -> SystemTime {
    SystemTime::now()
}

fn take(room: &Room, id: DeliveryId, offset: u64) -> Result<Writer, DeliveryError> {
    room.deliveries.take(id, offset, Instant::now())
}

#[test]
fn what_comes_in_several_goes_lands_whole_and_is_the_operators_own() {
    let room = Room::new(BringLimits::default());
    let id = room.begin(Place::Loot, "d/essay.odt", 10).unwrap();
    for (offset, bytes) in [(0, "01234"), (5, "567"), (8, "89")] {
        assert_eq!(room.deliveries.progress(id).unwrap().received_bytes, offset);
        let mut writer = take(&room, id, offset).unwrap();
        writer.append(bytes.as_bytes()).unwrap();
        if writer.missing_bytes() == 0 {
            let receipt = writer.finish(now()).unwrap();
            assert_eq!(receipt.content, crate::wire::Content::new(blake3::hash(b"0123456789").into()));
            assert_eq!((receipt.name.as_str(), receipt.size_bytes), ("d/essay.odt", 10));
        }
    }
    assert_eq!(room.read("d/essay.odt").as_deref(), Some("0123456789"));
    assert_eq!(room.uploads(), 0);
    assert!(room.deliveries.progress(id).unwrap().receipt.is_some(), "whoever lost the answer can ask for it");
    assert!(matches!(take(&room, id, 10), Err(DeliveryError::Elsewhere(10))));
    let modified = room.temp.path().join("loot/d/essay.odt").metadata().unwrap().modified().unwrap();
    assert_eq!(modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 1_000_000_000);
    assert!(room.deliveries.shared.ledger.facts().mirrored("d/essay.odt").is_none());
}

#[test]
fn a_restart_goes_on_where_it_was_and_lands_what_was_whole() {
    let room = Room::new(BringLimits::default());
    let half = room.begin(Place::Loot, "half", 10).unwrap();
    take(&room, half, 0).unwrap().append(b"01234").unwrap();
    let whole = room.begin(Place::Inbox, "2026-11-22/whole", 3).unwrap();
    take(&room, whole, 0).unwrap().append(b"abc").unwrap();
    let form = room.deliveries.begin(&parcel(Place::Loot, "form", Length::AtMost(10), 7), now()).unwrap();
    std::mem::forget(take(&room, form, 0).unwrap()); // the node is killed
    std::fs::write(room.temp.path().join("loot/.boucan/uploads/stray"), "x").unwrap();
    let room = room.again();
    assert!(room.deliveries.progress(form).is_err(), "nobody knows how long it would have been");
    assert_eq!(room.deliveries.progress(half).unwrap().received_bytes, 5);
    room.deliveries.inbox().switch(false).unwrap();
    room.deliveries.tidy(now());
    assert_eq!(room.read(".boucan/inbox/2026-11-22/whole").as_deref(), Some("abc"), "it came while the inbox was open");
    assert_eq!(room.uploads(), 2, "one part and its note");
    let mut writer = take(&room, half, 5).unwrap();
    writer.append(b"56789").unwrap();
    let receipt = writer.finish(now()).unwrap();
    assert_eq!(receipt.content, crate::wire::Content::new(blake3::hash(b"0123456789").into()), "read back");
}

#[test]
fn after_a_power_cut_only_what_was_synced_counts() {
    let room = Room::new(BringLimits::default());
    let id = room.begin(Place::Loot, "a", 10).unwrap();
    take(&room, id, 0).unwrap().append(b"01234").unwrap();
    let note = room.temp.path().join(format!("loot/.boucan/uploads/{id}.note"));
    let text = std::fs::read_to_string(&note).unwrap();
    std::fs::write(&note, text.replace(&crate::loot::spool::boot_id(), "another boot")).unwrap();
    let room = room.again();
    let is_known = !crate::loot::spool::boot_id().is_empty();
    assert_eq!(room.deliveries.progress(id).unwrap().received_bytes, if is_known { 0 } else { 5 });
}

#[test]
fn nothing_is_ever_replaced_and_a_guest_does_not_learn_of_it() {
    let room = Room::new(BringLimits::default());
    let bring = |place, name: &str, content: &str| {
        let id = room.begin(place, name, content.len() as u64).unwrap();
        let mut writer = take(&room, id, 0).unwrap();
        writer.append(content.as_bytes()).unwrap();
        writer.finish(now()).map(|receipt| receipt.name.to_string())
    };
    assert_eq!(bring(Place::Loot, "a.txt", "1").unwrap(), "a.txt");
    assert_eq!(bring(Place::Loot, "a.txt", "2").unwrap(), "a (2).txt");
    assert_eq!(bring(Place::Loot, "a.txt", "3").unwrap(), "a (3).txt");
    assert_eq!(room.read("a.txt").as_deref(), Some("1"));
    for content in ["1", "2"] {
        assert_eq!(bring(Place::Inbox, "2026-11-22/a.txt", content).unwrap(), "a.txt");
    }
    assert_eq!(room.read(".boucan/inbox/2026-11-22/a (2).txt").as_deref(), Some("2"));
    assert!(matches!(bring(Place::Loot, "a.txt/below", "4"), Err(DeliveryError::Land(LandError::InTheWay))));
    assert_eq!(room.uploads(), 0, "what can never land does not stay");
}

#[test]
fn only_one_writes_and_who_is_silent_gives_way() {
    let room = Room::new(BringLimits::default());
    let (id, start) = (room.begin(Place::Loot, "a", 10).unwrap(), Instant::now());
    let mut writer = room.deliveries.take(id, 0, start).unwrap();
    writer.append(b"01234").unwrap();
    assert!(matches!(take(&room, id, 0), Err(DeliveryError::Taken)));
    assert!(!room.deliveries.gives_way(id, start + SILENT - Duration::from_millis(1)));
    writer.pulse().moved(start + SILENT);
    assert!(!room.deliveries.gives_way(id, start + SILENT), "it moved");
    assert!(room.deliveries.gives_way(id, start + 2 * SILENT));
    assert!(matches!(take(&room, id, 5), Err(DeliveryError::Taken)), "until it has stopped");
    drop(writer);
    assert!(matches!(take(&room, id, 0), Err(DeliveryError::Elsewhere(5))));
    assert!(matches!(take(&room, id, 7), Err(DeliveryError::Elsewhere(5))));
    let mut writer = take(&room, id, 5).unwrap();
    assert!(matches!(writer.append(b"567890"), Err(DeliveryError::TooMuch)));
    assert!(matches!(writer.finish(now()), Err(DeliveryError::Broken)), "not whole");
    room.deliveries.give_up(id).unwrap();
    assert_eq!(room.uploads(), 0);
}

#[test]
fn bytes_with_a_wrong_checksum_are_gone() {
    use sha1::Digest as _;
    let room = Room::new(BringLimits::default());
    let id = room.begin(Place::Loot, "a", 10).unwrap();
    take(&room, id, 0).unwrap().append(b"01234").unwrap();
    let right = Checksum(sha1::Sha1::digest(b"56789").into());
    for (bytes, checksum, keeps, after) in [
        ("56780", right, false, 5),
        ("567", right, false, 5),
        ("56789", Checksum([0; 20]), false, 5),
        ("56789", right, true, 10),
    ] {
        let mut writer = take(&room, id, 5).unwrap();
        writer.promise(checksum);
        writer.append(bytes.as_bytes()).unwrap();
        assert_eq!(writer.keep().is_ok(), keeps, "{bytes}");
        drop(writer);
        assert_eq!(room.deliveries.progress(id).unwrap().received_bytes, after, "{bytes}");
    }
    let mut cut = take(&room, room.begin(Place::Loot, "b", 5).unwrap(), 0).unwrap();
    cut.promise(right);
    cut.append(b"56").unwrap();
    drop(cut); // the connection broke: nobody knows whether the bytes are right
    room.deliveries.complete(id, now()).unwrap();
    assert_eq!(room.read("a").as_deref(), Some("0123456789"));
}

#[test]
fn what_rests_goes_after_its_time_and_keeps_no_room_before() {
    let room = Room::new(BringLimits::default());
    let empty = room.begin(Place::Inbox, "d/empty", 1_000).unwrap();
    let begun = room.begin(Place::Inbox, "d/begun", 1_000).unwrap();
    take(&room, begun, 0).unwrap().append(b"12345").unwrap();
    let left = || room.deliveries.inbox_left();
    let most = room.deliveries.limits().inbox_max_bytes;
    assert_eq!(left(), most - 2_000);
    room.deliveries.tidy(now() + ROOM_KEPT + Duration::from_secs(1));
    assert_eq!(left(), most - 5, "only what is here counts");
    room.deliveries.tidy(now() + EMPTY_KEPT);
    assert!(room.deliveries.progress(empty).is_err() && room.deliveries.progress(begun).is_ok());
    drop(take(&room, begun, 5).unwrap());
    assert_eq!(left(), most - 1_000, "who goes on has room again");
    room.deliveries.tidy(now() + KEPT);
    assert!(room.deliveries.progress(begun).is_err());
    assert_eq!(room.uploads(), 0);
}

#[test]
fn the_limits_hold_for_guests_before_the_first_byte() {
    let limits = BringLimits { upload_max_bytes: 600, inbox_max_bytes: 1_000 };
    let room = Room::new(limits);
    assert!(matches!(room.begin(Place::Inbox, "d/a", 601), Err(DeliveryError::TooLarge(600))));
    room.begin(Place::Inbox, "d/a", 600).unwrap();
    assert!(matches!(room.begin(Place::Inbox, "d/b", 401), Err(DeliveryError::InboxFull)));
    let id = room.begin(Place::Inbox, "d/b", 400).unwrap();
    assert_eq!(room.deliveries.room_bytes(Place::Inbox), 0);
    room.begin(Place::Loot, "large", 5_000).unwrap();
    room.deliveries.inbox().switch(false).unwrap();
    assert!(matches!(room.begin(Place::Inbox, "d/c", 0), Err(DeliveryError::Closed)));
    assert!(matches!(take(&room, id, 0), Err(DeliveryError::Closed)), "begun while it was open");
    let too_much = room.deliveries.shared.space.spare_bytes() + (1 << 40);
    assert!(matches!(room.begin(Place::Loot, "l", too_much), Err(DeliveryError::NoSpace(NoSpace::Reserve(_)))));
}

#[test]
fn who_goes_on_after_a_rest_does_not_overfill_the_inbox() {
    let room = Room::new(BringLimits { upload_max_bytes: 600, inbox_max_bytes: 1_000 });
    let first = room.begin(Place::Inbox, "d/first", 600).unwrap();
    take(&room, first, 0).unwrap().append(b"12345").unwrap();
    room.deliveries.tidy(now() + ROOM_KEPT + Duration::from_secs(1));
    let second = room.begin(Place::Inbox, "d/second", 500).unwrap();
    assert!(matches!(take(&room, first, 5), Err(DeliveryError::InboxFull)), "another has its room");
    drop(take(&room, second, 0).unwrap());
    room.deliveries.give_up(second).unwrap();
    assert_eq!(take(&room, first, 5).unwrap().missing_bytes(), 595);
}

#[test]
fn one_host_does_not_take_all_places() {
    let room = Room::new(BringLimits::default());
    let begin = |host| room.deliveries.begin(&parcel(Place::Inbox, "d/a", Length::Exactly(9), host), now());
    let ids: Vec<DeliveryId> = (0..PER_HOST_MAX).map(|_| begin(1).unwrap()).collect();
    assert!(matches!(begin(1), Err(DeliveryError::TooMany)));
    let other = begin(2).unwrap();
    let writers: Vec<Writer> = ids.iter().take(WRITERS_PER_HOST_MAX).map(|id| take(&room, *id, 0).unwrap()).collect();
    assert!(matches!(take(&room, ids[WRITERS_PER_HOST_MAX], 0), Err(DeliveryError::TooMany)));
    drop((take(&room, other, 0).unwrap(), writers));
    assert!(take(&room, ids[WRITERS_PER_HOST_MAX], 0).is_ok());
}

#[test]
fn an_id_is_a_secret_and_has_one_form() {
    let id = DeliveryId::new().unwrap();
    assert_eq!(DeliveryId::parse(&id.to_string()), Some(id));
    assert!(format!("{id:?}").len() < 10);
    for text in ["", "0", &"G".repeat(32), &"A".repeat(32), &"0".repeat(33), "+0000000000000000000000000000000"] {
        assert_eq!(DeliveryId::parse(text), None, "{text}");
    }
}
