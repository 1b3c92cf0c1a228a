//! What a peer asks the directory, and what a wrong request is answered.

use super::address::PeerAddress;
use super::field::{FieldError, FileName, Md5, Query, SessionId};

/// The identifier that begins every message.
const IDENTIFIER: usize = 4;

/// A whole request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `LOGI` address port: log in.
    Login(PeerAddress),
    /// `LOGO` session: log out.
    Logout(SessionId),
    /// `ADDF` session md5 name: offer a file.
    Add(SessionId, Md5, FileName),
    /// `DELF` session md5: offer it no longer.
    Delete(SessionId, Md5),
    /// `FIND` session query.
    Find(SessionId, Query),
    /// `DREG` session md5: a download was made.
    Download(SessionId, Md5),
}

/// What a beginning of a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed<T, E> {
    /// Whole and right; bytes after it are ignored.
    Complete(T),
    /// Right so far: so many bytes are needed in all.
    Incomplete(usize),
    /// Wrong, whatever follows.
    Invalid(E),
}

/// Why a request is refused; [`RequestError::answer`] is what Fapster says then, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No such command.
    #[error("an unknown command")]
    UnknownCommand,
    /// A login whose fields are wrong or that is cut short.
    #[error("a login that cannot be used")]
    BadLogin,
    /// The session is none.
    #[error("the session is not valid")]
    Unauthorized,
    /// Cut short, or a field that cannot be read.
    #[error("a malformed {0:?}")]
    Malformed(Command),
}

/// The commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `LOGI`
    Login,
    /// `LOGO`
    Logout,
    /// `ADDF`
    Add,
    /// `DELF`
    Delete,
    /// `FIND`
    Find,
    /// `DREG`
    Download,
}

impl Command {
    const ALL: [Self; 6] = [Self::Login, Self::Logout, Self::Add, Self::Delete, Self::Find, Self::Download];

    /// The identifier on the wire.
    #[must_use]
    pub fn identifier(self) -> &'static str {
        match self {
            Self::Login => "LOGI",
            Self::Logout => "LOGO",
            Self::Add => "ADDF",
            Self::Delete => "DELF",
            Self::Find => "FIND",
            Self::Download => "DREG",
        }
    }

    /// Length of the whole request, in bytes.
    #[must_use]
    pub fn length(self) -> usize {
        let fields = match self {
            Self::Login => PeerAddress::WIDTH,
            Self::Logout => SessionId::WIDTH,
            Self::Add => SessionId::WIDTH + Md5::WIDTH + FileName::WIDTH,
            Self::Delete | Self::Download => SessionId::WIDTH + Md5::WIDTH,
            Self::Find => SessionId::WIDTH + Query::WIDTH,
        };
        IDENTIFIER + fields
    }

    fn of(identifier: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.identifier().as_bytes() == identifier)
    }
}

impl Request {
    /// Reads a request from what came so far.
    #[must_use]
    pub fn parse(received: &[u8]) -> Parsed<Self, RequestError> {
        let Some((identifier, rest)) = received.split_at_checked(IDENTIFIER) else {
            return Parsed::Incomplete(IDENTIFIER);
        };
        let Some(command) = Command::of(identifier) else { return Parsed::Invalid(RequestError::UnknownCommand) };
        let Some(fields) = rest.get(..command.length().saturating_sub(IDENTIFIER)) else {
            return Parsed::Incomplete(command.length());
        };
        match Self::parse_fields(command, fields) {
            Ok(request) => Parsed::Complete(request),
            Err(FieldError::Session) => Parsed::Invalid(RequestError::Unauthorized),
            Err(_) if command == Command::Login => Parsed::Invalid(RequestError::BadLogin),
            Err(_) => Parsed::Invalid(RequestError::Malformed(command)),
        }
    }

    /// Why a request that ended too early is wrong: what was received, and nothing more came in time.
    #[must_use]
    pub fn cut_short(received: &[u8]) -> RequestError {
        match received.get(..IDENTIFIER).and_then(Command::of) {
            None => RequestError::UnknownCommand,
            Some(Command::Login) => RequestError::BadLogin,
            Some(command) => RequestError::Malformed(command),
        }
    }

    fn parse_fields(command: Command, fields: &[u8]) -> Result<Self, FieldError> {
        if command == Command::Login {
            return PeerAddress::parse(fields).map(Self::Login);
        }
        let (session, rest) = fields.split_at_checked(SessionId::WIDTH).ok_or(FieldError::Session)?;
        let session = SessionId::parse(session)?;
        Ok(match command {
            Command::Login | Command::Logout => Self::Logout(session),
            Command::Add => {
                let (md5, name) = rest.split_at_checked(Md5::WIDTH).ok_or(FieldError::Md5)?;
                Self::Add(session, Md5::parse(md5)?, FileName::parse(name)?)
            }
            Command::Delete => Self::Delete(session, Md5::parse(rest)?),
            Command::Find => Self::Find(session, Query::parse(rest)?),
            Command::Download => Self::Download(session, Md5::parse(rest)?),
        })
    }

