//! Titles such as people's folders hold, made by rule: thousands of them, in several languages,
//! always the same.

/// A file as an index lists it: name and size.
pub type Listed = (String, u64);

const MEGABYTE: u64 = 1_000_000;

const FILMS: [(&str, &[&str], &[&str]); 7] = [
    (
        "films",
        &["The Last", "A Quiet", "Beyond the", "Return to the", "Under the"],
        &["Harbour", "Lighthouse", "Monsoon", "Meridian", "Island of Salt"],
    ),
    (
        "films/Français",
        &["Le Dernier", "Un Certain", "L’Étrange", "Sous le"],
        &["Équipage", "Été à Saint-Malo", "Naufragé", "Phare d’Ouessant"],
    ),
    (
        "films/Italiano",
        &["La notte del", "Il ritorno del", "Prima del"],
        &["pescatore", "temporale", "faro", "capitano"],
    ),
    (
        "films/Deutsch",
        &["Das Schweigen der", "Jenseits der", "Die Rückkehr der"],
        &["Küste", "Möwen", "Überfahrt", "Straße nach Süden"],
    ),
    ("films/日本", &["静かな", "最後の", "遠い"], &["港町", "灯台", "夏祭り", "海の図書館"]),
    ("films/עברית", &["הלילה של", "השיבה אל"], &["המגדלור", "הנמל הישן", "הסערה"]),
    ("films/عربي", &["حكاية", "العودة إلى"], &["البحر", "الميناء القديم", "جزيرة الملح"]),
];
const ARTISTS: [&str; 8] = [
    "Les Boucaniers",
    "Marée Basse",
    "The Bilge Rats",
    "Orchestra del Porto",
    "Fado do Cais",
    "غناء الموج",
    "Kapelle Nordsee",
    "海風",
];
const ALBUMS: [&str; 5] =
    ["Live at the Quay", "Voyage", "Salt & Rope", "Onde corte", "B-Sides (1998–2004) [remastered, 24 bit]"];
const TRACKS: [&str; 6] =
    ["Intro", "Foghorn", "La chanson du boucan", "Ninety Fathoms", "Controvento", "Wake up, it’s raining"];
const BOOKS: [&str; 6] = [
    "Twenty Thousand Leagues under the Sea",
    "L’Île mystérieuse",
    "I pirati della Malesia",
    "Moby-Dick; or, The Whale",
    "Robinson Crusoé — édition annotée",
    "Навигация для начинающих",
];

/// Films of all years, of the sizes they have.
pub fn films(count: usize) -> Vec<Listed> {
    let endings = ["1080p.mkv", "720p.mp4", "DVDRip.avi", "2160p.HDR.x265.10bit.mkv"];
    let title = |n: usize| {
        let (folder, firsts, seconds) = FILMS[n % FILMS.len()];
        let (first, second) = (firsts[n / 7 % firsts.len()], seconds[n / 3 % seconds.len()]);
        let name = format!("{folder}/{first} {second} ({}) {}", 1955 + n * 17 % 71, endings[n % endings.len()]);
        (name, (700 + n as u64 * 977 % 7_300) * MEGABYTE + n as u64 * 131)
    };
    distinct((0..).map(title), count)
}

/// Albums, track by track, each with a cover.
pub fn music(count: usize) -> Vec<Listed> {
    let track = |n: usize| {
        let (album, track) = (n / 7, n % 7);
        let folder =
            format!("music/{}/{}", ARTISTS[album % ARTISTS.len()], ALBUMS[album / ARTISTS.len() % ALBUMS.len()]);
        let disc = album / (ARTISTS.len() * ALBUMS.len()) + 1;
        match track {
            6 => (format!("{folder}/CD{disc} cover.png"), 400_000 + n as u64),
            _ => {
                (format!("{folder}/CD{disc}/{:02} {}.flac", track + 1, TRACKS[track]), (18 + n as u64 % 31) * MEGABYTE)
            }
        }
    };
    distinct((0..).map(track), count)
}

/// Books, pictures from cameras, papers of a course, what else lies about.
pub fn odds(count: usize) -> Vec<Listed> {
    let odd = |n: usize| match n % 4 {
        0 => (format!("books/{} vol. {}.epub", BOOKS[n / 4 % BOOKS.len()], n / 24 + 1), 900_000 + n as u64 * 37),
        1 => {
            (format!("pictures/2026-{:02} crossing/IMG_{:04}.jpg", n / 4 % 12 + 1, n), 3 * MEGABYTE + n as u64 * 1_013)
        }
        2 => (
            format!("course/week {:02}/Exercise {} – solutions (final) v{}.pdf", n / 4 % 14 + 1, n / 56 + 1, n % 3 + 1),
            120_000 + n as u64 * 311,
        ),
        _ => (
            format!("programs/tool-{}.{}.{}-amd64.tar.zst", n / 40, n / 4 % 10, n % 9),
            (5 + n as u64 % 300) * MEGABYTE,
        ),
    };
    distinct((0..).map(odd), count)
}

/// The index that lists these.
pub fn index(files: &[Listed]) -> String {
    files.iter().map(|(name, size)| format!("{name},{size}\n")).collect()
}

/// The first of each name; a title that comes again is another copy of it.
fn distinct(titles: impl Iterator<Item = Listed>, count: usize) -> Vec<Listed> {
    let mut times = std::collections::HashMap::<String, usize>::new();
    let again = |(name, size): Listed| {
        let seen = times.entry(name.clone()).or_default();
        *seen += 1;
        let (stem, ending) = name.rsplit_once('.').unwrap();
        (if *seen == 1 { name.clone() } else { format!("{stem} (copy {seen}).{ending}") }, size)
    };
    titles.map(again).take(count).collect()
}
