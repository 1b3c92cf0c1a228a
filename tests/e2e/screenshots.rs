//! Pictures of every page with much to see, for people to look at: `./screenshot` makes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::browser::Tab;
use super::evening::Evening;

/// Width and height of a phone, a tablet and a laptop.
const DEVICES: [(u32, u32); 3] = [(390, 844), (768, 1024), (1440, 900)];
/// So much of a long page is enough to look at.
const HEIGHT_MAX: u32 = 2_000;

/// A page: the name of its pictures, and where it is.
struct Shot {
    name: &'static str,
    address: String,
}

fn shots(evening: &Evening) -> Vec<Shot> {
    let library = evening.library.uuid();
    [
        ("home", "/"),
        ("results", "/q/?v=lighthouse"),
        ("results-everything", "/q/?v="),
        ("results-none", "/q/?v=nothingofthatname"),
        ("browse-here", "/l/"),
        ("browse-there", "/l/LIBRARY"),
        ("browse-folder", "/l/LIBRARY?d=pictures"),
        ("browse-grid", "/l/LIBRARY?d=pictures%2FAlbum+2&view=grid"),
        ("file-picture", "/file/LIBRARY?g=pictures%2FLighthouse.png"),
        ("file-text", "/file/LIBRARY?g=readme%2F%C3%89toile+du+nord+%E2%80%94+%C3%A9t%C3%A9+2026.txt"),
        ("missing", "/v/LIBRARY"),
        ("near", "/near"),
        ("new", "/new"),
        ("join", "/join"),
        ("help", "/help"),
        ("bring", "/bring"),
        ("results-filtered", "/q/?v=quay&k=picture&s=size"),
        ("transfers", "/mirror"),
        ("held-back", "/held-back"),
        ("directory", "/directory"),
        ("operator", "/operator"),
        ("error", "/l/00000000-0000-4000-8000-000000000000"),
    ]
    .map(|(name, address)| Shot { name, address: address.replace("LIBRARY", &library) })
    .into()
}

const ALONE: [(&str, &str); 12] = [
    ("alone-home", "/"),
    ("alone-results", "/q/?v="),
    ("alone-browse", "/l/"),
    ("alone-near", "/near"),
    ("alone-new", "/new"),
    ("alone-join", "/join"),
    ("alone-bring", "/bring"),
    ("alone-transfers", "/mirror"),
    ("alone-held-back", "/held-back"),
    ("alone-directory", "/directory"),
    ("alone-operator", "/operator"),
    ("alone-error", "/nowhere"),
];

#[test]
#[ignore = "./screenshot takes them"]
fn pictures_are_taken_of_every_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let wanted = std::env::var("SCREENSHOTS").unwrap_or_default();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.split(' ').any(|part| name.starts_with(part));
    let evening = Evening::new();
    let tab = Tab::on(evening.here.address()).expect("Chromium is installed");
    let stranger = Tab::from_elsewhere(evening.here.address()).unwrap().speaks("fr");
    let alone = Tab::on(evening.alone.address()).unwrap();
    for Shot { name, address } in shots(&evening) {
        if is_wanted(name) {
            take(&tab, &folder, name, &address, &DEVICES);
            take(&stranger, &folder, &format!("{name}-visitor"), &address, &DEVICES[..1]);
        }
    }
    for (name, address) in ALONE.iter().filter(|(name, _)| is_wanted(name)) {
        take(&alone, &folder, name, address, &DEVICES);
    }
}

/// One page on each device, light and dark, and all of them on a sheet.
fn take(tab: &Tab, folder: &Path, name: &str, address: &str, devices: &[(u32, u32)]) {
    let mut taken = Vec::new();
    for (width, height) in devices {
        tab.resize(*width, *height);
        for scheme in ["light", "dark"] {
            tab.prefer(&[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]);
            tab.open(address);
            tab.ask(PICTURES_ARE_THERE);
            let path = folder.join(format!("{name}-{width}-{scheme}.png"));
            tab.picture(&path, HEIGHT_MAX);
            taken.push(path);
        }
    }
    sheet(&taken, &folder.join("sheets").join(format!("{name}.png")));
    println!("{name}");
}

/// Those that are loaded at once.
const PICTURES_ARE_THERE: &str = "Promise.all([...document.images].filter(one => one.loading !== 'lazy')
  .map(one => one.decode().catch(() => 0)))";

/// All pictures of a page side by side, where ImageMagick is there.
fn sheet(pictures: &[PathBuf], sheet: &Path) {
    std::fs::create_dir_all(sheet.parent().unwrap()).unwrap();
    let made = Command::new("convert")
        .args(pictures)
        .args(["-resize", "x1200>", "-bordercolor", "#888", "-border", "8", "-background", "#888", "+append"])
        .arg(sheet)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("no sheet of {}: is ImageMagick installed?", sheet.display());
    }
}
