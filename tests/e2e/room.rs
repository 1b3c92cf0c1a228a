//! A room with some nodes and what people have on them: titles in several languages, long names,
//! names written from right to left, pictures, sounds, folders, versions that differ.

use super::browser::Tab;
use super::media;
use crate::support::lan::{Lan, Node, NodeBuilder};
use crate::support::wait_until;

/// Names that pages must cope with, all of them allowed.
pub const LONG: &str = "books/A Very Long Title That Goes On And On, As Titles Of The Eighteenth Century Do, \
     In Which The Reader Learns Of Voyages, Shipwrecks And Wonderful Returns, Volume The Second, With Maps.epub";
pub const UNBROKEN: &str = "scans/20260817_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_final.tiff";
pub const HEBREW: &str = "ספרים/מסע אל מרכז האי.epub";
pub const ARABIC: &str = "music/أغاني البحر - الجزء الأول.ogg";

/// Three nodes that hear each other; the first copies from the others.
pub struct Room {
    pub here: Node,
    pub library: Node,
    pub kitchen: Node,
    /// Last: its folder goes when the nodes have ended.
    _lan: Lan,
}

impl Room {
    /// Starts them and waits until the first knows what the others have.
    #[track_caller]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// The same with more files and flags for the first.
    #[track_caller]
    pub fn with(more: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Self {
        let lan = Lan::new();
        let library = library(lan.node(3)).start();
        let kitchen = kitchen(lan.node(4)).start();
        let here = lan.node(2).named("Salon").args(Tab::ELSEWHERE);
        let here =
            more(here.file("notes/Read me first.txt", "Welcome aboard.\n").file("pictures/Quay.png", media::cover(5)));
        let room = Self { here: here.start(), library, kitchen, _lan: lan };
        for (node, folder) in [(&room.library, "maps"), (&room.kitchen, "music")] {
            let page = format!("/l/{}", node.uuid());
            wait_until(&format!("{} is known", node.ip()), || room.here.get(&page).text().contains(folder));
        }
        room
    }
}

pub fn library(node: NodeBuilder) -> NodeBuilder {
    let node = node.named("Library").file("maps/Atlas of the islands.pdf", vec![b'%'; 90_000]);
    let node = node.file(LONG, "pages").file(UNBROKEN, "scan").file(HEBREW, "עמוד").file("same name.txt", "one");
    let node = node.file("readme/Étoile du nord — été 2026.txt", "Bonjour.\n<b>not bold</b>\n");
    node.file("pictures/Harbour at dawn.png", media::cover(1)).file("pictures/Lighthouse.png", media::cover(2))
}

pub fn kitchen(node: NodeBuilder) -> NodeBuilder {
    let node = node.named("Cucina").file("Recipes of the coast.txt", "Take a fish.\n").file(ARABIC, vec![7; 5_000]);
    let node = node.file("same name.txt", "another");
    node.file("music/Foghorn.wav", media::wav(60)).file("music/Bell buoy.wav", media::wav(5))
}
