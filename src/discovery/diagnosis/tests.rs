//! What follows from what: a table.

use super::*;

/// An interface on which all is well but nobody is heard.
fn link(name: &str, kind: LinkKind, addresses: &[&str]) -> LinkFacts {
    let announced = Announced { times: 5, ago: Some(Duration::from_secs(3)), error: None };
    LinkFacts {
        name: name.into(),
        kind,
        addresses: addresses.iter().map(|ip| (ip.parse().unwrap(), 24)).collect(),
        is_used: kind != LinkKind::Loopback,
        v4: announced.clone(),
        v6: announced,
        own_heard: kind != LinkKind::Loopback,
        others_heard: 0,
    }
}

fn eth0() -> LinkFacts {
    link("eth0", LinkKind::Wire, &["192.168.1.7", "fe80::7"])
}

fn failing(error: &str) -> Announced {
    Announced { error: Some(error.into()), ..Announced::default() }
}

fn facts(links: Vec<LinkFacts>) -> Facts {
    let mut all = vec![link("lo", LinkKind::Loopback, &["127.0.0.1"])];
    all.extend(links);
    Facts { port: USUAL_PORT, links: all, ..Facts::default() }
}

#[test]
fn causes_follow_from_what_was_tried_and_heard() {
    use Cause::*;
    let wlan0 = link("wlan0", LinkKind::Wifi, &["10.0.0.7"]);
    let wg0 = link("wg0", LinkKind::Tunnel, &["10.9.0.2"]);
    let docker0 = link("docker0", LinkKind::Virtual, &["172.17.0.1"]);
    let far: IpAddr = "10.3.0.9".parse().unwrap();
    let there = FirewallThere(USUAL_PORT);
    let rows: Vec<(Facts, Vec<Cause>, &str)> = vec![
        (facts(vec![]), vec![NoInterface, Nobody], "only loopback is up"),
        (facts(vec![docker0.clone()]), vec![NoInterface, Nobody], "nobody lives among containers"),
        (Facts { is_bound_to_loopback: true, ..facts(vec![]) }, vec![OnlyThisMachine, Nobody], "bound to 127.0.0.1"),
        (Facts { absent: vec!["eth7".into()], ..facts(vec![]) }, vec![Absent("eth7".into()), Nobody], "not there"),
        (facts(vec![eth0()]), vec![there.clone(), Nobody], "all is well here"),
        (facts(vec![wlan0.clone()]), vec![WifiApart("wlan0".into()), there.clone(), Nobody], "by Wi-Fi"),
        (
            facts(vec![LinkFacts { own_heard: false, ..eth0() }]),
            vec![FirewallHere(USUAL_PORT), there.clone(), Nobody],
            "what is sent does not come back",
        ),
        (
            facts(vec![LinkFacts { own_heard: false, v4: Announced { times: 1, ..eth0().v4 }, ..eth0() }]),
            vec![there.clone(), Nobody],
            "once is no proof",
        ),
        (
            facts(vec![LinkFacts { v4: failing("Operation not permitted"), v6: failing("x"), ..eth0() }]),
            vec![NotSent { interface: "eth0".into(), error: "Operation not permitted".into() }, there.clone(), Nobody],
            "the system does not send",
        ),
        (facts(vec![LinkFacts { v6: failing("x"), ..eth0() }]), vec![there.clone(), Nobody], "IPv4 is enough"),
        (
            facts(vec![link("eth0", LinkKind::Wire, &["169.254.3.4"])]),
            vec![NoAddressGiven("eth0".into()), there.clone(), Nobody],
            "nobody gave an address",
        ),
        (facts(vec![eth0(), wg0.clone()]), vec![Tunnel("wg0".into()), there.clone(), Nobody], "a VPN is up"),
        (
            Facts {
                default_route: Some("wg1".into()),
                ..facts(vec![eth0(), wg0, link("wg1", LinkKind::Tunnel, &["10.8.0.2"])])
            },
            vec![Tunnel("wg1".into()), there.clone(), Nobody],
            "of two VPNs, the one by which all goes",
        ),
        (
            Facts { elsewhere: 3, elsewhere_from: Some(far), ..facts(vec![eth0()]) },
            vec![OtherNetwork(far), there.clone(), Nobody],
            "somebody of another network is heard",
        ),
        (Facts { bad: 2, ..facts(vec![eth0()]) }, vec![OtherProgram(USUAL_PORT), there.clone(), Nobody], "noise"),
        (
            Facts { port: 12_600, ..facts(vec![eth0()]) },
            vec![UnusualPort(12_600), FirewallThere(12_600), Nobody],
            "another port than all others have",
        ),
        (Facts { has_sister: true, ..facts(vec![eth0()]) }, vec![Sister, there, Nobody], "two nodes on one machine"),
        (Facts { heard: 9, ..facts(vec![wlan0.clone()]) }, vec![AllLeft], "somebody was heard before"),
        (Facts { heard: 9, neighbours: 1, ..facts(vec![wlan0]) }, vec![], "somebody is here"),
        (Facts { neighbours: 1, is_bound_to_loopback: true, ..facts(vec![]) }, vec![], "a LAN of one machine"),
        (
            Facts { heard: 9, neighbours: 1, is_copied: true, ..facts(vec![eth0()]) },
            vec![CopiedState],
            "a copied state folder is wrong anyway",
        ),
    ];
    for (facts, expected, why) in rows {
        assert_eq!(facts.causes(), expected, "{why}");
    }
}

#[test]
fn facts_are_gathered_where_the_system_tells() {
    let stats = Stats::default();
    let facts = Facts::gather(&Interfaces::default(), &Segment::default(), &stats, USUAL_PORT, 0, Instant::now());
    let loopback = facts.links.iter().find(|link| link.kind == LinkKind::Loopback);
    assert!(loopback.is_some_and(|link| !link.is_used && link.v4 == Announced::default()), "{facts:?}");
}
