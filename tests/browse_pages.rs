//! The pages of folders and files: order, filter, pages, what can be chosen, previews, and that
//! strangers' names and texts stay text everywhere.

use std::time::Duration;

use super::archive::uuid;
use super::support::http::{Answer, request};
use super::support::lan::{Lan, Node};
use super::support::page::{Element, elements};
use super::support::scripted::{Kind, Scripted, answers};
use super::support::wait_until;

/// The elements of a page that is there.
#[track_caller]
fn page(node: &Node, target: &str) -> (Vec<Element>, String) {
    let answer = node.get(target);
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    (elements(&answer.text()), answer.text())
}

/// The values of an attribute of all elements of a name that have it.
fn all<'e>(elements: &'e [Element], name: &str, attribute: &str) -> Vec<&'e str> {
    elements.iter().filter(|element| element.name == name).filter_map(|element| element.attribute(attribute)).collect()
}

/// What can be chosen on a page of a folder, in its order.
#[track_caller]
fn rows(node: &Node, target: &str) -> Vec<String> {
    let (elements, _) = page(node, target);
    let chosen = elements.iter().filter(|element| element.attribute("name") == Some("g"));
    chosen.filter_map(|element| element.attribute("value").map(str::to_owned)).collect()
}

#[test]
fn a_folder_is_shown_in_the_order_that_is_asked_for() {
    let lan = Lan::new();
    let node = lan.node(2).file("d/2.txt", "22").file("d/10.txt", "1").file("d/A/x", "x").file("d/b c/y", "yyyy");
    let node = node.file("d/a.txt", "333").start();
    for (query, expected) in [
        ("", ["d/A", "d/b c", "d/2.txt", "d/10.txt", "d/a.txt"]),
        ("&o=back", ["d/b c", "d/A", "d/a.txt", "d/10.txt", "d/2.txt"]),
        ("&s=size", ["d/b c", "d/A", "d/a.txt", "d/2.txt", "d/10.txt"]),
        ("&s=size&o=back", ["d/A", "d/b c", "d/10.txt", "d/2.txt", "d/a.txt"]),
    ] {
        assert_eq!(rows(&node, &format!("/l/?d=d{query}")), expected, "{query}");
        // The form sends what is chosen, and where it is.
        assert_eq!(rows(&node, &format!("/l/{}?d=d{query}", uuid(&node))), expected, "{query}");
    }
    assert_eq!(rows(&node, "/l/?d=d&w=TXT+1"), ["d/10.txt"]);
    assert_eq!(rows(&node, "/l/?d=d&w=b"), ["d/b c"]);
    assert!(rows(&node, "/l/?d=d&w=nothing").is_empty());
    let (elements, text) = page(&node, "/l/?d=d&s=size&w=txt");
    assert!(text.contains("aria-sort=\"descending\""));
    assert!(all(&elements, "a", "href").contains(&"/l/?d=d&#38;s=size"), "a way back to all of them");
    let hidden: Vec<_> = elements.iter().filter(|e| e.attribute("type") == Some("hidden")).collect();
    let kept =
        |name: &str| hidden.iter().find(|e| e.attribute("name") == Some(name)).and_then(|e| e.attribute("value"));
    assert_eq!((kept("d"), kept("s")), (Some("d"), Some("size")), "the filter keeps folder and order");
    for gone in ["/l/?d=gone", "/l/?d=d/2.txt", "/l/?d=../d"] {
        assert_eq!(node.get(gone).status, 404, "{gone}");
    }
}

#[test]
fn the_newest_come_first_where_times_are_known() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    for (name, year) in [("old", 1), ("new", 20), ("middle", 10)] {
        let at = std::time::UNIX_EPOCH + Duration::from_secs(year * 365 * 86_400);
        node.put("../put-aside", "x");
        std::fs::File::options().write(true).open(node.loot("../put-aside")).unwrap().set_modified(at).unwrap();
        std::fs::rename(node.loot("../put-aside"), node.loot(name)).unwrap();
    }
    wait_until("their times are known", || rows(&node, "/l/?s=age") == ["new", "middle", "old"]);
    assert_eq!(rows(&node, "/l/?s=age&o=back"), ["old", "middle", "new"]);
    assert!(page(&node, "/l/").1.contains("<time datetime=\"1971-01-01T00:00:00Z"), "a time for programs too");
}

