//! The pieces of a content, each verified by itself (`docs/PROTOCOL.md`, section 6).
//!
//! BLAKE3 hashes a tree. A piece is a whole subtree of it, so the hashes of all pieces fold to the
//! content's BLAKE3: a list that does is true, whoever told it, and every piece can be verified as
//! it comes.

use std::ops::{Range, RangeInclusive};

use blake3::hazmat::{HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};

/// A power of two of BLAKE3's chunks, so that a piece is a subtree. Of a film of a gigabyte the
/// list is 128 KiB, and a host that sends rubbish costs a quarter of a mebibyte.
pub const PIECE_BYTES: u64 = 256 * 1024;
/// Contents of more have no list: a tebibyte, whose list is 128 MiB.
pub const PIECES_MAX: u64 = 1 << 22;
/// What a list takes for each piece.
pub const HASH_BYTES: u64 = 32;

/// The hash of one piece: of the only one BLAKE3 itself, else the chaining value of its subtree.
pub type PieceHash = [u8; 32];

/// How many pieces a content of that size has; none if it has no list.
#[must_use]
pub fn piece_count(size_bytes: u64) -> Option<u64> {
    Some(size_bytes.div_ceil(PIECE_BYTES)).filter(|count| *count <= PIECES_MAX)
}

/// Where a run of pieces is in a content of that size: offset and length in bytes.
#[must_use]
pub fn run_bytes(run: &RangeInclusive<u64>, size_bytes: u64) -> (u64, u64) {
    let first = run.start().saturating_mul(PIECE_BYTES).min(size_bytes);
    let end = run.end().saturating_add(1).saturating_mul(PIECE_BYTES).min(size_bytes);
    (first, end.saturating_sub(first))
}

/// The hashes of the pieces of one content, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceList {
    size_bytes: u64,
    hashes: Box<[PieceHash]>,
}

/// Why a list is not that of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PieceListError {
    /// Over [`PIECES_MAX`].
    #[error("a content of that size has no list of pieces")]
    TooManyPieces,
    /// Not 32 bytes for each piece of a content of that size.
    #[error("the list is not as long as the content has pieces")]
    WrongLength,
    /// It is another content's, or nobody's.
    #[error("the list does not fold to the hash of the content")]
    AnotherContent,
}

impl PieceList {
    /// Reads the list of the content of that size and BLAKE3. What comes of it is true.
    ///
    /// # Errors
    /// [`PieceListError`].
    pub fn parse(bytes: &[u8], size_bytes: u64, root: &[u8; 32]) -> Result<Self, PieceListError> {
        let count = piece_count(size_bytes).ok_or(PieceListError::TooManyPieces)?;
        let (hashes, rest) = bytes.as_chunks::<{ HASH_BYTES as usize }>();
        if hashes.len() as u64 != count || !rest.is_empty() {
            return Err(PieceListError::WrongLength);
        }
        let list = Self { size_bytes, hashes: hashes.into() };
        if list.root() == *root { Ok(list) } else { Err(PieceListError::AnotherContent) }
    }

    /// 32 bytes a piece.
    #[must_use]
    pub fn emit(&self) -> &[u8] {
        self.hashes.as_flattened()
    }

    /// Length of the content.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The hashes, in order.
    #[must_use]
    pub fn hashes(&self) -> &[PieceHash] {
        &self.hashes
    }

    /// The content's BLAKE3.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        let mut fold = Fold::default();
        self.hashes.iter().for_each(|hash| fold.push(*hash));
        fold.root()
    }

    /// Where a piece is in the content; empty beyond its end.
    #[must_use]
    pub fn range(&self, index: u64) -> Range<u64> {
        let first = index.saturating_mul(PIECE_BYTES).min(self.size_bytes);
        first..first.saturating_add(PIECE_BYTES).min(self.size_bytes)
    }

    /// Whether these are the bytes of that piece.
    #[must_use]
    pub fn verify(&self, index: u64, bytes: &[u8]) -> bool {
        let Range { start, end } = self.range(index);
        let hash = usize::try_from(index).ok().and_then(|index| self.hashes.get(index));
        let is_whole = end > start && end.saturating_sub(start) == bytes.len() as u64;
        // A piece that is not whole is never hashed: the library wants subtrees.
        is_whole && hash.is_some_and(|hash| *hash == hash_of(start, bytes, self.hashes.len() == 1))
    }
}

