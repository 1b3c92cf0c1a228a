//! The languages of the pages, and which of them somebody reads best.

use unic_langid::LanguageIdentifier;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// Also for who reads none of the others.
    #[default]
    English,
    /// Français.
    French,
    /// Italiano.
    Italian,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::English, Self::French, Self::Italian];

    /// RFC 5646.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Italian => "it",
        }
    }

    pub(super) fn id(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }

    /// Of the lines of `Accept-Language`: the heaviest that we have, the first of equals. A region
    /// does not count, and a weight that is no number is none.
    pub(super) fn best_of<'l>(lines: impl Iterator<Item = &'l str>) -> Self {
        let mut best = (Self::default(), 0.0);
        for wish in lines.flat_map(|line| line.split(',')) {
            let mut fields = wish.split(';').map(str::trim);
            let primary = fields.next().unwrap_or_default().split('-').next().unwrap_or_default();
            let weight = fields.find_map(|field| field.strip_prefix("q=").or(field.strip_prefix("Q=")));
            let weight: f32 = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
            let known = Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary));
            if let Some(language) = known
                && weight > best.1
            {
                best = (language, weight);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_that_we_have_is_taken() {
        for (lines, expected, why) in [
            (&["fr"][..], Language::French, "the only one"),
            (&["de, it;q=0.8, en;q=0.9"], Language::English, "the heaviest of those we have"),
            (&["it-CH,it;q=0.9,en;q=0.8"], Language::Italian, "a region does not count"),
            (&["de", "FR;Q=0.1"], Language::French, "several lines, any case"),
            (&["it;q=0, de"], Language::English, "what weighs nothing is not read"),
            (&["it;q=x"], Language::English, "no weight"),
            (&["*"], Language::English, "anything"),
            (&[""], Language::English, "nothing"),
            (&["it;q=nan, fr;q=0.5"], Language::French, "no number"),
            (&[], Language::English, "no line"),
        ] {
            assert_eq!(Language::best_of(lines.iter().copied()), expected, "{lines:?}: {why}");
        }
    }
}
