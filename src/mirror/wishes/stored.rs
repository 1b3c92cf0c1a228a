//! A wish as it stands in the state folder.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Place, Wish};
use crate::mirror::failure::Failure;
use crate::wire::text::NAME_MAX_CHARS;
use crate::wire::{Content, DisplayText, LootPath};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    path: Box<str>,
    size_bytes: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
    from: Uuid,
    from_name: Box<str>,
    #[serde(default)]
    place: Place,
    asked_at: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

impl Record {
    pub(super) fn of(wish: &Wish) -> Self {
        Self {
            path: wish.path.as_str().into(),
            size_bytes: wish.size_bytes,
            content: wish.content,
            from: wish.from,
            from_name: wish.from_name.as_str().into(),
            place: wish.place,
            asked_at: wish.asked_at,
            failure: wish.failure.clone(),
        }
    }

    /// None if its name is none.
    pub(super) fn into_wish(self) -> Option<Wish> {
        let Self { path, size_bytes, content, from, from_name, place, asked_at, failure } = self;
        let path = LootPath::parse(path.as_bytes()).ok()?;
        let from_name = DisplayText::from_bytes(from_name.as_bytes(), NAME_MAX_CHARS);
        Some(Wish { path, size_bytes, content, from, from_name, place, asked_at, failure })
    }
}
