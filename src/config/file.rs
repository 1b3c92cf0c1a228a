//! The settings file: TOML, the flags' names with underscores. Unknown keys are refused with
//! their line.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Settings;

/// The file to read: the one that was named, or the usual one if it is there.
///
/// # Errors
/// When a file that was named is not there.
pub fn find(named: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
    match named {
        Some(path) if path.is_file() => Ok(Some(path.into())),
        Some(path) => anyhow::bail!("there is no settings file {}", path.display()),
        None => Ok(super::default_file().filter(|path| path.is_file())),
    }
}

/// Reads it.
///
/// # Errors
/// With the line and the column of what is wrong.
pub fn read(path: &Path) -> anyhow::Result<Settings> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let said = parse(&text).with_context(|| format!("in {}", path.display()))?;
    if said.mode.is_some() && said.opportunistic.is_some() {
        anyhow::bail!("in {}: “mode” and “opportunistic” say the same thing: say only one of them", path.display());
    }
    Ok(said)
}

fn parse(text: &str) -> Result<Settings, toml::de::Error> {
    toml::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::super::settings::Mode;
    use super::*;

    #[test]
    fn a_file_says_what_flags_say() {
        let said = parse("name = 'Ship'\nmode = 'opportunistic'\nbudget = '20GB'\nreserve = 0\ninclude = ['\\.pdf$']\nbind = ['127.0.0.2']\nannounce_interval = '2s'\n").unwrap();
        assert_eq!((said.name.as_deref(), said.mode), (Some("Ship"), Some(Mode::Opportunistic)));
        assert_eq!((said.budget.unwrap().0, said.reserve.unwrap().0), (20_000_000_000, 0));
        assert_eq!(said.include, [r"\.pdf$"]);
    }

    #[test]
    fn limits_are_sizes_or_numbers() {
        let said = parse("upload_limit = '2MB'\ndownload_limit = 100_000\n").unwrap();
        assert_eq!((said.upload_limit.unwrap().0, said.download_limit.unwrap().0), (2_000_000, 100_000));
        let error = parse("upload_limit = 1\n").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("64KiB"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = parse("name = 'Ship'\n\nbudgte = '20GB'\n").unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("budgte"), "{error}");
        let error = parse("budget = 'lots'\n").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("20GB"), "{error}");
    }

    #[test]
    fn flags_win_over_the_file() {
        let file = parse("name = 'file'\nport = 1\nmode = 'opportunistic'\ninclude = ['a', 'b']\n").unwrap();
        let flags = Settings {
            name: Some("flag".into()),
            include: vec!["c".into()],
            mode: Some(Mode::Shared),
            ..Settings::default()
        };
        let both = flags.or(file);
        assert_eq!((both.name.as_deref(), both.port, both.include), (Some("flag"), Some(1), vec!["c".to_owned()]));
        assert_eq!((both.mode, both.opportunistic), (Some(Mode::Shared), None));
    }
}
