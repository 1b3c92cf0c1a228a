//! Why a file is not taken: as a status, as a word for programs and scripts, and as the sentence of
//! the catalogue for people.

use axum::http::StatusCode;

use crate::loot::deliveries::DeliveryError;
use crate::wire::loot_path::Refusal;

/// The status. 460 is what tus says of a checksum that does not match.
pub(in crate::http) fn status(error: &DeliveryError) -> StatusCode {
    use std::io::ErrorKind::StorageFull;
    match error {
        DeliveryError::Closed => StatusCode::FORBIDDEN,
        DeliveryError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        DeliveryError::InboxFull | DeliveryError::NoSpace(_) => StatusCode::INSUFFICIENT_STORAGE,
        DeliveryError::TooMany => StatusCode::TOO_MANY_REQUESTS,
        DeliveryError::Unknown => StatusCode::NOT_FOUND,
        DeliveryError::Elsewhere(_) | DeliveryError::Taken | DeliveryError::Land(_) => StatusCode::CONFLICT,
        DeliveryError::TooMuch => StatusCode::BAD_REQUEST,
        DeliveryError::Checksum => StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
        DeliveryError::Broken => StatusCode::REQUEST_TIMEOUT,
        DeliveryError::Io(error) if error.kind() == StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        DeliveryError::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The word, in the header line `Boucan-Why`.
pub(in crate::http) fn word(error: &DeliveryError) -> &'static str {
    match error {
        DeliveryError::Closed => "closed",
        DeliveryError::TooLarge(_) => "too-large",
        DeliveryError::InboxFull => "inbox-full",
        DeliveryError::TooMany => "too-many",
        DeliveryError::NoSpace(_) => "no-space",
        DeliveryError::Unknown => "unknown",
        DeliveryError::Elsewhere(_) => "elsewhere",
        DeliveryError::Taken => "taken",
        DeliveryError::TooMuch => "too-much",
        DeliveryError::Checksum => "checksum",
        DeliveryError::Broken => "broken",
        DeliveryError::Land(_) => "in-the-way",
        DeliveryError::Io(_) => "disk",
    }
}

/// The sentence.
pub(in crate::http) fn key(error: &DeliveryError) -> &'static str {
    match error {
        DeliveryError::Closed => "bring-why-closed",
        DeliveryError::TooLarge(_) => "bring-why-too-large",
        DeliveryError::InboxFull => "bring-why-inbox-full",
        DeliveryError::TooMany => "bring-why-too-many",
        DeliveryError::NoSpace(_) => "bring-why-no-space",
        DeliveryError::Unknown => "bring-why-unknown",
        DeliveryError::Elsewhere(_) | DeliveryError::Taken => "bring-why-taken",
        DeliveryError::TooMuch | DeliveryError::Checksum | DeliveryError::Broken => "bring-why-broken",
        DeliveryError::Land(_) => "bring-why-in-the-way",
        DeliveryError::Io(_) => "bring-why-disk",
    }
}

/// The word for a name that cannot be kept.
pub(in crate::http) fn name_word(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Hidden => "name-hidden",
        Refusal::TooLong | Refusal::TooLongToList => "name-too-long",
        Refusal::Reserved => "name-reserved",
        Refusal::ActsByItself => "name-acts",
        _ => "name",
    }
}

/// The sentence for a name that cannot be kept.
pub(in crate::http) fn name_key(refusal: Refusal) -> &'static str {
    match name_word(refusal) {
        "name-hidden" => "bring-why-name-hidden",
        "name-too-long" => "bring-why-name-too-long",
        "name-reserved" => "bring-why-name-reserved",
        "name-acts" => "bring-why-name-acts",
        _ => "bring-why-name",
    }
}

/// What the page tells its script: each word with its sentence.
pub(super) const SENTENCES: [(&str, &str); 16] = [
    ("closed", "bring-why-closed"),
    ("too-large", "bring-why-too-large"),
    ("inbox-full", "bring-why-inbox-full"),
    ("too-many", "bring-why-too-many"),
    ("no-space", "bring-why-no-space"),
    ("unknown", "bring-why-unknown"),
    ("taken", "bring-why-taken"),
    ("broken", "bring-why-broken"),
    ("in-the-way", "bring-why-in-the-way"),
    ("disk", "bring-why-disk"),
    ("name-hidden", "bring-why-name-hidden"),
    ("name-too-long", "bring-why-name-too-long"),
    ("name-reserved", "bring-why-name-reserved"),
    ("name-acts", "bring-why-name-acts"),
    ("name", "bring-why-name"),
    ("other", "bring-why-other"),
];
