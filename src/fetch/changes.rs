//! What changed in a neighbour's index since the state that is here (`docs/PROTOCOL.md`, section 6):
//! some lines instead of all of them.
//!
//! Whatever goes wrong with it, the whole index is asked for instead.

use std::sync::Arc;

use http::StatusCode;

use super::client::{Connection, declared_length};
use super::{FetchError, compressed};
use crate::neighbours::KnownIndex;
use crate::wire::index::Edit;
use crate::wire::index::changes::{CHANGES_FROM_BYTES, CHANGES_MAX_BYTES, Changes, ChangesError};
use crate::wire::{Index, IndexHmac, IndexKey, url};

/// The state of a neighbour's index that is here.
#[derive(Clone, Debug)]
pub(super) struct Before {
    index: Arc<Index>,
    hmac: IndexHmac,
    /// By which it is that of the index; the next one's must be made with it too.
    key: IndexKey,
}

/// The state to which changes lead.
pub(super) struct After {
    pub(super) before: Arc<Index>,
    pub(super) index: Index,
    /// What leads from the one to the other.
    pub(super) edit: Edit,
    pub(super) hmac: IndexHmac,
    pub(super) key: IndexKey,
}

impl Before {
    /// If it is worth asking for changes.
    pub(super) fn of(known: &KnownIndex) -> Option<Self> {
        let (hmac, key) = (known.since()?, known.verified_by.clone()?);
        let is_large = known.index.text().len() >= CHANGES_FROM_BYTES;
        is_large.then(|| Self { index: known.index.clone(), hmac, key })
    }

    /// Asks for what changed since, and makes the next index of it. `announced`: the state that is
    /// looked for.
    pub(super) async fn follow(
        self,
        connection: &mut Connection,
        announced: Option<IndexHmac>,
    ) -> Result<After, FetchError> {
        let target = format!("{}{}", url::CHANGES_SINCE_TARGET, self.hmac);
        let response = compressed::get(connection, &target, &[]).await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        // More than the whole index would be is not worth reading.
        let most = self.index.text().len().min(CHANGES_MAX_BYTES);
        if declared_length(response.headers()).is_some_and(|length| length > most as u64) {
            return Err(ChangesError::TooBig.into());
        }
        let body = compressed::whole(response, most).await?.ok_or(ChangesError::TooBig)?;
        tracing::debug!(service = %connection.service(), bytes = body.len(), "changes of an index were read");
        let lead = move || self.lead(&body, announced);
        Ok(tokio::task::spawn_blocking(lead).await.map_err(std::io::Error::other)??)
    }

    /// The node may have gone on since it announced; but who stays where he was, and announces
    /// something else, is read as a whole.
    fn lead(&self, body: &[u8], announced: Option<IndexHmac>) -> Result<After, ChangesError> {
        let changes = Changes::parse(body)?;
        if changes.since != self.hmac {
            return Err(ChangesError::NotSinceThen);
        }
        if announced != Some(changes.hmac) && changes.hmac == self.hmac {
            return Err(ChangesError::NotThere);
        }
        let (index, edit) = changes.lead_from(&self.index, &self.key)?;
        Ok(After { before: self.index.clone(), index, edit, hmac: changes.hmac, key: self.key.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::index::changes::emit_changes;

    fn hmac(of: &Index) -> IndexHmac {
        IndexHmac::of(of.text(), &IndexKey::Specified)
    }

    #[test]
    fn changes_lead_from_what_is_here_to_what_is_announced_or_has_come_since() {
        let index = |text: &str| Index::parse(text.as_bytes()).unwrap().0;
        let (here, next, later) = (index("a,1\n"), index("a,1\nb,2\n"), index("b,2\n"));
        let before = Before { index: Arc::new(here.clone()), hmac: hmac(&here), key: IndexKey::Specified };
        let told = |since: &Index, now: &Index, names: &[&str]| {
            emit_changes(&hmac(since), &hmac(now), now, names.iter().copied())
        };
        let lead = |text: String, announced: &Index| {
            before.lead(text.as_bytes(), Some(hmac(announced))).map(|after| (after.index.clone(), after.hmac))
        };
        assert_eq!(lead(told(&here, &next, &["b"]), &next), Ok((next.clone(), hmac(&next))));
        assert_eq!(lead(told(&here, &later, &["a", "b"]), &next), Ok((later.clone(), hmac(&later))), "gone on");
        assert_eq!(lead(told(&here, &here, &[]), &here), Ok((here.clone(), hmac(&here))));
        for (text, why, what) in [
            (told(&here, &here, &[]), ChangesError::NotThere, "it stays where it was"),
            (told(&later, &next, &["a"]), ChangesError::NotSinceThen, "since another state"),
            (told(&here, &next, &[]), ChangesError::NotThere, "something is left out"),
            (told(&here, &next, &["a", "b"]).replace("b,2", "b,3"), ChangesError::NotThere, "another size"),
            ("<html>".into(), ChangesError::NotChanges, "something else"),
        ] {
            assert_eq!(lead(text, &next), Err(why), "{what}");
        }
    }
}
