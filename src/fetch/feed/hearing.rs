//! What one neighbour tells by its feed, line by line.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::neighbours::Neighbourhood;
use crate::wire::feed::{FeedError, FeedLine};
use crate::wire::{Content, PieceSet};

/// Lines that are none before the feed is cut.
const MALFORMED_MAX: usize = 16;
/// Contents that became whole and are still remembered …
const WHOLE_MAX: usize = 16;
/// … so long: its manifest tells them then.
const WHOLE_KEPT: Duration = Duration::from_secs(60);

/// One feed that is open. What was told counts until it is dropped: it comes again with the next
/// feed, and who cannot be listened to can hardly be fetched from.
#[derive(Debug)]
pub(super) struct Hearing {
    neighbourhood: Neighbourhood,
    uuid: Uuid,
    /// A line came: it is a feed.
    is_open: bool,
    malformed: usize,
    /// What became whole, the oldest first.
    whole: VecDeque<(Content, Instant)>,
}

impl Hearing {
    pub(super) fn new(neighbourhood: Neighbourhood, uuid: Uuid) -> Self {
        Self { neighbourhood, uuid, is_open: false, malformed: 0, whole: VecDeque::new() }
    }

    /// Takes a line in. `pieces_here`: how many pieces a content has, as far as that is known here.
    /// Returns how many pieces the content has of which it told; 0 if of none.
    ///
    /// # Errors
    /// [`FeedError::Malformed`], when it is one line too many that cannot be read.
    pub(super) fn take(
        &mut self,
        line: &[u8],
        pieces_here: impl Fn(Content) -> Option<u64>,
        now: Instant,
    ) -> Result<u64, FeedError> {
        if !self.is_open {
            self.is_open = true;
            self.neighbourhood.feed_is(self.uuid, true, now);
        }
        self.forget_whole(now);
        match FeedLine::parse(line).and_then(|line| self.note(line, pieces_here, now)) {
            Err(error) if self.malformed >= MALFORMED_MAX => Err(error),
            Err(_) => {
                self.malformed = self.malformed.saturating_add(1);
                Ok(0)
            }
            noted => noted,
        }
    }

    fn note(
        &mut self,
        line: FeedLine<'_>,
        pieces_here: impl Fn(Content) -> Option<u64>,
        now: Instant,
    ) -> Result<u64, FeedError> {
        let (holders, uuid) = (self.neighbourhood.holders(), self.uuid);
        let known = |content| holders.pieces_of(uuid, content);
        match line {
            FeedLine::Manifest(version) => self.neighbourhood.manifest_is(uuid, version, now),
            FeedLine::Has { content, pieces, .. } => {
                self.forget(content);
                let count = pieces.pieces();
                if pieces_here(content).is_none_or(|here| here == count) {
                    self.neighbourhood.holders().has(uuid, content, &pieces);
                }
                return Ok(count);
            }
            FeedLine::More { content, ranges } => {
                let Some(count) = known(content) else { return Ok(0) };
                let pieces = PieceSet::parse(ranges, count).map_err(|_| FeedError::Malformed)?;
                holders.has(uuid, content, &pieces);
                return Ok(count);
            }
            FeedLine::All(content) => {
                let Some(count) = known(content) else { return Ok(0) };
                holders.has(uuid, content, &PieceSet::all(count));
                self.whole.retain(|(whole, _)| *whole != content);
                self.whole.push_back((content, now));
                return Ok(count);
            }
            FeedLine::Gone(content) => self.forget(content),
            FeedLine::Alive | FeedLine::Unknown => {}
        }
        Ok(0)
    }

    fn forget(&mut self, content: Content) {
        self.whole.retain(|(whole, _)| *whole != content);
        self.neighbourhood.holders().gone(self.uuid, content);
    }

