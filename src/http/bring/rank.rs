//! Who brings a file, and so where it goes: proved before anything is taken on.
//!
//! The operator shows the form token of this process, in the header line `X-Boucan-Token` or the
//! form field `token`; what comes without one goes into the inbox, if that is open. Both must come
//! from a page of this node, so that no page elsewhere can fill the disk. What was taken on needs no
//! more proof: whoever knows its 128 random bits began it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::http::App;
use crate::http::error::HttpError;
use crate::http::operator::{Visitor, is_same_origin};
use crate::loot::deliveries::{DeliveryError, Place};

/// The header line with the operator's form token.
const TOKEN: &str = "x-boucan-token";

/// Somebody who may bring a file now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bringer {
    /// Who runs the node: into the shared folder.
    Operator,
    /// Anybody, while the inbox is open.
    Guest,
}

impl Bringer {
    /// Where it goes.
    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Operator => Place::Loot,
            Self::Guest => Place::Inbox,
        }
    }

    /// Judges the token that came. A wrong one is no guest's: its sender means another place.
    pub(super) fn judge(app: &App, visitor: &Visitor, token: Option<&str>) -> Result<Self, HttpError> {
        match token {
            None | Some("") if app.deliveries.inbox().is_open() => Ok(Self::Guest),
            None | Some("") => Err(DeliveryError::Closed.into()),
            Some(_) if !visitor.is_operator => Err(HttpError::NotOperator),
            Some(token) if app.rank.is_form_token(token) => Ok(Self::Operator),
            Some(_) => Err(HttpError::ForeignOrigin),
        }
    }
}

impl FromRequestParts<App> for Bringer {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, HttpError> {
        if !is_same_origin(&parts.headers) {
            return Err(HttpError::ForeignOrigin);
        }
        let visitor = Visitor::from_request_parts(parts, app).await?;
        // A token that is no text is a wrong one.
        let token = parts.headers.get(TOKEN).map(|value| value.to_str().unwrap_or("?"));
        Self::judge(app, &visitor, token)
    }
}
