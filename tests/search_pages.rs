//! `/q/` and `/`: what is found, how it is narrowed and ordered, and where it leads; whole pages,
//! and the part that is shown while somebody types.

use boucan::wire::url;

use crate::support::http::request;
use crate::support::lan::{Lan, Node};
use crate::support::page::elements;
use crate::support::scripted::{Kind, Scripted};
use crate::support::wait_until;

/// A node with some files, and a neighbour whose list it knows.
fn two_nodes(lan: &Lan) -> (Node, Scripted) {
    let node = lan.node(2).file("Sea/Café de la Mer.txt", "menu").file("Sea/calm.mkv", "12345").start();
    let other = Scripted::start(lan, 3, Kind::Py);
    other.offers("/Sea/deep sea.ogg", "sound").offers("sea.txt", "sea").offers("Sea/calm.mkv", "12345").announce();
    wait_until("both lists are known", || node.get("/q/?v=calm").text().contains("on 2 nodes"));
    (node, other)
}

/// Names of the hits, in their order.
fn hits(page: &str) -> Vec<String> {
    let rows = page.split_once("<tbody>").map_or("", |(_, rest)| rest).split("<td class=\"name\">").skip(1);
    let name = |row: &str| {
        let link = row.split_once("class=\"hit\"")?.1.split_once('>')?.1.split_once("</a>")?.0.to_owned();
        Some(link.replace("<mark>", "").replace("</mark>", ""))
    };
    rows.filter_map(name).collect()
}

#[test]
fn a_hit_says_who_has_it_and_leads_to_its_page_to_the_file_and_to_the_folder() {
    let lan = Lan::new();
    let (node, other) = two_nodes(&lan);
    let page = node.get("/q/?v=cafe+mer").text();
    assert_eq!(hits(&page), ["Café de la Mer.txt"]);
    assert!(page.contains("<mark>Café</mark> de la <mark>Mer</mark>.txt"), "{page}");
    let page = node.get("/q/?v=calm").text();
    let row = page.split_once("<tbody>").unwrap().1.split_once("</tr>").unwrap().0;
    let own = url::file_target("Sea/calm.mkv");
    let theirs = format!("http://{}{own}", other.address);
    let expected = [format!("/file/{}?g=Sea/calm.mkv", node.uuid()), "/l/?d=Sea".into(), own.clone(), theirs, own];
    let hrefs = elements(row)
        .into_iter()
        .filter(|element| element.name == "a")
        .filter_map(|element| element.attribute("href").map(|href| href.replace("&#38;", "&")));
    assert_eq!(hrefs.collect::<Vec<_>>(), expected, "{row}");
    assert!(row.contains("on 2 nodes") && row.contains(">here</span>") && !row.contains("<form"), "{row}");
    let page = node.get("/q/?v=deep").text();
    assert!(page.contains(&format!("/file/{}?g=/Sea/deep%20sea.ogg", other.uuid)), "{page}");
    assert!(page.contains(&format!("/l/{}?d=Sea", other.uuid)), "{page}");
}

#[test]
fn what_is_not_here_may_be_fetched_by_the_operator_alone() {
    let lan = Lan::new();
    let (node, other) = two_nodes(&lan);
    let form = |page: &str, name: &str| {
        let form = page.split_once("action=\"/operator/fetch\"")?.1.split_once("</form>")?.0.to_owned();
        let field = elements(&form).into_iter().find(|element| element.attribute("name") == Some(name))?;
        field.attribute("value").map(str::to_owned)
    };
    let page = node.get("/q/?v=deep&k=audio").text();
    assert!(page.contains("action=\"/operator/fetch\""), "{page}");
    assert_eq!(form(&page, "uuid"), Some(other.uuid.to_string()));
    assert_eq!(form(&page, "g").as_deref(), Some("/Sea/deep sea.ogg"));
    assert_eq!(form(&page, "back").unwrap().replace("&#38;", "&"), "/q/?v=deep&k=audio");
    let strangers = lan.node(4).arg("--operator").arg("token").file("x", "x").start();
    other.announce();
    wait_until("it is known there too", || strangers.get("/q/?v=deep").text().contains("deep"));
    let page = strangers.get("/q/?v=deep").text();
    assert!(!page.contains("/operator/fetch") && !page.contains("name=\"token\""), "{page}");
}