    fn forget_whole(&mut self, now: Instant) {
        let is_over = |since: &Instant| now.saturating_duration_since(*since) >= WHOLE_KEPT;
        while let Some((content, _)) =
            self.whole.front().copied().filter(|(_, since)| self.whole.len() > WHOLE_MAX || is_over(since))
        {
            self.forget(content);
        }
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        self.neighbourhood.holders().forget(self.uuid);
        if self.is_open {
            self.neighbourhood.feed_is(self.uuid, false, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pieces::PIECE_BYTES;

    const A: Uuid = Uuid::from_u128(0xa);

    /// Contents are written as two digits; lines as tests would say them.
    struct Scene {
        hearing: Hearing,
        neighbourhood: Neighbourhood,
        start: Instant,
    }

    impl Scene {
        fn new() -> Self {
            let neighbourhood = Neighbourhood::new(Uuid::from_u128(1));
            Self { hearing: Hearing::new(neighbourhood.clone(), A), neighbourhood, start: Instant::now() }
        }

        fn tell(&mut self, line: &str, seconds: u64) -> Result<u64, FeedError> {
            let mut fields: Vec<String> = line.split(' ').map(str::to_owned).collect();
            if let Some(content) = fields.get_mut(1) {
                *content = content.repeat(32);
            }
            let here = |content| (content == of(0xee)).then_some(7);
            self.hearing.take(fields.join(" ").as_bytes(), here, self.start + Duration::from_secs(seconds))
        }

        fn known(&self, content: u8) -> Option<String> {
            let mut holders = self.neighbourhood.holders().of(of(content));
            assert!(holders.len() <= 1);
            holders.pop().map(|(_, pieces)| pieces.to_string())
        }
    }

    fn of(byte: u8) -> Content {
        Content::new([byte; 32])
    }

    #[test]
    fn what_is_told_of_a_content_adds_up() {
        let mut scene = Scene::new();
        let size = 9 * PIECE_BYTES;
        for (line, pieces, known) in [
            ("more aa 1".into(), 0, None),
            ("all aa".into(), 0, None),
            (format!("has aa {size} 0-1"), 9, Some("0-1")),
            ("more aa 4".into(), 9, Some("0-1,4")),
            ("alive".into(), 0, Some("0-1,4")),
            (format!("has aa {size} 7"), 9, Some("7")),
            ("all aa".into(), 9, Some("0-8")),
            ("gone aa".into(), 0, None),
            (format!("has aa {size}"), 9, Some("")),
        ] {
            assert_eq!(scene.tell(&line, 0), Ok(pieces), "{line}");
            assert_eq!(scene.known(0xaa).as_deref(), known, "{line}");
        }
        assert_eq!(scene.tell(&format!("has ee {size} 0"), 0), Ok(9));
        assert_eq!(scene.known(0xee), None, "we know that it has another length");
        let neighbourhood = scene.neighbourhood.clone();
        drop(scene);
        assert!(neighbourhood.holders().of(of(0xaa)).is_empty(), "what was told ends with the feed");
    }

    #[test]
    fn what_became_whole_is_left_to_the_manifest_after_a_while() {
        let mut scene = Scene::new();
        for content in 0x10..0x30 {
            scene.tell(&format!("has {content:x} 5"), 0).unwrap();
            scene.tell(&format!("all {content:x}"), 0).unwrap();
        }
        scene.tell("has aa 5 0", 0).unwrap();
        let known = |scene: &Scene| (0x10..0x30).filter(|content| scene.known(*content).is_some()).count();
        assert_eq!(known(&scene), WHOLE_MAX);
        scene.tell("alive", 59).unwrap();
        assert_eq!(known(&scene), WHOLE_MAX);
        scene.tell("alive", 60).unwrap();
        assert_eq!((known(&scene), scene.known(0xaa).as_deref()), (0, Some("0")));
    }

    #[test]
    fn a_feed_with_many_lines_that_are_none_is_cut() {
        let mut scene = Scene::new();
        scene.tell("has aa 5 0", 0).unwrap();
        for line in ["more aa 1", "more aa x", "has", "all aa0"].iter().cycle().take(MALFORMED_MAX) {
            assert_eq!(scene.tell(line, 0), Ok(0), "{line}");
        }
        assert_eq!(scene.tell("whatever comes later", 0), Ok(0));
        assert_eq!(scene.tell("gone", 0), Err(FeedError::Malformed));
    }
}
