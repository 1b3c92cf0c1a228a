//! Why what is not begun waits, looked at now and then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Work;
use crate::mirror::failure::{Failure, FailureKind};
use crate::mirror::plan::{Outcome, Source, Want};
use crate::mirror::waiting::{Doubts, Reason, Standing, Tally, Waiting};
use crate::wire::Content;

/// A look at a long queue takes at most one part in so many of the time.
const WHY_SHARE: u32 = 20;
/// It is looked at so often at most.
const WHY_PAUSE: Duration = Duration::from_millis(900);

impl Work {
    /// Looks if it is time.
    pub(super) fn look_why(&mut self, now: Instant) {
        if now < self.why_due {
            return;
        }
        let began = Instant::now();
        let waiting = tokio::task::block_in_place(|| self.why(now));
        self.engine.mirror.lock().waiting = Arc::new(waiting);
        self.why_due = now + WHY_PAUSE.max(began.elapsed().saturating_mul(WHY_SHARE));
    }

    fn why(&self, now: Instant) -> Waiting {
        let mut waiting = Waiting::default();
        for (why, tally) in &self.set_aside {
            waiting.add(Reason::NoRoom(why.clone()), tally.clone());
        }
        let plan = self.engine.mirror.lock().plan.clone();
        waiting.add(Reason::ContentAwaited, plan.awaited.clone());
        let (mut may_pass, mut enough_nearby) = (Tally::default(), plan.enough_nearby.clone());
        for conflict in &plan.conflicts {
            match conflict.outcome {
                Outcome::Waiting => may_pass.add(&conflict.path, conflict.size_bytes),
                Outcome::EnoughNearby => enough_nearby.add(&conflict.path, conflict.size_bytes),
                _ => {}
            }
        }
        waiting.add(Reason::MayPass, may_pass);
        waiting.add(Reason::EnoughNearby, enough_nearby);
        if self.engine.mirror.is_paused() {
            let mut paused = Tally::default();
            self.queue.iter().for_each(|want| paused.add(&want.path, want.size_bytes));
            waiting.add(Reason::Paused, paused);
            return waiting;
        }
        let lies = self.lies.lock();
        let coming: HashSet<Content> = self.active.values().filter_map(|(_, _, content)| *content).collect();
        let no_file_failed = self.files.is_empty();
        let doubts = Doubts {
            pause: |want: &Want, source: &Source| {
                let key = || (want.path.as_str().into(), want.size_bytes, source.uuid);
                if no_file_failed { None } else { self.files.pause(&key(), now) }
            },
            lied: |want: &Want, source: &Source| !lies.may_ask(source.uuid, want.content()),
            is_coming: |want: &Want| want.content().is_some_and(|content| coming.contains(&content)),
        };
        waiting.add_queue(self.queue.iter(), &self.standings(&lies.shunned(now), now), &doubts);
        waiting
    }

    fn standings(&self, shunned: &HashSet<Uuid>, now: Instant) -> HashMap<Uuid, Standing> {
        let present = self.engine.neighbourhood.present(now).into_iter();
        let standing = |neighbour: crate::neighbours::Neighbour| {
            let uuid = neighbour.uuid;
            let rests = self.neighbours.pause(&uuid, now);
            let unknown = || Failure::new(FailureKind::Unreachable, "it failed");
            let rests = rests.map(|until| (until, self.faults.get(&uuid).cloned().unwrap_or_else(unknown)));
            (uuid, Standing { name: neighbour.name, rests, is_distrusted: shunned.contains(&uuid) })
        };
        present.map(standing).collect()
    }
}
