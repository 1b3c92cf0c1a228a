//! Nodes on real interfaces, in hosts of their own: broadcast and `ff02::1`, several networks,
//! interfaces that come and go, networks that drop broadcasts.

use super::support::lan::tree;
use super::support::netlab::NetLab;
use super::support::netnode::HostNode;
use super::support::wait_until;

/// Short enough for tests that wait for a round.
const SOON: [&str; 2] = ["--announce-interval", "1s"];
const MIRROR_SOON: [&str; 3] = ["--opportunistic", "--announce-interval", "1s"];

#[test]
fn three_hosts_hear_each_other_by_broadcast() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let hosts = [("ann", 1), ("bob", 2), ("cyd", 3)].map(|(name, last)| lab.plain_host(name, "lan", last));
    let nodes = hosts.each_ref().map(|host| HostNode::start(host, &["--no-ipv6"]));
    for node in &nodes {
        for other in hosts.iter().filter(|other| other.name != node.host.name) {
            node.hears(other);
        }
        assert_eq!(node.neighbours(), 2);
    }
}

#[test]
fn hosts_without_ipv4_hear_each_other_and_mirror_over_link_local_addresses() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let hosts = ["ann", "bob"].map(|name| lab.host(name));
    lab.plug(&hosts[0], "eth0", "lan", &["fe80::1/64"]);
    lab.plug(&hosts[1], "eth0", "lan", &["fe80::2/64"]);
    std::fs::write(hosts[0].loot("six.bin"), vec![6; 300_000]).unwrap();
    let ann = HostNode::start(&hosts[0], &SOON);
    let bob = HostNode::start(&hosts[1], &MIRROR_SOON);
    bob.has("six.bin", vec![6; 300_000]);
    ann.hears(&hosts[1]);
    let by_address = hosts[1].get("http://[fe80::1%25eth0]:12555/s/?g=forban/index");
    assert!(by_address.contains("six.bin,300000"), "{by_address:?}");
}

#[test]
fn a_neighbour_with_both_families_is_one_neighbour() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let hosts = [("ann", 1), ("bob", 2)].map(|(name, last)| lab.plain_host(name, "lan", last));
    let nodes = hosts.each_ref().map(|host| HostNode::start(host, &SOON));
    let both = |page: &str| page.contains("//10.77.0.2:") && page.contains("fe80::2%25eth0");
    wait_until("bob is known by both addresses", || both(&nodes[0].page("near")));
    assert_eq!(nodes[0].neighbours(), 1);
}

#[test]
fn a_host_in_two_networks_hears_both_each_by_its_own_interface() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("left");
    lab.segment("right");
    let ann = lab.plain_host("ann", "left", 1);
    let mid = lab.plain_host("mid", "left", 2);
    lab.plug(&mid, "eth1", "right", &["10.78.0.2/24", "fe80::12/64"]);
    let cyd = lab.host("cyd");
    lab.plug(&cyd, "eth0", "right", &["10.78.0.3/24", "fe80::3/64"]);
    std::fs::write(ann.loot("left.txt"), "left").unwrap();
    let node_ann = HostNode::start(&ann, &SOON);
    let node_mid = HostNode::start(&mid, &MIRROR_SOON);
    let node_cyd = HostNode::start(&cyd, &MIRROR_SOON);
    node_mid.hears(&ann);
    node_mid.hears(&cyd);
    node_ann.hears(&mid);
    node_cyd.hears(&mid);
    let addresses = |page: &str| page.contains("fe80::1%25eth0") && page.contains("fe80::3%25eth1");
    wait_until("each is known by its interface", || addresses(&node_mid.page("near")));
    // What mirrors in the middle carries from one network to the other.
    node_cyd.has("left.txt", "left");
    assert_eq!((node_ann.neighbours(), node_cyd.neighbours()), (1, 1));
}

#[test]
fn a_host_with_two_interfaces_in_one_network_is_no_neighbour_of_itself() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let ann = lab.plain_host("ann", "lan", 1);
    lab.plug(&ann, "eth1", "lan", &["10.77.0.11/24", "fe80::11/64"]);
    let bob = lab.plain_host("bob", "lan", 2);
    let node = HostNode::start(&ann, &SOON);
    let other = HostNode::start(&bob, &SOON);
    node.hears(&bob);
    wait_until("bob knows all four addresses", || {
        let page = other.page("near");
        ["//10.77.0.1:", "//10.77.0.11:", "fe80::1%", "fe80::11%"].iter().all(|address| page.contains(address))
    });
    assert_eq!((node.neighbours(), other.neighbours()), (1, 1));
    assert!(!node.log().contains("another node uses our uuid"));
}

#[test]
fn a_source_outside_the_network_is_not_heard_unless_it_was_named() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let hosts = [("ann", 1), ("bob", 2)].map(|(name, last)| lab.plain_host(name, "lan", last));
    let far = lab.host("far");
    lab.plug(&far, "eth0", "lan", &["203.0.113.9/24"]);
    // Routes both ways: the kernel lets everything through, only the node can refuse.
    far.ip("route add default dev eth0");
    hosts.iter().for_each(|host| host.ip("route add 203.0.113.0/24 dev eth0"));
    let ann = HostNode::start(&hosts[0], &SOON);
    let bob = HostNode::start(&hosts[1], &["--announce-interval", "1s", "--neighbour", "203.0.113.9"]);
    let far_node = HostNode::start(&far, &["--announce-interval", "1s", "--announce-to", "255.255.255.255"]);
    ann.says_after(0, "a datagram from outside the segment");
    bob.hears(&far);
    far_node.says_after(0, "a datagram from outside the segment"); // bob names far, far does not name bob
    assert_eq!((ann.neighbours(), bob.neighbours(), far_node.neighbours()), (1, 2, 0));
}

