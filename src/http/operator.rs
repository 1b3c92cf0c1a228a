//! The operator's rank: who may change the node, and how that is proved.
//!
//! Everybody on the network may read. The operator is who asks from the machine itself by a
//! loopback name, or who shows the token printed at start. Every change is a POST from one of our
//! own pages, with a token of this process, so that no foreign page can send it.

mod view;

use std::time::SystemTime;

use axum::extract::{FromRequest, FromRequestParts, RawQuery, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::error::HttpError;
use super::fetch_here::back;
use super::host::NamedHost;
use super::new::Seen;
use super::say::Say;
use super::{App, BODY_MAX_BYTES, Ends};
use crate::wire::url;

/// The cookie that holds the operator token; the port follows, because browsers share cookies
/// between the ports of a host.
const COOKIE: &str = "boucan-operator-";

/// Secrets of this process, and whether the token is needed even on the machine itself.
#[derive(Debug)]
pub struct Rank {
    token: String,
    form_token: String,
    token_always: bool,
}

impl Rank {
    /// New secrets, from the system's random source.
    ///
    /// # Errors
    /// When it gives none.
    pub fn new(token_always: bool) -> Result<Self, getrandom::Error> {
        Ok(Self { token: secret()?, form_token: secret()?, token_always })
    }

    /// Whether that is the token of our own forms.
    pub(super) fn is_form_token(&self, given: &str) -> bool {
        equal(given, &self.form_token)
    }

    /// The token to print.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Whether this is the operator.
    pub is_operator: bool,
    /// To be sent back by forms; empty for others.
    pub form_token: String,
    /// Says things in the language that they read.
    pub say: Say,
    /// When they looked at what is new.
    pub seen: Option<Seen>,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, HttpError> {
        let here = !app.rank.token_always && is_here(parts.extensions.get(), parts.extensions.get());
        let is_operator = here
            || cookie(&parts.headers, &format!("{COOKIE}{}", app.port))
                .is_some_and(|token| equal(&token, &app.rank.token));
        let form_token = if is_operator { app.rank.form_token.clone() } else { String::new() };
        let seen = cookie(&parts.headers, &Seen::cookie_name(app.port));
        let seen = seen.and_then(|value| Seen::parse(&value, SystemTime::now()));
        Ok(Self { is_operator, form_token, say: Say::to(&parts.headers), seen })
    }
}

/// Whether somebody asks from the machine itself, and by a loopback name.
fn is_here(named: Option<&NamedHost>, ends: Option<&Ends>) -> bool {
    named.is_some_and(|named| named.is_loopback) && ends.is_some_and(|ends| ends.peer.ip().is_loopback())
}

/// A visit of the operator: what others may not even see.
#[derive(Clone, Copy, Debug)]
pub struct OperatorVisit;

impl FromRequestParts<App> for OperatorVisit {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, HttpError> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        if visitor.is_operator { Ok(Self) } else { Err(HttpError::NotOperator) }
    }
}

/// A change that the operator asked for, proved to come from our own page. Routes that change the
/// node take this and cannot be written without it. Holds the form's fields.
#[derive(Clone, Debug)]
pub struct OperatorForm(String);

impl OperatorForm {
    /// Whether a field has that value.
    #[must_use]
    pub fn has(&self, key: &str, value: &str) -> bool {
        url::query_first(&self.0, key).is_some_and(|given| given.as_ref() == value.as_bytes())
    }

    /// The value of a field; none if there is no such field, or its value is no text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<String> {
        String::from_utf8(url::query_first(&self.0, key)?.into_owned()).ok()
    }
}

