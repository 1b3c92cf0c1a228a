//! The catalogues: `locales/LANGUAGE/PAGE.ftl`, part of the program.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use super::{Language, numbers};

type Bundle = FluentBundle<FluentResource>;

/// The catalogues of one language, one a page.
macro_rules! pages {
    ($($page:literal),+ $(,)?) => {
        /// Their names.
        #[cfg(test)]
        pub(super) const PAGES: &[&str] = &[$($page),+];

        pub(super) fn texts(language: Language) -> Vec<&'static str> {
            match language {
                Language::English => vec![$(include_str!(concat!("../../../locales/en/", $page, ".ftl"))),+],
                Language::French => vec![$(include_str!(concat!("../../../locales/fr/", $page, ".ftl"))),+],
                Language::Italian => vec![$(include_str!(concat!("../../../locales/it/", $page, ".ftl"))),+],
            }
        }
    };
}

// In the order of the alphabet.
pages!(
    "bring",
    "common",
    "directory",
    "error",
    "file",
    "held_back",
    "help",
    "home",
    "join",
    "loot",
    "missing",
    "near",
    "new",
    "operator",
    "search",
    "transfers",
);

static BUNDLES: LazyLock<[Bundle; Language::ALL.len()]> = LazyLock::new(|| Language::ALL.map(bundle));

fn bundle(language: Language) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.id()]);
    // Names of strangers stand in elements of their own, which keep their direction to themselves.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(match language {
        Language::English => |value, _| number(Language::English, value),
        Language::French => |value, _| number(Language::French, value),
        Language::Italian => |value, _| number(Language::Italian, value),
    }));
    for text in texts(language) {
        // What is wrong in a catalogue is left out here, and found by the tests.
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, _)| resource);
        let _ = bundle.add_resource(resource);
    }
    bundle
}

fn number(language: Language, value: &FluentValue<'_>) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    let whole = number.value.is_sign_positive() && number.value.fract() == 0.0;
    // Exact up to 2^53, which no count here comes near to.
    whole.then(|| numbers::grouped(language, number.value as u64))
}

/// A sentence; the key itself where there is none, which no test lets pass.
pub(super) fn format(language: Language, key: &str, args: Option<&FluentArgs<'_>>) -> String {
    let [english, french, italian] = &*BUNDLES;
    let bundle = match language {
        Language::English => english,
        Language::French => french,
        Language::Italian => italian,
    };
    let said = bundle.get_message(key).and_then(|message| message.value()).map(|pattern| {
        let mut errors = Vec::new();
        let said = bundle.format_pattern(pattern, args, &mut errors);
        debug_assert!(errors.is_empty(), "{key}: {errors:?}");
        said
    });
    debug_assert!(said.is_some(), "no text is called {key}");
    said.unwrap_or(Cow::Borrowed(key)).into_owned()
}
