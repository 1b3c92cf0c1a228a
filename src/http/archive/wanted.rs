//! What an archive is asked to hold.

use super::HttpError;
use crate::wire::{LootPath, b64e, url};

/// Names chosen one by one; who wants more takes the folder.
const PICKS_MAX: usize = 10_000;

/// A folder, and what of it; nothing: all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Empty: all that the node offers.
    pub(super) folder: String,
    /// Files and folders in it.
    pub(super) picks: Vec<LootPath>,
}

impl Wanted {
    /// Of a query or a form.
    pub(super) fn parse(query: &str) -> Result<Self, HttpError> {
        let folder = match url::query_first(query, "d").as_deref() {
            None | Some(b"") => String::new(),
            Some(folder) => LootPath::parse(folder).map_err(|_| HttpError::NotFound)?.to_string(),
        };
        let is_encoded = url::query_first(query, "f").is_some();
        let mut picks = Vec::new();
        for name in url::query_all(query, "g") {
            if picks.len() >= PICKS_MAX {
                return Err(HttpError::BadQuery(format!("more than {PICKS_MAX} names are chosen; take the folder")));
            }
            let name =
                if is_encoded { b64e::decode(&name).map_err(|_| HttpError::BadName)? } else { name.into_owned() };
            picks.push(LootPath::parse(&name).map_err(|_| HttpError::NotFound)?);
        }
        // A form says that something is to be chosen; nothing is not everything there.
        if picks.is_empty() && url::query_first(query, "chosen").is_some() {
            return Err(HttpError::NothingChosen);
        }
        Ok(Self { folder, picks })
    }

    /// The folder's own name; none for all there is.
    pub(super) fn folder_name(&self) -> Option<&str> {
        self.folder.rsplit('/').next().filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_links_and_forms_write_them() {
        let wanted = |folder: &str, picks: &[&str]| {
            let picks = picks.iter().map(|name| LootPath::parse(name.as_bytes()).unwrap()).collect();
            Some(Wanted { folder: folder.into(), picks })
        };
        for (query, expected) in [
            ("", wanted("", &[])),
            ("d=", wanted("", &[])),
            ("d=a%20b/c", wanted("a b/c", &[])),
            ("d=a&g=a/x+y&g=a/%C3%A9", wanted("a", &["a/x y", "a/é"])),
            ("f=b64e&g=YSBi&g=L2M!", wanted("", &["a b", "c"])),
            ("d=../a", None),
            ("d=a&chosen=1", None),
            ("d=a&chosen=1&g=a/b", wanted("a", &["a/b"])),
            ("g=", None),
            ("g=a&g=../b", None),
            ("f=b64e&g=%25", None),
        ] {
            assert_eq!(Wanted::parse(query).ok(), expected, "{query}");
        }
        assert!(Wanted::parse(&"g=a&".repeat(PICKS_MAX)).is_ok());
        assert!(Wanted::parse(&"g=a&".repeat(PICKS_MAX + 1)).is_err());
        assert_eq!(Wanted::parse("d=a/b").unwrap().folder_name(), Some("b"));
    }
}