impl FromRequest<App> for OperatorForm {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, app).await.map_err(IntoResponse::into_response)?;
        if !visitor.is_operator {
            return Err(HttpError::NotOperator.into_response());
        }
        if !is_same_origin(&parts.headers) {
            return Err(HttpError::ForeignOrigin.into_response());
        }
        let is_form = parts
            .headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        if !is_form {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response());
        }
        let body = axum::body::to_bytes(body, BODY_MAX_BYTES)
            .await
            .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
        let form = Self(String::from_utf8_lossy(&body).into_owned());
        let token = url::query_first(&form.0, "token").unwrap_or_default().into_owned();
        if !equal(&String::from_utf8_lossy(&token), &app.rank.form_token) {
            return Err(HttpError::ForeignOrigin.into_response());
        }
        Ok(form)
    }
}

/// Fails closed: a request that tells neither is refused.
pub(super) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => match (text("origin"), text("host")) {
            (Some(origin), Some(host)) => origin.strip_prefix("http://") == Some(host),
            _ => false,
        },
    }
}

/// Whether a request says itself that another site sent it; for what changes nothing, but costs.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(_)) => !is_same_origin(headers),
        (None, None) => false, // no browser that runs foreign pages
    }
}

/// `/operator?token=…`: the link that is printed at start.
pub async fn visit(State(app): State<App>, RawQuery(query): RawQuery, visitor: Visitor) -> Result<Response, HttpError> {
    let given = query.as_deref().and_then(|query| url::query_first(query, "token").map(std::borrow::Cow::into_owned));
    match given {
        Some(token) if equal(&String::from_utf8_lossy(&token), &app.rank.token) => {
            let cookie = format!("{COOKIE}{}={}; HttpOnly; SameSite=Strict; Path=/", app.port, app.rank.token);
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/operator")).into_response())
        }
        Some(_) => Err(HttpError::NotOperator),
        None => view::show(&app, &visitor),
    }
}

/// Walks the folder again.
pub async fn rescan(State(app): State<App>, _form: OperatorForm) -> Redirect {
    app.loot.rescan();
    Redirect::to("/operator")
}

/// Pauses the mirror, or lets it go on.
pub async fn pause_mirror(State(app): State<App>, form: OperatorForm) -> Redirect {
    app.mirror.pause(form.has("do", "pause"));
    if form.text("back").is_some() { back(&form) } else { Redirect::to("/operator") }
}

/// Lets what was deleted here be fetched again.
pub async fn forget_deleted(State(app): State<App>, _form: OperatorForm) -> Redirect {
    app.ledger.forget_deleted();
    app.loot.rescan();
    Redirect::to("/operator")
}

fn cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

/// In a time that does not tell where two texts differ.
fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// 256 bits in hex.
fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    #[test]
    fn only_loopback_in_name_and_in_fact_is_here() {
        for (peer, is_loopback, expected) in [
            ("127.0.0.1:9", true, true),
            ("[::1]:9", true, true),
            ("127.0.0.1:9", false, false),
            ("10.0.0.9:9", true, false),
            ("[fe80::9]:9", true, false),
            ("10.0.0.9:9", false, false),
        ] {
            let ends = Ends { peer: peer.parse().unwrap(), local: "127.0.0.1:12555".parse().unwrap() };
            assert_eq!(is_here(Some(&NamedHost { is_loopback }), Some(&ends)), expected, "{peer} {is_loopback}");
        }
        assert!(!is_here(None, None));
    }

    #[test]
    fn who_tells_neither_site_nor_origin_is_foreign() {
        let judge = |lines: &[(&'static str, &'static str)]| {
            let line = |(name, value): &(&'static str, &'static str)| {
                (HeaderName::from_static(name), header::HeaderValue::from_static(value))
            };
            is_same_origin(&lines.iter().map(line).collect())
        };
        assert!(judge(&[("sec-fetch-site", "same-origin")]));
        assert!(judge(&[("origin", "http://a:1"), ("host", "a:1")]));
        assert!(!judge(&[("origin", "http://a:1")]));
        assert!(!judge(&[("host", "a:1")]));
        assert!(!judge(&[]));
        assert!(!judge(&[("sec-fetch-site", "cross-site"), ("origin", "http://a:1"), ("host", "a:1")]));
    }
}
