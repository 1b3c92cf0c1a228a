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
use crate::wire::{DigestTable, Index};

/// A node with what it offers, as it is known now.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// Who.
    pub(super) uuid: Uuid,
    /// Its name, or its address where it has none.
    pub(super) name: String,
    /// What it offers.
    pub(super) index: Arc<Index>,
    /// What is known of the contents.
    digests: Arc<DigestTable>,
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
        let index = neighbour.known.as_ref().ok_or(HttpError::NoIndexYet)?.index.clone();
        let digests = neighbour.manifest.as_ref().map(|manifest| manifest.digests.clone()).unwrap_or_default();
        let name = match neighbour.name.as_str() {
            "" => neighbour.addresses().first().map(|address| address.service.ip().to_string()).unwrap_or_default(),
            name => name.to_owned(),
        };
        Ok(Self { uuid, name, index, digests, neighbour: Some(neighbour) })
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

    /// Where it may be dialled now.
    pub(super) fn services(&self) -> Vec<SocketAddr> {
        self.neighbour.as_ref().map(|neighbour| neighbour.trusted_services(Instant::now())).unwrap_or_default()
    }

    /// When a file was changed last, in seconds since 1970, as far as that is told.
    pub(super) fn modified(&self, entry: &Entry<'_>) -> Option<i64> {
        self.digests.mtime(self.digest_position(entry)?)
    }

    /// The table may stand beside another state of the index.
    fn digest_position(&self, entry: &Entry<'_>) -> Option<usize> {
        let at = self.digests.index().position_of(entry.name)?;
        self.digests.index().get(at).filter(|known| known.size_bytes == entry.size_bytes).map(|_| at)
    }

    /// A name that may stand as one folder in an archive, or as a file.
    pub(super) fn file_name(&self) -> String {
        let plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
        let name: String = self.name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
        let name = name.trim_matches(['.', ' ']);
        if name.is_empty() { "boucan".into() } else { name.into() }
    }
}
