//! What goes wrong in a request, with its status and a sentence for whoever asked.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::loot::OpenError;

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
    /// Nothing there.
    #[error("there is nothing here by that name")]
    NotFound,
    /// The page is of a neighbour that is not, or no longer, present.
    #[error("no such neighbour is here now")]
    NoSuchNeighbour,
    /// For the operator only.
    #[error("only the operator may do this, on the machine itself or with the token printed at its start")]
    NotOperator,
    /// The request may come from another site.
    #[error("this must be sent from a page of this node")]
    ForeignOrigin,
    /// Too many searches at once.
    #[error("too many searches at once; try again in a moment")]
    Busy,
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
            Self::NoHost | Self::NoName | Self::BadName | Self::BadQuery(_) => StatusCode::BAD_REQUEST,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound | Self::NoSuchNeighbour => StatusCode::NOT_FOUND,
            Self::NotOperator | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Disk(_) | Self::Page(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<OpenError> for HttpError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Missing | OpenError::NotAFile => Self::NotFound,
            OpenError::Io(error) => Self::Disk(error),
        }
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        if let Self::Disk(error) = &self {
            tracing::warn!(%error, "a file cannot be read");
        }
        (self.status(), [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{self}\n")).into_response()
    }
}

/// For every path that no route knows.
pub async fn not_found() -> HttpError {
    HttpError::NotFound
}