    /// The request as it is sent, in one write: Fapster reads once.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        let mut bytes = self.command().identifier().as_bytes().to_vec();
        match self {
            Self::Login(address) => bytes.extend_from_slice(address.to_string().as_bytes()),
            Self::Logout(session) => bytes.extend_from_slice(session.as_bytes()),
            Self::Add(session, md5, name) => {
                bytes.extend_from_slice(session.as_bytes());
                bytes.extend_from_slice(md5.to_string().as_bytes());
                name.emit(&mut bytes);
            }
            Self::Delete(session, md5) | Self::Download(session, md5) => {
                bytes.extend_from_slice(session.as_bytes());
                bytes.extend_from_slice(md5.to_string().as_bytes());
            }
            Self::Find(session, query) => {
                bytes.extend_from_slice(session.as_bytes());
                query.emit(&mut bytes);
            }
        }
        bytes
    }

    /// Which command it is.
    #[must_use]
    pub fn command(&self) -> Command {
        match self {
            Self::Login(_) => Command::Login,
            Self::Logout(_) => Command::Logout,
            Self::Add(..) => Command::Add,
            Self::Delete(..) => Command::Delete,
            Self::Find(..) => Command::Find,
            Self::Download(..) => Command::Download,
        }
    }
}

impl RequestError {
    /// Fapster's text for it; `received` is echoed for an unknown command. None where Fapster
    /// closes without a byte: what was received is not UTF-8.
    #[must_use]
    pub fn answer(self, received: &[u8]) -> Option<String> {
        let text = match self {
            Self::UnknownCommand => {
                return std::str::from_utf8(received)
                    .ok()
                    .map(|text| format!("Command '{text}' is invalid, try again."));
            }
            Self::BadLogin => "0000000000000000",
            Self::Unauthorized => "Unauthorized: your SessionID is invalid",
            Self::Malformed(Command::Login) => "0000000000000000",
            Self::Malformed(Command::Logout) => "Invalid request. Usage is: LOGO<your_session_id>",
            Self::Malformed(Command::Add) => "Invalid request. Usage is: ADDF<your_session_id><file_md5><filename>",
            Self::Malformed(Command::Delete) => "Invalid request. Usage is: DELF<your_session_id><file_md5>",
            Self::Malformed(Command::Find) => "Invalid command. Usage is: FIND<your_session_id><query_string>",
            Self::Malformed(Command::Download) => "Invalid request. Usage is: DREG<your_session_id><file_md5>",
        };
        Some(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SESSION: &str = "111FCE40692B4327";
    const MD5: &str = "00000000000000000000000000000001";

    #[test]
    fn each_request_is_as_long_as_the_specification_says_and_reads_back() {
        let session = SessionId::parse(SESSION.as_bytes()).unwrap();
        let md5 = Md5::parse(MD5.as_bytes()).unwrap();
        let address = "172.016.001.001|fc00:0000:0000:0000:0000:0000:0001:000106001";
        for (request, length) in [
            (Request::Login(PeerAddress::parse(address.as_bytes()).unwrap()), 64),
            (Request::Logout(session), 20),
            (Request::Add(session, md5, FileName::new("Live Brixton.JPG").unwrap()), 152),
            (Request::Delete(session, md5), 52),
            (Request::Find(session, Query::new("*").unwrap()), 40),
            (Request::Download(session, md5), 52),
        ] {
            let bytes = request.emit();
            assert_eq!(bytes.len(), length, "{request:?}");
            for end in 0..length {
                assert!(matches!(Request::parse(&bytes[..end]), Parsed::Incomplete(_)), "{request:?} up to {end}");
            }
            assert_eq!(Request::parse(&[&bytes[..], b"more"].concat()), Parsed::Complete(request));
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_fapsters_words() {
        for (received, answer) in [
            ("LOGIxxxx", "0000000000000000"),
            ("LO", "Command 'LO' is invalid, try again."),
            ("ZZZZ1", "Command 'ZZZZ1' is invalid, try again."),
            ("FIND111FCE40692B4327abc", "Invalid command. Usage is: FIND<your_session_id><query_string>"),
        ] {
            assert_eq!(Request::cut_short(received.as_bytes()).answer(received.as_bytes()).unwrap(), answer);
        }
        assert_eq!(RequestError::UnknownCommand.answer(b"\xff\xfe"), None);
        let small = format!("FIND{}{:20}", SESSION.to_lowercase(), "*");
        assert_eq!(Request::parse(small.as_bytes()), Parsed::Invalid(RequestError::Unauthorized));
        let no_hex = format!("DREG{SESSION}{}", MD5.replace('0', "g"));
        assert_eq!(Request::parse(no_hex.as_bytes()), Parsed::Invalid(RequestError::Malformed(Command::Download)));
    }

    proptest! {
        #[test]
        fn requests_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), command in 0..6_usize) {
            let identifier = Command::ALL[command].identifier().as_bytes();
            let received = [identifier, &bytes[..]].concat();
            let _ = (Request::parse(&received), Request::parse(&bytes), Request::cut_short(&bytes).answer(&bytes));
        }
    }
}
