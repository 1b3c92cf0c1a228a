//! What pages are made of: the style sheet, the scripts, the icons, part of the binary.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::error::HttpError;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: &'static str,
}

/// One style sheet of several files: what all pages need, then what single pages add.
const STYLE: &str = concat!(
    include_str!("../../static/css/tokens.css"),
    include_str!("../../static/css/base.css"),
    include_str!("../../static/css/components.css"),
    include_str!("../../static/css/bring.css"),
    include_str!("../../static/css/design.css"),
    include_str!("../../static/css/live.css"),
    include_str!("../../static/css/near.css"),
    include_str!("../../static/css/new.css"),
    include_str!("../../static/css/search.css"),
    include_str!("../../static/css/transfers.css"),
    include_str!("../../static/css/loot.css"),
);

/// One module a concern; `main.js` is on each page.
const ASSETS: &[Asset] = &[
    Asset { name: "boucan.css", content_type: CSS, content: STYLE },
    Asset { name: "boucan.svg", content_type: SVG, content: include_str!("../../static/boucan.svg") },
    Asset { name: "icons.svg", content_type: SVG, content: include_str!("../../static/icons.svg") },
    Asset { name: "main.js", content_type: SCRIPT, content: include_str!("../../static/js/main.js") },
    Asset { name: "bring.js", content_type: SCRIPT, content: include_str!("../../static/js/bring.js") },
    Asset { name: "chosen.js", content_type: SCRIPT, content: include_str!("../../static/js/chosen.js") },
    Asset { name: "upload.js", content_type: SCRIPT, content: include_str!("../../static/js/upload.js") },
    Asset { name: "words.js", content_type: SCRIPT, content: include_str!("../../static/js/words.js") },
    Asset { name: "copy.js", content_type: SCRIPT, content: include_str!("../../static/js/copy.js") },
    Asset { name: "file.js", content_type: SCRIPT, content: include_str!("../../static/js/file.js") },
    Asset { name: "keys.js", content_type: SCRIPT, content: include_str!("../../static/js/keys.js") },
    Asset { name: "search.js", content_type: SCRIPT, content: include_str!("../../static/js/search.js") },
    Asset { name: "live.js", content_type: SCRIPT, content: include_str!("../../static/js/live.js") },
    Asset { name: "loot.js", content_type: SCRIPT, content: include_str!("../../static/js/loot.js") },
];

/// What names each version, in the same order.
static ETAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let etag = |asset: &Asset| format!("W/\"{:08x}\"", crc32fast::hash(asset.content.as_bytes()));
    ASSETS.iter().map(etag).collect()
});

/// One of them by name.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, HttpError> {
    let mut all = ASSETS.iter().zip(ETAGS.iter());
    let (asset, etag) = all.find(|(asset, _)| asset.name == name).ok_or(HttpError::NotFound)?;
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    let about = [
        (header::ETAG, etag.as_str()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_TYPE, asset.content_type),
    ];
    Ok(if known { (StatusCode::NOT_MODIFIED, about).into_response() } else { (about, asset.content).into_response() })
}

/// Browsers ask for it unasked.
pub async fn favicon(headers: HeaderMap) -> Result<Response, HttpError> {
    serve(Path("boucan.svg".into()), headers).await
}
