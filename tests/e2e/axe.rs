//! An audit of a page by axe-core, which `./check` fetches (`target/axe-core/`): the rules of WCAG
//! 2.2 AA and its best practices, as far as a program can judge them.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use super::browser::Tab;

const RULES: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";

/// The source of axe-core; `None`, and a line that says why, where it was not fetched. In CI that
/// is a failure.
pub fn source() -> Option<&'static str> {
    static SOURCE: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("axe-core/axe.min.js");
        match std::fs::read_to_string(&path) {
            Ok(source) => return Some(source),
            Err(why) if std::env::var_os("CI").is_some() => panic!("no axe-core: {}: {why}", path.display()),
            Err(why) => println!("skipped: no axe-core: {}: {why} (./check fetches it)", path.display()),
        }
        None
    };
    SOURCE.get_or_init(read).as_deref()
}

/// What is wrong with the page that is shown: rule, what it says, and the elements it means.
pub fn violations(tab: &Tab) -> Vec<String> {
    let Some(source) = source() else { return Vec::new() };
    if tab.ask("typeof axe") != "object" {
        tab.ask(&format!("{source}\n;0"));
    }
    let run = format!(
        "axe.run(document, {{runOnly: {RULES}, resultTypes: ['violations'], iframes: false}})\
         .then(found => found.violations.map(one => [one.id, one.help, \
         one.nodes.slice(0, 5).map(node => node.html.slice(0, 200) + ' ' + node.failureSummary).join('\\n    ')]))"
    );
    let found = tab.ask(&run);
    let said = |one: &Value| format!("{}: {}\n    {}", text(&one[0]), text(&one[1]), text(&one[2]));
    found.as_array().unwrap().iter().map(said).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