#[test]
fn a_large_folder_has_pages_and_each_row_stands_on_one_of_them() {
    let lan = Lan::new();
    let node = (0..250).fold(lan.node(2), |node, number| node.file(&format!("d/{number}"), "x")).start();
    let node_rows: Vec<String> = (1..=3).flat_map(|number| rows(&node, &format!("/l/?d=d&p={number}"))).collect();
    let expected: Vec<String> = (0..250).map(|number| format!("d/{number}")).collect();
    assert_eq!(node_rows, expected);
    let (elements, _) = page(&node, "/l/?d=d&p=2");
    assert!(all(&elements, "a", "rel") == ["prev", "next"]);
    let beyond = page(&node, "/l/?d=d&p=99");
    assert!(rows(&node, "/l/?d=d&p=99").is_empty() && beyond.1.contains("There is nothing here"));
    assert_eq!(
        rows(&node, "/l/?d=d&w=24&p=1"),
        [
            "d/24", "d/124", "d/224", "d/240", "d/241", "d/242", "d/243", "d/244", "d/245", "d/246", "d/247", "d/248",
            "d/249"
        ]
    );
}

#[test]
fn what_is_chosen_or_the_whole_folder_can_be_taken_along() {
    let lan = Lan::new();
    let node = lan.node(2).file("d/a.mp3", "a").file("d/e/b", "b").start();
    let uuid = uuid(&node);
    let (elements, _) = page(&node, "/l/?d=d");
    let links = all(&elements, "a", "href");
    for link in [
        format!("/archive/{uuid}.zip?d=d"),
        format!("/archive/{uuid}.tar?d=d"),
        format!("/playlist/{uuid}.m3u8?d=d"),
        format!("/file/{uuid}?g=d/a.mp3"),
        "/s/?g=ZC9hLm1wMw!!&#38;f=b64e".into(),
    ] {
        assert!(links.contains(&link.as_str()), "{link} in {links:?}");
    }
    let form = elements.iter().find(|e| e.attribute("method") == Some("post")).unwrap();
    assert_eq!(form.attribute("action"), Some(format!("/archive/{uuid}.zip").as_str()));
    assert_eq!(all(&elements, "button", "formaction"), [format!("/archive/{uuid}.tar")]);
    // Without a mark nothing comes, rather than everything.
    let nothing = node.get(&format!("/archive/{uuid}.zip?d=d&chosen=1"));
    assert_eq!(nothing.status, 400);
    assert!(nothing.text().contains("Nothing is chosen"), "{}", nothing.text());
    assert_eq!(node.get(&format!("/archive/{uuid}.zip?d=d&chosen=1&g=d/e")).status, 200);
}

#[test]
fn pictures_stand_beside_each_other_if_they_are_not_too_large() {
    let lan = Lan::new();
    let node = lan.node(2).file("d/a.jpg", "a").file("d/raw.nef", "a").file("d/note.txt", "a").file("e/x", "x").start();
    std::fs::File::create(node.loot("d/large.png")).unwrap().set_len(9 << 20).unwrap();
    node.lists("d/large.png");
    let (elements, _) = page(&node, "/l/?d=d&view=grid");
    assert_eq!(all(&elements, "img", "src"), ["/static/boucan.svg", &format!("/media/{}?g=d/a.jpg", uuid(&node))]);
    assert_eq!(rows(&node, "/l/?d=d&view=grid").len(), 4);
    let links = |target: &str| page(&node, target).1;
    assert!(links("/l/?d=d").contains("view=grid") && !links("/l/?d=e").contains("view=grid"));
}

/// The page of a file.
fn file(node: &Node, of: &str, name: &str) -> Answer {
    node.get(&format!("/file/{of}?g={name}"))
}

