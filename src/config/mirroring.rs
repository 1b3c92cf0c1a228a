//! What was said of copying from nearby, as the rules of the mirror.

use anyhow::{Context as _, bail};

use super::Settings;
use super::settings::Mode;
use crate::mirror::rules::{Rules, Whom};

/// The rules; none in shared mode. They are checked in either.
pub(super) fn rules(said: &Settings) -> anyhow::Result<Option<Rules>> {
    let mut rules = Rules::new(&said.include, &said.exclude, !said.any_name.unwrap_or(false))
        .context("a rule of --include or --exclude cannot be used")?;
    rules.kinds.clone_from(&said.kind);
    rules.never_kinds.clone_from(&said.never_kind);
    if !said.kind.is_empty() && said.kind.iter().all(|kind| said.never_kind.contains(kind)) {
        bail!("--kind and --never-kind leave no kind of file over");
    }
    let (least, most) = (said.min_size.map_or(0, |size| size.0), said.max_size.map_or(u64::MAX, |size| size.0));
    if least > most {
        bail!("--min-size is more than --max-size: no file would be copied");
    }
    rules.sizes = least..=most;
    rules.whom =
        Whom::new(&said.only_from, &said.never_from).context("a node of --only-from or --never-from cannot be one")?;
    rules.order = said.order.unwrap_or_default();
    rules.copies = said.copies;
    rules.conflicts = said.conflicts.unwrap_or_default();
    let mode = if said.opportunistic == Some(true) { Mode::Opportunistic } else { said.mode.unwrap_or(Mode::Shared) };
    Ok((mode == Mode::Opportunistic).then_some(rules))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::rules::{ConflictPolicy, Order};
    use crate::wire::Kind;

    fn said(text: &str) -> anyhow::Result<Option<Rules>> {
        rules(&toml::from_str(&format!("mode = 'opportunistic'\n{text}"))?)
    }

    #[test]
    fn what_nobody_says_is_as_it_always_was() {
        let rules = said("").unwrap().unwrap();
        assert!(rules.kinds.is_empty() && rules.never_kinds.is_empty() && rules.copies.is_none());
        assert_eq!((rules.order, rules.conflicts), (Order::SmallFirst, ConflictPolicy::KeepBoth));
        assert_eq!(rules.sizes, 0..=u64::MAX);
        assert!(super::rules(&Settings::default()).unwrap().is_none(), "shared mode takes nothing");
    }

    #[test]
    fn the_file_says_all_that_flags_say() {
        let text = "kind = ['video', 'Audio']\nnever_kind = ['program']\nmin_size = '1KB'\nmax_size = 5000\n\
                    order = 'rarest-first'\ncopies = 3\nconflicts = 'newest-from-origin'\n\
                    only_from = ['Galley']\nnever_from = ['752a9fe6-d0db-4c65-b224-ae90b2627d3a']\n";
        let rules = said(text).unwrap().unwrap();
        assert_eq!((rules.kinds, rules.never_kinds), (vec![Kind::Video, Kind::Audio], vec![Kind::Program]));
        assert_eq!((rules.sizes, rules.copies.unwrap().get()), (1_000..=5_000, 3));
        assert_eq!((rules.order, rules.conflicts), (Order::RarestFirst, ConflictPolicy::NewestFromOrigin));
    }

    #[test]
    fn what_would_copy_nothing_is_a_mistake() {
        for (text, expected) in [
            ("kind = ['movie']", "video, audio"),
            ("kind = ['video']\nnever_kind = ['video']", "no kind"),
            ("min_size = 2\nmax_size = 1", "--min-size"),
            ("copies = 0", "nonzero"),
            ("order = 'random'", "small-first"),
            ("conflicts = 'overwrite'", "keep-both"),
            ("only_from = ['']", "--only-from"),
        ] {
            let error = format!("{:#}", said(text).unwrap_err());
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
