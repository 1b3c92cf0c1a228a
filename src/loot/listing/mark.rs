//! Eight bytes that stand for a version of a file.

/// Which version of a file was seen: none yet (0), or what a [`Marker`] makes of it.
///
/// [`Marker`]: crate::loot::digests::Marker
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark(pub(super) u64);

impl Mark {
    /// Nobody looked yet: names and sizes of a stored index tell no more.
    pub(super) fn is_provisional(self) -> bool {
        self.0 == 0
    }
}
