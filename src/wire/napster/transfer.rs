//! What peers say to each other: `RETR md5[32]` is answered `ARET #chunk[6] { length[5] data }`.
//!
//! The specification has no error packet: an answer that does not begin with `ARET` is a text for
//! people. [`ChunkPlan`] is the side that serves, [`ChunkReader`] the side that fetches; it takes
//! bytes in any segments and gives back the content.

use super::field::{FieldError, Md5};
use super::request::Parsed;
use crate::wire::DisplayText;

/// The longest chunk its five digits can say.
pub const CHUNK_MAX_BYTES: u64 = 99_999;
/// The most chunks their six digits can count.
pub const CHUNKS_MAX: u64 = 999_999;
/// What a peer can be given: longer files are not offered.
pub const CONTENT_MAX_BYTES: u64 = CHUNK_MAX_BYTES * CHUNKS_MAX;
/// What course peers send; their buffers were made for it.
const CHUNK_USUAL_BYTES: u64 = 4_096;
/// `RETR` and the MD5.
pub const RETRIEVE_BYTES: usize = 36;
/// What R00tella says of a file it does not have.
pub const NOT_AVAILABLE: &str = "Sorry, the requested file is not available anymore by the selected peer.";
/// What R00tella says of a request it cannot read.
pub const NOT_READABLE: &str = "Invalid packet. Unable to reply.";
/// A text for people is kept to so many bytes, and shown in half as many characters.
const TEXT_MAX_BYTES: usize = 400;
const IDENTIFIER: &[u8; 4] = b"ARET";
const COUNT_WIDTH: usize = 6;
const LENGTH_WIDTH: usize = 5;

/// Reads what a peer asks, in either case of the digits. Bytes after it are ignored.
#[must_use]
pub fn parse_retrieve(received: &[u8]) -> Parsed<Md5, FieldError> {
    let (identifier, rest) = received.split_at_checked(IDENTIFIER.len()).unwrap_or((received, &[]));
    if !b"RETR".starts_with(identifier) {
        return Parsed::Invalid(FieldError::Md5);
    }
    match rest.get(..Md5::WIDTH) {
        Some(md5) => Md5::parse(md5).map_or_else(Parsed::Invalid, Parsed::Complete),
        // The specification's first version sent 16 raw bytes: nothing follows those.
        None if !rest.iter().all(u8::is_ascii_hexdigit) => Parsed::Invalid(FieldError::Md5),
        None => Parsed::Incomplete(RETRIEVE_BYTES),
    }
}

/// The request as it is sent, in one write: course peers read once.
#[must_use]
pub fn emit_retrieve(md5: Md5) -> Vec<u8> {
    format!("RETR{md5}").into_bytes()
}

/// In which chunks a content is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkPlan {
    chunks: u64,
    chunk_bytes: u64,
}

impl ChunkPlan {
    /// For a content of that size; none if it does not fit into the digits.
    #[must_use]
    pub fn of(size_bytes: u64) -> Option<Self> {
        let chunk_bytes = size_bytes.div_ceil(CHUNKS_MAX).max(CHUNK_USUAL_BYTES);
        (chunk_bytes <= CHUNK_MAX_BYTES).then_some(Self { chunks: size_bytes.div_ceil(chunk_bytes), chunk_bytes })
    }

    /// How many chunks.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// Length of each, the last one may be shorter.
    #[must_use]
    pub fn chunk_bytes(&self) -> u64 {
        self.chunk_bytes
    }

    /// What precedes the chunks.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        format!("ARET{:06}", self.chunks).into_bytes()
    }

    /// Appends a part of the content in chunks; each part but the last has whole chunks.
    pub fn frame(&self, content: &[u8], into: &mut Vec<u8>) {
        let chunk_bytes = usize::try_from(self.chunk_bytes).unwrap_or(usize::MAX).max(1);
        for chunk in content.chunks(chunk_bytes) {
            into.extend_from_slice(format!("{:05}", chunk.len()).as_bytes());
            into.extend_from_slice(chunk);
        }
    }
}