#[test]
fn hits_are_narrowed_by_kind_size_and_node_and_put_in_order_by_the_address() {
    let lan = Lan::new();
    let (node, other) = two_nodes(&lan);
    let (cafe, calm, deep, sea) = ("Café de la Mer.txt", "calm.mkv", "deep sea.ogg", "sea.txt");
    let on = |uuid: &str| format!("&on={uuid}");
    for (more, expected) in [
        ("&s=name".to_owned(), &[cafe, calm, deep, sea][..]),
        ("&s=-name".to_owned(), &[sea, deep, calm, cafe]),
        ("&s=holders&k=video&k=audio".to_owned(), &[calm, deep]),
        ("&k=document&s=size".to_owned(), &[cafe, sea]),
        ("&min=5&s=name".to_owned(), &[calm, deep]),
        ("&max=3+B".to_owned(), &[sea]),
        ("&min=lots&s=name".to_owned(), &[cafe, calm, deep, sea]),
        (on(&node.uuid()) + "&s=name", &[cafe, calm]),
        (on(&other.uuid.to_string()) + "&s=name", &[calm, deep, sea]),
        (on(&lan.port.to_string()) + "&s=name", &[cafe, calm, deep, sea]),
    ] {
        let page = node.get(&format!("/q/?v=sea{more}")).text();
        assert_eq!(hits(&page), expected, "{more}");
    }
    let page = node.get("/q/?v=sea&min=lots").text();
    assert!(page.contains("That is no size") && page.contains("aria-invalid"), "{page}");
    // What is chosen is shown as chosen, and each choice leads to its opposite.
    let page = node.get("/q/?v=sea&k=video&s=size").text();
    let links = elements(&page).into_iter().filter(|element| element.attribute("aria-current") == Some("true"));
    let chosen: Vec<_> =
        links.filter_map(|link| link.attribute("href").map(|href| href.replace("&#38;", "&"))).collect();
    assert_eq!(chosen, ["/q/?v=sea&s=size"]);
    assert!(page.contains("aria-sort=\"descending\"><a href=\"/q/?v=sea&#38;k=video&#38;s=-size\""), "{page}");
    // Folders of that name come first, where nothing is asked that only files have.
    assert!(node.get("/q/?v=sea").text().contains("class=\"title hit\"") && !page.contains("class=\"title hit\""));
}

#[test]
fn while_somebody_types_the_part_that_changes_is_sent_alone() {
    let lan = Lan::new();
    let files = (0..130).fold(lan.node(2), |node, number| node.file(&format!("file {number:03}.txt"), "x"));
    let node = files.start();
    let whole = node.get("/q/?v=file&p=1").text();
    let part = node.get("/q/?v=file&part=1");
    assert_eq!((part.status, part.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let text = part.text();
    assert!(!text.contains("<html") && !text.contains("<nav class=\"tabs\"") && !text.contains("part=1"), "{text}");
    assert_eq!((hits(&text).len(), &hits(&text)), (100, &hits(&whole)));
    let begins = elements(&text).into_iter().next().unwrap();
    assert_eq!(begins.attribute("data-said"), Some("130 files for file"));
    assert_eq!(begins.attribute("data-title"), Some("file"));
    assert!(text.contains("1–100 of 130") && hits(&node.get("/q/?v=file&p=2&part=1").text()).len() == 30);
    let nothing = node.get("/q/?v=nothing+at+all&part=1").text();
    assert!(nothing.contains("The one node that is here has no such file") && nothing.contains("/q/?v=nothing\""));
    assert_eq!(nothing.matches("<table").count(), 0, "{nothing}");
    assert!(whole.contains("<script type=\"module\" src=\"/static/search.js\">"));
}

#[test]
fn results_are_said_in_the_readers_language() {
    let lan = Lan::new();
    let node = lan.node(2).file("mer.txt", "x").start();
    let said = |target: &str, language: &str| {
        request(node.address(), "GET", target, &format!("Accept-Language: {language}\r\n")).text()
    };
    for (language, heading, question) in [
        ("fr", "1 fichier", "Que cherchez-vous"),
        ("it", "1 file", "Che cosa cerchi"),
        ("de", "1 file", "What are you"),
    ] {
        assert!(said("/q/?v=mer", language).contains(heading), "{language}");
        assert!(said("/", language).contains(question), "{language}");
    }
}

#[test]
fn the_front_page_shows_in_short_who_and_what_is_here() {
    let lan = Lan::new();
    let (node, other) = two_nodes(&lan);
    let page = node.get("/").text();
    assert!(page.contains("autofocus") && page.contains("2 files") && page.contains("/join"), "{page}");
    assert!(page.contains(&format!("/l/{}", other.uuid)), "{page}");
    let elsewhere = Lan::new();
    let alone = elsewhere.node(2).start().get("/").text();
    assert!(alone.contains("Nobody else has been heard yet") && alone.contains("href=\"/near\""), "{alone}");
}
