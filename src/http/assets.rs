//! What pages are made of: the style sheet, the script and the icon, part of the binary.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::error::HttpError;

struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "boucan.css",
        content_type: "text/css; charset=utf-8",
        content: include_str!("../../static/boucan.css"),
    },
    Asset {
        name: "live.js",
        content_type: "text/javascript; charset=utf-8",
        content: include_str!("../../static/live.js"),
    },
    Asset { name: "boucan.svg", content_type: "image/svg+xml", content: include_str!("../../static/boucan.svg") },
];

/// One of them by name.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, HttpError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(HttpError::NotFound)?;
    Ok(respond(asset, &headers))
}

/// Browsers ask for it unasked.
pub async fn favicon(headers: HeaderMap) -> Result<Response, HttpError> {
    serve(Path("boucan.svg".into()), headers).await
}

fn respond(asset: &Asset, headers: &HeaderMap) -> Response {
    let etag = format!("\"{:08x}\"", crc32fast::hash(asset.content.as_bytes()));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    let about = [
        (header::ETAG, etag),
        (header::CACHE_CONTROL, "no-cache".into()),
        (header::CONTENT_TYPE, asset.content_type.into()),
    ];
    if known { (StatusCode::NOT_MODIFIED, about).into_response() } else { (about, asset.content).into_response() }
}