/// Why an answer is no content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// It is a text for people.
    #[error("the peer refused: {0}")]
    Refused(DisplayText),
    /// The number of chunks holds something else than digits.
    #[error("the peer's answer cannot be read: it does not say how many chunks follow in six digits")]
    Count,
    /// A chunk's length holds something else than digits; a peer that counts its chunks in three
    /// digits, as an old description has it, is met here too.
    #[error("the peer's answer cannot be read: chunk {0} does not begin with its length in five digits")]
    Length(u32),
    /// The connection ended before anything came.
    #[error("the peer closed the connection without an answer")]
    Nothing,
    /// The connection ended within the head.
    #[error("the peer closed the connection within the first bytes of its answer")]
    NoHead,
    /// The connection ended within the content.
    #[error("the peer closed the connection after {whole} of {chunks} chunks")]
    ClosedEarly {
        /// Chunks that came whole.
        whole: u32,
        /// Chunks announced.
        chunks: u32,
    },
}

/// Where in the answer we are.
#[derive(Clone, Debug)]
enum Place {
    Identifier(usize),
    Text(Vec<u8>),
    Count(Digits<COUNT_WIDTH>),
    Length(Digits<LENGTH_WIDTH>),
    Data(u32),
    Done,
}

/// Takes an answer apart.
#[derive(Clone, Debug)]
pub struct ChunkReader {
    place: Place,
    chunks: Option<u32>,
    whole: u32,
    first_length: Option<u32>,
}

impl Default for ChunkReader {
    fn default() -> Self {
        Self { place: Place::Identifier(0), chunks: None, whole: 0, first_length: None }
    }
}

impl ChunkReader {
    /// Takes from the front of `received` up to the end of the next piece of content, and gives
    /// that; none when all was taken without one, or the answer is whole.
    ///
    /// # Errors
    /// What cannot be read; a text for people only once it is as long as it may be, see
    /// [`ChunkReader::end`].
    pub fn next<'r>(&mut self, received: &mut &'r [u8]) -> Result<Option<&'r [u8]>, TransferError> {
        loop {
            if let Place::Data(left @ 1..) = &mut self.place {
                let Some((data, rest)) = received.split_at_checked(received.len().min(*left as usize)) else {
                    return Ok(None);
                };
                *received = rest;
                *left = left.saturating_sub(u32::try_from(data.len()).unwrap_or(u32::MAX));
                if *left == 0 {
                    self.whole = self.whole.saturating_add(1);
                    self.next_chunk();
                }
                return Ok((!data.is_empty()).then_some(data));
            }
            let Some((byte, rest)) = received.split_first().filter(|_| !self.is_whole()) else { return Ok(None) };
            *received = rest;
            self.take(*byte)?;
        }
    }

    /// All chunks came.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self.place, Place::Done)
    }

    /// It turned out to be a text for people, of which more may follow.
    #[must_use]
    pub fn is_text(&self) -> bool {
        matches!(self.place, Place::Text(_))
    }

    /// How many chunks there are, once that was said.
    #[must_use]
    pub fn chunks(&self) -> Option<u32> {
        self.chunks
    }

    /// How many of them came.
    #[must_use]
    pub fn whole_chunks(&self) -> u32 {
        self.whole
    }

    /// How long the content will be if all chunks are like the first, once that was said. Peers
    /// do not say more; it is never less when only the last chunk is shorter.
    #[must_use]
    pub fn probable_bytes(&self) -> Option<u64> {
        match self.chunks? {
            0 => Some(0),
            chunks => Some(u64::from(chunks).saturating_mul(self.first_length?.into())),
        }
    }

    /// What it means that the connection ends here.
    ///
    /// # Errors
    /// What is missing, or the text for people.
    pub fn end(&self) -> Result<(), TransferError> {
        match (&self.place, self.chunks) {
            (Place::Done, _) => Ok(()),
            (Place::Text(text), _) => Err(refused(text)),
            (Place::Identifier(0), _) => Err(TransferError::Nothing),
            (_, Some(chunks)) => Err(TransferError::ClosedEarly { whole: self.whole, chunks }),
            (_, None) => Err(TransferError::NoHead),
        }
    }

    /// One byte that is not content.
    fn take(&mut self, byte: u8) -> Result<(), TransferError> {
        match &mut self.place {
            Place::Identifier(position) => {
                let read = position.saturating_add(1);
                if IDENTIFIER.get(*position) != Some(&byte) {
                    let begin = IDENTIFIER.get(..*position).unwrap_or_default();
                    self.place = Place::Text([begin, &[byte]].concat());
                } else if read == IDENTIFIER.len() {
                    self.place = Place::Count(Digits::default());
                } else {
                    *position = read;
                }
            }
            Place::Text(text) => {
                text.push(byte);
                if text.len() >= TEXT_MAX_BYTES {
                    return Err(refused(text));
                }
            }
            Place::Count(digits) => {
                if let Some(chunks) = digits.take(byte).ok_or(TransferError::Count)? {
                    self.chunks = Some(chunks);
                    self.next_chunk();
                }
            }
            Place::Length(digits) => {
                let chunk = self.whole.saturating_add(1);
                if let Some(length) = digits.take(byte).ok_or(TransferError::Length(chunk))? {
                    self.first_length.get_or_insert(length);
                    self.place = Place::Data(length);
                    if length == 0 {
                        self.whole = chunk;
                        self.next_chunk();
                    }
                }
            }
            Place::Data(_) | Place::Done => {}
        }
        Ok(())
    }

    fn next_chunk(&mut self) {
        let is_last = self.chunks.is_some_and(|chunks| self.whole >= chunks);
        self.place = if is_last { Place::Done } else { Place::Length(Digits::default()) };
    }
}

