//! What the directory answers, read by peers and written by the directory.

use super::address::PeerAddress;
use super::field::{Counter, FieldError, FileName, Md5, SessionId};
use super::request::{Command, Parsed};

/// An answer is never longer: lists are cut to what fits.
pub const ANSWER_MAX_BYTES: usize = 2 << 20;
/// `ADEL999`: this peer does not have the file.
pub const NOT_OWNED: u32 = 999;

/// A file that was found, and who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// What names its content.
    pub md5: Md5,
    /// Its name, lower-cased.
    pub name: FileName,
    /// Who has it.
    pub peers: Vec<PeerAddress>,
}

/// An answer to a request that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// `ALGI` session.
    LoggedIn(SessionId),
    /// `ALGO` #delete: how many files that peer shared.
    LoggedOut(Counter<3>),
    /// `AADD` #copy: how many peers have it now.
    Added(Counter<3>),
    /// `ADEL` #copy, or [`NOT_OWNED`].
    Deleted(Counter<3>),
    /// `AFIN` and the list.
    Found(Vec<FoundFile>),
    /// `ADRE` #download.
    Registered(Counter<5>),
}

/// What a peer cannot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// It does not begin with the identifier that was expected: the specification has no error
    /// packet, so it is a text for people.
    #[error("the directory refused")]
    Refused,
    /// A field that cannot be read.
    #[error("the directory's answer cannot be read: {0}")]
    Field(#[from] FieldError),
}

impl Response {
    /// Reads the answer to a command from what came so far.
    #[must_use]
    pub fn parse(command: Command, received: &[u8]) -> Parsed<Self, ResponseError> {
        let identifier = identifier(command).as_bytes();
        let Some((found, rest)) = received.split_at_checked(identifier.len()) else {
            let begins = identifier.starts_with(received);
            return if begins { Parsed::Incomplete(identifier.len()) } else { Parsed::Invalid(ResponseError::Refused) };
        };
        if found != identifier {
            return Parsed::Invalid(ResponseError::Refused);
        }
        let mut reader = Reader { rest, read: identifier.len() };
        match Self::read(command, &mut reader) {
            Ok(response) => Parsed::Complete(response),
            Err(Stop::Needs(bytes)) => Parsed::Incomplete(bytes),
            Err(Stop::Wrong(error)) => Parsed::Invalid(error.into()),
        }
    }

    fn read(command: Command, reader: &mut Reader<'_>) -> Result<Self, Stop> {
        Ok(match command {
            Command::Login => Self::LoggedIn(reader.field(SessionId::WIDTH, SessionId::given)?),
            Command::Logout => Self::LoggedOut(reader.field(3, Counter::parse)?),
            Command::Add => Self::Added(reader.field(3, Counter::parse)?),
            Command::Delete => Self::Deleted(reader.field(3, Counter::parse)?),
            Command::Download => Self::Registered(reader.field(5, Counter::parse)?),
            Command::Find => {
                let files: Counter<3> = reader.field(3, Counter::parse)?;
                let files: Vec<Option<FoundFile>> =
                    (0..files.get()).map(|_| reader.file()).collect::<Result<_, _>>()?;
                Self::Found(files.into_iter().flatten().collect())
            }
        })
    }

    /// The answer as it is sent. Lists are cut to 999 and to [`ANSWER_MAX_BYTES`], and counted so
    /// that every answer can be read.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        let mut bytes = identifier(self.command()).as_bytes().to_vec();
        match self {
            Self::LoggedIn(session) => bytes.extend_from_slice(session.as_bytes()),
            Self::LoggedOut(count) | Self::Added(count) | Self::Deleted(count) => count.emit(&mut bytes),
            Self::Registered(count) => count.emit(&mut bytes),
            Self::Found(files) => emit_files(files, &mut bytes),
        }
        bytes
    }

    fn command(&self) -> Command {
        match self {
            Self::LoggedIn(_) => Command::Login,
            Self::LoggedOut(_) => Command::Logout,
            Self::Added(_) => Command::Add,
            Self::Deleted(_) => Command::Delete,
            Self::Found(_) => Command::Find,
            Self::Registered(_) => Command::Download,
        }
    }
}

fn identifier(command: Command) -> &'static str {
    match command {
        Command::Login => "ALGI",
        Command::Logout => "ALGO",
        Command::Add => "AADD",
        Command::Delete => "ADEL",
        Command::Find => "AFIN",
        Command::Download => "ADRE",
    }
}

