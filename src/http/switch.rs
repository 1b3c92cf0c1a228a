//! `/operator/neighbour`: the operator switches off, or on again, what is taken from one neighbour.
//!
//! The button stands on the page of what that neighbour offers; the operator's page lists all who
//! are switched off, present or not.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::App;
use super::error::{HttpError, page_of};
use super::operator::{OperatorForm, Visitor};
use crate::neighbours::switched_off::SwitchError;
use crate::wire::DisplayText;

/// The button, for the operator of a node that mirrors.
#[derive(Clone, Debug)]
pub struct SwitchView {
    /// Of whom.
    pub uuid: Uuid,
    /// What it called itself when it was switched off, for a list of several.
    pub name: String,
    /// Nothing is taken from it.
    pub is_off: bool,
    /// To be sent back.
    pub form_token: String,
}

impl SwitchView {
    /// Of one neighbour; none for others than the operator, and where nothing is taken from anybody.
    #[must_use]
    pub fn of(app: &App, visitor: &Visitor, uuid: Uuid) -> Option<Self> {
        let is_shown = visitor.is_operator && app.mirror.is_opportunistic();
        let (is_off, form_token) = (app.mirror.switched_off().holds(uuid), visitor.form_token.clone());
        is_shown.then_some(Self { uuid, name: String::new(), is_off, form_token })
    }

    /// Whether its name is more than its uuid.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.name != self.uuid.to_string()
    }

    /// Of all who are switched off.
    #[must_use]
    pub fn all_off(app: &App, visitor: &Visitor) -> Vec<Self> {
        let view = |(uuid, name): (Uuid, DisplayText)| {
            let name = if name.as_str().is_empty() { uuid.to_string() } else { name.to_string() };
            Self { uuid, name, is_off: true, form_token: visitor.form_token.clone() }
        };
        let all = if visitor.is_operator { app.mirror.switched_off().all() } else { Vec::new() };
        all.into_iter().map(view).collect()
    }
}

/// Switches one neighbour; back to the page from which it was asked, as far as that is ours.
pub async fn switch(State(app): State<App>, visitor: Visitor, form: OperatorForm) -> Response {
    match try_switch(&app, &form).await {
        Ok(back) => back.into_response(),
        Err(error) => page_of(visitor.say, error.into_response()),
    }
}

async fn try_switch(app: &App, form: &OperatorForm) -> Result<Redirect, HttpError> {
    let uuid: Option<Uuid> = form.text("uuid").and_then(|text| text.parse().ok());
    let uuid = uuid.ok_or_else(|| HttpError::BadQuery("that is not the uuid of a node".into()))?;
    let neighbour = app.neighbourhood.get(uuid);
    let is_present = neighbour.as_ref().is_some_and(|known| known.known.is_some());
    let off = match form.text("do").as_deref() {
        Some("off") => Some(neighbour.ok_or(HttpError::NoSuchNeighbour)?.name),
        Some("on") => None,
        _ => return Err(HttpError::BadQuery("say “off” or “on”".into())),
    };
    let switched_off = app.mirror.switched_off().clone();
    let switched = tokio::task::spawn_blocking(move || switched_off.switch(uuid, off)).await;
    let switched = switched.map_err(|_| HttpError::Busy)?;
    if let Err(error @ SwitchError::NotStored(_)) = &switched {
        tracing::warn!(%uuid, %error, "the list of switched-off nodes cannot be written");
    }
    switched?;
    let from_list = form.has("from", "operator");
    Ok(Redirect::to(&if is_present && !from_list { format!("/l/{uuid}") } else { "/operator".into() }))
}