fn refused(text: &[u8]) -> TransferError {
    TransferError::Refused(DisplayText::from_bytes(text, TEXT_MAX_BYTES / 2))
}

/// A number of so many digits, read one at a time: what is no digit is known at once, however
/// long the other side keeps the rest back.
#[derive(Clone, Copy, Debug, Default)]
struct Digits<const WIDTH: usize> {
    number: u32,
    read: usize,
}

impl<const WIDTH: usize> Digits<WIDTH> {
    /// None for what is no digit; the number once it is whole.
    fn take(&mut self, byte: u8) -> Option<Option<u32>> {
        let digit = char::from(byte).to_digit(10)?;
        self.number = self.number.saturating_mul(10).saturating_add(digit);
        self.read = self.read.saturating_add(1);
        Some((self.read == WIDTH).then_some(self.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds an answer in segments of that size; the content, and what its end means.
    fn read(answer: &[u8], segment: usize) -> (Vec<u8>, Result<(), TransferError>) {
        let (mut reader, mut content) = (ChunkReader::default(), Vec::new());
        for mut part in answer.chunks(segment) {
            loop {
                match reader.next(&mut part) {
                    Ok(Some(data)) => content.extend_from_slice(data),
                    Ok(None) => break,
                    Err(error) => return (content, Err(error)),
                }
            }
        }
        (content, reader.end())
    }

    fn answer(content: &[u8]) -> Vec<u8> {
        let plan = ChunkPlan::of(content.len() as u64).unwrap();
        let mut bytes = plan.head();
        plan.frame(content, &mut bytes);
        bytes
    }

    #[test]
    fn a_content_goes_through_in_any_segments() {
        for size in [0, 1, 4_095, 4_096, 4_097, 10_000] {
            let content: Vec<u8> = (0..size).map(|n| n as u8).collect();
            for segment in [1, 7, 4_096, 1 << 20] {
                assert_eq!(read(&answer(&content), segment), (content.clone(), Ok(())), "{size} by {segment}");
            }
        }
        assert_eq!(answer(b"A"), b"ARET00000100001A");
        assert_eq!(answer(b""), b"ARET000000");
    }

    #[test]
    fn bigger_files_get_bigger_chunks_and_what_does_not_fit_is_not_offered() {
        for (size, chunks, chunk) in [
            (0, 0, 4_096),
            (4_096 * CHUNKS_MAX, CHUNKS_MAX, 4_096),
            (4_096 * CHUNKS_MAX + 1, 999_755, 4_097),
            (CONTENT_MAX_BYTES, CHUNKS_MAX, 99_999),
        ] {
            let plan = ChunkPlan::of(size).unwrap();
            assert_eq!((plan.chunks(), plan.chunk_bytes()), (chunks, chunk), "{size}");
        }
        assert_eq!(ChunkPlan::of(CONTENT_MAX_BYTES + 1), None);
        assert_eq!(ChunkPlan::of(u64::MAX), None);
    }

    #[test]
    fn what_ends_or_reads_wrong_says_how() {
        use TransferError::{ClosedEarly, Count, Length, NoHead, Nothing};
        for (answer, content, end) in [
            ("", "", Err(Nothing)),
            ("AR", "", Err(NoHead)),
            ("ARET0000", "", Err(NoHead)),
            ("ARET000003", "", Err(ClosedEarly { whole: 0, chunks: 3 })),
            ("ARET00000300001A00", "A", Err(ClosedEarly { whole: 1, chunks: 3 })),
            ("ARET00000200001A00002B", "AB", Err(ClosedEarly { whole: 1, chunks: 2 })),
            ("ARET00000300001A0000000001B", "AB", Ok(())),
            ("ARET00000100001Amore", "A", Ok(())),
            ("ARET00100001A", "", Err(Length(1))),
            ("ARET+00001", "", Err(Count)),
            ("ARET00000200001A 0001", "A", Err(Length(2))),
        ] {
            assert_eq!(read(answer.as_bytes(), 3), (content.as_bytes().to_vec(), end), "{answer}");
        }
    }

    #[test]
    fn anything_else_is_a_text_for_people_made_fit_to_show() {
        let (_, end) = read(b"ARROW \x1b[31mSorry\n", 2);
        assert_eq!(end.unwrap_err().to_string(), "the peer refused: ARROW [31mSorry");
        let (_, end) = read(&[b'x'; 100_000], 64);
        assert!(end.unwrap_err().to_string().len() < 300);
    }

    #[test]
    fn how_much_will_come_is_known_from_the_first_chunk() {
        let mut reader = ChunkReader::default();
        reader.next(&mut b"ARET00000304096".as_slice()).unwrap();
        assert_eq!((reader.chunks(), reader.probable_bytes(), reader.whole_chunks()), (Some(3), Some(12_288), 0));
        let mut empty = ChunkReader::default();
        empty.next(&mut b"ARET000000".as_slice()).unwrap();
        assert_eq!((empty.probable_bytes(), empty.is_whole()), (Some(0), true));
    }

    #[test]
    fn a_request_is_read_in_any_case_and_from_any_beginning() {
        let md5 = Md5::new([0xab; 16]);
        let request = emit_retrieve(md5);
        for end in 0..RETRIEVE_BYTES {
            assert_eq!(parse_retrieve(&request[..end]), Parsed::Incomplete(RETRIEVE_BYTES));
        }
        assert_eq!(parse_retrieve(&[&request[..], b"more"].concat()), Parsed::Complete(md5));
        assert_eq!(parse_retrieve(format!("RETR{}", "AB".repeat(16)).as_bytes()), Parsed::Complete(md5));
        for wrong in [b"ZZ".as_slice(), b"retr", b"RETR\x00\x01", &[b"RETR", &[b'g'; 32][..]].concat()] {
            assert!(matches!(parse_retrieve(wrong), Parsed::Invalid(_)), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn answers_never_panic_and_segments_make_no_difference(
            bytes in proptest::collection::vec(any::<u8>(), 0..100),
            text in "ARET0000[0-9]{2}0000[0-9][0-9A-Z]{0,60}",
        ) {
            for answer in [&bytes, text.as_bytes()] {
                let whole = read(answer, 1 << 20);
                prop_assert_eq!(read(answer, 1), whole);
            }
            let _ = parse_retrieve(&bytes);
        }
    }
}
