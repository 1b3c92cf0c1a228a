//! The terminal of whoever runs the node: bars for what is coming, and log lines that do not break
//! them. Where nobody looks, neither is drawn.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use crate::mirror::pace::time_left;
use crate::mirror::{Active, Mirror, Status};

/// Files with a bar of their own; the line above them counts all.
const BARS_MAX: usize = 4;
/// Drawn so often at most.
const PAUSE: Duration = Duration::from_millis(250);
/// Of one file: how far, its name, and how fast.
const BAR: &str = "  {percent:>3} % {bar:20} {wide_msg}";
/// Of all together.
const LINE: &str = "{wide_msg}";

/// Standard error, shared by log lines and bars; cheap to clone, all clones are one.
#[derive(Clone, Debug)]
pub struct Terminal(MultiProgress);

impl Default for Terminal {
    fn default() -> Self {
        Self(MultiProgress::new())
    }
}

impl Terminal {
    /// Whether somebody looks: standard output and standard error are a terminal.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        io::stderr().is_terminal() && io::stdout().is_terminal()
    }

    /// Shows what the mirror brings, until the task is dropped.
    pub async fn show(self, mirror: Mirror) {
        let mut bars = Bars::new(self.0);
        let mut listener = mirror.subscribe();
        loop {
            bars.draw(&mirror.status(), Instant::now());
            tokio::time::sleep(PAUSE).await;
            // Until the next one nothing is another thing to see, but how long it lasts.
            let wait = if bars.are_drawn() { PAUSE } else { Duration::from_secs(3600) };
            if let Ok(None) = tokio::time::timeout(wait, listener.next()).await {
                return;
            }
            while listener.try_next().is_some() {}
        }
    }
}

/// Log lines stand above the bars.
impl<'a> MakeWriter<'a> for Terminal {
    type Writer = Above;

    fn make_writer(&'a self) -> Above {
        Above(self.0.clone())
    }
}

/// Writes to standard error while the bars are away.
#[derive(Debug)]
pub struct Above(MultiProgress);

impl Write for Above {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

struct Bars {
    all: MultiProgress,
    line: Option<ProgressBar>,
    files: Vec<ProgressBar>,
}

impl Bars {
    fn new(all: MultiProgress) -> Self {
        Self { all, line: None, files: Vec::new() }
    }

    fn are_drawn(&self) -> bool {
        self.line.is_some()
    }

    fn draw(&mut self, status: &Status, now: Instant) {
        if status.active.is_empty() {
            return self.clear();
        }
        let line = self.line.get_or_insert_with(|| self.all.add(ProgressBar::new(0).with_style(style(LINE))));
        line.set_message(summary(status, now));
        let mut shown: Vec<&Active> = status.active.iter().collect();
        shown.sort_by(|a, b| (a.began, &a.path).cmp(&(b.began, &b.path)));
        shown.truncate(BARS_MAX);
        while self.files.len() > shown.len() {
            self.files.pop().into_iter().for_each(|bar| self.all.remove(&bar));
        }
        while self.files.len() < shown.len() {
            self.files.push(self.all.add(ProgressBar::new(0).with_style(style(BAR))));
        }
        for (bar, active) in self.files.iter().zip(shown) {
            bar.set_length(active.size_bytes);
            bar.set_position(active.progress.here_bytes());
            bar.set_message(said(active, now));
        }
    }

    fn clear(&mut self) {
        self.files.drain(..).chain(self.line.take()).for_each(|bar| self.all.remove(&bar));
        let _ = self.all.clear();
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().si().to_string()
}

fn seconds(time: Duration) -> String {
    indicatif::HumanDuration(time).to_string()
}

/// `3 files come, 12 wait: 45 MB left, 1 MB/s, 45 seconds`.
fn summary(status: &Status, now: Instant) -> String {
    let count = status.active.len();
    let files = if count == 1 { "1 file comes".into() } else { format!("{count} files come") };
    let queued = match status.queued {
        0 => String::new(),
        1 => ", 1 waits".into(),
        many => format!(", {many} wait"),
    };
    let speed = status.bytes_per_second(now);
    let left = status.time_left(now).map(|left| format!(", {}", seconds(left))).unwrap_or_default();
    format!("{files}{queued}: {} left, {}/s{left}", size(status.left_bytes()), size(speed))
}

/// `film.mkv from Galley, Bridge: 1 MB/s, 7 seconds`.
fn said(active: &Active, now: Instant) -> String {
    let given = active.progress.given(now);
    let names: Vec<&str> = given.iter().take(2).map(|given| given.name.as_str()).collect();
    let names = if names.is_empty() { active.from.to_string() } else { names.join(", ") };
    let more = given.len().saturating_sub(2);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let speed = given.iter().fold(0_u64, |sum, given| sum.saturating_add(given.bytes_per_second));
    let left = active.size_bytes.saturating_sub(active.progress.here_bytes());
    let left = time_left(left, speed).map(|left| format!(", {}", seconds(left))).unwrap_or_default();
    format!("{} from {names}{more}: {}/s{left}", active.path, size(speed))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::mirror::progress::{Progress, Received};
    use crate::wire::{DisplayText, LootPath};

    #[test]
    fn the_bars_can_be_drawn() {
        [LINE, BAR].into_iter().for_each(|template| drop(ProgressStyle::with_template(template).unwrap()));
    }

    #[test]
    fn what_comes_is_said_in_a_line_each_and_one_for_all() {
        let start = Instant::now();
        let name = |name: &str| DisplayText::from_bytes(name.as_bytes(), 64);
        let active = |path: &str| {
            let progress = Progress::begin(Received::default(), start);
            let path = LootPath::parse(path.as_bytes()).unwrap();
            Active { path, size_bytes: 10_000_000, from: name("Galley"), began: start, progress, wish: None }
        };
        let (film, now) = (active("film.mkv"), start + Duration::from_secs(2));
        assert_eq!(said(&film, now), "film.mkv from Galley: 0 B/s");
        for (uuid, who, bytes) in [(1, "A", 1_000_000), (2, "B", 2_000_000), (3, "C", 500_000)] {
            film.progress.note_given(uuid::Uuid::from_u128(uuid), &name(who), bytes);
        }
        film.progress.note_here(4_000_000);
        film.progress.look(now);
        assert_eq!(said(&film, now), "film.mkv from B, A and 1 more: 1.8 MB/s, 3 seconds");
        let mut status = Status::default();
        status.active = Arc::new(vec![film]);
        assert_eq!(summary(&status, now), "1 file comes: 6.0 MB left, 0 B/s");
        (status.queued, status.queued_bytes) = (2, 50_000_000);
        assert_eq!(summary(&status, now), "1 file comes, 2 wait: 56.0 MB left, 0 B/s");
    }
}
