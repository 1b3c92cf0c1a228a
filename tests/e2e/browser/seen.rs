//! What a browser noticed while a page was shown: what it loaded and from where, what that weighed,
//! what was wrong.

use serde_json::{Value, json};

use super::Tab;
use crate::support::PATIENCE;

/// The kinds of what pages consist of; what people come for (pictures, songs) is not weighed.
const MADE_OF: [&str; 5] = ["Document", "Stylesheet", "Script", "Font", "Image"];

impl Tab {
    /// So many events came in until now.
    pub(super) fn count_events(&self) -> usize {
        self.browser.pipe.watch(&self.session, PATIENCE, |events| Some(events.len())).unwrap_or_default()
    }

    fn events(&self, from: usize) -> Vec<Value> {
        let take = |events: &[Value]| Some(events.get(from..).unwrap_or_default().to_vec());
        self.browser.pipe.watch(&self.session, PATIENCE, take).unwrap_or_default()
    }

    /// What was wrong since the window was opened: errors and warnings of the console (refusals by
    /// the policy are among them), exceptions, dialogs, requests to others than the node.
    pub fn troubles(&self) -> Vec<String> {
        let origin = self.origin();
        self.events(0).iter().filter_map(|event| trouble(event, origin)).collect()
    }

    /// Nothing was wrong since the window was opened.
    #[track_caller]
    pub fn is_clean(&self) -> &Self {
        self.is_clean_but(|_| false)
    }

    /// The same where some troubles are what the test is about.
    #[track_caller]
    pub fn is_clean_but(&self, expected: impl Fn(&str) -> bool) -> &Self {
        // What the console says comes a moment after what it is about; an answer comes behind it.
        self.ask("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))");
        let troubles: Vec<_> = self.troubles().into_iter().filter(|trouble| !expected(trouble)).collect();
        assert!(troubles.is_empty(), "at {}: {troubles:#?}", self.place());
        self
    }

    /// What the page that is shown took on the wire, heads included, in bytes, by address.
    pub fn weights(&self) -> Vec<(String, u64)> {
        let events = self.events(self.page_began.get());
        let loaded = |id: &Value| {
            let end = events
                .iter()
                .find(|event| event["method"] == "Network.loadingFinished" && event["params"]["requestId"] == *id);
            end.and_then(|event| event["params"]["encodedDataLength"].as_f64())
        };
        let answers = events.iter().filter(|event| {
            event["method"] == "Network.responseReceived"
                && MADE_OF.iter().any(|kind| event["params"]["type"] == *kind)
                && !event["params"]["response"]["url"].as_str().unwrap_or_default().contains("/media/")
        });
        answers
            .filter_map(|event| {
                let bytes = loaded(&event["params"]["requestId"])?;
                let url = event["params"]["response"]["url"].as_str()?;
                Some((url.to_owned(), bytes as u64))
            })
            .collect()
    }

    /// All that was asked for since the window was opened.
    pub fn requests(&self) -> Vec<String> {
        let events = self.events(0);
        let urls = events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        urls.filter_map(|event| event["params"]["request"]["url"].as_str().map(str::to_owned)).collect()
    }

    /// For whoever reads why a test failed.
    pub(super) fn describe(&self) -> String {
        let order = json!({"expression": "location.href + '\\n' + document.body?.innerText", "returnByValue": true});
        let page = self.browser.pipe.call(&self.session, "Runtime.evaluate", &order).unwrap_or_default();
        let text = page["result"]["value"].as_str().unwrap_or("no page").to_owned();
        format!("{text}\n{:#?}", self.troubles())
    }
}

fn trouble(event: &Value, origin: &str) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Log.entryAdded" => {
            let entry = &params["entry"];
            let is_bad = entry["level"] == "error" || entry["level"] == "warning";
            is_bad.then(|| format!("console: {} {}", entry["text"], entry["url"]))
        }
        "Runtime.consoleAPICalled" => {
            let is_bad = params["type"] == "error" || params["type"] == "warning" || params["type"] == "assert";
            is_bad.then(|| format!("console: {}", params["args"]))
        }
        "Runtime.exceptionThrown" => Some(format!("exception: {}", params["exceptionDetails"])),
        "Page.javascriptDialogOpening" => Some(format!("dialog: {}", params["message"])),
        "Network.requestWillBeSent" => {
            let url = params["request"]["url"].as_str().unwrap_or_default();
            let is_ours = url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let is_inside = ["blob:", "data:", "about:"].iter().any(|scheme| url.starts_with(scheme));
            (!is_ours && !is_inside).then(|| format!("foreign request: {url}"))
        }
        _ => None,
    }
}
