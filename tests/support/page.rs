//! A page as a browser would take it apart: its elements and their attributes.

/// One opening tag.
#[derive(Clone, Debug)]
pub struct Element {
    pub name: String,
    /// Values as they stand in the page, still escaped.
    pub attributes: Vec<(String, String)>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// All opening tags, in order. Every `<` in a page begins a tag: ours escape it in text.
pub fn elements(page: &str) -> Vec<Element> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with(['/', '!']) {
            continue;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
        let (name, more) = rest.split_at(end);
        let (attributes, after) = attributes(more);
        found.push(Element { name: name.to_lowercase(), attributes });
        rest = after;
    }
    found
}

/// The attributes up to `>`, and what follows it.
fn attributes(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with('>') {
            return (found, rest.get(1..).unwrap_or_default());
        }
        let end =
            rest[1..].find(|c: char| c.is_whitespace() || matches!(c, '=' | '>')).map_or(rest.len(), |end| end + 1);
        let (name, more) = rest.split_at(end);
        let (value, after) = more.strip_prefix('=').map_or(("", more), value);
        found.push((name.to_lowercase(), value.to_owned()));
        rest = after;
    }
}

/// A value, quoted or not, and what follows it.
fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(text.len()))
}

#[test]
fn a_page_is_taken_apart_as_a_browser_does_it() {
    let found = elements("<p title=\"a > 'b'\" x=1 checked>&#60;i><b\nonclick='y'></b>");
    let names: Vec<_> = found.iter().map(|element| element.name.as_str()).collect();
    assert_eq!(names, ["p", "b"]);
    assert_eq!(found[0].attribute("title"), Some("a > 'b'"));
    assert_eq!(found[0].attributes.len(), 3);
    assert_eq!(found[1].attribute("onclick"), Some("y"));
}
