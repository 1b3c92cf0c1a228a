//! Hands on a page: mouse, keyboard, choosing files. All of it goes the way of real input, so what
//! is covered, hidden or out of reach cannot be pressed.

use std::path::Path;

use serde_json::{Value, json};

use super::Tab;
use crate::support::{PATIENCE, wait_for};

/// What somebody would press: it is in view, and nothing lies over it.
const POINT: &str = "(selector => {
  const found = [...document.querySelectorAll(selector)].find(one => one.getClientRects().length);
  if (!found) return null;
  found.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
  const box = [...found.getClientRects()].find(box => box.width && box.height);
  if (!box) return null;
  const x = box.x + box.width / 2, y = box.y + box.height / 2;
  const top = document.elementFromPoint(x, y);
  const label = top?.closest('label');
  return found.contains(top) || top?.contains(found) || label?.control === found ? [x, y] : null;
})";

impl Tab {
    /// Presses the first visible element of a selector, once it can be pressed.
    #[track_caller]
    pub fn press(&self, selector: &str) -> &Self {
        let expression = format!("{POINT}({})", Value::from(selector));
        let point = wait_for(&format!("{selector} can be pressed\n{}", self.describe()), || {
            let point = self.ask(&expression);
            Some((point.get(0)?.as_f64()?, point.get(1)?.as_f64()?))
        });
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let order = json!({"type": kind, "x": point.0, "y": point.1, "button": button, "clickCount": 1});
            self.order("Input.dispatchMouseEvent", order);
        }
        self
    }

    /// Presses what leads to another page, and waits for that.
    #[track_caller]
    pub fn press_to(&self, selector: &str) -> &Self {
        self.follow(&format!("{selector} leads to another page"), || {
            self.press(selector);
        })
    }

    /// Types into whatever has the focus, key by key.
    #[track_caller]
    pub fn types(&self, text: &str) -> &Self {
        for letter in text.chars() {
            self.stroke(&letter.to_string(), &letter.to_string(), 0, Some(&letter.to_string()), 0);
        }
        self
    }

    /// Presses a key by its name (`Tab`, `Shift+Tab`, `Enter`, `Escape`, `ArrowDown`, `/`, …).
    #[track_caller]
    pub fn key(&self, name: &str) -> &Self {
        let (modifiers, key) = match name.split_once('+').filter(|(held, _)| !held.is_empty()) {
            Some(("Alt", key)) => (1, key),
            Some(("Control", key)) => (2, key),
            Some(("Shift", key)) => (8, key),
            _ => (0, name),
        };
        let (code, text) = match key {
            "Backspace" => (8, None),
            "Tab" => (9, None),
            "Enter" => (13, Some("\r")),
            "Escape" => (27, None),
            " " => (32, Some(" ")),
            "End" => (35, None),
            "Home" => (36, None),
            "ArrowLeft" => (37, None),
            "ArrowUp" => (38, None),
            "ArrowRight" => (39, None),
            "ArrowDown" => (40, None),
            letter => (letter.to_ascii_uppercase().bytes().next().unwrap_or_default().into(), Some(letter)),
        };
        let name = if key == " " { "Space" } else { key };
        self.stroke(key, name, code, text.filter(|_| modifiers & 3 == 0), modifiers);
        self
    }

    #[track_caller]
    fn stroke(&self, key: &str, code: &str, number: u32, text: Option<&str>, modifiers: u32) {
        let mut down = json!({
            "type": if text.is_some() { "keyDown" } else { "rawKeyDown" },
            "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers,
        });
        if let Some(text) = text {
            down["text"] = text.into();
        }
        self.order("Input.dispatchKeyEvent", down);
        let up = json!({
            "type": "keyUp", "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers,
        });
        self.order("Input.dispatchKeyEvent", up);
    }

    /// Chooses files in a file field.
    #[track_caller]
    pub fn choose(&self, selector: &str, files: &[&Path]) -> &Self {
        let expression = format!("document.querySelector({})", Value::from(selector));
        let field = self.order("Runtime.evaluate", json!({ "expression": expression }));
        let object = field["result"]["objectId"].as_str().unwrap_or_else(|| panic!("no field {selector}"));
        self.order("DOM.setFileInputFiles", json!({"files": files, "objectId": object}));
        self
    }

    /// Presses what opens the system's window for choosing files, and chooses there.
    #[track_caller]
    pub fn choose_by(&self, selector: &str, files: &[&Path]) -> &Self {
        self.order("Page.setInterceptFileChooserDialog", json!({"enabled": true}));
        let before = self.count_events();
        self.press(selector);
        let opened = self.browser.pipe.watch(&self.session, PATIENCE, |events| {
            let opened = events.get(before..)?.iter().find(|event| event["method"] == "Page.fileChooserOpened")?;
            opened["params"]["backendNodeId"].as_i64()
        });
        let field = opened.unwrap_or_else(|| panic!("{selector} opens no window"));
        self.order("DOM.setFileInputFiles", json!({"files": files, "backendNodeId": field}));
        self
    }

    /// What has the focus, in words: its name, and where it leads.
    #[track_caller]
    pub fn focus(&self) -> String {
        let focus = self.ask(
            "(one => one && one !== document.body ? [one.localName, one.getAttribute('aria-label') \
             ?? one.innerText?.trim() ?? '', one.getAttribute('href') ?? one.name ?? ''].join(' | ') : '')\
             (document.activeElement)",
        );
        focus.as_str().unwrap_or_default().to_owned()
    }
}
