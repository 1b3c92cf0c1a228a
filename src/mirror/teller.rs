//! Looks how far files are while some come, for the speeds, and tells it to those who listen.

use std::time::{Duration, Instant};

use super::Mirror;
use super::events::{Event, Leaves, Moment};
use super::pace::Pace;
use crate::leaving::Leaving;

/// So often. More is nothing to see, and each listener pays for it.
const TICK: Duration = Duration::from_millis(250);
/// What leaves is told so often.
const LEAVING_TICK: Duration = Duration::from_secs(1);

impl Mirror {
    /// Looks while files come, until the task is dropped.
    pub async fn watch_progress(self) {
        loop {
            self.begun.notified().await;
            // The time in which nothing was wanted does not count.
            self.lock().pace = Some(Pace::starting(self.received.bytes(), Instant::now()));
            while self.look(Instant::now()) {
                tokio::time::sleep(TICK).await;
            }
        }
    }

    /// Tells what leaves too, while something does, until the task is dropped.
    pub async fn watch_leaving(self, leaving: Leaving) {
        let mut changed = leaving.subscribe();
        loop {
            let is_idle = leaving.is_idle();
            self.events.tell(|| {
                let view = leaving.view(Instant::now());
                Event::Leaves(Leaves { downloads: view.going.len(), bytes_per_second: view.bytes_per_second })
            });
            tokio::time::sleep(LEAVING_TICK).await;
            if is_idle && changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// False when nothing comes and all speeds are none again.
    fn look(&self, now: Instant) -> bool {
        let mut status = self.lock();
        let received_bytes = self.received.bytes();
        let pace = status.pace.get_or_insert_with(|| Pace::starting(received_bytes, now));
        pace.note(received_bytes, now);
        let is_moving = pace.bytes_per_second(now) > 0;
        let active: Vec<_> = status.active.iter().filter(|active| active.progress.look(now)).cloned().collect();
        let is_empty = status.active.is_empty();
        drop(status);
        // What is whole lands in a moment, and that is told.
        for active in active.iter().filter(|active| active.progress.here_bytes() < active.size_bytes) {
            self.events.tell(|| Event::Progressed(Moment::of(active, now)));
        }
        is_moving || !is_empty
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::mirror::Active;
    use crate::mirror::events::Told;
    use crate::mirror::progress::Progress;
    use crate::wire::{DisplayText, LootPath};

    #[test]
    fn progress_is_told_when_there_is_some_and_all_speeds_count_together() {
        let (mirror, start) = (Mirror::default(), Instant::now());
        let mut listener = mirror.subscribe();
        let from = DisplayText::from_bytes(b"a", 9);
        let active = |name: &str| Active {
            path: LootPath::parse(name.as_bytes()).unwrap(),
            size_bytes: 1_000,
            from: from.clone(),
            began: start,
            progress: Progress::begin(mirror.received.clone(), start),
            wish: None,
        };
        let (one, other) = (active("one"), active("other"));
        mirror.lock().active = Arc::new(vec![one.clone(), other.clone()]);
        assert!(mirror.look(start) && listener.try_next().is_none());
        let uuid = uuid::Uuid::from_u128(1);
        one.progress.note_here_from(uuid, &from, 400);
        other.progress.note_here_from(uuid, &from, 1_000);
        let now = start + Duration::from_secs(1);
        assert!(mirror.look(now));
        let Some(Told::Event(event)) = listener.try_next() else { panic!("it is told") };
        let Event::Progressed(moment) = &*event else { panic!("{event:?}") };
        assert_eq!((moment.path.as_str(), moment.here_bytes, moment.bytes_per_second()), ("one", 400, 400));
        assert!(listener.try_next().is_none(), "what is whole is told when it has landed");
        assert_eq!(mirror.status().bytes_per_second(now), 1_400);
        assert_eq!(mirror.status().left_bytes(), 600);
        mirror.lock().active = Arc::default();
        assert!(mirror.look(now), "the speed fades first");
        assert!(!mirror.look(now + Duration::from_secs(60)));
    }
}
