//! A window on a node: opens pages, asks them, shows them as another device would.

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Browser, FROM_ELSEWHERE};
use crate::support::{PATIENCE, wait_within};

/// A window; closed when dropped, with all that it stored.
pub struct Tab {
    pub(super) browser: &'static Browser,
    pub(super) session: String,
    context: String,
    origin: String,
    /// Events before this one belong to pages before the one that is shown.
    pub(super) page_began: Cell<usize>,
}

impl Tab {
    /// A window on the node at this address, as somebody has it who sits at the node's machine;
    /// `None` where there is no Chromium.
    pub fn on(node: SocketAddr) -> Option<Self> {
        Some(Self::open_on(Browser::shared()?, format!("http://{node}")))
    }

    /// The same as somebody on another machine has it: neither the operator nor, to browsers, in
    /// a secure context. The node is the one at 127.0.0.2, started with [`Tab::ELSEWHERE`].
    pub fn from_elsewhere(node: SocketAddr) -> Option<Self> {
        assert_eq!(node.ip().to_string(), "127.0.0.2", "the name leads there");
        Some(Self::open_on(Browser::shared()?, format!("http://{FROM_ELSEWHERE}:{}", node.port())))
    }

    fn open_on(browser: &'static Browser, origin: String) -> Self {
        let order = |session: &str, method: &str, params: Value| {
            browser.pipe.call(session, method, &params).unwrap_or_else(|why| panic!("{why}"))
        };
        let text = |answer: &Value, key: &str| answer[key].as_str().unwrap().to_owned();
        let context = text(&order("", "Target.createBrowserContext", json!({})), "browserContextId");
        let target = order(
            "",
            "Target.createTarget",
            json!({"url": "about:blank", "browserContextId": context, "newWindow": true}),
        );
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = text(&order("", "Target.attachToTarget", attach), "sessionId");
        let tab = Self { browser, session, context, origin, page_began: Cell::new(0) };
        for method in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable", "DOM.enable"] {
            tab.order(method, json!({}));
        }
        tab.order("Page.setLifecycleEventsEnabled", json!({"enabled": true}));
        tab.order("Emulation.setFocusEmulationEnabled", json!({"enabled": true}));
        tab.order("Target.setAutoAttach", json!({"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true}));
        tab.resize(1440, 900);
        tab
    }

    /// The flags that a node needs for [`Tab::from_elsewhere`].
    pub const ELSEWHERE: [&'static str; 2] = ["--also-called", FROM_ELSEWHERE];

    /// Where the node is to this browser: `http://…:port`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    #[allow(clippy::needless_pass_by_value)] // what is ordered is written down where it is
    #[track_caller]
    pub(super) fn order(&self, method: &str, params: Value) -> Value {
        self.browser.pipe.call(&self.session, method, &params).unwrap_or_else(|why| panic!("{why}"))
    }

    /// Opens a page of the node and waits until it is loaded.
    #[track_caller]
    pub fn open(&self, target: &str) -> &Self {
        let url = format!("{}{target}", self.origin);
        self.follow(&format!("{target} loads"), || {
            let answer = self.order("Page.navigate", json!({ "url": url }));
            assert!(answer.get("errorText").is_none(), "{url}: {answer}");
        })
    }

    /// Does what leads to another page, and waits until that is loaded.
    #[track_caller]
    pub fn follow(&self, what: &str, lead: impl FnOnce()) -> &Self {
        let before = self.count_events();
        lead();
        let loaded = self.browser.pipe.watch(&self.session, PATIENCE, |events| {
            let began = events.get(before..)?.iter().position(|event| {
                event["method"] == "Page.frameNavigated" && event["params"]["frame"]["parentId"].is_null()
            })?;
            let new = events.get(before + began..)?;
            new.iter().find(|event| event["method"] == "Page.loadEventFired").map(|_| before)
        });
        self.page_began.set(loaded.unwrap_or_else(|| panic!("in vain: {what}\n{}", self.describe())));
        self
    }

    /// The value of an expression; promises are waited for.
    #[track_caller]
    pub fn ask(&self, expression: &str) -> Value {
        let answer = self.order(
            "Runtime.evaluate",
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}),
        );
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub fn wait(&self, expression: &str) -> &Self {
        self.wait_long(PATIENCE, expression)
    }

    /// The same for what takes its time.
    #[track_caller]
    pub fn wait_long(&self, patience: Duration, expression: &str) -> &Self {
        let held = format!("!!({expression})");
        let is_true = || {
            let order = json!({"expression": held, "awaitPromise": true, "returnByValue": true});
            // While a page goes and another comes there is nobody to ask.
            let answer = self.browser.pipe.call(&self.session, "Runtime.evaluate", &order);
            answer.is_ok_and(|answer| answer["result"]["value"] == true)
        };
        wait_within(patience, expression, is_true);
        self
    }

    /// Waits until the page shows these words.
    #[track_caller]
    pub fn shows(&self, words: &str) -> &Self {
        let quoted = Value::from(words);
        self.wait(&format!("document.body.innerText.includes({quoted})"))
    }

    /// The text that somebody sees in the first element of a selector.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let quoted = Value::from(selector);
        let text = self.ask(&format!("document.querySelector({quoted})?.innerText ?? null"));
        text.as_str().unwrap_or_else(|| panic!("{selector}: nothing there\n{}", self.describe())).to_owned()
    }

    /// Whether there is one.
    #[track_caller]
    pub fn has(&self, selector: &str) -> bool {
        self.ask(&format!("document.querySelector({}) !== null", Value::from(selector))) == true
    }

    /// Where the page is: path and query.
    #[track_caller]
    pub fn place(&self) -> String {
        self.ask("location.pathname + location.search").as_str().unwrap_or_default().to_owned()
    }

    /// Shows pages as a device with a window of that size does; narrow ones are touched.
    #[track_caller]
    pub fn resize(&self, width: u32, height: u32) -> &Self {
        let is_phone = width < 600;
        self.order(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}),
        );
        self.order("Emulation.setTouchEmulationEnabled", json!({ "enabled": is_phone }));
        self
    }

    /// What the system's settings say: `("prefers-color-scheme", "dark")`, …
    #[track_caller]
    pub fn prefer(&self, features: &[(&str, &str)]) -> &Self {
        let features: Vec<_> = features.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        self.order("Emulation.setEmulatedMedia", json!({ "features": features }));
        self
    }

    /// From the next page on no script runs.
    #[track_caller]
    pub fn without_script(self) -> Self {
        self.order("Emulation.setScriptExecutionDisabled", json!({"value": true}));
        self
    }

    /// What the browser says its reader speaks: the value of `Accept-Language`.
    #[track_caller]
    pub fn speaks(self, language: &str) -> Self {
        self.order("Network.setExtraHTTPHeaders", json!({"headers": {"Accept-Language": language}}));
        self
    }

    /// Cuts the connection to the node, or lets it be again; none: as fast as it is.
    #[track_caller]
    pub fn network(&self, is_cut: bool, up_bytes_per_second: Option<u32>) -> &Self {
        let up = up_bytes_per_second.map_or(-1, i64::from);
        self.order(
            "Network.emulateNetworkConditions",
            json!({"offline": is_cut, "latency": 0, "downloadThroughput": -1, "uploadThroughput": up}),
        );
        self
    }

    /// Downloads go into this folder from now on.
    #[track_caller]
    pub fn download_into(&self, folder: &Path) -> &Self {
        let order = json!({"behavior": "allow", "browserContextId": self.context, "downloadPath": folder});
        self.browser.pipe.call("", "Browser.setDownloadBehavior", &order).unwrap();
        self
    }

    /// A picture of the whole page, at most so many pixels of it: in a window so high, because what
    /// stands at the edge of the window would stand in the middle of the picture otherwise.
    #[track_caller]
    pub fn picture(&self, path: &Path, height_max: u32) -> &Self {
        let size = self.order("Page.getLayoutMetrics", json!({}))["cssLayoutViewport"].clone();
        let side = |name: &str| size[name].as_u64().and_then(|side| u32::try_from(side).ok()).unwrap_or(1_000);
        let whole = self.ask("document.documentElement.scrollHeight").as_u64().unwrap_or_default();
        let (width, height) = (side("clientWidth"), side("clientHeight"));
        self.resize(width, u32::try_from(whole).unwrap_or(height_max).clamp(height, height_max));
        let picture = self.order("Page.captureScreenshot", json!({"format": "png"}));
        self.resize(width, height);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()).unwrap();
        self
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the browser ---\n{}", self.describe());
        }
        let close = json!({"browserContextId": self.context});
        let _ = self.browser.pipe.call("", "Target.disposeBrowserContext", &close);
        self.browser.pipe.forget(&self.session);
    }
}