#[test]
fn a_file_is_looked_at_by_what_its_kind_allows() {
    let lan = Lan::new();
    let text = "<script>canary()</script> & more\n".repeat(5_000);
    let node = lan.node(2).file("d/1.jpg", "x").file("d/2.mp3", "x").file("d/3.mp4", "x").file("d/4.txt", &text);
    let node = node.file("d/5.pdf", "x").file("d/6.mkv", "x").file("d/7.txt", "MZ\0\0").file("d/8.html", "<b>bold");
    let node = node.file("d/9.svg", "<svg onload='canary()'>").file("d/10.JPG", "x").start();
    let uuid = uuid(&node);
    for (name, shows, media) in [
        ("1.jpg", "img", Some("/media/")),
        ("2.mp3", "audio", Some("/media/")),
        ("3.mp4", "video", Some("/media/")),
        ("4.txt", "pre", None),
        ("8.html", "pre", None),
        ("9.svg", "pre", None),
    ] {
        let answer = file(&node, &uuid, &format!("d/{name}"));
        let found = elements(&answer.text());
        let look = found.iter().rfind(|element| element.name == shows).unwrap_or_else(|| panic!("{name}: {shows}"));
        let address = look.attribute("src");
        assert_eq!(
            address.map(|address| address.starts_with(media.unwrap_or("nothing"))),
            media.map(|_| true),
            "{name}"
        );
        if let Some(address) = address {
            assert_eq!(node.get(&address.replace("&#38;", "&")).text(), "x", "{name}");
        }
        assert!(!answer.text().contains("<script>canary") && !answer.text().contains("<b>bold"), "{name}");
    }
    assert!(file(&node, &uuid, "d/4.txt").text().contains("Only the beginning is shown"));
    assert!(file(&node, &uuid, "d/5.pdf").text().contains("a PDF is not opened in this page"));
    assert!(file(&node, &uuid, "d/6.mkv").text().contains("Browsers do not play this format"));
    assert!(!elements(&file(&node, &uuid, "d/7.txt").text()).iter().any(|element| element.name == "pre"));
    // The one of the same kind after it, as people count.
    let found = elements(&file(&node, &uuid, "d/1.jpg").text());
    let next = found.iter().find(|element| element.attribute("rel") == Some("next")).unwrap();
    assert_eq!(next.attribute("href"), Some(format!("/file/{uuid}?g=d/9.svg").as_str()));
    for name in ["d/gone", "d", "../x", ""] {
        assert!(matches!(file(&node, &uuid, name).status, 400 | 404), "{name}");
    }
}

#[test]
fn a_file_says_who_else_has_the_same_and_how_it_is_told_apart() {
    let lan = Lan::new();
    let node = lan.node(2).file("here.txt", "the same").file("alone.txt", "another").start();
    let other = lan.node(3).file("d/there.txt", "the same").start();
    let (ours, theirs) = (uuid(&node), uuid(&other));
    wait_until("the other is known to have it", || file(&node, &ours, "here.txt").text().contains(&theirs));
    let text = file(&node, &ours, "here.txt").text();
    assert!(text.contains(&format!("/file/{theirs}?g=d/there.txt")), "{text}");
    assert!(text.contains(&blake3::hash(b"the same").to_hex().to_string()), "{text}");
    assert!(!file(&node, &ours, "alone.txt").text().contains(&theirs));
    // Of a neighbour's file the bytes come through this node, and the download from there.
    let text = file(&node, &theirs, "d/there.txt").text();
    assert!(text.contains("the same</pre>") && text.contains(&format!("/file/{ours}?g=here.txt")), "{text}");
    assert!(text.contains(&format!("http://{}/s/?g=", other.address())), "{text}");
}

#[test]
fn only_whoever_runs_the_node_is_offered_to_fetch_what_is_not_here() {
    let lan = Lan::new();
    let node = lan.node(2).arg("--operator").arg("token").file("a", "a").start();
    let neighbour = Scripted::start(&lan, 3, Kind::Specified);
    neighbour.offers("d/x.bin", "x").announce();
    let of = neighbour.uuid.to_string();
    wait_until("its file is known", || file(&node, &of, "d/x.bin").status == 200);
    assert!(!file(&node, &of, "d/x.bin").text().contains("/operator/fetch"));
    let log = node.log();
    let token = log.split("/operator?token=").nth(1).unwrap().chars().take_while(char::is_ascii_hexdigit);
    let cookie = format!("Cookie: boucan-operator-{}={}\r\n", lan.port, token.collect::<String>());
    let asked = |target: &str| elements(&request(node.address(), "GET", target, &cookie).text());
    let found = asked(&format!("/file/{of}?g=d/x.bin"));
    assert!(all(&found, "form", "action").contains(&"/operator/fetch"), "{found:?}");
    let fields: Vec<_> = found.iter().filter(|e| e.attribute("type") == Some("hidden")).collect();
    let value =
        |name: &str| fields.iter().find(|e| e.attribute("name") == Some(name)).and_then(|e| e.attribute("value"));
    assert_eq!((value("uuid"), value("g")), (Some(of.as_str()), Some("d/x.bin")));
    assert_eq!(value("back"), Some(format!("/file/{of}?g=d/x.bin").as_str()));
    let own = asked(&format!("/file/{}?g=a", uuid(&node)));
    assert!(!all(&own, "form", "action").contains(&"/operator/fetch"), "it is here");
}

