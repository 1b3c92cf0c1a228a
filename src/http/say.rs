//! What a page says, in the reader's language: sentences from the catalogues in `locales/` (Fluent,
//! one file a page), numbers, sizes and times as that language writes them.
//!
//! The browser says which language its user reads (`Accept-Language`, RFC 9110, 12.5.4). Each
//! sentence stands once in each language's catalogue, and a test sees to it that none is missing.

mod catalogue;
mod language;
mod numbers;

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, header};
pub use fluent_bundle::FluentValue as Value;
use fluent_bundle::{FluentArgs, FluentValue};

pub use self::language::Language;

/// Says things in one language; a page has it as `frame.say`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Say(Language);

/// In seconds.
const DAY: u64 = 86_400;
/// Stands where a sentence is cut in two.
const CUT: &str = "\u{e000}";

impl Say {
    /// In that language.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self(language)
    }

    /// In the language that whoever asks reads best.
    #[must_use]
    pub fn to(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
        Self(Language::best_of(lines))
    }

    /// The tag of the language, for `lang`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        self.0.tag()
    }

    /// A sentence without anything to fill in.
    #[must_use]
    pub fn t(self, key: &str) -> String {
        catalogue::format(self.0, key, None)
    }

    /// A sentence with one thing to fill in: a text, or a number, which also chooses singular and
    /// plural.
    #[must_use]
    pub fn t1<'v>(self, key: &str, name: &'v str, value: impl Into<FluentValue<'v>>) -> String {
        self.with(key, [(name, value.into())])
    }

    /// A sentence with two.
    #[must_use]
    pub fn t2<'v>(
        self,
        key: &str,
        (name, value): (&'v str, impl Into<FluentValue<'v>>),
        (second_name, second): (&'v str, impl Into<FluentValue<'v>>),
    ) -> String {
        self.with(key, [(name, value.into()), (second_name, second.into())])
    }

    /// A sentence with several.
    #[must_use]
    pub fn with<'v>(self, key: &str, values: impl IntoIterator<Item = (&'v str, FluentValue<'v>)>) -> String {
        let mut args = FluentArgs::new();
        values.into_iter().for_each(|(name, value)| args.set(name, value));
        catalogue::format(self.0, key, Some(&args))
    }

    /// A sentence around what the page marks up itself: what stands before and behind the one thing
    /// that is to be filled in.
    #[must_use]
    pub fn around(self, key: &str, name: &str) -> (String, String) {
        let sentence = self.t1(key, name, CUT);
        let (before, behind) = sentence.split_once(CUT).unwrap_or((&sentence, ""));
        (before.to_owned(), behind.to_owned())
    }

    /// `1,234`.
    #[must_use]
    pub fn number(self, number: impl TryInto<u64>) -> String {
        numbers::grouped(self.0, number.try_into().unwrap_or(u64::MAX))
    }

    /// `1 file`, `1,234 files`.
    #[must_use]
    pub fn files(self, count: impl TryInto<u64>) -> String {
        self.t1("common-files", "count", count.try_into().unwrap_or(u64::MAX))
    }

    /// `1.5 MB`: a thousand bytes are a kilobyte, as disks and browsers count.
    #[must_use]
    pub fn size(self, bytes: u64) -> String {
        numbers::size(self.0, bytes)
    }

    /// `1.5 MB/s`.
    #[must_use]
    pub fn speed(self, bytes_per_second: u64) -> String {
        format!("{}/s", self.size(bytes_per_second))
    }

    /// `42 %`.
    #[must_use]
    pub fn percent(self, part: u64, whole: u64) -> String {
        let percent = u128::from(part).saturating_mul(100).checked_div(whole.into()).unwrap_or(100).min(100);
        self.t1("common-percent", "percent", percent.to_string())
    }

    /// `12 s ago`.
    #[must_use]
    pub fn ago(self, elapsed: Duration) -> String {
        match elapsed.as_secs() {
            0..5 => self.t("common-just-now"),
            _ => self.t1("common-ago", "time", self.lasting(elapsed)),
        }
    }

    /// `12 s`, `3 min`, `2 h 5 min`, `4 days`, `5 months`: never said more exactly than an estimate is.
    #[must_use]
    pub fn lasting(self, time: Duration) -> String {
        let seconds = time.as_secs();
        let minutes = seconds.saturating_add(30) / 60;
        match seconds {
            0..90 => self.t1("common-seconds", "count", seconds.max(1)),
            90..5_400 => self.t1("common-minutes", "count", minutes),
            5_400..172_800 => self.t2("common-hours", ("hours", minutes / 60), ("minutes", minutes % 60)),
            172_800..5_184_000 => self.t1("common-days", "count", seconds / DAY),
            5_184_000..63_072_000 => self.t1("common-months", "count", seconds / (DAY * 30)),
            _ => self.t1("common-years", "count", seconds / (DAY * 365)),
        }
    }

    /// How long ago that was; `just now` for what is to come.
    #[must_use]
    pub fn when(self, time: SystemTime) -> String {
        self.ago(time.elapsed().unwrap_or_default())
    }

    /// A time for programs, the `datetime` of `<time>` (RFC 3339, UTC).
    #[must_use]
    pub fn stamp(self, time: SystemTime) -> String {
        humantime::format_rfc3339_seconds(time).to_string()
    }
}

#[cfg(test)]
mod tests;