fn hash_of(offset: u64, bytes: &[u8], is_only: bool) -> PieceHash {
    if is_only {
        return *blake3::hash(bytes).as_bytes();
    }
    blake3::Hasher::new().set_input_offset(offset).update(bytes).finalize_non_root()
}

/// Takes the bytes of a content in order, and makes its BLAKE3 and its list in one pass.
#[derive(Clone, Debug, Default)]
pub struct PieceHasher {
    /// Of the piece that is not at its end, or whose successor did not come yet.
    piece: blake3::Hasher,
    count_bytes: u64,
    fold: Fold,
    hashes: Vec<PieceHash>,
}

impl PieceHasher {
    /// Before the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next bytes, as many as there are.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = PIECE_BYTES.saturating_sub(self.piece.count());
            let (next, behind) =
                rest.split_at_checked(usize::try_from(room).unwrap_or(usize::MAX)).unwrap_or((rest, &[]));
            self.piece.update(next);
            self.count_bytes = self.count_bytes.saturating_add(next.len() as u64);
            rest = behind;
            // Only what follows tells that a piece is not the only one.
            if self.piece.count() == PIECE_BYTES && !rest.is_empty() {
                self.end_piece();
                // Not `reset`: it keeps a part of the offset.
                self.piece = blake3::Hasher::new();
                self.piece.set_input_offset(self.count_bytes);
            }
        }
    }

    /// The content's BLAKE3, and its list unless it is too long.
    #[must_use]
    pub fn finish(mut self) -> ([u8; 32], Option<PieceList>) {
        let size_bytes = self.count_bytes;
        if size_bytes <= PIECE_BYTES {
            let root = *self.piece.finalize().as_bytes();
            let hashes = if size_bytes == 0 { Box::default() } else { [root].into() };
            return (root, Some(PieceList { size_bytes, hashes }));
        }
        self.end_piece();
        let is_listed = piece_count(size_bytes).is_some();
        let list = is_listed.then(|| PieceList { size_bytes, hashes: self.hashes.into() });
        (self.fold.root(), list)
    }

    fn end_piece(&mut self) {
        let hash = self.piece.finalize_non_root();
        self.fold.push(hash);
        if (self.hashes.len() as u64) < PIECES_MAX {
            self.hashes.push(hash);
        } else {
            self.hashes = Vec::new();
        }
    }
}

/// Hashes of pieces on their way to the root: the left subtree of any is the largest power of two
/// of pieces that is smaller than the whole.
#[derive(Clone, Debug, Default)]
struct Fold {
    count: u64,
    /// One subtree for each binary digit of the count before the last.
    subtrees: Vec<PieceHash>,
}

impl Fold {
    /// Subtrees are joined only when more follows: the topmost join is another one.
    fn push(&mut self, hash: PieceHash) {
        while self.subtrees.len() as u64 > u64::from(self.count.count_ones()) {
            self.join();
        }
        self.subtrees.push(hash);
        self.count = self.count.saturating_add(1);
    }

    fn join(&mut self) {
        if let (Some(right), Some(left)) = (self.subtrees.pop(), self.subtrees.pop()) {
            self.subtrees.push(merge_subtrees_non_root(&left, &right, Mode::Hash));
        }
    }

    fn root(mut self) -> [u8; 32] {
        while self.subtrees.len() > 2 {
            self.join();
        }
        match *self.subtrees {
            [] => *blake3::hash(&[]).as_bytes(),
            [ref left, ref right] => *merge_subtrees_root(left, right, Mode::Hash).as_bytes(),
            // The only piece is hashed as the whole that it is.
            [only, ..] => only,
        }
    }
}

#[cfg(test)]
mod tests;
