//! The DevTools protocol over two pipes: orders in JSON out, answers and events in JSON back, each
//! ended by a zero byte. No port is opened and no WebSocket is needed, and Chromium ends by itself
//! when this process does, because its pipe ends.
//!
//! <https://chromedevtools.github.io/devtools-protocol/>, `--remote-debugging-pipe`.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::PATIENCE;

/// What is turned on in each frame that has a process of its own, as in the page around it.
const IN_EACH_FRAME: [&str; 4] = ["Page.enable", "Log.enable", "Runtime.enable", "Network.enable"];

/// The line to Chromium; shared by all tests.
pub struct Pipe(Arc<Shared>);

struct Shared {
    orders: Mutex<ChildStdin>,
    last: AtomicU64,
    inbox: Mutex<Inbox>,
    changed: Condvar,
}

#[derive(Default)]
struct Inbox {
    answers: HashMap<u64, Value>,
    /// By the session of the page; those of its frames are told under the page's.
    events: HashMap<String, Vec<Value>>,
    page_of_frame: HashMap<String, String>,
    has_ended: bool,
}

impl Pipe {
    /// Takes both ends and listens from now on.
    pub fn new(orders: ChildStdin, told: ChildStdout) -> Self {
        let shared = Arc::new(Shared {
            orders: Mutex::new(orders),
            last: AtomicU64::new(0),
            inbox: Mutex::default(),
            changed: Condvar::new(),
        });
        let listener = shared.clone();
        std::thread::spawn(move || listener.listen(BufReader::new(told)));
        Self(shared)
    }

    /// Orders something and waits for its answer; `session` is empty for the browser itself.
    ///
    /// # Errors
    /// What Chromium says, or that it says nothing.
    pub fn call(&self, session: &str, method: &str, params: &Value) -> Result<Value, String> {
        let id = self.0.send(session, method, params).map_err(|error| format!("{method}: {error}"))?;
        let answer = self.0.wait(PATIENCE, |inbox| inbox.answers.remove(&id));
        let mut answer = answer.ok_or_else(|| format!("{method}: Chromium does not answer"))?;
        match answer.get("error") {
            Some(error) => Err(format!("{method}: {error}")),
            None => Ok(answer["result"].take()),
        }
    }

    /// Waits until the page's events hold what is looked for; none when patience ends.
    pub fn watch<T>(
        &self,
        session: &str,
        patience: Duration,
        mut find: impl FnMut(&[Value]) -> Option<T>,
    ) -> Option<T> {
        self.0.wait(patience, |inbox| find(inbox.events.get(session).map_or(&[], Vec::as_slice)))
    }

    /// Forgets a page's events: it is closed.
    pub fn forget(&self, session: &str) {
        let mut inbox = self.0.inbox.lock().unwrap();
        inbox.events.remove(session);
        inbox.page_of_frame.retain(|_, page| page != session);
    }
}

impl Shared {
    fn send(&self, session: &str, method: &str, params: &Value) -> std::io::Result<u64> {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut order = json!({"id": id, "method": method, "params": params});
        if !session.is_empty() {
            order["sessionId"] = session.into();
        }
        let mut bytes = order.to_string().into_bytes();
        bytes.push(0);
        let mut orders = self.orders.lock().unwrap();
        orders.write_all(&bytes)?;
        orders.flush()?;
        Ok(id)
    }

    fn wait<T>(&self, patience: Duration, mut find: impl FnMut(&mut Inbox) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut inbox = self.inbox.lock().unwrap();
        loop {
            if let Some(found) = find(&mut inbox) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || inbox.has_ended {
                return None;
            }
            inbox = self.changed.wait_timeout(inbox, left).unwrap().0;
        }
    }

    fn listen(&self, mut told: BufReader<ChildStdout>) {
        let mut bytes = Vec::new();
        while told.read_until(0, &mut bytes).is_ok_and(|count| count > 0) {
            bytes.pop();
            if let Ok(message) = serde_json::from_slice::<Value>(&bytes) {
                self.take(message);
            }
            bytes.clear();
        }
        self.inbox.lock().unwrap().has_ended = true;
        self.changed.notify_all();
    }

    fn take(&self, message: Value) {
        if let Some(id) = message["id"].as_u64() {
            self.inbox.lock().unwrap().answers.insert(id, message);
        } else {
            self.react(&message);
            let session = message["sessionId"].as_str().unwrap_or_default();
            let mut inbox = self.inbox.lock().unwrap();
            let page = inbox.page_of_frame.get(session).map_or(session, String::as_str).to_owned();
            inbox.events.entry(page).or_default().push(message);
        }
        self.changed.notify_all();
    }

    /// What cannot wait for a test to look: dialogs stop a page, and frames begin at once.
    fn react(&self, event: &Value) {
        let session = event["sessionId"].as_str().unwrap_or_default();
        match event["method"].as_str() {
            Some("Page.javascriptDialogOpening") => {
                let _ = self.send(session, "Page.handleJavaScriptDialog", &json!({"accept": true}));
            }
            Some("Target.attachedToTarget") if !session.is_empty() => {
                let Some(frame) = event["params"]["sessionId"].as_str() else { return };
                {
                    let mut inbox = self.inbox.lock().unwrap();
                    let page = inbox.page_of_frame.get(session).map_or(session, String::as_str).to_owned();
                    inbox.page_of_frame.insert(frame.into(), page);
                }
                for method in IN_EACH_FRAME {
                    let _ = self.send(frame, method, &json!({}));
                }
                let _ = self.send(frame, "Runtime.runIfWaitingForDebugger", &json!({}));
            }
            _ => {}
        }
    }
}