fn emit_files(files: &[FoundFile], bytes: &mut Vec<u8>) {
    let most = Counter::<3>::MAX as usize;
    let mut list = Vec::new();
    let mut count = 0_usize;
    for file in files.iter().take(most) {
        let peers = file.peers.iter().take(most);
        let length = Md5::WIDTH + FileName::WIDTH + 3 + peers.len().saturating_mul(PeerAddress::WIDTH);
        if list.len().saturating_add(length) > ANSWER_MAX_BYTES {
            break;
        }
        list.extend_from_slice(file.md5.to_string().as_bytes());
        file.name.emit(&mut list);
        Counter::<3>::new(peers.len()).emit(&mut list);
        peers.for_each(|peer| list.extend_from_slice(peer.to_string().as_bytes()));
        count = count.saturating_add(1);
    }
    Counter::<3>::new(count).emit(bytes);
    bytes.append(&mut list);
}

/// Why reading stopped.
enum Stop {
    Needs(usize),
    Wrong(FieldError),
}

struct Reader<'r> {
    rest: &'r [u8],
    read: usize,
}

impl<'r> Reader<'r> {
    fn field<T>(&mut self, width: usize, parse: impl Fn(&'r [u8]) -> Result<T, FieldError>) -> Result<T, Stop> {
        let end = self.read.saturating_add(width);
        let (field, rest) = self.rest.split_at_checked(width).ok_or(Stop::Needs(end))?;
        (self.rest, self.read) = (rest, end);
        parse(field).map_err(Stop::Wrong)
    }

    /// One file of a list; none if it cannot be read (Fapster takes any text for an MD5 or an
    /// address), which is no reason to lose the others.
    fn file(&mut self) -> Result<Option<FoundFile>, Stop> {
        let md5 = self.field(Md5::WIDTH, |field| Ok(Md5::parse(field).ok()))?;
        let name = self.field(FileName::WIDTH, |field| Ok(FileName::parse(field).ok()))?;
        let peers: Counter<3> = self.field(3, Counter::parse)?;
        let peer = |reader: &mut Self| reader.field(PeerAddress::WIDTH, |field| Ok(PeerAddress::parse(field).ok()));
        let peers: Vec<Option<PeerAddress>> = (0..peers.get()).map(|_| peer(self)).collect::<Result<_, _>>()?;
        let peers = peers.into_iter().flatten().collect();
        Ok(md5.zip(name).map(|(md5, name)| FoundFile { md5, name, peers }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(number: u8, peers: usize) -> FoundFile {
        let address = b"172.016.001.001|fc00:0000:0000:0000:0000:0000:0001:000106001";
        FoundFile {
            md5: Md5::new([number; 16]),
            name: FileName::new("İstanbul").unwrap(),
            peers: vec![PeerAddress::parse(address).unwrap(); peers],
        }
    }

    #[test]
    fn each_answer_reads_back_and_a_part_of_it_is_incomplete() {
        let session = SessionId::parse(b"111FCE40692B4327").unwrap();
        for response in [
            Response::LoggedIn(session),
            Response::LoggedOut(Counter::new(5)),
            Response::Added(Counter::new(2)),
            Response::Deleted(Counter::new(NOT_OWNED as usize)),
            Response::Registered(Counter::new(1)),
            Response::Found(vec![]),
            Response::Found(vec![file(1, 2), file(2, 0)]),
        ] {
            let bytes = response.emit();
            for end in 0..bytes.len() {
                let parsed = Response::parse(response.command(), &bytes[..end]);
                assert!(matches!(parsed, Parsed::Incomplete(needs) if needs > end), "{response:?} up to {end}");
            }
            assert_eq!(Response::parse(response.command(), &bytes), Parsed::Complete(response));
        }
    }

    #[test]
    fn long_lists_are_cut_and_stay_readable() {
        let many: Vec<FoundFile> = (0..1005).map(|n| file((n % 250) as u8, 1)).collect();
        let Parsed::Complete(Response::Found(read)) = Response::parse(Command::Find, &Response::Found(many).emit())
        else {
            panic!()
        };
        assert_eq!(read.len(), 999);
        let wide = vec![file(1, 2_000); 100];
        let bytes = Response::Found(wide).emit();
        assert!(bytes.len() <= ANSWER_MAX_BYTES + 7);
        let Parsed::Complete(Response::Found(read)) = Response::parse(Command::Find, &bytes) else { panic!() };
        assert_eq!(read[0].peers.len(), 999);
    }

    #[test]
    fn a_text_for_people_is_a_refusal() {
        for text in ["Unauthorized: your SessionID is invalid", "File not found.", "0000000000000000", "X"] {
            assert_eq!(
                Response::parse(Command::Login, text.as_bytes()),
                Parsed::Invalid(ResponseError::Refused),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn answers_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let found = [b"AFIN001", &bytes[..]].concat();
            let _ = (Response::parse(Command::Find, &found), Response::parse(Command::Login, &bytes));
        }
    }
}
