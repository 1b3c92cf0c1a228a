use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

use super::catalogue::{PAGES, texts};
use super::*;

const EN: Say = Say(Language::English);
const FR: Say = Say(Language::French);
const IT: Say = Say(Language::Italian);

#[test]
fn numbers_and_sizes_are_written_as_the_language_does() {
    for (bytes, en, fr, it) in [
        (0, "0 B", "0 o", "0 B"),
        (999, "999 B", "999 o", "999 B"),
        (1_000, "1 kB", "1 ko", "1 kB"),
        (1_549_999, "1.5 MB", "1,5 Mo", "1,5 MB"),
        (99_960_000, "100 MB", "100 Mo", "100 MB"),
        (340_400_000, "340 MB", "340 Mo", "340 MB"),
        (999_600_000, "1 GB", "1 Go", "1 GB"),
        (u64::MAX, "18.4 EB", "18,4 Eo", "18,4 EB"),
    ] {
        let said = [EN, FR, IT].map(|say| say.size(bytes).replace('\u{a0}', " "));
        assert_eq!(said, [en, fr, it], "{bytes}");
    }
    assert_eq!(
        [EN, FR, IT].map(|say| say.number(1_234_567_u64)),
        ["1,234,567", "1\u{202f}234\u{202f}567", "1.234.567"]
    );
    assert_eq!([EN, FR, IT].map(|say| say.files(1_u64)), ["1 file", "1 fichier", "1 file"]);
    assert_eq!(EN.files(0_u64), "0 files");
    assert_eq!(FR.files(0_u64), "0 fichier", "nothing is singular in French");
    assert_eq!(FR.files(1_234_u64), "1\u{202f}234 fichiers");
    assert_eq!(EN.percent(1, 3).replace('\u{a0}', " "), "33%");
}

#[test]
fn times_are_said_no_more_exactly_than_they_are_known() {
    for (seconds, said) in [
        (0, "1 s"),
        (89, "89 s"),
        (100, "2 min"),
        (5_399, "90 min"),
        (7_500, "2 h 5 min"),
        (7_190, "2 h"),
        (400_000, "4 days"),
        (5_184_000, "2 months"),
        (100_000_000, "3 years"),
    ] {
        assert_eq!(EN.lasting(Duration::from_secs(seconds)).replace('\u{a0}', " "), said);
    }
    assert_eq!(EN.ago(Duration::from_secs(2)), "just now");
    assert_eq!(FR.ago(Duration::from_secs(12)).replace('\u{a0}', " "), "il y a 12 s");
    assert_eq!(IT.ago(Duration::from_secs(12)).replace('\u{a0}', " "), "12 s fa");
}

#[test]
fn a_sentence_is_cut_where_something_is_to_be_filled_in() {
    let (before, behind) = EN.around("common-ago", "time");
    assert_eq!((before.as_str(), behind.as_str()), ("", " ago"));
}

/// Key, and the names of what is filled in, of one language.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let key = Regex::new(r"^([a-z][a-z0-9-]*) =").unwrap();
    let variable = Regex::new(r"\$([a-z_-]+)").unwrap();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for text in texts(language) {
        assert!(
            fluent_bundle::FluentResource::try_new(text.to_owned()).is_ok(),
            "{}: bad syntax\n{text}",
            language.tag()
        );
        let mut current = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let Some(start) = key.captures(line) {
                current = start[1].to_owned();
                assert!(found.insert(current.clone(), BTreeSet::new()).is_none(), "{current} stands twice");
            }
            let names = variable.captures_iter(line).map(|name| name[1].to_owned());
            if let Some(all) = found.get_mut(&current) {
                all.extend(names);
            }
        }
    }
    found
}

#[test]
fn every_sentence_stands_in_every_language_with_the_same_things_to_fill_in() {
    let [english, others @ ..] = Language::ALL.map(messages);
    for (other, language) in others.iter().zip(&Language::ALL[1..]) {
        for (key, names) in &english {
            assert_eq!(other.get(key), Some(names), "{key} in {}", language.tag());
        }
        let unknown: Vec<_> = other.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(unknown.is_empty(), "only in {}: {unknown:?}", language.tag());
    }
}

/// All texts of templates and program, tests left out.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            sources(&path, all);
        } else if name != "tests.rs" && (name.ends_with(".rs") || name.ends_with(".html")) {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_sentence_is_used_and_every_one_that_is_asked_for_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = String::new();
    ["src", "templates"].iter().for_each(|folder| sources(&root.join(folder), &mut all));
    let known = messages(Language::English);
    for key in known.keys() {
        assert!(all.contains(&format!("\"{key}\"")), "nobody says {key}");
    }
    let asked = Regex::new(r#"(?:say|self)\s*\.(?:t|t1|t2|with|around)\(\s*"([^"]+)""#).unwrap();
    for key in asked.captures_iter(&all).map(|found| found[1].to_owned()) {
        assert!(known.contains_key(&key), "no text is called {key}");
    }
}

#[test]
fn no_catalogue_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales");
    for language in Language::ALL {
        let files = std::fs::read_dir(folder.join(language.tag())).unwrap().flatten();
        let names: BTreeSet<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        let expected: BTreeSet<String> = PAGES.iter().map(|page| format!("{page}.ftl")).collect();
        assert_eq!(names, expected, "{}", language.tag());
    }
}
