use proptest::prelude::*;

use super::*;
use crate::wire::pieces::PIECE_BYTES;

const ONE: Content = Content::new([0xab; 32]);

fn hex() -> String {
    "ab".repeat(32)
}

#[test]
fn lines_are_read_as_they_are_written() {
    let mut text = String::new();
    emit_manifest(&ManifestVersion::parse(b"5f0c.6").unwrap(), &mut text);
    emit_has(ONE, 9 * PIECE_BYTES, vec![7, 0, 2, 1], &mut text);
    emit_has(ONE, 0, Vec::new(), &mut text);
    emit_more(ONE, vec![4], &mut text);
    emit_more(ONE, Vec::new(), &mut text);
    emit_all(ONE, &mut text);
    emit_gone(ONE, &mut text);
    let hex = hex();
    let expected =
        format!("manifest 5f0c.6\nhas {hex} 2359296 0-2,7\nhas {hex} 0\nmore {hex} 4\nall {hex}\ngone {hex}\n");
    assert_eq!(text, expected);
    let read: Vec<FeedLine> = text.lines().map(|line| FeedLine::parse(line.as_bytes()).unwrap()).collect();
    let pieces = |text, count| PieceSet::parse(text, count).unwrap();
    assert_eq!(
        read,
        [
            FeedLine::Manifest(ManifestVersion::parse(b"5f0c.6").unwrap()),
            FeedLine::Has { content: ONE, size_bytes: 2_359_296, pieces: pieces("0-2,7", 9) },
            FeedLine::Has { content: ONE, size_bytes: 0, pieces: pieces("", 0) },
            FeedLine::More { content: ONE, ranges: "4" },
            FeedLine::All(ONE),
            FeedLine::Gone(ONE),
        ]
    );
}

#[test]
fn what_a_later_version_adds_is_skipped() {
    let hex = hex();
    for line in ["", "hello", "index 0123", "Has x", "\u{2028}"] {
        assert_eq!(FeedLine::parse(line.as_bytes()), Ok(FeedLine::Unknown), "{line}");
    }
    assert_eq!(FeedLine::parse(b"alive 3"), Ok(FeedLine::Alive));
    assert_eq!(FeedLine::parse(format!("all {hex} quickly").as_bytes()), Ok(FeedLine::All(ONE)));
    let more = format!("more {hex} 1-2 quickly");
    assert_eq!(FeedLine::parse(more.as_bytes()), Ok(FeedLine::More { content: ONE, ranges: "1-2" }));
}

#[test]
fn what_is_no_line_is_refused() {
    let hex = hex();
    let rows: [(String, &str); 13] = [
        ("manifest".into(), "no version"),
        ("manifest a&b".into(), "no plain version"),
        (format!("all {}", hex.to_uppercase()), "upper case"),
        ("gone abab".into(), "a short hash"),
        ("has".into(), "nothing behind it"),
        (format!("has {hex}"), "no size"),
        (format!("has {hex} -1"), "a sign"),
        (format!("has {hex}  0"), "two blanks"),
        (format!("has {hex} 1 1"), "a piece that is not in it"),
        (format!("has {hex} 999999 2,1"), "pieces out of order"),
        (format!("has {hex} 1099511627777"), "over a tebibyte"),
        (format!("has {hex} 99999999999999999999"), "over all bounds"),
        (format!("more {hex}"), "no pieces"),
    ];
    for (line, why) in rows {
        assert_eq!(FeedLine::parse(line.as_bytes()), Err(FeedError::Malformed), "{why}");
    }
    assert_eq!(FeedLine::parse(b"\xff"), Err(FeedError::Malformed), "no text");
}

#[test]
fn a_feed_begins_with_its_first_line_and_has_lines_of_bounded_length() {
    let longest = "x".repeat(LINE_MAX_BYTES);
    for (text, expected) in [
        (String::new(), Ok(0)),
        (format!("{FIRST_LINE}\n"), Ok(0)),
        (format!("{FIRST_LINE}\r\na\r\n\nb"), Ok(2)),
        (format!("{FIRST_LINE}\n{longest}\n{longest}\r\n{longest}"), Ok(2)),
        (format!("{FIRST_LINE}\n{longest}x\n"), Err(FeedError::TooLong)),
        (format!("{FIRST_LINE}\n{longest}xx"), Err(FeedError::TooLong)),
        (String::from("<html>\n"), Err(FeedError::NoFeed)),
        (format!("{FIRST_LINE}1\n"), Err(FeedError::NoFeed)),
        (longest + "xx", Err(FeedError::TooLong)),
    ] {
        let mut lines = FeedLines::default();
        lines.feed(text.as_bytes());
        let mut count = 0;
        let outcome = loop {
            match lines.read() {
                Ok(Some(_)) => count += 1,
                Ok(None) => break Ok(count),
                Err(error) => break Err(error),
            }
        };
        assert_eq!(outcome, expected, "{text:.60}");
    }
}

#[test]
fn very_many_pieces_are_told_by_more_lines() {
    let size_bytes = 100_000 * PIECE_BYTES;
    let mut text = String::new();
    emit_has(ONE, size_bytes, (0..50_000).map(|piece| piece * 2).collect(), &mut text);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 5 && lines.iter().all(|line| line.len() <= LINE_MAX_BYTES), "{}", lines.len());
    assert_eq!(together(&text).unwrap().len(), 50_000);
}

/// What is told of the only content.
fn together(text: &str) -> Option<PieceSet> {
    let mut told = None;
    for line in text.lines() {
        match (FeedLine::parse(line.as_bytes()).unwrap(), &mut told) {
            (FeedLine::Has { pieces, .. }, _) => told = Some(pieces),
            (FeedLine::More { ranges, .. }, Some(told)) => {
                told.insert_all(&PieceSet::parse(ranges, told.pieces()).unwrap());
            }
            _ => {}
        }
    }
    told
}

proptest! {
    #[test]
    fn what_is_told_reads_back_however_it_is_cut(
        order in Just((0..2_000_u32).collect::<Vec<_>>()).prop_shuffle(),
        (begun, then) in (0..1_000_usize, 0..1_000_usize),
        part in 1..5_000_usize,
    ) {
        let mut text = format!("{FIRST_LINE}\n");
        emit_has(ONE, 2_000 * PIECE_BYTES, order[..begun].to_vec(), &mut text);
        emit_more(ONE, order[begun..begun + then].to_vec(), &mut text);
        let (mut lines, mut read) = (FeedLines::default(), String::new());
        for part in text.as_bytes().chunks(part) {
            lines.feed(part);
            while let Some(line) = lines.read().unwrap() {
                read += std::str::from_utf8(&line).unwrap();
                read.push('\n');
            }
        }
        prop_assert_eq!(&read, text.split_once('\n').unwrap().1);
        let mut expected = PieceSet::none(2_000);
        order[..begun + then].iter().for_each(|piece| { expected.insert(u64::from(*piece)); });
        prop_assert_eq!(together(&read).unwrap(), expected);
    }

    #[test]
    fn lines_never_panic(line in proptest::collection::vec(any::<u8>(), 0..100), word in 0..6_usize) {
        let word = ["manifest ", "has ", "more ", "all ", "gone ", ""][word];
        let _ = FeedLine::parse(&[word.as_bytes(), &line].concat());
        let mut lines = FeedLines::default();
        lines.feed(&line);
        while let Ok(Some(_)) = lines.read() {}
    }
}
