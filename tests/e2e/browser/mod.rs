//! One headless Chromium for all tests, steered over its DevTools protocol, with a window of its
//! own (cookies, storage, cache) for each test.
//!
//! A client of our own instead of a crate: what the tests need of the protocol is some twenty
//! orders, the pipe needs no WebSocket, and nothing is to be compiled; chromiumoxide brings the
//! whole protocol as generated code, and WebDriver knows neither switched-off script nor a broken
//! connection nor what a page weighs.

mod input;
mod pipe;
mod seen;
mod tab;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;

pub use pipe::Pipe;
pub use tab::Tab;

/// Nothing of the user's, nothing of the network's but loopback, nothing drawn by a graphics card.
const FLAGS: [&str; 20] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox", // as root, and in containers, it has none
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--hide-scrollbars",
    "--mute-audio",
    "--lang=en",
];
/// Names under which a test's node may be asked as by another machine: what browsers allow to
/// loopback addresses only (a "secure context") and what the operator may is not there then.
const FROM_ELSEWHERE: &str = "boucan.example";

/// The browser.
pub struct Browser {
    pipe: Pipe,
}

impl Browser {
    /// The one of all tests; `None`, and a line that says why, where Chromium is not installed. In
    /// CI that is a failure.
    pub fn shared() -> Option<&'static Self> {
        static BROWSER: OnceLock<Result<Browser, String>> = OnceLock::new();
        match BROWSER.get_or_init(Self::start) {
            Ok(browser) => Some(browser),
            Err(why) if std::env::var_os("CI").is_some() => panic!("no Chromium: {why}"),
            Err(why) => {
                println!("skipped: no Chromium: {why}");
                None
            }
        }
    }

    /// A shell holds it, so that its folder goes with it, however this process ends.
    fn start() -> Result<Self, String> {
        let program = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find);
        let program = program.ok_or("there is no program of that name")?;
        let home = tempfile::Builder::new().prefix("boucan-e2e-").tempdir().map_err(|e| e.to_string())?.keep();
        let shell = "trap '' INT TERM; exec 3<&0 4>&1 </dev/null >/dev/null 2>\"$HOME/log\"; \
             \"$@\"; rm -rf -- \"$HOME\"";
        let mut child = Command::new("sh")
            .args(["-c", shell, "sh"])
            .arg(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", home.join("profile").display()))
            .arg(format!("--host-resolver-rules=MAP {FROM_ELSEWHERE} 127.0.0.2, MAP * ~NOTFOUND, EXCLUDE 127.0.0.*"))
            .arg("about:blank")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &home)
            // Present everywhere; without UTF-8 the browser finds no file whose name is not ASCII.
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (orders, told) = (child.stdin.take().ok_or("no pipe")?, child.stdout.take().ok_or("no pipe")?);
        let pipe = Pipe::new(orders, told);
        let version = pipe.call("", "Browser.getVersion", &json!({}));
        version.map_err(|why| {
            let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
            format!("{why}\n{log}")
        })?;
        Ok(Self { pipe })
    }
}

/// A program of the search path.
fn find(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}
