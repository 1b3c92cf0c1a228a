//! What narrows and orders a search: kinds beside each other, columns, sizes, nodes.

use uuid::Uuid;

use super::asked::Asked;
use crate::http::App;
use crate::http::say::Say;
use crate::neighbours::Neighbour;
use crate::search::{By, Found, Order};
use crate::wire::Kind;

/// Nodes among which one may choose; beyond, their pages are the way.
const NODES_SHOWN: usize = 200;

/// A kind that may be chosen.
pub(super) struct Chip {
    pub(super) icon: &'static str,
    pub(super) label: String,
    pub(super) count: String,
    pub(super) href: String,
    pub(super) is_chosen: bool,
}

/// A column by which may be sorted.
pub(super) struct Column {
    pub(super) label: String,
    pub(super) href: String,
    /// `ascending` or `descending`, if it is sorted by it.
    pub(super) sorted: Option<&'static str>,
}

/// One of several that may be chosen from a list.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) is_chosen: bool,
}

/// A filter that holds back, and the address without it.
pub(super) struct Held {
    pub(super) label: String,
    pub(super) href: String,
}

/// Kinds that are there, and those that were chosen.
pub(super) fn chips(asked: &Asked, found: &Found, say: Say) -> Vec<Chip> {
    let chip = |(kind, count): (Kind, &usize)| {
        let is_chosen = asked.kinds.has(kind);
        (*count > 0 || is_chosen).then(|| Chip {
            icon: kind.as_str(),
            label: say.t(kind_key(kind)),
            count: say.number(*count),
            href: asked.toggled(kind).to_string(),
            is_chosen,
        })
    };
    Kind::ALL.into_iter().zip(&found.kinds).filter_map(chip).collect()
}

fn kind_key(kind: Kind) -> &'static str {
    match kind {
        Kind::Video => "search-video",
        Kind::Audio => "search-audio",
        Kind::Picture => "search-picture",
        Kind::Document => "search-document",
        Kind::Archive => "search-archive",
        Kind::Program => "search-program",
        Kind::Other => "search-other",
    }
}

/// The columns of the table, but for what can be done.
pub(super) fn columns(asked: &Asked, say: Say) -> [Column; 4] {
    [By::Name, By::Size, By::Holders, By::Age].map(|by| {
        // As a column has it, from its top: names rise, all else falls.
        let falls = (by != By::Name) != asked.order.reversed;
        Column {
            label: say.t(column_key(by)),
            href: asked.sorted_by(by).to_string(),
            sorted: (asked.order.by == by).then_some(if falls { "descending" } else { "ascending" }),
        }
    })
}

fn column_key(by: By) -> &'static str {
    match by {
        By::Relevance => "search-order-relevance",
        By::Name => "search-column-name",
        By::Size => "search-column-size",
        By::Holders => "search-column-holders",
        By::Age => "search-column-age",
    }
}

/// All orders, for where there are no columns.
pub(super) fn orders(asked: &Asked, say: Say) -> Vec<Choice> {
    let orders = [
        ("relevance", "search-order-relevance"),
        ("name", "search-order-name"),
        ("-name", "search-order-name-back"),
        ("size", "search-order-size"),
        ("-size", "search-order-size-back"),
        ("holders", "search-order-holders"),
        ("age", "search-order-age"),
        ("-age", "search-order-age-back"),
    ];
    let choice = |(value, key): (&str, &str)| Choice {
        value: value.into(),
        label: say.t(key),
        is_chosen: Order::parse(value) == Some(asked.order),
    };
    orders.into_iter().map(choice).collect()
}

/// All who may be asked about alone: this node, and the others in their order.
pub(super) fn nodes(asked: &Asked, app: &App, neighbours: &[Neighbour]) -> Vec<Choice> {
    let choice =
        |uuid: Uuid, label: String| Choice { value: uuid.to_string(), label, is_chosen: asked.on == Some(uuid) };
    let ours = choice(app.uuid, app.name.to_string());
    let theirs = neighbours.iter().map(|neighbour| choice(neighbour.uuid, called(neighbour)));
    std::iter::once(ours).chain(theirs).take(NODES_SHOWN).collect()
}

fn called(neighbour: &Neighbour) -> String {
    let address = || neighbour.addresses().first().map(|address| address.service.ip().to_string());
    match neighbour.name.as_str() {
        "" => address().unwrap_or_default(),
        name => name.to_owned(),
    }
}

/// What holds back beside the kinds, each to be taken away.
pub(super) fn held(asked: &Asked, nodes: &[Choice], say: Say) -> Vec<Held> {
    let without = |change: fn(&mut Asked)| {
        let mut asked = Asked { page: 1, ..asked.clone() };
        change(&mut asked);
        asked.to_string()
    };
    let filters = asked.filters();
    let mut held = Vec::new();
    if let Some(bytes) = filters.least_bytes {
        let label = say.t1("search-at-least", "size", say.size(bytes));
        held.push(Held { label, href: without(|asked| asked.least.clear()) });
    }
    if let Some(bytes) = filters.most_bytes {
        let label = say.t1("search-at-most", "size", say.size(bytes));
        held.push(Held { label, href: without(|asked| asked.most.clear()) });
    }
    if asked.on.is_some() {
        let name = nodes.iter().find(|node| node.is_chosen).map(|node| node.label.clone());
        let label = name.map_or_else(|| say.t("search-on-gone"), |name| say.t1("search-only-on", "node", name));
        held.push(Held { label, href: without(|asked| asked.on = None) });
    }
    held
}
