//! Whose loot is asked about: this node's, or that of a neighbour who is here.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::App;
use super::error::HttpError;
use super::search::link_to;
use crate::neighbours::Neighbour;
use crate::wire::index::Entry;
use crate::wire::{DigestTable, Digests, Index, IndexKey, url};

/// A node with what it offers, as it is known now.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// Who.
    pub(super) uuid: Uuid,
    /// Its name, or its address where it has none.
    pub(super) name: String,
    /// What it offers.
    pub(super) index: Arc<Index>,
    /// What is known of the contents, beside this index or an older one.
    pub(super) digests: Arc<DigestTable>,
    /// None: it is this node.
    pub(super) neighbour: Option<Neighbour>,
}

impl Owner {
    /// This node.
    pub(super) fn ours(app: &App) -> Self {
        let (index, digests) = (app.loot.snapshot().index.clone(), app.loot.digests());
        Self { uuid: app.uuid, name: app.name.to_string(), index, digests, neighbour: None }
    }

    /// By the uuid in an address.
    pub(super) fn find(app: &App, uuid: &str) -> Result<Self, HttpError> {
        let uuid: Uuid = uuid.parse().map_err(|_| HttpError::NotFound)?;
        if uuid == app.uuid {
            return Ok(Self::ours(app));
        }
        let present = |neighbour: &Neighbour| neighbour.is_present(Instant::now());
        let neighbour = app.neighbourhood.get(uuid).filter(present).ok_or(HttpError::NoSuchNeighbour)?;
        Self::of(neighbour).ok_or(HttpError::NoIndexYet)
    }

    /// A neighbour, if it is known what it offers.
    pub(super) fn of(neighbour: Neighbour) -> Option<Self> {
        let index = neighbour.known.as_ref()?.index.clone();
        let digests = neighbour.manifest.as_ref().map(|manifest| manifest.digests.clone()).unwrap_or_default();
        let name = match neighbour.name.as_str() {
            "" => neighbour.addresses().first().map(|address| address.service.ip().to_string()).unwrap_or_default(),
            name => name.to_owned(),
        };
        Some(Self { uuid: neighbour.uuid, name, index, digests, neighbour: Some(neighbour) })
    }

    /// Whether it is this node.
    pub(super) fn is_ours(&self) -> bool {
        self.neighbour.is_none()
    }

    /// Where its service is, for a visitor who reached us at `local`; empty for our own.
    pub(super) fn origin(&self, local: IpAddr) -> String {
        let linked = self.neighbour.as_ref().and_then(|neighbour| link_to(neighbour, local));
        linked.map(|(origin, _)| origin).unwrap_or_default()
    }

    /// Whether it is a node of our kind, which knows what this one knows.
    pub(super) fn is_boucan(&self) -> bool {
        let key = self.neighbour.as_ref().and_then(Neighbour::verified_by);
        self.is_ours() || matches!(key, Some(IndexKey::Specified | IndexKey::PreShared(_)))
    }

    /// The page of one of its files.
    pub(super) fn file_href(&self, name: &str) -> String {
        format!("/file/{}?g={}", self.uuid, url::query_value(name))
    }

    /// One of its files as pages show it, through this node.
    pub(super) fn media_href(&self, name: &str) -> String {
        format!("/media/{}?g={}", self.uuid, url::query_value(name))
    }

    /// One of its files to keep, from where it is.
    pub(super) fn download_href(&self, entry: &Entry<'_>, local: IpAddr) -> String {
        format!("{}{}", self.origin(local), url::file_target(&entry.listed_name()))
    }

    /// Where it may be dialled now.
    pub(super) fn services(&self) -> Vec<SocketAddr> {
        self.neighbour.as_ref().map(|neighbour| neighbour.trusted_services(Instant::now())).unwrap_or_default()
    }

    /// When a file was changed last, in seconds since 1970, as far as that is told.
    pub(super) fn modified(&self, entry: &Entry<'_>) -> Option<i64> {
        self.digests.mtime(self.digest_position(entry)?)
    }

    /// What is known of its content.
    pub(super) fn content(&self, entry: &Entry<'_>) -> Option<&Digests> {
        self.digests.get(self.digest_position(entry)?)
    }

    /// The table may stand beside another state of the index.
    fn digest_position(&self, entry: &Entry<'_>) -> Option<usize> {
        let at = self.digests.index().position_of(entry.name)?;
        self.digests.index().get(at).filter(|known| known.size_bytes == entry.size_bytes).map(|_| at)
    }

    /// One that has nothing but that.
    #[cfg(test)]
    pub(super) fn for_tests(index: Arc<Index>, digests: Arc<DigestTable>) -> Self {
        Self { uuid: Uuid::nil(), name: "test".into(), index, digests, neighbour: None }
    }

    /// A name that may stand as one folder in an archive, or as a file.
    pub(super) fn file_name(&self) -> String {
        let plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
        let name: String = self.name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
        let name = name.trim_matches(['.', ' ']);
        if name.is_empty() { "boucan".into() } else { name.into() }
    }
}
