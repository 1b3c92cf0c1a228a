//! A library of many small files, with names as people's media have them.

use std::fmt::Write as _;
use std::path::Path;

const WORDS: [&str; 16] = [
    "river", "stone", "blue", "amber", "north", "garden", "signal", "archive", "winter", "copper", "lantern", "meadow",
    "harbor", "violet", "fjord", "paper",
];
const ENDS: [&str; 15] =
    ["ogg", "mp4", "pdf", "txt", "epub", "jpg", "png", "zip", "iso", "odt", "md", "flac", "webm", "html", "csv"];
/// Files of one folder, and folders of one shelf.
const IN_ONE: usize = 100;

/// Makes so many files below a folder: `shelf-000/box-00/amber-river-0000000-stone.ogg`, each of less
/// than 4 KiB of nothing, which takes no room.
pub fn make(root: &Path, files: usize) {
    for folder in 0..files.div_ceil(IN_ONE) {
        let path = root.join(format!("shelf-{:03}", folder / IN_ONE)).join(format!("box-{:02}", folder % IN_ONE));
        std::fs::create_dir_all(&path).unwrap();
        fill(&path, folder * IN_ONE..files.min((folder + 1) * IN_ONE));
    }
}

/// Makes so many files in one folder.
pub fn make_flat(folder: &Path, files: usize) {
    std::fs::create_dir_all(folder).unwrap();
    fill(folder, 0..files);
}

fn fill(folder: &Path, numbers: std::ops::Range<usize>) {
    let mut name = String::new();
    for number in numbers {
        let mixed = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let word = |shift: u32| WORDS[(mixed >> shift) as usize % WORDS.len()];
        name.clear();
        let end = ENDS[(mixed >> 24) as usize % ENDS.len()];
        write!(name, "{}-{}-{number:07}-{}.{end}", word(0), word(8), word(16)).unwrap();
        std::fs::File::create(folder.join(&name)).unwrap().set_len(mixed % 4096).unwrap();
    }
}