#[test]
fn an_interface_that_appears_later_is_used_and_a_vanished_one_is_not_missed() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("left");
    lab.segment("right");
    let ann = lab.plain_host("ann", "left", 1);
    let mid = lab.plain_host("mid", "left", 2);
    let cyd = lab.host("cyd");
    lab.plug(&cyd, "eth0", "right", &["10.78.0.3/24", "fe80::3/64"]);
    let node_ann = HostNode::start(&ann, &MIRROR_SOON);
    let node_mid = HostNode::start(&mid, &MIRROR_SOON);
    let node_cyd = HostNode::start(&cyd, &MIRROR_SOON);
    node_mid.hears(&ann);
    assert_eq!(node_cyd.neighbours(), 0);

    lab.plug(&mid, "eth1", "right", &["10.78.0.2/24", "fe80::12/64"]);
    node_cyd.hears(&mid);
    node_mid.hears(&cyd);

    mid.ip("link del eth0");
    std::fs::write(mid.loot("after.txt"), "still here").unwrap();
    node_cyd.has("after.txt", "still here");
    lab.plug(&mid, "eth0", "left", &["10.77.0.2/24", "fe80::2/64"]);
    node_ann.has("after.txt", "still here");
}

#[test]
fn a_node_started_without_any_network_announces_once_it_has_an_address() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let late = lab.host("late");
    let bob = lab.plain_host("bob", "lan", 2);
    let node_late = HostNode::start(&late, &MIRROR_SOON);
    let node_bob = HostNode::start(&bob, &MIRROR_SOON);
    assert!(node_late.page("near").contains("This machine is in no network"));
    lab.plug(&late, "eth0", "lan", &["10.77.0.7/24"]);
    node_bob.hears(&late);
    node_late.hears(&bob);
}

#[test]
fn a_named_neighbour_is_reached_where_broadcasts_are_dropped() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let [ann, bob, cyd] = [("ann", 1), ("bob", 2), ("cyd", 3)].map(|(name, last)| {
        let host = lab.plain_host(name, "lan", last);
        lab.drop_broadcasts_to(&host, "eth0");
        host
    });
    // Without broadcasts nobody can ask for hardware addresses.
    ann.knows_hardware_of(&bob, "eth0", "10.77.0.2");
    bob.knows_hardware_of(&ann, "eth0", "10.77.0.1");
    std::fs::write(bob.loot("b.txt"), "from bob").unwrap();
    let node_cyd = HostNode::start(&cyd, &SOON);
    let node_bob = HostNode::start(&bob, &SOON);
    let node_ann = HostNode::start(&ann, &["--opportunistic", "--announce-interval", "1s", "--neighbour", "10.77.0.2"]);
    // Naming is enough on one side: the other hears, and answers.
    node_ann.has("b.txt", "from bob");
    node_bob.hears(&ann);
    assert_eq!(node_cyd.neighbours(), 0);
}

#[test]
fn neighbours_named_on_both_sides_meet_across_a_router() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("left");
    lab.segment("right");
    let router = lab.plain_host("router", "left", 1);
    lab.plug(&router, "eth1", "right", &["10.78.0.1/24"]);
    router.forward();
    let ann = lab.plain_host("ann", "left", 2);
    ann.ip("route add default via 10.77.0.1");
    let far = lab.host("far");
    lab.plug(&far, "eth0", "right", &["10.78.0.2/24"]);
    far.ip("route add default via 10.78.0.1");
    std::fs::write(far.loot("f.txt"), "from far").unwrap();
    let node_ann = HostNode::start(&ann, &["--opportunistic", "--announce-interval", "1s", "--neighbour", "10.78.0.2"]);
    let node_far = HostNode::start(&far, &["--announce-interval", "1s", "--neighbour", "10.77.0.2"]);
    node_ann.has("f.txt", "from far");
    node_far.hears(&ann);
}

#[test]
fn a_large_new_file_arrives_at_all_others() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let hosts = [("ann", 1), ("bob", 2), ("cyd", 3)].map(|(name, last)| lab.plain_host(name, "lan", last));
    let nodes = hosts.each_ref().map(|host| HostNode::start(host, &["--opportunistic"]));
    nodes[0].hears(&hosts[1]);
    nodes[0].hears(&hosts[2]);
    nodes[1].hears(&hosts[0]);
    nodes[2].hears(&hosts[0]);
    let content: Vec<u8> = (0..10_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(hosts[0].home.join("prepared"), &content).unwrap();
    hosts[0].take_in(&hosts[0].home.join("prepared"), "ten megabytes.bin");
    nodes[1].has("ten megabytes.bin", &content);
    nodes[2].has("ten megabytes.bin", &content);
}

#[test]
fn a_thousand_small_files_arrive() {
    let Some(lab) = NetLab::new() else { return };
    lab.segment("lan");
    let hosts = [("ann", 1), ("bob", 2)].map(|(name, last)| lab.plain_host(name, "lan", last));
    let nodes = hosts.each_ref().map(|host| HostNode::start(host, &["--opportunistic"]));
    nodes[1].hears(&hosts[0]);
    let prepared = hosts[0].home.join("prepared");
    std::fs::create_dir(&prepared).unwrap();
    for number in 0..1_000_u32 {
        std::fs::write(prepared.join(format!("{number}.txt")), format!("{number}\n").repeat(512)).unwrap();
    }
    hosts[0].take_in(&prepared, "many");
    let count = || std::fs::read_dir(hosts[1].loot("many")).map_or(0, Iterator::count);
    wait_until("all thousand have names", || count() == 1_000);
    assert_eq!(tree(&hosts[1].loot("")), tree(&hosts[0].loot("")));
}