#[test]
fn a_page_comes_even_if_the_neighbour_does_not_give_its_text() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let neighbour = Scripted::start(&lan, 3, Kind::Py);
    neighbour.offers("gone.txt", "x").answers("gone.txt", answers::status("404 Not Found"));
    neighbour
        .lists("hangs.txt,7")
        .answers("hangs.txt", answers::stalls(b"waiting".to_vec(), answers::MONDAY, 1, Duration::from_secs(60)));
    neighbour.announce();
    let of = neighbour.uuid.to_string();
    wait_until("its files are known", || file(&node, &of, "gone.txt").status == 200);
    for name in ["gone.txt", "hangs.txt"] {
        assert!(file(&node, &of, name).text().contains("could not be looked at just now"), "{name}");
    }
}

#[test]
fn names_and_texts_of_strangers_are_text_on_all_these_pages() {
    let lan = Lan::new();
    let node = lan.node(2).start();
    let neighbour = Scripted::start(&lan, 3, Kind::Specified);
    let name = "\"><canary-x onclick='canary()'>' canary-attr=\"1&lt;";
    let (folder, text) = (name.replace('/', ""), format!("{name}/{name}.txt"));
    let picture = format!("{folder}/{folder}.png");
    neighbour.offers(&text, "</pre><canary-x>").offers(&picture, "x").offers("javascript:canary().mp4", "x").announce();
    let of = neighbour.uuid;
    let encoded = |name: &str| boucan::wire::url::query_value(name);
    let here = format!("/l/{of}");
    wait_until("its files are known", || node.get(&here).status == 200);
    let folder = encoded(&folder);
    for target in [
        here.clone(),
        format!("{here}?w={folder}"),
        format!("{here}?d={folder}&s=size&o=back"),
        format!("{here}?d={folder}&view=grid"),
        format!("/v/{of}"),
        format!("/file/{of}?g={}", encoded(&text)),
        format!("/file/{of}?g={}", encoded(&picture)),
        format!("/file/{of}?g=javascript:canary().mp4"),
    ] {
        let (found, page) = page(&node, &target);
        for element in &found {
            assert!(!element.name.contains("canary"), "{target}: {element:?}\n{page}");
            for (name, value) in &element.attributes {
                assert!(
                    !name.starts_with("on") && !name.contains("canary") && name != "style",
                    "{target}: {element:?}"
                );
                let is_link = matches!(name.as_str(), "href" | "src" | "action" | "formaction");
                assert!(!is_link || value.starts_with(['/', '#']) || value.starts_with("http://127."), "{element:?}");
            }
        }
        let scripts = all(&found, "script", "src");
        assert!(scripts.iter().all(|source| source.starts_with("/static/")), "{target}: {scripts:?}");
    }
    let list = node.get(&format!("/playlist/{of}.m3u8"));
    assert_eq!(list.text().lines().count(), 4, "{}", list.text());
    let zip = node.get(&format!("/archive/{of}.zip?d={folder}"));
    assert_eq!((zip.status, zip.header("content-type")), (200, Some("application/zip")), "{}", zip.head);
}

#[test]
fn the_pages_speak_the_readers_language() {
    let lan = Lan::new();
    let node = lan.node(2).file("d/a.txt", "a").start();
    let target = format!("/file/{}?g=d/a.txt", uuid(&node));
    for (language, folder, of_file) in [
        ("fr", "Télécharger le dossier", "À propos de ce fichier"),
        ("it", "Scarica la cartella", "Informazioni sul file"),
        ("en", "Download folder", "About this file"),
    ] {
        let get =
            |target: &str| request(node.address(), "GET", target, &format!("Accept-Language: {language}\r\n")).text();
        assert!(get("/l/?d=d").contains(folder), "{language}");
        assert!(get(&target).contains(of_file), "{language}");
    }
}
