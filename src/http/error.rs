//! What goes wrong in a request, with its status and a sentence for whoever asked.

use askama::Template as _;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::bring::why;
use super::say::Say;
use crate::fetch::FetchError;
use crate::listening::is_of_the_host;
use crate::loot::OpenError;
use crate::loot::deliveries::DeliveryError;
use crate::mirror::settled::SettleError;
use crate::mirror::wishes::WishError;
use crate::neighbours::switched_off::SwitchError;
use crate::search::QueryError;
use crate::wire::loot_path::Refusal;

/// Why a request is not answered with what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No `Host` line, or two.
    #[error("the request must name one host")]
    NoHost,
    /// A name that is not ours.
    #[error("this node is not known by that name; use its address")]
    ForeignHost,
    /// A file without `g`.
    #[error("no name was given: ask as /s/?g=NAME")]
    NoName,
    /// Not base64, not UTF-8, or a name that no node could serve.
    #[error("that is not the name of a file")]
    BadName,
    /// A query value we cannot use.
    #[error("{0}")]
    BadQuery(String),
    /// What was typed cannot be searched for.
    #[error(transparent)]
    Search(#[from] QueryError),
    /// Nothing there.
    #[error("there is nothing here by that name")]
    NotFound,
    /// The page is of a neighbour that is not, or no longer, present.
    #[error("no such neighbour is here now")]
    NoSuchNeighbour,
    /// The neighbour is here, but what it offers is not known.
    #[error("its list of files is not known yet; try again in a moment")]
    NoIndexYet,
    /// For the operator only.
    #[error("only the operator may do this, on the machine itself or with the token printed at its start")]
    NotOperator,
    /// A neighbour could not be switched, or not for longer than this run.
    #[error(transparent)]
    NotSwitched(#[from] SwitchError),
    /// Files could not be wished for, or not for longer than this run.
    #[error(transparent)]
    NotWished(#[from] WishError),
    /// A conflict could not be decided, or not for longer than this run.
    #[error(transparent)]
    NotSettled(#[from] SettleError),
    /// The request may come from another site.
    #[error("this must be sent from a page of this node")]
    ForeignOrigin,
    /// Too many searches at once.
    #[error("too many searches at once; try again in a moment")]
    Busy,
    /// Out of descriptors, for a moment.
    #[error("this node has no more room at the moment; try again")]
    NoRoom,
    /// None of the pieces that are asked for.
    #[error("none of these pieces is here")]
    NoSuchPieces,
    /// Their file is read for them.
    #[error("the pieces of that content are being read; try again in a moment")]
    PiecesNotYet,
    /// Too many downloads from Napster peers at once.
    #[error("too many downloads from Napster peers come through this node; try again in a moment")]
    TooManyRelays,
    /// A form for an archive without anything in it.
    #[error("nothing is chosen")]
    NothingChosen,
    /// Too many archives are being made, or for one host.
    #[error("too many folders are being packed; try again in a moment")]
    TooManyArchives,
    /// Too much of what neighbours have comes through this node, or for one host.
    #[error("too many files of other nodes come through this node; try again in a moment")]
    TooManyStreams,
    /// A neighbour does not give what it lists.
    #[error("the other node does not give it now: {0}")]
    NotFetched(#[from] FetchError),
    /// Too many listen to what happens here, or one host too often.
    #[error("too many feeds are open; try again in a moment")]
    TooManyFeeds,
    /// No Napster peer gave it.
    #[error("no Napster peer that registered it gives it out now: {0}")]
    PeersFailed(String),
    /// HTTP/1.0 cannot tell a broken answer from a whole one.
    #[error("this can only be fetched with HTTP/1.1: an older client would take a part for the whole")]
    NeedsHttp11,
    /// A file that somebody brings cannot be taken, or not be continued.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// A file that somebody brings is called so that it cannot be kept.
    #[error("a file of that name cannot be taken: the name {0}")]
    NameRefused(Refusal),
    /// A form without a length.
    #[error("the request must say how long it is")]
    NoLength,
    /// Another version of the protocol for uploads, or none.
    #[error("the request must say Tus-Resumable: 1.0.0")]
    TusVersion,
    /// Bytes that are not said to be some.
    #[error("bytes to be appended must be sent as application/offset+octet-stream")]
    NotOffsetStream,
    /// Our disk.
    #[error("the file cannot be read")]
    Disk(#[source] std::io::Error),
    /// A page that did not render; never seen by a test.
    #[error("the page could not be made")]
    Page(#[from] askama::Error),
}

impl HttpError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NoHost | Self::NoName | Self::BadName | Self::BadQuery(_) | Self::Search(_) | Self::NothingChosen => {
                StatusCode::BAD_REQUEST
            }
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound | Self::NoSuchNeighbour | Self::NoIndexYet => StatusCode::NOT_FOUND,
            Self::NotOperator | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::NoSuchPieces => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::NotSwitched(SwitchError::TooMany)
            | Self::NotWished(WishError::TooMany)
            | Self::NotSettled(SettleError::TooMany) => StatusCode::CONFLICT,
            Self::NotSwitched(SwitchError::NotStored(_))
            | Self::NotWished(WishError::NotStored(_))
            | Self::NotSettled(SettleError::NotStored(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::PeersFailed(_) | Self::NotFetched(_) => StatusCode::BAD_GATEWAY,
            Self::NeedsHttp11 => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Busy
            | Self::NoRoom
            | Self::PiecesNotYet
            | Self::TooManyRelays
            | Self::TooManyFeeds
            | Self::TooManyArchives
            | Self::TooManyStreams => StatusCode::SERVICE_UNAVAILABLE,
            Self::Delivery(error) => why::status(error),
            Self::NameRefused(_) => StatusCode::BAD_REQUEST,
            Self::NoLength => StatusCode::LENGTH_REQUIRED,
            Self::TusVersion => StatusCode::PRECONDITION_FAILED,
            Self::NotOffsetStream => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Disk(_) | Self::Page(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl HttpError {
    /// What the catalogue calls the sentence for people.
    pub(super) fn key(&self) -> &'static str {
        match self {
            Self::NoHost => "error-no-host",
            Self::ForeignHost => "error-foreign-host",
            Self::NoName => "error-no-name",
            Self::BadName => "error-bad-name",
            Self::BadQuery(_) => "error-bad-query",
            Self::Search(QueryError::TooLong) => "error-search-too-long",
            Self::NotFound | Self::NoSuchPieces => "error-not-found",
            Self::NoSuchNeighbour => "error-no-such-neighbour",
            Self::NoIndexYet => "error-no-index-yet",
            Self::NotOperator => "error-not-operator",
            Self::NotSwitched(_) => "error-not-switched",
            Self::NotWished(WishError::TooMany) => "error-too-many-wishes",
            Self::NotSettled(SettleError::TooMany) => "error-too-many-decisions",
            Self::NotWished(WishError::NotStored(_)) | Self::NotSettled(SettleError::NotStored(_)) => {
                "error-not-stored"
            }
            Self::ForeignOrigin => "error-foreign-origin",
            Self::Busy | Self::PiecesNotYet | Self::TooManyFeeds => "error-busy",
            Self::NoRoom => "error-no-room",
            Self::TooManyRelays => "error-napster-busy",
            Self::NothingChosen => "error-nothing-chosen",
            Self::TooManyArchives => "error-archives-busy",
            Self::TooManyStreams => "error-streams-busy",
            Self::NotFetched(_) => "error-not-fetched",
            Self::PeersFailed(_) => "error-peers-failed",
            Self::NeedsHttp11 => "error-old-client",
            Self::Delivery(error) => why::key(error),
            Self::NameRefused(refusal) => why::name_key(*refusal),
            Self::NoLength | Self::TusVersion | Self::NotOffsetStream => "error-bad-query",
            Self::Disk(_) => "error-disk",
            Self::Page(_) => "error-page",
        }
    }
}

impl From<OpenError> for HttpError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Missing | OpenError::NotAFile => Self::NotFound,
            // A file of another user is as good as none; nobody shall fill our log with it.
            OpenError::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Self::NotFound,
            OpenError::Io(error) if is_of_the_host(&error) => Self::NoRoom,
            OpenError::Io(error) => Self::Disk(error),
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        if let Self::Disk(error) = &self {
            tracing::warn!(%error, "a file cannot be read");
        }
        let key = self.key();
        let why = match &self {
            Self::BadQuery(why) | Self::PeersFailed(why) => Some(why.clone()),
            Self::NotSwitched(error) => Some(error.to_string()),
            Self::NotFetched(error) => Some(error.to_string()),
            Self::NoLength | Self::TusVersion | Self::NotOffsetStream => Some(self.to_string()),
            _ => None,
        };
        let word = match &self {
            Self::Delivery(error) => Some(why::word(error)),
            Self::NameRefused(refusal) => Some(why::name_word(*refusal)),
            _ => None,
        };
        let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let mut response = (self.status(), content_type, format!("{self}\n")).into_response();
        response.extensions_mut().insert(Said { key, why });
        if let Some(word) = word {
            response.headers_mut().insert("boucan-why", HeaderValue::from_static(word));
        }
        response
    }
}

/// What was wrong, kept with an answer so that a page can say it: a text of the catalogue, and what
/// is to be filled in there as `why`.
#[derive(Clone, Debug)]
struct Said {
    key: &'static str,
    why: Option<String>,
}

/// A layer: makes an error on its way to a person a page with a way back.
pub async fn as_page(request: Request, next: Next) -> Response {
    let say = Say::to(request.headers());
    page_of(say, next.run(request).await)
}

/// The same of one answer.
#[must_use]
pub fn page_of(say: Say, response: Response) -> Response {
    let status = response.status();
    let said = match response.extensions().get::<Said>() {
        Some(Said { key, why: Some(why) }) => say.t1(key, "why", why.as_str()),
        Some(Said { key, why: None }) => say.t(key),
        None if status == StatusCode::SERVICE_UNAVAILABLE => say.t("error-too-long"),
        None => return response,
    };
    let page = ErrorPage { say, status: status.as_u16(), said };
    match page.render() {
        Ok(html) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(_) => response,
    }
}

#[derive(askama::Template)]
#[template(path = "error.html")]
struct ErrorPage {
    say: Say,
    status: u16,
    said: String,
}

/// For every path that no route knows.
pub async fn not_found() -> HttpError {
    HttpError::NotFound
}
